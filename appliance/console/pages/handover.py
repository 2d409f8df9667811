"""Handing over (E19): my returns, requests, messages and missed calls, to a colleague or to all."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from appliance.console.accounts.rights import for_those_who_may, may, needs
from appliance.console.asking import NotDone, ask
from appliance.console.leaving import left_behind
from appliance.console.links import Link
from appliance.console.pages.messages import words_of
from appliance.console.reading import Reading
from appliance.console.say import N_
from appliance.console.templates import page
from appliance.console.who import Who, who
from appliance.policy.numbering import Plan
from appliance.policy.privacy import TO_ALL
from appliance.policy.requests import state_of
from appliance.policy.text import Words
from appliance.policy.users import ROLES, Permission, User, permissions_of
from appliance.store import directory, retention, users
from appliance.store.retention import Mine
from appliance.store.voicemail import DAYS

EVERYBODY: Final = "*"
"""In the form: to all. Nothing chosen is no choice."""
MOST: Final = 500


@needs(Permission.REQUESTS)
async def show(request: Request) -> Response:
    """Show what whoever asks has taken, and what keeps them from leaving."""
    return await _show(request)


@needs(Permission.REQUESTS)
async def give(request: Request) -> Response:
    """Hand over what was chosen, or all of it."""
    form, say = await request.form(), request.state.speaker
    wanted = str(form.get("to", ""))
    try:
        if not wanted:
            raise NotDone(400, say(N_("To whom? Choose a colleague, or all.")))
        whole = form.get("what") == "all"
        items = await _all_of_it(request) if whole else [str(one) for one in form.getlist("item")]
        answer = await _hand_over(request, TO_ALL if wanted == EVERYBODY else wanted, items)
    except NotDone as error:
        return await _show(request, error)
    return await _show(request, told=Words(**answer["said"]))


@needs(Permission.REQUESTS)
async def take(request: Request) -> Response:
    """Follow a request from now on that nobody does."""
    item = f"request:{request.path_params['number']}"
    try:
        answer = await _hand_over(request, who(request).by, [item])
    except NotDone as error:
        return await _show(request, error)
    return await _show(request, told=Words(**answer["said"]))


@needs(Permission.SEE_DESK)
async def leave(request: Request) -> Response:
    """Have one's own position away; refused in words with a caller held or a return open."""
    await request.form()
    say, position = request.state.speaker, who(request).position
    try:
        if not position:
            raise NotDone(400, say(N_("Choose your position on the operator's desk first.")))
        question = {"ask": "SetAway", "on": True, "by": position, "until": None}
        answer = await ask(request, question)
    except NotDone as error:
        return await _show(request, error)
    return await _show(request, told=Words(**answer["said"]))


async def _hand_over(request: Request, to: str, items: Sequence[str]) -> dict[str, Any]:
    asks = who(request)
    names = {"by": asks.by, "position": asks.position, "to": to}
    return await ask(request, {"ask": "hand_over", **names, "items": list(items)[:MOST]})


async def _all_of_it(request: Request) -> list[str]:
    asks, is_all = who(request), may(request, Permission.MESSAGES)
    found, _, _ = await _reading(request).do(
        lambda c: _read(c, asks, is_all, _today(request), request.app.state.plan)
    )
    return [f"{item.kind}:{item.number}" for item in found.items]


async def _show(
    request: Request, error: NotDone | None = None, told: Words | None = None
) -> Response:
    asks, is_all = who(request), may(request, Permission.MESSAGES)
    today = _today(request)
    found, people, units = await _reading(request).do(
        lambda c: _read(c, asks, is_all, today, request.app.state.plan)
    )
    seen, say = request.app.state.feed.newest, request.state.speaker
    values = {
        "mine": found,
        "names": {user.name: user.shown for user in people},
        "colleagues": [_option(request, user) for user in people if _can_follow(user, asks.by)],
        "units": units,
        "open_calls": left_behind(seen.status, asks.position) if seen.status else (),
        "position": asks.position,
        "has_messages": is_all,
        "state_of": state_of,
        "wrong": str(error) if error else "",
        "told": say.words(told) if told else "",
        "everybody": EVERYBODY,
    }
    status = error.status if error else 200
    return page(request, "handover/handover.html", status, **values, **words_of(request))


def _read(
    connection: sqlite3.Connection, asks: Who, is_all: bool, today: datetime, plan: Plan
) -> tuple[Mine, tuple[User, ...], dict[str, str]]:
    """Read it; for whoever does not deal with messages the requests alone."""
    since = datetime.now(UTC) - timedelta(days=DAYS)
    names = {asks.by, asks.position} - {""}
    found = retention.mine(connection, names, since, today, plan)
    if not is_all:
        found = Mine((), (), found.requests, found.nobodys, ())
    units = {unit.code: unit.name for unit in directory.units(connection)}
    return found, users.everybody(connection), units


def _today(request: Request) -> datetime:
    """Return when today began where the house is."""
    now = datetime.now(request.app.state.zone)
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def _can_follow(user: User, by: str) -> bool:
    is_allowed = Permission.REQUESTS in permissions_of(user.roles)
    return user.can_log_in and user.name != by and is_allowed


def _option(request: Request, user: User) -> tuple[str, str]:
    """Return a colleague's name and how it is shown: with the roles, for not all may do all."""
    say = request.state.speaker
    roles = ", ".join(say.words(ROLES[role]) for role in sorted(user.roles))
    return user.name, f"{user.shown} ({roles})"


def _reading(request: Request) -> Reading:
    reading: Reading = request.app.state.reading
    return reading


routes: list[BaseRoute] = [
    Route("/handover", show),
    Route("/handover", give, methods=["POST"]),
    Route("/handover/leave", leave, methods=["POST"]),
    Route("/handover/take/{number:int}", take, methods=["POST"]),
]
links = (Link("/handover", N_("Handing over"), for_those_who_may(Permission.REQUESTS), order=23),)
