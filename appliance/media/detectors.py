"""Detectors on a line or leg: keys, call progress, fax, answer and release of the far end."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field

from appliance.calls.events import (
    CallerHungUp,
    DigitSource,
    Evidence,
    FarEnd,
    FarEndProgressed,
    FaxCalled,
    FaxSource,
)
from appliance.dsp import g711
from appliance.dsp.dtmf import PLANS, DigitStarted, TonePlan
from appliance.dsp.dtmf import Detector as DtmfDetector
from appliance.dsp.progress import (
    FaxDetector,
    OutgoingProgress,
    Progress,
    ProgressDetector,
    ProgressHeard,
    SilenceMeter,
)
from appliance.dsp.wav import FRAME_MS, FRAME_SAMPLES, Law

# One frame alone costs nearly as much as five: after 20 ms the detectors' code and data have gone
# from the processor's caches (design/sound.md, What a call costs).
TOGETHER_SAMPLES = 5 * FRAME_SAMPLES
"""Samples that detectors take together during a conversation."""
# Longer than any pause of a busy or congestion tone (525 ms at most; v253.md 5).
# Longest pause (ms) within a tone; a longer one ends it.
TONE_GAP_MS = 700


@dataclass(frozen=True, slots=True)
class Detected:
    """Result of one piece of sound: keys, recognised tones, lengths (ms) of silence and tone.

    `fax_ms` is set once, when a fax machine's calling tone is certain: ms since its first burst.
    """

    digits: tuple[str, ...] = ()
    tones: tuple[ProgressHeard, ...] = ()
    silent_ms: int = 0
    tone_ms: int = 0
    fax_ms: int = 0


@dataclass(slots=True)
class _ToneRun:
    """Length (ms) of the call-progress tone that sounds now, pauses included."""

    run_ms: int = 0
    gap_ms: int = 0

    def step(self, is_tone: bool) -> None:
        """Count one frame."""
        if is_tone:
            self.run_ms += self.gap_ms + FRAME_MS
            self.gap_ms = 0
        elif self.run_ms:
            self.gap_ms += FRAME_MS
            if self.gap_ms > TONE_GAP_MS:
                self.run_ms = self.gap_ms = 0


@dataclass(slots=True)
class Detectors:
    """Detectors of one line's sound: keys, fax, call-progress tones, silence; frame by frame.

    `keys` turns keys and fax off during a conversation. `voiced_ms` counts the voice heard since
    `forget_silence`.
    """

    country: str
    law: Law
    keys: bool = True
    voiced_ms: int = 0
    _rest: bytes = b""
    _run: _ToneRun = field(default_factory=_ToneRun)
    _dtmf: DtmfDetector = field(default_factory=DtmfDetector)
    _fax: FaxDetector = field(default_factory=FaxDetector)
    _silence: SilenceMeter = field(default_factory=SilenceMeter)
    _progress: ProgressDetector = field(init=False)

    def __post_init__(self) -> None:
        self._progress = ProgressDetector(PLANS[self.country])

    def store(self, data: bytes) -> bool:
        """Store samples for the next `hear`; returns True once there are TOGETHER_SAMPLES."""
        self._rest += data
        return len(self._rest) >= TOGETHER_SAMPLES

    def hear(self, data: bytes) -> Detected:
        """Detect in samples of the line's law, cut anywhere; the rest of a frame is kept."""
        data = self._rest + data
        digits: list[str] = []
        tones: list[ProgressHeard] = []
        fax_ms = 0
        whole = len(data) - len(data) % FRAME_SAMPLES
        for at in range(0, whole, FRAME_SAMPLES):
            pcm = g711.decode(data[at : at + FRAME_SAMPLES], self.law)
            self._frame(pcm, tones)
            fax_ms = self._for_us(pcm, digits) or fax_ms
            self._measure(pcm)
        self._rest = data[whole:]
        run = self._run
        tone_ms = run.run_ms + run.gap_ms
        return Detected(tuple(digits), tuple(tones), self._silence.silent_ms, tone_ms, fax_ms)

    def forget_silence(self) -> None:
        """Measure silence and voice from now on."""
        self._silence = SilenceMeter()
        self.voiced_ms = 0

    def _frame(self, pcm: bytes, tones: list[ProgressHeard]) -> None:
        tones += self._progress.feed(pcm)
        self._run.step(self._progress.is_tone)

    def _for_us(self, pcm: bytes, digits: list[str]) -> int:
        """Detect keys and fax; returns the fax machine's ms, or 0."""
        # Speech is what could be mistaken for a key (audio.md 2, talk-off), and while people talk
        # nobody waits for one.
        if not self.keys:
            return 0
        digits += [e.digit for e in self._dtmf.feed(pcm) if isinstance(e, DigitStarted)]
        heard = self._fax.feed(pcm)
        return heard.after_ms if heard else 0

    def _measure(self, pcm: bytes) -> None:
        # An energy gate alone takes a busy tone for speech (audio.md 7).
        is_tone = self._progress.is_tone or (self.keys and self._fax.is_tone)
        if self._silence.feed(pcm, is_tone=is_tone) == 0:
            self.voiced_ms += FRAME_MS


