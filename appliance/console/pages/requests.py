"""Requests for offices: what is open, due and late; each with its steps, done by buttons (E9, E15).

Somebody of one office sees that office's own, and says that they have it or that it is done.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from appliance.console import cases
from appliance.console.accounts.rights import NotAllowed, may, needs, somebody
from appliance.console.asking import NotDone, ask
from appliance.console.desk import DeskAway
from appliance.console.downloads import download
from appliance.console.dues import dues_of
from appliance.console.links import Link
from appliance.console.reading import Reading
from appliance.console.request_papers import KINDS, fetch
from appliance.console.say import N_
from appliance.console.templates import page
from appliance.errors import OfficeError
from appliance.policy import requests
from appliance.policy.letters import FORMS
from appliance.policy.numbering import Plan
from appliance.policy.requests import MAILS, STEPS, Appointment, RequestStep, State, state_of
from appliance.policy.users import Permission, refusal
from appliance.store import directory
from appliance.store import requests as store_requests
from appliance.store.requests import StoredNotice as KeptMail
from appliance.store.requests import StoredRequest

MOST: Final = 200
LONGEST_SEARCH: Final = 80
HIGHEST: Final = 10**9
"""Numbers above are nobody's, and too long for the database."""
OPEN: Final = (State.OPEN, State.SENT, State.TAKEN)
LISTS: Final = {
    "open": N_("Open requests"),
    "late": N_("Overdue ones"),
    "taken": N_("With an office"),
    "done": N_("Ended ones"),
}
"""The lists that can be chosen."""
STATES: Final[Mapping[str, tuple[State, ...]]] = {
    "open": OPEN,
    "late": OPEN,
    "taken": (State.TAKEN,),
    "done": (State.DONE,),
}
OFFICES_OWN: Final = frozenset({RequestStep.TAKE, RequestStep.CLOSE})
"""What somebody of the office may say of a request."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One request with the mails about it and its office's name."""

    kept: StoredRequest
    mails: tuple[KeptMail, ...]
    office: str
    names: Mapping[str, str]


def own_unit(request: Request) -> str:
    """Return the unit whose requests somebody sees, "" for all; raises NotAllowed."""
    user = somebody(request)
    if may(request, Permission.REQUESTS):
        return ""
    if may(request, Permission.OWN_REQUESTS) and user.unit:
        return user.unit
    raise NotAllowed(request.state.speaker.words(refusal(Permission.REQUESTS)))


async def list_requests(request: Request) -> Response:
    """List requests, newest first: of one unit, of one citizen, or those that are late."""
    own, query = own_unit(request), request.query_params
    chosen = query.get("list", "open")
    chosen = chosen if chosen in LISTS else "open"
    citizen = query.get("citizen", "").strip()[:LONGEST_SEARCH]
    unit = own or query.get("unit", "")[:LONGEST_SEARCH]
    dues = await dues_of(request)
    found, units = await _reading(request).do(
        lambda c: _listed(c, STATES[chosen], unit, citizen, request.app.state.plan)
    )
    if chosen == "late":
        found = tuple(kept for kept in found if kept.request.number in dues.late)
    values = {"found": found, "units": units, "dues": dues, "state_of": state_of, "own": own}
    filled = {"chosen": chosen, "unit": unit, "citizen": citizen}
    return page(request, "requests/list.html", 200, lists=LISTS, most=MOST, **values, **filled)


def _listed(
    connection: sqlite3.Connection, states: tuple[State, ...], unit: str, citizen: str, plan: Plan
) -> tuple[tuple[StoredRequest, ...], dict[str, str]]:
    """Read them, and the units' names; a citizen is looked for among what is open (E9)."""
    if citizen:
        every = store_requests.search_open(connection, citizen, plan)
        found = tuple(one for one in every if unit in ("", one.request.unit))
    else:
        found = store_requests.list_requests(connection, *states, unit=unit, limit=MOST)
    return found, _units(connection)


def _units(connection: sqlite3.Connection) -> dict[str, str]:
    return {unit.code: unit.name for unit in directory.units(connection)}


async def show(request: Request) -> Response:
    """Show one request with all that became of it."""
    return await _show(request)


@needs(Permission.REQUESTS)
async def paper(request: Request) -> Response:
    """Send the request with all that became of it as a PDF, for the protocol office (E15)."""
    number = (await _shown(request)).kept.request.number
    try:
        data = await fetch(request, number, 0, "pdf")
    except NotDone as error:
        return await _show(request, error)
    return download(data, f"request-{number}.pdf", KINDS["pdf"])


