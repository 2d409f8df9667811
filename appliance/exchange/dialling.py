"""What a modem sends by itself: +VTS tones, flashes, and a dialled number's progress."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.exchange.dtmf import HIGH_DBM0, LOW_DBM0
from appliance.exchange.signals import Dialled, Flashed
from appliance.exchange.sound import samples, silence, sine

if TYPE_CHECKING:
    from collections.abc import Iterable

    from appliance.exchange.modem import VoiceModem
    from appliance.exchange.parser import Sounding
    from appliance.exchange.signals import Act

TONE_DBM0 = -12.0
LIVE_VOLTS = 3.0
"""Below this a held line carries no current: no dial tone will come."""


def _sound(sounding: Sounding, gap_ms: int) -> bytes:
    n = samples(sounding.ms)
    low, high = sounding.frequencies
    if sounding.digit:
        burst = sine(((float(low), LOW_DBM0), (float(high), HIGH_DBM0)), n)
        return burst + silence(samples(gap_ms))
    parts = tuple((float(hz), TONE_DBM0) for hz in sounding.frequencies if hz)
    return sine(parts, n) if parts else silence(n)


class Toner:
    """Plays a list of soundings onto the line; flashes and digits become acts as they pass."""

    def __init__(self) -> None:
        self._sound = b""
        self._at = 0
        self._marks: list[tuple[int, Act]] = []

    @property
    def busy(self) -> bool:
        """True until the last element has finished."""
        return self._at < len(self._sound)

    def play(self, soundings: Iterable[Sounding], lead: int = 0, gap_ms: int = 0) -> None:
        """Start a list after lead samples of silence, gap_ms of silence behind each digit."""
        sound = bytearray(silence(lead))
        self._marks = []
        for each in soundings:
            if each.flash:
                self._marks.append((len(sound), Flashed(each.ms)))
            elif each.digit:
                self._marks.append((len(sound), Dialled(each.digit)))
            sound += _sound(each, gap_ms)
        self._sound, self._at = bytes(sound), 0

    def stop(self) -> None:
        """Fall silent at once."""
        self._sound, self._at, self._marks = b"", 0, []

    def take(self, n: int, acts: list[Act]) -> tuple[bytes, bool]:
        """Give the next n samples, whether they were the last; what begins in them joins acts."""
        chunk = self._sound[self._at : self._at + n]
        self._at += n
        while self._marks and self._marks[0][0] < self._at:
            acts.append(self._marks.pop(0)[1])
        return chunk + silence(n - len(chunk)), self._at >= len(self._sound)


@dataclass(slots=True)
class Dialler:
    """An ATD or ATA until its result; all times in samples.

    With `;` the result is OK once the digits are out. Else OK when answer is presumed (+VRA after
    the far end answered, or no ringback within +VRN), BUSY, NO ANSWER after S7 (v253.md 1.3).
    """

    semicolon: bool = False
    answering: bool = False
    waited: int = 0
    out: bool = False
    ringback: bool = False
    answered_at: int | None = None

    def dialled(self, modem: VoiceModem) -> None:
        """Go on after the last digit."""
        self.out = True
        self.waited = 0
        no_wait = modem.settings.voice and not modem.settings.number("+VRN")
        if self.semicolon or (no_wait and not self.answering):
            self._done(modem)

    def tick(self, modem: VoiceModem, n: int) -> None:
        """Wait for n more samples."""
        if modem.volts < LIVE_VOLTS:
            self._fail(modem, modem.personality.no_dial_tone)
            return
        self.waited += n
        if self.out and self._presumed(modem):
            self._done(modem)
        elif self.out and self.waited > samples(modem.settings.registers[7] * 1000):
            self._fail(modem, "NO ANSWER" if self.answered_at is None else "NO CARRIER")

    def heard(self, modem: VoiceModem, kind: str) -> None:
        """Take a call-progress tone."""
        self.ringback = self.ringback or kind == "ringback"
        if kind == "busy" and self.out:
            self._fail(modem, "BUSY")

    def answered(self) -> None:
        """Take the far end's answer."""
        self.answered_at = self.waited

    def _presumed(self, modem: VoiceModem) -> bool:
        if not modem.settings.voice:
            return False  # no data carrier will ever come
        if self.answered_at is not None:
            return self.waited - self.answered_at >= samples(modem.settings.number("+VRA") * 100)
        limit = samples(modem.settings.number("+VRN") * 1000)
        return not self.ringback and self.waited >= limit

    def _done(self, modem: VoiceModem) -> None:
        modem.dial_ended()
        modem.resume()

    def _fail(self, modem: VoiceModem, result: str) -> None:
        modem.hang_up()
        modem.resume(result)
