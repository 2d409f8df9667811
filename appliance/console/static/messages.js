// The player of a message: how fast, by buttons; play and five seconds either way, by keys too.
import { onAction } from "./keys.js";

const player = document.getElementById("sound");
const STEP_S = 5;

function play() {
  if (player.paused) { player.play(); } else { player.pause(); }
}

function move(seconds) {
  player.currentTime = Math.max(0, player.currentTime + seconds);
}

function speed(button) {
  player.playbackRate = Number(button.dataset.speed);
  for (const one of document.querySelectorAll("[data-speed]")) {
    one.setAttribute("aria-pressed", String(one === button));
  }
}

if (player) {
  for (const button of document.querySelectorAll("[data-speed]")) {
    button.addEventListener("click", () => speed(button));
  }
  for (const button of document.querySelectorAll("[data-move]")) {
    button.addEventListener("click", () => move(Number(button.dataset.move)));
  }
  onAction("play", play);
  onAction("back", () => move(-STEP_S));
  onAction("forward", () => move(STEP_S));
}
