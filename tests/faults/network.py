"""A network of a box's own, whose cable is pulled and plugged in again (network namespaces)."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

from tests.faults.disk import run

T = TypeVar("T")

ALONE: Final = ("unshare", "-n")
"""What starts a command on a network without anything, not even the loopback."""
PLUGGED: Final = (*ALONE, "sh", "-c", 'ip link set lo up; exec "$@"', "plugged")
"""The same with the cable in."""
CLONE_NEWNET: Final = 0x40000000


def plug(pid: int, *, into: bool) -> None:
    """Bring the only interface of a process's network up, or down."""
    run("nsenter", "-t", str(pid), "-n", "ip", "link", "set", "lo", "up" if into else "down")


def beside(pid: int, act: Callable[[], T]) -> T:
    """Do something on a process's network: what is started there stays there."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(_join, pid).result()
        return thread.submit(act).result()


def _join(pid: int) -> None:
    """Take this thread to the network of a process; raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(Path(f"/proc/{pid}/ns/net"), os.O_RDONLY)
    try:
        if libc.setns(descriptor, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
    finally:
        os.close(descriptor)
