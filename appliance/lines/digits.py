"""One event for one key press, out of the chip's repeating DTMF codes (v253.md 2.1)."""

from __future__ import annotations

DIGITS = frozenset("0123456789*#ABCD")
_OPEN = "/"
_CLOSE = frozenset("~\x7f")  # manuals print position 7/15, modems send "~": accept both
SHIELDED_S = 0.3
"""Inside / ... ~ the code repeats every 70 ms or so while held; a longer pause: a lost end code."""
BARE_S = 0.08
"""Without / and ~: Q.24 has at least 40 ms of tone and 40 ms of pause from press to press."""


class DigitFilter:
    """Feeds on DLE codes with their time; tells a digit once, when its press begins."""

    def __init__(self) -> None:
        self._last = ""
        self._last_at = 0.0
        self._shielded = False

    def receive(self, code: str, now: float) -> str:
        """Return the digit whose press begins with `code` at `now` (seconds), else ""."""
        if code == _OPEN or code in _CLOSE:
            self._shielded = code == _OPEN
            self._last = ""
            return ""
        if code not in DIGITS:
            return ""
        within = SHIELDED_S if self._shielded else BARE_S
        repeated = code == self._last and now - self._last_at < within
        self._last, self._last_at = code, now
        return "" if repeated else code
