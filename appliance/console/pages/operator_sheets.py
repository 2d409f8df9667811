"""Sheets on the operator's desk: found as one types, read beside the call, noted by one key (P2).

And what is on record of whoever calls: earlier calls, open requests (E9).
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from appliance.calls.orders import CallRecord
from appliance.console import cases
from appliance.console.accounts.rights import may, needs
from appliance.console.done import done, not_done
from appliance.console.pages.operator_calls import is_own
from appliance.console.reading import Reading
from appliance.console.sheets import rendered, unmarked
from appliance.console.templates import page
from appliance.console.who import who
from appliance.errors import StoreError
from appliance.policy.numbering import Plan
from appliance.policy.requests import state_of
from appliance.policy.sheets import Sheet
from appliance.policy.users import Permission
from appliance.store import call_log, directory, requests, sheets
from appliance.store.requests import StoredRequest
from appliance.store.sheets import Found
from appliance.store.voicemail import RESULTS, OpenCase, open_cases

MOST: Final = 8
"""Sheets shown of a search: what fits beside a call."""
LONGEST_SEARCH: Final = 120
EARLIER: Final = timedelta(days=90)
MOST_EARLIER: Final = 4


@dataclass(frozen=True, slots=True)
class Known:
    """What is on record of a caller's number, newest first."""

    calls: tuple[CallRecord, ...]
    requests: tuple[StoredRequest, ...]
    cases: tuple[OpenCase, ...]
    names: dict[str, str]


@needs(Permission.READ_SHEETS)
async def search(request: Request) -> Response:
    """Show what is found of the words typed so far; nothing for none."""
    typed = request.query_params.get("q", "")[:LONGEST_SEARCH]

    def job(connection: sqlite3.Connection) -> tuple[Found, ...]:
        return sheets.search(connection, typed, MOST)

    try:
        found = await _reading(request).do(job)
    except StoreError:
        return page(request, "operator/unread.html")
    shown = "operator/found.html"
    return page(request, shown, found=found, typed=typed.strip(), unmarked=unmarked)


@needs(Permission.READ_SHEETS)
async def sheet(request: Request) -> Response:
    """Show one sheet."""
    code = request.path_params["code"]

    def job(connection: sqlite3.Connection) -> tuple[Sheet, str] | None:
        found = sheets.find(connection, code)
        if found is None:
            return None
        names = {unit.code: unit.name for unit in directory.units(connection)}
        return found, names.get(found.office, found.office)

    try:
        read = await _reading(request).do(job)
    except StoreError:
        return page(request, "operator/unread.html")
    if read is None:
        raise HTTPException(404)
    found, office = read
    stale = found.is_stale(datetime.now(request.app.state.zone).date())
    body = rendered(found.body)
    return page(request, "operator/sheet.html", sheet=found, office=office, stale=stale, body=body)


@needs(Permission.SEE_DESK)
async def used(request: Request) -> Response:
    """Note that a sheet answered the caller in whose call it was opened."""
    form, _ = await request.form(), request.state.speaker
    position = who(request).position
    if not position:
        return not_done(_("Choose the position first."), 400)
    opened = str(form.get("call", ""))
    if opened and not await is_own(request, position, opened):
        return not_done(_("There is no call of this position, nor one just ended."), 409)
    of = {"call": opened} if opened else {"position": position}
    return await done(request, {"ask": "NoteSheet", "sheet": str(form.get("sheet", "")), **of})


@needs(Permission.SEE_DESK)
async def known(request: Request) -> Response:
    """Show what is on record of a caller who is on the line; nothing for no number."""
    call = request.path_params["call"]
    status = request.app.state.feed.newest.status or {"calls": ()}
    number = next((c["caller"]["number"] for c in status["calls"] if c["call"] == call), "")
    if not number:
        return Response(media_type="text/html")
    try:
        found = await _reading(request).do(
            lambda connection: _known(connection, number, call, request.app.state.plan)
        )
    except StoreError:
        return page(request, "operator/unread.html")
    values: dict[str, Any] = {"known": found, "has_messages": may(request, Permission.MESSAGES)}
    return page(request, "operator/known.html", state_of=state_of, results=RESULTS, **values)


def _known(connection: sqlite3.Connection, number: str, call: str, plan: Plan) -> Known:
    now = datetime.now(UTC)
    calls = call_log.of_number(connection, number, now - EARLIER, MOST_EARLIER + 1, plan)
    earlier = tuple(record for record in calls if record.call != call)[:MOST_EARLIER]
    return Known(
        earlier,
        requests.find_open(connection, number, plan=plan),
        open_cases(connection, number, now, plan),
        cases.names(connection),
    )


def _reading(request: Request) -> Reading:
    reading: Reading = request.app.state.reading
    return reading


routes: list[BaseRoute] = [
    Route("/desk/search", search),
    Route("/desk/sheet/{code}", sheet),
    Route("/desk/sheet-used", used, methods=["POST"]),
    Route("/desk/known/{call}", known),
]
