"""What every input must respect: time to deal with it, and memory that stays behind."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType

TIME_LIMIT_S = 2.0
"""CPU time for one input, of 4 KiB at most; a hundred times what the slowest one takes."""
SHARED = (type, ModuleType, FunctionType, BuiltinFunctionType, CodeType)
"""What belongs to the program, not to the state of one parser."""


def held(*roots: object) -> int:
    """Return how many bytes of memory `roots` keep alive."""
    seen: dict[int, object] = {}
    todo = list(roots)
    while todo:
        one = todo.pop()
        if id(one) not in seen and not isinstance(one, SHARED):
            seen[id(one)] = one
            todo += gc.get_referents(one)
    return sum(map(sys.getsizeof, seen.values()))


def timed(run: Callable[[bytes], None], data: bytes) -> None:
    """Run one input; an AssertionError when it takes too long."""
    began = time.thread_time()
    run(data)
    took = time.thread_time() - began
    assert took < TIME_LIMIT_S, f"{took:.1f} s of CPU for {len(data)} bytes"