async def step(request: Request) -> Response:
    """Take, remind, close, cancel or move a request; each but taking says who said so."""
    shown, form = await _shown(request), await request.form()
    number, wanted = shown.kept.request.number, request.path_params["step"]
    if own_unit(request) and wanted not in OFFICES_OWN:
        raise NotAllowed(request.state.speaker.words(refusal(Permission.REQUESTS)))
    question: dict[str, Any] = {
        "ask": "request_step",
        "step": wanted,
        "number": number,
        "said_by": str(form.get("said_by", "")) or _says(request),
        "words": str(form.get("words", "")),
        "by": somebody(request).name,
    }
    try:
        if wanted == RequestStep.MOVE:
            question |= {"starts": _starts(request, str(form.get("starts", "")))}
            question |= {"agreed": form.get("agreed") == "1"}
        await ask(request, question)
    except NotDone as error:
        return await _show(request, error)
    return RedirectResponse(f"/requests/{number}", 303)


def _says(request: Request) -> str:
    """Return who says so where no name was asked for: somebody of the office, in person."""
    return somebody(request).shown if own_unit(request) else ""


async def sound(request: Request) -> Response:
    """Send what a caller has said for an office."""
    kept = (await _shown(request)).kept
    path = cases.sound_file(request.app.state.settings.records.parent, kept.sound.path)
    if path is None:
        raise HTTPException(404)
    return FileResponse(path, media_type="audio/wav")


def _starts(request: Request, text: str) -> str:
    """Read a local time of a form; raises NotDone."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        said = request.state.speaker(N_("When? Choose a day and a time."))
        raise NotDone(400, said) from error
    return (at if at.tzinfo else at.replace(tzinfo=request.app.state.zone)).isoformat()


async def _shown(request: Request) -> Shown:
    """Read the request that the address names; raises NotAllowed, HTTPException."""
    own, number = own_unit(request), int(request.path_params["number"])
    if number > HIGHEST:
        raise HTTPException(404)
    found: Shown | None = await _reading(request).do(lambda c: _find(c, number))
    if found is None or own not in ("", found.kept.request.unit):
        raise HTTPException(404)
    link = request.state.speaker(N_("the link in the e-mail"))
    return replace(found, names={**found.names, requests.BY: link})


def _find(connection: sqlite3.Connection, number: int) -> Shown | None:
    kept = store_requests.find_request(connection, number)
    if kept is None:
        return None
    about = store_requests.about(connection, number)
    office = _units(connection).get(kept.request.unit, kept.request.unit)
    return Shown(kept, about, office, cases.names(connection))


async def _show(request: Request, error: NotDone | None = None) -> Response:
    shown = await _shown(request)
    one, appointment = shown.kept.request, shown.kept.request.appointment
    values = {
        "shown": shown,
        "one": one,
        "dues": await dues_of(request),
        "slots": await _slots(request, one.unit) if appointment and one.state in OPEN else (),
        "when": _when(request, appointment) if appointment else "",
        "taken_now": request.query_params.get("taken") == "1",
        "is_office": bool(own_unit(request)),
        "wrong": str(error) if error else "",
        "words_of": {"steps": STEPS, "mails": MAILS},
    }
    status = error.status if error else 200
    return page(request, "requests/one.html", status, state_of=state_of, **values)


def _when(request: Request, appointment: Appointment) -> str:
    """Say when and how an appointment is."""
    say = request.state.speaker
    told = f"{say.moment(appointment.slot.start)}, {say.words(FORMS[appointment.form])}"
    return told if appointment.confirmed else f"{told} ({say(N_('to be confirmed'))})"


async def _slots(request: Request, unit: str) -> tuple[datetime, ...]:
    """Ask for the office's free slots; none where it offers none, or the desk is away."""
    try:
        answer = await request.app.state.desk.ask({"ask": "free_slots", "unit": unit})
    except (DeskAway, OfficeError):
        return ()
    return tuple(datetime.fromisoformat(slot) for slot in answer["slots"])


def _reading(request: Request) -> Reading:
    reading: Reading = request.app.state.reading
    return reading


def is_for(request: Request) -> bool:
    """Tell whether somebody sees requests: all of them, or an office's own."""
    return may(request, Permission.REQUESTS) or may(request, Permission.OWN_REQUESTS)


routes: list[BaseRoute] = [
    Route("/requests", list_requests),
    Route("/requests/{number:int}", show),
    Route("/requests/{number:int}/paper", paper),
    Route("/requests/{number:int}/sound", sound),
    Route("/requests/{number:int}/{step}", step, methods=["POST"]),
]
links = (Link("/requests", N_("Requests"), is_for, order=22),)
