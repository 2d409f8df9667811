"""A technician with a card and a box: the built image itself, booted in QEMU (tests/image).

    with BootedBox(folder) as box:                    # the card is written
        box.write_card("centralino.toml", edited)     # in the technician's computer
        with box.switched_on():                       # card in, power on, until it is ready
            box.call(plan)
        print(box.read_card("centralino-result.txt")) # power off, card out

The card is a copy of the image, which must have been built (`make boots`, `make image`, or IMAGE in
the environment): a journey builds none. A boot takes one to two minutes of processor time. The
emulated machine has one line and its modem; phones and browsers reach it only within `office_lan`,
a network of the kernel's that holds nothing else.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from appliance.simulator.exchange.call import CallPlan, CallReport
from appliance.simulator.exchange.process import RunningCall, start_call
from tests.docs.pages import ROOT
from tests.image.board import Board
from tests.image.disk import Disk
from tests.image.guest import Guest, missing
from tests.image.office import Office, wait_idle

ANSWER: Final = "centralino-result.txt"
WRITTEN: Final = "findmnt -O ro /boot/firmware && grep -q {mark} /boot/firmware/" + ANSWER
"""The answer is on the card, and nothing more can be written there."""
WAIT_S: Final = 900.0
BOX_AT, COMPUTER_AT = "192.168.77.1", "192.168.77.2"
"""On the office's network: the box's fixed address, and that of the computer and the phones."""
CABLE: Final = "box"
"""The computer's end of the cable, a tap of the kernel's."""
NOBODY: Final = "user,id=lan,restrict=on"
"""How tests/image/board.py has a machine's network: there is one, and nobody in it."""


@contextlib.contextmanager
def office_lan() -> Iterator[None]:
    """Put this thread, and what it starts, on a network of their own: the box's cable ends there.

    Needs root. The thread is back on its own network afterwards.
    """
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.unshare(os.CLONE_NEWNET)
        try:
            for words in (
                "link set lo up",
                f"tuntap add {CABLE} mode tap",
                f"address add {COMPUTER_AT}/24 dev {CABLE}",
                f"link set {CABLE} up",
            ):
                subprocess.run(("ip", *words.split()), check=True)
            yield
        finally:
            os.setns(before, os.CLONE_NEWNET)
    finally:
        os.close(before)


class OnTheLan(Guest):
    """A guest whose network cable ends in `office_lan`, within which it must be started."""

    def _command(self) -> list[str]:
        words = super()._command()
        words[words.index(NOBODY)] = f"tap,id=lan,ifname={CABLE},script=no,downscript=no"
        return words


def built() -> Path | None:
    """Return the image that was built, None where there is none."""
    if named := os.environ.get("IMAGE"):
        return Path(named)
    found = sorted((ROOT / "build" / "image" / "work").glob("centralino-*.img"))
    return found[-1] if found else None


def why_not() -> str:
    """Say what a boot needs and this machine lacks, "" for nothing."""
    if built() is None:
        return "an image that was built: make image, or IMAGE in the environment"
    packages = missing()
    return f"the Debian packages {packages}" if packages else ""


@dataclass
class BootedBox:
    """The box, its card, and a line of the exchange; the card is written from `image`.

    `is_on_lan`: its network is `office_lan`, within which it must then be entered.
    """

    folder: Path
    image: Path | None = field(default_factory=built)
    is_on_lan: bool = False

    def __enter__(self) -> Self:
        assert self.image is not None, why_not()
        self._stack = contextlib.ExitStack()
        self.disk = Disk(self.image, self.folder / "card")
        self._stack.callback(self.disk.remove)
        self._office = self._stack.enter_context(Office(self.disk, self.folder))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    # --- the card in the technician's computer -----------------------------------------------

    def read_card(self, name: str) -> str:
        """Open a text file of the card's FAT partition."""
        return self.disk.read_fat(name).removeprefix("\ufeff").replace("\r\n", "\n")

    def write_card(self, name: str, text: str) -> None:
        """Save a text file there."""
        self.disk.put_on_fat(name, text)

    # --- the card in the box -----------------------------------------------------------------

    @contextlib.contextmanager
    def switched_on(self, says: str) -> Iterator[Guest]:
        """Switch the box on and wait for its line, and for an answer on the card that has `says`.

        Leaving it, the power is cut: there is no other way to switch it off.
        """
        board = Board(serial=self._office.exchange.line(1).resolve())
        kind = OnTheLan if self.is_on_lan else Guest
        with kind(self.disk.drive, board) as guest:
            guest.wait_ready()
            wait_idle(guest)
            look = WRITTEN.format(mark=f"'{says}'")
            guest.wait("the answer", lambda: guest.shell.try_(look)[0] == 0, WAIT_S, every_s=1.0)
            yield guest

    def call(self, plan: CallPlan, listen: Path | None = None) -> CallReport:
        """Call the line of the box that is on, and wait until the call is over."""
        return self._office.call(plan, listen)

    def begin_call(self, plan: CallPlan) -> RunningCall:
        """Call the line of the box that is on, and go on."""
        return start_call(self.folder / "lines", 1, plan)
