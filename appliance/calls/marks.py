"""What people ask of the desk, laid onto the manual states; ends are made certain here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from appliance.calls.orders import Order, SaveServiceState
from appliance.calls.requests import (
    Request,
    SetAllAbsent,
    SetAway,
    SetClosed,
    SetOpened,
    SetUnattended,
)
from appliance.policy.clock import Now
from appliance.policy.office import KeyCode, Office, StaffKey
from appliance.policy.service_state import Manual, Mark, ServiceState

if TYPE_CHECKING:
    from appliance.calls.desk import Desk

ABSENT_AT_MOST = timedelta(minutes=60)
"""All absent ends by itself (E4), also when nobody said when."""

WHAT: dict[type, Manual] = {
    SetUnattended: Manual.UNATTENDED,
    SetClosed: Manual.CLOSED,
    SetOpened: Manual.OPENED,
    SetAllAbsent: Manual.ABSENT,
}
REQUESTS: dict[Manual, type[SetUnattended | SetClosed | SetOpened | SetAllAbsent]] = {
    Manual.UNATTENDED: SetUnattended,
    Manual.CLOSED: SetClosed,
    Manual.OPENED: SetOpened,
    Manual.ABSENT: SetAllAbsent,
}


def become(desk: Desk, service: ServiceState) -> Iterator[Order]:
    """Let other manual states hold, and have them kept."""
    if service != desk.service:
        desk.service = service
        yield SaveServiceState(service)


def requested(office: Office, state: ServiceState, request: object, now: Now) -> ServiceState:
    """Return the state after a request; something that is no request changes nothing."""
    if isinstance(request, SetAway):
        return _away(office, state, request, now)
    if not isinstance(request, SetUnattended | SetClosed | SetOpened | SetAllAbsent):
        return state
    what = WHAT[type(request)]
    if not request.on:
        return state.undo(what)
    until = _until(office, what, request.until, now)
    return state.set(what, Mark(request.by, now.wall, until)).expired(now.wall)


def _away(office: Office, state: ServiceState, request: SetAway, now: Now) -> ServiceState:
    if not request.on:
        return state.come_back(request.by)
    until = request.until
    if until is not None and until.tzinfo is None:
        until = until.replace(tzinfo=office.zone)
    return state.go_away(request.by, Mark(request.by, now.wall, until)).expired(now.wall)


def _until(office: Office, what: Manual, until: datetime | None, now: Now) -> datetime | None:
    """Make an end certain: a time without zone is the office's, and some states have their own."""
    if until is not None:
        return until if until.tzinfo else until.replace(tzinfo=office.zone)
    if what is Manual.ABSENT:
        return now.wall + ABSENT_AT_MOST
    if what is Manual.OPENED:
        return office.switchboard.schedule.at(now.wall).flips_at
    return None


def request_of(code: KeyCode, phone: str, now: Now) -> Request | None:
    """Return what a key code asks of the desk's state when dialled on a phone, or None."""
    if isinstance(code.what, StaffKey):
        return SetAway(code.on, phone) if code.what is StaffKey.AWAY else None
    until = now.wall + timedelta(minutes=code.minutes) if code.on and code.minutes else None
    return REQUESTS[code.what](code.on, phone, until)
