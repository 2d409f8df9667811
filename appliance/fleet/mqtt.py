"""MQTT publishing: the broker as configured, a session on one connection, the sending thread."""

from __future__ import annotations

import enum
import logging
import random
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from appliance.errors import Bug, CentralinoError
from appliance.fleet.mqtt_messages import REFRESH_S, MqttMessage, availability
from appliance.policy.text import NOTHING, Words
from appliance.workers import BEAT_S, JOIN_LIMIT, Worker, faults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from appliance.fleet.mqtt_messages import FleetEvent


# ---- mqtt broker -------------------------------------------------------------------------------
# The broker, the box's account there, and the broker's refusals in words.


class MqttSecurity(enum.StrEnum):
    """How the connection is protected; there is no falling back from one to another."""

    TLS = "tls"
    NONE = "none"


PORTS: Final = {MqttSecurity.TLS: 8883, MqttSecurity.NONE: 1883}
"""Where a broker listens, unless the configuration says otherwise (IANA)."""


@dataclass(frozen=True, slots=True)
class BrokerLimits:
    """Seconds that each step may take: TCP and TLS, the broker's hello, one confirmation."""

    connect_s: float = 10.0
    hello_s: float = 15.0
    confirm_s: float = 30.0
    keepalive_s: int = 60


@dataclass(frozen=True, slots=True)
class Broker:
    """The broker and the box's account there; `name` tells one box from another.

    `password_file` is read at every connection. `ca_file` holds the certificates of an office's own
    authority, "" for the system's; `certificate` and `key` are the box's own, "" for none.
    """

    server: str
    name: str
    security: MqttSecurity = MqttSecurity.TLS
    port: int = 0
    user: str = ""
    password_file: str = field(default="", repr=False)
    ca_file: str = ""
    certificate: str = ""
    key: str = ""
    limits: BrokerLimits = BrokerLimits()

    @property
    def where(self) -> str:
        """Name the broker as people read it."""
        return f"{self.server}:{self.port or PORTS[self.security]}"


class BrokerError(CentralinoError):
    """Raised when the broker cannot be used; `misset` where waiting mends nothing."""

    def __init__(self, words: Words, *, misset: bool = False) -> None:
        super().__init__(words.en)
        self.words = words
        self.misset = misset


NO_HELLO: Final = Words(
    "accetta il collegamento e poi tace: riavviarlo",
    "takes the connection and then says nothing: restart it",
)
NO_CONFIRMATION: Final = Words(
    "non conferma ciò che riceve: riavviarlo", "does not confirm what it is sent: restart it"
)
NO_MQTT: Final = Words(
    "non parla MQTT 5: controllare indirizzo e porta, o aggiornarlo",
    "does not speak MQTT 5: look at address and port, or update it",
)
TOO_MUCH: Final = Words(
    "manda ciò che nessuno ha chiesto: controllare indirizzo e porta",
    "sends what nobody has asked for: look at address and port",
)
LOST: Final = Words(
    "ha chiuso il collegamento: guardare il suo registro", "has closed the connection: see its log"
)
NO_RETAIN: Final = Words(
    "non conserva messaggi (retain): abilitarlo nella sua configurazione",
    "keeps no retained messages: enable them in its configuration",
)
NO_QOS: Final = Words(
    "non conferma messaggi (QoS 1): abilitarlo nella sua configurazione",
    "takes no confirmed messages (QoS 1): enable them in its configuration",
)
UNKNOWN_CERTIFICATE: Final = Words(
    "ha un certificato di un'autorità sconosciuta o per un altro nome ({}): indicare in "
    "mqtt.ca_file la sua autorità, in mqtt.server il nome del certificato",
    "has a certificate of an unknown authority or for another name ({}): name its authority in "
    "mqtt.ca_file, in mqtt.server the name of the certificate",
)
NO_TLS: Final = Words(
    "non accetta TLS come configurato ({}): controllare porta, mqtt.certificate e mqtt.key",
    "does not take TLS as configured ({}): look at the port, mqtt.certificate and mqtt.key",
)
OPEN_FILE: Final = Words(
    "chiede una password, ma tutti possono leggere il file {}: togliere il permesso con chmod o=",
    "wants a password, but everybody may read the file {}: take that away with chmod o=",
)
REFUSALS: Final[Mapping[int, Words]] = {
    0x84: NO_MQTT,
    0x86: Words(
        "non accetta utente o password: controllare mqtt.user e mqtt.password_file",
        "refuses user or password: look at mqtt.user and mqtt.password_file",
    ),
    0x87: Words(
        "non autorizza questo apparecchio: controllare mqtt.user, la password e, nel broker, le "
        "regole (ACL) per mqtt.prefix",
        "does not authorise this box: look at mqtt.user, the password, and the rules (ACL) of the "
        "broker for mqtt.prefix",
    ),
    0x8E: Words(
        "dice che un altro apparecchio usa lo stesso prefisso: ognuno ha il suo mqtt.prefix",
        "says that another box uses the same prefix: each has its own mqtt.prefix",
    ),
}
"""By the reason code (MQTT 5, 2.4)."""
PASSING_REFUSALS: Final = frozenset({0x88, 0x89, 0x8B, 0x97, 0x9F})
"""Unavailable, busy, shutting down, quota, rate: the broker's own affair, which passes."""


