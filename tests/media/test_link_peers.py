"""Who may give orders to the lines: the deciding process, one at a time, and nobody else."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from appliance.media.link import Link, peer_of
from appliance.media.messages import Notice, Ping, Pong, Snapshot
from appliance.media.process import MediaGateway

SOMEBODY = 4321


class Bench:
    """A media gateway as a unit of systemd's: it listens, and turns when it is told to."""

    def __init__(self, folder: Path, account: int | None) -> None:
        self.path = folder / "link.sock"
        self.ends = socket.socketpair()
        fork_server: Any = SimpleNamespace(fileno=self.ends[0].fileno, close=self.ends[0].close)
        self.listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listening.bind(str(self.path))
        self.listening.listen()
        self.gateway = MediaGateway(fork_server, "", self.listening, account=account)

    def connect(self) -> Link:
        """Connect, as call control does."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        sock.connect(str(self.path))
        return Link(sock)

    def heard(self, link: Link) -> list[Any]:
        """Let the media gateway turn; return what it has told somebody."""
        for _ in range(4):
            self.gateway.turn(0.0)
        return list(link.receive())

    def close(self) -> None:
        """End it."""
        self.gateway.close()
        self.listening.close()
        self.ends[1].close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A media gateway that serves this very account."""
    made = Bench(tmp_path, None)
    yield made
    made.close()


def assert_served(bench: Bench, link: Link, number: int) -> None:
    """The link is answered."""
    link.send(Ping(number))
    assert Pong(number) in bench.heard(link)


def assert_turned_away(bench: Bench, link: Link) -> None:
    """The link is closed, and not a word said."""
    assert bench.heard(link) == []
    assert link.closed


def test_a_second_peer_never_replaces_a_live_one(bench: Bench) -> None:
    """Whoever connects while call control is there is turned away; call control's calls go on, and
    it is told, for the journal.
    """
    control = bench.connect()
    (first,) = bench.heard(control)
    assert isinstance(first, Snapshot)
    other = bench.connect()
    told = bench.heard(control)
    assert_turned_away(bench, other)
    assert [message.level for message in told if isinstance(message, Notice)] == ["error"]
    assert f"process {os.getpid()} " in told[0].text
    assert_served(bench, control, 1)


@pytest.mark.parametrize("unread", [0, 3])
def test_call_control_that_is_gone_makes_room(bench: Bench, unread: int) -> None:
    """Call control dies, whatever it has said last, and its successor connects before the media
    gateway has had a moment to hear of either: it is served.
    """
    control = bench.connect()
    bench.heard(control)
    for number in range(unread):
        control.send(Ping(number))
    control.close()
    successor = bench.connect()
    assert isinstance(bench.heard(successor)[0], Snapshot)
    assert_served(bench, successor, 7)


def test_another_account_gives_no_orders(tmp_path: Path) -> None:
    """A process that is not of call control's account is turned away, whether call control is there
    or not, also where the socket's own rights would let it in.
    """
    bench = Bench(tmp_path, SOMEBODY)
    assert_turned_away(bench, bench.connect())
    assert bench.gateway.control.link is None
    bench.close()


def test_the_kernel_says_who_connects() -> None:
    """The account is the one at that moment, and cannot be claimed."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert peer_of(ours).account == os.geteuid()
        assert peer_of(ours).process == os.getpid()