# ---- outgoing call: the far end's progress, heard in the sound ---------------------------------
# First the dial tone, then the digits (sent by the driver), then the called party. An analog line
# has no answer signal (dsp/progress.py).

# The first burst of the Italian dial tone is 200 ms long (v253.md 5).
DIAL_TONE_MS = 200
"""Tone (ms) behind a hook flash that counts as the PBX's dial tone."""
# Longer silence means that the PBX has not understood the flash, or has no register free.
DIAL_TONE_LIMIT_MS = 3000
"""Longest wait (ms) for the dial tone."""
_FRAME_BYTES = FRAME_SAMPLES * 2

WORDS = {
    Progress.RINGING: FarEnd.RINGING,
    Progress.ANSWERED: FarEnd.ANSWERED,
    Progress.BUSY: FarEnd.BUSY,
    Progress.CONGESTION: FarEnd.CONGESTION,
    Progress.SIT: FarEnd.SIT,
    Progress.DIAL: FarEnd.DIAL,
    Progress.NO_ANSWER: FarEnd.NO_ANSWER,
}
# Result codes of a modem that could not dial; any other one is REFUSED.
MODEM_WORDS = {
    "NO DIALTONE": FarEnd.NO_DIAL_TONE,
    "NO DIAL TONE": FarEnd.NO_DIAL_TONE,
    "NO LINE": FarEnd.NO_DIAL_TONE,
    "BUSY": FarEnd.BUSY,
    "NO ANSWER": FarEnd.NO_ANSWER,
}


class CallingStage(enum.StrEnum):
    """Stage of an outgoing call."""

    WAITING = "waiting"  # for the dial tone
    SENDING = "sending"  # the digits, or the whole number
    LISTENING = "listening"
    OVER = "over"


@dataclass(slots=True)
class _Tone:
    """Sound and tone (ms) heard while waiting for the dial tone."""

    detector: ProgressDetector
    heard_ms: int = 0
    tone_ms: int = 0


class DialProgress:
    """One outgoing call on `line`; `digits` are to be sent once `wants_digits` returns True.

    `answered` is True while somebody is presumed to have answered. Sound in, events out.
    """

    def __init__(self, line: str, digits: str, plan: TonePlan, no_answer_ms: int) -> None:
        self.line = line
        self.digits = digits
        self.stage = CallingStage.SENDING
        self.answered = False
        self._plan = plan
        self._outgoing = OutgoingProgress(plan, no_answer_ms)
        self._tone = _Tone(ProgressDetector(plan))
        self._rest = b""

    def wait_for_dial_tone(self) -> None:
        """Listen for the dial tone, after the hook flash."""
        self.stage = CallingStage.WAITING

    def wants_digits(self) -> bool:
        """Return True, once, when the dial tone is present."""
        if self.stage is CallingStage.WAITING and self._tone.tone_ms >= DIAL_TONE_MS:
            self.stage = CallingStage.SENDING
            return True
        return False

    def dialled(self) -> FarEndProgressed:
        """Listen to the called party: the digits have been sent."""
        self.stage = CallingStage.LISTENING
        return FarEndProgressed(self.line, FarEnd.DIALLED)

    def failed(self, word: str) -> FarEndProgressed:
        """End the call that the modem did not dial; `word` is its result code."""
        return self._over(MODEM_WORDS.get(word, FarEnd.REFUSED), word)

    def chip_busy(self) -> FarEndProgressed | None:
        """End the call by the chip's report of a busy tone (DLE b), while listening."""
        return self._over(FarEnd.BUSY, "chip") if self.stage is CallingStage.LISTENING else None

    def hear(self, pcm: bytes) -> tuple[FarEndProgressed, ...]:
        """Detect progress in 16-bit samples, cut anywhere."""
        if self.stage is CallingStage.WAITING:
            return self._hear_register(pcm)
        if self.stage is not CallingStage.LISTENING:
            return ()
        told = tuple(
            FarEndProgressed(self.line, WORDS[f.kind], f.after_ms, f.rings, f.detail)
            for f in self._outgoing.feed(pcm)
        )
        for one in told:
            self.answered = one.progress is FarEnd.ANSWERED
        return told

    def _hear_register(self, pcm: bytes) -> tuple[FarEndProgressed, ...]:
        data = self._rest + pcm
        whole = len(data) - len(data) % _FRAME_BYTES
        self._rest = data[whole:]
        tone = self._tone
        for at in range(0, whole, _FRAME_BYTES):
            tone.detector.feed(data[at : at + _FRAME_BYTES])
            tone.heard_ms += FRAME_MS
            tone.tone_ms += FRAME_MS if tone.detector.is_tone else 0
        if tone.tone_ms < DIAL_TONE_MS and tone.heard_ms >= DIAL_TONE_LIMIT_MS:
            return (self._over(FarEnd.NO_DIAL_TONE, f"{tone.heard_ms} ms of silence"),)
        return ()

    def _over(self, progress: FarEnd, detail: str) -> FarEndProgressed:
        self.stage = CallingStage.OVER
        return FarEndProgressed(self.line, progress, detail=detail)


