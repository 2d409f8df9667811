"""Plain HTTP leads to the secure port, and does nothing else."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from appliance.console.guard import is_ours


def to_secure(names: tuple[str, ...], port: int) -> ASGIApp:
    """Make an application that sends every visitor of this box to its secure port."""
    known = frozenset(name.lower() for name in names)
    end = "" if port == 443 else f":{port}"

    async def redirecting(scope: Scope, receive: Receive, send: Send) -> None:
        host = Headers(scope=scope).get("host", "")
        if not is_ours(host, known):
            await PlainTextResponse("no such host\n", 400)(scope, receive, send)
            return
        name = urlsplit(f"//{host}").hostname or ""
        name = f"[{name}]" if ":" in name else name
        query = scope["query_string"].decode("latin-1")
        path = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
        await RedirectResponse(f"https://{name}{end}{path}", 308)(scope, receive, send)

    return redirecting
