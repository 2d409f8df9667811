"""Memory of which nobody uses anything any more, given back to the machine."""

from __future__ import annotations

import ctypes
import gc
from typing import Final

_TRIM: Final = getattr(ctypes.CDLL(None), "malloc_trim", None)
"""glibc's own; another C library may have none."""


def give_back() -> None:
    """Drop what is garbage and what the interpreter keeps for reuse; have malloc return free pages.

    Takes half a millisecond after a start, more after a day: for moments in which nobody waits. By
    itself malloc returns only what lies at the end of its heap (malloc_trim(3)); a start leaves
    10 MB of holes before it.
    """
    gc.collect()
    if _TRIM is not None:
        _TRIM(0)
