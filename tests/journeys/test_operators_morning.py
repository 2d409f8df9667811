"""An operator's morning at the front desk: two calls and the message of the evening before.

The technician has installed the box's authority on the operator's computer and a box of two lines
in the office; the head has imported the offices' declarations and the sheets.

1. In a terminal on the box the technician makes an account for Carla, and sets the password that
   she has chosen.
2. In the evening a colleague keys `*821` at the phone, "Chiuso – segreteria". A citizen calls,
   skips the greeting by `#`, and leaves a message.
3. In the morning Carla types the console's address, sees "Entra", and logs in with her name and her
   password.
4. She opens "Postazione operatore", chooses her position, and reads that it is free, that the
   switchboard is still closed since the evening, and that one message waits.
5. She ends "Chiuso – segreteria" by "Termina", in the bar on top, and reads "Aperto".
6. A citizen calls: the page shows the number, without scrolling, and that it rings; so does the
   phone.
7. Carla lifts the handset: she and the citizen hear each other, and the page says so.
8. She types "trasloco" into the search, chooses the sheet that is found, and reads it.
9. The case exceeds the sheet: she opens the offices, filters by "resid", chooses the Anagrafe, and
   says why. The Anagrafe's phone rings and shows the citizen's number.
10. The clerk lifts; Carla and the clerk hear each other, then Carla hangs up, and the citizen and
    the clerk talk. The page says with whom.
11. The citizen hangs up; the page shows no call any more.
12. A second citizen calls about a tax assessment; Carla answers, searches "accertamento" in the
    place of the word before, and reads the sheet of the IMU.
13. She sends the call to the Tributi and does not stay on the line. Nobody lifts there.
14. The call comes back: her phone rings and shows "Ritorno: Tributi"; the page says why, and which
    sentence to say; she lifts, and the citizen hears her again.
15. By the office's rule she takes an e-mail over: number and subject are there already, she types
    the name; the page tells the request's number, which she reads aloud.
16. The citizen hangs up; in "Prese in carico" the request is there, sent; the Tributi find the
    citizen's name, number and subject in their mailbox. Carla downloads the request as a PDF for
    the protocol office: a letter to the Tributi, with names instead of codes.
17. Carla opens "Messaggi", listens to the message of the evening, takes it, and closes it with an
    outcome.
18. The technician reads on the box how both calls ended, and that the message is closed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from appliance.simulator.exchange.process import RunningCall
from tests.journeys.harness.browser import Window, computer, window
from tests.journeys.harness.front_desk import (
    CITIZEN_HZ,
    CLERK_HZ,
    OPERATOR_HZ,
    PATIENCE_S,
    FrontDesk,
    citizen_calls,
    citizen_hears,
    citizen_waits,
    front_desk,
    leaves_a_message,
    lifts,
    phone_hears,
)
from tests.journeys.harness.operator import logs_in, makes_an_account
from tests.journeys.harness.reports import text_of_pdf
from tests.journeys.harness.steps import Journey, wait_until
from tests.journeys.harness.terminal import Terminal, on_the_box

pytestmark = [pytest.mark.journey, pytest.mark.system]

EVENING, FIRST, SECOND = "3391112223", "0512345678", "0517654321"
"""The numbers of three citizens."""
CLOSED = "Chiuso a mano: risponde la segreteria."
SAID_S = 3
"""How long the message is."""


@pytest.fixture
def box(tmp_path: Path) -> Iterator[FrontDesk]:
    """The office's box."""
    with front_desk(tmp_path / "box") as made:
        yield made


@pytest.fixture
def browser(tmp_path: Path, box: FrontDesk) -> Iterator[Browser]:
    """The browser of Carla's computer, on which the technician has installed the authority."""
    with computer(tmp_path / "carla", box.authority) as started:
        yield started


