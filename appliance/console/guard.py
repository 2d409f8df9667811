"""What stands before every page: known host names, headers, the size of a request, its origin.

Plain ASGI, so that a stream of events passes through untouched. Who asks is the accounts' business.
"""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_LIMIT: Final = 1_000_000
"""Longest body of a request, in bytes."""
LONGER: Final = {"/announcements/": 3_000_000, "/register/": 5_100_000}
"""Pages that take more, by how their addresses begin: half a minute of sound as it is recorded, an
office's e-mail with what is attached to it."""
UPLOAD: Final = "/plant/backup/upload"
"""Takes a whole backup: written to the disk as it comes, never kept in memory.

Only with its token in a header: a form's fields would have to be read whole to find it.
"""
UPDATE: Final = "/plant/updates/upload"
"""Takes a whole update, likewise."""
CENTRAL: Final = "/central/upload"
"""Takes a file of central settings, likewise."""
UPLOAD_LIMITS: Final = {UPLOAD: 16_000_000_000, UPDATE: 2_000_000_000, CENTRAL: 34_000_000}
UPLOAD_S: Final = 3600.0
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
POLICY: Final = "; ".join(
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
HEADERS: Final = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    # not no-referrer: browsers would then send "Origin: null" with our own forms
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
"""No Strict-Transport-Security: with an authority of one's own it would lock people out of a box
whose authority was made anew."""

Refuse = Callable[[Scope, Receive, Send, int, str], Awaitable[None]]
"""Answers with an error page: status and an English sentence of the catalogues."""
UNKNOWN_HOST: Final = "This address is none of this box's."
FOREIGN_ORIGIN: Final = "This request came from another site and was not carried out."
TOO_LONG: Final = "What was sent is too long."
TOO_SLOW: Final = "What was sent took too long to arrive."
BODY_S: Final = 30.0
"""How long a body may take to arrive: who sends a byte now and then is not waited for."""


class Guard:
    """Lets through what is asked of this box, from its own pages, in a bearable size."""

    def __init__(self, app: ASGIApp, names: tuple[str, ...], refuse: Refuse) -> None:
        self._app = app
        self._names = frozenset(name.lower() for name in names)
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        send = _with_headers(send)
        refused = self._why_not(scope)
        if refused is None:
            limit_s = UPLOAD_S if is_upload(scope) else BODY_S
            await self._app(scope, _limited(receive, limit_of(scope), limit_s), send)
        else:
            await self._refuse(scope, receive, send, *refused)

    def _why_not(self, scope: Scope) -> tuple[int, str] | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not is_ours(host, self._names):
            return 400, UNKNOWN_HOST
        if scope["method"] not in SAFE_METHODS and not is_same_origin(headers, host):
            return 403, FOREIGN_ORIGIN
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length[:12]) > limit_of(scope):
            return 413, TOO_LONG
        return None


def is_ours(host: str, names: frozenset[str]) -> bool:
    """Tell whether a Host header names this box: one of its names, or any address.

    An address cannot be forged by a name that resolves to this box (DNS rebinding): it is then the
    address that the browser really went to.
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


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("cache-control", "no-store")
        await send(message)

    return sending


class TooLong(Exception):  # noqa: N818 - reads as what it is
    """Raised out of a body that is longer than allowed, or slower: `status` and `why`."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status, self.why = status, why


def limit_of(scope: Scope) -> int:
    """Return the longest body that a page takes, in bytes."""
    path = str(scope["path"])
    if is_upload(scope):
        return UPLOAD_LIMITS[path]
    return next((most for begin, most in LONGER.items() if path.startswith(begin)), BODY_LIMIT)


def is_upload(scope: Scope) -> bool:
    """Tell whether a body is a backup or an update that a script of ours sends."""
    return scope["path"] in UPLOAD_LIMITS and "x-csrf-token" in Headers(scope=scope)


def _limited(receive: Receive, limit: int, limit_s: float) -> Receive:
    taken, until, has_ended = 0, time.monotonic() + limit_s, False

    async def receiving() -> Message:
        nonlocal taken, has_ended
        if has_ended:  # whoever waits now waits for the browser to leave
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), max(0.0, until - time.monotonic()))
        except TimeoutError:
            raise TooLong(408, TOO_SLOW) from None
        taken += len(message.get("body", b""))
        has_ended = not message.get("more_body", False)
        if taken > limit:
            raise TooLong(413, TOO_LONG)
        return message

    return receiving
