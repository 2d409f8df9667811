"""Handover to a colleague (E19); retention, erasure and export of personal data (P9, E20)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from appliance.api.commands import Erase, ExportKept, HandOver, LeavePosition, ShowRetention
from appliance.api.replies import ErasureSaid, FullStatus, RetentionReply, Said
from appliance.calls import manual_states
from appliance.calls.status import CallStatus
from appliance.console.accounts import (
    Requester,
    may,
    needs,
    requester,
    send_as_user,
    signed_in_user,
    with_permission,
)
from appliance.console.control_client import (
    NotDone,
    records_of,
    send,
    unit_names,
)
from appliance.console.pages.voicemail import caller_values
from appliance.console.say import N_
from appliance.console.templates import PageLink, page
from appliance.policy.numbering import NumberingPlan
from appliance.policy.requests import state_words
from appliance.policy.users import HANDOVER_TO_ALL, ROLE_WORDS, Permission, User, permissions_of
from appliance.store import cases, users
from appliance.store.cases import TakenCases
from appliance.store.voicemail import MISSED_DAYS
from appliance.text import Words


def open_at_position(status: FullStatus, position: str) -> tuple[Words, ...]:
    """Return why a position may not be left now: callers on hold, open returns (E19).

    The same words with which call control refuses to set the position away.
    """
    found = (_why_not(one, position) for one in status.calls)
    return tuple(words for words in found if words is not None)


def _why_not(one: CallStatus, position: str) -> Words | None:
    operator, office = (one.transfer.operator, one.transfer.office) if one.transfer else ("", "")
    # Callers of this position, and returns to it; not a colleague's.
    if not position or position not in (one.phone, operator):
        return None
    return manual_states.why_not_away(one.state, position, office)


# Not the empty value: a form in which nothing was chosen must not hand over to all.
EVERYBODY: Final = "*"
"""Value of the form's choice "to all"."""
# Cases handed over at once, at most.
MOST: Final = 500


@needs(Permission.REQUESTS)
async def show_handover(request: Request) -> Response:
    """Show the cases that the user has taken, and what keeps the position from being left."""
    return await _show_handover(request)


@needs(Permission.REQUESTS)
async def hand_over(request: Request) -> Response:
    """Hand over the chosen cases, or all."""
    form, say = await request.form(), request.state.speaker
    wanted = str(form.get("to", ""))
    try:
        if not wanted:
            raise NotDone(400, say(N_("To whom? Choose a colleague, or all.")))
        # "All" is read anew: the page may have been open for a while.
        whole = form.get("what") == "all"
        items = await _all_of_it(request) if whole else [str(one) for one in form.getlist("item")]
        reply = await _hand_over(request, HANDOVER_TO_ALL if wanted == EVERYBODY else wanted, items)
    except NotDone as error:
        return await _show_handover(request, error)
    return await _show_handover(request, told=reply.said)


@needs(Permission.REQUESTS)
async def follow_request(request: Request) -> Response:
    """Take over a request that no user follows."""
    item = f"request:{request.path_params['number']}"
    try:
        reply = await _hand_over(request, requester(request).by, [item])
    except NotDone as error:
        return await _show_handover(request, error)
    return await _show_handover(request, told=reply.said)


@needs(Permission.SEE_DESK)
async def leave(request: Request) -> Response:
    """Set one's own position away; refused with a caller on hold or an open return."""
    await request.form()
    say, position = request.state.speaker, requester(request).position
    try:
        if not position:
            raise NotDone(400, say(N_("Choose your position on the operator's desk first.")))
        # Call control refuses with a held call or an open return, in words (E19).
        reply = await send(request, LeavePosition(on=True, by=position))
    except NotDone as error:
        return await _show_handover(request, error)
    return await _show_handover(request, told=reply.said)


async def _hand_over(request: Request, to: str, items: Sequence[str]) -> Said:
    asks = requester(request)
    given = tuple(items)[:MOST]
    return await send(request, HandOver(by=asks.by, position=asks.position, to=to, items=given))


