"""What the image costs: `python -m tests.image.figures` boots it and prints a table.

Times are those of emulation on this machine; beside them stands a plain Debian of the same
packages, kernel and loader in the same run. What is written to the card is counted by QEMU over
some minutes, and told for a day.
"""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.bench.table import Row, rendered, row
from tests.image import built
from tests.image.disk import SLOT_A, Disk
from tests.image.guest import Guest
from tests.image.office import Office, site, wait_idle

IDLE_S = 300.0
CALLS = 4
CALLS_A_DAY = 200
DAY_S = 86_400.0
MULTI_USER = re.compile(r"Reached target .{0,20}multi-user\.target")
CACHE = Path(os.environ.get("IMAGE_CACHE", "/var/cache/centralino-image"))


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = [row("a plain Debian: power on -> multi-user", [plain(folder / "plain")], "s")]
        rows += ours(folder / "ours")
    sys.stdout.write(f"{rendered(rows)}\n")


def ours(folder: Path) -> list[Row]:
    """Boot the image twice, call it, let it be idle."""
    disk = Disk(built.image(), folder / "card")
    disk.put_on_fat("centralino.toml", site())
    with Office(disk, folder) as office:
        with office.on() as guest:
            first = guest.wait_ready()
            guest.wait_settled()
            guest.power_off()
        with office.on() as guest:
            ready = guest.wait_ready()
            wait_idle(guest)
            rang = guest.seconds()
            answered = rang + (office.call().answered_after_s or math.nan)
            guest.wait_settled()
            memory = memory_mb(guest)
            idle = written(guest, lambda: guest.pass_time(IDLE_S)) / IDLE_S * DAY_S
            each = written(guest, lambda: [office.call() for _ in range(CALLS)]) / CALLS
            guest.power_off()
    return [
        row("first boot: power on -> READY (grows /data)", [first], "s"),
        row("power on -> READY", [ready], "s"),
        row("power on -> first call answered", [answered], "s"),
        row("memory in use after boot, of 512 MB", [memory], "MB"),
        row(f"written a day, idle (from {IDLE_S:.0f} s)", [idle / 1e6], "MB"),
        row(f"written a day, {CALLS_A_DAY} messages (from {CALLS})",
            [(idle + CALLS_A_DAY * each) / 1e6], "MB"),
    ]  # fmt: skip


def written(guest: Guest, act: Callable[[], object]) -> int:
    """Return how many bytes reach the card while something goes on, and right after it."""
    guest.run("sync")
    before = guest.monitor.written()
    act()
    guest.run("sync")
    return guest.monitor.written() - before


def memory_mb(guest: Guest) -> float:
    """Return what is neither free nor could be given back."""
    fields = dict(line.split(":") for line in guest.run("cat /proc/meminfo").splitlines())
    kb = {name: int(value.split()[0]) for name, value in fields.items()}
    return (kb["MemTotal"] - kb["MemAvailable"]) / 1024


def plain(folder: Path) -> float:
    """Boot the base that the image is made of, with nothing of ours; returns the seconds."""
    disk = Disk(built.image(), folder / "card")
    system = folder / "system"
    system.mkdir()
    base = max(CACHE.glob("*.tar"), key=lambda each: each.stat().st_mtime)
    _run("tar", "-C", str(system), "--numeric-owner", "-xf", str(base))
    (system / ".slot").mkdir()
    disk.take("/boot", system, SLOT_A)
    disk.take("/usr/lib/modules", system / "usr" / "lib", SLOT_A)
    size = disk.place(SLOT_A)[1]
    made = folder / "slot"
    _run("mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-d", str(system), str(made),
         f"{size >> 20}M")  # fmt: skip
    disk.put(SLOT_A, made)
    with Guest(disk.drive) as guest:
        guest.wait_said(MULTI_USER)
        return guest.seconds()


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)


if __name__ == "__main__":
    main()
