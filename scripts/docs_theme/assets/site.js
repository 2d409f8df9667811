// The theme wraps wide tables into boxes that scroll: keys reach them, too (WCAG 2.1.1).
addEventListener("load", () => {
  for (const box of document.querySelectorAll(".md-typeset__scrollwrap")) box.tabIndex = 0;
});
