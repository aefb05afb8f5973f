"use strict";
// "Best under X ms, above Y dB, below Z MB": names the winner and the command that exports it.
// A limit is a number, or null for none.
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
    const x = share(svg.dataset.x, limits.latency ?? NaN), y = share(svg.dataset.y, limits.psnr ?? NaN);
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
    if (winner.worse) text += " ✗ It is no better than bicubic upscaling, which needs no model.";
    if (limits.latency !== null && winner.high !== null && winner.high > limits.latency) {
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
      free: Number(knob.dataset.free),
      slider: knob.querySelector("[type=range]"),
      field: knob.querySelector("[type=number]"),
    }));
    const wishes = [...form.querySelectorAll("[type=radio]")];

    // An empty field is no limit; so is the end of a slider that says so.
    function set({ field, slider, free }, value) {
      field.value = value ?? "";
      slider.value = value ?? free;
    }

    // On opening, the plot is shown as it is; from the first change on, as the limits leave it.
    function pick(touched = true) {
      const limits = {};
      for (const { name, field, slider } of knobs) {
        limits[name] = field.value === "" ? null : Number(field.value);
        slider.setAttribute("aria-valuetext", limits[name] === null ? "no limit" : LIMITS[name](limits[name]));
      }
      const wish = wishes.find((radio) => radio.checked).value;
      const given = Object.entries(limits).filter(([, limit]) => limit !== null);
      const within = judged.filter((dot) => given.every(([name, limit]) => HOLDS[name](dot, limit)));
      // A limit that shuts nobody out need not be told.
      const binding = given.map(([name]) => name).filter((name) =>
        judged.some((dot) => !HOLDS[name](dot, limits[name])));
      const [winner] = [...within].sort(WISHES[wish]);
      status.textContent = words(winner, limits, binding, within.length, wish);
      status.classList.toggle("caveat", Boolean(winner && winner.worse));
      command.hidden = !winner;
      if (winner) {
        const [before, after] = forms[winner.command[0]];
        command.querySelector("code").textContent = before + winner.command[1] + after;
      }
      if (!touched) return;
      charts.forEach((svg) => draw(svg, dots, new Set(within), limits, binding, winner));
      address.set(form.dataset.section, [...given, ["wish", wish]]);
    }

    function restore(kept) {
      for (const knob of knobs) {
        const value = Number(kept.get(knob.name));
        set(knob, kept.has(knob.name) && Number.isFinite(value) ? value : null);
      }
      const wish = wishes.find((radio) => radio.value === kept.get("wish"));
      if (wish) wish.checked = true;
    }

    for (const knob of knobs) {
      const { slider, field, free } = knob;
      slider.addEventListener("input", () => {
        field.value = Number(slider.value) === free ? "" : slider.value;
        pick();
      });
      field.addEventListener("input", () => {
        slider.value = field.value === "" ? free : field.value;
        pick();
      });
    }
    wishes.forEach((radio) => radio.addEventListener("change", () => pick()));
    form.querySelector("[data-do=clear]").addEventListener("click", () => {
      knobs.forEach((knob) => set(knob, null));
      pick();
    });
    const kept = address.of(form.dataset.section);
    if (kept) restore(kept);
    form.hidden = false;
    pick(Boolean(kept));
  }

  document.querySelectorAll(".picker[data-section]").forEach(start);
})();
