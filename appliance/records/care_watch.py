"""What has to be looked after among messages and missed calls: notices, alerts, and how many (E16).

One job in the records' thread: what is told and that it was told are one transaction, so that a
power cut in between neither loses an alert nor tells it twice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from appliance.calls.orders import Result
from appliance.policy.message_alerts import due_alerts, is_late
from appliance.policy.messages import Care, Entry, MessageState, Step
from appliance.records import care, missed, outbox
from appliance.records.care import Kind
from appliance.records.care_mails import Notices, alert_mails, new_message_mail
from appliance.records.database import transaction
from appliance.records.messages import Message, from_row
from appliance.records.missed import Missed
from appliance.records.missed_watch import BOX, counts, tell_missed
from appliance.records.request_watch import tell_overdue

if TYPE_CHECKING:
    import sqlite3

    from appliance.policy.hours import Schedule

NOTICE_WITHIN: Final = timedelta(days=1)
"""A message older than that is no news: an address entered today is not sent a year's messages."""
_OPEN: Final = "SELECT * FROM messages WHERE state = 'new' ORDER BY number"
_UNTOLD: Final = """
    SELECT * FROM messages WHERE state = 'new'
        AND NOT EXISTS (SELECT 1 FROM outbox WHERE key = 'message:' || messages.id)
    ORDER BY number
"""


@dataclass(frozen=True, slots=True)
class Watched:
    """What waits for somebody: late messages, open missed calls, of them the interrupted ones.

    `requests` are those that offices have not answered, `overdue` the late ones of them.
    `calls_unseen` and `calls_unclosed` are the missed calls that were told of and wait still.
    """

    unheard: int = 0
    unclosed: int = 0
    missed: int = 0
    interrupted: int = 0
    wanted: int = 0
    requests: int = 0
    overdue: int = 0
    calls_unseen: int = 0
    calls_unclosed: int = 0

    @property
    def late(self) -> bool:
        """Tell whether a message is late."""
        return bool(self.unheard or self.unclosed)


NOTHING_WATCHED: Final = Watched()


def watch(
    connection: sqlite3.Connection,
    calendar: Schedule,
    notices: Notices,
    now: datetime,
    domain: str = outbox.NO_DOMAIN,
) -> Watched:
    """Queue what is to be told, each once, and count what waits; raises sqlite3.Error."""
    with transaction(connection):
        _tell_new(connection, calendar, notices, now, domain)
        _tell_late(connection, calendar, notices, now, domain)
        requests, overdue = tell_overdue(connection, calendar, notices, now, domain)
        calls = missed.missed(connection, now - timedelta(days=missed.DAYS), notices.plan)
        calls = tell_missed(connection, calls, calendar, notices, now, domain)
    return replace(_counted(connection, calls), requests=requests, overdue=overdue)


def _tell_new(
    connection: sqlite3.Connection, calendar: Schedule, notices: Notices, now: datetime, domain: str
) -> None:
    if not notices.desk:
        return
    for message in map(from_row, connection.execute(_UNTOLD).fetchall()):
        if now - message.received_at < NOTICE_WITHIN:
            outbox.put(connection, new_message_mail(message, notices, calendar.zone), now, domain)


def _tell_late(
    connection: sqlite3.Connection, calendar: Schedule, notices: Notices, now: datetime, domain: str
) -> None:
    cares = care.cares(connection, Kind.MESSAGE)
    late: dict[Step, list[Message]] = {}
    for message in map(from_row, connection.execute(_OPEN).fetchall()):
        stands = cares.get(message.id, Care())
        for step in due_alerts(stands, message.received_at, calendar, now):
            late.setdefault(step, []).append(message)
    for step, found in late.items():
        ids = (message.id for message in found)
        care.note_alert(connection, Kind.MESSAGE, ids, Entry(now, BOX, step))
        for mail in alert_mails(step, tuple(found), notices, calendar.zone):
            outbox.put(connection, mail, now, domain)


def _counted(connection: sqlite3.Connection, calls: tuple[Missed, ...]) -> Watched:
    cares = [c for c in care.cares(connection, Kind.MESSAGE).values() if is_late(c)]
    unheard = [c for c in cares if not c.heard and c.state is MessageState.NEW]
    unclosed = [c for c in cares if Step.ALERT_UNCLOSED in c.alerted]
    calls_unseen, calls_unclosed = counts(calls)
    waiting = [each for each in calls if each.is_open]
    return Watched(
        len(unheard),
        len(unclosed),
        len(waiting),
        sum(each.record.result is Result.INTERRUPTED for each in waiting),
        sum(each.wanted for each in waiting),
        calls_unseen=calls_unseen,
        calls_unclosed=calls_unclosed,
    )
