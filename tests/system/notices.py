"""What a service tells its manager: the datagrams of sd_notify(3), with the time they came."""

from __future__ import annotations

import os
import socket
import threading
import time
from types import TracebackType
from typing import Self


class Notices:
    """Listens on an abstract socket; `environment` is what the service must find."""

    def __init__(self, watchdog_s: float = 2.0) -> None:
        self._watchdog_us = int(watchdog_s * 1e6)
        self._name = f"centralino-test-{os.getpid()}-{id(self)}"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._thread = threading.Thread(target=self._listen)
        self._came: list[tuple[float, str]] = []

    def __enter__(self) -> Self:
        self._socket.bind("\0" + self._name)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"", "\0" + self._name)
        self._thread.join(5)
        self._socket.close()

    @property
    def environment(self) -> dict[str, str]:
        """What systemd would put into the service's environment."""
        return {"NOTIFY_SOCKET": "@" + self._name, "WATCHDOG_USEC": str(self._watchdog_us)}

    def times(self, notice: str) -> list[float]:
        """Return when notices that begin like this came (monotonic seconds), oldest first."""
        return [at for at, came in list(self._came) if came.startswith(notice)]

    def texts(self, notice: str) -> list[str]:
        """Return the notices that begin like this, oldest first."""
        return [came for _, came in list(self._came) if came.startswith(notice)]

    def _listen(self) -> None:
        while data := self._socket.recv(65_536):
            now = time.monotonic()
            self._came += [(now, line) for line in data.decode().splitlines()]
