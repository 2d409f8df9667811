"""Handover to a colleague (E19); retention, erasure and export of personal data (P9, E20)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from appliance.calls import positions
from appliance.calls.states import State
from appliance.console.accounts import (
    Requester,
    ask_as_user,
    may,
    needs,
    requester,
    signed_in_user,
    with_permission,
)
from appliance.console.control_client import NotDone, ask, parse_moment, records_of, unit_names
from appliance.console.pages.voicemail import caller_values
from appliance.console.say import N_
from appliance.console.templates import PageLink, page
from appliance.policy.numbering import NumberingPlan
from appliance.policy.requests import state_words
from appliance.policy.text import NOTHING, Words
from appliance.policy.users import HANDOVER_TO_ALL, ROLE_WORDS, Permission, User, permissions_of
from appliance.store import cases, users
from appliance.store.cases import TakenCases
from appliance.store.voicemail import MISSED_DAYS

# Why a position may not be left now (E19): the same words with which call control refuses it.


def open_at_position(status: Mapping[str, Any], position: str) -> tuple[Words, ...]:
    """Say what would be left behind for nobody: callers held, returns open; none for no position.

    The same words with which call control refuses the user to be away.
    """
    found = (_why_not(one, position) for one in status["calls"])
    return tuple(words for words in found if words is not None)


def _why_not(one: Mapping[str, Any], position: str) -> Words | None:
    transfer = one["transfer"] or {"operator": "", "office": ""}
    if not position or position not in (one["phone"], transfer["operator"]):
        return None
    return positions.why_not(State(one["state"]), position, transfer["office"])


EVERYBODY: Final = "*"
"""In the form: to all. Nothing chosen is no choice."""
MOST: Final = 500


@needs(Permission.REQUESTS)
async def show_handover(request: Request) -> Response:
    """Show what the user has taken, and what keeps them from leaving."""
    return await _show_handover(request)


@needs(Permission.REQUESTS)
async def hand_over(request: Request) -> Response:
    """Hand over what was chosen, or all of it."""
    form, say = await request.form(), request.state.speaker
    wanted = str(form.get("to", ""))
    try:
        if not wanted:
            raise NotDone(400, say(N_("To whom? Choose a colleague, or all.")))
        whole = form.get("what") == "all"
        items = await _all_of_it(request) if whole else [str(one) for one in form.getlist("item")]
        answer = await _hand_over(
            request, HANDOVER_TO_ALL if wanted == EVERYBODY else wanted, items
        )
    except NotDone as error:
        return await _show_handover(request, error)
    return await _show_handover(request, told=Words(**answer["said"]))


@needs(Permission.REQUESTS)
async def follow_request(request: Request) -> Response:
    """Follow a request from now on that nobody does."""
    item = f"request:{request.path_params['number']}"
    try:
        answer = await _hand_over(request, requester(request).by, [item])
    except NotDone as error:
        return await _show_handover(request, error)
    return await _show_handover(request, told=Words(**answer["said"]))


@needs(Permission.SEE_DESK)
async def leave(request: Request) -> Response:
    """Have one's own position away; refused in words with a caller held or a return open."""
    await request.form()
    say, position = request.state.speaker, requester(request).position
    try:
        if not position:
            raise NotDone(400, say(N_("Choose your position on the operator's desk first.")))
        command = {"ask": "SetAway", "on": True, "by": position, "until": None}
        answer = await ask(request, command)
    except NotDone as error:
        return await _show_handover(request, error)
    return await _show_handover(request, told=Words(**answer["said"]))


async def _hand_over(request: Request, to: str, items: Sequence[str]) -> dict[str, Any]:
    asks = requester(request)
    names = {"by": asks.by, "position": asks.position, "to": to}
    return await ask(request, {"ask": "hand_over", **names, "items": list(items)[:MOST]})


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
        "colleagues": [
            _colleague_option(request, user) for user in people if _can_follow(user, asks.by)
        ],
        "units": units,
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
    """Read it; for whoever does not deal with messages the requests alone."""
    since = datetime.now(UTC) - timedelta(days=MISSED_DAYS)
    names = {asks.by, asks.position} - {""}
    found = cases.taken_cases(connection, names, since, today, plan)
    if not is_all:
        found = TakenCases((), (), found.requests, found.nobodys, ())
    units = unit_names(connection)
    return found, users.everybody(connection), units


def _today(request: Request) -> datetime:
    """Return when today began in the office's time zone."""
    now = datetime.now(request.app.state.zone)
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def _can_follow(user: User, by: str) -> bool:
    is_allowed = Permission.REQUESTS in permissions_of(user.roles)
    return user.can_log_in and user.name != by and is_allowed


def _colleague_option(request: Request, user: User) -> tuple[str, str]:
    """Return a colleague's name and how it is shown: with the roles, for not all may do all."""
    say = request.state.speaker
    roles = ", ".join(say.words(ROLE_WORDS[role]) for role in sorted(user.roles))
    return user.name, f"{user.shown} ({roles})"


