"""A thread of a test in real time: it sends and hears sound as punctually as a telephone does."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from typing import Final

HURRIED: Final = ("nice", "-n", "-10")
"""Starts a phone that somebody else has written, before what else runs here: a telephone has a
processor for itself. Without the right it is started all the same.
"""
PRIORITY: Final = 25
"""As our test phones have it; the exchange has 30."""


@contextlib.contextmanager
def punctual() -> Iterator[None]:
    """Run this thread in real time where that is allowed: no other test takes its turns away."""
    thread = threading.get_native_id()
    with contextlib.suppress(OSError):
        real_time = os.SCHED_FIFO | os.SCHED_RESET_ON_FORK
        os.sched_setscheduler(thread, real_time, os.sched_param(PRIORITY))
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.sched_setscheduler(thread, os.SCHED_OTHER, os.sched_param(0))
