"""The addresses of this box, as the kernel tells them: its certificate must name each."""

from __future__ import annotations

import contextlib
import ipaddress
import re
from pathlib import Path
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
FOURS: Final = Path("/proc/self/net/fib_trie")
SIXES: Final = Path("/proc/self/net/if_inet6")
"""Of this process: /proc/net itself is not to be seen in a sandbox (ProcSubset=pid)."""
_LOCAL = re.compile(r"\|-- (\d+\.\d+\.\d+\.\d+)\n\s+/32 host LOCAL")


def of_this_box(listen: str) -> tuple[Address, ...]:
    """Return where the box can be reached: `listen`, or every address where that is all of them."""
    own = ipaddress.ip_address(listen)
    return found(_text(FOURS), _text(SIXES)) if own.is_unspecified else (own,)


def found(fours: str, sixes: str) -> tuple[Address, ...]:
    """Read the kernel's two tables (proc_net(5)); no address that needs an interface's name."""
    numbers: set[Address] = {ipaddress.IPv4Address(one) for one in _LOCAL.findall(fours)}
    numbers |= {
        ipaddress.IPv6Address(int(line.split()[0], 16)) for line in sixes.splitlines() if line
    }
    usable = (one for one in numbers if not (one.is_link_local and one.version == 6))
    return tuple(sorted(usable, key=lambda one: (one.version, int(one))))


def _text(path: Path) -> str:
    with contextlib.suppress(OSError):  # no IPv6 here, or nothing of it to be seen
        return path.read_text(encoding="ascii")
    return ""
