"""Test signals and what is measured in them: floats of 16-bit scale at 8 kHz, levels in dBm0.

Only the field test's machine needs numpy; the box itself does without (docs/design/decisions.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from appliance.dsp.wav import SAMPLE_RATE, sine_peak

if TYPE_CHECKING:
    from collections.abc import Sequence

Wave = NDArray[np.float64]
QUIETEST_DBM0 = -80.0
"""Below it nothing is told apart: 14-bit mu-law ends about there."""
MARK_S = 0.2
GAP_S = 0.1
MAINS_HZ, HUM_DB = (50.0, 60.0), 6.0
"""Without the mains' harmonics so much less is left of a noise that is hum."""
NOISE_HZ = (250.0, 3450.0)
TONE_SNR_DB = 12.0
"""A window that has so much of a tone has no speech besides."""
LEAST_WINDOWS = 15
APART = 6
"""Windows between two phases: far enough for a difference, near enough to lose few to a jump."""
MARK_SCORE = 0.3
"""A marker that was heard resembles itself far more; noise, speech and tones less."""
PITCH_PPM = 1000.0
"""How far from its nominal frequency a tone is looked for: no two crystals are so far apart."""
FIT_ROUNDS = 5
"""Rounds of Gauss and Newton; within half a turn over the stretch each squares the error."""


def tone(hz: float, dbm0: float, seconds: float) -> Wave:
    """Give a sine with ends of 5 ms, so that it does not click."""
    at = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return softened(sine_peak(dbm0) * np.sin(2 * np.pi * hz * at))


def chord(parts: tuple[tuple[float, float], ...], seconds: float) -> Wave:
    """Give sines (Hz, dBm0) together."""
    whole: Wave = np.sum([tone(hz, dbm0, seconds) for hz, dbm0 in parts], axis=0, dtype=np.float64)
    return whole


@lru_cache(maxsize=4)
def noise(dbm0: float, seconds: float) -> Wave:
    """Give noise of the telephone's band at a level; the same every time."""
    size = round(seconds * SAMPLE_RATE)
    spectrum = np.fft.rfft(np.random.default_rng(3).normal(0, 1000, size))
    hz = np.arange(len(spectrum)) * SAMPLE_RATE / size
    spectrum[(hz < NOISE_HZ[0]) | (hz > NOISE_HZ[1])] = 0
    made = np.fft.irfft(spectrum, size)
    return softened(made * 10 ** ((dbm0 - level(made)) / 20))


def rest(seconds: float) -> Wave:
    """Give silence."""
    return np.zeros(round(seconds * SAMPLE_RATE))


@lru_cache(maxsize=1)
def marker() -> Wave:
    """Give a rising sweep by which the place and the delay of what follows are found."""
    at = np.arange(round(MARK_S * SAMPLE_RATE)) / SAMPLE_RATE
    sweep = 500 * at + (2200 - 500) / MARK_S * at**2 / 2
    return softened(sine_peak(-14.0) * np.sin(2 * np.pi * sweep))


def marked(wave: Wave) -> Wave:
    """Put the marker and a gap before a signal."""
    return np.concatenate((marker(), rest(GAP_S), wave))


def pcm(wave: Wave) -> bytes:
    """Write samples as 16-bit little endian, clipped."""
    return np.clip(np.rint(wave), -32768, 32767).astype("<i2").tobytes()


def wave(pcm16: bytes) -> Wave:
    """Read 16-bit samples."""
    return np.frombuffer(pcm16, dtype="<i2").astype(np.float64)


@dataclass(frozen=True, slots=True)
class Found:
    """Where a marker begins (samples), and how like it what stands there is (0 to 1)."""

    at: int
    score: float


