"""What waits, for the pages that show it: the list of the work, today's appointments."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import datetime, time
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from appliance.calls.orders import CallRecord
from appliance.console.accounts import may, needs, requester
from appliance.console.control_client import records_of
from appliance.console.inbox import WorkGroup, WorkKind, WorkList, WorkReader, read_work
from appliance.console.live import operator_view
from appliance.console.pages.reports import transfer_outcome
from appliance.console.pages.requests import due_dates
from appliance.console.pages.voicemail import caller_values
from appliance.console.say import N_
from appliance.console.templates import page
from appliance.errors import StoreError
from appliance.policy.hours import ONE_DAY
from appliance.policy.mail import APPOINTMENT_FORM_WORDS
from appliance.policy.users import Permission
from appliance.store import call_log, requests, sheets
from appliance.store.listings import RESULTS
from appliance.store.reports import UNFINISHED, sent_of

GROUPS: Final = {
    WorkGroup.NOW: N_("Now"),
    WorkGroup.TODAY: N_("By today"),
    WorkGroup.OFFICE: N_("With the offices"),
}
"""Parts of the list, in their order."""
LATEST: Final = 3
"""Last calls of the position that the operator's page shows while there is no call."""
MOST_AT_ONCE: Final = 6
"""Cases that the operator's page shows while there is no call."""


@needs(Permission.SEE_DESK)
async def show_work(request: Request) -> Response:
    """Show the most urgent cases and today's appointments: a part of the operator's page."""
    return page(request, "operator/work.html", **await work_values(request))


async def work_values(request: Request) -> dict[str, Any]:
    """Return what the operator's page shows while there is no call; empty where it cannot read."""
    try:
        found = await read_list(request)
        booked = await _appointments(request)
        latest, titles = await _latest(request)
    except StoreError:
        nothing: dict[str, Any] = {
            "first": (),
            "all_work": None,
            "booked": (),
            "latest": (),
            "titles": {},
        }
        return nothing | {"results": RESULTS} | {**list_values(request, None, "")}
    first = [one for one in found.work if one.group is not WorkGroup.OFFICE or one.is_late]
    return {
        "first": first[:MOST_AT_ONCE],
        "all_work": len(found.work),
        "booked": booked,
        "latest": latest,
        "titles": titles,
        "results": RESULTS,
        "returned_of": _returned_of,
        "unfinished": UNFINISHED,
        "outcome_of": transfer_outcome,
        **list_values(request, found, ""),
    }


def _returned_of(record: CallRecord) -> str:
    """Return why a call's last transfer came back, `UNFINISHED`, or "" if the office took it."""
    sent = sent_of(record)
    return sent[-1].returned if sent else record.returned


def own_names(request: Request) -> tuple[str, ...]:
    """Return the names in which the user may have taken a case."""
    # A case may be taken in the name of the user or of the position (E19).
    asks = requester(request)
    return tuple(name for name in (asks.by, asks.position) if name)


async def read_list(request: Request) -> WorkList:
    """Read the whole list for a user; raises StoreError."""
    asks, dues = requester(request), await due_dates(request)
    status = request.app.state.feed.newest.status
    calls = operator_view(status, asks.position).calls if status else ()
    reader = WorkReader(
        asks.by,
        own_names(request),
        may(request, Permission.MESSAGES),
        dues.late,
        tuple(one.call for one in calls),
        datetime.now(request.app.state.zone),
        request.app.state.plan,
    )
    returns = tuple(one for one in calls if one.back)
    return await records_of(request).read(lambda c: read_work(c, reader, returns))


def list_values(request: Request, found: WorkList | None, shown: str) -> dict[str, Any]:
    """Return the values of the list's rows."""
    kept = found or WorkList((), {}, {})
    work = kept.of(WorkKind(shown)) if shown else kept.work
    limited = replace(kept, work=work)
    return {
        "found": kept,
        "parts": [(GROUPS[group], limited.in_group(group)) for group in WorkGroup],
        "own_names": own_names(request),
        "now": datetime.now(request.app.state.zone),
        **caller_values(request),
    }


async def _latest(request: Request) -> tuple[tuple[CallRecord, ...], dict[str, str]]:
    """Return the position's last calls of today, and the titles of the sheets used in them."""
    zone, position = request.app.state.zone, requester(request).position
    if not position:
        return (), {}
    today = datetime.combine(datetime.now(zone).date(), time(), zone)

    def job(connection: sqlite3.Connection) -> tuple[tuple[CallRecord, ...], dict[str, str]]:
        calls = call_log.calls_of_phone(connection, position, today, LATEST)
        return calls, sheets.titles_of(connection, (code for one in calls for code in one.sheets))

    return await records_of(request).read(job)


async def _appointments(request: Request) -> tuple[Any, ...]:
    """Return today's appointments by their time, with their form in words."""
    zone = request.app.state.zone
    today = datetime.combine(datetime.now(zone).date(), time(), zone)
    found = await records_of(request).read(
        lambda c: requests.appointments_between(c, today, today + ONE_DAY)
    )
    return tuple(
        (one.request, one.request.appointment, APPOINTMENT_FORM_WORDS[one.request.appointment.form])
        for one in found
        if one.request.appointment
    )


routes: list[BaseRoute] = [Route("/desk/work", show_work)]
