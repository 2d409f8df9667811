"""When lines were engaged: written when a line is free again, read for the peak of a day (P8)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from appliance.policy.peaks import Peak, peak
from appliance.records.call_log import to_ms
from appliance.records.database import transaction

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

DAYS_MS: Final = 400 * 86_400_000
"""Uses are kept for a year and a month: this month can be compared with last year's."""


@dataclass(frozen=True, slots=True)
class LineUse:
    """One line, engaged from one aware moment to another."""

    line: str
    since: datetime
    until: datetime


def write(connection: sqlite3.Connection, uses: Iterable[LineUse]) -> None:
    """Keep uses; the same one twice changes nothing. What is older than a year goes."""
    rows = [(use.line, to_ms(use.since), to_ms(use.until)) for use in uses]
    with transaction(connection):
        connection.executemany("INSERT OR REPLACE INTO line_uses VALUES (?, ?, ?)", rows)
        newest = max((row[2] for row in rows), default=0)
        connection.execute("DELETE FROM line_uses WHERE until_ms < ?", (newest - DAYS_MS,))


def uses_since(
    connection: sqlite3.Connection, lines: Iterable[str], since: datetime
) -> Iterator[tuple[int, int]]:
    """Yield when these lines were engaged: uses that began after a moment (from, to; ms)."""
    names = set(lines)
    found = connection.execute(
        "SELECT line, since_ms, until_ms FROM line_uses WHERE since_ms >= ? ORDER BY since_ms",
        (to_ms(since),),
    )
    yield from ((int(row[1]), int(row[2])) for row in found if row[0] in names and row[1] < row[2])


def peak_between(
    connection: sqlite3.Connection, lines: Iterable[str], since: datetime, until: datetime
) -> Peak:
    """Return the peak of these lines between two moments."""
    names = set(lines)
    found = connection.execute(
        "SELECT line, since_ms, until_ms FROM line_uses WHERE until_ms > ? AND since_ms < ?",
        (to_ms(since), to_ms(until)),
    ).fetchall()
    uses = [(int(row[1]), int(row[2])) for row in found if row[0] in names]
    return peak(uses, len(names), to_ms(since), to_ms(until))
