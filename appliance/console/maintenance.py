"""What the technician's page shows beside the desk's own answer: what is kept, and its disk."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from appliance.policy.text import Words
from appliance.store import call_log
from appliance.store.database import migrations
from appliance.store.voicemail import EVIDENCES, RESULTS
from appliance.voicemail.storage import Limits, marks

RELEASES: Final = 5
"""So many last calls of each line are shown with how their end was noticed."""
LOOKED_AT: Final = 20
MB: Final = 1 << 20
LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True)
class Release:
    """How one call ended: by what that was noticed, and how long it took (ms, None: not known)."""

    at: datetime
    result: Words
    evidence: Words
    release_ms: int | None


@dataclass(frozen=True, slots=True)
class Disk:
    """The disk of records and messages, in MB; `mark` is what is to be said of it.

    Below `low` no message is taken, below `high` the technician is warned.
    """

    free: int
    total: int
    used_percent: int
    mark: str
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept: `version` of the records where `wanted` is this programme's; size in MB."""

    releases: Mapping[str, tuple[Release, ...]]
    version: int
    wanted: int
    size: float
    disk: Disk


def kept(
    connection: sqlite3.Connection, lines: Iterable[str], records: Path, room_alarm: int
) -> Kept:
    """Read it; `room_alarm` is the high mark as configured (MB). Raises sqlite3.Error, OSError."""
    pages, size, version = (
        int(connection.execute(f"PRAGMA {what}").fetchone()[0])
        for what in ("page_count", "page_size", "user_version")
    )
    return Kept(
        {line: releases(connection, line) for line in lines},
        version,
        migrations()[-1][0],
        pages * size / MB,
        disk_of(records.parent, room_alarm),
    )


def releases(connection: sqlite3.Connection, line: str) -> tuple[Release, ...]:
    """List how the last calls of a line ended, newest first."""
    ended = [
        Release(
            record.ended_at,
            RESULTS[record.result],
            EVIDENCES[record.evidence],
            record.release_ms,
        )
        for record in call_log.calls(connection, line=line, limit=LOOKED_AT)
        if record.ended_at is not None and record.evidence is not None
    ]
    return tuple(ended[:RELEASES])


def disk_of(folder: Path, room_alarm: int) -> Disk:
    """Measure the disk of a folder; raises OSError."""
    usage = shutil.disk_usage(folder)
    low, high = marks(replace(LIMITS, high_water_bytes=room_alarm * MB), usage.total)
    return Disk(
        usage.free // MB,
        usage.total // MB,
        round(100 * usage.used / usage.total) if usage.total else 0,
        mark_of(usage.free, low, high),
        low // MB,
        high // MB,
    )


def mark_of(free: int, low: int, high: int) -> str:
    """Say how so many free bytes stand to the marks: "low" takes no message, "high" warns."""
    if free < low:
        return "low"
    return "high" if free < high else ""


def damage(connection: sqlite3.Connection) -> str:
    """Look through the whole records; returns the first damage, "" for none."""
    said = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    return "" if said == "ok" else said
