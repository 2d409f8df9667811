"""What tests in a real browser share: the browser, and a whole box with its console."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.console.browser import started
from tests.console.running import Running, running


@pytest.fixture(scope="module")
def box_and_console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Return a whole box with its console, one for all tests of a file."""
    with running(tmp_path_factory.mktemp("box")) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a real browser, one for all tests of a file; ask it for a `screen`."""
    with started() as found:
        yield found
