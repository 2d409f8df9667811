"""How many lines were engaged at once, and for how long all of them were (P8).

While every line is engaged a caller hears busy and never reaches the box: only the carrier's
divert-on-busy can catch that call.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

Use = tuple[int, int]
"""When a line was engaged: from, to (ms since 1970)."""


@dataclass(frozen=True, slots=True)
class Peak:
    """The most `lines` engaged at once, first so at `at_ms` (None: never any), out of `of`;
    `all_ms` is for how long all of them were.
    """

    lines: int = 0
    of: int = 0
    at_ms: int | None = None
    all_ms: int = 0


def peak(uses: Iterable[Use], of: int, since_ms: int, until_ms: int) -> Peak:
    """Return the peak between two moments; a use that ends as another begins is not at once."""
    clipped = [(max(a, since_ms), min(b, until_ms)) for a, b in uses]
    steps = sorted(step for a, b in clipped if a < b for step in ((a, 1), (b, -1)))
    engaged, most, at_ms, all_ms, before = 0, 0, None, 0, since_ms
    for moment, change in steps:
        if of and engaged >= of:
            all_ms += moment - before
        engaged, before = engaged + change, moment
        if engaged > most:
            most, at_ms = engaged, moment
    return Peak(most, of, at_ms, all_ms)
