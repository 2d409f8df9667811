"""When desk and head are told of a message that nobody hears, or nobody closes (E16).

Unheard 30 minutes after people are there, unclosed one working day after that; each is told once.
Calls that left no message likewise: of them it is asked whether anybody has looked at them.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from datetime import datetime, time, timedelta

from appliance.policy.hours import Schedule
from appliance.policy.local_time import local_moment
from appliance.policy.messages import Care, MessageState, Step
from appliance.policy.week import ONE_DAY

UNHEARD_AFTER = timedelta(minutes=30)
NEVER_OPEN_DAYS = 7
"""An office that never opens is told a week after a message came."""


class CallAlerts(enum.StrEnum):
    """Of which calls without a message desk and head are told."""

    ALL = "all"  # of those nobody looked at, and of those nobody closed
    UNCLOSED = "unclosed"
    NONE = "none"


def people_are_there(received: datetime, calendar: Schedule) -> datetime:
    """Return when somebody could first deal with a message: at once while open, else at opening."""
    return calendar.next_open(received) or received + NEVER_OPEN_DAYS * ONE_DAY


def unheard_at(received: datetime, calendar: Schedule) -> datetime:
    """Return when a message that nobody heard is told of."""
    return people_are_there(received, calendar) + UNHEARD_AFTER


def unclosed_at(received: datetime, calendar: Schedule) -> datetime:
    """Return when a message that nobody closed is told of.

    At the same time of the next working day, or when people are next there after it: left on
    Friday at 17:00 it is told of on Monday at 17:00.
    """
    first = people_are_there(received, calendar).astimezone(calendar.zone)
    midnight = datetime.combine(first.date() + ONE_DAY, time())
    opens = calendar.next_open(local_moment(midnight, calendar.zone))
    if opens is None:
        return first + NEVER_OPEN_DAYS * ONE_DAY
    day = opens.astimezone(calendar.zone).date()
    at = local_moment(datetime.combine(day, first.time()), calendar.zone)
    return calendar.next_open(at) or at


def due_alerts(care: Care, received: datetime, calendar: Schedule, now: datetime) -> Iterator[Step]:
    """Yield what is to be told of a message now and was not told yet."""
    yield from _due(care, received, calendar, now, seen=_heard(care))


def due_call_alerts(
    care: Care, rang: datetime, calendar: Schedule, now: datetime, wanted: CallAlerts
) -> Iterator[Step]:
    """Yield what is to be told now of a call without a message and was not told yet.

    At most one step: who is told that nobody called back need not hear that nobody looked.
    """
    if wanted is CallAlerts.NONE or Step.ALERT_UNCLOSED in care.alerted:
        return
    seen = looked_at(care) or wanted is CallAlerts.UNCLOSED
    yield from tuple(_due(care, rang, calendar, now, seen=seen))[-1:]


def is_digest_time(calendar: Schedule, now: datetime) -> bool:
    """Tell whether a day's digest may go: from 30 minutes after its opening on.

    Not on a day that never opens; at any time where no day ever does.
    """
    local = now.astimezone(calendar.zone)
    midnight = local_moment(datetime.combine(local.date(), time()), calendar.zone)
    opens = calendar.next_open(midnight)
    return opens is None or now >= opens + UNHEARD_AFTER


def _due(
    care: Care, since: datetime, calendar: Schedule, now: datetime, *, seen: bool
) -> Iterator[Step]:
    if care.state is MessageState.CLOSED:
        return
    told = seen or Step.ALERT_UNHEARD in care.alerted
    if not told and now >= unheard_at(since, calendar):
        yield Step.ALERT_UNHEARD
    if Step.ALERT_UNCLOSED not in care.alerted and now >= unclosed_at(since, calendar):
        yield Step.ALERT_UNCLOSED


def _heard(care: Care) -> bool:
    return bool(care.heard) or care.state is MessageState.TAKEN


def looked_at(care: Care) -> bool:
    """Tell whether anybody has done anything about a call that left no message."""
    return _heard(care) or bool(care.failed or care.notes)


def is_late(care: Care) -> bool:
    """Tell whether an alert was given and still holds."""
    if care.state is MessageState.CLOSED or not care.alerted:
        return False
    return Step.ALERT_UNCLOSED in care.alerted or not _heard(care)
