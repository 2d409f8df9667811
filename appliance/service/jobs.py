"""Commands run as child processes beside the loop: one at a time, for people or by the clock."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from appliance.policy.text import Refused, Words

# Call control waits for nobody: it begins a child, looks now and then whether it has ended, and
# keeps what it said. What a child may write is bounded, so that it cannot fill the disk of
# messages.

LIMIT_S: Final = 3600.0
"""A child that takes longer is ended."""
NICENESS: Final = 15
MOST: Final = 20_000
"""Bytes of a child's output that are kept, the first ones."""
GRACE_S: Final = 2.0


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
    """Runs `centralino ...` with our configuration; all of it in the deciding thread."""

    def __init__(self, config: Path | None, limit_s: float = LIMIT_S) -> None:
        self._config, self._limit_s = config, limit_s
        self._running: _Running | None = None

    @property
    def running(self) -> str:
        """Name what is running, "" for nothing."""
        return self._running.name if self._running else ""

    def check_free(self) -> None:
        """Raise Refused while one is running, or where no configuration file is known."""
        if self._config is None:
            raise Refused(
                "il file di configurazione non è noto: usare la riga di comando",
                "the configuration file is not known: use the command line",
            )
        if self._running is not None:
            raise Refused(
                "è già in corso un lavoro: attendere che finisca",
                "something is being done already: wait for its end",
            )

    def begin(
        self, words: tuple[str, ...], typed: str, most_bytes: int, then: Callable[[JobResult], None]
    ) -> None:
        """Begin a command with `typed` as its input; no file of it grows beyond `most_bytes`.

        Raises Refused, OSError. `then` is called by a later `look`.
        """
        self.check_free()
        command = [sys.executable, "-m", "appliance", *words, "--json"]
        own = {**os.environ, "CENTRALINO_CONFIG": str(self._config)}
        said = os.memfd_create(words[0])
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=said, stderr=said, env=own)
        # between the two, before it has imported anything: it writes nothing yet
        os.setpriority(os.PRIO_PROCESS, child.pid, NICENESS)
        resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
        assert child.stdin is not None
        with contextlib.suppress(BrokenPipeError), child.stdin:
            child.stdin.write(f"{typed}\n".encode())  # less than a pipe holds
        until = time.monotonic() + self._limit_s
        self._running = _Running(words[0], child, said, until, then)

    def look(self) -> None:
        """Look whether it has ended, and say so; never waits."""
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
        """End what is running; it leaves nothing half-written behind that counts."""
        if self._running is not None:
            self._running.child.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._running.child.wait(GRACE_S)
            os.close(self._running.said)
            self._running = None


def _heard(descriptor: int) -> Words:
    """Read a child's output; one that was killed or failed has written no JSON."""
    with os.fdopen(descriptor, "rb") as file:
        file.seek(0)
        text = file.read(MOST).decode("utf-8", "replace").strip()
    try:
        told = json.loads(text.splitlines()[-1])
        return Words(str(told["it"]), str(told["en"]))
    except (ValueError, LookupError, TypeError):
        return Words(text, text)


# Who may is looked up, and who did it kept, in the database thread; a child does it (jobs.py).


# Reading the configuration takes 20 MB once: the libraries that read it, and the holidays of the
# world of which a few dozen days are wanted.


# The file is read once, at the start (architecture.md, rule 10): so what a person changes is looked
# at by a child, and taken over by a restart in good order when no call is up. A file that is wrong
# changes nothing.

log = logging.getLogger(__name__)
