"""What our own detectors hear on a line: keys, call-progress tones, silence; frame by frame."""

from __future__ import annotations

from dataclasses import dataclass, field

from appliance.media import g711
from appliance.media.dtmf import Detector as DtmfDetector
from appliance.media.dtmf import DigitStarted
from appliance.media.frames import FRAME_MS, FRAME_SAMPLES, Law
from appliance.media.progress import Detector as ProgressDetector
from appliance.media.progress import ProgressHeard, SilenceMeter
from appliance.media.tones import PLANS

TONE_GAP_MS = 700
"""A pause up to this long lies within a busy tone; a longer one ends the tone."""


@dataclass(frozen=True, slots=True)
class Ear:
    """What one piece of sound told: keys pressed, tones recognised, silence and tone by now."""

    digits: tuple[str, ...] = ()
    tones: tuple[ProgressHeard, ...] = ()
    silent_ms: int = 0
    tone_ms: int = 0


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
class Ears:
    """Cuts the heard stream into frames and asks each detector; `keys` may be switched off.

    While people talk nobody waits for the caller's keys, and speech is all that could be
    mistaken for one (audio.md 2, talk-off).
    """

    country: str
    law: Law
    keys: bool = True
    _rest: bytes = b""
    _run: _ToneRun = field(default_factory=_ToneRun)
    _dtmf: DtmfDetector = field(default_factory=DtmfDetector)
    _silence: SilenceMeter = field(default_factory=SilenceMeter)
    _progress: ProgressDetector = field(init=False)

    def __post_init__(self) -> None:
        self._progress = ProgressDetector(PLANS[self.country])

    def hear(self, data: bytes) -> Ear:
        """Take samples of the line's law in any chunking; returns what the whole frames told."""
        data = self._rest + data
        digits: list[str] = []
        tones: list[ProgressHeard] = []
        whole = len(data) - len(data) % FRAME_SAMPLES
        for at in range(0, whole, FRAME_SAMPLES):
            self._frame(g711.decode(data[at : at + FRAME_SAMPLES], self.law), digits, tones)
        self._rest = data[whole:]
        run = self._run
        return Ear(tuple(digits), tuple(tones), self._silence.silent_ms, run.run_ms + run.gap_ms)

    def forget_silence(self) -> None:
        """Begin to measure silence anew: somebody else was speaking until now."""
        self._silence = SilenceMeter()

    def _frame(self, pcm: bytes, digits: list[str], tones: list[ProgressHeard]) -> None:
        tones += self._progress.feed(pcm)
        self._run.step(self._progress.is_tone)
        self._silence.feed(pcm, is_tone=self._progress.is_tone)
        if self.keys:
            digits += [e.digit for e in self._dtmf.feed(pcm) if isinstance(e, DigitStarted)]
