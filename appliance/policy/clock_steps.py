"""The times that were written down before the clock was known, put right once it is.

Every time that the clock is set begins a stretch, in which wall and running time differ by one
offset. Once the true offset is known, what was written in an earlier stretch is put right by the
difference (reliability.md 6: wall = sync_wall - running time since).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from appliance.policy.clock_trust import Seen

STEP_S = 1.0
"""A clock that moved by less was steered, not set."""
SLACK_S = 2.0
MOST = 64
"""A clock that is set more often than this before it is known is past helping."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """From `since` (monotonic s) on the wall clock was the running time plus `offset` s."""

    since: float
    offset: float


@dataclass(frozen=True, slots=True)
class Steps:
    """How the clock was set since power came; `known_at` is when a time server first confirmed it
    (monotonic s), None for not yet.
    """

    stretches: tuple[Stretch, ...] = ()
    known_at: float | None = None

    def see(self, seen: Seen) -> Steps:
        """Return it after one more look at the clock; nothing is added once the time is known."""
        last = self.stretches[-1] if self.stretches else None
        is_same = last is not None and abs(seen.offset - last.offset) < STEP_S
        if is_same or self.known_at is not None or len(self.stretches) >= MOST:
            return self
        return Steps((*self.stretches, Stretch(seen.monotonic, seen.offset)))

    def know(self, seen: Seen) -> Steps:
        """Return it once the time is known: that offset is the true one."""
        if self.known_at is not None:
            return self
        return Steps((*self.stretches, Stretch(seen.monotonic, seen.offset)), seen.monotonic)

    def corrected(self, wall: float) -> float | None:
        """Return the true time (s since 1970) of what was written before that was known.

        None where the time cannot be put right, is right already, or was written after.
        """
        if self.known_at is None:
            return None
        true = self.stretches[-1].offset
        for here, following in reversed(list(pairwise(self.stretches))):
            first, last = here.since + here.offset, following.since + here.offset
            if first - SLACK_S <= wall <= last + SLACK_S:
                moved = true - here.offset
                return wall + moved if abs(moved) >= STEP_S else None
        return None
