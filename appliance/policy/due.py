"""By when an office must have answered a request (E15), which are late, when a month is told."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from appliance.policy.hours import Schedule
from appliance.policy.local_time import local_moment
from appliance.policy.requests import Request, State
from appliance.policy.week import ONE_DAY

DUE_DAYS = 3
"""Working days within which an office answers (an Italian union of towns promises as much)."""


def due(request: Request, calendar: Schedule, days: int = DUE_DAYS) -> date:
    """Return the last day on which the request is in time, in the zone of the house.

    An agreed appointment is due on its day, so that somebody says what became of it; all else
    within so many working days.
    """
    agreed = request.appointment
    if agreed is not None and agreed.confirmed:
        return agreed.slot.end.astimezone(calendar.zone).date()
    day = request.at.astimezone(calendar.zone).date()
    for _ in range(days):
        day = _next_working_day(calendar, day)
    return day


def is_overdue(request: Request, calendar: Schedule, now: datetime, days: int = DUE_DAYS) -> bool:
    """Tell whether nobody has said in time that it was done."""
    today = now.astimezone(calendar.zone).date()
    return request.state is not State.DONE and today > due(request, calendar, days)


def _next_working_day(calendar: Schedule, day: date) -> date:
    """Find the next day with hours; where there never are any, the next day."""
    for ahead in range(1, 31):
        candidate = day + timedelta(days=ahead)
        if calendar.bands_on(candidate):
            return candidate
    return day + ONE_DAY


def months_end(first: date) -> date:
    """Return the first day of the month after one that begins on `first`."""
    return (first + timedelta(days=31)).replace(day=1)


def month_to_tell(calendar: Schedule, now: datetime) -> date | None:
    """Return the first day of last month once this month's first working day has opened.

    None before that; where there are no hours at all, at once.
    """
    begun = now.astimezone(calendar.zone).date().replace(day=1)
    opens = calendar.next_open(local_moment(datetime.combine(begun, time()), calendar.zone))
    if opens is not None and now < opens:
        return None
    return (begun - ONE_DAY).replace(day=1)