# A burst comes every 3.5 s (T.30: 0.5 s on, 3 s off), and one may be missed.
NEXT_MS = (2500, 8000)
"""Least and most time (ms) from one report DLE c to the next of the same fax machine."""
# Somebody may speak first and then press the fax's start key.
VOICE_MS = 1000
"""Voice (ms) before the fax tone that makes a recording worth keeping."""


@dataclass(slots=True)
class FaxSigns:
    """Evidence of a fax machine in one call; times in ms since the line went off hook."""

    line: str
    told: bool = False
    _reported_ms: int | None = None

    def sound(self, after_ms: int) -> FaxCalled | None:
        """Report a fax found by our detector, `after_ms` after its first burst began."""
        return self._tell(FaxSource.SOUND, after_ms)

    def chip(self, at_ms: int) -> FaxCalled | None:
        """Count the modem's report of the tone (DLE c); the second burst is certain."""
        # One report alone may be somebody whistling, or a chip that is mistaken.
        before = self._reported_ms
        # A repetition within the same burst.
        if before is not None and at_ms - before < NEXT_MS[0]:
            return None
        self._reported_ms = at_ms
        if before is None or at_ms - before > NEXT_MS[1]:
            return None
        return self._tell(FaxSource.CHIP, at_ms - before)

    def _tell(self, source: FaxSource, after_ms: int) -> FaxCalled | None:
        if self.told:
            return None
        self.told = True
        return FaxCalled(self.line, source, after_ms)


# After a pause both sources count from the same number again, so that a digit heard by only one of
# them is forgotten.
# Seconds without a press after which both sources' counts are reset.
PAUSE = 1.0


class DigitMerger:
    """Merges the key presses that the chip and our detector both hear in one call.

    A source's n-th press is the other's n-th press: one that is ahead of those reported is new.
    """

    def __init__(self) -> None:
        self._counts: dict[DigitSource, int] = {}
        self._told = 0
        self._last = float("-inf")

    def press(self, source: DigitSource, now: float) -> bool:
        """Count a press heard by `source` at `now` (s); returns True for a new one."""
        if now - self._last > PAUSE:
            self._counts.clear()
            self._told = 0
        self._last = now
        self._counts[source] = self._counts.get(source, 0) + 1
        new = self._counts[source] > self._told
        self._told = max(self._told, self._counts[source])
        return new


DigitHandler = Callable[[str], None]
"""Called with each key."""


# A caller handed over by another branch presses keys on that branch's line: they come in the sound,
# not apart from it (RFC 4733) as a phone's.
class LegDigits:
    """DTMF detector of one leg's 16-bit sound, cut anywhere."""

    def __init__(self, press: DigitHandler) -> None:
        self._press = press
        self._detector = DtmfDetector()

    def hear(self, pcm: bytes) -> None:
        """Detect keys in the next piece of sound and call the handler."""
        for event in self._detector.feed(pcm):
            if isinstance(event, DigitStarted):
                self._press(event.digit)


# ---- release: when the far end has hung up, by which evidence (B1) -----------------------------
# Our detectors and the chip's reports are the evidence: a tone that we recognise is enough, a
# report of the chip needs a second witness.

# Right after going off hook a polarity reversal is answer supervision, after a flash the loop break
# is our own.
SETTLE_MS = 600
"""Time (ms) after off hook or flash in which loop reports do not count."""
# The last resort (v253.md 5); the Switchboard ignores it while people talk.
SILENCE_LIMIT_MS = 60_000
"""Silence (ms) that is reported as evidence by itself."""