def test_an_operators_morning(
    journey: Journey, box: FrontDesk, browser: Browser, tmp_path: Path
) -> None:
    """Log-in, sheet, transfer, return, request, voicemail: nothing is lost and all is shown."""
    shell = on_the_box(journey, tmp_path / "technician", box.folder)
    carla = window(journey, browser, "carla", box.home)
    op1, ana1, _ = (box.phone(name) for name in ("op1", "ana1", "tri1"))
    with shell as terminal, carla as page:
        with journey.step(1):
            makes_an_account(terminal)

        with journey.step(2):
            op1.dial("*821")
            op1.wait_event("ended", PATIENCE_S)
            leaves_a_message(box, EVENING, SAID_S)

        with journey.step(3):
            logs_in(page)

        with journey.step(4):
            page.open("Postazione operatore")
            page.choose("La mia postazione", "op1")
            page.click("button", "Usa questa postazione")
            side = page.region("Chiamate e stati")
            page.sees("op1 libera", CLOSED, "Messaggi da seguire: 1", within=side)
            filled = page.region("Stato del centralino")
            page.sees("Chiuso – segreteria", "impostato da op1", within=filled)

        with journey.step(5):
            page.click("button", "Termina: Chiuso – segreteria")
            page.sees("Nessuna chiamata.", within=side)
            page.sees("Aperto", within=page.page.get_by_role("banner"))
            page.sees_no(CLOSED, within=side)

        with journey.step(6):
            citizen = citizen_calls(box, 1, FIRST)
            page.sees(FIRST, "Chiamato: L1", "Squilla", within=side)
            page.sees_without_scrolling(side.get_by_text(FIRST))
            op1.wait_event("invite", PATIENCE_S)
            rings = op1.wait_event("caller", PATIENCE_S)  # it rings before it is known
            assert FIRST in f"{rings.details['caller']} {rings.details['caller_name']}"

        with journey.step(7):
            lifts(op1, OPERATOR_HZ)
            page.sees("In conversazione", "la mia chiamata", within=side)
            citizen_hears(citizen, OPERATOR_HZ)
            phone_hears(op1, CITIZEN_HZ)

        with journey.step(8):
            page.write("Cerca scheda, ufficio o altro ente", "trasloco")
            page.click("button", "Cambio di residenza")
            page.sees("entro venti giorni", "Scheda procedimento dell'Anagrafe")

        with journey.step(9):
            page.click("button", "Trasferisci")
            page.write("Ufficio o necessità", "resid")
            page.click("button", "Anagrafe – Cambi di residenza complessi")
            page.field("argomento").check()
            page.click("button", "Chiama e annuncia")
            page.sees("Squilla: Anagrafe", within=side)
            asked = ana1.wait_event("invite", PATIENCE_S)
            assert FIRST in asked.details["caller_name"]

        with journey.step(10):
            lifts(ana1, CLERK_HZ)
            phone_hears(op1, CLERK_HZ)
            phone_hears(ana1, OPERATOR_HZ)
            citizen_waits(citizen)
            op1.hang_up()
            citizen_hears(citizen, CLERK_HZ)
            phone_hears(ana1, CITIZEN_HZ)
            page.sees("In comunicazione: Anagrafe", within=side)

        with journey.step(11):
            hangs_up(box, citizen)
            page.sees("Nessuna chiamata.", within=side)

        with journey.step(12):
            citizen = citizen_calls(box, 2, SECOND)
            page.sees(SECOND, "Squilla", within=side)
            op1.wait_event("invite", PATIENCE_S)
            lifts(op1, OPERATOR_HZ)
            page.sees("In conversazione", within=side)
            citizen_hears(citizen, OPERATOR_HZ)
            page.rewrite("Cerca scheda, ufficio o altro ente", "accertamento")
            page.click("button", "IMU: imposta municipale propria")
            page.sees("citando il numero dell'atto")

        with journey.step(13):
            page.click("button", "Trasferisci")
            page.write("Ufficio o necessità", "accert")
            page.click("button", "Tributi – Avvisi di accertamento")
            page.click("button", "Passa subito")
            page.sees("Squilla: Tributi", within=side)
            citizen_waits(citizen)

        with journey.step(14):
            back = op1.wait_event("invite", PATIENCE_S)
            assert back.details["caller_name"] == "Ritorno: Tributi"
            lifts(op1, OPERATOR_HZ)
            page.sees("Ritorno: Tributi", "L'ufficio risponde per e-mail entro tre giorni")
            citizen_hears(citizen, OPERATOR_HZ)

        with journey.step(15):
            form = page.region("Ritorno: Tributi")
            expect(page.field("Telefono", form)).to_have_value(SECOND)
            page.write("Nome", "Bruno Neri", form)
            expect(page.field("Oggetto", form)).to_have_value("IMU: imposta municipale propria")
            page.click("button", "Salva", form)
            page.sees("Presa in carico: richiesta 1.")

        with journey.step(16):
            hangs_up(box, citizen)
            page.sees("Nessuna chiamata.", within=side)
            page.open("Prese in carico", under="Elenchi")
            finds_the_request_sent(page)
            gets_the_mail(box)
            downloads_the_letter(page, tmp_path)

        with journey.step(17):
            page.open("Messaggi", under="Elenchi")
            deals_with_the_message(page)

        with journey.step(18):
            reads_on_the_box(terminal)


