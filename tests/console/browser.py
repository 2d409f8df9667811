"""A real browser before a real box: Debian's chromium, driven by playwright, nothing downloaded.

What every page must keep is looked at in one place: nothing that keeps people out (axe-core, WCAG
2.1 AA), nothing the page's own policy forbids, no outside host, no sideways scrolling.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, BrowserType, ConsoleMessage, Page, Request, sync_playwright

from tests.docs.pages import ROOT

CHROMIUM: Final = "/usr/bin/chromium"
AXE: Final = ROOT / "tests" / "console" / "vendor" / "axe-core" / "axe.min.js"
SCREENS: Final = ROOT / "build" / "screens"
RULES: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa")
SIZES: Final = {"desk": (1366, 768), "phone": (390, 844)}
LOCALES: Final = {"it": "it-IT", "en": "en-GB"}
LIMIT_MS: Final = 10_000

every_screen = pytest.mark.parametrize(
    ("language", "size"), [(language, size) for language in LOCALES for size in SIZES]
)
"""Both languages, on a desk's screen and on a phone's."""


@contextlib.contextmanager
def started() -> Iterator[Browser]:
    """Start chromium; skips in words where it is missing."""
    if not Path(CHROMIUM).exists():
        pytest.skip("chromium is missing (Debian package chromium)")
    with sync_playwright() as playwright, launched(playwright.chromium) as browser:
        yield browser


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
    name: str
    home: str
    troubles: list[str] = field(default_factory=list)

    def open(self, path: str, status: int = 200) -> Page:
        """Open a page of the box."""
        answer = self.page.goto(self.home + path)
        assert answer is not None
        assert answer.status == status, path
        return self.page

    def look(self, what: str) -> None:
        """Keep a picture, and check what every page must keep."""
        SCREENS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENS / f"{what}-{self.name}.png")
        assert axe(self.page) == []
        assert self.troubles == []
        width = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert self.page.evaluate(width) <= 0, "the page scrolls sideways"

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
    shown = Screen(page, f"{language}-{size}", home)
    page.on("console", shown.hear)
    page.on("pageerror", lambda error: shown.troubles.append(str(error)))
    page.on("request", shown.ask)
    try:
        yield shown
    finally:
        context.close()


def axe(page: Page) -> list[str]:
    """Return what keeps people out of a page, each with the rule and the place."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: dict[str, Any] = page.evaluate(
        "rules => axe.run(document, {runOnly: {type: 'tag', values: rules}})", list(RULES)
    )
    return [
        f"{one['id']}: {one['help']}: {node['html'][:200]}"
        for one in found["violations"]
        for node in one["nodes"]
    ]
