"""What a field test needs of the place where its lines are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from appliance.usb import UsbStep
    from hw_tests.side import Port


class World(Protocol):
    """Where the lines are: in the software exchange, or real.

    `kind` as in `Run.set_up`. `numbers` reach a side from the other; `known` are numbers by what
    they lead to (busy, congestion, answer). Times in monotonic seconds.
    """

    kind: str
    country: str
    numbers: Mapping[str, str]
    known: Mapping[str, str]

    def now(self) -> float:
        """Tell the time."""

    def wait(self, until: float) -> None:
        """Let time pass until then, or until something has come from a modem."""

    paths: Mapping[str, str]

    def open(self, name: str) -> Port:
        """Open a side's port, closing the one that was open; raises TechnicianError."""

    def close(self, name: str) -> None:
        """Close a side's port, if it is open."""

    def placed(self, name: str) -> tuple[str, str]:
        """Tell a unit's port and its serial number, "" where that is not known."""

    def turn(self, name: str, **knobs: object) -> bool:
        """Have a side's line behave so; False where nobody can tell it to."""

    def late_s(self) -> float:
        """Tell how late (s) the lines were served at worst since last asked; 0 for real ones."""

    def die(self, name: str) -> None:
        """Have a program of its own take a line off hook, stream, and be killed in the middle.

        The port must be closed. Raises UnmeasuredError when it could not seize the line.
        """

    def usb(self, name: str, step: UsbStep) -> Callable[[], None]:
        """Give what resets a side's USB device or takes its power; that raises TechnicianError.

        Raises CannotError where this cannot be done.
        """
