"""Messages: the list by state, one with its sound and all that is done about it (P9, E16, E17)."""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

from appliance.calls.orders import CallRecord, Result
from appliance.calls.outgoing import OUT_OF_BAND
from appliance.console import request_parts
from appliance.console.accounts import for_those_who_may, may, needs, somebody
from appliance.console.desk_client import NotDone, Reading, lead
from appliance.console.request_parts import History
from appliance.console.say import N_
from appliance.console.templates import Link, page
from appliance.policy.numbering import Plan
from appliance.policy.users import Permission
from appliance.policy.voicemail import Care, MessageState, Outcome
from appliance.store import care, voicemail
from appliance.store.care import Kind
from appliance.store.voicemail import OUTCOMES, RESULTS, STEPS, Message, Missed, caller_words

# ---- messages ----------------------------------------------------------------------------------

MOST: Final = 200
SHOWN: Final = {
    "open": (N_("To be dealt with"), (MessageState.NEW, MessageState.TAKEN)),
    "new": (N_("New"), (MessageState.NEW,)),
    "taken": (N_("Taken"), (MessageState.TAKEN,)),
    "closed": (N_("Closed ones"), (MessageState.CLOSED,)),
}
"""The lists that can be chosen."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One message with what is known about it; `hints` are calls that may be the same person's."""

    message: Message
    history: History
    hints: tuple[tuple[int, CallRecord], ...]


@needs(Permission.MESSAGES)
async def list_messages(request: Request) -> Response:
    """List the messages of a state, newest first; by default those nobody has closed."""
    state = request.query_params.get("state", "open")
    state = state if state in SHOWN else "open"
    found, stand, names = await _reading(request).do(lambda c: _listed(c, SHOWN[state][1]))
    values = {"found": found, "stand": stand, "names": names, **words_of(request)}
    return page(request, "messages/list.html", state=state, lists=SHOWN, most=MOST, **values)


def _listed(
    connection: sqlite3.Connection, states: tuple[MessageState, ...]
) -> tuple[list[Message], dict[str, Care], dict[str, str]]:
    found = [one for state in states for one in voicemail.list_messages(connection, state, MOST)]
    found.sort(key=lambda one: (one.received_at, one.number), reverse=True)
    return found[:MOST], care.cares(connection, Kind.MESSAGE), request_parts.names(connection)


@needs(Permission.MESSAGES)
async def show_message(request: Request) -> Response:
    """Show one message."""
    return await _show_message(request)


@needs(Permission.MESSAGES)
async def step_message(request: Request) -> Response:
    """Take, release, note, close or reopen a message, or count a call back in vain."""
    number, form = str(request.path_params["number"]), await request.form()
    doing = request_parts.do(request, Kind.MESSAGE, number, request.path_params["step"], form)
    return await lead(request, doing, _show_message, f"/messages/{number}")


@needs(Permission.MESSAGES)
@needs(Permission.CALL_BACK)
async def call_back_message(request: Request) -> Response:
    """Have one's own phone ring, and then whoever left the message."""
    form, number = await request.form(), str(request.path_params["number"])
    reason = str(form.get("reason", ""))
    doing = request_parts.call_back(request, Kind.MESSAGE, number, f"message:{number}", reason)
    return await lead(request, doing, _show_message, f"/messages/{number}?ringing=1")


@needs(Permission.MESSAGES)
async def progress_message(request: Request) -> Response:
    """Say how calling back goes: a part of the page, asked for again while it goes on."""
    shown = await _shown(request)
    address = f"/messages/{shown.message.number}/progress"
    return page(request, "messages/progress.html", **progress_of(request, shown.history, address))


@needs(Permission.MESSAGES)
async def sound(request: Request) -> Response:
    """Send the sound, from wherever the player wants it; whoever begins it has heard it."""
    message = (await _shown(request)).message
    path = request_parts.sound_file(request.app.state.settings.voicemail, message.path)
    if path is None:
        raise HTTPException(404)
    if request.headers.get("range", "bytes=0-").startswith("bytes=0-"):
        with contextlib.suppress(NotDone):  # a message is heard even while the desk is away
            await request_parts.heard(request, str(message.number))
    return FileResponse(path, media_type="audio/wav")


async def _shown(request: Request) -> Shown:
    """Read the message that the address names."""
    number = str(request.path_params["number"])
    found = await _reading(request).do(lambda c: _find_message(c, number))
    if found is None:
        raise HTTPException(404)
    return found


def _find_message(connection: sqlite3.Connection, number: str) -> Shown | None:
    message = voicemail.find(connection, number)
    if message is None:
        return None
    hints = tuple(
        (care.find(connection, Kind.CALL, record.call)[1], record)
        for record in voicemail.hints(connection, message)
    )
    return Shown(
        message,
        request_parts.read_case(connection, Kind.MESSAGE, message.id, message.number),
        hints,
    )


async def _show_message(request: Request, error: NotDone | None = None) -> Response:
    shown = await _shown(request)
    address = f"/messages/{shown.message.number}"
    values = {"message": shown.message, "hints": shown.hints}
    case = case_values(request, shown.history, address, error)
    status = error.status if error else 200
    return page(request, "messages/one.html", status, **values, **case)


