"""A tone that sweeps the band, and what its deconvolution tells: response, harmonics, the rest.

An exponential sweep passes n times its frequency a fixed time later: what a line makes of it at
n-fold frequency stands apart from its linear response, that much before it (Farina, AES 108, 2000).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from appliance.dsp.wav import SAMPLE_RATE, sine_peak
from hw_tests import signals
from hw_tests.signals import Wave

LOW_HZ, HIGH_HZ = 200.0, 3600.0
ROUNDS = 100
"""`LOW_HZ` times the time in which the frequency grows e-fold; whole: harmonics begin in phase."""
GROWTH_S = ROUNDS / LOW_HZ
SECONDS = float(GROWTH_S * np.log(HIGH_HZ / LOW_HZ))
SWEEP_DBM0 = -10.0
BEFORE_S, AFTER_S = 0.01, 0.03
"""What of an impulse response counts: a line's own is over sooner, its second harmonic far off."""
HARMONICS = (2, 3)
SPEECH_HZ = (300.0, 3400.0)
POINTS_HZ = tuple(float(hz) for hz in np.geomspace(*SPEECH_HZ, 60).round())
FLOOR = 1e-3
"""Of the strongest: where the sweep has nothing, nothing is divided by it."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What was heard of a sweep: gain in dB at `POINTS_HZ`, the rest in dB below the signal.

    `harmonics` are by their number, in dB below the signal, as a mean over the speech band.
    """

    gain_db: tuple[float, ...]
    harmonics: dict[int, float]
    snr_db: float

    def gain_at(self, hz: float) -> float:
        """Give the gain in dB at a frequency."""
        return float(np.interp(hz, POINTS_HZ, self.gain_db))

    @property
    def distortion(self) -> float:
        """All harmonics together, in % of the signal."""
        return 100 * float(np.sqrt(sum(10 ** (-db / 10) for db in self.harmonics.values())))


@lru_cache(maxsize=1)
def sweep() -> Wave:
    """Give the sweep: `SECONDS` from `LOW_HZ` to `HIGH_HZ`, at a level of `SWEEP_DBM0`."""
    at = np.arange(round(SECONDS * SAMPLE_RATE)) / SAMPLE_RATE
    phase = 2 * np.pi * ROUNDS * (np.exp(at / GROWTH_S) - 1)
    return signals.softened(sine_peak(SWEEP_DBM0) * np.sin(phase))


def heard(part: Wave) -> Swept | None:
    """Measure what was heard, beginning where the sweep began; None for silence."""
    known = sweep()
    size = 2 * max(len(part), len(known))
    spectrum = np.fft.rfft(known, size)
    power = np.abs(spectrum) ** 2
    power = np.maximum(power, FLOOR * np.max(power))
    impulse = np.fft.irfft(np.fft.rfft(part, size) * np.conj(spectrum) / power, size)
    linear = _around(impulse, 0.0)
    response = np.abs(np.fft.rfft(linear, size))
    strength = _mean(response, *SPEECH_HZ)
    if strength <= 0:
        return None
    hz = np.arange(len(response)) * SAMPLE_RATE / size
    gains = 20 * np.log10(np.maximum(np.interp(POINTS_HZ, hz, response), 1e-6))
    below = {n: _below(_harmonic(impulse, n), strength, n) for n in HARMONICS}
    explained = linear + sum(_harmonic(impulse, n) for n in HARMONICS)
    rest = np.fft.rfft(part, size) - np.fft.rfft(explained, size) * spectrum
    snr_db = _db(_mean(response * np.abs(spectrum), *SPEECH_HZ), _mean(np.abs(rest), *SPEECH_HZ))
    return Swept(tuple(map(float, gains)), below, snr_db)


def _around(impulse: Wave, at_s: float) -> Wave:
    """Give what stands around a moment of an impulse response that wraps; the rest is nothing."""
    first = round((at_s - BEFORE_S) * SAMPLE_RATE)
    places = np.arange(first, first + round((BEFORE_S + AFTER_S) * SAMPLE_RATE)) % len(impulse)
    kept = np.zeros(len(impulse))
    kept[places] = impulse[places]
    return kept


def _harmonic(impulse: Wave, number: int) -> Wave:
    return _around(impulse, -GROWTH_S * float(np.log(number)))


def _below(part: Wave, strength: float, number: int) -> float:
    """Give by how many dB a harmonic is weaker, over the band in which it can be heard."""
    strong = _mean(np.abs(np.fft.rfft(part)), number * SPEECH_HZ[0], SPEECH_HZ[1])
    return _db(strength, strong)


def _db(strong: float, weak: float) -> float:
    return float(20 * np.log10(strong / max(weak, 1e-9)))


def _mean(spectrum: Wave, low_hz: float, high_hz: float) -> float:
    """Give the root mean square of a spectrum between two frequencies."""
    scale = 2 * (len(spectrum) - 1) / SAMPLE_RATE
    part = spectrum[round(low_hz * scale) : round(high_hz * scale)]
    return float(np.sqrt(np.mean(part**2)))
