"""Two calls in a row: what was begun in the first one is never taken for the second one's.

The technician has made Carla's account; the head has imported offices and sheets.

1. Carla logs in and sits down at the first position.
2. Rossi calls; she answers, searches "trasloco", opens the sheet, and begins a note: "Rossi vuole
   il modu". The page says that the note is for the call of his number.
3. Rossi hangs up; Verdi calls, and she answers. Her half note stands as it was, and still names
   Rossi's call; the search is empty, and Rossi's sheet is closed.
4. She ends the note, "lo", and Enter: it is Rossi's call that has it.
5. She takes Verdi's request over for the Tributi, without a transfer: the form names Verdi's call
   and number, its subject is empty.
6. Half way through, she begins a note of Verdi's call and sends it: it is Verdi's.
7. She saves the request: it is of Verdi's call, with no sheet.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from appliance.policy.voicemail import MessageStep
from appliance.store import call_log, requests, voicemail
from appliance.store.database import database_path, open_reader
from appliance.store.voicemail import CaseKind
from tests.journeys.harness.browser import computer, window
from tests.journeys.harness.front_desk import PATIENCE_S, FrontDesk, citizen_calls, front_desk
from tests.journeys.harness.operator import SIDE, answers, logs_in, makes_an_account, sits_down
from tests.journeys.harness.steps import Journey, wait_until
from tests.journeys.harness.terminal import on_the_box

pytestmark = pytest.mark.system

ROSSI, VERDI = "0512345678", "0517654321"


@pytest.fixture
def box(tmp_path: Path) -> Iterator[FrontDesk]:
    """The office's box."""
    with front_desk(tmp_path / "box") as made:
        yield made


@pytest.fixture
def browser(tmp_path: Path, box: FrontDesk) -> Iterator[Browser]:
    """The browser of Carla's computer."""
    with computer(tmp_path / "carla", box.authority) as started:
        yield started


def test_what_is_begun_in_a_call_is_of_that_call(
    journey: Journey, box: FrontDesk, browser: Browser, tmp_path: Path
) -> None:
    """Note, sheet, search and form belong to the call in which they were begun."""
    with on_the_box(journey, tmp_path / "technician", box.folder) as terminal:
        makes_an_account(terminal)
    with box.phone("op1") as op1, window(journey, browser, "carla", box.home) as page:
        side, search = page.region(SIDE), page.field("Cerca scheda, ufficio o altro ente")
        with journey.step(1):
            logs_in(page)
            sits_down(page)

        with journey.step(2):
            rossi = citizen_calls(box, 1, ROSSI)
            answers(page, op1, ROSSI)
            search.click()
            page.type("trasloco")
            page.press("Enter")
            page.sees("entro venti giorni")
            page.press("Alt+n")
            page.type("Rossi vuole il modu")
            page.sees(f"Per la chiamata di {ROSSI}")

        with journey.step(3):
            rossi.hang_up()
            rossi.wait(PATIENCE_S)
            page.sees("Nessuna chiamata.", within=side)
            verdi = citizen_calls(box, 2, VERDI)
            answers(page, op1, VERDI)
            note = page.field("Nota sulla chiamata")
            expect(note).to_have_value("Rossi vuole il modu")
            expect(note).to_be_focused()
            page.sees(f"Per la chiamata di {ROSSI}")
            expect(search).to_have_value("")
            page.sees_no("entro venti giorni")

        with journey.step(4):
            page.type("lo")
            page.press("Enter")
            page.sees("ota aggiunta")
            wait_until(lambda: bool(notes(box, ROSSI)), PATIENCE_S, "the note is of no call")
            assert (notes(box, ROSSI), notes(box, VERDI)) == (["Rossi vuole il modulo"], [])
            page.sees(f"Per la chiamata di {VERDI}")

        with journey.step(5):
            page.press("F8")
            page.type("accert")
            page.press("ArrowDown")
            page.press("Enter")
            page.click("button", "Prendi in carico la richiesta")
            form = page.page.locator("#return")
            page.sees(f"Per la chiamata di {VERDI}", within=form)
            expect(page.field("Telefono", form)).to_have_value(VERDI)
            expect(page.field("Oggetto", form)).to_have_value("")
            page.write("Nome", "Bruno Verdi", form)

        with journey.step(6):
            page.press("Alt+n")
            page.type("richiama lunedi")
            page.press("Enter")
            wait_until(lambda: bool(notes(box, VERDI)), PATIENCE_S, "the note is of no call")
            assert notes(box, VERDI) == ["richiama lunedi"]

        with journey.step(7):
            page.write("Oggetto", "Avviso IMU 2024", form)
            page.click("button", "Salva", form)
            page.sees("Presa in carico: richiesta 1.")
            with contextlib.closing(open_reader(database_path(box.state))) as connection:
                (kept,) = requests.list_requests(connection)
            (call,) = [one.call for one in box.records() if one.caller.number == VERDI]
            assert (kept.request.call, kept.request.sheet) == (call, "")
            verdi.hang_up()
            verdi.wait(PATIENCE_S)


def notes(box: FrontDesk, number: str) -> list[str]:
    """Return the notes on the calls from a number."""
    with contextlib.closing(open_reader(database_path(box.state))) as connection:
        calls = [one.call for one in call_log.list_calls(connection) if one.caller.number == number]
        entries = [
            each
            for call in calls
            for each in voicemail.list_entries(connection, CaseKind.CALL, call)
        ]
    return [each.note for each in entries if each.step is MessageStep.NOTE]
