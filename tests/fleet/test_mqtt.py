"""The MQTT sender against brokers that lie, stall or refuse; an event that cannot be published."""

from __future__ import annotations

import contextlib
import json
import random
import socket
import struct
import threading
import time
import tracemalloc
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from appliance import workers
from appliance.fleet.mqtt import PUBLISH_TRIES, Broker, BrokerError, MqttSecurity, PublishSession
from appliance.fleet.mqtt_client import BYTES_AT_MOST, LARGEST_PACKET, MqttConnection
from appliance.fleet.mqtt_messages import FleetEvent, MqttMessage
from appliance.store import database, monitoring
from tests.fleet.boxes import QUICK, Publisher
from tests.helpers.words import pair

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


@dataclass
class Kept:
    """An outbox in memory, and the line to a broker that takes everything."""

    events: list[FleetEvent]
    aside: list[int] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    window: int = 10
    opening_since: float | None = None

    def waiting(self, after: int, most: int) -> tuple[FleetEvent, ...]:
        """See Outbox."""
        return tuple(event for event in self.events if event.number > after)[:most]

    def settle(self, numbers: Iterable[int]) -> None:
        """See Outbox."""
        gone = set(numbers)
        self.events = [event for event in self.events if event.number not in gone]

    def set_aside(self, number: int) -> None:
        """See Outbox."""
        self.settle([number])
        self.aside.append(number)

    def retained(self) -> frozenset[str]:
        """See Outbox."""
        return frozenset()

    def retain(self, topics: Iterable[str]) -> None:
        """See Outbox."""

    def publish(self, message: MqttMessage) -> int:
        """See Line."""
        self.told.append(message.topic)
        return len(self.told)


def event(number: int) -> FleetEvent:
    """Return an event."""
    return FleetEvent(number, "a" * 32, "call_ended", "now", {"call": f"c{number}"}, "", "")


def session(kept: Kept, fails: Exception, times: int = 1000) -> PublishSession:
    """Return a session whose second event fails so often."""
    left = [times]

    def write(one: FleetEvent) -> MqttMessage:
        if one.number == 2 and left[0]:
            left[0] -= 1
            raise fails
        return MqttMessage(f"event/{one.number}", b"{}")

    made: object = PublishSession("p", kept, kept, write)  # type: ignore[arg-type] # all that is asked
    assert isinstance(made, PublishSession)
    return made


@pytest.fixture(autouse=True)
def _faults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.fleet.mqtt.faults", workers.Faults())


def test_an_event_that_fails_each_time_is_set_aside() -> None:
    """Reported and kept apart; the third leaves behind the first."""
    kept = Kept([event(1), event(2), event(3)])
    session(kept, KeyError("planted")).step((), look=True)
    assert [topic for topic in kept.told if topic.startswith("event")] == ["event/1", "event/3"]
    assert kept.aside == [2]


def test_an_event_that_fails_once_is_told_in_its_place() -> None:
    """Not each fault is for ever."""
    kept = Kept([event(1), event(2), event(3)])
    session(kept, KeyError("planted"), PUBLISH_TRIES - 1).step((), look=True)
    events = [topic for topic in kept.told if topic.startswith("event")]
    assert events == ["event/1", "event/2", "event/3"]
    assert kept.aside == []


def test_the_brokers_own_errors_keep_every_event() -> None:
    """It is away, or refuses the box: nothing is wrong with the event."""
    kept = Kept([event(1), event(2), event(3)])
    with pytest.raises(BrokerError):
        session(kept, BrokerError(pair("via", "away"))).step((), look=True)
    assert kept.aside == []
    assert len(kept.events) == 3


