"""Call-progress detection: cadences, fax tone, silence, SIT, and progress of an outgoing call.

What the detectors must hear, and how they were measured: docs/detection.md.
"""

from __future__ import annotations

import audioop
import enum
import math
from collections import deque
from dataclasses import dataclass

from appliance.dsp.dtmf import Basis, Cadence, TonePlan, basis, energy, energy_at, explained
from appliance.dsp.wav import FRAME_MS, FRAME_SAMPLES, rms_at

# ---- Cadences: which bursts in a row are a call-progress tone
# A kind takes several bursts in a row that fit its plan and are equal among themselves: a single
# pair of 200/200 opens the Italian dial tone, and voices make any single pair (v253.md 5).

# Deviation of a burst from its plan: the greater of TOLERANCE (relative) and TOLERANCE_MS.
TOLERANCE = 0.15
TOLERANCE_MS = 50
# Difference among the bursts of one tone: a frame of 20 ms at either end.
EQUAL_MS = 40

Burst = tuple[int, int]
"""On and off, in ms."""


class ToneKind(enum.StrEnum):
    """Kind of a tone; all but ringback mean that nobody is at the far end."""

    BUSY = "busy"
    CONGESTION = "congestion"
    DIAL = "dial"
    RINGBACK = "ringback"
    STEADY = "steady"


@dataclass(frozen=True, slots=True)
class Pattern:
    """`pairs` bursts (on ms, off ms) in a row, from any place of the cycle, make a kind."""

    kind: ToneKind
    cycle: tuple[tuple[int, int], ...]
    pairs: int


_SLOW_MS = 700
_PAIRS = {ToneKind.BUSY: 3, ToneKind.CONGESTION: 3, ToneKind.DIAL: 3, ToneKind.RINGBACK: 1}
# Fast bursts are over sooner and are met in more places, the Italian dial tone among them.
_PAIRS_FAST = 4


def _pattern(kind: ToneKind, *cycle: Burst) -> Pattern:
    is_fast = kind in {ToneKind.BUSY, ToneKind.CONGESTION} and sum(cycle[0]) < _SLOW_MS
    return Pattern(kind, cycle, max(_PAIRS_FAST if is_fast else _PAIRS[kind], len(cycle)))


# Heard in every country: boxes that make analog lines follow their maker, not the country.
RELEASE_PATTERNS = (
    _pattern(ToneKind.CONGESTION, (200, 200)),
    _pattern(ToneKind.CONGESTION, (240, 240)),
    _pattern(ToneKind.CONGESTION, (250, 250)),
    _pattern(ToneKind.BUSY, (375, 375)),
    _pattern(ToneKind.BUSY, (480, 480)),
    _pattern(ToneKind.BUSY, (500, 500)),
)


def patterns_of(plan: TonePlan) -> tuple[Pattern, ...]:
    """Return the patterns to look for."""
    named = (
        (ToneKind.CONGESTION, plan.congestion),
        (ToneKind.BUSY, plan.busy),
        (ToneKind.DIAL, plan.dial),
        (ToneKind.RINGBACK, plan.ringback),
    )
    own = [
        _pattern(kind, *((burst.on_ms, burst.off_ms) for burst in form.bursts))
        for kind, forms in named
        for form in forms
        if not is_steady(form)
    ]
    # The country's own first: of one cadence the first kind is reported.
    return (*own, *RELEASE_PATTERNS)


def is_steady(form: Cadence) -> bool:
    """Return whether a tone never pauses."""
    return all(burst.off_ms == 0 for burst in form.bursts)


def fit(bursts: tuple[Burst, ...], pattern: Pattern) -> tuple[Burst, ...] | None:
    """Return one cycle as measured, when the latest of `bursts` fit a pattern; else None."""
    latest = bursts[-pattern.pairs :]
    if len(latest) < pattern.pairs:
        return None
    period = len(pattern.cycle)
    turns = (pattern.cycle[turn:] + pattern.cycle[:turn] for turn in range(period))
    if not any(_follows(latest, cycle) for cycle in turns):
        return None
    alike = [latest[phase::period] for phase in range(period)]
    return tuple(map(_mean, alike)) if all(map(_are_equal, alike)) else None


