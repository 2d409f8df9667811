"""The link between call control and media gateway: typed messages, sound by credit, a dead peer
noticed.
"""

from __future__ import annotations

import builtins
import os
import socket
import tempfile
from pathlib import Path
from typing import Any, get_args

import pytest

from appliance.calls import events, orders
from appliance.errors import PeerError
from appliance.media import link
from appliance.media.link import CREDIT_BYTES, QUEUE_LIMIT, Link, RecordedSound
from appliance.media.messages import LineSetup, Prompt, Setup
from appliance.media.switch import HANDLERS
from appliance.policy.supervision import MediaHealth
from appliance.text import _, translations


@pytest.fixture
def ends() -> tuple[Link, Link]:
    """Two ends of one link."""
    a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    return Link(a), Link(b)


MESSAGES = [
    events.LineRang("line1", 2),
    events.CallerIdentified("line1", events.Caller(events.Presentation.SHOWN, "051234567")),
    events.CallerHungUp("line1", events.Evidence.BUSY_TONE, 2600, "500/500"),
    orders.Play("p1", ("it/greeting_closed", "it/leave_message"), line="line1"),
    orders.Record("r1", "line1"),
    Setup((LineSetup("line1", "/dev/ttyACM0"),), "127.0.0.1", (16000, 16099), (Prompt("a", 0, 2),)),
    MediaHealth(50, 0.1, 0.2, 0.3, 60.0),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: type(m).__name__)
def test_every_kind_of_message_arrives_as_it_was_sent(
    ends: tuple[Link, Link], message: link.Message
) -> None:
    """Frozen values cross the link unchanged, enums, tuples and nested values included."""
    ends[0].send(message)
    assert list(ends[1].receive()) == [message]


def test_what_is_no_message_may_not_cross() -> None:
    """Only the vocabulary crosses: no dict, no class of another room, no pickle."""
    with pytest.raises(PeerError, match="may not cross"):
        link.encode_message({"t": "LineRang"})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b'{"t":"Nope"}',
        b'{"t":"LineRang"}',
        b'{"t":"LineRang","line":"a","x":1}',
        b'{"t":"NumbersKnown","ledger":{},"forgotten":[]}',  # call control's own: of no known shape
    ],
)
def test_a_broken_message_is_the_peers_fault(data: bytes) -> None:
    """Whatever is no message raises PeerError and nothing else."""
    with pytest.raises(PeerError):
        link.decode_message(data)


def test_every_catalogue_is_in_memory_once_all_is_prepared() -> None:
    """The first reason of a fault reads no file: a disk that hangs would hold up all sound."""
    translations.cache_clear()
    link.prepare(reads=(), writes=())
    read = translations.cache_info().misses
    lost = events.LineLost("line1", _("no line is configured"))
    link.encode_message(lost)
    assert translations.cache_info().misses == read


