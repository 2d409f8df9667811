"""F16: the clock of a box without a battery: 1980 at the start, jumps, the nights it is changed."""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from appliance.calls.orders import Result
from appliance.policy.routing import Destination
from appliance.simulator.phone.process import PhoneTimeout
from tests.faults.clock import WallClock
from tests.faults.needs import require
from tests.helpers.box import Box, wait
from tests.helpers.figures import Figures
from tests.system.calls import end, in_call, in_state, into_voicemail, place, record_of

pytestmark = pytest.mark.system
ROME = ZoneInfo("Europe/Rome")
Y1980 = datetime(1980, 1, 1, 0, 0, 30, tzinfo=UTC)
RING_S = 6
BY_THE_WALL = """
import sys, time
if "run" in sys.orig_argv:
    time.monotonic = time.time
"""
"""A sitecustomize by which call control counts seconds by the wall clock: the planted bug."""
NIGHT = '[[openings]]\nday = {day}\nhours = ["00:00-{until}"]'


@contextlib.contextmanager
def clocked(
    folder: Path, moment: datetime | None, bug: str = "", **how: object
) -> Iterator[tuple[Box, WallClock]]:
    """Start a box whose clock says this moment, or the true one, with a bug of ours."""
    require("faketime")
    clock = WallClock(folder / "clock")
    clock.set(moment or datetime.now(UTC))
    (folder / "sitecustomize.py").write_text(bug)
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    environment = {**clock.environment, "PYTHONPATH": path}
    box = Box(folder / "box", lines=1, environment=environment, **how)  # type: ignore[arg-type] # a box's own options
    with box:
        yield box, clock


def test_a_box_that_starts_in_1980_serves_its_callers(tmp_path: Path, figures: Figures) -> None:
    """The hours cannot be trusted: the phones ring. The jump to the true time in a conversation
    ends nothing; from then on the hours hold; that call has its true time once it is over, the
    next one from the start.
    """
    with clocked(tmp_path, Y1980) as (box, clock):
        op1 = box.phone("op1")
        status = box.status()
        assert (status["clock_state"], status["code"]) == ("unset", "open.clock_unset")
        call, name = in_call(box, 1, op1)
        clock.shift_to(0)
        box.wait_until(lambda: box.status()["clock_state"] == "synced", 5.0, "nobody noticed")
        wait(2.0)  # whatever a jump might end would have ended by now
        assert [c["state"] for c in box.status()["calls"]] == ["talking"]
        record = end(box, call)
        assert (record.call, record.result) == (name, Result.ANSWERED)
        box.wait_until(lambda: record_of(box, name).clock_state != "unset", 30.0, "not put right")
        record = record_of(box, name)
        assert record.clock_state == "corrected"
        assert timedelta(0) < datetime.now(UTC) - record.rang_at < timedelta(minutes=2)
        assert record.ended_at is not None
        assert record.ended_at - record.rang_at < timedelta(minutes=2)
        call, name = in_call(box, 1, op1)
        call.hang_up()
        record = record_of(box, name)
        assert record.clock_state == "synced"
        assert abs(datetime.now(UTC) - record.rang_at) < timedelta(minutes=2)
        refuses_what_cannot_be(box, clock)
        assert "Traceback" not in box.log()
    figures.say("F16 start in 1980, jump of 46 years in a conversation: the call went on")


def test_a_message_of_1980_is_there_after_the_jump(tmp_path: Path) -> None:
    """A caller's words that were stored under a wrong date are on the list, whole and unclosed,
    before and after the clock is set and after the next start, then under the true date.
    """
    with clocked(tmp_path, Y1980) as (box, clock):
        box.ask("SetClosed", on=True, by="test", until=None)
        _, caller = into_voicemail(box, 4.0)
        in_state(box, "recording")
        wait(3.0)
        caller.hang_up()
        box.wait_until(lambda: len(box.messages()) == 1, 20.0, "no message")
        (before,) = box.messages()
        clock.shift_to(0)
        box.wait_until(lambda: box.status()["clock_state"] == "synced", 5.0, "nobody noticed")
        box.wait_until(lambda: list(box.messages()) != [before], 20.0, "not put right")
        box.stop()
        box.start()
        (after,) = box.messages()
        assert (after.id, after.sha256, after.outcome) == (before.id, before.sha256, None)
        assert box.recording(after.id).exists()
        assert (before.received_at.year, before.clock_state) == (1980, "unset")
        assert after.clock_state == "corrected"
        assert timedelta(0) < datetime.now(UTC) - after.received_at < timedelta(minutes=2)
        assert box.status()["waiting"] == 1


@pytest.mark.parametrize(
    "jump",
    [
        timedelta(hours=-1),
        pytest.param(timedelta(hours=1), marks=pytest.mark.long),
        timedelta(days=26 * 365),
    ],
    ids=str,
)
def test_no_timer_fires_early_or_late(tmp_path: Path, figures: Figures, jump: timedelta) -> None:
    """While a phone rings the clock jumps: the citizens' counter is rung when the ring time is
    over, neither at once nor an hour later.
    """
    after = rung_after(tmp_path, jump)
    figures.say(f"F16 jump of {jump} while ringing: {after:.1f} s for {RING_S} s")
    assert is_in_time(after)