async def _all_of_it(request: Request) -> list[str]:
    asks, is_all = requester(request), may(request, Permission.MESSAGES)
    found, _, _ = await records_of(request).read(
        lambda c: _read(c, asks, is_all, _today(request), request.app.state.plan)
    )
    return [f"{item.kind}:{item.number}" for item in found.items]


async def _show_handover(
    request: Request, error: NotDone | None = None, told: Words | None = None
) -> Response:
    asks, is_all = requester(request), may(request, Permission.MESSAGES)
    today = _today(request)
    found, people, units = await records_of(request).read(
        lambda c: _read(c, asks, is_all, today, request.app.state.plan)
    )
    seen, say = request.app.state.feed.newest, request.state.speaker
    values = {
        "mine": found,
        "names": {user.name: user.shown for user in people},
        # Only colleagues who can log in and may deal with requests.
        "colleagues": [
            _colleague_option(request, user) for user in people if _can_follow(user, asks.by)
        ],
        "units": units,
        # Shown before the user tries to leave.
        "open_calls": open_at_position(seen.status, asks.position) if seen.status else (),
        "position": asks.position,
        "has_messages": is_all,
        "state_of": state_words,
        "wrong": str(error) if error else "",
        "told": say.words(told) if told else "",
        "everybody": EVERYBODY,
    }
    status = error.status if error else 200
    return page(request, "handover/handover.html", status, **values, **caller_values(request))


def _read(
    connection: sqlite3.Connection,
    asks: Requester,
    is_all: bool,
    today: datetime,
    plan: NumberingPlan,
) -> tuple[TakenCases, tuple[User, ...], dict[str, str]]:
    """Read the taken cases, users and units; requests alone for users without messages."""
    since = datetime.now(UTC) - timedelta(days=MISSED_DAYS)
    # A case is taken by a user or by a position.
    names = {asks.by, asks.position} - {""}
    found = cases.taken_cases(connection, names, since, today, plan)
    if not is_all:
        # The citizens' counter deals with requests alone: messages and missed calls stay hidden.
        found = TakenCases((), (), found.requests, found.nobodys, ())
    units = unit_names(connection)
    return found, users.everybody(connection), units


def _today(request: Request) -> datetime:
    """Return the beginning of today in the office's time zone."""
    now = datetime.now(request.app.state.zone)
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def _can_follow(user: User, by: str) -> bool:
    is_allowed = Permission.REQUESTS in permissions_of(user.roles)
    return user.can_log_in and user.name != by and is_allowed


def _colleague_option(request: Request, user: User) -> tuple[str, str]:
    """Return a colleague's login name, and shown name with roles."""
    # With the roles: not every colleague may do everything.
    say = request.state.speaker
    roles = ", ".join(say.words(ROLE_WORDS[role]) for role in sorted(user.roles))
    return user.name, f"{user.shown} ({roles})"


# Retention: how long each kind of data is kept, what is deleted soon; the data of one caller.

KINDS: Final = {
    "number": N_("All that is kept of a number"),
    "call": N_("One call, with its message"),
    "message": N_("One message, with its call"),
    "request": N_("One request"),
}
"""Kinds of data that may be erased, by the command's field."""
LONGEST: Final = 300
# A slow memory card may need long to overwrite erased data.
# Seconds within which an erasure must be done.
LIMIT_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class ErasureForm:
    """Form of an erasure: kind and name, reason, and whether open requests are closed with it."""

    kind: str = "number"
    name: str = ""
    reason: str = ""
    closes: bool = False


EMPTY_ERASURE: Final = ErasureForm()


@needs(Permission.ERASE)
async def show_retention(request: Request) -> Response:
    """Show the rules, the data deleted within 30 days, what still waits, and past deletions."""
    return await _show_retention(request, EMPTY_ERASURE)