def broker_refusal(code: int, name: str) -> BrokerError:
    """Return the error for a reason code of 0x80 and above."""
    it, en = f"rifiuta ({name}): guardare il suo registro", f"refuses ({name}): see its log"
    return BrokerError(REFUSALS.get(code) or Words(it, en), misset=code not in PASSING_REFUSALS)


def fill_reason(words: Words, why: str) -> Words:
    """Put a reason into a sentence."""
    return Words(words.it.format(why), words.en.format(why))


# ---- mqtt session ------------------------------------------------------------------------------
# Publishing on one connection: states first, each as it is now, then events.
#
# An event leaves the disk only once the broker has confirmed it, so it may arrive twice, under the
# same id, and is never lost.

PUBLISH_TRIES: Final = 3
"""So often an event is tried that fails by a fault of ours, before it is set aside."""
LOOK_S: Final = 1.0
"""Whether a confirmation is late is looked at so often."""


@dataclass(frozen=True, slots=True)
class OutboxDepth:
    """Events that wait, events ever dropped, and when last ("" for never)."""

    waiting: int = 0
    dropped: int = 0
    dropped_at: str = ""


class EventOutbox(Protocol):
    """Persistent outbox of events and of retained topics. All methods raise StoreError."""

    def waiting(self, after: int, most: int) -> tuple[FleetEvent, ...]:
        """Return events beyond a number, oldest first."""

    def settle(self, numbers: Iterable[int]) -> None:
        """Forget what the broker has confirmed."""

    def set_aside(self, number: int) -> None:
        """Set an unpublishable event aside, so that later ones go on."""

    def depth(self) -> OutboxDepth:
        """Count them."""

    def retained(self) -> frozenset[str]:
        """Return the topics under which the broker may hold something of ours."""

    def retain(self, topics: Iterable[str]) -> None:
        """Remember topics before something is published to stay there."""

    def release(self, topics: Iterable[str]) -> None:
        """Forget topics under which nothing is left."""


class BrokerLink(Protocol):
    """A connection, as fleet.mqtt.Connection is one."""

    def open(self) -> None:
        """Connect."""

    def turn(self, timeout: float) -> None:
        """Read and write, waiting at most so long."""

    def publish(self, message: MqttMessage) -> int:
        """Hand a message over."""

    def confirmed(self) -> list[int]:
        """Return what was confirmed."""

    def wake(self) -> None:
        """End a wait."""

    def abort(self) -> None:
        """Break off."""

    def close(self, last: MqttMessage | None = None) -> None:
        """Take leave."""

    @property
    def opening_since(self) -> float | None:
        """Since when it is being opened."""

    @property
    def window(self) -> int:
        """How many messages may wait for their confirmation at once."""


