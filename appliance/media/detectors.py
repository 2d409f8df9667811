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
from appliance.dsp.dtmf import PLANS, DigitStarted, Plan
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

# ---- ears --------------------------------------------------------------------------------------
# What our own detectors hear on a line: keys, call-progress tones, silence; frame by frame.

TOGETHER_SAMPLES = 5 * FRAME_SAMPLES
"""Frames that are looked at together while people talk: one alone costs nearly as much, as what
looks at it has gone from the processor's caches after 20 ms."""
TONE_GAP_MS = 700
"""A pause up to this long lies within a busy tone; a longer one ends the tone."""


@dataclass(frozen=True, slots=True)
class Detected:
    """What one piece of sound told: keys pressed, tones recognised, silence and tone by now.

    `fax_ms` is told once, when a fax machine's calling tone is certain: ms since its first burst.
    """

    digits: tuple[str, ...] = ()
    tones: tuple[ProgressHeard, ...] = ()
    silent_ms: int = 0
    tone_ms: int = 0
    fax_ms: int = 0


@dataclass(slots=True)
class _ToneRun:
    """How long call-progress tones, pauses included, have been sounding up to now."""

    run_ms: int = 0
    gap_ms: int = 0

    def step(self, is_tone: bool) -> None:
        """Take one frame."""
        if is_tone:
            self.run_ms += self.gap_ms + FRAME_MS
            self.gap_ms = 0
        elif self.run_ms:
            self.gap_ms += FRAME_MS
            if self.gap_ms > TONE_GAP_MS:
                self.run_ms = self.gap_ms = 0


@dataclass(slots=True)
class Detectors:
    """Cuts the heard stream into frames and asks each detector; `keys` may be switched off.

    While people talk nobody waits for the caller's keys, nor for a fax machine, and speech is all
    that could be mistaken for one (audio.md 2, talk-off). `voiced_ms` counts the voice heard since
    silence was measured anew.
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
        """Put samples by for the next `hear`; returns True once it is worth calling."""
        self._rest += data
        return len(self._rest) >= TOGETHER_SAMPLES

    def hear(self, data: bytes) -> Detected:
        """Take samples of the line's law in any chunking; returns what the whole frames told."""
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
        """Begin to measure silence anew: somebody else was speaking until now."""
        self._silence = SilenceMeter()
        self.voiced_ms = 0

    def _frame(self, pcm: bytes, tones: list[ProgressHeard]) -> None:
        tones += self._progress.feed(pcm)
        self._run.step(self._progress.is_tone)

    def _for_us(self, pcm: bytes, digits: list[str]) -> int:
        """Listen for what only concerns the box: keys, and a fax machine (its ms, or 0)."""
        if not self.keys:
            return 0
        digits += [e.digit for e in self._dtmf.feed(pcm) if isinstance(e, DigitStarted)]
        heard = self._fax.feed(pcm)
        return heard.after_ms if heard else 0

    def _measure(self, pcm: bytes) -> None:
        is_tone = self._progress.is_tone or (self.keys and self._fax.is_tone)
        if self._silence.feed(pcm, is_tone=is_tone) == 0:
            self.voiced_ms += FRAME_MS


# ---- far end -----------------------------------------------------------------------------------
# A call that the box makes itself, behind a hook flash or on a line of its own: what is heard.
#
# Pure: sound in, at most one fact a piece of sound out. First the dial tone, then the digits (the
# driver's), then whoever is called; an analog line has no answer signal (dsp/progress.py).

DIAL_TONE_MS = 200
"""So much tone behind a flash is the PBX's dial tone: Italy's first burst is 200 ms long."""
DIAL_TONE_LIMIT_MS = 3000
"""A PBX that is silent for so long has not understood the flash, or has no register free."""
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
MODEM_WORDS = {
    "NO DIALTONE": FarEnd.NO_DIAL_TONE,
    "NO DIAL TONE": FarEnd.NO_DIAL_TONE,
    "NO LINE": FarEnd.NO_DIAL_TONE,
    "BUSY": FarEnd.BUSY,
    "NO ANSWER": FarEnd.NO_ANSWER,
}
"""What a modem says when it could not dial; anything else is REFUSED."""


