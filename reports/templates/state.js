"use strict";
// What the page was rendered from, and what its reader has set, which the address keeps:
// `#device-0:latency=36.5,wish=latency;joint:latency=40`.
const report = JSON.parse(document.getElementById("data").textContent);

const address = (() => {
  function parse(text) {
    const state = {};
    let words = text.replace(/^#/, "");
    try { words = decodeURIComponent(words); } catch { return state; }
    for (const part of words.split(";")) {
      const [place, settings] = part.split(":");
      if (settings === undefined || !/^[a-z0-9-]+$/.test(place)) continue;
      state[place] = new Map(settings.split(",").filter(Boolean).map((one) => {
        const [name, ...value] = one.split("=");
        return [name, value.join("=")];
      }));
    }
    return state;
  }

  const state = parse(location.hash);
  return {
    // The settings of one place, or undefined where the address says nothing of it.
    of: (place) => state[place],
    set(place, settings) {
      state[place] = new Map(settings);
      const words = Object.entries(state).map(([name, kept]) =>
        `${name}:${[...kept].map(([key, value]) => `${key}=${value}`).join(",")}`).join(";");
      history.replaceState(null, "", `#${words}`);
    },
  };
})();
