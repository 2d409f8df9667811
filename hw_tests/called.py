"""Outcome of a call between two lines, and of the sound that was sent over it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.calls.events import Presentation

if TYPE_CHECKING:
    from appliance.modem import events
    from hw_tests.side import Side


@dataclass(frozen=True, slots=True)
class Rung:
    """How a call came about, in monotonic seconds: dialled, the rings, the answer."""

    dialled_at: float
    rings: tuple[float, ...]
    identified: tuple[float, events.Identified] | None
    answered_at: float
    off_hook_at: float


def tells(identified: events.Identified) -> bool:
    """Tell whether anything of who calls has come, be it that this is withheld."""
    return identified.caller.presentation is not Presentation.UNKNOWN


@dataclass(frozen=True, slots=True)
class Carried:
    """What one side has heard from `begin` on while something was played from `began_at` on.

    `mark` is where the side's events of that time begin.
    """

    side: Side
    begin: int
    began_at: float
    mark: int

    @property
    def pcm(self) -> bytes:
        """The sound as 16-bit samples."""
        return self.side.pcm(self.begin)

    def delay_ms(self, offset: int) -> float:
        """How long after it was played the sample at `offset` arrived."""
        return (self.side.arrived_at(self.begin + offset) - self.began_at) * 1000
