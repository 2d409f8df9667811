"""A technician proves the telephone company's divert-on-busy, in the browser, beside the box.

1. On the box the technician reads the code for the first user, opens the console, makes themselves
   that user, and finds "Deviazione su occupato" under "Impianto": the public number is "non ancora
   provato", and both lines are "Ancora libere".
2. They write where a call has rung all the same and record it: one sentence says which lines are
   still free, what was written is still there, and nothing is proven.
3. Two citizens call; as each line is seized the page says by itself which is still free, then that
   all are seized, and to call now.
4. They record where the call has rung: "La prova è registrata", and the page shows the proof with
   their name.
5. One citizen hangs up: the page says by itself which line is free again.
6. They print what is proven: on paper stand the proof and the lines, and no form.
7. On the box `centralino line commission --show` says the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.simulator.exchange.call import CallPlan
from tests.journeys.harness.browser import computer, window
from tests.journeys.harness.front_desk import (
    OPERATOR_HZ,
    PATIENCE_S,
    FrontDesk,
    citizen_calls,
    citizen_hears,
    front_desk,
    lifts,
)
from tests.journeys.harness.steps import Journey
from tests.journeys.harness.terminal import on_the_box

pytestmark = pytest.mark.system

PASSWORD = "mare sole vento"
WHERE = "Sportello Cittadini"


@pytest.fixture
def box(tmp_path: Path) -> Iterator[FrontDesk]:
    """Two lines with one public number; nobody has a user yet."""
    with front_desk(tmp_path / "box") as made:
        yield made


def test_divert_on_busy(journey: Journey, box: FrontDesk, tmp_path: Path) -> None:
    """All that the command asks, on one page; what a line that became free may spoil is refused."""
    phone = box.phone("op1")
    with (
        computer(tmp_path / "technician", box.authority) as browser,
        window(journey, browser, "bianca", box.home) as page,
        on_the_box(journey, tmp_path / "home", box.folder) as terminal,
    ):
        with journey.step(1):
            code = terminal.run("cat state/first-user-code.txt").strip()
            page.go_to("/")
            page.click("link", "Entra")
            page.become_first_user(code, "Bianca Rossi", PASSWORD)
            page.open("Impianto", under="Impianto")
            page.click("link", "Deviazione su occupato")
            page.sees("051598111: non ancora provato.", "Ancora libere: L1, L2.")

        with journey.step(2):
            page.write("Dove ha squillato", WHERE)
            page.click("button", "Registra la prova")
            page.sees("ancora libere: L1, L2", "051598111: non ancora provato.")
            assert page.field("Dove ha squillato").input_value() == WHERE

        with journey.step(3):
            first = citizen_calls(box, 1, "3391112223")
            phone.wait_event("invite", PATIENCE_S)
            lifts(phone, OPERATOR_HZ)
            citizen_hears(first, OPERATOR_HZ)
            page.sees("Ancora libere: L2.")
            second = box.place(2, CallPlan(caller="3394445556", hang_up_after_ms=600_000))
            page.sees("Tutte le linee sono occupate", "Chiamare adesso il numero pubblico")

        with journey.step(4):
            page.click("button", "Registra la prova")
            page.sees("La prova è registrata.", f"la chiamata arriva a: {WHERE}", "Bianca Rossi")

        with journey.step(5):
            second.hang_up()
            page.sees("Ancora libere: L2.")

        with journey.step(6):
            page.page.emulate_media(media="print")
            page.sees(f"la chiamata arriva a: {WHERE}", "Linee: line1", "Firma:")
            page.sees_no("Registra la prova", "Ancora libere")
            page.page.emulate_media(media="screen")
            page.find("button", "Stampa ciò che è provato").wait_for()

        with journey.step(7):
            said = terminal.run("./centralino line commission --config centralino.toml --show")
            assert f"051598111: Con tutte le linee occupate la chiamata arriva a: {WHERE}" in said
            first.hang_up()
