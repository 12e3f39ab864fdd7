// On a page with widgets: after require.js, before html-manager's embed-amd.js.
(() => {
  // html-manager asks for a widget's script by name; they lie beside this one
  // (anywidget.js), at whatever depth the page is.
  const here = new URL(".", document.currentScript.src).href;
  window.requirejs.config({ baseUrl: here });

  // It hands labels to MathJax 2, and where a page has formulas the site has version 3.
  if (window.MathJax) window.MathJax.Hub ??= { Queue() {} };
})();