class CallingStage(enum.StrEnum):
    """How far the call is."""

    WAITING = "waiting"  # for the dial tone
    SENDING = "sending"  # digits, or the whole dialling
    LISTENING = "listening"
    OVER = "over"


@dataclass(slots=True)
class _Tone:
    """Measures how much tone a register gives."""

    detector: ProgressDetector
    heard_ms: int = 0
    tone_ms: int = 0


class OutgoingCall:
    """One outgoing call on `line`; `digits` are to be sent once `hear` asks for them.

    `answered` while somebody is presumed to be there.
    """

    def __init__(self, line: str, digits: str, plan: Plan, no_answer_ms: int) -> None:
        self.line = line
        self.digits = digits
        self.stage = CallingStage.SENDING
        self.answered = False
        self._plan = plan
        self._outgoing = OutgoingProgress(plan, no_answer_ms)
        self._tone = _Tone(ProgressDetector(plan))
        self._rest = b""

    def wait_for_dial_tone(self) -> None:
        """The hook was flashed: listen for the register."""
        self.stage = CallingStage.WAITING

    def wants_digits(self) -> bool:
        """Tell, once, that the dial tone is there."""
        if self.stage is CallingStage.WAITING and self._tone.tone_ms >= DIAL_TONE_MS:
            self.stage = CallingStage.SENDING
            return True
        return False

    def dialled(self) -> FarEndProgressed:
        """The digits were sent: from now on whoever is called is listened to."""
        self.stage = CallingStage.LISTENING
        return FarEndProgressed(self.line, FarEnd.DIALLED)

    def failed(self, word: str) -> FarEndProgressed:
        """The modem did not dial; `word` is its result."""
        return self._over(MODEM_WORDS.get(word, FarEnd.REFUSED), word)

    def chip_busy(self) -> FarEndProgressed | None:
        """The chip named a busy tone (DLE b)."""
        return self._over(FarEnd.BUSY, "chip") if self.stage is CallingStage.LISTENING else None

    def hear(self, pcm: bytes) -> tuple[FarEndProgressed, ...]:
        """Take 16-bit samples, cut anyhow."""
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


# ---- fax ---------------------------------------------------------------------------------------
# From signs to certainty: when a fax machine calls, by our own ear or by the chip's reports.
#
# Pure, as release.py: one sign alone is somebody whistling, or a chip that is mistaken.

NEXT_MS = (2500, 8000)
"""From one report DLE c to the next: a burst comes every 3.5 s (T.30), one may be missed."""
VOICE_MS = 1000
"""So much voice before the tone makes a message: somebody spoke, and then pressed the fax's key."""


@dataclass(slots=True)
class FaxSigns:
    """The signs of a fax machine in one call; times in ms since the line went off hook."""

    line: str
    told: bool = False
    _reported_ms: int | None = None

    def sound(self, after_ms: int) -> FaxCalled | None:
        """Our own detector is certain, `after_ms` after the first burst began."""
        return self._tell(FaxSource.SOUND, after_ms)

    def chip(self, at_ms: int) -> FaxCalled | None:
        """The modem reported the tone; a repetition within the same burst counts as one."""
        before = self._reported_ms
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


# ---- keys --------------------------------------------------------------------------------------
# One press, one key: the chip and our own detector both hear the caller's digits.
#
# Each source's n-th press is the same press as the other's; a press counts when a source is ahead
# of what was told. After a pause both start from the same count again, so that a digit only one of
# them heard is forgotten.

PAUSE = 1.0
"""Seconds without a press after which the sources are taken to agree."""


class DigitMerger:
    """Merges the two sources' presses of one call."""

    def __init__(self) -> None:
        self._counts: dict[DigitSource, int] = {}
        self._told = 0
        self._last = float("-inf")

    def press(self, source: DigitSource, now: float) -> bool:
        """Note a press by `source` at `now`; returns True when it is a new one."""
        if now - self._last > PAUSE:
            self._counts.clear()
            self._told = 0
        self._last = now
        self._counts[source] = self._counts.get(source, 0) + 1
        new = self._counts[source] > self._told
        self._told = max(self._told, self._counts[source])
        return new


# ---- leg keys ----------------------------------------------------------------------------------
# Keys in a leg's sound: a caller whom another branch hands over presses them on a line far away.
#
# That branch passes on the sound as it is, and no key apart (RFC 4733), as phones do.

