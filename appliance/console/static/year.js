// The year is one stop of the Tab key: inside it arrow keys go from day to day, as in every grid
// (WAI-ARIA Authoring Practices, grid pattern). Without a script each day is a stop of its own.

const year = document.querySelector(".house-months");
const days = [...year.querySelectorAll("a[data-day]")];
const WEEK = 7;

/** Return the day a month before or after, or the last one of a shorter month. */
function inMonth(day, step) {
  const [before, month, number] = day.split("-");
  const wanted = `${before}-${String(Number(month) + step).padStart(2, "0")}-`;
  const there = days.filter((one) => one.dataset.day.startsWith(wanted));
  return there[Math.min(Number(number), there.length) - 1];
}

const KEYS = {
  ArrowLeft: (at) => days[at - 1],
  ArrowRight: (at) => days[at + 1],
  ArrowUp: (at) => days[at - WEEK],
  ArrowDown: (at) => days[at + WEEK],
  Home: (at) => days[Math.max(0, at - days[at].closest("td").cellIndex)],
  End: (at) => days[Math.min(days.length, at + WEEK - days[at].closest("td").cellIndex) - 1],
  PageUp: (at) => inMonth(days[at].dataset.day, -1),
  PageDown: (at) => inMonth(days[at].dataset.day, 1),
};

/** Make one day the stop of the Tab key, and no other. */
function stopAt(day) {
  for (const one of days) one.tabIndex = one === day ? 0 : -1;
}

for (const month of year.querySelectorAll(".house-month")) month.setAttribute("role", "grid");
stopAt(days.find((one) => one.getAttribute("aria-current")) ?? days[0]);

year.addEventListener("focusin", (event) => {
  if (days.includes(event.target)) stopAt(event.target);
});
year.addEventListener("keydown", (event) => {
  const at = days.indexOf(event.target);
  const go = KEYS[event.key];
  if (at < 0 || !go || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  go(at)?.focus();
});
