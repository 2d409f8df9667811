"""MQTT client: trust in the broker, connection, its worker; the ONLY paho import."""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import ssl
import stat
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from paho.mqtt.client import Client as Paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from appliance.fleet.mqtt import (
    LOST,
    NO_CONFIRMATION,
    NO_HELLO,
    NO_MQTT,
    NO_QOS,
    NO_RETAIN,
    NO_TLS,
    OPEN_FILE,
    PORTS,
    TOO_MUCH,
    UNKNOWN_CERTIFICATE,
    BrokerError,
    MqttSecurity,
    broker_refusal,
)
from appliance.policy.text import os_error_words
from appliance.text import Words, _, unchanged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from paho.mqtt.client import ConnectFlags, DisconnectFlags
    from paho.mqtt.reasoncodes import ReasonCode

    from appliance.fleet.mqtt import Broker
    from appliance.fleet.mqtt_messages import MqttMessage


# One connection to a broker: every wait has a limit and can be ended from another thread. A
# connection is used once; its owner sends unconfirmed messages again on the next one.


class MqttConnection:
    """One connection, used by one thread; `wake` and `abort` may be called from any.

    Every method raises BrokerError once the broker cannot be used; then only close it.
    """

    def __init__(self, broker: Broker, will: MqttMessage) -> None:
        self._broker, self._will = broker, will
        self._client: MqttClient | None = None
        self._selector = selectors.DefaultSelector()
        self._ear, self._bell = socket.socketpair()
        for end in (self._ear, self._bell):
            end.setblocking(False)
        self._selector.register(self._ear, selectors.EVENT_READ)
        self._sent_at: dict[int, float] = {}
        self.opening_since: float | None = None
        """Start of the connection attempt (monotonic s), None if there is none."""
        self.window = UNDER_WAY
        """Messages that may wait for confirmation at once."""

    def open(self) -> None:
        """Connect and wait for the broker's CONNACK."""
        self.opening_since = time.monotonic()
        try:
            self._connect()
            self._await_hello(time.monotonic() + self._broker.limits.hello_s)
        finally:
            self.opening_since = None

    def turn(self, timeout: float) -> None:
        """Read and write what is possible, waiting at most `timeout` s or until woken."""
        client = self._required()
        sock = client.sock
        if sock is None:
            raise client.why()
        wants = selectors.EVENT_WRITE if client.wants_write() else 0
        # Bytes that TLS has decrypted already make no descriptor readable: do not wait for them.
        waits = 0.0 if sock.pending() else timeout
        with _watched(self._selector, sock, selectors.EVENT_READ | wants):
            ready = {key.fileobj: mask for key, mask in self._selector.select(waits)}
        if self._ear in ready:
            with contextlib.suppress(BlockingIOError):
                self._ear.recv(4096)
        mask = ready.get(sock, 0)
        client.step(read=bool(mask & selectors.EVENT_READ) or not waits, write=bool(mask))
        self._check_late(client)

    def publish(self, message: MqttMessage) -> int:
        """Send a message; return its number, which `confirmed` returns later."""
        number = self._required().send(message)
        self._sent_at[number] = time.monotonic()
        return number

    def confirmed(self) -> list[int]:
        """Return the numbers confirmed since the last call."""
        client = self._required()
        if client.refused is not None:
            raise client.refused
        found, client.confirmations = client.confirmations, []
        for number in found:
            self._sent_at.pop(number, None)
        return found

    def wake(self) -> None:
        """Wake `turn`; from any thread."""
        with contextlib.suppress(OSError):
            self._bell.send(b"!")

    def abort(self) -> None:
        """Break the connection or the attempt; from any thread."""
        # `shutdown` ends a blocked system call of the other thread, which `close` would not.
        handle = self._client.handle if self._client is not None else None
        if handle is not None:
            with contextlib.suppress(OSError):
                handle.shutdown(socket.SHUT_RDWR)
        self.wake()

    def close(self, last: MqttMessage | None = None) -> None:
        """Disconnect, with a last message if still connected; never blocks."""
        client, self._client = self._client, None
        if client is not None:
            client.leave(last)
        self._selector.close()
        self._ear.close()
        self._bell.close()

    def _connect(self) -> None:
        client = self._client = MqttClient(self._broker, self._will)
        try:
            client.begin()
        except ssl.SSLCertVerificationError as error:
            why = UNKNOWN_CERTIFICATE.filled(why=error.verify_message)
            raise BrokerError(why, misset=True) from error
        except ssl.SSLError as error:
            raise tls_failure(error) from error
        except (OSError, ValueError) as error:
            raise BrokerError(not_reached(error)) from error

    def _await_hello(self, until: float) -> None:
        client = self._required()
        while client.hello is None:
            left = until - time.monotonic()
            if left <= 0:
                raise BrokerError(NO_HELLO)
            self.turn(left)
        hello = client.hello
        # A refusal by the broker explains more than what it supports.
        if hello.code >= FIRST_FAILURE:
            raise broker_refusal(hello.code, hello.name)
        if not hello.retains:
            raise BrokerError(NO_RETAIN, misset=True)
        if hello.qos < QOS:
            raise BrokerError(NO_QOS, misset=True)
        self.window = hello.window

    def _check_late(self, client: MqttClient) -> None:
        """Raise BrokerError if a confirmation is overdue; one already received is not."""
        late = time.monotonic() - self._broker.limits.confirm_s
        sent = self._sent_at.items()
        if any(at < late for number, at in sent if number not in client.confirmations):
            raise BrokerError(NO_CONFIRMATION)

    def _required(self) -> MqttClient:
        if self._client is None:
            raise BrokerError(LOST)
        return self._client


