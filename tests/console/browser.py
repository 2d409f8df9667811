"""A real browser before a real box: Debian's chromium, driven by playwright, nothing downloaded.

What every page must keep is looked at in one place: nothing that keeps people out (axe-core, WCAG
2.2 AA, in light and dark colours), nothing the page's own policy forbids, no outside host, no
sideways scrolling.

Tests have pictures kept in build/screens: those in Italian on a desk's screen always, of which the
operator's guide is made (scripts/draw_screens.sh), all others where PICTURES is set.
"""

from __future__ import annotations

import asyncio.events
import contextlib
import functools
import os
import shutil
import subprocess
from asyncio import AbstractEventLoop
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import pytest
from playwright.sync_api import (
    Browser,
    BrowserType,
    ConsoleMessage,
    Page,
    Request,
    expect,
    sync_playwright,
)

from tests.docs.pages import ROOT

CHROMIUM: Final = "/usr/bin/chromium"
AXE: Final = ROOT / "tests" / "console" / "vendor" / "axe-core" / "axe.min.js"
SCREENS: Final = ROOT / "build" / "screens"
RULES: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
THEMES: Final[tuple[Literal["light", "dark"], ...]] = ("dark", "light")
"""Colours that a system asks for."""
SIZES: Final = {"desk": (1366, 768), "phone": (390, 844)}
LOCALES: Final = {"it": "it-IT", "de": "de-IT", "en": "en-GB"}
LIMIT_MS: Final = 30_000
"""How long the browser waits for what a page shows at once on an idle machine."""
GUIDES: Final = "it-desk"
"""The screen of which pictures are always kept."""
ARE_ALL_KEPT: Final = bool(os.environ.get("PICTURES"))
VIOLATIONS: Final = """async rules => {
  const found = await axe.run(document, {
    runOnly: {type: 'tag', values: rules},
    rules: {'target-size': {enabled: true}},
    resultTypes: ['violations'],
  });
  // A row half below its pane's edge measures small: it is measured where a person scrolls it to.
  const isSmall = async node => {
    const one = document.querySelector(node.target[0]);
    const above = [];
    for (let at = one.parentElement; at; at = at.parentElement) above.push([at, at.scrollTop]);
    one.scrollIntoView({block: 'center'});
    const again = await axe.run(one, {runOnly: {type: 'rule', values: ['target-size']}});
    for (const [at, top] of above) at.scrollTop = top;
    return again.violations.length > 0;
  };
  const wrong = [];
  for (const one of found.violations) {
    for (const node of one.nodes) {
      if (one.id === 'target-size' && !await isSmall(node)) continue;
      wrong.push(`${one.id}: ${one.help}: ${node.html.slice(0, 200)}`);
    }
  }
  return wrong;
}"""
"""Run axe-core; what is in order is not described, which takes most of its time."""

FILLED: Final = ("it", "en", "de")
"""Languages of the boxes whose pages are looked at; German has the longest words."""
every_language = pytest.mark.parametrize("language", FILLED)
"""All languages; within a test a page is looked at in every size (Screen.look)."""


class Chromium:
    """A browser for many tests; what drives it stands still outside of a `turn`.

    Playwright's loop runs for as long as the browser does, in this very thread, in which other
    tests have loops of their own: it must not look as if it ran there.
    """

    def __init__(self, browser: Browser, loop: AbstractEventLoop) -> None:
        self._browser, self._loop = browser, loop

    @contextlib.contextmanager
    def turn(self) -> Iterator[Browser]:
        """Let a test use the browser."""
        with running_loop(self._loop):
            yield self._browser


@contextlib.contextmanager
def running_loop(loop: AbstractEventLoop | None) -> Iterator[None]:
    """Let this thread's running loop be another one, or none."""
    before = asyncio.events._get_running_loop()
    asyncio.events._set_running_loop(loop)
    try:
        yield
    finally:
        asyncio.events._set_running_loop(before)


@contextlib.contextmanager
def started() -> Iterator[Chromium]:
    """Start chromium; skips in words where it is missing."""
    if not Path(CHROMIUM).exists():
        pytest.skip("chromium is missing (Debian package chromium)")
    expect.set_options(timeout=LIMIT_MS)
    with running_loop(None), sync_playwright() as playwright:
        loop = asyncio.get_running_loop()
        with launched(playwright.chromium) as browser, running_loop(None):
            yield Chromium(browser, loop)


