// Sheets, other bodies and offices as one types, and what is on record of whoever calls.

import { say } from "./console.js";
import { part } from "./acting.js";
import { showOffices } from "./operator-transfer.js";
import { touch } from "./operator-work.js";

const search = document.getElementById("search");
const found = document.getElementById("found");
const sheet = document.getElementById("sheet");
const PAUSE_MS = 120;
let pending = 0;
let newest = 0;
let looking = null; // the search that goes on, and the words that it looks for
let shown = ""; // the words whose sheets are shown

search.addEventListener("input", () => {
  clearTimeout(pending);
  pending = setTimeout(find, PAUSE_MS);
});

async function find() {
  clearTimeout(pending);
  const words = search.value;
  if (looking?.words === words) return looking.done;
  looking = { words, done: look(words) };
  return looking.done;
}

async function look(words) {
  const mine = ++newest; // an answer to what was typed before must not replace a later one
  const html = await part(`/desk/search?q=${encodeURIComponent(words)}`);
  if (looking?.words === words) looking = null;
  if (mine !== newest || html === null) return;
  found.innerHTML = html;
  shown = words;
}

/** Open what was found: a sheet or an entry of the address book to read, or an office to transfer to. */
async function open(hit) {
  const { found: kind, code } = hit.dataset;
  if (kind === "office") { showOffices(hit.querySelector("strong").textContent); return; }
  const html = await part(`/desk/${kind === "entry" ? "book" : "sheet"}/${encodeURIComponent(code)}`);
  if (html === null) return;
  touch();
  sheet.innerHTML = html;
  const call = sheet.querySelector("[name=call]");
  if (call) call.value = sheet.dataset.of;
  sheet.hidden = false;
  sheet.focus();
}

found.addEventListener("click", (event) => {
  const hit = event.target.closest("[data-found]");
  if (hit) open(hit);
});

function hits() {
  return [...found.querySelectorAll("[data-found]")];
}

/** Open the best find of the words as they stand, also where its search has not answered yet. */
async function openFirst() {
  const words = search.value;
  if (!words.trim()) return;
  if (shown !== words) await find();
  if (shown !== words) { if (search.value === words) say(search.dataset.failed); return; }
  const [first] = hits();
  if (first) open(first);
}

search.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.ctrlKey) { event.preventDefault(); openFirst(); }
  if (event.key === "ArrowDown" && hits().length) { event.preventDefault(); hits()[0].focus(); }
});

found.addEventListener("keydown", (event) => {
  const all = hits();
  const at = all.indexOf(document.activeElement);
  if (at < 0 || !["ArrowDown", "ArrowUp"].includes(event.key)) return;
  event.preventDefault();
  (event.key === "ArrowUp" && at === 0 ? search : all[at + (event.key === "ArrowUp" ? -1 : 1)])?.focus();
});

// --- whoever calls --------------------------------------------------------------------------------

const asked = new Set();

async function lookUp() {
  for (const call of document.querySelectorAll("[data-call][data-number]")) {
    if (asked.has(call.dataset.call)) continue;
    asked.add(call.dataset.call);
    const html = await part(`/desk/known/${encodeURIComponent(call.dataset.call)}`);
    const place = document.getElementById(`known-${call.dataset.call}`);
    if (!place || html === null) continue;
    place.innerHTML = html;
    const open = place.querySelector("[data-says]");
    if (open) say(open.dataset.says);
  }
}

document.addEventListener("desk:live", lookUp);
lookUp();
