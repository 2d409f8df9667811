"""What journeys share: their steps, and a mark of how a test went, for the check at its end."""

from __future__ import annotations

import shutil
from collections.abc import Generator, Iterator
from typing import Any

import pytest

from tests.journeys.harness.steps import KEPT, Journey, sentences

_PASSED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, Any, Any]:
    """Remember whether the test itself has passed."""
    report = yield
    if call.when == "call":
        item.stash[_PASSED] = report.passed
    return report


@pytest.fixture
def journey(request: pytest.FixtureRequest) -> Iterator[Journey]:
    """Return the steps of this file; a test that has passed must have walked all of them.

    What the run before has kept stays beside: a second try is looked at with the first one's.
    """
    module = request.module.__name__.rpartition(".")[2].removeprefix("test_")
    folder = KEPT / module
    if folder.exists():
        before = folder.with_name(f"{module}-before")
        shutil.rmtree(before, ignore_errors=True)
        folder.rename(before)
    made = Journey(module.replace("_", " "), sentences(request.module.__doc__), folder)
    yield made
    if request.node.stash.get(_PASSED, False):
        made.end()
