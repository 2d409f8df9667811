"""One connection to a broker (MQTT 5, OASIS 2019): the ONLY paho import, made where MQTT is on.

Every wait has its limit, and nothing that a broker sends is believed or kept: the box subscribes to
nothing, so all it has to read are confirmations. A connection is used once; what was not confirmed
on it is sent again on the next one, by whoever keeps it.
"""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import ssl
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from appliance.fleet import mqtt_broker as words
from appliance.fleet.mqtt_broker import PORTS, Broker, BrokerError, Security, filled, refusal
from appliance.policy.system_words import why_not
from appliance.policy.words import Words

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


class _Client(Client):
    """paho's client, bounded in what it reads; `handle` ends a connection that is being made."""

    def __init__(self, broker: Broker, trust: ssl.SSLContext | None) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=f"centralino-{broker.name}",
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        self._broker, self._trust = broker, trust
        self.room = UNASKED
        self.error: OSError | None = None
        self.handle: socket.socket | None = None

    def _create_socket(self) -> socket.socket:
        """Connect, each step within its limit: some versions of paho allow TLS another one."""
        broker = self._broker
        address = (broker.server, broker.port or PORTS[broker.security])
        made = socket.create_connection(address, broker.limits.connect_s)
        self.handle = made.dup()  # TLS takes the first one's descriptor away
        if self._trust is None:
            return made
        return self._trust.wrap_socket(made, server_hostname=broker.server)

    def _sock_recv(self, bufsize: int) -> bytes:
        """Read a piece; paho would ask for, and keep, as much as a broker announces."""
        try:
            data = super()._sock_recv(min(bufsize, LARGEST))
        except BlockingIOError:
            raise
        except OSError as error:
            self.error = error
            raise
        self.room -= len(data)
        if self.room < 0:
            raise BrokerError(words.TOO_MUCH)
        return data


