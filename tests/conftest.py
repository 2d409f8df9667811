"""Fixtures and hooks of all tests.

With CENTRALINO_NO_SKIP=1 a skipped test fails. A test that fails beside a box shows the end of the
box's log. A test that injects a fault adds a line of figures; all lines are shown at the end of the
run, also those of xdist's workers, and written to the file FIGURES where it is set.
"""

from __future__ import annotations

import gc
import os
import re
import zlib
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from appliance.text.__main__ import main as compile_texts
from tests.helpers import costs, prepared
from tests.helpers.examples import load_profile, try_one_example
from tests.helpers.figures import Figures

if "PYTEST_XDIST_WORKER" not in os.environ:
    # A text that was just changed is tested as it stands.
    compile_texts()
load_profile()
prepared.install()

_FIGURES = pytest.StashKey[Figures]()
LOG_LINES = 80
_NICENESS = os.nice(0)
"""Priority of this process as it was started."""
LONGEST_ID, SHOWN_OF_ID = 120, 40
"""Characters of a value in a test's id: at most, and of a longer value."""


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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    """A test leaves this process as quick as it found it: the tests after it would starve beside
    other workers.
    """
    yield
    if os.nice(0) != _NICENESS:
        pytest.fail(f"{item.nodeid} leaves this process at niceness {os.nice(0)}", pytrace=False)


def pytest_configure() -> None:
    """Collect without looking for garbage: it costs a second and finds none.

    Commands answer in the language of whoever types: here it is nobody's, so the
    site's, or English without one.
    """
    gc.disable()
    os.environ["LANG"] = "C.UTF-8"
    for name in ("LC_ALL", "LC_MESSAGES"):
        os.environ.pop(name, None)


@pytest.fixture
def italian(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let commands answer in Italian, also without a configuration."""
    monkeypatch.setenv("LANG", "it_IT.UTF-8")


def pytest_collection_finish() -> None:
    """Look for garbage again, but not among the modules and tests, which stay to the end."""
    try_one_example()
    gc.freeze()
    gc.enable()


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a long value by its beginning and its checksum: an id is sent, printed and kept."""
    if not isinstance(val, str | bytes) or len(val) <= LONGEST_ID:
        return None
    data = val.encode("utf-8", "surrogatepass") if isinstance(val, str) else val
    begins = re.sub(r"[^ -Z^-~]+", "_", data[:SHOWN_OF_ID].decode("latin-1"))
    return f"{begins}~{zlib.crc32(data):08x}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Make passwords and passphrases cheap in unit tests, fixtures of every scope included."""
    if costs.needs_real_cost(item):
        return (yield)
    with costs.lowered():
        return (yield)


@pytest.fixture
def real_cost() -> None:
    """Let a unit test hash at the shipped cost: `pytest_runtest_protocol` looks for this name."""


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


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Send the figures of a worker of xdist to the process that prints them."""
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["figures"] = session.config.stash.get(_FIGURES, Figures()).lines


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take the figures of a worker of xdist that has ended (a crashed one has none)."""
    lines = getattr(node, "workeroutput", {}).get("figures", [])
    node.config.stash.setdefault(_FIGURES, Figures()).lines.extend(lines)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Show the figures and write them to the file FIGURES."""
    figures = config.stash.get(_FIGURES, Figures())
    if not figures.lines:
        return
    terminalreporter.section("faults: what was measured")
    terminalreporter.write(figures.text())
    if kept := os.environ.get("FIGURES"):
        path = Path(kept)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(figures.text(), encoding="utf-8")
