"""Users: home page, login, the first user, one's own account, and the list of users."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import anyio.to_thread
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from appliance.api.commands import AddFirstUser, AddUser, ChangeUser, SetPassword
from appliance.api.replies import FullStatus
from appliance.console.accounts import (
    Accounts,
    Busy,
    GuessLimit,
    TryLater,
    WrongLogin,
    ask_as_user,
    check_new_password,
    client_address,
    may,
    needs,
    send_patiently,
    signed_in_user,
    user_of,
    with_permission,
)
from appliance.console.call_bar import position_labels
from appliance.console.control_client import NotDone, ask, form_field, records_of
from appliance.console.guards import page_to_open
from appliance.console.say import N_
from appliance.console.templates import (
    DENSITIES,
    DENSITY_COOKIE,
    THEME_COOKIE,
    THEMES,
    PageLink,
    page,
)
from appliance.errors import CentralinoError, StoreError
from appliance.policy.address_book import to_check
from appliance.policy.users import (
    ROLE_WORDS,
    AccountError,
    Permission,
    Role,
    User,
    may_change_roles,
)
from appliance.store import address_book, directory
from appliance.store import users as kept
from appliance.text import LANGUAGES

LANGUAGE_COOKIE = "language"
LANGUAGE_COOKIE_S = 365 * 24 * 3600


async def home(request: Request) -> Response:
    """Show the home page: what waits for the user, and the pages that they may open."""
    return page(
        request,
        "home/home.html",
        may_follow=may(request, Permission.REQUESTS),
        is_technician=may(request, Permission.TECHNICAL),
        book_due=await _book_due(request),
    )


async def _book_due(request: Request) -> int:
    """Count the entries of the address book that the user has to check."""
    if not may(request, Permission.EDIT_BOOK):
        return 0
    today = datetime.now(request.app.state.zone).date()
    # The page is there without the database, too.
    try:
        entries = await records_of(request).read(address_book.all_entries)
    except StoreError:
        return 0
    return len(to_check(entries, today))


async def choose_language(request: Request) -> Response:
    """Keep the chosen language in a cookie and go back to the page."""
    form = await request.form()
    answer = RedirectResponse(local_path(str(form.get("next", "/"))), 303)
    # An unknown language is not kept.
    if (wanted := str(form.get("language", ""))) in LANGUAGES:
        secure = request.app.state.settings.is_secure
        answer.set_cookie(
            LANGUAGE_COOKIE, wanted, LANGUAGE_COOKIE_S, httponly=True, samesite="lax", secure=secure
        )
    return answer


async def choose_appearance(request: Request) -> Response:
    """Keep colours or density in a cookie and go back to the page."""
    form, secure = await request.form(), request.app.state.settings.is_secure
    answer = RedirectResponse(local_path(str(form.get("next", "/"))), 303)
    for name, known in ((THEME_COOKIE, THEMES), (DENSITY_COOKIE, DENSITIES)):
        # The form has one of both; what is not known is not kept.
        if name in form and (wanted := form_field(form, name)) in known:
            answer.set_cookie(
                name, wanted, LANGUAGE_COOKIE_S, httponly=True, samesite="lax", secure=secure
            )
    return answer


async def alive(_: Request) -> Response:
    """Answer a check that the console runs, without reading anything."""
    # Neither database nor session is read: it tells of the event loop alone.
    return PlainTextResponse("alive\n")


def local_path(path: str) -> str:
    """Return a path of this host, "/" for anything else."""
    # For a browser "//elsewhere" and "/\elsewhere" are other hosts.
    is_path = path.startswith("/") and path[1:2] not in ("/", "\\") and path.isprintable()
    return path if is_path else "/"


REFUSED: Final = 409
"""Status of NotDone for a refusal by call control, as opposed to a missing reply."""


WRONG_LOGIN: Final = N_("Wrong user name or password.")
BUSY: Final = N_("Too many people log in at once: try again in a few seconds.")
WRONG_PRESENT: Final = N_("The present password is wrong.")
PASSWORDS_DIFFER: Final = N_("The two passwords are not the same.")
SAME_PASSWORD: Final = N_("The new password is the same as the present one: choose another.")


async def show_login(request: Request) -> Response:
    """Ask for name and password; on an appliance without a user, for the first one."""
    # Nobody could log in: the first user is made with the code of the appliance.
    if not await _accounts(request).has_users():
        return RedirectResponse("/first", 303)
    # Why somebody who worked here must log in: a "page" was open, or a "form" was sent.
    ended, where = (request.query_params.get(name, "") for name in ("ended", "next"))
    where = local_path(where or "/")
    # Logged in again meanwhile, in another window.
    if ended and user_of(request) is not None:
        return RedirectResponse(page_to_open(request, where), 303)
    return page(request, "accounts/login.html", typed="", wrong="", next=where, ended=ended)


async def log_in(request: Request) -> Response:
    """Log in: begin a session under a new word."""
    form, accounts = await request.form(), _accounts(request)
    name, where = (
        form_field(form, "name").strip().lower(),
        local_path(form_field(form, "next") or "/"),
    )
    try:
        user, word = await accounts.log_in(
            name, form_field(form, "password"), client_address(request), request.state.word
        )
    except (WrongLogin, TryLater, Busy) as error:
        status, wrong = _refusal(request, error)
        values = {"typed": name, "wrong": wrong, "next": where, "ended": ""}
        return page(request, "accounts/login.html", status, **values)
    request.state.word = word
    to = page_to_open(request, where)
    return _with_language(request, RedirectResponse(to, 303), user.language)


async def logout(request: Request) -> Response:
    """Log out: end the session."""
    request.state.word = await _accounts(request).log_out(request.state.word)
    return RedirectResponse("/login", 303)


async def show_first(request: Request) -> Response:
    """Ask for the appliance's code and the first user; redirect to the login once there is one."""
    if await _accounts(request).has_users():
        return RedirectResponse("/login", 303)
    return page(request, "accounts/first.html", filled=_first_user_form({}), wrong="")


