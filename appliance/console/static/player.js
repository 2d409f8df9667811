// The player of a message: its wave, the place in it by click and by keys, five seconds either way, how
// fast. One for the page of a message and for the case that is open among what is to be followed.

import { onAction } from "./keys.js";

const STEP_S = 5;
const WIDTH = 480; // of the wave, in its own units

const sound = () => document.getElementById("sound");
const clock = (s) => `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;

function play() {
  if (sound().paused) sound().play(); else sound().pause();
}

function goTo(seconds) {
  sound().currentTime = Math.max(0, seconds);
  show();
}

/** Show where one is in the message, and whether it is being played. */
function show() {
  const wave = document.querySelector(".wave");
  if (!wave || !sound()) return;
  const at = sound().currentTime;
  const whole = Number.isFinite(sound().duration) ? sound().duration : Number(wave.dataset.seconds);
  const place = wave.querySelector("input");
  const seconds = Math.min(Math.round(at), Number(place.max));
  place.value = String(seconds);
  place.setAttribute("aria-valuetext", place.dataset.words.replace("{0}", seconds).replace("{1}", place.max));
  wave.querySelector(".wave-played").setAttribute("width", String(whole ? Math.min(1, at / whole) * WIDTH : 0));
  wave.querySelector("[data-at]").textContent = clock(seconds);
  wave.querySelector("[data-play]").setAttribute("aria-pressed", String(!sound().paused));
}

document.addEventListener("click", (event) => {
  if (!sound()) return;
  const bars = event.target.closest(".wave-bars");
  if (bars) {
    const { left, width } = bars.getBoundingClientRect();
    goTo((event.clientX - left) / width * Number(bars.closest(".wave").dataset.seconds));
    return;
  }
  const button = event.target.closest("[data-player] button");
  if (!button) return;
  if ("play" in button.dataset) play();
  if (button.dataset.move) goTo(sound().currentTime + Number(button.dataset.move));
  if (button.dataset.speed) {
    sound().playbackRate = Number(button.dataset.speed);
    for (const one of document.querySelectorAll("[data-speed]")) one.setAttribute("aria-pressed", String(one === button));
  }
});
document.addEventListener("input", (event) => {
  if (event.target.id === "wave-at") goTo(Number(event.target.value));
});
// what happens to a sound does not bubble
for (const kind of ["timeupdate", "play", "pause", "ended", "loadedmetadata"]) document.addEventListener(kind, show, true);

onAction("play", () => { if (sound()) play(); });
onAction("back", () => { if (sound()) goTo(sound().currentTime - STEP_S); });
onAction("forward", () => { if (sound()) goTo(sound().currentTime + STEP_S); });
