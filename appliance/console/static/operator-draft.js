// What is half typed survives a reload, a console that starts again, and a browser that ends (E18):
// kept in this window and by the desk, for the person who typed it, until it is saved or closed.

import { fetched, keeper } from "./drafts.js";
import { openReturn } from "./operator-transfer.js";
import { kept, putAside, putBack } from "./operator-work.js";

const KEY = "desk-draft";
const by = document.getElementById("desk").dataset.by;
const form = document.getElementById("return");

const AGAIN_MS = 5_000;

let waiting = null; // a form that cannot be shown yet: the switchboard does not answer
let tried = 0;

function fields() {
  const typed = document.getElementById("return-form");
  if (form.hidden || !typed) return null;
  // the office is named too: after a restart the call that came back from it is gone
  const about = { ...JSON.parse(form.dataset.about) };
  for (const name of ["unit", "need", "rule"]) about[name] = typed.elements[name].value;
  return { about, values: [...new FormData(typed)].filter(([name]) => name !== "csrf") };
}

function draft() {
  return { by, ...kept(), form: fields() ?? waiting };
}

const keepAtDesk = keeper("desk", () => {
  const typed = draft();
  return typed.search || typed.note || typed.form || typed.pending.length ? typed : null;
});

function keep() {
  sessionStorage.setItem(KEY, JSON.stringify(draft()));
  keepAtDesk();
}

/** Return this window's own draft, which is the newest, else what the desk has kept. */
async function before() {
  const own = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  if (own?.by === by) return own;
  sessionStorage.removeItem(KEY);
  const atDesk = await fetched("desk");
  return atDesk?.by === by ? atDesk : null;
}

async function bringBack() {
  const typed = await before();
  if (!typed) return;
  putBack(typed);
  waiting = typed.form;
  await fill();
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
