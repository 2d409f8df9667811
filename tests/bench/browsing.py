"""The console: what a page takes, what it weighs, and that calls notice nothing of it."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

from tests.bench import machine, wire
from tests.bench.office import BenchBox
from tests.bench.sounding import Window, bridge, even_row, window
from tests.bench.table import Row, row
from tests.console.running import open_console

CALLS = 4
CROWD = 100
PAGE_AIM = ("p95", 100.0)
WEIGHT_AIM = ("max", 120.0)


def rows(folder: Path, seconds: float) -> list[Row]:
    """Bridge four calls; visit, crowd, stop and kill the console meanwhile."""
    table = '[console]\nlisten = "127.0.0.1"\nredirect_port = 0\n'
    extra = f'console = "{folder}/console"\n{table}'
    box = BenchBox(folder / "browsing", lines=CALLS, silent_lines=CALLS, extra=extra)
    windows: list[Window] = []
    with contextlib.ExitStack() as stack:
        stack.enter_context(box)
        tap = stack.enter_context(wire.Wire(box.address))
        began = time.monotonic()
        console, home = stack.enter_context(open_console(box))
        opens = [(time.monotonic() - began) * 1000]
        idle = [machine.memory_mb([console.pid], "Pss")]
        bridge(box, 1, CALLS)
        windows.append(window(box, f"{CALLS} calls, console idle", CALLS, seconds))
        alone = _crowd(home, seconds, 1)
        with _Crowd(home, seconds) as crowd:
            windows.append(window(box, f"{CALLS} calls, {CROWD} visitors", CALLS, seconds))
        busy = [machine.memory_mb([console.pid], "Pss")]
        console.send_signal(signal.SIGSTOP)
        windows.append(window(box, f"{CALLS} calls, console stopped", CALLS, seconds))
        console.send_signal(signal.SIGCONT)
        console.kill()
        console.wait()
        windows.append(window(box, f"{CALLS} calls, console killed", CALLS, seconds))
    return [
        row("console: a page over TLS, one visitor", alone, aim=PAGE_AIM),
        row(f"console: a page over TLS, {CROWD} visitors, one stalled", crowd.times),
        row("console: open after its start", opens),
        row("console: memory, idle", idle, "MB", WEIGHT_AIM),
        row(f"console: memory, after {CROWD} visitors", busy, "MB", WEIGHT_AIM),
        *(even_row(tap, one) for one in windows),
    ]


class _Crowd:
    """A crowd beside what is measured, as long as the block runs."""

    def __init__(self, home: str, seconds: float) -> None:
        self.times: list[float] = []
        self._command = _command(home, seconds + 2.0, CROWD)

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE)
        return self

    def __exit__(self, *_: object) -> None:
        told = self._process.communicate(timeout=60.0)[0]
        self.times = json.loads(told)


def _crowd(home: str, seconds: float, count: int) -> list[float]:
    done = subprocess.run(_command(home, seconds, count), stdout=subprocess.PIPE, check=True)
    times: list[float] = json.loads(done.stdout)
    return times


def _command(home: str, seconds: float, count: int) -> list[str]:
    return [sys.executable, "-m", "tests.bench.visitors", home, str(seconds), str(count)]
