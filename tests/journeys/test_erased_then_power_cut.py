"""A number is erased, an office's hours are varied, the power goes: nothing told is lost.

A box in an office, its declarations imported.

1. A citizen calls and hangs up before anybody lifts; the list of calls shows the number.
2. At a terminal on the box the head has all that is kept of that number erased, and reads how much
   went.
3. She enters that the Anagrafe can be called from eleven to twelve alone today, and reads that it
   holds at once.
4. An operator takes a request of another citizen, who is told its number.
5. The list of requests shows it.
6. The power goes, and comes back.
7. The request is there, under its number, and so is the variation.
8. The next request gets another number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.simulator.exchange.call import CallPlan
from tests.journeys.harness.front_desk import PATIENCE_S, FrontDesk, front_desk
from tests.journeys.harness.steps import Journey
from tests.journeys.harness.terminal import Terminal, on_the_box

pytestmark = pytest.mark.system

ERASED = "3391112223"
CITIZEN, OTHER = "0512345678", "0517654321"
NEW = (
    "./centralino requests new --rule email --unit anagrafe --need residenza --name '{}' "
    "--phone {} --subject Trasloco --by carla"
)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[FrontDesk]:
    """The office's box."""
    with front_desk(tmp_path / "box") as found:
        yield found


def test_an_erasure_then_a_power_cut(journey: Journey, box: FrontDesk, tmp_path: Path) -> None:
    """What was told as stored outlives an erasure, a command and a power cut (B5, E20)."""
    with on_the_box(journey, tmp_path / "head", box.folder) as terminal:
        terminal.run("export CENTRALINO_CONFIG=centralino.toml")
        with journey.step(1):
            box.call(1, CallPlan(caller=ERASED, hang_up_after_ms=6_000))
            box.wait_until(box.is_idle, PATIENCE_S, "the call did not end")
            assert ERASED in terminal.run("./centralino calls")

        with journey.step(2):
            said = terminal.run(f"./centralino calls erase {ERASED} --reason 'richiesta' --by rita")
            assert terminal.status() == 0, said
            assert ERASED not in terminal.run("./centralino calls")

        with journey.step(3):
            said = terminal.run(
                "./centralino office directory vary anagrafe --band 11:00-12:00 "
                "--reference 'e-mail, 8:05' --by rita"
            )
            assert "In vigore da subito." in said

        with journey.step(4):
            told = takes_a_request(terminal, "Bruno Neri", CITIZEN)

        with journey.step(5):
            assert "Bruno Neri" in terminal.run("./centralino requests list")

        with journey.step(6):
            box.kill()
            box.start()

        with journey.step(7):
            listed = terminal.run("./centralino requests list")
            assert re.search(rf"\b{told}\b.*", listed), listed
            assert "Bruno Neri" in listed
            shown = terminal.run("./centralino office directory show --unit anagrafe")
            assert "11:00-12:00" in shown

        with journey.step(8):
            assert takes_a_request(terminal, "Carla Gialli", OTHER) != told


def takes_a_request(terminal: Terminal, name: str, phone: str) -> str:
    """Take a request and return the number that is told to the citizen."""
    said = terminal.run(NEW.format(name, phone))
    found = re.search(r"\b(\d+)\b", said)
    assert found, said
    return found[1]
