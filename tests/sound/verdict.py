"""One alignment, then how far what was heard is from what was said."""

from __future__ import annotations

from dataclasses import dataclass

from tests.helpers import sound

REACH = 400
"""Samples either way in which a stretch of sound may have moved against the whole."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`heard` begins `lag` samples late; its end has moved by `stretch` samples against its start.

    `snr_db` is the mean of the active frames; `length` counts samples from the alignment on.
    """

    lag: int
    snr_db: float
    stretch: int
    length: int


def judge(said: bytes, heard: bytes, max_lag: int = 40_000) -> Verdict:
    """Compare 16-bit sound; raises ValueError when too little was heard to be compared."""
    lag = sound.align(said, heard, max_lag)
    if lag < 0:
        raise ValueError(f"the first {-lag} samples of what was said are missing")
    aligned = heard[2 * lag : 2 * lag + len(said)]
    part = len(said) // 6 * 2
    first = sound.align(said[:part], aligned[: part + 2 * REACH], REACH)
    before = len(said) - part - 2 * REACH
    last = sound.align(said[-part:], aligned[before:], 2 * REACH) - REACH
    return Verdict(lag, sound.segmental_snr(said, aligned), last - first, len(aligned) // 2)
