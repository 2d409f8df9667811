"""A real MQTT broker of Debian's (mosquitto), as an ordinary process on a loopback address.

TLS with an authority of its own on `port`, in the clear for the tests' receiver on `plain_port`.
What it has taken for a receiver that is away it keeps over a stop.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.helpers.ports import free_port

MOSQUITTO = "/usr/sbin/mosquitto"
USER, PASSWORD = "apparecchio", "una parola d'ordine"
LIMIT_S = 20.0
CONFIG = """
per_listener_settings true
user root
persistence true
persistence_location {folder}/
persistent_client_expiration 1h
autosave_interval 0
max_queued_messages 0
log_dest file {folder}/mosquitto.log
listener {port} {address}
cafile {folder}/ca.pem
certfile {folder}/server.pem
keyfile {folder}/server.key
password_file {folder}/passwords
acl_file {folder}/acl
allow_anonymous {anonymous}
{more}
listener {plain_port} {address}
allow_anonymous true
"""
ACL = """user {user}
topic write {prefix}/#
topic write homeassistant/device/+/config
"""


@dataclass
class Mosquitto:
    """One broker; `prefix` is all that its user may write to. `more` is for the TLS listener."""

    folder: Path
    address: str = "127.0.15.1"
    prefix: str = "comune/nord"
    more: str = ""
    user: str = USER
    port: int = 0
    plain_port: int = 0
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> Mosquitto:
        """Start and wait until it listens; skips the test where mosquitto is missing."""
        for tool, package in ((MOSQUITTO, "mosquitto"), ("openssl", "openssl")):
            if not shutil.which(tool):
                pytest.skip(f"needs Debian package {package}")
        self.port = self.port or free_port(self.address)
        self.plain_port = self.plain_port or free_port(self.address)
        self._prepare()
        command = [MOSQUITTO, "-c", str(self.folder / "mosquitto.conf")]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        self._wait()
        return self

    def stop(self) -> None:
        """End it in good order: it writes down what it keeps."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Have it hang: connections stay up and are made, and nothing is said."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Have it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    @property
    def is_running(self) -> bool:
        """True between start and stop."""
        return self._process is not None

    @property
    def log(self) -> str:
        """What it has written."""
        return (self.folder / "mosquitto.log").read_text(encoding="utf-8", errors="replace")

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGCONT)
            process.send_signal(number)
            process.wait(LIMIT_S)

    def _wait(self) -> None:
        deadline = time.monotonic() + LIMIT_S
        while True:
            try:
                for port in (self.port, self.plain_port):
                    socket.create_connection((self.address, port), 1.0).close()
            except OSError:
                if time.monotonic() > deadline:
                    raise AssertionError(f"mosquitto does not listen:\n{self.log}") from None
                threading.Event().wait(0.05)
            else:
                return

    def _prepare(self) -> None:
        self.folder.mkdir(exist_ok=True)
        if not (self.folder / "ca.pem").exists():
            authority(self.folder, "ca")
            certificate(self.folder, "server", f"IP:{self.address}")
            certificate(self.folder, "box", "DNS:box")
        (self.folder / "passwords").unlink(missing_ok=True)
        made = ["mosquitto_passwd", "-c", "-b", str(self.folder / "passwords"), USER, PASSWORD]
        subprocess.run(made, check=True, capture_output=True)
        (self.folder / "acl").write_text(ACL.format(user=self.user, prefix=self.prefix))
        (self.folder / "acl").chmod(0o600)
        (self.folder / "password").write_text(PASSWORD)
        (self.folder / "password").chmod(0o600)
        config = CONFIG.format(
            folder=self.folder,
            address=self.address,
            port=self.port,
            plain_port=self.plain_port,
            anonymous="false",
            more=self.more,
        )
        (self.folder / "mosquitto.conf").write_text(config)


def authority(folder: Path, name: str) -> None:
    """Make an authority of certificates."""
    _openssl(
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-days", "3650", "-subj", f"/CN={name} of the tests",
        "-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.pem"),
        "-addext", "keyUsage=critical,keyCertSign,cRLSign",
    )  # fmt: skip


def certificate(folder: Path, name: str, alternative: str, by: str = "ca") -> None:
    """Make a key and its certificate, signed by an authority."""
    _openssl(
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-days", "3650", "-subj", f"/CN={name}", "-keyout", str(folder / f"{name}.key"),
        "-out", str(folder / f"{name}.pem"), "-CA", str(folder / f"{by}.pem"),
        "-CAkey", str(folder / f"{by}.key"), "-addext", f"subjectAltName={alternative}",
        "-addext", "basicConstraints=critical,CA:FALSE",
    )  # fmt: skip


def _openssl(*words: str) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True)


@dataclass
class Receiver:
    """Takes everything, once confirmed, also what came while it was away."""

    broker: Mosquitto
    name: str = "receiver"
    messages: list[MQTTMessage] = field(default_factory=list)
    _changed: threading.Condition = field(
        default_factory=lambda: threading.Condition(threading.RLock())
    )

    def start(self) -> Receiver:
        """Connect, subscribe to all, and stay."""
        ready = threading.Event()
        self._client = Client(
            CallbackAPIVersion.VERSION2, self.name, protocol=MQTTProtocolVersion.MQTTv5
        )
        self._client.on_message = self._take
        self._client.on_connect = lambda client, *_: client.subscribe("#", 1)
        self._client.on_subscribe = lambda *_: ready.set()
        self._client.reconnect_delay_set(1, 1)
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho's
        properties.SessionExpiryInterval = 3600
        self._client.connect(
            self.broker.address, self.broker.plain_port, clean_start=False, properties=properties
        )
        self._client.loop_start()
        assert ready.wait(LIMIT_S), self.broker.log
        return self

    def stop(self) -> None:
        """Leave."""
        self._client.disconnect()
        self._client.loop_stop()

    def events(self) -> list[dict[str, Any]]:
        """Return the events in their order, doubles by their id dropped as a receiver does."""
        with self._changed:
            told = [one for one in self.messages if "/event/" in one.topic]
        return list({each["id"]: each for each in map(read, told)}.values())

    def last(self, topic: str) -> MQTTMessage | None:
        """Return the last message of a topic."""
        with self._changed:
            return next((one for one in reversed(self.messages) if one.topic == topic), None)

    def wait_for(self, is_so: Callable[[], bool], limit: float, why: str) -> None:
        """Wait until something has come."""
        deadline = time.monotonic() + limit
        with self._changed:
            while not is_so():
                left = deadline - time.monotonic()
                assert left > 0, f"{why} within {limit} s:\n{self.broker.log}"
                self._changed.wait(min(left, 1.0))

    def _take(self, _c: Client, _u: Any, message: MQTTMessage) -> None:
        with self._changed:
            self.messages.append(message)
            self._changed.notify_all()


def read(message: MQTTMessage) -> dict[str, Any]:
    """Return what a message says."""
    found: dict[str, Any] = json.loads(message.payload)
    return found


@contextlib.contextmanager
def broker_in(folder: Path, **more: Any) -> Iterator[Mosquitto]:
    """Run a broker as long as it is needed."""
    made = Mosquitto(folder, **more).start()
    try:
        yield made
    finally:
        made.kill()


@contextlib.contextmanager
def receiver_of(broker: Mosquitto, name: str = "receiver") -> Iterator[Receiver]:
    """Listen to all that a broker is told."""
    made = Receiver(broker, name).start()
    try:
        yield made
    finally:
        made.stop()
