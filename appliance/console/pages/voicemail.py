"""Messages and missed calls: lists, sound, and the steps of each case (P9, E16, E17)."""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import anyio.to_thread
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

from appliance.api.commands import CallCitizen, TakeCare
from appliance.calls.orders import CallRecord, Result
from appliance.calls.outgoing import OUT_OF_BAND
from appliance.console import templates
from appliance.console.accounts import (
    may,
    needs,
    requester,
    signed_in_user,
    with_permission,
)
from appliance.console.control_client import (
    NotDone,
    ask,
    people_names,
    records_of,
    redirect_after,
    wish_of,
)
from appliance.console.say import N_
from appliance.console.templates import PageLink, page
from appliance.console.waves import wave_of
from appliance.dsp.wav import WavError
from appliance.policy.numbering import NumberingPlan
from appliance.policy.users import Permission
from appliance.policy.voicemail import (
    MessageCare,
    MessageEntry,
    MessageOutcome,
    MessageState,
    MessageStep,
    care_of,
)
from appliance.store import call_log, voicemail
from appliance.store.listings import OUTCOMES, RESULTS, STEPS, caller_words
from appliance.store.voicemail import CaseKind, Message, MissedCall

# A case is a message, or a call that left none; both have a history and the same steps (P9, E16).

LONGEST_NOTE: Final = 1000
"""Longest note, in characters."""
CASE_STEPS: Final = (
    MessageStep.TAKE,
    MessageStep.RELEASE,
    MessageStep.FAIL,
    MessageStep.TAKE_BACK,
    MessageStep.NOTE,
    MessageStep.CLOSE,
    MessageStep.REOPEN,
)
"""Steps that the buttons of a page may ask for."""
NO_POSITION: Final = N_("Choose your position on the operator's desk first.")
OFF_HOURS: Final = N_("Called back outside the band: {why}")


@dataclass(frozen=True, slots=True)
class CaseHistory:
    """History of a case: `entries`, oldest first, and the calls `back`, newest first."""

    case: str
    entries: tuple[MessageEntry, ...]
    back: tuple[CallRecord, ...]
    names: dict[str, str]

    @property
    def state(self) -> MessageState:
        """Return the state: new, taken or closed."""
        return care_of(self.entries).state

    @property
    def holder(self) -> str:
        """Return the user who has taken it, "" for none."""
        return care_of(self.entries).holder

    @property
    def is_called(self) -> bool:
        """Tell whether its caller is being called back now."""
        return bool(self.back) and self.back[0].result is Result.OPEN

    def named(self, by: str) -> str:
        """Return the shown name of a user."""
        return self.names.get(by, by)


def read_case(
    connection: sqlite3.Connection, kind: CaseKind, name: str, number: int
) -> CaseHistory:
    """Read the history of a message or call, by its id and its short number."""
    case = f"message:{number}" if kind is CaseKind.MESSAGE else f"call:{name}"
    back = call_log.called_back(connection, (case,)).get(case, ())
    return CaseHistory(
        case, voicemail.list_entries(connection, kind, name), back, people_names(connection)
    )


async def care_step(request: Request, kind: CaseKind, name: str, step: str, form: FormData) -> None:
    """Send a step of a case to call control; raises NotDone in the reader's language."""
    # Hearing is no step of a button: it is recorded when the sound is played.
    if step not in CASE_STEPS:
        raise NotDone(400, request.state.speaker(N_("There is no such step.")))
    wish = care_command(request, kind, name, MessageStep(step), str(form.get("note", "")))
    if step == MessageStep.CLOSE:
        given = str(form.get("outcome", "")) or None
        wish = wish_of(request, TakeCare, {**wish.arguments(), "outcome": given})
    await ask(request, wish)


async def note_heard(request: Request, name: str) -> None:
    """Record that the user heard a message; raises NotDone."""
    await ask(request, care_command(request, CaseKind.MESSAGE, name, MessageStep.HEAR))


