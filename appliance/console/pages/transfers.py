"""Transfers and returns on the operator's page: offices, and requests taken over instead.

Call control decides (P5); these pages show its answers, and fill forms in from what is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from appliance.api.commands import (
    ListFreeSlots,
    ListOffices,
    StepRequest,
    TakeRequest,
    TransferCaller,
)
from appliance.api.replies import FreeSlots, OfferedNeed
from appliance.calls.events import Caller, Presentation
from appliance.console.accounts import needs, requester
from appliance.console.control_client import (
    ControlUnreachable,
    StoreReader,
    ask_for_script,
    ask_form_for_script,
    control_of,
    refused_json,
)
from appliance.console.live import CallView, operator_view
from appliance.console.templates import page
from appliance.errors import OfficeError, StoreError
from appliance.policy.directory import ReturnRule
from appliance.policy.numbering import NumberingPlan
from appliance.policy.requests import AppointmentForm, RequestStep, state_words
from appliance.policy.transfers import TransferReason
from appliance.policy.users import Permission
from appliance.store import requests
from appliance.store.requests import StoredRequest
from appliance.text import NOTHING, Words

# Reasons of a transfer (P3), in the order of the phones' keys.
REASONS: Final = (TransferReason.TOPIC, TransferReason.DEPTH, TransferReason.OTHER)
FIELDS: Final = ("name", "phone", "email", "subject", "asked", "sheet", "call", "unit", "need")


@dataclass(frozen=True, slots=True)
class RequestForm:
    """Form of a request for an office: return rule, caller, and why the call came back.

    `offer`: when the office can be called again, and what it offers until then (E23).
    """

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
    offer: Words = NOTHING


@needs(Permission.TRANSFER)
async def offices(request: Request) -> Response:
    """Show every office and need, the open ones first; `unit` of the address comes before all."""
    wanted = request.query_params.get("unit", "")
    try:
        answer = await control_of(request).send(ListOffices())
    except (ControlUnreachable, OfficeError):
        return page(request, "operator/away.html")
    # A stable sort: the others keep call control's order.
    found = sorted(answer.offices, key=lambda one: one.unit != wanted)
    return page(
        request,
        "operator/offices.html",
        # The page names the next time window of the others, and offers their rule at once (P5).
        open_now=[one for one in found if one.open],
        later=[one for one in found if not one.open],
        reasons=REASONS,
        now=datetime.now(request.app.state.zone),
    )


@needs(Permission.TRANSFER)
async def transfer(request: Request) -> Response:
    """Transfer this position's caller to an office."""
    form, _, asks = await request.form(), request.state.speaker, requester(request)
    if not asks.position:
        return refused_json(_("Choose the position first."), 400)
    # Meanwhile the position may be in another call, whose caller nobody means to transfer.
    if (of := str(form.get("of", ""))) and not _is_own_call(request, of):
        said = _("The call for which the office was chosen is over: nobody was transferred.")
        return JSONResponse({"done": False, "said": said, "undo": None, "stays": True}, 409)
    fields = {
        "call": asks.position,
        "unit": str(form.get("unit", "")),
        "need": str(form.get("need", "")),
        "reason": str(form.get("reason", "")),
        "attended": form.get("blind") != "1",
        "anyway": form.get("anyway") == "1",
        "by": asks.by,
    }
    return await ask_form_for_script(request, TransferCaller, fields)


@needs(Permission.REQUESTS)
async def returned(request: Request) -> Response:
    """Show the form of an office's return rule, filled in with what is known."""
    query = request.query_params
    try:
        taking = await _request_form(request, query.get("call", ""), query.get("unit", ""),
                               query.get("need", ""), query.get("rule", ""))  # fmt: skip
    except (ControlUnreachable, OfficeError):
        return page(request, "operator/away.html")
    # An empty part of the page: there is nothing to take over.
    if taking is None:
        return Response(media_type="text/html")
    shown = "operator/return.html"
    return page(request, shown, taking=taking, forms=tuple(AppointmentForm), state_of=state_words)


