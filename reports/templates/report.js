"use strict";
(() => {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const canvases = [...document.querySelectorAll(".canvas")];
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;

  const colour = (name) =>
    getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  // The data carry roles; the style sheet says what a role looks like here and now.
  function themed(figure, width) {
    const { data, layout } = structuredClone(figure);
    const ink = colour("ink"), soft = colour("soft"), rule = colour("rule"), card = colour("card");
    for (const trace of data) {
      const role = trace.meta.role;
      if (role === "staircase") {
        trace.line.color = colour("front");
        continue;
      }
      trace.marker.color = colour(role);
      trace.marker.line.color = colour(role);
      if (trace.error_x) trace.error_x.color = colour(role);
    }
    for (const shape of layout.shapes) shape.line.color = colour(shape.name);
    for (const note of layout.annotations) note.font = { color: colour(note.name), size: 12 };
    const axis = {
      gridcolor: rule, zeroline: false, linecolor: rule, tickcolor: rule, automargin: true,
      tickfont: { color: soft },
    };
    layout.xaxis = { ...layout.xaxis, ...axis };
    layout.yaxis = { ...layout.yaxis, ...axis };
    return {
      data,
      layout: {
        ...layout,
        width,
        autosize: width === undefined,
        showlegend: false,
        paper_bgcolor: "rgba(0,0,0,0)",
        plot_bgcolor: "rgba(0,0,0,0)",
        font: { color: ink, family: getComputedStyle(document.body).fontFamily, size: 13 },
        hoverlabel: { bgcolor: card, bordercolor: soft, font: { color: ink }, align: "left" },
        modebar: { bgcolor: "rgba(0,0,0,0)", color: soft, activecolor: colour("front") },
        hovermode: "closest",
        dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
        margin: { l: 56, r: 16, t: 28, b: 48 },
      },
    };
  }

  function draw(width) {
    for (const canvas of canvases) {
      const { data, layout } = themed(figures[canvas.dataset.figure], width);
      Plotly.react(canvas, data, layout, {
        responsive: width === undefined,
        displaylogo: false,
        // Named one by one: by default Plotly offers to upload the chart to its own server.
        modeBarButtons: [["toImage", "zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]],
        showSendToCloud: false,
        plotlyServerURL: "",
      });
    }
  }

  function find(section, trial) {
    section.querySelectorAll("tr.found").forEach((row) => row.classList.remove("found"));
    const row = section.querySelector(`tr[data-trial="${Number(trial)}"]`);
    if (!row) return;
    row.classList.add("found");
    row.scrollIntoView({ block: "center", inline: "nearest", behavior: still ? "auto" : "smooth" });
  }

  function sortBy(heading) {
    const table = heading.closest("table"), body = table.tBodies[0], at = heading.cellIndex;
    const up = heading.getAttribute("aria-sort") !== "ascending";
    table.querySelectorAll("thead th").forEach((other) => other.removeAttribute("aria-sort"));
    heading.setAttribute("aria-sort", up ? "ascending" : "descending");
    const value = (row) => {
      const cell = row.cells[at], key = cell.dataset.sort;
      if (key === undefined) return cell.textContent.trim();
      return key === "" ? null : Number(key);
    };
    const compare = (a, b) => {
      const x = value(a), y = value(b);
      // What is unknown stays at the end, whichever way the rest is sorted.
      if (x === null || x === "") return y === null || y === "" ? 0 : 1;
      if (y === null || y === "") return -1;
      const order = typeof x === "number" ? x - y : x.localeCompare(y, "en", { numeric: true });
      return up ? order : -order;
    };
    [...body.rows].sort(compare).forEach((row) => body.append(row));
  }

  document.querySelectorAll(".sortable thead button").forEach((button) =>
    button.addEventListener("click", () => sortBy(button.closest("th"))));

  draw();
  for (const canvas of canvases) {
    canvas.on("plotly_click", (event) => {
      const trial = event.points[0].customdata;
      if (trial !== undefined) find(canvas.closest("section"), trial);
    });
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw());
  addEventListener("beforeprint", () => draw(640));
  addEventListener("afterprint", () => draw());
})();
