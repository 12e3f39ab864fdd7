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

// Who leaves a list or a search that lies over the page is at the button again that opened
// it, unless he has gone to where he wanted.
(() => {
  let opener;
  const note = ({ target }) => (opener = target.closest("button") ?? opener);
  document.addEventListener("click", note, { capture: true });
  for (const dialog of document.querySelectorAll("dialog"))
    dialog.addEventListener("close", async () => {
      const { returnValue } = dialog;
      dialog.returnValue = "";
      await new Promise(setTimeout); // the theme moves what was in it
      const at = document.activeElement;
      const lost = at === document.body || !at.checkVisibility({ visibilityProperty: true });
      if (lost && returnValue !== "chosen") opener?.focus({ preventScroll: true });
    });
})();

// The list of contents marks the section that the reader is in, and those it is part of:
// the last one that begins above the place where a link to a section leads. What is below
// that place at the page's end never comes up to it: there the section that was asked
// for counts, or else the last one.
(() => {
  const list = document.getElementById("pst-page-toc-nav");
  if (!list) return;
  const links = [...list.querySelectorAll(".nav-link")];
  const name = link => decodeURIComponent(link.hash.slice(1));
  const sections = links.map(link => document.getElementById(name(link)));
  const page = document.documentElement;
  const lands = parseFloat(getComputedStyle(page).scrollPaddingTop) + 2;
  const here = () => {
    const tops = sections.map(one => one.getBoundingClientRect().top);
    const last = tops.findLastIndex(top => top <= lands);
    if (scrollY + innerHeight < page.scrollHeight - 2) return last;
    const asked = links.findIndex(one => one.hash === location.hash);
    return asked > last && tops[asked] < innerHeight ? asked : links.length - 1;
  };
  const mark = () => {
    const link = links[here()];
    for (const one of links) {
      one.classList.toggle("active", !!link && one.parentElement.contains(link));
      if (one === link) one.ariaCurrent = "location";
      else one.removeAttribute("aria-current");
    }
  };
  // In a narrow window it lies over the page: who has chosen wants to see the page.
  list.addEventListener("click", ({ target }) => {
    if (target.closest("a")) list.closest("dialog")?.close("chosen");
  });
  for (const change of ["scroll", "resize", "hashchange"])
    addEventListener(change, mark, { passive: true });
  mark();
})();