def test_who_counts_by_the_wall_is_caught(tmp_path: Path, figures: Figures) -> None:
    """Call control whose timers follow the clock on the wall rings the counter at once, or never:
    the rig can fail.
    """
    after = rung_after(tmp_path, timedelta(hours=1), BY_THE_WALL)
    figures.say(f"F16 planted bug, timers by the wall: {after:.1f} s for {RING_S} s")
    assert not is_in_time(after)


def is_in_time(after: float) -> bool:
    """Tell whether the counter was rung when the ring time was over."""
    return RING_S - 1.0 < after < RING_S + 8.0


def rung_after(folder: Path, jump: timedelta, bug: str = "") -> float:
    """Let the clock jump while a phone rings; returns after how long the counter was rung (s), or
    for ever.
    """
    there, today = datetime.now(ROME) + jump, datetime.now(ROME).date()
    opened = "" if there.date() == today else NIGHT.format(day=there.date(), until="24:00")
    with clocked(folder, None, bug, ring=RING_S, extra=opened) as (box, clock):
        op1, desk1 = box.phone("op1"), box.phone("desk1")
        call = place(box, 1, caller="0511234567")
        began = op1.wait_event("ringing", 20.0).at
        clock.set(datetime.now(UTC) + jump)
        rung = math.inf
        with contextlib.suppress(PhoneTimeout):
            rung = desk1.wait_event("ringing", RING_S + 10.0).at
        call.hang_up()
        call.wait(20.0)
    return rung - began


@pytest.mark.parametrize(
    ("day", "until", "before", "turn"),
    [
        # both at 01:00 UTC: 03:00 becomes 02:00 (autumn), 02:00 becomes 03:00 (spring)
        ("2027-10-31", "03:00", datetime(2027, 10, 31, 0, 59, 45, tzinfo=UTC), timedelta(hours=1)),
        pytest.param(
            "2027-03-28",
            "04:00",
            datetime(2027, 3, 28, 0, 59, 45, tzinfo=UTC),
            timedelta(hours=1),
            marks=pytest.mark.long,
        ),
    ],
    ids=["autumn", "spring"],
)
def test_the_nights_on_which_the_clock_is_changed(
    tmp_path: Path, figures: Figures, day: str, until: str, before: datetime, turn: timedelta
) -> None:
    """A conversation goes on over the change; its length is what it was; the office closes at the
    hour that its hours name, not an hour off.
    """
    extra = NIGHT.format(day=day, until=until)
    with clocked(tmp_path, before, opened=False, extra=extra) as (box, clock):
        clock.set(before)
        op1 = box.phone("op1")
        call, name = in_call(box, 1, op1)
        talking = time.monotonic()
        box.wait_until(lambda: offset(box) != offset_at(before), 25.0, "the clock did not change")
        assert [c["state"] for c in box.status()["calls"]] == ["talking"]
        assert box.status()["open"]
        call.hang_up()
        box.wait_until(lambda: bool(record_of(box, name).ended_at), 20.0, "the call did not end")
        spoken = time.monotonic() - talking
        record = record_of(box, name)
        assert (record.result, record.way) == (Result.ANSWERED, Destination.SWITCHBOARD)
        assert record.answered_at is not None
        assert record.ended_at is not None
        length = (record.ended_at - record.answered_at).total_seconds()
        assert abs(length - spoken) < 5.0
        clock.set(before + turn + timedelta(seconds=9))
        assert box.status()["open"]
        box.wait_until(lambda: not box.status()["open"], 10.0, "the office did not close")
    figures.say(f"F16 {day}: {length:.0f} s of talk over the change, closed at {until}")


def refuses_what_cannot_be(box: Box, clock: WallClock) -> None:
    """A year that cannot be is none, a jump of thirty hours is refused, and told once in the
    journal; each time the true time puts an end to it.
    """
    there = {datetime(year, 1, 2, 3, tzinfo=UTC): "unset" for year in (2000, 2052, 2099)}
    for moment, state in {**there, datetime.now(UTC) + timedelta(hours=30): "stale"}.items():
        clock.set(moment)
        box.wait_until(partial(is_in, box, state), 10.0, "nobody noticed")
        assert box.status()["code"] == "open.clock_unset"
        assert any("clock" in words["en"] for words in box.status()["degraded"])
        clock.shift_to(0)
        box.wait_until(partial(is_in, box, "synced"), 10.0, "not back")
    told = "the clock is stale (it has jumped by more than a day), it was synced"
    assert box.log().count(told) == 1


def is_in(box: Box, state: str) -> bool:
    """Tell whether the box's clock is so far to be trusted."""
    return bool(box.status()["clock_state"] == state)


def offset(box: Box) -> timedelta | None:
    """Return the office's offset from UTC at the box's own time."""
    return offset_at(datetime.fromisoformat(box.status()["at"]))


def offset_at(moment: datetime) -> timedelta | None:
    """Return the office's offset from UTC at a moment."""
    return moment.astimezone(ROME).utcoffset()
