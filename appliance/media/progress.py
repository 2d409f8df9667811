"""Call-progress tones as evidence that the far end has gone, and the length of a silence.

Bursts are measured in frames of 20 ms: a frame is tone when one chord of the country's plan
carries most of its energy. What a row of bursts says stands in `cadences`.
"""

from __future__ import annotations

import audioop
import math
from collections import deque
from dataclasses import dataclass

from appliance.media.cadences import Burst, Kind, fit, fit_early, is_steady, patterns_of
from appliance.media.correlate import Basis, basis, energy, energy_at, explained
from appliance.media.frames import FRAME_MS, FRAME_SAMPLES, rms_at
from appliance.media.tones import Cadence, Plan

FLOOR_DBM0 = -40.0
_FLOOR = energy_at(FLOOR_DBM0)
PURITY = 0.80
"""Share of a frame's energy that must lie in one chord: a tone 6 dB above noise has it."""
SPREAD_HZ = 10
"""Tones are heard 15 Hz off their nominal frequency and more."""
DIP = 0.25
"""A pause is at least 6 dB below its tone; a louder one is somebody speaking or music."""
LOUD_FRAMES = 2
"""Frames a pause may be loud: the two that hold the tone's ends."""
STRANGE_FRAMES = 3
"""Frames in a row that fit another chord better before it is one: a frame that holds only a part
of a burst fits any chord nearby (GB: 350 + 440, 400 + 450)."""
STEADY_MS = 4000
FORGET_MS = 6500
"""A pause longer than every plan's: the next tone is a new one."""
_FRAME_BYTES = FRAME_SAMPLES * 2
_MOST_PAIRS = 8


@dataclass(frozen=True, slots=True)
class ProgressHeard:
    """A tone was recognised: on and off times as measured, `after_ms` after its first burst."""

    kind: Kind
    cadence_ms: tuple[int, ...]
    after_ms: int


def _chords(forms: tuple[Cadence, ...]) -> frozenset[frozenset[int]]:
    return frozenset(frozenset(burst.freqs) for form in forms for burst in form.bursts)


@dataclass(frozen=True, slots=True)
class _Chord:
    """Frequencies looked for together, and whether a steady one is a dial tone."""

    axes: Basis
    dials: bool


def _looked_for(plan: Plan) -> tuple[_Chord, ...]:
    """The plan's chords, each once, a chord that is part of another one within it."""
    every = _chords((*plan.dial, *plan.ringback, *plan.busy, *plan.congestion))
    dial = _chords(tuple(form for form in plan.dial if is_steady(form)))
    greatest = [chord for chord in every if not any(chord < other for other in every)]
    return tuple(
        _Chord(basis(_around(chord)), any(one <= chord for one in dial))
        for chord in sorted(greatest, key=sorted)
    )


def _around(chord: frozenset[int]) -> tuple[float, ...]:
    return tuple(freq + off for freq in sorted(chord) for off in (-SPREAD_HZ, SPREAD_HZ))


