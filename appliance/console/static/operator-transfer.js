// Transfer: offices open now and later, a reason, one of two ways; and returns.

import { hush, part, send, tell } from "./acting.js";
import { say } from "./console.js";
import { onAction } from "./keys.js";
import { caption, currentCall, myCall } from "./operator-work.js";

const EVERY_MS = 30_000; // bands open and close without a call
const LEAST_MS = 5_000;
const offices = document.getElementById("offices");
const field = document.getElementById("office-filter");
const form = document.getElementById("return");
let chosen = null;
let fetchedAt = -Infinity;

// --- offices --------------------------------------------------------------------------------------

/** Fetch the offices as they are now; never while one of them is chosen. */
async function refresh() {
  fetchedAt = performance.now();
  // the open sheet's office stands first
  const unit = document.querySelector("#sheet:not([hidden]) [data-unit]")?.dataset.unit ?? "";
  const html = await part(`/desk/offices?${new URLSearchParams({ unit })}`);
  if (html === null || chosen) return;
  window.Idiomorph.morph(offices, html, { morphStyle: "innerHTML" });
  filter();
}

/** Show the offices, or the one of a name that the search has found. */
export async function showOffices(name = "") {
  if (name) field.value = name;
  field.focus(); // at once: what is typed meanwhile is a part of a name
  field.select();
  choose(null);
  await refresh();
  if (name && field.value === name) rows()[0]?.focus();
}

// what is typed need stand somewhere in the row; accents and case do not matter
const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

function filter() {
  const typed = plain(field.value).split(/\s+/);
  for (const one of offices.querySelectorAll(".desk-office")) {
    const text = plain(one.querySelector("[data-office]").textContent);
    one.hidden = !typed.every((word) => text.includes(word));
  }
  count(typed.some(Boolean));
}

/** Count the offices that are shown; a group without any is hidden while one filters. */
function count(isFiltered) {
  for (const group of offices.querySelectorAll("ul")) {
    const shown = group.querySelectorAll(".desk-office:not([hidden])").length;
    const head = group.previousElementSibling;
    head.querySelector(".count").textContent = shown;
    head.hidden = group.hidden = shown === 0;
  }
  const none = document.getElementById("offices-none");
  if (!none) return; // the switchboard does not answer
  const words = isFiltered && rows().length === 0 ? none.dataset.none : "";
  none.hidden = !words;
  if (none.textContent !== words) none.textContent = words;
}

function rows() {
  return [...offices.querySelectorAll(".desk-office:not([hidden]) [data-office]")];
}

/** Choose an office: one that takes calls now is asked a reason for, another one has its rule. */
function choose(office) {
  chosen = office;
  for (const one of offices.querySelectorAll("[data-office]")) {
    one.setAttribute("aria-pressed", String(one === office));
  }
  const reasons = document.getElementById("transfer-form");
  if (!reasons) return;
  reasons.hidden = office === null;
  if (office === null) { offices.querySelector("ul")?.after(reasons); return; }
  office.closest("li").append(reasons); // what is asked stands below the office
  reasons.querySelector("legend span").textContent = office.querySelector("strong").textContent;
  reasons.querySelector("[name=reason]:checked").focus();
}

/** Let go of the office that was chosen, and of what was typed to find it. */
function letGo() {
  choose(null);
  field.value = "";
  filter();
}

/** Take the request over by the rule of an office, without a transfer. */
function takeOver(office) {
  const { unit, need } = office.dataset;
  openReturn({ unit, need, call: myCall()?.dataset.call ?? currentCall() }, true);
}

async function transfer(fields) {
  const office = chosen;
  if (!office) return;
  const { unit, need } = office.dataset;
  fields.append("unit", unit);
  fields.append("need", need);
  fields.append("of", currentCall());
  if ("told" in office.dataset) fields.append("anyway", "1");
  const answer = await send("/desk/transfer", fields);
  tell(answer, "/desk/transfer");
  if (answer.done) {
    // whoever went on to type elsewhere meanwhile stays there
    const isHere = offices.contains(document.activeElement);
    letGo();
    if (isHere) document.getElementById("call-bar").focus();
    return;
  }
  // told once that nobody there has answered of late: the same key tries it all the same (E8)
  if ("unanswered" in office.dataset) office.dataset.told = "";
  else if (answer.said && !answer.stays) takeOver(office);
}

offices.addEventListener("click", (event) => {
  const office = event.target.closest("[data-office]");
  if (event.target.closest("[data-take-over]") && chosen) takeOver(chosen);
  else if (office && "later" in office.dataset) takeOver(office);
  else if (office) choose(office);
});

offices.addEventListener("submit", (event) => {
  event.preventDefault();
  transfer(new FormData(event.target, event.submitter));
});

