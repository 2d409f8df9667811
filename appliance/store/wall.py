"""The wall: links of screens, and reading the day's figures again and again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from appliance.policy.hours import local_moment
from appliance.policy.text import Refused
from appliance.policy.wall import (
    DayFigures,
    EarlierDays,
    OpenHours,
    ScreenLink,
    check_new_screen,
    day_figures,
    earlier_days,
    screen_hash,
    usual_span,
)
from appliance.store import database
from appliance.store.call_log import moment
from appliance.store.database import Noted, transaction
from appliance.store.reports import RowMemo, call_rows
from appliance.text import _

if TYPE_CHECKING:
    import sqlite3
    from zoneinfo import ZoneInfo

MADE, ENDED = "wall.link", "wall.link_end"
"""Codes in the audit log, about the screen's name."""


def list_links(connection: sqlite3.Connection) -> tuple[ScreenLink, ...]:
    """List all links, the newest first."""
    rows = connection.execute("SELECT * FROM screen_links ORDER BY number DESC")
    return tuple(_link(row) for row in rows)


def find_link(connection: sqlite3.Connection, secret: str) -> ScreenLink | None:
    """Look a link up by its secret, ended ones included; None if there never was one."""
    # Found by the hash alone: whatever is given takes the same lookup.
    found = connection.execute(
        "SELECT * FROM screen_links WHERE sha256 = ?", (screen_hash(secret),)
    ).fetchone()
    return _link(found) if found else None


def add_link(
    connection: sqlite3.Connection, name: str, secret: str, by: str, at: datetime
) -> ScreenLink:
    """Add a link, audited; raises Refused."""
    with transaction(connection):
        check_new_screen(name, list_links(connection))
        number = connection.execute(
            "INSERT INTO screen_links (name, sha256, made_at, made_by) VALUES (?, ?, ?, ?)",
            (name, screen_hash(secret), at.isoformat(), by),
        ).lastrowid
        database.note(connection, Noted(at, by, MADE, name))
    return ScreenLink(int(number or 0), name, at, by)


def end_link(connection: sqlite3.Connection, number: int, by: str, at: datetime) -> ScreenLink:
    """End a link, audited; raises Refused if it is not open."""
    with transaction(connection):
        open_ones = {link.number: link for link in list_links(connection) if link.is_open}
        link = open_ones.get(number)
        if link is None:
            raise Refused(
                _("there is no open link {number}: it may be ended already", number=number)
            )
        connection.execute(
            "UPDATE screen_links SET ended_at = ?, ended_by = ? WHERE number = ?",
            (at.isoformat(), by, number),
        )
        database.note(connection, Noted(at, by, ENDED, link.name))
    return replace(link, ended_at=at, ended_by=by)


def _link(row: sqlite3.Row) -> ScreenLink:
    return ScreenLink(
        int(row["number"]),
        row["name"],
        datetime.fromisoformat(row["made_at"]),
        row["made_by"],
        moment(row["ended_at"]),
        row["ended_by"],
    )


@dataclass(frozen=True, slots=True)
class _Earlier:
    day: date
    figures: EarlierDays


NEVER: Final = _Earlier(date.min, EarlierDays())


class DayReader:
    """Reads the figures of today; the four weeks before are read once a day."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._memo = RowMemo()
        self._earlier = NEVER

    def read(
        self, connection: sqlite3.Connection, now: datetime, open_hours: OpenHours
    ) -> DayFigures:
        """Return the figures up to `now`; raises sqlite3.Error. One thread at a time."""
        here = now.astimezone(self._zone)
        today = here.date()
        if self._earlier.day != today:
            first, _last = usual_span(today)
            before = call_rows(connection, self._midnight(first), self._midnight(today), self._zone)
            self._earlier = _Earlier(today, earlier_days(before, today))
        begins, ends = self._midnight(today), self._midnight(today + timedelta(days=1))
        calls = call_rows(connection, begins, ends, self._zone, self._memo)
        return day_figures(calls, self._earlier.figures, open_hours, here)

    def _midnight(self, day: date) -> datetime:
        return local_moment(datetime.combine(day, time()), self._zone)
