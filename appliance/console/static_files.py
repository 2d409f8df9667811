"""Files that do not change while the console runs: fonts, style, scripts.

A path is looked up among the names that exist: nothing outside the folder can be reached.
"""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Iterator
from importlib.resources.abc import Traversable
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from appliance.console.templates import STATIC

FOR_EVER: Final = "public, max-age=31536000, immutable"
"""For an address that carries the file's hash."""
BRIEFLY: Final = "no-cache"
TYPES: Final = {".js": "text/javascript", ".woff2": "font/woff2", ".svg": "image/svg+xml"}
"""Where the machine's own table differs from place to place."""


class Files:
    """Serves the static folder."""

    def __init__(self) -> None:
        self._found = dict(_below(STATIC, ""))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one file; raises HTTPException for one that does not exist."""
        request = Request(scope)
        file = self._found.get(request.url.path.removeprefix("/static/"))
        if file is None:
            raise HTTPException(404)
        if request.method not in ("GET", "HEAD"):
            raise HTTPException(405)
        await _answer(request, file)(scope, receive, send)


def _answer(request: Request, file: Traversable) -> Response:
    data = file.read_bytes()
    kept = FOR_EVER if "v" in request.query_params else BRIEFLY
    headers = {"cache-control": kept, "etag": f'"{hashlib.sha256(data).hexdigest()[:16]}"'}
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    return Response(data, media_type=kind_of(file.name), headers=headers)


def kind_of(name: str) -> str:
    """Say what a file is by the end of its name."""
    ending = name[name.rfind(".") :]
    return TYPES.get(ending) or mimetypes.guess_type(name)[0] or "application/octet-stream"


def _below(folder: Traversable, prefix: str) -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _below(entry, f"{prefix}{entry.name}/")
        else:
            yield f"{prefix}{entry.name}", entry
