"""Keys pressed into a line's stream: no command goes through while one runs, so they are sound.

Whatever else is played is not heard meanwhile, but goes on: a phone's voice is not late afterwards.
"""

from __future__ import annotations

from appliance.dsp import dtmf, g711
from appliance.dsp.wav import SAMPLES_PER_MS, Law

ECHO_MS = 200
"""After the last key its echo is not taken for a key of the caller's."""


class Pressing:
    """The keys that are still to be heard on one line."""

    def __init__(self) -> None:
        self._tones = b""
        self._echo = 0  # samples

    @property
    def active(self) -> bool:
        """True while a key sounds, or its echo may."""
        return bool(self._tones) or self._echo > 0

    def press(self, digits: str) -> None:
        """Press keys (0-9 * # A-D) behind those that are still sounding; raises ValueError."""
        self._tones += dtmf.dtmf(digits)

    def over(self, data: bytes, law: Law) -> bytes:
        """Return `data` (samples of `law`) with the keys in place of its beginning."""
        if not self.active:
            return data
        part, self._tones = self._tones[: 2 * len(data)], self._tones[2 * len(data) :]
        pressed = len(part) // 2
        self._echo = ECHO_MS * SAMPLES_PER_MS if pressed else self._echo - len(data)
        return g711.encode(part, law) + data[pressed:]
