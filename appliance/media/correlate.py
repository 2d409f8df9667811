"""How much of a known tone a 20 ms window holds: `audioop.findfactor` as a C-speed correlator.

`findfactor(a, b)` is sum(a*b) / sum(b*b), one third of a microsecond for 160 samples. Energies
are relative: a full-scale sine has 1.
"""

from __future__ import annotations

import audioop
import math
from typing import TYPE_CHECKING

from appliance.media.frames import FRAME_SAMPLES, SAMPLE_RATE, sine_peak
from appliance.media.tones import pcm16

if TYPE_CHECKING:
    from collections.abc import Callable

WINDOW = FRAME_SAMPLES
"""Samples of every window and reference: 20 ms, 50 Hz of resolution."""
_FULL = 32767.0
_DEPENDENT = 0.01
"""A wave of which less than this is new adds only rounding noise to a basis."""

Wave = tuple[bytes, bytes]
"""Sine and cosine of one frequency, one window long, at full scale."""
Basis = tuple[tuple[bytes, float], ...]
"""Orthogonal windows, each with its energy."""


def wave(freq: float) -> Wave:
    """Return the references of one frequency (Hz) for `power` and `phase`."""
    sine, cosine = (
        pcm16(_FULL * a for a in _samples(freq, shape)) for shape in (math.sin, math.cos)
    )
    return sine, cosine


def basis(freqs: tuple[float, ...]) -> Basis:
    """Return orthogonal windows that span all sines of `freqs` (Hz) and those between neighbours.

    Gram-Schmidt over their sines and cosines; what depends on the earlier ones is left out.
    """
    axes: list[list[float]] = []
    for rest in (_samples(freq, shape) for freq in freqs for shape in (math.sin, math.cos)):
        for axis in axes:
            share = _dot(rest, axis)
            rest = [a - share * b for a, b in zip(rest, axis, strict=True)]
        size = _dot(rest, rest)
        if size > _DEPENDENT * WINDOW / 2:
            axes.append([a / math.sqrt(size) for a in rest])
    return tuple((axis, energy(axis)) for axis in map(_full_scale, axes))


def energy(window: bytes) -> float:
    """Return the energy of a window of 16-bit samples; a full-scale sine has 1."""
    return 2 * (audioop.rms(window, 2) / _FULL) ** 2


def energy_at(dbm0: float) -> float:
    """Return the `energy` of a sine of `dbm0`."""
    return (sine_peak(dbm0) / _FULL) ** 2


def power(window: bytes, reference: Wave) -> float:
    """Return the energy of one frequency in a window."""
    sine = audioop.findfactor(window, reference[0])
    cosine = audioop.findfactor(window, reference[1])
    return sine * sine + cosine * cosine


def phase(window: bytes, reference: Wave) -> float:
    """Return the phase (radians, of a cosine) of one frequency in a window."""
    sine, cosine = (audioop.findfactor(window, part) for part in reference)
    return math.atan2(-sine, cosine)


def explained(window: bytes, axes: Basis) -> float:
    """Return the energy of a window that lies in a basis."""
    return sum(audioop.findfactor(window, axis) ** 2 * norm for axis, norm in axes)


def without(window: bytes, axes: Basis) -> tuple[bytes, float]:
    """Return the window less what a basis explains of it, and the energy of that."""
    taken = 0.0
    for axis, norm in axes:
        share = audioop.findfactor(window, axis)
        taken += share * share * norm
        window = audioop.add(window, audioop.mul(axis, 2, -share), 2)
    return window, taken


def _samples(freq: float, shape: Callable[[float], float]) -> list[float]:
    step = 2 * math.pi * freq / SAMPLE_RATE
    return [shape(step * n) for n in range(WINDOW)]


def _dot(a: list[float], b: list[float]) -> float:
    return math.fsum(x * y for x, y in zip(a, b, strict=True))


def _full_scale(axis: list[float]) -> bytes:
    scale = _FULL / max(max(axis), -min(axis))
    return pcm16(a * scale for a in axis)
