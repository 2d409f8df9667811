"""Transfer and return on the operator's desk: what declarations allow, and what is done instead.

The desk decides (P5); here its answers are shown, and forms filled in as far as they can be.
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
from appliance.console.accounts import needs
from appliance.console.desk_client import DeskAway, Reading, done, not_done_response
from appliance.console.house import CallView, live
from appliance.console.shared import who
from appliance.console.templates import page
from appliance.errors import OfficeError, StoreError
from appliance.policy.directory import ReturnRule
from appliance.policy.numbering import Plan
from appliance.policy.requests import Form, state_of
from appliance.policy.text import NOTHING, Words
from appliance.policy.transfers import Reason
from appliance.policy.users import Permission
from appliance.store import requests
from appliance.store.requests import StoredRequest

REASONS: Final = (Reason.TOPIC, Reason.DEPTH, Reason.OTHER)
"""Why a call goes on (P3), in the order of the keys of the phones."""
FIELDS: Final = ("name", "phone", "email", "subject", "asked", "sheet", "call", "unit", "need")


@dataclass(frozen=True, slots=True)
class Offer:
    """One office and need as the page shows it; times are the desk's."""

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
class Taking:
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


def offer(one: Mapping[str, Any]) -> Offer:
    """Read one row of the desk's answer."""
    until = datetime.fromisoformat(one["until"]) if one["until"] else None
    return Offer(
        one["unit"], one["name"], one["need"], one["need_name"], one["say"], one["open"],
        one["unanswered"], tuple(one["rules"]), Words(**one["words"]), until,
    )  # fmt: skip


@needs(Permission.TRANSFER)
async def offices(request: Request) -> Response:
    """Show every office and need, the open ones first; `unit` is the one that is looked for."""
    wanted = request.query_params.get("unit", "")
    try:
        answer = await request.app.state.desk.ask({"ask": "offices"})
    except (DeskAway, OfficeError):
        return page(request, "operator/away.html")
    found = sorted(map(offer, answer["offices"]), key=lambda one: one.unit != wanted)
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
    form, _, asks = await request.form(), request.state.speaker, who(request)
    if not asks.position:
        return not_done_response(_("Choose the position first."), 400)
    if (of := str(form.get("of", ""))) and not _is_mine(request, of):
        said = _("The call for which the office was chosen is over: nobody was transferred.")
        return JSONResponse({"done": False, "said": said, "undo": None, "stays": True}, 409)
    question = {
        "ask": "TransferCall",
        "call": asks.position,
        "unit": str(form.get("unit", "")),
        "need": str(form.get("need", "")),
        "reason": str(form.get("reason", "")),
        "attended": form.get("blind") != "1",
        "anyway": form.get("anyway") == "1",
        "by": asks.by,
    }
    return await done(request, question)


@needs(Permission.REQUESTS)
async def returned(request: Request) -> Response:
    """Show the form of an office's rule, filled in as far as it is known."""
    query = request.query_params
    try:
        taking = await _taking(request, query.get("call", ""), query.get("unit", ""),
                               query.get("need", ""), query.get("rule", ""))  # fmt: skip
    except (DeskAway, OfficeError):
        return page(request, "operator/away.html")
    if taking is None:
        return Response(media_type="text/html")
    shown = "operator/return.html"
    return page(request, shown, taking=taking, forms=tuple(Form), state_of=state_of)


