"""What is looked at on every page beside axe: headings, title, language, focus, keys, width."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from playwright.sync_api import Page

from tests.console.browser import Screen, axe_in_each_theme

UNTRUSTED: Final = (
    "An SSL certificate error occurred when fetching the script.",
    "An unknown error occurred when fetching the script.",
)
"""What the browser tells a page that asks it: this computer has not installed the authority.

The second, where it refuses a connection of its own for the worker instead of the page's; the page
says the same of both (`test_a_browser_without_the_authority_says_so`).
"""
LOOK: Final = """language => {
  // open what is folded; of those with a name one at a time is open, as in a menu
  document.querySelectorAll('details:not([name])').forEach(one => { one.open = true });
  const root = document.documentElement;
  // the page scrolls below its header: main and its panes are looked at, too
  const wide = Math.max(...[root, ...document.querySelectorAll('main, main [data-pane]')]
    .map(one => one.scrollWidth - one.clientWidth));
  const heads = [...document.querySelectorAll('h1')].filter(one => one.checkVisibility()).length;
  return [
    heads === 1 ? '' : `${heads} headings of the first order`,
    document.title.split('·')[0].trim() ? '' : 'no title',
    root.lang === language ? '' : 'another language',
    wide > 0 ? `scrolls sideways by ${wide}` : '',
  ].filter(wrong => wrong);
}"""
"""Look at what needs no ruler; returns what is wrong."""
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
  // 2.4.11: of what has the focus something is in sight, nothing lies over all of it
  const isCovered = one => {
    const box = one.getBoundingClientRect();
    if (box.width < 3 || box.height < 3) return false;
    const points = [[.5, .5], [.1, .2], [.9, .2], [.1, .8], [.9, .8]];
    return !points.some(([x, y]) => {
      const there = document.elementFromPoint(box.x + x * box.width, box.y + y * box.height);
      return there && (one.contains(there) || there.contains(one));
    });
  };
  const lost = [];
  for (const one of all) {
    document.activeElement.blur();
    unfold(one);
    if (!seen(one)) continue;
    const before = look(one);
    one.focus();
    if (document.activeElement !== one || look(one) === before || isCovered(one))
      lost.push(one.outerHTML.slice(0, 120));
  }
  document.activeElement.blur();
  return lost;
}"""
"""Focus everything that may have it; returns what does not show it, or is covered then."""
BY_TAB: Final = """() => {
  window.reached = new Set();
  document.addEventListener('focusin', event => window.reached.add(event.target));
  getSelection().removeAllRanges();
  document.documentElement.tabIndex = -1;
  document.documentElement.focus();
  document.documentElement.removeAttribute('tabindex');
}"""
"""Note what has the focus from now on; the next Tab leads to the first of the page."""
MISSED: Final = """() => {
  const names = new Set([...window.reached].map(one => one.name && one.type === 'radio'
    ? one.form?.action + one.name : one));
  return [...document.querySelectorAll('a[href], button, input, select, textarea, summary')]
    .filter(one => one.checkVisibility({visibilityProperty: true}) && !one.disabled
      && one.type !== 'hidden' && one.tabIndex >= 0)
    .filter(one => !names.has(one.type === 'radio' ? one.form?.action + one.name : one))
    .map(one => one.outerHTML.slice(0, 120));
}"""


BARE: Final = Path(__file__).with_name("bare_keys.js").read_text(encoding="utf-8")
"""Press every letter, digit and sign alone, outside of fields; returns what came of it (2.1.4)."""


def troubles(shown: Screen) -> list[str]:
    """Look at the page that is open, in the window's size; returns what is wrong with it."""
    page = shown.page
    found: list[str] = page.evaluate(LOOK, shown.language)
    found += [*axe_in_each_theme(page), *(one for one in shown.troubles if one not in UNTRUSTED)]
    shown.troubles.clear()
    page.keyboard.press("Shift")  # what has the focus is shown to who types
    found += [f"shows no focus, or is covered: {one}" for one in page.evaluate(FOCUS)]
    return found + acts_by_letters(page)


def acts_by_letters(page: Page) -> list[str]:
    """Look whether a key alone does anything on the page that is open (WCAG 2.1.4)."""
    return [f"a letter alone acts: {one}" for one in page.evaluate(BARE)]


def by_tab(page: Page) -> list[str]:
    """Look whether Tab, held down, leads to everything that may have the focus."""
    page.evaluate(BY_TAB)
    for _ in range(2 * page.evaluate("document.querySelectorAll('*').length")):
        page.keyboard.down("Tab")
        if page.evaluate("document.activeElement === document.body"):
            break  # the last one was left
    page.keyboard.up("Tab")
    return [f"not reached by Tab: {one}" for one in page.evaluate(MISSED)]
