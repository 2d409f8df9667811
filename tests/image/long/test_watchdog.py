"""A system that hangs is bitten by the hardware watchdog and comes back by itself.

The watchdog is QEMU's i6300esb, fed by systemd as the Raspberry Pi's own is, which is tried on a
real board. It remembers over the reset that it has bitten, and the chip's own driver does not: so
the list of boots says `watchdog` only where such a driver is there before the list is written.
"""

from __future__ import annotations

import dataclasses

import pytest

from tests.helpers.figures import Figures
from tests.image import built
from tests.image.board import Board
from tests.image.office import MESSAGE, Office, wait_idle

pytestmark = [
    pytest.mark.system,
    pytest.mark.long,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(built.missing() != "", reason=f"needs {built.missing()}"),
]

WATCHDOG = ("-device", "i6300esb", "-action", "watchdog=reset")
HANG = "/usr/lib/centralino-image/hang"
"""A kernel that stands still and does not start the machine anew by itself, as panic=10 asks."""
TAKEN = "Watchdog running with a hardware timeout of 14s"
RINGS = 60


def test_a_hung_system_is_bitten(office: Office, figures: Figures) -> None:
    """READY again without a hand, the reason in the list of boots, and the line answers."""
    board = Board(serial=office.exchange.line(1).resolve(), more=WATCHDOG)
    with office.on(board=board) as guest:
        guest.wait_ready()
        guest.wait_settled()
        assert TAKEN in guest.run("journalctl -b --no-pager -o cat _PID=1")
        guest.shell.say(HANG)
        hung = guest.seconds()
        guest.wait("the kernel's panic", lambda: "Kernel panic" in guest.console())
        again = guest.wait_ready(2) - hung
        wait_idle(guest)
        history = guest.run("cat /data/boots/history").splitlines()
        (_, first, _), (_, why, slot) = (line.split() for line in history)
        assert (first, slot) == ("first", "A")
        assert why in {"watchdog", "power"}
        assert office.call(dataclasses.replace(MESSAGE, rings=RINGS)).answered
    figures.say(
        f"image: bitten by the watchdog and READY again {again:.0f} s after it hung ({why})"
    )