def find(heard: Wave) -> Found | None:
    """Find the marker in what was heard; None where nothing resembles it."""
    known = marker()
    if len(heard) < len(known):
        return None
    size = len(heard) + len(known)
    product = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(known, size)), size)
    product = product[: len(heard) - len(known) + 1]
    sums = np.concatenate(([0.0], np.cumsum(heard**2)))
    energy = sums[len(known) :] - sums[: -len(known)]
    floor = float(np.sum(known**2)) * 1e-6
    likeness = product / np.sqrt(np.maximum(energy, floor) * np.sum(known**2))
    at = int(np.argmax(likeness))
    score = float(likeness[at])
    return Found(at, score) if score >= MARK_SCORE else None


def level(part: Wave) -> float:
    """Give the power of a stretch in dBm0."""
    if not len(part):
        return QUIETEST_DBM0
    return _dbm0(float(np.sqrt(np.mean(part**2))))


@dataclass(frozen=True, slots=True)
class Tone:
    """One sine found in a stretch: its level and what is left without all that were, in dBm0.

    `phase` is that at the first sample, in radians.
    """

    hz: float
    dbm0: float
    rest_dbm0: float
    phase: float

    @property
    def snr_db(self) -> float:
        """By how much the tone is above all the rest."""
        return self.dbm0 - self.rest_dbm0


def sine_in(part: Wave, hz: float) -> Tone:
    """Fit a sine of a known frequency and its offset by least squares."""
    (found,) = sines_in(part, (hz,))
    return found


def sines_in(part: Wave, hz: Sequence[float]) -> tuple[Tone, ...]:
    """Fit sines of known frequencies and their offset together by least squares."""
    axes = _axes(len(part), hz)
    found, *_ = np.linalg.lstsq(axes, part, rcond=None)
    rest_dbm0 = level(part - axes @ found)
    sines, cosines = found[: len(hz)], found[len(hz) : -1]
    return tuple(
        Tone(each, _dbm0(float(np.hypot(a, b)) / np.sqrt(2)), rest_dbm0, float(np.arctan2(b, a)))
        for each, a, b in zip(hz, sines, cosines, strict=True)
    )


def tones_in(part: Wave, *nominal: float) -> tuple[Tone, ...]:
    """Fit sines together, each at the pitch that it has within `PITCH_PPM` of the nominal one.

    What two crystals do to a tone is pitch, not noise: fitted at the frequency that was sent, a
    second of a tone that is 40 ppm too high leaves 23 dB below it.
    """
    about = hz = np.array(nominal)
    furthest = about * PITCH_PPM * 1e-6
    at = np.arange(len(part)) / SAMPLE_RATE
    turning = 2 * np.pi * (at - at.mean() if len(at) else at)[:, np.newaxis]
    for _ in range(FIT_ROUNDS):
        axes = _axes(len(part), hz)
        found, *_ = np.linalg.lstsq(axes, part, rcond=None)
        sines, cosines = axes[:, : len(hz)], axes[:, len(hz) : -1]
        slopes = turning * (found[: len(hz)] * cosines - found[len(hz) : -1] * sines)
        steps, *_ = np.linalg.lstsq(np.hstack((axes, slopes)), part, rcond=None)
        hz = np.clip(hz + steps[-len(hz) :], about - furthest, about + furthest)
    return sines_in(part, tuple(map(float, hz)))


def _axes(size: int, hz: Sequence[float] | NDArray[np.float64]) -> Wave:
    """Give sines, then cosines of some frequencies and a constant, as columns."""
    at = 2 * np.pi * np.arange(size)[:, np.newaxis] / SAMPLE_RATE * np.array(hz)
    return np.hstack((np.sin(at), np.cos(at), np.ones((size, 1))))


def without_offset(part: Wave) -> Wave:
    """Take a constant from a sound: it is no noise, for nobody hears it."""
    return part - np.mean(part) if len(part) else part


def hums(part: Wave) -> bool:
    """Tell whether most of a noise is the mains and its harmonics."""
    if not len(part):
        return False
    whole = level(part)
    return any(
        whole - sines_in(part, [hz * n for n in range(1, 9)])[0].rest_dbm0 > HUM_DB
        for hz in MAINS_HZ
    )


