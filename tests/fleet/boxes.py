"""A box's side of MQTT without the box: its records, its sender, events as calls make them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from appliance.calls.orders import Result
from appliance.fleet import mqtt_messages
from appliance.fleet.mqtt import Broker, BrokerHealth, BrokerLimits, MqttSender
from appliance.fleet.mqtt_client import MqttConnection
from appliance.fleet.mqtt_messages import GROUP_OF_EVENT
from appliance.service.monitoring import StoredOutbox
from appliance.store import call_log, monitoring
from appliance.store.writer import DatabaseWriter
from tests.helpers.mosquitto import USER
from tests.store.samples import TEN, a_call

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from appliance.fleet.mqtt_messages import MqttMessage
    from tests.helpers.mosquitto import Mosquitto


QUICK = BrokerLimits(connect_s=2.0, hello_s=1.5, confirm_s=2.0, keepalive_s=60)
PAUSES = (0.05, 0.2)


def account(mosquitto: Mosquitto, **more: object) -> Broker:
    """Make the account of a box at a broker."""
    folder = mosquitto.folder
    made = Broker(
        mosquitto.address,
        "comune_nord",
        port=mosquitto.port,
        user=USER,
        password_file=str(folder / "password"),
        ca_file=str(folder / "ca.pem"),
        limits=QUICK,
    )
    return replace(made, **more)  # type: ignore[arg-type]  # fields of every type


@dataclass
class Publisher:
    """Records and sender of one box; `states` are what it shows."""

    folder: Path
    broker: Broker
    prefix: str = "comune/nord"
    most: int = 1000
    heard: list[BrokerHealth] = field(default_factory=list)
    connections: list[MqttConnection] = field(default_factory=list)

    def start(self) -> Publisher:
        """Start both."""
        self.records = DatabaseWriter(self.folder / "centralino.db", f"boot-{time.monotonic_ns()}")
        self.records.prepare = lambda c: monitoring.prepare(
            c, ("calls",), GROUP_OF_EVENT, self.most
        )
        self.records.start()
        self.sender = MqttSender(
            self.prefix,
            StoredOutbox(self.records),
            self._connect,
            lambda event: mqtt_messages.event_message(self.prefix, event, None),
            self.heard.append,
            pauses=PAUSES,
        ).start()
        return self

    @property
    def last(self) -> BrokerHealth:
        """How it was heard to be last."""
        return self.heard[-1] if self.heard else BrokerHealth()

    def stop(self) -> None:
        """Stop both."""
        self.sender.stop()
        self.records.stop()

    def call(self, number: int) -> None:
        """Have a call end."""
        over = replace(a_call(f"c-{number}", Result.ANSWERED), ended_at=TEN + timedelta(minutes=1))
        self.records.ask(lambda c: call_log.upsert_calls(c, [over], "boot"))
        self.sender.wake()

    def depth(self) -> int:
        """Count what waits."""
        return self.records.ask(monitoring.depth).waiting

    def wait_until(self, is_so: Callable[[], bool], why: str, limit: float = 20.0) -> None:
        """Wait for something that no event tells of."""
        deadline = time.monotonic() + limit
        while not is_so():
            assert time.monotonic() < deadline, f"{why} within {limit} s: {self.heard[-3:]}"
            time.sleep(0.02)

    def _connect(self, will: MqttMessage) -> MqttConnection:
        made = MqttConnection(self.broker, will)
        self.connections.append(made)
        return made