class PublishSession:
    """Publishing on one connection: current states first, then events in their order."""

    def __init__(
        self,
        prefix: str,
        outbox: EventOutbox,
        line: BrokerLink,
        write: Callable[[FleetEvent], MqttMessage],
    ) -> None:
        self._outbox, self._line, self._write = outbox, line, write
        self._here = availability(prefix, online=True)
        self._events: dict[int, int] = {}
        self._shown: dict[int, MqttMessage] = {}
        self._due: dict[str, MqttMessage] = {}
        self._told: dict[str, MqttMessage] = {}
        self._known = outbox.retained()
        self._is_swept = False
        self.is_taken = False
        """Whether the broker has confirmed anything: some let a box in and take nothing of it."""
        self._handed = 0
        self._refresh_at = time.monotonic() + REFRESH_S

    def step(self, states: tuple[MqttMessage, ...], look: bool) -> None:
        """Publish changed states, states due for a refresh and, if `look`, the next events.

        As many as may be under way; the rest follows what is confirmed. Raises StoreError.
        """
        if time.monotonic() >= self._refresh_at:
            self._refresh_at = time.monotonic() + REFRESH_S
            self._told = {topic: one for topic, one in self._told.items() if not one.expiry_s}
        self._learn((self._here, *states))
        if states and not self._is_swept:
            self._is_swept = True
            self._sweep(states)
        while self._due and self._room():
            one = self._due.pop(next(iter(self._due)))
            self._shown[self._line.publish(one)] = one
        if look and self._room():
            for event in self._outbox.waiting(self._handed, self._room()):
                self._hand_over(event)
                self._handed = event.number

    def _hand_over(self, event: FleetEvent) -> None:
        """Publish an event; one that fails PUBLISH_TRIES times by a fault of ours is set aside."""
        for left in reversed(range(PUBLISH_TRIES)):
            try:
                self._events[self._line.publish(self._write(event))] = event.number
            except CentralinoError:
                raise  # the broker's, or the disk's: the same event follows
            except Exception as error:  # noqa: BLE001 - whatever it is, it is this event's
                faults.report(error)
                if not left:
                    self._outbox.set_aside(event.number)
            else:
                return

    def hear(self) -> bool:
        """Settle confirmed messages; returns whether there were any, so that more may go."""
        confirmed = self._line.confirmed()
        events = [self._events.pop(mid) for mid in confirmed if mid in self._events]
        shown = [self._shown.pop(mid) for mid in confirmed if mid in self._shown]
        if events:
            self._outbox.settle(events)
        if emptied := [one.topic for one in shown if not one.payload]:
            self._outbox.release(emptied)
        self.is_taken = self.is_taken or bool(confirmed)
        return bool(confirmed)

    def wait_s(self) -> float:
        """Return the seconds until the next step, unless woken."""
        most = LOOK_S if self._events or self._shown else BEAT_S
        return min(most, max(0.0, self._refresh_at - time.monotonic()))

    def _room(self) -> int:
        return self._line.window - len(self._events) - len(self._shown)

    def _learn(self, states: tuple[MqttMessage, ...]) -> None:
        """Queue states that differ from the published ones; their topics are stored first."""
        changed = [one for one in states if self._told.get(one.topic) != one]
        new = {one.topic for one in changed} - self._known
        if new:
            self._outbox.retain(new)
            self._known |= new
        for one in changed:
            self._due[one.topic] = self._told[one.topic] = one

    def _sweep(self, states: tuple[MqttMessage, ...]) -> None:
        """Clear retained topics of lines, phones and prefixes that no longer exist."""
        stays = {one.topic for one in (self._here, *states)}
        for topic in sorted(self._known - stays):
            self._due[topic] = MqttMessage(topic, b"", retain=True)
        self._known &= stays


# ---- mqtt sender -------------------------------------------------------------------------------
# The sending thread: current states, events in their order, whatever the broker does.
#
# It alone waits for the broker; `show` and `wake` never do.

log = logging.getLogger(__name__)

FIRST_S, MOST_S = 1.0, 120.0
"""A broker that is away is tried after 1, 2, 4 … seconds, at last every two minutes."""
STEADY_S: Final = 60.0
"""A connection that held so long was a good one: after its end the first pause is short again."""


@dataclass(frozen=True, slots=True)
class BrokerHealth:
    """Health of the connection: `why` it is down, `misset` if only a configuration change helps."""

    connected: bool = False
    why: Words = NOTHING
    misset: bool = False
    depth: OutboxDepth = OutboxDepth()


