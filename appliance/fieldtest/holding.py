"""Serial ports taken from the service, and given back however the command ends.

A plan is plain values: the restorer has it before anything stops. Needs nothing of the field test.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from appliance.errors import TechnicianError
from appliance.modem.events import Failed, Idle, Up
from appliance.modem.line import LineDriver
from appliance.modem.port_server import PORT_ERRORS, SerialPort, explain, holding
from appliance.modem.scripts import LineSettings
from appliance.policy.text import Refused
from appliance.text import Words, _, as_json, written

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType

    from appliance.modem.events import LineEvent


# ---- signals -----------------------------------------------------------------------------------


class StopSignals:
    """Counts the signals that ask the command to end; nothing of it raises."""

    def __init__(self) -> None:
        self.asked = 0

    @contextlib.contextmanager
    def heard(self) -> Iterator[None]:
        """Count Ctrl-C, the service manager's SIGTERM and a terminal that goes."""
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {number: signal.signal(number, self._note) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.asked += 1


# ---- holding -----------------------------------------------------------------------------------
# Holders of the serial ports, stopped and started again: systemd units, or a hand-started run.
#
# The plan is plain values: the restorer has it before anything stops.

GATEWAY_UNIT: Final = "centralino-media.service"
# In the order they are started; call control alone would start its own media gateway again.
UNITS: Final = ("centralino-link.socket", GATEWAY_UNIT, "centralino.service")
STOP_S: Final = 60.0
_UNIT = re.compile(r"/([\w@.-]+\.service)")


@dataclass(frozen=True, slots=True)
class ServiceRun:
    """A `centralino run` that a person started: how to start it again as it was."""

    pid: int
    command: tuple[str, ...]
    folder: str
    environment: tuple[tuple[str, str], ...]
    output: str


@dataclass(frozen=True, slots=True)
class StopPlan:
    """What is stopped for the field test and started after it; `ports` are put on hook between."""

    ports: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    runs: tuple[ServiceRun, ...] = ()


def plan_stop(ports: Sequence[str]) -> StopPlan:
    """Find out who holds the ports.

    Raises TechnicianError for a port that is not there, for another program, and where rights to
    stop the service are wanting.
    """
    for port in ports:
        if not Path(port).exists():
            raise TechnicianError(explain(port, FileNotFoundError()).sentence)
    active = _active_units(UNITS) if ports else ()
    if GATEWAY_UNIT in active and os.geteuid() != 0:
        raise Refused(
            _(
                "the service runs and may hold the ports: run this command with sudo, so that it "
                "can be stopped and started again"
            )
        )
    units: tuple[str, ...] = ()
    runs: dict[int, ServiceRun] = {}
    for port in ports:
        for pid in sorted(holding(port)):
            if _unit(pid) in UNITS:
                units = active
            elif found := _service_run_of(pid):
                runs[found.pid] = found
            else:
                raise TechnicianError(explain(port, OSError(16, "busy")).sentence)
    return StopPlan(tuple(ports), units, tuple(runs.values()))


def stop_holders(planned: StopPlan) -> None:
    """Stop what holds the ports; raises TechnicianError when it goes on holding them."""
    if planned.units:
        systemctl("stop", planned.units[::-1])
    for run in planned.runs:
        _end_holding(run)
    for port in planned.ports:
        if holding(port):
            raise TechnicianError(explain(port, OSError(16, "busy")).sentence)


def systemctl(verb: str, units: Sequence[str]) -> None:
    """Have systemd do something; raises TechnicianError with its words."""
    try:
        done = subprocess.run(
            ["systemctl", verb, *units], capture_output=True, text=True, timeout=STOP_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise TechnicianError(f"systemctl {verb} {' '.join(units)}: {error}") from error
    if done.returncode:
        raise TechnicianError(f"systemctl {verb} {' '.join(units)}: {done.stderr.strip()}")


def process_ended(descriptor: int, seconds: float) -> bool:
    """Tell whether the process behind a pidfd has ended, waiting so long for it."""
    return bool(select.select([descriptor], [], [], seconds)[0])


def _active_units(units: Sequence[str]) -> tuple[str, ...]:
    """Return those units that are up; none where there is no systemd."""
    try:
        told = subprocess.run(
            ["systemctl", "is-active", *units], capture_output=True, text=True, check=False
        ).stdout.split()
    except OSError:
        return ()
    if len(told) != len(units):
        return ()
    return tuple(
        u for u, state in zip(units, told, strict=True) if state in {"active", "reloading"}
    )


def _unit(pid: int) -> str:
    with contextlib.suppress(OSError):
        if found := _UNIT.findall(Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8")):
            return str(found[-1])
    return ""


def _service_run_of(pid: int) -> ServiceRun | None:
    """Find the `centralino run` among a process and its ancestors, if one is."""
    while pid > 1:
        place = Path(f"/proc/{pid}")
        try:
            words = _words(place / "cmdline")
            if _is_ours(words) and place.stat().st_uid == os.geteuid():
                environment = (pair.partition("=") for pair in _words(place / "environ"))
                return ServiceRun(
                    pid,
                    tuple(words),
                    str((place / "cwd").readlink()),
                    tuple((name, value) for name, _, value in environment),
                    _output(place / "fd" / "1"),
                )
            pid = int((place / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            return None
    return None


def _words(path: Path) -> list[str]:
    return path.read_bytes().decode("utf-8", "surrogateescape").split("\0")[:-1]


def _is_ours(words: Sequence[str]) -> bool:
    """Tell whether a command line is `centralino run` or `python -m appliance run`."""
    before, found, _ = "\0".join(words).partition("\0run")
    return bool(found) and before.endswith(("\0appliance", "/centralino"))


def _output(link: Path) -> str:
    """Return the file a process writes to, where it is one."""
    target = link.readlink()
    return str(target) if target.is_file() else os.devnull


def _end_holding(run: ServiceRun) -> None:
    try:
        descriptor = os.pidfd_open(run.pid)
    except ProcessLookupError:
        return
    try:
        signal.pidfd_send_signal(descriptor, signal.SIGTERM)
        if not process_ended(descriptor, STOP_S):
            raise TechnicianError(
                _("process {pid} does not end: stop it, then try again", pid=run.pid)
            )
    finally:
        os.close(descriptor)


# ---- on hook -----------------------------------------------------------------------------------
# Puts a line on hook, whatever state its modem is in, and has the modem prove it.

ON_HOOK_LIMIT_S: Final = 30.0
READ_SIZE: Final = 4096
GONE: Final = _("The modem is unplugged.")
SILENT: Final = _("The modem does not say whether it has hung up: unplug it and plug it in again.")


def put_on_hook(path: str) -> Words | None:
    """Bring the modem at a port to idle; returns why it could not be, None when it is.

    What does not answer has its DTR pulled, which hangs up too, and is asked once more.
    """
    try:
        with contextlib.closing(SerialPort(path)) as port:
            trouble = _brought_up(port.fileno())
            if trouble is not None and port.drop_dtr():
                trouble = _brought_up(port.fileno())
            return trouble
    except PORT_ERRORS as error:
        return explain(path, error).sentence


def _brought_up(fd: int) -> Words | None:
    """Start a line as the service does: its first commands end a stream and hang up."""
    driver = LineDriver("", LineSettings())
    waiting = bytearray()
    now = time.monotonic()
    end = now + ON_HOOK_LIMIT_S
    events: tuple[LineEvent, ...] = driver.start(now)
    while now < end:
        for event in events:
            if isinstance(event, Up | Idle):
                return None
            if isinstance(event, Failed):
                return event.reason
        waiting += driver.data_to_send()
        events = _exchanged(fd, driver, waiting, end)
        now = time.monotonic()
    return SILENT


def _exchanged(
    fd: int, driver: LineDriver, waiting: bytearray, end: float
) -> tuple[LineEvent, ...]:
    """Carry bytes both ways until something is due; returns what it meant."""
    due = driver.next_deadline()
    pause = max(0.0, min(end if due is None else due, end) - time.monotonic())
    readable, writable, _ = select.select([fd], [fd] if waiting else [], [], pause)
    if writable:
        del waiting[: os.write(fd, waiting)]
    events: tuple[LineEvent, ...] = ()
    if readable:
        data = os.read(fd, READ_SIZE)
        if not data:
            raise OSError(str(GONE))
        events = driver.receive_data(data, time.monotonic())
    due = driver.next_deadline()
    if due is not None and time.monotonic() >= due:
        events += driver.handle_timer(time.monotonic())
    return events


# ---- restorer ----------------------------------------------------------------------------------
# Restores the service when the field test is over, however it ended.
#
# A process of its own: it reads a pipe from the command, and what it waits for is the pipe's end,
# which comes with the command's own, by whatever signal. Then the suite's process is ended, the
# lines are put on hook, and what was stopped is started again. A power cut needs nothing of this:
# the services start at boot.

END_PATIENCE_S: Final = ((signal.SIGINT, 20.0), (signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0))
"""How the suite's process is asked to end, and for how long each time."""
READY: Final = "ready"
RESTORER_LOST: Final = _(
    "Who was to restore the service was killed: `centralino status` tells what is missing."
)
ON_HOOK: Final = _("{}: the line is on hook.")
NOT_ON_HOOK: Final = _("{port}: it may be off hook: {why}")
STARTED: Final = _("In service again: {}.")
NOT_STARTED: Final = _("NOT in service again: {}")


class Restorer:
    """The command's end: started before anything is stopped, `give_back` is its order."""

    def __init__(self, planned: StopPlan) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "appliance.fieldtest.holding"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # a terminal's Ctrl-C is for the command
        )
        self._tell(asdict(planned))
        assert self._process.stdout
        if self._process.stdout.readline().strip() != READY:
            raise TechnicianError(
                _("the process that starts the service again does not start: nothing was stopped")
            )

    def watch(self, pid: int) -> None:
        """Name the suite's process, which must end before anything is given back."""
        self._tell({"child": pid})

    def give_back(self) -> tuple[bool, list[Words]]:
        """Have everything given back; returns whether all of it was, and what was done."""
        said, _ = self._process.communicate()
        if self._process.returncode not in {0, 1}:
            return False, [RESTORER_LOST]
        told = [written(json.loads(line)) for line in said.split("\n") if line]
        return self._process.returncode == 0, told

    def _tell(self, what: dict[str, Any]) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()


def main() -> None:
    """Run as `python -m appliance.fieldtest.holding`, the plan on the standard input."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    planned = _read_plan(json.loads(sys.stdin.readline()))
    running = {run.pid: _pidfd(run.pid) for run in planned.runs}
    _say(READY)
    children = [(pid, _pidfd(pid)) for line in sys.stdin for pid in (json.loads(line)["child"],)]
    for pid, descriptor in children:
        _end_process(pid, descriptor)
    is_well = True
    for well, words in _given_back(planned, running):
        is_well = is_well and well
        _say(json.dumps(words, default=as_json))
    raise SystemExit(not is_well)


def _read_plan(told: dict[str, Any]) -> StopPlan:
    runs = (
        ServiceRun(
            run["pid"],
            tuple(run["command"]),
            run["folder"],
            tuple((name, value) for name, value in run["environment"]),
            run["output"],
        )
        for run in told["runs"]
    )
    return StopPlan(tuple(told["ports"]), tuple(told["units"]), tuple(runs))


def _pidfd(pid: int) -> int | None:
    """Hold on to a process by a number that no other one can get."""
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None


def _end_process(pid: int, descriptor: int | None) -> None:
    if descriptor is not None:
        for number, patience_s in END_PATIENCE_S:
            if process_ended(descriptor, 0):
                break
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(descriptor, number)
            process_ended(descriptor, patience_s)
    with contextlib.suppress(OSError):  # an exchange that its tests could not stop
        os.killpg(pid, signal.SIGTERM)


def _given_back(planned: StopPlan, running: dict[int, int | None]) -> Iterator[tuple[bool, Words]]:
    for port in planned.ports:
        if (still := _still_held(planned, running)) is not None:
            yield True, still
            return
        trouble = put_on_hook(port)
        if trouble is None:
            yield True, ON_HOOK.filled(port)
        else:
            yield False, NOT_ON_HOOK.filled(port=port, why=trouble)
    if planned.units:
        yield _units_started(planned.units)
    for run in planned.runs:
        yield _run_started(run)


def _still_held(planned: StopPlan, running: dict[int, int | None]) -> Words | None:
    """Say that nothing was stopped after all, where a hand-started run is still there."""
    for run in planned.runs:
        descriptor = running[run.pid]
        if descriptor is not None and not process_ended(descriptor, 0):
            return STARTED.filled(" ".join(run.command))
    return None


def _units_started(units: tuple[str, ...]) -> tuple[bool, Words]:
    try:
        systemctl("start", units)
    except TechnicianError as error:
        return False, NOT_STARTED.filled(str(error))
    return True, STARTED.filled(", ".join(units))


def _run_started(run: ServiceRun) -> tuple[bool, Words]:
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
        return False, NOT_STARTED.filled(str(error))
    return True, STARTED.filled(f"{' '.join(run.command)} ({child.pid})")


def _say(line: str) -> None:
    """Tell the command, if it is still there."""
    with contextlib.suppress(OSError):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
