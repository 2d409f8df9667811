"""USB ports of the lines: as written, as found before, else in the order of the modems."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final, Protocol

from appliance.files import SHARED, atomic_write

BY_PATH: Final = "/dev/serial/by-path"
# Port of a line without a modem: it is out of order until one is found.
NOWHERE: Final = f"{BY_PATH}/usb-not-found-{{}}"
OUR_MODEMS: Final = Path("/dev/centralino")
"""Folder of the delivered udev rules: modems of known makes alone."""
PORTS_VARIABLE: Final = "CENTRALINO_PORTS"
"""Environment's name of another folder than BY_PATH, for simulated modems."""
FILE: Final = "line_ports.json"
"""File of the state folder: the port that each line without one was given."""


class WantedLine(Protocol):
    """A line's name and port as written, "" for none."""

    @property
    def name(self) -> str:
        """The name."""

    @property
    def port(self) -> str:
        """The port."""


@dataclass(frozen=True, slots=True)
class WrittenLine:
    """A line's name and port as written, "" for none."""

    name: str = ""
    port: str = ""


@dataclass(frozen=True, slots=True)
class PlacedLines:
    """Name and port of each line, in order; `waits` if a modem is still missing."""

    ports: tuple[tuple[str, str], ...]
    waits: bool


def place_lines(
    lines: Sequence[WantedLine], found: Sequence[str], before: Mapping[str, str]
) -> PlacedLines:
    """Assign a port to each line; without lines, make one for every modem found.

    `found` are ports in the order of their names, `before` is the previous assignment.
    """
    if not lines:
        return _every(found, before)
    named = line_names(lines)
    fixed = {
        name: whole_port(line.port) for name, line in zip(named, lines, strict=True) if line.port
    }
    open_ = [name for name in named if name not in fixed]
    # A line keeps its socket as long as a modem is in it.
    kept = {name: before[name] for name in open_ if before.get(name) in found}
    taken = {*fixed.values(), *kept.values()}
    free = iter([port for port in found if port not in taken])
    ports: dict[str, str] = dict(fixed) | kept
    for number, name in enumerate(open_, 1):
        if name not in ports:
            ports[name] = next(free, None) or _remembered(name, before, ports, number)
    return PlacedLines(tuple((name, ports[name]) for name in named), waits=bool(open_))


def line_names(lines: Sequence[WantedLine]) -> tuple[str, ...]:
    """Return every line's name: as written, else line1, line2 ... by its position, if free."""
    written = {line.name for line in lines}
    numbered = (f"line{number}" for number in range(1, 2 * len(lines) + 1))
    free = (name for name in numbered if name not in written)
    return tuple(line.name or next(free) for line in lines)


def whole_port(port: str) -> str:
    """Return a port's full path; a bare name is one in /dev/serial/by-path."""
    return port if port.startswith("/") else str(PurePosixPath(BY_PATH, port))


def _every(found: Sequence[str], before: Mapping[str, str]) -> PlacedLines:
    """Make a line for each modem; a modem that appears late keeps its line."""
    known = list(before.values())
    # Without a new modem the previous lines stay, also those of missing modems; with one all are
    # numbered again.
    ports = known if set(found) <= set(known) else [*found]
    return PlacedLines(tuple((f"line{n}", port) for n, port in enumerate(ports, 1)), waits=True)


def _remembered(name: str, before: Mapping[str, str], ports: Mapping[str, str], number: int) -> str:
    kept = before.get(name, "")
    return kept if kept and kept not in ports.values() else NOWHERE.format(number)


def distinct_ports(ports: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Return one name of each device from (name, device): the shortest, then the first."""
    # udev may give a modem two names, with and without the bus version (usb, usbv2).
    best: dict[str, str] = {}
    for name, device in sorted(ports, key=lambda one: (len(one[0]), one[0])):
        best.setdefault(device, name)
    return tuple(sorted(best.values()))


# ---- Lines of a configuration's file that leave their port out -----------------------------------


def with_ports(data: dict[str, Any], state: Path) -> dict[str, Any]:
    """Return the tables with a port for each line; `state` has what was given before.

    A table without lines, or in an odd form, stays as it is.
    """
    rows = data.get("lines")
    if not isinstance(rows, list) or not all(map(_is_whole, rows)):
        # Reported later, with all other mistakes.
        return data
    if all(row.get("port") for row in rows):
        return data
    written = [WrittenLine(row.get("name", ""), row.get("port", "")) for row in rows]
    placed = place_lines(written, modems_found(), before(state)).ports
    return {
        **data,
        "lines": [{**row, "port": port} for row, (_, port) in zip(rows, placed, strict=True)],
    }


def _is_whole(row: Any) -> bool:
    if not isinstance(row, dict):
        return False
    return all(isinstance(row.get(key, ""), str) for key in ("name", "port"))


def before(state: Path) -> dict[str, str]:
    """Return the ports that lines were given before, {} for none or where it cannot be read."""
    try:
        found = json.loads((state / FILE).read_text(encoding="utf-8"))
        return {str(name): str(port) for name, port in found.items()}
    except (OSError, ValueError, AttributeError):
        return {}


def keep_ports(ports: Mapping[str, str], state: Path) -> None:
    """Store the ports that lines were given, so that a modem taken out moves no other line.

    Raises OSError.
    """
    if ports and before(state) != ports:
        atomic_write(state / FILE, json.dumps(ports, indent=1), mode=SHARED)


def modems_found() -> tuple[str, ...]:
    """Return the ports of the modems that are plugged in, in the order of their names.

    With the delivered udev rules these are modems of known makes, else every USB serial device.
    """
    folder = Path(os.environ.get(PORTS_VARIABLE, BY_PATH))
    ours = {device for _, device in _devices(OUR_MODEMS)} if folder == Path(BY_PATH) else set()
    return distinct_ports(
        (name, device)
        for name, device in _devices(folder)
        if "usb" in Path(name).name and (not ours or device in ours)
    )


def _devices(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield each name in a folder with the device behind it; nothing without the folder."""
    try:
        names = sorted(folder.iterdir())
    except OSError:
        return
    for path in names:
        yield str(path), os.path.realpath(path)


def is_nowhere(port: str) -> bool:
    """Tell whether a port is that of a line without a modem."""
    return port.startswith(NOWHERE.partition("{")[0])


def usb_socket(port: str) -> str:
    """Return a port's USB socket as people find it ("1.2"), its path if it has none."""
    name = PurePosixPath(port).name
    _, found, rest = name.rpartition("usb-0:")
    return rest.partition(":")[0] if found else port
