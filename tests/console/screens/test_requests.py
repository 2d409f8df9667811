"""Requests in a real browser: entered, weeks of appointments turned, ended, by keys (E9, E15)."""

from __future__ import annotations

import contextlib
import re
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, expect

from appliance.policy.requests import RequestState
from appliance.store import requests
from appliance.store.database import connect, database_path, open_reader
from appliance.store.requests import RequestToStore
from tests.console import people
from tests.console.browser import screen
from tests.console.running import Running
from tests.console.screens.entering import log_in
from tests.store.test_requests import ASKED, LETTERS

pytestmark = pytest.mark.system


def test_a_request_is_entered_by_keys(browser: Browser, filled: Running) -> None:
    """From the counter: the office, the form, the number that is told; E-mail hides the hour."""
    with screen(browser, filled.home) as shown:
        page = log_in(shown, people.CARLA.name, "/requests/new")
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


def test_weeks_are_turned_by_arrows(browser: Browser, filled: Running) -> None:
    """E22: outside of fields; within the choice of an office they are that choice's own."""
    with screen(browser, filled.home) as shown:
        page = log_in(shown, people.CARLA.name, "/appointments?week=2026-12-02")
        page.locator("h1").click()
        page.keyboard.press("ArrowRight")
        page.wait_for_url("**week=2026-12-07")
        page.locator("h1").click()
        page.keyboard.press("ArrowLeft")
        page.wait_for_url("**week=2026-11-30")
        page.locator("#unit").press("ArrowRight")
        expect(page).to_have_url(re.compile("week=2026-11-30"))


def test_a_request_is_ended_by_keys(browser: Browser, filled: Running) -> None:
    """E15: with the name of whoever said so; it is never done without one."""
    at = datetime.now(UTC)
    taken = RequestToStore(f"r-{time.monotonic_ns()}", replace(ASKED, at=at, by="carla"), at)
    with contextlib.closing(connect(database_path(filled.box.state))) as connection:
        number = requests.insert_request(connection, taken, LETTERS).number
    with screen(browser, filled.home) as shown:
        page = log_in(shown, people.CARLA.name, f"/requests/{number}")
        page.get_by_text("Chiudi la richiesta").first.press("Enter")
        page.get_by_label("Chi lo ha detto").first.press("Enter")
        expect(page.get_by_text("È conclusa")).to_be_hidden()
        page.get_by_label("Chi lo ha detto").first.fill("Elsa, Anagrafe")
        page.get_by_label("Chi lo ha detto").first.press("Enter")
        expect(page.get_by_text("È conclusa")).to_be_visible()
        with contextlib.closing(open_reader(database_path(filled.box.state))) as connection:
            assert requests.required_request(connection, number).request.state is RequestState.DONE


def test_the_list_is_live(browser: Browser, filled: Running) -> None:
    """What a colleague takes over appears by itself, and moves no focus."""
    with screen(browser, filled.home) as shown:
        page = log_in(shown, people.CARLA.name, "/requests")
        page.locator("#citizen").focus()
        at = datetime.now(UTC)
        new = replace(ASKED, at=at, by="carla", subject=f"Nuova {time.monotonic_ns()}")
        with contextlib.closing(connect(database_path(filled.box.state))) as connection:
            requests.insert_request(
                connection, RequestToStore(f"r-{time.monotonic_ns()}", new, at), LETTERS
            )
        expect(page.get_by_role("row").filter(has_text=new.subject)).to_be_visible()
        expect(page.locator("#citizen")).to_be_focused()


def test_announcements_are_searched(browser: Browser, filled: Running) -> None:
    """By any words, accents folded; none is said so."""
    with screen(browser, filled.home) as shown:
        page = log_in(shown, people.ANNA.name, "/announcements")
        rows = page.locator("[data-announcement]:visible")
        every = rows.count()
        page.locator("#filter").fill("segreteria")
        expect(rows).not_to_have_count(every)
        page.locator("#filter").fill("xyzzy")
        expect(rows).to_have_count(0)
        expect(page.locator("#filter-none")).to_be_visible()
