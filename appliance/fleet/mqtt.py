"""MQTT publishing: the configured broker, a session on one connection, the sending thread."""

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
from appliance.text import NOTHING, Words, _
from appliance.workers import BEAT_S, JOIN_LIMIT, Worker, faults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from appliance.fleet.mqtt_messages import FleetEvent


# The broker, the box's account there, and texts for the broker's refusals.


class MqttSecurity(enum.StrEnum):
    """Protection of the connection; there is no fallback from one to another."""

    TLS = "tls"
    NONE = "none"


PORTS: Final = {MqttSecurity.TLS: 8883, MqttSecurity.NONE: 1883}
"""Default ports of a broker (IANA)."""


@dataclass(frozen=True, slots=True)
class BrokerLimits:
    """Time limits (s) of TCP and TLS, the broker's CONNACK, one PUBACK; the keepalive (s)."""

    connect_s: float = 10.0
    hello_s: float = 15.0
    confirm_s: float = 30.0
    keepalive_s: int = 60


@dataclass(frozen=True, slots=True)
class Broker:
    """The broker and the box's account there; `name` tells one box from another.

    `password_file` is read at every connection. `ca_file` holds the certificates of the office's
    authority, "" for the system's; `certificate` and `key` are the box's, "" for none.
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
        """Server and port for people."""
        return f"{self.server}:{self.port or PORTS[self.security]}"


class BrokerError(CentralinoError):
    """Raised if the broker cannot be used; `misset` if only a configuration change helps."""

    def __init__(self, words: Words, *, misset: bool = False) -> None:
        super().__init__(str(words))
        self.words = words
        self.misset = misset


NO_HELLO: Final = _("takes the connection and then says nothing: restart it")
NO_CONFIRMATION: Final = _("does not confirm what it is sent: restart it")
NO_MQTT: Final = _("does not speak MQTT 5: look at address and port, or update it")
TOO_MUCH: Final = _("sends what nobody has asked for: look at address and port")
LOST: Final = _("has closed the connection: see its log")
NO_RETAIN: Final = _("keeps no retained messages: enable them in its configuration")
NO_QOS: Final = _("takes no confirmed messages (QoS 1): enable them in its configuration")
UNKNOWN_CERTIFICATE: Final = _(
    "has a certificate of an unknown authority or for another name ({why}): name "
    "its authority in mqtt.ca_file, in mqtt.server the name of the certificate"
)
NO_TLS: Final = _(
    "does not take TLS as configured ({why}): look at the port, mqtt.certificate and mqtt.key"
)
OPEN_FILE: Final = _(
    "wants a password, but everybody may read the file {path}: take that away with chmod o="
)
REFUSALS: Final[Mapping[int, Words]] = {
    0x84: NO_MQTT,
    0x86: _("refuses user or password: look at mqtt.user and mqtt.password_file"),
    0x87: _(
        "does not authorise this box: look at mqtt.user, the password, and the "
        "rules (ACL) of the broker for mqtt.prefix"
    ),
    0x8E: _("says that another box uses the same prefix: each has its own mqtt.prefix"),
}
"""Texts of refusals by reason code (MQTT 5, 2.4)."""
# Unavailable, busy, shutting down, quota, rate: the broker's own affair, which passes.
PASSING_REFUSALS: Final = frozenset({0x88, 0x89, 0x8B, 0x97, 0x9F})


def broker_refusal(code: int, name: str) -> BrokerError:
    """Return the error for a reason code of 0x80 and above."""
    words = REFUSALS.get(code) or _("refuses ({name}): see its log", name=name)
    return BrokerError(words, misset=code not in PASSING_REFUSALS)


# Publishing on one connection: states first, each in its present form, then events. An event is
# deleted from the disk only after the broker's confirmation: it may arrive twice, under the same
# id, and is never lost.

PUBLISH_TRIES: Final = 3
"""Tries of an event that fails by a bug, before it is set aside."""
LOOK_S: Final = 1.0
"""Seconds between two checks for late confirmations."""


@dataclass(frozen=True, slots=True)
class OutboxDepth:
    """Number of waiting events, of all dropped events, and when last ("" for never)."""

    waiting: int = 0
    dropped: int = 0
    dropped_at: str = ""


class EventOutbox(Protocol):
    """Persistent outbox of events and of retained topics. All methods raise StoreError."""

    def waiting(self, after: int, most: int) -> tuple[FleetEvent, ...]:
        """Return events beyond a number, oldest first."""

    def settle(self, numbers: Iterable[int]) -> None:
        """Delete confirmed events."""

    def set_aside(self, number: int) -> None:
        """Set an unpublishable event aside, so that later ones go on."""

    def depth(self) -> OutboxDepth:
        """Count them."""

    def retained(self) -> frozenset[str]:
        """Return the topics under which the broker may retain a message of ours."""

    def retain(self, topics: Iterable[str]) -> None:
        """Store topics before a retained message is published there."""

    def release(self, topics: Iterable[str]) -> None:
        """Delete topics without a retained message."""


class BrokerLink(Protocol):
    """A connection to the broker (mqtt_client.MqttConnection)."""

    def open(self) -> None:
        """Connect."""

    def turn(self, timeout: float) -> None:
        """Read and write, waiting at most `timeout` seconds."""

    def publish(self, message: MqttMessage) -> int:
        """Hand a message over."""

    def confirmed(self) -> list[int]:
        """Return what was confirmed."""

    def wake(self) -> None:
        """End a wait."""

    def abort(self) -> None:
        """Break off."""

    def close(self, last: MqttMessage | None = None) -> None:
        """Disconnect, with a last message."""

    @property
    def opening_since(self) -> float | None:
        """Start of the connection attempt (monotonic s), None if there is none."""

    @property
    def window(self) -> int:
        """Messages that may wait for confirmation at once."""


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
        # Some brokers let a box in and accept no message from it: that is not "connected".
        self.is_taken = False
        """True once the broker has confirmed a message."""
        self._handed = 0
        self._refresh_at = time.monotonic() + REFRESH_S

    def step(self, states: tuple[MqttMessage, ...], look: bool) -> None:
        """Publish changed states, states due for a refresh and, if `look`, the next events.

        At most `window` messages wait for confirmation; the rest follow later. Raises StoreError.
        """
        # Forget states with an expiry, so that they count as changed and are sent again.
        if time.monotonic() >= self._refresh_at:
            self._refresh_at = time.monotonic() + REFRESH_S
            self._told = {topic: one for topic, one in self._told.items() if not one.expiry_s}
        self._learn((self._here, *states))
        # Once a connection, and not before the box's own topics are known.
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
        """Publish an event; set it aside after PUBLISH_TRIES failures by a bug."""
        for left in reversed(range(PUBLISH_TRIES)):
            try:
                self._events[self._line.publish(self._write(event))] = event.number
            # A fault of broker or disk: the same event is sent again later.
            except CentralinoError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, it is this event's
                faults.report(error)
                if not left:
                    self._outbox.set_aside(event.number)
            else:
                return

    def hear(self) -> bool:
        """Settle confirmed messages; return True if there were any, as more may be sent then."""
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
        # Stored first: after a crash the next connection knows which retained topics to clear.
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


# The sending thread publishes present states, then events in their order. It alone waits for the
# broker; `show` and `wake` never block.

log = logging.getLogger(__name__)

# Pauses (s) before a new connection: 1, 2, 4 … up to two minutes.
FIRST_S, MOST_S = 1.0, 120.0
# A connection that lasted this long was good: after its end the pauses begin anew.
STEADY_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class BrokerHealth:
    """Health of the connection: `why` it is down, `misset` if only a configuration change helps."""

    connected: bool = False
    why: Words = NOTHING
    misset: bool = False
    depth: OutboxDepth = OutboxDepth()


class MqttSender:
    """Publishes below `prefix`; `connect` opens a connection, `write` makes an event's message.

    `on_health` is called in this thread when the health changes, `on_failure` when a bug keeps the
    thread from its work.
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
        # Set when the outbox may hold events that were not published yet.
        self._news = threading.Event()
        self._failures = 0
        self._worker = Worker("fleet", self._turn, on_failure)

    def start(self) -> MqttSender:
        """Start the thread."""
        self._worker.start()
        return self

    def stop(self, limit: float = JOIN_LIMIT) -> None:
        """Stop the thread; waiting events are sent after the next start."""
        self._worker.stopping.set()
        self.wake()
        # A connection attempt does not look at `stopping`.
        if self._line is not None and self._line.opening_since is not None:
            self._line.abort()
        self._worker.stop(limit)

    @property
    def beat_at(self) -> float:
        """Time of the loop's last turn (monotonic s)."""
        return self._worker.beat_at

    @property
    def opening_since(self) -> float | None:
        """Start of the present connection attempt (monotonic s), None if there is none."""
        line = self._line
        return line.opening_since if line is not None else None

    def abort(self) -> None:
        """Break the connection; it is tried again after a pause."""
        line = self._line
        if line is not None:
            line.abort()

    def show(self, states: tuple[MqttMessage, ...]) -> None:
        """Set the present states; from any thread, never blocks."""
        if states != self._states:
            self._states = states
            line = self._line
            if line is not None:
                line.wake()

    def wake(self) -> None:
        """Announce a new event in the outbox; from any thread."""
        self._news.set()
        line = self._line
        if line is not None:
            line.wake()

    # --- the thread ---

    def _turn(self) -> None:
        """Serve one connection to its end, then pause."""
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
                    # Before the outbox is read: an event stored meanwhile sets it again.
                    self._news.clear()
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
        """Wait before the next try, longer each time."""
        # The random factor spreads the boxes of a town, which lose their broker at the same moment.
        first, most = self._pauses
        wait = min(first * 2 ** min(max(self._failures - 1, 0), 16), most)
        until = time.monotonic() + wait * random.uniform(0.5, 1.0)
        while not stopping.is_set() and (left := until - time.monotonic()) > 0:
            self._worker.beat()
            if self._news.wait(min(left, BEAT_S)):
                self._news.clear()
                self._tell(connected=False, why=self._health.why, misset=self._health.misset)
