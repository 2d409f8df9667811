"""How long the desk waits for a carrier: until its first word, and for its answers later."""

from __future__ import annotations

import os
import selectors
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from appliance.calls import events
from appliance.carrier.link import Link
from appliance.carrier.messages import Ping, Pong, Setup, Snapshot
from appliance.daemon.carrier_side import (
    PING_S,
    PONG_LIMIT_S,
    START_LIMIT_S,
    CarrierSide,
    Takers,
)


@dataclass
class Lines:
    """The desk's side of the link, by a test's clock, and the unit's socket that it knocks at."""

    side: CarrierSide
    listening: socket.socket
    selector: selectors.BaseSelector
    told: list[events.Event] = field(default_factory=list)

    def carrier(self) -> Link:
        """Take the connection that waits, as a carrier that has come so far; raises BlockingIOError
        when nobody knocks.
        """
        return Link(self.listening.accept()[0])

    def hear(self) -> None:
        """Deal with all that has come."""
        for key, _ in self.selector.select(0):
            key.data()


@pytest.fixture
def lines(tmp_path: Path) -> Iterator[Lines]:
    """A unit's socket, of whose carrier nothing is heard yet."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listening.setblocking(False)
    listening.bind(os.fspath(tmp_path / "link.sock"))
    listening.listen()
    prompts = os.memfd_create("prompts")
    told: list[events.Event] = []
    takers = Takers(
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
        side = CarrierSide(setup, prompts, takers, selector, tmp_path / "link.sock")
        yield Lines(side, listening, selector, told)
        side.close()
    os.close(prompts)


def at_work(lines: Lines, now: float) -> Link:
    """Have a carrier come that says its first word."""
    carrier = lines.carrier()
    carrier.send(Snapshot())
    lines.hear()
    lines.side.timer(now)
    assert lines.side.connected
    return carrier


def test_a_carrier_that_is_slow_to_start_is_waited_for(lines: Lines) -> None:
    """On a busy machine it takes longer to load than it may ever be silent later: the desk keeps
    its connection, counts no loss, and is served once the carrier is there.
    """
    lines.side.timer(0.0)
    lines.side.timer(PING_S + PONG_LIMIT_S + 1.0)
    lines.side.timer(START_LIMIT_S - 1.0)
    carrier = at_work(lines, START_LIMIT_S - 0.5)
    assert lines.told == [events.CarrierRestored()]
    assert lines.side.past.times == ()
    assert isinstance(next(carrier.receive()), Setup)
    with pytest.raises(BlockingIOError):
        lines.carrier()
    carrier.socket.close()


def test_a_carrier_that_never_says_a_word_is_given_up(lines: Lines) -> None:
    """The connection is closed, and another one is tried."""
    lines.side.timer(0.0)
    first = lines.carrier()
    lines.side.timer(START_LIMIT_S)
    lines.side.timer(START_LIMIT_S + 0.1)
    assert not list(first.receive())
    assert first.closed
    first.socket.close()
    at_work(lines, START_LIMIT_S + 1.0).socket.close()


def test_a_carrier_at_work_must_answer_soon(lines: Lines) -> None:
    """From its first word on a silence of some seconds means that its callers hear nothing."""
    lines.side.timer(0.0)
    carrier = at_work(lines, 50.0)
    (ping,) = [message for message in carrier.receive() if isinstance(message, Ping)]
    carrier.send(Pong(ping.number))
    lines.hear()
    lines.side.timer(50.0 + PONG_LIMIT_S)
    assert lines.told == [events.CarrierRestored()]
    lines.side.timer(50.0 + 2 * PONG_LIMIT_S)
    assert lines.told[-1] == events.CarrierLost("it does not answer")
    carrier.socket.close()
