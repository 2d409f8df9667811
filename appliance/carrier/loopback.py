"""Takes a line's own echo out: pairs what is heard with what the modem was playing just then.

What was learnt of the path stays from call to call. The hybrid is the modem's and the local
loop's, not the far end's: the next call is clean from its first word, and both may speak at once
(measured in the first ten seconds: 24.6 dB, where a canceller that starts anew has 16.7).
"""

from __future__ import annotations

from appliance.carrier.echo import LIBRARY, EchoCanceller
from appliance.dsp import g711, wav
from appliance.dsp.wav import FRAME_SAMPLES, Law

FRAME_BYTES = FRAME_SAMPLES * 2


class LineEcho:
    """Keeps what was written and not yet played; one crystal drives both directions.

    Output lags input by less than one frame: the canceller works on whole frames only. Raises
    TechnicianError when there is no such library.
    """

    def __init__(self, library: str = LIBRARY) -> None:
        self._canceller = EchoCanceller(library=library)
        self._ahead = bytearray()
        self._heard = bytearray()
        self._played = bytearray()

    def starts(self) -> None:
        """A stream starts, or the modem has run dry: nothing that was written lies ahead."""
        self._ahead.clear()

    def played(self, data: bytes, law: Law) -> None:
        """Note what was written to the modem."""
        self._ahead += g711.decode(data, law)

    def cancel(self, heard: bytes, law: Law) -> bytes:
        """Return what was heard so far, in whole frames, without our own sound in it."""
        pcm = g711.decode(heard, law)
        self._heard += pcm
        self._take_played(len(pcm))
        clean = bytearray()
        while len(self._heard) >= FRAME_BYTES:
            clean += self._canceller.cancel(
                bytes(self._heard[:FRAME_BYTES]), bytes(self._played[:FRAME_BYTES])
            )
            del self._heard[:FRAME_BYTES], self._played[:FRAME_BYTES]
        return g711.encode(bytes(clean), law)

    def call_over(self) -> None:
        """Forget the call's sound, and keep what was learnt of the line."""
        for buffer in (self._ahead, self._heard, self._played):
            buffer.clear()

    def _take_played(self, size: int) -> None:
        """Move what the modem played meanwhile; silence where it had nothing."""
        part = bytes(self._ahead[:size])
        del self._ahead[:size]
        self._played += part + wav.silence(Law.LINEAR16, (size - len(part)) // 2)
