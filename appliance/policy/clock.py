"""What time it is, as a value: the pure rooms are told it and never ask."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime

from appliance.errors import Bug


class ClockState(enum.StrEnum):
    """How far the wall clock can be trusted (reliability.md 5, 6)."""

    SYNCED = "synced"  # a time server confirms it
    HOLDOVER = "holdover"  # was confirmed, runs on by itself since
    STALE = "stale"  # ran on for too long, or was never confirmed since power came
    UNSET = "unset"  # it says nothing about the hour: never set, or years off

    @property
    def is_trusted(self) -> bool:
        """True when hours may be kept, and told, by it."""
        return self in {ClockState.SYNCED, ClockState.HOLDOVER}


class WithoutTime(enum.StrEnum):
    """What a site has chosen for the time in which its clock cannot be trusted."""

    IF_STAFFED = "if-staffed"  # open as long as somebody answers
    OPEN = "open"  # phones ring, by day and by night
    HOURS = "hours"  # the written hours all the same, unless the time is nowhere near


class Doubt(enum.StrEnum):
    """What holds instead of the written hours at a moment at which the clock cannot be trusted."""

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
        """True when written hours can be kept by this moment's wall time, and told."""
        return self.clock_state.is_trusted or self.doubt is Doubt.HOURS
