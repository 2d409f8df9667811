"""Takes a line's own echo out: pairs what is heard with what the modem was playing just then."""

from __future__ import annotations

from appliance.carrier.echo import EchoCanceller
from appliance.media import frames, g711
from appliance.media.frames import FRAME_SAMPLES, Law

FRAME_BYTES = FRAME_SAMPLES * 2


class LineEcho:
    """Keeps what was written and not yet played; one crystal drives both directions.

    Output lags input by less than one frame: the canceller works on whole frames only.
    """

    def __init__(self) -> None:
        self._canceller = EchoCanceller()
        self._ahead = bytearray()
        self._heard = bytearray()
        self._played = bytearray()

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

    def reset(self) -> None:
        """Forget the call; the next one may come over another path."""
        self._canceller.close()
        self._canceller = EchoCanceller()
        for buffer in (self._ahead, self._heard, self._played):
            buffer.clear()

    def _take_played(self, size: int) -> None:
        """Move what the modem played meanwhile; silence where it had nothing."""
        part = bytes(self._ahead[:size])
        del self._ahead[:size]
        self._played += part + frames.silence(Law.LINEAR16, (size - len(part)) // 2)
