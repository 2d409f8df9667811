"""The serial devices that are plugged in, by the name of their USB socket, and what they call
themselves.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from appliance.site.places import distinct

TTYS: Final = Path("/sys/class/tty")
PARENTS: Final = 4
"""So far above a serial device its USB device's names lie in sysfs."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One USB socket with a serial device in it: `port` its path, `shown` its maker's words."""

    port: str
    shown: str = ""


def seen(folder: Path, ttys: Path = TTYS) -> tuple[Seen, ...]:
    """List what is plugged in, in the order of the sockets; nothing where udev named none."""
    try:
        found = [(str(path), os.path.realpath(path)) for path in folder.iterdir()]
    except OSError:
        return ()
    usb = [(name, device) for name, device in found if "usb" in Path(name).name]
    devices = dict(usb)
    return tuple(Seen(port, _shown(ttys / Path(devices[port]).name)) for port in distinct(usb))


def _shown(tty: Path) -> str:
    """Return the maker's and product's words of a USB device, "" for none."""
    above = (tty / "device").resolve()
    for folder in (above, *above.parents[:PARENTS]):
        words = [_line(folder / name) for name in ("manufacturer", "product")]
        if any(words):
            return " ".join(word for word in words if word)
    return ""


def _line(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return "".join(sign for sign in " ".join(text.split()) if sign.isprintable())[:60]
