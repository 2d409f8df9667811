"""Power cuts at moments that nobody has chosen: of the first boot, a boot, a call, an update.

After each the box must come up by itself, serve its line and have every message that it had said to
be kept. What a cut leaves of the card is taken from the order in which it was written to.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.figures import Figures
from tests.image import built, updates
from tests.image.board import Board
from tests.image.disk import Disk
from tests.image.guest import Guest
from tests.image.office import Office, is_whole, site, wait_idle

pytestmark = [
    pytest.mark.system,
    pytest.mark.long,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(built.missing() != "", reason=f"needs {built.missing()}"),
]

EACH = 6
"""Cuts of each kind; four kinds make twenty-four."""
NEWER = "99.1.0"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """A new card with the technician's file on it."""
    disk = Disk(built.image(), tmp_path / "card")
    disk.put_on_fat("centralino.toml", site())
    with Office(disk, tmp_path) as made:
        yield made
    disk.remove()


def cut(office: Office, guest: Guest, rng: random.Random) -> str:
    """Pull the plug now; returns what became of the card."""
    guest.cut()
    return str(office.disk.lose_power(rng))


def settle(office: Office, messages: int) -> None:
    """Boot, see that the line is served, take a message, switch off, count what is kept."""
    with office.on() as guest:
        guest.wait_ready()
        wait_idle(guest)
        assert office.call().answered
        guest.power_off()
    whole = [each for each in office.recorded() if is_whole(each)]
    assert len(whole) >= messages + 1, [len(each) for each in office.recorded()]


def wait_written(guest: Guest, megabytes: float) -> None:
    """Wait until so much more lies on the card."""
    until = guest.monitor.written() + megabytes * (1 << 20)
    guest.wait("the slot is written", lambda: guest.monitor.written() > until)


@pytest.mark.parametrize("seed", range(EACH))
def test_in_the_first_boot(office: Office, seed: int, figures: Figures) -> None:
    """Cut once, or again in the boot after it: partitions grow, keys and folders are made then."""
    rng = random.Random(seed)
    for _ in range(1 + seed % 2):
        with office.on(office.disk.drive_logged()) as guest:
            moment = rng.uniform(2, 60)
            guest.pass_time(moment)
            figures.say(f"image: first boot cut after {moment:.0f} s: {cut(office, guest, rng)}")
    settle(office, messages=0)


def test_in_a_boot(office: Office, figures: Figures) -> None:
    """One card through all of them: what a cut leaves behind meets the next one."""
    settle(office, messages=0)
    for seed in range(EACH):
        rng = random.Random(100 + seed)
        with office.on(office.disk.drive_logged()) as guest:
            moment = rng.uniform(1, 60)
            guest.pass_time(moment)
            figures.say(f"image: boot cut after {moment:.0f} s: {cut(office, guest, rng)}")
    settle(office, messages=1)


def test_in_a_call(office: Office, figures: Figures) -> None:
    """While a message is spoken; those that were kept before are whole."""
    settle(office, messages=0)
    for seed in range(EACH):
        rng = random.Random(200 + seed)
        with office.on(office.disk.drive_logged()) as guest:
            guest.wait_ready()
            wait_idle(guest)
            call = office.begin_call(guest)
            guest.pass_time(rng.uniform(0, 8))
            figures.say(f"image: call cut: {cut(office, guest, rng)}")
            call.close()
    settle(office, messages=1)


def test_in_an_update(office: Office, tmp_path: Path, figures: Figures) -> None:
    """While the other slot is written: the box starts from the one that works, every time."""
    settle(office, messages=0)
    stick = updates.stick([updates.bundle(office.disk, NEWER, {}, tmp_path)], tmp_path / "stick")
    board = Board(serial=office.exchange.line(1).resolve(), stick=stick)
    for seed in range(EACH):
        rng = random.Random(300 + seed)
        with office.on(office.disk.drive_logged(), board) as guest:
            guest.wait_ready()
            megabytes = rng.uniform(1, 300)
            guest.plug_stick()
            wait_written(guest, megabytes)
            figures.say(f"image: update cut at {megabytes:.0f} MB: {cut(office, guest, rng)}")
    settle(office, messages=1)