def test_what_is_set_aside_is_kept_within_a_bound(tmp_path: Path) -> None:
    """The newest hundred can be looked at; what waits is not touched."""
    with closing(database.connect(tmp_path / "c.db")) as connection:
        database.migrate(connection)
        rows = [(f"{n:032x}", "call_ended", str(n), "now", f'{{"call":"{n}"}}') for n in range(150)]
        connection.executemany(
            "INSERT INTO fleet_outbox (id, kind, key, at, about) VALUES (?, ?, ?, ?, ?)", rows
        )
        for waiting in monitoring.waiting(connection, 0, 149):
            monitoring.set_aside(connection, waiting.number)
        kept = connection.execute(
            "SELECT value FROM fleet_kept WHERE name LIKE 'aside:%' ORDER BY name"
        ).fetchall()
        assert len(kept) == monitoring.ASIDE_MOST
        assert json.loads(kept[-1][0])["about"] == {"call": "148"}
        assert len(monitoring.waiting(connection, 0, 10)) == 1


ADDRESS = "127.0.15.2"
WILL = MqttMessage("comune/nord/availability", b"offline", retain=True)
HELLO = bytes.fromhex("2003000000")
"""CONNACK, success, without properties (MQTT 5, 3.2)."""
MUCH = 200 * 1024 * 1024


class Fake:
    """Listens, and has `play` deal with each visitor in a thread of its own."""

    def __init__(self, play: Callable[[socket.socket], None]) -> None:
        self._play = play
        self._listener = socket.create_server((ADDRESS, 0))
        self.port = int(self._listener.getsockname()[1])
        self.visits = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10.0)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                visitor, _ = self._listener.accept()
                self.visits += 1
                with visitor, contextlib.suppress(OSError):
                    visitor.settimeout(10.0)
                    self._play(visitor)


@contextlib.contextmanager
def fake(play: Callable[[socket.socket], None]) -> Iterator[Fake]:
    """Run a broker that does what it is told."""
    made = Fake(play)
    try:
        yield made
    finally:
        made.close()


def account(made: Fake, security: MqttSecurity = MqttSecurity.NONE) -> Broker:
    """Make a box's account there."""
    return Broker(ADDRESS, "nord", security, made.port, limits=QUICK)


def until_gone(visitor: socket.socket) -> None:
    """Say nothing until the visitor has left."""
    while visitor.recv(65536):
        pass


def garbage(visitor: socket.socket) -> None:
    """Send what is nothing at all."""
    visitor.recv(65536)
    visitor.sendall(bytes(64))
    until_gone(visitor)


def reset(visitor: socket.socket) -> None:
    """Break off hard."""
    visitor.recv(65536)
    visitor.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def old_hello(visitor: socket.socket) -> None:
    """Answer as a broker of MQTT 3.1.1 does that does not take this version."""
    visitor.recv(65536)
    visitor.sendall(bytes.fromhex("20020001"))
    until_gone(visitor)


