"""What the phone says next, 160 bytes at a time: sound, keys, an echo, or the law's silence."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.testphone import rtp
from appliance.testphone.laws import written_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appliance.dsp.wav import Sound
    from appliance.testphone.laws import Codec

KEY_TICKS = 5
"""A key sounds 100 ms; its end is sent three times (RFC 4733 section 2.5.1.4)."""
END_TIMES = 3
PAUSE_TICKS = 5
"""Ticks of 20 ms between two keys."""
ECHO_LIMIT = 10
"""Frames an echo may lie in wait; the oldest goes first, so that its delay is bounded."""


@dataclass(frozen=True, slots=True)
class KeyTick:
    """One 20 ms step of a key: the event's payload, and whether it is the event's first packet."""

    payload: bytes
    is_first: bool


class Speech:
    """What is to be said; it outlives calls until the first call that hears it has ended."""

    def __init__(self) -> None:
        self.echo_dropped = 0
        self._sound: Sound | None = None
        self._repeats = False
        self._data: bytes | None = None
        self._at = 0
        self._echo: deque[bytes] | None = None
        self._keys: deque[KeyTick | None] = deque()

    def say(self, sound: Sound, repeat: bool) -> None:
        """Say a sound from its beginning, in place of what was being said."""
        self.be_silent()
        self._sound, self._repeats = sound, repeat

    def echo(self) -> None:
        """Say what is heard."""
        self.be_silent()
        self._echo = deque()

    def be_silent(self) -> None:
        """Say nothing from now on."""
        self._sound, self._data, self._at, self._echo = None, None, 0, None

    def end_call(self) -> None:
        """Forget everything with the call that heard it."""
        self.be_silent()
        self._keys.clear()

    def press(self, keys: str) -> None:
        """Queue keys; raises ValueError for one that does not exist."""
        if wrong := set(keys) - set(rtp.KEYS):
            raise ValueError(f"no such key: {''.join(sorted(wrong))}")
        for key in keys:
            self._keys += [*_key(key), *[None] * PAUSE_TICKS]

    def hears(self, payload: bytes) -> None:
        """Take a frame that came in; only an echo cares."""
        if self._echo is None:
            return
        if len(self._echo) == ECHO_LIMIT:
            self._echo.popleft()
            self.echo_dropped += 1
        self._echo.append(payload)

    def next_key(self) -> KeyTick | None:
        """Return this tick's part of a key; None when sound is due."""
        return self._keys.popleft() if self._keys else None

    def next_frame(self, codec: Codec) -> tuple[bytes, str]:
        """Return 160 bytes and what happened with them: "saying" first, "said" last, or ""."""
        if self._echo:
            return self._echo.popleft(), ""
        if self._sound is None:
            return codec.silence * rtp.FRAME, ""
        return self._sounding(self._sound, codec)

    def _sounding(self, sound: Sound, codec: Codec) -> tuple[bytes, str]:
        # Written once for the codec; a sound of the same law stays the same bytes.
        if self._data is None:
            self._data = written_for(sound, codec)
        begins = self._at == 0
        frame = self._data[self._at : self._at + rtp.FRAME]
        self._at += rtp.FRAME
        if self._repeats and self._data:
            frame = self._wrapped(frame)
        elif self._at >= len(self._data):
            self.be_silent()
            return frame.ljust(rtp.FRAME, codec.silence), "said"
        return frame, "saying" if begins else ""

    def _wrapped(self, frame: bytes) -> bytes:
        """Fill a frame from the beginning again, so that a repetition has no seam."""
        assert self._data is not None
        while len(frame) < rtp.FRAME:
            self._at = rtp.FRAME - len(frame)
            frame += self._data[: self._at]
        return frame


def _key(key: str) -> Iterator[KeyTick]:
    for tick in range(KEY_TICKS):
        yield KeyTick(rtp.event(key, rtp.FRAME * (tick + 1), is_end=False), tick == 0)
    for _ in range(END_TIMES):
        yield KeyTick(rtp.event(key, rtp.FRAME * KEY_TICKS, is_end=True), is_first=False)
