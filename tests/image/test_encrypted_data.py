"""The data partition encrypted in the very image, booted: asked for before the first start, its key
on a stick, the plug pulled, the stick left out and put in later. Run by `make boots`.
"""

from __future__ import annotations

import random
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.simulator.exchange.call import CallPlan
from tests.helpers.figures import Figures
from tests.image import brought, built
from tests.image.call_control import troubles
from tests.image.disk import DATA, FAT, Disk
from tests.image.guest import Guest
from tests.image.office import CALLER, VOICEMAIL, Office, site, wait_idle

MISSING = built.missing()
pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(MISSING != "", reason=f"needs {MISSING}"),
]
ASKED = site() + '[encryption]\r\nkey = "usb-stick"\r\n'
WRITTEN = "canary-in-plain-text"
OFFICE = b"Comune di Prova"
NO_KEY = "the USB stick with its key is missing"
SHORT = CallPlan(caller=CALLER, hang_up_after_ms=3000)
ANSWER = "centralino-result.txt"
ASK_CARD = f"grep '{NO_KEY}' /boot/firmware/{ANSWER}"
KEY = re.compile(r"^(?:[0-9a-f]{4}-){15}[0-9a-f]{4}\r$", re.MULTILINE)


@pytest.fixture(scope="module")
def stick(office: Office) -> Path:
    """A stick as the technician has named it, otherwise empty; the card asks for it."""
    office.disk.put_on_fat("centralino.toml", ASKED)
    made = office.folder / "key.stick"
    subprocess.run(("mkfs.vfat", "-C", "-n", "CHIAVE", str(made), "16384"), check=True)
    return made


@pytest.fixture(scope="module")
def other_stick(office: Office) -> Path:
    """A stick with the key of another card."""
    made = office.folder / "other.stick"
    subprocess.run(("mkfs.vfat", "-C", "-n", "CHIAVE", str(made), "16384"), check=True)
    subprocess.run(
        ("mcopy", "-i", str(made), "-", "::centralino-key.txt"), input=b"0" * 64, check=True
    )
    return made


@pytest.fixture(scope="module")
def first(office: Office, stick: Path, figures: Figures) -> Iterator[Guest]:
    """The first start, the stick in."""
    with office.on(office.disk.drive_logged()) as made:
        brought.put_in(made, stick)
        figures.say(f"image: first boot to READY, encrypting {made.wait_ready():.0f} s")
        yield made


@pytest.fixture(scope="module")
def cut_off(office: Office, first: Guest, rng: random.Random) -> Disk:
    """The card after a message, something written, and the plug pulled."""
    wait_idle(first)
    assert office.leave_message().answered
    first.run(f"echo {WRITTEN} > /data/lib/written && sync -f /data/lib/written")
    first.cut()
    office.disk.lose_power(rng)
    return office.disk


@pytest.fixture(scope="module")
def without(office: Office, cut_off: Disk) -> Iterator[Guest]:
    """A start without the stick."""
    with office.on(cut_off.drive) as made:
        made.wait_ready()
        yield made


def keys_on(stick: Path) -> str:
    """Return the text of the one key file on a stick."""
    listed = subprocess.run(
        ("mdir", "-b", "-i", str(stick), "::"), check=True, capture_output=True, text=True
    ).stdout.split()
    (name,) = [one for one in listed if "centralino-key-" in one]
    return subprocess.run(
        ("mtype", "-i", str(stick), name), check=True, capture_output=True
    ).stdout.decode()


def partition(disk: Disk, number: int) -> bytes:
    """Read a partition as who has stolen the card does."""
    start, length = disk.place(number)
    with disk.path.open("rb") as file:
        file.seek(start)
        return file.read(length)


def test_the_first_start_encrypts_and_serves(first: Guest) -> None:
    """All that is kept lies on the encrypted partition, which fills the card; nothing failed."""
    first.wait_settled()
    assert first.run("findmnt -no SOURCE /data") == "/dev/mapper/centralino-data"
    assert "LUKS2" in first.run("cryptsetup status centralino-data")
    assert int(first.run("findmnt -nbo SIZE /data")) > 330 << 20
    assert first.run("systemctl --failed --no-legend --plain") == ""
    assert first.run("cat /data/etc/machine-id") == first.run("cat /etc/machine-id")
    assert [one for one in troubles(first) if "data" in one.lower()] == []


def test_a_stranger_reads_nothing(cut_off: Disk, stick: Path) -> None:
    """Neither what was written nor the office's name nor a message's header stands on the
    partition, and the key stands nowhere on the card.
    """
    text = keys_on(stick)
    (key,) = [found.strip() for found in KEY.findall(text)]
    digits = key.replace("-", "")
    data = partition(cut_off, DATA)
    assert data.startswith(b"LUKS")
    for plain in (WRITTEN.encode(), OFFICE, b"RIFF", b"SQLite format 3", b"[site]"):
        assert plain not in data, plain
    assert OFFICE in partition(cut_off, FAT), "what is looked for is found where it stands"
    whole = cut_off.path.read_bytes()
    for one in (key.encode(), digits.encode(), bytes.fromhex(digits)):
        assert one not in whole


def test_without_its_stick_it_answers_and_says_so(
    office: Office, without: Guest, cut_off: Disk
) -> None:
    """One sentence, at call control and on the card; a caller is answered, and asked for no message
    that could not be kept; the partition is left as it is.
    """
    guest = without
    before = partition(cut_off, DATA)
    guest.wait(NO_KEY, lambda: any(NO_KEY in one for one in troubles(guest)))
    wait_idle(guest)
    assert office.call(SHORT).answered
    assert guest.run("findmnt -no FSTYPE /data") == "tmpfs"
    assert guest.run(f"ls /var{VOICEMAIL} 2>/dev/null | wc -l") == "0"
    guest.wait("the answer", lambda: guest.shell.try_(ASK_CARD)[0] == 0)
    assert NO_KEY in guest.run("cat /dev/vcs1").replace("\n", "")
    assert partition(cut_off, DATA) == before


def test_the_stick_put_in_later_starts_everything(
    office: Office, without: Guest, stick: Path, other_stick: Path, figures: Figures
) -> None:
    """By itself, also where a wrong stick was in before, under the same name of the kernel's: the
    message of before the cut is there, the box is the same, it serves.
    """
    guest = without
    number = guest.run("cat /etc/machine-id")
    wrong = brought.put_in(guest, other_stick)
    guest.wait("the wrong stick", lambda: guest.shell.try_("test -b /dev/sda")[0] == 0)
    brought.pull_out(guest, wrong)
    guest.wait("none", lambda: guest.shell.try_("test -b /dev/sda")[0] != 0)
    began = guest.seconds()
    brought.put_in(guest, stick)
    guest.wait_ready(boots=2)
    figures.say(f"image: READY {guest.seconds() - began:.0f} s after the key's stick was put in")
    wait_idle(guest)
    assert guest.run("cat /data/lib/written") == WRITTEN
    assert guest.run(f"ls /data{VOICEMAIL}/*.wav | wc -l") == "1"
    assert guest.run("cat /etc/machine-id") == number
    assert guest.run("ls /data/log/journal") == number
    assert [one for one in troubles(guest) if NO_KEY in one] == []
    assert office.call(SHORT).answered
