"""Request guards: host, origin and size of a request, session and form token, redirect to TLS.

Plain ASGI, not Starlette's middleware, so that a stream of events passes through untouched.
"""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final
from urllib.parse import quote, urlsplit

from python_multipart.exceptions import FormParserError
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from appliance.console.accounts import SESSION_WORD_BYTES, Accounts, new_session_word
from appliance.console.control_client import PERSON
from appliance.console.packing import is_token, masked
from appliance.console.say import N_
from appliance.policy.users import User
from appliance.policy.wall import SCREEN_PATH

# RequestGuard is the outer guard: host names, security headers, size and origin of a request.
# SessionGate, below, is the inner one: the user, the form's token, and who must log in first.

BODY_LIMIT: Final = 1_000_000
"""Longest body of a request, in bytes."""
# Half a minute of sound as it is recorded; an office's e-mail with its attachments.
LONGER_BODIES: Final = {"/announcements/": 3_000_000, "/register/": 5_100_000}
"""Longest body, in bytes, of pages that take more, by the beginning of their path."""
# Uploads are written to the disk as they come, never kept in memory. They carry their token in a
# header: to find it among a form's fields the whole form would have to be read.
BACKUP_UPLOAD: Final = "/plant/backup/upload"
"""Path that takes a whole backup."""
UPDATE_UPLOAD: Final = "/plant/updates/upload"
"""Path that takes a whole update."""
SETTINGS_UPLOAD: Final = "/central/upload"
"""Path that takes a file of the head office's settings."""
UPLOAD_LIMITS: Final = {
    BACKUP_UPLOAD: 16_000_000_000,
    UPDATE_UPLOAD: 2_000_000_000,
    SETTINGS_UPLOAD: 34_000_000,
}
UPLOAD_S: Final = 3600.0
"""Seconds that an upload may take to arrive."""
# They change nothing (RFC 9110, 9.2.1), so they need neither an origin nor a token.
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
CONTENT_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        # data: for the style sheet's own small pictures
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "media-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
"""Content security policy: nothing inline, no outside host."""
# Without Strict-Transport-Security (RFC 6797): with an authority of the appliance's own it would
# lock people out once the authority is made anew.
SECURITY_HEADERS: Final = {
    "content-security-policy": CONTENT_POLICY,
    "x-content-type-options": "nosniff",
    # Not no-referrer: browsers would then send "Origin: null" with our own forms.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    # Announcements are dictated at a phone: no page needs the browser's microphone.
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
"""Headers of every answer that does not set them itself."""

# Answers with an error page; arguments: status and an English sentence of the catalogues.
Refuse = Callable[[Scope, Receive, Send, int, str], Awaitable[None]]
UNKNOWN_HOST: Final = "This address is none of this box's."
FOREIGN_ORIGIN: Final = "This request came from another site and was not carried out."
TOO_LONG: Final = "What was sent is too long."
TOO_SLOW: Final = "What was sent took too long to arrive."
# A client that sends a byte now and then must not hold a request open.
BODY_S: Final = 30.0
"""Seconds that a body may take to arrive."""


class RequestGuard:
    """Middleware that refuses a foreign host, a foreign origin and a body over its limits."""

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
        # Against DNS rebinding: a foreign name that resolves to this appliance.
        if not is_own_host(host, self._names):
            return 400, UNKNOWN_HOST
        if scope["method"] not in SAFE_METHODS and not is_same_origin(headers, host):
            return 403, FOREIGN_ORIGIN
        length = headers.get("content-length", "0")
        # Twelve digits exceed every limit; a longer text need not be converted. The body itself
        # is counted, too (_limited_body).
        if not length.isdecimal() or int(length[:12]) > body_limit(scope):
            return 413, TOO_LONG
        return None


def is_own_host(host: str, names: frozenset[str]) -> bool:
    """Tell whether a Host header names this appliance: one of its names, or any address."""
    name = urlsplit(f"//{host}").hostname if _is_plain(host) else None
    if not name:
        return False
    if name in names or name == "localhost":
        return True
    # Any address is right: it is the one that the browser really went to, which no name that
    # resolves to this appliance can forge (DNS rebinding).
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_plain(host: str) -> bool:
    # These characters would end the host for urlsplit; it raises ValueError for a lone bracket.
    return bool(host) and not set(host) & set("/@?#\\ ,") and host.count("[") == host.count("]")


def is_same_origin(headers: Headers, host: str) -> bool:
    """Tell whether a changing request comes from a page of this host."""
    site = headers.get("sec-fetch-site")
    # "none": a person opened it, no page did (Fetch Metadata).
    if site is not None and site not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    # Browsers name the origin of every such request; a programme that names none has no cookies
    # of a person's to misuse.
    return origin is None or urlsplit(origin).netloc.lower() == host.lower()


def _with_security_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            # Static files and downloads set some of them themselves (templates.py).
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
            # Pages of names and numbers stay in no browser's cache.
            headers.setdefault("cache-control", "no-store")
        await send(message)

    return sending


class BodyRefused(Exception):  # noqa: N818 - reads as what it is
    """Raised while reading a body that is longer or slower than allowed; `status`, `why`."""

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
    """Tell whether a body is a file that the console's own script uploads."""
    return scope["path"] in UPLOAD_LIMITS and "x-csrf-token" in Headers(scope=scope)


def _limited_body(receive: Receive, limit: int, limit_s: float) -> Receive:
    taken, until, has_ended = 0, time.monotonic() + limit_s, False

    async def receiving() -> Message:
        nonlocal taken, has_ended
        # After the body, `receive` waits for the browser to disconnect: no limit (EventStream).
        if has_ended:
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), max(0.0, until - time.monotonic()))
        except TimeoutError:
            raise BodyRefused(408, TOO_SLOW) from None
        taken += len(message.get("body", b""))
        has_ended = not message.get("more_body", False)
        # A client that does not say how much it sends is stopped when it is too much.
        if taken > limit:
            raise BodyRefused(413, TOO_LONG)
        return message

    return receiving


