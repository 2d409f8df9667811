"""The next word: an operator searches sheet after sheet, and no letter does anything but search.

The technician has made Carla's account; the head has imported the sheets.

1. Carla logs in and sits down at the first position.
2. She types "trasloco" and Enter without a pause; the sheet "Cambio di residenza" opens.
3. Without touching the mouse she types the next word, "cana": it stands in the search, and the
   switchboard is open and attended as before, her position free.
4. She types all letters and digits on the open sheet: nothing is asked of the switchboard.
5. She opens "Cambia lo stato…", chooses "Chiuso: risponde la segreteria", and reads until when: the
   next change of the written hours is chosen already; she chooses 15 minutes and "Imposta".
6. The bar on top says "Chiuso – segreteria" with its end; it does so on the page of messages too.
7. She ends it there by "Termina", takes that back by Ctrl+Z, and ends it again.
8. F1 shows all keys; she gives "Cerca scheda, ufficio o altro ente" the key Alt+K, is refused the
   letter "k", and Alt+K leads to the search.
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Request, expect

from tests.journeys.harness.browser import computer, window
from tests.journeys.harness.front_desk import FrontDesk, front_desk
from tests.journeys.harness.operator import SIDE, logs_in, makes_an_account, sits_down
from tests.journeys.harness.steps import Journey
from tests.journeys.harness.terminal import on_the_box

pytestmark = pytest.mark.system

STATES = ("unattended", "closed", "opened", "absent", "away")


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


def test_the_next_word_is_searched_for(
    journey: Journey, box: FrontDesk, browser: Browser, tmp_path: Path
) -> None:
    """Letters search; states change in a dialog that asks until when, and are undone."""
    with on_the_box(journey, tmp_path / "technician", box.folder) as terminal:
        makes_an_account(terminal)
    with box.phone("op1"), window(journey, browser, "carla", box.home) as page:
        search = page.field("Cerca scheda, ufficio o altro ente")
        with journey.step(1):
            logs_in(page)
            sits_down(page)

        with journey.step(2):
            search.click()
            page.type("trasloco")
            page.press("Enter")
            page.sees("entro venti giorni")

        with journey.step(3):
            page.type("cana")
            expect(search).to_have_value("cana")
            page.sees("op1 libera", within=page.region(SIDE))
            page.sees("Aperto", within=page.page.get_by_role("banner"))
            assert not marks(box)

        with journey.step(4):
            page.press("Control+a")
            page.type("trasloco")
            page.press("Enter")
            page.sees("entro venti giorni")
            sent: list[str] = []

            def note(request: Request) -> None:
                if request.method == "POST" and "/drafts/" not in request.url:
                    sent.append(request.url)

            page.page.on("request", note)
            for key in string.ascii_lowercase + string.digits:
                page.page.locator("#sheet").focus()
                page.press(key)
            page.page.remove_listener("request", note)
            assert sent == []
            assert not marks(box)

        with journey.step(5):
            page.click("button", "Cambia lo stato…")
            dialog = page.page.get_by_role("dialog")
            page.field("Chiuso: risponde la segreteria", dialog).check()
            expect(dialog.get_by_label("fino al prossimo cambio dell'orario")).to_be_checked()
            page.field("per 15 minuti", dialog).check()
            page.click("button", "Imposta", dialog)

        with journey.step(6):
            bar = page.region("Stato del centralino")
            page.sees("Chiuso – segreteria: risponde la segreteria, fino a", within=bar)
            page.open("Messaggi", under="Elenchi")
            page.sees("Chiuso – segreteria: risponde la segreteria, fino a", within=bar)

        with journey.step(7):
            page.click("button", "Termina: Chiuso – segreteria", bar)
            page.sees_no("Chiuso – segreteria", within=bar)
            page.press("Control+z")
            page.sees("Chiuso – segreteria", within=bar)
            page.click("button", "Termina: Chiuso – segreteria", bar)
            page.sees_no("Chiuso – segreteria", within=bar)
            assert not marks(box)

        with journey.step(8):
            page.open("Postazione operatore")
            page.press("F1")
            keys = page.page.get_by_role("dialog")
            page.click("button", "Cambia: Cerca scheda, ufficio o altro ente", keys)
            page.press("k")
            page.sees("Una lettera o una cifra da sola", within=keys)
            page.press("Alt+k")
            page.click("button", "Chiudi", keys)
            page.page.locator("#sheet, main").first.focus()
            page.press("Alt+k")
            expect(search).to_be_focused()


def marks(box: FrontDesk) -> list[str]:
    """Return the states that are set by hand."""
    service = box.status()["service"]
    return [name for name in STATES if service[name]]
