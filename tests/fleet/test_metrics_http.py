"""A scrape is one GET of one path; whatever else comes is refused by its code."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.fleet.prometheus import (
    LONGEST_HEAD,
    REASONS,
    ScrapeAnswer,
    judge_request,
    write_response,
)

END = b" HTTP/1.1\r\nHost: box\r\n\r\n"


@pytest.mark.parametrize(
    ("heard", "code"),
    [
        (b"GET /metrics" + END, 200),
        (b"HEAD /metrics" + END, 200),
        (b"GET /metrics?collect[]=x" + END, 200),
        (b"GET /metrics HTTP/1.0\n\n", 200),
        (b"GET /" + END, 404),
        (b"GET /metrics/" + END, 404),
        (b"GET http://elsewhere/metrics" + END, 404),
        (b"POST /metrics" + END, 405),
        (b"get /metrics" + END, 405),
        (b"GET /metrics\r\n\r\n", 400),
        (b"GET  /metrics" + END, 400),
        (b"\x16\x03\x01\x02\x00\r\n\r\n", 400),
        (b"GET /metrics HTTP/1.1\r\nX: " + b"x" * LONGEST_HEAD, 431),
        (b"", None),
        (b"GET /metrics HTTP/1.1\r\nHost: box\r\n", None),
    ],
)
def test_what_a_request_deserves(heard: bytes, code: int | None) -> None:
    """GET and HEAD of /metrics alone are served; an unfinished head is waited for."""
    assert judge_request(heard) == code


@given(st.binary(max_size=LONGEST_HEAD + 10), st.integers(0, LONGEST_HEAD))
def test_strangers_bytes_get_a_known_code(heard: bytes, at: int) -> None:
    """No bytes raise anything; one that is over stays over, whatever more comes."""
    code = judge_request(heard)
    assert code is None or code in REASONS
    if judge_request(heard[:at]) is not None:
        assert code is not None


def test_an_answer_says_how_long_it_is() -> None:
    """The body is told in full, but for HEAD; a refusal says what would be right."""
    answer = ScrapeAnswer(200, b"up 1\n", "text/plain; version=0.0.4; charset=utf-8")
    head, _, body = write_response(answer).partition(b"\r\n\r\n")
    assert body == b"up 1\n"
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Content-Length: 5" in head
    assert b"version=0.0.4" in head
    assert write_response(answer, is_head=True) == head + b"\r\n\r\n"
    refused = write_response(ScrapeAnswer(405))
    assert b"Allow: GET, HEAD\r\n" in refused
    assert refused.endswith(b"\r\n\r\nMethod Not Allowed\n")
