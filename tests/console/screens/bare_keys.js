// Presses every letter, digit and sign alone, outside of fields, and returns what the page did.
() => {
  const acted = [];
  const restore = [];
  const replace = (owner, name, other) => {
    const had = owner[name];
    owner[name] = other;
    restore.push(() => { owner[name] = had; });
  };
  const note = (event) => {
    acted.push(`${event.type} on ${event.target.outerHTML.slice(0, 80)}`);
    // A form is sent after this script: the page would go away while its result is read.
    if (event.type === "submit") event.preventDefault();
  };
  const leaves = (event) => {
    acted.push(`goes to ${event.destination.url}`);
    if (event.cancelable) event.preventDefault();
  };
  const kinds = ["click", "submit", "change", "toggle"];
  for (const kind of kinds) document.addEventListener(kind, note, true);
  window.navigation.addEventListener("navigate", leaves);
  replace(window, "fetch", (address) => {
    acted.push(`asks for ${address}`);
    return new Promise(() => {});
  });
  replace(XMLHttpRequest.prototype, "open", (way, address) => {
    acted.push(`asks for ${address}`);
    throw new Error("stopped");
  });
  replace(HTMLDialogElement.prototype, "showModal", function () { acted.push(`opens ${this.id}`); });
  // one place of each kind beside the page itself
  const takesText = (one) => one.matches("input, textarea, select, [contenteditable]");
  const places = ["body", "main", "main a[href]", "main button", "main [tabindex]",
    'main [role="option"]', "summary"]
    .map((kind) => document.querySelector(kind))
    .filter((one) => one && one.checkVisibility() && !takesText(one));
  const press = (place, key, shiftKey) => {
    document.activeElement?.blur();
    place.focus();
    const code = { true: `Key${key.toUpperCase()}`, false: `Digit${key}` }[/[a-z]/i.test(key)];
    const told = { key, code, shiftKey, bubbles: true, cancelable: true };
    const before = acted.length;
    for (const kind of ["keydown", "keypress", "keyup"])
      (document.activeElement ?? document.body).dispatchEvent(new KeyboardEvent(kind, told));
    for (let at = before; at < acted.length; at++) acted[at] = `"${key}" ${acted[at]}`;
  };
  for (const place of places) {
    for (const key of "abcdefghijklmnopqrstuvwxyz0123456789.,;:-+*/?!") press(place, key, false);
    for (const key of "ABCDEFGHIJKLMNOPQRSTUVWXYZ") press(place, key, true);
  }
  for (const back of restore) back();
  for (const kind of kinds) document.removeEventListener(kind, note, true);
  window.navigation.removeEventListener("navigate", leaves);
  document.activeElement?.blur();
  return [...new Set(acted)].slice(0, 5);
}
