"""How long call control waits for a gateway: until its first word, and for its answers later."""

from __future__ import annotations

import os
import selectors
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from appliance.calls import events, orders
from appliance.media.link import Link
from appliance.media.messages import Ping, Pong, Setup, Snapshot, StillRinging
from appliance.service.media_link import (
    PING_S,
    PONG_LIMIT_S,
    START_LIMIT_S,
    Callers,
    EventHandlers,
    MediaLink,
)
from appliance.text import unchanged


@dataclass
class Lines:
    """Call control's side of the link, by a test's clock, and the unit's socket it connects to."""

    side: MediaLink
    listening: socket.socket
    selector: selectors.BaseSelector
    told: list[events.Event] = field(default_factory=list)

    def link(self) -> Link:
        """Take the connection that waits, as a media gateway that has come so far; raises
        BlockingIOError when nobody knocks.
        """
        return Link(self.listening.accept()[0])

    def hear(self) -> None:
        """Deal with all that has come."""
        for key, _ in self.selector.select(0):
            key.data()


@pytest.fixture
def lines(tmp_path: Path) -> Iterator[Lines]:
    """A unit's socket, of whose media gateway nothing is heard yet."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listening.setblocking(False)
    listening.bind(os.fspath(tmp_path / "link.sock"))
    listening.listen()
    prompts = os.memfd_create("prompts")
    told: list[events.Event] = []
    takers = EventHandlers(
        event=told.append,
        recording=lambda _: None,
        sound=lambda *_: None,
        gap=told.append,
        health=lambda _: None,
        measured=lambda _: None,
        recovering=lambda _: None,
    )
    with closing(listening), closing(selectors.DefaultSelector()) as selector:
        setup = Setup((), "127.0.0.1", (20_000, 20_010), (), (), ())
        side = MediaLink(setup, prompts, takers, selector, tmp_path / "link.sock")
        yield Lines(side, listening, selector, told)
        side.close()
    os.close(prompts)


def at_work(lines: Lines, now: float) -> Link:
    """Have a media gateway come that says its first word."""
    link = lines.link()
    link.send(Snapshot())
    lines.hear()
    lines.side.timer(now)
    assert lines.side.connected
    return link


def test_a_media_gateway_that_is_slow_to_start_is_waited_for(lines: Lines) -> None:
    """On a busy machine it takes longer to load than it may ever be silent later: call control
    keeps its connection, counts no loss, and is served once the media gateway is there.
    """
    lines.side.timer(0.0)
    lines.side.timer(PING_S + PONG_LIMIT_S + 1.0)
    lines.side.timer(START_LIMIT_S - 1.0)
    link = at_work(lines, START_LIMIT_S - 0.5)
    assert lines.told == [events.MediaGatewayRestored()]
    assert lines.side.past.times == ()
    assert isinstance(next(link.receive()), Setup)
    with pytest.raises(BlockingIOError):
        lines.link()
    link.socket.close()


def test_a_media_gateway_that_never_says_a_word_is_given_up(lines: Lines) -> None:
    """The connection is closed, and another one is tried."""
    lines.side.timer(0.0)
    first = lines.link()
    lines.side.timer(START_LIMIT_S)
    lines.side.timer(START_LIMIT_S + 0.1)
    assert not list(first.receive())
    assert first.closed
    first.socket.close()
    at_work(lines, START_LIMIT_S + 1.0).socket.close()


def test_a_media_gateway_at_work_must_answer_soon(lines: Lines) -> None:
    """From its first word on a silence of some seconds means that its callers hear nothing."""
    lines.side.timer(0.0)
    link = at_work(lines, 50.0)
    (ping,) = [message for message in link.receive() if isinstance(message, Ping)]
    link.send(Pong(ping.number))
    lines.hear()
    lines.side.timer(50.0 + PONG_LIMIT_S)
    assert lines.told == [events.MediaGatewayRestored()]
    lines.side.timer(50.0 + 2 * PONG_LIMIT_S)
    assert lines.told[-1] == events.MediaGatewayLost("it does not answer")
    link.socket.close()


RANG = events.LineRang("line1")
SHOWN = events.Caller(events.Presentation.SHOWN, "0511234567")
KNOWN = events.CallerIdentified("line1", SHOWN, "11251000")
MODEM = events.LineRestored("line1", "CONEXANT CX93001", True)
GONE: tuple[events.Event, ...] = (
    events.LineIdle("line1"),
    events.LineLost("line1", unchanged("?")),
    events.LineTaken("line1"),
    events.CallerHungUp("line1", events.Evidence.GAVE_UP),
    MODEM,
)


class Now:
    """A clock that a test sets."""

    at = 100.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def callers() -> Callers:
    """What is known of a line that has rung, 1.5 s ago."""
    clock = Now()
    made = Callers(clock)
    for event in (MODEM, RANG, KNOWN):
        made.told(event)
    clock.at += 1.5
    return made


def test_who_rings_as_the_media_gateway_dies_is_told_to_its_successor(callers: Callers) -> None:
    """B6: how long ago, on which modem, and the number, which is sent but once."""
    still = StillRinging("line1", "CONEXANT CX93001", 1500, SHOWN, "11251000")
    assert callers.ringing() == (still,)
    callers.told(events.LineRang("line1", 2))
    assert callers.ringing() == (replace(still, ago_ms=0),)
    callers.told(events.CallerIdentified("line2", SHOWN))
    assert len(callers.ringing()) == 1


@pytest.mark.parametrize("gone", GONE)
def test_who_rings_no_more_is_not(callers: Callers, gone: events.Event) -> None:
    """Nobody is rung for a caller who has gone."""
    callers.told(gone)
    assert callers.ringing() == ()


@pytest.mark.parametrize("order", [orders.AnswerLine("line1"), orders.HangUp("line1")])
def test_who_was_answered_is_not(callers: Callers, order: object) -> None:
    """Off hook it rings no more; with the port the line goes on hook."""
    callers.ordered(orders.AnswerLine("line2"))
    callers.ordered("anything")
    assert callers.ringing()
    callers.ordered(order)
    assert callers.ringing() == ()


def test_the_setup_of_the_next_media_gateway_names_them(lines: Lines) -> None:
    """The first one is told of nobody."""
    lines.side.timer(0.0)
    link = at_work(lines, 0.1)
    first = next(link.receive())
    assert isinstance(first, Setup)
    assert first.ringing == ()
    for event in (MODEM, RANG):
        link.send(event)
    lines.hear()
    link.socket.close()
    lines.hear()
    lines.side.timer(0.2)
    lines.side.timer(10.0)
    again = next(at_work(lines, 10.1).receive())
    assert isinstance(again, Setup)
    assert [still.line for still in again.ringing] == ["line1"]
