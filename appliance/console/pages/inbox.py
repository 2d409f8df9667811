"""The work to be followed on one page: the list, the open case, and what is known of its number.

Each step is sent by a script and can be taken back for ten seconds; the lists are live.
"""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import replace
from typing import Any, Final

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from appliance.api.commands import StepRequest, TakeCare
from appliance.calls.outgoing import OUT_OF_BAND, RINGS
from appliance.console.accounts import may, needs, requester, with_permission
from appliance.console.control_client import (
    NotDone,
    ask,
    ask_for_script,
    ask_form_for_script,
    form_field,
    records_of,
    refused_json,
    wish_of,
)
from appliance.console.inbox import WorkKind
from appliance.console.pages.requests import (
    HIGHEST,
    appointment_time,
    due_dates,
    find_request_view,
)
from appliance.console.pages.sheets import known_of
from appliance.console.pages.voicemail import (
    CASE_STEPS,
    care_command,
    case_values,
    find_message_view,
    find_missed_view,
    ring_back,
)
from appliance.console.pages.work import list_values, own_names, read_list
from appliance.console.say import N_
from appliance.console.templates import PageLink, page
from appliance.policy.requests import REQUEST_STEP_WORDS, RequestStep, state_words
from appliance.policy.users import Permission
from appliance.policy.voicemail import MessageStep
from appliance.store import voicemail
from appliance.store.listings import RESULTS
from appliance.store.voicemail import CaseKind

FILTERS: Final = {
    "": N_("All"),
    WorkKind.MESSAGE: N_("Messages"),
    WorkKind.CALL: N_("Calls"),
    WorkKind.RETURN: N_("Returns"),
    WorkKind.REQUEST: N_("Requests to offices"),
}
"""Kinds that the list can be limited to, "" for none."""
UNDOES: Final = {
    MessageStep.TAKE: MessageStep.RELEASE,
    MessageStep.RELEASE: MessageStep.TAKE,
    MessageStep.CLOSE: MessageStep.REOPEN,
    MessageStep.REOPEN: MessageStep.CLOSE,
    MessageStep.FAIL: MessageStep.TAKE_BACK,
    MessageStep.NOTE: MessageStep.TAKE_BACK,
}
"""Step that takes another one back."""
REQUEST_STEPS: Final = (
    RequestStep.REMIND,
    RequestStep.TAKE,
    RequestStep.CLOSE,
    RequestStep.CANCEL,
)
OF_MESSAGES: Final = (WorkKind.MESSAGE, WorkKind.CALL)
"""Kinds that only those who hear messages see."""


@needs(Permission.REQUESTS)
async def show_inbox(request: Request) -> Response:
    """Show the list and one case: the one that the address names, else the most urgent one."""
    kind, number = _addressed(request)
    found = await read_list(request)
    path = request.url.path
    if kind is None and (first := found.next_after("", own_names(request))) is not None:
        kind, number, path = first.kind, first.number, first.path
    shown = _chosen(request)
    following = found.next_after(path, own_names(request))
    case = await _case(request, kind, number) if kind else {}
    return page(
        request,
        "inbox/inbox.html",
        kind=kind or "",
        number=number,
        open_path=path if kind else "",
        following=following.path if following else "",
        shown=shown,
        filters=FILTERS,
        **{**list_values(request, found, shown), **case},
    )


@needs(Permission.MESSAGES)
async def step_case(request: Request) -> Response:
    """Take a step on a message or missed call; the answer carries the step that takes it back."""
    form = await request.form()
    named = _named(form)
    outcome = form_field(form, "outcome")
    step = MessageStep.CLOSE if outcome else form_field(form, "step")
    if named is None or step not in CASE_STEPS:
        return refused_json(request.state.speaker(N_("There is no such step.")), 400)
    kind, number = named
    command = care_command(request, kind, str(number), MessageStep(step), form_field(form, "note"))
    try:
        if outcome:
            command = wish_of(request, TakeCare, {**command.arguments(), "outcome": outcome})
    except NotDone as error:
        return refused_json(str(error), error.status)
    answer = await ask_for_script(request, command, _undo(command, form))
    # A case that was closed by its holder is the holder's again.
    if step == MessageStep.REOPEN and form_field(form, "take") == "1":
        with contextlib.suppress(NotDone):
            await ask(request, replace(command, step=MessageStep.TAKE))
    return answer


def _undo(command: TakeCare, form: FormData) -> dict[str, str]:
    """Return the form that takes a step back, empty for none."""
    back = UNDOES.get(command.step)
    if back is None:
        return {}
    undo = {"kind": command.kind.value, "number": command.name, "step": back.value}
    # Only a step of the page has an outcome again.
    if back is MessageStep.CLOSE:
        return {}
    return undo | ({"take": "1"} if form_field(form, "mine") == "1" else {})