class MqttSender:
    """Publishes below `prefix`. `connect` makes a connection, `write` an event's message.

    `on_health` hears, in this thread, how it is, whenever that has changed; `on_failure` that a
    fault of ours keeps the thread from its work.
    """

    def __init__(
        self,
        prefix: str,
        outbox: EventOutbox,
        connect: Callable[[MqttMessage], BrokerLink],
        write: Callable[[FleetEvent], MqttMessage],
        on_health: Callable[[BrokerHealth], None],
        on_failure: Callable[[BaseException], None] | None = None,
        pauses: tuple[float, float] = (FIRST_S, MOST_S),
    ) -> None:
        self._prefix, self._outbox = prefix, outbox
        self._connect, self._write, self._on_health = connect, write, on_health
        self._pauses = pauses
        self._health = BrokerHealth()
        self._states: tuple[MqttMessage, ...] = ()
        self._line: BrokerLink | None = None
        self._news = threading.Event()  # there may be events that nobody has handed over
        self._failures = 0
        self._worker = Worker("fleet", self._turn, on_failure)

    def start(self) -> MqttSender:
        """Start the thread."""
        self._worker.start()
        return self

    def stop(self, limit: float = JOIN_LIMIT) -> None:
        """End; what waits is sent after the next start."""
        self._worker.stopping.set()
        self.wake()
        if self._line is not None and self._line.opening_since is not None:
            self._line.abort()
        self._worker.stop(limit)

    @property
    def beat_at(self) -> float:
        """When the loop last turned (monotonic s)."""
        return self._worker.beat_at

    @property
    def opening_since(self) -> float | None:
        """Since when (monotonic s) a connection is being opened, None when none is."""
        line = self._line
        return line.opening_since if line is not None else None

    def abort(self) -> None:
        """Break off what goes on; it is tried again after a pause."""
        line = self._line
        if line is not None:
            line.abort()

    def show(self, states: tuple[MqttMessage, ...]) -> None:
        """Take the states as they are now; from any thread, never waits."""
        if states != self._states:
            self._states = states
            line = self._line
            if line is not None:
                line.wake()

    def wake(self) -> None:
        """An event was kept; from any thread."""
        self._news.set()
        line = self._line
        if line is not None:
            line.wake()

    # --- the thread ---

    def _turn(self) -> None:
        """Serve one connection to its end, and wait before the next."""
        stopping, began = self._worker.stopping, time.monotonic()
        try:
            self._serve(stopping)
        except BrokerError as error:
            self._failed(error, time.monotonic() - began)
        except Bug:
            raise
        except CentralinoError as error:
            log.warning("fleet: %s", error)
            self._failures += 1
        self._pause(stopping)

    def _serve(self, stopping: threading.Event) -> None:
        """Connect and publish until told to stop; raises BrokerError, StoreError."""
        self._line = line = self._connect(availability(self._prefix, online=False))
        last = None
        try:
            line.open()
            session = PublishSession(self._prefix, self._outbox, line, self._write)
            last = availability(self._prefix, online=False)
            look = True
            while not stopping.is_set():
                self._worker.beat()
                session.step(self._states, look)
                if look and session.is_taken:
                    self._tell(connected=True)
                line.turn(session.wait_s())
                look = session.hear() or self._news.is_set()
                if look:
                    self._news.clear()  # before the disk is asked: nothing is overlooked
        finally:
            self._line = None
            line.close(last)

    def _failed(self, error: BrokerError, lasted: float) -> None:
        self._failures = 1 if lasted > STEADY_S else self._failures + 1
        if error.words != self._health.why:
            log.warning("mqtt: the broker %s", error)
        self._tell(connected=False, why=error.words, misset=error.misset)

    def _tell(self, *, connected: bool, why: Words = NOTHING, misset: bool = False) -> None:
        """Report the connection's health, with the depth of the outbox."""
        depth = self._health.depth
        with suppress(CentralinoError):
            depth = self._outbox.depth()
        health = BrokerHealth(connected, why, misset, depth)
        if connected and not self._health.connected:
            log.info("mqtt: connected, %d events wait", depth.waiting)
        if health != self._health:
            self._health = health
            self._on_health(health)

    def _pause(self, stopping: threading.Event) -> None:
        """Wait before the next try: longer each time, and not all boxes of a town at once."""
        first, most = self._pauses
        wait = min(first * 2 ** min(max(self._failures - 1, 0), 16), most)
        until = time.monotonic() + wait * random.uniform(0.5, 1.0)
        while not stopping.is_set() and (left := until - time.monotonic()) > 0:
            self._worker.beat()
            if self._news.wait(min(left, BEAT_S)):
                self._news.clear()
                self._tell(connected=False, why=self._health.why, misset=self._health.misset)