def test_nothing_is_made_for_a_message_once_all_is_prepared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No code is generated in the middle of a call, whatever kind of message comes first then;
    what the media gateway obeys is among what it prepares for.
    """
    compiled: list[str] = []

    def compiling(source: str, name: str, *rest: object, **more: object) -> object:
        compiled.append(name)
        return compile_really(source, name, *rest, **more)

    compile_really: Any = compile
    monkeypatch.setattr(link, "_converter", link._converter.copy())
    monkeypatch.setattr(builtins, "compile", compiling)
    link.prepare(reads=link.TYPES.values(), writes=link.TYPES.values())
    assert len(compiled) > len(link.TYPES)
    compiled.clear()
    for message in MESSAGES:
        assert link.decode_message(link.encode_message(message)) == message
    assert compiled == []
    assert set(HANDLERS) <= set(link.ORDERS)


def test_sound_needs_credit_and_what_does_not_fit_is_counted(ends: tuple[Link, Link]) -> None:
    """At most 10 s of a recording are under way; more is refused until call control grants it."""
    gateway, control = ends
    gateway.open_sound("r1")
    dropped = [gateway.send_sound("r1", b"\xff" * 8000) for _ in range(11)]
    heard = [m for m in control.receive() if isinstance(m, RecordedSound)]
    gateway.flush()
    heard += [m for m in control.receive() if isinstance(m, RecordedSound)]

    assert dropped == [0] * (CREDIT_BYTES // 8000) + [8000]
    assert b"".join(sound.data for sound in heard) == b"\xff" * CREDIT_BYTES

    gateway.grant("r1", 8000)
    assert gateway.send_sound("r1", b"\xff" * 8000) == 0


def test_sound_of_an_unopened_recording_is_refused(ends: tuple[Link, Link]) -> None:
    """No credit, no sound."""
    assert ends[0].send_sound("nobody", b"\xff" * 160) == 160


def test_a_peer_that_never_reads_counts_as_dead(ends: tuple[Link, Link]) -> None:
    """A full queue of control messages is a dead peer, never a dropped order."""

    def flood() -> None:
        for _unused in range(QUEUE_LIMIT * 10):
            ends[0].send(events.LineRang("line1"))

    with pytest.raises(PeerError, match="counts as dead"):
        flood()
    assert ends[0].closed


def test_the_end_of_the_peer_is_seen(ends: tuple[Link, Link]) -> None:
    """A peer that closes is noticed at the next read, and sending to it raises nothing."""
    ends[0].close()
    assert list(ends[1].receive()) == []
    assert ends[1].closed
    ends[1].send(events.LineRang("line1"))


def test_a_descriptor_travels_with_its_message(ends: tuple[Link, Link]) -> None:
    """The prompt memory is handed over, not copied."""
    with tempfile.TemporaryFile() as file:
        file.write(b"sound")
        file.flush()
        ends[0].send(events.MediaGatewayRestored(), fds=[file.fileno()])
        assert list(ends[1].receive()) == [events.MediaGatewayRestored()]
    (fd,) = ends[1].received_fds
    assert os.pread(fd, 5, 0) == b"sound"
    os.close(fd)


def test_a_descriptor_given_away_is_closed_whatever_becomes_of_it(ends: tuple[Link, Link]) -> None:
    """A message's sound is not kept open: not when it was sent, nor when it cannot be."""

    def given() -> int:
        return os.memfd_create("message")

    def is_open(fd: int) -> bool:
        return Path(f"/proc/self/fd/{fd}").exists()

    sent = given()
    ends[0].send(events.MediaGatewayRestored(), fds=[sent], own=True)
    assert not is_open(sent)
    assert list(ends[1].receive()) == [events.MediaGatewayRestored()]
    (taken,) = ends[1].take_fds()
    assert ends[1].take_fds() == []
    os.close(taken)
    while not ends[0].wants_to_write:
        ends[0].send(events.LineRang("line1"))
    waiting = given()
    ends[0].send(events.MediaGatewayRestored(), fds=[waiting], own=True)
    assert is_open(waiting)
    ends[0].close()
    late = given()
    ends[0].send(events.MediaGatewayRestored(), fds=[late], own=True)
    assert not is_open(waiting)
    assert not is_open(late)


def test_garbage_on_the_link_is_the_peers_fault(ends: tuple[Link, Link]) -> None:
    """A datagram of no known class raises PeerError."""
    ends[0].socket.send(b"?")
    with pytest.raises(PeerError, match="no known class"):
        list(ends[1].receive())


def test_a_message_without_end_is_the_peers_fault(ends: tuple[Link, Link]) -> None:
    """Brackets in brackets, deeper than any parser follows, raise PeerError and nothing else."""
    ends[0].socket.send(b"C" + b"[" * 15_000)
    with pytest.raises(PeerError, match="no message"):
        list(ends[1].receive())


def test_sound_of_a_name_that_is_no_text_belongs_to_no_recording(ends: tuple[Link, Link]) -> None:
    """What cannot be decoded is a strange name, never an exception in the deciding thread."""
    ends[0].socket.send(b"S\x01\xffabc")
    assert list(ends[1].receive()) == [RecordedSound("\ufffd", b"abc")]


def test_every_order_to_the_media_gateway_is_carried_out() -> None:
    """What crosses the link has a handler behind it; LoadMessage comes with a descriptor."""
    assert set(HANDLERS) == {*get_args(orders.MediaOrder), events.MediaAgreed} - {
        orders.LoadMessage
    }
