// A list that is live: it is fetched again when something has changed on the box, and at times, and
// only what differs is put in its place. What has the focus keeps it.

import { isLost, onEvent } from "./live.js";

const EVERY_MS = 5_000;
const SOON_MS = 100; // several changes at once are one
const place = document.querySelector("[data-live-list]");
let asking = false;
let again = false; // something has changed while the list was being fetched
let soon = 0;

async function refresh() {
  if (asking) { again = true; return; }
  if (document.hidden || isLost() || document.querySelector("dialog[open]")) return;
  asking = true;
  try {
    const part = place.dataset.liveList; // the address of the list alone, "" for the page's own
    const answer = await fetch(part || location.href, { signal: AbortSignal.timeout(EVERY_MS) });
    if (!answer.ok || answer.redirected) return;
    const whole = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = part ? whole.body : whole.querySelector("[data-live-list]");
    if (fresh && fresh.innerHTML !== place.innerHTML) window.Idiomorph.morph(place, fresh.innerHTML, { morphStyle: "innerHTML" });
  } catch (error) {
    // the connection's own banner says so
  } finally {
    asking = false;
    if (again) { again = false; later(); }
  }
}

function later() {
  soon ||= setTimeout(() => { soon = 0; refresh(); }, SOON_MS);
}

if (place) {
  setInterval(refresh, EVERY_MS);
  onEvent("at", later);
  document.addEventListener("visibilitychange", refresh);
}
