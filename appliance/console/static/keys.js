// Keys: actions by function keys and Alt or Ctrl with a key, never by a letter alone (WCAG 2.1.4).
// Which key does what stands in the dialog of F1 and on the buttons; a person may change it.

import { part, takeBack } from "./acting.js";
import { takesText } from "./console.js";

const dialog = document.getElementById("keys-dialog");
const delivered = new Map(dialog.dataset.delivered.split(";").filter(Boolean).map((one) => {
  const [action, ...keys] = one.split("=");
  return [action, keys.join("=").split(" ")];
}));
const STORE = "keys";
const FUNCTION = /^(?:(?:Ctrl|Alt|Shift)\+)*F\d{1,2}$/;
const WITH = /^(?:Ctrl|Alt)\+/;
const own = {};
let chosen = read();
let changing = null; // the action that gets a new key

function read() {
  try { return JSON.parse(localStorage.getItem(STORE)) ?? {}; } catch (error) { return {}; }
}

/** Return the keys of an action: the person's own, else as delivered. */
function keysOf(action) {
  return chosen[action] ? [chosen[action]] : delivered.get(action);
}

/** Write a key that was pressed as it stands in the list: "Alt+S", "Ctrl+Enter", "F8". */
function written(event) {
  if (["Control", "Alt", "Shift", "Meta", "AltGraph", "Dead"].includes(event.key)) return "";
  if (event.metaKey || event.getModifierState("AltGraph")) return "";
  const letter = /^(?:Key|Digit)(.)$/.exec(event.code)?.[1];
  const key = event.key.length > 1 ? event.key : letter ?? event.key.toUpperCase();
  const marks = [["Ctrl", event.ctrlKey], ["Alt", event.altKey], ["Shift", event.shiftKey]];
  return [...marks.filter(([, is]) => is).map(([name]) => name), key].join("+");
}

function actionOf(key) {
  return [...delivered.keys()].find((action) => keysOf(action).includes(key));
}

/** Have an action do something on this page. */
export function onAction(action, act) {
  own[action] = act;
}

/** Do an action: its own function, else the field or the button that carries its name. */
export function perform(action, event) {
  const place = [...document.querySelectorAll(`[data-action="${action}"]`)].find((one) => one.checkVisibility());
  if (own[action]) own[action](event);
  else if (!place) return false;
  else if (takesText(place)) { place.focus(); place.select?.(); } else place.click();
  return true;
}

/** Write the keys that are in force on their buttons. */
function show() {
  for (const one of document.querySelectorAll("[data-key-of]")) one.textContent = keysOf(one.dataset.keyOf)[0].replace("Enter", dialog.dataset.enter);
}

function tell(words) {
  const told = document.getElementById("keys-told");
  if (told) told.textContent = words;
}

/** Take the key that was pressed for the action that is being changed. */
function change(event) {
  event.preventDefault();
  event.stopPropagation();
  if (event.key === "Escape") { changing = null; tell(""); return; }
  const key = written(event);
  if (!key) return;
  const user = actionOf(key);
  if (!FUNCTION.test(key) && !WITH.test(key)) tell(dialog.dataset.plain);
  else if (dialog.dataset.taken.split(" ").includes(key)) tell(dialog.dataset.browsers);
  else if (user && user !== changing) {
    const row = dialog.querySelector(`[data-key-row="${user}"]`);
    tell(dialog.dataset.used.replace("{}", row.querySelector("th").textContent));
  } else {
    chosen = { ...chosen, [changing]: key };
    localStorage.setItem(STORE, JSON.stringify(chosen));
    changing = null;
    tell(key);
    show();
  }
}

/** Go to the next part of the page. */
function nextPane() {
  const panes = [...document.querySelectorAll("[data-pane]")].filter((one) => one.checkVisibility());
  const at = panes.findIndex((one) => one.contains(document.activeElement));
  panes[(at + 1) % panes.length]?.focus();
}

function sendForm() {
  document.activeElement?.closest("form")?.requestSubmit();
}

document.addEventListener("keydown", (event) => {
  if (changing) { change(event); return; }
  const action = actionOf(written(event));
  if (!action || event.repeat) return;
  const isOpen = document.querySelector("dialog[open]") !== null;
  if (isOpen && action !== "send") { event.preventDefault(); return; }
  if (action === "undo" && takesText(event.target)) return; // the field's own
  if (perform(action, event)) event.preventDefault();
});

/** A word typed anywhere on a page with a search goes there, in the place of the one before. */
document.addEventListener("keydown", (event) => {
  const search = document.querySelector("[data-typed-into]");
  if (!search || event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key.length !== 1 || event.key === " " || event.isComposing) return;
  if (takesText(event.target) || document.querySelector("dialog[open]")) return;
  search.focus();
  search.select();
});

dialog.addEventListener("click", (event) => {
  const row = event.target.closest("[data-change]")?.closest("[data-key-row]");
  if (row) { changing = row.dataset.keyRow; tell(dialog.dataset.press); }
  if (event.target.closest("#keys-reset")) reset();
});
dialog.addEventListener("close", () => { changing = null; tell(""); });

/** Give every action the key that it has as delivered. */
function reset() {
  chosen = {};
  localStorage.removeItem(STORE);
  show();
}

async function open() {
  const html = await part("/keys");
  if (html === null) return;
  dialog.innerHTML = html;
  show();
  dialog.dispatchEvent(new Event("shown"));
  dialog.showModal();
}

own.keys = open;
own.pane = nextPane;
own.send = sendForm;
own.undo = takeBack;
// buttons that are made anew carry the keys as delivered
document.addEventListener("desk:live", show);
document.addEventListener("desk:opened", show);
show();
