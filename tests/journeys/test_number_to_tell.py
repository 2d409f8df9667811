"""A number to tell: a caller wants the health service, and the head adds a body that was missing.

The technician has made Carla's account and that of her head, Rita.

1. Rita's table of other bodies, a spreadsheet, is brought to the box: the technician imports it,
   reads how many bodies are new, and lists what "guardia" finds.
2. Carla logs in and sits down. A citizen calls, and she answers: he wants a doctor at night.
3. She types "guardia" and Enter: beside the call stands the sentence to say, with the number. By
   Alt+Enter she notes that she told it: nine keys, twelve at most.
4. The next question is for the kennel of Vicinia, which nothing knows. Rita logs in at her own
   computer and opens "Rubrica enti", "Nuovo ente": name, words, number. The box takes the number of
   an office for none (P7), and says so; she corrects it, and saves.
5. Carla types "gattil": the body is there, with its number; it took no reload.
6. The caller hangs up. The page of his call says which number was told, and the list of changes
   that Rita saved the entry.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.journeys.harness.browser import computer, window
from tests.journeys.harness.front_desk import PATIENCE_S, FrontDesk, citizen_calls, front_desk
from tests.journeys.harness.operator import (
    HEAD,
    SIDE,
    answers,
    logs_in,
    makes_an_account,
    sits_down,
)
from tests.journeys.harness.steps import Journey
from tests.journeys.harness.terminal import on_the_box

pytestmark = pytest.mark.system

CITIZEN = "0512345678"
MOST_KEYS = 12


@pytest.fixture
def box(tmp_path: Path) -> Iterator[FrontDesk]:
    """The office's box."""
    with front_desk(tmp_path / "box") as made:
        yield made


@pytest.fixture
def browser(tmp_path: Path, box: FrontDesk) -> Iterator[Browser]:
    """The browser of both computers; each window has a login of its own."""
    with computer(tmp_path / "desk", box.authority) as started:
        yield started


def test_a_number_is_told(
    journey: Journey, box: FrontDesk, browser: Browser, tmp_path: Path
) -> None:
    """Twelve keys at most from the question to the note; what is added is found at once."""
    example = resources.files("appliance.config") / "example_address_book.csv"
    (box.folder / "enti.csv").write_text(example.read_text(encoding="utf-8"), encoding="utf-8")
    with on_the_box(journey, tmp_path / "technician", box.folder) as terminal:
        makes_an_account(terminal)
        makes_an_account(terminal, "rita", HEAD, "head")
        with journey.step(1):
            book = "./centralino address-book --config centralino.toml"
            terminal.type(f"{book} import enti.csv")
            assert "nuovi: 21;" in terminal.wait_for_prompt()
            terminal.type(f"{book} list guardia")
            assert "116117  guardia medica, 20-8" in terminal.wait_for_prompt()
    with box.phone("op1") as op1, window(journey, browser, "carla", box.home) as page:
        search = page.field("Cerca scheda, ufficio o altro ente")
        with journey.step(2):
            logs_in(page)
            sits_down(page)
            citizen = citizen_calls(box, 1, CITIZEN)
            answers(page, op1, CITIZEN)

        with journey.step(3):
            search.click()
            keys = [*"guardia", "Enter", "Alt+Enter"]
            for key in keys[:-1]:
                page.press(key)
            page.sees("Per un medico di notte o nei festivi chiami il 116 117")
            page.press(keys[-1])
            page.sees("Numero di «Guardia medica» detto")
            assert len(keys) <= MOST_KEYS

        with journey.step(4):
            page.press("Alt+s")
            page.type("gattile vicinia")
            page.sees("Nessuna scheda, ente o ufficio ha tutte queste parole.")
            with window(journey, browser, "rita", box.home) as head:
                logs_in(head, "rita", HEAD)
                head.open("Rubrica enti", under="Uffici")
                head.click("link", "Nuovo ente")
                first = head.find("group", "Numero 1")
                head.write("Nome dell'ente", "Canile di Vicinia")
                head.write("Parole con cui gli utenti lo chiedono", "cane, gattile, animale")
                head.write("Numero", "051 598222", first)
                head.click("button", "Salva")
                head.sees("può essere un numero interno")
                head.rewrite("Numero", "051 5552233", first)
                head.click("button", "Salva")
                head.sees("Salvato: la postazione lo trova subito.")
                head.open("Modifiche", under="Gestione")
                head.sees("Salvato «Canile di Vicinia» nella rubrica enti.")

        with journey.step(5):
            page.press("Control+a")
            page.type("gattil")
            page.sees("Canile di Vicinia", "051 5552233")
            expect(search).to_be_focused()

        with journey.step(6):
            citizen.hang_up()
            citizen.wait(PATIENCE_S)
            page.sees("Nessuna chiamata.", within=page.region(SIDE))
            page.open("Chiamate", under="Elenchi")
            page.click("link", "Chiamata 1")
            page.sees("Numeri detti", "Guardia medica")
            (record,) = [one for one in box.records() if one.caller.number == CITIZEN]
            assert record.told == ("guardia-medica",)
