"""What is known of a call while it rings: how often it rang, and who calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.calls.events import Caller, Presentation
from appliance.lines.caller_id import CallerId
from appliance.lines.facts import Identified, Rang

if TYPE_CHECKING:
    from appliance.lines.replies import CallerIdReceived

FRESH_S = 10.0
"""How long an identity sent before the first ring is kept for it."""


class Ringing:
    """Counts the rings and settles the caller's identity once, by arrival or by limit.

    `since` and `latest` are when the first and the last ring came, in monotonic seconds.
    """

    def __init__(self) -> None:
        self.count = 0
        self.since = self.latest = 0.0
        self._identity = CallerId()
        self._identity_at = 0.0
        self._told: Caller | None = None

    def on_ring(self, now: float) -> None:
        """Count a ring; at the first one an identity that lies too far back is dropped."""
        if self.count == 0:
            self.since = now
            if now - self._identity_at > FRESH_S:
                self._identity = CallerId()
        self.count += 1
        self.latest = now

    @classmethod
    def found(cls, caller: Caller, dated: str, at: float) -> Ringing:
        """Return a ringing that began before this process, last heard at `at`."""
        ringing = cls()
        ringing.count, ringing.since, ringing.latest = 1, at, at
        ringing._told = ringing._identity.caller = caller
        ringing._identity.take_date(dated)
        return ringing

    def on_caller_id(self, event: CallerIdReceived, now: float) -> None:
        """Take a line or a report of caller id."""
        self._identity.add(event.text)
        self._identity_at = now

    @property
    def news(self) -> bool:
        """True when somebody is known whom nobody was told of yet."""
        caller = self._identity.caller
        arrived = caller is not None and caller.presentation is not Presentation.UNKNOWN
        return arrived and caller != self._told

    @property
    def unsettled(self) -> bool:
        """True until somebody was told who calls."""
        return self._told is None

    @property
    def complete(self) -> bool:
        """True when a name has come as well: nothing else is worth waiting for."""
        return self._identity.complete

    def told(self) -> tuple[Rang, ...]:
        """Say again what was told of this ringing, for somebody who has not heard it."""
        if self.count == 0:
            return ()
        known = None if self._told is None else Identified(self._told, dated=self._identity.dated)
        return (Rang(self.count, known),)

    def settle(self, *, late: bool = False) -> Identified:
        """Tell who calls; UNKNOWN when nothing arrived."""
        self._told = self._identity.caller or Caller()
        return Identified(self._told, late, self._identity.dated)