class Connection:
    """Opened, turned and closed by one thread; `wake` and `abort` may come from any.

    Every method raises BrokerError once the broker cannot be used; then it is only to be closed.
    """

    def __init__(self, broker: Broker, will: Message) -> None:
        self._broker = broker
        self._will = will
        self._client: _Client | None = None
        self._selector = selectors.DefaultSelector()
        self._ear, self._bell = socket.socketpair()
        for end in (self._ear, self._bell):
            end.setblocking(False)
        self._selector.register(self._ear, selectors.EVENT_READ)
        self._hello: tuple[int, str, Properties] | None = None
        self._ended: BrokerError | None = None
        self._confirmed: list[int] = []
        self._refused: BrokerError | None = None
        self._sent_at: dict[int, float] = {}
        self.opening_since: float | None = None
        """Since when (monotonic s) it is being opened, None when it is not."""
        self.window = UNDER_WAY
        """So many messages may wait for their confirmation at once."""

    def open(self) -> None:
        """Connect and wait for the broker's hello."""
        self.opening_since = time.monotonic()
        try:
            self._open()
        finally:
            self.opening_since = None

    def turn(self, timeout: float) -> None:
        """Read and write what can be, waiting at most so long (s) or until woken."""
        client = self._required()
        wants = selectors.EVENT_WRITE if client.want_write() else 0
        waits = 0.0 if self._pending(client) else timeout
        sock = client.socket()
        if sock is None:
            raise self._why()
        with _watched(self._selector, sock, selectors.EVENT_READ | wants):
            ready = {key.fileobj: mask for key, mask in self._selector.select(waits)}
        if self._ear in ready:
            with contextlib.suppress(BlockingIOError):
                self._ear.recv(4096)
        mask = ready.get(sock, 0)
        self._step(client, read=bool(mask & selectors.EVENT_READ) or not waits, write=bool(mask))
        self._check_late()

    def publish(self, message: Message) -> int:
        """Hand a message over; returns the number that `confirmed` will tell of it."""
        client = self._required()
        properties = _properties(PacketTypes.PUBLISH)
        if message.expiry_s:
            properties.MessageExpiryInterval = message.expiry_s
        client.room += A_CONFIRMATION
        told = client.publish(message.topic, message.payload, QOS, message.retain, properties)
        if told.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise self._why()
        self._sent_at[told.mid] = time.monotonic()
        return told.mid

    def confirmed(self) -> list[int]:
        """Return the numbers that the broker has confirmed since this was last asked."""
        if self._refused is not None:
            raise self._refused
        found, self._confirmed = self._confirmed, []
        return found

    def wake(self) -> None:
        """End a wait of `turn`; from any thread."""
        with contextlib.suppress(OSError):
            self._bell.send(b"!")

    def abort(self) -> None:
        """Break off whatever goes on; from any thread."""
        handle = self._client.handle if self._client is not None else None
        if handle is not None:
            with contextlib.suppress(OSError):
                handle.shutdown(socket.SHUT_RDWR)
        self.wake()

    def close(self, last: Message | None = None) -> None:
        """Take leave, with a last message where the connection still stands; never waits."""
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(Exception):  # whatever is wrong with it, it is over
                if last is not None and client.is_connected():
                    client.publish(last.topic, last.payload, QOS, last.retain)
                client.disconnect()
                client._sock_close()  # paho has no other way to close at once
            if client.handle is not None:
                client.handle.close()
        self._selector.close()
        self._ear.close()
        self._bell.close()

    # --- within ---

    def _open(self) -> None:
        broker = self._broker
        client = self._client = self._made()
        properties = _properties(PacketTypes.CONNECT)
        properties.MaximumPacketSize = LARGEST
        port = broker.port or PORTS[broker.security]
        try:
            client.connect(
                broker.server,
                port,
                broker.limits.keepalive_s,
                clean_start=True,
                properties=properties,
            )
        except ssl.SSLCertVerificationError as error:
            why = filled(words.STRANGER, error.verify_message)
            raise BrokerError(why, misset=True) from error
        except ssl.SSLError as error:
            raise _tls(error) from error
        except (OSError, ValueError) as error:
            raise BrokerError(_why_not(error)) from error
        self._await_hello(time.monotonic() + broker.limits.hello_s)

    def _await_hello(self, until: float) -> None:
        while self._hello is None:
            left = until - time.monotonic()
            if left <= 0:
                raise BrokerError(words.NO_HELLO)
            self.turn(left)
        code, name, properties = self._hello
        if code >= FAILED:
            raise refusal(code, name)
        if getattr(properties, "RetainAvailable", 1) == 0:
            raise BrokerError(words.NO_RETAIN, misset=True)
        if getattr(properties, "MaximumQoS", QOS) < QOS:
            raise BrokerError(words.NO_QOS, misset=True)
        self.window = min(UNDER_WAY, int(getattr(properties, "ReceiveMaximum", UNDER_WAY)))

    def _made(self) -> _Client:
        """Make paho's client, with who we are and how we are protected."""
        broker, will = self._broker, self._will
        trust = _trust(broker) if broker.security is Security.TLS else None
        client = _Client(broker, trust)
        client.max_inflight_messages_set(0)  # who publishes keeps to `window`
        client.will_set(will.topic, will.payload, QOS, will.retain)
        if broker.user:
            client.username_pw_set(broker.user, _secret(broker.password_file))
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        return client

    def _step(self, client: _Client, *, read: bool, write: bool) -> None:
        """Let paho do its part; whatever it makes of garbage, the broker is at fault."""
        try:
            told = [client.loop_read()] if read else []
            if write and client.want_write():
                told.append(client.loop_write())
            told.append(client.loop_misc())
        except BrokerError:
            raise
        except Exception as error:  # struct, index, key, value: a packet that is none
            log.info("mqtt: the broker's packet was no packet: %r", error)
            raise BrokerError(words.NO_MQTT) from error
        if any(code not in PLAIN_ENDS for code in told) and not self._is_refused():
            raise BrokerError(words.NO_MQTT)
        if self._ended is not None or any(told):
            raise self._why()

    def _is_refused(self) -> bool:
        return self._hello is not None and self._hello[0] >= FAILED

    def _check_late(self) -> None:
        oldest = next(iter(self._sent_at.values()), None)
        if oldest is not None and time.monotonic() - oldest > self._broker.limits.confirm_s:
            raise BrokerError(words.NO_CONFIRMATION)

    def _pending(self, client: _Client) -> bool:
        """Tell whether TLS holds bytes that no descriptor will tell of."""
        sock = client.socket()
        return isinstance(sock, ssl.SSLSocket) and sock.pending() > 0

    def _required(self) -> _Client:
        if self._client is None:
            raise BrokerError(words.LOST)
        if self._ended is not None:
            raise self._why()
        return self._client

    def _why(self) -> BrokerError:
        """Say why the connection is over."""
        error = self._client.error if self._client is not None else None
        if isinstance(error, ssl.SSLError):
            return _tls(error)
        if error is not None:
            return BrokerError(_why_not(error))
        return self._ended or BrokerError(words.LOST)

    # --- paho calls ---

    def _on_connect(
        self, _c: Client, _u: Any, _f: ConnectFlags, reason: ReasonCode, said: Properties | None
    ) -> None:
        code = int(reason.value)
        self._hello = (code, str(reason), said or _properties(PacketTypes.CONNACK))

    def _on_disconnect(
        self, _c: Client, _u: Any, flags: DisconnectFlags, reason: ReasonCode, _s: Properties | None
    ) -> None:
        if self._hello is not None and self._is_refused():
            self._ended = refusal(*self._hello[:2])
        elif flags.is_disconnect_packet_from_server and int(reason.value) >= FAILED:
            self._ended = refusal(int(reason.value), str(reason))
        else:
            self._ended = BrokerError(words.LOST)

    def _on_publish(
        self, _c: Client, _u: Any, mid: int, reason: ReasonCode, _s: Properties | None
    ) -> None:
        self._sent_at.pop(mid, None)
        if int(reason.value) >= FAILED:
            self._refused = refusal(int(reason.value), str(reason))
        else:
            self._confirmed.append(mid)


