"""Reset of a USB device: finding the device, the steps, and the requests to root's helper."""

from __future__ import annotations

import contextlib
import enum
import json
import os
import re
import shutil
import stat
import subprocess
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.errors import TechnicianError
from appliance.files import READABLE, atomic_write
from appliance.text import _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


# Finds in sysfs the USB device behind a serial port, and the hub port that powers it.

SYSFS = Path("/sys")

_TTY = re.compile(r"tty(?:ACM|USB)\d+")
_NAME = re.compile(r"(?P<hub>\d+-\d+(?:\.\d+)*)\.(?P<port>\d+)|(?P<root>\d+)-(?P<root_port>\d+)")
_HUB_CLASS = "09"


@dataclass(frozen=True, slots=True)
class UsbDevice:
    """A USB device by the kernel's name, its bus and chain of ports ("1-1.2").

    `hub` and `port` name the hub's port in uhubctl's notation: port 2 of hub "1-1".
    """

    name: str
    folder: Path
    hub: str
    port: int


def find_device(port: str, sysfs: Path = SYSFS) -> UsbDevice:
    """Return the device behind a port's path; raises TechnicianError if there is none."""
    # Only a USB modem (ttyACM, ttyUSB) is ever reset, never a hub, whatever the path leads to.
    tty = os.path.basename(os.path.realpath(port))  # noqa: PTH119 - a name that is no path of ours
    if not _TTY.fullmatch(tty):
        raise TechnicianError(
            _("{port} is no USB modem at the moment: unplug it and plug it in", port=port)
        )
    interface = (sysfs / "class" / "tty" / tty / "device").resolve()
    # The device is the nearest parent with a vendor id; a serial port is one of its interfaces.
    for folder in (interface, *interface.parents):
        if (folder / "idVendor").exists():
            return _device(port, folder)
    raise TechnicianError(
        _("{port} has no USB device: unplug the modem and plug it in again", port=port)
    )


def _device(port: str, folder: Path) -> UsbDevice:
    match = _NAME.fullmatch(folder.name)
    kind = _read(folder / "bDeviceClass")
    if match is None or kind == _HUB_CLASS:
        raise TechnicianError(
            _(
                "{port} leads to {name}, which is no USB modem: not touched",
                port=port,
                name=folder.name,
            )
        )
    hub, number = match["hub"] or match["root"], match["port"] or match["root_port"]
    return UsbDevice(folder.name, folder, hub, int(number))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""


# A reset and a power cycle as plans of values, carried out by one small loop.

# Time for the old driver to finish, and for the port server to notice and close the port.
UNBOUND_S = 1.0
"""Seconds between unbind and bind."""
# By then the modem's supply capacitors are empty.
DARK_S = 3.0
"""Seconds without power."""
RUN_LIMIT_S = 20.0


class UsbStep(enum.StrEnum):
    """The steps that may be requested, named as in the line's recovery ladder."""

    RESET_USB = "reset_usb"
    POWER_CYCLE = "power_cycle"


@dataclass(frozen=True, slots=True)
class WriteSysfs:
    """Write `text` to a file of sysfs; with `anyway` also after an earlier action failed."""

    path: Path
    text: str
    anyway: bool = False


@dataclass(frozen=True, slots=True)
class WaitSeconds:
    """Wait `seconds`."""

    seconds: float


@dataclass(frozen=True, slots=True)
class RunProgram:
    """Run a program, which must succeed."""

    command: tuple[str, ...]


Action = WriteSysfs | WaitSeconds | RunProgram


def reset_plan(
    step: UsbStep, device: UsbDevice, uhubctl: str | None, sysfs: Path = SYSFS
) -> tuple[Action, ...]:
    """Return the actions of a step; raises TechnicianError if the port cannot be switched.

    `uhubctl` is that program's path, None if it is not installed.
    """
    # Unbind and bind, not USBDEVFS_RESET, which did not free a wedged modem (v253.md 4).
    if step is UsbStep.RESET_USB:
        driver = sysfs / "bus" / "usb" / "drivers" / "usb"
        return (
            WriteSysfs(driver / "unbind", device.name),
            WaitSeconds(UNBOUND_S),
            WriteSysfs(driver / "bind", device.name, anyway=True),
        )
    # The hub port's `disable` (Linux 6.0) switches its power where the hub can; else uhubctl does.
    # Resolved now: the link is in the device's folder, which disappears with the power.
    switch = (device.folder / "port").resolve() / "disable"
    if switch.exists():
        return WriteSysfs(switch, "1"), WaitSeconds(DARK_S), WriteSysfs(switch, "0", anyway=True)
    if uhubctl is None:
        raise TechnicianError(
            _(
                "USB port {port} of hub {hub} cannot be switched (uhubctl is not installed): "
                "unplug the modem and plug it in again",
                port=device.port,
                hub=device.hub,
            )
        )
    where = ("-l", device.hub, "-p", str(device.port))
    return (RunProgram((uhubctl, *where, "-a", "cycle", "-d", str(round(DARK_S)))),)


def carry_out(actions: Iterable[Action], wait: Callable[[float], object] | None = None) -> None:
    """Run the actions in order; raises TechnicianError with the first failure.

    After a failure only actions with `anyway` still run, which undo what they can.
    """
    failure: TechnicianError | None = None
    pause = wait or threading.Event().wait
    for action in actions:
        if failure is None:
            failure = _failure(action, pause)
        elif isinstance(action, WriteSysfs) and action.anyway:
            # The first failure is the one to report.
            _failure(action, pause)
    if failure is not None:
        raise failure