async def _show_retention(
    request: Request, chosen: ErasureForm, wrong: NotDone | None = None
) -> Response:
    try:
        told = await send_as_user(request, ShowRetention())
    except NotDone as error:
        return page(request, "hours/away.html", error.status, wrong=str(error))
    values: dict[str, Any] = {"chosen": chosen, "kinds": KINDS, "wrong": str(wrong or "")}
    status = wrong.status if wrong else 200
    return page(request, "privacy/retention.html", status, **values, **_fields(told))


@needs(Permission.ERASE)
async def erase(request: Request) -> Response:
    """Preview an erasure or carry it out, by the button that was pressed."""
    sent = await request.form()
    chosen, is_doing = _erasure_form(sent), sent.get("do") == "erase"
    what: dict[str, Any] = {chosen.kind: chosen.name}
    command = Erase(
        by=signed_in_user(request).name,
        reason=chosen.reason,
        # Open requests are closed first, with the reason (E20).
        close_requests=chosen.closes,
        # An erasure is previewed before it is carried out (E20).
        preview=not is_doing,
        **what,
    )
    try:
        told = await send(request, command, LIMIT_S)
    except NotDone as error:
        return await _show_refusal(request, chosen, command, error, is_doing=is_doing)
    return _erasure_page(request, chosen, told, is_done=is_doing)


async def _show_refusal(
    request: Request,
    chosen: ErasureForm,
    command: Erase,
    error: NotDone,
    *,
    is_doing: bool,
) -> Response:
    """Show the form again, or the preview if the erasure itself was refused."""
    if not is_doing:
        return await _show_retention(request, chosen, error)
    try:
        told = await send(request, replace(command, preview=True))
    except NotDone:
        return await _show_retention(request, chosen, error)
    return _erasure_page(request, chosen, told, error)


def _erasure_page(
    request: Request,
    chosen: ErasureForm,
    told: ErasureSaid,
    wrong: NotDone | None = None,
    *,
    is_done: bool = False,
) -> Response:
    said = request.state.speaker.words(told.said).splitlines()
    open_requests = told.open_requests
    values: dict[str, Any] = {"said": said, "chosen": chosen, "open_requests": open_requests}
    values |= {"is_done": is_done, "wrong": str(wrong or ""), "what": KINDS[chosen.kind]}
    return page(request, "privacy/erase.html", wrong.status if wrong else 200, **values)


@needs(Permission.ERASE)
async def export(request: Request) -> Response:
    """Download all data of a number as a file (E20)."""
    # By POST: the number is in no address, and so in no browser's history.
    chosen = _erasure_form(await request.form())
    try:
        told = await send_as_user(request, ExportKept(number=chosen.name))
    except NotDone as error:
        return await _show_retention(request, chosen, error)
    text = json.dumps(told.kept, ensure_ascii=False, indent=2)
    # Without the number, which would stay in the name of a file.
    name = f"{datetime.now(request.app.state.zone):%Y-%m-%d}-centralino.json"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type="application/json", headers=headers)


def _erasure_form(sent: FormData) -> ErasureForm:
    kind, name = _text(sent, "kind"), _text(sent, "name")
    kind = kind if kind in KINDS else "number"
    return ErasureForm(kind, name, _text(sent, "reason"), sent.get("closes") == "1")


def _fields(told: RetentionReply) -> dict[str, Any]:
    return {each.name: getattr(told, each.name) for each in fields(told)}


def _text(sent: FormData, name: str) -> str:
    value = sent.get(name, "")
    return value.strip()[:LONGEST] if isinstance(value, str) else ""


routes: list[BaseRoute] = [
    Route("/handover", show_handover),
    Route("/handover", hand_over, methods=["POST"]),
    Route("/handover/leave", leave, methods=["POST"]),
    Route("/handover/take/{number:int}", follow_request, methods=["POST"]),
    Route("/retention", show_retention),
    Route("/retention/erase", erase, methods=["POST"]),
    Route("/retention/export", export, methods=["POST"]),
]


links = (
    PageLink("/handover", N_("Handing over"), with_permission(Permission.REQUESTS), order=23),
    PageLink("/retention", N_("What is kept"), with_permission(Permission.ERASE), order=65),
)
