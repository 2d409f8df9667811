"""A technician starts a new box in the browser, from the code to the first call, within minutes.

The box is one of systemd's with the units of the image; the phone is Debian's baresip.

1. The technician makes themselves the first user with the code on the box. "Il primo avvio non è
   finito" stands on their page; they go on. "Nome e patrono" opens, the first of seven steps;
   beside them stands how the box answers meanwhile.
2. They type the municipality's name and go on: "Applicato." stands on the next step with the
   former name and the new one, and the page has the new name.
3. They write hours that end before they begin: the mistake stands at that day. They correct it.
4. "Modem e linee" shows the modem with what it can do. They label the line and go on.
5. In "Primo telefono" they add a phone: its account with the QR code stands on the step. As soon
   as it is in use they give it to the phone, which is "registrato". They make it ring: it rings,
   they lift it.
6. They leave for the night. Another day the menu still has "Primo avvio", which opens at the step
   where they left off: the phone. They go on.
7. In "Primo utente" they add an operator on the step, whose password is shown once. Mail comes
   later.
8. In "Chiamata di prova" nothing has called yet. A citizen calls: the page says "Squilla", and once
   it has rung the call stands there.
9. At the end only the mail is left. They finish: the menu has no "Primo avvio" any more.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.systemd import programme
from tests.faults.systemd.machine import Machine, missing
from tests.helpers.baresip import Baresip, is_installed
from tests.helpers.figures import Figures
from tests.journeys.harness.browser import Window, computer, window
from tests.journeys.harness.front_desk import PATIENCE_S, citizen_calls
from tests.journeys.harness.steps import Journey, wait_until
from tests.journeys.test_adding_a_phone_in_the_browser import PASSWORD, read_password

pytestmark = [pytest.mark.journey, pytest.mark.system]

MOBILE = "3391112223"
MOST_MINUTES = 10
"""So long a first start may take, of which this machine's own work is a part."""
COME_MS = 60_000
"""So long a start of the service may take on a busy machine, and be seen on the page."""


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Machine]:
    """A box with one line; it has no user yet."""
    if lacks := missing():
        pytest.skip(f"needs {lacks}")
    if not is_installed():
        pytest.skip("needs the Debian package baresip-core")
    (tmp_path / "installed").mkdir()
    installed = programme.install(tmp_path / "installed")
    with Machine(tmp_path / "box", lines=1, counters=(), programme=installed) as machine:
        authority = tmp_path / "box" / "lib" / "centralino-console" / "tls" / "ca.crt"
        wait_until(authority.exists, PATIENCE_S, "the console has made no authority")
        yield machine


def goes_on(page: Window, title: str) -> None:
    """Apply a step; the next one opens. They go on at once, while call control may be starting."""
    page.click("button", "Applica e continua")
    page.sees("Applicato.", limit_ms=COME_MS)
    page.sees(title, within=page.page.locator("h1"))


def test_the_first_start(journey: Journey, box: Machine, tmp_path: Path, figures: Figures) -> None:
    """Seven steps, one of them left and taken up again, one put off."""
    code = (box.state / "first-user-code.txt").read_text(encoding="utf-8").strip()
    authority = box.folder / "lib" / "centralino-console" / "tls" / "ca.crt"
    began = time.monotonic()
    with (
        computer(tmp_path / "technician", authority) as browser,
        window(journey, browser, "bianca", f"https://{box.address}") as page,
        contextlib.ExitStack() as phones,
    ):
        with journey.step(1):
            page.go_to("/")
            page.click("link", "Entra")
            page.become_first_user(code, "Bianca Rossi", PASSWORD)
            page.sees("Il primo avvio non è finito")
            page.click("link", "continua passo per passo")
            page.sees("Nome e patrono", "7. Chiamata di prova", "Intanto:")

        with journey.step(2):
            page.rewrite("Nome", "Comune di Prova")
            goes_on(page, "Orario")
            page.sees("Ente, nome: da «Test» a «Comune di Prova»")
            page.sees("Comune di Prova", within=page.page.locator("header"))

        with journey.step(3):
            page.rewrite("Lun", "13-8:30")
            page.click("button", "Applica e continua")
            page.sees("la fine viene dopo l'inizio", limit_ms=COME_MS)
            page.rewrite("Lun", "0-24")
            page.rewrite("Mar", "0:00-23:59")
            goes_on(page, "Modem e linee")

        with journey.step(4):
            page.sees("CX93001", "conversazione e segreteria")
            page.rewrite(
                "Etichetta", "Centralino", within=page.page.get_by_role("group", name="Linea 1")
            )
            goes_on(page, "Primo telefono")

        with journey.step(5):
            page.page.locator("#add-phone > summary").click()
            page.write("Etichetta", "Operatore 2")
            page.rewrite("Nome utente", "op2")
            page.click("button", "Aggiungi il telefono")
            password = read_password(page)
            assert page.page.locator(".qr").is_visible()
            row = page.page.get_by_role("listitem").filter(has_text="Operatore 2")
            page.sees_no("non ancora in uso", within=row, limit_ms=COME_MS)
            op2 = Baresip(tmp_path / "op2", "op2", server=(box.address, box.port), secret=password)
            op2.start()
            phones.callback(op2.stop)
            page.sees("registrato a", within=row, limit_ms=COME_MS)
            page.click("button", "Fai squillare", within=row)
            page.sees("Squilla per dieci secondi")
            op2.wait_for("CALL_INCOMING")
            op2.do("accept")
            op2.wait_for("CALL_CLOSED")

        with journey.step(6):
            page.go_to("/")
            page.open("Primo avvio", under="Impianto")
            page.sees("Primo telefono", within=page.page.locator("h1"))
            page.click("button", "Fatto, continua")

        with journey.step(7):
            page.sees("Primo utente", within=page.page.locator("h1"))
            page.write("Nome utente", "carla")
            page.write("Nome e cognome", "Carla Blu")
            assert page.page.get_by_label("Operatore", exact=True).is_checked()
            page.click("button", "Crea l'utente")
            page.sees("mostrata solo ora", "Carla Blu", limit_ms=COME_MS)
            assert page.page.locator(".secret").inner_text()
            page.click("button", "Fatto, continua")
            page.sees("Posta", within=page.page.locator("h1"))
            page.click("button", "Più tardi")

        with journey.step(8):
            page.sees("Chiamata di prova", "Ancora nessuna chiamata.")
            call = citizen_calls(box, 1, MOBILE)
            page.sees("Squilla:", limit_ms=COME_MS)
            op2.wait_for("CALL_INCOMING", COME_MS / 1000)
            call.hang_up()
            page.sees_no("Squilla:", "Ancora nessuna chiamata.", limit_ms=COME_MS)
            page.sees("Centralino ·")
            page.click("button", "Fatto, continua")

        with journey.step(9):
            page.sees("Fine del primo avvio", "Ancora da fare:")
            left = page.page.locator(".settings-form .list li")
            assert [one.inner_text() for one in left.all()] == ["Posta"]
            page.click("button", "Concludi")
            page.sees("Bianca")
            menu = page.find("navigation", "Pagine")
            assert not re.search("Primo avvio", menu.text_content() or "")
            minutes = (time.monotonic() - began) / 60
            figures.say(
                f"first start in the browser, at human speed: {minutes:.1f} min, 10 at most"
            )
            assert minutes <= MOST_MINUTES
