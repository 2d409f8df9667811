"""The head hangs a screen in the entrance, and later takes its link away.

The technician has made Rita's account, who is the head of the front desk.

1. Rita logs in, opens the wall and then "Schermi": no screen has a link yet.
2. She writes "Ingresso" and makes the link: its address stands there, this once.
3. At the computer behind the screen somebody types the address: without a login it shows "In attesa
   adesso" 0, no call today, and no link to another page.
4. A citizen calls: the screen says by itself that one waits, and for how long.
5. An operator lifts: nobody waits any more, and they hear each other.
6. The citizen hangs up: "Risposte entro 20 s" is 100 %, of one today; the running hour has its bar.
7. Rita enters that the Anagrafe takes no calls today: the screen names the variation.
8. She sees on "Schermi" that one screen shows the link now, and ends it.
9. The screen goes dark by itself: the link was ended, and no figure stands there any more.
10. Whoever types the address again reads the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.journeys.harness.browser import PATIENCE_MS, Window, computer, window
from tests.journeys.harness.front_desk import (
    CITIZEN_HZ,
    OPERATOR_HZ,
    PATIENCE_S,
    FrontDesk,
    citizen_calls,
    citizen_hears,
    front_desk,
    lifts,
    phone_hears,
)
from tests.journeys.harness.steps import Journey
from tests.journeys.harness.terminal import Terminal, on_the_box

pytestmark = pytest.mark.system

CITIZEN = "0512345678"
PASSWORD = "mare sole vento"
ENDED = "Questo collegamento è stato revocato"


@pytest.fixture
def box(tmp_path: Path) -> Iterator[FrontDesk]:
    """The office's box."""
    with front_desk(tmp_path / "box") as made:
        yield made


@pytest.fixture
def browser(tmp_path: Path, box: FrontDesk) -> Iterator[Browser]:
    """The browser of Rita's computer, and of the one behind the screen."""
    with computer(tmp_path / "rita", box.authority) as started:
        yield started


def makes_ritas_account(terminal: Terminal) -> None:
    """Make the head's account, with a password that she keeps."""
    users = "./centralino users --config centralino.toml"
    for command in ('add rita --shown "Rita Verdi" --role head', "password --keep rita"):
        terminal.type(f"{users} {command}")
        terminal.wait_for("Password:")
        terminal.type(PASSWORD)
        terminal.wait_for("Ripetere per conferma:")
        terminal.type(PASSWORD)
        terminal.wait_for_prompt()


def logs_in(page: Window) -> None:
    """Type the address, name and password."""
    page.go_to("/")
    page.click("link", "Entra")
    page.write("Nome utente", "rita")
    page.press("Tab")
    page.type(PASSWORD)
    page.press("Enter")
    page.sees("Rita Verdi")


def shows(wall: Window, title: str, figure: str, *words: str) -> None:
    """Wait until a part of the wall has this figure, and these words below it."""
    part: Locator = wall.region(title)
    expect(part).to_contain_text(
        re.compile(rf"{re.escape(title)}\s*{re.escape(figure)}(?!\d)"), timeout=PATIENCE_MS
    )
    wall.sees(*words, within=part)


def test_a_screen_in_the_entrance(
    journey: Journey, box: FrontDesk, browser: Browser, tmp_path: Path
) -> None:
    """A link shows the wall live and nothing else, until the head ends it."""
    with on_the_box(journey, tmp_path / "technician", box.folder) as terminal:
        makes_ritas_account(terminal)
    with (
        box.phone("op1") as op1,
        window(journey, browser, "rita", box.home) as page,
        window(journey, browser, "entrance", box.home) as wall,
    ):
        with journey.step(1):
            logs_in(page)
            page.open("Quadro", under="Gestione")
            page.sees("In attesa adesso")
            page.click("link", "Schermi")
            page.sees("Nessuno schermo ha ancora un collegamento.")

        with journey.step(2):
            page.write("Dove si trova lo schermo", "Ingresso")
            page.click("button", "Crea il collegamento")
            page.sees("Si vede una volta sola")
            address = page.page.locator("code").inner_text()
            assert address.startswith(f"{box.home}/screen/")

        with journey.step(3):
            wall.go_to(address)
            shows(wall, "In attesa adesso", "0", "nessuno")
            shows(wall, "Risposte entro 20 s", "–", "nessuna risposta oggi")
            assert wall.page.get_by_role("link").count() == 0

        with journey.step(4):
            citizen = citizen_calls(box, 1, CITIZEN)
            op1.wait_event("invite", PATIENCE_S)
            shows(wall, "In attesa adesso", "1", "la più lunga da 0:02")

        with journey.step(5):
            lifts(op1, OPERATOR_HZ)
            shows(wall, "In attesa adesso", "0", "nessuno")
            citizen_hears(citizen, OPERATOR_HZ)
            phone_hears(op1, CITIZEN_HZ)

        with journey.step(6):
            citizen.hang_up()
            citizen.wait(PATIENCE_S)
            shows(wall, "Risposte entro 20 s", "100 %", "su 1 oggi")
            shows(wall, "Perse oggi", "0", "su 1 chiamata")
            chart = wall.page.get_by_role("img", name="servite 1, altre 0, perse 0")
            expect(chart).to_be_visible(timeout=PATIENCE_MS)
            assert CITIZEN not in wall.text()

        with journey.step(7):
            wall.sees("Niente in ritardo.")
            page.go_to("/register/vary")
            page.choose("1. Ufficio", "Anagrafe")
            page.page.get_by_label("Non riceve chiamate").check(timeout=PATIENCE_MS)
            page.write("3. Riferimento: mittente e ora dell'e-mail", "Rossi, 8:05")
            page.click("button", "Salva: in vigore da subito")
            page.sees("Salvato")
            wall.sees("Variazione: Anagrafe", "tutto il giorno")

        with journey.step(8):
            page.go_to("/wall/screens")
            page.sees("valido, 1 schermo collegato")
            page.click("button", "Revoca: Ingresso")
            page.sees("lo schermo non mostra più nulla")

        with journey.step(9):
            wall.sees(ENDED)
            wall.sees_no("In attesa adesso", "100 %")

        with journey.step(10):
            answer = wall.page.goto(address)
            assert answer is not None
            assert answer.status == 410
            wall.sees(ENDED)
