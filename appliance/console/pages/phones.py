"""Phones: the technician's list, adding a phone, changing or removing one.

Call control makes a phone's password; the answer to the form shows it once, and the console keeps
it nowhere.
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
"""Groups in which a phone rings."""
STEPS: Final = {
    "label": "phone_label",
    "remove": "phone_remove",
    "back": "phone_back",
}
"""Steps with one phone, and the command of each."""
EMPTY: Final = {"name": "", "label": "", "group": "switchboard", "make": "", "mac": ""}
LONGEST: Final = 100
AWAY: Final = 503
"""Status of NotDone while call control is unreachable."""
# A change of phones restarts call control, which takes a second or two.
START_S: Final = 8.0
"""Seconds for which a form waits for call control to start."""
AGAIN_S: Final = 0.5
"""Seconds between two attempts."""


@needs(Permission.TECHNICAL)
async def show(request: Request) -> Response:
    """List the phones, with the form for a new one."""
    return await _list(request)


@needs(Permission.TECHNICAL)
async def live(request: Request) -> Response:
    """Show the state of the phones: a part of the page; 204 where it is unchanged."""
    told, _ = await _told(request)
    seen = _mark(told)
    # Unchanged: nothing is replaced under the reader's eyes and keys.
    if request.query_params.get("seen") == seen:
        return Response(status_code=204)
    values: dict[str, Any] = {"told": told, "groups": GROUPS, "at": datetime.fromisoformat}
    return page(request, "plant/phones_live.html", seen=seen, **values)


@needs(Permission.TECHNICAL)
async def add(request: Request) -> Response:
    """Add a phone; this answer alone shows its password."""
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
    """Show one phone, with its forms."""
    return await _one(request)


@needs(Permission.TECHNICAL)
async def renew(request: Request) -> Response:
    """Make a new password for a phone; this answer alone shows it."""
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
    """Open the window in which phones fetch their configuration, for some minutes."""
    return await _serve(request, "phones_serve")


@needs(Permission.TECHNICAL)
async def serve_end(request: Request) -> Response:
    """Close the window in which phones fetch their configuration."""
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
    # After a mistake the form is as it was.
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
    # It may show a password.
    answer.headers["cache-control"] = "no-store"
    return answer


async def _one(request: Request, wrong: NotDone | None = None, label: str = "") -> Response:
    told, why = await _told(request)
    name = str(request.path_params["name"])
    if told is None:
        return await _list(request, wrong)
    found = next((each for each in told["phones"] if each["name"] == name), None)
    if found is None:
        # The phone is gone meanwhile: the list shows the refusal.
        if wrong is not None:
            return await _list(request, wrong)
        raise HTTPException(404)
    return page(
        request,
        "plant/phone.html",
        wrong.status if wrong else 200,
        phone=found,
        # A label that was refused stays in its field.
        label=label or found["label"],
        wrong=str(wrong) if wrong else why,
        groups=GROUPS,
        at=datetime.fromisoformat,
    )


def _mark(told: dict[str, Any] | None) -> str:
    """Return a hash of the state, by which the page polls for changes alone."""
    # A part that is replaced loses the keyboard's focus: only where something has changed.
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


async def _asked(request: Request, command: dict[str, Any]) -> dict[str, Any]:
    """Send a command, waiting up to START_S for call control to start; raises NotDone."""
    # Only where it was heard before: otherwise none is running that could come back.
    was_heard = request.app.state.feed.newest.status is not None
    end = time.monotonic() + (START_S if was_heard else 0.0)
    while True:
        began = time.monotonic()
        try:
            return await ask(request, command)
        except NotDone as error:
            # Refused at once: its socket is not open. After a longer wait the command may have
            # been carried out, and is not sent again.
            is_starting = error.status == AWAY and time.monotonic() - began < AGAIN_S
            if not is_starting or time.monotonic() >= end:
                raise
        await asyncio.sleep(AGAIN_S)


async def _told(request: Request) -> tuple[dict[str, Any] | None, str]:
    """Ask call control for its phones; returns None and the reason without a reply."""
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