def fit_early(bursts: tuple[Burst, ...], pattern: Pattern) -> tuple[Burst, ...] | None:
    """Return one cycle like `fit`, while the last pause still goes on.

    The pause counts as complete once it is as long as the one a cycle before it, to EQUAL_MS.
    """
    on_ms, so_far_ms = bursts[-1]
    if len(bursts) < max(pattern.pairs, len(pattern.cycle) + 1):
        return None
    # The next burst is not waited for: some boxes play no more than three bursts, and so 500/500 is
    # certain within 3 s of its onset.
    before_ms = bursts[-1 - len(pattern.cycle)][1]
    if so_far_ms < before_ms - EQUAL_MS:
        return None
    return fit((*bursts[:-1], (on_ms, before_ms)), pattern)


def _follows(bursts: tuple[Burst, ...], cycle: tuple[Burst, ...]) -> bool:
    return all(
        abs(measured - planned) <= max(TOLERANCE_MS, TOLERANCE * planned)
        for place, burst in enumerate(bursts)
        for measured, planned in zip(burst, cycle[place % len(cycle)], strict=True)
    )


def _are_equal(bursts: tuple[Burst, ...]) -> bool:
    return all(max(times) - min(times) <= EQUAL_MS for times in zip(*bursts, strict=True))


def _mean(bursts: tuple[Burst, ...]) -> Burst:
    on, off = (round(sum(times) / len(bursts)) for times in zip(*bursts, strict=True))
    return on, off


# ---- Calling tone of a fax machine (CNG): the caller will not hear a greeting
# ITU-T T.30: 1100 Hz +- 38 Hz, on for 0.5 s and off for 3 s, both +- 15 %. Two bursts at that
# distance are required: a single one is a note of music (C sharp is 1109 Hz) or somebody whistling.

TONE_HZ = 1100.0
FAX_SPREAD_HZ = 38.0
# A burst's length: 500 ms +- 15 %, to the nearest frame.
ON_MS = (420, 580)
# From the start of one burst to that of the next: 3500 ms +- 15 %, to the nearest frame.
PERIOD_MS = (2960, 4040)
# Share of a frame's energy that must be in the tone, as for the call-progress tones.
PURITY = 0.80
# T.30: the receiver of a fax machine hears down to -43 dBm.
FAX_FLOOR_DBM0 = -43.0

_FAX_FLOOR = energy_at(FAX_FLOOR_DBM0)
_FRAME_BYTES = FRAME_SAMPLES * 2
_FAX_AXES = basis((TONE_HZ - FAX_SPREAD_HZ, TONE_HZ, TONE_HZ + FAX_SPREAD_HZ))


@dataclass(frozen=True, slots=True)
class FaxHeard:
    """A fax machine calls; `after_ms` is the time from its first burst's start to certainty."""

    after_ms: int


class FaxDetector:
    """Detects a fax machine's calling tone in 16-bit samples, cut anyhow; reports it once."""

    def __init__(self) -> None:
        self._waiting = b""
        self._at_ms = 0
        self._on_ms = 0
        self._first_ms: int | None = None  # start of the latest burst of the right length
        self._told = False
        self.is_tone = False
        """True if the latest whole frame was 1100 Hz, so no speech."""

    def feed(self, pcm16_frame: bytes) -> FaxHeard | None:
        """Return FaxHeard when the second burst has just ended (usual frame: 20 ms)."""
        data = self._waiting + pcm16_frame
        whole = len(data) - len(data) % _FRAME_BYTES
        self._waiting = data[whole:]
        steps = [self._step(data[at : at + _FRAME_BYTES]) for at in range(0, whole, _FRAME_BYTES)]
        return next((fact for fact in steps if fact is not None), None)

    def _step(self, frame: bytes) -> FaxHeard | None:
        self._at_ms += FRAME_MS
        self.is_tone = _is_tone(frame)
        if self.is_tone:
            self._on_ms += FRAME_MS
            return None
        on_ms, self._on_ms = self._on_ms, 0
        if not ON_MS[0] <= on_ms <= ON_MS[1]:
            return None
        return self._burst(self._at_ms - FRAME_MS - on_ms)

    def _burst(self, start_ms: int) -> FaxHeard | None:
        """Judge a burst of the right length that has ended."""
        before, self._first_ms = self._first_ms, start_ms
        # Only a second one at the distance of T.30 is a fax machine.
        if before is None or not PERIOD_MS[0] <= start_ms - before <= PERIOD_MS[1] or self._told:
            return None
        self._told = True
        return FaxHeard(self._at_ms - before)


