"""What a reset and a power cycle consist of: plans as values, carried out by one small loop."""

from __future__ import annotations

import enum
import subprocess
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from appliance.errors import TechnicianError
from appliance.usb.device import SYSFS, Device

UNBOUND_S = 1.0
"""Between unbind and bind: the old driver's work ends, keepers notice and let go."""
DARK_S = 3.0
"""Without power: the modem's supply capacitors are empty by then."""
RUN_LIMIT_S = 20.0


class Step(enum.StrEnum):
    """What may be asked for; the names are those of the line's recovery ladder."""

    RESET_USB = "reset_usb"
    POWER_CYCLE = "power_cycle"


@dataclass(frozen=True, slots=True)
class Write:
    """Write `text` to a file of sysfs; `anyway`: also when an earlier action has failed."""

    path: Path
    text: str
    anyway: bool = False


@dataclass(frozen=True, slots=True)
class Pause:
    """Let `seconds` go by."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Run:
    """Run a program and have it succeed."""

    command: tuple[str, ...]


Action = Write | Pause | Run


def plan(
    step: Step, device: Device, uhubctl: str | None, sysfs: Path = SYSFS
) -> tuple[Action, ...]:
    """Say what a step does to a device; raises TechnicianError where its port has no switch.

    Power is switched by the hub port's `disable` (Linux 6.0; it switches the port's power where
    the hub can), else by uhubctl (`uhubctl`: its path, None when it is not installed).
    """
    if step is Step.RESET_USB:
        driver = sysfs / "bus" / "usb" / "drivers" / "usb"
        return (
            Write(driver / "unbind", device.name),
            Pause(UNBOUND_S),
            Write(driver / "bind", device.name, anyway=True),
        )
    # Resolved now: the link lies in the device's folder, which goes with the power.
    switch = (device.folder / "port").resolve() / "disable"
    if switch.exists():
        return Write(switch, "1"), Pause(DARK_S), Write(switch, "0", anyway=True)
    if uhubctl is None:
        raise TechnicianError(
            f"USB port {device.port} of hub {device.hub} cannot be switched (uhubctl is not "
            "installed): unplug the modem and plug it in again"
        )
    where = ("-l", device.hub, "-p", str(device.port))
    return (Run((uhubctl, *where, "-a", "cycle", "-d", str(round(DARK_S)))),)


def carry_out(actions: Iterable[Action], wait: Callable[[float], object] | None = None) -> None:
    """Do it, in order; raises TechnicianError with the first failure, having undone what it can."""
    failure: TechnicianError | None = None
    pause = wait or threading.Event().wait
    for action in actions:
        if failure is None:
            failure = _failure(action, pause)
        elif isinstance(action, Write) and action.anyway:
            _failure(action, pause)  # the first failure is the one to tell of
    if failure is not None:
        raise failure


def _failure(action: Action, wait: Callable[[float], object]) -> TechnicianError | None:
    try:
        match action:
            case Write(path, text):
                path.write_text(text, encoding="ascii")
            case Pause(seconds):
                wait(seconds)
            case Run(command):
                subprocess.run(command, check=True, capture_output=True, timeout=RUN_LIMIT_S)
    except (OSError, subprocess.SubprocessError) as error:
        return TechnicianError(f"{error}: unplug the modem and plug it in again")
    return None
