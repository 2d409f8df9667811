"""The technician's pages in a real browser, beside a running box with lines and phones."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from appliance.daemon.stores import database_path
from appliance.records.database import connect
from tests.console import people
from tests.console.browser import SCREENS, Screen, every_screen, screen
from tests.console.running import Running, running

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A box with two lines, and people who may log in."""
    with running(tmp_path_factory.mktemp("box"), lines=2) as found:
        with contextlib.closing(connect(database_path(found.box.state))) as connection:
            people.enter(connection)
        yield found


def log_in(shown: Screen, path: str) -> Page:
    """Log in as the technician and open a page."""
    page = shown.open("/login")
    page.locator("[name=name]").fill(people.BEPPE.name)
    page.locator("[name=password]").fill(people.PHRASE)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/login" not in url)
    return shown.open(path)


@every_screen
def test_the_installation_keeps_nobody_out(
    browser: Browser, house: Running, language: str, size: str
) -> None:
    """Both languages, both sizes: no violation of WCAG 2.1 AA; the records are looked through."""
    with screen(browser, house.home, language, size) as shown:
        page = log_in(shown, "/plant")
        expect(page.locator("#line-line1")).to_be_visible()
        page.locator("[hx-get]").click()
        expect(page.locator("#checked .plant-well")).to_be_visible()
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        shown.look("plant")
        page.screenshot(path=SCREENS / f"plant-whole-{shown.name}.png", full_page=True)


def test_a_phone_that_registers_is_seen_at_once(browser: Browser, house: Running) -> None:
    """Live; what was opened stays open, the focus where it was."""
    with screen(browser, house.home) as shown:
        page = log_in(shown, "/plant")
        phone = page.get_by_role("row").filter(has_text="op1")
        expect(phone).to_contain_text("non registrato")
        ended = page.locator("#releases-line1")
        ended.locator("summary").focus()
        page.keyboard.press("Enter")
        with house.box.phone("op1"):
            expect(phone).to_contain_text("registrato, risponde")
            assert ended.get_attribute("open") is not None
            assert page.evaluate("document.activeElement.parentElement.id") == "releases-line1"
