// Notes on a call, and the calls that were interrupted.

import { part } from "./acting.js";
import { onAction } from "./keys.js";
import { clearNote } from "./operator-work.js";

const list = document.getElementById("interrupted");

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
onAction("interrupted", () => { if (document.getElementById("show-interrupted")) showInterrupted(); });

list.addEventListener("click", (event) => {
  if (!event.target.closest("[data-close]")) return;
  list.hidden = true;
  list.replaceChildren();
});

document.addEventListener("desk:done", (event) => {
  const { form, answer } = event.detail;
  if (!answer.done) return;
  if (form.matches("[data-clears]")) clearNote();
  if (form.matches("[data-shows=interrupted]")) showInterrupted();
});