@needs(Permission.MESSAGES)
@needs(Permission.CALL_BACK)
async def call_back(request: Request) -> Response:
    """Take a case and call its person back; the user's phone rings first (E17)."""
    form, say = await request.form(), request.state.speaker
    named = _named(form)
    if named is None:
        raise HTTPException(404)
    kind, number = named
    name, _ = await records_of(request).read(lambda c: voicemail.find_case(c, kind, str(number)))
    case = f"message:{number}" if kind is CaseKind.MESSAGE else f"call:{name}"
    try:
        await ring_back(request, kind, str(number), case, form_field(form, "reason"))
    except NotDone as error:
        # Outside the time window call control refuses, and wants a reason (E17).
        asks = error.words == OUT_OF_BAND
        answer = {"done": False, "said": str(error), "undo": None, "asks_reason": asks}
        return JSONResponse(answer, error.status)
    return JSONResponse({"done": True, "said": say.words(RINGS), "undo": None})


@needs(Permission.REQUESTS)
async def step_request(request: Request) -> Response:
    """Remind an office, note that it has the request, close or cancel the request."""
    form, _ = await request.form(), request.state.speaker
    step = form_field(form, "step")
    if step not in REQUEST_STEPS:
        return refused_json(_("There is no such step."), 400)
    fields = {
        "step": step,
        "number": int(number) if (number := form_field(form, "number")).isdecimal() else 0,
        "said_by": form_field(form, "said_by"),
        "words": form_field(form, "words"),
        "by": requester(request).by,
    }
    return await ask_form_for_script(request, StepRequest, fields)


def _named(form: FormData) -> tuple[CaseKind, int] | None:
    """Return the case that a form names, None for none."""
    kind, number = form_field(form, "kind"), form_field(form, "number")
    if kind not in tuple(CaseKind) or not number.isdecimal() or int(number) > HIGHEST:
        return None
    return CaseKind(kind), int(number)


def _addressed(request: Request) -> tuple[WorkKind | None, int]:
    """Return the case that the address names; raises HTTPException where it may not be seen."""
    if "kind" not in request.path_params:
        return None, 0
    kind, number = request.path_params["kind"], int(request.path_params["number"])
    if kind not in (*OF_MESSAGES, WorkKind.REQUEST) or number > HIGHEST:
        raise HTTPException(404)
    # Whoever may not hear messages is told nothing of them.
    if kind in OF_MESSAGES and not may(request, Permission.MESSAGES):
        raise HTTPException(404)
    return WorkKind(kind), number


def _chosen(request: Request) -> str:
    kind = request.query_params.get("show", "")
    return kind if kind in FILTERS else ""


async def _case(request: Request, kind: WorkKind, number: int) -> dict[str, Any]:
    """Return the values of one case and of what is known of its number; raises HTTPException."""
    if kind is WorkKind.REQUEST:
        return await _request_case(request, number)
    if kind is WorkKind.MESSAGE:
        message = await records_of(request).read(lambda c: find_message_view(c, str(number)))
        if message is None:
            raise HTTPException(404)
        values = {"message": message.message, "hints": message.hints}
        history, caller = message.history, message.message.caller
        call, at = message.message.call, message.message.received_at
    else:
        plan = request.app.state.plan
        found = await records_of(request).read(lambda c: find_missed_view(c, number, plan))
        if found is None:
            raise HTTPException(404)
        missed, history = found
        values = {"missed": missed}
        caller, call, at = missed.record.caller, missed.record.call, missed.record.rang_at
    address = f"/{'messages' if kind is WorkKind.MESSAGE else 'missed'}/{number}"
    case = case_values(request, history, address, None)
    return {
        **values,
        **case,
        # The list is live: nothing of the page asks for itself.
        "asks_again": False,
        "case_caller": caller,
        "case_at": at,
        "is_mine": history.holder in own_names(request),
        **await _beside(request, caller.number, call),
    }


async def _request_case(request: Request, number: int) -> dict[str, Any]:
    view = await records_of(request).read(lambda c: find_request_view(c, number))
    if view is None:
        raise HTTPException(404)
    one = view.kept.request
    return {
        "view": view,
        "one": one,
        "dues": await due_dates(request),
        "when": appointment_time(request, one.appointment) if one.appointment else "",
        "steps_of": REQUEST_STEP_WORDS,
        "state_of": state_words,
        **await _beside(request, one.citizen.phone, one.call),
    }


async def _beside(request: Request, number: str, call: str) -> dict[str, Any]:
    """Return the earlier calls, requests and open cases of a number (E9)."""

    def job(connection: sqlite3.Connection) -> object:
        return known_of(connection, number, call, request.app.state.plan)

    known = await records_of(request).read(job) if number else None
    return {"known": known, "state_of": state_words, "results": RESULTS}


routes: list[BaseRoute] = [
    Route("/inbox", show_inbox),
    Route("/inbox/step", step_case, methods=["POST"]),
    Route("/inbox/call-back", call_back, methods=["POST"]),
    Route("/inbox/request", step_request, methods=["POST"]),
    Route("/inbox/{kind}/{number:int}", show_inbox),
]


links = (
    PageLink(
        "/inbox", N_("To follow"), with_permission(Permission.REQUESTS), order=15, has_badge=True
    ),
)
