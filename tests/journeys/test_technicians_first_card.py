"""A technician's first card, without a mistake: from the written card to the first call.

The fast form of docs/installation.it.md: a folder stands for the card's FAT partition, and what
the image's units run at a start is run as they run it. `test_first_card_booted.py` boots the image.

1. The technician writes the card, puts it back into the computer, and opens `centralino.toml` on
   it.
2. They fill in what they know, by the file's own comments: office, patron saint, hours, two phones
   without passwords; the lines they leave out, because the USB sockets' names are not known yet.
3. They put the card into the box, switch it on, wait, and switch it off again.
4. They open `centralino-result.txt` on the card: all is well; it names the socket with a modem in
   it, a password for each phone, and the code for the console's first user.
5. They complete `centralino.toml`: the line, its public number, the socket's name copied from the
   result.
6. They put the card back and switch the box on; the new result says that all is well, and that the
   line is at that socket.
7. They give both phones the user name and the password of the result; both register.
8. In a browser they open the console, which asks for the code, and make themselves the first user.
9. On the box `centralino check` finds nothing wrong, and `centralino status` shows the line idle
   and both phones registered.
10. From a mobile phone they call the line: the switchboard's phone rings, somebody lifts, both hear
    each other.
11. They hang up the mobile, and the line is idle again within six seconds.
12. On the box `centralino calls` shows the call, answered.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.harness.browser import computer, window
from tests.journeys.harness.card_file import NUMBER, OFFICE
from tests.journeys.harness.front_desk import (
    CITIZEN_HZ,
    OPERATOR_HZ,
    PATIENCE_S,
    citizen_calls,
    citizen_hears,
    lifts,
    phone_hears,
)
from tests.journeys.harness.new_box import ANSWER, CARD_FILE, SOCKET, NewBox
from tests.journeys.harness.steps import Journey
from tests.journeys.harness.terminal import on_the_box

pytestmark = [pytest.mark.journey, pytest.mark.system]

MOBILE = "3391112223"
PASSWORD = "mare sole vento"
DARK_S = 6.0
"""So long after the mobile was hung up the line's LED goes dark, as the guide says."""


@pytest.fixture
def box(tmp_path: Path) -> Iterator[NewBox]:
    """A box that has never been switched on."""
    with NewBox(tmp_path / "box") as made:
        yield made


def test_the_first_card(journey: Journey, box: NewBox, tmp_path: Path) -> None:
    """Two edits of one file, two starts, no terminal needed: the first call is answered."""
    with journey.step(1):
        box.flash()
        assert "Si compila con un editor di testo" in box.read_card(CARD_FILE)

    with journey.step(2):
        box.fill_in()
        assert "\n#[[lines]]\n" in box.read_card(CARD_FILE)

    with journey.step(3), box.switched_on():
        pass

    with journey.step(4):
        answer = italian(box.read_card(ANSWER))
        assert answer.startswith("Centralino ")
        assert "Tutto bene" in answer
        assert sockets(answer) == {SOCKET: "line1"}
        passwords = phones(answer)
        assert set(passwords) == {"op1", "sportello1"}
        code = re.findall(r"Codice per il primo utente della console: (\S+)", answer)
        assert len(code) == 1

    with journey.step(5):
        box.fill_in(port=box.socket(SOCKET))
        assert f'\ncalled = "{NUMBER}"' in box.read_card(CARD_FILE)

    with (
        box.switched_on() as home,
        computer(tmp_path / "technician", box.folder / "console" / "tls" / "ca.crt") as browser,
        window(journey, browser, "bianca", home) as page,
        on_the_box(journey, tmp_path / "home", box.folder) as terminal,
    ):
        with journey.step(6):
            answer = italian(box.read_card(ANSWER))
            assert "Tutto bene" in answer
            assert sockets(answer) == {SOCKET: "line1"}
            assert phones(answer) == passwords

        with journey.step(7):
            op1 = box.phone_set_up("op1", passwords["op1"])
            box.phone_set_up("sportello1", passwords["sportello1"])

        with journey.step(8):
            page.go_to(home)
            page.sees(OFFICE)
            page.click("link", "Entra")
            page.become_first_user(code[0], "Bianca Tecnica", PASSWORD)
            page.sees("Bianca Tecnica", "Impianto")

        with journey.step(9):
            said = terminal.run("./centralino check --config centralino.toml")
            assert terminal.status() == 0, said
            told = terminal.run("./centralino status --config centralino.toml")
            assert f"{OFFICE}: la configurazione è buona" in said
            for row in (r"line1 +Ordinaria: libera", r"op1 +registrato", r"sportello1 +registrato"):
                assert re.search(row, told), told

        with journey.step(10):
            mobile = citizen_calls(box, 1, MOBILE)
            op1.wait_event("invite", PATIENCE_S)
            rings = op1.wait_event("caller", PATIENCE_S)  # it rings before it is known
            assert rings.details["caller_name"] == f"Ordinaria {MOBILE}"
            lifts(op1, OPERATOR_HZ)
            citizen_hears(mobile, OPERATOR_HZ)
            phone_hears(op1, CITIZEN_HZ)

        with journey.step(11):
            mobile.hang_up()
            began = time.monotonic()
            box.wait_until(box.is_idle, PATIENCE_S, "the line did not become idle")
            assert time.monotonic() - began < DARK_S

        with journey.step(12):
            calls = terminal.run("./centralino calls --config centralino.toml")
            assert len(re.findall(rf"line1 +{MOBILE} +op1 +risposta", calls)) == 1, calls


def italian(answer: str) -> str:
    """Return the first half of the result on the card, which is in Italian."""
    return answer.partition("\n====")[0]


def sockets(answer: str) -> dict[str, str]:
    """Read which sockets have a modem in them, and of which line each is."""
    return dict(re.findall(r'port = "(\S+)".*: linea (\S+)$', answer, re.MULTILINE))


def phones(answer: str) -> dict[str, str]:
    """Read the phones' passwords."""
    return dict(re.findall(r"nome utente (\S+), password (\S+)$", answer, re.MULTILINE))
