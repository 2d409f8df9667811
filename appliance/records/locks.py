"""Locks on the records' files: who keeps the one writer out, by the kernel's word (proc_locks(5)).

A file that may be read may be locked: whoever reads the records, the console above all, can keep
the desk from writing them for as long as it likes, on purpose or by a fault.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, NamedTuple

from appliance.records.trouble import Trouble

PROC: Final = Path("/proc")
WRITE_LOCK: Final = 120
"""The byte of the -shm file that who writes must lock (SQLite, walformat.html 2.3)."""
UNITS: Final = ("centralino-console",)
"""Units that read the records, and that calls do not need."""


class Holder(NamedTuple):
    """A process that holds a lock: what it is called, and its unit of ours, "" for none."""

    pid: int
    name: str
    unit: str


def holder(database: Path, proc: Path = PROC) -> Holder | None:
    """Find the process, other than this one, that keeps writers of a database out."""
    wanted = {_inode(database.with_name(f"{database.name}-shm")): "POSIX"}
    wanted[_inode(database.parent)] = "FLOCK"  # the lock of the sole writer, in database.py
    for line in _text(proc / "locks").splitlines():
        _, kind, _, _, pid, file, start, end = (*line.split(), *[""] * 8)[:8]
        inode = file.rpartition(":")[2]
        ours = not pid.isdigit() or int(pid) in {0, os.getpid()}
        if ours or not inode.isdigit() or wanted.get(int(inode)) != kind:
            continue
        if kind == "FLOCK" or int(start) <= WRITE_LOCK <= (10**9 if end == "EOF" else int(end)):
            return _named(int(pid), proc)
    return None


def locked(by: Holder) -> Trouble:
    """Say who keeps the records from being written, and what to do."""
    what = f"{by.name}, {by.pid}".strip(", ")
    command = f"sudo systemctl restart {by.unit}" if by.unit else f"sudo kill {by.pid}"
    return Trouble(
        "records.locked",
        f"Un altro programma ({what}) tiene bloccato il registro delle chiamate: le chiamate "
        f"proseguono, senza essere registrate. Sbloccarlo: {command}; se si ripete, segnalarlo: "
        "quel programma può essere compromesso.",
        f"Another program ({what}) keeps the call log locked: calls go on and are not recorded. "
        f"Unlock it: {command}; if it happens again, report it: that program may be compromised.",
    )


def _named(pid: int, proc: Path) -> Holder:
    groups = _text(proc / str(pid) / "cgroup")
    unit = next((one for one in UNITS if f"/{one}.service" in groups), "")
    return Holder(pid, unit or _text(proc / str(pid) / "comm").strip(), unit)


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except OSError:
        return -1


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
