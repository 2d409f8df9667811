// What every page shares. Modules of single pages import from here.

/** Say something to who does not see the page; what is said twice is heard twice. */
export function say(words) {
  const region = document.getElementById("said");
  region.textContent = "";
  requestAnimationFrame(() => { region.textContent = words; });
}

/** Tell whether keys are being typed as text, where no key may act on its own (E22). */
export function isTyping(event) {
  const at = event.target;
  return at.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(at.tagName);
}

/** Show or hide the banner that the switchboard does not answer. */
export function deskIsAway(isAway) {
  document.getElementById("desk-away").hidden = !isAway;
}
