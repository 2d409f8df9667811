"""A technician adds a phone in the browser: no terminal, no card pulled, nobody's call cut.

The box is one of systemd's with the units of the image; the new phone is Debian's baresip.

1. A citizen talks with the operator. On a computer of the office the technician opens the console,
   makes themselves its first user with the code on the box, and finds "Telefoni" under
   "Impianto": the operator's phone is "registrato".
2. They call the new phone "Operatore 2" and give it the user name "Op 2": one sentence says what a
   user name is, and the label is still there.
3. They correct the user name, and read what to type into the phone: server, user name, a password
   that "è mostrata questa volta sola"; and that the phone "entra in uso da solo appena nessuno è al
   telefono". Meanwhile the two go on talking.
4. They hang up. The page says by itself that the new phone is in use: "non registrato".
5. The technician gives the phone what they have read. The page says by itself where it is
   registered.
6. The next call rings at both phones; the new one is lifted, and the citizen hears who lifts it.
7. The technician opens the phone's page, gives it another label, then makes a new password: the
   old one is worth nothing, and the phone is "non registrato" until it has the new one.
8. They remove the phone: it is not in the list any more, and the next call rings at the operator's
   phone alone. It stays on, and goes on trying.
9. They hang up. The technician adds a phone that fetches its configuration by itself, and opens
   that for fifteen minutes: the page says until when.
10. The phone fetches its configuration from the address that the page has shown, and registers; the
    page says so by itself, what the phone has fetched, and that nothing is given any more.
"""

from __future__ import annotations

import contextlib
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.systemd import programme
from tests.faults.systemd.machine import CALL_CONTROL, Machine, missing
from tests.helpers.baresip import Baresip, is_installed
from tests.journeys.harness.browser import Window, computer, window
from tests.journeys.harness.front_desk import (
    CITIZEN_HZ,
    OPERATOR_HZ,
    PATIENCE_S,
    citizen_calls,
    citizen_hears,
    lifts,
    phone_hears,
)
from tests.journeys.harness.steps import Journey, wait_until

pytestmark = pytest.mark.system

MOBILE = "3391112223"
PASSWORD = "mare sole vento"
NEW_HZ = 440
"""What baresip plays into a call."""
COME_MS = 60_000
"""So long a start of the service may take on a busy machine, and be seen on the page."""


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Machine]:
    """A box with one line and the operator's phone; it has no user yet."""
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


def registers(box: Machine, folder: Path, password: str) -> Baresip:
    """Type the account into the new phone and switch it on."""
    return Baresip(folder, "op2", server=(box.address, box.port), secret=password).start()


def row_of(page: Window, label: str) -> str:
    """Return what stands in a phone's row, "" for none."""
    rows = page.page.get_by_role("row").filter(has_text=label)
    return rows.first.inner_text() if rows.count() else ""


def read_password(page: Window) -> str:
    """Read the password that is shown."""
    place = page.region("Da inserire nel telefono")
    page.sees("La password è mostrata questa volta sola", within=place)
    found = re.search(r"Password\s+(\S{20})\s", page.text(place))
    assert found, page.text(place)
    return found[1]


def fetched(address: str) -> str:
    """Fetch a phone's configuration as it does, once somebody gives it."""
    given: list[str] = []

    def comes() -> bool:
        with contextlib.suppress(OSError), urllib.request.urlopen(address) as answer:
            given.append(answer.read().decode().strip())
        return bool(given)

    wait_until(comes, PATIENCE_S, f"{address} gives nothing")
    return given[0]


