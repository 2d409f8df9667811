"""Request guards: host, origin and size of a request, session and form token, redirect to TLS.

Plain ASGI, not Starlette's middleware, so that a stream of events passes through untouched.
"""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final
from urllib.parse import quote, urlsplit

from python_multipart.exceptions import FormParserError
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from appliance.console.accounts import SESSION_WORD_BYTES, Accounts, new_session_word
from appliance.console.control_client import PERSON
from appliance.console.say import N_

# The outer guard: known host names, headers, the size of a request, its origin.

BODY_LIMIT: Final = 1_000_000
"""Longest body of a request, in bytes."""
LONGER_BODIES: Final = {"/announcements/": 3_000_000, "/register/": 5_100_000}
"""Pages that take more, by how their addresses begin: half a minute of sound as it is recorded, an
office's e-mail with what is attached to it."""
BACKUP_UPLOAD: Final = "/plant/backup/upload"
"""Takes a whole backup: written to the disk as it comes, never kept in memory.

Only with its token in a header: a form's fields would have to be read whole to find it.
"""
UPDATE_UPLOAD: Final = "/plant/updates/upload"
"""Takes a whole update, likewise."""
SETTINGS_UPLOAD: Final = "/central/upload"
"""Takes a file of central settings, likewise."""
UPLOAD_LIMITS: Final = {
    BACKUP_UPLOAD: 16_000_000_000,
    UPDATE_UPLOAD: 2_000_000_000,
    SETTINGS_UPLOAD: 34_000_000,
}
UPLOAD_S: Final = 3600.0
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
CONTENT_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",  # the style sheet's own small pictures
        "font-src 'self'",
        "connect-src 'self'",
        "media-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
"""Content security policy: nothing inline, no outside host."""
SECURITY_HEADERS: Final = {
    "content-security-policy": CONTENT_POLICY,
    "x-content-type-options": "nosniff",
    # not no-referrer: browsers would then send "Origin: null" with our own forms
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
"""No Strict-Transport-Security (RFC 6797): with an authority of one's own it would lock people out
after the authority was made anew."""

Refuse = Callable[[Scope, Receive, Send, int, str], Awaitable[None]]
"""Answers with an error page: status and an English sentence of the catalogues."""
UNKNOWN_HOST: Final = "This address is none of this box's."
FOREIGN_ORIGIN: Final = "This request came from another site and was not carried out."
TOO_LONG: Final = "What was sent is too long."
TOO_SLOW: Final = "What was sent took too long to arrive."
BODY_S: Final = 30.0
"""How long a body may take to arrive: who sends a byte now and then is not waited for."""


class RequestGuard:
    """Lets through what is asked of this appliance, from its own pages, in a bearable size."""

    def __init__(self, app: ASGIApp, names: tuple[str, ...], refuse: Refuse) -> None:
        self._app = app
        self._names = frozenset(name.lower() for name in names)
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        send = _with_security_headers(send)
        refused = self._why_not(scope)
        if refused is None:
            limit_s = UPLOAD_S if is_upload(scope) else BODY_S
            await self._app(scope, _limited_body(receive, body_limit(scope), limit_s), send)
        else:
            await self._refuse(scope, receive, send, *refused)

    def _why_not(self, scope: Scope) -> tuple[int, str] | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not is_own_host(host, self._names):
            return 400, UNKNOWN_HOST
        if scope["method"] not in SAFE_METHODS and not is_same_origin(headers, host):
            return 403, FOREIGN_ORIGIN
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length[:12]) > body_limit(scope):
            return 413, TOO_LONG
        return None


def is_own_host(host: str, names: frozenset[str]) -> bool:
    """Tell whether a Host header names this appliance: one of its names, or any address.

    An address cannot be forged by a name that resolves to this appliance (DNS rebinding): it is
    then the address that the browser really went to.
    """
    name = urlsplit(f"//{host}").hostname if _is_plain(host) else None
    if not name:
        return False
    if name in names or name == "localhost":
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_plain(host: str) -> bool:
    return bool(host) and not set(host) & set("/@?#\\ ,") and host.count("[") == host.count("]")


