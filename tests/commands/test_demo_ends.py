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
ENDINGS = {
    "Ctrl-C": (signal.SIGINT, os.killpg, 1),
    "the window is closed": (signal.SIGHUP, os.killpg, 128 + signal.SIGHUP),
    "kill": (signal.SIGTERM, os.kill, 128 + signal.SIGTERM),
}


@pytest.mark.parametrize(("number", "send", "status"), ENDINGS.values(), ids=ENDINGS)
def test_nothing_runs_on(
    number: signal.Signals, send: Callable[[int, int], None], status: int, tmp_path: Path
) -> None:
    """A terminal tells all of its programmes of Ctrl-C and that it goes, `kill` the one named.

    The call that is under way is hung up: no modem is waited for that has ended before. Who presses
    Ctrl-C again, or has a shell that repeats it, leaves nothing behind either.
    """
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
        wait_for(lambda: "It ends" in told.read_text(encoding="utf-8"), END_S, told)
        send(demo.pid, number)
        assert demo.wait(END_S) == status
        assert of_session(demo.pid) == []
        journal = (tmp_path / "demo" / "service.log").read_text(encoding="utf-8")
        assert "it has gone" not in journal
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
