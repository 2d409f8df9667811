"""The head closes the house: in spring for the days around Ferragosto, and today for an assembly.

The technician has made Rita's account, who is the head of the front desk. It is done as the office
guide says under "Open on a Sunday, close on a Monday".

1. Rita logs in, opens "Orari e chiusure" and "Apertura o chiusura straordinaria".
2. She names the last day before the first one: the page says so in one sentence, and nothing is
   lost.
3. She closes 13 to 14 August of next year for switchboard and counter, with a reason and the
   mayor's decree, reads what changes, and saves. The page lists it as valid, with her name.
4. A citizen calls now: the switchboard rings, as today is none of these days.
5. While he rings she closes today, for the staff assembly; nobody cuts his call: the operator
   lifts, and they hear each other.
6. The next citizen hears the greeting of a closed office, and leaves a message.
7. The technician asks in the terminal why: the answer names the closure and its reason.
8. The assembly is over. She revokes the entry, with who said so: the next caller rings at once.
9. Both entries and the revocation stand in the list of changes; next August is closed still.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.helpers.box import ROME
from tests.journeys.harness.browser import Window, computer, window
from tests.journeys.harness.front_desk import (
    CITIZEN_HZ,
    OPERATOR_HZ,
    PATIENCE_S,
    FrontDesk,
    citizen_calls,
    citizen_hears,
    front_desk,
    leaves_a_message,
    lifts,
    phone_hears,
)
from tests.journeys.harness.operator import HEAD, logs_in, makes_an_account
from tests.journeys.harness.steps import Journey
from tests.journeys.harness.terminal import on_the_box

pytestmark = pytest.mark.system

CITIZENS = ("0512345678", "0514003344", "0516667778")
SAID_S = 4
ENTERED = ("1 inserito", "2 inserito", "2 revocato")


@pytest.fixture
def box(tmp_path: Path) -> Iterator[FrontDesk]:
    """The office's box."""
    with front_desk(tmp_path / "box") as made:
        yield made


@pytest.fixture
def browser(tmp_path: Path, box: FrontDesk) -> Iterator[Browser]:
    """The browser of Rita's computer."""
    with computer(tmp_path / "rita", box.authority) as started:
        yield started


def names_the_days(page: Window, first: date, last: date | None = None) -> None:
    """Fill in the first form, come to each date by Tab and type its figures, and go on."""
    for label, day in (("Primo giorno", first), ("Ultimo giorno", last)):
        if day is not None:
            page.field(label).focus()
            # Chromium's own field has its programme's language, not the page's: American order.
            page.type(f"{day:%m%d%Y}")
    page.choose("Per chi", "Centralino e Sportello")
    page.click("button", "Avanti: che cosa vale")


def closes_them(page: Window, reason: str, reference: str) -> None:
    """Close all day, say why, read what changes, save."""
    page.page.get_by_label("Chiuso tutto il giorno").check()
    page.write("Motivo, che gli operatori leggono", reason)
    page.write("Riferimento: chi l'ha detto e quando", reference)
    page.click("button", "Avanti: che cosa cambia")
    page.sees("Che cosa cambia", reason)
    page.click("button", "Salva: in vigore da subito")
    page.sees("Salvato: vale da subito per le nuove chiamate.", reason)


def test_the_head_closes_the_house(
    journey: Journey, box: FrontDesk, browser: Browser, tmp_path: Path
) -> None:
    """A closure holds on its days alone, cuts nobody, says why, and is taken back by another."""
    august = date(datetime.now(ROME).year + 1, 8, 13)
    with (
        on_the_box(journey, tmp_path / "technician", box.folder) as terminal,
        box.phone("op1") as op1,
        window(journey, browser, "rita", box.home) as page,
    ):
        makes_an_account(terminal, "rita", HEAD, "head")
        with journey.step(1):
            logs_in(page, "rita", HEAD)
            page.open("Orari e chiusure", under="Uffici")
            page.click("link", "Apertura o chiusura straordinaria")

        with journey.step(2):
            names_the_days(page, august.replace(day=14), august)
            page.sees("Scegliere i giorni: l'ultimo non viene prima del primo.")
            assert page.field("Primo giorno").input_value() == f"{august.replace(day=14)}"

        with journey.step(3):
            names_the_days(page, august, august.replace(day=14))
            closes_them(page, "Ponte di Ferragosto", "Decreto 12 del sindaco")
            page.sees("valida", HEAD, within=page.region("Inserite dal responsabile"))

        with journey.step(4):
            citizen = citizen_calls(box, 1, CITIZENS[0])
            op1.wait_event("invite", PATIENCE_S)

        with journey.step(5):
            page.click("link", "Apertura o chiusura straordinaria")
            names_the_days(page, datetime.now(ROME).date())
            closes_them(page, "Assemblea del personale", "Segretario, oggi")
            lifts(op1, OPERATOR_HZ)
            citizen_hears(citizen, OPERATOR_HZ)
            phone_hears(op1, CITIZEN_HZ)
            citizen.hang_up()
            citizen.wait(PATIENCE_S)

        with journey.step(6):
            leaves_a_message(box, CITIZENS[1], SAID_S)
            box.wait_until(lambda: len(box.messages()) == 1, PATIENCE_S, "no message was kept")

        with journey.step(7):
            terminal.type("./centralino explain --config centralino.toml")
            said = terminal.wait_for_prompt()
            assert "Assemblea del personale" in said
            assert "Ferragosto" not in said

        with journey.step(8):
            second = page.page.get_by_role("listitem").filter(has_text="Assemblea del personale")
            page.write("Riferimento", "Segretario, finita", second)
            page.click("button", "Revoca la voce 2", second)
            page.click("button", "Revoca: da adesso")
            page.sees("Salvato: vale da subito per le nuove chiamate.", "Revoca della voce 2")
            third = citizen_calls(box, 1, CITIZENS[2])
            op1.wait_event("invite", PATIENCE_S)
            third.hang_up()
            third.wait(PATIENCE_S)

        with journey.step(9):
            page.open("Modifiche", under="Gestione")
            page.sees(*(f"Orario straordinario n. {told}" for told in ENTERED))
            page.go_to(f"/hours?day={august}")
            page.sees("chiuso", "Ponte di Ferragosto")
