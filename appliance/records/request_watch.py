"""Requests that nobody has answered in time: how many, and the head told of each once (P6, E15)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.policy.due import due, is_overdue
from appliance.policy.letters import overdue_mail
from appliance.policy.requests import State
from appliance.records import outbox, requests

if TYPE_CHECKING:
    import sqlite3
    from datetime import datetime

    from appliance.policy.hours import Schedule
    from appliance.records.care_mails import Notices


def tell_overdue(
    connection: sqlite3.Connection, calendar: Schedule, notices: Notices, now: datetime, domain: str
) -> tuple[int, int]:
    """Queue what the head is to be told, in the caller's transaction; count open and late ones."""
    found = requests.listed(connection, State.OPEN, State.SENT, State.TAKEN)
    late = [kept.request for kept in found if is_overdue(kept.request, calendar, now)]
    told = outbox.keys(connection, "-overdue")
    for request in late if notices.head else ():
        mail = overdue_mail(request, due(request, calendar), notices.language, notices.labels)
        if mail.key not in told:
            outbox.put(connection, mail, now, domain)
    return len(found), len(late)
