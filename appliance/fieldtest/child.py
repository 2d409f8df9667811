"""The suite's process: pytest with our plugin, in a session of its own, ended gently or not."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib import resources, util
from pathlib import Path
from typing import TYPE_CHECKING, Final

from appliance.fieldtest.messages import DESCRIPTOR
from appliance.policy.text import Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

LOG: Final = "pytest.log"
NO_TEST: Final = 5
"""pytest's status where its options choose none."""
PATIENCE_S: Final = ((signal.SIGINT, 30.0), (signal.SIGTERM, 5.0), (signal.SIGKILL, 60.0))
"""How the process is asked to end, and how long each time: its tests first hang up."""


def suite() -> Path:
    """Find the suite, in the sources or where it was installed; raises TechnicianError."""
    found = util.find_spec("hw_tests")
    if found is None or not found.submodule_search_locations:
        raise Refused(
            "le prove hw_tests non sono installate: installare centralino per intero",
            "the suite hw_tests is not installed: install centralino whole",
        )
    return Path(next(iter(found.submodule_search_locations)))


def check(suite_folder: Path, options: Sequence[str]) -> None:
    """Raise TechnicianError for options that the suite does not take, or that choose no test."""
    command = _command(suite_folder, ("--collect-only", "-q", *options))
    found = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=_environment(),
        check=False,
    )  # fmt: skip
    if found.returncode == NO_TEST:
        raise Refused(
            "le opzioni dopo -- non scelgono nessuna prova", "the options after -- choose no test"
        )
    if found.returncode:
        said = [line for line in found.stderr.splitlines() if "error: " in line.lower()]
        why = re.split("error: ", said[-1], flags=re.IGNORECASE)[-1] if said else "refused"
        raise Refused(
            f"le opzioni dopo -- non si possono usare: {why}",
            f"the options after -- cannot be used: {why}",
        )


def _command(suite_folder: Path, options: Sequence[str]) -> list[str]:
    ini = resources.files("appliance.fieldtest") / "pytest.ini"
    return [
        sys.executable, "-m", "pytest", str(suite_folder), "-c", str(ini),
        f"--rootdir={suite_folder}", "-p", "no:cacheprovider",
        "-p", "appliance.fieldtest.telling", *options,
    ]  # fmt: skip


def _environment() -> dict[str, str]:
    path = os.pathsep.join(filter(None, (str(_sources()), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}


@dataclass
class Child:
    """pytest on a suite; `sock` carries what it tells. `end` is to be called until it has ended."""

    process: subprocess.Popen[bytes]
    sock: socket.socket
    asked: int = 0
    deadline: float = 0.0

    @classmethod
    def start(cls, suite_folder: Path, out: Path, options: Sequence[str]) -> Child:
        """Start it; what pytest itself prints goes into a log beside the findings."""
        ours, theirs = socket.socketpair()
        environment = {**_environment(), DESCRIPTOR: str(theirs.fileno())}
        with (out / LOG).open("wb") as log:
            process = subprocess.Popen(
                _command(suite_folder, options),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # a terminal's Ctrl-C is for the command, which tells it
            )
        theirs.close()
        return cls(process, ours)

    @property
    def has_ended(self) -> bool:
        """True once the process has ended."""
        return self.process.poll() is not None

    def end(self, *, at_once: bool = False) -> None:
        """Ask it to end, more firmly when its time is up or when `at_once`."""
        now = time.monotonic()
        if self.has_ended or (self.asked and now < self.deadline and not at_once):
            return
        number, patience_s = PATIENCE_S[min(self.asked, len(PATIENCE_S) - 1)]
        self.asked += 1
        self.deadline = now + patience_s
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)

    def close(self) -> int:
        """Take leave of a process that has ended, and of what it left; returns its status."""
        status = self.process.wait()
        self.sock.close()
        with contextlib.suppress(OSError):  # an exchange that its tests could not stop
            os.killpg(self.process.pid, signal.SIGTERM)
        return status


def _sources() -> Path:
    return Path(__file__).resolve().parents[2]
