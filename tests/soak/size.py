"""What processes take: threads, descriptors, memory, and what their interpreters hold."""

from __future__ import annotations

import ctypes
import json
import os
import signal
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.bench.machine import memory_mb
from tests.helpers.box import Box, wait

CENSUS = Path(__file__).parent / "census"
"""What counts a process's objects from within (its sitecustomize.py)."""
ANSWER_S = 10.0
NO_CACHE = "glibc.malloc.tcache_count=0"
"""Each thread of malloc keeps up to seven freed pieces of each of 64 sizes, 0.2 MB in all, fills
that for hours, and mallinfo2 counts it as given out.
"""
LOOKS = 5
LOOK_S = 0.3
"""The least of so many counts is what is held at rest: one may come as a question is answered."""
MOST = 200
UNDER_WAY = "appliance.sip.transactions.Transaction"
"""Counts are repeated, so often at most, until there is none: a phone that has just registered anew
is 2 kB for 32 s.
"""


@dataclass(frozen=True, slots=True)
class Size:
    """What a box's processes take: how many they are, threads, descriptors; memory of their own
    (written to, shared with nobody) in kB: of call control and media gateway, which live on, and of
    the largest of the others: fork server and port servers, which are started anew when one hangs.
    """

    processes: int
    threads: int
    files: int
    own_kb: float
    server_kb: float


def size_of(pids: list[int]) -> Size:
    """Look at a box's processes, call control and media gateway first."""
    two, others = pids[:2], pids[2:]
    server_kb = max(map(_own_kb, ([pid] for pid in others)), default=0.0)
    files = sum(map(_files, pids))
    return Size(len(pids), sum(map(_threads, pids)), files, _own_kb(two), server_kb)


def _own_kb(pids: list[int]) -> float:
    return memory_mb(pids, "Private_Dirty") * 1e6 / 1024


def _threads(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def _files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Return the slope of the straight line that fits best (least squares).

    >>> slope([(0, 5.0), (10, 7.0), (20, 9.0)])
    0.2
    """
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    over = sum((x - mean_x) * (y - mean_y) for x, y in points)
    return over / sum((x - mean_x) ** 2 for x, _ in points)


def slope_error(points: Sequence[tuple[float, float]]) -> float:
    """Return the standard error of that slope: two of it on either side are nearly always right.

    >>> slope_error([(0, 5.0), (10, 7.0), (20, 9.0)])
    0.0
    """
    steep, count = slope(points), len(points)
    mean_x, mean_y = (sum(each) / count for each in zip(*points, strict=True))
    left = sum((y - mean_y - steep * (x - mean_x)) ** 2 for x, y in points)
    return float((left / (count - 2) / sum((x - mean_x) ** 2 for x, _ in points)) ** 0.5)


# --- this process itself --------------------------------------------------------------------------


class Mallinfo(ctypes.Structure):
    """What mallinfo2(3) tells, in bytes."""

    _fields_ = [
        *((f"before{n}", ctypes.c_size_t) for n in range(4)),
        ("hblkhd", ctypes.c_size_t),
        *((f"between{n}", ctypes.c_size_t) for n in range(2)),
        ("uordblks", ctypes.c_size_t),
        *((f"after{n}", ctypes.c_size_t) for n in range(2)),
    ]


def in_use() -> int:
    """Return how many bytes malloc has given out, in all arenas and beside them."""
    mallinfo2 = ctypes.CDLL(None).mallinfo2
    mallinfo2.restype = Mallinfo
    found = mallinfo2()
    return int(found.uordblks + found.hblkhd)


def resident_kb() -> int:
    """Return this process's resident memory in kB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024


# --- what an interpreter holds --------------------------------------------------------------------


def counting(folder: Path) -> dict[str, str]:
    """Return the environment in which processes count their objects when asked."""
    path = os.pathsep.join([str(CENSUS), *filter(None, [os.environ.get("PYTHONPATH")])])
    folder.mkdir(parents=True, exist_ok=True)
    return {"CENSUS_FOLDER": str(folder), "PYTHONPATH": path, "GLIBC_TUNABLES": NO_CACHE}


@dataclass(frozen=True, slots=True)
class Census:
    """What one interpreter holds: bytes that are in use, and containers by their type; `database`
    says how many of the bytes are SQLite's, `sizes` how many the objects of each type and size
    take (where that was asked for: it is a second's work).
    """

    in_use: int
    kinds: Counter[str]
    database: int = 0
    sizes: Counter[str] = field(default_factory=Counter)

    @property
    def held(self) -> int:
        """How many bytes are in use but for SQLite's, whose cache of pages fills for many hours."""
        return self.in_use - self.database

    @property
    def is_quiet(self) -> bool:
        """True where no transaction with a phone is under way, or kept for its retransmissions."""
        return not self.kinds[UNDER_WAY]

    def changed(self, before: Census, by: int) -> dict[str, int]:
        """Say of what there are so many bytes more or fewer than before."""
        both = self.sizes.keys() | before.sizes.keys()
        changed = {kind: self.sizes[kind] - before.sizes[kind] for kind in sorted(both)}
        return {kind: size for kind, size in changed.items() if abs(size) >= by}

    def grown(self, before: Census, more_than: int) -> dict[str, int]:
        """Say of which of the product's own types there are so many more than before."""
        return {
            kind: count - before.kinds[kind]
            for kind, count in self.kinds.items()
            if kind.startswith("appliance.") and count - before.kinds[kind] > more_than
        }


def census(box: Box, folder: Path, pid: int) -> Census:
    """Have a process count what it holds at rest, the first time to load what counting needs; the
    last time with what the objects take, which leaves nothing but is no moment's work.
    """
    _counted(box, folder, pid)
    counted: list[Census] = []
    while len(counted) < MOST and sum(each.is_quiet for each in counted) < LOOKS:
        wait(LOOK_S)
        counted.append(_counted(box, folder, pid))
    quiet = [each for each in counted if each.is_quiet]
    least = min(quiet or counted, key=lambda each: each.in_use)
    whole = folder / "WHOLE"
    whole.touch()
    try:
        return replace(least, sizes=_counted(box, folder, pid).sizes)
    finally:
        whole.unlink()


def _counted(box: Box, folder: Path, pid: int) -> Census:
    path = folder / f"{pid}.json"
    path.unlink(missing_ok=True)
    os.kill(pid, signal.SIGUSR2)
    box.wait_until(path.exists, ANSWER_S, f"process {pid} did not count its objects")
    told = json.loads(path.read_text(encoding="utf-8"))
    sizes = Counter(told.get("sizes", {}))
    return Census(told["in_use"], Counter(told["kinds"]), told["database"], sizes)
