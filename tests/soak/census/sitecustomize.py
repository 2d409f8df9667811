"""Put on the PYTHONPATH of a process under test: SIGUSR2 has it count its own objects.

The product knows nothing of it. The count, a JSON object (see `tests.soak.size`), appears whole
as `<pid>.json` in the folder that CENSUS_FOLDER names.
"""

from __future__ import annotations

import collections
import collections.abc
import ctypes
import functools
import gc
import json
import os
import re
import signal
import sys
import weakref

NAMES = 60_000
"""More than the table of call control has places for."""


class _Mallinfo(ctypes.Structure):
    """What mallinfo2(3) tells: ten figures, in bytes."""

    _fields_ = (("figures", ctypes.c_size_t * 10),)


_mallinfo2 = ctypes.CDLL(None).mallinfo2
_mallinfo2.restype = _Mallinfo


def in_use() -> int:
    """Return how many bytes the interpreter's own allocator and malloc have given out."""
    kept, told = os.dup(2), os.memfd_create("told")
    os.dup2(told, 2)
    sys._debugmallocstats()  # to standard error, nowhere else
    os.dup2(kept, 2)
    words = os.pread(told, 1 << 20, 0).decode()
    os.close(told)
    os.close(kept)
    found = re.search(r"bytes in allocated blocks += +([0-9,]+)", words)
    figures: list[int] = list(_mallinfo2().figures)
    own = int(found[1].replace(",", "")) if found else 0  # none with PYTHONMALLOC=malloc
    return own + figures[4] + figures[7]  # hblkhd, uordblks


def database() -> int:
    """Return how many of these bytes are SQLite's: above all pages, 256 KiB a connection at most
    (`records.database`), which come as the records grow.
    """
    return int(_memory_used()()) if "_sqlite3" in sys.modules else 0


@functools.cache
def _memory_used() -> collections.abc.Callable[[], int]:
    used = ctypes.CDLL("libsqlite3.so.0").sqlite3_memory_used
    used.restype = ctypes.c_longlong
    return used


def dead() -> int:
    """Return how many bytes references to what is gone take.

    A connection of sqlite3 keeps its last 200 cursors' in a list and then forgets them at once: a
    saw of 18 kB, which at six counts or at sixty is no slope. A list that holds anything else is
    not left out.
    """
    objects = gc.get_objects()
    lists = (o for o in objects if type(o) is list and _is_of_references(o))
    return sum(map(sys.getsizeof, [*filter(_is_dead, objects), *lists]))


def _is_of_references(held: list[object]) -> bool:
    return any(map(_is_dead, held)) and all(type(o) is weakref.ref for o in held)


def _is_dead(o: object) -> bool:
    return type(o) is weakref.ref and o() is None


@functools.cache
def fill_names() -> None:
    """Have the interpreter's table of interned names take its room at once.

    A name that is gone (pathlib's of a message's file) leaves its place used until the table is
    made anew, which happens once, with room for all that follow: 1 MB after some thousand calls.
    """
    for n in range(NAMES):
        sys.intern(f"the name of nothing {n}")


def sizes() -> collections.Counter[str]:
    """Return how many bytes the objects of each type and size take that can be reached."""
    left, seen = gc.get_objects(), set()
    taken: collections.Counter[str] = collections.Counter()
    while left:
        each = left.pop()
        if id(each) not in seen:
            seen.add(id(each))
            size = sys.getsizeof(each)
            taken[f"{type(each).__module__}.{type(each).__name__} of {size}"] += size
            left += gc.get_referents(each)
    return taken


def count(number: int, frame: object) -> None:
    """Write how much memory is in use, and how many objects of each type there are; for whom a
    file WHOLE waits in the folder, what they take too.

    A full collection also empties the interpreter's lists of tuples and the like for reuse, some
    thousand of each size, which fill for hours and hide what has really come to stay. So does the
    cache of what was looked up in types, of up to 4096 names: who asks in C (re.finditer for
    "search") makes a new name each time.
    """
    fill_names()
    gc.collect()
    sys._clear_type_cache()
    bytes_in_use = in_use() - dead()
    kinds = collections.Counter(
        f"{type(o).__module__}.{type(o).__name__}" for o in gc.get_objects()
    )
    found = {"in_use": bytes_in_use, "database": database(), "kinds": kinds}
    if os.access(f"{os.environ['CENSUS_FOLDER']}/WHOLE", os.F_OK):
        found["sizes"] = sizes()
    path = f"{os.environ['CENSUS_FOLDER']}/{os.getpid()}.json"
    file = os.open(f"{path}.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.write(file, json.dumps(found).encode())
    os.close(file)
    os.replace(f"{path}.new", path)  # noqa: PTH105  each use of pathlib leaves some bytes


if "CENSUS_FOLDER" in os.environ:
    signal.signal(signal.SIGUSR2, count)
