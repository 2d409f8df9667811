// The live state behind a page: one stream of events, and whether it still comes. The console speaks
// every three seconds; after ten seconds of silence the page says so and nothing is sent any more.

import { deskIsAway, shout } from "./console.js";

const QUIET_MS = 10_000;
const LOOK_MS = 1_000;
const AGAIN_MS = 2_000;
const VALID_S = 8; // what is sent and not there by then is not wanted any more

const lost = document.getElementById("link-lost");
const isDesk = document.getElementById("live") !== null;
const heard = new Map(); // what is done with an event, by its name
let events = null;
let last = performance.now(); // when something was heard last
let lastWall = new Date();
let failures = 0;
let clock = null; // the box's monotonic clock, as it was heard with the least delay
let again = 0;

/** Have something done with the data of each event of a name. */
export function onEvent(name, act) {
  heard.set(name, [...heard.get(name) ?? [], act]);
}

export function isLost() {
  return !lost.hidden;
}

/** Say after which moment of the box's clock nobody wants what is sent now; "" before the first beat. */
export function expires() {
  return clock === null ? "" : (clock + performance.now() / 1000 + VALID_S).toFixed(1);
}

function listen() {
  clearTimeout(again);
  events?.close();
  events = new EventSource(isDesk ? "/desk/live" : "/live");
  for (const name of ["at", "house", "brief", "call", "counts", "beside", "live", "away", "out", "beat"]) {
    events.addEventListener(name, (event) => hear(name, event.data));
  }
  events.addEventListener("error", () => fail());
}

function hear(name, data) {
  last = performance.now();
  lastWall = new Date();
  failures = 0;
  setLost(false);
  if (name === "beat") {
    const offset = Number(data) - last / 1000;
    clock = clock === null ? offset : Math.max(clock, offset);
  }
  if (name === "away") deskIsAway(data === "1");
  if (name === "out") { events.close(); toLogin(); }
  for (const act of heard.get(name) ?? []) act(data);
}

/** Go to the login, which says that the session has ended and leads back to this page. */
function toLogin() {
  const page = encodeURIComponent(location.pathname + location.search);
  location.assign(`/login?ended=page&next=${page}`);
}

/** Try again soon; whoever is logged out meanwhile is led to the login. */
async function fail() {
  events.close();
  failures += 1;
  if (failures > 1) setLost(true);
  clearTimeout(again);
  again = setTimeout(listen, AGAIN_MS);
  try {
    const answer = await fetch("/account", { method: "HEAD", redirect: "manual", signal: AbortSignal.timeout(AGAIN_MS) });
    if (answer.type === "opaqueredirect") toLogin();
  } catch (error) {
    // nobody answers: that is what the banner says
  }
}

function setLost(isNow) {
  if (isNow === isLost()) return;
  // A form that is sent later (waiting.js).
  const waits = document.querySelector("form[data-waits]");
  const when = lastWall.toTimeString().slice(0, 8);
  lost.textContent = isNow ? (waits ? lost.dataset.lostWaits : lost.dataset.lost).replace("{}", when) : "";
  lost.hidden = !isNow;
  document.body.classList.toggle("is-lost", isNow);
  if (!isNow) shout(lost.dataset.back);
}

/** After ten seconds of silence say so, and try by a connection of its own: the old one may hang. */
function look() {
  if (document.hidden && !isDesk) return;
  const silent = performance.now() - last;
  if (silent < QUIET_MS) return;
  setLost(true);
  if (silent % QUIET_MS < LOOK_MS) listen();
}

/** Hidden pages but the desk let go of their stream: a browser opens six connections to a box. */
function appear() {
  if (isDesk) return;
  if (document.hidden) { events?.close(); clearTimeout(again); return; }
  last = performance.now();
  listen();
}

if (lost) {
  document.addEventListener("visibilitychange", appear);
  addEventListener("pagehide", () => { events?.close(); clearTimeout(again); });
  addEventListener("pageshow", (event) => { if (event.persisted) appear(); });
  setInterval(look, LOOK_MS);
  if (!document.hidden || isDesk) listen();
}
