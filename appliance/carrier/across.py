"""Two analog lines joined: each is the other's source, across two slip buffers, one a way.

Each modem's own received bytes are the clock of what is played to it; two crystals differ.
"""

from __future__ import annotations

from appliance.dsp import g711
from appliance.dsp.conceal import SlipBuffer
from appliance.dsp.wav import FRAME_SAMPLES, Law


class Across:
    """The other line as a line meets it: its sound is read here, what it is to hear written.

    Both ways carry mu-law, so that two mu-law modems lose nothing.
    """

    def __init__(self, heard: SlipBuffer, told: SlipBuffer) -> None:
        self._heard = heard
        self._told = told
        self._unread = b""

    def write(self, data: bytes, law: Law) -> None:
        """Take what was heard on this line."""
        self._told.write(g711.translate(data, law, Law.ULAW))

    def read(self, samples: int, law: Law) -> bytes:
        """Return exactly `samples` samples of the other line; slip buffers are read in frames."""
        while len(self._unread) < samples:
            self._unread += self._heard.read(FRAME_SAMPLES)
        data, self._unread = self._unread[:samples], self._unread[samples:]
        return g711.translate(data, Law.ULAW, law)


def pair() -> tuple[Across, Across]:
    """Make both ends."""
    one, other = SlipBuffer(Law.ULAW), SlipBuffer(Law.ULAW)
    return Across(one, other), Across(other, one)
