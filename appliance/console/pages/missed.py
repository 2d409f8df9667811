"""Calls that left no message, and interrupted ones: to be called back (E16, E18)."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from appliance.calls.orders import Result
from appliance.console import cases
from appliance.console.accounts.rights import for_those_who_may, needs
from appliance.console.asking import NotDone, lead
from appliance.console.cases import History
from appliance.console.links import Link
from appliance.console.pages.messages import case_values, progress_of, words_of
from appliance.console.say import N_
from appliance.console.templates import page
from appliance.policy.numbering import Plan
from appliance.policy.users import Permission
from appliance.store import voicemail
from appliance.store.care import Kind
from appliance.store.voicemail import RESULTS, Missed

LISTS: Final = {
    "open": N_("To be called back"),
    "interrupted": N_("Interrupted calls"),
    "all": N_("All of the last 30 days"),
}


@needs(Permission.MESSAGES)
async def list_missed(request: Request) -> Response:
    """List them, newest first: those nobody has dealt with, the interrupted ones, or all."""
    chosen = request.query_params.get("list", "open")
    chosen = chosen if chosen in LISTS else "open"
    found, names = await request.app.state.reading.do(lambda c: _listed(c, request.app.state.plan))
    rows = [one for one in found if is_in(one, chosen)]
    values = {"found": rows, "names": names, "chosen": chosen, "lists": LISTS, "results": RESULTS}
    return page(request, "messages/missed.html", **values, **words_of(request))


def is_in(one: Missed, chosen: str) -> bool:
    """Tell whether a call belongs in a list."""
    if chosen == "interrupted":
        return one.is_open and one.record.result is Result.INTERRUPTED
    return chosen == "all" or one.is_open


def _listed(
    connection: sqlite3.Connection, plan: Plan
) -> tuple[tuple[Missed, ...], dict[str, str]]:
    since = datetime.now(UTC) - timedelta(days=voicemail.DAYS)
    return voicemail.missed_calls(connection, since, plan), cases.names(connection)


@needs(Permission.MESSAGES)
async def show(request: Request) -> Response:
    """Show one call."""
    return await _show(request)


@needs(Permission.MESSAGES)
async def step(request: Request) -> Response:
    """Take, release, note, close or reopen a call, or count a call back in vain."""
    number, form = str(request.path_params["number"]), await request.form()
    doing = cases.do(request, Kind.CALL, number, request.path_params["step"], form)
    return await lead(request, doing, _show, f"/missed/{number}")


@needs(Permission.MESSAGES)
@needs(Permission.CALL_BACK)
async def call_back(request: Request) -> Response:
    """Have one's own phone ring, and then whoever called."""
    form = await request.form()
    one, history = await _found(request)
    reason = str(form.get("reason", ""))
    doing = cases.call_back(request, Kind.CALL, str(one.number), history.case, reason)
    return await lead(request, doing, _show, f"/missed/{one.number}?ringing=1")


@needs(Permission.MESSAGES)
async def progress(request: Request) -> Response:
    """Say how calling back goes."""
    one, history = await _found(request)
    address = f"/missed/{one.number}/progress"
    return page(request, "messages/progress.html", **progress_of(request, history, address))


async def _found(request: Request) -> tuple[Missed, History]:
    """Read the call that the address names."""
    number = int(request.path_params["number"])
    found: tuple[Missed, History] | None = await request.app.state.reading.do(
        lambda c: _find(c, number, request.app.state.plan)
    )
    if found is None:
        raise HTTPException(404)
    return found


def _find(connection: sqlite3.Connection, number: int, plan: Plan) -> tuple[Missed, History] | None:
    found = voicemail.missed_calls(
        connection, datetime.now(UTC) - timedelta(days=voicemail.DAYS), plan
    )
    one = next((each for each in found if each.number == number), None)
    if one is None:
        return None
    return one, cases.read(connection, Kind.CALL, one.record.call, number)


async def _show(request: Request, error: NotDone | None = None) -> Response:
    one, history = await _found(request)
    case = case_values(request, history, f"/missed/{one.number}", error)
    return page(
        request, "messages/missed_one.html", error.status if error else 200, one=one, **case
    )


routes: list[BaseRoute] = [
    Route("/missed", list_missed),
    Route("/missed/{number:int}", show),
    Route("/missed/{number:int}/progress", progress),
    Route("/missed/{number:int}/call-back", call_back, methods=["POST"]),
    Route("/missed/{number:int}/{step}", step, methods=["POST"]),
]
links = (
    Link("/missed", N_("Calls without a message"), for_those_who_may(Permission.MESSAGES), 21),
)
