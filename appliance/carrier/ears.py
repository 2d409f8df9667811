"""What our own detectors hear on a line: keys, call-progress tones, silence; frame by frame."""

from __future__ import annotations

from dataclasses import dataclass, field

from appliance.dsp import g711
from appliance.dsp.dtmf import PLANS, DigitStarted
from appliance.dsp.dtmf import Detector as DtmfDetector
from appliance.dsp.progress import FaxDetector, ProgressDetector, ProgressHeard, SilenceMeter
from appliance.dsp.wav import FRAME_MS, FRAME_SAMPLES, Law

TOGETHER_SAMPLES = 5 * FRAME_SAMPLES
"""Frames that are looked at together while people talk: one alone costs nearly as much, as what
looks at it has gone from the processor's caches after 20 ms."""
TONE_GAP_MS = 700
"""A pause up to this long lies within a busy tone; a longer one ends the tone."""


@dataclass(frozen=True, slots=True)
class Ear:
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
class Ears:
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

    def hear(self, data: bytes) -> Ear:
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
        return Ear(tuple(digits), tuple(tones), self._silence.silent_ms, tone_ms, fax_ms)

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
