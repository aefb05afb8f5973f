"use strict";
// "Best under 40 ms on all of them": the winner on every device, and what exports it.
(() => {
  const form = document.querySelector(".picker.joint");
  if (!form) return;
  const { names, forms, rows } = report.joint;
  const field = form.querySelector("input");
  const status = form.querySelector("[role=status]");
  const commands = form.querySelector(".commands");
  const least = (values) => Math.min(...values), most = (values) => Math.max(...values);

  function told(row) {
    const each = row.latency.map((ms, at) => `${ms.toPrecision(3)} ms on ${names[at]}`).join(", ");
    const worse = row.worse ? " ✗ It is no better than bicubic upscaling, which needs no model." : "";
    return `${row.code}: ${each}; ${least(row.psnr).toFixed(2)} dB.${worse}`;
  }

  function show(row) {
    const of = row ? (row.same ? [0] : names.map((_, at) => at)) : [];
    commands.replaceChildren(...of.map((at) => {
      const pre = document.createElement("pre"), code = document.createElement("code");
      pre.className = "command";
      code.textContent = forms[at][0] + row.trials[at] + forms[at][1];
      pre.append(code);
      pre.dataset.label = row.same ? "command that exports it" : `command that exports that of ${names[at]}`;
      return pre;
    }));
    commands.querySelectorAll("pre").forEach(copyable);
  }

  function pick(touched = true) {
    const limit = field.value === "" ? Infinity : Number(field.value);
    const within = rows.filter((row) => most(row.latency) <= limit);
    const [winner] = [...within].sort((a, b) =>
      least(b.psnr) - least(a.psnr) || most(a.latency) - most(b.latency));
    const asked = field.value === "" ? "" : ` at most ${limit} ms on each of ${names.length} devices`;
    if (winner) {
      const among = asked ? `of ${within.length} that take${asked}` : `of all ${rows.length}`;
      status.textContent = `Best picture ${among}: ${told(winner)}`;
    } else {
      const near = [...rows].sort((a, b) => most(a.latency) - most(b.latency))[0];
      status.textContent = `No candidate takes${asked}. Nearest: ${told(near)}`;
    }
    show(winner);
    if (touched) address.set("joint", field.value === "" ? [] : [["latency", field.value]]);
  }

  const kept = address.of("joint");
  if (kept) field.value = Number.isFinite(Number(kept.get("latency") ?? NaN)) ? kept.get("latency") : "";
  field.addEventListener("input", () => pick());
  form.hidden = false;
  pick(false);
})();
