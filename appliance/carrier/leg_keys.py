"""Keys in a leg's sound: a caller whom another branch hands over presses them on a line far away.

That branch passes on the sound as it is, and no key apart (RFC 4733), as phones do.
"""

from __future__ import annotations

from collections.abc import Callable

from appliance.dsp.dtmf import Detector, DigitStarted

Press = Callable[[str], None]
"""Is told each key."""


class LegKeys:
    """Listens to 16-bit sound in any chunking."""

    def __init__(self, press: Press) -> None:
        self._press = press
        self._detector = Detector()

    def hear(self, pcm: bytes) -> None:
        """Take the next piece."""
        for event in self._detector.feed(pcm):
            if isinstance(event, DigitStarted):
                self._press(event.digit)
