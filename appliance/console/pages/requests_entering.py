"""A request entered outside a call: somebody stands at the counter, or has rung off (P6, E9, E15).

The form is of the office that is chosen first: its rule and its free hours are the desk's to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from appliance.calls.events import Presentation
from appliance.console.accounts.rights import needs, somebody
from appliance.console.asking import NotDone, ask
from appliance.console.pages.operator_transfer import Offer, offer, open_ones, starts_of
from appliance.console.reading import Reading
from appliance.console.say import LANGUAGES, N_, NAMES
from appliance.console.templates import page
from appliance.policy.directory import ReturnRule
from appliance.policy.requests import Contact, Form, state_of
from appliance.policy.users import Permission
from appliance.store import call_log
from appliance.store.requests import StoredRequest

FIELDS: Final = ("name", "phone", "email", "prefers", "language", "subject", "asked")
"""What is sent on as it was typed."""
OTHERS: Final = ("rule", "starts", "form", "anyway", "call")
LONGEST: Final = 4000
LONGEST_NAME: Final = 64
RULES: Final[Mapping[str, str]] = {
    ReturnRule.APPOINTMENT: N_("Appointment"),
    ReturnRule.EMAIL: N_("E-mail to the office"),
}
FORMS: Final[Mapping[str, str]] = {
    Form.IN_PERSON: N_("in person"),
    Form.OFFICE_CALLS: N_("by telephone, the office calls"),
    Form.CITIZEN_CALLS: N_("by telephone, the citizen calls"),
}
CONTACTS: Final[Mapping[str, str]] = {
    Contact.PHONE: N_("By telephone"),
    Contact.EMAIL: N_("By e-mail"),
}
NO_OFFICE: Final = N_("Choose the office first.")


@dataclass(frozen=True, slots=True)
class Office:
    """The office that is chosen, with its free hours; `offers`: it has some at all."""

    row: Offer
    slots: tuple[datetime, ...] = ()
    offers: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page shows beside the office: what was typed, what is open, why nothing was done."""

    filled: Mapping[str, str]
    open_ones: tuple[StoredRequest, ...] = ()
    error: NotDone | None = None


@needs(Permission.REQUESTS)
async def new(request: Request) -> Response:
    """Show the offices, and the form of the one that is chosen; with who called, for a call."""
    query = request.query_params
    filled = await _caller(request) | {"starts": query.get("starts", "")[:LONGEST_NAME]}
    return await _show(request, query.get("about", ""), Shown(filled))


async def _caller(request: Request) -> dict[str, str]:
    """Fill in who called, where the address names a call; the request is of none all the same."""
    filled = {"language": request.state.speaker.language}
    call = request.query_params.get("call", "")[:LONGEST_NAME]
    reading: Reading = request.app.state.reading
    record = await reading.do(lambda c: call_log.find(c, call)) if call else None
    if record is None or record.caller.presentation is not Presentation.SHOWN:
        return filled
    return filled | {"call": call, "phone": record.caller.number, "name": record.caller.name}


@needs(Permission.REQUESTS)
async def take(request: Request) -> Response:
    """Have the desk take it over; what is open of the same citizen is offered first (E9)."""
    form = await request.form()
    about, filled = str(form.get("about", "")), _filled(form)
    try:
        row = _chosen(await _offers(request), about)
        if row is None:
            raise NotDone(400, request.state.speaker(NO_OFFICE))
        if filled["anyway"] != "1":
            found = await open_ones(request, filled["phone"], filled["name"])
            if found:
                return await _show(request, about, Shown(filled, found))
        answer = await ask(request, _question(request, row, filled))
    except NotDone as error:
        return await _show(request, about, Shown(filled, error=error))
    return RedirectResponse(f"/requests/{answer['number']}?taken=1", 303)


def _filled(form: FormData) -> dict[str, str]:
    return {name: str(form.get(name, "")).strip()[:LONGEST] for name in (*FIELDS, *OTHERS)}


def _question(request: Request, row: Offer, filled: Mapping[str, str]) -> dict[str, Any]:
    """Write what the desk is asked; raises NotDone for an appointment without its time."""
    question: dict[str, Any] = {
        "ask": "counter_request",
        **{name: filled[name] for name in FIELDS},
        "unit": row.unit,
        "need": row.need,
        "rule": filled["rule"],
        "by": somebody(request).name,
        "anyway": True,
    }
    if filled["rule"] != ReturnRule.APPOINTMENT:
        return question
    starts = starts_of(filled["starts"], request.app.state.zone)
    if starts is None:
        raise NotDone(400, request.state.speaker(N_("When? Choose a day and a time.")))
    return question | {"starts": starts.isoformat(), "form": filled["form"]}


async def _offers(request: Request) -> list[Offer]:
    """Ask which offices there are; raises NotDone."""
    answer = await ask(request, {"ask": "offices"})
    return sorted(map(offer, answer["offices"]), key=lambda one: (one.name, one.need_name))


def _chosen(offers: list[Offer], about: str) -> Offer | None:
    return next((one for one in offers if f"{one.unit}|{one.need}" == about), None)


async def _office(request: Request, row: Offer, wanted: str) -> Office:
    """Ask for an office's free hours, where it may give appointments; raises NotDone.

    The hour that is `wanted` stands among them, however far ahead it is.
    """
    if ReturnRule.APPOINTMENT not in row.rules:
        return Office(row)
    answer = await ask(request, {"ask": "free_slots", "unit": row.unit})
    slots = set(map(datetime.fromisoformat, answer["slots"]))
    if answer["offers"] and (start := starts_of(wanted, request.app.state.zone)):
        slots.add(start)
    return Office(row, tuple(sorted(slots)), answer["offers"])


def _of_unit(offers: list[Offer], unit: str) -> list[Offer]:
    """Return the needs of the one office that the address names, all for none."""
    return [one for one in offers if one.unit == unit] or offers


async def _show(request: Request, about: str, shown: Shown) -> Response:
    offers, office = list[Offer](), None
    unit = request.query_params.get("unit", "")
    try:
        offers = _of_unit(await _offers(request), unit)
        if len(offers) == 1:
            about = f"{offers[0].unit}|{offers[0].need}"
        row = _chosen(offers, about)
        office = await _office(request, row, shown.filled.get("starts", "")) if row else None
    except NotDone as error:
        shown = replace(shown, error=shown.error or error)
    values = {
        "offers": offers,
        "about": about,
        "unit": unit,
        "office": office,
        "filled": dict.fromkeys((*FIELDS, *OTHERS), "") | dict(shown.filled),
        "wanted": starts_of(shown.filled.get("starts", ""), request.app.state.zone),
        "open_ones": shown.open_ones,
        "wrong": str(shown.error) if shown.error else "",
        "tongues": [(one, NAMES[one]) for one in LANGUAGES],
    }
    tables = {"rules": RULES, "forms": FORMS, "contacts": CONTACTS, "state_of": state_of}
    status = shown.error.status if shown.error else 409 if shown.open_ones else 200
    return page(request, "requests/new.html", status, **values, **tables)


routes: list[BaseRoute] = [
    Route("/requests/new", new),
    Route("/requests/new", take, methods=["POST"]),
]
