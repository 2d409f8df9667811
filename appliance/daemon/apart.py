"""Work done apart: in a forked child, so that what it imports and leaves behind goes with it.

Reading the configuration takes 20 MB once: the libraries that read it, and the holidays of the
world of which a few dozen days are wanted.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from typing import NoReturn, TypeVar

T = TypeVar("T")


def begin(work: Callable[[], T]) -> Callable[[], T]:
    """Begin `work` in a child; the function returned waits for its result, which is pickled.

    Call it before the first thread. A child that dies or fails costs memory, nothing else: the
    work is then done here, and raises what it raises.
    """
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        _be_child(work, writer)
    os.close(writer)

    def result() -> T:
        with os.fdopen(reader, "rb") as file:
            told = file.read()
        _, status = os.waitpid(pid, 0)
        if status != 0:
            return work()
        made: T = pickle.loads(told)  # noqa: S301 - our own child has written it
        return made

    return result


def _be_child(work: Callable[[], object], writer: int) -> NoReturn:
    """Do the work and tell; whatever goes wrong, never return into the parent's code."""
    status = 1
    try:
        with os.fdopen(writer, "wb") as file:
            file.write(pickle.dumps(work()))
        status = 0
    finally:
        os._exit(status)
