"""Starts an exchange as a child process, for tests and the demonstration."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Self

from appliance.errors import CentralinoError, PeerError
from appliance.exchange import client

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

START_LIMIT = 15.0
STOP_LIMIT = 10.0


class ExchangeProcess:
    """`python -m appliance.exchange` in a directory, ready when entered, stopped when left.

    After leaving, `report` is its final report and `exit_code` 1 when a backlog exceeded 300 ms.
    """

    def __init__(self, directory: Path, lines: int = 2, options: Sequence[str] = ()) -> None:
        self.directory = directory
        self.report: dict[str, object] = {}
        self.exit_code: int | None = None
        self._child: subprocess.Popen[str] | None = None
        self._command = [sys.executable, "-m", "appliance.exchange", "--lines", str(lines)]
        self._command += ["--directory", str(directory), *options]

    def __enter__(self) -> Self:
        """Start the child and wait until it answers; raises PeerError when it does not."""
        self._child = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        deadline = time.monotonic() + START_LIMIT
        while True:
            try:
                client.status(self.directory)
            except (CentralinoError, OSError) as error:
                if self._child.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    raise PeerError("the exchange did not start: see its own words") from error
            else:
                return self
            self._wait_a_little(self._child)

    @staticmethod
    def _wait_a_little(child: subprocess.Popen[str]) -> None:
        try:
            child.wait(0.02)
        except subprocess.TimeoutExpired:
            return

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Stop the child."""
        self.stop()

    @property
    def pid(self) -> int:
        """The child's process number."""
        assert self._child is not None
        return self._child.pid

    def line(self, number: int) -> Path:
        """Give the path of a line's port."""
        return self.directory / f"line{number}"

    def stop(self) -> dict[str, object]:
        """End the child with SIGTERM and give its final report."""
        child, self._child = self._child, None
        if child is None:
            return self.report
        child.terminate()
        try:
            printed, _ = child.communicate(timeout=STOP_LIMIT)
        except subprocess.TimeoutExpired:
            child.kill()
            printed, _ = child.communicate()
        self.exit_code = child.returncode
        last = printed.strip().splitlines()[-1:] or ["{}"]
        self.report = json.loads(last[0])
        return self.report
