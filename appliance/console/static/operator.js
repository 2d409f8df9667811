// The operator's desk: its live part, and what is said of calls to who does not see them.
// A new call never moves the focus and never replaces what is being typed (E22).

import { shout, say } from "./console.js";
import { onEvent } from "./live.js";

const live = document.getElementById("live");
const said = new Map(); // what was said of each call: its number called, who calls
let ahead = 0; // milliseconds that the desk's clock is ahead of this browser's

const KEEP = {
  morphStyle: "innerHTML",
  callbacks: {
    // what was typed or fetched here stays as it is
    beforeNodeMorphed: (old) => !(old.nodeType === 1 && old.hasAttribute("data-keep")),
  },
};

function show(html) {
  window.Idiomorph.morph(live, html, KEEP);
  setClock();
  announce();
  document.dispatchEvent(new CustomEvent("desk:live"));
}

/** Say each new call once, and once more who calls when that comes later. */
function announce(isLoud = true) {
  for (const call of live.querySelectorAll("[data-call]")) {
    const { call: id, says, identity } = call.dataset;
    const before = said.get(id);
    said.set(id, identity);
    if (!isLoud || before === identity) continue;
    if (before === undefined) shout([says, identity].filter(Boolean).join(" "));
    else if (identity) say(identity);
  }
}

function setClock() {
  const at = document.getElementById("house")?.dataset.at;
  if (at) ahead = Date.parse(at) - Date.now();
  tick();
}

function tick() {
  for (const one of live.querySelectorAll("[data-since]")) {
    const s = Math.max(0, Math.round((Date.now() + ahead - Date.parse(one.dataset.since)) / 1000));
    one.textContent = `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
  }
}

onEvent("live", show);
onEvent("beside", (names) => {
  const place = document.getElementById("beside");
  const words = names ? place.dataset.words.replace("{}", names) : "";
  if (place.textContent !== words) place.textContent = words;
  place.hidden = !names;
});
setClock();
announce(false);
setInterval(tick, 1000);
