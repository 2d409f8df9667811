"""Rubrica uffici: every service and office, how it stands now, what it declared, its history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from urllib.parse import quote

import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from appliance.console import emails, head_office
from appliance.console.accounts.rights import for_those_who_may, may, needs, somebody
from appliance.console.asking import NotDone, ask
from appliance.console.attaching import fetch
from appliance.console.downloads import download
from appliance.console.links import Link
from appliance.console.register_reading import (
    held_by,
    leaves,
    read_register,
    read_standing,
    services,
    unit_of,
    variations_from,
)
from appliance.console.say import N_
from appliance.console.templates import page, text
from appliance.policy.directory import Entry, Reach, ReturnRule, Unit
from appliance.policy.directory_text import entered_words, week_words
from appliance.policy.text import Words
from appliance.policy.transfers import OFFERS, WEEKDAY_WORDS
from appliance.policy.users import Permission

LONGEST_SEARCH: Final = 60
TYPES: Final = {"eml": "message/rfc822", "pdf": "application/pdf"}
OTHER: Final = "application/octet-stream"
"""Media types of what is attached, by the ending of its name."""
REACHES: Final = {
    Reach.PHONE: N_("phone of the house"),
    Reach.PBX: N_("extension of the house's exchange"),
    Reach.OUTSIDE: N_("number dialled outside"),
}


def today(request: Request) -> date:
    """Return the office's own day."""
    return datetime.now(request.app.state.zone).date()


def page_of(unit: str) -> str:
    """Return the address of a unit's page."""
    return f"/register/office/{quote(unit)}"


def shared(request: Request) -> dict[str, Any]:
    """Return what every page of the register names: rights, words of rules, days and reaches."""
    rights = {
        "can_edit": may(request, Permission.EDIT_REGISTER),
        "can_vary": may(request, Permission.VARY_REGISTER),
        "can_reveal": may(request, Permission.REVEAL_NUMBERS),
        "can_tell": may(request, Permission.TRANSFER),
    }
    return {
        **rights,
        "now": datetime.now(request.app.state.zone),
        "offers": {rule.value: OFFERS[rule] for rule in ReturnRule},
        "weekdays": WEEKDAY_WORDS,
        "reaches": {reach.value: said for reach, said in REACHES.items()},
    }


@needs(Permission.SEE_REGISTER)
async def show_all(request: Request) -> Response:
    """List services with their offices, what must be looked after first."""
    search = request.query_params.get("q", "")[:LONGEST_SEARCH]
    register, standing = await read_register(request), await read_standing(request)
    found = services(register, search)
    theirs = await head_office.of_register(request)
    values: dict[str, Any] = {
        "services": found, "standing": standing, "search": search, "theirs": theirs,
    }  # fmt: skip
    if "hx-request" in request.headers:
        return HTMLResponse(text(request, "register/rows.html", **values, **shared(request)))
    return page(request, "register/all.html", **values, **shared(request))


@needs(Permission.SEE_REGISTER)
async def show_unit(request: Request) -> Response:
    """Show one unit: what holds, what is ahead, who declared it, its history."""
    return await unit_page(request)


async def unit_page(
    request: Request, status: int = 200, told: dict[tuple[int, str, int], str] | None = None,
    wrong: str = "",
) -> Response:  # fmt: skip
    """Answer with a unit's page; `told` are numbers shown on demand, for this view alone."""
    register, standing = await read_register(request), await read_standing(request)
    unit, day = unit_of(request, register), today(request)
    language = request.state.speaker.language
    history = [
        (each, entered_words(each, language)) for each in reversed(register.history(unit.code))
    ]
    return page(
        request,
        "register/unit.html",
        status,
        unit=unit,
        service=register.unit(unit.service),
        state=standing.units.get(unit.code),
        theirs=await head_office.of_register(request),
        declaration=held_by(register, unit, day),
        variations=[(v, entered_words(v, language)) for v in variations_from(register, unit, day)],
        leaves=leaves(register, unit, day),
        history=history,
        slots_week=lambda week: week_words(week, language),
        told=told or {},
        saved=request.query_params.get("saved", "") == "1",
        wrong=wrong,
        **shared(request),
    )


@dataclass(frozen=True, slots=True)
class Special:
    """Something special that lies ahead; `name` is the unit's, "" for the whole house."""

    first: date
    last: date | None
    unit: str
    name: str
    words: Words


