"""What time it is, as a value: the pure rooms are told it and never ask."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime

from appliance.errors import Bug


class ClockState(enum.StrEnum):
    """How far the wall clock can be trusted (reliability.md 5)."""

    SYNCED = "synced"  # a time server confirms it
    HOLDOVER = "holdover"  # was confirmed, runs on by itself since
    STALE = "stale"  # ran on for so long that it may be minutes off
    UNSET = "unset"  # never set since power came: it says nothing about the hour


@dataclass(frozen=True, slots=True)
class Now:
    """One moment: `monotonic` seconds for durations, aware `wall` time for hours and display.

    Raises Bug for a naive wall time.
    """

    monotonic: float
    wall: datetime
    clock_state: ClockState = ClockState.SYNCED

    def __post_init__(self) -> None:
        if self.wall.tzinfo is None:
            raise Bug("a wall time must be aware of its zone")