# An Italian exchange normally sends busy or congestion tone to the party left off hook, while a
# loop break is not guaranteed; a dial tone may be steady or pulsed (v253.md 5).
TONES = {
    "busy": Evidence.BUSY_TONE,
    "congestion": Evidence.CONGESTION_TONE,
    "dial": Evidence.DIAL_TONE,
    "steady": Evidence.DIAL_TONE,
}
"""Call-progress tones that mean release to the party left off hook."""
TONE_MS = 200
"""Tone (ms) heard by our detector that confirms a report of the chip."""
SECOND_MS = (300, 10_000)
"""Least and most time (ms) from a report of the chip to a second one that confirms it."""
PAUSE_MS = 300
"""Silence (ms) up to which somebody still counts as speaking."""
# A loop break is reported for a mere reversal of the line as well, and a person who listens is
# silent too: the silence that confirms it depends on what the caller is doing.
GONE_MS = 2_000
"""Silence (ms) that confirms a loop break while a message is recorded."""
QUIET_MS = 5_000
"""The same in a conversation."""
HELD_MS = 30_000
"""The same on hold."""
# The chip's own reports: DLE b, d and l (v253.md 2.1, 2.4).
CHIP = {
    "busy": Evidence.CHIP_BUSY,
    "dial": Evidence.CHIP_DIAL,
    "loop": Evidence.LOOP,
}


@dataclass(frozen=True, slots=True)
class LineHeard:
    """Our detectors' view of the line at one moment; times in ms, `at_ms` since off hook.

    `deaf` while no sound comes from the line: an announcement on a half-duplex line.
    """

    at_ms: int
    tone_ms: int = 0
    silent_ms: int = 0
    deaf: bool = False

    @property
    def speaks(self) -> bool:
        """True while somebody is heard."""
        return not self.deaf and self.silent_ms < PAUSE_MS


@dataclass(frozen=True, slots=True)
class ReleaseSign:
    """An unconfirmed report of the chip and its time (ms since off hook)."""

    evidence: Evidence
    at_ms: int
    detail: str


@dataclass(slots=True)
class ReleaseDetector:
    """Release detection of one call on one line; times in ms since the line went off hook.

    Returns at most one CallerHungUp for the call, and one for silence.
    """

    line: str
    sign: ReleaseSign | None = None
    told: bool = False
    silence_told: bool = False
    taken_told: bool = False

    def tone(self, kind: str, cadence_ms: str, after_ms: int) -> CallerHungUp | None:
        """Report release by a tone recognised in the sound, `after_ms` after it began."""
        return self._tell(TONES.get(kind), after_ms, cadence_ms)

    def chip(self, kind: str, settled_ms: int, heard: LineHeard) -> CallerHungUp | None:
        """Count a report of the modem; loop reports count only once the line has settled."""
        # One report ends no call: chips take speech for tones, and a reversal for a break. It takes
        # a second report, or our own detector.
        evidence, first = CHIP.get(kind), self.sign
        if evidence is None or (evidence is Evidence.LOOP and settled_ms < SETTLE_MS):
            return None
        since_ms = heard.at_ms - first.at_ms if first is not None else SECOND_MS[1] + 1
        if first is None or since_ms > SECOND_MS[1]:
            self.sign = ReleaseSign(evidence, heard.at_ms, kind)
            return self.judge(heard)
        if since_ms >= SECOND_MS[0] and not heard.speaks:
            return self._tell(first.evidence, since_ms, first.detail)
        return None

    def judge(self, heard: LineHeard, patience_ms: int = QUIET_MS) -> CallerHungUp | None:
        """Confirm or discard the chip's last report by what our detectors hear.

        `patience_ms` is the silence that confirms a loop break.
        """
        if self.sign is None:
            return None
        evidence, since_ms = self.sign.evidence, heard.at_ms - self.sign.at_ms
        if since_ms <= SECOND_MS[1] and heard.tone_ms >= TONE_MS:
            return self._tell(evidence, max(since_ms, heard.tone_ms), self.sign.detail)
        quiet = min(since_ms, heard.silent_ms) >= patience_ms and not heard.deaf
        if evidence is Evidence.LOOP and quiet:
            return self._tell(evidence, since_ms, self.sign.detail)
        if since_ms > SECOND_MS[1] and heard.speaks:
            # A person who speaks now had not hung up then.
            self.sign = None
        return None

    def taken(self, settled_ms: int) -> bool:
        """Return True, once, for the modem's report of a lifted extension telephone."""
        # Not before the line has settled: the modem knows by the voltage, which our own going off
        # hook, or flash, changes.
        if self.told or self.taken_told or settled_ms < SETTLE_MS:
            return False
        self.taken_told = True
        return True

    def silence(self, silent_ms: int) -> CallerHungUp | None:
        """Report release, once, after SILENCE_LIMIT_MS of silence."""
        if self.told or self.silence_told or silent_ms < SILENCE_LIMIT_MS:
            return None
        self.silence_told = True
        return CallerHungUp(self.line, Evidence.SILENCE, silent_ms, f"{silent_ms} ms of silence")

    def _tell(self, evidence: Evidence | None, after_ms: int, detail: str) -> CallerHungUp | None:
        if evidence is None or self.told:
            return None
        self.told = True
        return CallerHungUp(self.line, evidence, after_ms, detail)
