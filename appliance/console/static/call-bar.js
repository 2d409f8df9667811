// The call bar of every page: its clock, who calls in words, sound, a notification and another icon
// while it rings. It never moves the focus and never covers anything (E22).

import { say, shout } from "./console.js";
import { perform } from "./keys.js";
import { onEvent } from "./live.js";

const place = document.getElementById("call-bar-place");
const icon = document.getElementById("icon");
const plain = icon.getAttribute("href");
// Each person of a browser that several use has sound and notices as chosen there.
const person = document.getElementById("person-name").dataset.person;
const SOUND = `sound:${person}`;
const TONE = `tone:${person}`;
const VOLUME = `volume:${person}`;
const NOTICES = `notices:${person}`;
const AGAIN_MS = 4_000;
const LOUDEST = 10; // of the volume that a person chooses; as delivered half of it
// Notes of each tone: when, for how long (s), how high (Hz).
const TRILL = [0, 1, 2, 3, 4, 5, 6, 7].map((number) => [number * 0.07, 0.07, number % 2 ? 1047 : 880]);
const TONES = {
  pair: [[0, 0.15, 660], [0.25, 0.15, 660]],
  bell: [...TRILL, ...TRILL.map(([at, length, height]) => [at + 0.8, length, height])],
  chime: [[0, 0.3, 784], [0.25, 0.3, 659], [0.5, 0.5, 523]],
  low: [[0, 0.5, 330], [0.7, 0.5, 330]],
};
const isDesk = document.getElementById("live") !== null; // the desk announces its calls itself
let ahead = 0; // milliseconds that the box's clock is ahead of this browser's
let said = ""; // the call that was announced last
let known = ""; // and whether with who it is
let audio = null;
let ringing = 0;
let notice = null;

function bar() {
  return document.getElementById("call-bar");
}

function tick() {
  for (const one of place.querySelectorAll("[data-since]")) {
    const s = Math.max(0, Math.round((Date.now() + ahead - Date.parse(one.dataset.since)) / 1000));
    one.textContent = `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
  }
}

const chosenTone = () => (localStorage.getItem(TONE) in TONES ? localStorage.getItem(TONE) : "pair");
const chosenVolume = () => Number(localStorage.getItem(VOLUME)) || LOUDEST / 2;

/** The chosen tone; as delivered there is none, and none before somebody has touched the page. */
export function tones(isTried = false) {
  if (!isTried && !localStorage.getItem(SOUND)) return;
  audio ??= new AudioContext();
  const gain = 0.4 * (chosenVolume() / LOUDEST) ** 2; // as the ear hears it
  for (const [at, length, frequency] of TONES[chosenTone()]) {
    const tone = new OscillatorNode(audio, { frequency });
    const volume = new GainNode(audio, { gain });
    tone.connect(volume).connect(audio.destination);
    tone.start(audio.currentTime + at);
    tone.stop(audio.currentTime + at + length);
  }
}

/** Tell the system while another window is in front; only who has agreed, and it goes by itself. */
function notify(words) {
  if (!localStorage.getItem(NOTICES) || document.hasFocus() || Notification.permission !== "granted") return;
  notice = new Notification(words, { tag: "call", icon: icon.dataset.rings });
  notice.addEventListener("click", () => { window.focus(); notice.close(); });
}

function ring() {
  tones();
  ringing = setInterval(() => tones(), AGAIN_MS);
  icon.href = icon.dataset.rings;
}

function still() {
  clearInterval(ringing);
  ringing = 0;
  icon.href = plain;
  notice?.close();
}

/** Say a new call once, and once more who it is when that comes later. */
function announce(isLoud) {
  const { state, barCall = "", says = "", caller = "", known: isKnown = "" } = bar().dataset;
  const isNew = state === "rings" && barCall !== said;
  if (state === "rings" && !ringing) ring();
  if (state !== "rings" && ringing) still();
  if (isNew && isLoud) {
    notify([says, isKnown ? caller : ""].filter(Boolean).join(" · "));
    if (!isDesk) shout([says, isKnown ? caller : ""].filter(Boolean).join(" · "));
  } else if (state === "rings" && isLoud && isKnown && !known && !isDesk) say(caller);
  if (state === "rings") { said = barCall; known = isKnown; }
}

function show(html) {
  const had = document.activeElement?.closest("#call-bar [data-action]")?.dataset.action;
  // An open menu stays open.
  const beforeAttributeUpdated = (name, one) => !(name === "open" && one.tagName === "DETAILS");
  window.Idiomorph.morph(place, html, { morphStyle: "innerHTML", callbacks: { beforeAttributeUpdated } });
  if (had && !place.contains(document.activeElement)) place.querySelector(`[data-action="${had}"]`)?.focus();
  tick();
  announce(true);
  document.dispatchEvent(new CustomEvent("desk:live"));
}

// --- what is asked for once ------------------------------------------------------------------

const ask = document.getElementById("call-ask");
const ASKED = `sound-asked:${person}`;
if (ask && !localStorage.getItem(ASKED)) ask.hidden = false;
ask?.addEventListener("click", async (event) => {
  const answer = event.target.closest("[data-ask]")?.dataset.ask;
  if (answer === undefined) return;
  localStorage.setItem(ASKED, "1");
  localStorage.setItem(SOUND, answer);
  ask.hidden = true;
  if (!answer) return;
  tones();
  if ("Notification" in window) localStorage.setItem(NOTICES, (await Notification.requestPermission()) === "granted" ? "1" : "");
});

document.getElementById("keys-dialog").addEventListener("shown", () => {
  const sound = document.getElementById("keys-sound");
  const notices = document.getElementById("keys-notices");
  sound.checked = Boolean(localStorage.getItem(SOUND));
  sound.addEventListener("change", () => { localStorage.setItem(SOUND, sound.checked ? "1" : ""); tones(); });
  const tone = document.getElementById("keys-tone");
  const volume = document.getElementById("keys-volume");
  tone.value = chosenTone();
  volume.value = String(chosenVolume());
  tone.addEventListener("change", () => { localStorage.setItem(TONE, tone.value); tones(true); });
  volume.addEventListener("change", () => { localStorage.setItem(VOLUME, volume.value); tones(true); });
  document.getElementById("keys-try").addEventListener("click", () => tones(true));
  const refused = !("Notification" in window) || Notification.permission === "denied";
  notices.disabled = refused;
  notices.checked = !refused && Boolean(localStorage.getItem(NOTICES));
  notices.addEventListener("change", async () => {
    if (notices.checked && (await Notification.requestPermission()) !== "granted") {
      notices.checked = false;
      notices.disabled = Notification.permission === "denied";
    }
    localStorage.setItem(NOTICES, notices.checked ? "1" : "");
  });
});

if (place) {
  onEvent("call", show);
  onEvent("at", (at) => { ahead = Date.parse(at) - Date.now(); tick(); });
  tick();
  announce(false);
  setInterval(tick, 1000);
  // The desk's own part changes nothing here; the button of its key stands there.
  place.addEventListener("click", (event) => {
    const does = event.target.closest("[data-does]")?.dataset.does;
    if (does) perform(does, event);
  });
}
