"""Test signals and what is measured in them: floats of 16-bit scale at 8 kHz, levels in dBm0.

Only the field test's machine needs numpy; the box itself does without (docs/architecture.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from appliance.media.frames import SAMPLE_RATE, sine_peak

Wave = NDArray[np.float64]
QUIETEST_DBM0 = -80.0
"""Below it nothing is told apart: 14-bit mu-law ends about there."""
MARK_S = 0.2
GAP_S = 0.1
TONE_SNR_DB = 12.0
"""A window that has so much of a tone has no speech besides."""
LEAST_WINDOWS = 15
APART = 6
"""Windows between two phases: far enough for a difference, near enough to lose few to a jump."""
MARK_SCORE = 0.3
"""A marker that was heard resembles itself far more; noise, speech and tones less."""


def tone(hz: float, dbm0: float, seconds: float) -> Wave:
    """Give a sine with ends of 5 ms, so that it does not click."""
    at = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return softened(sine_peak(dbm0) * np.sin(2 * np.pi * hz * at))


def chord(parts: tuple[tuple[float, float], ...], seconds: float) -> Wave:
    """Give sines (Hz, dBm0) together."""
    whole: Wave = np.sum([tone(hz, dbm0, seconds) for hz, dbm0 in parts], axis=0, dtype=np.float64)
    return whole


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
    """One sine found in a stretch: its level and what is left without it, in dBm0."""

    dbm0: float
    rest_dbm0: float

    @property
    def snr_db(self) -> float:
        """By how much the tone is above all the rest."""
        return self.dbm0 - self.rest_dbm0


def sine_in(part: Wave, hz: float) -> Tone:
    """Fit a sine of a known frequency and its offset by least squares."""
    at = 2 * np.pi * hz * np.arange(len(part)) / SAMPLE_RATE
    axes = np.stack((np.sin(at), np.cos(at), np.ones(len(part))), axis=1)
    found, *_ = np.linalg.lstsq(axes, part, rcond=None)
    left = part - axes @ found
    strength = float(np.hypot(found[0], found[1])) / np.sqrt(2)
    return Tone(_dbm0(float(strength)), level(left))


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


def pitch_ppm(part: Wave, hz: float, window_s: float = 0.05) -> float | None:
    """Give by how much a tone that was sent at `hz` is too high (ppm), wherever in `part` it is.

    Its phase is followed over some windows each, and half of the slopes lie on either side of what
    is told: a sample lost on the way makes one jump and no drift. None where there is no such tone.
    """
    size = round(window_s * SAMPLE_RATE)
    places = [
        (at, _phase(piece, hz, at))
        for at in range(0, len(part) - size + 1, size)
        if sine_in(piece := part[at : at + size], hz).snr_db >= TONE_SNR_DB
    ]
    if len(places) < LEAST_WINDOWS:
        return None
    at, phase = np.array(places).T
    phase = np.unwrap(phase)
    slopes = (phase[APART:] - phase[:-APART]) / (at[APART:] - at[:-APART])
    return float(np.median(slopes)) * SAMPLE_RATE / (2 * np.pi * hz) * 1e6


def _phase(piece: Wave, hz: float, at: int) -> float:
    """Give by how much a tone is ahead (radians) of one of exactly `hz` that began at sample 0."""
    turns = np.exp(-2j * np.pi * hz * (at + np.arange(len(piece))) / SAMPLE_RATE)
    return float(np.angle(np.sum(piece * turns)))


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
