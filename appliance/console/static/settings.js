// Settings: what is typed is judged while it is typed, in words; a change on trial counts down.

import { say, shout } from "./console.js";

const PAUSE_MS = 500; // after the last key
const LIMIT_MS = 15_000;
const AGAIN_MS = 3_000; // between two attempts to reach the console

const form = document.getElementById("settings-form");
const changes = document.getElementById("changes");
let waiting = 0;
let asked = 0; // the newest question: an older answer that comes late is not shown

/** Show each mistake at its field, and none where there is none any more. */
function atFields() {
  for (const place of form.querySelectorAll(".problem")) {
    place.hidden = true;
    place.textContent = "";
  }
  for (const control of form.querySelectorAll("[aria-invalid]")) control.removeAttribute("aria-invalid");
  for (const one of changes.querySelectorAll("[data-problem]")) {
    const id = one.dataset.problem.replaceAll(".", "-");
    const place = document.getElementById(`${id}-problem`);
    if (!place) continue;
    place.textContent = one.querySelector("span").textContent;
    place.hidden = false;
    document.getElementById(id).setAttribute("aria-invalid", "true");
    place.closest("details")?.setAttribute("open", "");
  }
}

function fields() {
  const found = new URLSearchParams(new FormData(form));
  found.delete("expires");
  return found;
}

async function look() {
  const own = ++asked;
  const headers = JSON.parse(document.body.getAttribute("hx-headers") || "{}");
  try {
    const signal = AbortSignal.timeout(LIMIT_MS);
    const answer = await fetch(form.dataset.preview, { method: "POST", body: fields(), headers, signal });
    if (answer.redirected || !answer.ok) throw new Error(answer.statusText);
    const html = await answer.text();
    if (own !== asked) return;
    changes.innerHTML = html;
    atFields();
    const problems = changes.querySelectorAll("[data-problem]").length;
    if (problems) say(changes.querySelector("[data-problems] p").textContent);
  } catch (error) {
    if (own === asked) changes.textContent = changes.dataset.failed;
  }
}

if (form) {
  // Without a script the button shows it; with one it is shown by itself.
  document.querySelector("[data-look]").hidden = true;
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(look, PAUSE_MS);
  });
  // Enter in a field is the first button's, which shows what will change; it never applies it.
  form.addEventListener("submit", (event) => {
    if (event.submitter?.value !== "look") return;
    event.preventDefault();
    clearTimeout(waiting);
    look();
  });
}

const trial = document.getElementById("trial");
if (trial) {
  const left = document.getElementById("trial-left");
  const bar = trial.querySelector("progress");
  const ends = performance.now() + Number(trial.dataset.left) * 1000;
  // It restarts for the change: the page is opened anew as soon as it is there with it.
  if ("moves" in trial.dataset) setTimeout(comeBack, 2 * AGAIN_MS);
  let hasWarned = Number(trial.dataset.left) <= 20;
  const ticking = setInterval(() => {
    const seconds = Math.max(0, Math.ceil((ends - performance.now()) / 1000));
    left.textContent = seconds;
    bar.value = seconds;
    if (seconds <= 20 && !hasWarned) {
      hasWarned = true;
      shout(trial.dataset.twenty);
    }
    if (seconds > 0) return;
    clearInterval(ticking);
    setTimeout(comeBack, AGAIN_MS);
  }, 250);
}

/** Open the page anew once the console is where it was: it restarts for the undoing. */
async function comeBack() {
  try {
    const answer = await fetch("/alive", { signal: AbortSignal.timeout(LIMIT_MS) });
    if (answer.ok) {
      location.assign(location.pathname);
      return;
    }
  } catch (error) {
    // Not yet.
  }
  setTimeout(comeBack, AGAIN_MS);
}
