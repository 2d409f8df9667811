"""The manual states of the switchboard: what people asked for, since when, by whom, until when.

*Unattended* ("Non presidiato", P8) and *closed* ("Chiuso - segreteria", P9) are two states, kept
apart: undoing one leaves the other. A mark holds until it is undone or its `until` has come.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from datetime import datetime

from appliance.errors import Bug


@dataclass(frozen=True, slots=True)
class Mark:
    """One state that is on: who asked for it, since when, until when (None: until undone).

    Raises Bug for naive times.
    """

    by: str
    since: datetime
    until: datetime | None = None

    def __post_init__(self) -> None:
        if self.since.tzinfo is None or (self.until and self.until.tzinfo is None):
            raise Bug("a mark's times must be aware of their zone")

    def over(self, wall: datetime) -> bool:
        """True when it has ended by itself."""
        return self.until is not None and self.until <= wall


class Manual(enum.StrEnum):
    """The four manual states, by the names of ServiceState's fields."""

    UNATTENDED = "unattended"
    CLOSED = "closed"
    OPENED = "opened"
    ABSENT = "absent"


OPPOSITES = {Manual.CLOSED: Manual.OPENED, Manual.OPENED: Manual.CLOSED}
"""Setting one undoes the other: a switchboard is not closed and opened by hand at once."""


@dataclass(frozen=True, slots=True)
class ServiceState:
    """The manual states in force; `opened` is open by hand outside the written hours (E14)."""

    unattended: Mark | None = None
    closed: Mark | None = None
    opened: Mark | None = None
    absent: Mark | None = None

    def set(self, what: Manual, mark: Mark) -> ServiceState:
        """Put a state on, or give it a new end."""
        state = replace(self, **{what.value: mark})
        return state.undo(OPPOSITES[what]) if what in OPPOSITES else state

    def undo(self, what: Manual) -> ServiceState:
        """Take a state off; nothing happens when it is off."""
        return replace(self, **{what.value: None})

    def expired(self, wall: datetime) -> ServiceState:
        """Return the state without the marks that have ended by `wall`."""
        over = [name for name, mark in self.marks().items() if mark.over(wall)]
        return replace(self, **dict.fromkeys(over, None)) if over else self

    def marks(self) -> dict[str, Mark]:
        """Return the marks that are on, by name."""
        every = {what.value: getattr(self, what.value) for what in Manual}
        return {name: mark for name, mark in every.items() if mark is not None}

    def next_expiry(self) -> datetime | None:
        """Return when the next mark ends by itself, or None."""
        return min((m.until for m in self.marks().values() if m.until is not None), default=None)


NO_MARKS = ServiceState()
"""Nothing was asked for by hand."""
