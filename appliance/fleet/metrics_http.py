"""The little of HTTP/1.1 that a scrape needs (RFC 9112): one GET of one path, then good-bye."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LONGEST_HEAD: Final = 4096
"""Bytes of a request: Prometheus sends 300."""
PATH: Final = "/metrics"
REASONS: Final = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}


def judged(heard: bytes) -> int | None:
    """Return the status code that a request deserves; None while its end has not come."""
    if len(heard) > LONGEST_HEAD:
        return 431
    if b"\r\n\r\n" not in heard and b"\n\n" not in heard:
        return None
    words = heard.split(b"\n", 1)[0].strip().split(b" ")
    if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
        return 400
    if words[0] not in {b"GET", b"HEAD"}:
        return 405
    return 200 if words[1].split(b"?", 1)[0] == PATH.encode() else 404


@dataclass(frozen=True, slots=True)
class Answer:
    """A status code, and what is told with it; `body` is left out for HEAD."""

    code: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"


def written(answer: Answer, *, is_head: bool = False) -> bytes:
    """Write an answer; a refusal's body is its reason."""
    reason = REASONS[answer.code]
    body = answer.body or f"{reason}\n".encode()
    lines = [
        f"HTTP/1.1 {answer.code} {reason}",
        f"Content-Type: {answer.content_type}",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        "Connection: close",
    ]
    if answer.code == 405:
        lines.append("Allow: GET, HEAD")
    head = "\r\n".join([*lines, "", ""]).encode()
    return head if is_head else head + body
