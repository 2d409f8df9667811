"""The window in which added phones fetch their files, opened in the console: a child, for minutes.

The child is `centralino phones serve`. How long it is open stands in the run folder: a start of the
service, which a new phone asks for, closes no window. Asked from any thread; all that is done is
done by `look`, in the deciding one, which never waits.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from appliance.files import atomic_write, load_text
from appliance.policy.text import Refused

FILE: Final = "phones_window"
MINUTES: Final = 15
MOST: Final = 4_000
"""So many bytes of what the child says are shown, the last ones."""
GRACE_S: Final = 2.0
NICENESS: Final = 10


class PhoneWindow:
    """Open until a running time (monotonic s), 0 for closed; `config` is the child's."""

    def __init__(
        self, config: Path | None, run: Path, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._config, self._file, self._clock = config, run / FILE, clock
        self._until, self._is_due, self._is_ending = 0.0, False, False
        self._child: subprocess.Popen[bytes] | None = None
        self._said_to: int | None = None
        self._said = ""

    def open(self) -> None:
        """Have it opened for some minutes, or for as many more; raises Refused, OSError."""
        if self._config is None:
            raise Refused(
                "il file di configurazione non è noto: usare la riga di comando",
                "the configuration file is not known: use the command line",
            )
        self._keep(self._clock() + MINUTES * 60)
        self._is_due = True

    def renew(self) -> None:
        """Have the files made anew where it is open: a phone was added."""
        self._is_due = self._is_due or self.left_s > 0

    def close(self) -> None:
        """Have it closed."""
        self._until, self._is_due = 0.0, False
        self._file.unlink(missing_ok=True)

    def resume(self) -> None:
        """Open it again that a run before has left open."""
        with contextlib.suppress(ValueError):
            self._until = float(load_text(self._file) or 0)
        self._is_due = self.left_s > 0

    def stop(self) -> None:
        """End the child with the service; the file stays for the next run."""
        if self._child is not None:
            self._child.send_signal(signal.SIGINT)
            try:
                self._child.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                self._child.kill()
            self._end()

    @property
    def left_s(self) -> float:
        """How long it is open still."""
        return max(0.0, self._until - self._clock())

    @property
    def said(self) -> str:
        """What the child has said, line by line; of one that has ended, too."""
        return self._heard() if self._child is not None else self._said

    def look(self) -> None:
        """Begin what is due, end what is over, take note of a child that has ended."""
        if self._child is not None and self._child.poll() is not None:
            self._end()
            if not self._is_due:
                self.close()
        if self._child is not None:
            if (self._is_due or not self.left_s) and not self._is_ending:
                self._is_ending = True
                self._child.send_signal(signal.SIGINT)  # it keeps who has fetched, then ends
        elif self._is_due:
            self._is_due = False
            if self.left_s:
                self._begin()

    def _begin(self) -> None:
        minutes = str(max(1, math.ceil(self.left_s / 60)))
        command = [sys.executable, "-m", "appliance", "phones", "serve", "--minutes", minutes]
        own = {**os.environ, "CENTRALINO_CONFIG": str(self._config)}
        self._said_to = os.memfd_create(FILE)
        self._child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=self._said_to,
            stderr=self._said_to,
            env=own,
        )
        os.setpriority(os.PRIO_PROCESS, self._child.pid, NICENESS)  # calls go before it

    def _end(self) -> None:
        self._said = self._heard()
        if self._said_to is not None:
            os.close(self._said_to)
        self._child, self._said_to, self._is_ending = None, None, False

    def _heard(self) -> str:
        if self._said_to is None:
            return ""
        size = os.fstat(self._said_to).st_size
        return os.pread(self._said_to, MOST, max(0, size - MOST)).decode("utf-8", "replace")

    def _keep(self, until: float) -> None:
        atomic_write(self._file, f"{until:.0f}\n", is_durable=False)
        self._until = until