@contextlib.contextmanager
def launched(kind: BrowserType, home: Path | None = None) -> Iterator[Browser]:
    """Start a browser, of a person whose folder is `home`."""
    own = {**os.environ, **({"HOME": str(home)} if home else {})}
    # as root in a container the browser's own sandbox cannot be
    browser = kind.launch(executable_path=CHROMIUM, args=["--no-sandbox"], env={**own})
    try:
        yield browser
    finally:
        browser.close()


def install(authority: Path, home: Path) -> None:
    """Install a certificate as a trusted authority of a person, as the page's steps say.

    Chromium takes it from the NSS database of whoever runs it; skips in words without certutil.
    """
    certutil = shutil.which("certutil")
    if certutil is None:
        pytest.skip("certutil is missing (Debian package libnss3-tools)")
    database = home / ".pki" / "nssdb"
    database.mkdir(parents=True)
    for words in (["-N", "--empty-password"], ["-A", "-n", "box", "-t", "C,,", "-i", authority]):
        subprocess.run([certutil, "-d", f"sql:{database}", *words], check=True)


@dataclass
class Screen:
    """One person's browser window and what went wrong in it."""

    page: Page
    language: str
    home: str
    size: str = "desk"
    troubles: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What pictures of it are called by."""
        return f"{self.language}-{self.size}"

    def open(self, path: str, status: int = 200) -> Page:
        """Open a page of the box."""
        answer = self.page.goto(self.home + path)
        assert answer is not None
        assert answer.status == status, path
        return self.page

    def resize(self, size: str) -> None:
        """Make the window as large as a desk's or a phone's; the page stays as it is."""
        if size != self.size:
            width, height = SIZES[size]
            self.page.set_viewport_size({"width": width, "height": height})
            self.size = size

    def look(self, what: str) -> None:
        """Check in every size what every page must keep; keep a picture of each."""
        before = self.size
        for size in SIZES:
            self.resize(size)
            self.picture(what)
            assert axe_in_each_theme(self.page) == [], self.name
            assert self.troubles == []
            assert self.wider_by() <= 0, f"the page scrolls sideways: {self.name}"
        self.resize(before)

    def wider_by(self) -> int:
        """Return by how much the page, or a part of it that scrolls, is wider than its place."""
        found: int = self.page.evaluate(
            "Math.max(...[document.documentElement, ...document.querySelectorAll("
            "'main, main [data-pane]')].map(one => one.scrollWidth - one.clientWidth))"
        )
        return found

    def picture(self, what: str, *, is_whole: bool = False) -> None:
        """Keep a picture, of the whole page or of what the window shows of it."""
        if ARE_ALL_KEPT or self.name == GUIDES:
            path = SCREENS / f"{what}-{self.name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=path, full_page=is_whole)

    def hear(self, message: ConsoleMessage) -> None:
        """Note what the browser complains of; a page that is refused on purpose is no trouble."""
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.troubles.append(message.text)

    def ask(self, request: Request) -> None:
        """Note a request to any host but the box."""
        if not request.url.startswith((self.home, "data:")):
            self.troubles.append(f"asks {request.url}")


@contextlib.contextmanager
def screen(
    browser: Browser,
    home: str,
    language: str = "it",
    size: str = "desk",
    *,
    is_strict: bool = False,
) -> Iterator[Screen]:
    """Open a window of a person who reads a language, with cookies of their own.

    Unless `is_strict`, errors of the certificate are waved through.
    """
    width, height = SIZES[size]
    context = browser.new_context(
        locale=LOCALES[language],
        viewport={"width": width, "height": height},
        ignore_https_errors=not is_strict,  # this computer has not installed the authority
        reduced_motion="reduce",
    )
    context.set_default_timeout(LIMIT_MS)
    page = context.new_page()
    shown = Screen(page, language, home, size)
    page.on("console", shown.hear)
    page.on("pageerror", lambda error: shown.troubles.append(str(error)))
    page.on("request", shown.ask)
    try:
        yield shown
    finally:
        # an answer that a failed test still waits for must not fail the test after it
        page.unroute_all(behavior="ignoreErrors")
        context.close()


def axe(page: Page) -> list[str]:
    """Return what keeps people out of a page, each with the rule and the place."""
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(_axe())
    found: list[str] = page.evaluate(VIOLATIONS, list(RULES))
    return found


def axe_in_each_theme(page: Page) -> list[str]:
    """Return the same in dark and in light colours, in which the page is left."""
    found = []
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        found += [f"{one} ({theme})" for one in axe(page)]
    return found


@functools.cache
def _axe() -> str:
    return AXE.read_text(encoding="utf-8")
