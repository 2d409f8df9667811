"""A desk that is gone: callers are told so, phones let go, lines put on hook when it was heard."""

from __future__ import annotations

from appliance.carrier.switch import Switch

FAREWELL_S = 8.0
"""Seconds a caller whose desk has died is told so, before the line is put on hook."""
LOST = "lost"
"""Name of the play that a dead desk's callers hear."""


class Farewell:
    """One at a time; a desk that dies meanwhile begins it anew."""

    def __init__(self, switch: Switch) -> None:
        self._switch = switch
        self.until: float | None = None
        """When (monotonic s) it is over at the latest, None while there is none."""

    def begin(self, prompts: tuple[str, ...], now: float) -> None:
        """Tell every caller by these prompts, let every phone go."""
        self.until = now + FAREWELL_S
        self._switch.see_off(LOST, prompts, now)

    def look(self, now: float) -> None:
        """Put on hook the lines whose callers have heard it, in the end all of them."""
        if self.until is None:
            return
        over = now >= self.until
        self._switch.end_farewell(now, hang_up=over)
        if over:
            self.until = None
