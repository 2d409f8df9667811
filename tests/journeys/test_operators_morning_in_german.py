"""A German-speaking operator's morning, in an office of South Tyrol: `languages = ["it", "de"]`.

1. In a terminal whose language is German the technician makes an account for Carla, sets the
   password that she has chosen, and reads answers in German.
2. In the evening a colleague keys `*821`. A citizen calls, hears the office closed in Italian and,
   in German, that nine leads to German; presses it, hears the German greeting to the tone, and
   leaves a message.
3. In the morning Carla types the console's address into a browser that asks for German, sees
   „Anmelden“, and logs in.
4. She opens „Vermittlungsplatz“, chooses her position, and reads that it is free, that the
   switchboard is still closed since the evening, and that one message waits.
5. She ends „Geschlossen – Anrufbeantworter“ in the bar on top, and reads „Offen“.
6. A citizen calls: the page shows the number and „Läutet“; she lifts, they hear each other, and the
   page says „Im Gespräch“.
7. She chooses an office by „resid“, says why, and announces the call; the clerk lifts, she hangs
   up, and the page says „Verbunden: Anagrafe“.
8. She opens „Nachrichten“, listens to the message of the evening, takes it over, and closes it as
   „nicht nötig“.
9. The technician reads on the box, in German, how the message ended.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from appliance.simulator.exchange.call import CallPlan
from appliance.simulator.exchange.process import read_clip
from tests.helpers.heard import made_out
from tests.journeys.harness.browser import Window, computer, window
from tests.journeys.harness.front_desk import (
    CITIZEN_HZ,
    CLERK_HZ,
    MESSAGE,
    OPERATOR_HZ,
    PATIENCE_S,
    FrontDesk,
    citizen_calls,
    citizen_hears,
    front_desk,
    lifts,
    phone_hears,
)
from tests.journeys.harness.operator import NAME, PASSWORD
from tests.journeys.harness.steps import Journey, wait_until
from tests.journeys.harness.terminal import Terminal, on_the_box
from tests.system.calls import in_state

pytestmark = pytest.mark.system

EVENING, FIRST = "3391112223", "0471234567"
CLOSED = "Von Hand geschlossen: Der Anrufbeantworter nimmt an."
SAID_S = 3
GREETING = ("de/greeting_closed", "de/leave_message")


@pytest.fixture
def box(tmp_path: Path) -> Iterator[FrontDesk]:
    """The office's box."""
    with front_desk(tmp_path / "box", languages=("it", "de")) as made:
        yield made


@pytest.fixture
def browser(tmp_path: Path, box: FrontDesk) -> Iterator[Browser]:
    """The browser of Carla's computer, on which the technician has installed the authority."""
    with computer(tmp_path / "carla", box.authority) as started:
        yield started