def redirect_to_tls(names: tuple[str, ...], port: int) -> ASGIApp:
    """Make an application that redirects every request for this appliance to its TLS port."""
    known = frozenset(name.lower() for name in names)
    end = "" if port == 443 else f":{port}"

    async def redirecting(scope: Scope, receive: Receive, send: Send) -> None:
        host = Headers(scope=scope).get("host", "")
        if not is_own_host(host, known):
            # A foreign host's name is not repeated in a redirect.
            await PlainTextResponse("no such host\n", 400)(scope, receive, send)
            return
        name = urlsplit(f"//{host}").hostname or ""
        # urlsplit takes the brackets of an IPv6 address off.
        name = f"[{name}]" if ":" in name else name
        query = scope["query_string"].decode("latin-1")
        path = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
        # 308 keeps the request's method (RFC 9110, 15.4.9).
        await RedirectResponse(f"https://{name}{end}{path}", 308)(scope, receive, send)

    return redirecting


LONGEST_NUMBER: Final = 20


def has_expired(expires: str, now: float) -> bool:
    """Tell whether a form arrives after its time limit; "" sets no limit.

    `expires` and `now` are seconds of the appliance's monotonic clock, which the page knows from
    the beats of its event stream (live.py).
    """
    if not expires:
        return False
    try:
        # Written with "not": "nan" has expired, too.
        return len(expires) > LONGEST_NUMBER or not now <= float(expires)
    except ValueError:
        return True


# Pages open without a login; every other page needs one.
PUBLIC: Final = frozenset(
    {"/", "/login", "/first", "/logout", "/language", "/alive", "/ca.crt", "/help"}
)
# Below /done/ and /screen/ the address itself is the secret (pages/requests.py, pages/wall.py).
# Folders open without a login.
OPEN_FOLDERS: Final = ("/static/", "/done/", "/help/", SCREEN_PATH)
# A screen on a wall is nobody's browser: it has no session and gets no cookie.
UNTOUCHED: Final = ("/static/", "/help/", "/alive", "/ca.crt", SCREEN_PATH)
"""Paths for which no session is looked up and no cookie set."""
# Pages open to a user who must first choose a password.
WHILE_CHANGING: Final = frozenset(
    {"/account", "/account/password", "/logout", "/language", "/appearance", "/help"}
)
# Types that scripts accept: a login page is of no use to them.
SCRIPT_TYPES: Final = ("text/event-stream", "application/json")
STALE_FORM: Final = N_("This form is of an older visit: open the page again and repeat it.")
TOO_LATE: Final = N_("Not done: this came too late, the connection was interrupted. Do it again.")
LONGEST_WORD: Final = 64


