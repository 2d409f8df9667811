// The operator's desk: the live part, actions by one key, search while somebody talks.
// A new call never moves the focus and never replaces what is being typed (E22).

import { deskIsAway, isTyping, say } from "./console.js";

const live = document.getElementById("live");
const TOLD_MS = 10_000;
let ahead = 0; // milliseconds that the desk's clock is ahead of this browser's

// --- the live part ------------------------------------------------------------------------------

const KEEP = {
  morphStyle: "innerHTML",
  callbacks: {
    // what was typed or fetched here stays as it is
    beforeNodeMorphed: (old) => !(old.nodeType === 1 && old.hasAttribute("data-keep")),
  },
};

function show(html) {
  const before = new Set([...live.querySelectorAll("[data-call]")].map((one) => one.id));
  window.Idiomorph.morph(live, html, KEEP);
  setClock();
  for (const call of live.querySelectorAll("[data-call]")) {
    if (!before.has(call.id)) say(call.querySelector(".desk-caller strong").textContent);
  }
  document.dispatchEvent(new CustomEvent("desk:live"));
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

function listen() {
  const events = new EventSource("/desk/live");
  events.addEventListener("live", (event) => show(event.data));
  events.addEventListener("away", (event) => deskIsAway(event.data === "1"));
  events.addEventListener("out", () => { events.close(); location.reload(); });
  events.addEventListener("error", () => deskIsAway(true));
}

// --- actions ------------------------------------------------------------------------------------

const told = document.getElementById("told");
const undoButton = document.getElementById("undo");
let undo = null;
let toldEnds = 0;
let asking = Promise.resolve(); // what was asked last: its answer may come after the new state

function headers() {
  const own = JSON.parse(document.body.getAttribute("hx-headers") || "{}");
  return { ...own, Accept: "application/json" };
}

/** Send a form to the console; returns what was done, in words. */
export async function send(path, fields) {
  try {
    const body = new URLSearchParams(fields);
    const answer = await fetch(path, { method: "POST", body, headers: headers() });
    const kind = answer.headers.get("content-type") || "";
    if (!kind.startsWith("application/json")) throw new Error(answer.statusText);
    return await answer.json();
  } catch (error) {
    return { done: false, said: document.getElementById("desk").dataset.failed, undo: null };
  }
}

/** Fetch a part of the page; null where the console did not answer with one. */
export async function part(path) {
  try {
    const answer = await fetch(path);
    return answer.ok && !answer.redirected ? await answer.text() : null;
  } catch (error) {
    return null;
  }
}

/** Say how something went; what can be taken back can be so for ten seconds. What `lasts` stays
    until something else is said: a number that is read aloud to the citizen. */
export function tell(answer, path, lasts = false) {
  document.getElementById("told-words").textContent = answer.said;
  told.hidden = !answer.said;
  told.classList.toggle("desk-refused", !answer.done);
  say(answer.said);
  undo = answer.undo && Object.keys(answer.undo).length ? { path, fields: answer.undo } : null;
  undoButton.hidden = !undo;
  clearTimeout(toldEnds);
  if (!(lasts && answer.done)) toldEnds = setTimeout(() => { undo = null; told.hidden = undoButton.hidden = true; }, TOLD_MS);
}

/** Say no more what is over, unless it can still be taken back. */
export function hush() {
  if (!undo) told.hidden = true;
}

async function takeBack() {
  await asking;
  if (!undo) return;
  const { path, fields } = undo;
  undo = null; // once, however often the key is pressed
  const answer = await send(path, fields);
  tell({ ...answer, undo: null }, path);
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("form[data-act]")) return;
  event.preventDefault();
  asking = act(form, new FormData(form, event.submitter));
});

async function act(form, fields) {
  const path = form.getAttribute("action");
  const answer = await send(path, fields);
  tell(answer, path, "lasts" in form.dataset);
  document.dispatchEvent(new CustomEvent("desk:done", { detail: { form, answer } }));
}
undoButton.addEventListener("click", takeBack);

// --- keys ---------------------------------------------------------------------------------------

const OWN = { z: takeBack };

/** Have a key do something, outside text fields only. */
export function onKey(key, act) {
  OWN[key] = act;
}

function isPlain(event) {
  return !(event.ctrlKey || event.altKey || event.metaKey || event.repeat);
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && isTyping(event)) {
    document.getElementById("main").focus();
    return;
  }
  if (!isPlain(event) || isTyping(event) || document.querySelector("dialog[open]")) return;
  const key = event.key.toLowerCase();
  const focused = document.querySelector(`[data-focus-key="${CSS.escape(key)}"]`);
  const pressed = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (OWN[key]) OWN[key](event);
  else if (focused) focused.focus();
  else if (pressed) pressed.click();
  else return;
  event.preventDefault();
});

setClock();
setInterval(tick, 1000);
listen();
