// The state of the house on every page: its bar, the dialog that changes it, what waits in the title.

import { say } from "./console.js";
import { onEvent } from "./live.js";
import { onAction, perform } from "./keys.js";

const states = document.getElementById("house-states");
const dialog = document.getElementById("state-dialog");
const brief = document.getElementById("house-brief");
const title = document.title;

function words() {
  return [...states.querySelectorAll(".house-words")].map((one) => one.textContent.replace(/\s+/g, " ").trim()).join(" ");
}

onEvent("house", (html) => {
  const before = words();
  window.Idiomorph.morph(states, html, { morphStyle: "innerHTML" });
  if (words() !== before) say(words() || brief?.textContent.replace(/\s+/g, " ").trim() || "");
});

onEvent("brief", (html) => { if (brief) brief.innerHTML = html; });

onEvent("counts", (data) => {
  const counts = JSON.parse(data);
  document.title = counts.ringing ? `(${counts.ringing}) ☎ ${title}` : title;
  for (const badge of document.querySelectorAll("[data-badge]")) {
    badge.hidden = !counts.messages;
    badge.querySelector("[data-number]").textContent = counts.messages;
  }
});

// --- dialogs ------------------------------------------------------------------------------------

document.getElementById("keys-open").addEventListener("click", () => perform("keys"));
document.getElementById("state-open")?.addEventListener("click", () => perform("state"));
onAction("state", () => {
  if (!dialog) return;
  const next = document.getElementById("house-next")?.dataset.next;
  document.getElementById("state-next").textContent = next ? `(${next})` : "";
  dialog.querySelector("form").reset();
  dialog.querySelector("[data-told]").hidden = true;
  dialog.showModal();
});
/** Ask for the number to call; one that the page shows stands there already. */
function askNumber(number = "") {
  const dial = document.getElementById("dial");
  if (!dial) return;
  dial.querySelector("form").reset();
  dial.querySelector("[data-told]").hidden = true;
  dial.querySelector("[name=number]").value = number;
  dial.showModal();
}

onAction("dial", () => { if (document.querySelector('#call-bar [data-action="dial"]')) askNumber(); });
document.addEventListener("click", (event) => {
  const shown = event.target.closest("[data-dial]");
  if (shown) askNumber(shown.dataset.dial);
});
document.getElementById("call-bar-place")?.addEventListener("click", (event) => {
  if (event.target.closest('[data-action="dial"]')) perform("dial");
});
document.getElementById("state-until")?.addEventListener("input", () => { document.getElementById("state-at").checked = true; });
document.addEventListener("click", (event) => event.target.closest("[data-dismiss]")?.closest("dialog").close());
document.addEventListener("desk:done", (event) => {
  const { form, answer } = event.detail;
  const own = form.closest("dialog");
  if (!own) return;
  if (answer.done && form.matches("[data-closes-dialog]")) own.close();
  const place = own.querySelector("[data-told]");
  place.textContent = answer.said;
  place.hidden = answer.done;
});
