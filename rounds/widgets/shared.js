// What the explorers share: rounds/widgets/explorer.py puts it before each one's own
// script, and the two are one module.

/**
 * Lay out `html` in `el`. Returns the element round it as `root`, and every element
 * that has a data-part by that name.
 */
function layOut(el, html) {
  const root = document.createElement("div");
  root.className = "rounds-w";
  root.innerHTML = html;
  el.append(root);
  const parts = root.querySelectorAll("[data-part]");
  return { root, ...Object.fromEntries(Array.from(parts, (e) => [e.dataset.part, e])) };
}

/** The html of a row of figures: names by the part that each figure is written into. */
function figures(names) {
  const figure = ([part, name]) =>
    `<div><dt>${name}</dt><dd data-part="${part}"></dd></div>`;
  const all = Object.entries(names).map(figure).join("");
  return `<dl class="rounds-w-figures" aria-live="polite">${all}</dl>`;
}

/** 12345 as "12,345". */
const count = (number) => number.toLocaleString("en-US");

/** 0.0312 as "3.12 %". */
function percent(share) {
  if (share > 0 && share < 1e-4) return "< 0.01 %";
  return `${(100 * share).toFixed(share >= 0.1 ? 1 : 2)} %`;
}

const MARKS = { " ": "\u2423", "\n": "\u23ce", "\t": "\u21e5" };

/** A text with its blanks to be seen, and its invisible characters by number. */
function visible(text) {
  return text.replace(/[\p{C}\p{Z}]|^\p{M}/gu, (sign) => {
    if (/\p{M}/u.test(sign)) return `\u25cc${sign}`;
    const number = sign.codePointAt(0).toString(16).toUpperCase();
    return MARKS[sign] ?? `<U+${number.padStart(4, "0")}>`;
  });
}

/** The bytes of a Bytes trait, however the page's widget manager hands them over. */
function view(bytes) {
  return new DataView(bytes.buffer ?? bytes, bytes.byteOffset ?? 0, bytes.byteLength);
}

/**
 * Draw now, then once per frame at most whenever one of the traits changes. Returns
 * the end of it.
 */
function follow(model, traits, draw) {
  let pending = 0;
  const soon = () => {
    pending ||= requestAnimationFrame(() => {
      pending = 0;
      draw();
    });
  };
  for (const trait of traits) model.on(`change:${trait}`, soon);
  draw();
  return () => {
    cancelAnimationFrame(pending);
    for (const trait of traits) model.off(`change:${trait}`, soon);
  };
}

/**
 * Give the handles of the sliders beside `el` a name and their value in words: from
 * ipywidgets they have no name, and the value may be a place in a list. What such a
 * list's slider shows can be edited there, and is then no entry: here it cannot. The
 * sliders come when they come, so it watches; returns the end of that.
 */
function nameHandles(el) {
  const part = (handle, name) => {
    const slider = handle.closest(".widget-slider");
    return slider.querySelector(`.widget-${name}`)?.textContent;
  };
  const say = (handle, attribute, words) => {
    if (!words || handle.getAttribute(attribute) === words) return;
    handle.setAttribute(attribute, words);
  };
  let found = false;
  const watcher = new MutationObserver(name);
  const within = { childList: true, subtree: true };
  function name() {
    const controls = el
      .closest(".rounds-explorer")
      ?.querySelector(".rounds-controls");
    if (!controls) return;
    for (const handle of controls.querySelectorAll(".noUi-handle")) {
      say(handle, "aria-label", part(handle, "label"));
      say(handle, "aria-valuetext", part(handle, "readout"));
    }
    for (const readout of controls.querySelectorAll(".rounds-listed .widget-readout"))
      if (readout.isContentEditable) readout.contentEditable = "false";
    if (found) return;
    found = true;
    // From here on only the controls, and also when a value changes.
    watcher.disconnect();
    watcher.observe(controls, { ...within, attributeFilter: ["aria-valuenow"] });
  }
  watcher.observe(document.body, within);
  name();
  return () => watcher.disconnect();
}