async def ring_back(request: Request, kind: CaseKind, name: str, case: str, reason: str) -> None:
    """Call back: the user's phone rings first, then the caller's (E17); raises NotDone.

    `reason` says why outside the time window for calling back, "" within it.
    """
    say, asks = request.state.speaker, requester(request)
    # A position is not a person (E19): without one there is no phone to ring.
    if not asks.position:
        raise NotDone(400, say(NO_POSITION))
    # Taken first: two people never call the same citizen back at once (E16).
    await ask(request, care_command(request, kind, name, MessageStep.TAKE))
    # A reason says that the user means it outside the time window, too (E17).
    urgent = bool(reason.strip())
    # Whoever asks sits at that phone: it may answer by itself.
    wish = CallCitizen(position=asks.position, case=case, urgent=urgent, by=asks.by, picks_up=True)
    await ask(request, wish)
    if urgent:
        # Only after call control has accepted: the reason belongs to a call that was made (E17).
        note = say(OFF_HOURS, why=reason.strip())
        await ask(request, care_command(request, kind, name, MessageStep.NOTE, note))


def care_command(
    request: Request, kind: CaseKind, name: str, step: MessageStep, note: str = ""
) -> TakeCare:
    """Make the command of a step, with the time in the office's zone."""
    return TakeCare(
        kind=kind,
        name=name,
        step=step,
        by=signed_in_user(request).name,
        at=datetime.now(request.app.state.zone),
        note=note[:LONGEST_NOTE],
    )


MOST: Final = 200
# Closed ones are not in the way of those that wait.
MESSAGE_LISTS: Final = {
    "open": (N_("To be dealt with"), (MessageState.NEW, MessageState.TAKEN)),
    "new": (N_("New"), (MessageState.NEW,)),
    "taken": (N_("Taken"), (MessageState.TAKEN,)),
    "closed": (N_("Closed ones"), (MessageState.CLOSED,)),
}
"""Lists of the page: title and states."""


@dataclass(frozen=True, slots=True)
class MessageView:
    """Message with its history; `hints` are calls that may be from the same person."""

    message: Message
    history: CaseHistory
    hints: tuple[tuple[int, CallRecord], ...]


@needs(Permission.MESSAGES)
async def list_messages(request: Request) -> Response:
    """List the messages of a state, newest first; by default those not closed."""
    state = request.query_params.get("state", "open")
    state = state if state in MESSAGE_LISTS else "open"
    found, stand, names = await records_of(request).read(
        lambda c: _listed(c, MESSAGE_LISTS[state][1])
    )
    values = {"found": found, "stand": stand, "names": names, **caller_values(request)}
    return page(
        request, "voicemail/list.html", state=state, lists=MESSAGE_LISTS, most=MOST, **values
    )


def _listed(
    connection: sqlite3.Connection, states: tuple[MessageState, ...]
) -> tuple[list[Message], dict[str, MessageCare], dict[str, str]]:
    # MOST of each state, so that the newest MOST of all are among them.
    found = [one for state in states for one in voicemail.list_messages(connection, state, MOST)]
    found.sort(key=lambda one: (one.received_at, one.number), reverse=True)
    return (
        found[:MOST],
        voicemail.care_by_id(connection, CaseKind.MESSAGE),
        people_names(connection),
    )


@needs(Permission.MESSAGES)
async def show_message(request: Request) -> Response:
    """Show one message."""
    return await _show_message(request)


@needs(Permission.MESSAGES)
async def step_message(request: Request) -> Response:
    """Take, release, note, close or reopen a message, or count an unanswered call back."""
    number, form = str(request.path_params["number"]), await request.form()
    doing = care_step(request, CaseKind.MESSAGE, number, request.path_params["step"], form)
    return await redirect_after(request, doing, _show_message, f"/messages/{number}")


@needs(Permission.MESSAGES)
@needs(Permission.CALL_BACK)
async def call_back_message(request: Request) -> Response:
    """Call back the person who left the message."""
    form, number = await request.form(), str(request.path_params["number"])
    reason = str(form.get("reason", ""))
    doing = ring_back(request, CaseKind.MESSAGE, number, f"message:{number}", reason)
    return await redirect_after(request, doing, _show_message, f"/messages/{number}?ringing=1")


@needs(Permission.MESSAGES)
async def progress_message(request: Request) -> Response:
    """Show the progress of calling back: a part of the page, polled while it goes on."""
    shown = await _addressed_message(request)
    address = f"/messages/{shown.message.number}/progress"
    return page(request, "voicemail/progress.html", **progress_of(request, shown.history, address))


