"""A technician's first card in the box itself: the built image, booted twice in QEMU.

The same card as in `test_technicians_first_card.py`. The emulated box has a line, but no network:
its phones cannot register, so that the first call is answered by an announcement.

1. The technician writes the image to a card; a small volume appears on the computer, in it
   `centralino.toml`.
2. They fill in what they know, by the file's own comments, and leave the lines out.
3. They put the card into the box, switch it on, and wait until it is ready; they cut its power.
4. They open `centralino-result.txt` on the card: all is well; it names the socket with a modem in
   it, a password for each phone, and the code for the console's first user.
5. They complete `centralino.toml` with the line, the socket's name copied from the result.
6. They put the card back and switch the box on; a call to the line is answered, and something is
   heard.
7. They switch it off and look at the card: all is well, the line is at that socket, and their file
   is as they wrote it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.simulator.exchange.call import CallPlan
from tests.journeys.harness.booted import ANSWER, BootedBox, why_not
from tests.journeys.harness.card_file import days_ahead, what_is_known, with_the_line
from tests.journeys.harness.steps import Journey
from tests.journeys.test_technicians_first_card import italian, phones, sockets

pytestmark = [pytest.mark.journey, pytest.mark.system, pytest.mark.long, pytest.mark.timeout(3600)]

CARD_FILE = "centralino.toml"
CALL = CallPlan(caller="3391112223", hang_up_after_ms=5000)
"""Somebody who hears that the box answers."""


@pytest.fixture
def box(tmp_path: Path) -> Iterator[BootedBox]:
    """A box, and a card that has just been written."""
    if missing := why_not():
        pytest.skip(f"needs {missing}")
    with BootedBox(tmp_path) as made:
        yield made


def test_the_first_card_in_the_box(journey: Journey, box: BootedBox) -> None:
    """Two edits of one file, two starts, and the line is answered."""
    with journey.step(1):
        text = box.read_card(CARD_FILE)
        assert "Si compila con un editor di testo" in text

    with journey.step(2):
        text = what_is_known(text, days_ahead())
        box.write_card(CARD_FILE, text)

    with journey.step(3), box.switched_on(says="linea line1"):
        pass

    with journey.step(4):
        answer = italian(box.read_card(ANSWER))
        assert "Tutto bene" in answer
        ((port, line),) = sockets(answer).items()
        assert line == "line1"
        assert set(phones(answer)) == {"op1", "sportello1"}
        assert re.search(r"Codice per il primo utente della console: \S+", answer)

    with journey.step(5):
        text = with_the_line(text, port)
        box.write_card(CARD_FILE, text)

    with journey.step(6), box.switched_on(says="Ordinaria"):
        report = box.call(CALL)
        assert report.answered
        assert report.bytes_heard > 8000

    with journey.step(7):
        answer = italian(box.read_card(ANSWER))
        assert "Tutto bene" in answer
        assert sockets(answer) == {port: "line1"}
        assert box.read_card(CARD_FILE) == text