@contextlib.contextmanager
def _watched(selector: selectors.BaseSelector, sock: BrokerSocket, events: int) -> Iterator[None]:
    selector.register(sock, events)
    try:
        yield
    finally:
        with contextlib.suppress(KeyError, ValueError):
            selector.unregister(sock)


# MQTT 5 (OASIS 2019) by paho: the ONLY paho import, loaded only if MQTT is on. It reads a bounded
# amount and trusts nothing: a broker has nothing to send but its CONNACK and its confirmations.
# Only `connect` blocks.

log = logging.getLogger(__name__)

QOS: Final = 1
# A CONNACK takes some dozen bytes.
LARGEST_PACKET: Final = 8192
"""Maximum packet size (bytes) announced to the broker."""
BYTES_AT_MOST: Final = 65_536
# Most bytes read on a connection: a constant, and so many for each message sent.
BYTES_A_CONFIRMATION: Final = 256
PLAIN_ENDS: Final = frozenset(
    {
        MQTTErrorCode.MQTT_ERR_SUCCESS,
        MQTTErrorCode.MQTT_ERR_CONN_LOST,
        MQTTErrorCode.MQTT_ERR_NO_CONN,
        MQTTErrorCode.MQTT_ERR_KEEPALIVE,
    }
)
"""Return codes of paho that do not mean a malformed packet."""
FIRST_FAILURE: Final = 0x80
"""Reason codes from here on are failures (MQTT 5, 2.4)."""
UNDER_WAY: Final = 20
"""Messages waiting for confirmation at once, unless the broker allows fewer."""


@dataclass(frozen=True, slots=True)
class BrokerHello:
    """The broker's CONNACK: reason code and its name, retain, QoS and receive maximum."""

    code: int
    name: str
    retains: bool
    qos: int
    window: int


class BrokerSocket:
    """Socket of one connection, as paho uses it: a handshake in time, reads within a bound."""

    def __init__(self, sock: socket.socket, limit_s: float) -> None:
        self._sock, self._limit_s = sock, limit_s
        self.room = BYTES_AT_MOST
        """Bytes that may still be read."""
        self.error: OSError | None = None
        """Error that ended the reading."""

    def do_handshake(self) -> None:
        """Complete the TLS handshake within the connection's own limit."""
        # paho sets the keepalive's time, which may be minutes; the limit counts for all of it.
        self._sock.settimeout(self._limit_s)
        if isinstance(self._sock, ssl.SSLSocket):
            self._sock.do_handshake()

    def recv(self, size: int) -> bytes:
        """Read at most LARGEST_PACKET bytes; raises BrokerError beyond the connection's limit."""
        # paho asks for, and keeps in memory, as much as a broker announces.
        try:
            data = self._sock.recv(min(size, LARGEST_PACKET))
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except OSError as error:
            self.error = error
            raise
        self.room -= len(data)
        if self.room < 0:
            raise BrokerError(TOO_MUCH)
        return data

    def send(self, data: bytes) -> int:
        """Send what the socket takes at once; return the number of bytes."""
        return self._sock.send(data)

    def pending(self) -> int:
        """Return the number of decrypted bytes, which make no descriptor readable."""
        return self._sock.pending() if isinstance(self._sock, ssl.SSLSocket) else 0

    def fileno(self) -> int:
        """Return the descriptor, -1 once closed."""
        return self._sock.fileno()

    def settimeout(self, seconds: float | None) -> None:
        """Set the time limit of each call."""
        self._sock.settimeout(seconds)

    def setblocking(self, flag: bool) -> None:
        """Set whether calls wait."""
        self._sock.setblocking(flag)

    def close(self) -> None:
        """Close the connection at once."""
        self._sock.close()