def test_a_german_speaking_operators_morning(
    journey: Journey, box: FrontDesk, browser: Browser, tmp_path: Path
) -> None:
    """Account, greeting, log-in, states, transfer, voicemail: all of it in German."""
    shell = on_the_box(journey, tmp_path / "technician", box.folder)
    carla = window(journey, browser, "carla", box.home, "de")
    op1, ana1 = box.phone("op1"), box.phone("ana1")
    with shell as terminal, carla as page:
        with journey.step(1):
            terminal.run("export LANG=de_DE.UTF-8")
            makes_an_account(terminal)

        with journey.step(2):
            op1.dial("*821")
            op1.wait_event("ended", PATIENCE_S)
            chooses_german_and_leaves_a_message(box)

        with journey.step(3):
            page.go_to("/")
            page.click("link", "Anmelden")
            page.write("Benutzername", "carla")
            page.press("Tab")
            page.type(PASSWORD)
            page.press("Enter")
            page.sees(NAME)

        with journey.step(4):
            page.open("Vermittlungsplatz")
            page.choose("Mein Arbeitsplatz", "op1")
            page.click("button", "Diesen Arbeitsplatz verwenden")
            side = page.region("Anrufe und Zustände")
            page.sees("op1 frei", CLOSED, "Zu erledigende Nachrichten: 1", within=side)

        with journey.step(5):
            page.click("button", "Beenden: Geschlossen – Anrufbeantworter")
            page.sees("Keine Anrufe.", within=side)
            page.sees("Offen", within=page.page.get_by_role("banner"))

        with journey.step(6):
            citizen = citizen_calls(box, 1, FIRST)
            page.sees(FIRST, "Läutet", within=side)
            op1.wait_event("invite", PATIENCE_S)
            lifts(op1, OPERATOR_HZ)
            page.sees("Im Gespräch", "mein Gespräch", within=side)
            citizen_hears(citizen, OPERATOR_HZ)
            phone_hears(op1, CITIZEN_HZ)

        with journey.step(7):
            page.click("button", "Weiterleiten")
            page.write("Amt oder Anliegen", "resid")
            page.click("button", "Anagrafe – Cambi di residenza complessi")
            page.field("Thema").check()
            page.click("button", "Anrufen und ankündigen")
            page.sees("Läutet: Anagrafe", within=side)
            ana1.wait_event("invite", PATIENCE_S)
            lifts(ana1, CLERK_HZ)
            phone_hears(op1, CLERK_HZ)
            op1.hang_up()
            citizen_hears(citizen, CLERK_HZ)
            page.sees("Verbunden: Anagrafe", within=side)
            citizen.hang_up()
            citizen.wait(PATIENCE_S)
            page.sees("Keine Anrufe.", within=side)

        with journey.step(8):
            page.open("Nachrichten", under="Listen")
            deals_with_the_message(page)

        with journey.step(9):
            listed = terminal.run("./centralino messages --config centralino.toml")
            assert "nicht nötig" in listed, listed


def makes_an_account(terminal: Terminal) -> None:
    """Type the two commands, each with the password twice, as it asks for it."""
    users = "./centralino users --config centralino.toml"
    for command, answer in (
        (f'add carla --shown "{NAME}" --role operator', "Benutzer carla angelegt."),
        ("password --keep carla", "Passwort geändert: carla."),
    ):
        terminal.type(f"{users} {command}")
        terminal.wait_for("Passwort:")
        terminal.type(PASSWORD)
        terminal.wait_for("Zur Bestätigung wiederholen:")
        terminal.type(PASSWORD)
        assert terminal.wait_for_prompt().strip() == answer


def chooses_german_and_leaves_a_message(box: FrontDesk) -> None:
    """Press nine in the greeting, listen to the German one to its tone, speak, hang up."""
    caller = box.place(2, CallPlan(caller=EVENING, hang_up_after_ms=600_000))
    in_state(box, "greeting")
    caller.press("9")

    def records() -> bool:
        with contextlib.suppress(TimeoutError):
            caller.wait_for("nothing", 0.3)
        return "recording" in {one["state"] for one in box.status()["calls"]}

    wait_until(records, 60.0, "the box did not record")
    caller.say(read_clip(MESSAGE)[: SAID_S * 8000])
    with contextlib.suppress(TimeoutError):
        caller.wait_for("ended", SAID_S + 0.5)
    caller.hang_up()
    caller.wait(PATIENCE_S)
    heard = [one.name for one in made_out(box, caller, among=GREETING)]
    assert heard == list(GREETING), heard
    box.wait_until(box.is_idle, PATIENCE_S, "the line did not become idle")
    assert "language.de" in box.last_record(1).trail


def deals_with_the_message(page: Window) -> None:
    """Listen to its end, take it over, close it with what came of it."""
    row = page.page.get_by_role("row").filter(has_text=EVENING)
    page.click("link", "Nachricht 1", row)
    page.sees(EVENING, "Zu erledigen")
    page.press("Alt+l")
    assert SAID_S - 0.5 < page.listens_to_the_end("Nachricht 1") < SAID_S + 3
    page.click("button", "Übernehmen")
    page.sees("Von Ihnen übernommen")
    page.field("nicht nötig").check()
    page.press("Enter")
    page.sees("abgeschlossen")
