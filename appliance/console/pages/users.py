"""Users: who may use the console and as what; for head and technician."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from appliance.console import request_parts
from appliance.console.accounts import (
    Accounts,
    Busy,
    Guesses,
    TryLater,
    WrongLogin,
    check_new,
    for_those_who_may,
    needs,
    somebody,
)
from appliance.console.desk_client import NotDone, ask
from appliance.console.pages.home import LANGUAGE_COOKIE, YEAR_S, local
from appliance.console.say import LANGUAGES, N_
from appliance.console.shared import Names, audit_who, sentence
from appliance.console.templates import Link, page
from appliance.errors import CentralinoError
from appliance.policy.users import ROLES, AccountError, Permission, Role, User, may_touch
from appliance.store import database, directory, sheets
from appliance.store import users as kept

# ---- accounts ----------------------------------------------------------------------------------
# Logging in and out, the first user of all, one's own account.

LONGEST_FIELD: Final = 200
REFUSED: Final = 409
"""What the desk has refused, as opposed to what never reached it."""


WRONG: Final = N_("Wrong user name or password.")
BUSY: Final = N_("Too many people log in at once: try again in a few seconds.")
TWO: Final = N_("The two passwords are not the same.")


async def login(request: Request) -> Response:
    """Ask for name and password; on a box without a user, for the first one."""
    if not await _accounts(request).has_users():
        return RedirectResponse("/first", 303)
    where = local(request.query_params.get("next", "/"))
    return page(request, "accounts/login.html", typed="", wrong="", next=where)


async def log_in(request: Request) -> Response:
    """Begin a session under a new word."""
    form, accounts = await request.form(), _accounts(request)
    name, where = field(form, "name").strip().lower(), local(field(form, "next") or "/")
    try:
        user, word = await accounts.log_in(
            name, field(form, "password"), address_of(request), request.state.word
        )
    except (WrongLogin, TryLater, Busy) as error:
        status, wrong = _refusal(request, error)
        values = {"typed": name, "wrong": wrong, "next": where}
        return page(request, "accounts/login.html", status, **values)
    request.state.word = word
    return _with_language(request, RedirectResponse(where, 303), user.language)


async def logout(request: Request) -> Response:
    """End the session."""
    request.state.word = await _accounts(request).log_out(request.state.word)
    return RedirectResponse("/login", 303)


async def first(request: Request) -> Response:
    """Ask for the code and the first user; once there is one, for a login."""
    if await _accounts(request).has_users():
        return RedirectResponse("/login", 303)
    return page(request, "accounts/first.html", filled=_kept({}), wrong="")


async def make_first(request: Request) -> Response:
    """Have the desk make the first user, and log that person in."""
    form, accounts = await request.form(), _accounts(request)
    name = field(form, "name").strip().lower()
    try:
        question = {
            "ask": "first_user",
            "code": field(form, "code"),
            "name": name,
            "shown": field(form, "shown"),
            "language": request.state.speaker.language,
            "password": await _new_first_password(request, form, name),
        }
        await _ask_with_code(request, question)
        _, request.state.word = await accounts.log_in(
            name, field(form, "password"), address_of(request), request.state.word
        )
    except (NotDone, TryLater, Busy) as error:
        status, wrong = _refusal(request, error)
        return page(request, "accounts/first.html", status, filled=_kept(form), wrong=wrong)
    return RedirectResponse("/", 303)


async def _new_first_password(request: Request, form: FormData, name: str) -> str:
    """Hash the first password, unless this address has given too many wrong codes.

    Raises NotDone, TryLater, Busy. Other addresses go on: nobody can hold the form shut.
    """
    guesses: Guesses = request.app.state.first_guesses
    if (wait := guesses.wait_s(address_of(request))) > 0:
        raise TryLater(wait)
    return await _new_password(request, form, name)


async def _ask_with_code(request: Request, question: dict[str, Any]) -> None:
    try:
        await ask(request, question)
    except NotDone as error:
        if error.status == REFUSED:
            request.app.state.first_guesses.wrong(address_of(request))
        raise


async def account(request: Request) -> Response:
    """Show one's own account."""
    return _account(request)


