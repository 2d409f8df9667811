"""The morning after: what the evening has left is followed on one page, while a caller rings.

The technician has made Carla's account and that of her colleague Bea; the head has imported offices
and sheets.

1. In the evening a colleague keys `*821`. One citizen leaves a message; another hears the greeting
   and gives up.
2. In the morning Carla logs in and sits down. In the middle of the desk, under "Da seguire", she
   reads both numbers; beside the menu's entry stands the number of messages.
3. She presses F9: the list is there, one case is open. By Alt and the arrows she goes to the
   message; its number stands as its title.
4. She listens to its end by Alt+L, and takes charge by Alt+P. Bea, who has the same page open,
   reads at once who follows it, and has no outcome to give.
5. Carla begins a note for the colleagues, "voleva solo gli", when a citizen calls: the call bar
   says so, her words and the cursor stay. She answers at the phone, opens the desk from the call
   bar, reads the number there, and the citizen hangs up.
6. She goes back to "Da seguire": the message is open again, with her half note. She ends it, and
   closes the message by Alt+4, "Non necessario"; the page says "È chiuso".
7. By F9 she goes on to the call without a message; by mistake she closes it, takes that back by
   Ctrl+Z, and closes it with the right outcome.
8. The page says "Niente da seguire", Bea's too.
9. The technician reads on the box that the message is closed, and no call is to be called back.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from appliance.calls.orders import Result
from appliance.simulator.exchange.call import CallPlan
from tests.journeys.harness.browser import computer, window
from tests.journeys.harness.front_desk import (
    PATIENCE_S,
    FrontDesk,
    citizen_calls,
    front_desk,
    leaves_a_message,
)
from tests.journeys.harness.operator import (
    SIDE,
    logs_in,
    makes_an_account,
    sits_down,
)
from tests.journeys.harness.steps import Journey
from tests.journeys.harness.terminal import on_the_box
from tests.system.calls import in_state

pytestmark = pytest.mark.system

SPEAKER, SILENT, MORNING = "3391112223", "0512345678", "0517654321"
"""The numbers of three citizens."""
SAID_S = 3
"""How long the message is."""


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


def test_what_the_evening_has_left_is_followed(
    journey: Journey, box: FrontDesk, browser: Browser, tmp_path: Path
) -> None:
    """Nothing is lost or done twice, and a call in between changes nothing."""
    shell = on_the_box(journey, tmp_path / "technician", box.folder)
    with shell as terminal, box.phone("op1") as op1, contextlib.ExitStack() as stack:
        makes_an_account(terminal)
        makes_an_account(terminal, "bea", "Bea Rossi")
        page = stack.enter_context(window(journey, browser, "carla", box.home))
        with journey.step(1):
            op1.dial("*821")
            op1.wait_event("ended", PATIENCE_S)
            leaves_a_message(box, SPEAKER, SAID_S)
            gives_up(box)

        with journey.step(2):
            logs_in(page)
            page.open("Postazione operatore")
            page.click("button", "Termina: Chiuso – segreteria")
            sits_down(page)
            middle = page.region("Schede, ritorni e cose da seguire")
            page.sees("Da seguire", SPEAKER, SILENT, within=middle)
            page.sees("Messaggi da seguire: 1", within=page.page.get_by_role("navigation"))

        with journey.step(3):
            page.press("F9")
            case = page.page.locator("#inbox-case")
            while SPEAKER not in page.text(case):
                page.press("Alt+ArrowDown")
                expect(page.page.get_by_role("heading", level=1)).to_be_focused()
            page.sees("non ascoltato", within=page.region("Da seguire"))

        bea = stack.enter_context(window(journey, browser, "bea", box.home))
        logs_in(bea, "bea", "Bea Rossi")
        bea.go_to(page.page.url.removeprefix(box.home))
        with journey.step(4):
            page.press("Alt+l")
            assert SAID_S - 0.5 < page.listens_to_the_end("Messaggio 1") < SAID_S + 3
            page.press("Alt+p")
            page.sees("lo segui tu", within=case)
            bea.sees("Già in carico a Carla Blu.")
            expect(bea.find("button", "Non necessario")).to_have_count(0)

        with journey.step(5):
            note = page.field("Parole per i colleghi")
            page.press("Alt+n")
            page.type("voleva solo gli")
            citizen = citizen_calls(box, 1, MORNING)
            page.sees(MORNING, "Squilla", within=page.region("Chiamata in arrivo"))
            expect(note).to_be_focused()
            expect(note).to_have_value("voleva solo gli")
            op1.wait_event("invite", PATIENCE_S)
            op1.answer()
            page.click("link", "Apri la postazione")
            page.sees(MORNING, "la mia chiamata", within=page.region(SIDE))
            citizen.hang_up()
            citizen.wait(PATIENCE_S)
            page.sees("Nessuna chiamata.", within=page.region(SIDE))

        with journey.step(6):
            page.open("Da seguire")
            expect(note).to_have_value("voleva solo gli")
            page.press("Alt+n")
            page.press("End")
            page.type(" orari")
            page.press("Alt+4")
            page.sees("È chiuso", "voleva solo gli orari", within=case)

        with journey.step(7):
            page.press("F9")
            page.sees(SILENT, within=case)
            page.press("Alt+1")
            page.sees("È chiuso", within=case)
            page.page.get_by_role("heading", level=1).focus()
            page.press("Control+z")
            page.sees_no("È chiuso", within=case)
            page.press("Alt+2")
            page.sees("È chiuso", "non raggiungibile", within=case)

        with journey.step(8):
            for one in (page, bea):
                one.sees("Niente da seguire", within=one.region("Da seguire").first)

        with journey.step(9):
            messages = terminal.run("./centralino messages --config centralino.toml")
            assert len(re.findall(f"{SPEAKER} .* non necessario ", messages)) == 1, messages
            missed = terminal.run("./centralino calls --missed --config centralino.toml")
            assert "Nessuna chiamata senza messaggio." in missed


def gives_up(box: FrontDesk) -> None:
    """Call, hear the greeting, and hang up without a word."""
    caller = box.place(2, CallPlan(caller=SILENT, hang_up_after_ms=600_000))
    in_state(box, "greeting")
    caller.hang_up()
    caller.wait(PATIENCE_S)
    box.wait_until(
        lambda: any(
            one.caller.number == SILENT and one.result is not Result.OPEN for one in box.records()
        ),
        PATIENCE_S,
        "the call is not recorded",
    )
    box.wait_until(box.is_idle, PATIENCE_S, "the line did not become idle")
