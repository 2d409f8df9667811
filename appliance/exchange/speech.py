"""What a caller says: clips, keys and pauses in a row, cut to any tick."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from appliance.exchange.dtmf import Segment
from appliance.exchange.signals import KeyBegan, KeyEnded
from appliance.exchange.sound import samples, silence

if TYPE_CHECKING:
    from collections.abc import Iterable

    from appliance.exchange.signals import Signal

RECOGNISED = samples(40)
HELD = samples(70)
"""The chip names a key after 40 ms and again every 70 ms while it is held (v253.md 2.1)."""


def _key_signals(segment: Segment, begin: int, end: int) -> list[Signal]:
    """Give what the chip reports between two samples of a DTMF burst."""
    signals: list[Signal] = []
    at = RECOGNISED
    while at <= len(segment.sound):
        if begin < at <= end:
            signals.append(KeyBegan(segment.digit, again=at > RECOGNISED))
        at += HELD
    if end == len(segment.sound) >= RECOGNISED:
        signals.append(KeyEnded())
    return signals


class Speech:
    """A queue of segments; silence when it is empty."""

    def __init__(self) -> None:
        self._queue: deque[Segment] = deque()
        self._at = 0
        self.digits_sent = ""
        self.said = 0

    @property
    def finished(self) -> bool:
        """True when everything was said."""
        return not self._queue

    def add(self, segments: Iterable[Segment]) -> None:
        """Say these after what is still to be said."""
        self._queue.extend(segment for segment in segments if segment.sound)

    def take(self, n: int) -> tuple[bytes, list[Signal]]:
        """Give n samples and what the chip recognises in them."""
        parts: list[bytes] = []
        signals: list[Signal] = []
        while n and self._queue:
            piece = self._piece(n, signals)
            n -= len(piece)
            parts.append(piece)
        if n:
            parts.append(silence(n))
        return (parts[0] if len(parts) == 1 else b"".join(parts)), signals

    def _piece(self, n: int, signals: list[Signal]) -> bytes:
        segment = self._queue[0]
        begin, end = self._at, min(self._at + n, len(segment.sound))
        if segment.digit:
            signals += _key_signals(segment, begin, end)
        self._at = end
        self.said += end - begin
        if end == len(segment.sound):
            self._queue.popleft()
            self._at = 0
            self.digits_sent += segment.digit
        return segment.sound[begin:end]
