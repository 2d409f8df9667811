"""By when an office must have answered a request (E15), and which are late."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from appliance.policy.hours import Schedule
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