def _properties(kind: int) -> Properties:
    return Properties(kind)  # type: ignore[no-untyped-call]  # paho has left it so


@contextlib.contextmanager
def _watched(selector: selectors.BaseSelector, sock: Any, events: int) -> Any:
    selector.register(sock, events)
    try:
        yield
    finally:
        with contextlib.suppress(KeyError, ValueError):
            selector.unregister(sock)


def _why_not(error: Exception) -> Words:
    """Say why there is no connection, and what to do."""
    why = why_not(error) if isinstance(error, OSError) else Words(str(error), str(error))
    return Words(f"non si raggiunge ({why.it})", f"cannot be reached ({why.en})")


def _tls(error: ssl.SSLError) -> BrokerError:
    """Say what TLS failed of; what is broken off in the middle may pass."""
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return BrokerError(words.LOST)
    reason = (error.reason or str(error)).replace("_", " ").lower()
    return BrokerError(filled(words.NO_TLS, reason), misset=True)


def _trust(broker: Broker) -> ssl.SSLContext:
    """Make what TLS is done by; raises BrokerError for files that cannot be used."""
    try:
        context = ssl.create_default_context(cafile=broker.ca_file or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if broker.certificate:
            context.load_cert_chain(broker.certificate, broker.key or None, password=_no_phrase)
    except (OSError, ValueError) as error:
        named = ", ".join(filter(None, (broker.ca_file, broker.certificate, broker.key)))
        why = why_not(error) if isinstance(error, OSError) else Words(str(error), str(error))
        raise BrokerError(
            Words(
                f"chiede TLS, ma {named} non si può usare ({why.it})",
                f"wants TLS, but {named} cannot be used ({why.en})",
            ),
            misset=True,
        ) from error
    return context


def _no_phrase() -> bytes:
    """Answer whoever asks for a key's pass phrase: nobody sits at a box who could type one."""
    raise ValueError("the key is locked by a pass phrase: use one without")


def _secret(path: str) -> str:
    """Read a password; raises BrokerError where there is none, or where everybody can read it."""
    try:
        if Path(path).stat().st_mode & stat.S_IROTH:
            raise BrokerError(filled(words.OPEN_FILE, path), misset=True)
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        why = why_not(error) if isinstance(error, OSError) else Words("UTF-8?", "is it UTF-8?")
        raise BrokerError(
            Words(
                f"chiede una password, ma il file {path} non si legge ({why.it})",
                f"wants a password, but the file {path} cannot be read ({why.en})",
            ),
            misset=True,
        ) from error
