"""Which line is at which USB socket: as written, as found before, else as modems are found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from appliance.site.written import Line

BY_PATH: Final = "/dev/serial/by-path"
NOWHERE: Final = f"{BY_PATH}/usb-not-found-{{}}"
"""Where a line stands whose modem has not been found: it is out, until there is one."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Name and port of each line, in order; `waits` where a modem is still looked for."""

    ports: tuple[tuple[str, str], ...]
    waits: bool


def placed(lines: Sequence[Line], found: Sequence[str], before: Mapping[str, str]) -> Placed:
    """Place each line; without lines, one for every modem found.

    `found` are ports in the order of their names, `before` says what was decided last time.
    """
    if not lines:
        return _every(found, before)
    named = names(lines)
    fixed = {name: whole(line.port) for name, line in zip(named, lines, strict=True) if line.port}
    open_ = [name for name in named if name not in fixed]
    kept = {name: before[name] for name in open_ if before.get(name) in found}
    taken = {*fixed.values(), *kept.values()}
    free = iter([port for port in found if port not in taken])
    ports: dict[str, str] = dict(fixed) | kept
    for number, name in enumerate(open_, 1):
        if name not in ports:
            ports[name] = next(free, None) or _remembered(name, before, ports, number)
    return Placed(tuple((name, ports[name]) for name in named), waits=bool(open_))


def names(lines: Sequence[Line]) -> tuple[str, ...]:
    """Name every line: as written, else line1, line2 ... by its place, where that is free."""
    written = {line.name for line in lines}
    numbered = (f"line{number}" for number in range(1, 2 * len(lines) + 1))
    free = (name for name in numbered if name not in written)
    return tuple(line.name or next(free) for line in lines)


def whole(port: str) -> str:
    """Return a port's whole path; a mere name is one of /dev/serial/by-path."""
    return port if port.startswith("/") else str(PurePosixPath(BY_PATH, port))


def _every(found: Sequence[str], before: Mapping[str, str]) -> Placed:
    """Take every modem; one that is late after a start does not cost its line."""
    known = list(before.values())
    ports = known if set(found) <= set(known) else [*found]
    return Placed(tuple((f"line{n}", port) for n, port in enumerate(ports, 1)), waits=True)


def _remembered(name: str, before: Mapping[str, str], ports: Mapping[str, str], number: int) -> str:
    kept = before.get(name, "")
    return kept if kept and kept not in ports.values() else NOWHERE.format(number)


def distinct(ports: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """List one name of each device, of (name, device) in any order: the shortest, then the first.

    udev may give a modem two names, with and without the version of its bus (usb, usbv2).
    """
    best: dict[str, str] = {}
    for name, device in sorted(ports, key=lambda one: (len(one[0]), one[0])):
        best.setdefault(device, name)
    return tuple(sorted(best.values()))