def is_same_origin(headers: Headers, host: str) -> bool:
    """Tell whether a changing request comes from a page of this host.

    Browsers name the origin of every such request; a programme that names none has no cookies of a
    person's to misuse.
    """
    site = headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc.lower() == host.lower()


def _with_security_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("cache-control", "no-store")
        await send(message)

    return sending


class BodyRefused(Exception):  # noqa: N818 - reads as what it is
    """Raised out of a body that is longer than allowed, or slower: `status` and `why`."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status, self.why = status, why


def body_limit(scope: Scope) -> int:
    """Return the longest body that a page takes, in bytes."""
    path = str(scope["path"])
    if is_upload(scope):
        return UPLOAD_LIMITS[path]
    return next(
        (most for begin, most in LONGER_BODIES.items() if path.startswith(begin)), BODY_LIMIT
    )


def is_upload(scope: Scope) -> bool:
    """Tell whether a body is a backup or an update that a script of ours sends."""
    return scope["path"] in UPLOAD_LIMITS and "x-csrf-token" in Headers(scope=scope)


def _limited_body(receive: Receive, limit: int, limit_s: float) -> Receive:
    taken, until, has_ended = 0, time.monotonic() + limit_s, False

    async def receiving() -> Message:
        nonlocal taken, has_ended
        if has_ended:  # whoever waits now waits for the browser to leave
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), max(0.0, until - time.monotonic()))
        except TimeoutError:
            raise BodyRefused(408, TOO_SLOW) from None
        taken += len(message.get("body", b""))
        has_ended = not message.get("more_body", False)
        if taken > limit:
            raise BodyRefused(413, TOO_LONG)
        return message

    return receiving


def redirect_to_tls(names: tuple[str, ...], port: int) -> ASGIApp:
    """Make an application that sends every visitor of this appliance to its secure port."""
    known = frozenset(name.lower() for name in names)
    end = "" if port == 443 else f":{port}"

    async def redirecting(scope: Scope, receive: Receive, send: Send) -> None:
        host = Headers(scope=scope).get("host", "")
        if not is_own_host(host, known):
            await PlainTextResponse("no such host\n", 400)(scope, receive, send)
            return
        name = urlsplit(f"//{host}").hostname or ""
        name = f"[{name}]" if ":" in name else name
        query = scope["query_string"].decode("latin-1")
        path = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
        await RedirectResponse(f"https://{name}{end}{path}", 308)(scope, receive, send)

    return redirecting


LONGEST_NUMBER: Final = 20


def has_expired(expires: str, now: float) -> bool:
    """Tell whether what a page sent is older than it may be; "" is what sets no limit."""
    if not expires:
        return False
    try:
        return len(expires) > LONGEST_NUMBER or not now <= float(expires)
    except ValueError:
        return True


# The session gate: the user of a request, the token of a form, and who must sign in first.

PUBLIC: Final = frozenset({"/", "/login", "/first", "/logout", "/language", "/alive", "/ca.crt"})
"""Pages for who has not logged in; every other one is for those who have."""
OPEN_FOLDERS: Final = ("/static/", "/done/")
"""Open to everybody: below `/done/` the address itself is the secret (pages/requests.py)."""
UNTOUCHED: Final = ("/static/", "/alive", "/ca.crt")
"""What needs nobody: no session is looked up, no cookie set."""
WHILE_CHANGING: Final = frozenset({"/account", "/account/password", "/logout", "/language"})
"""What is open to somebody who must first choose a password."""
SCRIPT_TYPES: Final = ("text/event-stream", "application/json")
"""What a script accepts, which no login page helps."""
STALE_FORM: Final = N_("This form is of an older visit: open the page again and repeat it.")
TOO_LATE: Final = N_("Not done: this came too late, the connection was interrupted. Do it again.")
LONGEST_WORD: Final = 64


def cookie_name(is_secure: bool) -> str:
    """Name the cookie; the prefix binds it to this host, by TLS alone (RFC 6265bis 4.1.3.2)."""
    return "__Host-centralino" if is_secure else "centralino"


class SessionGate:
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
        word = had if _is_session_word(had) else new_session_word()
        user = await accounts.who(word)
        PERSON.set(user.name if user else "")
        state: MutableMapping[str, Any] = scope.setdefault("state", {})
        state.update(user=user, word=word, csrf=accounts.sessions.token_of(word))
        send = _with_cookie(send, state, had, is_secure)
        try:
            receive, token, expires = await _token_and_expiry(scope, receive)
        except BodyRefused as error:
            await self._refuse(scope, receive, send, error.status, error.why)
            return
        is_safe = scope["method"] in SAFE_METHODS
        if not is_safe and not _is_right_token(token, state["csrf"]):
            await self._refuse(scope, receive, send, 403, STALE_FORM)
        elif not is_safe and has_expired(expires, time.monotonic()):
            await self._late(scope, receive, send)
        elif (elsewhere := _redirect_first(request, state)) is not None:
            await elsewhere(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _late(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what was sent before the network stood still and arrives after it."""
        request = Request(scope)
        if not _is_by_script(request):
            await self._refuse(scope, receive, send, 408, TOO_LATE)
            return
        said = request.state.speaker(TOO_LATE)
        answer = JSONResponse({"done": False, "said": said, "undo": None}, 408)
        await answer(scope, receive, send)


