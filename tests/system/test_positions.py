"""A position that misses its call, and the sign that "all absent" has ended, on real phones."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from appliance.simulator.phone.process import TestPhone
from tests.helpers.box import Box
from tests.system.calls import place

pytestmark = [pytest.mark.system, pytest.mark.long]
"""What is decided here is told without processes in stories/e3_missed_calls_set_a_position_away
and stories/e4_all_absent.
"""


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box whose positions are away after one missed call."""
    once = "[positions]\naway_after_missed = 1\n"
    with Box(tmp_path_factory.mktemp("box"), lines=1, ring=11, extra=once) as made:
        yield made


@pytest.fixture(scope="module")
def op1(box: Box) -> TestPhone:
    """The operator's phone, which nobody lifts."""
    phone = box.phone("op1")
    phone.answer_mode("manual")
    return phone


def position(box: Box, phone: str) -> dict[str, object]:
    """Return what call control shows of a position."""
    return next(each for each in box.status()["positions"] if each["phone"] == phone)


def test_a_missed_call_sets_the_position_away_and_lifting_brings_it_back(
    box: Box, op1: TestPhone
) -> None:
    """E3: the same call goes on at the counter; a call that the position makes says it is there."""
    desk1 = box.phone("desk1")
    desk1.answer_mode("auto", 100)
    caller = place(box, 1, caller="0511234567")
    op1.wait_event("ringing", 20.0)
    op1.wait_event("cancelled", 30.0)
    desk1.wait_event("ack", 20.0)
    away = position(box, "op1")
    assert (away["state"], away["by"]) == ("away", "automatic")
    assert box.status()["switchboard"]["state"] == "unattended"
    caller.hang_up()
    op1.dial("*840")
    box.wait_until(lambda: position(box, "op1")["state"] != "away", 10.0, "op1 is still away")
    box.wait_until(box.is_idle, 30.0, "the line did not become idle")


def test_the_end_of_all_absent_is_a_sign_on_every_desk(box: Box, op1: TestPhone) -> None:
    """E4: two rings and a display, then the phone is silent again."""
    box.wait_until(lambda: position(box, "op1")["state"] == "free", 30.0, "op1 is engaged")
    before = len(op1.events)
    until = (datetime.now(UTC) + timedelta(seconds=2)).isoformat()
    box.ask("SetAllAbsent", on=True, by="capo", until=until)

    def told() -> list[str]:
        return [str(event) for event in op1.events[before:]]

    box.wait_until(lambda: any("Tutti assenti" in event for event in told()), 20.0, "no sign")
    box.wait_until(lambda: any("cancelled" in event for event in told()), 20.0, "it rings on")