async def change_password(request: Request) -> Response:
    """Change one's own password; sessions elsewhere end, this one goes on under a new word."""
    form, accounts, user = await request.form(), _accounts(request), somebody(request)
    try:
        await accounts.prove(user.name, field(form, "old"), address_of(request))
        kept = await _new_password(request, form, user.name)
        question = {"name": user.name, "password": kept, "must_change": False, "by": user.name}
        await ask(request, {"ask": "user_password", **question})
        _, request.state.word = await accounts.log_in(
            user.name, field(form, "password"), address_of(request), request.state.word
        )
    except (NotDone, WrongLogin, TryLater, Busy) as error:
        status, wrong = _refusal(request, error)
        return _account(request, status, wrong=wrong)
    return RedirectResponse("/account?done=password" if not user.must_change else "/", 303)


async def change_language(request: Request) -> Response:
    """Keep one's own language."""
    form, user = await request.form(), somebody(request)
    language = field(form, "language")
    try:
        question = {"name": user.name, "language": language, "by": user.name}
        await ask(request, {"ask": "user_change", **question})
    except NotDone as error:
        return _account(request, error.status, wrong=str(error))
    _accounts(request).forget(user.name)
    return _with_language(request, RedirectResponse("/account?done=language", 303), language)


def address_of(request: Request) -> str:
    """Return where a request comes from."""
    return request.client.host if request.client else ""


def field(form: FormData | Mapping[str, Any], name: str) -> str:
    """Return a field of a form as text, "" for none; files are none."""
    value = form.get(name, "")
    return value[:LONGEST_FIELD] if isinstance(value, str) else ""


def _kept(form: FormData | Mapping[str, Any]) -> dict[str, str]:
    """Return what is shown again of a form that was refused: never a password."""
    return {name: field(form, name) for name in ("code", "name", "shown")}


async def _new_password(request: Request, form: FormData, name: str) -> str:
    """Check a new password, typed twice, and hash it; raises NotDone, Busy."""
    password, say = field(form, "password"), request.state.speaker
    if password != field(form, "again"):
        raise NotDone(400, say(TWO))
    try:
        check_new(password, name)
    except AccountError as error:
        raise NotDone(400, say.words(error.words)) from error
    return await _accounts(request).hashed(password)


def _refusal(request: Request, error: CentralinoError) -> tuple[int, str]:
    """Return status and words for somebody who was not let in."""
    say = request.state.speaker
    if isinstance(error, NotDone):
        return error.status, str(error)
    if isinstance(error, TryLater):
        minutes = max(1, round(error.seconds / 60))
        return 429, say.plural(
            "Too many wrong passwords: try again in a minute.",
            "Too many wrong passwords: try again in %(number)s minutes.",
            minutes,
        )
    return (503, say(BUSY)) if isinstance(error, Busy) else (403, say(WRONG))


def _account(request: Request, status: int = 200, wrong: str = "") -> Response:
    done = request.query_params.get("done", "") if not wrong else ""
    return page(request, "accounts/account.html", status, wrong=wrong, done=done)


def _with_language(request: Request, answer: Response, language: str) -> Response:
    """Have the browser speak a person's language from now on."""
    if language in LANGUAGES:
        secure = request.app.state.settings.is_secure
        answer.set_cookie(
            LANGUAGE_COOKIE, language, YEAR_S, httponly=True, samesite="lax", secure=secure
        )
    return answer


def _accounts(request: Request) -> Accounts:
    accounts: Accounts = request.app.state.accounts
    return accounts


