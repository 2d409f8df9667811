// Keys that the browser or the system keeps for itself although the page claims them: the window
// loses the focus just after. Seen twice, a key is told as kept; one could have changed the window.

const STORE = "keys-kept";
const WITHIN_MS = 400;
const SURE = 2;
let last = { key: "", at: 0 };

function seen() {
  try { return JSON.parse(localStorage.getItem(STORE)) ?? {}; } catch (error) { return {}; }
}

/** Tell whether the browser keeps a key. */
export function isKept(key) {
  return (seen()[key] ?? 0) >= SURE;
}

/** Forget what was seen: keys are as delivered. */
export function forget() {
  localStorage.removeItem(STORE);
}

/** Note that the page has claimed a key that was pressed. */
export function claim(key) {
  last = { key, at: performance.now() };
}

/** Return the first of some keys of the same letter that is free, "" for none. */
export function otherKey(key, isFree) {
  const letter = key.split("+").at(-1);
  return ["Alt+Shift", "Ctrl+Shift", "Ctrl+Alt", "Shift"]
    .filter((marks) => marks !== "Shift" || /^F\d/.test(letter))
    .map((marks) => `${marks}+${letter}`)
    .find((one) => one !== key && !isKept(one) && isFree(one)) ?? "";
}

function lose() {
  const isAtOnce = performance.now() - last.at <= WITHIN_MS;
  const key = isAtOnce ? last.key : "";
  last = { key: "", at: 0 };
  if (key) localStorage.setItem(STORE, JSON.stringify({ ...seen(), [key]: (seen()[key] ?? 0) + 1 }));
  document.dispatchEvent(new CustomEvent("keys:lost", { detail: key }));
}

addEventListener("blur", lose);