def test_adding_a_phone_in_the_browser(journey: Journey, box: Machine, tmp_path: Path) -> None:
    """One form; the conversation that is up goes on, the new phone rings at the next call."""
    code = (box.state / "first-user-code.txt").read_text(encoding="utf-8").strip()
    authority = box.folder / "lib" / "centralino-console" / "tls" / "ca.crt"
    with (
        computer(tmp_path / "technician", authority) as browser,
        window(journey, browser, "bianca", f"https://{box.address}") as page,
        contextlib.ExitStack() as phones,
    ):
        with journey.step(1):
            op1 = box.phone("op1")
            box.wait_until(box.has_phone, PATIENCE_S, "the operator's phone is not registered")
            call = citizen_calls(box, 1, MOBILE)
            op1.wait_event("invite", PATIENCE_S)
            lifts(op1, OPERATOR_HZ)
            citizen_hears(call, OPERATOR_HZ)
            page.go_to("/")
            page.click("link", "Entra")
            page.become_first_user(code, "Bianca Rossi", PASSWORD)
            page.open("Impianto", under="Impianto")
            page.click("link", "Telefoni")
            page.sees("op1", "registrato a")

        with journey.step(2):
            page.write("Etichetta", "Operatore 2")
            page.rewrite("Nome utente", "Op 2")
            page.click("button", "Aggiungi il telefono")
            page.sees("il nome utente ha lettere minuscole, cifre")
            assert page.field("Etichetta").input_value() == "Operatore 2"

        with journey.step(3):
            desk = box.main_pid(CALL_CONTROL)
            page.rewrite("Nome utente", "op2")
            page.press("Enter")
            password = read_password(page)
            page.sees(box.address, str(box.port), "op2")
            page.sees("entra in uso da solo appena nessuno è al telefono")
            assert "non ancora in uso" in row_of(page, "Operatore 2")
            citizen_hears(call, OPERATOR_HZ)
            phone_hears(op1, CITIZEN_HZ)
            assert box.main_pid(CALL_CONTROL) == desk

        with journey.step(4):
            call.hang_up()
            op1.wait_event("ended", PATIENCE_S)
            page.sees_no("entra in uso da solo", limit_ms=COME_MS)
            page.sees("non registrato", limit_ms=COME_MS)
            assert "non registrato" in row_of(page, "Operatore 2")

        with journey.step(5):
            op2 = registers(box, tmp_path / "op2", password)
            phones.callback(op2.stop)
            page.sees_no("non registrato", limit_ms=COME_MS)
            assert "registrato a" in row_of(page, "Operatore 2")

        with journey.step(6):
            call = citizen_calls(box, 1, MOBILE)
            op1.wait_event("invite", PATIENCE_S)
            op2.wait_for("CALL_INCOMING")
            op2.do("accept")
            citizen_hears(call, NEW_HZ)
            call.hang_up()
            op2.wait_for("CALL_CLOSED")

        with journey.step(7):
            page.click("link", "Operatore 2")
            page.rewrite("Etichetta", "Banco 2")
            page.press("Enter")
            page.sees("L'etichetta è cambiata.")
            page.sees_no("entra in uso da solo", limit_ms=COME_MS)
            page.click("link", "Banco 2")
            page.click("button", "Crea una nuova password")
            renewed = read_password(page)
            assert renewed != password
            page.sees("non registrato", limit_ms=COME_MS)
            op2.stop()
            again = registers(box, tmp_path / "again", renewed)
            phones.callback(again.stop)
            page.sees_no("non registrato", limit_ms=COME_MS)

        with journey.step(8):
            page.click("link", "Banco 2")
            page.page.get_by_text("Togli Banco 2").click()
            page.click("button", "Sì, togli")
            page.sees("Il telefono è tolto")
            page.sees_no("entra in uso da solo", limit_ms=COME_MS)
            assert row_of(page, "Banco 2") == ""
            call = citizen_calls(box, 1, MOBILE)
            op1.wait_event("invite", PATIENCE_S)
            lifts(op1, OPERATOR_HZ)
            citizen_hears(call, OPERATOR_HZ)
            again.listen(0.5)
            assert "CALL_INCOMING" not in {event.get("type") for event in again.events}
            # It stays on: here the next phone has its name and its address.

        with journey.step(9):
            call.hang_up()
            op1.wait_event("ended", PATIENCE_S)
            page.write("Etichetta", "Banco 3")
            page.page.get_by_text("Prende da solo la sua configurazione").click()
            page.choose("Marca", "baresip (1)")
            page.click("button", "Aggiungi il telefono")
            address = re.search(r"http://\S+/accounts", page.text(page.region("Da inserire")))
            assert address
            page.click("button", "Apri per quindici minuti")
            page.sees("I telefoni possono prendere la loro configurazione fino alle")
            page.sees("non registrato", limit_ms=COME_MS)

        with journey.step(10):
            account = fetched(address[0])
            third = Baresip(tmp_path / "third", "op2", account=account).start()
            phones.callback(third.stop)
            page.sees_no("non registrato", limit_ms=COME_MS)
            page.sees("op2: file preso da", "op2: registrato, il suo file non viene più servito")
            page.sees_no("la loro configurazione fino alle")
            assert "registrato a" in row_of(page, "Banco 3")
