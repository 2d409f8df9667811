"""What is asked at the door about days: by when each open request is due, and which are late."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from appliance.daemon.asked import Answer
from appliance.policy.requests import State, due, is_overdue
from appliance.store import requests

if TYPE_CHECKING:
    import sqlite3

    from appliance.policy.hours import Schedule

MOST = 2000
"""Requests of which it is told: an answer that people can wait for."""


def dues(connection: sqlite3.Connection, calendar: Schedule, now: datetime) -> Answer:
    """Say by when each open request is due, by the house's calendar, and which are late (E15)."""
    open_ones = requests.list_requests(connection, State.OPEN, State.SENT, State.TAKEN, limit=MOST)
    found = [kept.request for kept in open_ones]
    return {
        "due": {str(one.number): due(one, calendar).isoformat() for one in found},
        "late": [one.number for one in found if is_overdue(one, calendar, now)],
    }
