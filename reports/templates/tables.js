"use strict";
// Sorting by a heading, and which columns are shown. What is unknown stays at the end, whichever
// way the rest is sorted.
(() => {
  function value(row, at) {
    const cell = row.cells[at], text = cell.textContent.trim();
    if (cell.dataset.sort !== undefined) return Number(cell.dataset.sort);
    if (!cell.classList.contains("number") && cell.tagName !== "TH") return text || null;
    const number = parseFloat(text.replaceAll(",", "").replace("−", "-").replace(/^[<>+]/, ""));
    return Number.isNaN(number) ? null : number;
  }

  function sortBy(heading) {
    const table = heading.closest("table"), body = table.tBodies[0], at = heading.cellIndex;
    const up = heading.getAttribute("aria-sort") !== "ascending";
    table.querySelectorAll("thead th").forEach((other) => other.removeAttribute("aria-sort"));
    heading.setAttribute("aria-sort", up ? "ascending" : "descending");
    const compare = (a, b) => {
      const x = value(a, at), y = value(b, at);
      if (x === null || y === null) return (x === null) - (y === null);
      const order = typeof x === "number" ? x - y : x.localeCompare(y, "en", { numeric: true });
      return up ? order : -order;
    };
    body.append(...[...body.rows].sort(compare));
  }

  document.querySelectorAll(".sortable thead button").forEach((button) =>
    button.addEventListener("click", () => sortBy(button.closest("th"))));

  for (const choice of document.querySelectorAll(".columns-choice")) {
    const table = document.getElementById(choice.querySelector("fieldset").dataset.table);
    choice.querySelectorAll("input").forEach((box) => {
      box.addEventListener("change", () => table.classList.toggle(`hide-${box.value}`, !box.checked));
      // A browser may remember what was ticked when the page is loaded again.
      table.classList.toggle(`hide-${box.value}`, !box.checked);
    });
    choice.hidden = false;
  }
})();