@needs(Permission.REQUESTS)
async def take_request(request: Request) -> Response:
    """Take a request over for an office; a citizen's open requests are shown first (E9)."""
    form, _ = await request.form(), request.state.speaker
    given = {name: str(form.get(name, "")).strip() for name in FIELDS}
    rule = str(form.get("rule", ""))
    # A request needs a name and at least one contact (E15).
    if not given["name"] or not (given["phone"] or given["email"]) or not given["subject"]:
        return refused_json(_("Name, a number or an e-mail, and the subject are needed."), 400)
    if form.get("anyway") != "1" and (
        found := await open_requests(request, given["phone"], given["name"])
    ):
        # The citizen's open requests are offered first (E9); saving again makes a new one.
        listed = "; ".join(f"{one.request.number} ({one.request.subject})" for one in found)
        said = _("Open already: {requests}. Save again to make a new one.", requests=listed)
        return JSONResponse({"done": False, "said": said, "undo": None, "again": True}, 409)
    fields = {
        **given,
        "rule": rule,
        # The operator's form has three fields; the preferred contact follows from them.
        "prefers": "phone" if given["phone"] else "email",
        "language": request.state.speaker.language,
        "by": requester(request).by,
        "anyway": True,
    }
    if rule == ReturnRule.APPOINTMENT:
        starts = parse_start(str(form.get("starts", "")), request.app.state.zone)
        if starts is None:
            return refused_json(_("When? Choose a day and a time."), 400)
        fields |= {"starts": starts, "form": str(form.get("form", ""))}
    return await ask_form_for_script(request, TakeRequest, fields)


@needs(Permission.REQUESTS)
async def remind(request: Request) -> Response:
    """Add a citizen's words to an open request, instead of making a second one (E9)."""
    form, _ = await request.form(), request.state.speaker
    number, words = str(form.get("number", "")), str(form.get("words", "")).strip()
    if not number.isascii() or not number.isdecimal() or not words:
        return refused_json(_("What does the citizen say? The words go to the office."), 400)
    # The reminder joins the same e-mail thread to the office (E9).
    command = StepRequest(
        step=RequestStep.REMIND, number=int(number), words=words, by=requester(request).by
    )
    return await ask_for_script(request, command)


async def _request_form(
    request: Request, call: str, unit: str, need: str, rule: str
) -> RequestForm | None:
    """Collect what is known for a form; None without a returned call and without an office."""
    view = _call_view(request, call)
    back = view.back if view else None
    offer = NOTHING
    # The returned call's office, unless the operator has chosen another one.
    if back is not None and unit in ("", back.unit):
        found = (back.unit, back.office, back.need, back.rules, back.why, back.say)
    # Its rule can be used at once, without a transfer being tried (P5).
    elif (row := await _offer_of(request, unit, need)) is not None:
        found = (row.unit, row.name, row.need, row.rules, NOTHING, row.say)
        offer = row.words
    else:
        return None
    unit, office, need, rules, why, to_say = found
    # The office's own rules alone; the first by default.
    chosen = rule if rule in rules else rules[0]
    slots = FreeSlots((), offers=False)
    if chosen == ReturnRule.APPOINTMENT:
        slots = await control_of(request).send(ListFreeSlots(unit=unit))
    # A withheld number is not filled in.
    caller = view.caller if view and view.caller.presentation is Presentation.SHOWN else Caller()
    return RequestForm(
        unit, office, need, chosen, rules, why, to_say, call, caller.number, caller.name,
        slots.slots, slots.offers,
        await open_requests(request, caller.number, ""),
        offer,
    )  # fmt: skip


async def _offer_of(request: Request, unit: str, need: str) -> OfferedNeed | None:
    """Return the present state of an office and need; None for no such need."""
    answer = await control_of(request).send(ListOffices())
    return next((row for row in answer.offices if (row.unit, row.need) == (unit, need)), None)


def _is_own_call(request: Request, call: str) -> bool:
    """Tell whether this position is on a call now."""
    status = request.app.state.feed.newest.status
    # Without a status, call control itself refuses what is wrong.
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
    """Return a citizen's open requests (E9); none if they cannot be read."""
    reading: StoreReader = request.app.state.store
    plan: NumberingPlan = request.app.state.plan
    try:
        return await reading.read(lambda c: requests.find_open(c, phone, name, plan))
    except StoreError:
        return ()


def parse_start(text: str, zone: Any) -> datetime | None:
    """Parse a date and time; without an offset it is in the office's zone. None if invalid."""
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
