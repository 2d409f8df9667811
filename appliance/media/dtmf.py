"""Software DTMF detection, for modems that do not report digits and for phones without RFC 4733.

Windows of 20 ms every 10 ms; what one window shows stands in `keypad`. A digit is a key that
sounds long enough at a steady frequency (ITU-T Q.24; limits of audio.md 1: accepts 40 ms with
40 ms of pause, +-1.5 %, twist -8..+4 dB, -25 dBm0; refuses 23 ms and +-3.5 %).
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from appliance.media.correlate import WINDOW, energy
from appliance.media.frames import SAMPLE_RATE, SAMPLES_PER_MS
from appliance.media.keypad import Look, amplitude, examine
from appliance.media.tones import COLUMNS, KEYPAD, ROWS

HOP = WINDOW // 2
_WINDOW_BYTES = WINDOW * 2
_HOP_BYTES = HOP * 2
_HOP_HZ = SAMPLE_RATE / HOP
"""One turn of phase from window to window, in Hz."""

OFF_FREQUENCY = 0.025
"""Largest deviation: between the 1.8 % that is heard and the 3.5 % that is refused."""
LEAST_WINDOWS = 2
LEAST_COVER = 3.2
"""Windows' worth (10 ms each) that a digit must fill: 40 ms fills 4.0, 23 ms at most 2.8."""
MISSES = 3
"""Windows in a row that end a digit: a hole of 20 ms, one lost packet, does not make it two, a
pause of 35 ms does."""

SHADOW_WINDOWS = 8
"""How long a loud sound casts its shadow: 80 ms."""
SHADOW = 100.0
"""In energy: what is 20 dB below a sound that has just ended is taken for its dying away. A vowel
that ended 24 dB above it left 40 ms of a pure 1 behind (Festival's Italian man)."""
SHADOW_COVER = 10.0
"""A key that fills so many windows is one, whatever sounded before it."""


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
    """A key that is being heard, from the window before the first that showed it."""

    key: int
    phases: tuple[float, float] | None  # of the window before, if it showed the key
    amplitudes: list[float]
    shadow: float  # energy of the loudest window shortly before
    matched: int = 1
    missed: int = 0
    cover: float = 0.0
    started: DigitStarted | None = None


def _is_steady(run: _Run, phases: tuple[float, float]) -> bool:
    """Whether both phases moved since the window before as the key's frequencies do."""
    if run.phases is None:
        return True
    freqs = (ROWS[run.key // 4], COLUMNS[run.key % 4])
    return all(
        abs(_deviation(freq, late - early)) <= OFF_FREQUENCY * freq
        for freq, early, late in zip(freqs, run.phases, phases, strict=True)
    )


def _deviation(freq: float, advance: float) -> float:
    """Hz by which a phase advance (radians a hop) differs from that of `freq`, within +-50 Hz."""
    turns = advance / (2 * math.pi) - freq / _HOP_HZ
    return (turns - round(turns)) * _HOP_HZ


class Detector:
    """Finds the digits in one direction of one call; feed it 16-bit samples, cut anyhow."""

    def __init__(self) -> None:
        self._waiting = b""
        self._end = WINDOW  # samples fed up to the end of the window under examination
        self._before = bytes(_WINDOW_BYTES)
        self._run: _Run | None = None
        self._energies: deque[float] = deque(maxlen=SHADOW_WINDOWS)

    def feed(self, pcm16_frame: bytes) -> tuple[Digit, ...]:
        """Return what happened up to the end of `pcm16_frame` (usually 20 ms)."""
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

    def _judge(self, window: bytes, look: Look | None) -> Digit | None:
        if self._run is None:
            self._run = self._begin(look)
            return None
        _extend(self._run, window, look)
        if self._run.missed < MISSES:
            return self._start(self._run)
        ended = _ended(self._run)
        self._run = self._begin(look)
        return ended

    def _begin(self, look: Look | None) -> _Run | None:
        if look is None:
            return None
        amplitudes = [amplitude(self._before, look.key), look.amplitude]
        return _Run(look.key, look.phases, amplitudes, max(self._energies, default=0.0))

    def _start(self, run: _Run) -> DigitStarted | None:
        """Tell of a run that has lasted long enough, once."""
        if run.started is not None or run.matched < LEAST_WINDOWS or run.cover < LEAST_COVER:
            return None
        if run.cover < SHADOW_COVER and SHADOW * max(run.amplitudes) ** 2 < run.shadow:
            return None
        # The two windows that only touch the onset count for 120 - t samples of its 160 - t.
        onset = self._end - run.cover * HOP - (WINDOW - HOP) / 2
        run.started = DigitStarted(KEYPAD[run.key], max(0, round(onset / SAMPLES_PER_MS)))
        return run.started


def _extend(run: _Run, window: bytes, look: Look | None) -> None:
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
    """Add what part of a window the key fills, relative to its fullest one."""
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
