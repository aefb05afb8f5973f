"use strict";
// Any two pictures in the same place, one after the other, with the original beside them.
(() => {
  function start(viewer) {
    const name = viewer.dataset.section, gain = Number(viewer.dataset.gain);
    const { crops } = report[name];
    const picks = Object.fromEntries([...viewer.querySelectorAll("select")].map((one) => [one.dataset.pick, one]));
    const shows = Object.fromEntries([...viewer.querySelectorAll("[data-shows]")].map((one) => [one.dataset.shows, one]));
    const words = viewer.querySelector("[role=status]");
    const flip = viewer.querySelector("[data-do=flip]");
    let showing = "two";

    const source = (key, at) => crops[at].others[key] ??
      document.querySelector(`img[data-crop="${name}-${key}-${at}"]`).src;

    async function pixels(address, side) {
      const image = new Image();
      image.src = address;
      await image.decode();
      const canvas = document.createElement("canvas");
      canvas.width = canvas.height = side;
      const pen = canvas.getContext("2d", { willReadFrequently: true });
      pen.drawImage(image, 0, 0);
      return pen.getImageData(0, 0, side, side);
    }

    // Y of BT.601, 16 to 235, as the PSNR has it.
    const luma = (data, i) => (65.481 * data[i] + 128.553 * data[i + 1] + 24.966 * data[i + 2]) / 255;

    async function difference(key, at) {
      const { side } = crops[at];
      const [one, truth] = await Promise.all([pixels(source(key, at), side), pixels(source("truth", at), side)]);
      const canvas = shows.difference;
      canvas.width = canvas.height = side;
      for (let i = 0; i < one.data.length; i += 4) {
        const away = Math.min(255, Math.round(gain * Math.abs(luma(one.data, i) - luma(truth.data, i))));
        one.data.set([away, away, away, 255], i);
      }
      canvas.getContext("2d").putImageData(one, 0, 0);
      canvas.dataset.of = `${key}-${at}`;
    }

    function show() {
      const at = Number(picks.image.value), key = picks[showing].value;
      const other = picks[showing === "one" ? "two" : "one"];
      viewer.querySelector(".stage").style.setProperty("--side", crops[at].side);
      shows.pick.src = source(key, at);
      shows.pick.alt = crops[at].words[key];
      words.textContent = crops[at].words[key];
      shows.truth.src = source("truth", at);
      shows.truth.alt = "Original";
      flip.textContent = `Flip to ${other.selectedOptions[0].textContent.split(",")[0].replace(" ★", "")}`;
      difference(key, at);
    }

    flip.addEventListener("click", () => {
      showing = showing === "one" ? "two" : "one";
      show();
    });
    picks.image.addEventListener("change", show);
    for (const which of ["one", "two"]) {
      picks[which].addEventListener("change", () => { showing = which; show(); });
    }
    viewer.hidden = false;
    show();
  }

  document.querySelectorAll(".viewer").forEach(start);
})();
