"""Who works at which position now: whoever has the desk open there, in any browser.

A position is not a person (E19), and two people at one telephone undo each other's work: whoever
sits down second is told.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator

from appliance.policy.users import User


class Seats:
    """Kept in memory: a desk that is closed is free."""

    def __init__(self) -> None:
        self._open: Counter[tuple[str, str, str]] = Counter()

    @contextlib.contextmanager
    def taken(self, position: str, user: User) -> Iterator[None]:
        """Count a person at a position while this lasts; "" is nowhere."""
        seat = (position, user.name, user.shown)
        self._open[seat] += 1
        try:
            yield
        finally:
            self._open[seat] -= 1

    def others(self, position: str, user: User) -> tuple[str, ...]:
        """Return who else works at a position, by the names that are shown."""
        there = (
            shown
            for (place, name, shown), count in self._open.items()
            if count > 0 and place == position and name != user.name
        )
        return tuple(sorted(there)) if position else ()
