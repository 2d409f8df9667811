// The palette: pages, offices, sheets, callers and this page's actions, found as one types (Ctrl+K).

import { part } from "./acting.js";
import { onAction, perform } from "./keys.js";

const dialog = document.getElementById("palette");
const field = document.getElementById("palette-field");
const list = document.getElementById("palette-list");
const none = document.getElementById("palette-none");
const PAUSE_MS = 120;
let pending = 0;
let newest = 0;
let chosen = -1;

function options() {
  return [...list.querySelectorAll("[role=option]")];
}

function choose(at) {
  const all = options();
  chosen = all.length ? (at + all.length) % all.length : -1;
  all.forEach((one, number) => one.setAttribute("aria-selected", String(number === chosen)));
  const now = all[chosen];
  if (now) { field.setAttribute("aria-activedescendant", now.id); now.scrollIntoView({ block: "nearest" }); }
  else field.removeAttribute("aria-activedescendant");
}

async function find() {
  const mine = ++newest; // an answer to what was typed before must not replace a later one
  const html = await part(`/find?q=${encodeURIComponent(field.value)}`);
  if (mine !== newest) return;
  if (html !== null) list.innerHTML = html;
  const isEmpty = options().length === 0;
  field.setAttribute("aria-expanded", String(!isEmpty));
  none.hidden = !isEmpty;
  none.textContent = isEmpty ? (html === null ? none.dataset.failed : none.dataset.none) : "";
  choose(0);
}

/** Open what is chosen, or do it: an action of this page by its name. */
async function go(option) {
  const { path, does } = option.dataset;
  dialog.close();
  if (does) perform(does);
  else location.href = path;
}

field.addEventListener("input", () => {
  clearTimeout(pending);
  pending = setTimeout(find, PAUSE_MS);
});
field.addEventListener("keydown", async (event) => {
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    choose(chosen + (event.key === "ArrowDown" ? 1 : -1));
  } else if (event.key === "Escape") {
    event.preventDefault(); // a search field would only be emptied
    dialog.close();
  } else if (event.key === "Enter") {
    event.preventDefault();
    clearTimeout(pending);
    await find(); // what was typed last, also where its search has not answered yet
    const option = options()[chosen];
    if (option) go(option);
  }
});
list.addEventListener("click", (event) => {
  const option = event.target.closest("[role=option]");
  if (option) go(option);
});

onAction("palette", () => {
  field.value = "";
  find();
  dialog.showModal();
  field.focus();
});
document.getElementById("palette-open").addEventListener("click", () => perform("palette"));