async def make_first(request: Request) -> Response:
    """Make the first user, and log that person in."""
    form, accounts = await request.form(), _accounts(request)
    name = form_field(form, "name").strip().lower()
    try:
        command = AddFirstUser(
            code=form_field(form, "code"),
            name=name,
            shown=form_field(form, "shown"),
            language=request.state.speaker.language,
            password=await _new_first_password(request, form, name),
        )
        await _ask_with_code(request, command)
        _, request.state.word = await accounts.log_in(
            name, form_field(form, "password"), client_address(request), request.state.word
        )
    except (NotDone, TryLater, Busy) as error:
        status, wrong = _refusal(request, error)
        return page(
            request, "accounts/first.html", status, filled=_first_user_form(form), wrong=wrong
        )
    # A disk that is full keeps nobody out: the first start is under its address all the same.
    with contextlib.suppress(OSError):
        await anyio.to_thread.run_sync(request.app.state.first_start.begin)
    # The home page leads on to it.
    return RedirectResponse("/", 303)


async def _new_first_password(request: Request, form: FormData, name: str) -> str:
    """Hash the first password; raises NotDone, TryLater after too many wrong codes, Busy."""
    # Counted by address: nobody can keep the form closed for others.
    guesses: GuessLimit = request.app.state.first_guesses
    # Before the hashing, which costs memory and time.
    if (wait := guesses.wait_s(client_address(request))) > 0:
        raise TryLater(wait)
    return await _new_password(request, form, name)


async def _ask_with_code(request: Request, command: AddFirstUser) -> None:
    try:
        await ask(request, command)
    except NotDone as error:
        # A missing reply is no wrong code.
        if error.status == REFUSED:
            request.app.state.first_guesses.wrong(client_address(request))
        raise


async def show_account(request: Request) -> Response:
    """Show one's own account."""
    return _account(request, where=local_path(request.query_params.get("next", "/")))


async def change_password(request: Request) -> Response:
    """Change one's own password; other sessions end, this one continues under a new word."""
    form, accounts, user = await request.form(), _accounts(request), signed_in_user(request)
    where = local_path(form_field(form, "next") or "/")
    try:
        # Somebody else at an open browser cannot change the password.
        await accounts.prove(user.name, form_field(form, "old"), client_address(request))
        # Whoever handed a password over must not know it afterwards.
        if form_field(form, "password") == form_field(form, "old"):
            raise NotDone(400, request.state.speaker(SAME_PASSWORD))
        kept = await _new_password(request, form, user.name)
        await ask_as_user(request, SetPassword(name=user.name, password=kept, must_change=False))
        # The new password has ended this session as well (the user's stamp).
        _, request.state.word = await accounts.log_in(
            user.name, form_field(form, "password"), client_address(request), request.state.word
        )
    except (NotDone, WrongLogin, TryLater, Busy) as error:
        # No user name was asked for.
        status, wrong = _refusal(request, error, WRONG_PRESENT)
        return _account(request, status, wrong=wrong, where=where)
    # Who had to change a given password goes on to the page that was wanted.
    to = page_to_open(request, where) if user.must_change else "/account?done=password"
    return RedirectResponse(to, 303)


async def change_language(request: Request) -> Response:
    """Change one's own language."""
    form, user = await request.form(), signed_in_user(request)
    language = form_field(form, "language")
    try:
        await ask_as_user(request, ChangeUser(name=user.name, language=language))
    except NotDone as error:
        return _account(request, error.status, wrong=str(error))
    _accounts(request).forget(user.name)
    return _with_language(request, RedirectResponse("/account?done=language", 303), language)


