"""Clock: how far it can be trusted, what holds while it cannot, correction of earlier times."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from types import MappingProxyType
from typing import Final

from appliance.errors import Bug


class ClockState(enum.StrEnum):
    """Trust in the wall clock (reliability.md 5, 6)."""

    SYNCED = "synced"  # a time server confirms it
    HOLDOVER = "holdover"  # was confirmed, runs on by itself since
    STALE = "stale"  # ran on for too long, or was never confirmed since power came
    UNSET = "unset"  # never set, or years off

    @property
    def is_trusted(self) -> bool:
        """True if opening hours can be kept by it."""
        return self in {ClockState.SYNCED, ClockState.HOLDOVER}


class WithoutTime(enum.StrEnum):
    """The site's configured rule for the time in which its clock cannot be trusted."""

    IF_STAFFED = "if-staffed"  # open as long as somebody answers
    OPEN = "open"  # phones ring, by day and by night
    HOURS = "hours"  # the written hours all the same, unless the time is nowhere near


class Doubt(enum.StrEnum):
    """Replacement of the written hours while the clock cannot be trusted."""

    OPEN = "open"
    CLOSED = "closed"
    HOURS = "hours"


@dataclass(frozen=True, slots=True)
class Now:
    """One moment: `monotonic` seconds for durations, aware `wall` time for hours and display.

    `doubt` is what holds while `clock_state` is not to be trusted. Raises Bug for a naive wall
    time.
    """

    monotonic: float
    wall: datetime
    clock_state: ClockState = ClockState.SYNCED
    doubt: Doubt = Doubt.OPEN

    def __post_init__(self) -> None:
        if self.wall.tzinfo is None:
            raise Bug("a wall time must be aware of its zone")

    @property
    def by_hours(self) -> bool:
        """True if the written hours can be kept by this wall time."""
        return self.clock_state.is_trusted or self.doubt is Doubt.HOURS


# Attendance decides instead of the hours while the clock cannot be trusted (E5). The rule must
# not feed itself: if no phone rang because nobody answers, nobody could ever answer, and a whole
# morning would go to voicemail. So a call rings at first, and again half an hour after the last one
# that rang in vain.

# somebody who acted less than this ago counts as still there (reliability.md 6)
ATTENDANCE_S = 1800.0


@dataclass(frozen=True, slots=True)
class Attendance:
    """Time (monotonic s) of the last action at a phone or a screen (`seen`), and of the last call
    that rang until voicemail answered (`in_vain`); None: not since the start.
    """

    seen: float | None = None
    in_vain: float | None = None

    def see(self, at: float) -> Attendance:
        """Record that somebody lifted a handset, dialled, or used the console."""
        return replace(self, seen=at, in_vain=None)

    def ring_in_vain(self, at: float) -> Attendance:
        """Record a call that nobody took."""
        return replace(self, in_vain=at)

    def is_staffed(self, at: float) -> bool:
        """Tell whether a call rings: somebody was there lately, or no call was tried lately."""
        return _within(self.seen, at) or not _within(self.in_vain, at)


def hours_in_doubt(
    rule: WithoutTime, state: ClockState, attendance: Attendance, at: float
) -> Doubt:
    """Return what holds instead of the hours; `at` is monotonic s. An unset clock keeps none."""
    if rule is WithoutTime.HOURS and state is not ClockState.UNSET:
        return Doubt.HOURS
    # by attendance, so that it is never voicemail all day (reliability.md 6)
    is_open = rule is WithoutTime.OPEN or attendance.is_staffed(at)
    return Doubt.OPEN if is_open else Doubt.CLOSED


def _within(moment: float | None, at: float) -> bool:
    return moment is not None and at - moment < ATTENDANCE_S


# The appliance has no battery: after a power cut it starts with the last time it wrote down (STALE)
# or with none (UNSET), until a time server confirms one. The crystal of a Raspberry Pi drifts by up
# to 50 ppm, 4 s a day: after a week alone the time is half a minute off, which hours can bear;
# after three months six minutes, which they cannot (reliability.md 6).

