"""Tones and DTMF: generating, correlating, detecting keys."""

from __future__ import annotations

import array
import audioop
import math
import sys
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.dsp.wav import FRAME_SAMPLES, SAMPLE_RATE, SAMPLES_PER_MS, sine_peak

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


# ---- Tones made from data: the call-progress tones of five countries, and DTMF
# Plans: ITU-T tones-0203 as read by Asterisk `indications.conf`, levels by spandsp
# `global-tones.xml` (v253.md 5). DTMF: ITU-T Q.23. Levels are dBm0 of each single frequency.

# High group louder: the loop attenuates it more (v253.md 5, DAHDI's levels for Europe).
DTMF_LOW_DBM0 = -11.0
DTMF_HIGH_DBM0 = -9.0
"""Levels of the two groups, in dBm0."""
# Q.24 asks for 40 ms on and off; v253.md 5 advises 80 to 100 on and 80 off.
DTMF_ON_MS = 80
DTMF_OFF_MS = 80
ROWS = (697, 770, 852, 941)
COLUMNS = (1209, 1336, 1477, 1633)
KEYPAD = "123A456B789C*0#D"
"""The sixteen keys, row by row (Q.23)."""


@dataclass(frozen=True, slots=True)
class Burst:
    """`freqs` (Hz, together) for `on_ms`, then silence for `off_ms`."""

    freqs: tuple[int, ...]
    on_ms: int
    off_ms: int = 0


@dataclass(frozen=True, slots=True)
class Cadence:
    """Bursts, repeated from the start when they end; each frequency at `dbm0`."""

    bursts: tuple[Burst, ...]
    dbm0: float = -12.0


@dataclass(frozen=True, slots=True)
class TonePlan:
    """One country's tones; of several forms in use the first is the one to play."""

    dial: tuple[Cadence, ...]
    ringback: tuple[Cadence, ...]
    busy: tuple[Cadence, ...]
    congestion: tuple[Cadence, ...]


def cadence(freqs: tuple[int, ...], *on_off_ms: int, dbm0: float = -12.0) -> Cadence:
    """Return a cadence of one chord: `on_off_ms` are on, off, on, off … in ms.

    A single number is a steady tone, repeated with that period.
    """
    padded = (*on_off_ms, 0) if len(on_off_ms) % 2 else on_off_ms
    pairs = zip(padded[::2], padded[1::2], strict=True)
    return Cadence(tuple(Burst(freqs, on, off) for on, off in pairs), dbm0)


def steady(*freqs: int, dbm0: float = -12.0) -> Cadence:
    """Return a tone without pauses."""
    return cadence(freqs, 1000, dbm0=dbm0)


PLANS = {
    "it": TonePlan(
        # VoIP boxes (most Italian lines today) play a steady tone, exchanges the pulsed one.
        dial=(cadence((425,), 200, 200, 600, 1000), steady(425)),
        ringback=(cadence((425,), 1000, 4000),),
        # Sources disagree: 500/500 (Asterisk, DAHDI), 200/200 (spandsp): both are busy (v253.md 5).
        busy=(cadence((425,), 500, 500), cadence((425,), 200, 200)),
        congestion=(cadence((425,), 200, 200),),
    ),
    "de": TonePlan(
        dial=(steady(425),),
        ringback=(cadence((425,), 1000, 4000),),
        busy=(cadence((425,), 480, 480),),
        congestion=(cadence((425,), 240, 240),),
    ),
    "fr": TonePlan(
        dial=(steady(440), steady(330, 440)),
        ringback=(cadence((440,), 1500, 3500),),
        busy=(cadence((440,), 500, 500),),
        congestion=(cadence((440,), 250, 250),),
    ),
    "gb": TonePlan(
        dial=(steady(350, 440),),
        ringback=(cadence((400, 450), 400, 200, 400, 2000),),
        busy=(cadence((400,), 375, 375),),
        congestion=(cadence((400,), 400, 350, 225, 525),),
    ),
    "us": TonePlan(
        dial=(steady(350, 440, dbm0=-13.0),),
        ringback=(cadence((440, 480), 2000, 4000, dbm0=-19.0),),
        busy=(cadence((480, 620), 500, 500, dbm0=-24.0),),
        congestion=(cadence((480, 620), 250, 250, dbm0=-24.0),),
    ),
}
"""Call-progress tones by country code (v253.md 5)."""


