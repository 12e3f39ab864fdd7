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