def _is_session_word(word: str) -> bool:
    """Tell whether a cookie is such as we give: whoever has another one gets a new one."""
    return SESSION_WORD_BYTES < len(word) <= LONGEST_WORD and word.isascii() and word.isprintable()


def _redirect_first(request: Request, state: MutableMapping[str, Any]) -> Response | None:
    """Say where somebody must go first; None for where they want to be."""
    path, user = request.url.path, state["user"]
    if user is None:
        return None if path in PUBLIC or path.startswith(OPEN_FOLDERS) else _to_login(request)
    if user.must_change and path not in WHILE_CHANGING:
        return _to_new_password(request)
    return None


def _to_new_password(request: Request) -> Response:
    """Lead to the new password; what a script asks for beside that page is answered with nothing.

    A script that followed the redirect would put the whole page into a corner of itself.
    """
    if not _is_by_script(request):
        return RedirectResponse("/account", 303)
    shown = urlsplit(request.headers.get("hx-current-url", "")).path
    leads = {} if shown in WHILE_CHANGING else {"HX-Redirect": "/account"}
    return Response(status_code=403, headers=leads)


def _is_by_script(request: Request) -> bool:
    return "hx-request" in request.headers or request.headers.get("accept") in SCRIPT_TYPES


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


async def _token_and_expiry(scope: Scope, receive: Receive) -> tuple[Receive, object, str]:
    """Return the token and the time limit that a form carries, and how to read it again."""
    request = Request(scope, receive)
    token: object = request.headers.get("x-csrf-token")
    expires = request.headers.get("x-expires", "")
    if scope["method"] in SAFE_METHODS or token is not None:
        return receive, token, expires
    body = await request.body()
    token, expires = await _form_token_and_expiry(Request(scope, _replayed(body)))
    return _replayed(body), token, expires


def _is_right_token(given: object, token: str) -> bool:
    """Tell whether what is asked carries this browser's token."""
    return isinstance(given, str) and given.isascii() and secrets.compare_digest(given, token)


async def _form_token_and_expiry(request: Request) -> tuple[object, str]:
    """Return the token and the limit in a form; none where it is no form that can be read."""
    try:
        async with request.form(max_files=20) as form:
            return form.get("csrf"), str(form.get("expires", ""))
    except (HTTPException, FormParserError):  # Debian 13's Starlette lets the latter through
        return None, ""


def _replayed(body: bytes) -> Receive:
    """Let a body that was read be read once more."""
    left = [body]

    async def receiving() -> Message:
        if left:
            return {"type": "http.request", "body": left.pop(), "more_body": False}
        return {"type": "http.disconnect"}

    return receiving
