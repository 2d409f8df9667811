"""What a LED says, by looks at its pin: each with the time of the board's own clock.

An emulated board lives slower than we do, now more and now less: its own milliseconds are those in
which a pattern is written (docs/leds.en.md).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

Pattern = tuple[tuple[bool, int], ...]
"""(lit, ms) repeated for ever; a single entry is steady, for at least so long."""

DARK: Final[Pattern] = ((False, 4000),)
LIT: Final[Pattern] = ((True, 4000),)
FAST: Final[Pattern] = ((True, 200), (False, 200))
ONE_FLASH: Final[Pattern] = ((True, 100), (False, 1900))
THREE_FLASHES: Final[Pattern] = (
    (True, 100), (False, 200), (True, 100), (False, 200), (True, 100), (False, 1300),
)  # fmt: skip
LATE_MS: Final = 80
LATE: Final = 1.25
"""A step may be so much longer, for the thread that takes it shares the board's only processor;
and shorter by so many ms, after one that came late."""
TIMES: Final = 2
"""How often a pattern is seen whole before it is believed."""


@dataclass(frozen=True, slots=True)
class Look:
    """At `ms` of the board's clock the pin was high, or low."""

    ms: float
    lit: bool


def runs(looks: list[Look]) -> list[tuple[bool, float]]:
    """Return (lit, ms) of each stretch that was seen from its beginning to its end."""
    begins = [looks[0], *(b for a, b in itertools.pairwise(looks) if a.lit != b.lit)]
    return [(a.lit, b.ms - a.ms) for a, b in itertools.pairwise(begins)][1:]


def shows(looks: list[Look], pattern: Pattern) -> bool:
    """Tell whether the looks are those at a LED with this pattern, and long enough to know."""
    if not looks:
        return False
    if len(pattern) == 1:
        ((lit, ms),) = pattern
        return all(one.lit == lit for one in looks) and looks[-1].ms - looks[0].ms >= ms
    seen = runs(looks)
    return len(seen) >= TIMES * len(pattern) and any(
        all(map(_is_like, seen, itertools.cycle(turned))) for turned in _turned(pattern)
    )


def steadily(looks: list[Look]) -> list[Look]:
    """Return the latest looks that have all seen the same."""
    same = itertools.takewhile(lambda one: one.lit == looks[-1].lit, reversed(looks))
    return list(same)[::-1]


def blinked(looks: list[Look], pattern: Pattern) -> bool:
    """Tell whether a blinking pattern was begun: a stretch of it was seen whole."""
    return any(_is_like(one, step) for one in runs(looks) for step in pattern)


def room_ms(pattern: Pattern) -> float:
    """Say how much of the past is looked at: room for whole patterns wherever they begin."""
    return LATE * (TIMES + 1) * sum(ms for _, ms in pattern)


def _turned(pattern: Pattern) -> Iterator[Pattern]:
    return (pattern[n:] + pattern[:n] for n in range(len(pattern)))


def _is_like(seen: tuple[bool, float], told: tuple[bool, int]) -> bool:
    return seen[0] == told[0] and told[1] - LATE_MS <= seen[1] <= told[1] * LATE + LATE_MS
