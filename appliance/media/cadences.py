"""Cadences to be recognised: what a row of bursts must look like to be a call-progress tone.

A kind takes several bursts in a row that fit its plan and are equal among themselves: a single
pair of 200/200 opens the Italian dial tone, and voices make any single pair (v253.md 5).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from appliance.media.tones import Cadence, Plan

TOLERANCE = 0.15
TOLERANCE_MS = 50
"""How far a burst may be off its plan: the greater of the two."""
EQUAL_MS = 40
"""How far the bursts of one tone may differ: a frame of 20 ms at either end."""

Burst = tuple[int, int]
"""On and off, in ms."""


class Kind(enum.StrEnum):
    """What a tone says; all but ringback mean that nobody is at the far end."""

    BUSY = "busy"
    CONGESTION = "congestion"
    DIAL = "dial"
    RINGBACK = "ringback"
    STEADY = "steady"


@dataclass(frozen=True, slots=True)
class Pattern:
    """`pairs` bursts (on ms, off ms) in a row, from any place of the cycle, make a kind."""

    kind: Kind
    cycle: tuple[tuple[int, int], ...]
    pairs: int


_SLOW_MS = 700
_PAIRS = {Kind.BUSY: 3, Kind.CONGESTION: 3, Kind.DIAL: 3, Kind.RINGBACK: 1}
_PAIRS_FAST = 4
"""Fast bursts are over sooner and are met in more places, the Italian dial tone among them."""


def _pattern(kind: Kind, *cycle: Burst) -> Pattern:
    is_fast = kind in {Kind.BUSY, Kind.CONGESTION} and sum(cycle[0]) < _SLOW_MS
    return Pattern(kind, cycle, max(_PAIRS_FAST if is_fast else _PAIRS[kind], len(cycle)))


RELEASE_PATTERNS = (
    _pattern(Kind.CONGESTION, (200, 200)),
    _pattern(Kind.CONGESTION, (240, 240)),
    _pattern(Kind.CONGESTION, (250, 250)),
    _pattern(Kind.BUSY, (375, 375)),
    _pattern(Kind.BUSY, (480, 480)),
    _pattern(Kind.BUSY, (500, 500)),
)
"""Heard in every country: boxes that make analog lines follow their maker, not the country."""


def patterns_of(plan: Plan) -> tuple[Pattern, ...]:
    """Return what to look for, the country's own first; of one cadence the first kind is told."""
    named = (
        (Kind.CONGESTION, plan.congestion),
        (Kind.BUSY, plan.busy),
        (Kind.DIAL, plan.dial),
        (Kind.RINGBACK, plan.ringback),
    )
    own = [
        _pattern(kind, *((burst.on_ms, burst.off_ms) for burst in form.bursts))
        for kind, forms in named
        for form in forms
        if not is_steady(form)
    ]
    return (*own, *RELEASE_PATTERNS)


def is_steady(form: Cadence) -> bool:
    """Return whether a tone never pauses."""
    return all(burst.off_ms == 0 for burst in form.bursts)


def fit(bursts: tuple[Burst, ...], pattern: Pattern) -> tuple[Burst, ...] | None:
    """Return one cycle as measured, when the latest of `bursts` fit a pattern; else None."""
    latest = bursts[-pattern.pairs :]
    if len(latest) < pattern.pairs:
        return None
    period = len(pattern.cycle)
    turns = (pattern.cycle[turn:] + pattern.cycle[:turn] for turn in range(period))
    if not any(_follows(latest, cycle) for cycle in turns):
        return None
    alike = [latest[phase::period] for phase in range(period)]
    return tuple(map(_mean, alike)) if all(map(_are_equal, alike)) else None


def fit_early(bursts: tuple[Burst, ...], pattern: Pattern) -> tuple[Burst, ...] | None:
    """As `fit`, while the last pause still goes on: the next burst need not be waited for.

    The pause is taken for whole once it is as long as the one a cycle before it, to EQUAL_MS.
    Some boxes play no more than three bursts; and it is the time by which 500/500 is certain
    within 3 s of its onset.
    """
    on_ms, so_far_ms = bursts[-1]
    if len(bursts) < max(pattern.pairs, len(pattern.cycle) + 1):
        return None
    before_ms = bursts[-1 - len(pattern.cycle)][1]
    if so_far_ms < before_ms - EQUAL_MS:
        return None
    return fit((*bursts[:-1], (on_ms, before_ms)), pattern)


def _follows(bursts: tuple[Burst, ...], cycle: tuple[Burst, ...]) -> bool:
    return all(
        abs(measured - planned) <= max(TOLERANCE_MS, TOLERANCE * planned)
        for place, burst in enumerate(bursts)
        for measured, planned in zip(burst, cycle[place % len(cycle)], strict=True)
    )


def _are_equal(bursts: tuple[Burst, ...]) -> bool:
    return all(max(times) - min(times) <= EQUAL_MS for times in zip(*bursts, strict=True))


def _mean(bursts: tuple[Burst, ...]) -> Burst:
    on, off = (round(sum(times) / len(bursts)) for times in zip(*bursts, strict=True))
    return on, off
