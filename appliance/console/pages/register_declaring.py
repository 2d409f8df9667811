"""A new declaration by a guided form: what it would change is read before it is saved (P4)."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from appliance.console.accounts.rights import needs
from appliance.console.attaching import FIELD
from appliance.console.pages.register import page_of, shared, today
from appliance.console.register_changes import Outcome, ask_change
from appliance.console.register_drafts import drafted, forget, place_of
from appliance.console.register_forms import (
    Nested,
    asked,
    blank_need,
    blank_number,
    filled,
    flat,
    nested,
)
from appliance.console.register_reading import read_register, unit_of
from appliance.console.templates import page
from appliance.policy.directory import Unit
from appliance.policy.directory_forms import in_force
from appliance.policy.users import Permission

NOTHING_YET: Final = Outcome(True)


@needs(Permission.EDIT_REGISTER)
async def declaration(request: Request) -> Response:
    """Show the form, filled from the declaration that holds."""
    register = await read_register(request)
    unit = unit_of(request, register)
    held = in_force(register).own_declaration(unit.code, today(request))
    if typed := await drafted(request, place_of(unit.code)):
        return _form(request, unit, typed | {"unit": unit.code}, NOTHING_YET, is_draft=True)
    return _form(request, unit, filled(unit.code, held), NOTHING_YET)


@needs(Permission.EDIT_REGISTER)
async def declare(request: Request) -> Response:
    """Add rows, say what would change, or save: whichever button was pressed."""
    unit = unit_of(request, await read_register(request))
    sent = await request.form()
    form = nested(sent.multi_items()) | {"unit": unit.code}
    do = str(sent.get("do", ""))
    if do == "anew":
        return await forget(request, place_of(unit.code), f"{page_of(unit.code)}/declare")
    if do.startswith("add_"):
        return _form(request, unit, _with_row(form, do), NOTHING_YET)
    if do == "edit":
        return _form(request, unit, form, NOTHING_YET)
    if do == "save":
        saved = await ask_change(request, "register_declare", asked(form), sent=sent)
        if saved.is_good:
            return await forget(request, place_of(unit.code), f"{page_of(unit.code)}?saved=1")
        if FIELD not in saved.problems:
            return _form(request, unit, form, saved)
        return await _preview(request, unit, form, saved)  # only another file is to be chosen
    return await _preview(request, unit, form, NOTHING_YET)


async def _preview(request: Request, unit: Unit, form: Nested, outcome: Outcome) -> Response:
    """Show what a form would change, or the form again where it needs mending."""
    seen = await ask_change(request, "register_declare", asked(form), preview=True)
    if not seen.is_good:
        return _form(request, unit, form, seen)
    fields = [(name, value) for name, value in flat(form) if value]
    values: dict[str, Any] = {"unit": unit, "changes": seen.changes, "fields": fields}
    values["outcome"] = outcome
    return page(request, "register/preview.html", outcome.status, **values, **shared(request))


def _form(
    request: Request, unit: Unit, form: Nested, outcome: Outcome, *, is_draft: bool = False
) -> Response:
    values: dict[str, Any] = {"unit": unit, "form": form, "outcome": outcome, "is_draft": is_draft}
    values |= {"place": place_of(unit.code), "is_typed": request.method == "POST"}
    return page(
        request, "register/declare.html", outcome.status, **values, **shared(request),
        today=today(request),
    )  # fmt: skip


def _with_row(form: Nested, do: str) -> Nested:
    """Return the form with one need more, or one number more of a need: add_need, add_number.2."""
    what, _, number = do.partition(".")
    if what == "add_need":
        return form | {"needs": [*form["needs"], blank_need()]}
    return form | {
        "needs": [
            need | {"numbers": [*need["numbers"], blank_number()]} if str(n) == number else need
            for n, need in enumerate(form["needs"], 1)
        ]
    }


routes: list[BaseRoute] = [
    Route("/register/office/{unit}/declare", declaration),
    Route("/register/office/{unit}/declare", declare, methods=["POST"]),
]
