"""How long until READY=1, how long of it the modems took, and what an idle box costs."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench import machine, ports
from tests.bench.office import BenchBox
from tests.bench.table import Row, row

LIMIT_S = 30.0
READY_MS = ("p50", 650.0)
MEMORY_MB = ("max", 90.0)
IDLE_SHARE = ("p50", 0.5)


def rows(folder: Path, times: int, idle_s: float) -> list[Row]:
    """Start a box without lines and one with two, `times` each; then watch the second."""
    box = BenchBox(folder / "starting", lines=2)
    with _notified(folder / "notify") as notify, box:
        idle = machine.cpu_shares(box.processes(), idle_s)
        memory = [machine.memory_mb(box.processes(), what) for what in ("Rss", "Pss")]
        realtime = machine.is_realtime(box.gateway)
        box.stop()
        box.environment["NOTIFY_SOCKET"] = str(folder / "notify")
        with_lines = [_start(box, notify) for _ in range(times)]
        _forget_lines(box.config_path)
        without = [_start(box, notify) for _ in range(times)]
    spans = [_modems_span(box.captured, *span) for span in with_lines]
    own = [
        (ready - began - span) * 1000
        for (began, ready), span in zip(with_lines, spans, strict=True)
    ]
    return [
        row("exec -> READY, no lines", (1000 * (b - a) for a, b in without), aim=READY_MS),
        row("exec -> READY, 2 lines, less the modems' time", own, aim=READY_MS),
        row("the modems' own time (first byte to last, 2 lines)", (1000 * s for s in spans)),
        row(
            f"idle CPU, all processes, 2 lines ({'FIFO' if realtime else 'no real time'})",
            idle,
            "% of a core",
            IDLE_SHARE,
        ),
        row("RSS, sum of all processes, idle, 2 lines", memory[:1], "MB", MEMORY_MB),
        row("PSS (shared pages counted once), idle, 2 lines", memory[1:], "MB", MEMORY_MB),
    ]


@contextlib.contextmanager
def _notified(path: Path) -> Iterator[socket.socket]:
    """Be what systemd is to a Type=notify service."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(path))
        yield sock


def _start(box: BenchBox, notify: socket.socket) -> tuple[float, float]:
    """Start the daemon; returns when, and when it was ready; it is stopped again."""
    began = time.monotonic()
    box.start(ready=False)
    ready = _wait_ready(notify, began + LIMIT_S)
    box.stop()
    _drain(notify)
    return began, ready


def _wait_ready(notify: socket.socket, limit: float) -> float:
    while (left := limit - time.monotonic()) > 0:
        notify.settimeout(left)
        with contextlib.suppress(TimeoutError):
            if b"READY=1" in notify.recv(4096):
                return time.monotonic()
    raise TimeoutError(f"the daemon was not ready within {LIMIT_S:.0f} s")


def _drain(notify: socket.socket) -> None:
    notify.settimeout(0)
    with contextlib.suppress(BlockingIOError):
        while notify.recv(4096):
            pass


def _forget_lines(path: Path) -> None:
    """Take the lines out of a configuration."""
    before, *tables = path.read_text(encoding="utf-8").split("[[lines]]")
    after = tables[-1][tables[-1].index("[[phones]]") :]
    draft = path.with_suffix(".draft")
    draft.write_text(before + after, encoding="utf-8")
    draft.replace(path)


def _modems_span(captured: ports.Ports, began: float, ready: float) -> float:
    """Return the seconds from the first byte to any modem to the last one from any."""
    times = [at for side in captured.values() for at in side.times if began <= at <= ready]
    return max(times, default=0.0) - min(times, default=0.0)