def _is_tone(frame: bytes) -> bool:
    level = energy(frame)
    return level > _FAX_FLOOR and explained(frame, _FAX_AXES) > PURITY * level


# ---- Call-progress tones as evidence that the far end has gone, and the length of a silence
# Bursts are measured in frames of 20 ms: a frame is tone when one chord of the country's plan
# carries most of its energy.

TONE_FLOOR_DBM0 = -40.0
_TONE_FLOOR = energy_at(TONE_FLOOR_DBM0)
# Tones are heard 15 Hz off their nominal frequency and more.
TONE_SPREAD_HZ = 10
# A pause is at least 6 dB below its tone; a louder one is somebody speaking, or music.
DIP = 0.25
# Frames of a pause that may be loud: the two that hold the tone's ends.
LOUD_FRAMES = 2
# Frames in a row that fit another chord better before it is one: a frame that holds only a part of
# a burst fits any chord nearby (GB: 350 + 440, 400 + 450).
STRANGE_FRAMES = 3
STEADY_MS = 4000
# A pause longer than every plan's: the next tone is a new one.
FORGET_MS = 6500
_MOST_PAIRS = 8


@dataclass(frozen=True, slots=True)
class ProgressHeard:
    """A tone was recognised: on and off times as measured, `after_ms` after its first burst."""

    kind: ToneKind
    cadence_ms: tuple[int, ...]
    after_ms: int


def _chords(forms: tuple[Cadence, ...]) -> frozenset[frozenset[int]]:
    return frozenset(frozenset(burst.freqs) for form in forms for burst in form.bursts)


@dataclass(frozen=True, slots=True)
class _Chord:
    """Frequencies looked for together; `dials` when a steady one is a dial tone."""

    axes: Basis
    dials: bool


def _looked_for(plan: TonePlan) -> tuple[_Chord, ...]:
    """Return the plan's chords, each once, a chord that is part of another one within it."""
    every = _chords((*plan.dial, *plan.ringback, *plan.busy, *plan.congestion))
    dial = _chords(tuple(form for form in plan.dial if is_steady(form)))
    greatest = [chord for chord in every if not any(chord < other for other in every)]
    return tuple(
        _Chord(basis(_chord_span(chord)), any(one <= chord for one in dial))
        for chord in sorted(greatest, key=sorted)
    )


def _chord_span(chord: frozenset[int]) -> tuple[float, ...]:
    return tuple(freq + off for freq in sorted(chord) for off in (-TONE_SPREAD_HZ, TONE_SPREAD_HZ))


