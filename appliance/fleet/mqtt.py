"""One connection to a broker: every wait has its limit, and can be ended from another thread.

A connection is used once; what was not confirmed on it is sent again on the next one, by whoever
keeps it.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import ssl
import time
from typing import TYPE_CHECKING, Any

from appliance.fleet import mqtt_broker as words
from appliance.fleet.mqtt_broker import BrokerError, filled, refusal
from appliance.fleet.mqtt_client import FAILED, QOS, UNDER_WAY, Client
from appliance.fleet.mqtt_trust import broken, unreached

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appliance.fleet.mqtt_broker import Broker
    from appliance.fleet.mqtt_topics import Message


class Connection:
    """Opened, turned and closed by one thread; `wake` and `abort` may come from any.

    Every method raises BrokerError once the broker cannot be used; then it is only to be closed.
    """

    def __init__(self, broker: Broker, will: Message) -> None:
        self._broker, self._will = broker, will
        self._client: Client | None = None
        self._selector = selectors.DefaultSelector()
        self._ear, self._bell = socket.socketpair()
        for end in (self._ear, self._bell):
            end.setblocking(False)
        self._selector.register(self._ear, selectors.EVENT_READ)
        self._sent_at: dict[int, float] = {}
        self.opening_since: float | None = None
        """Since when (monotonic s) it is being opened, None when it is not."""
        self.window = UNDER_WAY
        """So many messages may wait for their confirmation at once."""

    def open(self) -> None:
        """Connect and wait for the broker's hello."""
        self.opening_since = time.monotonic()
        try:
            self._connect()
            self._await_hello(time.monotonic() + self._broker.limits.hello_s)
        finally:
            self.opening_since = None

    def turn(self, timeout: float) -> None:
        """Read and write what can be, waiting at most so long (s) or until woken."""
        client = self._required()
        wants = selectors.EVENT_WRITE if client.want_write() else 0
        waits = 0.0 if client.holds_bytes() else timeout
        sock = client.socket()
        if sock is None:
            raise client.why()
        with _watched(self._selector, sock, selectors.EVENT_READ | wants):
            ready = {key.fileobj: mask for key, mask in self._selector.select(waits)}
        if self._ear in ready:
            with contextlib.suppress(BlockingIOError):
                self._ear.recv(4096)
        mask = ready.get(sock, 0)
        client.step(read=bool(mask & selectors.EVENT_READ) or not waits, write=bool(mask))
        self._check_late(client)

    def publish(self, message: Message) -> int:
        """Hand a message over; returns the number that `confirmed` will tell of it."""
        number = self._required().send(message)
        self._sent_at[number] = time.monotonic()
        return number

    def confirmed(self) -> list[int]:
        """Return the numbers that the broker has confirmed since this was last asked."""
        client = self._required()
        if client.refused is not None:
            raise client.refused
        found, client.confirmations = client.confirmations, []
        for number in found:
            self._sent_at.pop(number, None)
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
            client.leave(last)
        self._selector.close()
        self._ear.close()
        self._bell.close()

    # --- within ---

    def _connect(self) -> None:
        client = self._client = Client(self._broker, self._will)
        try:
            client.begin()
        except ssl.SSLCertVerificationError as error:
            why = filled(words.STRANGER, error.verify_message)
            raise BrokerError(why, misset=True) from error
        except ssl.SSLError as error:
            raise broken(error) from error
        except (OSError, ValueError) as error:
            raise BrokerError(unreached(error)) from error

    def _await_hello(self, until: float) -> None:
        client = self._required()
        while client.hello is None:
            left = until - time.monotonic()
            if left <= 0:
                raise BrokerError(words.NO_HELLO)
            self.turn(left)
        hello = client.hello
        if hello.code >= FAILED:
            raise refusal(hello.code, hello.name)
        if not hello.retains:
            raise BrokerError(words.NO_RETAIN, misset=True)
        if hello.qos < QOS:
            raise BrokerError(words.NO_QOS, misset=True)
        self.window = hello.window

    def _check_late(self, client: Client) -> None:
        """Raise where a confirmation is late; one that has come and was not asked for is not."""
        late = time.monotonic() - self._broker.limits.confirm_s
        sent = self._sent_at.items()
        if any(at < late for number, at in sent if number not in client.confirmations):
            raise BrokerError(words.NO_CONFIRMATION)

    def _required(self) -> Client:
        if self._client is None:
            raise BrokerError(words.LOST)
        return self._client


@contextlib.contextmanager
def _watched(selector: selectors.BaseSelector, sock: Any, events: int) -> Iterator[None]:
    selector.register(sock, events)
    try:
        yield
    finally:
        with contextlib.suppress(KeyError, ValueError):
            selector.unregister(sock)
