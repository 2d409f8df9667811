"""The wall in a real browser before a real box: a screen's link from its making to its end."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, expect

from appliance.calls.orders import Result
from appliance.store import call_log
from appliance.store.database import connect, database_path
from tests.console.browser import screen
from tests.console.people import ANNA
from tests.console.running import Running
from tests.console.screens.entering import log_in
from tests.store.samples import a_call

pytestmark = pytest.mark.system

SOON_MS = 5_000


def test_a_screen_from_its_link_to_its_end(browser: Browser, filled: Running) -> None:
    """The head makes a link; a screen without a login shows a lost call as it comes; the head ends
    the link and the screen says so by itself.
    """
    with screen(browser, filled.home) as desk, screen(browser, filled.home) as shown:
        head = log_in(desk, ANNA.name, "/wall/screens")
        head.get_by_label("Dove si trova lo schermo").fill("Sala d'attesa")
        head.get_by_role("button", name="Crea il collegamento").click()
        address = head.locator("code").inner_text()
        wall = shown.page
        wall.goto(address)
        lost = wall.locator(".wall-tile", has_text="Perse oggi").locator(".wall-figure")
        before = int(lost.inner_text())
        call = replace(a_call("wall-1", Result.GAVE_UP), rang_at=datetime.now(UTC))
        with closing(connect(database_path(filled.box.state))) as connection:
            call_log.upsert_calls(connection, [call], "b")
        expect(lost).to_have_text(str(before + 1), timeout=SOON_MS)
        assert wall.locator("#stale").is_hidden()
        head.goto(f"{filled.home}/wall/screens")
        expect(head.locator("tr", has_text="Sala d'attesa")).to_contain_text("1 schermo collegato")
        head.get_by_role("button", name="Revoca: Sala d'attesa").click()
        expect(wall.locator("main")).to_contain_text("revocato", timeout=SOON_MS)
        assert shown.troubles == []


def test_a_wall_that_hears_nothing_says_so(browser: Browser, filled: Running) -> None:
    """Ten seconds without a word, and it says since when its figures stand still."""
    with screen(browser, filled.home) as shown:
        wall = log_in(shown, ANNA.name, "/wall")
        expect(wall.locator("#stale")).to_be_hidden()
        at = wall.locator(".wall-clock").inner_text()
        wall.route("**/wall/live", lambda route: route.abort())
        wall.reload()
        expect(wall.locator("#stale")).to_contain_text("Dati fermi dalle", timeout=15_000)
        assert wall.locator("#stale").inner_text()[-5:] >= at
