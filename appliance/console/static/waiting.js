// A form that waits for the console: what was typed stays, and is sent as soon as it answers.

import { say } from "./console.js";

const LIMIT_MS = 3_000;
const AGAIN_MS = 1_000;
const SLOW_MS = 400; // before the form says that it waits: on a quick network nothing is seen
const LONGEST_MS = 120_000; // after which nobody may be there who still wants it

const sure = new WeakSet(); // forms that may go: the console has just answered
const waiting = new WeakSet();

async function isThere() {
  try {
    return (await fetch("/alive", { cache: "no-store", signal: AbortSignal.timeout(LIMIT_MS) })).ok;
  } catch (error) {
    return false; // it restarts, or the network is gone
  }
}

function show(words) {
  const place = document.querySelector("[data-waiting]");
  place.textContent = words;
  place.hidden = !words;
  if (words) say(words);
}

/** Tell whether a form that is being sent goes now; if not, it goes by itself once it can. */
export function goesNow(form, submitter) {
  if (sure.delete(form)) return true;
  if (!waiting.has(form)) wait(form, submitter);
  return false;
}

async function wait(form, submitter) {
  waiting.add(form);
  const { waiting: waits, failed } = document.querySelector("[data-waiting]").dataset;
  const slow = setTimeout(() => show(waits), SLOW_MS);
  const ends = performance.now() + LONGEST_MS;
  let hasCome = await isThere();
  while (!hasCome && performance.now() < ends) {
    await new Promise((done) => { setTimeout(done, AGAIN_MS); });
    hasCome = await isThere();
  }
  clearTimeout(slow);
  waiting.delete(form);
  show(hasCome ? "" : failed);
  if (!hasCome) return;
  sure.add(form);
  form.requestSubmit(submitter?.isConnected ? submitter : null);
  sure.delete(form); // a field that was not valid has kept it here
}
