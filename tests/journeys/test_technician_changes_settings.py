"""A technician changes settings while a citizen talks, and a port that cuts the browser off.

The box is one of systemd's with the units of the image.

1. A citizen talks with the operator. The technician logs in, opens "Impostazioni" and there
   "Linee": the line, its modem and that it is in use.
2. They type another label: beside the form stands "Linea 1, etichetta: da …". They write "tre"
   for the lines kept free: "Scrivi un numero intero." stands at that field and "Non si può
   applicare" beside it.
3. They correct it and press "Applica": "Applicato.", and the change waits until nobody is on the
   phone. The two go on talking.
4. They hang up: the switchboard restarts by itself, and the page no longer says that anything
   waits.
5. Under "Rete" they give the console another port. The page counts down from 60 s and names the
   new address. They confirm nothing: after the minute the console is where it was, with its port
   as before.
6. They do it again, open the new address, read "Vedi ancora questa pagina? Conferma." and confirm:
   "Confermato: la modifica resta."
7. In "Storico" all stand with their words, one "da sé". They undo the first change: the file is
   what it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.systemd import programme
from tests.faults.systemd.machine import CALL_CONTROL, Machine, missing
from tests.faults.systemd.test_helpers import PHRASE, WHO, add_user
from tests.faults.systemd.test_settings import is_served_at
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
OWN = "mare sole vento"
OTHER_PORT = 8443
COME_MS = 60_000
"""So long a start of the service may take on a busy machine, and be seen on the page."""
LAPSE_MS = 120_000
WAITS = "Senza conferma tutto torna come prima"


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Machine]:
    """A box with one line, the operator's phone, and a technician."""
    if lacks := missing():
        pytest.skip(f"needs {lacks}")
    (tmp_path / "installed").mkdir()
    installed = programme.install(tmp_path / "installed")
    with Machine(tmp_path / "box", lines=1, counters=(), programme=installed) as machine:
        authority = tmp_path / "box" / "lib" / "centralino-console" / "tls" / "ca.crt"
        wait_until(authority.exists, PATIENCE_S, "the console has made no authority")
        add_user(machine)
        yield machine


def log_in(page: Window) -> None:
    """Log in as the technician, and choose a password of one's own."""
    page.go_to("/login")
    page.write("Nome utente", WHO)
    page.write("Password", PHRASE)
    page.press("Enter")
    page.write("Password attuale", PHRASE)
    page.write("Nuova password", OWN)
    page.write("Ancora la stessa password", OWN)
    page.press("Enter")
    page.sees("Beppe", "Impianto")


def forgive(page: Window) -> None:
    """Let go what failed while the console was away: this is what the step is about."""
    page.complaints()


def gives_port(page: Window, port: int) -> None:
    """Give the console another port and apply it."""
    page.rewrite("Porta", str(port))
    page.sees("Console, porta: da", "Può tagliare fuori questo browser", limit_ms=COME_MS)
    page.click("button", "Applica")
    page.sees(WAITS, "conferma quando la rivedi", limit_ms=COME_MS)
    assert page.find("button", "Conferma").count() == 0


def text_of(box: Machine) -> str:
    """Return the configuration's file."""
    return (box.folder / "etc" / "centralino.toml").read_text(encoding="utf-8")


def test_a_technician_changes_settings(journey: Journey, box: Machine, tmp_path: Path) -> None:
    """Nobody's call ends for it, and a browser that was cut off comes back."""
    authority = box.folder / "lib" / "centralino-console" / "tls" / "ca.crt"
    before = text_of(box)
    with (
        computer(tmp_path / "technician", authority) as browser,
        window(journey, browser, "beppe", f"https://{box.address}") as page,
    ):
        with journey.step(1):
            op1 = box.phone("op1")
            box.wait_until(box.has_phone, PATIENCE_S, "the operator's phone is not registered")
            call = citizen_calls(box, 1, MOBILE)
            op1.wait_event("invite", PATIENCE_S)
            lifts(op1, OPERATOR_HZ)
            citizen_hears(call, OPERATOR_HZ)
            log_in(page)
            page.open("Impostazioni", under="Impianto")
            page.click("link", "Linee")
            page.sees("Linea 1", "in uso", "CX93001")

        with journey.step(2):
            page.rewrite(
                "Etichetta", "Numero verde", within=page.page.get_by_role("group", name="Linea 1")
            )
            page.sees("Linea 1, etichetta: da «L1» a «Numero verde»", limit_ms=COME_MS)
            page.rewrite("Linee tenute libere per chi chiama", "tre")
            page.sees("Non si può applicare.", limit_ms=COME_MS)
            field = page.page.locator(".field").filter(has_text="Linee tenute libere").last
            page.sees("Scrivi un numero intero.", within=field)

        with journey.step(3):
            page.rewrite("Linee tenute libere per chi chiama", "1")
            page.sees("Nessuna chiamata si interrompe.", limit_ms=COME_MS)
            desk = box.main_pid(CALL_CONTROL)
            page.click("button", "Applica")
            page.sees("Applicato.", "appena nessuno è al telefono", limit_ms=COME_MS)
            assert 'label = "Numero verde"' in text_of(box)
            citizen_hears(call, OPERATOR_HZ)
            phone_hears(op1, CITIZEN_HZ)
            assert box.main_pid(CALL_CONTROL) == desk

        with journey.step(4):
            call.hang_up()
            op1.wait_event("ended", PATIENCE_S)
            former = {desk, 0}
            wait_until(lambda: box.main_pid(CALL_CONTROL) not in former, COME_MS / 1000, "no start")
            box.wait_until(box.is_idle, COME_MS / 1000, "call control did not come back")
            page.click("link", "Linee")
            page.sees("Linea 1")
            page.sees_no("appena nessuno è al telefono")

        with journey.step(5):
            page.page.get_by_role("link", name="Rete", exact=True).click()
            gives_port(page, OTHER_PORT)
            page.sees(f"https://{box.address}:{OTHER_PORT}/settings/network")
            # The console is away from here: what the page asks it meanwhile fails.
            page.sees_no(WAITS, limit_ms=LAPSE_MS)
            wait_until(lambda: f"{OTHER_PORT}" not in text_of(box), COME_MS / 1000, "not undone")
            forgive(page)

        with journey.step(6):
            page.go_to("/settings/network")
            assert page.field("Porta").input_value() == "443"
            gives_port(page, OTHER_PORT)
            new = f"https://{box.address}:{OTHER_PORT}/settings/network"
            wait_until(lambda: is_served_at(box, OTHER_PORT), COME_MS / 1000, "no pages there")
            page.click("link", new)
            page.sees("Vedi ancora questa pagina? Conferma.", limit_ms=COME_MS)
            page.click("button", "Conferma")
            page.sees("Confermato: la modifica resta.", limit_ms=COME_MS)
            forgive(page)

        with journey.step(7):
            page.click("link", "Storico")
            page.sees(
                "Console, porta: da 443 a 8443", "da sé", "Annullato, perché nessuno ha confermato"
            )
            first = page.page.locator("ol > li").filter(has_text="Numero verde").last
            first.get_by_text("Annulla", exact=False).first.click()
            page.click("button", "Torna a prima di questa modifica", within=first)
            page.sees("tutto è come prima", limit_ms=COME_MS)
            assert text_of(box) == before
