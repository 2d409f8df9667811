// What a page has the box do: sent with a time limit, said in words, taken back within ten seconds.

import { say } from "./console.js";
import { expires, isLost } from "./live.js";
import { goesNow } from "./waiting.js";

const TOLD_MS = 10_000;
const LIMIT_MS = 8_000;

const MOST_UNDOS = 5;
const LOOK_MS = 1_000;

const told = document.getElementById("told");
const words = document.getElementById("told-words");
const left = document.getElementById("undo-left");
const undoButton = document.getElementById("undo");
let undos = []; // what can be taken back, the last one at the end
let ends = 0; // until when what was said last is shown
let stays = false; // or until something else is said
let asking = Promise.resolve(); // what was asked last: its answer may come after the new state

function headers() {
  const own = JSON.parse(document.body.getAttribute("hx-headers") || "{}");
  return { ...own, Accept: "application/json", "X-Expires": expires() };
}

function notDone(said) {
  return { done: false, said, undo: null };
}

/** Send a form to the console; returns what was done, in words. Nothing is sent without a connection. */
export async function send(path, fields) {
  if (isLost()) return notDone(told.dataset.lost);
  try {
    const body = new URLSearchParams(fields);
    const signal = AbortSignal.timeout(LIMIT_MS);
    const answer = await fetch(path, { method: "POST", body, headers: headers(), signal });
    const kind = answer.headers.get("content-type") || "";
    if (!kind.startsWith("application/json")) throw new Error(answer.statusText);
    return await answer.json();
  } catch (error) {
    return notDone(told.dataset.failed);
  }
}

/** Fetch a part of the page; null where the console did not answer with one. */
export async function part(path) {
  try {
    const answer = await fetch(path, { signal: AbortSignal.timeout(LIMIT_MS) });
    return answer.ok && !answer.redirected ? await answer.text() : null;
  } catch (error) {
    return null;
  }
}

/** Say how something went; what can be taken back can be so for ten seconds, five things at once,
    the last one first. What `lasts` stays until something else is said: a number that is read aloud
    to the citizen. */
export function tell(answer, path, lasts = false) {
  words.textContent = answer.said;
  if (answer.said) told.hidden = false; else hideTold();
  told.classList.toggle("refused", !answer.done);
  say(answer.said);
  stays = lasts && answer.done;
  ends = performance.now() + TOLD_MS;
  const canUndo = answer.undo && Object.keys(answer.undo).length > 0;
  if (canUndo) undos.push({ path, fields: answer.undo, said: answer.said, ends });
  undos = undos.slice(-MOST_UNDOS);
  show();
}

/** Show what can be taken back now and for how long; what is over is no longer said. */
function show() {
  const now = performance.now();
  undos = undos.filter((one) => one.ends > now);
  const last = undos.at(-1);
  if (last && now >= ends && !stays) words.textContent = last.said;
  undoButton.hidden = left.hidden = !last;
  if (last) left.textContent = left.dataset.words.replace("{}", Math.ceil((last.ends - now) / 1000));
  if (!last && !stays && now >= ends) hideTold();
}

/** Hide what was said; the focus that was there goes to the page. */
function hideTold() {
  const isHere = told.contains(document.activeElement);
  told.hidden = true;
  if (isHere) document.getElementById("main").focus();
}

/** Say no more what is over, unless it can still be taken back. */
export function hush() {
  stays = false;
  ends = 0;
  show();
}

/** Take back what was done last, also before its answer has come. */
export async function takeBack() {
  await asking;
  const last = undos.pop(); // once, however often the key is pressed
  if (!last) return;
  const answer = await send(last.path, last.fields);
  tell({ ...answer, undo: null }, last.path);
}

async function act(form, fields) {
  const path = form.getAttribute("action");
  const answer = await send(path, fields);
  tell(answer, path, "lasts" in form.dataset);
  document.dispatchEvent(new CustomEvent("desk:done", { detail: { form, answer } }));
}

/** Give a form that the browser itself sends its time limit, unless it carries files. */
function limit(form) {
  if (form.enctype === "multipart/form-data") return;
  let field = form.querySelector("input[name=expires]");
  if (!field) {
    field = document.createElement("input");
    field.type = "hidden";
    field.name = "expires";
    form.append(field);
  }
  field.value = expires();
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.matches("form[data-act]")) {
    event.preventDefault();
    asking = act(form, new FormData(form, event.submitter));
  } else if (form.method !== "post" || event.defaultPrevented) return;
  else if (form.matches("form[data-waits]") && !goesNow(form, event.submitter)) event.preventDefault();
  else if (isLost() && !form.matches("form[data-waits]")) {
    event.preventDefault();
    tell(notDone(told.dataset.lost), "");
  } else limit(form);
});
document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.verb !== "get") event.detail.headers["X-Expires"] = expires();
});
undoButton.addEventListener("click", takeBack);
setInterval(show, LOOK_MS);