@needs(Permission.REQUESTS)
async def take(request: Request) -> Response:
    """Take a request over for an office; a citizen's open ones are told of first (E9)."""
    form, _ = await request.form(), request.state.speaker
    given = {name: str(form.get(name, "")).strip() for name in FIELDS}
    rule = str(form.get("rule", ""))
    if not given["name"] or not (given["phone"] or given["email"]) or not given["subject"]:
        return not_done_response(_("Name, a number or an e-mail, and the subject are needed."), 400)
    if form.get("anyway") != "1" and (
        found := await open_ones(request, given["phone"], given["name"])
    ):
        listed = "; ".join(f"{one.request.number} ({one.request.subject})" for one in found)
        said = _("Open already: %(requests)s. Save again to make a new one.", requests=listed)
        return JSONResponse({"done": False, "said": said, "undo": None, "again": True}, 409)
    question = {
        "ask": "new_request",
        **given,
        "rule": rule,
        "prefers": "phone" if given["phone"] else "email",
        "language": request.state.speaker.language,
        "by": who(request).by,
        "anyway": True,
    }
    if rule == ReturnRule.APPOINTMENT:
        starts = starts_of(str(form.get("starts", "")), request.app.state.zone)
        if starts is None:
            return not_done_response(_("When? Choose a day and a time."), 400)
        question |= {"starts": starts.isoformat(), "form": str(form.get("form", ""))}
    return await done(request, question)


@needs(Permission.REQUESTS)
async def remind(request: Request) -> Response:
    """Add a citizen's words to a request that is open, instead of a second one (E9)."""
    form, _ = await request.form(), request.state.speaker
    number, words = str(form.get("number", "")), str(form.get("words", "")).strip()
    if not number.isascii() or not number.isdecimal() or not words:
        return not_done_response(_("What does the citizen say? The words go to the office."), 400)
    question = {"ask": "request_step", "step": "remind", "number": int(number), "words": words}
    return await done(request, question | {"by": who(request).by})


async def _taking(request: Request, call: str, unit: str, need: str, rule: str) -> Taking | None:
    """Gather what is known; None where that call came back from no office and none is named."""
    view = _view(request, call)
    back = view.back if view else None
    if back is not None and unit in ("", back.unit):
        found = (back.unit, back.office, back.need, back.rules, back.why, back.say)
    elif (row := await _row(request, unit, need)) is not None:
        found = (row.unit, row.name, row.need, row.rules, NOTHING, row.say)
    else:
        return None
    unit, office, need, rules, why, to_say = found
    chosen = rule if rule in rules else rules[0]
    slots: dict[str, Any] = {"slots": [], "offers": False}
    if chosen == ReturnRule.APPOINTMENT:
        slots = await request.app.state.desk.ask({"ask": "free_slots", "unit": unit})
    caller = view.caller if view and view.caller.presentation is Presentation.SHOWN else Caller()
    return Taking(
        unit, office, need, chosen, rules, why, to_say, call, caller.number, caller.name,
        tuple(datetime.fromisoformat(slot) for slot in slots["slots"]), slots["offers"],
        await open_ones(request, caller.number, ""),
    )  # fmt: skip


async def _row(request: Request, unit: str, need: str) -> Offer | None:
    """Return what the desk says of one office and need now."""
    answer = await request.app.state.desk.ask({"ask": "offices"})
    rows = [offer(one) for one in answer["offices"]]
    return next((row for row in rows if (row.unit, row.need) == (unit, need)), None)


def _is_mine(request: Request, call: str) -> bool:
    """Tell whether this position is on a call now; true while the desk cannot be heard."""
    status = request.app.state.feed.newest.status
    if status is None:
        return True
    mine = live(status, who(request).position).mine
    return mine is not None and mine.call == call


def _view(request: Request, call: str) -> CallView | None:
    status = request.app.state.feed.newest.status
    if status is None:
        return None
    return next((c for c in live(status, who(request).position).calls if c.call == call), None)


async def open_ones(request: Request, phone: str, name: str) -> tuple[StoredRequest, ...]:
    """Return what is open of the same citizen (E9); nothing where that cannot be read."""
    reading: Reading = request.app.state.reading
    plan: Plan = request.app.state.plan
    try:
        return await reading.do(lambda c: requests.find_open(c, phone, name, plan))
    except StoreError:
        return ()


def starts_of(text: str, zone: Any) -> datetime | None:
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
    Route("/desk/request", take, methods=["POST"]),
    Route("/desk/remind", remind, methods=["POST"]),
]
