// Sheets as one types, and what is on record of whoever calls.

import { onKey, part } from "./operator.js";

const search = document.getElementById("search");
const found = document.getElementById("found");
const sheet = document.getElementById("sheet");
const PAUSE_MS = 120;
let pending = 0;
let newest = 0;

search.addEventListener("input", () => {
  clearTimeout(pending);
  pending = setTimeout(find, PAUSE_MS);
});

async function find() {
  const mine = ++newest; // an answer to what was typed before must not replace a later one
  const html = await part(`/desk/search?q=${encodeURIComponent(search.value)}`);
  if (mine === newest && html !== null) found.innerHTML = html;
}

async function open(code) {
  const html = await part(`/desk/sheet/${encodeURIComponent(code)}`);
  if (html === null) return;
  sheet.innerHTML = html;
  sheet.hidden = false;
  sheet.focus();
}

found.addEventListener("click", (event) => {
  const hit = event.target.closest("[data-sheet]");
  if (hit) open(hit.dataset.sheet);
});

function hits() {
  return [...found.querySelectorAll("[data-sheet]")];
}

search.addEventListener("keydown", (event) => {
  const [first] = hits();
  if (!first) return;
  if (event.key === "ArrowDown") { event.preventDefault(); first.focus(); }
  if (event.key === "Enter") { event.preventDefault(); open(first.dataset.sheet); }
});

found.addEventListener("keydown", (event) => {
  const all = hits();
  const at = all.indexOf(document.activeElement);
  if (at < 0 || !["ArrowDown", "ArrowUp"].includes(event.key)) return;
  event.preventDefault();
  (event.key === "ArrowUp" && at === 0 ? search : all[at + (event.key === "ArrowUp" ? -1 : 1)])?.focus();
});

onKey("/", () => { search.focus(); search.select(); });

// --- whoever calls --------------------------------------------------------------------------------

const asked = new Set();

async function lookUp() {
  for (const call of document.querySelectorAll("[data-call][data-number]")) {
    if (asked.has(call.dataset.call)) continue;
    asked.add(call.dataset.call);
    const html = await part(`/desk/known/${encodeURIComponent(call.dataset.call)}`);
    const place = document.getElementById(`known-${call.dataset.call}`);
    if (place && html !== null) place.innerHTML = html;
  }
}

document.addEventListener("desk:live", lookUp);
lookUp();
