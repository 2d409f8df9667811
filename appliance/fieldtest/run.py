"""Running the field test beside the service: ports taken, suite run, everything given back."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib import resources, util
from pathlib import Path
from typing import TYPE_CHECKING, Final

from appliance.errors import PeerError
from appliance.fieldtest.person import (
    DESCRIPTOR,
    LONGEST_MESSAGE,
    LOOK_S,
    LineSplitter,
    QuestionAsked,
    decode_message,
    times_path,
)
from appliance.policy.text import Refused
from appliance.text import _

if TYPE_CHECKING:
    from collections.abc import Sequence

    from appliance.fieldtest.holding import StopSignals
    from appliance.fieldtest.person import PersonPrompt, ProgressDisplay


# ---- child -------------------------------------------------------------------------------------
# The suite's process: pytest with our plugin, in a session of its own, ended gently or not.

LOG: Final = "pytest.log"
NO_TEST: Final = 5
"""pytest's status where its options choose none."""
CHILD_PATIENCE_S: Final = ((signal.SIGINT, 30.0), (signal.SIGTERM, 5.0), (signal.SIGKILL, 60.0))
"""How the process is asked to end, and how long each time: its tests first hang up."""


def find_suite() -> Path:
    """Find the suite, in the sources or where it was installed; raises TechnicianError."""
    found = util.find_spec("hw_tests")
    if found is None or not found.submodule_search_locations:
        raise Refused(
            _("the suite hw_tests is not installed: install centralino whole"),
        )
    return Path(next(iter(found.submodule_search_locations)))


def check_options(suite_folder: Path, options: Sequence[str]) -> None:
    """Raise TechnicianError for options that the suite does not take, or that choose no test."""
    command = _pytest_command(suite_folder, ("--collect-only", "-q", *options))
    found = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        env=_pytest_environment(), check=False,
    )  # fmt: skip
    if found.returncode == NO_TEST:
        raise Refused(_("the options after -- choose no test"))
    if found.returncode:
        said = [line for line in found.stderr.splitlines() if "error: " in line.lower()]
        why = re.split("error: ", said[-1], flags=re.IGNORECASE)[-1] if said else "refused"
        raise Refused(
            _("the options after -- cannot be used: {why}", why=why),
        )


def _pytest_command(suite_folder: Path, options: Sequence[str]) -> list[str]:
    ini = resources.files("appliance.fieldtest") / "pytest.ini"
    return [
        sys.executable, "-m", "pytest", str(suite_folder), "-c", str(ini),
        f"--rootdir={suite_folder}", "-o", f"cache_dir={_cache_folder()}",
        "-p", "appliance.fieldtest.person", *options,
    ]  # fmt: skip


def _cache_folder() -> Path:
    """Return where pytest keeps what has failed (--lf): beside the times of earlier runs."""
    return times_path("pytest").with_suffix("")


def _pytest_environment() -> dict[str, str]:
    path = os.pathsep.join(filter(None, (str(_sources()), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}


@dataclass
class SuiteProcess:
    """pytest on a suite; `sock` carries what it tells. `end` is to be called until it has ended."""

    process: subprocess.Popen[bytes]
    sock: socket.socket
    asked: int = 0
    deadline: float = 0.0

    @classmethod
    def start(cls, suite_folder: Path, out: Path, options: Sequence[str]) -> SuiteProcess:
        """Start it; what pytest itself prints goes into a log beside the findings."""
        ours, theirs = socket.socketpair()
        environment = {**_pytest_environment(), DESCRIPTOR: str(theirs.fileno())}
        with (out / LOG).open("wb") as log:
            process = subprocess.Popen(
                _pytest_command(suite_folder, options),
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
        number, patience_s = CHILD_PATIENCE_S[min(self.asked, len(CHILD_PATIENCE_S) - 1)]
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


# ---- conduct -----------------------------------------------------------------------------------
# Follows the suite's process to its end: progress, questions, and signals passed on.

INTERRUPTS_TO_KILL: Final = 2
"""So many times a person interrupts before the suite is not waited for any more."""
STOPPING: Final = _(
    "Interrupted: hanging up and restoring the service; Ctrl-C again not to wait for the test."
)
MESSAGE_NOT_UNDERSTOOD: Final = _("The suite said something that cannot be understood.")


def follow_suite(
    child: SuiteProcess, watch: ProgressDisplay, guide: PersonPrompt, stop: StopSignals
) -> int:
    """Return pytest's status once its process has ended."""
    lines = LineSplitter()
    passed_on = 0
    while True:
        if stop.asked > passed_on:
            if not passed_on:
                watch.say(STOPPING)
            child.end(at_once=stop.asked >= INTERRUPTS_TO_KILL)
            passed_on = stop.asked
        elif passed_on:
            child.end()
        readable, _, _ = select.select([child.sock], [], [], LOOK_S)
        data = child.sock.recv(LONGEST_MESSAGE) if readable else b""
        if readable and not data:
            break
        for line in lines.feed(data):
            _handle_message(line, child, watch, guide, stop)
        watch.tick()
        if child.has_ended and not readable:
            break
    return _waited_for(child, stop)


def _waited_for(child: SuiteProcess, stop: StopSignals) -> int:
    """Wait for the end of a process that has nothing more to tell."""
    while not child.has_ended:
        if stop.asked:
            child.end(at_once=stop.asked > child.asked)
        select.select([], [], [], LOOK_S)
    return child.close()


def _handle_message(
    line: bytes, child: SuiteProcess, watch: ProgressDisplay, guide: PersonPrompt, stop: StopSignals
) -> None:
    try:
        message = decode_message(line)
    except PeerError:
        watch.say(MESSAGE_NOT_UNDERSTOOD)
        return
    if not isinstance(message, QuestionAsked):
        watch.take(message)
        return
    watch.stop()
    answer = guide.ask(message, lambda: stop.asked > 0 or child.has_ended)
    watch.start()
    with contextlib.suppress(OSError):  # it has ended meanwhile
        child.sock.sendall(f"{answer}\n".encode())
