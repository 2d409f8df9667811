"""Files that do not change while the console runs: fonts, style, scripts.

A path is looked up among the names that exist: nothing outside the folder can be reached.
"""

from __future__ import annotations

import mimetypes
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from appliance.console.assets import Asset, asset, names

FOR_EVER: Final = "public, max-age=31536000, immutable"
"""For an address that carries the file's hash."""
BRIEFLY: Final = "no-cache"
TYPES: Final = {".js": "text/javascript", ".woff2": "font/woff2", ".svg": "image/svg+xml"}
"""Where the machine's own table differs from place to place."""


class Files:
    """Serves the static folder."""

    def __init__(self) -> None:
        self._names = names()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one file; raises HTTPException for one that does not exist."""
        request = Request(scope)
        name = request.url.path.removeprefix("/static/")
        if name not in self._names:
            raise HTTPException(404)
        if request.method not in ("GET", "HEAD"):
            raise HTTPException(405)
        await _answer(request, name, asset(name))(scope, receive, send)


def _answer(request: Request, name: str, file: Asset) -> Response:
    is_packed = bool(file.packed) and _takes_gzip(request.headers.get("accept-encoding", ""))
    kept = FOR_EVER if request.query_params.get("v") == file.digest else BRIEFLY
    etag = f'"{file.digest}{"-gz" if is_packed else ""}"'
    headers = {"cache-control": kept, "etag": etag}
    if file.packed:
        headers["vary"] = "accept-encoding"
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    if is_packed:
        headers["content-encoding"] = "gzip"
    return Response(file.packed if is_packed else file.data, 200, headers, kind_of(name))


def _takes_gzip(accepted: str) -> bool:
    """Tell whether a browser takes gzip (RFC 9110, 12.5.3)."""
    for part in accepted.split(","):
        coding, _, weight = part.replace(" ", "").partition(";q=")
        if coding == "gzip":
            return weight not in ("0", "0.0", "0.00", "0.000")
    return False


def kind_of(name: str) -> str:
    """Say what a file is by the end of its name."""
    ending = name[name.rfind(".") :]
    return TYPES.get(ending) or mimetypes.guess_type(name)[0] or "application/octet-stream"
