"""What every test shares: on the build machine nothing may be skipped; figures of faults are kept;
a test that fails beside a box shows the end of that box's log, also where it is tried again.

A test that injects a fault says in a line what came of it; all are shown at the end, and kept in
the file FIGURES where one is named.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.helpers.figures import Figures

# Examples are judged by what they show: how long a machine takes that others use too, says nothing.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")

_FIGURES = pytest.StashKey[Figures]()
LOG_LINES = 80
SECOND_TRIES = Path(__file__).parents[1] / "build" / "second-tries.txt"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """With CENTRALINO_NO_SKIP=1 a skip is a failure: a package or a right is missing there."""
    report = yield
    if report.failed:
        report.sections.extend(_logs_of(item))
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CENTRALINO_NO_SKIP"):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be skipped: {report.longrepr}"
    return report


def _logs_of(item: pytest.Item) -> list[tuple[str, str]]:
    """Return the end of the log of every box among a test's fixtures."""
    fixtures: dict[str, Any] = getattr(item, "funcargs", {})
    paths = {name: getattr(made, "log_path", None) for name, made in fixtures.items()}
    return [
        (f"log of {name}", "\n".join(path.read_text(errors="replace").splitlines()[-LOG_LINES:]))
        for name, path in paths.items()
        if isinstance(path, Path) and path.exists()
    ]


@pytest.fixture(scope="session")
def figures(request: pytest.FixtureRequest) -> Figures:
    """Take what a case has measured."""
    return request.config.stash.setdefault(_FIGURES, Figures())


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Keep the names of what was tried again; show the figures and keep them."""
    if again := terminalreporter.getreports("rerun"):
        SECOND_TRIES.parent.mkdir(exist_ok=True)
        with SECOND_TRIES.open("a", encoding="utf-8") as names:
            names.writelines(f"{report.nodeid}\n" for report in again)
        for title, text in (part for report in again for part in report.sections):
            terminalreporter.section(title)
            terminalreporter.write(f"{text}\n")
    figures = config.stash.get(_FIGURES, Figures())
    if not figures.lines:
        return
    terminalreporter.section("faults: what was measured")
    terminalreporter.write(figures.text())
    if kept := os.environ.get("FIGURES"):
        path = Path(kept)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(figures.text(), encoding="utf-8")
