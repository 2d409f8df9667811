"""A call that the box makes itself, behind a hook flash or on a line of its own: what is heard.

Pure: sound in, at most one fact a piece of sound out. First the dial tone, then the digits (the
driver's), then whoever is called; an analog line has no answer signal (dsp/progress.py).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from appliance.calls.events import FarEnd, FarEndProgressed
from appliance.dsp.dtmf import Plan
from appliance.dsp.progress import Outgoing, Progress, ProgressDetector
from appliance.dsp.wav import FRAME_MS, FRAME_SAMPLES

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


class Stage(enum.StrEnum):
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


class Calling:
    """One outgoing call on `line`; `digits` are to be sent once `hear` asks for them.

    `answered` while somebody is presumed to be there.
    """

    def __init__(self, line: str, digits: str, plan: Plan, no_answer_ms: int) -> None:
        self.line = line
        self.digits = digits
        self.stage = Stage.SENDING
        self.answered = False
        self._plan = plan
        self._outgoing = Outgoing(plan, no_answer_ms)
        self._tone = _Tone(ProgressDetector(plan))
        self._rest = b""

    def wait_for_dial_tone(self) -> None:
        """The hook was flashed: listen for the register."""
        self.stage = Stage.WAITING

    def wants_digits(self) -> bool:
        """Tell, once, that the dial tone is there."""
        if self.stage is Stage.WAITING and self._tone.tone_ms >= DIAL_TONE_MS:
            self.stage = Stage.SENDING
            return True
        return False

    def dialled(self) -> FarEndProgressed:
        """The digits were sent: from now on whoever is called is listened to."""
        self.stage = Stage.LISTENING
        return FarEndProgressed(self.line, FarEnd.DIALLED)

    def failed(self, word: str) -> FarEndProgressed:
        """The modem did not dial; `word` is its result."""
        return self._over(MODEM_WORDS.get(word, FarEnd.REFUSED), word)

    def chip_busy(self) -> FarEndProgressed | None:
        """The chip named a busy tone (DLE b)."""
        return self._over(FarEnd.BUSY, "chip") if self.stage is Stage.LISTENING else None

    def hear(self, pcm: bytes) -> tuple[FarEndProgressed, ...]:
        """Take 16-bit samples, cut anyhow."""
        if self.stage is Stage.WAITING:
            return self._hear_register(pcm)
        if self.stage is not Stage.LISTENING:
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
        self.stage = Stage.OVER
        return FarEndProgressed(self.line, progress, detail=detail)
