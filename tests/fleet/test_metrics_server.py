"""The thread that answers Prometheus: brief to each, deaf to floods, in nobody's way."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from ipaddress import ip_network

import pytest

from appliance.fleet import prometheus
from appliance.fleet.prometheus import RATE, VISITORS, BoxFigures, MetricsServer
from appliance.http_server import LONGEST_HEAD
from appliance.policy.text import Words
from tests.fleet.samples import figures_of, status_of

HOST = "127.53.10.1"
ASK = b"GET /metrics HTTP/1.1\r\nHost: box\r\n\r\n"
LIMIT_S = 20.0
Told = queue.SimpleQueue[Words | None]


class Page:
    """Writes a page that says which figures it is of; counts how often."""

    def __init__(self) -> None:
        self.written = 0

    def __call__(self, figures: BoxFigures) -> bytes:
        """Write."""
        self.written += 1
        return f"at {figures.at}\n".encode()


@pytest.fixture(autouse=True)
def _end_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The box may take a second to stop; nobody waits here."""
    monkeypatch.setattr(prometheus, "TURN_S", 0.05)


@contextlib.contextmanager
def serving(
    page: Callable[[BoxFigures], bytes],
    allowed: tuple[str, ...] = (),
    port: int = 0,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[tuple[MetricsServer, Told]]:
    """Serve at a free port until the block is left."""
    told: Told = queue.SimpleQueue()
    networks = tuple(map(ip_network, allowed))
    server = MetricsServer((HOST, port), networks, lambda: page, told.put, clock=clock)
    server.start()
    try:
        yield server, told
    finally:
        server.stop(LIMIT_S)


@pytest.fixture
def server() -> Iterator[MetricsServer]:
    """A server that has something to tell, and listens."""
    with serving(Page()) as (made, told):
        made.latest = figures_of(status_of())
        assert told.get(timeout=LIMIT_S) is None
        yield made


def visit(server: MetricsServer) -> socket.socket:
    """Connect."""
    return socket.create_connection((HOST, server.port), timeout=LIMIT_S)


def heard(visitor: socket.socket) -> bytes:
    """Read until the server has left."""
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := visitor.recv(65_536):
            parts.append(part)
    return b"".join(parts)


def asked(server: MetricsServer, request: bytes = ASK) -> bytes:
    """Ask, and return the whole answer."""
    with visit(server) as visitor, contextlib.suppress(BrokenPipeError, ConnectionResetError):
        visitor.sendall(request)
        return heard(visitor)
    return b""


def code(answer: bytes) -> int:
    """Return an answer's status code, 0 for none."""
    return int(answer.split(b" ")[1]) if answer else 0


def test_it_is_told_what_was_left_last(server: MetricsServer) -> None:
    """A frozen value is taken as it lies there; the next one replaces it."""
    figures = figures_of(status_of())
    assert asked(server).endswith(f"\r\n\r\nat {figures.at}\n".encode())
    server.latest = replace(figures, at=7.0)
    assert asked(server).endswith(b"\r\n\r\nat 7.0\n")
    assert b"Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n" in asked(server)


def test_many_who_ask_cost_one_page() -> None:
    """What is written is written once for all who ask before the next value comes."""
    page = Page()
    with serving(page) as (server, told):
        told.get(timeout=LIMIT_S)
        assert code(asked(server)) == 503
        server.latest = figures_of(status_of())
        assert [code(asked(server)) for _ in range(5)] == [200] * 5
    assert page.written == 1


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (b"GET /other HTTP/1.1\r\n\r\n", 404),
        (b"DELETE /metrics HTTP/1.1\r\n\r\n", 405),
        (b"\x00" * 100 + b"\r\n\r\n", 400),
        (b"GET /metrics HTTP/1.1\r\nX: " + b"x" * LONGEST_HEAD, 431),
    ],
)
def test_what_is_no_scrape_is_refused(
    server: MetricsServer, request_: bytes, expected: int
) -> None:
    """By its code, and Prometheus is answered as before."""
    assert code(asked(server, request_)) == expected
    assert code(asked(server)) == 200


