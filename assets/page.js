// A page that is printed from the browser has its folds open and is light; afterwards
// it is as it was.
(() => {
  const page = document.documentElement;
  let closed = [];
  let theme;
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll(".bd-article details:not([open])")];
    for (const fold of closed) fold.open = true;
    theme = page.dataset.theme;
    page.dataset.theme = "light";
  });
  addEventListener("afterprint", () => {
    for (const fold of closed) fold.open = false;
    page.dataset.theme = theme;
  });
})();

// Who comes to a section stays at it while what stands before it is drawn, formulas and
// explorers, for some seconds or until he moves.
(() => {
  const place = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const article = document.querySelector(".bd-article");
  if (!place || !article) return;
  const stay = new ResizeObserver(() => place.scrollIntoView({ behavior: "instant" }));
  stay.observe(article);
  const end = () => stay.disconnect();
  for (const moved of ["wheel", "touchstart", "pointerdown", "keydown"])
    addEventListener(moved, end, { once: true, passive: true });
  addEventListener("load", () => setTimeout(end, 4000));
})();
