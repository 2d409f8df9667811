"""An update from a USB stick whose version does not start: the box goes back to what worked."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.helpers.figures import Figures
from tests.image import built, updates
from tests.image.board import Board
from tests.image.disk import Disk
from tests.image.office import Office, site, wait_idle

pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(built.missing() != "", reason=f"needs {built.missing()}"),
]

NEWER = "99.1.0"
CHOSEN = re.compile(r"centralino: slot ([AB]);")
INSTALL_LIMIT_S = 600.0


def test_a_version_that_does_not_start_is_left(tmp_path: Path, figures: Figures) -> None:
    """Slot B is tried once, then slot A answers again, with its data; the box says what it did."""
    disk = Disk(built.image(), tmp_path / "card")
    disk.put_on_fat("centralino.toml", site())
    broken = updates.bundle(disk, NEWER, {updates.INIT: updates.MISSING}, tmp_path)
    stick = updates.stick([broken], tmp_path / "stick")
    with Office(disk, tmp_path) as office:
        board = Board(serial=office.exchange.line(1).resolve(), stick=stick)
        with office.on(board=board) as guest:
            guest.wait_ready()
            guest.plug_stick()
            guest.wait(
                "the update is installed",
                lambda: (
                    NEWER in guest.shell.try_("fw_printenv BOOT_ORDER; centralino update status")[1]
                ),
                INSTALL_LIMIT_S,
            )
            guest.shell.say("centralino update start")
            guest.wait("three starts", lambda: len(CHOSEN.findall(guest.console())) >= 3)
            assert CHOSEN.findall(guest.console())[:3] == ["A", "B", "A"]
            guest.wait_ready(boots=2)
            wait_idle(guest)
            assert office.call().answered
            told = guest.run("centralino update status")
            assert NEWER in told
    disk.remove()
