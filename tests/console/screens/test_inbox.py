"""The work to be followed in a real browser: live beside a colleague's, kept where half typed."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from appliance.errors import OfficeError
from appliance.store.database import connect, database_path
from tests.console.browser import every_language, screen
from tests.console.running import Running
from tests.console.screens.entering import log_in
from tests.console.screens.filled_box import DORA, IRMA, leave_message

pytestmark = pytest.mark.system

NO_LOOKING = "window.setInterval = () => 0"
"""Script that takes from a page its looking every few seconds: only being told is left."""


@pytest.fixture
def path(filled: Running) -> Iterator[str]:
    """The page of a message that has just been left."""
    name = f"left-{time.monotonic_ns()}"
    with contextlib.closing(connect(database_path(filled.box.state))) as connection:
        number = leave_message(connection, filled.box.state, name)
    yield f"/inbox/message/{number}"
    now = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
    step = {"kind": "message", "name": str(number), "at": now}
    with contextlib.suppress(OfficeError):  # nobody has taken it
        filled.box.ask("care", step="release", by=DORA.name, **step)
    filled.box.ask("care", step="close", outcome="not_needed", by=IRMA.name, **step)


def tagged(page: Page, path: str) -> str:
    """Return what the list says of who has a case."""
    return page.locator(f'#inbox-list [data-work="{path}"] .row-end').inner_text()


@every_language
def test_it_keeps_nobody_out(browser: Browser, filled: Running, path: str, language: str) -> None:
    """Every language, colours and sizes: no violation of WCAG 2.2 AA."""
    with screen(browser, filled.home, language) as shown:
        page = log_in(shown, IRMA.name, path)
        expect(page.locator("#case-title")).to_be_visible()
        shown.look("inbox-message")
        shown.open("/inbox/request/1")
        shown.look("inbox-request")
        shown.open("/inbox?show=return")
        shown.look("inbox-returns")


def test_a_colleagues_step_is_told_to_who_sees_the_case(
    browser: Browser, filled: Running, path: str
) -> None:
    """E16: who takes a message takes it from all others at once; the open one is announced."""
    with screen(browser, filled.home) as mine, screen(browser, filled.home) as theirs:
        mine.page.add_init_script(NO_LOOKING)
        page = log_in(mine, IRMA.name, path)
        expect(page.locator("[data-action=take]")).to_be_visible()
        other = log_in(theirs, DORA.name, path)
        other.locator("[data-action=take]").click()
        expect(page.locator(f'#inbox-list [data-work="{path}"] .row-end')).to_contain_text(
            DORA.shown
        )
        expect(page.locator("#inbox-case")).to_contain_text(f"Già in carico a {DORA.shown}.")
        expect(page.locator("[name=outcome]")).to_have_count(0)
        expect(page.locator("#said")).to_contain_text(DORA.shown)


def test_what_is_half_typed_stays_with_its_case(
    browser: Browser, filled: Running, path: str
) -> None:
    """Beside another case it is not there; it outlives a change of page, and a reload."""
    with screen(browser, filled.home) as shown:
        page = log_in(shown, IRMA.name, path)
        page.keyboard.press("Alt+n")
        page.keyboard.type("chiede del cane")
        page.keyboard.press("Alt+ArrowUp")
        expect(page.locator("#inbox")).not_to_have_attribute("data-open", path)
        expect(page.locator("#case-title")).to_be_focused()
        assert "chiede del cane" not in page.locator("textarea, input").evaluate_all(
            "all => all.map(one => one.value)"
        )
        page.go_back()
        expect(page.locator("#note")).to_have_value("chiede del cane")
        shown.open("/desk")
        shown.open(path)
        expect(page.locator("#note")).to_have_value("chiede del cane")
        page.keyboard.press("Alt+n")
        page.keyboard.press("Control+Enter")
        expect(page.locator("#inbox-case ol")).to_contain_text("chiede del cane")
        expect(page.locator("#note")).to_have_value("")


def test_what_is_typed_while_the_page_loads_is_kept(
    browser: Browser, filled: Running, path: str
) -> None:
    """What the box had kept comes later than a quick hand types: it replaces nothing."""
    with screen(browser, filled.home) as shown:
        page = log_in(shown, IRMA.name, "/inbox")
        held: list[Route] = []

        def hold(route: Route) -> None:
            """Keep what was kept back; let through what is to be kept."""
            if route.request.method == "GET":
                held.append(route)
            else:
                route.continue_()

        page.route("**/drafts/inbox", hold)
        shown.open(path)
        page.keyboard.press("Alt+n")
        page.keyboard.type("vuole un appuntamento")
        while not held:
            page.wait_for_timeout(50)
        with page.expect_response("**/drafts/inbox"):
            held[0].continue_()
        page.keyboard.press("Alt+ArrowUp")
        expect(page.locator("#inbox")).not_to_have_attribute("data-open", path)
        page.go_back()
        expect(page.locator("#note")).to_have_value("vuole un appuntamento")
        page.locator("#note").fill("")


def test_an_outcome_is_taken_back(browser: Browser, filled: Running, path: str) -> None:
    """E22: within ten seconds, by key; the case is the same person's again."""
    with screen(browser, filled.home) as shown:
        page = log_in(shown, IRMA.name, path)
        page.keyboard.press("Alt+p")
        expect(page.locator("#inbox-case")).to_contain_text("lo segui tu")
        page.keyboard.press("Alt+4")
        expect(page.locator("#inbox-case")).to_contain_text("È chiuso")
        expect(page.locator(f'#inbox-list [data-work="{path}"]')).to_have_count(0)
        page.locator("#case-title").focus()
        page.keyboard.press("Control+z")
        expect(page.locator("#inbox-case")).to_contain_text("lo segui tu")
        assert "lo segui tu" in tagged(page, path)


