// Which call the work on the desk belongs to: search, sheet, note, return. What was begun in one call
// is never taken for another's: it stays what it is, names its call, or waits under "In sospeso".

import { hush } from "./acting.js";

const desk = document.getElementById("desk");
const live = document.getElementById("live");
const search = document.getElementById("search");
const found = document.getElementById("found");
const sheet = document.getElementById("sheet");
const noteForm = document.getElementById("note-form");
const note = document.getElementById("note");
const difficult = document.getElementById("difficult");
const noteCall = document.getElementById("note-call");
const otherNote = document.getElementById("other-note");
const list = document.getElementById("pending");

const captions = new Map([[desk.dataset.lastCall, desk.dataset.lastCaption]]); // of calls, by their ids
const seenAt = new Map(); // when a call was first seen on this page
let current = desk.dataset.lastCall; // the call that I am on, or was on last
let touched = 0; // when something was last searched or opened
let pending = []; // notes and returns that were begun in other calls

/** Return the card of the call that I am on: one that came back before another. */
export function myCall() {
  return live.querySelector(".desk-call.desk-mine.desk-back") ?? live.querySelector(".desk-call.desk-mine");
}

/** Return the call that what is looked up now belongs to. */
export function currentCall() {
  return current;
}

/** Return how a call is named to its operator. */
export function caption(call) {
  return captions.get(call) ?? "";
}

/** Say that something is looked up: it belongs to the call that rings or goes on now. */
export function touch() {
  touched = performance.now();
  sheet.dataset.of = current;
}

function notice() {
  for (const call of live.querySelectorAll("[data-call]")) {
    captions.set(call.dataset.call, call.dataset.caption);
    if (!seenAt.has(call.dataset.call)) seenAt.set(call.dataset.call, performance.now());
  }
  const mine = myCall()?.dataset.call ?? "";
  if (mine && mine !== current) begin(mine);
  showNote();
}

/** Turn to a call that I have just answered; what was looked up since it rang is its own. */
function begin(call) {
  const before = current;
  current = call;
  document.dispatchEvent(new CustomEvent("desk:begun"));
  if (before && touched < seenAt.get(call)) clearBench();
  else own(call);
  if (!note.value.trim()) noteForm.elements.call.value = call;
  if (before) hush();
  document.dispatchEvent(new CustomEvent("desk:changed"));
}

/** Let the sheet that is open be one of this call. */
function own(call) {
  sheet.dataset.of = call;
  const field = sheet.querySelector("[name=call]");
  if (field) field.value = call;
}

function clearBench() {
  search.value = "";
  found.replaceChildren();
  sheet.hidden = true;
  sheet.replaceChildren();
  sheet.dataset.of = current;
}

/** Name the call that the note is of, and offer a new one where that is not the present call. */
function showNote() {
  const of = noteForm.elements.call.value;
  const words = caption(of);
  noteCall.textContent = words ? noteCall.dataset.of.replace("{}", words) : noteCall.dataset.none;
  otherNote.hidden = of === current || !note.value.trim();
  noteForm.hidden = !words && !note.value; // without a call there is nothing to note
}

/** Put the note that is being written aside, and begin one of the present call. */
function setAside() {
  pending.push({ call: noteForm.elements.call.value, note: note.value, difficult: difficult.checked });
  clearNote();
  note.focus();
}

export function clearNote() {
  note.value = "";
  difficult.checked = false;
  noteForm.elements.call.value = current;
  showNote();
  showPending();
  document.dispatchEvent(new CustomEvent("desk:changed"));
}

function showPending() {
  list.hidden = pending.length === 0;
  list.querySelector("ul").replaceChildren(...pending.map((one, at) => {
    const row = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button";
    button.dataset.resume = at;
    button.textContent = list.dataset.resume;
    const what = one.form ? notSaved(one.form) : `«${one.note}»`;
    row.append(`${caption(one.call)}: ${what} `, button);
    return row;
  }));
}

/** Return how a form that was put aside is called. */
function notSaved(form) {
  const isBack = form.values.some(([name, value]) => name === "back" && value);
  return isBack ? list.dataset.return : list.dataset.request;
}

/** Keep a return that was half typed for another call until it is taken up again. */
export function putAside(form) {
  pending.push({ call: form.about.call ?? "", form });
  showPending();
}

/** Take up again what was put aside; what is being written takes its place. */
function resume(at) {
  const [one] = pending.splice(at, 1);
  if (one.form) {
    document.dispatchEvent(new CustomEvent("desk:resume", { detail: one.form }));
    showPending();
    return;
  }
  if (note.value.trim()) pending.push({ call: noteForm.elements.call.value, note: note.value, difficult: difficult.checked });
  note.value = one.note;
  difficult.checked = one.difficult;
  noteForm.elements.call.value = one.call;
  showNote();
  showPending();
  note.focus();
  document.dispatchEvent(new CustomEvent("desk:changed"));
}

/** Return what is to be kept of notes and their calls, and the name of the open form's call. */
export function kept(ofForm) {
  const of = noteForm.elements.call.value;
  const named = [of, current, ofForm, ...pending.map((one) => one.call)].filter((call) => captions.get(call));
  return {
    call: current, search: search.value, note: note.value, noteCall: of, pending,
    captions: Object.fromEntries(named.map((call) => [call, captions.get(call)])),
  };
}

/** Put back what was kept; what belongs to another call than the present one waits. */
export function putBack(typed) {
  for (const [call, words] of Object.entries(typed.captions ?? {})) {
    if (!captions.get(call)) captions.set(call, words);
  }
  if (!current && typed.call) current = typed.call;
  const isSame = (typed.call ?? current) === current;
  if (isSame && typed.search && !search.value) {
    search.value = typed.search;
    search.dispatchEvent(new Event("input", { bubbles: true }));
  }
  pending = [...(typed.pending ?? []), ...pending];
  const of = typed.noteCall ?? current;
  if (typed.note && !note.value) {
    note.value = typed.note;
    noteForm.elements.call.value = of;
  }
  showNote();
  showPending();
}

/** Drop what was typed for calls that are erased; returns whether there was something. */
export function drop(isGone) {
  const before = JSON.stringify(kept());
  pending = pending.filter((one) => !isGone(one.call));
  for (const call of [...captions.keys()].filter(isGone)) captions.delete(call);
  if (isGone(current) && search.value) {
    search.value = "";
    search.dispatchEvent(new Event("input", { bubbles: true }));
  }
  if (isGone(noteForm.elements.call.value) && note.value) clearNote();
  showNote();
  showPending();
  return JSON.stringify(kept()) !== before;
}

search.addEventListener("input", touch);
note.addEventListener("input", showNote);
otherNote.addEventListener("click", setAside);
list.addEventListener("click", (event) => {
  const button = event.target.closest("[data-resume]");
  if (button) resume(Number(button.dataset.resume));
});
document.addEventListener("desk:live", notice);
noteForm.elements.call.value = current;
sheet.dataset.of = current;
notice();
