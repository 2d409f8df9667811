"""What the image takes: time to start, beside a plain Debian; memory; what it writes to its card.

The figures stand in docs/image.md. Starts are in turn, the image's and the plain Debian's, so that
what else the machine did meanwhile shows; the guest's own seconds count its instructions.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.helpers.figures import Figures
from tests.image import built
from tests.image.disk import Disk
from tests.image.long import plain
from tests.image.long.beside import Boot, start_of_ours, start_of_plain
from tests.image.long.measures import Written
from tests.image.long.wear import HOURS_A_DAY, KINDS, day, each_call, idle_hours
from tests.image.office import Office, site

MISSING: Final = built.missing() or plain.missing()
pytestmark = [
    pytest.mark.system,
    pytest.mark.long,
    pytest.mark.timeout(4 * 3600),
    pytest.mark.skipif(MISSING != "", reason=f"needs {MISSING}"),
]

STARTS: Final = ("first", "second")
HOURS: Final = int(os.environ.get("HOURS", str(HOURS_A_DAY)))
"""So much of a day is lived through; what lacks is reckoned from the others."""
READY_S: Final = 60.0
FREE_KB: Final = 200 << 10
"""What a box of 512 MB must have left for an update, the night's work and calls."""
IDLE_DAY, BUSY_DAY = 10_000_000, 70_000_000
"""What a day may write at most, in bytes."""
CALLS: Final = 200
A_MESSAGE, A_SHORT = KINDS
MESSAGES: Final = CALLS // 4


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A new card with the technician's file on it."""
    folder = tmp_path_factory.mktemp("figures")
    disk = Disk(built.image(), folder / "card")
    disk.put_on_fat("centralino.toml", site())
    with Office(disk, folder) as made:
        yield made
    disk.remove()


@pytest.fixture
def a_plain_debian(tmp_path: Path) -> Iterator[Disk]:
    """A card with nothing but Debian."""
    disk = Disk(plain.disk(), tmp_path / "plain")
    yield disk
    disk.remove()


def test_it_starts_beside_a_plain_debian(
    office: Office, a_plain_debian: Disk, figures: Figures
) -> None:
    """READY within a minute of its own time, the first caller answered; of the memory that a Zero
    2 W has too as much left as updates, the night's work and calls may need.
    """
    serial = office.exchange.line(1).resolve()
    for start in STARTS:
        ours = start_of_ours(office)
        other = start_of_plain(a_plain_debian, serial)
        figures.say(
            f"image: {start} start, READY {_said(ours.boot)}, first call answered at"
            f" {ours.answered_s:.0f} s; plain Debian {_said(other)};"
            f" {ours.boot.own_s / other.own_s:.2f} of its own seconds"
        )
        assert ours.boot.own_s < READY_S
        assert ours.boot.total - ours.boot.used > FREE_KB
    for unit, held in ours.held.items():
        figures.say(f"image: memory of {unit}: {held}")


def _said(boot: Boot) -> str:
    used = f"{boot.used / 1024:.0f} of {boot.total / 1024:.0f} MiB in use"
    return f"{boot.ready_s:.0f} s (its own clock {boot.own_s:.1f} s), {used}"


@pytest.fixture(scope="module")
def hours(office: Office) -> list[Written]:
    """What the box writes of itself, in each hour from 2:00 on."""
    return idle_hours(office, HOURS)


@pytest.fixture(scope="module")
def each(office: Office) -> dict[str, Written]:
    """What a call of each kind writes."""
    return each_call(office)


def test_a_day_without_a_call(hours: list[Written], figures: Figures) -> None:
    """Journal, clock, a night's work: what the whole box writes of itself is next to nothing."""
    idle, lived = day(hours), ", ".join(f"{one.bytes / 1e6:.2f}" for one in hours)
    figures.say(f"image: {HOURS} hours without a call, MB in each from 2:00 on: {lived}")
    figures.say(f"image: a day without a call: {idle}")
    assert 0 < idle.bytes < IDLE_DAY


def test_a_day_of_calls(each: dict[str, Written], hours: list[Written], figures: Figures) -> None:
    """A message or a call writes what the programme's own measure says, and the journal's part."""
    for kind, one in each.items():
        figures.say(f"image: {kind}: {one}")
    calls = each[A_MESSAGE].times(MESSAGES) + each[A_SHORT].times(CALLS - MESSAGES)
    busy = day(hours) + calls
    figures.say(f"image: a day of {CALLS} calls, {MESSAGES} of them messages, reckoned: {busy}")
    assert busy.bytes < BUSY_DAY
