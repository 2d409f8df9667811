"""Calls without touching the telephone: answered, held, ended, and a shown number called.

The technician has made Carla's account; the head has imported offices and sheets. Carla's phone can
be told to answer, as most desk phones can.

1. Carla logs in and sits down at the first position; she is free for calls.
2. Rossi calls. She presses F2: her phone answers, they hear each other.
3. She opens the messages to look something up: the bar goes with her. She presses F4; Rossi hears
   music, the bar says that he is on hold.
4. She presses F4 again: he hears her.
5. She goes back to the desk, takes his request over for the Tributi, and hangs up with Shift+F2:
   the line is free, and so is she.
6. Later she opens what is to be followed, his request, and clicks on his number; it stands in the
   form, and she calls it. Her phone answers, Rossi's rings; the bar says that she is talking with
   whom she has called.
7. She puts him on hold, takes him back, and hangs up: both calls are in the list, and the second
   one was hers.
8. She tries a number that nobody knows: the form says why it is not called.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from appliance.calls.orders import Direction, Result
from appliance.simulator.exchange import process
from appliance.simulator.exchange.process import ulaw_wav
from tests.journeys.harness.browser import computer, window
from tests.journeys.harness.front_desk import (
    CITIZEN_HZ,
    OPERATOR_HZ,
    PATIENCE_S,
    FrontDesk,
    citizen_calls,
    citizen_hears,
    citizen_waits,
    front_desk,
    phone_hears,
    voice,
)
from tests.journeys.harness.operator import SIDE, logs_in, makes_an_account, sits_down
from tests.journeys.harness.steps import Journey, wait_until
from tests.journeys.harness.terminal import on_the_box

pytestmark = [pytest.mark.journey, pytest.mark.system]

ROSSI = "0512345678"
BAR = "La tua chiamata"
RINGS = "Chiamata in arrivo"


@pytest.fixture
def box(tmp_path: Path) -> Iterator[FrontDesk]:
    """The office's box; Rossi answers whoever calls him."""
    with front_desk(tmp_path / "box") as made:
        answers = {"outcome": "answer", "rings": 1, "says": True}
        for line in (1, 2):
            process.set_line(made.folder / "lines", line, extensions={ROSSI: answers})
        yield made


@pytest.fixture
def browser(tmp_path: Path, box: FrontDesk) -> Iterator[Browser]:
    """The browser of Carla's computer."""
    with computer(tmp_path / "carla", box.authority) as started:
        yield started


def test_calls_are_served_at_the_screen(
    journey: Journey, box: FrontDesk, browser: Browser, tmp_path: Path
) -> None:
    """The phone obeys the page: Rossi's call, and the one to him."""
    with on_the_box(journey, tmp_path / "technician", box.folder) as terminal:
        makes_an_account(terminal)
    with box.phone("op1") as op1, window(journey, browser, "carla", box.home) as page:
        op1.answer_mode("talks")
        op1.say(ulaw_wav(voice(OPERATOR_HZ)), repeat=True)
        bar = page.region(BAR)
        with journey.step(1):
            logs_in(page)
            sits_down(page)
            page.sees("Libera", "Chiama un numero", within=bar)

        with journey.step(2):
            rossi = citizen_calls(box, 1, ROSSI)
            page.sees(ROSSI, "Rispondi", within=page.region(RINGS))
            page.press("F2")
            page.sees(ROSSI, "Metti in attesa", "Riaggancia", within=bar)
            citizen_hears(rossi, OPERATOR_HZ)
            phone_hears(op1, CITIZEN_HZ)

        with journey.step(3):
            page.open("Messaggi", under="Elenchi")
            page.sees(ROSSI, "Riaggancia", within=bar)
            page.press("F4")
            page.sees("Riprendi", within=bar)
            citizen_waits(rossi)

        with journey.step(4):
            page.press("F4")
            page.sees("Metti in attesa", within=bar)
            citizen_hears(rossi, OPERATOR_HZ)

        with journey.step(5):
            page.open("Postazione operatore")
            page.press("F8")
            page.type("accert")
            page.press("ArrowDown")
            page.press("Enter")
            page.click("button", "Prendi in carico la richiesta")
            form = page.page.locator("#return")
            page.write("Nome", "Bruno Rossi", form)
            page.write("Oggetto", "Avviso IMU 2024", form)
            page.click("button", "Salva", form)
            page.sees("Presa in carico: richiesta 1.")
            page.press("Shift+F2")
            rossi.wait(PATIENCE_S)
            page.sees("Nessuna chiamata.", within=page.region(SIDE))
            page.sees("Libera", within=bar)
            box.wait_until(box.is_idle, PATIENCE_S, "the lines did not become idle")

        with journey.step(6):
            page.open("Da seguire")
            page.click("button", ROSSI)
            form = page.page.get_by_role("dialog", name="Chiama un numero")
            expect(page.field("Numero", form)).to_have_value(ROSSI)
            form.get_by_role("checkbox").check()
            page.click("button", "Chiama", form)
            page.sees("Stai parlando con il numero che hai chiamato.", "Riaggancia", within=bar)

        with journey.step(7):
            page.press("F4")
            page.sees("è in attesa e sente la musica", "Riprendi", within=bar)
            page.press("F4")
            page.sees("Stai parlando con il numero che hai chiamato.", within=bar)
            page.press("Shift+F2")
            page.sees("Libera", within=bar)
            wait_until(lambda: len(ended(box)) == 2, PATIENCE_S, "a call has not ended")
            assert ended(box) == [(Direction.OUT, "op1"), (Direction.IN, "op1")]

        with journey.step(8):
            page.press("Alt+c")
            page.type("0519999999")
            page.press("Enter")
            page.sees("chi ha chiamato", within=form)


def ended(box: FrontDesk) -> list[tuple[Direction, str]]:
    """Return the answered calls that are over, the last one first: whose, at which phone."""
    found = [record for record in box.records() if record.result is Result.ANSWERED]
    return [(record.direction, record.phone) for record in found if record.ended_at]