# before this product was made no clock can be right
EARLIEST_WALL: Final = datetime(2026, 11, 1, tzinfo=UTC).timestamp()
# a time server that claims ten years later lies, or a battery has gone bad
LATEST_WALL: Final = EARLIEST_WALL + 10 * 365.25 * 86_400
# no sane time server moves a confirmed clock by more than a day
CLOCK_JUMP_S: Final = 86_400.0
# timesyncd asks every 34 min at most (PollIntervalMaxSec): after two hours nobody has answered
SYNC_LOST_S: Final = 7_200.0
HOLDOVER_S: Final = 7 * 86_400.0
# the clock counts as set when it is this near to the time a person has asked for
SET_WITHIN_S: Final = 60.0


class ClockSign(enum.StrEnum):
    """One observation of the clock."""

    OUT_OF_BOUNDS = "out_of_bounds"  # before the product was made, or ten years later
    IN_BOUNDS = "in_bounds"
    BATTERY = "battery"  # a clock with a battery has given the time at the start
    SYNCED = "synced"  # a time server confirms
    LOST = "lost"  # none has for two hours
    AGED = "aged"  # running by itself for too long
    JUMPED = "jumped"  # by more than a day, though it was confirmed
    CAME_BACK = "came_back"  # from such a jump, by itself
    CONFIRMED = "confirmed"  # by a person who has looked at another clock


_STATE: Final = ClockState
# Missing pairs change nothing. UNSET has no row for SYNCED, since a time within bounds makes it
# STALE first; nor for CONFIRMED, since an impossible time has to be set.
CLOCK_STATE_AFTER: Final[Mapping[tuple[ClockState, ClockSign], ClockState]] = MappingProxyType({
    **{(state, ClockSign.OUT_OF_BOUNDS): _STATE.UNSET for state in _STATE},
    **{(state, ClockSign.SYNCED): _STATE.SYNCED
       for state in (_STATE.STALE, _STATE.HOLDOVER, _STATE.SYNCED)},
    **{(state, ClockSign.CONFIRMED): _STATE.HOLDOVER for state in (_STATE.STALE, _STATE.HOLDOVER)},
    **{(state, ClockSign.JUMPED): _STATE.STALE for state in (_STATE.SYNCED, _STATE.HOLDOVER)},
    (_STATE.SYNCED, ClockSign.CONFIRMED): _STATE.SYNCED,
    (_STATE.UNSET, ClockSign.IN_BOUNDS): _STATE.STALE,
    (_STATE.STALE, ClockSign.BATTERY): _STATE.HOLDOVER,
    (_STATE.STALE, ClockSign.CAME_BACK): _STATE.HOLDOVER,
    (_STATE.SYNCED, ClockSign.LOST): _STATE.HOLDOVER,
    (_STATE.HOLDOVER, ClockSign.AGED): _STATE.STALE,
})  # fmt: skip
"""The state that follows a state and a sign."""


@dataclass(frozen=True, slots=True)
class ClockReading:
    """One reading of the clock: `monotonic` s, `wall` s since 1970.

    `sync_age` is how many s ago a time server confirmed it, None for not since power came;
    `battery` is true where a clock with a battery gives the time.
    """

    monotonic: float
    wall: float
    sync_age: float | None = None
    battery: bool = False

    @property
    def offset(self) -> float:
        """Wall time minus running time: moves only when the clock is set."""
        return self.wall - self.monotonic


@dataclass(frozen=True, slots=True)
class ClockTrust:
    """The trust in the clock since power-up; times are monotonic s.

    `anchor` is the offset that was confirmed last, None for never; `since` is when that was, or
    when a battery's time was taken; `jumped` is true while the clock is a day from its anchor.
    `wanted` is the offset that a person has asked for and that the clock has not yet.
    """

    state: ClockState = ClockState.STALE
    anchor: float | None = None
    since: float | None = None
    jumped: bool = False
    wanted: float | None = None
    synced_once: bool = False