def hangs_up(box: FrontDesk, citizen: RunningCall) -> None:
    """Hang up at the citizen's end, and wait until the line is idle again."""
    citizen.hang_up()
    citizen.wait(PATIENCE_S)
    box.wait_until(box.is_idle, PATIENCE_S, "the line did not become idle")


def finds_the_request_sent(page: Window) -> None:
    """Look again, as one does, until the list says that the e-mail has left."""
    row = page.page.get_by_role("row").filter(has_text="Bruno Neri")
    page.sees("Tributi", SECOND, within=row)

    def is_sent() -> bool:
        page.page.reload()
        return "inviata" in page.text(row)

    wait_until(is_sent, PATIENCE_S, "the request is not shown as sent", every_s=1.0)


def gets_the_mail(box: FrontDesk) -> None:
    """Look into the mailbox of the Tributi."""
    assert box.mail is not None
    (mail,) = box.mail.wait_for(1)
    assert mail["To"] == "tributi@comune.example"
    assert "IMU: imposta municipale propria" in mail["Subject"]
    body = mail.get_body(("plain",))
    assert body is not None
    assert "Bruno Neri" in body.get_content()
    assert SECOND in body.get_content().replace(" ", "")


def downloads_the_letter(page: Window, folder: Path) -> None:
    """Open the request and download it; read it as a letter."""
    row = page.page.get_by_role("row").filter(has_text="Bruno Neri")
    page.click("link", "1", row)
    letter = text_of_pdf(page.downloads("Scarica la richiesta (PDF)", folder))
    words = " ".join(letter.split())
    for each in (
        "All'ufficio Tributi",
        "Oggetto: richiesta n. 1 – IMU: imposta municipale propria",
        "Nome Bruno Neri",
        f"Telefono {SECOND}",
        "e-mail inviata all'ufficio",
        "Pagina 1 di 1",
    ):
        assert each in words, letter
    for code in ("op1", "carla", "250 "):
        assert code not in words, letter


def deals_with_the_message(page: Window) -> None:
    """Listen to its end, take it, close it with what came of it."""
    row = page.page.get_by_role("row").filter(has_text=EVENING)
    page.click("link", "Messaggio 1", row)
    page.sees(EVENING, "Da seguire")
    page.press("Alt+l")
    assert SAID_S - 0.5 < page.listens_to_the_end("Messaggio 1") < SAID_S + 3
    page.click("button", "Prendi in carico")
    page.sees("Lo segui tu")
    page.field("non necessario").check()
    page.write("Nota (facoltativa)", "voleva solo gli orari")
    page.press("Enter")
    page.sees("È chiuso", "voleva solo gli orari")


def reads_on_the_box(terminal: Terminal) -> None:
    """Read the list of calls and the list of messages."""
    calls = terminal.run("./centralino calls --config centralino.toml")
    for row in (f"{SECOND} +op1 +risposta", f"{FIRST} +op1 +risposta", f"{EVENING} +messaggio"):
        assert len(re.findall(row, calls)) == 1, calls
    messages = terminal.run("./centralino messages --config centralino.toml")
    assert len(re.findall(f"{EVENING} .* non necessario ", messages)) == 1, messages
