"""What an operator does about a call beside the talk: the head's help, a note, calling back (E10).

And the calls that a power cut or a restart interrupted, to be called back (E18). A note is of a
call and never of a person: that a call was difficult is not shown when the same number calls again.
"""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from appliance.calls.orders import CallRecord, Result
from appliance.console.accounts.rights import needs
from appliance.console.done import done, not_done
from appliance.console.live import CallView, live
from appliance.console.reading import Reading
from appliance.console.templates import page
from appliance.console.who import who
from appliance.errors import StoreError
from appliance.policy.numbering import Plan
from appliance.policy.users import Permission
from appliance.policy.voicemail import MessageStep, Outcome
from appliance.store import call_log, voicemail
from appliance.store.care import Kind
from appliance.store.voicemail import DAYS, Missed, caller_words

AFTERWARDS: Final = timedelta(minutes=15)
"""So long after a call a note may still be made of it from the position that answered."""
NOTED_LATER: Final = timedelta(hours=24)
"""So long a note that was begun in a call may still be saved with it."""
LONGEST_NOTE: Final = 400
CLOSED_WITH: Final = (Outcome.CALLED_BACK, Outcome.NOT_REACHABLE, Outcome.NOT_NEEDED)


@needs(Permission.SEE_DESK)
async def head(request: Request) -> Response:
    """Have the head join the conversation of this position, or let the phone ring no longer."""
    form, _, asks = await request.form(), request.state.speaker, who(request)
    if not asks.position:
        return not_done(_("Choose the position first."), 400)
    on = form.get("on") == "1"
    return await done(request, {"ask": "BringHead", "call": asks.position, "by": asks.by, "on": on})


@needs(Permission.SEE_DESK)
async def note(request: Request) -> Response:
    """Add a note to the call in which it was begun, else to the one that this position is in."""
    form, _, position = await request.form(), request.state.speaker, who(request).position
    text = str(form.get("note", "")).strip()[:LONGEST_NOTE]
    if form.get("difficult") == "1":
        text = ": ".join(filter(None, (_("Difficult call"), text)))
    if not text or not position:
        return not_done(_("A position and a few words are needed."), 400)
    begun = str(form.get("call", ""))
    try:
        call = await _call_of(request, position, begun)
    except StoreError:
        return not_done(_("The records cannot be read at the moment: try again."), 503)
    if not call:
        return not_done(_("There is no call of this position, nor one just ended."), 409)
    return await done(request, _care(request, call, MessageStep.NOTE) | {"note": text})


@needs(Permission.CALL_BACK)
async def interrupted(request: Request) -> Response:
    """Show the interrupted calls that nobody has called back yet."""
    try:
        found = await _reading(request).do(lambda c: _interrupted(c, request.app.state.plan))
    except StoreError:
        return page(request, "operator/unread.html")
    return page(request, "operator/interrupted.html", found=found, outcomes=CLOSED_WITH)


@needs(Permission.CALL_BACK)
async def call_back(request: Request) -> Response:
    """Have this position's phone ring, then the citizen's; the desk says when not (E17)."""
    form, _, asks = await request.form(), request.state.speaker, who(request)
    if not asks.position:
        return not_done(_("Choose the position first."), 400)
    question = {
        "ask": "CallBack",
        "position": asks.position,
        "case": f"call:{form.get('call', '')}",
        "by": asks.by,
        "urgent": form.get("urgent") == "1",
    }
    return await done(request, question)


@needs(Permission.CALL_BACK)
async def close(request: Request) -> Response:
    """Close an interrupted call with what came of it."""
    form, _ = await request.form(), request.state.speaker
    call, outcome = str(form.get("call", "")), str(form.get("outcome", ""))
    if not call or outcome not in CLOSED_WITH:
        return not_done(_("Choose what came of it."), 400)
    return await done(request, _care(request, call, MessageStep.CLOSE) | {"outcome": outcome})


def _care(request: Request, call: str, step: MessageStep) -> dict[str, Any]:
    return {
        "ask": "care",
        "kind": Kind.CALL.value,
        "name": call,
        "step": step.value,
        "by": who(request).by,
        "at": datetime.now(UTC).isoformat(),
    }


async def _call_of(request: Request, position: str, begun: str = "") -> str:
    """Return the call that a position is in, or ended within `AFTERWARDS`; "" for none.

    `begun` is the call that is meant: one of this position's, of today or yesterday.
    """
    mine = _mine(request, position)
    if mine and begun in ("", mine.call):
        return mine.call
    record = await _last_of(request, position) if not begun else await _of_id(request, begun)
    if record is None or (begun and not is_of(record, position, datetime.now(UTC))):
        return ""
    return record.call


async def last_call(request: Request) -> tuple[str, str]:
    """Return the call that a page's work belongs to when it opens, and how it is named."""
    position, speaker = who(request).position, request.state.speaker
    if not position:
        return "", ""
    if mine := _mine(request, position):
        call, caller, at = mine.call, mine.caller, mine.since
    else:
        try:
            record = await _last_of(request, position)
        except StoreError:
            record = None
        if record is None:
            return "", ""
        call, caller, at = record.call, record.caller, record.answered_at or record.rang_at
    return call, f"{caller_words(caller, speaker.language)}, {speaker.clock(at)}"


async def is_own(request: Request, position: str, call: str) -> bool:
    """Tell whether a call is this position's, now or lately; what cannot be read is not."""
    try:
        return await _call_of(request, position, call) == call
    except StoreError:
        return False


def is_of(record: CallRecord, position: str, now: datetime) -> bool:
    """Tell whether a note may be added to a call from a position."""
    return record.phone == position and now - record.rang_at < NOTED_LATER


def _mine(request: Request, position: str) -> CallView | None:
    status = request.app.state.feed.newest.status
    return live(status, position).mine if status else None


async def _last_of(request: Request, position: str) -> CallRecord | None:
    since = datetime.now(UTC) - AFTERWARDS
    return await _reading(request).do(lambda c: call_log.last_of(c, position, since))


async def _of_id(request: Request, call: str) -> CallRecord | None:
    return await _reading(request).do(lambda c: call_log.find(c, call))


def _interrupted(connection: sqlite3.Connection, plan: Plan) -> tuple[Missed, ...]:
    since = datetime.now(UTC) - timedelta(days=DAYS)
    calls = voicemail.missed_calls(connection, since, plan)
    return tuple(one for one in calls if one.is_open and one.record.result is Result.INTERRUPTED)


def _reading(request: Request) -> Reading:
    reading: Reading = request.app.state.reading
    return reading


routes: list[BaseRoute] = [
    Route("/desk/head", head, methods=["POST"]),
    Route("/desk/note", note, methods=["POST"]),
    Route("/desk/interrupted", interrupted),
    Route("/desk/call-back", call_back, methods=["POST"]),
    Route("/desk/call-closed", close, methods=["POST"]),
]