@needs(Permission.SEE_REGISTER)
async def show_year(request: Request) -> Response:
    """Show what is special in the year ahead, month by month (E14)."""
    answer: dict[str, Any] = {"today": f"{today(request)}", "ahead": []}
    wrong = ""
    try:
        answer = await ask(request, {"ask": "register_ahead"})
    except NotDone as error:
        wrong = str(error)
    day, months = date.fromisoformat(answer["today"]), dict[tuple[int, int], list[Special]]()
    for each in map(_special, answer["ahead"]):
        at = max(each.first, day)
        months.setdefault((at.year, at.month), []).append(each)
    values: dict[str, Any] = {"months": list(months.values()), "wrong": wrong, "today": day}
    return page(request, "register/year.html", **values, **shared(request))


def _special(each: dict[str, Any]) -> Special:
    last = date.fromisoformat(each["last"]) if each["last"] else None
    words = Words(each["words"]["it"], each["words"]["en"])
    return Special(date.fromisoformat(each["first"]), last, each["unit"], each["name"], words)


@needs(Permission.REVEAL_NUMBERS)
async def show_number(request: Request) -> Response:
    """Show one number, which the desk audits first: in its place, or on a page without scripts."""
    form = await request.form()
    entry, which = (_whole(str(form.get(name, ""))) for name in ("entry", "which"))
    need = str(form.get("need", ""))[:64]
    question = {"ask": "register_number", "entry": entry, "need": need, "which": which}
    return await _told(request, question, (entry, need, which))


@needs(Permission.TRANSFER)
async def tell_number(request: Request) -> Response:
    """Show a number that may be told, which the desk notes first."""
    form = await request.form()
    entry = _whole(str(form.get("entry", "")))
    return await _told(request, {"ask": "register_tell", "entry": entry}, (entry, "", 0))


@needs(Permission.REVEAL_NUMBERS)
async def attached(request: Request) -> Response:
    """Send the e-mail that an entry rests on as a file, which the desk audits first (P4)."""
    _, entry = await _with_email(request)
    try:
        data = await fetch(request, entry.number)
    except NotDone as error:
        return await unit_page(request, error.status, wrong=str(error))
    return download(data, entry.attachment, TYPES.get(entry.attachment.rpartition(".")[2], OTHER))


@needs(Permission.REVEAL_NUMBERS)
async def read_email(request: Request) -> Response:
    """Show the text of the e-mail that an entry rests on; audited in the same way."""
    unit, entry = await _with_email(request)
    if not entry.attachment.endswith(".eml"):
        raise HTTPException(404)
    try:
        data = await fetch(request, entry.number)
    except NotDone as error:
        return await unit_page(request, error.status, wrong=str(error))
    shown = await anyio.to_thread.run_sync(emails.read, data)
    return page(request, "register/email.html", unit=unit, entry=entry, shown=shown)


async def _with_email(request: Request) -> tuple[Unit, Entry]:
    """Return the unit and the entry that the address names; raises HTTPException for none."""
    register = await read_register(request)
    unit, number = unit_of(request, register), int(request.path_params["entry"])
    for each in register.history(unit.code):
        if each.entry.number == number and each.entry.attachment:
            return unit, each.entry
    raise HTTPException(404)


async def _told(
    request: Request, question: dict[str, Any], place: tuple[int, str, int]
) -> Response:
    """Answer with a number in its place, or on the whole page for a browser without scripts."""
    by_script = "hx-request" in request.headers
    number, wrong, status = "", "", 200
    try:
        number = (await ask(request, {**question, "by": somebody(request).name}))["number"]
    except NotDone as error:
        wrong, status = str(error), error.status
    if by_script:  # which would not show what comes with an error's status
        return HTMLResponse(text(request, "register/number.html", number=number, wrong=wrong))
    return await unit_page(request, status, told={place: number} if number else {}, wrong=wrong)


def _whole(written: str) -> int:
    return int(written) if written.isascii() and written.isdigit() and len(written) < 10 else 0


routes: list[BaseRoute] = [
    Route("/register", show_all),
    Route("/register/year", show_year),
    Route("/register/office/{unit}", show_unit),
    Route("/register/office/{unit}/number", show_number, methods=["POST"]),
    Route("/register/office/{unit}/attached/{entry:int}", attached),
    Route("/register/office/{unit}/attached/{entry:int}/read", read_email),
    Route("/register/office/{unit}/tell", tell_number, methods=["POST"]),
]
links = (
    Link("/register", N_("Register of offices"), for_those_who_may(Permission.SEE_REGISTER), 40),
)
