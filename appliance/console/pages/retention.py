"""Conservazione: how long what is kept, what goes soon, what waits; one caller's data (P9, E20)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from appliance.console.accounts.rights import for_those_who_may, needs, somebody
from appliance.console.asking import NotDone, ask
from appliance.console.links import Link
from appliance.console.say import N_
from appliance.console.templates import page
from appliance.policy.text import NOTHING, Words
from appliance.policy.users import Permission

KINDS: Final = {
    "number": N_("All that is kept of a number"),
    "call": N_("One call, with its message"),
    "message": N_("One message, with its call"),
    "request": N_("One request"),
}
"""What may be erased; the name of the field is the question's."""
LONGEST: Final = 300
LIMIT_S: Final = 60.0
"""A slow card may need long to overwrite what is erased."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a form names: a kind and its name, why it goes, whether requests are closed with it."""

    kind: str = "number"
    name: str = ""
    reason: str = ""
    closes: bool = False


NOBODY: Final = Chosen()


@needs(Permission.ERASE)
async def show(request: Request) -> Response:
    """Show the rules, what goes within 30 days, what waits, what went."""
    return await _shown(request, NOBODY)


async def _shown(request: Request, chosen: Chosen, wrong: NotDone | None = None) -> Response:
    try:
        told = await ask(request, {"ask": "retention", "by": somebody(request).name})
    except NotDone as error:
        return page(request, "hours/away.html", error.status, wrong=str(error))
    values: dict[str, Any] = {"chosen": chosen, "kinds": KINDS, "wrong": str(wrong or "")}
    status = wrong.status if wrong else 200
    return page(request, "retention/retention.html", status, **values, **_told(told))


@needs(Permission.ERASE)
async def erase(request: Request) -> Response:
    """Say what would go, then erase it: whichever button was pressed."""
    sent = await request.form()
    chosen, is_doing = _chosen(sent), sent.get("do") == "erase"
    question = {
        "ask": "erase",
        "by": somebody(request).name,
        chosen.kind: chosen.name,
        "reason": chosen.reason,
        "close_requests": chosen.closes,
        "preview": not is_doing,
    }
    try:
        told = await ask(request, question, LIMIT_S)
    except NotDone as error:
        return await _refused(request, chosen, question, error, is_doing=is_doing)
    return _answer(request, chosen, told, is_done=is_doing)


async def _refused(
    request: Request, chosen: Chosen, question: dict[str, Any], error: NotDone, *, is_doing: bool
) -> Response:
    """Show the form again, or the preview where it was to be done."""
    if not is_doing:
        return await _shown(request, chosen, error)
    try:
        told = await ask(request, question | {"preview": True})
    except NotDone:
        return await _shown(request, chosen, error)
    return _answer(request, chosen, told, error)


def _answer(
    request: Request,
    chosen: Chosen,
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
    chosen = _chosen(await request.form())
    question = {"ask": "kept_of", "by": somebody(request).name, "number": chosen.name}
    try:
        told = await ask(request, question)
    except NotDone as error:
        return await _shown(request, chosen, error)
    text = json.dumps(told["kept"], ensure_ascii=False, indent=2)
    name = f"{datetime.now(request.app.state.zone):%Y-%m-%d}-centralino.json"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type="application/json", headers=headers)


def _chosen(sent: FormData) -> Chosen:
    kind, name = _text(sent, "kind"), _text(sent, "name")
    kind = kind if kind in KINDS else "number"
    return Chosen(kind, name, _text(sent, "reason"), sent.get("closes") == "1")


def _told(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return an answer's words and moments as values."""
    soon, waiting = dict(told["soon"]), dict(told["waiting"])
    soon["until"] = datetime.fromisoformat(soon["until"])
    soon["messages"] = [_timed(each) for each in soon["messages"]]
    waiting |= {key: _moment(waiting[key]) for key in ("oldest_message", "oldest_request")}
    return {
        "kept": [{**each, "what": Words(**each["what"])} for each in told["kept"]],
        "soon": soon,
        "waiting": waiting,
        "ran": _moment(told["ran"]),
        "deleted": [_timed(each) for each in told["deleted"]],
    }


def _timed(each: Mapping[str, Any]) -> dict[str, Any]:
    what = Words(**each["what"]) if "what" in each else NOTHING
    return {**each, "at": datetime.fromisoformat(each["at"]), "what": what}


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _text(sent: FormData, name: str) -> str:
    value = sent.get(name, "")
    return value.strip()[:LONGEST] if isinstance(value, str) else ""


routes: list[BaseRoute] = [
    Route("/retention", show),
    Route("/retention/erase", erase, methods=["POST"]),
    Route("/retention/export", export, methods=["POST"]),
]
links = (Link("/retention", N_("What is kept"), for_those_who_may(Permission.ERASE), order=65),)
