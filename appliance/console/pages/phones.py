"""Phones: the technician's list, adding a phone, changing or removing one.

Call control makes a phone's password; the answer to the form shows it once, and the console keeps
it nowhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from appliance.api.commands import UserCommand
from appliance.api.replies import NewPhoneAccount, PhonesReply, Said
from appliance.api.technician_commands import (
    AddPhone,
    EndServing,
    LabelPhone,
    ListPhones,
    PhoneChange,
    PutPhoneBack,
    RemovePhone,
    RenewPhone,
    RingPhone,
    ServePhones,
)
from appliance.console.accounts import needs, send_patiently
from appliance.console.control_client import NotDone, form_field, refused_json, send
from appliance.console.say import N_
from appliance.console.templates import page
from appliance.policy.users import Permission

GROUPS: Final = {
    "switchboard": N_("At the switchboard"),
    "citizens_desk": N_("At the citizens' counter"),
    "": N_("In an office: calls are transferred to it"),
}
"""Groups in which a phone rings."""
STEPS: Final[dict[str, type[PhoneChange]]] = {
    "label": LabelPhone,
    "remove": RemovePhone,
    "back": PutPhoneBack,
    "ring": RingPhone,
}
"""Steps with one phone, and the command of each."""
EMPTY: Final = {"name": "", "label": "", "group": "switchboard", "make": "", "mac": ""}
LONGEST: Final = 100


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
    return page(request, "system/phones_live.html", seen=seen, **values)


@needs(Permission.TECHNICAL)
async def add(request: Request) -> Response:
    """Add a phone; this answer alone shows its password."""
    filled = filled_phone(await request.form())
    try:
        account = await send_patiently(request, AddPhone(**filled))
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
    name = str(request.path_params["name"])
    try:
        account = await send_patiently(request, RenewPhone(name=name))
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
    command = LabelPhone(name=name, label=label) if asked is LabelPhone else asked(name=name)
    try:
        reply = await send_patiently(request, command)
    except NotDone as error:
        return await _one(request, error, label)
    return await _list(request, said=request.state.speaker.words(reply.said))


@needs(Permission.TECHNICAL)
async def serve(request: Request) -> Response:
    """Open the window in which phones fetch their configuration, for some minutes."""
    return await _serve(request, ServePhones())


@needs(Permission.TECHNICAL)
async def serve_end(request: Request) -> Response:
    """Close the window in which phones fetch their configuration."""
    return await _serve(request, EndServing())


@needs(Permission.TECHNICAL)
async def serve_now(request: Request) -> Response:
    """Open the window, for a script: the page with a new phone's password stays."""
    await request.form()
    try:
        reply = await send_patiently(request, ServePhones())
    except NotDone as error:
        return refused_json(str(error), error.status)
    said = request.state.speaker.words(reply.said)
    return JSONResponse({"done": True, "said": said, "undo": None})


async def _serve(request: Request, command: UserCommand[Said]) -> Response:
    await request.form()
    try:
        reply = await send_patiently(request, command)
    except NotDone as error:
        return await _list(request, error)
    return await _list(request, said=request.state.speaker.words(reply.said))


async def _list(
    request: Request,
    wrong: NotDone | None = None,
    *,
    filled: dict[str, str] | None = None,
    account: NewPhoneAccount | None = None,
    said: str = "",
) -> Response:
    told, why = await _told(request)
    answer = page(
        request,
        "system/phones.html",
        wrong.status if wrong else 200,
        seen=_mark(told),
        wrong=str(wrong) if wrong else why,
        groups=GROUPS,
        account=account,
        said=said,
        **new_phone_values(told, filled, "/plant/phones"),
    )
    # It may show a password.
    answer.headers["cache-control"] = "no-store"
    return answer


async def _one(request: Request, wrong: NotDone | None = None, label: str = "") -> Response:
    told, why = await _told(request)
    name = str(request.path_params["name"])
    if told is None:
        return await _list(request, wrong)
    found = next((each for each in told.phones if each.name == name), None)
    if found is None:
        # The phone is gone meanwhile: the list shows the refusal.
        if wrong is not None:
            return await _list(request, wrong)
        raise HTTPException(404)
    return page(
        request,
        "system/phone.html",
        wrong.status if wrong else 200,
        phone=found,
        # A label that was refused stays in its field.
        label=label or found.label,
        wrong=str(wrong) if wrong else why,
        groups=GROUPS,
        at=datetime.fromisoformat,
    )


def _mark(told: PhonesReply | None) -> str:
    """Return a hash of the state, by which the page polls for changes alone."""
    # A part that is replaced loses the keyboard's focus: only where something has changed.
    return hashlib.sha256(repr(told).encode()).hexdigest()[:16]


async def _told(request: Request) -> tuple[PhonesReply | None, str]:
    """Ask call control for its phones; returns None and the reason without a reply."""
    try:
        return await send(request, ListPhones()), ""
    except NotDone as error:
        return None, str(error)


def new_phone_values(
    told: PhonesReply | None, filled: Mapping[str, str] | None, add_at: str
) -> dict[str, Any]:
    """Return the values of the form for a new phone, which is sent to `add_at`."""
    # After a mistake the form is as it was.
    filled = filled or {**EMPTY, "name": told.suggested if told else ""}
    return {
        "told": told,
        "filled": filled,
        "rings": GROUPS,
        "add_at": add_at,
        "at": datetime.fromisoformat,
    }


def filled_phone(form: FormData) -> dict[str, str]:
    """Return what the form for a new phone holds."""
    return {key: form_field(form, key).strip()[:LONGEST] for key in EMPTY}


routes: list[BaseRoute] = [
    Route("/plant/phones", show, methods=["GET"]),
    Route("/plant/phones", add, methods=["POST"]),
    Route("/plant/phones/live", live, methods=["GET"]),
    Route("/plant/phones/serve", serve, methods=["POST"]),
    Route("/plant/phones/serve/now", serve_now, methods=["POST"]),
    Route("/plant/phones/serve/end", serve_end, methods=["POST"]),
    Route("/plant/phones/{name}", one, methods=["GET"]),
    Route("/plant/phones/{name}/password", renew, methods=["POST"]),
    Route("/plant/phones/{name}/{step}", change, methods=["POST"]),
]
