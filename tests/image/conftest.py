"""One card, and what becomes of it: the fixtures that the boots of a module go through in turn."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator

import pytest

from tests.helpers.figures import Figures
from tests.image import built
from tests.image.board import Board
from tests.image.disk import SLOT_A, Disk
from tests.image.guest import Guest
from tests.image.office import Office, site, wait_idle

SEED = 7


@pytest.fixture(scope="module")
def rng() -> random.Random:
    """Say when the plug is pulled, and what is lost."""
    return random.Random(SEED)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A new card with the technician's file on it."""
    folder = tmp_path_factory.mktemp("office")
    disk = Disk(built.image(), folder / "card")
    disk.put_on_fat("centralino.toml", site())
    with Office(disk, folder) as made:
        yield made
    disk.remove()


@pytest.fixture(scope="module")
def slot_before(office: Office) -> str:
    """Sign slot A as it was flashed."""
    return office.disk.signature(SLOT_A)


@pytest.fixture(scope="module")
def cut_off(office: Office, slot_before: str, rng: random.Random, figures: Figures) -> Disk:
    """Return the card whose first boot was cut: when, is up to `rng`."""
    assert slot_before
    with office.on(office.disk.drive_logged()) as guest:
        guest.wait("the kernel", lambda: "systemd[1]" in guest.console())
        moment = rng.uniform(0, 30)
        guest.pass_time(moment)
        guest.cut()
    loss = office.disk.lose_power(rng)
    figures.say(f"image: first boot cut {moment:.0f} s after systemd began, {loss}")
    return office.disk


@pytest.fixture(scope="module")
def guest(office: Office, cut_off: Disk, figures: Figures) -> Iterator[Guest]:
    """Boot the box after that, to READY."""
    assert cut_off is office.disk
    with office.on(office.disk.drive_logged()) as made:
        figures.say(f"image: boot to READY {made.wait_ready():.0f} s")
        yield made


@pytest.fixture(scope="module")
def rested(office: Office, guest: Guest, rng: random.Random, figures: Figures) -> Disk:
    """Return the card of a box whose plug was pulled in the middle of a message."""
    wait_idle(guest)
    spoken = office.begin_call(guest)
    guest.pass_time(rng.uniform(0, 3))
    guest.cut()
    spoken.close()
    loss = office.disk.lose_power(rng)
    figures.say(f"image: call cut while a message was spoken, {loss}")
    return office.disk


@pytest.fixture(scope="module")
def guest_after_cuts(office: Office) -> Iterator[Guest]:
    """Boot the box after the cuts, with a copy of its card in a reader, as it is at that moment."""
    copy = office.disk.path.with_name("copy.img")
    subprocess.run(("cp", "--sparse=always", office.disk.path, copy), check=True)
    reader = (f"if=none,id=spare,format=raw,snapshot=on,file={copy}",
              "usb-storage,drive=spare,bus=usb.0,port=2")  # fmt: skip
    more = ("-drive", reader[0], "-device", reader[1])
    with office.on(board=Board(office.exchange.line(1).resolve(), more=more)) as made:
        made.wait_ready()
        yield made