def test_a_counted_attempt_and_a_note_are_taken_back(
    browser: Browser, filled: Running, path: str
) -> None:
    """By the key that takes back anything; the history has neither any more."""
    with screen(browser, filled.home) as shown:
        page = log_in(shown, IRMA.name, path)
        case = page.locator("#inbox-case")
        page.locator("#inbox-case #note").fill("prova di nota")
        case.locator("[data-note]").click()
        expect(case).to_contain_text("prova di nota")
        page.locator("#case-title").focus()
        page.keyboard.press("Control+z")
        expect(page.locator("#told-words")).to_have_text("Annullato.")
        expect(case).not_to_contain_text("prova di nota")
        page.keyboard.press("Alt+p")
        expect(case).to_contain_text("lo segui tu")
        case.get_by_role("button", name="Nessuna risposta").click()
        expect(page.locator("#told-words")).to_contain_text("1 in tutto")
        page.locator("#case-title").focus()
        page.keyboard.press("Control+z")
        expect(page.locator("#told-words")).to_have_text("Annullato.")
        page.keyboard.press("Control+z")
        expect(case).not_to_contain_text("lo segui tu")


def test_keys_lead_through_the_list(browser: Browser, filled: Running, path: str) -> None:
    """Down and up by one, on to the next that nobody has; the focus is on the case."""
    with screen(browser, filled.home) as shown:
        page = log_in(shown, IRMA.name, "/inbox")
        first = page.locator("#inbox").get_attribute("data-open")
        page.keyboard.press("Alt+ArrowDown")
        expect(page.locator("#inbox")).not_to_have_attribute("data-open", str(first))
        expect(page.locator("#case-title")).to_be_focused()
        page.keyboard.press("Alt+ArrowUp")
        expect(page.locator("#inbox")).to_have_attribute("data-open", str(first))
        page.keyboard.press("F9")
        expect(page.locator("#inbox")).not_to_have_attribute("data-open", str(first))
        assert page.url.endswith(str(page.locator("#inbox").get_attribute("data-open")))
