"""Commands run as child processes beside the loop: one at a time, for people or by the clock."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from appliance.policy.text import Refused
from appliance.text import Words, _, stored, unchanged

# Call control never waits: it starts a child, polls whether it has ended, and keeps its output.

# A child that takes longer is killed.
LIMIT_S: Final = 3600.0
# A job gives way to calls.
NICENESS: Final = 15
# Bytes kept of a child's output, the first ones.
MOST: Final = 20_000
MOST_JSON: Final = 1_000_000
# Seconds a child may take to end after SIGTERM.
GRACE_S: Final = 2.0
BUSY: Final = _("something is being done already: wait for its end")


@dataclass(frozen=True, slots=True)
class JobResult:
    """Whether a job succeeded, and its last output."""

    is_well: bool
    said: Words


@dataclass(frozen=True, slots=True)
class _Running:
    name: str
    child: subprocess.Popen[bytes]
    said: int
    until: float
    then: Callable[[JobResult], None]


class Jobs:
    """Runner of `centralino ...` commands, one at a time; for the deciding thread alone."""

    def __init__(self, config: Path | None, limit_s: float = LIMIT_S) -> None:
        self._config, self._limit_s = config, limit_s
        self._running: _Running | None = None

    @property
    def running(self) -> str:
        """Name of the running command, "" for none."""
        return self._running.name if self._running else ""

    def check_free(self) -> None:
        """Raise Refused while a job runs, or if no configuration file is known."""
        if self._config is None:
            raise Refused(
                _("the configuration file is not known: use the command line"),
            )
        if self._running is not None:
            raise Refused(BUSY)

    def begin(
        self, words: tuple[str, ...], typed: str, most_bytes: int, then: Callable[[JobResult], None]
    ) -> None:
        """Start a command with `typed` as its input; none of its files exceeds `most_bytes`.

        Raises Refused, OSError. A later `look` calls `then`.
        """
        self.check_free()
        command = [sys.executable, "-m", "appliance", *words, "--json"]
        own = {**os.environ, "CENTRALINO_CONFIG": str(self._config)}
        # Output into a memfd, not a pipe: nobody reads while the child runs.
        said = os.memfd_create(words[0])
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=said, stderr=said, env=own)
        # Set from outside after the start: the child is still importing, it writes nothing yet.
        os.setpriority(os.PRIO_PROCESS, child.pid, NICENESS)
        # The limit keeps a child from filling the disk, whose room messages need.
        resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
        assert child.stdin is not None
        # Less than a pipe holds: the write does not block.
        with contextlib.suppress(BrokenPipeError), child.stdin:
            child.stdin.write(f"{typed}\n".encode())
        until = time.monotonic() + self._limit_s
        self._running = _Running(words[0], child, said, until, then)

    def look(self) -> None:
        """Report a job that has ended; kill one that is over its time. Never waits."""
        running = self._running
        if running is None:
            return
        if running.child.poll() is None:
            if time.monotonic() >= running.until:
                running.child.kill()
            return
        self._running = None
        running.then(JobResult(running.child.returncode == 0, _heard(running.said)))

    def stop(self) -> None:
        """Terminate the running job."""
        # At any moment: a job leaves nothing half-written behind that counts.
        if self._running is not None:
            self._running.child.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._running.child.wait(GRACE_S)
            os.close(self._running.said)
            self._running = None


def _heard(descriptor: int) -> Words:
    """Read a child's output: the JSON of its last line, else the text itself."""
    with os.fdopen(descriptor, "rb") as file:
        file.seek(0)
        text = file.read(MOST_JSON).decode("utf-8", "replace").strip()
    try:
        told = json.loads(text.splitlines()[-1])
        return stored(told)
    except (ValueError, LookupError, TypeError):
        # A child that was killed, or failed, has written no JSON.
        return unchanged(text[:MOST])
