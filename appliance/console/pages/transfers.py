"""Transfer and return on the operator's page: what declarations allow, and what is done instead.

Call control decides (P5); here its answers are shown, and forms filled in as far as they can be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from appliance.calls.events import Caller, Presentation
from appliance.console.accounts import needs, requester
from appliance.console.control_client import (
    ControlUnreachable,
    StoreReader,
    ask_for_script,
    refused_json,
)
from appliance.console.live import CallView, operator_view
from appliance.console.templates import page
from appliance.errors import OfficeError, StoreError
from appliance.policy.directory import ReturnRule
from appliance.policy.numbering import NumberingPlan
from appliance.policy.requests import AppointmentForm, state_words
from appliance.policy.text import NOTHING, Words
from appliance.policy.transfers import TransferReason
from appliance.policy.users import Permission
from appliance.store import requests
from appliance.store.requests import StoredRequest

REASONS: Final = (TransferReason.TOPIC, TransferReason.DEPTH, TransferReason.OTHER)
"""Why a call goes on (P3), in the order of the keys of the phones."""
FIELDS: Final = ("name", "phone", "email", "subject", "asked", "sheet", "call", "unit", "need")


@dataclass(frozen=True, slots=True)
class TransferOffer:
    """One office and need as the page shows it; times are call control's."""

    unit: str
    name: str
    need: str
    need_name: str
    say: str
    open: bool
    unanswered: bool
    rules: tuple[str, ...]
    words: Words
    until: datetime | None


@dataclass(frozen=True, slots=True)
class RequestForm:
    """What is to be taken over for an office: by which rule, from whom, why the call is back."""

    unit: str
    office: str
    need: str
    rule: str
    rules: tuple[str, ...]
    why: Words
    say: str
    call: str
    phone: str
    name: str
    slots: tuple[datetime, ...]
    offers_slots: bool
    open_ones: tuple[StoredRequest, ...]


def read_offer(one: Mapping[str, Any]) -> TransferOffer:
    """Read one row of call control's answer."""
    until = datetime.fromisoformat(one["until"]) if one["until"] else None
    return TransferOffer(
        one["unit"], one["name"], one["need"], one["need_name"], one["say"], one["open"],
        one["unanswered"], tuple(one["rules"]), Words(**one["words"]), until,
    )  # fmt: skip


@needs(Permission.TRANSFER)
async def offices(request: Request) -> Response:
    """Show every office and need, the open ones first; `unit` is the one that is looked for."""
    wanted = request.query_params.get("unit", "")
    try:
        answer = await request.app.state.control.ask({"ask": "offices"})
    except (ControlUnreachable, OfficeError):
        return page(request, "operator/away.html")
    found = sorted(map(read_offer, answer["offices"]), key=lambda one: one.unit != wanted)
    return page(
        request,
        "operator/offices.html",
        open_now=[one for one in found if one.open],
        later=[one for one in found if not one.open],
        reasons=REASONS,
    )


@needs(Permission.TRANSFER)
async def transfer(request: Request) -> Response:
    """Have the caller of this position go on to an office."""
    form, _, asks = await request.form(), request.state.speaker, requester(request)
    if not asks.position:
        return refused_json(_("Choose the position first."), 400)
    if (of := str(form.get("of", ""))) and not _is_own_call(request, of):
        said = _("The call for which the office was chosen is over: nobody was transferred.")
        return JSONResponse({"done": False, "said": said, "undo": None, "stays": True}, 409)
    command = {
        "ask": "TransferCall",
        "call": asks.position,
        "unit": str(form.get("unit", "")),
        "need": str(form.get("need", "")),
        "reason": str(form.get("reason", "")),
        "attended": form.get("blind") != "1",
        "anyway": form.get("anyway") == "1",
        "by": asks.by,
    }
    return await ask_for_script(request, command)


@needs(Permission.REQUESTS)
async def returned(request: Request) -> Response:
    """Show the form of an office's rule, filled in as far as it is known."""
    query = request.query_params
    try:
        taking = await _request_form(request, query.get("call", ""), query.get("unit", ""),
                               query.get("need", ""), query.get("rule", ""))  # fmt: skip
    except (ControlUnreachable, OfficeError):
        return page(request, "operator/away.html")
    if taking is None:
        return Response(media_type="text/html")
    shown = "operator/return.html"
    return page(request, shown, taking=taking, forms=tuple(AppointmentForm), state_of=state_words)


