"""What tests in a real browser share: a whole box with its console."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.console.running import Running
from tests.console.screens.filled_box import full_box


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A box in which every page has something to show: one for all tests of a worker.

    Each test enters what it needs for itself. Nobody relies on what another test has changed; who
    stops the box, or needs other settings, has a box of their own.
    """
    with full_box(tmp_path_factory.mktemp("house")) as found:
        yield found
