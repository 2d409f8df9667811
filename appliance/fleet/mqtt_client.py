"""MQTT 5 itself (OASIS 2019), by paho: the ONLY paho import, made where MQTT is on.

Bounded in what it reads, and never believed: a broker has nothing to say but its hello and its
confirmations. Nothing here waits but `connect`.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from paho.mqtt.client import Client as Paho
from paho.mqtt.client import ConnectFlags, DisconnectFlags
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from appliance.fleet import mqtt_broker as words
from appliance.fleet.mqtt_broker import PORTS, Broker, BrokerError, Security, refusal
from appliance.fleet.mqtt_trust import broken, secret_of, trust_of, unreached

if TYPE_CHECKING:
    from paho.mqtt.reasoncodes import ReasonCode

    from appliance.fleet.mqtt_topics import Message

log = logging.getLogger(__name__)

QOS: Final = 1
LARGEST: Final = 8192
"""Bytes of a packet that the broker is told it may send: its hello is some dozen."""
UNASKED: Final = 65_536
A_CONFIRMATION: Final = 256
"""Bytes that are read at most: so many, and so many more a message that was sent."""
PLAIN_ENDS: Final = frozenset(
    {
        MQTTErrorCode.MQTT_ERR_SUCCESS,
        MQTTErrorCode.MQTT_ERR_CONN_LOST,
        MQTTErrorCode.MQTT_ERR_NO_CONN,
        MQTTErrorCode.MQTT_ERR_KEEPALIVE,
    }
)
"""What paho says where no packet was wrong."""
FAILED: Final = 0x80
"""Reason codes from here on say that something was not done."""
UNDER_WAY: Final = 20
"""Messages that wait for their confirmation at once, unless the broker takes fewer."""


@dataclass(frozen=True, slots=True)
class Hello:
    """What the broker has said to a connection: a reason code and its name, what it can do."""

    code: int
    name: str
    retains: bool
    qos: int
    window: int


class Client(Paho):
    """paho's client for one connection; `handle` ends one that is being made, from any thread."""

    def __init__(self, broker: Broker, will: Message) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=f"centralino-{broker.name}",
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        self._account = broker
        self._trusted = trust_of(broker) if broker.security is Security.TLS else None
        self._room = UNASKED
        self._error: OSError | None = None
        self._ended: BrokerError | None = None
        self.handle: socket.socket | None = None
        self.hello: Hello | None = None
        self.refused: BrokerError | None = None
        """Why the broker has not taken a message, None where it has taken all."""
        self.confirmations: list[int] = []
        self.max_inflight_messages_set(0)  # who publishes keeps to the broker's window
        self.will_set(will.topic, will.payload, QOS, will.retain)
        if broker.user:
            self.username_pw_set(broker.user, secret_of(broker.password_file))
        self.on_connect, self.on_disconnect = _on_connect, _on_disconnect
        self.on_publish = _on_publish

    def begin(self) -> None:
        """Connect, and ask for the broker's hello; raises OSError (ssl.SSLError) and ValueError."""
        broker = self._account
        properties = _properties(PacketTypes.CONNECT)
        properties.MaximumPacketSize = LARGEST
        port = broker.port or PORTS[broker.security]
        keepalive = broker.limits.keepalive_s
        self.connect(broker.server, port, keepalive, clean_start=True, properties=properties)

    def step(self, *, read: bool, write: bool) -> None:
        """Read and write; whatever paho makes of garbage, the broker is at fault: BrokerError."""
        try:
            told = [self.loop_read()] if read else []
            if write and self.want_write():
                told.append(self.loop_write())
            told.append(self.loop_misc())
        except BrokerError:
            raise
        except Exception as error:  # struct, index, key, value: a packet that is none
            log.info("mqtt: the broker's packet was no packet: %r", error)
            raise BrokerError(words.NO_MQTT) from error
        if any(code not in PLAIN_ENDS for code in told) and not self._is_refused():
            raise BrokerError(words.NO_MQTT)
        if self._ended is not None or any(told):
            raise self.why()

    def send(self, message: Message) -> int:
        """Hand a message over; returns its number among `confirmations`. Raises BrokerError."""
        if self._ended is not None:
            raise self.why()
        properties = _properties(PacketTypes.PUBLISH)
        if message.expiry_s:
            properties.MessageExpiryInterval = message.expiry_s
        self._room += A_CONFIRMATION
        told = self.publish(message.topic, message.payload, QOS, message.retain, properties)
        if told.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise self.why()
        return told.mid

    def leave(self, last: Message | None) -> None:
        """Take leave, with a last message where the connection still stands; never waits."""
        with contextlib.suppress(Exception):  # whatever is wrong with it, it is over
            if last is not None and self.is_connected():
                self.publish(last.topic, last.payload, QOS, last.retain)
            self.disconnect()
            self._sock_close()  # paho has no other way to close at once
        if self.handle is not None:
            self.handle.close()

    def holds_bytes(self) -> bool:
        """Tell whether TLS holds bytes that no descriptor will tell of."""
        sock = self.socket()
        return isinstance(sock, ssl.SSLSocket) and sock.pending() > 0

    def why(self) -> BrokerError:
        """Say why the connection is over; what the broker has said of a message explains most."""
        if self.refused is not None:
            return self.refused
        if isinstance(self._error, ssl.SSLError):
            return broken(self._error)
        if self._error is not None:
            return BrokerError(unreached(self._error))
        return self._ended or BrokerError(words.LOST)

    # --- what paho calls ---

    def ended(self, code: int, name: str) -> None:
        """Take note that it is over; a code below FAILED says nothing."""
        if self.hello is not None and self._is_refused():
            self._ended = refusal(self.hello.code, self.hello.name)
        else:
            self._ended = refusal(code, name) if code >= FAILED else BrokerError(words.LOST)

    def _is_refused(self) -> bool:
        return self.hello is not None and self.hello.code >= FAILED

    def _create_socket(self) -> socket.socket:
        """Connect, each step within its limit: some versions of paho allow TLS another one."""
        broker = self._account
        address = (broker.server, broker.port or PORTS[broker.security])
        made = socket.create_connection(address, broker.limits.connect_s)
        self.handle = made.dup()  # TLS takes the first one's descriptor away
        if self._trusted is None:
            return made
        return self._trusted.wrap_socket(made, server_hostname=broker.server)

    def _sock_recv(self, bufsize: int) -> bytes:
        """Read a piece; paho would ask for, and keep, as much as a broker announces."""
        try:
            data = super()._sock_recv(min(bufsize, LARGEST))
        except BlockingIOError:
            raise
        except OSError as error:
            self._error = error
            raise
        self._room -= len(data)
        if self._room < 0:
            raise BrokerError(words.TOO_MUCH)
        return data


def _on_connect(
    client: Any, _u: Any, _f: ConnectFlags, reason: ReasonCode, said: Properties | None
) -> None:
    window = int(getattr(said, "ReceiveMaximum", UNDER_WAY))
    client.hello = Hello(
        int(reason.value),
        str(reason),
        bool(getattr(said, "RetainAvailable", 1)),
        int(getattr(said, "MaximumQoS", QOS)),
        max(1, min(UNDER_WAY, window)),
    )


def _on_disconnect(
    client: Any, _u: Any, flags: DisconnectFlags, reason: ReasonCode, _s: Properties | None
) -> None:
    code = int(reason.value) if flags.is_disconnect_packet_from_server else 0
    client.ended(code, str(reason))


def _on_publish(client: Any, _u: Any, mid: int, reason: ReasonCode, _s: Properties | None) -> None:
    if int(reason.value) >= FAILED:
        client.refused = refusal(int(reason.value), str(reason))
    client.confirmations.append(mid)


def _properties(kind: int) -> Properties:
    return Properties(kind)  # type: ignore[no-untyped-call]  # paho has left it so
