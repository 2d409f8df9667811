"""Who is reached by a number that a modem dials: a PBX extension, or somebody on another line."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from appliance.exchange.dtmf import Segment, segments
from appliance.exchange.sound import SAMPLE_RATE, samples, silence, sine
from appliance.exchange.speech import Speech

if TYPE_CHECKING:
    from appliance.exchange.signals import Signal

OUTCOMES = ("answer", "busy", "congestion", "sit", "no-answer")
RINGS_BEFORE_ANSWER = 2
VOICE_HZ = 140.0
VOICE_MS = 700


@dataclass(frozen=True, slots=True)
class Party:
    """What a called number does. `rings` are heard before it answers; then it says a word
    (`says`), presses the keys of `press` after `press_after_ms`, and hangs up after
    `hang_up_after_ms` (0: never). Times in ms from the answer.
    """

    outcome: str = "answer"
    rings: int = RINGS_BEFORE_ANSWER
    says: bool = False
    press: str = ""
    press_after_ms: int = 3000
    hang_up_after_ms: int = 0


@lru_cache(maxsize=1)
def voice() -> bytes:
    """Render a word as a voice has it: harmonics of one pitch, no line's tone."""
    parts = tuple((VOICE_HZ * n, -24.0 - n / 2) for n in range(1, 20))
    return sine(parts, samples(VOICE_MS))


class Answered:
    """A party that has answered: what it says and presses, what it hears."""

    def __init__(self, party: Party) -> None:
        self.heard = bytearray()
        self.gone = False
        self._speech = Speech()
        self._left = samples(party.hang_up_after_ms)
        self._may_leave = party.hang_up_after_ms > 0
        word = voice() if party.says else b""
        pause = silence(max(samples(party.press_after_ms) - len(word), 1))
        self._speech.add([Segment(word), Segment(pause), *segments(party.press)])

    def reach(self, n: int) -> tuple[bytes, list[Signal]]:
        """Give the next n samples of its sound and what a chip recognises in them."""
        self._left -= n
        self.gone = self._may_leave and self._left <= 0
        return self._speech.take(n)

    def said(self, sound: bytes) -> None:
        """Take what reaches its ear; the last minute is kept."""
        self.heard += sound
        del self.heard[: -60 * SAMPLE_RATE]
