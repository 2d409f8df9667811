// A day of the year that is being typed: beside it stands how it is read, "24 giugno".

const PAUSE_MS = 300; // after the last key
const LIMIT_MS = 8_000;

const field = document.querySelector("[data-day]");
const place = document.getElementById(`${field?.id}-read`);
let waiting = 0;
let asked = 0; // the newest question: an older answer that comes late is not shown

async function read() {
  const own = ++asked;
  let shown = "";
  try {
    const text = new URLSearchParams({ text: field.value });
    const answer = await fetch(`${field.dataset.day}?${text}`, { signal: AbortSignal.timeout(LIMIT_MS) });
    if (answer.ok && !answer.redirected) ({ shown } = await answer.json());
  } catch (error) {
    // Nobody answers: nothing is said of it.
  }
  if (own === asked) place.textContent = shown && `= ${shown}`;
}

field?.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(read, PAUSE_MS);
});