class ProgressDetector:
    """Detects one country's tones in 16-bit samples, cut anyhow."""

    def __init__(self, plan: TonePlan) -> None:
        self._chords = _looked_for(plan)
        self._patterns = patterns_of(plan)
        self._waiting = b""
        self._told: ToneKind | None = None
        self.is_tone = False
        """True if the latest whole frame was a tone of the plan, so no speech."""
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
        chord = self._named(frame, level) if level > _TONE_FLOOR else None
        self.is_tone = chord is not None
        if chord is not None:
            return self._sound(chord, level)
        return self._pause(level) if self._chord is not None else None

    def _named(self, frame: bytes, level: float) -> _Chord | None:
        """Return the chord of a frame, None for none."""
        least = PURITY * level
        # The one that sounds already, where neighbours (GB) fit too.
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
            return self._tell(ToneKind.DIAL if chord.dials else ToneKind.STEADY, ((STEADY_MS, 0),))
        return heard

    def _follow(self, chord: _Chord) -> None:
        """Begin a new row of bursts with another chord, once it is certainly another."""
        self._strange = self._strange + 1 if chord is not self._chord else 0
        if self._chord is not None and self._strange < STRANGE_FRAMES:
            return
        already_ms = (self._strange - 1) * FRAME_MS if self._chord is not None else 0
        self._forget()
        self._chord = chord
        self._on_ms = self._run_ms = already_ms

    def _burst_begins(self) -> ProgressHeard | None:
        """Judge the row of bursts: one more burst and its pause are complete."""
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
        """Judge the row of bursts while the pause behind the last one goes on."""
        if not self._pairs:
            return None
        row = (*self._pairs, (self._on_ms, self._off_ms))
        for pattern in self._patterns:
            cycle = fit_early(row, pattern)
            if cycle is not None:
                return self._tell(pattern.kind, cycle)
        return None

    def _tell(self, kind: ToneKind, cycle: tuple[Burst, ...]) -> ProgressHeard | None:
        """Report a kind once, until another tone or a long pause comes between."""
        if kind is self._told:
            return None
        self._told = kind
        times = tuple(ms for burst in cycle for ms in burst)
        return ProgressHeard(kind, times, self._run_ms)


