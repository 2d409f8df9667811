"""A suite of one file for the tests of `line field-test`, with a real modem or without."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONFTEST = '''
from pathlib import Path
import pytest
from appliance.text import written
from hw_tests import findings
from hw_tests.conftest import pytest_addoption  # the suite's own options, none else
from hw_tests.findings import Figure, Finding, Limit, Run, Use, Verdict

class Notes:
    def __init__(self, config):
        self.folder = Path(config.getoption("--findings"))
        self.run = Run(site=config.getoption("--site"), tester=config.getoption("--tester"),
                       started="2026-11-26T10:00:00+01:00", set_up="one line", expected=("answer",),
                       uses=(Use("A", "", ("answers",)),))
        self.write(self.run)
    def write(self, run):
        self.run = run
        findings.write(run, self.folder)
    def found(self, verdict):
        title = written({"it": "Uno", "en": "One"})
        self.write(self.run.with_finding(Finding("answer", "A", title, verdict)))
    def finish(self):
        from dataclasses import replace
        self.write(replace(self.run, ended="2026-11-26T10:01:00+01:00"))

@pytest.fixture(scope="session")
def notes(pytestconfig):
    kept = Notes(pytestconfig)
    yield kept
    kept.finish()

@pytest.fixture
def off_hook(pytestconfig):
    """Line A, taken off hook and left so."""
    import os, time
    from appliance.modem.port_server import SerialPort
    port = SerialPort(pytestconfig.getoption("--line-a"))
    for command in (b"AT\\r", b"AT+FCLASS=8\\r", b"AT+VLS=1\\r"):
        os.write(port.fileno(), command)
        time.sleep(0.3)
    return port
'''


def suite(folder: Path, *tests: str) -> Path:
    """Write a suite of these tests; returns its folder."""
    place = folder / "suite"
    place.mkdir()
    (place / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    head = "import os, signal, time\nfrom hw_tests.findings import Verdict\n\n"
    (place / "test_small.py").write_text(head + "\n\n".join(tests), encoding="utf-8")
    return place


def begun(*options: str) -> subprocess.Popen[str]:
    """Start the command."""
    return subprocess.Popen(
        [sys.executable, "-m", "appliance", "field-test", "--language", "en", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
    )


def field_test(*options: str, typed: str = "") -> tuple[int, str]:
    """Run the command to its end; returns its status and what it printed."""
    child = begun(*options)
    said, _ = child.communicate(typed, timeout=180)
    return child.returncode, said


def start(folder: Path, place: Path, *options: str) -> subprocess.Popen[str]:
    """Start the command on a suite, its report to be in `folder`/out."""
    return begun("--suite", str(place), "--out", str(folder / "out"), *options)


def done(folder: Path, place: Path, *options: str, typed: str = "") -> tuple[int, str]:
    """Run the command on a suite to its end; returns its status and what it printed."""
    out = ("--suite", str(place), "--out", str(folder / "out"))
    return field_test(*out, *options, typed=typed)
