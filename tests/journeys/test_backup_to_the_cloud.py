"""A technician has the box back itself up to the office's web folder (WebDAV), in the browser.

The box is one of systemd's with the units of the image. Whoever runs the web server has made an
account for it; its certificate is the server's own.

1. The technician has written the address into the configuration. They log in, open "Impianto" and
   there "Copia di sicurezza e ripristino": under "Cartella di rete" stands that it is not set up.
2. They type the account's password and a passphrase twice, and set it up: the box says that it does
   not know the certificate's authority, and what to do. Nothing was sent to the server.
3. They ask the server for its certificate: the fingerprint that shows is the one that the server's
   administrator reads. They tick that, type all again, and read "riletta per intero": one whole
   backup lies there, no half one.
4. Somebody has put a login page before the folder. They press "Scrivi ora una copia sulla
   cartella": one sentence says so, the day of the last whole one still stands, nothing has changed.
5. The login page is gone: they press again, and two lie there.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.systemd import programme
from tests.faults.systemd.machine import CALL_CONTROL, Machine, missing
from tests.faults.systemd.test_helpers import PHRASE as PASSPHRASE
from tests.faults.systemd.test_helpers import WHO, add_user
from tests.helpers.odd_web_server import Answer, OddServer, odd_server
from tests.journeys.harness.browser import Window, computer, window
from tests.journeys.harness.front_desk import PATIENCE_S
from tests.journeys.harness.steps import Journey, wait_until
from tests.journeys.test_technician_changes_settings import log_in

pytestmark = pytest.mark.system

TITLE = "Copia di sicurezza e ripristino"
WORKS = "Lavoro in corso"
DONE_S = 300.0
"""A backup is made, sent, read back; on a machine that does much else."""
LOGIN = Answer(302, headers={"Location": "https://login.comune.test/entra"})


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[OddServer, str]]:
    """The office's web folder, and the fingerprint that its administrator reads."""
    with odd_server(tmp_path / "dav") as (server, certified):
        yield server, certified.fingerprint


@pytest.fixture
def box(tmp_path: Path, served: tuple[OddServer, str]) -> Iterator[Machine]:
    """A box with one line, a technician, and the web folder in its configuration."""
    if lacks := missing():
        pytest.skip(f"needs {lacks}")
    (tmp_path / "installed").mkdir()
    installed = programme.install(tmp_path / "installed")
    with Machine(tmp_path / "box", lines=1, counters=(), programme=installed) as machine:
        authority = tmp_path / "box" / "lib" / "centralino-console" / "tls" / "ca.crt"
        wait_until(authority.exists, PATIENCE_S, "the console has made no authority")
        add_user(machine)
        path = machine.folder / "etc" / "centralino.toml"
        text = path.read_text(encoding="utf-8")
        path.write_text(f'{text}\n[backup]\ntarget = "{served[0].address}"\n', encoding="utf-8")
        machine.inside("systemctl", "restart", CALL_CONTROL)
        machine.wait_until(machine.is_idle, DONE_S, "call control did not come back")
        yield machine


def types_secrets(page: Window) -> None:
    """Type the account's password, and the passphrase twice."""
    page.write("Password dell'account sul server", "segreto di prova")
    page.write("Frase segreta per le copie in rete", PASSPHRASE)
    page.write("La frase segreta, ripetuta", PASSPHRASE)


def presses(page: Window, button: str) -> str:
    """Press a button, open the page until the work is done; returns what the part then says."""
    page.click("button", button)

    def is_done() -> bool:
        page.go_to("/plant/backup")
        return WORKS not in page.text(page.region("Cartella di rete"))

    wait_until(is_done, DONE_S, "the network folder is still being worked with")
    return page.text(page.region("Cartella di rete"))


def test_to_the_cloud(
    journey: Journey, box: Machine, served: tuple[OddServer, str], tmp_path: Path
) -> None:
    """See the sentences above."""
    server, fingerprint = served
    authority = box.folder / "lib" / "centralino-console" / "tls" / "ca.crt"
    with (
        computer(tmp_path / "technician", authority) as browser,
        window(journey, browser, WHO, f"https://{box.address}") as page,
    ):
        with journey.step(1):
            log_in(page)
            page.open("Impianto", under="Impianto")
            page.click("link", TITLE)
            page.sees("non è ancora preparata", within=page.region("Cartella di rete"))

        with journey.step(2):
            types_secrets(page)
            said = presses(page, "Prepara e scrivi la prima copia")
            assert "non conosce l'autorità del certificato" in said, said
            assert server.asked == []

        with journey.step(3):
            said = presses(page, "Chiedi al server il suo certificato")
            assert fingerprint in said, said
            page.field("Ho confrontato il certificato: è quello del server").check()
            types_secrets(page)
            said = presses(page, "Prepara e scrivi la prima copia")
            assert "riletta per intero" in said, said
            (first,) = server.files
            assert first.endswith(".backup")

        with journey.step(4):
            server.odd["*"] = LOGIN
            said = presses(page, "Scrivi ora una copia sulla cartella")
            assert "rimanda l'apparecchio a https://login.comune.test/entra" in said, said
            assert "Ultima copia intera: " in said
            assert list(server.files) == [first]

        with journey.step(5):
            server.odd.clear()
            said = presses(page, "Scrivi ora una copia sulla cartella")
            assert "riletta per intero" in said, said
            assert len(server.files) == 2
