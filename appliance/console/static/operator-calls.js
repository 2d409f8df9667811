// Notes on a call, and the calls that were interrupted.

import { onKey, part } from "./operator.js";

const note = document.getElementById("note");
const difficult = document.getElementById("difficult");
const list = document.getElementById("interrupted");

onKey("m", () => note.focus());
onKey("d", () => { difficult.checked = true; note.focus(); });

async function showInterrupted() {
  const html = await part("/desk/interrupted");
  if (html === null) return;
  list.innerHTML = html;
  list.hidden = false;
  (list.querySelector("button, select") ?? list).focus();
}

// the button is made anew with the live part
document.getElementById("live").addEventListener("click", (event) => {
  if (event.target.closest("#show-interrupted")) showInterrupted();
});
onKey("i", () => { if (document.getElementById("show-interrupted")) showInterrupted(); });

list.addEventListener("click", (event) => {
  if (!event.target.closest("[data-close]")) return;
  list.hidden = true;
  list.replaceChildren();
});

document.addEventListener("desk:done", (event) => {
  const { form, answer } = event.detail;
  if (!answer.done) return;
  if (form.matches("[data-clears]")) { form.reset(); document.getElementById("main").focus(); }
  if (form.matches("[data-shows=interrupted]")) showInterrupted();
});
