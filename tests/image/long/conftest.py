"""One card for each test: the long tests use theirs up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.image import built
from tests.image.disk import Disk
from tests.image.office import Office, site


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """A new card with the technician's file on it."""
    disk = Disk(built.image(), tmp_path / "card")
    disk.put_on_fat("centralino.toml", site())
    with Office(disk, tmp_path) as made:
        yield made
    disk.remove()
