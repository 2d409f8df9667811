"""What is looked at on every page beside axe: headings, title, language, the focus, Tab, width."""

from __future__ import annotations

from typing import Final

from playwright.sync_api import Page

from tests.console.browser import Screen, axe

UNTRUSTED: Final = "An SSL certificate error occurred"
"""What the browser tells a page that asks it: this computer has not installed the authority."""
HEADINGS: Final = "[...document.querySelectorAll('h1')].filter(one => one.checkVisibility()).length"
OPEN: Final = "document.querySelectorAll('details:not([name])').forEach(one => { one.open = true })"
"""Open what is folded; of those with a name one at a time is open, as in a menu."""
SIDEWAYS: Final = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
FOCUS: Final = """() => {
  const seen = one => one.checkVisibility({visibilityProperty: true});
  const all = [...document.querySelectorAll(
    'a[href], button, input, select, textarea, summary, [tabindex="0"], audio[controls]')]
    .filter(one => !one.disabled && one.type !== 'hidden');
  const unfold = one => {
    for (let at = one.parentElement; at; at = at.parentElement)
      if (at.tagName === 'DETAILS' && one !== at.querySelector('summary')) at.open = true;
  };
  const look = one => [one, ...one.labels ?? []].flatMap(each => [null, '::before', '::after']
    .map(part => getComputedStyle(each, part))
    .map(css => css.outline + css.boxShadow + css.border + css.backgroundColor + css.color))
    .join('|');
  const lost = [];
  for (const one of all) {
    document.activeElement.blur();
    unfold(one);
    if (!seen(one)) continue;
    const before = look(one);
    one.focus();
    if (document.activeElement !== one || look(one) === before)
      lost.push(one.outerHTML.slice(0, 120));
  }
  document.activeElement.blur();
  return lost;
}"""
"""Focus everything that may have it; returns what does not show it."""
BY_TAB: Final = """() => {
  window.reached = new Set();
  document.addEventListener('focusin', event => window.reached.add(event.target));
  document.activeElement.blur();
  getSelection().removeAllRanges();
}"""
MISSED: Final = """() => {
  const names = new Set([...window.reached].map(one => one.name && one.type === 'radio'
    ? one.form?.action + one.name : one));
  return [...document.querySelectorAll('a[href], button, input, select, textarea, summary')]
    .filter(one => one.checkVisibility({visibilityProperty: true}) && !one.disabled
      && one.type !== 'hidden' && one.tabIndex >= 0)
    .filter(one => !names.has(one.type === 'radio' ? one.form?.action + one.name : one))
    .map(one => one.outerHTML.slice(0, 120));
}"""


def troubles(shown: Screen) -> list[str]:
    """Look at the page that is open; returns what is wrong with it."""
    page = shown.page
    page.evaluate(OPEN)
    found = [*axe(page), *(one for one in shown.troubles if UNTRUSTED not in one)]
    shown.troubles.clear()
    if (heads := page.evaluate(HEADINGS)) != 1:
        found.append(f"{heads} headings of the first order")
    if not page.title().split("·")[0].strip():
        found.append("no title")
    if page.locator("html").get_attribute("lang") != shown.name.split("-")[0]:
        found.append("another language")
    if (wide := page.evaluate(SIDEWAYS)) > 0:
        found.append(f"scrolls sideways by {wide}")
    page.keyboard.press("Shift")  # what has the focus is shown to who types
    return found + [f"shows no focus: {one}" for one in page.evaluate(FOCUS)]


def by_tab(page: Page) -> list[str]:
    """Look whether Tab leads to everything that may have the focus."""
    page.evaluate(BY_TAB)
    rounds = 0
    for _ in range(2 * page.evaluate("document.querySelectorAll('*').length")):
        page.keyboard.press("Tab")
        rounds += page.evaluate("document.activeElement === document.body")
        if rounds == 2:  # the first one began where the page had put the focus
            break
    return [f"not reached by Tab: {one}" for one in page.evaluate(MISSED)]
