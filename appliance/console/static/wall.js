// The wall behind a stream of events. What does not come any more stands still and says so; a screen
// on a wall has nobody who reloads it, so it goes on trying by itself.

const QUIET_MS = 10_000;
const LOOK_MS = 1_000;
const AGAIN_MS = 5_000;

const wall = document.getElementById("wall");
const stale = document.getElementById("stale");
let events = null;
let last = performance.now(); // when something was heard last
let asOf = wall.dataset.at; // the time of what is shown
let isLost = !stale.hidden;
let again = 0;

function listen() {
  clearTimeout(again);
  events?.close();
  events = new EventSource(wall.dataset.live);
  events.addEventListener("stale", (event) => { hear(); setStale(event.data === "1"); });
  events.addEventListener("wall", (event) => { hear(); wall.innerHTML = event.data; });
  events.addEventListener("at", (event) => { hear(); asOf = event.data; });
  events.addEventListener("beat", hear);
  events.addEventListener("out", () => { events.close(); location.reload(); });
  events.addEventListener("error", () => fail());
}

function hear() {
  last = performance.now();
}

/** Say since when what is shown stands still. */
function setStale(isNow) {
  if (isNow === isLost && stale.hidden === !isNow) return;
  isLost = isNow;
  stale.textContent = isNow ? stale.dataset.stale.replace("{}", asOf) : "";
  stale.hidden = !isNow;
  document.body.classList.toggle("is-stale", isNow);
}

/** Try again soon; once the box answers, with whatever it says now: a new page, or that the link was ended. */
function fail() {
  events.close();
  setStale(true);
  clearTimeout(again);
  again = setTimeout(async () => {
    try {
      await fetch(location.href, { method: "HEAD", signal: AbortSignal.timeout(AGAIN_MS) });
      location.reload();
    } catch (error) {
      fail(); // nobody answers: the page stays, and says since when
    }
  }, AGAIN_MS);
}

setInterval(() => {
  const silent = performance.now() - last;
  if (silent < QUIET_MS) return;
  setStale(true);
  if (silent % QUIET_MS < LOOK_MS) listen();
}, LOOK_MS);
if (isLost) document.body.classList.add("is-stale");
listen();
