"""The nursery: keepers without a fork in the carrier; hung ones abandoned; none outlives it."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.errors import PeerError
from appliance.modem import fork_server as protocol
from appliance.modem.fork_server import (
    DtrDropped,
    ForkServer,
    PortCommand,
    PortFault,
    PortOpened,
    PortServerGone,
    PortServerStarted,
    PortTrouble,
)

pytestmark = pytest.mark.system
LIMIT_S = 10
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def nursery() -> Iterator[ForkServer]:
    """Start a nursery that ends with the test."""
    made = ForkServer.start()
    yield made
    made.close()


def readable(descriptor: int) -> None:
    """Wait until there is something to read."""
    assert select.select([descriptor], [], [], LIMIT_S)[0]


def born(nursery: ForkServer, line: str, path: str) -> PortServerStarted:
    """Ask for a keeper and wait for it."""
    assert nursery.ask(line, path)
    readable(nursery.fileno())
    keeper = nursery.receive()
    assert keeper is not None
    assert keeper.line == line
    return keeper


def report(keeper: PortServerStarted) -> protocol.Report:
    """Wait for a keeper's report."""
    readable(keeper.sock.fileno())
    said = protocol.receive_report(keeper.sock)
    assert said is not None
    return said


def gone(pid: int) -> bool:
    """Tell whether a process has ended (waits for it)."""
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        try:
            state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state.split()[0] == "Z":
            return True
        select.select([], [], [], 0.02)
    return False


def test_a_keeper_is_born_and_keeps_its_port(nursery: ForkServer) -> None:
    """The socket comes from the nursery, the port from the keeper; neither was opened here."""
    assert nursery.receive() is None
    far, near = os.openpty()
    keeper = born(nursery, "1", os.ttyname(near))
    said = report(keeper)
    assert isinstance(said, PortOpened)
    os.write(said.descriptor, b"AT\r")
    readable(far)
    assert os.read(far, 10) == b"AT\r"
    assert protocol.send_command(keeper.sock, PortCommand.DROP_DTR)
    assert report(keeper) == DtrDropped(0)
    os.close(said.descriptor)
    keeper.sock.close()
    assert gone(keeper.pid)


def test_a_busy_port_names_the_process_that_holds_it(nursery: ForkServer) -> None:
    """Two lines configured on one port: the second says by whom it is held."""
    _, near = os.openpty()
    path = os.ttyname(near)
    first = born(nursery, "1", path)
    said = report(first)
    assert isinstance(said, PortOpened)
    second = report(born(nursery, "2", path))
    assert isinstance(second, PortTrouble)
    assert second.cause is PortFault.BUSY
    assert f"({first.pid})" in second.sentence.en


def test_a_keeper_that_hangs_is_replaced(nursery: ForkServer) -> None:
    """Stopped in its tracks, it is abandoned: its successor opens the same port."""
    _, near = os.openpty()
    path = os.ttyname(near)
    old = born(nursery, "1", path)
    said = report(old)
    assert isinstance(said, PortOpened)
    os.kill(old.pid, signal.SIGSTOP)
    os.close(said.descriptor)
    old.sock.close()
    new = born(nursery, "1", path)
    assert isinstance(report(new), PortOpened)
    assert gone(old.pid)
    assert new.pid != old.pid


def test_a_descriptor_is_buried(nursery: ForkServer) -> None:
    """Its last copy is closed elsewhere; here it is gone at once."""
    reader, writer = os.pipe()
    assert nursery.bury(writer)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(writer)
    readable(reader)
    assert os.read(reader, 1) == b""


def test_a_dead_nursery_is_noticed() -> None:
    """No keeper can be had any more: said as an error, never as a wait."""
    nursery = ForkServer.start()
    os.kill(nursery.pid, signal.SIGKILL)
    readable(nursery.fileno())
    with pytest.raises(PeerError):
        nursery.receive()
    assert not nursery.ask("1", "/dev/null")
    nursery.close()
    nursery.close()


def test_ending_the_nursery_ends_its_keepers(nursery: ForkServer) -> None:
    """Closed in order: the keepers go as well."""
    _, near = os.openpty()
    other = ForkServer.start()
    keeper = born(other, "1", os.ttyname(near))
    assert isinstance(report(keeper), PortOpened)
    other.close()
    assert gone(keeper.pid)
    assert report(keeper) == PortServerGone()
    assert nursery.receive() is None


CARRIER = """
import os, select, sys
from appliance.modem.fork_server import ForkServer
nursery = ForkServer.start()
assert "serial" not in sys.modules, "pyserial in the carrier"
_, near = os.openpty()
nursery.ask("1", os.ttyname(near))
select.select([nursery.fileno()], [], [], 10)
sys.stdout.write(f"{nursery.pid} {nursery.receive().pid}\\n")
sys.stdout.flush()
select.select([], [], [], 60)
"""


def test_everything_dies_with_a_killed_carrier() -> None:
    """SIGKILL of the carrier leaves neither nursery nor keeper; pyserial was never in it."""
    with subprocess.Popen(
        [sys.executable, "-c", CARRIER], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as carrier:
        assert carrier.stdout is not None
        pids = [int(word) for word in carrier.stdout.readline().split()]
        carrier.kill()
    assert len(pids) == 2
    assert all(gone(pid) for pid in pids)


def test_a_keeper_runs_by_itself() -> None:
    """`python -m appliance.modem.port_server --fd N PATH` is a keeper as well."""
    import socket

    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    _, near = os.openpty()
    command = [sys.executable, "-m", "appliance.modem.port_server", "--fd", str(theirs.fileno())]
    with subprocess.Popen(
        [*command, os.ttyname(near)], pass_fds=[theirs.fileno()], cwd=ROOT
    ) as keeper:
        theirs.close()
        readable(ours.fileno())
        assert isinstance(protocol.receive_report(ours), PortOpened)
        ours.close()
        assert keeper.wait(LIMIT_S) == 0
