"""A ruler for clicks: how sharp sound is at a place, against what was said around it."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

WINDOW = 16
"""Samples, 2 ms: as long as a click."""
NEAR = 24
"""Samples to either side of a joint in which its click would lie."""
AROUND = 80
"""Samples, 10 ms, to either side whose sharpest moment the joint is compared with."""
NOTHING = 8.0
"""Mean square of the least that counts, about -75 dBm0: nobody hears a click of it."""
CLICK_DB = 6.0
"""A joint so much sharper than anything said around it is a click."""


def sharpness(pcm: bytes, begin: int, end: int) -> float:
    """Return the greatest mean square, over 2 ms, of the second difference of 16-bit sound.

    The second difference passes what lies above 2 kHz (its gain there is 2, at 300 Hz 0.06),
    where a step has its energy and a voice has little.
    """
    begin = max(0, begin)
    wave = np.frombuffer(pcm[2 * begin : 2 * max(begin, end)], "<i2").astype(np.int64)
    if len(wave) < 3:
        return 0.0
    summed = np.concatenate(([0], np.cumsum(np.diff(wave, 2) ** 2)))
    bent = len(summed) - 1
    starts = np.arange(0, max(1, bent - WINDOW + 1), WINDOW // 4)
    return float((summed[np.minimum(starts + WINDOW, bent)] - summed[starts]).max() / WINDOW)


def click_db(heard: bytes, at: int, said: bytes, place: int) -> float:
    """Return how much sharper `heard` is at the joint `at` than around it, in dB.

    Around it is what is heard to either side of the joint, and what was `said` about `place`: a
    hiss that goes on is no click, nor is a consonant that was there.
    """
    joint = sharpness(heard, at - NEAR, at + NEAR)
    usual = max(
        sharpness(said, place - AROUND, place + AROUND),
        sharpness(heard, at - NEAR - AROUND, at - NEAR),
        sharpness(heard, at + NEAR, at + NEAR + AROUND),
    )
    return 10 * math.log10(max(joint, NOTHING) / max(usual, NOTHING))


def clicks(heard: bytes, said: bytes, joints: Iterable[int]) -> list[float]:
    """Return `click_db` of each joint in sound that is aligned with what was said."""
    return [click_db(heard, at, said, at) for at in joints]
