"""Stands before every page: who asks, whether a form is of this browser's, who must log in first.

Plain ASGI, so that a stream of events passes through untouched.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final
from urllib.parse import quote, urlsplit

from python_multipart.exceptions import FormParserError
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from appliance.console.accounts.keeper import Accounts
from appliance.console.accounts.sessions import WORD_BYTES, new_word
from appliance.console.desk import PERSON
from appliance.console.guard import SAFE_METHODS, TooLong
from appliance.console.say import N_
from appliance.console.streaming import has_expired

PUBLIC: Final = frozenset({"/", "/login", "/first", "/logout", "/language", "/alive", "/ca.crt"})
"""Pages for who has not logged in; every other one is for those who have."""
OPEN_FOLDERS: Final = ("/static/", "/done/")
"""Open to everybody: below `/done/` the address itself is the secret (pages/done.py)."""
UNTOUCHED: Final = ("/static/", "/alive", "/ca.crt")
"""What needs nobody: no session is looked up, no cookie set."""
WHILE_CHANGING: Final = frozenset({"/account", "/account/password", "/logout", "/language"})
"""What is open to somebody who must first choose a password."""
SCRIPTS: Final = ("text/event-stream", "application/json")
"""What a script accepts, which no login page helps."""
STALE: Final = N_("This form is of an older visit: open the page again and repeat it.")
LATE: Final = N_("Not done: this came too late, the connection was interrupted. Do it again.")
LONGEST_WORD: Final = 64

Refuse = Callable[[Scope, Receive, Send, int, str], Awaitable[None]]


def cookie_name(is_secure: bool) -> str:
    """Name the cookie; the prefix binds it to this host, by TLS alone (RFC 6265bis 4.1.3.2)."""
    return "__Host-centralino" if is_secure else "centralino"


class Doorkeeper:
    """Puts `user`, `csrf` and `word` into each request's state; a page may give a new word."""

    def __init__(self, app: ASGIApp, refuse: Refuse) -> None:
        self._app = app
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"].startswith(UNTOUCHED):
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        accounts: Accounts = request.app.state.accounts
        is_secure = request.app.state.settings.is_secure
        had = request.cookies.get(cookie_name(is_secure), "")
        word = had if _is_word(had) else new_word()
        user = await accounts.who(word)
        PERSON.set(user.name if user else "")
        state: MutableMapping[str, Any] = scope.setdefault("state", {})
        state.update(user=user, word=word, csrf=accounts.sessions.token_of(word))
        send = _with_cookie(send, state, had, is_secure)
        try:
            receive, token, expires = await _sent(scope, receive)
        except TooLong as error:
            await self._refuse(scope, receive, send, error.status, error.why)
            return
        is_safe = scope["method"] in SAFE_METHODS
        if not is_safe and not _is_right(token, state["csrf"]):
            await self._refuse(scope, receive, send, 403, STALE)
        elif not is_safe and has_expired(expires, time.monotonic()):
            await self._late(scope, receive, send)
        elif (elsewhere := _elsewhere(request, state)) is not None:
            await elsewhere(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _late(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what was sent before the network stood still and arrives after it."""
        request = Request(scope)
        if not _is_by_script(request):
            await self._refuse(scope, receive, send, 408, LATE)
            return
        said = request.state.speaker(LATE)
        answer = JSONResponse({"done": False, "said": said, "undo": None}, 408)
        await answer(scope, receive, send)


def _is_word(word: str) -> bool:
    """Tell whether a cookie is such as we give: whoever has another one gets a new one."""
    return WORD_BYTES < len(word) <= LONGEST_WORD and word.isascii() and word.isprintable()


def _elsewhere(request: Request, state: MutableMapping[str, Any]) -> Response | None:
    """Say where somebody must go first; None for where they want to be."""
    path, user = request.url.path, state["user"]
    if user is None:
        return None if path in PUBLIC or path.startswith(OPEN_FOLDERS) else _to_login(request)
    if user.must_change and path not in WHILE_CHANGING:
        return _to_account(request)
    return None


def _to_account(request: Request) -> Response:
    """Lead to the new password; what a script asks for beside that page is answered with nothing.

    A script that followed the redirect would put the whole page into a corner of itself.
    """
    if not _is_by_script(request):
        return RedirectResponse("/account", 303)
    shown = urlsplit(request.headers.get("hx-current-url", "")).path
    leads = {} if shown in WHILE_CHANGING else {"HX-Redirect": "/account"}
    return Response(status_code=403, headers=leads)


def _is_by_script(request: Request) -> bool:
    return "hx-request" in request.headers or request.headers.get("accept") in SCRIPTS


def _to_login(request: Request) -> Response:
    """Lead to the login and back; what a script asks is told so."""
    target = "/login"
    if request.method == "GET":
        query = f"?{request.url.query}" if request.url.query else ""
        target += f"?next={quote(request.url.path + query, safe='/')}"
    if _is_by_script(request):
        return Response(status_code=401, headers={"HX-Redirect": "/login"})
    return RedirectResponse(target, 303)


def _with_cookie(send: Send, state: MutableMapping[str, Any], had: str, is_secure: bool) -> Send:
    """Give the browser its word with the answer, where it has another one.

    Without an age: it ends with the browser. SameSite=Strict: no other site acts in its name.
    """

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start" and state["word"] != had:
            flags = "; Path=/; HttpOnly; SameSite=Strict" + ("; Secure" if is_secure else "")
            cookie = f"{cookie_name(is_secure)}={state['word']}{flags}"
            MutableHeaders(scope=message).append("set-cookie", cookie)
        await send(message)

    return sending


async def _sent(scope: Scope, receive: Receive) -> tuple[Receive, object, str]:
    """Return the token and the time limit that a form carries, and how to read it again."""
    request = Request(scope, receive)
    token: object = request.headers.get("x-csrf-token")
    expires = request.headers.get("x-expires", "")
    if scope["method"] in SAFE_METHODS or token is not None:
        return receive, token, expires
    body = await request.body()
    token, expires = await _in_form(Request(scope, _again(body)))
    return _again(body), token, expires


def _is_right(given: object, token: str) -> bool:
    """Tell whether what is asked carries this browser's token."""
    return isinstance(given, str) and given.isascii() and secrets.compare_digest(given, token)


async def _in_form(request: Request) -> tuple[object, str]:
    """Return the token and the limit in a form; none where it is no form that can be read."""
    try:
        async with request.form(max_files=20) as form:
            return form.get("csrf"), str(form.get("expires", ""))
    except (HTTPException, FormParserError):  # Debian 13's Starlette lets the latter through
        return None, ""


def _again(body: bytes) -> Receive:
    """Let a body that was read be read once more."""
    left = [body]

    async def receiving() -> Message:
        if left:
            return {"type": "http.request", "body": left.pop(), "more_body": False}
        return {"type": "http.disconnect"}

    return receiving
