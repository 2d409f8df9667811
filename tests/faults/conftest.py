"""Shows each case's figures when all are over, and keeps them in the file FIGURES."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.faults.figures import Figures

KEPT = Path(os.environ.get("FIGURES", "build/faults.txt"))
_FIGURES = pytest.StashKey[Figures]()


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Figures:
    """Take what a case has measured."""
    return request.config.stash.setdefault(_FIGURES, Figures())


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Show the figures and keep them."""
    figures = config.stash.get(_FIGURES, Figures())
    if figures.lines:
        terminalreporter.section("faults: what was measured")
        terminalreporter.write(figures.text())
        KEPT.parent.mkdir(parents=True, exist_ok=True)
        KEPT.write_text(figures.text(), encoding="utf-8")
