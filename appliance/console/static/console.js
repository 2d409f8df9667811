// What every page shares. Modules of single pages import from here.

function sayIn(region, words) {
  region.textContent = "";
  requestAnimationFrame(() => { region.textContent = words; });
}

/** Say something to who does not see the page; what is said twice is heard twice. */
export function say(words) {
  sayIn(document.getElementById("said"), words);
}

/** Say what cannot wait until the reader has ended a sentence: a new call, a lost connection. */
export function shout(words) {
  sayIn(document.getElementById("shouted"), words);
}

const NO_TEXT = ["button", "checkbox", "color", "file", "image", "radio", "range", "reset", "submit"];

/** Tell whether letters are typed as text where the focus is. */
export function takesText(at) {
  if (at.tagName === "INPUT") return !NO_TEXT.includes(at.type);
  return at.isContentEditable || ["TEXTAREA", "SELECT"].includes(at.tagName);
}

/** Tell whether keys are being typed as text, where no key may act on its own (E22). */
export function isTyping(event) {
  return takesText(event.target);
}

/** Show or hide the banner that the switchboard does not answer. */
export function deskIsAway(isAway) {
  document.getElementById("desk-away").hidden = !isAway;
}

/** The menus as they are now: that of the call bar comes and goes. */
function menus() {
  return [...document.querySelectorAll(".menu-group")];
}

/** Close the menus that what happened is not about; without a script they close by their heading. */
function closeMenus(within) {
  for (const menu of menus()) if (!within || !menu.contains(within)) menu.open = false;
}

document.addEventListener("click", (event) => closeMenus(event.target));
document.addEventListener("focusin", (event) => closeMenus(event.target));
document.addEventListener("keydown", (event) => {
  const open = menus().find((menu) => menu.open);
  if (event.key !== "Escape" || !open || isTyping(event)) return;
  if (open.contains(document.activeElement)) open.querySelector("summary").focus();
  closeMenus();
});

const fold = document.getElementById("menu-fold");

/** Show the menu of a small screen, or fold it away. */
function unfold(isOpen) {
  fold.setAttribute("aria-expanded", String(isOpen));
}

fold?.addEventListener("click", () => unfold(fold.getAttribute("aria-expanded") !== "true"));
fold?.closest("nav").addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || menus().some((menu) => menu.open)) return;
  unfold(false);
  if (fold.checkVisibility()) fold.focus();
});
