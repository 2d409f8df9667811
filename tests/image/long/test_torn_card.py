"""The image started with an answer that a power cut has torn on the card's FAT partition."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.image import built
from tests.image.board import Board
from tests.image.disk import Disk
from tests.image.fat import tear
from tests.image.guest import Guest
from tests.image.office import site

pytestmark = [
    pytest.mark.long,
    pytest.mark.system,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(built.missing() != "", reason=f"needs {built.missing()}"),
]
DRAFT, ANSWER = ".centralino-result.txt.new", "centralino-result.txt"
RESULT = "centralino-result.service"
UNCHECKED = Board(words="fsck.mode=skip")


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    """A card with the technician's file and half an answer."""
    made = Disk(built.image(), tmp_path / "card")
    made.put_on_fat("centralino.toml", site())
    made.put_on_fat(DRAFT, "x" * 3000)
    tear(made, DRAFT)
    assert made.checked_fat(), "nothing is torn"
    return made


def outcome(guest: Guest) -> str:
    """Wait until the answer is written or given up; returns what systemd says of that."""
    guest.wait_ready()
    told = f"test -s /boot/firmware/{ANSWER} && echo written || systemctl is-failed {RESULT}"
    return str(guest.wait("an answer", lambda: ended(guest.shell.try_(told)[1])))


def ended(told: str) -> str:
    """Return what it came to, "" as long as it goes on."""
    return told if told in {"written", "failed"} else ""


def test_it_is_mended_and_answered(disk: Disk) -> None:
    """Before it is mounted the partition is checked: the next answer is written, and afterwards the
    partition is whole, with the technician's file.
    """
    with Guest(disk.drive) as guest:
        assert outcome(guest) == "written"
        guest.power_off()
    assert disk.checked_fat() == ""
    assert disk.read_fat("centralino.toml") == site()


def test_unchecked_it_is_answered_no_more(disk: Disk) -> None:
    """What is mended is what the kernel does not bear: at the torn draft it makes the partition
    read-only, at this start and at every one after it.
    """
    with Guest(disk.drive, UNCHECKED) as guest:
        assert outcome(guest) == "failed"
        assert "Read-only file system" in guest.run(f"journalctl -b -o cat -u {RESULT}")
