"""First start, for the technician: one step after the other, each can be left and taken up again.

Until a step is done the box answers by what it is delivered with: outside its hours, or without a
phone, voicemail.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Mapping
from typing import Any, Final

import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from appliance.api.commands import TestMail
from appliance.api.replies import FullStatus
from appliance.api.technician_commands import AddPhone, ListPhones, RingPhone
from appliance.calls.orders import CallRecord
from appliance.console.accounts import (
    AGAIN_S,
    START_S,
    may,
    needs,
    send_as_user,
    send_patiently,
)
from appliance.console.control_client import NotDone, form_field, records_of
from appliance.console.first_start import DONE, FINISHED, LATER, STEPS, FirstStart, Step, step_of
from appliance.console.pages.maintenance import find_test
from appliance.console.pages.phones import filled_phone, new_phone_values
from appliance.console.pages.system import self_test_values
from appliance.console.pages.users import UserForm, add_user, filled_user, new_user_values
from appliance.console.say import N_
from appliance.console.setting_forms import (
    Answer,
    Typed,
    applied,
    changes_of,
    form_values,
    history_entry,
    listed_settings,
    misread,
    modems_for,
    own_settings,
    socket_name,
    typed_in,
)
from appliance.console.templates import PageLink, page
from appliance.policy.mail import MAIL_STATE_WORDS
from appliance.policy.opening import REASON_SENTENCES, ReasonCode
from appliance.policy.routing import GroupState
from appliance.policy.users import ROLE_WORDS, Permission, Role, User
from appliance.store import call_log, users
from appliance.store.listings import RESULTS
from appliance.text import Words, _

MAIL_WAITS: Final = N_(
    "The mail server is kept and holds once nobody is on the phone: try it again then."
)
COUNTER_ANSWERS: Final = _(
    "The switchboard is open, and none of its phones can be reached: the citizens' counter rings."
)
NO_PHONE_YET: Final = _("The switchboard has no phone yet: voicemail answers.")
LAST_CALLS: Final = 3
"""Calls that the step of the test call shows."""


@needs(Permission.TECHNICAL)
async def show_next(request: Request) -> Response:
    """Lead to the step where one left off, or to the end."""
    step = _state(request).next_step
    return RedirectResponse(f"/start/{step.code}" if step else "/start/end", 303)


@needs(Permission.TECHNICAL)
async def show_step(request: Request) -> Response:
    """Show a step."""
    return await _show(request, _step(request))


@needs(Permission.TECHNICAL)
async def do_step(request: Request) -> Response:
    """Do a step: apply its settings, or note it as done or put off (`do`)."""
    step, form = _step(request), await request.form()
    wanted = form_field(form, "do")
    if wanted == "later":
        return await _go_on(request, step, LATER)
    if step.section is None:
        return await _go_on(request, step, DONE)
    listed, wrong = await listed_settings(request)
    if listed is None:
        return await _show(request, step, answer=Answer(wrong=wrong, status=503))
    typed = typed_in(form, own_settings(step.section, listed))
    done: int | Answer = 0
    # What is as it should be is done without a change.
    if changes_of(typed, listed.settings) or misread(typed, listed.settings):
        done = await applied(request, typed, listed)
    if isinstance(done, Answer):
        return await _show(request, step, typed, done)
    if wanted == "test":
        return await _try_mail(request, step, form_field(form, "to").strip(), done)
    # The modem of a new line is tried now: what it can do is seen here.
    if any(typed.new.values()):
        return RedirectResponse(f"/start/{step.code}?done={done}", 303)
    return await _go_on(request, step, DONE, done)


async def _try_mail(request: Request, step: Step, to: str, done: int) -> Response:
    """Send a test e-mail once the settings just applied hold."""
    number = 0
    try:
        if not await _is_taken_up(request):
            raise NotDone(409, request.state.speaker(MAIL_WAITS))
        number = (await send_patiently(request, TestMail(to=to))).number
    except NotDone as error:
        return await _show(request, step, answer=Answer(wrong=str(error), status=error.status))
    return RedirectResponse(f"/start/{step.code}?test={number}&done={done}", 303)


async def _is_taken_up(request: Request) -> bool:
    """Wait until call control has taken up what was applied; False while somebody talks."""
    end = time.monotonic() + START_S
    while True:
        listed, _ = await listed_settings(request)
        if listed is not None and not listed.waits:
            return True
        if time.monotonic() >= end:
            return False
        await asyncio.sleep(AGAIN_S)


@needs(Permission.TECHNICAL)
async def add_phone(request: Request) -> Response:
    """Add a phone; this answer alone shows its account."""
    filled, step = filled_phone(await request.form()), step_of("phone")
    assert step is not None
    try:
        account = await send_patiently(request, AddPhone(**filled))
    except NotDone as error:
        answer = Answer(wrong=str(error), status=error.status)
        return await _show(request, step, answer=answer, filled_phone=filled)
    shown = await _show(request, step, account=account)
    # It shows a password.
    shown.headers["cache-control"] = "no-store"
    return shown


@needs(Permission.TECHNICAL)
@needs(Permission.USERS)
async def make_user(request: Request) -> Response:
    """Make a user; this answer alone shows the password."""
    filled, step = filled_user(await request.form()), step_of("user")
    assert step is not None
    try:
        password = await add_user(request, filled)
    except NotDone as error:
        answer = Answer(wrong=str(error), status=error.status)
        return await _show(request, step, answer=answer, filled_user=filled)
    shown = await _show(request, step, told=(filled.name, password))
    shown.headers["cache-control"] = "no-store"
    return shown


@needs(Permission.TECHNICAL)
async def ring(request: Request) -> Response:
    """Have a phone ring for a try."""
    form, step = await request.form(), step_of("phone")
    assert step is not None
    try:
        reply = await send_as_user(request, RingPhone(name=form_field(form, "name")))
    except NotDone as error:
        return await _show(request, step, answer=Answer(wrong=str(error), status=error.status))
    return await _show(request, step, said=request.state.speaker.words(reply.said))


@needs(Permission.TECHNICAL)
async def show_phones(request: Request) -> Response:
    """Show the phones with their state: a part of the page, polled."""
    return page(request, "start/phones.html", **await _phone_values(request))


@needs(Permission.TECHNICAL)
async def show_calls(request: Request) -> Response:
    """Show the calls that ring and the last ones: a part of the page, polled."""
    return page(request, "start/calls.html", **await _call_values(request))


@needs(Permission.TECHNICAL)
async def show_modems(request: Request) -> Response:
    """Show the modems: a part of the page, polled, as one that starts tells only then its make."""
    step = step_of("lines")
    assert step is not None
    assert step.section is not None
    modems = await modems_for(request, step.section)
    return page(
        request,
        "settings/modems.html",
        section=step.section,
        modems=modems,
        socket_name=socket_name,
        again="/start/lines",
    )


@needs(Permission.TECHNICAL)
async def show_end(request: Request) -> Response:
    """Show what is done and what was put off."""
    values = {**_values(request), **await self_test_values(request)}
    return page(request, "start/end.html", **values)


@needs(Permission.TECHNICAL)
async def finish(request: Request) -> Response:
    """Note that the first start is over: the menu names it no more."""
    await request.form()
    await anyio.to_thread.run_sync(_state(request).note, FINISHED, DONE)
    return RedirectResponse("/", 303)


async def _go_on(request: Request, step: Step, mark: str, number: int = 0) -> Response:
    """Note a step and lead to the next one in order, or to the end."""
    await anyio.to_thread.run_sync(_state(request).note, step.code, mark)
    following = STEPS[STEPS.index(step) + 1 :]
    to = following[0].code if following else "end"
    return RedirectResponse(f"/start/{to}{f'?done={number}' if number else ''}", 303)


def _step(request: Request) -> Step:
    found = step_of(str(request.path_params["step"]))
    if found is None:
        raise HTTPException(404)
    return found


def _state(request: Request) -> FirstStart:
    found: FirstStart = request.app.state.first_start
    return found


def _values(request: Request) -> dict[str, Any]:
    state, feed = _state(request), request.app.state.feed
    status = feed.newest.status
    return {
        "steps": STEPS,
        "marks": state.marks,
        # How the box answers meanwhile.
        "answers": request.state.speaker.words(_answering(status)) if status else "",
    }


def _answering(status: FullStatus) -> Words:
    """Return in a sentence what callers meet now, also before there is a phone."""
    counter = status.citizens_desk
    if not status.open or status.switchboard.state is not GroupState.UNREACHABLE:
        return status.sentence
    if counter is not None and counter.state in (GroupState.FREE, GroupState.BUSY):
        return COUNTER_ANSWERS
    return NO_PHONE_YET if not status.phones else REASON_SENTENCES[ReasonCode.NOBODY_REACHABLE]


async def _show(
    request: Request,
    step: Step,
    typed: Typed | None = None,
    answer: Answer | None = None,
    *,
    said: str = "",
    **own: Any,
) -> Response:
    """Show a step; `own` is what it alone was just told: an account, a password, a form."""
    answer = answer or Answer()
    more: dict[str, Any] = {"section": None, "listed": None, "groups": (), "answer": answer}
    if step.section is not None:
        listed, why = await listed_settings(request)
        if listed is None and not answer.wrong:
            answer = Answer(wrong=why, status=503)
        more = await form_values(request, step.section, listed, typed or Typed(), answer)
    number = request.query_params.get("done", "")
    done = int(number) if number.isascii() and number.isdigit() and len(number) < 9 else 0
    return page(
        request,
        "start/step.html",
        answer.status,
        step=step,
        said=said,
        applied=await history_entry(request, done),
        role_words=ROLE_WORDS,
        **await _own_values(request, step, own),
        **_values(request),
        **more,
    )


async def _own_values(request: Request, step: Step, own: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a step that is no form of settings, and of the mail's test."""
    match step.code:
        case "phone":
            found = await _phone_values(request, own.get("filled_phone"))
            return {**found, "account": own.get("account")}
        case "user":
            filled = own.get("filled_user") or UserForm(roles=(Role.OPERATOR.value,))
            may_add = may(request, Permission.USERS)
            people = {"people": await _people(request), "told": own.get("told")}
            more = await new_user_values(request, filled, "/start/user/add") if may_add else {}
            return {**people, **more, "may_add": may_add}
        case "mail":
            number = request.query_params.get("test", "")
            test = await records_of(request).read(lambda c: find_test(c, number))
            return {"test": test, "states": MAIL_STATE_WORDS}
        case "call":
            return await _call_values(request)
    return {}


