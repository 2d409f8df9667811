"""A box whose nights and days pass as fast as its processor gets through what is to be done."""

from __future__ import annotations

from typing import Final

from tests.image.board import CLOCK
from tests.image.call_control import set_clock
from tests.image.guest import Guest

HURRIED: Final = "shift=1,sleep=off"
"""As board.CLOCK, but where the guest waits its clock goes on to what it waits for."""
ZONE: Final = "Europe/Rome"
"""That of a technician's file that names none."""
LIMIT_S: Final = 7200.0


class Hurried(Guest):
    """Its clock chip goes with its processor's, so that both tell the same time."""

    def _command(self) -> list[str]:
        words = [HURRIED if word == CLOCK[1] else word for word in super()._command()]
        return [*words, "-rtc", "clock=vm"]

    def set_clock(self, time: str) -> None:
        """Set the box's clock to a time of tomorrow, as a person at the console does."""
        tomorrow = self.date("-d tomorrow +%F")
        set_clock(self, f"{tomorrow}T{time}")
        self.wait("the clock is set", lambda: self.date("+%F") == tomorrow)

    def date(self, words: str) -> str:
        """Return the office's own date or time."""
        return self.run(f"TZ={ZONE} date {words}")

    def live(self, seconds: float) -> None:
        """Let so much of the guest's own time pass."""
        self.run(f"sleep {seconds:.0f}", limit_s=LIMIT_S)
