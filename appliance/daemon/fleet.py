"""The fleet in the desk: what is published, the thread that does it, what goes wrong.

Made only where a broker is configured: paho is not loaded elsewhere.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from appliance.api import status_text
from appliance.config.build import broker_of
from appliance.errors import CentralinoError
from appliance.fleet import mqtt_messages
from appliance.fleet.mqtt import Depth, Health, Sender
from appliance.fleet.mqtt_messages import Callers, Event, Json, Known, Message
from appliance.policy import directory_review
from appliance.policy.supervision import Part
from appliance.policy.text import Words
from appliance.store import monitoring

if TYPE_CHECKING:
    import sqlite3

    from appliance.calls.status import Status
    from appliance.config.schema import Settings
    from appliance.daemon.lookout import Lookout
    from appliance.fleet.mqtt import Broker, Line
    from appliance.policy.directory import Register
    from appliance.policy.office import Office
    from appliance.store.writer import Records

STOP_LIMIT_S: Final = 2.0
OPEN_LIMIT_S: Final = 30.0
"""A connection that is not open after so long is broken off: TLS byte by byte would take hours."""
SETTLED_S: Final = 120.0
"""So long after the start troubles of the run before may still come to light again."""
MISCONFIGURED: Final = Words(
    "La configurazione ha degli errori: centralino check li dice.",
    "The configuration has mistakes: centralino check tells them.",
)


@dataclass(frozen=True, slots=True)
class Kept:
    """The outbox in the records, asked by the fleet's thread, which may wait for the disk."""

    records: Records

    def waiting(self, after: int, most: int) -> tuple[Event, ...]:
        """See fleet.mqtt_session.Outbox."""
        rows = self.records.ask(lambda c: monitoring.waiting(c, after, most))
        return tuple(
            Event(r.number, r.id, r.kind, r.at, r.about, r.presentation, r.caller) for r in rows
        )

    def settle(self, numbers: Iterable[int]) -> None:
        """See fleet.mqtt_session.Outbox."""
        self.records.ask(lambda c: monitoring.settle(c, numbers))

    def set_aside(self, number: int) -> None:
        """See fleet.mqtt_session.Outbox."""
        self.records.ask(lambda c: monitoring.set_aside(c, number))

    def depth(self) -> Depth:
        """See fleet.mqtt_session.Outbox."""
        found = self.records.ask(monitoring.depth)
        return Depth(found.waiting, found.dropped, found.dropped_at)

    def retained(self) -> frozenset[str]:
        """See fleet.mqtt_session.Outbox."""
        return self.records.ask(monitoring.retained)

    def retain(self, topics: Iterable[str]) -> None:
        """See fleet.mqtt_session.Outbox."""
        self.records.ask(lambda c: monitoring.retain(c, topics))

    def release(self, topics: Iterable[str]) -> None:
        """See fleet.mqtt_session.Outbox."""
        self.records.ask(lambda c: monitoring.release(c, topics))


