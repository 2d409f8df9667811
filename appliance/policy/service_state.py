"""The manual states of the switchboard: what people asked for, since when, by whom, until when.

*Unattended* ("Non presidiato", P8) and *closed* ("Chiuso - segreteria", P9) are two states, kept
apart: undoing one leaves the other. A mark holds until it is undone or its `until` has come, which
is the next change of the written hours where nobody said otherwise.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from appliance.errors import Bug


@dataclass(frozen=True, slots=True)
class Mark:
    """One state that is on: who asked for it, since when, until when (None: until undone).

    `by_hours`: it ends at the next change of the written hours, wherever that comes to lie. Raises
    Bug for naive times.
    """

    by: str
    since: datetime
    until: datetime | None = None
    by_hours: bool = False

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
    """The manual states in force; `opened` is open by hand outside the written hours (E14).

    `away` are the phones that are not to be rung, by name: a position's own state (E3).
    """

    unattended: Mark | None = None
    closed: Mark | None = None
    opened: Mark | None = None
    absent: Mark | None = None
    away: tuple[tuple[str, Mark], ...] = ()

    def set(self, what: Manual, mark: Mark) -> ServiceState:
        """Put a state on, or give it a new end."""
        changed: dict[str, Any] = {what.value: mark}
        state = replace(self, **changed)
        return state.undo(OPPOSITES[what]) if what in OPPOSITES else state

    def undo(self, what: Manual) -> ServiceState:
        """Take a state off; nothing happens when it is off."""
        changed: dict[str, Any] = {what.value: None}
        return replace(self, **changed)

    def go_away(self, phone: str, mark: Mark) -> ServiceState:
        """Note that nobody sits at a phone."""
        others = (pair for pair in self.away if pair[0] != phone)
        return replace(self, away=(*others, (phone, mark)))

    def come_back(self, phone: str) -> ServiceState:
        """Note that somebody sits there again; nothing happens when nobody was away."""
        return replace(self, away=tuple(pair for pair in self.away if pair[0] != phone))

    def is_away(self, phone: str, wall: datetime) -> bool:
        """True while a phone is not to be rung."""
        return any(name == phone and not mark.over(wall) for name, mark in self.away)

    def away_mark(self, phone: str) -> Mark | None:
        """Return since when and by whom a phone is away, or None."""
        return next((mark for name, mark in self.away if name == phone), None)

    def expired(self, wall: datetime) -> ServiceState:
        """Return the state without the marks that have ended by `wall`."""
        over: dict[str, Any] = {n: None for n, mark in self.marks().items() if mark.over(wall)}
        away = tuple(pair for pair in self.away if not pair[1].over(wall))
        if not over and away == self.away:
            return self
        return replace(self, away=away, **over)

    def marks(self) -> dict[str, Mark]:
        """Return the marks of the whole switchboard that are on, by name."""
        every = {what.value: getattr(self, what.value) for what in Manual}
        return {name: mark for name, mark in every.items() if mark is not None}

    def next_expiry(self) -> datetime | None:
        """Return when the next mark ends by itself, or None."""
        marks = (*self.marks().values(), *(mark for _, mark in self.away))
        return min((m.until for m in marks if m.until is not None), default=None)


NO_MARKS = ServiceState()
"""Nothing was asked for by hand."""
