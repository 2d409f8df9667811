"""A person at a browser: real Chromium, typing at a person's speed, clicking what is seen.

Everything is found as the person finds it: by its role and name, its label, its words. What the
person does not notice (an error of a script, a request that failed, an answer of 5xx) is a
complaint, which fails the step.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from playwright.sync_api import Browser, Locator, Page, Request, Response, expect, sync_playwright

from appliance.text import _
from tests.console.browser import Screen, install, launched, screen
from tests.journeys.harness.steps import Journey

DOWNLOAD_MS: Final = 60_000
"""A paper is laid out by a machine that does much else."""
KEY_MS: Final = 75
"""Between two keys, of somebody who types well."""
PATIENCE_MS: Final = 60_000
"""So long something is waited for that comes at once on an idle machine."""
ABORTED: Final = "net::ERR_ABORTED"
"""Of a request that the page itself gave up: by going elsewhere, by pausing a sound."""

TO_THE_END: Final = """(player, limit) => new Promise((done, fail) => {
    const look = () => { if (player.ended) done(player.duration); };
    player.addEventListener("ended", look);
    player.addEventListener("error", () => fail(new Error("the sound cannot be played")));
    setTimeout(() => fail(new Error(`the sound has not ended, at ${player.currentTime} s`)), limit);
    look();
})"""

Role = Literal["button", "group", "heading", "link", "navigation", "region"]
"""What a person can name; each a role of WAI-ARIA."""


@dataclass
class Window:
    """One person's browser window; `who` names the person in file names."""

    who: str
    shown: Screen
    troubles: list[str] = field(default_factory=list)
    menu: str = "Pagine"
    """What the navigation is called in the person's language."""

    @property
    def page(self) -> Page:
        """The page that is open, for what this class has no words for."""
        return self.shown.page

    # --- what a person does ------------------------------------------------------------------

    def go_to(self, address: str) -> None:
        """Type an address, or a path of the box, into the browser's own field."""
        answer = self.page.goto(address if "://" in address else self.shown.home + address)
        assert answer is not None
        assert answer.ok, f"{address} answered {answer.status}"

    def click(self, role: Role, name: str, within: Locator | None = None) -> None:
        """Click the one thing of this role whose name has these words."""
        self._wait_for_page()
        self.find(role, name, within).click(timeout=PATIENCE_MS)

    def open(self, name: str, under: str = "") -> None:
        """Click an entry of the menu at the top, or one that a heading there unfolds.

        Behind an entry's name a count may stand, with its name: "Messaggi da seguire: 1".
        """
        menu = self.find("navigation", self.menu)
        if under:
            menu.get_by_text(under, exact=True).first.click(timeout=PATIENCE_MS)
        entry = re.compile(rf"^{re.escape(name)}(?:\D*\d+)?$")
        menu.get_by_role("link", name=entry).click(timeout=PATIENCE_MS)

    def write(self, label: str, words: str, within: Locator | None = None) -> None:
        """Click into the field of this label and type."""
        self.field(label, within).click(timeout=PATIENCE_MS)
        self.type(words)

    def rewrite(self, label: str, words: str, within: Locator | None = None) -> None:
        """Click into a field that is not empty, mark what is there, and type over it."""
        self.field(label, within).click(timeout=PATIENCE_MS)
        self.press("Control+a")
        self.type(words)

    def become_first_user(self, code: str, name: str, password: str) -> None:
        """Fill in the form of the console's first user, on the page after "Entra", and send it."""
        self.write("Codice", code)
        self.write("Nome utente", name.split()[0].lower())
        self.write("Nome e cognome", name)
        self.write("Password", password)
        self.write("Ancora la stessa password", password)
        self.click("button", "Crea l'utente")

    def type(self, words: str) -> None:
        """Type where the cursor is."""
        self._wait_for_page()
        self.page.keyboard.type(words, delay=KEY_MS)

    def press(self, key: str) -> None:
        """Press a key that types nothing, as Enter or ArrowDown."""
        self._wait_for_page()
        self.page.keyboard.press(key, delay=KEY_MS)

    def choose(self, label: str, option: str) -> None:
        """Choose an entry of the list of this label, by its words."""
        self.field(label).select_option(label=option, timeout=PATIENCE_MS)

    def _wait_for_page(self) -> None:
        """Wait until the browser has loaded the page, scripts too: nobody acts within its blink."""
        self.page.wait_for_load_state("load", timeout=PATIENCE_MS)

    # --- what a person sees ------------------------------------------------------------------

    def find(self, role: Role, name: str, within: Locator | None = None) -> Locator:
        """Return what has this role and a name with these words."""
        return (within or self.page.locator("body")).get_by_role(role, name=name)

    def field(self, label: str, within: Locator | None = None) -> Locator:
        """Return the field of this label, beside which a key may stand that leads there."""
        key = r"(?:\S|(?:(?:Alt|Ctrl|Shift)\+)+\S+|F\d+)"
        words = re.compile(rf"^\s*(?:{key}\s+)?{re.escape(label)}(?:\s+{key})?\s*$")
        return (within or self.page.locator("body")).get_by_label(words)

    def region(self, name: str) -> Locator:
        """Return a part of the page by its name."""
        return self.find("region", name)

    def sees(self, *words: str, within: Locator | None = None, limit_ms: int = PATIENCE_MS) -> None:
        """Wait until each of these can be read, on the page or a part of it."""
        place = within or self.page.locator("body")
        for each in words:
            expect(place).to_contain_text(each, use_inner_text=True, timeout=limit_ms)

    def sees_no(
        self, *words: str, within: Locator | None = None, limit_ms: int = PATIENCE_MS
    ) -> None:
        """Wait until none of these can be read any more."""
        place = within or self.page.locator("body")
        for each in words:
            expect(place).not_to_contain_text(each, use_inner_text=True, timeout=limit_ms)

    def sees_without_scrolling(self, what: Locator) -> None:
        """Wait until something can be seen where the page stands now."""
        expect(what).to_be_in_viewport(timeout=PATIENCE_MS)

    def text(self, within: Locator | None = None) -> str:
        """Return all that can be read."""
        return (within or self.page.locator("body")).inner_text()

    def downloads(self, name: str, to: Path) -> Path:
        """Press a link that gives a file, and keep it as the browser does; returns it."""
        with self.page.expect_download(timeout=DOWNLOAD_MS) as coming:
            self.page.get_by_role("link", name=name).click()
        path = to / coming.value.suggested_filename
        coming.value.save_as(path)
        return path

    def listens_to_the_end(self, name: str) -> float:
        """Wait until a sound that plays has ended; returns how long it is, in seconds."""
        player = self.page.get_by_label(name, exact=True)
        return float(player.evaluate(TO_THE_END, PATIENCE_MS))

    # --- for the journey ---------------------------------------------------------------------

    def keep(self, stem: Path) -> list[Path]:
        """Keep a picture of the whole page, and its text under title and address."""
        picture, words = (stem.with_name(f"{stem.name}-{self.who}.{end}") for end in ("png", "txt"))
        page = self.page
        head = f"{page.title()}\n{page.url}\n\n"
        words.write_text(head + self.text() + "\n", encoding="utf-8")
        page.screenshot(path=picture, full_page=True)
        return [picture, words]

    def complaints(self) -> list[str]:
        """Return the errors of scripts, requests that failed and answers of 5xx since last time."""
        found = [*self.troubles, *self.shown.troubles]
        self.troubles.clear()
        self.shown.troubles.clear()
        return [f"{self.who}'s page: {one}" for one in found]

    def hear(self, response: Response) -> None:
        """Note an answer that says that the console has failed."""
        if response.status >= 500:
            self.troubles.append(f"{response.request.method} {response.url}: {response.status}")

    def miss(self, request: Request) -> None:
        """Note a request that was not answered at all, unless the page itself gave it up."""
        if request.failure != ABORTED:
            self.troubles.append(f"{request.method} {request.url}: {request.failure}")


@contextlib.contextmanager
def computer(home: Path, authority: Path | None = None) -> Iterator[Browser]:
    """Start the browser of a computer on which the technician has installed the box's authority."""
    home.mkdir(parents=True, exist_ok=True)
    if authority:
        install(authority, home)
    with sync_playwright() as playwright, launched(playwright.chromium, home) as browser:
        yield browser


@contextlib.contextmanager
def window(
    journey: Journey, browser: Browser, who: str, home: str, language: str = "it"
) -> Iterator[Window]:
    """Open a window before the box at `home`; the journey keeps what it shows when a step fails."""
    with screen(browser, home, language, is_strict=True) as shown:
        made = Window(who, shown, menu=_("Pages").text(language))
        shown.page.on("response", made.hear)
        shown.page.on("requestfailed", made.miss)
        journey.witnesses.append(made)
        try:
            yield made
            late = made.complaints()
            assert not late, late
        finally:
            journey.witnesses.remove(made)
