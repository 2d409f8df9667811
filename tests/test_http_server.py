"""The HTTP server's reading and writing: a head in any pieces is one request; nothing grows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.http_server import (
    LONGEST_HEAD,
    HttpRequest,
    HttpResponse,
    read_request,
    write_response,
)

HEAD = b"GET /001565aabbcc.cfg HTTP/1.1\r\nHost: 192.168.10.5:5080\r\nUser-Agent: Yealink\r\n\r\n"
END = b" HTTP/1.1\r\nHost: box\r\n\r\n"


def test_a_head_in_any_pieces_is_one_request() -> None:
    """Nothing is understood before the head is whole."""
    assert [read_request(HEAD[:n]) for n in range(len(HEAD))] == [None] * len(HEAD)
    assert read_request(HEAD) == HttpRequest("/001565aabbcc.cfg")


@pytest.mark.parametrize(
    ("data", "request_"),
    [
        (b"GET /metrics" + END, HttpRequest("/metrics")),
        (b"HEAD /metrics" + END, HttpRequest("/metrics", is_head=True)),
        (b"HEAD /a HTTP/1.0\n\n", HttpRequest("/a", is_head=True)),
        (b"GET /metrics?collect[]=x" + END, HttpRequest("/metrics")),
        (b"GET /a%20b?c=/d HTTP/1.1\r\n\r\n", HttpRequest("/a b")),
        (b"GET /%ff HTTP/1.1\r\n\r\n", HttpRequest("/\ufffd")),
        (b"GET http://elsewhere/metrics" + END, HttpRequest("http://elsewhere/metrics")),
        (b"POST /a" + END, HttpRequest("", code=405)),
        (b"get /a" + END, HttpRequest("", code=405)),
        (b"GET /a\r\n\r\n", HttpRequest("", code=400)),
        (b"GET  /a" + END, HttpRequest("", code=400)),
        (b"GET /a HTTP/2\r\n\r\n", HttpRequest("", code=400)),
        (b"\x16\x03\x01\x02\x00\r\n\r\n", HttpRequest("", code=400)),
        (b"\r\n\r\n", HttpRequest("", code=400)),
        (b"GET /a HTTP/1.1\r\nX: " + b"x" * LONGEST_HEAD, HttpRequest("", code=431)),
        (b"GET /a HTTP/1.1\r\nHost: box\r\n", None),
        (b"", None),
    ],
)
def test_heads(data: bytes, request_: HttpRequest | None) -> None:
    """Methods, queries, escapes; what is refused, and why; an unfinished head is waited for."""
    assert read_request(data) == request_


@given(st.binary(max_size=LONGEST_HEAD + 10), st.integers(0, LONGEST_HEAD))
def test_any_bytes_are_a_request_or_not_yet(data: bytes, at: int) -> None:
    """Nothing is raised; one that is over stays over, whatever more comes."""
    found = read_request(data)
    assert found is None or found.code in {200, 400, 405, 431}
    if read_request(data[:at]) is not None:
        assert found is not None


def test_a_response_says_its_length_and_ends_the_connection() -> None:
    """A HEAD gets the same head without the body; nothing is kept in caches."""
    response = HttpResponse(200, b"up 1\n", "text/plain; version=0.0.4; charset=utf-8")
    whole, head = write_response(response), write_response(response, is_head=True)
    assert whole == head + b"up 1\n"
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Content-Length: 5\r\n" in head
    assert b"version=0.0.4" in head
    assert b"Connection: close\r\n" in head
    assert b"no-store" in head
    assert b"Allow: GET, HEAD\r\n" in write_response(HttpResponse(405))
