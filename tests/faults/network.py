"""A network of a box's own, whose cable is pulled and plugged in again (network namespaces)."""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import time
from collections.abc import Callable, Iterator
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
    _ip(pid, "link", "set", "lo", "up" if into else "down")


LAN_ADDRESS: Final = "192.168.77.1"
ITS_ADDRESS: Final = "192.168.77.2"


@contextlib.contextmanager
def lan_port(pid: int) -> Iterator[int]:
    """Give a process's network a LAN port with a computer at its other end, and nothing beyond:
    no way out, no names. Yields the id of a process that stands on that computer's network.
    """
    with subprocess.Popen([*ALONE, "sleep", "600"]) as computer:
        try:
            await_network(computer.pid)
            on_box, on_computer = (
                ("nsenter", "-t", str(n), "-n", "ip") for n in (pid, computer.pid)
            )
            run(*on_box, "link", "add", "lan", "type", "veth", "peer", "name", "pc", "netns",
                str(computer.pid))  # fmt: skip
            for ip, name, address in (
                (on_box, "lan", LAN_ADDRESS), (on_computer, "pc", "192.168.77.2")
            ):  # fmt: skip
                run(*ip, "address", "add", f"{address}/24", "dev", name)
                run(*ip, "link", "set", name, "up")
            yield computer.pid
        finally:
            computer.kill()


def _ip(pid: int, *what: str) -> None:
    """Change a process's network."""
    run("nsenter", "-t", str(pid), "-n", "ip", *what)


def await_network(pid: int) -> None:
    """Wait until a process has left our network for its own."""
    ours = Path("/proc/self/ns/net").readlink()
    deadline = time.monotonic() + 10.0
    while Path(f"/proc/{pid}/ns/net").readlink() == ours:
        if time.monotonic() > deadline:
            raise TimeoutError(f"process {pid} has no network of its own")
        time.sleep(0.01)


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
