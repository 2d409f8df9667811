// A list that is live: it is fetched again when something has changed on the box, and at times, and
// only what differs is put in its place. What has the focus keeps it.

import { isLost } from "./live.js";

const EVERY_MS = 5_000;
const place = document.querySelector("[data-live-list]");
let asking = false;

async function refresh() {
  if (asking || document.hidden || isLost() || document.querySelector("dialog[open]")) return;
  asking = true;
  try {
    const answer = await fetch(location.href, { signal: AbortSignal.timeout(EVERY_MS) });
    if (!answer.ok || answer.redirected) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-live-list]");
    if (fresh && fresh.innerHTML !== place.innerHTML) window.Idiomorph.morph(place, fresh.innerHTML, { morphStyle: "innerHTML" });
  } catch (error) {
    // the connection's own banner says so
  } finally {
    asking = false;
  }
}

if (place) {
  setInterval(refresh, EVERY_MS);
  document.addEventListener("visibilitychange", refresh);
}