class SocketWrapper:
    """Makes the BrokerSocket; paho takes it by `tls_set_context`, also for connections without TLS.

    So paho's own code neither reads the socket unbounded nor limits the handshake by the keepalive,
    and nothing of paho that is private is replaced.
    """

    check_hostname = True
    """Tells paho that the host's name is checked here: by the TLS context in the handshake."""

    def __init__(self, broker: Broker) -> None:
        self._limit_s = broker.limits.connect_s
        self._trusted = tls_context(broker) if broker.security is MqttSecurity.TLS else None
        self.handle: socket.socket | None = None
        """Copy of the TCP socket, which another thread can shut down."""
        self.made: BrokerSocket | None = None

    def wrap_socket(
        self, sock: socket.socket, server_hostname: str, *, do_handshake_on_connect: bool
    ) -> BrokerSocket:
        """Wrap the TCP socket that paho has connected; the handshake follows."""
        # TLS takes the first socket's descriptor away; a copy can still be shut down.
        self.handle = sock.dup()
        if self._trusted is not None:
            sock = self._trusted.wrap_socket(
                sock,
                server_hostname=server_hostname,
                do_handshake_on_connect=do_handshake_on_connect,
            )
        self.made = BrokerSocket(sock, self._limit_s)
        return self.made

    def close(self) -> None:
        """Close the connection at once."""
        for one in (self.made, self.handle):
            if one is not None:
                one.close()