def look_at_clock(
    trust: ClockTrust, seen: ClockReading, holdover_s: float = HOLDOVER_S
) -> ClockTrust:
    """Return the trust after one more reading; `holdover_s` bounds the holdover (s)."""
    if not EARLIEST_WALL <= seen.wall <= LATEST_WALL:
        # noted as a jump, so that a clock back at its anchor is trusted again (CAME_BACK)
        state, jumped = (
            clock_state_after(trust.state, ClockSign.OUT_OF_BOUNDS),
            trust.anchor is not None,
        )
        return replace(trust, state=state, jumped=jumped)
    trust = replace(trust, state=clock_state_after(trust.state, ClockSign.IN_BOUNDS))
    # a privileged helper sets the clock (ProtectClock): the time asked for shows up readings later
    if trust.wanted is not None and abs(seen.offset - trust.wanted) <= SET_WITHIN_S:
        trust = clock_confirmed(trust, seen)
    # a jump of more than a day after a confirmation is refused for hours (reliability.md 6)
    if trust.anchor is not None and abs(seen.offset - trust.anchor) > CLOCK_JUMP_S:
        return replace(trust, state=clock_state_after(trust.state, ClockSign.JUMPED), jumped=True)
    if trust.jumped:
        trust = replace(
            trust, state=clock_state_after(trust.state, ClockSign.CAME_BACK), jumped=False
        )
    return _aged(_by_server(trust, seen), seen, holdover_s)


def clock_confirmed(trust: ClockTrust, seen: ClockReading) -> ClockTrust:
    """Return the trust after a person has confirmed the time."""
    state = clock_state_after(trust.state, ClockSign.CONFIRMED)
    # an impossible time cannot be confirmed: it has to be set first
    if state is ClockState.UNSET:
        return trust
    return replace(
        trust, state=state, anchor=seen.offset, since=seen.monotonic, jumped=False, wanted=None
    )


def clock_state_after(state: ClockState, sign: ClockSign) -> ClockState:
    """Return the state after a sign, by the table."""
    return CLOCK_STATE_AFTER.get((state, sign), state)


def _by_server(trust: ClockTrust, seen: ClockReading) -> ClockTrust:
    """Take over the time server's confirmation, or the battery clock's at the start."""
    age = seen.sync_age
    if age is not None and age <= SYNC_LOST_S:
        state = clock_state_after(trust.state, ClockSign.SYNCED)
        # the holdover counts from the server's confirmation, not from this reading
        since = seen.monotonic - max(age, 0.0)
        return replace(trust, state=state, anchor=seen.offset, since=since, synced_once=True)
    # a battery clock gives the time at the start only: read again, it confirms nothing new
    if trust.since is None and seen.battery:
        return replace(
            trust, state=clock_state_after(trust.state, ClockSign.BATTERY), since=seen.monotonic
        )
    return replace(trust, state=clock_state_after(trust.state, ClockSign.LOST))


def _aged(trust: ClockTrust, seen: ClockReading, holdover_s: float) -> ClockTrust:
    if trust.since is not None and seen.monotonic - trust.since > holdover_s:
        return replace(trust, state=clock_state_after(trust.state, ClockSign.AGED))
    return trust


# Each setting of the clock begins a stretch in which wall and running time differ by one offset.
# Once the true offset is known, times written in an earlier stretch are corrected by the difference
# (reliability.md 6: wall = sync_wall - running time since).

# a clock that moved by less was steered, not set
STEP_S = 1.0
STRETCH_SLACK_S = 2.0
# a clock that is set more often before its time is known is past helping
MOST_STRETCHES = 64


@dataclass(frozen=True, slots=True)
class ClockStretch:
    """From `since` (monotonic s) on the wall clock was the running time plus `offset` s."""

    since: float
    offset: float


