// The work to be followed: list, open case, and what is known of its number. The list is live, also
// where a colleague does something; another case is opened in the place of the one before, and what
// is half typed about a case is kept with that case.

import { send, tell } from "./acting.js";
import { say } from "./console.js";
import { fetched, keeper } from "./drafts.js";
import { onAction, perform } from "./keys.js";
import { isLost, onEvent } from "./live.js";

const LIMIT_MS = 8_000;
const EVERY_MS = 5_000;
const SOON_MS = 100; // several changes at once are one
const PARTS = ["inbox-list", "inbox-case", "inbox-beside"];
const KEEP = {
  morphStyle: "innerHTML",
  callbacks: {
    // a sound that is heard goes on, and what is being typed stays
    beforeNodeMorphed: (old) => !(old.nodeType === 1 && (old.matches("audio, .wave, [data-reason]") || (old.matches("input:not([type=hidden]), textarea") && old.value))),
    beforeAttributeUpdated: (name, old) => !(name === "open" && old.tagName === "DETAILS") && !(name === "aria-pressed" && old.dataset?.speed),
  },
};
const inbox = document.getElementById("inbox");
const itsCase = document.getElementById("inbox-case");
let newest = 0; // an answer to what was asked before must not replace a later one
let opening = 0; // the case that a person has asked for and that has not come yet: no refresh overtakes it
let soon = 0;
let typed = {}; // what is half typed, by the case's address
let holder = ""; // what was said last of who has the open case

const openPath = () => inbox.dataset.open;

// --- what is half typed --------------------------------------------------------------------------

const field = () => itsCase.querySelector("textarea, input[name=words]");
let seen; // the last erasure that this page knows of
const keep = keeper("inbox", () => (Object.keys(typed).length ? { ...typed, erased: seen } : null), forget);

/** Drop what is half typed about cases that have been erased since (E20). */
async function forget() {
  const mark = (await fetched("inbox"))?.erased;
  if (!mark || mark.at === seen) return;
  seen = mark.at;
  for (const path of mark.names) delete typed[path];
  if (mark.names.includes(openPath()) && field()) field().value = "";
  keep();
}

function note() {
  const words = field()?.value ?? "";
  if (words) typed[openPath()] = words;
  else delete typed[openPath()];
  keep();
}

function bringBack() {
  const words = typed[openPath()];
  if (words && field() && !field().value) field().value = words;
}

// --- showing -------------------------------------------------------------------------------------

/** Fetch the page of a case and put its three parts in place; `isOpened` by a person. */
async function show(path, isOpened) {
  if (isLost()) return;
  const mine = ++newest;
  if (isOpened) opening = mine;
  let whole = null;
  try {
    const answer = await fetch(path, { signal: AbortSignal.timeout(LIMIT_MS) });
    if (answer.redirected) { location.assign(path); return; }
    if (answer.ok) whole = new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch (error) {
    // the connection's own banner says so
  }
  if (opening === mine) opening = 0;
  if (mine !== newest || !whole) return;
  const fresh = whole.getElementById("inbox");
  const isOther = fresh.dataset.open !== openPath();
  if (isOther && !isOpened && openPath()) return; // the open case stays open, also where it is done
  if (isOther) itsCase.replaceChildren();
  Object.assign(inbox.dataset, { open: fresh.dataset.open, next: fresh.dataset.next });
  for (const id of PARTS) {
    window.Idiomorph.morph(document.getElementById(id), whole.getElementById(id).innerHTML, KEEP);
  }
  document.title = document.title.replace(title, whole.title);
  title = whole.title;
  document.dispatchEvent(new CustomEvent("desk:opened")); // the keys on buttons that are new
  bringBack();
  if (isOpened) arrive(path, isOther);
  else tellHolder();
}

let title = document.title;

/** Lead the reader to the case that was opened; who only shortens the list stays there. */
function arrive(path, isOther) {
  if (address() !== path) history.pushState(null, "", path);
  holder = whose();
  if (!isOther) return;
  document.getElementById("case-title").focus();
  reveal();
  itsCase.querySelector(".case")?.scrollTo(0, 0);
}

/** Scroll the list to the open case. Not by scrollIntoView: Tab would go on from there. */
function reveal() {
  const list = document.getElementById("inbox-list");
  const row = list.querySelector('[aria-current="true"][data-work]')?.getBoundingClientRect();
  if (!row) return;
  const frame = list.getBoundingClientRect();
  const top = frame.top + list.querySelector(".pane-head").offsetHeight;
  if (row.top < top) list.scrollTop -= top - row.top;
  else if (row.bottom > frame.bottom) list.scrollTop += row.bottom - frame.bottom;
}

const whose = () => itsCase.querySelector(".note.warn > strong")?.textContent ?? "";

/** Say that a colleague has taken the open case. */
function tellHolder() {
  if (whose() !== holder && whose()) say(whose());
  holder = whose();
}

function address() {
  return location.pathname + location.search;
}

function refresh() {
  if (opening) { later(); return; }
  if (document.hidden || document.querySelector("dialog[open]")) return;
  show(openPath() ? `${openPath()}${location.search}` : address(), false);
}

function later() {
  soon ||= setTimeout(() => { soon = 0; refresh(); }, SOON_MS);
}

// --- moving --------------------------------------------------------------------------------------

function move(step) {
  const all = [...document.querySelectorAll("#inbox-list [data-work]")].filter((one) => one.dataset.work !== "/desk");
  const at = all.findIndex((one) => one.dataset.work === openPath());
  const to = all[at < 0 ? 0 : at + step];
  if (to) show(to.dataset.work + location.search, true);
}

onAction("down", () => move(1));
onAction("up", () => move(-1));
onAction("next", () => { if (inbox.dataset.next) show(inbox.dataset.next + location.search, true); });

inbox.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  const link = event.target.closest("[data-work], [data-filter]");
  if (link && link.getAttribute("href").startsWith("/inbox")) {
    event.preventDefault();
    show(link.getAttribute("href"), true);
  }
  if (event.target.closest("[data-action=next]")) perform("next", event);
  if (event.target.closest("[data-release]")) release();
});
addEventListener("popstate", () => show(address(), true));

// --- doing ---------------------------------------------------------------------------------------

/** Free a case that a colleague has taken, who may be away: the history says who did. */
async function release() {
  const [kind, number] = openPath().split("/").slice(2);
  tell(await send("/inbox/step", { kind, number, step: "release" }), "/inbox/step");
  refresh();
}

document.addEventListener("desk:done", (event) => {
  const { form, answer } = event.detail;
  if (!inbox.contains(form)) return;
  if (answer.done && form.matches("[data-outcomes], .case-step")) {
    form.reset();
    delete typed[openPath()];
    keep();
  }
  if (form.matches("[data-asks-reason]")) askReason(form, answer.asks_reason === true);
  refresh();
});

/** Ask why the call cannot wait, outside the hours for calling back. */
function askReason(form, isAsked) {
  const place = form.querySelector("[data-reason]");
  const reason = place.querySelector("input");
  place.hidden = !isAsked;
  reason.disabled = !isAsked;
  reason.required = isAsked;
  if (isAsked) reason.focus();
  else reason.value = "";
}

itsCase.addEventListener("input", note);
// what was typed before the answer came is the newest
const { erased, ...kept } = (await fetched("inbox")) ?? {};
seen = erased?.at;
typed = { ...kept, ...typed };
if (field()?.value) note();
bringBack();
holder = whose();
reveal();
onEvent("at", later);
setInterval(refresh, EVERY_MS);
document.addEventListener("visibilitychange", refresh);
