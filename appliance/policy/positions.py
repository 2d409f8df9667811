"""What a position is doing, and when one that missed its calls counts as away (E3)."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime

from appliance.policy.refused import Refused
from appliance.policy.service_state import Mark

AUTOMATIC = "automatic"
"""Who set a position away that missed its calls ("assente (automatico)")."""
MISSED_AFTER_MS = 10_000
"""A call that rang for less was no chance to lift: its caller gave up, or was served elsewhere."""


class PositionState(enum.StrEnum):
    """What one position is doing."""

    FREE = "free"
    BUSY = "busy"
    AWAY = "away"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Position:
    """One position: its phone's name, its state, since when and (away) by whom it is so.

    `since` is None where nobody has noted it.
    """

    phone: str
    state: PositionState
    since: datetime | None = None
    by: str = ""

    @property
    def automatic(self) -> bool:
        """True for a position that is away because it missed its calls."""
        return self.state is PositionState.AWAY and self.by == AUTOMATIC


@dataclass(frozen=True, slots=True)
class PositionRules:
    """After how many missed calls in a row a position is away, and when it is reminded of it.

    0 is never, for either. Raises ConfigurationError for less.
    """

    away_after_missed: int = 2
    remind_after_ms: int = 3_600_000

    def __post_init__(self) -> None:
        if self.away_after_missed < 0 or self.remind_after_ms < 0:
            raise Refused(
                "positions: scrivere 0 per mai, oppure un numero maggiore",
                "positions: write 0 for never, or a number above it",
            )

    def goes_away(self, missed: int) -> bool:
        """True for a position that missed so many calls in a row."""
        return 0 < self.away_after_missed <= missed


def position(
    phone: str, mark: Mark | None, *, engaged: bool, reachable: bool, gone: datetime | None = None
) -> Position:
    """Say what a position is doing: away counts before anything that its phone does.

    `gone` is since when its phone cannot be reached, None for not noted.
    """
    if mark is not None:
        return Position(phone, PositionState.AWAY, mark.since, mark.by)
    if not reachable:
        return Position(phone, PositionState.UNREACHABLE, gone)
    return Position(phone, PositionState.BUSY if engaged else PositionState.FREE)