@dataclass(frozen=True, slots=True)
class ClockSteps:
    """Settings of the clock since power-up; `known_at` is when a time server first confirmed it
    (monotonic s), None for not yet.
    """

    stretches: tuple[ClockStretch, ...] = ()
    known_at: float | None = None

    def see(self, seen: ClockReading) -> ClockSteps:
        """Add one more reading; nothing is added once the true time is known."""
        last = self.stretches[-1] if self.stretches else None
        # until a time server confirms, only settings of the clock begin a stretch
        is_same = last is not None and abs(seen.offset - last.offset) < STEP_S
        if is_same or self.known_at is not None or len(self.stretches) >= MOST_STRETCHES:
            return self
        return ClockSteps((*self.stretches, ClockStretch(seen.monotonic, seen.offset)))

    def know(self, seen: ClockReading) -> ClockSteps:
        """Record that the time is now known: this offset is the true one."""
        if self.known_at is not None:
            return self
        return ClockSteps(
            (*self.stretches, ClockStretch(seen.monotonic, seen.offset)), seen.monotonic
        )

    def corrected(self, wall: float) -> float | None:
        """Return the true time (s since 1970) for a `wall` time written before the time was known.

        None where the time cannot be put right, is right already, or was written after.
        """
        if self.known_at is None:
            return None
        true = self.stretches[-1].offset
        for here, following in reversed(list(pairwise(self.stretches))):
            first, last = here.since + here.offset, following.since + here.offset
            if first - STRETCH_SLACK_S <= wall <= last + STRETCH_SLACK_S:
                # within one stretch wall and running time differ by one offset: the difference is
                # the error
                moved = true - here.offset
                return wall + moved if abs(moved) >= STEP_S else None
        return None


# Caller id carries month, day, hour and minute of the exchange's local time, no year (EN 300 659-3,
# 5.4.1). One call proves nothing; a PBX before the line may be wrong for years. Two calls that
# agree with each other and not with us cast doubt on our clock, but never set it (reliability.md
# 6).

# dates are in whole minutes (EN 300 659-3, 5.4.1), so calls that agree may differ by one
AGREE_S: Final = 120.0
OFF_S: Final = 600.0
# beyond half a year the nearest year was the wrong guess: nothing is known
YEAR_S: Final = 180 * 86_400.0
_DATED: Final = re.compile(r"(\d\d)(\d\d)(\d\d)(\d\d)")


@dataclass(frozen=True, slots=True)
class ExchangeTime:
    """The last two offsets of the exchange's wall time from the running time, in s, newest last."""

    heard: tuple[float, ...] = ()

    def hear(self, dated: str, local: datetime, monotonic: float) -> ExchangeTime:
        """Take a call's date ("MMDDHHMM"), heard at the office's own `local` time by our clock.

        What is no date, or none at all, changes nothing.
        """
        told = _nearest(dated, local)
        if told is None:
            return self
        # kept as an offset from running time, so that setting our clock does not change it
        return ExchangeTime((*self.heard, told.timestamp() - monotonic)[-2:])

    def minutes_off(self, wall: datetime, monotonic: float) -> int:
        """Return the minutes by which the exchange is ahead of our clock, if worth a check.

        0 where it agrees, where calls disagree with each other, and where nothing is known.
        """
        ours = wall.timestamp() - monotonic
        off = [each - ours for each in self.heard]
        # one call proves nothing: two that agree cast doubt on our clock
        agree = len(off) > 1 and max(off) - min(off) <= AGREE_S
        is_off = agree and all(OFF_S < abs(each) < YEAR_S for each in off)
        return round(off[-1] / 60) if is_off else 0


def _nearest(dated: str, local: datetime) -> datetime | None:
    """Return the dated moment in the year that brings it nearest to `local`."""
    match = _DATED.fullmatch(dated)
    if match is None:
        return None
    month, day, hour, minute = (int(part) for part in match.groups())
    found = []
    # caller id has no year: around New Year it may be the last one or the next
    for year in (local.year - 1, local.year, local.year + 1):
        try:
            found.append(datetime(year, month, day, hour, minute, tzinfo=local.tzinfo))
        except ValueError:  # 29 February, or nonsense
            continue
    return min(found, key=lambda each: abs(each - local), default=None)
