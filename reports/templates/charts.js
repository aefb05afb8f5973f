"use strict";
// What hovering, touching and the keyboard add to the front that is drawn already.

(() => {
  const REACH = 28; // How far, in pixels of the screen, a pointer may be from what it means.
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;

  // Shows a candidate's row and goes there; Escape goes back to where one came from.
  function find(section, trial, from) {
    section.querySelectorAll("tr.found").forEach((row) => row.classList.remove("found"));
    const row = section.querySelector(`tr[data-trial="${Number(trial)}"]`);
    if (!row) return;
    row.classList.add("found");
    row.tabIndex = -1;
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "center", inline: "nearest", behavior: still ? "auto" : "smooth" });
    row.onkeydown = (event) => {
      if (event.key !== "Escape") return;
      from.focus();
      from.scrollIntoView({ block: "nearest" });
    };
  }

  function interact(figure, svg) {
    const { dots } = report[figure.dataset.section];
    const tip = figure.querySelector(".tip");
    const marks = [...svg.querySelectorAll(".dot")]
      .map((mark) => ({ mark, dot: dots[Number(mark.dataset.i)] }))
      .sort((a, b) => a.dot.latency - b.dot.latency || (a.dot.psnr ?? 0) - (b.dot.psnr ?? 0));
    svg.classList.toggle("many", marks.length > 150);
    svg.setAttribute("role", "group");
    marks.forEach(({ mark, dot }, at) => {
      mark.setAttribute("role", "img");
      mark.setAttribute("aria-label", dot.lines.join("; "));
      mark.setAttribute("tabindex", at === 0 ? "0" : "-1");
    });
    const entry = marks.find(({ dot }) => dot.role === "chosen");
    if (entry) enter(entry);

    function enter({ mark }) {
      marks.forEach((other) => other.mark.setAttribute("tabindex", other.mark === mark ? "0" : "-1"));
    }

    function tell({ mark, dot }) {
      hush();
      mark.classList.add("told");
      tip.replaceChildren(...dot.lines.map((words) => {
        const line = document.createElement("p");
        line.textContent = words;
        return line;
      }));
      tip.hidden = false;
      const at = mark.querySelector(".mark").getBoundingClientRect();
      const frame = figure.getBoundingClientRect();
      const x = at.left + at.width / 2 - frame.left, y = at.top - frame.top;
      const left = x + 14 + tip.offsetWidth < frame.width ? x + 14 : x - 14 - tip.offsetWidth;
      tip.style.left = `${Math.max(4, Math.min(left, frame.width - tip.offsetWidth - 4))}px`;
      const above = y - tip.offsetHeight - 8;
      tip.style.top = `${above > 4 ? above : y + at.height + 10}px`;
    }

    function hush() {
      tip.hidden = true;
      marks.forEach(({ mark }) => mark.classList.remove("told"));
    }

    function nearest(event) {
      let best = null, reach = REACH;
      for (const one of marks) {
        const box = one.mark.querySelector(".mark").getBoundingClientRect();
        const away = Math.hypot(
          box.left + box.width / 2 - event.clientX, box.top + box.height / 2 - event.clientY);
        if (away < reach) [best, reach] = [one, away];
      }
      return best;
    }

    for (const kind of ["pointermove", "pointerdown"]) {
      svg.addEventListener(kind, (event) => {
        const one = nearest(event);
        if (one) tell(one); else hush();
      });
    }
    svg.addEventListener("pointerleave", hush);
    svg.addEventListener("click", (event) => {
      const one = nearest(event);
      // A finger's first touch tells; the row is a mouse's or a key's to find.
      if (one && !matchMedia("(pointer: coarse)").matches) find(figure.closest("section"), one.dot.trial, one.mark);
    });
    svg.addEventListener("focusin", (event) => {
      const one = marks.find(({ mark }) => mark === event.target);
      if (one) tell(one);
    });
    svg.addEventListener("focusout", hush);
    svg.addEventListener("keydown", (event) => {
      const at = marks.findIndex(({ mark }) => mark === event.target);
      if (at < 0) return;
      const last = marks.length - 1;
      const moves = {
        ArrowRight: at + 1, ArrowUp: at + 1, ArrowLeft: at - 1, ArrowDown: at - 1, Home: 0, End: last,
      };
      if (event.key in moves) {
        const next = marks[Math.max(0, Math.min(last, moves[event.key]))];
        enter(next);
        next.mark.focus();
      } else if (event.key === "Enter") {
        find(figure.closest("section"), marks[at].dot.trial, marks[at].mark);
      } else if (event.key === "Escape") {
        hush();
      } else {
        return;
      }
      event.preventDefault();
    });
  }

  for (const link of document.querySelectorAll("a[data-trial]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      find(link.closest("section"), link.dataset.trial, link);
    });
  }
  for (const figure of document.querySelectorAll(".plot[data-section]")) {
    figure.querySelectorAll(".front-chart").forEach((svg) => interact(figure, svg));
  }
})();
