"""Users: who may use the console and as what; for head and technician."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, Final

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from appliance.console.accounts.keeper import Accounts
from appliance.console.accounts.rights import for_those_who_may, needs, somebody
from appliance.console.accounts.turns import Busy
from appliance.console.asking import NotDone, ask
from appliance.console.links import Link
from appliance.console.pages.accounts import BUSY, field
from appliance.console.say import N_
from appliance.console.templates import page
from appliance.policy.users import ROLES, Permission, Role, User, may_touch
from appliance.store import directory
from appliance.store import users as kept

ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"
"""What a first password is made of: read aloud or copied from paper without a mistake."""
GROUPS: Final = 4


@dataclass(frozen=True, slots=True)
class Filled:
    """What stands in the form."""

    name: str = ""
    shown: str = ""
    roles: tuple[str, ...] = ()
    unit: str = ""
    position: str = ""
    language: str = ""


@needs(Permission.USERS)
async def list_users(request: Request) -> Response:
    """List everybody, and offer to make one more."""
    return await _list(request)


@needs(Permission.USERS)
async def add(request: Request) -> Response:
    """Make a user with a password that is shown once and to be changed at the first login."""
    form, password = await request.form(), _first_password()
    filled = _filled(form)
    try:
        hashed = await _accounts(request).hashed(password)
        question = {**_question(filled), "name": filled.name, "password": hashed}
        await ask(request, {"ask": "user_add", **question, "by": somebody(request).name})
    except (NotDone, Busy) as error:
        return await _list(request, _status(error), filled, _said(request, error))
    return await _list(request, told=(filled.name, password))


@needs(Permission.USERS)
async def show(request: Request) -> Response:
    """Show one user with a form."""
    return await _show(request, await _user(request))


@needs(Permission.USERS)
async def change(request: Request) -> Response:
    """Change one user."""
    form, user = await request.form(), await _user(request)
    filled = _filled(form)
    changes = {**_question(filled), "disabled": field(form, "disabled") == "1"}
    try:
        await ask(
            request,
            {"ask": "user_change", "name": user.name, **changes, "by": somebody(request).name},
        )
    except NotDone as error:
        return await _show(request, user, error.status, filled, str(error))
    _accounts(request).forget(user.name)
    return RedirectResponse("/users", 303)


@needs(Permission.USERS)
async def new_password(request: Request) -> Response:
    """Give a user a new password, shown once; where they are logged in they are logged out."""
    user, password = await _user(request), _first_password()
    try:
        hashed = await _accounts(request).hashed(password)
        question = {"name": user.name, "password": hashed, "must_change": True}
        await ask(request, {"ask": "user_password", **question, "by": somebody(request).name})
    except (NotDone, Busy) as error:
        return await _show(request, user, _status(error), wrong=_said(request, error))
    _accounts(request).forget(user.name)
    return await _list(request, told=(user.name, password))


async def _list(
    request: Request,
    status: int = 200,
    filled: Filled | None = None,
    wrong: str = "",
    told: tuple[str, str] | None = None,
) -> Response:
    everybody = await request.app.state.reading.do(kept.everybody)
    values = {"users": everybody, "wrong": wrong, "told": told}
    choices = await _choices(request, filled or Filled())
    return page(request, "accounts/users.html", status, **values, **choices)


async def _show(
    request: Request, user: User, status: int = 200, filled: Filled | None = None, wrong: str = ""
) -> Response:
    if filled is None:
        roles = tuple(role.value for role in Role if role in user.roles)
        filled = Filled(user.name, user.shown, roles, user.unit, user.position, user.language)
    can = may_touch(somebody(request).roles, user.roles)
    values = {"one": user, "can": can, "wrong": wrong}
    choices = await _choices(request, filled)
    return page(request, "accounts/user.html", status, **values, **choices)


async def _choices(request: Request, filled: Filled) -> dict[str, Any]:
    """Return what the forms offer: the roles that whoever asks may give, offices, positions.

    What stands there already is among them, whatever became of that office or telephone.
    """
    own = somebody(request).roles
    offered = [(role.value, ROLES[role]) for role in Role if may_touch(own, {role})]
    units = await request.app.state.reading.do(directory.units)
    offices = {filled.unit: filled.unit}
    offices |= {unit.code: unit.name for unit in units}
    status = request.app.state.feed.newest.status or {}
    phones = {str(one["phone"]) for one in status.get("positions", ())} | {filled.position}
    return {
        "filled": filled,
        "roles": offered,
        "names": ROLES,
        "offices": [(code, name) for code, name in offices.items() if code],
        "positions": [(phone, phone) for phone in sorted(phones - {""})],
    }


async def _user(request: Request) -> User:
    """Return the user whom the address names."""
    name = request.path_params["name"]
    found: User | None = await request.app.state.reading.do(lambda c: kept.find_user(c, name))
    if found is None:
        raise HTTPException(404)
    return found


def _filled(form: FormData) -> Filled:
    roles = tuple(str(role) for role in form.getlist("roles"))
    name = field(form, "name").strip().lower()
    words = (field(form, key).strip() for key in ("unit", "position", "language"))
    return Filled(name, field(form, "shown"), roles, *words)


def _question(filled: Filled) -> dict[str, Any]:
    return {
        "shown": filled.shown,
        "roles": list(filled.roles),
        "unit": filled.unit,
        "position": filled.position,
        "language": filled.language,
    }


def _status(error: NotDone | Busy) -> int:
    return error.status if isinstance(error, NotDone) else 503


def _said(request: Request, error: NotDone | Busy) -> str:
    return str(error) if isinstance(error, NotDone) else request.state.speaker(BUSY)


def _first_password() -> str:
    groups = ("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(GROUPS))
    return "-".join(groups)


def _accounts(request: Request) -> Accounts:
    accounts: Accounts = request.app.state.accounts
    return accounts


routes: list[BaseRoute] = [
    Route("/users", list_users, methods=["GET"]),
    Route("/users", add, methods=["POST"]),
    Route("/users/{name}", show, methods=["GET"]),
    Route("/users/{name}", change, methods=["POST"]),
    Route("/users/{name}/password", new_password, methods=["POST"]),
]
links = (Link("/users", N_("Users"), for_those_who_may(Permission.USERS), order=90),)