def test_a_head_alone_is_answered_without_a_body(server: MetricsServer) -> None:
    """HEAD is what some watchers look with whether anybody is there."""
    assert asked(server, ASK.replace(b"GET", b"HEAD")).endswith(b"\r\n\r\n")


def test_a_request_may_come_byte_by_byte(server: MetricsServer) -> None:
    """Any split of the same bytes is the same request."""
    with visit(server) as visitor:
        visitor.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in ASK:
            visitor.sendall(bytes([byte]))
        assert code(heard(visitor)) == 200


def test_slow_visitors_keep_nobody_out_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slow-loris: all places are taken by visitors who say nothing; their time ends."""
    monkeypatch.setattr(prometheus, "PATIENCE_S", 1.0)
    with serving(Page()) as (server, told), contextlib.ExitStack() as stack:
        told.get(timeout=LIMIT_S)
        server.latest = figures_of(status_of())
        slow = [stack.enter_context(visit(server)) for _ in range(VISITORS)]
        slow[0].sendall(b"GET /met")
        assert [heard(visitor) for visitor in slow] == [b""] * VISITORS
        assert code(asked(server)) == 200


def test_one_visitor_more_than_there_is_room_for_is_turned_away(server: MetricsServer) -> None:
    """At once, not left to wait; a place that is free again is taken."""
    with contextlib.ExitStack() as stack:
        for _ in range(VISITORS):
            stack.enter_context(visit(server))
        assert asked(server) == b""
    again = time.monotonic() + LIMIT_S
    while code(asked(server)) != 200:
        assert time.monotonic() < again, "those who left are still counted"


def test_a_flood_is_closed_unread() -> None:
    """More connections a second than RATE get nothing; a second later all is as before."""
    now = [1000.0]
    with serving(Page(), clock=lambda: now[0]) as (server, told):
        told.get(timeout=LIMIT_S)
        server.latest = figures_of(status_of())
        codes = [code(asked(server)) for _ in range(RATE + 10)]
        assert codes == [200] * RATE + [0] * 10
        now[0] += 1.0
        assert code(asked(server)) == 200


def test_whoever_is_not_named_gets_nothing() -> None:
    """Where networks are named, others are let go before they have said a word."""
    for allowed, expected in ((("127.99.0.0/16",), 0), (("127.0.0.0/8", "::1"), 200)):
        with serving(Page(), allowed) as (server, told):
            told.get(timeout=LIMIT_S)
            server.latest = figures_of(status_of())
            assert code(asked(server)) == expected


def test_an_address_that_is_taken_is_told_and_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One sentence, once, in both languages; the trouble ends by itself when the port is free."""
    monkeypatch.setattr(prometheus, "RETRY_S", 0.05)
    other = socket.create_server((HOST, 0))
    with other, serving(Page(), port=other.getsockname()[1]) as (_, told):
        why = told.get(timeout=LIMIT_S)
        assert why is not None
        assert "another program has that address" in why.en
        assert "un altro programma" in why.it
        other.close()
        assert told.get(timeout=LIMIT_S) is None


def test_a_page_that_takes_long_keeps_no_other_thread() -> None:
    """Who leaves the figures goes on at once, whatever the asking thread does."""
    free, begun = threading.Event(), threading.Event()

    def page(_: BoxFigures) -> bytes:
        begun.set()
        free.wait(LIMIT_S)
        return b"late\n"

    with serving(page) as (server, told):
        told.get(timeout=LIMIT_S)
        server.latest = figures_of(status_of())
        with visit(server) as visitor:
            visitor.sendall(ASK)
            assert begun.wait(LIMIT_S)
            server.latest = figures_of(status_of())  # returns, though nobody is answered yet
            free.set()
            assert heard(visitor).endswith(b"late\n")


def test_it_ends_when_told_to() -> None:
    """Also with visitors who have not finished."""
    with serving(Page()) as (server, told):
        told.get(timeout=LIMIT_S)
        silent = visit(server)
    assert heard(silent) == b""
    silent.close()
