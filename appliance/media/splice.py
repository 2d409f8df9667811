"""Joints between two stretches of 16-bit sound: ramps, cross-fades, and where both fit best."""

from __future__ import annotations

import array
import audioop
from typing import TYPE_CHECKING

from appliance.media.tones import pcm16

if TYPE_CHECKING:
    from collections.abc import Sequence


def ramped(pcm: bytes, start: float, end: float) -> bytes:
    """Return sound whose gain goes evenly from `start` to `end`."""
    wave = array.array("h", pcm)
    step = (end - start) / max(1, len(wave))
    return pcm16(sample * (start + step * n) for n, sample in enumerate(wave))


def crossed(old: bytes, new: bytes) -> bytes:
    """Return one stretch of sound fading out while another of its length fades in."""
    return audioop.add(ramped(old, 1.0, 0.0), ramped(new, 0.0, 1.0), 2)


def likeness(one: bytes, other: bytes) -> float:
    """Return how alike two windows of one length are: 1 the same shape, 0 strangers.

    The correlation coefficient without its means; silence is like nothing.
    """
    loud = audioop.rms(other, 2)
    if not loud:
        return 0.0
    return audioop.findfactor(one, other) * loud / (audioop.rms(one, 2) + 1)


def best_fit(line: bytes, here: int, places: Sequence[int], size: int) -> tuple[int, float]:
    """Return the place where `line` is most like the `size` samples at `here`, and how alike.

    Places are samples; every second one is tried first, then the neighbours of the best of them.
    """
    wanted = line[2 * here : 2 * (here + size)]

    def fit(place: int) -> float:
        return likeness(line[2 * place : 2 * (place + size)], wanted)

    coarse = max(places[::2], key=fit)
    near = [place for place in (coarse - 1, coarse, coarse + 1) if place in places]
    best = max(near, key=fit)
    return best, fit(best)
