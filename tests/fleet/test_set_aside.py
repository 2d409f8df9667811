"""An event that can never be published: those behind it go, in their order."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from appliance import workers
from appliance.fleet.mqtt import PUBLISH_TRIES, BrokerError, PublishSession
from appliance.fleet.mqtt_messages import FleetEvent, MqttMessage
from appliance.policy.text import Words
from appliance.store import database, monitoring


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
        session(kept, BrokerError(Words("via", "away"))).step((), look=True)
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