def frequency(part: Wave) -> float:
    """Give the strongest frequency (Hz), to about a tenth of one; 0 in silence."""
    if len(part) < 256 or level(part) <= QUIETEST_DBM0:
        return 0.0
    size = 1 << 16
    power = np.abs(np.fft.rfft(part * np.hanning(len(part)), size))
    power[: round(100 * size / SAMPLE_RATE)] = 0
    return float(np.argmax(power)) * SAMPLE_RATE / size


def levels(part: Wave, step_s: float = 0.05) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Give seconds and the level of each step, for a drawing."""
    size = round(step_s * SAMPLE_RATE)
    pieces = [part[at : at + size] for at in range(0, len(part) - size + 1, size)]
    times = tuple(round(n * step_s, 3) for n in range(len(pieces)))
    return times, tuple(round(level(piece), 1) for piece in pieces)


def spectrum(part: Wave, size: int = 512) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Give frequencies (Hz) and the level in each (dBm0), averaged, for a drawing."""
    window = np.hanning(size)
    pieces = [part[at : at + size] * window for at in range(0, len(part) - size + 1, size // 2)]
    if not pieces:
        return (), ()
    power = np.mean([np.abs(np.fft.rfft(piece)) ** 2 for piece in pieces], axis=0)
    rms = np.sqrt(power / 2) / (np.sum(window) / 2)
    hz = np.arange(len(rms)) * SAMPLE_RATE / size
    return tuple(map(float, hz)), tuple(round(_dbm0(float(each)), 1) for each in rms)


def drift_ppm(arrivals: list[tuple[int, float]], bin_s: float = 1.0) -> float | None:
    """Give by how much a modem's crystal runs faster than this machine's clock (ppm).

    Sound comes late, never early: of each second the piece that came least late counts. None where
    there are fewer than five seconds.
    """
    if not arrivals:
        return None
    first = arrivals[0][1]
    best: dict[int, tuple[float, float]] = {}
    for total, at in arrivals:
        late = at - total / SAMPLE_RATE
        place = int((at - first) / bin_s)
        if place not in best or late < best[place][0]:
            best[place] = (late, at)
    if len(best) < 5:
        return None
    late_s, at_s = np.array(list(best.values())).T
    slope = float(np.polyfit(at_s - at_s[0], late_s, 1)[0])
    return -slope * 1e6


def pitch_ppm(part: Wave, hz: float, own_hz: float, window_s: float = 0.05) -> float | None:
    """Give by how much a tone that was sent at `hz` is too high (ppm), wherever in `part` it is.

    A tone of `own_hz` that the listener itself plays meanwhile comes back as echo, louder than the
    far one perhaps: both are fitted together. The phase is followed over some windows each, and
    half of the slopes lie on either side of what is told: a sample lost on the way makes one jump
    and no drift. None where there is no such tone.
    """
    size = round(window_s * SAMPLE_RATE)
    places = []
    for at in range(0, len(part) - size + 1, size):
        far, _ = sines_in(part[at : at + size], (hz, own_hz))
        if far.snr_db >= TONE_SNR_DB:
            places.append((at, far.phase - 2 * np.pi * hz * at / SAMPLE_RATE))
    if len(places) < LEAST_WINDOWS:
        return None
    at, phase = np.array(places).T
    phase = np.unwrap(phase)
    slopes = (phase[APART:] - phase[:-APART]) / (at[APART:] - at[:-APART])
    return float(np.median(slopes)) * SAMPLE_RATE / (2 * np.pi * hz) * 1e6


def softened(shape: Wave) -> Wave:
    """Give a signal ends of 5 ms, so that it does not click; changes what it is given."""
    ends = min(round(0.005 * SAMPLE_RATE), len(shape) // 2)
    ramp = np.sin(np.linspace(0, np.pi / 2, ends, endpoint=False)) ** 2
    shape[:ends] *= ramp
    shape[len(shape) - ends :] *= ramp[::-1]
    return shape


def _dbm0(rms: float) -> float:
    full = sine_peak(0.0) / np.sqrt(2)
    return max(QUIETEST_DBM0, float(20 * np.log10(max(rms, 1e-9) / full)))
