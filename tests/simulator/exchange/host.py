"""A bare host for system tests: a file descriptor, blocking writes kept small, a clock."""

from __future__ import annotations

import os
import select
import time
import tty
from typing import TYPE_CHECKING, Self

from appliance.simulator.exchange.modem_protocol import shield
from tests.helpers.real_time import punctual
from tests.simulator.exchange.virtual import unshielded

if TYPE_CHECKING:
    from pathlib import Path


FRAME = 160


class Host:
    """Opens a line's port like a serial port and talks to the modem on it."""

    def __init__(self, path: Path) -> None:
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self.fd)
        self.seen = bytearray()
        self._result_at = 0.0

    def __enter__(self) -> Self:
        """Give the host itself."""
        self.read(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        """Close the port."""
        os.close(self.fd)

    def read(self, seconds: float) -> bytes:
        """Read for that long."""
        got, end = bytearray(), time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([self.fd], [], [], left)[0]:
                got += os.read(self.fd, 65_536)
        return bytes(got)

    def until(self, text: bytes, limit: float = 10.0) -> bytes:
        """Read until text has come; gives all up to it, keeps what follows in `seen`."""
        end = time.monotonic() + limit
        while text not in self.seen:
            left = end - time.monotonic()
            assert left > 0, f"{text!r} did not come, but {bytes(self.seen[-200:])!r}"
            if select.select([self.fd], [], [], left)[0]:
                self.seen += os.read(self.fd, 65_536)
        at = self.seen.index(text) + len(text)
        got = bytes(self.seen[:at])
        del self.seen[:at]
        return got

    def command(self, text: str, result: bytes = b"OK\r\n") -> bytes:
        """Send a command 110 ms after the last result and wait for its own."""
        self.seen += self.read(max(self._result_at + 0.11 - time.monotonic(), 0))
        os.write(self.fd, text.encode() + b"\r")
        answer = self.until(result)
        self._result_at = time.monotonic()
        return answer

    def answer(self, stream: str = "+VTR") -> None:
        """Wait for a ring, answer in mu-law and start a stream."""
        self.command("ATE0")
        self.until(b"RING\r\n")
        for text in ("AT+FCLASS=8", "AT+VSM=131,8000", "AT+VSD=0,0", "AT+VLS=1"):
            self.command(text)
        self.command(f"AT{stream}", b"CONNECT\r\n")

    def talk(self, sound: bytes, seconds: float, lead: float = 0.2) -> tuple[bytes, str]:
        """Send sound at its pace and read for seconds; gives what came: sound and events."""
        got, at, began = bytearray(self.seen), 0, time.monotonic()
        self.seen.clear()
        with punctual():
            while (passed := time.monotonic() - began) < seconds:
                while at < len(sound) and at < (passed + lead) * 8000:
                    os.write(self.fd, shield(sound[at : at + FRAME]))
                    at += FRAME
                if select.select([self.fd], [], [], 0.005)[0]:
                    got += os.read(self.fd, 65_536)
        return unshielded(bytes(got))

    def hang_up(self) -> None:
        """End the duplex stream and free the line."""
        os.write(self.fd, b"\x10\x5e")
        self.until(b"\x10\x03\r\nOK\r\n")
        self._result_at = time.monotonic()
        self.command("AT+VLS=0")
