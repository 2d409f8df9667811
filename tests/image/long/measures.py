"""What is read of a machine that runs: memory, what its card was told to write, its own time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

from tests.image.guest import Guest

UNITS: Final = ("centralino", "centralino-media", "centralino-console")
"""Call control, the media gateway with its port servers, the console."""
SUMS: Final = """for unit in {units}; do
    group=/sys/fs/cgroup$(systemctl show -P ControlGroup $unit)
    for number in $(cat $group/cgroup.procs); do
        sed "s/^/$unit /" /proc/$number/smaps_rollup
    done
done"""
OWN: Final = ("Private_Clean", "Private_Dirty")


@dataclass(frozen=True, slots=True)
class Held:
    """Memory of a service's processes, in kB: `pss` with its share of what several have, `own`
    what nobody else has.
    """

    processes: int
    pss: int
    own: int

    def __str__(self) -> str:
        sizes = f"{self.pss / 1024:.0f} MiB with its share, {self.own / 1024:.0f} MiB its own"
        return f"{self.processes} processes, {sizes}"


@dataclass(frozen=True, slots=True)
class Written:
    """What a card was told to write, and how often to have it safe."""

    bytes: int = 0
    flushes: int = 0

    def __sub__(self, before: Self) -> Written:
        return Written(self.bytes - before.bytes, self.flushes - before.flushes)

    def __add__(self, other: Self) -> Written:
        return Written(self.bytes + other.bytes, self.flushes + other.flushes)

    def times(self, factor: float) -> Written:
        """Multiply it."""
        return Written(round(self.bytes * factor), round(self.flushes * factor))

    def __str__(self) -> str:
        return f"{self.bytes / 1e6:.2f} MB in {self.flushes} flushes"


def written(guest: Guest) -> Written:
    """Ask QEMU what has come to the card since it was switched on; nothing is asked inside."""
    (card,) = [one for one in guest.monitor.ask("query-blockstats") if one.get("device") == "disk"]
    return Written(card["stats"]["wr_bytes"], card["stats"]["flush_operations"])


def used_kb(guest: Guest) -> tuple[int, int]:
    """Return the memory that is not available, and all that the kernel has."""
    told = dict(re.findall(r"^(\w+): +(\d+) kB$", guest.run("cat /proc/meminfo"), re.MULTILINE))
    return int(told["MemTotal"]) - int(told["MemAvailable"]), int(told["MemTotal"])


def held(guest: Guest) -> dict[str, Held]:
    """Return what each of our services holds."""
    told = [line.split() for line in guest.run(SUMS.format(units=" ".join(UNITS))).splitlines()]
    return {unit: _held([row[1:] for row in told if row[0] == unit]) for unit in UNITS}


def _held(rows: list[list[str]]) -> Held:
    """Add up lines of smaps_rollup, of which each process has one `Pss:`."""
    sizes = [(row[0].rstrip(":"), int(row[1])) for row in rows if row[-1] == "kB"]
    pss = [size for name, size in sizes if name == "Pss"]
    return Held(len(pss), sum(pss), sum(size for name, size in sizes if name in OWN))


def own_seconds(guest: Guest, *units: str) -> float:
    """Return when the last of these units was up, in s since the kernel began."""
    told = guest.run(f"systemctl show -P ActiveEnterTimestampMonotonic {' '.join(units)}")
    return max(int(one) for one in told.split()) / 1e6
