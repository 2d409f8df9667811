"""What is remembered of a position's call to somebody outside (dialled.py)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from appliance.calls.events import CallerHungUp, Evidence
from appliance.calls.orders import CallRecord, Result
from appliance.calls.sides import Side


@dataclass(slots=True)
class Dialled(Side):
    """Such a call, on `line` once it has one; `digits` are what is dialled there.

    `rung` is true where the box rings the phone (a call back), `gone` once the phone has hung up,
    `asks` while a reason is asked for, `refused` holds the prompts where it hears only why not.
    `tried` are lines that were of no use, `freeing` the one that an emergency call waits for.
    """

    record: CallRecord = field(kw_only=True)
    number: str = field(kw_only=True, repr=False)
    emergency: bool = False
    rung: bool = False
    asks: bool = False
    refused: tuple[str, ...] = ()
    line: str = ""
    gone: bool = False
    tried: set[str] = field(default_factory=set)
    freeing: str = ""
    rounds: int = 0
    talking_since: float | None = None

    @property
    def legs(self) -> dict[str, str]:
        """The phone, while it is there."""
        return {} if self.gone else {self.leg: self.phone}

    def concerns(self, event: Any) -> bool:
        """Its line's events, its phone's, its announcements and limits; silence ends nothing."""
        if isinstance(event, CallerHungUp) and event.evidence is Evidence.SILENCE:
            return False
        line = getattr(event, "line", "")
        return line == self.line if line else Side.concerns(self, event)

    def note(self, *codes: str, **changes: Any) -> None:
        """Add codes to the record's trail and change fields of the record."""
        self.record = replace(self.record, trail=self.record.trail + codes, **changes)

    @property
    def so_far(self) -> Result:
        """What the call was, should it end now."""
        return Result.NOT_REACHED if self.talking_since is None else Result.ANSWERED

    def settle(self, result: Result, reason: str, evidence: Evidence) -> None:
        """Say how the call went and by what its end was noticed; what was said first holds."""
        if self.record.result is Result.OPEN:
            self.note(reason, result=result, reason=reason, evidence=evidence)
