"""QEMU's monitor: JSON lines on a socket (QMP), and through it the commands for people."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

LIMIT_S = 60.0


def connected(path: Path, alive: Callable[[], None]) -> socket.socket:
    """Connect to a socket that QEMU opens in a moment; `alive` raises when it never will."""
    end = time.monotonic() + LIMIT_S
    while True:
        sock = socket.socket(socket.AF_UNIX)
        try:
            sock.connect(str(path))
        except OSError:
            sock.close()
            alive()
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return sock


class Monitor:
    """Connected while entered."""

    def __init__(self, path: Path, alive: Callable[[], None]) -> None:
        self._path, self._alive = path, alive

    def __enter__(self) -> Self:
        self._sock = connected(self._path, self._alive)
        self._sock.settimeout(LIMIT_S)
        self._stream = self._sock.makefile("rb")
        self._stream.readline()  # its greeting
        self.ask("qmp_capabilities")
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()
        self._sock.close()

    def ask(self, command: str, **arguments: Any) -> Any:
        """Execute a command and return its answer; raises AssertionError for a refusal."""
        question = {"execute": command, "arguments": arguments}
        self._sock.sendall(json.dumps(question).encode() + b"\n")
        while line := self._stream.readline():
            answer = json.loads(line)
            assert "error" not in answer, answer
            if "return" in answer:
                return answer["return"]
        raise AssertionError(f"{command}: the machine has ended")
