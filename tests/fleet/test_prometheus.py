"""Prometheus: counters, and the server's limits on real sockets."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.calls import events
from appliance.calls.events import Evidence
from appliance.calls.incoming import UNSEEN_S
from appliance.calls.orders import Direction, Result
from appliance.fleet import prometheus
from appliance.fleet.prometheus import (
    ANSWER_BOUNDS_S,
    CALL_OUTCOMES,
    RATE,
    VISITORS,
    MetricCounters,
    MetricsServer,
    Spread,
)
from appliance.http_server import LONGEST_HEAD
from appliance.text import Words
from tests.fleet.samples import ended, figures_of, status_of
from tests.year import town

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from appliance.fleet.prometheus import BoxFigures


LINE1, LINE2 = town.LINES


def test_everything_that_can_be_counted_is_there_from_the_start() -> None:
    """Prometheus sees the first call of a kind as an increase only from a 0 that was there."""
    tally = MetricCounters().tally(0.0)
    assert dict(tally.calls) == dict.fromkeys(CALL_OUTCOMES, 0)
    assert ("in", "answered") in tally.calls
    assert not any(result == Result.OPEN for _, result in tally.calls)


def test_a_call_is_counted_once_when_it_is_over() -> None:
    """Records are written at every stage; the last one counts, and how its release was seen."""
    counts = MetricCounters()
    over = ended("a", evidence=Evidence.BUSY_TONE, release_ms=1500)
    counts.call(replace(over, ended_at=None), 1.0)
    assert sum(counts.tally(50.0).calls.values()) == 0
    for now in (60.0, 61.0):
        counts.call(over, now)
        tally = counts.tally(now)
        assert tally.calls["in", "answered"] == sum(tally.calls.values()) == 1
    assert tally.released == {"busy_tone": 1}
    assert (tally.release.count, tally.release.sum_s) == (1, 1.5)
    assert (tally.answer.sum_s, tally.talk.sum_s) == (12.0, 100.0)
    assert tally.answer.up_to == tuple(int(bound >= 12) for bound in ANSWER_BOUNDS_S)


def test_a_call_that_a_telephone_had_taken_is_none_that_gave_up() -> None:
    """The record is corrected seconds later: it is counted then, and never as both."""
    counts = MetricCounters()
    gave_up = ended("a", Result.GAVE_UP, answered_at=None)
    counts.call(gave_up, 1.0)
    assert sum(counts.tally(1.0 + UNSEEN_S).calls.values()) == 0
    counts.call(replace(gave_up, result=Result.TAKEN), 5.0)
    tally = counts.tally(6.0)
    assert tally.calls["in", "taken"] == sum(tally.calls.values()) == 1
    counts.call(ended("b", Result.GAVE_UP, answered_at=None), 10.0)
    assert counts.tally(10.1 + UNSEEN_S).calls["in", "gave_up"] == 1


def test_only_people_who_answered_count_as_answers() -> None:
    """A message was answered by nobody; a call out is talk, and no caller's waiting."""
    counts = MetricCounters()
    counts.call(ended("a", Result.MESSAGE), 1.0)
    counts.call(ended("b", direction=Direction.OUT), 1.0)
    tally = counts.tally(2.0)
    assert tally.calls["out", "answered"] == 1
    assert (tally.answer.count, tally.talk.count) == (0, 1)


def test_a_clock_that_was_set_back_makes_no_negative_time() -> None:
    """A sum that shrinks would be taken for a restart."""
    counts, over = MetricCounters(), ended("a")
    counts.call(replace(over, rang_at=over.rang_at + timedelta(hours=1)), 1.0)
    assert counts.tally(2.0).answer == Spread()


def test_busy_lines_are_time() -> None:
    """Traffic in erlang is the rate of these seconds; all busy is when callers heard engaged."""
    counts = MetricCounters()
    one, both = events.LineRang(LINE1), (events.LineRang(LINE1), events.LineRang(LINE2))
    for now, facts in ((0.0, ()), (10.0, (one,)), (14.0, both), (20.0, ()), (30.0, ())):
        counts.lines(status_of(*facts), now)
    tally = counts.tally(30.0)
    assert tally.busy_s == {LINE1: 10.0, LINE2: 6.0}
    assert tally.all_busy_s == 6.0


@given(st.lists(st.tuples(st.sampled_from(("call", "line", "fault")), st.integers(0, 5))))
def test_no_counter_ever_shrinks(steps: list[tuple[str, int]]) -> None:
    """Whatever comes in whatever order."""
    counts, now, before = MetricCounters(), 0.0, 0.0
    results = [result for result in Result if result is not Result.OPEN]
    for what, number in steps:
        now += number
        if what == "call":
            counts.call(ended(f"c{number}", results[number]), now)
        elif what == "line":
            counts.lines(status_of(*[events.LineRang(LINE1)] * (number % 2)), now)
        else:
            counts.fault({"underruns": number})
        tally = counts.tally(now)
        total = sum(tally.calls.values()) + sum(tally.busy_s.values()) + tally.all_busy_s
        total += sum(tally.faults.values()) + tally.talk.sum_s + tally.answer.sum_s
        assert total >= before
        before = total


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
        assert "another program has that address" in why.text("en")
        assert "un altro programma" in why.text("it")
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
