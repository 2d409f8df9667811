// Keys: actions by function keys and Alt or Ctrl with a key, never by a letter alone (WCAG 2.1.4).
// Which key does what stands in the dialog of F1 and on the buttons; a person may change it.

import { part, takeBack } from "./acting.js";
import { takesText } from "./console.js";
import { claim, forget, isKept, otherKey } from "./kept-keys.js";

const dialog = document.getElementById("keys-dialog");
const delivered = new Map(dialog.dataset.delivered.split(";").filter(Boolean).map((one) => {
  const [action, ...keys] = one.split("=");
  return [action, keys.join("=").split(" ")];
}));
const STORE = "keys";
const FUNCTION = /^(?:(?:Ctrl|Alt|Shift)\+)*F\d{1,2}$/;
const WITH = /^(?:Ctrl|Alt)\+/;
const IN_DIALOGS = ["send", "answer"]; // a call is answered from wherever one is
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
  const places = [...document.querySelectorAll(`[data-action="${action}"]`)];
  const place = places.find((one) => one.checkVisibility()) ?? places.find((one) => one.closest("#call-more"));
  if (own[action]) own[action](event);
  else if (!place) return false;
  else if (takesText(place)) { place.focus(); place.select?.(); } else place.click();
  return true;
}

/** Write the keys that are in force on their buttons. */
function show() {
  for (const one of document.querySelectorAll("[data-key-of]")) one.textContent = named(keysOf(one.dataset.keyOf)[0]);
  showKept();
}

/** Write a key as it stands on the keyboard. */
function named(key) {
  const { enter, shift } = dialog.dataset;
  return key.replace("Enter", enter).replace("Shift", shift).replace("ArrowDown", "↓").replace("ArrowUp", "↑");
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
  else if (isTaken(key)) tell(dialog.dataset.browsers);
  else if (user && user !== changing) {
    const row = dialog.querySelector(`[data-key-row="${user}"]`);
    tell(dialog.dataset.used.replace("{}", row.querySelector("th").textContent));
  } else {
    claim(key);
    choose(changing, key);
    changing = null;
  }
}

function isTaken(key) {
  return dialog.dataset.taken.split(" ").includes(key) || isKept(key);
}

function choose(action, key) {
  chosen = { ...chosen, [action]: key };
  localStorage.setItem(STORE, JSON.stringify(chosen));
  tell(named(key));
  show();
}

/** Say in the list which keys the browser keeps, and offer others. */
function showKept() {
  for (const row of dialog.querySelectorAll("[data-key-row]")) {
    const key = keysOf(row.dataset.keyRow)[0];
    const other = isKept(key) ? otherKey(key, (one) => !isTaken(one) && !actionOf(one)) : "";
    row.querySelector("[data-kept]").hidden = !isKept(key);
    const offer = row.querySelector("[data-offer]");
    offer.hidden = !other;
    offer.dataset.offer = other;
    offer.textContent = dialog.dataset.use.replace("{}", named(other));
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
  if (dialog.open && action !== "answer") { event.preventDefault(); arrives(action, written(event)); return; }
  if (isOpen && !IN_DIALOGS.includes(action)) { event.preventDefault(); return; }
  if (action === "undo" && takesText(event.target)) return; // the field's own
  if (!perform(action, event)) return;
  event.preventDefault();
  claim(written(event));
});

/** Say what a key that was tried in the list does. */
function arrives(action, key) {
  claim(key);
  const row = dialog.querySelector(`[data-key-row="${action}"] th`);
  if (row) tell(dialog.dataset.arrives.replace("{0}", named(key)).replace("{1}", row.textContent));
}

// The window is lost while a new key is asked for, or by the key that has just been chosen.
document.addEventListener("keys:lost", (event) => {
  if (!dialog.open) return;
  const action = event.detail && Object.keys(chosen).find((one) => chosen[one] === event.detail);
  if (action) { delete chosen[action]; localStorage.setItem(STORE, JSON.stringify(chosen)); }
  if (event.detail || changing) tell(dialog.dataset.browsers);
  show();
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
  const offer = event.target.closest("[data-offer]");
  if (offer) choose(offer.closest("[data-key-row]").dataset.keyRow, offer.dataset.offer);
  if (event.target.closest("#keys-reset")) reset();
});
dialog.addEventListener("close", () => { changing = null; tell(""); });

/** Give every action the key that it has as delivered. */
function reset() {
  chosen = {};
  localStorage.removeItem(STORE);
  forget();
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

/** From any page go to what is to be followed first; there the list has its own. */
function nextWork() {
  if (document.querySelector('a[href="/inbox"]')) location.assign("/inbox");
}

own.keys = open;
own.next = nextWork;
own.pane = nextPane;
own.send = sendForm;
own.undo = takeBack;
// buttons that are made anew carry the keys as delivered
document.addEventListener("desk:live", show);
document.addEventListener("desk:opened", show);
show();
