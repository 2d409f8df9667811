"""The root shell on the guest's second serial port: a command line in, what it printed out."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from tests.image.monitor import connected

SHELL_LIMIT_S = 300.0
ASK_AGAIN_S = 2.0
COUNTER = itertools.count(1)
NEW_SHELL = rb"\x1b\[\?2004h"
"""What bash says before its prompt: it comes of a restart, sh says no such thing."""
PLAIN = (
    b'[ -z "$BASH_VERSION" ] || exec sh\n'
    b"stty -echo -onlcr; PS1= PS2=; export SYSTEMD_COLORS=0 SYSTEMD_PAGER=cat TERM=dumb; "
)
"""What systemd opens is bash, which edits lines: sh does not."""


class RestartedError(AssertionError):
    """The machine was started anew before a command had told its status."""


class Shell:
    """Connected while entered; `run` finds a shell that has begun anew after a restart."""

    def __init__(self, path: Path, alive: Callable[[], None]) -> None:
        self._path, self._alive = path, alive

    def __enter__(self) -> Self:
        self._sock = connected(self._path, self._alive)
        self._heard = b""
        return self

    def __exit__(self, *_: object) -> None:
        self._sock.close()

    def say(self, line: str) -> None:
        """Type a line and do not wait for anything; first of all a shell must be there."""
        self._find()
        self._sock.sendall(line.encode() + b"\n")

    def run(self, line: str, limit_s: float = 120.0) -> str:
        """Run a command line; returns what it prints, fails for a status other than 0."""
        status, text = self.try_(line, limit_s)
        assert status == 0, f"{line}: {status}\n{text}"
        return text

    def try_(self, line: str, limit_s: float = 120.0) -> tuple[int, str]:
        """Run a command line; returns its status and what it printed to either output.

        Raises RestartedError when a new shell greets in its place, AssertionError after the limit.
        """
        self._find()
        mark = f"end-{next(COUNTER)}"
        self._sock.sendall(f"{{ {line}\n}} 2>&1; s=$?; echo; echo {mark}' '$s\n".encode())
        ended = rf"\r?\n{mark} (\d+)\r?\n".encode()
        told = self._until(re.compile(ended + b"|" + NEW_SHELL), limit_s)
        if told is None:
            raise AssertionError(f"{line}: not within {limit_s:.0f} s: {self._heard!r}")
        if told[1] is None:
            raise RestartedError(f"{line}: the machine was started anew meanwhile")
        text = told.string[: told.start()].decode("utf-8", "replace").replace("\r", "")
        return int(told[1]), text.strip("\n")

    def _find(self) -> None:
        """Have a quiet shell at the other end: without echo, without a prompt."""
        end = time.monotonic() + SHELL_LIMIT_S
        while time.monotonic() < end:
            mark = f"here-{next(COUNTER)}"
            # the mark is typed in two pieces, so that an echo of the line is no answer
            self._sock.sendall(PLAIN + f"echo {mark[:3]}''{mark[3:]}\n".encode())
            if self._until(re.compile(rf"{mark}\r?\n".encode()), ASK_AGAIN_S):
                return
        raise AssertionError(f"no shell within {SHELL_LIMIT_S:.0f} s: {self._heard!r}")

    def _until(self, pattern: re.Pattern[bytes], limit_s: float) -> re.Match[bytes] | None:
        """Read until something matches; what was read is forgotten when it does."""
        end = time.monotonic() + limit_s
        while not (found := pattern.search(self._heard)):
            left = end - time.monotonic()
            self._alive()
            if left <= 0:
                return None
            self._sock.settimeout(min(left, 1.0))
            try:
                self._heard += self._sock.recv(65_536)
            except TimeoutError:
                continue
        self._heard = self._heard[found.end() :]
        return found
