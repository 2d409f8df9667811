"""Lock-out after wrong tries: one counter, and rules for how long the next try must wait.

It counts by key (a phone, a name at an address); the rule says which tries still count and what
they cost. Codes on a phone, SIP passwords and logins use it. Times are monotonic seconds.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

K = TypeVar("K", bound=Hashable)

# The exponent is bounded: 2.0 ** 1024 raises OverflowError.
MOST_DOUBLINGS = 20


@dataclass(frozen=True, slots=True)
class WrongTries:
    """Wrong tries of one key, and the moments of the latest, the oldest first."""

    count: int = 0
    latest: tuple[float, ...] = ()


NO_TRIES = WrongTries()


class LockOutRule(Protocol):
    """Rule for a key: the tries that still count, and the delay that they cause."""

    def counting(self, tries: WrongTries, now: float) -> WrongTries:
        """Return the tries that still count."""
        ...

    def wait_s(self, tries: WrongTries, now: float) -> float:
        """Return the seconds before the next try is accepted; 0 for at once."""
        ...


@dataclass(frozen=True, slots=True)
class GrowingDelay:
    """Delay after `free` wrong tries in a row, from the last one; each further one doubles it.

    `anew`: once the delay is over the count begins anew.
    """

    free: int
    first_s: float
    longest_s: float
    forgotten_s: float = math.inf
    anew: bool = False

    def counting(self, tries: WrongTries, now: float) -> WrongTries:
        """Return all of them, or none once they are forgotten."""
        ends_s = min(self.forgotten_s, self._delay_s(tries) if self._is_over(tries) else math.inf)
        return NO_TRIES if tries.count and now - tries.latest[-1] >= ends_s else tries

    def wait_s(self, tries: WrongTries, now: float) -> float:
        """Return what is left of the delay."""
        counting = self.counting(tries, now)
        if counting.count < self.free:
            return 0.0
        return max(0.0, counting.latest[-1] + self._delay_s(counting) - now)

    def _is_over(self, tries: WrongTries) -> bool:
        return self.anew and tries.count >= self.free

    def _delay_s(self, tries: WrongTries) -> float:
        doublings = min(tries.count - self.free, MOST_DOUBLINGS)
        return min(self.first_s * 2.0**doublings, self.longest_s)


@dataclass(frozen=True, slots=True)
class Window:
    """Lock-out while `most` wrong tries lie within `window_s`."""

    most: int
    window_s: float

    def counting(self, tries: WrongTries, now: float) -> WrongTries:
        """Return those within the window."""
        recent = tuple(at for at in tries.latest if now - at < self.window_s)
        return WrongTries(len(recent), recent)

    def wait_s(self, tries: WrongTries, now: float) -> float:
        """Return for how long there are still too many."""
        recent = self.counting(tries, now).latest
        return recent[-self.most] + self.window_s - now if len(recent) >= self.most else 0.0


class LockOutCounter(Generic[K]):
    """Wrong tries by key; `most` keys are remembered, and the latest `moments` of each."""

    def __init__(self, most: int, moments: int = 1) -> None:
        self._most, self._moments = most, moments
        self._tries: OrderedDict[K, WrongTries] = OrderedDict()

    @property
    def keys(self) -> tuple[K, ...]:
        """The keys with wrong tries, the one with the oldest first."""
        return tuple(self._tries)

    def wait_s(self, key: K, rule: LockOutRule, now: float) -> float:
        """Return the seconds before the key's next try is accepted; 0 for at once."""
        return rule.wait_s(self._tries.get(key, NO_TRIES), now)

    def count_wrong(self, key: K, rule: LockOutRule, now: float) -> None:
        """Count a wrong try; what no longer counts, or is more than is remembered, is dropped."""
        had = rule.counting(self._tries.get(key, NO_TRIES), now)
        self._tries[key] = WrongTries(had.count + 1, (*had.latest, now)[-self._moments :])
        self._tries.move_to_end(key)
        # Bounded: an attacker may try any number of names.
        while len(self._tries) > self._most or not self._oldest_counts(rule, now):
            self._tries.popitem(last=False)

    def forget(self, key: K) -> None:
        """Forget the wrong tries of a key."""
        self._tries.pop(key, None)

    def _oldest_counts(self, rule: LockOutRule, now: float) -> bool:
        oldest = next(iter(self._tries.values()))
        return rule.counting(oldest, now).count > 0
