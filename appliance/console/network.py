"""How the box is joined to the network, as the kernel and the resolver tell it."""

from __future__ import annotations

import contextlib
import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOURS: Final = Path("/proc/net/route")
SIXES: Final = Path("/proc/net/ipv6_route")
RESOLVER: Final = Path("/etc/resolv.conf")
DEVICES: Final = Path("/sys/class/net")
WAY: Final = 0x2
"""RTF_GATEWAY of route.h: by way of a router."""


@dataclass(frozen=True, slots=True)
class Device:
    """One interface: whether it is joined, and how fast in Mbit/s, 0 where that is not told."""

    name: str
    is_joined: bool
    speed: int


@dataclass(frozen=True, slots=True)
class Network:
    """Routers by which all else is reached, name servers, and interfaces."""

    routers: tuple[str, ...]
    servers: tuple[str, ...]
    devices: tuple[Device, ...]


def network() -> Network:
    """Look how things are now; what cannot be read is left out."""
    routers = (*routers_of_four(_text(FOURS)), *routers_of_six(_text(SIXES)))
    return Network(routers, servers_of(_text(RESOLVER)), devices(DEVICES))


def routers_of_four(table: str) -> tuple[str, ...]:
    """Read the kernel's table (proc_net(5), route): addresses are in the machine's byte order."""
    found = []
    for line in table.splitlines()[1:]:
        device, target, router, flags, *_ = line.split()
        if int(target, 16) == 0 and int(flags, 16) & WAY:
            address = ipaddress.IPv4Address(int.from_bytes(bytes.fromhex(router), "little"))
            found.append(f"{address} ({device})")
    return tuple(found)


def routers_of_six(table: str) -> tuple[str, ...]:
    """Read the kernel's table of IPv6 (ipv6_route)."""
    rows = (line.split() for line in table.splitlines())
    return tuple(
        f"{ipaddress.IPv6Address(int(row[4], 16))} ({row[9]})"
        for row in rows
        if row[1] == "00" and int(row[0], 16) == 0 and int(row[8], 16) & WAY
    )


def servers_of(text: str) -> tuple[str, ...]:
    """Read the resolver's file (resolv.conf(5))."""
    lines = (line.split() for line in text.splitlines())
    return tuple(words[1] for words in lines if len(words) > 1 and words[0] == "nameserver")


def devices(folder: Path) -> tuple[Device, ...]:
    """Look at each interface but the loopback."""
    with contextlib.suppress(OSError):
        names = sorted(one.name for one in folder.iterdir() if one.name != "lo")
        return tuple(
            Device(name, _number(folder / name / "carrier") == 1, _number(folder / name / "speed"))
            for name in names
        )
    return ()


def _number(path: Path) -> int:
    """Read a number; 0 where the kernel tells none, as of the speed of a radio."""
    text = _text(path).strip()
    return int(text) if text.isdecimal() else 0


def _text(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_text(encoding="utf-8", errors="replace")
    return ""
