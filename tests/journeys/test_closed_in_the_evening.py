"""Whoever closes by hand in the evening need not remember it: the morning's call rings.

The office opens in about a minute: until then it is evening, from then on morning.

1. In the evening the last operator keys `*821`, "Chiuso – segreteria", and goes home.
2. On the box the technician reads that it is closed by hand, by whom, and until when: the next
   opening that is written.
3. A citizen who calls now leaves a message.
4. The morning comes. Nobody has touched anything.
5. A citizen calls, and the operator's phone rings; they hear each other.
6. The technician reads that it is open, and of no state by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from appliance.policy.hours import moment_words
from appliance.simulator.exchange.call import CallPlan
from appliance.simulator.exchange.process import read_clip
from tests.helpers.box import ROME, Box
from tests.journeys.harness.front_desk import (
    CITIZEN_HZ,
    MESSAGE,
    OPERATOR_HZ,
    PATIENCE_S,
    citizen_calls,
    citizen_hears,
    lifts,
    phone_hears,
)
from tests.journeys.harness.steps import Journey, wait_until
from tests.journeys.harness.terminal import on_the_box
from tests.system.calls import in_state

pytestmark = [pytest.mark.journey, pytest.mark.system]

EVENING = timedelta(seconds=50)
"""So long, at least, for the evening: a start, a key code, and a message left."""
SAID_S = 3
FIRST, SECOND = "3391112223", "0512345678"


class Morning(Box):
    """A box whose office opens at `opens`, for the rest of that day."""

    opens: datetime

    def open_at(self, opens: datetime) -> None:
        """Write the hours."""
        self.opens, self.opened = opens, False
        self.extra = f'[[openings]]\nday = {opens.date()}\nhours = ["{opens:%H:%M}-24:00"]\n'


def leaves_a_message(box: Box) -> None:
    """Call, skip the greeting, speak, hang up."""
    caller = box.place(1, CallPlan(caller=FIRST, hang_up_after_ms=600_000))
    in_state(box, "greeting")
    caller.press("#")
    in_state(box, "recording")
    caller.say(read_clip(MESSAGE)[: SAID_S * 8000])
    with pytest.raises(TimeoutError):
        caller.wait_for("ended", SAID_S + 0.5)
    caller.hang_up()
    caller.wait(PATIENCE_S)
    box.wait_until(lambda: len(box.messages()) == 1, PATIENCE_S, "no message was kept")


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Morning]:
    """The office's box, in the evening."""
    soon = datetime.now(ROME) + EVENING + timedelta(minutes=1)
    made = Morning(tmp_path / "box")
    made.open_at(soon.replace(second=0, microsecond=0))
    with made:
        yield made


def test_closed_in_the_evening_open_in_the_morning(
    journey: Journey, box: Morning, tmp_path: Path
) -> None:
    """A manual state ends at the next written opening, and is shown with its end (P9, M3)."""
    op1 = box.phone("op1")
    with on_the_box(journey, tmp_path / "technician", box.folder) as terminal:
        terminal.run("export CENTRALINO_CONFIG=centralino.toml")
        with journey.step(1):
            op1.dial("*821")
            op1.wait_event("ended", PATIENCE_S)

        with journey.step(2):
            status = terminal.run("./centralino status")
            assert f"(op1), fino alle {box.opens:%H:%M}" in status or (
                f"fino a {moment_words(box.opens, 'it', year=False)}" in status
            ), status

        with journey.step(3):
            leaves_a_message(box)

        with journey.step(4):
            left = (box.opens - datetime.now(ROME)).total_seconds()
            wait_until(lambda: datetime.now(ROME) >= box.opens, max(left, 0.0) + 5.0, "no morning")

        with journey.step(5):
            citizen = citizen_calls(box, 2, SECOND)
            op1.wait_event("invite", PATIENCE_S)
            lifts(op1, OPERATOR_HZ)
            citizen_hears(citizen, OPERATOR_HZ)
            phone_hears(op1, CITIZEN_HZ)

        with journey.step(6):
            status = terminal.run("./centralino status")
            assert status.startswith("Aperto"), status
            assert "Chiuso a mano" not in status
