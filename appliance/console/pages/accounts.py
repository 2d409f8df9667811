"""Logging in and out, the first user of all, one's own account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from appliance.console.accounts.guesses import Guesses
from appliance.console.accounts.keeper import Accounts, TryLater, Wrong
from appliance.console.accounts.passwords import check_new
from appliance.console.accounts.rights import somebody
from appliance.console.accounts.turns import Busy
from appliance.console.asking import NotDone, ask
from appliance.console.pages.home import LANGUAGE_COOKIE, YEAR_S, local
from appliance.console.say import LANGUAGES, N_
from appliance.console.templates import page
from appliance.errors import CentralinoError
from appliance.policy.users import AccountError

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
    except (Wrong, TryLater, Busy) as error:
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
    except (NotDone, Wrong, TryLater, Busy) as error:
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


routes: list[BaseRoute] = [
    Route("/login", login, methods=["GET"]),
    Route("/login", log_in, methods=["POST"]),
    Route("/logout", logout, methods=["POST"]),
    Route("/first", first, methods=["GET"]),
    Route("/first", make_first, methods=["POST"]),
    Route("/account", account),
    Route("/account/password", change_password, methods=["POST"]),
    Route("/account/language", change_language, methods=["POST"]),
]