async def _phone_values(
    request: Request, filled: Mapping[str, str] | None = None
) -> dict[str, Any]:
    told, away = None, ""
    try:
        # It may be starting, with the phone that was just added.
        told = await send_patiently(request, ListPhones(), may_repeat=True)
    except NotDone as error:
        away = str(error)
    values = new_phone_values(told, filled, "/start/phone/add")
    return {**values, "phones": told.phones if told else (), "away": away}


async def _people(request: Request) -> tuple[User, ...]:
    return await records_of(request).read(lambda c: tuple(users.everybody(c)))


async def _call_values(request: Request) -> dict[str, Any]:
    def last(connection: sqlite3.Connection) -> tuple[CallRecord, ...]:
        return call_log.list_calls(connection, limit=LAST_CALLS)

    status = request.app.state.feed.newest.status
    labels = {line.name: line.label for line in status.lines} if status else {}
    return {
        "calls": await records_of(request).read(last),
        "labels_of_lines": labels,
        "results": RESULTS,
    }


def _is_for(request: Request) -> bool:
    return may(request, Permission.TECHNICAL) and _state(request).is_open


routes: list[BaseRoute] = [
    Route("/start", show_next, methods=["GET"]),
    Route("/start/end", show_end, methods=["GET"]),
    Route("/start/end", finish, methods=["POST"]),
    Route("/start/call/live", show_calls, methods=["GET"]),
    Route("/start/phone/add", add_phone, methods=["POST"]),
    Route("/start/user/add", make_user, methods=["POST"]),
    Route("/start/phone/live", show_phones, methods=["GET"]),
    Route("/start/phone/ring", ring, methods=["POST"]),
    Route("/start/lines/live", show_modems, methods=["GET"]),
    Route("/start/{step}", show_step, methods=["GET"]),
    Route("/start/{step}", do_step, methods=["POST"]),
]
links = (PageLink("/start", N_("First start"), _is_for, order=81),)
