"""Which USB device is behind a serial port, and which hub port feeds it: read from sysfs."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from appliance.errors import TechnicianError

SYSFS = Path("/sys")

_TTY = re.compile(r"tty(?:ACM|USB)\d+")
_NAME = re.compile(r"(?P<hub>\d+-\d+(?:\.\d+)*)\.(?P<port>\d+)|(?P<root>\d+)-(?P<root_port>\d+)")
_HUB_CLASS = "09"


@dataclass(frozen=True, slots=True)
class Device:
    """A USB device by the kernel's name, its bus and chain of ports ("1-1.2").

    `hub` and `port` say which port of which hub it hangs at, as uhubctl writes them: 2 of "1-1".
    """

    name: str
    folder: Path
    hub: str
    port: int


def find(port: str, sysfs: Path = SYSFS) -> Device:
    """Return the device behind a port's path; raises TechnicianError when there is none.

    Only a USB modem (ttyACM, ttyUSB) is ever found: never a hub, whatever the path leads to.
    """
    tty = os.path.basename(os.path.realpath(port))  # noqa: PTH119 - a name that is no path of ours
    if not _TTY.fullmatch(tty):
        raise TechnicianError(f"{port} is no USB modem at the moment: unplug it and plug it in")
    interface = (sysfs / "class" / "tty" / tty / "device").resolve()
    for folder in (interface, *interface.parents):
        if (folder / "idVendor").exists():
            return _device(port, folder)
    raise TechnicianError(f"{port} has no USB device: unplug the modem and plug it in again")


def _device(port: str, folder: Path) -> Device:
    match = _NAME.fullmatch(folder.name)
    kind = _read(folder / "bDeviceClass")
    if match is None or kind == _HUB_CLASS:
        raise TechnicianError(f"{port} leads to {folder.name}, which is no USB modem: not touched")
    hub, number = match["hub"] or match["root"], match["port"] or match["root_port"]
    return Device(folder.name, folder, hub, int(number))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""
