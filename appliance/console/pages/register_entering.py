"""Smaller changes of the register: a variation in three fields, leaves, new units."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from appliance.console.accounts.rights import needs
from appliance.console.pages.register import page_of, shared, today, unit_page
from appliance.console.register_changes import Outcome, ask_change
from appliance.console.register_reading import read_register, unit_of
from appliance.console.templates import page
from appliance.policy.directory import Register
from appliance.policy.directory_forms import in_force
from appliance.policy.users import Permission

NOTHING_YET: Final = Outcome(True)
VARIED: Final = ("unit", "kind", "hours", "reference", "first", "last", "notice")
LEAVE: Final = ("declared", "number", "authorised_by", "reference", "last")
NEW: Final = ("name", "email", "service", "say")
"""Fields of the smaller forms."""
LONGEST: Final = 400


# --- a variation, in three fields (E12) ---------------------------------------------------------


@needs(Permission.VARY_REGISTER)
async def variation(request: Request) -> Response:
    """Show the form: the unit, the hours, the reference; today unless said otherwise."""
    chosen = {"unit": request.query_params.get("unit", "")[:64], "kind": "bands"}
    return await _variation(request, _blank(VARIED) | chosen, NOTHING_YET)


@needs(Permission.VARY_REGISTER)
async def vary(request: Request) -> Response:
    """Save it, in force at once."""
    sent = await request.form()
    form = {name: _text(sent, name) for name in VARIED}
    hours = form["hours"] if form["kind"] == "bands" else form["kind"]
    outcome = await ask_change(request, "register_vary", {**form, "hours": hours}, sent=sent)
    if not outcome.is_good:
        return await _variation(request, form, outcome)
    return _saved(form["unit"])


async def _variation(request: Request, form: dict[str, str], outcome: Outcome) -> Response:
    register = in_force(await read_register(request))
    day = today(request)
    known = [unit for unit in register.units if register.valid_declaration(unit, day)]
    return page(
        request,
        "register/vary.html",
        outcome.status,
        units=known,
        form=form,
        outcome=outcome,
        today=day,
        **shared(request),
    )


# --- authorisations (P7), the sentence to say (E10), new units ----------------------------------


@needs(Permission.EDIT_REGISTER)
async def authorisation(request: Request) -> Response:
    """Show the form for a written leave to tell a number."""
    return await _leave(request, _blank(LEAVE), NOTHING_YET)


@needs(Permission.EDIT_REGISTER)
async def authorise(request: Request) -> Response:
    """Save a written leave: of a declared number, or of one that is written."""
    sent = await request.form()
    form = {name: _text(sent, name) for name in LEAVE}
    need, _, which = form["declared"].partition("/")
    unit = request.path_params["unit"]
    question = {**form, "unit": unit, "need": need, "which": which or "1"}
    outcome = await ask_change(request, "register_authorise", question, sent=sent)
    if not outcome.is_good:
        return await _leave(request, form, outcome)
    return _saved(unit)


async def _leave(request: Request, form: dict[str, str], outcome: Outcome) -> Response:
    register = await read_register(request)
    unit = unit_of(request, register)
    held = in_force(register).own_declaration(unit.code, today(request))
    values = {"unit": unit, "form": form, "outcome": outcome, "declaration": held}
    return page(request, "register/authorise.html", outcome.status, **values, **shared(request))


@needs(Permission.EDIT_REGISTER)
async def revoke(request: Request) -> Response:
    """End a leave: from now on its number is not told."""
    return await _simple(request, "register_revoke", ("number", "reference"))


@needs(Permission.EDIT_REGISTER)
async def edit(request: Request) -> Response:
    """Change the sentence to say, and the e-mail."""
    return await _simple(request, "register_unit", ("say", "email"))


async def _simple(request: Request, what: str, names: tuple[str, ...]) -> Response:
    """Ask for a change whose form stands on the unit's page."""
    unit = unit_of(request, await read_register(request))
    sent = await request.form()
    form = {name: _text(sent, name) for name in names if name in sent}
    outcome = await ask_change(request, what, {**form, "unit": unit.code})
    if outcome.is_good:
        return _saved(unit.code)
    wrong = " ".join((outcome.wrong, *outcome.problems.values()))
    return await unit_page(request, outcome.status, wrong=wrong)


@needs(Permission.EDIT_REGISTER)
async def new_unit(request: Request) -> Response:
    """Show the form for a service or office that is not in the register yet."""
    return await _new(request, _blank(NEW), NOTHING_YET)


@needs(Permission.EDIT_REGISTER)
async def add_unit(request: Request) -> Response:
    """Add a service or office."""
    sent = await request.form()
    form = {name: _text(sent, name) for name in NEW}
    outcome = await ask_change(request, "register_unit", form)
    if not outcome.is_good:
        return await _new(request, form, outcome)
    return RedirectResponse("/register", 303)


async def _new(request: Request, form: dict[str, str], outcome: Outcome) -> Response:
    register: Register = await read_register(request)
    known = [unit for unit in register.units if not unit.service]
    values = {"services": known, "form": form, "outcome": outcome}
    return page(request, "register/new.html", outcome.status, **values, **shared(request))


def _text(sent: FormData, name: str) -> str:
    value = sent.get(name, "")
    return value[:LONGEST] if isinstance(value, str) else ""


def _blank(names: tuple[str, ...]) -> dict[str, str]:
    return dict.fromkeys(names, "")


def _saved(unit: str) -> Response:
    return RedirectResponse(f"{page_of(unit)}?saved=1", 303)


_OF_UNIT: Final = "/register/office/{unit}"
routes: list[BaseRoute] = [
    Route("/register/vary", variation),
    Route("/register/vary", vary, methods=["POST"]),
    Route(f"{_OF_UNIT}/authorise", authorisation),
    Route(f"{_OF_UNIT}/authorise", authorise, methods=["POST"]),
    Route(f"{_OF_UNIT}/revoke", revoke, methods=["POST"]),
    Route(f"{_OF_UNIT}/edit", edit, methods=["POST"]),
    Route("/register/new", new_unit),
    Route("/register/new", add_unit, methods=["POST"]),
]
