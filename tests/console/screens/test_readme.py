"""The picture of the README: a front desk at work, with names and words that a person would see."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Final

import pytest
from playwright.sync_api import Browser, expect

from appliance.store.database import connect, database_path
from appliance.text import _
from tests.console import people
from tests.console.browser import FILLED, every_language, screen
from tests.console.screens.entering import log_in
from tests.journeys.harness.front_desk import (
    OPERATOR_HZ,
    PATIENCE_S,
    FrontDesk,
    citizen_calls,
    front_desk,
    lifts,
)

pytestmark = pytest.mark.system

PHONES: Final = {
    "op1": "Postazione 1",
    "op2": "Postazione 2",
    "desk1": "Sportello Cittadini",
    "ana1": "Anagrafe",
    "tri1": "Tributi",
}
LABELS: Final = {**PHONES, "line1": "Centralino", "line2": "Numero verde"}
CITIZENS: Final = {
    "it": ("0512345678", "3391112223"),
    "en": ("0517654321", "3474445556"),
    "de": ("0471234567", "3207778889"),
}
"""Two in each language, of whom no earlier call is known."""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FrontDesk]:
    """A municipality's front desk: every phone is there, and has a label."""
    folder = tmp_path_factory.mktemp("desk")
    named = {"site_name": "Comune di Roccaverde", "labels": LABELS, "operators": ("op1", "op2")}
    with front_desk(folder, languages=FILLED, **named) as box:
        with contextlib.closing(connect(database_path(box.state))) as connection:
            people.enter(connection)
        yield box


@every_language
def test_a_conversation_and_a_call_that_waits(
    browser: Browser, desk: FrontDesk, language: str
) -> None:
    """One citizen is answered by a sheet while the next one rings; no name of the box is seen."""
    first, second = CITIZENS[language]
    phones = [desk.phone(name) for name in PHONES]
    with screen(browser, desk.home, language) as shown:
        page = log_in(shown, people.CARLA.name, "/desk")
        talks = citizen_calls(desk, 1, first)
        mine = page.locator("[data-call]").filter(has_text=first)
        expect(mine).to_be_visible()  # the number comes after the first ring
        lifts(phones[0], OPERATOR_HZ)
        expect(mine).to_contain_text(_("Talking").text(language))
        page.keyboard.type("resid")
        page.get_by_role("button", name="Cambio di residenza").click()
        expect(page.get_by_text("entro venti giorni")).to_be_visible()
        waits = desk.place(2, caller=second, hang_up_after_ms=600_000)
        expect(page.locator("[data-call]").filter(has_text=second)).to_be_visible()
        assert not set(LABELS) & set(page.locator("body").inner_text().split())
        shown.look("readme")
        for call in (talks, waits):
            call.hang_up()
            call.wait(PATIENCE_S)
    for phone in phones:
        phone.stop()
    desk.wait_until(desk.is_idle, PATIENCE_S, "the lines did not become idle")
