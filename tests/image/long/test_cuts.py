"""The plug is pulled at random, twenty times and more: the box always comes back by itself.

Of what was not flushed any write may be missing after a cut (blocklog.py). A boot that reaches
READY proves the cuts before it; in every life of a card several boots in a row are cut.
CUTS says how many there are, SEED which.
"""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Final

import pytest

from tests.helpers.figures import Figures
from tests.image import brought, built
from tests.image.long.life import Life
from tests.image.long.sticks import slot_of, stick_of
from tests.image.office import Office

MISSING: Final = built.missing() or brought.missing()
pytestmark = [
    pytest.mark.system,
    pytest.mark.long,
    pytest.mark.timeout(7200),
    pytest.mark.skipif(MISSING != "", reason=f"needs {MISSING}"),
]

LIVES: Final = (
    # four boots in a row: slot A's three tries are used up, and the empty slot's after them
    ("boot", "boot", "boot", "boot", "call"),
    ("boot", "boot", "after", "boot", "boot"),
    ("boot", "boot", "update", "boot", "boot"),
    ("boot", "update", "boot", "boot", "boot"),
)
CUTS: Final = int(os.environ.get("CUTS", "20"))
SEED: Final = int(os.environ.get("SEED", "1"))
EACH: Final = len(LIVES[0])


@pytest.fixture(scope="module")
def stick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lay a newer version on a stick: the slot as it is."""
    folder = tmp_path_factory.mktemp("stick")
    return stick_of(slot_of(built.image(), folder), folder)


@pytest.mark.parametrize("number", range(-(-CUTS // EACH)))
def test_it_comes_back_from_every_cut(
    number: int, office: Office, stick: Path, figures: Figures
) -> None:
    """READY by itself after each, the callers' messages there and whole, slot A as it was."""
    kinds = LIVES[number % len(LIVES)]
    count = iter(range(1, EACH + 1))
    rng = random.Random(f"{SEED}-{number}")
    name = f"image: card {number + 1} of seed {SEED}"
    life = Life(office, stick, rng, lambda told: figures.say(f"{name}, cut {next(count)} {told}"))
    for kind in kinds:
        life.cut(kind)
    life.end(built.image())
    figures.say(f"{name}: back after {len(kinds)} cuts, {life.stored} messages whole")
