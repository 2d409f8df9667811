"""Deadlines: the next of several, and whether one has passed; None is one that is not set.

Every loop waits for `earliest` of its parts and then asks each part what `is_due`. Times are
monotonic seconds.
"""

from __future__ import annotations

from collections.abc import Iterable


def earliest(deadlines: Iterable[float | None]) -> float | None:
    """Return the next deadline, or None when none is set."""
    return min((at for at in deadlines if at is not None), default=None)


def is_due(deadline: float | None, now: float) -> bool:
    """True for a deadline that is set and has been reached."""
    return deadline is not None and deadline <= now
