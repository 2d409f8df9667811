"""The technician's page of the carrier's divert-on-busy: what is proven, and a proof by a call."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from appliance.console.accounts.rights import needs, somebody
from appliance.console.asking import NotDone, ask
from appliance.console.pages.accounts import field
from appliance.console.templates import page
from appliance.policy.text import Words
from appliance.policy.users import Permission

EMPTY = {"number": "", "outcome": "diverted", "where": "", "who": ""}


@needs(Permission.TECHNICAL)
async def show(request: Request) -> Response:
    """Show what is proven, which lines are free, and the form for a call's result."""
    return await _show(request)


@needs(Permission.TECHNICAL)
async def live(request: Request) -> Response:
    """Say which lines are free: a part of the page, and nothing where that is as it was."""
    told, _ = await _told(request)
    if told is not None and request.query_params.get("seen") == _mark(told):
        return Response(status_code=204)
    return page(request, "plant/divert_live.html", **_values(told))


@needs(Permission.TECHNICAL)
async def prove(request: Request) -> Response:
    """Keep what a call has shown, or the head's word."""
    form, user = await request.form(), somebody(request)
    filled = {key: field(form, key).strip() for key in EMPTY}
    asked = field(form, "asked")
    question = {"ask": "divert_prove", **filled, "asked": asked, "by": user.name}
    if filled["outcome"] != "no_divert":
        question["who"] = user.shown
    try:
        answer = await ask(request, question)
    except NotDone as error:
        return await _show(request, error, filled)
    return await _show(request, said=request.state.speaker.words(Words(**answer["said"])))


async def _show(
    request: Request,
    wrong: NotDone | None = None,
    filled: dict[str, str] | None = None,
    said: str = "",
) -> Response:
    told, why = await _told(request)
    return page(
        request,
        "plant/divert.html",
        wrong.status if wrong else 200,
        wrong=str(wrong) if wrong else why,
        said=said,
        filled=filled or EMPTY,
        words_of=lambda words: request.state.speaker.words(Words(**words)),
        printed_at=datetime.now(request.app.state.zone),
        **_values(told),
    )


def _values(told: dict[str, Any] | None) -> dict[str, Any]:
    return {"told": told, "seen": _mark(told), "at": datetime.fromisoformat}


def _mark(told: dict[str, Any] | None) -> str:
    """Return by what the part is known again: who sees it is told of changes alone."""
    shown = (told["free"], told["seized_at"]) if told else None
    return hashlib.sha256(json.dumps(shown).encode()).hexdigest()[:16]


async def _told(request: Request) -> tuple[dict[str, Any] | None, str]:
    try:
        return await ask(request, {"ask": "divert"}), ""
    except NotDone as error:
        return None, str(error)


routes: list[BaseRoute] = [
    Route("/plant/divert", show, methods=["GET"]),
    Route("/plant/divert", prove, methods=["POST"]),
    Route("/plant/divert/live", live, methods=["GET"]),
]