# 1.5 s: words leave a gap more often than that.
FLOOR_FRAMES = 75
ABOVE_FLOOR = math.pow(10.0, 10 / 20)
LEAST_SPEECH_DBM0 = -45.0
# A click of one frame is not speech.
SPEECH_FRAMES = 2


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
        """Return the ms of silence before the end of `pcm16_frame` (usually 20 ms).

        `is_tone` says that this is a call-progress tone (`ProgressDetector.is_tone`): never speech.
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


# ---- Special information tone (SIT): three rising tones before "the number you have dialled …"
# ITU-T E.180: 950, 1400 and 1800 Hz of 330 ms each (v253.md 5); networks that distinguish their
# reasons by it vary the tones by 4 % and their length between 276 and 380 ms.

TONES_HZ = (950, 1400, 1800)
# Deviation of each tone, relative: 913.8 and 985.2 Hz are both a first tone.
SPREAD = 0.04
LEAST_MS = 220
MOST_MS = 460
# How long a tone may be interrupted or the next one be late: 15 ms of pause are usual.
GAP_MS = 100
SIT_FLOOR_DBM0 = -40.0

# Neighbours of a basis; 72 Hz apart (4 % of 1800) they lost the tones between them.
_STEP_HZ = 40


def _sit_span(hz: int) -> tuple[float, ...]:
    """Return frequencies that together span `hz` +- SPREAD."""
    steps = math.ceil(hz * SPREAD / _STEP_HZ)
    return tuple(hz * (1 + SPREAD * n / steps) for n in range(-steps, steps + 1))


_SIT_FLOOR = energy_at(SIT_FLOOR_DBM0)
_SIT_AXES = tuple(basis(_sit_span(hz)) for hz in TONES_HZ)


class SitDetector:
    """Detects the three tones in 16-bit samples, cut anyhow."""

    def __init__(self) -> None:
        self._waiting = b""
        self.is_tone = False
        """True if the latest whole frame was one of the three, so no speech."""
        self._forget()

    def feed(self, pcm16_frame: bytes) -> bool:
        """Return True when the three tones have just been heard completely (usual frame: 20 ms)."""
        data = self._waiting + pcm16_frame
        whole = len(data) - len(data) % _FRAME_BYTES
        self._waiting = data[whole:]
        steps = [self._step(data[at : at + _FRAME_BYTES]) for at in range(0, whole, _FRAME_BYTES)]
        return any(steps)

    def _forget(self) -> None:
        self._place = -1  # of the tone that sounds
        self._on_ms = self._gap_ms = 0

    def _step(self, frame: bytes) -> bool:
        place = _named(frame)
        self.is_tone = place >= 0
        if place == self._place >= 0:
            self._on_ms += FRAME_MS
            self._gap_ms = 0
            return self._is_whole()
        if place < 0:
            self._pause()
        elif place == self._place + 1 and (place == 0 or self._is_long_enough()):
            self._place, self._on_ms, self._gap_ms = place, FRAME_MS, 0
        else:
            self._forget()
        return False

    def _pause(self) -> None:
        self._gap_ms += FRAME_MS
        if self._gap_ms > GAP_MS:
            self._forget()

    def _is_long_enough(self) -> bool:
        return LEAST_MS <= self._on_ms + self._gap_ms <= MOST_MS

    def _is_whole(self) -> bool:
        return self._place == len(TONES_HZ) - 1 and self._on_ms == LEAST_MS


def _named(frame: bytes) -> int:
    """Return the place of the tone that a frame is, -1 for none."""
    level = energy(frame)
    if level < _SIT_FLOOR:
        return -1
    shares = [explained(frame, axes) for axes in _SIT_AXES]
    most = max(shares)
    return shares.index(most) if most > PURITY * level else -1


# ---- Progress of a call that the box makes, by its sound
# An analog line has no answer signal, neither behind a hook flash nor after dialling. Ring-back,
# busy, congestion, SIT and dial tone are detected. An answer is only presumed: a voice is heard, or
# the ring-back has stopped. A caller of this code that must be certain asks for a key.

NO_ANSWER_MS = 60_000
# Neither tone nor voice since dialling: a mobile network may take 12 s to let it ring.
NEVER_CAME_MS = 15_000
# A tone of RING_ON_MS or more with so long a pause behind it is a ring: no other tone of any plan
# pauses for longer than 1000 ms, and the PBX of a town hall keeps its own ring-back cadence.
RING_ON_MS = 300
RING_OFF_MS = 1500
# The ring-back has stopped when its plan's pause is over by a quarter and a second.
STOPS_MS = 1000
STOPS_SHARE = 1.25
# 200 ms of sound that is no tone within 500 ms are a voice; lifting a handset only clicks.
VOICE_FRAMES = 10
VOICE_WITHIN = 25
# Until the meter knows the line's noise, noise would be a voice; nobody answers so soon.
_LEARNING_MS = FLOOR_FRAMES * FRAME_MS


class Progress(enum.StrEnum):
    """State of the leg; all but RINGING and ANSWERED are its end."""

    RINGING = "ringing"
    ANSWERED = "answered"  # presumed, never certain
    BUSY = "busy"
    CONGESTION = "congestion"
    SIT = "sit"  # no such number, or out of service: an announcement follows
    DIAL = "dial"  # the dial tone: nothing was dialled, or the far end has gone
    NO_ANSWER = "no_answer"


ENDS = frozenset(Progress) - {Progress.RINGING, Progress.ANSWERED}
_KINDS = {
    ToneKind.BUSY: Progress.BUSY,
    ToneKind.CONGESTION: Progress.CONGESTION,
    ToneKind.DIAL: Progress.DIAL,
    ToneKind.STEADY: Progress.DIAL,
    ToneKind.RINGBACK: Progress.RINGING,
}


@dataclass(frozen=True, slots=True)
class Progressed:
    """The leg's state changed.

    `after_ms` counts the sound since the start of listening, `rings` the rings heard. `detail` is
    the evidence: a cadence in ms, `voice`, `ring-back stopped`, `nothing heard`.
    """

    kind: Progress
    after_ms: int
    rings: int
    detail: str = ""


class OutgoingProgress:
    """Detects the progress of one outgoing leg from the last digit on: 16-bit samples, cut anyhow.

    `state` is the latest kind reported, None before the first. Each change is reported once;
    RINGING may follow ANSWERED (the call was passed on, or a pause was taken for an answer) and the
    other way round. After one of ENDS nothing more is reported. Time is counted in the samples fed;
    our own voice must not be among them (half duplex: listen only; duplex: behind the canceller).
    """

    def __init__(self, plan: TonePlan, no_answer_ms: int = NO_ANSWER_MS) -> None:
        self.state: Progress | None = None
        self.rings = 0
        self._no_answer_ms = no_answer_ms
        self._stops_ms = _longest_pause(plan) * STOPS_SHARE + STOPS_MS
        self._tones = ProgressDetector(plan)
        self._sit = SitDetector()
        self._silence = SilenceMeter()
        self._voiced: deque[bool] = deque(maxlen=VOICE_WITHIN)
        self._waiting = b""
        self._elapsed_ms = self._burst_ms = self._quiet_ms = 0
        self._is_heard = False

    def feed(self, pcm16_frame: bytes) -> tuple[Progressed, ...]:
        """Return the changes up to the end of `pcm16_frame` (usually 20 ms)."""
        data = self._waiting + pcm16_frame
        whole = len(data) - len(data) % _FRAME_BYTES
        self._waiting = data[whole:]
        found = (self._step(data[at : at + _FRAME_BYTES]) for at in range(0, whole, _FRAME_BYTES))
        return tuple(fact for fact in found if fact is not None)

    def _step(self, frame: bytes) -> Progressed | None:
        self._elapsed_ms += FRAME_MS
        if self.state in ENDS:
            return None
        if self._sit.feed(frame):
            return self._tell(Progress.SIT)
        for heard in self._tones.feed(frame):
            return self._tell(_KINDS[heard.kind], "/".join(map(str, heard.cadence_ms)))
        return self._listen(frame) or self._wait()

    def _listen(self, frame: bytes) -> Progressed | None:
        """Distinguish rings and voices, of which no single frame is certain."""
        is_tone = self._tones.is_tone
        is_voice = self._is_voice(frame, is_tone or self._sit.is_tone)
        if is_tone:
            self._burst_ms = FRAME_MS if self._quiet_ms else self._burst_ms + FRAME_MS
        self._quiet_ms = 0 if is_tone or is_voice else self._quiet_ms + FRAME_MS
        self._is_heard |= is_tone or is_voice
        if self._quiet_ms == RING_OFF_MS and self._burst_ms >= RING_ON_MS:
            self.rings += 1
            return self._tell(Progress.RINGING)
        if sum(self._voiced) >= VOICE_FRAMES:
            return self._tell(Progress.ANSWERED, "voice")
        return None

    def _is_voice(self, frame: bytes, is_tone: bool) -> bool:
        is_loud = self._silence.feed(frame, is_tone=is_tone) == 0
        is_voice = is_loud and self._elapsed_ms > _LEARNING_MS
        self._voiced.append(is_voice)
        if is_voice:
            # A pause behind a voice makes no ring.
            self._burst_ms = 0
        return is_voice

    def _wait(self) -> Progressed | None:
        """Judge by what has not come for long enough."""
        if self.state is Progress.RINGING and self._quiet_ms >= self._stops_ms:
            return self._tell(Progress.ANSWERED, "ring-back stopped")
        if self._elapsed_ms >= NEVER_CAME_MS and not self._is_heard:
            return self._tell(Progress.NO_ANSWER, "nothing heard")
        if self._elapsed_ms >= self._no_answer_ms and self.state is not Progress.ANSWERED:
            return self._tell(Progress.NO_ANSWER)
        return None

    def _tell(self, kind: Progress, detail: str = "") -> Progressed | None:
        if kind is self.state:
            return None
        self.state = kind
        return Progressed(kind, self._elapsed_ms, self.rings, detail)


def _longest_pause(plan: TonePlan) -> int:
    return max(burst.off_ms for form in plan.ringback for burst in form.bursts)
