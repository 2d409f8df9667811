"""The time: how far the box trusts its clock; that it is right, said by a person; to set it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from appliance.console.accounts import NotAllowed, may, somebody
from appliance.console.desk_client import NotDone, ask
from appliance.console.pages.users import field
from appliance.console.say import N_
from appliance.console.templates import Link, page
from appliance.policy.text import Words
from appliance.policy.users import Permission, refusal

SHOWN = "%Y-%m-%dT%H:%M"
"""What an input for date and time takes (HTML, 4.10.5.1.11)."""


def is_for(request: Request) -> bool:
    """Tell whether whoever asks may say what time it is: the front desk, or a technician."""
    return may(request, Permission.SET_STATES) or may(request, Permission.TECHNICAL)


async def show(request: Request) -> Response:
    """Show the time, and what may be done about it."""
    _check(request)
    return await _show(request)


async def confirm(request: Request) -> Response:
    """Say that the time is right."""
    _check(request)
    return await _change(request, {"ask": "clock_confirm"})


async def change(request: Request) -> Response:
    """Have the clock set."""
    _check(request)
    at = field(await request.form(), "at").strip()[:32]
    return await _change(request, {"ask": "clock_set", "at": at}, at)


def _check(request: Request) -> None:
    somebody(request)
    if not is_for(request):
        raise NotAllowed(request.state.speaker.words(refusal(Permission.SET_STATES)))


async def _change(request: Request, question: dict[str, str], typed: str = "") -> Response:
    try:
        answer = await ask(request, {**question, "by": somebody(request).name})
    except NotDone as error:
        return await _show(request, error, typed)
    return await _show(request, said=request.state.speaker.words(Words(**answer["said"])))


async def _show(
    request: Request, wrong: NotDone | None = None, typed: str = "", said: str = ""
) -> Response:
    """Show the page; where the desk is away it says so."""
    told: dict[str, Any] | None = None
    try:
        told = await ask(request, {"ask": "clock"})
    except NotDone as error:
        wrong = wrong or error
    now = datetime.fromisoformat(told["at"]) if told else datetime.now(request.app.state.zone)
    values = {
        "told": told,
        "now": now,
        "typed": typed or now.astimezone(request.app.state.zone).strftime(SHOWN),
        "words_of": lambda words: request.state.speaker.words(Words(**words)),
        "hours": None if told is None or told["by_itself_s"] is None else _hours(told),
        "wrong": str(wrong) if wrong else "",
        "said": said,
    }
    return page(request, "clock/clock.html", wrong.status if wrong else 200, **values)


def _hours(told: dict[str, Any]) -> int:
    return int(told["by_itself_s"] // 3600)


routes: list[BaseRoute] = [
    Route("/clock", show, methods=["GET"]),
    Route("/clock/confirm", confirm, methods=["POST"]),
    Route("/clock/set", change, methods=["POST"]),
]
links = (Link("/clock", N_("Time"), is_for, order=82),)