def _first_user_form(form: FormData | Mapping[str, Any]) -> dict[str, str]:
    """Return the fields of a refused form that are shown again, without passwords."""
    return {name: form_field(form, name) for name in ("code", "name", "shown")}


async def _new_password(request: Request, form: FormData, name: str) -> str:
    """Check a new password, typed twice, and hash it; raises NotDone, Busy."""
    password, say = form_field(form, "password"), request.state.speaker
    if password != form_field(form, "again"):
        raise NotDone(400, say(PASSWORDS_DIFFER))
    try:
        check_new_password(password, name)
    except AccountError as error:
        raise NotDone(400, say.words(error.words)) from error
    # Call control gets a hash and never a password (docs/design/processes.md).
    return await _accounts(request).hashed(password)


def _refusal(request: Request, error: CentralinoError, wrong: str = WRONG_LOGIN) -> tuple[int, str]:
    """Return status and sentence for a refused login or form."""
    say = request.state.speaker
    if isinstance(error, NotDone):
        return error.status, str(error)
    if isinstance(error, TryLater):
        # Delays grow up to a quarter of an hour.
        minutes = max(1, round(error.seconds / 60))
        return 429, say.plural(
            "Too many wrong passwords: try again in a minute.",
            "Too many wrong passwords: try again in {number} minutes.",
            minutes,
        )
    return (503, say(BUSY)) if isinstance(error, Busy) else (403, say(wrong))


def _account(request: Request, status: int = 200, wrong: str = "", where: str = "/") -> Response:
    done = request.query_params.get("done", "") if not wrong else ""
    return page(request, "accounts/account.html", status, wrong=wrong, done=done, next=where)


def _with_language(request: Request, answer: Response, language: str) -> Response:
    """Keep a person's language in a cookie of the browser."""
    if language in LANGUAGES:
        secure = request.app.state.settings.is_secure
        answer.set_cookie(
            LANGUAGE_COOKIE,
            language,
            LANGUAGE_COOKIE_S,
            httponly=True,
            samesite="lax",
            secure=secure,
        )
    return answer


def _accounts(request: Request) -> Accounts:
    accounts: Accounts = request.app.state.accounts
    return accounts


# Without i, l, o, 0 and 1: read aloud or copied from paper without a mistake.
ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"
"""Characters of a first password."""
GROUPS: Final = 4
"""Groups of four characters in a first password."""


@dataclass(frozen=True, slots=True)
class UserForm:
    """Fields of a user's form."""

    name: str = ""
    shown: str = ""
    roles: tuple[str, ...] = ()
    unit: str = ""
    position: str = ""
    language: str = ""


@needs(Permission.USERS)
async def list_users(request: Request) -> Response:
    """List all users, with a form for a new one."""
    return await _list(request)


@needs(Permission.USERS)
async def add(request: Request) -> Response:
    """Make a user, with a password that is shown once and must be changed at the first login."""
    filled = filled_user(await request.form())
    try:
        password = await add_user(request, filled)
    except NotDone as error:
        return await _list(request, error.status, filled, str(error))
    # In this answer and without a redirect: the password is kept nowhere.
    return await _list(request, told=(filled.name, password))


async def add_user(request: Request, filled: UserForm) -> str:
    """Make a user; return the password that is shown once. Raises NotDone."""
    password = _first_password()
    try:
        hashed = await _accounts(request).hashed(password)
        wish = AddUser(name=filled.name, password=hashed, **_changes(filled))
        await send_patiently(request, wish)
    except Busy as error:
        raise NotDone(_status(error), _said(request, error)) from error
    return password


@needs(Permission.USERS)
async def show_users(request: Request) -> Response:
    """Show one user with a form."""
    return await _show(request, await _user(request))


@needs(Permission.USERS)
async def change(request: Request) -> Response:
    """Change one user."""
    form, user = await request.form(), await _user(request)
    filled = filled_user(form)
    disabled = form_field(form, "disabled") == "1"
    try:
        wish = ChangeUser(name=user.name, disabled=disabled, **_changes(filled))
        await ask_as_user(request, wish)
    except NotDone as error:
        return await _show(request, user, error.status, filled, str(error))
    # The change holds at once, not after accounts.FRESH_S.
    _accounts(request).forget(user.name)
    return RedirectResponse("/users", 303)


