// What is half typed survives a reload, a console that starts again, and a browser that ends (E18):
// kept in this window and by the desk, for the person who typed it, until it is saved or closed.

import { tell } from "./acting.js";
import { fetched, keeper } from "./drafts.js";
import { closeReturn, openReturn } from "./operator-transfer.js";
import { drop, kept, putAside, putBack } from "./operator-work.js";

const KEY = "desk-draft";
const LONGEST_MS = 24 * 3600 * 1000; // as long as the desk keeps it
const desk = document.getElementById("desk");
const by = desk.dataset.by;
const form = document.getElementById("return");

const AGAIN_MS = 5_000;

let waiting = null; // a form that cannot be shown yet: the switchboard does not answer
let tried = 0;
let seen; // the last erasure that this page knows of

function fields() {
  const typed = document.getElementById("return-form");
  if (form.hidden || !typed) return null;
  // the office is named too: after a restart the call that came back from it is gone
  const about = { ...JSON.parse(form.dataset.about) };
  for (const name of ["unit", "need", "rule"]) about[name] = typed.elements[name].value;
  return { about, values: [...new FormData(typed)].filter(([name]) => name !== "csrf") };
}

function draft() {
  const typed = fields() ?? waiting;
  return { by, ...kept(typed?.about.call), form: typed, erased: seen };
}

const keepAtDesk = keeper("desk", () => {
  const typed = draft();
  return typed.search || typed.note || typed.form || typed.pending.length ? typed : null;
}, async () => forget((await fetched("desk"))?.erased));

function keep() {
  sessionStorage.setItem(KEY, JSON.stringify({ ...draft(), at: Date.now() }));
  keepAtDesk();
}

/** Return this window's own draft of the last day. */
function own() {
  const typed = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  if (typed?.by === by && Date.now() - (typed.at ?? Date.now()) < LONGEST_MS) return typed;
  sessionStorage.removeItem(KEY);
  return null;
}

/** Put back this window's own draft, which is the newest, else what the desk has kept. */
async function bringBack() {
  const atDesk = await fetched("desk"); // asked in any case: what was erased does not come back
  const mine = own();
  seen = mine ? mine.erased : atDesk?.erased?.at;
  const typed = mine ?? (atDesk?.by === by ? atDesk : null);
  if (!typed) return;
  putBack(typed);
  waiting = typed.form;
  forget(atDesk?.erased);
  if (waiting && fields()) putAside(waiting); // a return has come meanwhile
  if (fields()) waiting = null;
  await fill();
}

/** Drop what was typed for calls that have been erased since, also from the page (E20). */
function forget(mark) {
  if (!mark || mark.at === seen) return;
  seen = mark.at;
  const isGone = (call) => mark.names.includes(call ?? "");
  let some = drop(isGone);
  if (waiting && isGone(waiting.about.call)) { waiting = null; some = true; }
  if (fields() && isGone(fields().about.call)) { closeReturn(); some = true; }
  if (some) tell({ done: true, said: desk.dataset.erased, undo: null }, "");
  keep();
}

/** Show the form that was half typed, now or as soon as the switchboard answers. */
async function fill() {
  if (!waiting || fields() || Date.now() - tried < AGAIN_MS) return;
  tried = Date.now();
  await openReturn(waiting.about);
  const opened = document.getElementById("return-form");
  if (!opened || !waiting) return;
  for (const [name, value] of waiting.values) {
    const field = opened.elements[name];
    // a slot that somebody took meanwhile is offered no more
    if (field && (field.tagName !== "SELECT" || [...field.options].some((one) => one.value === value))) field.value = value;
  }
  waiting = null;
}

/** A return that is half typed for another call is put aside, not lost. */
document.addEventListener("desk:replacing", (event) => {
  const typed = fields();
  const has = typed?.values.some(([name, value]) => ["name", "asked"].includes(name) && value);
  if (has && typed.about.call !== event.detail.call) putAside(typed);
});
document.addEventListener("desk:resume", (event) => {
  form.hidden = true;
  waiting = event.detail;
  tried = 0;
  fill();
});

await bringBack();
document.addEventListener("input", keep);
document.addEventListener("change", keep);
document.addEventListener("desk:opened", keep);
document.addEventListener("desk:changed", keep);
document.addEventListener("desk:closed", () => { waiting = null; keep(); });
document.addEventListener("desk:done", keep);
document.addEventListener("desk:live", fill);
