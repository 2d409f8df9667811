"""What processes cost: CPU time, memory; and processes that cost others theirs."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.helpers.box import wait

HZ = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pids: list[int]) -> float:
    """Return the CPU time that processes have used so far, all their threads."""
    return sum(map(_cpu_seconds, pids))


def _cpu_seconds(pid: int) -> float:
    """Nanoseconds where the kernel keeps them (schedstat), else ticks of 10 ms (stat)."""
    with contextlib.suppress(OSError):
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / HZ


def cpu_shares(pids: list[int], seconds: float, step: float = 2.0) -> list[float]:
    """Watch processes; returns their share of one core in percent, one value a step."""
    shares, end = [], time.monotonic() + seconds
    before, began = cpu_seconds(pids), time.monotonic()
    while time.monotonic() < end - step / 2:
        wait(step)
        after, now = cpu_seconds(pids), time.monotonic()
        shares.append((after - before) / (now - began) * 100)
        before, began = after, now
    return shares


def memory_mb(pids: list[int], what: str) -> float:
    """Return the sum of "Rss" or "Pss" of processes in MB (10^6 bytes)."""
    return sum(_rollup_kb(pid, what) for pid in pids) * 1024 / 1e6


def _rollup_kb(pid: int, what: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{what}:")), 0)


def is_realtime(pid: int) -> bool:
    """Tell whether a process runs under SCHED_FIFO."""
    return os.sched_getscheduler(pid) & ~os.SCHED_RESET_ON_FORK == os.SCHED_FIFO


def realtime_words() -> str:
    """Say whether a process of ours may run under SCHED_FIFO here."""
    asked = subprocess.run(["chrt", "-f", "1", "true"], capture_output=True, check=False)
    return "granted (SCHED_FIFO)" if asked.returncode == 0 else "not granted"


@contextlib.contextmanager
def hogs(number: int) -> Iterator[None]:
    """Keep `number` processes computing without end."""
    command = [sys.executable, "-c", "while True: pass"]
    running = [subprocess.Popen(command) for _ in range(number)]
    try:
        yield
    finally:
        for hog in running:
            hog.kill()
            hog.wait()
