"""Who has the ports, and how they are taken and given back: systemd's units, or a hand-started run.

What was found is a plan of plain values: it is written down for the restorer before anything stops.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from appliance.errors import TechnicianError
from appliance.modem.port_server import explain, holding

if TYPE_CHECKING:
    from collections.abc import Sequence

CARRIER: Final = "centralino-carrier.service"
UNITS: Final = ("centralino-link.socket", CARRIER, "centralino.service")
"""In the order they are started; the desk alone would have the carrier started again."""
STOP_S: Final = 60.0
_UNIT = re.compile(r"/([\w@.-]+\.service)")


@dataclass(frozen=True, slots=True)
class Run:
    """A `centralino run` that a person started: how to start it again as it was."""

    pid: int
    command: tuple[str, ...]
    folder: str
    environment: tuple[tuple[str, str], ...]
    output: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What is stopped for the field test and started after it; `ports` are put on hook between."""

    ports: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    runs: tuple[Run, ...] = ()


def plan(ports: Sequence[str]) -> Plan:
    """Find out who holds the ports.

    Raises TechnicianError for a port that is not there, for another program, and where rights to
    stop the service are wanting.
    """
    for port in ports:
        if not Path(port).exists():
            raise TechnicianError(str(explain(port, FileNotFoundError()).sentence))
    active = _active(UNITS) if ports else ()
    if CARRIER in active and os.geteuid() != 0:
        raise TechnicianError(
            "the service runs and may hold the ports: run the field test with sudo, so that it can "
            "be stopped and started again"
        )
    units: tuple[str, ...] = ()
    runs: dict[int, Run] = {}
    for port in ports:
        for pid in sorted(holding(port)):
            if _unit(pid) in UNITS:
                units = active
            elif found := _run(pid):
                runs[found.pid] = found
            else:
                raise TechnicianError(str(explain(port, OSError(16, "busy")).sentence))
    return Plan(tuple(ports), units, tuple(runs.values()))


def stop(planned: Plan) -> None:
    """Stop what holds the ports; raises TechnicianError when it goes on holding them."""
    if planned.units:
        systemctl("stop", planned.units[::-1])
    for run in planned.runs:
        _end(run)
    for port in planned.ports:
        if holding(port):
            raise TechnicianError(str(explain(port, OSError(16, "busy")).sentence))


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


def ended(descriptor: int, seconds: float) -> bool:
    """Tell whether the process behind a pidfd has ended, waiting so long for it."""
    return bool(select.select([descriptor], [], [], seconds)[0])


def _active(units: Sequence[str]) -> tuple[str, ...]:
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


def _run(pid: int) -> Run | None:
    """Find the `centralino run` among a process and its ancestors, if one is."""
    while pid > 1:
        place = Path(f"/proc/{pid}")
        try:
            words = _words(place / "cmdline")
            if _is_ours(words) and place.stat().st_uid == os.geteuid():
                environment = (pair.partition("=") for pair in _words(place / "environ"))
                return Run(
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


def _end(run: Run) -> None:
    try:
        descriptor = os.pidfd_open(run.pid)
    except ProcessLookupError:
        return
    try:
        signal.pidfd_send_signal(descriptor, signal.SIGTERM)
        if not ended(descriptor, STOP_S):
            raise TechnicianError(f"process {run.pid} does not end: stop it, then try again")
    finally:
        os.close(descriptor)