@needs(Permission.MESSAGES)
async def sound(request: Request) -> Response:
    """Send the sound of a message, from the place that the player asks for."""
    message = (await _addressed_message(request)).message
    # Whatever the database says: no file outside the mailbox is sent.
    path = templates.sound_file(request.app.state.settings.voicemail, message.path)
    if path is None:
        raise HTTPException(404)
    # Playing from the beginning counts as hearing; moving within the message is no second time.
    if request.headers.get("range", "bytes=0-").startswith("bytes=0-"):
        # A message can be heard while call control is unreachable, too.
        with contextlib.suppress(NotDone):
            await note_heard(request, str(message.number))
    # A file response serves ranges: the player moves anywhere in the message.
    return FileResponse(path, media_type="audio/wav")


@needs(Permission.MESSAGES)
async def wave(request: Request) -> Response:
    """Send the wave of a message as SVG; nobody has heard the message by that."""
    message = (await _addressed_message(request)).message
    path = templates.sound_file(request.app.state.settings.voicemail, message.path)
    if path is None:
        raise HTTPException(404)
    try:
        svg = await anyio.to_thread.run_sync(wave_of, path)
    except (OSError, WavError) as error:
        raise HTTPException(404) from error
    return Response(svg, media_type="image/svg+xml")


async def _addressed_message(request: Request) -> MessageView:
    """Read the message that the address names."""
    number = str(request.path_params["number"])
    found = await records_of(request).read(lambda c: find_message_view(c, number))
    if found is None:
        raise HTTPException(404)
    return found


def find_message_view(connection: sqlite3.Connection, number: str) -> MessageView | None:
    """Read a message with its history; None for no such message."""
    message = voicemail.find_message(connection, number)
    if message is None:
        return None
    # A message without a number gets earlier calls as hints (E16).
    hints = tuple(
        (voicemail.find_case(connection, CaseKind.CALL, record.call)[1], record)
        for record in voicemail.possible_callers(connection, message)
    )
    return MessageView(
        message,
        read_case(connection, CaseKind.MESSAGE, message.id, message.number),
        hints,
    )


async def _show_message(request: Request, error: NotDone | None = None) -> Response:
    shown = await _addressed_message(request)
    address = f"/messages/{shown.message.number}"
    values = {"message": shown.message, "hints": shown.hints}
    case = case_values(request, shown.history, address, error)
    status = error.status if error else 200
    return page(request, "voicemail/one.html", status, **values, **case)


def case_values(
    request: Request, history: CaseHistory, address: str, error: NotDone | None
) -> dict[str, Any]:
    """Return the values of a case's part of the page, the same for messages and calls."""
    return {
        "history": history,
        "address": address,
        "outcomes": [(one.value, OUTCOMES[one]) for one in MessageOutcome],
        "steps": STEPS,
        "wrong": str(error) if error else "",
        # Outside the time window call control refuses, and wants a reason (E17).
        "asks_reason": error is not None and error.words == OUT_OF_BAND,
        "mine": signed_in_user(request).name == history.holder,
        "may_call": may(request, Permission.CALL_BACK),
        **caller_values(request),
        **progress_of(request, history, f"{address}/progress"),
    }


def progress_of(request: Request, history: CaseHistory, address: str) -> dict[str, Any]:
    """Return the values of a call back's part of the page; `asks_again`: the page polls it."""
    # Just asked for: the call is not in the database yet.
    rings = request.query_params.get("ringing") == "1" and not history.back
    return {
        "history": history,
        "progress": address,
        # Until the call back has ended.
        "asks_again": history.is_called or rings,
        "results": RESULTS,
    }


def caller_values(request: Request) -> dict[str, Any]:
    """Return the function that names callers, and the outcomes, for templates."""
    language = request.state.speaker.language
    return {"caller": lambda who: caller_words(who, language), "ends": OUTCOMES}


# Calls that left no message, and interrupted ones: to be called back (E16, E18).

MISSED_LISTS: Final = {
    "open": N_("To be called back"),
    "interrupted": N_("Interrupted calls"),
    "all": N_("All of the last 30 days"),
}


@needs(Permission.MESSAGES)
async def list_missed(request: Request) -> Response:
    """List missed calls, newest first: the open ones, the interrupted ones, or all."""
    chosen = request.query_params.get("list", "open")
    chosen = chosen if chosen in MISSED_LISTS else "open"
    found, names = await request.app.state.store.read(
        lambda c: _missed_listed(c, request.app.state.plan)
    )
    rows = [one for one in found if is_in_list(one, chosen)]
    values = {
        "found": rows,
        "names": names,
        "chosen": chosen,
        "lists": MISSED_LISTS,
        "results": RESULTS,
    }
    return page(request, "voicemail/missed.html", **values, **caller_values(request))


