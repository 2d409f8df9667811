"""HTTP: a head in any pieces is one request; what is no GET is refused; nothing grows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.provisioning import server
from appliance.provisioning.server import LONGEST_HEAD, HttpRequest

HEAD = b"GET /001565aabbcc.cfg HTTP/1.1\r\nHost: 192.168.10.5:5080\r\nUser-Agent: Yealink\r\n\r\n"


def test_a_head_in_any_pieces_is_one_request() -> None:
    """Nothing is understood before the head is whole."""
    assert [server.read_request(HEAD[:n]) for n in range(len(HEAD))] == [None] * len(HEAD)
    assert server.read_request(HEAD) == HttpRequest("/001565aabbcc.cfg")


@pytest.mark.parametrize(
    ("data", "request_"),
    [
        (b"HEAD /a HTTP/1.0\n\n", HttpRequest("/a", is_head=True)),
        (b"GET /a%20b?c=/d HTTP/1.1\r\n\r\n", HttpRequest("/a b")),
        (b"GET /%ff HTTP/1.1\r\n\r\n", HttpRequest("/\ufffd")),
        (b"POST /a HTTP/1.1\r\n\r\n", HttpRequest("", code=405)),
        (b"GET /a\r\n\r\n", HttpRequest("", code=400)),
        (b"GET /a HTTP/2\r\n\r\n", HttpRequest("", code=400)),
        (b"\r\n\r\n", HttpRequest("", code=400)),
        (b"x" * (LONGEST_HEAD + 1), HttpRequest("", code=431)),
    ],
)
def test_heads(data: bytes, request_: HttpRequest) -> None:
    """Methods, queries, escapes, and what is refused by name."""
    assert server.read_request(data) == request_


@given(st.binary(max_size=300))
def test_any_bytes_are_a_request_or_not_yet(data: bytes) -> None:
    """Nothing is raised, whatever comes."""
    found = server.read_request(data)
    assert found is None or found.code in {200, 400, 405, 431}


def test_an_answer_says_its_length_and_ends_the_connection() -> None:
    """A HEAD gets the same head without the body; nothing is kept in caches."""
    whole, head = (
        server.write_response(200, b"abc", "text/plain"),
        server.write_response(200, b"abc", "text/plain", is_head=True),
    )
    assert whole == head + b"abc"
    assert b"Content-Length: 3\r\n" in head
    assert b"Connection: close\r\n" in head
    assert b"no-store" in head
