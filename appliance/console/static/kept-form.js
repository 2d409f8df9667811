// A form that the console has not taken, since the session ended or the page was refused, is filled in
// again (E18): kept in this window alone, for whoever typed it, for an hour at most; no passwords.

const KEY = "form-kept";
const LONGEST_MS = 3_600_000;
const NOT_TYPED = ["csrf", "expires"];
const NO_TEXT = ["button", "file", "image", "password", "reset", "submit"];

const by = document.getElementById("person-name")?.dataset.person ?? "";
const isRefused = document.documentElement.hasAttribute("data-refused");
const isLogin = location.pathname === "/login";
const here = location.pathname + location.search;
let typedIn = null; // the form that somebody has changed on this page
let isSent = false;

function read() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
    return kept && Date.now() - kept.at < LONGEST_MS ? kept : null;
  } catch (error) {
    return null;
  }
}

function write(kept) {
  try { sessionStorage.setItem(KEY, JSON.stringify(kept)); } catch (error) { forget(); }
}

function forget() {
  sessionStorage.removeItem(KEY);
}

function pathOf(form) {
  return new URL(form.getAttribute("action") ?? "", location.href).pathname;
}

/** Tell whether a form is kept: the login and the desk are not, nor what erases a citizen. */
function isKept(form) {
  return form.getAttribute("method") === "post" && !form.closest("#desk, [data-unkept]")
    && !form.querySelector("[autocomplete=current-password]");
}

function fieldsOf(form) {
  // the numbers of offices stay out of the browser (P7)
  return [...form.elements].filter((one) => one.name && !NOT_TYPED.includes(one.name)
    && !one.name.endsWith(".number") && one.tagName !== "BUTTON" && !NO_TEXT.includes(one.type));
}

function isChosen(field) {
  return !["checkbox", "radio"].includes(field.type) || field.checked;
}

function keep(form, state) {
  const fields = fieldsOf(form).filter(isChosen).map((one) => [one.name, one.value]);
  write({ by, at: Date.now(), state, page: here, path: pathOf(form), fields });
}

/** Find the form that was sent: of some with the same address the one with the same hidden values. */
function formOf(kept) {
  const found = [...document.forms].filter((one) => isKept(one) && pathOf(one) === kept.path);
  const has = (one) => kept.fields.some(([name, value]) => name === one.name && value === one.value);
  const hidden = (form) => fieldsOf(form).filter((one) => one.type === "hidden");
  return found.length === 1 ? found[0] : found.find((form) => hidden(form).every(has));
}

function put(field, values) {
  if (["checkbox", "radio"].includes(field.type)) field.checked = values.includes(field.value);
  // a slot that somebody took meanwhile is offered no more
  else if (values.length && (field.tagName !== "SELECT" || [...field.options].some((one) => one.value === values[0]))) {
    field.value = values.shift();
  }
}

/** Put what was typed into its form again; returns whether there is one to be typed in. */
function fill(form, kept) {
  const shown = fieldsOf(form).filter((one) => one.type !== "hidden");
  const values = new Map();
  for (const [name, value] of kept.fields) values.set(name, [...values.get(name) ?? [], value]);
  for (const field of shown) put(field, values.get(field.name) ?? []);
  for (const field of shown) field.dispatchEvent(new Event("change", { bubbles: true }));
  const fold = form.closest("details");
  if (fold && shown.length) fold.open = true;
  return shown.length > 0;
}

function bringBack() {
  const kept = read();
  // for nobody else, and no more once the console has taken it, or its page was left for another one
  const isLost = isLogin || isRefused || kept?.state === "lost" || (kept?.state === "left" && kept.page === here);
  if (!isLost || (by && kept?.by !== by)) { forget(); return; }
  if (!kept) return;
  const note = document.getElementById("form-kept");
  // a form that was sent may have been saved: only the login's own address says that it was not
  if (isLogin && kept.state === "sent" && new URLSearchParams(location.search).get("ended") !== "form") return;
  write({ ...kept, state: "lost" });
  if (isLogin && note) note.hidden = false;
  const form = by ? formOf(kept) : null;
  // a refused form that is shown again says itself why
  if (!form || !fill(form, kept) || isRefused) return;
  form.insertAdjacentHTML("beforebegin", "<p class=\"note warn\" role=\"alert\"></p>");
  form.previousElementSibling.textContent = document.body.dataset.kept;
}

bringBack();
document.addEventListener("input", (event) => {
  if (event.isTrusted && event.target.form && isKept(event.target.form)) typedIn = event.target.form;
});
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (pathOf(form) === "/logout") { typedIn = null; forget(); return; }
  if (!by || !isKept(form)) return;
  // one that a script sends has its answer on this page
  if (event.defaultPrevented) { typedIn = null; return; }
  isSent = true;
  keep(form, "sent");
});
// the page may leave by itself for the login, before anything is sent
addEventListener("pagehide", () => {
  if (by && typedIn?.isConnected && !isSent) keep(typedIn, "left");
});
addEventListener("pageshow", (event) => { if (event.persisted) isSent = false; });
