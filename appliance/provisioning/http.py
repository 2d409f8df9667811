"""As much of HTTP/1.1 as a phone that fetches its file needs: bytes in, one path out (RFC 9112).

GET and HEAD of one path a connection; the answer closes it. Not the standard library's http.server:
that one serves either one visitor at a time, who may dawdle for ever, or each in a thread of his
own without a limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import unquote_to_bytes

LONGEST_HEAD = 4096
"""Bytes of a request's head; phones send some hundreds."""


@dataclass(frozen=True, slots=True)
class Request:
    """A whole request; `path` is decoded, without query; "" for one that is not understood."""

    path: str
    is_head: bool = False
    code: int = 200


def read(data: bytes) -> Request | None:
    """Read what has come so far: None while the head is not whole."""
    head, end, _ = data.partition(b"\r\n\r\n")
    if not end:
        head, end, _ = data.partition(b"\n\n")
    if len(head) > LONGEST_HEAD:
        return Request("", code=431)
    if not end:
        return None
    words = head.splitlines()[0].split() if head.strip() else []
    if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
        return Request("", code=400)
    if words[0] not in {b"GET", b"HEAD"}:
        return Request("", code=405)
    return Request(_path(words[1]), words[0] == b"HEAD")


def _path(target: bytes) -> str:
    """Return the path of a target; what is no text stays visible as a replacement sign."""
    return unquote_to_bytes(target.partition(b"?")[0]).decode("utf-8", "replace")


def write(code: int, body: bytes, content_type: str, *, is_head: bool = False) -> bytes:
    """Write a response that ends the connection."""
    lines = [
        f"HTTP/1.1 {code} {HTTPStatus(code).phrase}",
        f"Content-Type: {content_type}",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        "Connection: close",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + (b"" if is_head else body)
