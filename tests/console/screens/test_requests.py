"""Requests in a real browser: found, read, ended by keys, by everybody (E9, E15)."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from appliance.calls.orders import Result
from appliance.commands.register_changes import take
from appliance.commands.register_place import Place
from appliance.daemon import door
from appliance.daemon.stores import database_path
from appliance.policy.requests import State
from appliance.records import call_log, requests
from appliance.records.database import connect, open_reader
from appliance.records.requests import Taking
from tests.console import people
from tests.console.browser import every_screen, screen
from tests.console.running import Running, running
from tests.console.screens.entering import log_in
from tests.console.test_calls import WHOLE
from tests.records.samples import a_call
from tests.records.test_requests import ASKED, LETTERS, WANTED

pytestmark = pytest.mark.system

EXAMPLE = resources.files("appliance.daemon") / "example_register.toml"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A box with three requests, one of them late, with offices, and people who may log in."""
    with running(tmp_path_factory.mktemp("box")) as found:
        take(Place(found.box.config_path), Path(str(EXAMPLE)), "Responsabile")
        door.ask(found.box.folder / "run" / "desk.sock", {"ask": "register_changed"})
        with contextlib.closing(connect(database_path(found.box.state))) as connection:
            people.enter(connection)
            now = datetime.now(UTC)
            for number, (new, days) in enumerate(((ASKED, 30), (WANTED, 0), (ASKED, 0))):
                at = now - timedelta(days=days)
                taken = Taking(f"r{number}", replace(new, at=at, by="carla"), at)
                requests.insert(connection, taken, LETTERS)
            calls = [
                replace(
                    a_call(f"c{number}", Result.GAVE_UP if number % 5 else Result.MESSAGE),
                    rang_at=now - timedelta(minutes=17 * number), called="0510000001",
                )
                for number in range(40)
            ]  # fmt: skip
            whole = replace(WHOLE, call="whole", rang_at=now, answered_at=now, ended_at=now)
            call_log.upsert(connection, [*calls, whole], "b")
        yield found


@every_screen
def test_the_list_and_a_request_keep_nobody_out(
    browser: Browser, house: Running, language: str, size: str
) -> None:
    """Both languages, both sizes: no violation of WCAG 2.1 AA, nothing scrolls sideways."""
    with screen(browser, house.home, language, size) as shown:
        page = log_in(shown, people.CARLA.name)
        shown.open("/requests")
        shown.look("requests")
        shown.open("/requests/2")
        for summary in page.locator("summary").all():
            summary.press("Enter")
        shown.look("request")
        page.locator("#mails + ul a").first.click()
        page.wait_for_url("**/mails/**")
        shown.look("request-mail")
        shown.open("/handover")
        shown.look("handover")


@every_screen
def test_a_week_of_appointments_keeps_nobody_out(
    browser: Browser, house: Running, language: str, size: str
) -> None:
    """Both languages, both sizes: days side by side, on a phone one after the other."""
    with screen(browser, house.home, language, size) as shown:
        log_in(shown, people.CARLA.name)
        shown.open("/appointments?week=2026-12-02")
        shown.look("appointments")


@every_screen
def test_a_new_request_keeps_nobody_out(
    browser: Browser, house: Running, language: str, size: str
) -> None:
    """Both languages, both sizes: the office, then its form."""
    with screen(browser, house.home, language, size) as shown:
        page = log_in(shown, people.CARLA.name)
        shown.open("/requests/new")
        shown.look("request-choose")
        page.locator("#about").select_option("anagrafe|residenza")
        page.locator("#about").press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_url("**about=**")
        shown.look("request-new")


def test_a_request_is_entered_by_keys(browser: Browser, house: Running) -> None:
    """From the counter: the office, the form, the number that is told; E-mail hides the hour."""
    with screen(browser, house.home) as shown:
        page = log_in(shown, people.CARLA.name)
        shown.open("/requests/new")
        page.locator("#about").select_option("anagrafe|residenza")
        page.locator("#about").press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_url("**about=**")
        page.locator("#rule-email").press("Space")
        expect(page.locator("#starts")).to_be_hidden()
        page.locator("#name").fill("Mario Ceri")
        page.locator("#phone").fill("051 234567")
        page.locator("#subject").fill("Iscrizione")
        page.locator("#subject").press("Enter")
        expect(page.get_by_text("Dire all'utente il suo numero")).to_be_visible()


def test_weeks_are_turned_by_arrows(browser: Browser, house: Running) -> None:
    """E22: outside of fields; within the choice of an office they are that choice's own."""
    with screen(browser, house.home) as shown:
        page = log_in(shown, people.CARLA.name)
        shown.open("/appointments?week=2026-12-02")
        page.locator("h1").click()
        page.keyboard.press("ArrowRight")
        page.wait_for_url("**week=2026-12-07")
        page.locator("h1").click()
        page.keyboard.press("ArrowLeft")
        page.wait_for_url("**week=2026-11-30")
        page.locator("#unit").press("ArrowRight")
        expect(page).to_have_url(re.compile("week=2026-11-30"))


@every_screen
def test_calls_keep_nobody_out(browser: Browser, house: Running, language: str, size: str) -> None:
    """Both languages, both sizes: those of a day, and one with all that happened."""
    with screen(browser, house.home, language, size) as shown:
        log_in(shown, people.CARLA.name)
        shown.open("/calls")
        shown.look("calls")
        shown.open("/calls/whole")
        shown.look("call")
    with screen(browser, house.home, language, size) as shown:
        log_in(shown, people.BEPPE.name)
        shown.open("/calls/whole")
        shown.look("call-technician")


@every_screen
def test_a_link_that_is_none_keeps_nobody_out(
    browser: Browser, house: Running, language: str, size: str
) -> None:
    """E15: whoever has a wrong link reads so, without a login, in both languages and sizes."""
    with screen(browser, house.home, language, size) as shown:
        shown.open("/done/" + "a" * 43, 404)
        shown.look("done-unknown")


@every_screen
def test_reports_keep_nobody_out(
    browser: Browser, house: Running, language: str, size: str
) -> None:
    """Both languages, both sizes; wide tables scroll by themselves."""
    with screen(browser, house.home, language, size) as shown:
        log_in(shown, people.ANNA.name)
        shown.open("/reports")
        shown.look("reports")


def test_a_request_is_ended_by_keys(browser: Browser, house: Running) -> None:
    """E15: with the name of whoever said so; it is never done without one."""
    with screen(browser, house.home) as shown:
        page = log_in(shown, people.CARLA.name)
        shown.open("/requests/3")
        page.get_by_text("È evasa").first.press("Enter")
        page.get_by_label("Chi lo ha detto").first.press("Enter")
        expect(page.get_by_text("È conclusa")).to_be_hidden()
        page.get_by_label("Chi lo ha detto").first.fill("Elsa, Anagrafe")
        page.get_by_label("Chi lo ha detto").first.press("Enter")
        expect(page.get_by_text("È conclusa")).to_be_visible()
        with contextlib.closing(open_reader(database_path(house.box.state))) as connection:
            assert requests.required(connection, 3).request.state is State.DONE
