"""The image on a Raspberry Pi 3 B: its READY LED, seen from outside, at the chip's own registers.

The pins are those of a configuration without [panel] (docs/installation.md).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from appliance.daemon.settings_box import PanelPins
from tests.helpers.figures import Figures
from tests.image import built
from tests.image.disk import Disk
from tests.image.guest import CARRIER_READY, DESK_READY
from tests.image.long.pi import MODEM, Pi
from tests.image.office import Office, site

pytestmark = [
    pytest.mark.system,
    pytest.mark.long,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(built.missing() != "", reason=f"needs {built.missing()}"),
]

PINS: Final = PanelPins()


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """A new card with the technician's file on it, its line at the board's own USB."""
    disk = Disk(built.image(), tmp_path / "card")
    disk.put_on_fat("centralino.toml", site(MODEM))
    with Office(disk, tmp_path) as made:
        yield made
    disk.remove()


def test_ready_blinks_and_then_stays_lit(office: Office, figures: Figures) -> None:
    """While the box starts, and once it serves; seen from outside, nobody is asked."""
    ready = PINS.ready
    with Pi(office.disk, office.exchange.line(1).resolve()) as guest:
        looks: list[bool] = []
        guest.wait("READY", lambda: is_ready(guest, looks))
        assert (True, False) in itertools.pairwise(looks), "it did not blink"
        figures.say(f"image: on a Raspberry Pi 3 B, to READY {guest.seconds():.0f} s")
        guest.wait("READY's LED stays lit", lambda: guest.seen(ready) == {True})


def is_ready(guest: Pi, looks: list[bool]) -> bool:
    """Tell whether desk and carrier have said that they are READY; looks at READY's LED first."""
    looks.append(guest.is_lit(PINS.ready))
    return all(word.search(guest.console()) for word in (DESK_READY, CARRIER_READY))