def huge(visitor: socket.socket) -> None:
    """Announce a packet of 256 MB, and begin to send it."""
    visitor.recv(65536)
    visitor.sendall(bytes.fromhex("30ffffff7f"))
    piece = bytes(65536)
    for _ in range(MUCH // len(piece)):
        visitor.sendall(piece)


def chatty(visitor: socket.socket) -> None:
    """Say hello, then publish without end what nobody has subscribed to."""
    visitor.recv(65536)
    visitor.sendall(HELLO)
    packet = bytes.fromhex("300d0003612f6200") + bytes(7)
    for _ in range(MUCH // len(packet)):
        visitor.sendall(packet)


def slow(visitor: socket.socket) -> None:
    """Say hello a byte at a time, and never the whole of it."""
    visitor.recv(65536)
    for byte in HELLO[:-1]:
        visitor.sendall(bytes([byte]))
    until_gone(visitor)


def no_retain(visitor: socket.socket) -> None:
    """Say in the hello that nothing is retained (MQTT 5, 3.2.2.3.5)."""
    visitor.recv(65536)
    visitor.sendall(bytes.fromhex("2005000002") + bytes.fromhex("2500"))
    until_gone(visitor)


def never_confirms(visitor: socket.socket) -> None:
    """Say hello, then take everything and confirm nothing."""
    visitor.recv(65536)
    visitor.sendall(HELLO)
    until_gone(visitor)


def forbids(visitor: socket.socket) -> None:
    """Take leave because somebody else has the name (MQTT 5, 3.14)."""
    visitor.recv(65536)
    visitor.sendall(HELLO + bytes.fromhex("e0078e051f00026e6f"))
    until_gone(visitor)


def use(connection: MqttConnection) -> None:
    """Open a connection and turn it until it is over."""
    connection.open()
    while True:
        connection.turn(1.0)


Play = Callable[[socket.socket], None]
PLAYS: dict[Play, str] = {
    until_gone: "says nothing",
    garbage: "does not speak MQTT 5",
    old_hello: "does not speak MQTT 5",
    reset: "broken off",
    huge: "asked for",
    chatty: "asked for",
    slow: "says nothing",
    no_retain: "no retained messages",
    never_confirms: "does not confirm",
    forbids: "another box uses the same prefix",
}


@pytest.mark.parametrize("play", PLAYS, ids=lambda play: play.__name__)
def test_each_is_one_sentence_and_another_try(
    tmp_path: Path, play: Callable[[socket.socket], None]
) -> None:
    """The event waits, the thread lives; a stop is not held up."""
    with fake(play) as made:
        box = Publisher(tmp_path, account(made)).start()
        try:
            box.call(1)
            box.wait_until(lambda: PLAYS[play] in box.last.why.text("en"), PLAYS[play])
            box.wait_until(lambda: made.visits > 1, "it is not tried again")
            assert box.depth() == 1
            assert not any(one.connected for one in box.heard)  # it has never taken anything
        finally:
            box.stop()


@pytest.mark.parametrize("play", [huge, chatty], ids=lambda play: play.__name__)
def test_no_more_is_kept_than_was_asked_for(play: Callable[[socket.socket], None]) -> None:
    """Of 200 MB that a broker sends some thousand bytes are read, and fewer kept."""
    with fake(play) as made:
        connection = MqttConnection(account(made), WILL)
        tracemalloc.start()
        try:
            with pytest.raises(BrokerError, match="asked for"):
                use(connection)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            connection.close()
        assert peak < 4 * (BYTES_AT_MOST + LARGEST_PACKET)


def test_noise_is_never_more_than_a_broker_in_error() -> None:
    """Sixty times whatever bytes after, or instead of, a hello: nothing else comes of it."""
    noise = random.Random(5)
    told: list[bytes] = [
        (HELLO if number % 2 else b"") + noise.randbytes(noise.randrange(1, 300))
        for number in range(60)
    ]
    sent = iter(told)

    def noisy(visitor: socket.socket) -> None:
        visitor.recv(65536)
        visitor.sendall(next(sent))

    with fake(noisy) as made:
        for _ in told:
            connection = MqttConnection(account(made), WILL)
            with pytest.raises(BrokerError):
                use(connection)
            connection.close()


def test_tls_byte_by_byte_can_be_broken_off() -> None:
    """Each byte would be in time; whoever waits for the handshake is let go by `abort`."""
    begun = threading.Event()

    def drip(visitor: socket.socket) -> None:
        visitor.recv(65536)
        visitor.sendall(bytes.fromhex("160303"))
        begun.set()
        until_gone(visitor)

    with fake(drip) as made:
        connection = MqttConnection(account(made, MqttSecurity.TLS), WILL)
        failed: list[BrokerError] = []

        def opening() -> None:
            try:
                connection.open()
            except BrokerError as error:
                failed.append(error)

        thread = threading.Thread(target=opening)
        thread.start()
        assert begun.wait(10.0)
        assert connection.opening_since is not None
        connection.abort()
        thread.join(1.5)
        assert not thread.is_alive()
        assert failed
        connection.close()


def test_a_tls_handshake_that_stands_still_ends_in_time() -> None:
    """The limit is the connection's own, not the keepalive's, which may be minutes."""
    limits = replace(QUICK, connect_s=0.3, keepalive_s=60)
    with fake(until_gone) as made:
        connection = MqttConnection(replace(account(made, MqttSecurity.TLS), limits=limits), WILL)
        begun = time.monotonic()
        with pytest.raises(BrokerError, match="cannot be reached"):
            connection.open()
        connection.close()
    assert 0.3 <= time.monotonic() - begun < 5.0
