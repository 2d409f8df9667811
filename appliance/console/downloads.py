"""Files that a browser keeps and never shows: whatever stands in them, they open nothing here."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from starlette.responses import Response

HEADERS: Final = {
    "content-security-policy": "default-src 'none'; sandbox",
    "x-content-type-options": "nosniff",
    "x-download-options": "noopen",
}
"""A browser that shows one all the same runs nothing of it."""
LONGEST: Final = 100


def download(data: bytes, name: str, kind: str) -> Response:
    """Answer with a file to keep under a name of plain letters; `kind` is its media type."""
    head = {"content-disposition": f'attachment; filename="{plain_name(name)}"'}
    return Response(data, media_type=kind, headers=HEADERS | head)


def plain_name(name: str) -> str:
    """Return a file's name in letters and digits, `-`, `_`, `.`: nothing ends a header."""
    bare = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9._-]+", "-", bare).strip(".-")[-LONGEST:] or "file"
