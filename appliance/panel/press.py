"""What presses of the button mean: bounces are one press, a long hold is another thing."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

BOUNCE_S: Final = 0.05
HOLD_S: Final = 3.0


class Press(enum.StrEnum):
    """A press as the desk hears of it, when the button is let go."""

    SHORT = "short"  # toggles "Non presidiato"
    LONG = "long"  # held for 3 s; nothing yet


@dataclass(slots=True)
class Button:
    """Turns edges of a contact into presses; `now` is monotonic seconds.

    A contact bounces for some ms at each change: edges that follow the last one taken within
    `BOUNCE_S` are not taken.
    """

    _down_at: float | None = None
    _edge_at: float = float("-inf")

    def pressed(self, now: float) -> None:
        """Take a closing of the contact.

        One while it is closed means that its opening was taken for a bounce: begin anew.
        """
        if self._settled(now):
            self._down_at = now

    def released(self, now: float) -> Press | None:
        """Take an opening of the contact; returns the press that it ends."""
        if self._down_at is None or not self._settled(now):
            return None
        held, self._down_at = now - self._down_at, None
        return Press.LONG if held >= HOLD_S else Press.SHORT

    def _settled(self, now: float) -> bool:
        settled = now - self._edge_at >= BOUNCE_S
        if settled:
            self._edge_at = now
        return settled