class Fleet:
    """Tells the broker how the desk stands, and the records what is to be told of."""

    def __init__(
        self,
        broker: Broker,
        settings: Settings,
        office: Office,
        records: Records,
        lookout: Lookout,
        register: Callable[[], Register],
        status: Callable[[], Status],
    ) -> None:
        from appliance.fleet.mqtt_client import Connection  # loaded where MQTT is on

        self._mqtt, self._office, self._register = settings.mqtt, office, register
        self._where, self._records, self._lookout = broker.where, records, lookout
        self._status = status
        self._topics = frozenset(settings.mqtt.events)
        self._facts: Json | None = None
        self._is_unkept = False  # whether the records have refused what was to be kept
        self._known: tuple[Known, ...] = ()
        self._health, self._away_since = Health(), time.monotonic()
        self._started = time.monotonic()
        self._seen = 0
        kinds = [kind for kind, topic in mqtt_messages.KINDS.items() if topic in self._topics]
        most = settings.mqtt.queue
        records.prepare = lambda c: monitoring.prepare(c, self._topics, kinds, most)
        records.watch(self._look_for_more)

        def connect(will: Message) -> Line:
            return Connection(broker, will)

        self._sender = Sender(
            settings.mqtt.prefix,
            Kept(records),
            connect,
            self._written,
            self._heard,
            lambda _: lookout.trouble(Part.MQTT, status_text.ENDED),
        )
        self._home = self._discovery(settings)
        self._say()

    def start(self) -> None:
        """Start the thread."""
        self._sender.start()

    def stop(self) -> None:
        """End it; a name that is being looked up cannot be hurried, and nobody waits for it."""
        with contextlib.suppress(CentralinoError):
            self._sender.stop(STOP_LIMIT_S)

    @property
    def beat_at(self) -> float:
        """When the fleet's loop last turned (monotonic s)."""
        return self._sender.beat_at

    def see(self, status: Status) -> None:
        """Take what people see: states go to the broker, differences to the records."""
        states = mqtt_messages.states(self._mqtt.prefix, status, self._known)
        self._sender.show((*self._home, *states))
        facts = mqtt_messages.facts_of(status, self._known)
        if facts != self._facts:
            self._facts = facts
            self._note(facts)

    def look(self, now: datetime) -> None:
        """Look after the troubles to be told; in the deciding thread, each turn."""
        away_s = 0.0 if self._health.connected else time.monotonic() - self._away_since
        trouble = status_text.trouble_of(self._where, self._health, away_s, now)
        self._lookout.trouble_once("fleet", trouble)
        opening = self._sender.opening_since
        if opening is not None and time.monotonic() - opening > OPEN_LIMIT_S:
            self._sender.abort()
        known = known_of(self._lookout)
        if known != self._known or self._is_unkept:
            self._known, self._is_unkept = known, False
            self.see(self._status())

    # --- within ---

    def _note(self, facts: Json) -> None:
        """Have kept what holds now, and told what differs from before."""
        settled = time.monotonic() - self._started > SETTLED_S
        at, stamp, topics = datetime.now(UTC).isoformat(), secrets.token_hex(8), self._topics

        def told(result: CentralinoError | None) -> None:
            if isinstance(result, CentralinoError):
                self._facts, self._is_unkept = None, True

        self._records.do(
            lambda c: monitoring.note(
                c,
                lambda before: mqtt_messages.merged(before, facts, settled=settled),
                lambda before, after: mqtt_messages.differences(before, after, topics),
                at,
                stamp,
            ),
            told,
        )

    def _look_for_more(self, connection: sqlite3.Connection) -> None:
        """Wake the thread when an event was kept; in the records' thread."""
        last = monitoring.last(connection)
        if last != self._seen:
            self._seen = last
            self._sender.wake()

    def _written(self, event: Event) -> Message:
        """Write an event as it is published; of callers no more than is configured (P7)."""
        register, plan = self._register(), self._office.outgoing.plan

        def hidden(number: str) -> str:
            return directory_review.mask_declared(number, register, plan)

        full = self._mqtt.callers == Callers.FULL
        return mqtt_messages.event(self._mqtt.prefix, event, hidden if full else None)

    def _heard(self, health: Health) -> None:
        """Take how it is with the broker; in the fleet's thread."""
        if self._health.connected and not health.connected:
            self._away_since = time.monotonic()
        self._health = health
        self._say()

    def _say(self) -> None:
        self._lookout.mqtt = status_text.row(self._where, self._health)
        self._lookout.mqtt_said = (status_text.broker_words(self._where, self._health),)

    def _discovery(self, settings: Settings) -> tuple[Message, ...]:
        """Describe the box to Home Assistant, where that is wanted."""
        if not settings.mqtt.home_assistant:
            return ()
        lines = tuple((line.name, line.label or line.name) for line in settings.lines)
        phones = tuple((one.name, one.label or one.name) for one in settings.phones)
        prefix, site = settings.mqtt.prefix, settings.site
        device = mqtt_messages.Device(prefix, site.name, lines, phones, site.languages[0])
        return (mqtt_messages.discovery(device),)


def fleet_of(
    settings: Settings,
    office: Office,
    records: Records,
    lookout: Lookout,
    register: Callable[[], Register],
    status: Callable[[], Status],
) -> Fleet | None:
    """Make the fleet, where a broker is configured; to be done before the records start."""
    broker = broker_of(settings.mqtt)
    if broker is None:
        return None
    return Fleet(broker, settings, office, records, lookout, register, status)


def known_of(lookout: Lookout) -> tuple[Known, ...]:
    """List the troubles that may be told of beyond the house, each under its stable code."""
    found = [Known(one.code, Words(one.it, one.en)) for one in lookout.coded()]
    return (*([Known("configuration", MISCONFIGURED)] if lookout.is_misconfigured else []), *found)