def case_values(
    request: Request, history: History, address: str, error: NotDone | None
) -> dict[str, Any]:
    """Return what the part about a case names: the same for messages and calls."""
    return {
        "history": history,
        "address": address,
        "outcomes": [(one.value, OUTCOMES[one]) for one in Outcome],
        "steps": STEPS,
        "wrong": str(error) if error else "",
        "asks_reason": error is not None and error.words == OUT_OF_BAND,
        "mine": somebody(request).name == history.holder,
        "may_call": may(request, Permission.CALL_BACK),
        **words_of(request),
        **progress_of(request, history, f"{address}/progress"),
    }


def progress_of(request: Request, history: History, address: str) -> dict[str, Any]:
    """Return what the part about a call back names; `asks_again` while there is news to come."""
    rings = request.query_params.get("ringing") == "1" and not history.back
    return {
        "history": history,
        "progress": address,
        "asks_again": history.is_called or rings,
        "results": RESULTS,
    }


def words_of(request: Request) -> dict[str, Any]:
    """Return how callers are named."""
    language = request.state.speaker.language
    return {"caller": lambda who: caller_words(who, language), "ends": OUTCOMES}


def _reading(request: Request) -> Reading:
    reading: Reading = request.app.state.reading
    return reading


messages_routes: list[BaseRoute] = [
    Route("/messages", list_messages),
    Route("/messages/{number:int}", show_message),
    Route("/messages/{number:int}/sound", sound),
    Route("/messages/{number:int}/progress", progress_message),
    Route("/messages/{number:int}/call-back", call_back_message, methods=["POST"]),
    Route("/messages/{number:int}/{step}", step_message, methods=["POST"]),
]
messages_links = (
    Link(
        "/messages",
        N_("Messages"),
        for_those_who_may(Permission.MESSAGES),
        order=20,
        has_badge=True,
    ),
)


# ---- missed ------------------------------------------------------------------------------------
# Calls that left no message, and interrupted ones: to be called back (E16, E18).

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
    found, names = await request.app.state.reading.do(
        lambda c: _missed_listed(c, request.app.state.plan)
    )
    rows = [one for one in found if is_in(one, chosen)]
    values = {"found": rows, "names": names, "chosen": chosen, "lists": LISTS, "results": RESULTS}
    return page(request, "messages/missed.html", **values, **words_of(request))


def is_in(one: Missed, chosen: str) -> bool:
    """Tell whether a call belongs in a list."""
    if chosen == "interrupted":
        return one.is_open and one.record.result is Result.INTERRUPTED
    return chosen == "all" or one.is_open


def _missed_listed(
    connection: sqlite3.Connection, plan: Plan
) -> tuple[tuple[Missed, ...], dict[str, str]]:
    since = datetime.now(UTC) - timedelta(days=voicemail.DAYS)
    return voicemail.missed_calls(connection, since, plan), request_parts.names(connection)


@needs(Permission.MESSAGES)
async def show_missed(request: Request) -> Response:
    """Show one call."""
    return await _show_missed(request)


@needs(Permission.MESSAGES)
async def step_missed(request: Request) -> Response:
    """Take, release, note, close or reopen a call, or count a call back in vain."""
    number, form = str(request.path_params["number"]), await request.form()
    doing = request_parts.do(request, Kind.CALL, number, request.path_params["step"], form)
    return await lead(request, doing, _show_missed, f"/missed/{number}")


@needs(Permission.MESSAGES)
@needs(Permission.CALL_BACK)
async def call_back_missed(request: Request) -> Response:
    """Have one's own phone ring, and then whoever called."""
    form = await request.form()
    one, history = await _found(request)
    reason = str(form.get("reason", ""))
    doing = request_parts.call_back(request, Kind.CALL, str(one.number), history.case, reason)
    return await lead(request, doing, _show_missed, f"/missed/{one.number}?ringing=1")


@needs(Permission.MESSAGES)
async def progress_missed(request: Request) -> Response:
    """Say how calling back goes."""
    one, history = await _found(request)
    address = f"/missed/{one.number}/progress"
    return page(request, "messages/progress.html", **progress_of(request, history, address))


async def _found(request: Request) -> tuple[Missed, History]:
    """Read the call that the address names."""
    number = int(request.path_params["number"])
    found: tuple[Missed, History] | None = await request.app.state.reading.do(
        lambda c: _find_missed(c, number, request.app.state.plan)
    )
    if found is None:
        raise HTTPException(404)
    return found


def _find_missed(
    connection: sqlite3.Connection, number: int, plan: Plan
) -> tuple[Missed, History] | None:
    found = voicemail.missed_calls(
        connection, datetime.now(UTC) - timedelta(days=voicemail.DAYS), plan
    )
    one = next((each for each in found if each.number == number), None)
    if one is None:
        return None
    return one, request_parts.read_case(connection, Kind.CALL, one.record.call, number)


async def _show_missed(request: Request, error: NotDone | None = None) -> Response:
    one, history = await _found(request)
    case = case_values(request, history, f"/missed/{one.number}", error)
    return page(
        request, "messages/missed_one.html", error.status if error else 200, one=one, **case
    )


missed_routes: list[BaseRoute] = [
    Route("/missed", list_missed),
    Route("/missed/{number:int}", show_missed),
    Route("/missed/{number:int}/progress", progress_missed),
    Route("/missed/{number:int}/call-back", call_back_missed, methods=["POST"]),
    Route("/missed/{number:int}/{step}", step_missed, methods=["POST"]),
]
missed_links = (
    Link("/missed", N_("Calls without a message"), for_those_who_may(Permission.MESSAGES), 21),
)


routes = [*messages_routes, *missed_routes]


links = (*messages_links, *missed_links)
