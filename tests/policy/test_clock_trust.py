"""The trust in the clock: one table of signs, and the signs read off what is seen."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from appliance.policy.clock import (
    CLOCK_STATE_AFTER,
    HOLDOVER_S,
    LATEST_WALL,
    SYNC_LOST_S,
    ClockReading,
    ClockSign,
    ClockState,
    ClockTrust,
    clock_confirmed,
    clock_state_after,
    look_at_clock,
)

S = ClockState
DAY = 86_400.0
NOON = datetime(2027, 3, 1, 12, tzinfo=UTC).timestamp()
START = ClockReading(100.0, NOON)
"""The first look after power came: by the time that was written down last."""
SERVED = replace(START, sync_age=0.0)
KNOWN = look_at_clock(ClockTrust(), SERVED)


def later(
    seen: ClockReading, seconds: float, jump: float = 0.0, sync_age: float | None = 0.0
) -> ClockReading:
    """Return what is seen some seconds later, the clock having been moved by `jump`."""
    moved = seen.wall + seconds + jump
    return replace(seen, monotonic=seen.monotonic + seconds, wall=moved, sync_age=sync_age)


def test_every_sign_leads_somewhere_from_every_state() -> None:
    """The table is read for all pairs; what is not in it changes nothing."""
    for state in S:
        assert clock_state_after(state, ClockSign.OUT_OF_BOUNDS) is S.UNSET
        for sign in ClockSign:
            assert clock_state_after(state, sign) is CLOCK_STATE_AFTER.get((state, sign), state)
    assert clock_state_after(S.UNSET, ClockSign.SYNCED) is S.UNSET
    assert clock_state_after(S.UNSET, ClockSign.CONFIRMED) is S.UNSET


def test_a_start_is_stale_until_a_server_confirms() -> None:
    """A time that was written down before the power went is not trusted."""
    trust = look_at_clock(ClockTrust(), START)
    assert (trust.state, trust.synced_once) == (S.STALE, False)
    trust = look_at_clock(trust, later(START, 60.0, jump=9 * DAY))
    assert (trust.state, trust.synced_once) == (S.SYNCED, True)
    assert not S.STALE.is_trusted


@pytest.mark.parametrize("year", [1980, 2000, 2052, 2099])
def test_a_time_that_cannot_be_is_none(year: int) -> None:
    """Before the product was made, or ten years later: unset, even if a time server says so; and
    as before once the true time is back.
    """
    there = datetime(year, 6, 1, tzinfo=UTC).timestamp()
    for before in (ClockTrust(), KNOWN):
        trust = look_at_clock(before, replace(SERVED, wall=there))
        assert trust.state is S.UNSET
        assert clock_confirmed(trust, replace(SERVED, wall=there)) == trust
        assert look_at_clock(trust, SERVED).state is S.SYNCED
    away = look_at_clock(KNOWN, replace(START, wall=there))
    assert look_at_clock(away, later(START, 60.0, sync_age=None)).state is S.HOLDOVER
    assert look_at_clock(ClockTrust(), replace(SERVED, wall=LATEST_WALL + 1)).state is S.UNSET


def test_holdover_has_an_end() -> None:
    """Two hours without an answer: by itself; a week by itself: no more; then a server again."""
    trust = look_at_clock(KNOWN, later(START, SYNC_LOST_S, sync_age=SYNC_LOST_S))
    assert trust.state is S.SYNCED
    trust = look_at_clock(trust, later(START, SYNC_LOST_S + 1, sync_age=SYNC_LOST_S + 1))
    assert trust.state is S.HOLDOVER
    assert look_at_clock(trust, later(START, HOLDOVER_S, sync_age=HOLDOVER_S)).state is S.HOLDOVER
    old = look_at_clock(trust, later(START, HOLDOVER_S + 1, sync_age=HOLDOVER_S + 1))
    assert old.state is S.STALE
    assert look_at_clock(old, later(START, HOLDOVER_S + 2)).state is S.SYNCED
    short = look_at_clock(trust, later(START, 3 * DAY, sync_age=3 * DAY), holdover_s=2 * DAY)
    assert short.state is S.STALE


@pytest.mark.parametrize("hours", [30, -30, 24 * 365])
def test_a_jump_of_more_than_a_day_is_refused(hours: int) -> None:
    """After it was confirmed a clock does not move by a day: not even a server is believed, until a
    person has confirmed it, or the clock has come back by itself.
    """
    jumped = later(START, 60.0, jump=hours * 3600.0)
    trust = look_at_clock(KNOWN, jumped)
    assert (trust.state, trust.jumped) == (S.STALE, True)
    assert look_at_clock(trust, later(jumped, 3600.0)).state is S.STALE
    agreed = look_at_clock(clock_confirmed(trust, jumped), later(jumped, 1.0))
    assert (agreed.state, agreed.jumped) == (S.SYNCED, False)
    back = look_at_clock(trust, later(START, 120.0, sync_age=None))
    assert (back.state, back.jumped) == (S.HOLDOVER, False)


@pytest.mark.parametrize("hours", [-1, 1, 23])
def test_a_smaller_jump_is_followed(hours: int) -> None:
    """That is what time servers do."""
    trust = look_at_clock(KNOWN, later(START, 60.0, jump=hours * 3600.0))
    assert (trust.state, trust.jumped) == (S.SYNCED, False)


def test_a_person_confirms() -> None:
    """Without a server it holds for a week from then on; with one it is no less than synced."""
    trust = clock_confirmed(look_at_clock(ClockTrust(), START), START)
    assert (trust.state, trust.since) == (S.HOLDOVER, 100.0)
    assert look_at_clock(trust, later(START, HOLDOVER_S + 1, sync_age=None)).state is S.STALE
    assert clock_confirmed(KNOWN, SERVED).state is S.SYNCED


def test_a_time_that_is_set_is_confirmed_once_it_is_there() -> None:
    """Somebody with the right to do so sets the clock: until that has happened nothing changes."""
    for before in (
        look_at_clock(ClockTrust(), replace(START, wall=315_532_800.0)),
        look_at_clock(KNOWN, START),
    ):
        wanted = replace(before, wanted=START.offset + 40 * DAY)
        assert look_at_clock(wanted, later(START, 5.0, sync_age=None)).wanted is not None
        there = look_at_clock(wanted, later(START, 10.0, jump=40 * DAY + 30, sync_age=None))
        assert (there.state, there.wanted, there.jumped) == (S.HOLDOVER, None, False)


def test_a_battery_gives_the_time_at_the_start() -> None:
    """A clock with a battery is by itself from the start on, for as long as any other."""
    trust = look_at_clock(ClockTrust(), replace(START, battery=True))
    assert trust.state is S.HOLDOVER
    old = look_at_clock(trust, replace(later(START, HOLDOVER_S + 1, sync_age=None), battery=True))
    assert old.state is S.STALE
    jump = look_at_clock(trust, later(START, 60.0, jump=3 * DAY))
    assert jump.state is S.SYNCED, "the first time server is right, whatever the battery said"