@needs(Permission.USERS)
async def new_password(request: Request) -> Response:
    """Give a user a new password, shown once; ends the user's sessions."""
    user, password = await _user(request), _first_password()
    try:
        hashed = await _accounts(request).hashed(password)
        await ask_as_user(request, SetPassword(name=user.name, password=hashed))
    except (NotDone, Busy) as error:
        return await _show(request, user, _status(error), wrong=_said(request, error))
    _accounts(request).forget(user.name)
    return await _list(request, told=(user.name, password))


async def _list(
    request: Request,
    status: int = 200,
    filled: UserForm | None = None,
    wrong: str = "",
    told: tuple[str, str] | None = None,
) -> Response:
    everybody = await request.app.state.store.read(kept.everybody)
    values = {"users": everybody, "wrong": wrong, "told": told}
    choices = await new_user_values(request, filled or UserForm(), "/users")
    return page(request, "accounts/users.html", status, **values, **choices)


async def _show(
    request: Request, user: User, status: int = 200, filled: UserForm | None = None, wrong: str = ""
) -> Response:
    if filled is None:
        roles = tuple(role.value for role in Role if role in user.roles)
        filled = UserForm(user.name, user.shown, roles, user.unit, user.position, user.language)
    # A technician changes no supervisor's roles.
    can = may_change_roles(signed_in_user(request).roles, user.roles)
    values = {"one": user, "can": can, "wrong": wrong}
    choices = await new_user_values(request, filled)
    return page(request, "accounts/user.html", status, **values, **choices)


async def new_user_values(request: Request, filled: UserForm, add_at: str = "") -> dict[str, Any]:
    """Return the values of a user's form, a new one's is sent to `add_at`.

    They are roles that the user may give, offices, positions.
    """
    own = signed_in_user(request).roles
    # A technician makes no supervisor.
    offered = [(role.value, ROLE_WORDS[role]) for role in Role if may_change_roles(own, {role})]
    units = await request.app.state.store.read(directory.units)
    # The present office and position are among them, whatever became of that office or phone:
    # saving the form must not change them.
    offices = {filled.unit: filled.unit}
    offices |= {unit.code: unit.name for unit in units}
    status: FullStatus | None = request.app.state.feed.newest.status
    phones = {one.phone for one in status.positions} if status else set()
    labels = position_labels(status) if status else {}
    positions = sorted((phones | {filled.position}) - {""})
    return {
        "filled": filled,
        "roles": offered,
        "names": ROLE_WORDS,
        "offices": [(code, name) for code, name in offices.items() if code],
        "positions": [(phone, labels.get(phone, phone)) for phone in positions],
        "add_at": add_at,
    }


async def _user(request: Request) -> User:
    """Return the user whom the address names."""
    name = request.path_params["name"]
    found: User | None = await request.app.state.store.read(lambda c: kept.find_user(c, name))
    if found is None:
        raise HTTPException(404)
    return found


def filled_user(form: FormData) -> UserForm:
    """Return what a user's form holds."""
    roles = tuple(str(role) for role in form.getlist("roles"))
    name = form_field(form, "name").strip().lower()
    words = (form_field(form, key).strip() for key in ("unit", "position", "language"))
    return UserForm(name, form_field(form, "shown"), roles, *words)


def _changes(filled: UserForm) -> dict[str, Any]:
    return {
        "shown": filled.shown,
        "roles": tuple(role for role in Role if role in filled.roles),
        "unit": filled.unit,
        "position": filled.position,
        "language": filled.language,
    }


def _status(error: NotDone | Busy) -> int:
    return error.status if isinstance(error, NotDone) else 503


def _said(request: Request, error: NotDone | Busy) -> str:
    return str(error) if isinstance(error, NotDone) else request.state.speaker(BUSY)


def _first_password() -> str:
    # 16 of 31 characters: 79 bits.
    groups = ("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(GROUPS))
    return "-".join(groups)


routes: list[BaseRoute] = [
    Route("/", home),
    Route("/language", choose_language, methods=["POST"]),
    Route("/appearance", choose_appearance, methods=["POST"]),
    Route("/alive", alive),
    Route("/login", show_login, methods=["GET"]),
    Route("/login", log_in, methods=["POST"]),
    Route("/logout", logout, methods=["POST"]),
    Route("/first", show_first, methods=["GET"]),
    Route("/first", make_first, methods=["POST"]),
    Route("/account", show_account),
    Route("/account/password", change_password, methods=["POST"]),
    Route("/account/language", change_language, methods=["POST"]),
    Route("/users", list_users, methods=["GET"]),
    Route("/users", add, methods=["POST"]),
    Route("/users/{name}", show_users, methods=["GET"]),
    Route("/users/{name}", change, methods=["POST"]),
    Route("/users/{name}/password", new_password, methods=["POST"]),
]


links = (
    PageLink("/", N_("Home"), order=0),
    PageLink("/users", N_("Users"), with_permission(Permission.USERS), order=90),
)