class MqttClient:
    """One connection by paho's client."""

    def __init__(self, broker: Broker, will: MqttMessage) -> None:
        self._account = broker
        self._wrapper = SocketWrapper(broker)
        self._ended: BrokerError | None = None
        self.hello: BrokerHello | None = None
        self.refused: BrokerError | None = None
        """Refusal of a message by the broker, None if there was none."""
        self.confirmations: list[int] = []
        paho = self._paho = Paho(
            CallbackAPIVersion.VERSION2,
            client_id=f"centralino-{broker.name}",
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        paho.connect_timeout = broker.limits.connect_s
        paho.tls_set_context(cast("ssl.SSLContext", self._wrapper))
        # No limit in paho: the session keeps to the broker's window.
        paho.max_inflight_messages_set(0)
        paho.will_set(will.topic, will.payload, QOS, will.retain)
        if broker.user:
            paho.username_pw_set(broker.user, read_password(broker.password_file))
        paho.on_connect, paho.on_disconnect = self._on_connect, self._on_disconnect
        paho.on_publish = self._on_publish

    @property
    def handle(self) -> socket.socket | None:
        """The socket to shut down from another thread; also while connecting by TLS."""
        return self._wrapper.handle

    @property
    def sock(self) -> BrokerSocket | None:
        """The socket to wait for, None once the connection has ended."""
        return self._wrapper.made if self._paho.socket() is not None else None

    def begin(self) -> None:
        """Connect and send CONNECT; raises OSError (ssl.SSLError) and ValueError."""
        broker = self._account
        properties = _properties(PacketTypes.CONNECT)
        properties.MaximumPacketSize = LARGEST_PACKET
        port = broker.port or PORTS[broker.security]
        keepalive = broker.limits.keepalive_s
        self._paho.connect(broker.server, port, keepalive, clean_start=True, properties=properties)

    def wants_write(self) -> bool:
        """True while something waits to be sent."""
        return self._paho.want_write()

    def step(self, *, read: bool, write: bool) -> None:
        """Read and write; raises BrokerError, also for any error of paho's on a bad packet."""
        try:
            told = [self._paho.loop_read()] if read else []
            if write and self._paho.want_write():
                told.append(self._paho.loop_write())
            told.append(self._paho.loop_misc())
        except BrokerError:
            raise
        # paho's parser raises struct, index, key and value errors on a malformed packet.
        except Exception as error:
            log.info("mqtt: the broker's packet was no packet: %r", error)
            raise BrokerError(NO_MQTT) from error
        # A refused CONNECT ends the connection too, with its own reason.
        if any(code not in PLAIN_ENDS for code in told) and not self._is_refused():
            raise BrokerError(NO_MQTT)
        if self._ended is not None or any(told):
            raise self.why()

    def send(self, message: MqttMessage) -> int:
        """Send a message; return its number in `confirmations`. Raises BrokerError."""
        if self._ended is not None:
            raise self.why()
        properties = _properties(PacketTypes.PUBLISH)
        if message.expiry_s:
            properties.MessageExpiryInterval = message.expiry_s
        if self._wrapper.made is not None:
            self._wrapper.made.room += BYTES_A_CONFIRMATION
        told = self._paho.publish(message.topic, message.payload, QOS, message.retain, properties)
        if told.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise self.why()
        return told.mid

    def leave(self, last: MqttMessage | None) -> None:
        """Disconnect, with a last message if still connected; never blocks."""
        # The connection is over in any case: no error matters any more.
        with contextlib.suppress(Exception):
            if last is not None and self._paho.is_connected():
                self._paho.publish(last.topic, last.payload, QOS, last.retain)
            self._paho.disconnect()
        # paho has no public way to close at once; the socket is ours.
        self._wrapper.close()

    def why(self) -> BrokerError:
        """Return why the connection ended; a refused message explains most and comes first."""
        error = self._wrapper.made.error if self._wrapper.made is not None else None
        if self.refused is not None:
            return self.refused
        if isinstance(error, ssl.SSLError):
            return tls_failure(error)
        if error is not None:
            return BrokerError(not_reached(error))
        return self._ended or BrokerError(LOST)

    def _is_refused(self) -> bool:
        return self.hello is not None and self.hello.code >= FIRST_FAILURE

    # --- called by paho ---

    def _on_connect(
        self, _c: Paho, _u: Any, _f: ConnectFlags, reason: ReasonCode, said: Properties | None
    ) -> None:
        window = int(getattr(said, "ReceiveMaximum", UNDER_WAY))
        self.hello = BrokerHello(
            int(reason.value),
            str(reason),
            bool(getattr(said, "RetainAvailable", 1)),
            int(getattr(said, "MaximumQoS", QOS)),
            max(1, min(UNDER_WAY, window)),
        )

    def _on_disconnect(
        self, _c: Paho, _u: Any, flags: DisconnectFlags, reason: ReasonCode, _s: Properties | None
    ) -> None:
        """Note the end of the connection; a code below FIRST_FAILURE gives no reason."""
        code = int(reason.value) if flags.is_disconnect_packet_from_server else 0
        if self.hello is not None and self._is_refused():
            self._ended = broker_refusal(self.hello.code, self.hello.name)
        elif code >= FIRST_FAILURE:
            self._ended = broker_refusal(code, str(reason))
        else:
            self._ended = BrokerError(LOST)

    def _on_publish(
        self, _c: Paho, _u: Any, mid: int, reason: ReasonCode, _s: Properties | None
    ) -> None:
        if int(reason.value) >= FIRST_FAILURE:
            self.refused = broker_refusal(int(reason.value), str(reason))
        self.confirmations.append(mid)


def _properties(kind: int) -> Properties:
    return Properties(kind)  # type: ignore[no-untyped-call]  # paho has left it so


# Certificates and the password of a connection, and what may be wrong with them.


def not_reached(error: Exception) -> Words:
    """Return why the broker cannot be reached."""
    why = os_error_words(error) if isinstance(error, OSError) else unchanged(error)
    return _("cannot be reached ({why})", why=why)


def tls_failure(error: ssl.SSLError) -> BrokerError:
    """Return the error for a TLS failure."""
    # A connection cut in the handshake may be transient: not a wrong configuration.
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return BrokerError(LOST)
    reason = (error.reason or str(error)).replace("_", " ").lower()
    return BrokerError(NO_TLS.filled(why=reason), misset=True)


def tls_context(broker: Broker) -> ssl.SSLContext:
    """Make the TLS context; raises BrokerError for files that cannot be used."""
    try:
        context = ssl.create_default_context(cafile=broker.ca_file or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if broker.certificate:
            context.load_cert_chain(broker.certificate, broker.key or None, password=_no_phrase)
    except (OSError, ValueError) as error:
        named = ", ".join(filter(None, (broker.ca_file, broker.certificate, broker.key)))
        why = os_error_words(error) if isinstance(error, OSError) else unchanged(error)
        raise BrokerError(
            _("wants TLS, but {named} cannot be used ({why})", named=named, why=why),
            misset=True,
        ) from error
    return context


def _no_phrase() -> bytes:
    """Refuse OpenSSL's request for a pass phrase; raises ValueError."""
    # Without this callback OpenSSL would wait for one at the terminal.
    raise ValueError("the key is locked by a pass phrase: use one without")


def read_password(path: str) -> str:
    """Read the password; raises BrokerError if absent or readable by everybody."""
    try:
        if Path(path).stat().st_mode & stat.S_IROTH:
            raise BrokerError(OPEN_FILE.filled(path=path), misset=True)
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        why = os_error_words(error) if isinstance(error, OSError) else _("is it UTF-8?")
        raise BrokerError(
            _("wants a password, but the file {path} cannot be read ({why})", path=path, why=why),
            misset=True,
        ) from error
