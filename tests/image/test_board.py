"""A Raspberry Pi 3 B: its U-Boot from the FAT partition, its own SD card, USB and GPIO.

The stage before, in the board's own firmware, is emulated nowhere: it is tried on a real one.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from appliance.daemon.settings import PanelPins
from tests.helpers.figures import Figures
from tests.image import built
from tests.image.board import PI_MODEM, Board, Kind
from tests.image.disk import Disk
from tests.image.guest import Guest
from tests.image.office import CALL_LIMIT_S, Office, site, status, wait_idle

pytestmark = [
    pytest.mark.system,
    pytest.mark.long,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(built.missing() != "", reason=f"needs {built.missing()}"),
]

LEVELS = 0x3F20_0034
"""GPLEV0 of the BCM2837: the level of pins 0 to 31."""
PINS = PanelPins()
LOOK_S = 6.0
"""Longer than any pattern of a LED."""


def levels(guest: Guest, pin: int) -> set[bool]:
    """Look at a wire from outside for a while; returns the levels that were seen."""
    end = time.monotonic() + LOOK_S
    seen = set()
    while time.monotonic() < end:
        seen.add(bool(guest.monitor.word(LEVELS) >> pin & 1))
    return seen


def wait_levels(guest: Guest, pin: int, wanted: set[bool]) -> None:
    """Wait until a wire shows nothing but these levels, each of them."""
    guest.wait(f"pin {pin} at {wanted}", lambda: levels(guest, pin) == wanted)


def test_the_leds_say_how_it_is(tmp_path: Path, figures: Figures) -> None:
    """Read at the wires: in service, a line that is idle, in a call, without its modem; faults."""
    disk = Disk(built.image(), tmp_path / "card")
    disk.put_on_fat("centralino.toml", site(PI_MODEM))
    firmware = disk.firmware(tmp_path / "firmware")
    with Office(disk, tmp_path) as office:
        serial = office.exchange.line(1).resolve()
        board = Board(serial=serial, kind=Kind.PI, firmware=firmware)
        with office.on(board=board) as guest:
            figures.say(f"image: a Pi 3 B boots to READY in {guest.wait_ready():.0f} s")
            wait_idle(guest)
            assert guest.run("systemctl --failed --no-legend --plain") == ""
            assert levels(guest, PINS.ready) == {True}
            assert levels(guest, PINS.lines[0]) == {False}
            assert levels(guest, PINS.fault) == {bool(status(guest)["troubles"])}
            call = office.begin_call(guest)
            wait_levels(guest, PINS.lines[0], {True})
            call.hang_up()
            call.wait_for("ended", CALL_LIMIT_S)
            call.close()
            wait_levels(guest, PINS.lines[0], {False})
            guest.monitor.ask("device_del", id="plug")
            wait_levels(guest, PINS.lines[0], {True, False})
    disk.remove()
