"use strict";
// What scrolls can be reached with Tab; what fits is no stop on the way.
(() => {
  const watch = new ResizeObserver((entries) => entries.forEach(({ target }) => {
    const box = target.matches(".scroll") ? target : target.closest(".scroll");
    const more = box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1;
    if (more) box.tabIndex = 0; else box.removeAttribute("tabindex");
  }));
  for (const box of document.querySelectorAll(".scroll")) {
    watch.observe(box);
    [...box.children].forEach((child) => watch.observe(child));
  }
})();