def cookie_name(is_secure: bool) -> str:
    """Return the name of the session's cookie."""
    # The prefix binds it to this host, and to TLS (RFC 6265bis 4.1.3.2).
    return "__Host-centralino" if is_secure else "centralino"


class SessionGate:
    """Middleware that puts `user`, `csrf` and `word` into each request's state.

    A page that begins or ends a session puts a new word there, for the browser's cookie.
    """

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
        # Every command that this request sends names the person: call control checks it itself.
        PERSON.set(user.name if user else "")
        state: MutableMapping[str, Any] = scope.setdefault("state", {})
        own_token = accounts.sessions.token_of(word)
        # A word that no login gave is nobody's: a cookie that an attacker has planted opens
        # nothing.
        state.update(user=user, word=word, csrf=masked(own_token))
        send = _with_cookie(send, state, had, is_secure)
        # The body is read here, outside Starlette and its handlers of errors.
        try:
            receive, token, expires = await _token_and_expiry(scope, receive)
        except BodyRefused as error:
            await self._refuse(scope, receive, send, error.status, error.why)
            return
        # The token first: forms without a session, such as the login, need it, too.
        is_safe = scope["method"] in SAFE_METHODS
        if not is_safe and not is_token(token, own_token) and not _is_logged_out(request, user):
            await self._refuse(scope, receive, send, 403, STALE_FORM)
        elif not is_safe and has_expired(expires, time.monotonic()):
            # Sent before an interruption of the network: what a person wanted then may be wrong
            # now.
            await self._late(scope, receive, send)
        elif (elsewhere := _redirect_first(request, state)) is not None:
            await elsewhere(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _late(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a form that was sent before an interruption of the network, and arrives after."""
        request = Request(scope)
        if not _is_by_script(request):
            await self._refuse(scope, receive, send, 408, TOO_LATE)
            return
        said = request.state.speaker(TOO_LATE)
        answer = JSONResponse({"done": False, "said": said, "undo": None}, 408)
        await answer(scope, receive, send)


def _is_session_word(word: str) -> bool:
    """Tell whether a cookie has the form of a session's word; any other is replaced."""
    return SESSION_WORD_BYTES < len(word) <= LONGEST_WORD and word.isascii() and word.isprintable()


def _is_logged_out(request: Request, user: User | None) -> bool:
    """Tell whether a form comes from a page whose session has ended: it is led to the login."""
    # Its token ended with the session: logged out in another window, or by a new password.
    return user is None and _needs_login(request.url.path)


def _needs_login(path: str) -> bool:
    return path not in PUBLIC and not path.startswith(OPEN_FOLDERS)


def _redirect_first(request: Request, state: MutableMapping[str, Any]) -> Response | None:
    """Return the redirect to login or new password; None where the page may be opened."""
    path, user = request.url.path, state["user"]
    if user is None:
        return _to_login(request) if _needs_login(path) else None
    if user.must_change and path not in WHILE_CHANGING:
        return _to_new_password(request)
    return None


def _to_new_password(request: Request) -> Response:
    """Redirect to the form for a new password; a script gets 403."""
    if not _is_by_script(request):
        # The page that was wanted opens after the change.
        wanted = _wanted(request) if request.method == "GET" else page_before(request)
        return RedirectResponse("/account" + (f"?next={wanted}" if wanted != "/" else ""), 303)
    # A script that followed the redirect would put the whole page into a corner of its own. On
    # the form's page itself it gets no redirect: the page would reload while somebody types.
    shown = urlsplit(request.headers.get("hx-current-url", "")).path
    leads = {} if shown in WHILE_CHANGING else {"HX-Redirect": "/account"}
    return Response(status_code=403, headers=leads)


def _is_by_script(request: Request) -> bool:
    return "hx-request" in request.headers or request.headers.get("accept") in SCRIPT_TYPES


def _to_login(request: Request) -> Response:
    """Redirect to the login, which leads back; a script gets 401."""
    # A script's page was open, and a form was sent: a session has ended, the login says so.
    before = quote(page_before(request), safe="/")
    if _is_by_script(request):
        target = f"/login?ended=page&next={before}"
        return Response(status_code=401, headers={"HX-Redirect": target})
    if request.method == "GET":
        # The page that was wanted opens after the login.
        return RedirectResponse(f"/login?next={_wanted(request)}", 303)
    # A form is not sent again: the page that it came from opens, and its script fills it in.
    return RedirectResponse(f"/login?ended=form&next={before}", 303)


def _wanted(request: Request) -> str:
    """Return the address of a page, as the value of another one's query."""
    query = f"?{request.url.query}" if request.url.query else ""
    return quote(request.url.path + query, safe="/")


def page_before(request: Request) -> str:
    """Return the page from which a form was sent, as its browser says; "/" where it is unknown."""
    said = request.headers.get("hx-current-url") or request.headers.get("referer", "")
    try:
        came = urlsplit(said)
    except ValueError:
        return "/"
    # Only a page of this host, and only its path: nobody is led elsewhere.
    if came.netloc.lower() != request.headers.get("host", "").lower() or not came.path:
        return "/"
    return page_to_open(request, came.path + (f"?{came.query}" if came.query else ""))


def page_to_open(request: Request, wanted: str) -> str:
    """Return a page's address, or that of the next one above it where it takes forms alone."""
    path, mark, query = wanted.partition("?")
    # A form that was refused is shown at the form's own address, such as /requests/1/close.
    while path and _takes_forms_alone(request, path):
        path, mark, query = path.rpartition("/")[0], "", ""
    return f"{path}{mark}{query}" or "/"


def _takes_forms_alone(request: Request, path: str) -> bool:
    scope = {"type": "http", "method": "GET", "path": path, "root_path": "", "headers": []}
    matches = [route.matches(scope)[0] for route in request.app.routes]
    return Match.PARTIAL in matches and Match.FULL not in matches


def _with_cookie(send: Send, state: MutableMapping[str, Any], had: str, is_secure: bool) -> Send:
    """Set the browser's cookie with the answer, where the browser has another word."""

    async def sending(message: Message) -> None:
        # Compared when the answer begins: the page may have begun or ended a session.
        if message["type"] == "http.response.start" and state["word"] != had:
            # Without an age: it ends with the browser. SameSite=Strict: no other site acts in its
            # name.
            flags = "; Path=/; HttpOnly; SameSite=Strict" + ("; Secure" if is_secure else "")
            cookie = f"{cookie_name(is_secure)}={state['word']}{flags}"
            MutableHeaders(scope=message).append("set-cookie", cookie)
        await send(message)

    return sending


async def _token_and_expiry(scope: Scope, receive: Receive) -> tuple[Receive, object, str]:
    """Return a `receive` that yields the body again, a form's token and its time limit."""
    request = Request(scope, receive)
    token: object = request.headers.get("x-csrf-token")
    expires = request.headers.get("x-expires", "")
    # Scripts send the token in a header: the body of an upload stays unread.
    if scope["method"] in SAFE_METHODS or token is not None:
        return receive, token, expires
    body = await request.body()
    token, expires = await _form_token_and_expiry(Request(scope, _replayed(body)))
    return _replayed(body), token, expires


async def _form_token_and_expiry(request: Request) -> tuple[object, str]:
    """Return the token and the time limit of a form; none for a malformed one."""
    try:
        async with request.form(max_files=20) as form:
            return form.get("csrf"), str(form.get("expires", ""))
    # Debian 13's Starlette lets FormParserError through.
    except (HTTPException, FormParserError):
        return None, ""


def _replayed(body: bytes) -> Receive:
    """Make a `receive` that yields a body that was read already, once."""
    left = [body]

    async def receiving() -> Message:
        if left:
            return {"type": "http.request", "body": left.pop(), "more_body": False}
        return {"type": "http.disconnect"}

    return receiving
