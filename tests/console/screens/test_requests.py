"""Requests in a real browser: found, read, ended by keys, by everybody (E9, E15)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from appliance.calls.orders import Result
from appliance.daemon.stores import database_path
from appliance.policy.requests import State
from appliance.records import call_log, requests
from appliance.records.database import connect, open_reader
from appliance.records.requests import Taking
from tests.console import people
from tests.console.browser import Screen, every_screen, screen
from tests.console.running import Running, running
from tests.records.samples import a_call
from tests.records.test_requests import ASKED, LETTERS, WANTED

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A box with three requests, one of them late, and people who may log in."""
    with running(tmp_path_factory.mktemp("box")) as found:
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
            call_log.upsert(connection, calls, "b")
        yield found


def log_in(shown: Screen, name: str = people.CARLA.name) -> Page:
    """Log in, as the operator unless said otherwise."""
    page = shown.open("/login")
    page.locator("[name=name]").fill(name)
    page.locator("[name=password]").fill(people.PHRASE)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/login" not in url)
    return page


@every_screen
def test_the_list_and_a_request_keep_nobody_out(
    browser: Browser, house: Running, language: str, size: str
) -> None:
    """Both languages, both sizes: no violation of WCAG 2.1 AA, nothing scrolls sideways."""
    with screen(browser, house.home, language, size) as shown:
        page = log_in(shown)
        shown.open("/requests")
        shown.look("requests")
        shown.open("/requests/2")
        for summary in page.locator("summary").all():
            summary.press("Enter")
        shown.look("request")
        shown.open("/handover")
        shown.look("handover")


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
        page = log_in(shown)
        shown.open("/requests/3")
        page.get_by_text("È evasa").first.press("Enter")
        page.get_by_label("Chi lo ha detto").first.press("Enter")
        expect(page.get_by_text("È conclusa")).to_be_hidden()
        page.get_by_label("Chi lo ha detto").first.fill("Elsa, Anagrafe")
        page.get_by_label("Chi lo ha detto").first.press("Enter")
        expect(page.get_by_text("È conclusa")).to_be_visible()
        with contextlib.closing(open_reader(database_path(house.box.state))) as connection:
            assert requests.required(connection, 3).request.state is State.DONE
