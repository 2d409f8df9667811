"""One start of the image, and one of a plain Debian on the same machine, from switch-on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from appliance.simulator.exchange import process
from tests.image.board import Board
from tests.image.disk import Disk
from tests.image.guest import Guest
from tests.image.long import measures, plain
from tests.image.long.measures import Held
from tests.image.office import MESSAGE, Office

RINGS, ANSWER_LIMIT_S = 200, 1000.0
"""A caller who has rung since the box was switched on."""
READY_UNITS: Final = ("centralino", "centralino-media")
PLAIN_UNIT: Final = "multi-user.target"


@dataclass(frozen=True, slots=True)
class Boot:
    """Seconds from switch-on to READY, `own` those of the guest's clock since its kernel began;
    memory in use once nothing is left to start, of `total`, in kB.
    """

    ready_s: float
    own_s: float
    used: int
    total: int


@dataclass(frozen=True, slots=True)
class Answering:
    """A start of the image: `answered_s` from switch-on to the call's answer."""

    boot: Boot
    answered_s: float
    held: dict[str, Held]


def start_of_ours(office: Office) -> Answering:
    """Switch the box on, ring at once, and wait until it has answered."""
    with office.on() as guest:
        call = process.start_call(office.folder / "lines", 1, replace(MESSAGE, rings=RINGS))
        rang_s = guest.seconds()
        ready_s = guest.wait_ready()
        after_s = call.wait_for("answered", ANSWER_LIMIT_S)["after_s"]
        call.close()
        boot = _settled(guest, ready_s, *READY_UNITS)
        held = measures.held(guest)
        guest.power_off()
    assert isinstance(after_s, float)
    return Answering(boot, rang_s + after_s, held)


def start_of_plain(disk: Disk, serial: Path) -> Boot:
    """Switch a plain Debian on, the modem in its port, and wait until it has come up."""
    with Guest(disk.drive, Board(serial=serial)) as guest:
        guest.wait_said(plain.READY)
        boot = _settled(guest, guest.seconds(), PLAIN_UNIT)
        guest.power_off()
    return boot


def _settled(guest: Guest, ready_s: float, *units: str) -> Boot:
    guest.wait_settled()
    used, total = measures.used_kb(guest)
    return Boot(ready_s, measures.own_seconds(guest, *units), used, total)
