"""Slots that are taken: never twice, whoever is quicker (P6).

The slot is looked for and taken in one transaction; the table's key forbids two in one place all
the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from appliance.policy.appointments import Booked, Slot, free_slots, take
from appliance.records.call_log import to_ms

if TYPE_CHECKING:
    import sqlite3

    from appliance.policy.hours import Schedule
    from appliance.policy.register.declarations import Slots


@dataclass(frozen=True, slots=True)
class Diary:
    """Whose slots they are (`unit` declared them), and when the house is open."""

    unit: str
    slots: Slots
    calendar: Schedule


def booked(connection: sqlite3.Connection, unit: str, after: datetime) -> Booked:
    """Count all that is taken of a unit's slots from a moment on, by start."""
    rows = connection.execute(
        "SELECT start_ms, count(*) FROM bookings WHERE unit = ? AND start_ms >= ? "
        "GROUP BY start_ms",
        (unit, to_ms(after)),
    )
    return {datetime.fromtimestamp(ms / 1000, UTC): count for ms, count in rows}


def free(
    connection: sqlite3.Connection, diary: Diary, after: datetime, most: int = 6
) -> tuple[Slot, ...]:
    """Return the next free slots of a unit."""
    taken = booked(connection, diary.unit, after)
    return free_slots(diary.slots, diary.calendar, taken, after, most)


def reserve(
    connection: sqlite3.Connection, diary: Diary, start: datetime, request: int, now: datetime
) -> Slot:
    """Take a slot for a request, within the caller's transaction; raises OfficeError."""
    slot = take(
        diary.slots, diary.calendar, booked(connection, diary.unit, now), start.astimezone(UTC), now
    )
    places = {
        row[0]
        for row in connection.execute(
            "SELECT place FROM bookings WHERE unit = ? AND start_ms = ?",
            (diary.unit, to_ms(start)),
        )
    }
    place = next(n for n in range(diary.slots.places) if n not in places)
    connection.execute(
        "INSERT INTO bookings (unit, start_ms, place, request) VALUES (?, ?, ?, ?)",
        (diary.unit, to_ms(start), place, request),
    )
    return slot


def release(connection: sqlite3.Connection, request: int) -> None:
    """Give the slot of a request back, if it has one."""
    connection.execute("DELETE FROM bookings WHERE request = ?", (request,))
