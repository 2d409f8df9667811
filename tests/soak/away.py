"""A virtual day at the office with an MQTT broker that is away: what waits for it afterwards.

Exchange, media gateway, call control, records and mailbox are the real ones, and so is the thread
that tries to reach the broker all day long. `python -m tests.soak.day` has the same day without it.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path

from appliance.fleet import mqtt_messages
from appliance.fleet.mqtt import Broker, BrokerHealth, MqttSender
from appliance.fleet.mqtt_client import MqttConnection
from appliance.policy.directory import ReturnRule
from appliance.policy.requests import spoken_request
from appliance.service.monitoring import StoredOutbox
from appliance.store import monitoring, requests
from appliance.store.database import open_reader
from appliance.store.requests import NO_MAILS, RequestToStore
from tests.soak.day import Day, DaySoak
from tests.soak.kept import KeptStore
from tests.soak.world import World

SEED = 4
PREFIX = "comune/nord"
TOPICS = tuple(mqtt_messages.EventGroup)
MOST = 10_000
"""As delivered (mqtt.queue)."""
REQUEST_S, LOOK_S = 1700.0, 60.0
"""So often somebody takes a request, and is what holds told as it is told on a change."""
PAUSES = (0.5, 2.0)
"""The broker is tried more often than in earnest: the day takes a minute."""


@dataclass
class AwayStore(KeptStore):
    """A store that notes events for a broker; `broker` is where none listens, None for no MQTT."""

    broker: Broker | None = None
    heard: list[BrokerHealth] = field(default_factory=list)
    sender: MqttSender | None = None
    noted: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.broker is not None:
            self.box.prepare = lambda c: monitoring.prepare(
                c, TOPICS, mqtt_messages.GROUP_OF_EVENT, MOST
            )

    def interrupt(self) -> None:
        """Start anew, the fleet's thread too."""
        super().interrupt()
        if self.broker is not None:
            self.sender = self._sender(self.broker).start()

    def close(self) -> None:
        """Stop the workers, the fleet's first."""
        sender, self.sender = self.sender, None
        if sender is not None:
            sender.stop()
        super().close()

    def note(self, facts: mqtt_messages.Json) -> None:
        """Have kept what holds now, as call control does."""
        at, self.noted = self.world.clock().wall.astimezone(UTC).isoformat(), self.noted + 1
        self.box.records.ask(
            lambda c: monitoring.note(
                c,
                lambda before: mqtt_messages.merged_facts(before, facts, settled=True),
                lambda before, after: mqtt_messages.fact_differences(
                    before, after, frozenset(TOPICS)
                ),
                at,
                f"day-{self.noted}",
            )
        )

    def take_request(self, ident: str) -> None:
        """Somebody at the front desk takes a request at the console."""
        at = self.world.clock().wall
        new = spoken_request(ReturnRule.EMAIL, "anagrafe", "aire", ident, "051", ident, at, "op1")
        self.box.records.ask(
            lambda c: requests.insert_request(c, RequestToStore(ident, new, at), NO_MAILS)
        )

    def _sender(self, broker: Broker) -> MqttSender:
        return MqttSender(
            PREFIX,
            StoredOutbox(self.box.records),
            lambda will: MqttConnection(broker, will),
            lambda event: mqtt_messages.event_message(PREFIX, event, None),
            self.heard.append,
            pauses=PAUSES,
        )


class AwaySoak(DaySoak):
    """The day, with requests and with what call control tells of lines and of the service."""

    def begin(self) -> None:
        """Let the box come up; somebody takes requests."""
        super().begin()
        self.facts: mqtt_messages.Json | None = None
        self.world.after(REQUEST_S, self._request)
        self.world.after(LOOK_S, self._tell)

    def _request(self) -> None:
        self.world.after(REQUEST_S, self._request)
        store = self.store
        assert isinstance(store, AwayStore)
        store.take_request(f"q{self.world.number()}")

    def _tell(self) -> None:
        self.world.after(LOOK_S, self._tell)
        store, control = self.store, self.world.control
        assert isinstance(store, AwayStore)
        if store.broker is None or control is None or not control.lives:
            return
        facts = mqtt_messages.facts_of(control.switchboard.status(self.world.clock()), ())
        if facts != self.facts:
            self.facts = facts
            store.note(facts)


@dataclass
class Lived:
    """What came of a day: the digest of all that was decided, what the records hold, what waits."""

    digest: str
    wrong: list[str]
    tries: int
    calls: set[str] = field(default_factory=set)
    messages: set[int] = field(default_factory=set)
    requests: set[int] = field(default_factory=set)
    waiting: list[str] = field(default_factory=list)


def live(folder: Path, calls: int, hours: int, broker: Broker | None) -> Lived:
    """Live a day below a folder; its records stay in `state` there."""
    (folder / "ports").mkdir(parents=True)
    state = folder / "state"
    world = World(folder / "ports", SEED, lambda w: AwayStore(w, folder=state, broker=broker), 2000)
    store = world.store
    assert isinstance(store, AwayStore)
    try:
        AwaySoak(world, calls, 0.05).live(hours, Day())
    finally:
        world.close()
        store.close()
    connected = [each for each in store.heard if each.connected]
    assert connected == []
    return kept(state, Lived(world.digest, store.wrong(), len(store.heard)))


def kept(state: Path, found: Lived) -> Lived:
    """Read what lies in the records."""
    with closing(open_reader(state / "centralino.db")) as reader:
        found.calls = {row[0] for row in reader.execute("SELECT call FROM calls")}
        found.messages = {row[0] for row in reader.execute("SELECT number FROM messages")}
        found.requests = {row[0] for row in reader.execute("SELECT number FROM requests")}
        rows = reader.execute("SELECT id FROM fleet_outbox ORDER BY number")
        found.waiting = [row[0] for row in rows]
    return found
