"use strict";
// "Best under X ms, above Y dB, below Z MB": names the winner and the command that exports it.
(() => {
  const HOLDS = {
    latency: (dot, limit) => dot.latency <= limit,
    psnr: (dot, limit) => dot.psnr >= limit,
    memory: (dot, limit) => dot.memory <= limit,
  };
  const LIMITS = {
    latency: (value) => `at most ${value} ms`,
    psnr: (value) => `at least ${value} dB`,
    memory: (value) => `at most ${value} MB`,
  };
  // What is better comes first; equals are told apart by the other two.
  const WISHES = {
    psnr: (a, b) => b.psnr - a.psnr || a.latency - b.latency || a.memory - b.memory,
    latency: (a, b) => a.latency - b.latency || b.psnr - a.psnr || a.memory - b.memory,
    memory: (a, b) => a.memory - b.memory || b.psnr - a.psnr || a.latency - b.latency,
  };

  function share(axis, value) {
    const [low, high, start, end] = axis.split(" ").map(Number);
    const at = start + ((value - low) / (high - low)) * (end - start);
    return { at, inside: value >= low && value <= high, start, end };
  }

  function draw(svg, dots, within, limits, binding, winner) {
    svg.querySelectorAll(".dot").forEach((mark) => {
      mark.classList.toggle("out", !within.has(dots[Number(mark.dataset.i)]));
    });
    const overlay = svg.querySelector(".overlay");
    const shape = (name, values) => {
      const made = document.createElementNS("http://www.w3.org/2000/svg", name);
      for (const [key, value] of Object.entries(values)) made.setAttribute(key, value);
      return made;
    };
    const x = share(svg.dataset.x, limits.latency), y = share(svg.dataset.y, limits.psnr);
    const drawn = [];
    if (x.inside && binding.includes("latency")) drawn.push(shape("line", { class: "mine", x1: x.at, x2: x.at, y1: y.start, y2: y.end }));
    if (y.inside && binding.includes("psnr")) drawn.push(shape("line", { class: "mine", x1: x.start, x2: x.end, y1: y.at, y2: y.at }));
    if (winner) {
      const cx = share(svg.dataset.x, winner.latency).at, cy = share(svg.dataset.y, winner.psnr).at;
      drawn.push(shape("circle", { cx, cy, r: 12 }));
    }
    overlay.replaceChildren(...drawn);
  }

  function words(winner, limits, binding, count, wish) {
    const given = binding.map((name) => LIMITS[name](limits[name])).join(", ");
    if (!winner) return `No candidate has ${given}. Loosen a limit.`;
    const what = { psnr: "Best picture", latency: "Fastest", memory: "Smallest in memory" }[wish];
    const memory = winner.memory === null ? "" : `, ${winner.memory.toFixed(1)} MB`;
    const among = given ? `of ${count} with ${given}` : `of all ${count}`;
    let text = `${what} ${among}: trial ${winner.trial} (${winner.code}), ` +
      `${winner.interval} ms, ${winner.psnr.toFixed(2)} dB${memory}.`;
    if (winner.high !== null && winner.high > limits.latency) {
      text += " Its latency interval reaches past the limit.";
    }
    if (winner.tie) text += " Whether it is on the front is a tie.";
    if (winner.role === "infeasible") text += " It breaks a constraint of the study.";
    return text;
  }

  function start(form) {
    const { dots, forms } = report[form.dataset.section];
    const judged = dots.filter((dot) => dot.psnr !== null);
    const charts = document.querySelectorAll(`.plot[data-section="${form.dataset.section}"] .front-chart`);
    const status = form.querySelector("[role=status]");
    const command = form.querySelector("pre");
    const knobs = [...form.querySelectorAll(".knob")].map((knob) => ({
      name: knob.dataset.knob,
      slider: knob.querySelector("[type=range]"),
      field: knob.querySelector("[type=number]"),
    }));

    // On opening, the plot is shown as it is; from the first change on, as the limits leave it.
    function pick(touched = true) {
      const limits = {};
      for (const { name, field, slider } of knobs) {
        const value = field.value === "" ? Number(slider.value) : Number(field.value);
        limits[name] = value;
        slider.setAttribute("aria-valuetext", LIMITS[name](value));
      }
      const wish = form.querySelector("[type=radio]:checked").value;
      const within = judged.filter((dot) =>
        Object.entries(limits).every(([name, limit]) => HOLDS[name](dot, limit)));
      // A limit that shuts nobody out is none.
      const binding = Object.keys(limits).filter((name) =>
        judged.some((dot) => !HOLDS[name](dot, limits[name])));
      const [winner] = [...within].sort(WISHES[wish]);
      status.textContent = words(winner, limits, binding, within.length, wish);
      command.hidden = !winner;
      if (winner) {
        const [before, after] = forms[winner.command[0]];
        command.firstElementChild.textContent = before + winner.command[1] + after;
      }
      if (!touched) return;
      charts.forEach((svg) => draw(svg, dots, new Set(within), limits, binding, winner));
    }

    for (const { slider, field } of knobs) {
      slider.addEventListener("input", () => { field.value = slider.value; pick(); });
      field.addEventListener("input", () => { slider.value = field.value; pick(); });
    }
    form.querySelectorAll("[type=radio]").forEach((radio) => radio.addEventListener("change", () => pick()));
    form.hidden = false;
    pick(false);
  }

  document.querySelectorAll(".picker").forEach(start);
})();
