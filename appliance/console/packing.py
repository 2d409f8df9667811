"""Compression of pages, and form tokens that compression does not give away.

The length of a compressed page tells how much of a request's text the page repeats (BREACH). So a
token is another one in each answer, and only what the console's own pages, or a person, asked for
is compressed: another site's request, which could guess at a page's content, gets the plain page.
"""

from __future__ import annotations

import gzip
import secrets
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse

LEAST_PACKED: Final = 1000
"""Shortest text that is compressed, in bytes; fewer are not worth the header."""
LEVEL: Final = 5
"""Level of compression of a page: nearly as short as the highest, in half the time."""
OWN_SITES: Final = frozenset({"same-origin", "none"})
"""Sec-Fetch-Site of what our pages, or a person's bookmark, ask for; no page can forge it."""


def page_answer(request: Request, text: str, status: int = 200) -> HTMLResponse:
    """Answer with a page, compressed where the browser takes it and asks for itself."""
    answer = HTMLResponse(text, status)
    # A cache in between must not give it to another kind of request.
    answer.headers["vary"] = "accept-encoding, sec-fetch-site"
    accepts = takes_gzip(request.headers.get("accept-encoding", ""))
    if not accepts or request.headers.get("sec-fetch-site") not in OWN_SITES:
        return answer
    if len(answer.body) < LEAST_PACKED:
        return answer
    answer.body = gzip.compress(answer.body, LEVEL, mtime=0)
    answer.headers["content-encoding"] = "gzip"
    answer.headers["content-length"] = str(len(answer.body))
    return answer


def takes_gzip(accepted: str) -> bool:
    """Tell whether a browser takes gzip (RFC 9110, 12.5.3)."""
    for part in accepted.split(","):
        coding, _, weight = part.replace(" ", "").partition(";q=")
        if coding == "gzip":
            return weight not in ("0", "0.0", "0.00", "0.000")
    return False


def masked(token: str) -> str:
    """Return a form's token as a page carries it: other text each time, the same meaning."""
    clear = bytes.fromhex(token)
    mask = secrets.token_bytes(len(clear))
    return mask.hex() + _xor(mask, clear).hex()


def is_token(given: object, token: str) -> bool:
    """Tell whether a form carries a browser's token, in constant time."""
    if not isinstance(given, str) or len(given) != 2 * len(token):
        return False
    try:
        carried = bytes.fromhex(given)
    except ValueError:
        return False
    clear = bytes.fromhex(token)
    # fromhex passes over white space.
    if len(carried) != 2 * len(clear):
        return False
    return secrets.compare_digest(_xor(carried[: len(clear)], carried[len(clear) :]), clear)


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
