"""Gives everything back when the field test is over, however it ended.

A process of its own: it reads a pipe from the command, and what it waits for is the pipe's end,
which comes with the command's own, by whatever signal. Then the suite's process is ended, the lines
are put on hook, and what was stopped is started again. A power cut needs nothing of this: the
services start at boot.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from appliance.errors import TechnicianError
from appliance.fieldtest.holding import Plan, Run, ended, systemctl
from appliance.fieldtest.on_hook import put_on_hook
from appliance.policy.text import Words

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE_S: Final = ((signal.SIGINT, 20.0), (signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0))
"""How the suite's process is asked to end, and for how long each time."""
READY: Final = "ready"
LOST: Final = Words(
    "Chi doveva rimettere in servizio è stato ucciso: `centralino status` dice che cosa manca.",
    "Who was to restore the service was killed: `centralino status` tells what is missing.",
)
ON_HOOK: Final = Words("{}: la linea è riagganciata.", "{}: the line is on hook.")
NOT_ON_HOOK: Final = Words("{}: NON si sa se è riagganciata: {}", "{}: it may be off hook: {}")
STARTED: Final = Words("Di nuovo in servizio: {}.", "In service again: {}.")
NOT_STARTED: Final = Words("NON di nuovo in servizio: {}", "NOT in service again: {}")


class Restorer:
    """The command's end: started before anything is stopped, `give_back` is its order."""

    def __init__(self, planned: Plan) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "appliance.fieldtest.restorer"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # a terminal's Ctrl-C is for the command
        )
        self._tell(asdict(planned))
        assert self._process.stdout
        if self._process.stdout.readline().strip() != READY:
            raise TechnicianError("nobody could be found to restore the service: nothing was done")

    def watch(self, pid: int) -> None:
        """Name the suite's process, which must end before anything is given back."""
        self._tell({"child": pid})

    def give_back(self) -> tuple[bool, list[Words]]:
        """Have everything given back; returns whether all of it was, and what was done."""
        said, _ = self._process.communicate()
        if self._process.returncode not in {0, 1}:
            return False, [LOST]
        return self._process.returncode == 0, [Words(*json.loads(line)) for line in said.split("\n")
                                               if line]  # fmt: skip

    def _tell(self, what: dict[str, Any]) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()


def main() -> None:
    """Run as `python -m appliance.fieldtest.restorer`, the plan on the standard input."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    planned = _read_plan(json.loads(sys.stdin.readline()))
    running = {run.pid: _pidfd(run.pid) for run in planned.runs}
    _say(READY)
    children = [(pid, _pidfd(pid)) for line in sys.stdin for pid in (json.loads(line)["child"],)]
    for pid, descriptor in children:
        _end(pid, descriptor)
    is_well = True
    for well, words in _given_back(planned, running):
        is_well = is_well and well
        _say(json.dumps([words.it, words.en]))
    raise SystemExit(not is_well)


def _read_plan(told: dict[str, Any]) -> Plan:
    runs = (
        Run(
            run["pid"],
            tuple(run["command"]),
            run["folder"],
            tuple((name, value) for name, value in run["environment"]),
            run["output"],
        )
        for run in told["runs"]
    )
    return Plan(tuple(told["ports"]), tuple(told["units"]), tuple(runs))


def _pidfd(pid: int) -> int | None:
    """Hold on to a process by a number that no other one can get."""
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None


def _end(pid: int, descriptor: int | None) -> None:
    if descriptor is not None:
        for number, patience_s in PATIENCE_S:
            if ended(descriptor, 0):
                break
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(descriptor, number)
            ended(descriptor, patience_s)
    with contextlib.suppress(OSError):  # an exchange that its tests could not stop
        os.killpg(pid, signal.SIGTERM)


def _given_back(planned: Plan, running: dict[int, int | None]) -> Iterator[tuple[bool, Words]]:
    for port in planned.ports:
        if (still := _still_held(planned, running)) is not None:
            yield True, still
            return
        trouble = put_on_hook(port)
        if trouble is None:
            yield True, _filled(ON_HOOK, port, port)
        else:
            it, en = NOT_ON_HOOK.it, NOT_ON_HOOK.en
            yield False, Words(it.format(port, trouble.it), en.format(port, trouble.en))
    if planned.units:
        yield _units_started(planned.units)
    for run in planned.runs:
        yield _run_started(run)


def _still_held(planned: Plan, running: dict[int, int | None]) -> Words | None:
    """Say that nothing was stopped after all, where a hand-started run is still there."""
    for run in planned.runs:
        descriptor = running[run.pid]
        if descriptor is not None and not ended(descriptor, 0):
            text = " ".join(run.command)
            return _filled(STARTED, text, text)
    return None


def _units_started(units: tuple[str, ...]) -> tuple[bool, Words]:
    try:
        systemctl("start", units)
    except TechnicianError as error:
        return False, _filled(NOT_STARTED, str(error), str(error))
    return True, _filled(STARTED, ", ".join(units), ", ".join(units))


def _run_started(run: Run) -> tuple[bool, Words]:
    try:
        with Path(run.output).open("ab") as output:
            child = subprocess.Popen(
                run.command,
                cwd=run.folder,
                env=dict(run.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
    except OSError as error:
        return False, _filled(NOT_STARTED, str(error), str(error))
    text = f"{' '.join(run.command)} ({child.pid})"
    return True, _filled(STARTED, text, text)


def _filled(words: Words, it: str, en: str) -> Words:
    return Words(words.it.format(it), words.en.format(en))


def _say(line: str) -> None:
    """Tell the command, if it is still there."""
    with contextlib.suppress(OSError):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
