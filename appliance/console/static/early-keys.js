// Keys of actions that are pressed before the modules of a page have run: on a slow box or a busy
// network the page is seen a moment sooner than it obeys. They are kept and act then. Not a module:
// it has to run before all else.

(() => {
  const LONGEST_MS = 3_000; // what was pressed longer ago was meant for what the page showed then
  const ACTS = /^F(?:[1-4]|[6-9]|10)$/; // F5, F11 and F12 are the browser's
  const kept = [];

  /** Keep a key that may stand for an action; letters go where they are typed. */
  function keep(event) {
    const isChord = event.altKey && !event.ctrlKey && !event.metaKey && !event.getModifierState("AltGraph");
    if (event.repeat || ["Alt", "AltGraph", "Shift"].includes(event.key) || !(ACTS.test(event.key) || isChord)) return;
    event.preventDefault(); // only the keys of the page know whether it is one of theirs
    event.stopImmediatePropagation();
    const { key, code, altKey, ctrlKey, shiftKey } = event;
    kept.push({ at: performance.now(), how: { key, code, altKey, ctrlKey, shiftKey, bubbles: true, cancelable: true } });
  }

  addEventListener("keydown", keep, true);
  // comes when all modules have told their actions
  document.addEventListener("DOMContentLoaded", () => {
    removeEventListener("keydown", keep, true);
    for (const { at, how } of kept) {
      if (performance.now() - at > LONGEST_MS) continue;
      (document.activeElement ?? document.body).dispatchEvent(new KeyboardEvent("keydown", how));
    }
  });
})();