# Retention: how long each kind of data is kept, what goes soon, what waits; one caller's data.

KINDS: Final = {
    "number": N_("All that is kept of a number"),
    "call": N_("One call, with its message"),
    "message": N_("One message, with its call"),
    "request": N_("One request"),
}
"""What may be erased; the field's name is the command's."""
LONGEST: Final = 300
LIMIT_S: Final = 60.0
"""A slow card may need long to overwrite what is erased."""


@dataclass(frozen=True, slots=True)
class ErasureForm:
    """What a form names: a kind and its name, why it goes, whether requests are closed with it."""

    kind: str = "number"
    name: str = ""
    reason: str = ""
    closes: bool = False


EMPTY_ERASURE: Final = ErasureForm()


@needs(Permission.ERASE)
async def show_retention(request: Request) -> Response:
    """Show the rules, what goes within 30 days, what waits, what went."""
    return await _show_retention(request, EMPTY_ERASURE)


async def _show_retention(
    request: Request, chosen: ErasureForm, wrong: NotDone | None = None
) -> Response:
    try:
        told = await ask_as_user(request, {"ask": "retention"})
    except NotDone as error:
        return page(request, "hours/away.html", error.status, wrong=str(error))
    values: dict[str, Any] = {"chosen": chosen, "kinds": KINDS, "wrong": str(wrong or "")}
    status = wrong.status if wrong else 200
    return page(request, "retention/retention.html", status, **values, **_retention_values(told))


@needs(Permission.ERASE)
async def erase(request: Request) -> Response:
    """Say what would go, then erase it: whichever button was pressed."""
    sent = await request.form()
    chosen, is_doing = _erasure_form(sent), sent.get("do") == "erase"
    command = {
        "ask": "erase",
        "by": signed_in_user(request).name,
        chosen.kind: chosen.name,
        "reason": chosen.reason,
        "close_requests": chosen.closes,
        "preview": not is_doing,
    }
    try:
        told = await ask(request, command, LIMIT_S)
    except NotDone as error:
        return await _show_refusal(request, chosen, command, error, is_doing=is_doing)
    return _erasure_page(request, chosen, told, is_done=is_doing)


async def _show_refusal(
    request: Request,
    chosen: ErasureForm,
    command: dict[str, Any],
    error: NotDone,
    *,
    is_doing: bool,
) -> Response:
    """Show the form again, or the preview where it was to be done."""
    if not is_doing:
        return await _show_retention(request, chosen, error)
    try:
        told = await ask(request, command | {"preview": True})
    except NotDone:
        return await _show_retention(request, chosen, error)
    return _erasure_page(request, chosen, told, error)


def _erasure_page(
    request: Request,
    chosen: ErasureForm,
    told: Mapping[str, Any],
    wrong: NotDone | None = None,
    *,
    is_done: bool = False,
) -> Response:
    said = request.state.speaker.words(Words(**told["said"])).splitlines()
    open_requests = told["open_requests"]
    values: dict[str, Any] = {"said": said, "chosen": chosen, "open_requests": open_requests}
    values |= {"is_done": is_done, "wrong": str(wrong or ""), "what": KINDS[chosen.kind]}
    return page(request, "retention/erase.html", wrong.status if wrong else 200, **values)


@needs(Permission.ERASE)
async def export(request: Request) -> Response:
    """Hand over all that is kept of a number as a file; the number is in no address."""
    chosen = _erasure_form(await request.form())
    command = {"ask": "kept_of", "by": signed_in_user(request).name, "number": chosen.name}
    try:
        told = await ask(request, command)
    except NotDone as error:
        return await _show_retention(request, chosen, error)
    text = json.dumps(told["kept"], ensure_ascii=False, indent=2)
    name = f"{datetime.now(request.app.state.zone):%Y-%m-%d}-centralino.json"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type="application/json", headers=headers)


def _erasure_form(sent: FormData) -> ErasureForm:
    kind, name = _text(sent, "kind"), _text(sent, "name")
    kind = kind if kind in KINDS else "number"
    return ErasureForm(kind, name, _text(sent, "reason"), sent.get("closes") == "1")


def _retention_values(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return an answer's words and moments as values."""
    soon, waiting = dict(told["soon"]), dict(told["waiting"])
    soon["until"] = datetime.fromisoformat(soon["until"])
    soon["messages"] = [_timed(each) for each in soon["messages"]]
    waiting |= {key: parse_moment(waiting[key]) for key in ("oldest_message", "oldest_request")}
    return {
        "kept": [{**each, "what": Words(**each["what"])} for each in told["kept"]],
        "soon": soon,
        "waiting": waiting,
        "ran": parse_moment(told["ran"]),
        "deleted": [_timed(each) for each in told["deleted"]],
    }


def _timed(each: Mapping[str, Any]) -> dict[str, Any]:
    what = Words(**each["what"]) if "what" in each else NOTHING
    return {**each, "at": datetime.fromisoformat(each["at"]), "what": what}


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
