// The player of a message: how fast, by buttons; by keys, outside text fields only (E22).
import { isTyping } from "./console.js";

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

const KEYS = {
  p: play,
  j: () => move(-STEP_S),
  l: () => move(STEP_S),
  1: () => speed(document.querySelector("[data-speed='1']")),
  2: () => speed(document.querySelector("[data-speed='1.25']")),
  3: () => speed(document.querySelector("[data-speed='1.5']")),
  4: () => speed(document.querySelector("[data-speed='2']")),
};

if (player) {
  for (const button of document.querySelectorAll("[data-speed]")) {
    button.addEventListener("click", () => speed(button));
  }
  document.addEventListener("keydown", (event) => {
    const act = KEYS[event.key];
    if (!act || isTyping(event) || event.ctrlKey || event.altKey || event.metaKey) { return; }
    event.preventDefault();
    act();
  });
}