field.addEventListener("input", filter);

const pane = offices.closest("[data-pane]");
pane.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && (chosen || field.value)) { letGo(); field.focus(); return; }
  const all = rows();
  const at = all.indexOf(document.activeElement);
  const leaves = event.target === field && ["ArrowDown", "Enter"].includes(event.key);
  if (!leaves && (at < 0 || !["ArrowDown", "ArrowUp"].includes(event.key))) return;
  event.preventDefault();
  const next = leaves ? all[0] : event.key === "ArrowUp" ? all[at - 1] ?? field : all[at + 1];
  next?.focus();
});

onAction("offices", () => {
  // an office that has answered is given the call by the key that has chosen it
  const over = document.querySelector('#call-bar [data-action="offices"]');
  if (over) over.click(); else showOffices();
});
document.addEventListener("desk:begun", letGo);
document.addEventListener("desk:live", () => { if (performance.now() - fetchedAt > LEAST_MS) refresh(); });
setInterval(refresh, EVERY_MS);
if (location.hash === "#offices") showOffices(); // from the call bar of another page
else refresh();

// --- returns --------------------------------------------------------------------------------------

let newest = 0; // an answer to what was asked before must not replace a later one
const SHOWN = "desk-return";
let shown = sessionStorage.getItem(SHOWN) ?? ""; // the return that was opened by itself: once, and never over what is being typed

/** Show the form of an office's rule; what was typed in it before a reload is put back by draft.
    The sheet that is named in it is one of the same call. */
export async function openReturn(about, focuses = false) {
  const mine = ++newest;
  const html = await part(`/desk/return?${new URLSearchParams(about)}`);
  if (!html || mine !== newest) return false;
  if (!form.hidden) document.dispatchEvent(new CustomEvent("desk:replacing", { detail: about }));
  form.innerHTML = html;
  form.hidden = false;
  letGo();
  form.dataset.about = JSON.stringify(about);
  nameCall(about.call);
  const sheet = document.querySelector("#sheet:not([hidden])");
  const title = sheet?.querySelector("#sheet-title");
  if (title && sheet.dataset.of === (about.call ?? "")) {
    // an entry of the address book is no sheet
    form.querySelector("[name=sheet]").value = sheet.querySelector("[name=sheet]")?.value ?? "";
    form.querySelector("[name=subject]").value = title.textContent;
  }
  if (focuses) focusForm();
  document.dispatchEvent(new CustomEvent("desk:opened"));
  return true;
}

function nameCall(call) {
  const place = form.querySelector("[data-of-call]");
  if (!place || !caption(call)) return;
  place.textContent = place.dataset.ofCall.replace("{}", caption(call));
  place.hidden = false;
}

function focusForm() {
  const fields = [...form.querySelectorAll(".desk-form > input:not([type=hidden]), .desk-form > select")];
  (fields.find((one) => !one.value) ?? fields[0])?.focus();
}

async function notice() {
  const call = document.querySelector(".desk-call.desk-mine.desk-back");
  if (!call || call.dataset.call === shown || !form.hidden) return;
  shown = call.dataset.call;
  sessionStorage.setItem(SHOWN, shown);
  hush(); // that the office is being rung
  if (await openReturn({ call: shown })) say(document.getElementById("return-title").textContent);
}

/** Close the form; `next` gets the focus that was in it. */
export function closeReturn(next = form.closest("[data-pane]")) {
  const isHere = form.contains(document.activeElement);
  form.hidden = true;
  form.replaceChildren();
  if (isHere) next.focus();
  document.dispatchEvent(new CustomEvent("desk:closed"));
}

/** Change the way of the return; what is typed already stays. */
async function changeRule(rule) {
  const typed = new FormData(document.getElementById("return-form"));
  if (!await openReturn({ ...JSON.parse(form.dataset.about), rule })) return;
  const fields = document.getElementById("return-form").elements;
  for (const name of ["name", "phone", "email", "subject", "asked", "sheet"]) {
    if (typed.get(name)) fields[name].value = typed.get(name);
  }
  focusForm();
  document.dispatchEvent(new CustomEvent("desk:opened"));
}

form.addEventListener("click", (event) => {
  const rule = event.target.closest("[data-rule]");
  if (rule) changeRule(rule.dataset.rule);
  if (event.target.closest("[data-close]")) closeReturn();
});

document.addEventListener("desk:done", (event) => {
  const { form: sent, answer } = event.detail;
  if (!sent.matches("[data-closes=return]")) return;
  if (answer.done) closeReturn(document.getElementById("told"));
  else if (answer.again) sent.querySelector("[name=anyway]").value = "1";
});

document.addEventListener("desk:live", notice);
notice();