@needs(Permission.REQUESTS)
async def take_request(request: Request) -> Response:
    """Take a request over for an office; a citizen's open ones are told of first (E9)."""
    form, _ = await request.form(), request.state.speaker
    given = {name: str(form.get(name, "")).strip() for name in FIELDS}
    rule = str(form.get("rule", ""))
    if not given["name"] or not (given["phone"] or given["email"]) or not given["subject"]:
        return refused_json(_("Name, a number or an e-mail, and the subject are needed."), 400)
    if form.get("anyway") != "1" and (
        found := await open_requests(request, given["phone"], given["name"])
    ):
        listed = "; ".join(f"{one.request.number} ({one.request.subject})" for one in found)
        said = _("Open already: %(requests)s. Save again to make a new one.", requests=listed)
        return JSONResponse({"done": False, "said": said, "undo": None, "again": True}, 409)
    command = {
        "ask": "new_request",
        **given,
        "rule": rule,
        "prefers": "phone" if given["phone"] else "email",
        "language": request.state.speaker.language,
        "by": requester(request).by,
        "anyway": True,
    }
    if rule == ReturnRule.APPOINTMENT:
        starts = parse_start(str(form.get("starts", "")), request.app.state.zone)
        if starts is None:
            return refused_json(_("When? Choose a day and a time."), 400)
        command |= {"starts": starts.isoformat(), "form": str(form.get("form", ""))}
    return await ask_for_script(request, command)


@needs(Permission.REQUESTS)
async def remind(request: Request) -> Response:
    """Add a citizen's words to a request that is open, instead of a second one (E9)."""
    form, _ = await request.form(), request.state.speaker
    number, words = str(form.get("number", "")), str(form.get("words", "")).strip()
    if not number.isascii() or not number.isdecimal() or not words:
        return refused_json(_("What does the citizen say? The words go to the office."), 400)
    command = {"ask": "request_step", "step": "remind", "number": int(number), "words": words}
    return await ask_for_script(request, command | {"by": requester(request).by})


async def _request_form(
    request: Request, call: str, unit: str, need: str, rule: str
) -> RequestForm | None:
    """Gather what is known; None where that call came back from no office and none is named."""
    view = _call_view(request, call)
    back = view.back if view else None
    if back is not None and unit in ("", back.unit):
        found = (back.unit, back.office, back.need, back.rules, back.why, back.say)
    elif (row := await _offer_of(request, unit, need)) is not None:
        found = (row.unit, row.name, row.need, row.rules, NOTHING, row.say)
    else:
        return None
    unit, office, need, rules, why, to_say = found
    chosen = rule if rule in rules else rules[0]
    slots: dict[str, Any] = {"slots": [], "offers": False}
    if chosen == ReturnRule.APPOINTMENT:
        slots = await request.app.state.control.ask({"ask": "free_slots", "unit": unit})
    caller = view.caller if view and view.caller.presentation is Presentation.SHOWN else Caller()
    return RequestForm(
        unit, office, need, chosen, rules, why, to_say, call, caller.number, caller.name,
        tuple(datetime.fromisoformat(slot) for slot in slots["slots"]), slots["offers"],
        await open_requests(request, caller.number, ""),
    )  # fmt: skip


async def _offer_of(request: Request, unit: str, need: str) -> TransferOffer | None:
    """Return what call control says of one office and need now."""
    answer = await request.app.state.control.ask({"ask": "offices"})
    rows = [read_offer(one) for one in answer["offices"]]
    return next((row for row in rows if (row.unit, row.need) == (unit, need)), None)


def _is_own_call(request: Request, call: str) -> bool:
    """Tell whether this position is on a call now; true while call control cannot be reached."""
    status = request.app.state.feed.newest.status
    if status is None:
        return True
    mine = operator_view(status, requester(request).position).mine
    return mine is not None and mine.call == call


def _call_view(request: Request, call: str) -> CallView | None:
    status = request.app.state.feed.newest.status
    if status is None:
        return None
    return next(
        (c for c in operator_view(status, requester(request).position).calls if c.call == call),
        None,
    )


async def open_requests(request: Request, phone: str, name: str) -> tuple[StoredRequest, ...]:
    """Return what is open of the same citizen (E9); nothing where that cannot be read."""
    reading: StoreReader = request.app.state.store
    plan: NumberingPlan = request.app.state.plan
    try:
        return await reading.read(lambda c: requests.find_open(c, phone, name, plan))
    except StoreError:
        return ()


def parse_start(text: str, zone: Any) -> datetime | None:
    """Read a moment; one without an offset is the office's own time."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=zone)


routes: list[BaseRoute] = [
    Route("/desk/offices", offices),
    Route("/desk/transfer", transfer, methods=["POST"]),
    Route("/desk/return", returned),
    Route("/desk/request", take_request, methods=["POST"]),
    Route("/desk/remind", remind, methods=["POST"]),
]
