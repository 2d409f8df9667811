"""Issue 9: the broker is down for a simulated day; no call is affected, all is delivered after."""

from __future__ import annotations

import shutil
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from appliance.fleet.mqtt import Broker
from tests.fleet.boxes import Publisher, account
from tests.fleet.forms import wrong_with_event
from tests.helpers.figures import Figures
from tests.helpers.mosquitto import Mosquitto, Receiver, broker_in, receiver_of
from tests.soak.away import MOST, Lived, live

pytestmark = [pytest.mark.system, pytest.mark.long, pytest.mark.timeout(900)]

CALLS, HOURS = 300, 24
NOBODY = Broker("127.0.15.9", "comune_nord", port=1)
LIMIT_S = 60.0
SOME_CONFIRMATIONS, EVERYTHING = 6_000, 1 << 40
"""Bytes: a handshake of TLS and something over a hundred confirmations; no limit."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the day is lived."""
    return tmp_path_factory.mktemp("away")


@pytest.fixture(scope="module")
def day(folder: Path) -> Lived:
    """Live the day, the broker away from its first second to its last."""
    return live(folder / "away", CALLS, HOURS, NOBODY)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """Run the broker that comes back."""
    with broker_in(tmp_path / "broker") as made:
        yield made


@pytest.fixture
def receiver(broker: Mosquitto) -> Iterator[Receiver]:
    """Listen to all that it is told."""
    with receiver_of(broker) as made:
        yield made


def copied(folder: Path, to: Path) -> Path:
    """Return the records as the day left them, to be sent from."""
    shutil.copytree(folder / "away" / "state", to)
    return to


def arrivals(receiver: Receiver) -> Counter[str]:
    """Count how often each event came."""
    return Counter(
        bytes(one.payload).decode() for one in receiver.messages if "/event/" in one.topic
    )


def ids(receiver: Receiver) -> list[str]:
    """List the events by their id, in the order of their first arrival."""
    return [str(each["id"]) for each in receiver.events()]


def told(receiver: Receiver, kind: str, key: str) -> list[object]:
    """List what events of a kind were about."""
    return [each["about"][key] for each in receiver.events() if each["kind"] == kind]


def test_no_call_is_affected(folder: Path, day: Lived) -> None:
    """Without MQTT the same day is the same, order by order; and nothing that was told is lost."""
    without = live(folder / "without", CALLS, HOURS, None)
    assert day.tries > 0
    assert day.digest == without.digest
    assert (day.calls, day.messages, day.requests) == (
        without.calls, without.messages, without.requests,
    )  # fmt: skip
    assert day.wrong == without.wrong == []
    assert without.waiting == []


def test_all_of_it_is_delivered_once_and_in_order(
    tmp_path: Path,
    folder: Path,
    day: Lived,
    broker: Mosquitto,
    receiver: Receiver,
    figures: Figures,
) -> None:
    """Each call, message and request of the day has its event; the broker is told each once."""
    box = Publisher(copied(folder, tmp_path / "box"), account(broker), most=MOST).start()
    box.sender.wake()
    receiver.wait_for(lambda: len(ids(receiver)) >= len(day.waiting), LIMIT_S, "not all of it came")
    box.wait_until(lambda: box.depth() == 0, "something stays on the disk")
    box.stop()
    assert ids(receiver) == day.waiting
    assert set(arrivals(receiver).values()) == {1}
    for kind, key, wanted in (
        ("call_ended", "call", day.calls),
        ("message_left", "message", day.messages),
        ("request_made", "request", day.requests),
    ):
        assert sorted(told(receiver, kind, key)) == sorted(wanted)  # type: ignore[type-var]
    kinds = Counter(each["kind"] for each in receiver.events())
    assert {"line_lost", "line_back", "service_changed"} <= set(kinds)
    assert [wrong for each in receiver.events() for wrong in wrong_with_event(each)] == []
    figures.say(
        f"broker away for {HOURS} virtual h: {len(day.calls)} calls as without MQTT, "
        f"{len(day.waiting)} events delivered afterwards, each once and in order: {dict(kinds)}"
    )


@dataclass
class Wire:
    """What lies between box and broker: after `most` bytes of a connection no more of the broker's
    come through; what it says then is `swallowed`.
    """

    broker: Mosquitto
    most: int
    swallowed: threading.Event = field(default_factory=threading.Event)
    pairs: list[socket.socket] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.listener = socket.create_server((self.broker.address, 0))
        self.port = int(self.listener.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def cut(self) -> None:
        """Break every connection."""
        pairs, self.pairs = self.pairs, []
        for each in pairs:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                box, _ = self.listener.accept()
                try:
                    there = socket.create_connection((self.broker.address, self.broker.port))
                except OSError:
                    box.close()
                    continue
                self.pairs += [box, there]
                threading.Thread(target=self._pass, args=(box, there), daemon=True).start()
                threading.Thread(target=self._hear, args=(there, box), daemon=True).start()

    def _pass(self, giver: socket.socket, taker: socket.socket) -> None:
        with suppress(OSError):
            while data := giver.recv(65536):
                taker.sendall(data)
        with suppress(OSError):
            taker.shutdown(socket.SHUT_RDWR)

    def _hear(self, giver: socket.socket, taker: socket.socket) -> None:
        passed = 0
        with suppress(OSError):
            while data := giver.recv(65536):
                if passed < self.most:
                    taker.sendall(data)
                else:
                    self.swallowed.set()
                passed += len(data)
        with suppress(OSError):
            taker.shutdown(socket.SHUT_RDWR)


@contextmanager
def wire_to(broker: Mosquitto, most: int) -> Iterator[Wire]:
    """Lay a wire as long as it is needed."""
    made = Wire(broker, most)
    try:
        yield made
    finally:
        made.listener.close()
        made.cut()


def test_the_broker_goes_again_and_confirmations_are_lost(
    tmp_path: Path,
    folder: Path,
    day: Lived,
    broker: Mosquitto,
    receiver: Receiver,
    figures: Figures,
) -> None:
    """Three times in the middle of it confirmations do not come through, and the broker ends: each
    event comes at least once, and of what a receiver keeps by its id each is there once, in order.

    The broker ends in good order: one that is killed may lose what it has confirmed, and nobody
    but itself can know.
    """
    left: list[int] = []
    with wire_to(broker, SOME_CONFIRMATIONS) as wire:
        there = account(broker, port=wire.port)
        box = Publisher(copied(folder, tmp_path / "box"), there, most=MOST).start()
        for last in (False, False, True):
            assert wire.swallowed.wait(LIMIT_S), "it stands still"
            broker.stop()
            left.append(box.depth())
            wire.most = EVERYTHING if last else wire.most
            wire.cut()
            wire.swallowed.clear()
            broker.start()
        receiver.wait_for(
            lambda: set(ids(receiver)) == set(day.waiting), LIMIT_S, "not all of it came"
        )
        box.wait_until(lambda: box.depth() == 0, "something stays on the disk")
        box.stop()
    came = arrivals(receiver)
    assert len(day.waiting) > left[0] > left[1] > left[2] > 0, left
    assert ids(receiver) == day.waiting
    assert len(came) == len(day.waiting)  # a double says the same, word by word
    assert max(came.values()) > 1, "no confirmation was lost: nothing was tried"
    figures.say(
        f"the broker ends three times, confirmations lost: {len(day.waiting)} events, "
        f"{sum(came.values()) - len(came)} came again under their id, none is missing"
    )