def chord(freqs: tuple[float, ...], ms: int, dbm0: float = -12.0) -> bytes:
    """Return `ms` of sines sounding together, each at `dbm0`, as 16-bit samples from phase 0."""
    return mix(tuple((freq, dbm0) for freq in freqs), ms * SAMPLES_PER_MS)


def mix(sines: tuple[tuple[float, float], ...], samples: int) -> bytes:
    """Return `samples` 16-bit samples of the sum of (Hz, dBm0) sines, clipped at full scale."""
    steps = [(2 * math.pi * freq / SAMPLE_RATE, sine_peak(dbm0)) for freq, dbm0 in sines]
    wave = (sum(peak * math.sin(step * n) for step, peak in steps) for n in range(samples))
    return pcm16(wave)


def pcm16(values: Iterable[float]) -> bytes:
    """Return numbers as 16-bit little-endian samples, rounded and clipped."""
    samples = array.array("h", (max(-32768, min(32767, round(value))) for value in values))
    if sys.byteorder == "big":  # pragma: no cover - no such machine is built
        samples.byteswap()
    return samples.tobytes()


def play(what: Cadence, ms: int) -> bytes:
    """Return the first `ms` of a cadence as 16-bit samples."""
    once = b"".join(_burst(burst, what.dbm0) for burst in what.bursts)
    wanted = ms * SAMPLES_PER_MS * 2
    return (once * (wanted // len(once) + 1))[:wanted]


def dtmf(
    digits: str,
    on_ms: int = DTMF_ON_MS,
    off_ms: int = DTMF_OFF_MS,
    low_dbm0: float = DTMF_LOW_DBM0,
    high_dbm0: float = DTMF_HIGH_DBM0,
) -> bytes:
    """Return `digits` (0-9 * # A-D) as 16-bit samples, each followed by its pause.

    Raises ValueError for a character that is no key.
    """
    pause = bytes(off_ms * SAMPLES_PER_MS * 2)
    return b"".join(
        mix(((low, low_dbm0), (high, high_dbm0)), on_ms * SAMPLES_PER_MS) + pause
        for low, high in map(pair, digits)
    )


def pair(digit: str) -> tuple[int, int]:
    """Return the two frequencies (Hz) of a key; raises ValueError for any other character."""
    place = KEYPAD.find(digit)
    if place < 0 or len(digit) != 1:
        raise ValueError(f"{digit!r} is not a key of a telephone: use one of {KEYPAD}")
    return ROWS[place // 4], COLUMNS[place % 4]


def _burst(burst: Burst, dbm0: float) -> bytes:
    return chord(burst.freqs, burst.on_ms, dbm0) + bytes(burst.off_ms * SAMPLES_PER_MS * 2)


# ---- Correlation: how much of a known tone a 20 ms window holds
# `audioop.findfactor(a, b)` is sum(a*b) / sum(b*b), a correlator at C speed: one third of a
# microsecond for 160 samples. Energies are relative: a full-scale sine has 1.

# Samples of every window and reference: 20 ms, 50 Hz of resolution.
WINDOW = FRAME_SAMPLES
_FULL = 32767.0
# A wave of which less than this is new adds only rounding noise to a basis.
_DEPENDENT = 0.01

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

    Gram-Schmidt over their sines and cosines.
    """
    axes: list[list[float]] = []
    for rest in (_samples(freq, shape) for freq in freqs for shape in (math.sin, math.cos)):
        for axis in axes:
            share = _dot(rest, axis)
            rest = [a - share * b for a, b in zip(rest, axis, strict=True)]
        size = _dot(rest, rest)
        # What depends on the earlier axes is left out.
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
    """Return the energy of a window within a basis."""
    return sum(audioop.findfactor(window, axis) ** 2 * norm for axis, norm in axes)


def without(window: bytes, axes: Basis) -> tuple[bytes, float]:
    """Return a window less its part within a basis, and the energy of that part."""
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


# ---- The key that one 20 ms window shows: DTMF detection without memory
# A window is a key when two tones, one of a row and one of a column (ITU-T Q.23), carry almost all
# of its energy, in a ratio that a line can make (ITU-T Q.24). Design and limits: audio.md 1 and 2.

# A quieter window is not examined: 15 dB below the weakest pair that must be heard.
FLOOR_DBM0 = -40.0
_FLOOR = energy_at(FLOOR_DBM0)
# Least share of a window's energy that a tone must have to be examined. Low, because a dial tone
# may be 8 dB above the digit that ends it.
TONE_SHARE = 0.04
# Least share of both tones together, for the same reason.
PAIR_SHARE = 0.12
# Most energy beside the pair, relative to the pair: noise 7 dB below it.
RESIDUAL = 0.22
# Most energy at twice a tone's frequency, relative to the tone: voices have harmonics.
HARMONIC = 0.06
# Column over row, in energy: the +4 / -8 dB of Q.24 and 2 dB for the line's own slope.
TWIST_HIGH = 10 ** (6 / 10)
TWIST_LOW = 10 ** (-10 / 10)
"""Limits of that ratio."""
# f(1 +- SPREAD) together span a tone up to 1.8 % off; further apart they miss what is right.
SPREAD = 0.010
DIAL_HZ = 425.0
# Share of a window's energy from which a dial tone is removed before the pair is judged.
DIAL_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class DtmfWindow:
    """Content of one window: a key (its place in KEYPAD) and its two tones.

    `phases` of row and column in radians, `amplitude` of both, 1 for a full-scale sine.
    """

    key: int
    phases: tuple[float, float]
    amplitude: float


_ROW_WAVES = tuple(map(wave, ROWS))
_COLUMN_WAVES = tuple(map(wave, COLUMNS))
_HARMONICS = {freq: wave(2 * freq) for freq in ROWS + COLUMNS}
_SUBSPACES = {freq: basis((freq * (1 - SPREAD), freq * (1 + SPREAD))) for freq in ROWS + COLUMNS}
_DIAL = wave(DIAL_HZ)
_DIAL_BASIS = tuple((axis, 1.0) for axis in _DIAL)


def _strongest(window: bytes, waves: tuple[Wave, ...]) -> tuple[float, int]:
    """Return energy and place of the strongest of four frequencies."""
    powers = [power(window, wave) for wave in waves]
    most = max(powers)
    return most, powers.index(most)


def examine(window: bytes) -> DtmfWindow | None:
    """Return the key that 160 16-bit samples show, None for none."""
    total = energy(window)
    if total < _FLOOR:
        return None
    # The cheap tests come first: most of speech ends here, after 4 us.
    low, row = _strongest(window, _ROW_WAVES)
    if low < TONE_SHARE * total:
        return None
    high, column = _strongest(window, _COLUMN_WAVES)
    if high < TONE_SHARE * total or low + high < PAIR_SHARE * total:
        return None
    if not _is_pure(window, ROWS[row], COLUMNS[column]):
        return None
    return DtmfWindow(4 * row + column, _phases(window, row, column), math.sqrt(low + high))


def _without_dial_tone(window: bytes) -> bytes:
    """Return the window less a dial tone that is loud enough to matter."""
    # Removing a tone that is not there would take a little of both that are.
    if power(window, _DIAL) < DIAL_SHARE * energy(window):
        return window
    return without(window, _DIAL_BASIS)[0]


def _is_pure(window: bytes, row_hz: int, column_hz: int) -> bool:
    """Return whether two tones, a dial tone apart, are all there is, in an allowed ratio."""
    rest, high = without(_without_dial_tone(window), _SUBSPACES[column_hz])
    rest, low = without(rest, _SUBSPACES[row_hz])
    return (
        energy(rest) <= RESIDUAL * (low + high)
        and TWIST_LOW * low < high < TWIST_HIGH * low
        # On the rest: the second harmonic of 697 lies beside 1336 and would kill keys 2 and 3.
        and power(rest, _HARMONICS[row_hz]) <= HARMONIC * low
        and power(rest, _HARMONICS[column_hz]) <= HARMONIC * high
    )


def _phases(window: bytes, row: int, column: int) -> tuple[float, float]:
    return phase(window, _ROW_WAVES[row]), phase(window, _COLUMN_WAVES[column])


def amplitude(window: bytes, key: int) -> float:
    """Return the amplitude of a key (place in KEYPAD) in a window, whatever else is in it."""
    low = power(window, _ROW_WAVES[key // 4])
    return math.sqrt(low + power(window, _COLUMN_WAVES[key % 4]))


# ---- DTMF detection, for modems that do not report digits and for phones without RFC 4733
# Windows of 20 ms every 10 ms, each judged by `examine`. A digit is a key that sounds long enough
# at a steady frequency (ITU-T Q.24; limits of audio.md 1: accepts 40 ms with 40 ms of pause, +-1.5
# %, twist -8..+4 dB, -25 dBm0; refuses 23 ms and +-3.5 %).

HOP = WINDOW // 2
_WINDOW_BYTES = WINDOW * 2
_HOP_BYTES = HOP * 2
# One turn of phase from window to window, in Hz: frequency is unambiguous within +-50 Hz (audio.md
# 2).
_HOP_HZ = SAMPLE_RATE / HOP

# Largest deviation: between the 1.8 % that is heard and the 3.5 % that is refused.
OFF_FREQUENCY = 0.025
LEAST_WINDOWS = 2
# Windows' worth (10 ms each) that a digit must fill: 40 ms fills 4.0, 23 ms at most 2.8.
LEAST_COVER = 3.2
# Windows in a row that end a digit: a hole of 20 ms, one lost packet, does not make it two, a pause
# of 35 ms does.
MISSES = 3

# Windows, 80 ms, for which a loud sound hides what is much quieter.
SHADOW_WINDOWS = 8
# In energy: what is 20 dB below a sound that has just ended is taken for its dying away. A vowel
# that ended 24 dB above it left 40 ms of a pure 1 behind (Festival's Italian man).
SHADOW = 100.0
# A key that fills so many windows is one, whatever sounded before it.
SHADOW_COVER = 10.0


@dataclass(frozen=True, slots=True)
class DigitStarted:
    """A key went down: `at_ms` is its onset, in ms of sound fed since the detector was made."""

    digit: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class DigitEnded:
    """A key went up at `at_ms`, after `duration_ms`."""

    digit: str
    at_ms: int
    duration_ms: int


Digit = DigitStarted | DigitEnded


@dataclass(slots=True)
class _Run:
    """A key being heard, from the window before the first that showed it."""

    key: int
    phases: tuple[float, float] | None  # of the window before, if it showed the key
    amplitudes: list[float]
    shadow: float  # energy of the loudest window shortly before
    matched: int = 1
    missed: int = 0
    cover: float = 0.0
    started: DigitStarted | None = None


def _is_steady(run: _Run, phases: tuple[float, float]) -> bool:
    """Return whether both phases advanced since the window before as the key's frequencies do."""
    if run.phases is None:
        return True
    freqs = (ROWS[run.key // 4], COLUMNS[run.key % 4])
    return all(
        abs(_deviation(freq, late - early)) <= OFF_FREQUENCY * freq
        for freq, early, late in zip(freqs, run.phases, phases, strict=True)
    )


def _deviation(freq: float, advance: float) -> float:
    """Return by how many Hz (+-50) a phase advance (radians a hop) differs from that of `freq`."""
    turns = advance / (2 * math.pi) - freq / _HOP_HZ
    return (turns - round(turns)) * _HOP_HZ


class Detector:
    """Detects the digits in one direction of one call, in 16-bit samples, cut anyhow."""

    def __init__(self) -> None:
        self._waiting = b""
        self._end = WINDOW  # samples fed up to the end of the window under examination
        self._before = bytes(_WINDOW_BYTES)
        self._run: _Run | None = None
        self._energies: deque[float] = deque(maxlen=SHADOW_WINDOWS)

    def feed(self, pcm16_frame: bytes) -> tuple[Digit, ...]:
        """Return the digits up to the end of `pcm16_frame` (usually 20 ms)."""
        data = self._waiting + pcm16_frame
        found: list[Digit] = []
        at = 0
        while at + _WINDOW_BYTES <= len(data):
            event = self._step(data[at : at + _WINDOW_BYTES])
            if event is not None:
                found.append(event)
            at += _HOP_BYTES
        self._waiting = data[at:]
        return tuple(found)

    def _step(self, window: bytes) -> Digit | None:
        event = self._judge(window, examine(window))
        self._before = window
        self._energies.append(energy(window))
        self._end += HOP
        return event

    def _judge(self, window: bytes, look: DtmfWindow | None) -> Digit | None:
        if self._run is None:
            self._run = self._begin(look)
            return None
        _extend(self._run, window, look)
        if self._run.missed < MISSES:
            return self._start(self._run)
        ended = _ended(self._run)
        self._run = self._begin(look)
        return ended

    def _begin(self, look: DtmfWindow | None) -> _Run | None:
        if look is None:
            return None
        amplitudes = [amplitude(self._before, look.key), look.amplitude]
        return _Run(look.key, look.phases, amplitudes, max(self._energies, default=0.0))

    def _start(self, run: _Run) -> DigitStarted | None:
        """Report a run that has lasted long enough, once."""
        if run.started is not None or run.matched < LEAST_WINDOWS or run.cover < LEAST_COVER:
            return None
        if run.cover < SHADOW_COVER and SHADOW * max(run.amplitudes) ** 2 < run.shadow:
            return None
        # The two windows that only touch the onset count for 120 - t samples of its 160 - t.
        onset = self._end - run.cover * HOP - (WINDOW - HOP) / 2
        run.started = DigitStarted(KEYPAD[run.key], max(0, round(onset / SAMPLES_PER_MS)))
        return run.started


def _extend(run: _Run, window: bytes, look: DtmfWindow | None) -> None:
    """Count one more window for or against a run."""
    same = look if look is not None and look.key == run.key else None
    is_match = same is not None and _is_steady(run, same.phases)
    if is_match:
        run.matched += 1
        run.missed = 0
    else:
        run.missed += 1
    run.phases = same.phases if same is not None else None
    filled = same.amplitude if same is not None else amplitude(window, run.key)
    _cover(run, filled, is_match=is_match)


def _cover(run: _Run, filled: float, *, is_match: bool) -> None:
    """Add the part of a window that the key fills, relative to its fullest one."""
    if run.started is None:
        run.amplitudes.append(filled)
        run.cover = sum(run.amplitudes) / max(run.amplitudes)
    else:
        run.cover += 1.0 if is_match else min(1.0, filled / max(run.amplitudes))


def _ended(run: _Run) -> DigitEnded | None:
    if run.started is None:
        return None
    duration_ms = round(run.cover * HOP / SAMPLES_PER_MS)
    return DigitEnded(run.started.digit, run.started.at_ms + duration_ms, duration_ms)
