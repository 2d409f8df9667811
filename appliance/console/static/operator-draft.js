// What is half typed survives a reload, and a console that starts again (E18): kept in this window
// alone, for the person who typed it, until it is saved or closed.

import { openReturn } from "./operator-transfer.js";

const KEY = "desk-draft";
const by = document.getElementById("desk").dataset.by;
const search = document.getElementById("search");
const note = document.getElementById("note");
const form = document.getElementById("return");

function fields() {
  const typed = document.getElementById("return-form");
  if (form.hidden || !typed) return null;
  const rule = typed.elements.rule.value;
  return { about: { ...JSON.parse(form.dataset.about), rule }, values: [...new FormData(typed)] };
}

function keep() {
  const draft = { by, search: search.value, note: note.value, form: fields() };
  sessionStorage.setItem(KEY, JSON.stringify(draft));
}

async function bringBack() {
  const draft = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  if (draft?.by !== by) { sessionStorage.removeItem(KEY); return; }
  note.value = draft.note;
  if (draft.search && !search.value) {
    search.value = draft.search;
    search.dispatchEvent(new Event("input", { bubbles: true }));
  }
  if (!draft.form || !(await openReturn(draft.form.about))) return;
  const typed = document.getElementById("return-form");
  for (const [name, value] of draft.form.values) {
    const field = typed.elements[name];
    // a slot that somebody took meanwhile is offered no more
    if (field && name !== "csrf" && (field.tagName !== "SELECT" || [...field.options].some((one) => one.value === value))) field.value = value;
  }
}

await bringBack();
document.addEventListener("input", keep);
document.addEventListener("change", keep);
document.addEventListener("desk:opened", keep);
document.addEventListener("desk:closed", keep);
document.addEventListener("desk:done", keep);
