"""Sound with a real phone, through the gateway's own leg: a tone is said, what comes is kept."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import wave
from pathlib import Path
from types import TracebackType
from typing import Self

from appliance.calls.events import MediaAgreed
from appliance.dsp import g711
from appliance.dsp.dtmf import chord
from appliance.dsp.wav import FRAME_SAMPLES, Law
from appliance.media.phone_leg import PhoneLeg
from tests.helpers.real_time import punctual
from tests.system.rulers import share_of_tone

OURS = 1000
"""Hz: what the box says."""
THEIRS = 440
"""Hz: what the phones say (tests.helpers.softphone.tone)."""
TICK = 0.02
WINDOW = 16_000
"""Bytes of 16-bit sound in which a tone is looked for: one second."""


class Voice:
    """Talks over one leg in a thread, every 20 ms, from `with` to its end."""

    def __init__(self, sound: socket.socket, agreed: MediaAgreed, hertz: int = OURS) -> None:
        sound.setblocking(False)
        self.leg = PhoneLeg(agreed.leg, sound)
        self.leg.agree(agreed, time.monotonic())
        self.heard = bytearray()
        self.keys: list[str] = []
        self._said = g711.encode(chord((hertz,), 1000, -16.0), Law.ALAW)
        self._stopping = threading.Event()
        self._agreed: list[MediaAgreed] = []
        self._thread = threading.Thread(target=self._talk)

    def agree(self, agreed: MediaAgreed) -> None:
        """Take a new agreement: hold, resume."""
        self._agreed.append(agreed)

    def wait_for_tone(self, hertz: int = THEIRS, share: float = 0.9, limit: float = 15.0) -> bool:
        """Wait until one second of `hertz` was heard, from now on."""
        start, end = len(self.heard), time.monotonic() + limit
        while time.monotonic() < end:
            if has_tone(bytes(self.heard[start:]), hertz, share):
                return True
            time.sleep(0.1)
        return False

    def wait_for_key(self, key: str, limit: float = 15.0) -> bool:
        """Wait until a key was heard."""
        end = time.monotonic() + limit
        while key not in self.keys and time.monotonic() < end:
            time.sleep(TICK)
        return key in self.keys

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._thread.join(5)

    def _talk(self) -> None:
        with punctual():
            self._talk_on_time()

    def _talk_on_time(self) -> None:
        at, due = 0, time.monotonic()
        while not self._stopping.wait(max(0.0, due - time.monotonic())):
            due += TICK
            with contextlib.suppress(IndexError):
                self.leg.agree(self._agreed.pop(0), time.monotonic())
            self.keys += [key.digit for key in self.leg.receive(time.monotonic())]
            self.leg.write(self._said[at : at + FRAME_SAMPLES], Law.ALAW)
            at = (at + FRAME_SAMPLES) % len(self._said)
            self.heard += g711.decode(self.leg.read(FRAME_SAMPLES, Law.ALAW), Law.ALAW)


def written(file: Path) -> bytes:
    """Return the 16-bit sound of a phone's WAV file; some phones' headers count too much."""
    with wave.open(str(file)) as sound:
        return bytes(sound.readframes(sound.getnframes()))


def has_tone(pcm: bytes, hertz: int, share: float = 0.9) -> bool:
    """Tell whether one second of 16-bit sound, on any half second, is a tone of `hertz`.

    In tenths: a phone on a busy machine may leave out a frame, and what follows is out of phase.
    """
    starts = range(0, len(pcm) - WINDOW + 1, WINDOW // 2)
    return any(_tenths(pcm[at : at + WINDOW], hertz, share) >= 8 for at in starts)


def _tenths(pcm: bytes, hertz: int, share: float) -> int:
    """Count the tenths of one second that are a tone."""
    tenths = [pcm[at : at + WINDOW // 10] for at in range(0, WINDOW, WINDOW // 10)]
    return sum(share_of_tone(tenth, hertz) > share for tenth in tenths)
