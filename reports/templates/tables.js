"use strict";
// Sorting by a heading. What is unknown stays at the end, whichever way the rest is sorted.
(() => {
  function value(row, at) {
    const cell = row.cells[at], key = cell.dataset.sort;
    if (key === undefined) return cell.textContent.trim() || null;
    return key === "" ? null : Number(key);
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
})();