DigitHandler = Callable[[str], None]
"""Is told each key."""


class LegDigits:
    """Listens to 16-bit sound in any chunking."""

    def __init__(self, press: DigitHandler) -> None:
        self._press = press
        self._detector = DtmfDetector()

    def hear(self, pcm: bytes) -> None:
        """Take the next piece."""
        for event in self._detector.feed(pcm):
            if isinstance(event, DigitStarted):
                self._press(event.digit)


# ---- release -----------------------------------------------------------------------------------
# From signs to certainty: when the far end has gone, by what, and how long that took (B1).
#
# Pure: facts in, at most one CallerHungUp out. The detectors in media and the chip's own reports
# are the signs; the next sign of the same call changes nothing any more.

SETTLE_MS = 600
"""After going off hook a polarity reversal is answer supervision, after a flash a break is ours."""
SILENCE_LIMIT_MS = 60_000
"""Long silence as the last resort (v253.md 5); the Switchboard ignores it while people talk."""

TONES = {
    "busy": Evidence.BUSY_TONE,
    "congestion": Evidence.CONGESTION_TONE,
    "dial": Evidence.DIAL_TONE,
    "steady": Evidence.DIAL_TONE,
}
"""Call-progress tones that mean release to the party left off hook."""
TONE_MS = 200
"""A tone that has been sounding for so long is one: our own ear bears the chip out."""
SECOND_MS = (300, 10_000)
"""A second sign so long after the first one bears it out, unless somebody speaks."""
PAUSE_MS = 300
"""Who has been heard within so long speaks."""
GONE_MS = 2_000
QUIET_MS = 5_000
HELD_MS = 30_000
"""Silence that bears a break of the loop out: in a message, in a conversation, on hold. It is
reported for a mere reversal of the line as well, and whoever listens is silent too."""
CHIP = {
    "busy": Evidence.CHIP_BUSY,
    "dial": Evidence.CHIP_DIAL,
    "loop": Evidence.LOOP,
}
"""The chip's own reports: DLE b, d and l (v253.md 2.1, 2.4)."""


@dataclass(frozen=True, slots=True)
class LineHeard:
    """What our own ear makes of the line at a moment, ms: `at_ms` since it went off hook.

    `deaf` where no sound comes from it: an announcement on a half-duplex line.
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
    """What the chip has reported, and when: by itself it ends nothing."""

    evidence: Evidence
    at_ms: int
    detail: str


@dataclass(slots=True)
class ReleaseDetector:
    """The release of one call on one line; times in ms since the line went off hook."""

    line: str
    sign: ReleaseSign | None = None
    told: bool = False
    silence_told: bool = False
    taken_told: bool = False

    def tone(self, kind: str, cadence_ms: str, after_ms: int) -> CallerHungUp | None:
        """A tone was recognised in the sound, `after_ms` after it began."""
        return self._tell(TONES.get(kind), after_ms, cadence_ms)

    def chip(self, kind: str, settled_ms: int, heard: LineHeard) -> CallerHungUp | None:
        """The modem reported something; loop events count only once the line has settled.

        One report ends no call: chips take speech for tones, and a reversal for a break. It takes a
        second one, or our own ear.
        """
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
        """Hold what our own ear hears against the chip's last sign.

        `patience_ms` is how long somebody may be silent behind a break of the loop.
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
            self.sign = None  # whoever speaks now has not gone then
        return None

    def taken(self, settled_ms: int) -> bool:
        """The modem saw another telephone lifted: True once, and only once the line has settled.

        Our own going off hook, or flash, moves the voltage by which the modem knows.
        """
        if self.told or self.taken_told or settled_ms < SETTLE_MS:
            return False
        self.taken_told = True
        return True

    def silence(self, silent_ms: int) -> CallerHungUp | None:
        """The line has been silent for so long."""
        if self.told or self.silence_told or silent_ms < SILENCE_LIMIT_MS:
            return None
        self.silence_told = True
        return CallerHungUp(self.line, Evidence.SILENCE, silent_ms, f"{silent_ms} ms of silence")

    def _tell(self, evidence: Evidence | None, after_ms: int, detail: str) -> CallerHungUp | None:
        if evidence is None or self.told:
            return None
        self.told = True
        return CallerHungUp(self.line, evidence, after_ms, detail)
