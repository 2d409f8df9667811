"""The demonstration ended from outside: nothing of what it has started stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.system

START_S, END_S = 120.0, 60.0


@pytest.mark.parametrize(
    ("number", "send"), [(signal.SIGHUP, os.killpg), (signal.SIGTERM, os.kill)],
    ids=["the window is closed", "kill"],
)  # fmt: skip
def test_nothing_runs_on(
    number: signal.Signals, send: Callable[[int, int], None], tmp_path: Path
) -> None:
    """A terminal tells all of its programmes that it goes, `kill` the one that is named."""
    told = tmp_path / "told"
    with told.open("w", encoding="utf-8") as file:
        demo = subprocess.Popen(
            (sys.executable, "-m", "appliance", "dev", "demo"),
            cwd=tmp_path, stdout=file, stderr=file, start_new_session=True,
        )  # fmt: skip
    try:
        wait_for(lambda: "Call 1." in told.read_text(encoding="utf-8"), START_S, told)
        started = of_session(demo.pid)
        assert len(started) >= 6  # itself, exchange, service, console, phones
        send(demo.pid, number)
        assert demo.wait(END_S) == 128 + number
        wait_for(lambda: not of_session(demo.pid), END_S, told)
        assert "Traceback" not in told.read_text(encoding="utf-8")
    finally:
        for process in of_session(demo.pid):
            os.kill(process, signal.SIGKILL)


def of_session(number: int) -> list[int]:
    """Return the processes of a session, but not those that wait to be asked how they ended."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, _parent, _group, session = (
                (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[:4]
            )
        except OSError:  # it has just ended
            continue
        if int(session) == number and state != "Z":
            found.append(int(folder.name))
    return found


def wait_for(happens: Callable[[], bool], limit_s: float, told: Path) -> None:
    """Wait until something is so; fails with what the demonstration has told."""
    end = time.monotonic() + limit_s
    while not happens():
        assert time.monotonic() < end, told.read_text(encoding="utf-8")
        time.sleep(0.2)
