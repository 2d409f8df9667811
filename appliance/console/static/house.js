// The state of the house on every page: its bar, the dialog that changes it, a sign of each call.

import { say } from "./console.js";
import { onEvent } from "./live.js";
import { perform } from "./keys.js";

const states = document.getElementById("house-states");
const dialog = document.getElementById("state-dialog");
const keys = document.getElementById("keys-dialog");
const SOUND = "sound";
const title = document.title;
let ringing = 0;
let audio = null;

function words() {
  return [...states.querySelectorAll(".house-words")].map((one) => one.textContent.replace(/\s+/g, " ").trim()).join(" ");
}

onEvent("house", (html) => {
  const before = words();
  window.Idiomorph.morph(states, html, { morphStyle: "innerHTML" });
  if (words() !== before) say(words() || states.querySelector(".house-now")?.textContent.replace(/\s+/g, " ") || "");
});

onEvent("counts", (data) => {
  const counts = JSON.parse(data);
  if (counts.ringing > ringing) ring();
  ringing = counts.ringing;
  document.title = ringing ? `(${ringing}) ☎ ${title}` : title;
  for (const badge of document.querySelectorAll("[data-badge]")) {
    badge.hidden = !counts.messages;
    badge.querySelector("[data-number]").textContent = counts.messages;
  }
});

/** Two short tones; off as delivered, and silent until somebody has touched the page. */
function ring() {
  if (!localStorage.getItem(SOUND)) return;
  audio ??= new AudioContext();
  for (const at of [0, 0.25]) {
    const tone = new OscillatorNode(audio, { frequency: 660 });
    const volume = new GainNode(audio, { gain: 0.2 });
    tone.connect(volume).connect(audio.destination);
    tone.start(audio.currentTime + at);
    tone.stop(audio.currentTime + at + 0.15);
  }
}

keys.addEventListener("shown", () => {
  const sound = document.getElementById("keys-sound");
  sound.checked = Boolean(localStorage.getItem(SOUND));
  sound.addEventListener("change", () => {
    localStorage.setItem(SOUND, sound.checked ? "1" : "");
    ring();
  });
});

// --- dialogs ------------------------------------------------------------------------------------

document.getElementById("keys-open").addEventListener("click", () => perform("keys"));
document.getElementById("state-open")?.addEventListener("click", () => {
  const next = document.getElementById("house-next")?.dataset.next;
  document.getElementById("state-next").textContent = next ? `(${next})` : "";
  dialog.querySelector("form").reset();
  dialog.querySelector("[data-told]").hidden = true;
  dialog.showModal();
});
document.getElementById("state-until")?.addEventListener("input", () => { document.getElementById("state-at").checked = true; });
document.addEventListener("click", (event) => event.target.closest("[data-dismiss]")?.closest("dialog").close());
document.addEventListener("desk:done", (event) => {
  const { form, answer } = event.detail;
  const own = form.closest("dialog");
  if (!own) return;
  if (answer.done && form.matches("[data-closes-dialog]")) own.close();
  const place = own.querySelector("[data-told]");
  place.textContent = answer.said;
  place.hidden = answer.done;
});
