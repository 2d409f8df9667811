"""Special hours of switchboard and counter: rows that are only added, never changed (E14).

One table holds both kinds: a body with `first` is a special period, one with `since` an ordinary
week. A correction or revocation is a row that names the one it ends.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from appliance.errors import StoreError
from appliance.policy.hours import Band, NewWeek, Period, Week
from appliance.policy.hours_changes import HoursEntry, Whose
from appliance.store import database
from appliance.store.database import Noted, transaction
from appliance.text import stored

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

ENTERED: Final = "hours.enter"
CORRECTED: Final = "hours.correct"
REVOKED: Final = "hours.revoke"
WEEK: Final = "hours.week"
"""Codes in the audit log."""


def load(connection: sqlite3.Connection) -> tuple[HoursEntry, ...]:
    """Return all entries, oldest first; raises StoreError for a row that cannot be read."""
    rows = connection.execute("SELECT * FROM special_hours ORDER BY number").fetchall()
    try:
        return tuple(_special(row) for row in rows)
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"an entry of special hours cannot be read ({error})") from error


def last_number(connection: sqlite3.Connection) -> int:
    """Return the number of the newest entry, 0 if there is none."""
    return int(connection.execute("SELECT max(number) FROM special_hours").fetchone()[0] or 0)


def add(
    connection: sqlite3.Connection,
    by: str,
    at: datetime,
    make: Callable[[tuple[HoursEntry, ...]], HoursEntry],
) -> HoursEntry:
    """Add the entry that `make` makes of the stored ones; audited.

    Raises what `make` raises, StoreError, sqlite3.Error.
    """
    with transaction(connection):
        known = load(connection)
        # The same person and instant are the same command, repeated after an unknown outcome: it
        # adds nothing.
        for each in known:
            if (each.by, each.at) == (by, at):
                return each
        made = make(known)
        connection.execute(
            "INSERT INTO special_hours (number, entered_at, entered_by, reference, whose, ends, "
            "body) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                made.number,
                made.at.isoformat(),
                made.by,
                made.reference,
                made.whose,
                made.ends,
                _body(made),
            ),
        )
        database.note(connection, Noted(made.at, made.by, _what(made), _about(made)))
        return made


def _what(made: HoursEntry) -> str:
    if made.is_revocation:
        return REVOKED
    if made.ordinary:
        return WEEK
    return CORRECTED if made.ends else ENTERED


def _about(made: HoursEntry) -> str:
    ended = f" ends {made.ends}" if made.ends else ""
    days = f" {made.first} to {made.last}" if made.period else ""
    if made.ordinary:
        days = f" from {made.first}" + ("" if made.ordinary.week else " as configured")
    return f"entry {made.number} {made.whose}{days}{ended}"


def _body(made: HoursEntry) -> str:
    if made.ordinary:
        return json.dumps(_of_week(made.ordinary))
    return json.dumps(_of_period(made.period)) if made.period else ""


def _of_week(new: NewWeek) -> dict[str, Any]:
    return {"since": new.since.isoformat(), "week": new.week and _days(new.week)}


def _of_period(period: Period) -> dict[str, Any]:
    return {
        "first": period.first.isoformat(),
        "last": period.last.isoformat(),
        **period.name.by_language(),
        "greeting": period.greeting,
        "week": _days(period.week),
    }


def _days(week: Week) -> list[list[str]]:
    return [[str(band) for band in bands] for bands in week.days]


def _special(row: sqlite3.Row) -> HoursEntry:
    body = json.loads(row["body"]) if row["body"] else None
    new_week = _new_week(body, row["number"]) if body and "since" in body else None
    return HoursEntry(
        row["number"],
        Whose(row["whose"]),
        None if body is None or new_week else _period(body),
        row["entered_by"],
        datetime.fromisoformat(row["entered_at"]),
        row["reference"],
        row["ends"],
        new_week,
    )


def _new_week(body: dict[str, Any], number: int) -> NewWeek:
    week = None if body["week"] is None else _week(body["week"])
    return NewWeek(date.fromisoformat(body["since"]), week, number)


def _week(days: list[list[str]]) -> Week:
    return Week(tuple(tuple(Band.parse(band) for band in bands) for bands in days))


def _period(body: dict[str, Any]) -> Period:
    first, last = (date.fromisoformat(body[key]) for key in ("first", "last"))
    return Period(first, last, stored(body), _week(body["week"]), body["greeting"])