def _failure(action: Action, wait: Callable[[float], object]) -> TechnicianError | None:
    try:
        match action:
            case WriteSysfs(path, text):
                path.write_text(text, encoding="ascii")
            case WaitSeconds(seconds):
                wait(seconds)
            case RunProgram(command):
                subprocess.run(command, check=True, capture_output=True, timeout=RUN_LIMIT_S)
    except (OSError, subprocess.SubprocessError) as error:
        return TechnicianError(_("{error}: unplug the modem and plug it in again", error=error))
    return None


# Requests of call control and answers of root's helper: a small file each way for a line, in /run.
# The request lies in call control's folder, which root must not trust, the answer in root's own. A
# request names a line, never a port: the port comes from the configuration only.

# The recovery ladder requests a step once a climb.
LEAST_GAP_S = 120.0
"""Seconds between two executions of the same step for the same line."""
_SIZE_LIMIT = 32
_LINE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")
"""Line names that are valid as a file name and a unit instance (systemd.unit(5))."""


@dataclass(frozen=True, slots=True)
class ResetAnswer:
    """Result of a request: done, or the reason; `at` in monotonic seconds of this boot."""

    step: UsbStep
    done: bool
    sentence: str
    at: float


def requests_folder(run: Path) -> Path:
    """Return call control's folder of requests, below its run folder."""
    return run / "usb"


def answers_folder(run: Path) -> Path:
    """Return the helper's folder of answers: beside the run folder, which root must not trust."""
    return run.with_name(f"{run.name}-usb")


def request_reset(folder: Path, line: str, step: UsbStep) -> bool:
    """Write a request; return False if it replaces one that was not taken.

    Raises TechnicianError for an invalid line name, or if the file cannot be written.
    """
    _check(line)
    request = folder / line
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # A request left from before shows that no helper runs.
        taken = not request.exists()
        atomic_write(request, step.value, is_durable=False)
    except OSError as error:
        raise TechnicianError(_("no USB reset can be asked for: {error}", error=error)) from error
    return taken


def take_request(folder: Path, line: str) -> UsbStep | None:
    """Remove and return a request; None if absent or malformed."""
    _check(line)
    # The folder is another account's: follow no link, open nothing but a plain file.
    # O_NONBLOCK below: opening a FIFO that lies there must not block (fifo(7)).
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        inside = os.open(folder, flags | os.O_DIRECTORY)
    except OSError:
        return None
    try:
        text = _contents(inside, line, flags | os.O_NONBLOCK)
        with contextlib.suppress(OSError):
            os.unlink(line, dir_fd=inside)
    finally:
        os.close(inside)
    return UsbStep(text) if text in tuple(UsbStep) else None


def take_requests(folder: Path) -> dict[str, UsbStep]:
    """Remove and return all requests; remove and ignore anything else in the folder."""
    # The path unit starts the helper again as long as anything is in the folder (systemd.path(5)).
    try:
        inside = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_DIRECTORY)
    except OSError:
        return {}
    try:
        with os.scandir(inside) as found:
            names = [each.name for each in found if not each.name.startswith(".")]
        texts = {name: _taken(inside, name) for name in names}
    finally:
        os.close(inside)
    steps = tuple(UsbStep)
    return {n: UsbStep(text) for n, text in texts.items() if text in steps and _LINE.fullmatch(n)}


def _taken(inside: int, name: str) -> str:
    """Read and remove an entry, even a folder; its writer may write it again."""
    text = _contents(inside, name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    with contextlib.suppress(OSError):
        os.unlink(name, dir_fd=inside)
        return text
    shutil.rmtree(name, ignore_errors=True, dir_fd=inside)
    return ""


def _contents(inside: int, line: str, flags: int) -> str:
    try:
        descriptor = os.open(line, flags, dir_fd=inside)
    except OSError:
        return ""
    try:
        # Neither a device nor a FIFO is read, and no more than a step's name.
        plain = stat.S_ISREG(os.fstat(descriptor).st_mode)
        return os.read(descriptor, _SIZE_LIMIT).decode("ascii", "replace").strip() if plain else ""
    finally:
        os.close(descriptor)


def write_answer(folder: Path, line: str, answer: ResetAnswer) -> None:
    """Write the answer to a request, keeping the answers to other steps."""
    # The rate limit needs the time of each step.
    kept = {a.step.value: asdict(a) for a in read_answers(folder, line).values()}
    kept[answer.step.value] = asdict(answer)
    folder.mkdir(parents=True, exist_ok=True)
    atomic_write(folder / line, json.dumps(kept), mode=READABLE, is_durable=False)


def read_answers(folder: Path, line: str) -> Mapping[UsbStep, ResetAnswer]:
    """Read the latest answer to each step; {} if unreadable."""
    try:
        kept = json.loads((folder / line).read_text(encoding="utf-8"))
        return {
            UsbStep(name): ResetAnswer(
                UsbStep(name), bool(a["done"]), str(a["sentence"]), float(a["at"])
            )
            for name, a in kept.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def may_reset(step: UsbStep, earlier: Mapping[UsbStep, ResetAnswer], now: float) -> bool:
    """True if the rate limit allows a step at `now` (monotonic s)."""
    last = earlier.get(step)
    # Monotonic seconds of this boot: /run is empty after a reboot.
    return last is None or now - last.at >= LEAST_GAP_S


def _check(line: str) -> None:
    if not _LINE.fullmatch(line):
        raise TechnicianError(
            _(
                "line {line!r} cannot be reset: use letters, digits and _ . : - in lines.name",
                line=line,
            )
        )
