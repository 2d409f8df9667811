"""The guides, served from the box: the documentation site that the package brings along.

Open without a login: a technician reads them before there is a first user. They hold what the
project publishes, and nothing of this box or its office.
"""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path
from typing import Final

import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

import appliance
from appliance.console.packing import LEAST_PACKED, takes_gzip
from appliance.console.say import N_
from appliance.console.templates import BRIEFLY, PageLink, kind_of, page, sound_file
from appliance.text import ENGLISH

PACKAGED: Final = Path("/usr/share/centralino/help")
"""Where the Debian package puts the site."""
BUILT: Final = Path(appliance.__file__).parent.parent / "build" / "docs"
"""Where `make docs` puts it in a checkout."""
# Narrower than the console's own (guards.py): the guides send no form and play no sound. The search
# is a worker of the same origin, and asks for its index: script-src, connect-src. The theme's style
# sheet holds its icons as data.
HELP_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
"""Content security policy of the guides."""
PACKED_LEVEL: Final = 5
"""Level of compression of what is read: text of half a megabyte at most."""
_PACKED: Final = frozenset({".html", ".css", ".js", ".json", ".svg", ".md", ".yml"})


async def show_help(request: Request) -> Response:
    """Lead to the guides in the reader's language; without any, say how to get them."""
    folder = folder_of(request)
    language = request.state.speaker.language
    for one in (language, ENGLISH):
        if (folder / one / "index.html").is_file():
            return RedirectResponse(f"/help/{one}/index.html", 303)
    return page(request, "help.html", 404)


async def show_file(request: Request) -> Response:
    """Answer with one file of the site; raises HTTPException for one that does not exist."""
    if not request.path_params["name"]:
        return await show_help(request)
    path = sound_file(folder_of(request), request.path_params["name"])
    if path is None:
        raise HTTPException(404)
    # Half a megabyte is read, compared and compressed: the event loop goes on meanwhile.
    return await anyio.to_thread.run_sync(_answer, request, path)


def _answer(request: Request, path: Path) -> Response:
    data = path.read_bytes()
    accepts = takes_gzip(request.headers.get("accept-encoding", ""))
    is_packed = accepts and path.suffix in _PACKED and len(data) >= LEAST_PACKED
    # Another tag for each coding (RFC 9110, 8.8.3.3).
    digest = hashlib.sha256(data).hexdigest()[:12]
    etag = f'"{digest}{"-gz" if is_packed else ""}"'
    headers = {
        "cache-control": BRIEFLY,
        "content-security-policy": HELP_POLICY,
        "etag": etag,
        "vary": "accept-encoding",
    }
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    if is_packed:
        data = gzip.compress(data, PACKED_LEVEL, mtime=0)
        headers["content-encoding"] = "gzip"
    return Response(data, 200, headers, kind_of(path.name))


def folder_of(request: Request) -> Path:
    """Return the folder of the site: the package's, else what a checkout has built."""
    given: Path | None = getattr(request.app.state, "help_folder", None)
    return given or (PACKAGED if PACKAGED.is_dir() else BUILT)


routes: list[BaseRoute] = [
    Route("/help", show_help),
    Route("/help/{name:path}", show_file),
]


# For everybody, and last in the menu: its order has no heading (templates.py).
links = (PageLink("/help", N_("Guides"), order=1000),)
