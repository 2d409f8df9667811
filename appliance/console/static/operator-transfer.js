// Transfer: offices open now and later, one key for the office, one for the reason; and returns.

import { say } from "./console.js";
import { hush, onKey, part, send, tell } from "./operator.js";

const offices = document.getElementById("offices");
const form = document.getElementById("return");
const REASONS = { 1: "topic", 2: "depth", 3: "other" };
let chosen = null;

// --- offices --------------------------------------------------------------------------------------

async function showOffices() {
  // the open sheet's office stands first
  const unit = document.querySelector("#sheet:not([hidden]) [data-unit]")?.dataset.unit ?? "";
  const html = await part(`/desk/offices?${new URLSearchParams({ unit })}`);
  if (html === null) return;
  offices.innerHTML = html;
  offices.hidden = false;
  choose(null);
  document.getElementById("office-filter").focus();
}

// what is typed need stand somewhere in the row; accents and case do not matter
const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

function filter() {
  const typed = plain(document.getElementById("office-filter").value).split(/\s+/);
  for (const one of offices.querySelectorAll(".desk-office")) {
    const text = plain(one.querySelector("[data-office]").textContent);
    one.hidden = !typed.every((word) => text.includes(word));
  }
}

function rows() {
  return [...offices.querySelectorAll(".desk-office:not([hidden]) [data-office]")];
}

function choose(office) {
  chosen = office;
  for (const one of offices.querySelectorAll("[data-office]")) {
    one.setAttribute("aria-pressed", String(one === office));
  }
}

async function transfer(reason) {
  const focused = document.activeElement?.closest("#offices [data-office]");
  const office = focused ?? chosen;
  if (!office || "later" in office.dataset) return;
  choose(office);
  const { unit, need } = office.dataset;
  const fields = { unit, need, reason };
  if (document.getElementById("blind")?.checked) fields.blind = "1";
  if ("told" in office.dataset) fields.anyway = "1";
  const answer = await send("/desk/transfer", fields);
  tell(answer, "/desk/transfer");
  if (answer.done) { offices.hidden = true; return; }
  // told once that nobody there has answered of late: the same key tries it all the same (E8)
  if ("unanswered" in office.dataset) office.dataset.told = "";
  else if (answer.said) openReturn({ unit, need, call: myCall()?.dataset.call ?? "" });
}

offices.addEventListener("click", (event) => {
  const office = event.target.closest("[data-office]");
  const reason = event.target.closest("[data-reason]");
  if (reason) transfer(reason.dataset.reason);
  else if (office && "later" in office.dataset) {
    const { unit, need } = office.dataset;
    openReturn({ unit, need, call: myCall()?.dataset.call ?? "" }, true);
  } else if (office) choose(office);
});

offices.addEventListener("input", (event) => { if (event.target.id === "office-filter") filter(); });

offices.addEventListener("keydown", (event) => {
  const field = document.getElementById("office-filter");
  const all = rows();
  const at = all.indexOf(document.activeElement);
  const leaves = event.target === field && ["ArrowDown", "Enter"].includes(event.key);
  if (!leaves && (at < 0 || !["ArrowDown", "ArrowUp"].includes(event.key))) return;
  event.preventDefault();
  const next = leaves ? all[0] : event.key === "ArrowUp" ? all[at - 1] ?? field : all[at + 1];
  next?.focus();
});

onKey("t", showOffices);
for (const [key, reason] of Object.entries(REASONS)) onKey(key, () => transfer(reason));
document.getElementById("show-offices").addEventListener("click", showOffices);

// --- returns --------------------------------------------------------------------------------------

let newest = 0; // an answer to what was asked before must not replace a later one
const SHOWN = "desk-return";
let shown = sessionStorage.getItem(SHOWN) ?? ""; // the return that was opened by itself: once, and never over what is being typed

function myCall() {
  return document.querySelector(".desk-call.desk-mine.desk-back") ?? document.querySelector(".desk-call.desk-mine");
}

/** Show the form of an office's rule; what was typed in it before a reload is put back by draft. */
export async function openReturn(about, focuses = false) {
  const mine = ++newest;
  const html = await part(`/desk/return?${new URLSearchParams(about)}`);
  if (!html || mine !== newest) return false;
  form.innerHTML = html;
  form.hidden = false;
  offices.hidden = true;
  form.dataset.about = JSON.stringify(about);
  const sheet = document.querySelector("#sheet:not([hidden]) [name=sheet]");
  if (sheet) {
    form.querySelector("[name=sheet]").value = sheet.value;
    form.querySelector("[name=subject]").value = document.getElementById("sheet-title").textContent;
  }
  if (focuses) focusForm();
  document.dispatchEvent(new CustomEvent("desk:opened"));
  return true;
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

function close() {
  form.hidden = true;
  form.replaceChildren();
  document.dispatchEvent(new CustomEvent("desk:closed"));
}

form.addEventListener("click", (event) => {
  const rule = event.target.closest("[data-rule]");
  if (rule) openReturn({ ...JSON.parse(form.dataset.about), rule: rule.dataset.rule }, true);
  if (event.target.closest("[data-close]")) close();
});

document.addEventListener("desk:done", (event) => {
  const { form: sent, answer } = event.detail;
  if (!sent.matches("[data-closes=return]")) return;
  if (answer.done) close();
  else if (answer.again) sent.querySelector("[name=anyway]").value = "1";
});

onKey("r", () => {
  const call = myCall();
  const office = document.activeElement?.closest("#offices [data-office]");
  if (office && form.hidden) {
    const { unit, need } = office.dataset;
    openReturn({ unit, need, call: call?.dataset.call ?? "" }, true);
    return;
  }
  if (!form.hidden) focusForm();
  else if (call) openReturn({ call: call.dataset.call }, true);
});
document.addEventListener("desk:live", notice);
notice();