class Detector:
    """Listens for one country's tones in 16-bit samples, cut anyhow."""

    def __init__(self, plan: Plan) -> None:
        self._chords = _looked_for(plan)
        self._patterns = patterns_of(plan)
        self._waiting = b""
        self._told: Kind | None = None
        self.is_tone = False
        """Whether the latest whole frame was a tone of the plan: no speech, then."""
        self._forget()

    def feed(self, pcm16_frame: bytes) -> tuple[ProgressHeard, ...]:
        """Return the tones recognised up to the end of `pcm16_frame` (usually 20 ms)."""
        data = self._waiting + pcm16_frame
        whole = len(data) - len(data) % _FRAME_BYTES
        self._waiting = data[whole:]
        found = (self._step(data[at : at + _FRAME_BYTES]) for at in range(0, whole, _FRAME_BYTES))
        return tuple(heard for heard in found if heard is not None)

    def _forget(self) -> None:
        """Begin a new row of bursts."""
        self._chord: _Chord | None = None
        self._pairs: deque[Burst] = deque(maxlen=_MOST_PAIRS)
        self._loudest = 0.0
        self._on_ms = self._off_ms = self._run_ms = self._loud_frames = self._strange = 0

    def _step(self, frame: bytes) -> ProgressHeard | None:
        level = energy(frame)
        chord = self._named(frame, level) if level > _FLOOR else None
        self.is_tone = chord is not None
        if chord is not None:
            return self._sound(chord, level)
        return self._pause(level) if self._chord is not None else None

    def _named(self, frame: bytes, level: float) -> _Chord | None:
        """The chord a frame is; the one that sounds already, where neighbours (GB) fit too."""
        least = PURITY * level
        if self._chord is not None and explained(frame, self._chord.axes) > least:
            return self._chord
        shares = [explained(frame, chord.axes) for chord in self._chords]
        most = max(shares)
        return self._chords[shares.index(most)] if most > least else None

    def _sound(self, chord: _Chord, level: float) -> ProgressHeard | None:
        self._follow(chord)
        heard = self._burst_begins() if self._off_ms else None
        self._loudest = max(self._loudest, level)
        self._on_ms += FRAME_MS
        self._run_ms += FRAME_MS
        if self._on_ms == STEADY_MS:
            return self._tell(Kind.DIAL if chord.dials else Kind.STEADY, ((STEADY_MS, 0),))
        return heard

    def _follow(self, chord: _Chord) -> None:
        """Begin another row with another chord, once it is certainly another."""
        self._strange = self._strange + 1 if chord is not self._chord else 0
        if self._chord is not None and self._strange < STRANGE_FRAMES:
            return
        already_ms = (self._strange - 1) * FRAME_MS if self._chord is not None else 0
        self._forget()
        self._chord = chord
        self._on_ms = self._run_ms = already_ms

    def _burst_begins(self) -> ProgressHeard | None:
        """One more burst and its pause are complete: see what the row of them says."""
        self._pairs.append((self._on_ms, self._off_ms))
        self._on_ms = self._off_ms = self._loud_frames = 0
        self._loudest = 0.0
        row = tuple(self._pairs)
        for pattern in self._patterns:
            cycle = fit(row, pattern)
            if cycle is not None:
                return self._tell(pattern.kind, cycle)
        return None

    def _pause(self, level: float) -> ProgressHeard | None:
        self._off_ms += FRAME_MS
        self._run_ms += FRAME_MS
        self._strange = 0
        self._loud_frames += level > DIP * self._loudest
        if self._loud_frames > LOUD_FRAMES or self._off_ms > FORGET_MS:
            self._forget()
            self._told = None
            return None
        return self._burst_nears_its_end()

    def _burst_nears_its_end(self) -> ProgressHeard | None:
        """Enough bursts were heard and the pause behind the last one is long enough."""
        if not self._pairs:
            return None
        row = (*self._pairs, (self._on_ms, self._off_ms))
        for pattern in self._patterns:
            cycle = fit_early(row, pattern)
            if cycle is not None:
                return self._tell(pattern.kind, cycle)
        return None

    def _tell(self, kind: Kind, cycle: tuple[Burst, ...]) -> ProgressHeard | None:
        """Tell of a kind once, until another tone or a long pause comes between."""
        if kind is self._told:
            return None
        self._told = kind
        times = tuple(ms for burst in cycle for ms in burst)
        return ProgressHeard(kind, times, self._run_ms)


FLOOR_FRAMES = 75
"""1.5 s: words leave a gap more often than that."""
ABOVE_FLOOR = math.pow(10.0, 10 / 20)
LEAST_SPEECH_DBM0 = -45.0
SPEECH_FRAMES = 2
"""A click of one frame is not speech."""


class SilenceMeter:
    """Measures how long nobody has spoken, against a noise floor that follows the line.

    A frame is loud when it is 10 dB above the quietest of the last 1.5 s and above -45 dBm0
    (audio.md 7). Steady noise and steady tones become floor, so they are silence.
    """

    def __init__(self) -> None:
        self._waiting = b""
        self._least_rms = rms_at(LEAST_SPEECH_DBM0)
        # As if a quiet line had come before: a caller who speaks at once is heard at once.
        self._levels = deque([0] * FLOOR_FRAMES, maxlen=FLOOR_FRAMES)
        self._loud_frames = 0
        self.silent_ms = 0

    def feed(self, pcm16_frame: bytes, *, is_tone: bool = False) -> int:
        """Return how many ms of silence lie before the end of `pcm16_frame` (usually 20 ms).

        `is_tone` says that this is a call-progress tone (`Detector.is_tone`): never speech.
        """
        data = self._waiting + pcm16_frame
        whole = len(data) - len(data) % _FRAME_BYTES
        self._waiting = data[whole:]
        for at in range(0, whole, _FRAME_BYTES):
            self._step(audioop.rms(data[at : at + _FRAME_BYTES], 2), is_tone)
        return self.silent_ms

    def _step(self, rms: int, is_tone: bool) -> None:
        is_loud = rms > max(self._least_rms, ABOVE_FLOOR * min(self._levels)) and not is_tone
        self._levels.append(rms)
        self._loud_frames = self._loud_frames + 1 if is_loud else 0
        self.silent_ms += FRAME_MS
        if self._loud_frames >= SPEECH_FRAMES:
            self.silent_ms = 0
