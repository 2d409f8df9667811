"""The technician's pages of the office's phones: all of them, a new one, and what is kept of one.

A password is made by call control and shown by the page that answers, once: it is kept nowhere
here.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from datetime import datetime
from typing import Any, Final

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from appliance.console.accounts import needs, signed_in_user
from appliance.console.control_client import NotDone, ask, form_field
from appliance.console.say import N_
from appliance.console.templates import page
from appliance.policy.text import Words
from appliance.policy.users import Permission

GROUPS: Final = {
    "switchboard": N_("At the switchboard"),
    "citizens_desk": N_("At the citizens' counter"),
    "": N_("In an office: calls are transferred to it"),
}
"""Where a phone rings."""
STEPS: Final = {
    "label": "phone_label",
    "remove": "phone_remove",
    "back": "phone_back",
}
"""What is done with one phone, and the question for it."""
EMPTY: Final = {"name": "", "label": "", "group": "switchboard", "make": "", "mac": ""}
LONGEST: Final = 100
AWAY: Final = 503
START_S: Final = 8.0
"""So long a form waits while call control restarts; it takes a second or two."""
AGAIN_S: Final = 0.5


@needs(Permission.TECHNICAL)
async def show(request: Request) -> Response:
    """List the phones, and offer to add one."""
    return await _list(request)


@needs(Permission.TECHNICAL)
async def live(request: Request) -> Response:
    """Say how the phones stand: a part of the page, and nothing where that is as it was."""
    told, _ = await _told(request)
    seen = _mark(told)
    if request.query_params.get("seen") == seen:
        return Response(status_code=204)
    values: dict[str, Any] = {"told": told, "groups": GROUPS, "at": datetime.fromisoformat}
    return page(request, "plant/phones_live.html", seen=seen, **values)


@needs(Permission.TECHNICAL)
async def add(request: Request) -> Response:
    """Add a phone; its password is shown by this answer alone."""
    filled = _filled(await request.form())
    try:
        account = await _asked(
            request, {"ask": "phone_add", **filled, "by": signed_in_user(request).name}
        )
    except NotDone as error:
        return await _list(request, error, filled=filled)
    return await _list(request, account=account)


@needs(Permission.TECHNICAL)
async def one(request: Request) -> Response:
    """Show one phone with what may be done about it."""
    return await _one(request)


@needs(Permission.TECHNICAL)
async def renew(request: Request) -> Response:
    """Make a new password for a phone, shown by this answer alone."""
    await request.form()
    name, by = str(request.path_params["name"]), signed_in_user(request).name
    try:
        account = await _asked(request, {"ask": "phone_renew", "name": name, "by": by})
    except NotDone as error:
        return await _one(request, error)
    return await _list(request, account=account)


@needs(Permission.TECHNICAL)
async def change(request: Request) -> Response:
    """Relabel a phone, take it out of use, or put it back."""
    form, name = await request.form(), str(request.path_params["name"])
    asked = STEPS.get(str(request.path_params["step"]))
    if asked is None:
        raise HTTPException(404)
    label = form_field(form, "label").strip()[:LONGEST]
    command = {"ask": asked, "name": name, "label": label, "by": signed_in_user(request).name}
    try:
        answer = await _asked(request, command)
    except NotDone as error:
        return await _one(request, error, label)
    return await _list(request, said=request.state.speaker.words(Words(**answer["said"])))


@needs(Permission.TECHNICAL)
async def serve(request: Request) -> Response:
    """Let the phones fetch their configuration for some minutes."""
    return await _serve(request, "phones_serve")


@needs(Permission.TECHNICAL)
async def serve_end(request: Request) -> Response:
    """Let no phone fetch its configuration any more."""
    return await _serve(request, "phones_serve_end")


async def _serve(request: Request, asked: str) -> Response:
    await request.form()
    try:
        answer = await _asked(request, {"ask": asked, "by": signed_in_user(request).name})
    except NotDone as error:
        return await _list(request, error)
    return await _list(request, said=request.state.speaker.words(Words(**answer["said"])))


async def _list(
    request: Request,
    wrong: NotDone | None = None,
    *,
    filled: dict[str, str] | None = None,
    account: dict[str, Any] | None = None,
    said: str = "",
) -> Response:
    told, why = await _told(request)
    filled = filled or {**EMPTY, "name": told["suggested"] if told else ""}
    answer = page(
        request,
        "plant/phones.html",
        wrong.status if wrong else 200,
        told=told,
        seen=_mark(told),
        at=datetime.fromisoformat,
        wrong=str(wrong) if wrong else why,
        filled=filled,
        account=account,
        said=said,
        groups=GROUPS,
        words_of=lambda words: request.state.speaker.words(Words(**words)),
    )
    answer.headers["cache-control"] = "no-store"
    return answer


async def _one(request: Request, wrong: NotDone | None = None, label: str = "") -> Response:
    told, why = await _told(request)
    name = str(request.path_params["name"])
    if told is None:
        return await _list(request, wrong)
    found = next((each for each in told["phones"] if each["name"] == name), None)
    if found is None:
        if wrong is not None:
            return await _list(request, wrong)
        raise HTTPException(404)
    return page(
        request,
        "plant/phone.html",
        wrong.status if wrong else 200,
        phone=found,
        label=label or found["label"],
        wrong=str(wrong) if wrong else why,
        groups=GROUPS,
        at=datetime.fromisoformat,
    )


def _mark(told: dict[str, Any] | None) -> str:
    """Return by what the part is known again: nobody's focus is moved while nothing changes."""
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


async def _asked(request: Request, command: dict[str, Any]) -> dict[str, Any]:
    """Ask call control; one that starts anew just now, with what was entered, is waited for.

    One that was never heard is not: there is nobody who might come back.
    """
    was_heard = request.app.state.feed.newest.status is not None
    end = time.monotonic() + (START_S if was_heard else 0.0)
    while True:
        began = time.monotonic()
        try:
            return await ask(request, command)
        except NotDone as error:
            is_starting = error.status == AWAY and time.monotonic() - began < AGAIN_S
            if not is_starting or time.monotonic() >= end:
                raise
        await asyncio.sleep(AGAIN_S)


async def _told(request: Request) -> tuple[dict[str, Any] | None, str]:
    """Ask call control for its phones; returns them, or None and why there are none to show."""
    try:
        return await ask(request, {"ask": "phones"}), ""
    except NotDone as error:
        return None, str(error)


def _filled(form: FormData) -> dict[str, str]:
    return {key: form_field(form, key).strip()[:LONGEST] for key in EMPTY}


routes: list[BaseRoute] = [
    Route("/plant/phones", show, methods=["GET"]),
    Route("/plant/phones", add, methods=["POST"]),
    Route("/plant/phones/live", live, methods=["GET"]),
    Route("/plant/phones/serve", serve, methods=["POST"]),
    Route("/plant/phones/serve/end", serve_end, methods=["POST"]),
    Route("/plant/phones/{name}", one, methods=["GET"]),
    Route("/plant/phones/{name}/password", renew, methods=["POST"]),
    Route("/plant/phones/{name}/{step}", change, methods=["POST"]),
]
