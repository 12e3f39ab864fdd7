// On the search page: excerpts come from the text of a page, not from its buttons.
document.addEventListener("DOMContentLoaded", () => {
  const whole = Search.htmlToText;
  Search.htmlToText = (html, anchor) => {
    const page = new DOMParser().parseFromString(html, "text/html");
    const around =
      ".bd-header-article, .rounds-bar, #jb-print-docs-body, .bd-article ~ *, " +
      ".bd-sidebar-secondary, .bd-footer-content";
    for (const part of page.querySelectorAll(around)) part.remove();
    return whole(page.documentElement.outerHTML, anchor);
  };
});
