"""What a caller made out: the announcements that were heard, by correlation with the recordings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from appliance.dsp import g711
from appliance.prompts import Catalogue
from appliance.prompts.voices import texts
from appliance.simulator.exchange.process import RunningCall
from tests.helpers.box import Box

LIKE = 0.8
"""How like a recording a stretch of sound is that is taken for it; another word is below 0.4."""
SHORTEST = 4000
"""Samples of the shortest recording looked for: a digit's likeness says little."""


class Heard(NamedTuple):
    """A recording that was made out, when it began and ended (s), and how like it was."""

    name: str
    begins: float
    ends: float
    like: float


Numbers = np.ndarray[tuple[int, ...], np.dtype[Any]]


def samples_of(sound: bytes) -> Numbers:
    """Return 16-bit sound as numbers."""
    return np.frombuffer(sound, "<i2").astype(np.float64)


def recordings(box: Box) -> Iterator[tuple[str, bytes]]:
    """Give what the box may say: Italian in its own voice, which says the name, and the others."""
    catalogue = Catalogue(box.state / "spoken", device=("it",))
    for language in box.settings.site.languages:
        known = {key for entries in texts(language).values() for key in entries}
        for key in known - {"hold_music"}:
            yield f"{language}/{key}", catalogue.load(language, key)


def made_out(box: Box, call: RunningCall, among: tuple[str, ...] = ()) -> list[Heard]:
    """List what was heard, in its order; of two recordings that begin alike the likelier one.

    `among`: the recordings that are looked for, all of them if left out: on a busy machine each
    takes its time.
    """
    heard = samples_of(g711.ulaw_to_linear(bytes(call.heard)))
    size = 1 << (len(heard) - 1).bit_length()
    spectrum = np.fft.rfft(heard, 2 * size)
    energy = np.concatenate(([0.0], np.cumsum(heard**2)))
    found: dict[float, Heard] = {}
    for name, sound in recordings(box):
        if among and name not in among:
            continue
        said = samples_of(sound)
        at, like = _place(said, spectrum, energy, size) if len(said) >= SHORTEST else (0, 0.0)
        one = Heard(name, at / 8000, (at + len(said)) / 8000, like)
        known = found.get(round(one.begins, 1))
        if like >= LIKE and (known is None or known.like < like):
            found[round(one.begins, 1)] = one
    return sorted(found.values(), key=lambda one: one.begins)


def _place(said: Numbers, spectrum: Numbers, energy: Numbers, size: int) -> tuple[int, float]:
    """Find a recording by two of its beginning, middle and end: where, and how like it is.

    A machine that stands still loses some of the sound.
    """
    found = []
    for start in (0, (len(said) - SHORTEST) // 2, len(said) - SHORTEST):
        part = said[start : start + SHORTEST]
        like = np.fft.irfft(spectrum * np.conj(np.fft.rfft(part, 2 * size)))
        powers = energy[SHORTEST:] - energy[:-SHORTEST]
        score = like[: len(powers)] / np.sqrt(np.maximum(powers, 1e6) * np.square(part).sum())
        at = int(score.argmax())
        found.append((float(score[at]), at - start))
    by_score = sorted(found, reverse=True)
    return by_score[0][1], by_score[1][0]