accounts_routes: list[BaseRoute] = [
    Route("/login", login, methods=["GET"]),
    Route("/login", log_in, methods=["POST"]),
    Route("/logout", logout, methods=["POST"]),
    Route("/first", first, methods=["GET"]),
    Route("/first", make_first, methods=["POST"]),
    Route("/account", account),
    Route("/account/password", change_password, methods=["POST"]),
    Route("/account/language", change_language, methods=["POST"]),
]


# ---- audit -------------------------------------------------------------------------------------
# The list of changes: who, when, what; never a number (E20).

SHOWN_DAYS: Final = 30
MOST: Final = 500
LONGEST_DAYS: Final = 3_660
WHAT: Final = {
    "register": N_("Register of offices"),
    "hours": N_("Hours and closures"),
    "user": N_("Users"),
    "request": N_("Requests"),
    "handover": N_("Handing over"),
    "voicemail": N_("Messages"),
    "erasure": N_("Erasure"),
    "export": N_("Data of a citizen"),
    "sheet": N_("Sheets"),
    "announcement": N_("Announcements"),
    "outbox": N_("E-mails"),
    "mail": N_("E-mails"),
    "policy": N_("Backup"),
    "backup": N_("Backup"),
    "update": N_("Updates"),
    "central": N_("Central settings"),
    "config": N_("Configuration"),
    "clock": N_("Clock"),
    "panel": N_("LEDs"),
    "line": N_("Lines"),
    "phone": N_("Phones"),
    "divert": N_("Divert on busy"),
}
"""What the first part of a code concerns."""


@needs(Permission.AUDIT)
async def show_audit(request: Request) -> Response:
    """Show the changes of some days, of one person where chosen."""
    zone, by = request.app.state.zone, request.query_params.get("by", "")[:80]
    today = datetime.now(zone).date()
    last = _day(request.query_params.get("until", ""), today)
    first = _day(request.query_params.get("since", ""), last - timedelta(days=SHOWN_DAYS))
    first = max(first, last - timedelta(days=LONGEST_DAYS))
    since, until = (
        datetime.combine(day, time(), zone) for day in (first, last + timedelta(days=1))
    )
    rows, people, names = await request.app.state.reading.do(
        lambda c: (database.between(c, since, until, by, MOST), database.who(c), _names(c))
    )
    say = request.state.speaker
    told = [
        (row.at, audit_who(row.by, say, names), sentence(row, say, names), row.corrected)
        for row in rows
    ]
    named = [(one, audit_who(one, say, names)) for one in people]
    values: dict[str, Any] = {"by": by, "since": first, "until": last, "most": MOST}
    return page(request, "accounts/audit.html", rows=told, people=named, **values)


def _names(connection: sqlite3.Connection) -> Names:
    units = {unit.code: unit.name for unit in directory.units(connection)}
    titles = {sheet.code: sheet.title for sheet in sheets.all_sheets(connection)}
    return Names(request_parts.names(connection), units, titles, WHAT)


def _day(text: str, otherwise: date) -> date:
    """Read a day of a form; what is none, or lies at the end of the calendar, is the other one."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return otherwise
    return day if 2000 <= day.year <= 9000 else otherwise


audit_routes: list[BaseRoute] = [Route("/audit", show_audit)]
audit_links = (Link("/audit", N_("Changes"), for_those_who_may(Permission.AUDIT), order=95),)


# ---- users -------------------------------------------------------------------------------------

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
async def show_users(request: Request) -> Response:
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


users_routes: list[BaseRoute] = [
    Route("/users", list_users, methods=["GET"]),
    Route("/users", add, methods=["POST"]),
    Route("/users/{name}", show_users, methods=["GET"]),
    Route("/users/{name}", change, methods=["POST"]),
    Route("/users/{name}/password", new_password, methods=["POST"]),
]
users_links = (Link("/users", N_("Users"), for_those_who_may(Permission.USERS), order=90),)


routes = [*accounts_routes, *audit_routes, *users_routes]


links = (*audit_links, *users_links)
