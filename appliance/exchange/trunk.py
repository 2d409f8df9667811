"""Two lines of the exchange joined: one modem dials the other line's number, which rings."""

from __future__ import annotations

import audioop
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from appliance.dsp import g711
from appliance.exchange.call import Call, CallPlan
from appliance.exchange.signals import KeyBegan, KeyEnded
from appliance.exchange.sound import samples, silence

if TYPE_CHECKING:
    from appliance.exchange.signals import Signal

RINGS = 100
"""The called line rings until somebody answers or the caller gives up."""
MOST = samples(200)
"""Sound that may wait between two crystals; more is dropped, a lack is filled with silence."""


CUSHION = samples(1)
"""Kept between two crystals: of one tick to the next each gives or takes a sample more or less."""
MILLION = 1_000_000


class Pipe:
    """Sound on its way from one line to the other.

    It is analog in between: what one crystal plays too fast (`sent_ppm`) another one (`heard_ppm`)
    hears too high. With crystals that agree it passes unchanged.
    """

    def __init__(self, sent_ppm: float = 0.0, heard_ppm: float = 0.0) -> None:
        self._sound = bytearray()
        self._rates = round(MILLION + sent_ppm), round(MILLION + heard_ppm)
        self._state: Any = None

    def put(self, sound: bytes) -> None:
        """Take what one line brings."""
        sent, heard = self._rates
        if sent != heard:
            pcm = g711.ulaw_to_linear(sound)
            pcm, self._state = audioop.ratecv(pcm, 2, 1, sent, heard, self._state)
            sound = g711.linear_to_ulaw(pcm)
            if not self._sound:
                self._sound += silence(CUSHION)
        self._sound += sound
        del self._sound[:-MOST]

    def take(self, n: int) -> bytes:
        """Give the next n samples."""
        piece = bytes(self._sound[:n])
        del self._sound[:n]
        return piece + silence(n - len(piece))


class Trunk(Call):
    """The call as the called line knows it; to the calling line it is whoever was reached."""

    def __init__(
        self,
        line: int,
        caller: CallPlan,
        release: str,
        calling_ppm: float = 0.0,
        called_ppm: float = 0.0,
    ) -> None:
        super().__init__(replace(caller, rings=RINGS, release=release), line)
        self._to_called = Pipe(calling_ppm, called_ppm)
        self._to_calling = Pipe(called_ppm, calling_ppm)
        self._keys_to_called: list[Signal] = []
        self._keys_to_calling: list[Signal] = []

    # To the called line

    def speak(self, n: int) -> tuple[bytes, list[Signal]]:
        """Give what the calling line brings."""
        keys, self._keys_to_called = self._keys_to_called, []
        return self._to_called.take(n), keys

    def hear(self, sound: bytes) -> None:
        """Take what the called line's modem says."""
        self.report.bytes_heard += len(sound)
        self._to_calling.put(sound)

    def key_of_called(self, digit: str) -> None:
        """Take a key that the called line's modem sends."""
        self._keys_to_calling += (KeyBegan(digit), KeyEnded())

    def hangs_up(self, n: int) -> bool:
        """Tell whether the calling line has let go."""
        return self.wants_to_hang_up

    # To the calling line

    @property
    def gone(self) -> bool:
        """True when the called line's modem has hung up."""
        return bool(self.report.ended_by)

    def reach(self, n: int) -> tuple[bytes, list[Signal]]:
        """Give n samples of what the calling modem hears of the called line."""
        keys, self._keys_to_calling = self._keys_to_calling, []
        return self._to_calling.take(n), keys

    def said(self, sound: bytes) -> None:
        """Take what the calling modem says."""
        self._to_called.put(sound)

    def key_of_calling(self, digit: str) -> None:
        """Take a key that the calling modem sends."""
        self._keys_to_called += (KeyBegan(digit), KeyEnded())