def is_in_list(one: MissedCall, chosen: str) -> bool:
    """Tell whether a call belongs in a list."""
    if chosen == "interrupted":
        return one.is_open and one.record.result is Result.INTERRUPTED
    return chosen == "all" or one.is_open


def _missed_listed(
    connection: sqlite3.Connection, plan: NumberingPlan
) -> tuple[tuple[MissedCall, ...], dict[str, str]]:
    since = datetime.now(UTC) - timedelta(days=voicemail.MISSED_DAYS)
    return voicemail.missed_calls(connection, since, plan), people_names(connection)


@needs(Permission.MESSAGES)
async def show_missed(request: Request) -> Response:
    """Show one missed call."""
    return await _show_missed(request)


@needs(Permission.MESSAGES)
async def step_missed(request: Request) -> Response:
    """Take, release, note, close or reopen a missed call, or count an unanswered call back."""
    number, form = str(request.path_params["number"]), await request.form()
    doing = care_step(request, CaseKind.CALL, number, request.path_params["step"], form)
    return await redirect_after(request, doing, _show_missed, f"/missed/{number}")


@needs(Permission.MESSAGES)
@needs(Permission.CALL_BACK)
async def call_back_missed(request: Request) -> Response:
    """Call back the person who called."""
    form = await request.form()
    one, history = await _addressed_missed(request)
    reason = str(form.get("reason", ""))
    doing = ring_back(request, CaseKind.CALL, str(one.number), history.case, reason)
    return await redirect_after(request, doing, _show_missed, f"/missed/{one.number}?ringing=1")


@needs(Permission.MESSAGES)
async def progress_missed(request: Request) -> Response:
    """Show the progress of calling back a missed call."""
    one, history = await _addressed_missed(request)
    address = f"/missed/{one.number}/progress"
    return page(request, "voicemail/progress.html", **progress_of(request, history, address))


async def _addressed_missed(request: Request) -> tuple[MissedCall, CaseHistory]:
    """Read the call that the address names."""
    number = int(request.path_params["number"])
    found: tuple[MissedCall, CaseHistory] | None = await request.app.state.store.read(
        lambda c: find_missed_view(c, number, request.app.state.plan)
    )
    if found is None:
        raise HTTPException(404)
    return found


def find_missed_view(
    connection: sqlite3.Connection, number: int, plan: NumberingPlan
) -> tuple[MissedCall, CaseHistory] | None:
    """Read a missed call with its history; None for no such call."""
    found = voicemail.missed_calls(
        connection, datetime.now(UTC) - timedelta(days=voicemail.MISSED_DAYS), plan
    )
    one = next((each for each in found if each.number == number), None)
    if one is None:
        return None
    return one, read_case(connection, CaseKind.CALL, one.record.call, number)


async def _show_missed(request: Request, error: NotDone | None = None) -> Response:
    one, history = await _addressed_missed(request)
    case = case_values(request, history, f"/missed/{one.number}", error)
    return page(
        request, "voicemail/missed_one.html", error.status if error else 200, one=one, **case
    )


routes: list[BaseRoute] = [
    Route("/messages", list_messages),
    Route("/messages/{number:int}", show_message),
    Route("/messages/{number:int}/sound", sound),
    Route("/messages/{number:int}/wave.svg", wave),
    Route("/messages/{number:int}/progress", progress_message),
    Route("/messages/{number:int}/call-back", call_back_message, methods=["POST"]),
    Route("/messages/{number:int}/{step}", step_message, methods=["POST"]),
    Route("/missed", list_missed),
    Route("/missed/{number:int}", show_missed),
    Route("/missed/{number:int}/progress", progress_missed),
    Route("/missed/{number:int}/call-back", call_back_missed, methods=["POST"]),
    Route("/missed/{number:int}/{step}", step_missed, methods=["POST"]),
]


links = (
    PageLink(
        "/messages",
        N_("Messages"),
        with_permission(Permission.MESSAGES),
        order=20,
    ),
    PageLink("/missed", N_("Calls without a message"), with_permission(Permission.MESSAGES), 21),
)
