"""Shows each case's figures when all are over, and keeps them in build/faults.txt."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.figures import Figures

KEPT = Path(__file__).resolve().parents[2] / "build" / "faults.txt"
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
        KEPT.parent.mkdir(exist_ok=True)
        KEPT.write_text(figures.text(), encoding="utf-8")
