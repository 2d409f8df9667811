"""The fork server: port servers without a fork in the media gateway; hung ones abandoned; none
outlives it.
"""

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
from appliance.modem import port_protocol as protocol
from appliance.modem.fork_server import ForkServer, PortServerStarted
from appliance.modem.port_protocol import (
    DtrDropped,
    PortCommand,
    PortFault,
    PortOpened,
    PortServerGone,
    PortTrouble,
)

pytestmark = pytest.mark.system
LIMIT_S = 10
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def fork_server() -> Iterator[ForkServer]:
    """Start a fork server that ends with the test."""
    made = ForkServer.start()
    yield made
    made.close()


def readable(descriptor: int) -> None:
    """Wait until there is something to read."""
    assert select.select([descriptor], [], [], LIMIT_S)[0]


def started_port_server(fork_server: ForkServer, line: str, path: str) -> PortServerStarted:
    """Ask for a port server and wait for it."""
    assert fork_server.ask(line, path)
    readable(fork_server.fileno())
    server = fork_server.receive()
    assert server is not None
    assert server.line == line
    return server


def report(server: PortServerStarted) -> protocol.Report:
    """Wait for a port server's report."""
    readable(server.sock.fileno())
    said = protocol.receive_report(server.sock)
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


def test_a_port_server_is_started_and_keeps_its_port(fork_server: ForkServer) -> None:
    """The socket comes from the fork server, the port from the port server; neither was opened
    here.
    """
    assert fork_server.receive() is None
    far, near = os.openpty()
    server = started_port_server(fork_server, "1", os.ttyname(near))
    said = report(server)
    assert isinstance(said, PortOpened)
    os.write(said.descriptor, b"AT\r")
    readable(far)
    assert os.read(far, 10) == b"AT\r"
    assert protocol.send_command(server.sock, PortCommand.DROP_DTR)
    assert report(server) == DtrDropped(0)
    os.close(said.descriptor)
    server.sock.close()
    assert gone(server.pid)


def test_a_busy_port_names_the_process_that_holds_it(fork_server: ForkServer) -> None:
    """Two lines configured on one port: the second says by whom it is held."""
    _, near = os.openpty()
    path = os.ttyname(near)
    first = started_port_server(fork_server, "1", path)
    said = report(first)
    assert isinstance(said, PortOpened)
    second = report(started_port_server(fork_server, "2", path))
    assert isinstance(second, PortTrouble)
    assert second.cause is PortFault.BUSY
    assert f"({first.pid})" in second.sentence.text("en")


def test_a_port_server_that_hangs_is_replaced(fork_server: ForkServer) -> None:
    """Stopped in its tracks, it is abandoned: its successor opens the same port."""
    _, near = os.openpty()
    path = os.ttyname(near)
    old = started_port_server(fork_server, "1", path)
    said = report(old)
    assert isinstance(said, PortOpened)
    os.kill(old.pid, signal.SIGSTOP)
    os.close(said.descriptor)
    old.sock.close()
    new = started_port_server(fork_server, "1", path)
    assert isinstance(report(new), PortOpened)
    assert gone(old.pid)
    assert new.pid != old.pid


def test_a_reaper_closes_a_descriptor(fork_server: ForkServer) -> None:
    """Its last copy is closed elsewhere; here it is gone at once."""
    reader, writer = os.pipe()
    assert fork_server.close_in_reaper(writer)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(writer)
    readable(reader)
    assert os.read(reader, 1) == b""


def test_a_dead_fork_server_is_noticed() -> None:
    """No port server can be had any more: said as an error, never as a wait."""
    fork_server = ForkServer.start()
    os.kill(fork_server.pid, signal.SIGKILL)
    readable(fork_server.fileno())
    with pytest.raises(PeerError):
        fork_server.receive()
    assert not fork_server.ask("1", "/dev/null")
    fork_server.close()
    fork_server.close()


def test_ending_the_fork_server_ends_its_port_servers(fork_server: ForkServer) -> None:
    """Closed in order: the port servers go as well."""
    _, near = os.openpty()
    other = ForkServer.start()
    server = started_port_server(other, "1", os.ttyname(near))
    assert isinstance(report(server), PortOpened)
    other.close()
    assert gone(server.pid)
    assert report(server) == PortServerGone()
    assert fork_server.receive() is None


GATEWAY = """
import os, select, sys
from appliance.modem.fork_server import ForkServer
fork_server = ForkServer.start()
assert "serial" not in sys.modules, "pyserial in the media gateway"
_, near = os.openpty()
fork_server.ask("1", os.ttyname(near))
select.select([fork_server.fileno()], [], [], 10)
sys.stdout.write(f"{fork_server.pid} {fork_server.receive().pid}\\n")
sys.stdout.flush()
select.select([], [], [], 60)
"""


def test_everything_dies_with_a_killed_media_gateway() -> None:
    """SIGKILL of the media gateway leaves neither fork server nor port server; pyserial was never
    in it.
    """
    with subprocess.Popen(
        [sys.executable, "-c", GATEWAY], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as gateway:
        assert gateway.stdout is not None
        pids = [int(word) for word in gateway.stdout.readline().split()]
        gateway.kill()
    assert len(pids) == 2
    assert all(gone(pid) for pid in pids)


def test_a_port_server_runs_by_itself() -> None:
    """`python -m appliance.modem.port_server --fd N PATH` is a port server as well."""
    import socket

    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    _, near = os.openpty()
    command = [sys.executable, "-m", "appliance.modem.port_server", "--fd", str(theirs.fileno())]
    with subprocess.Popen(
        [*command, os.ttyname(near)], pass_fds=[theirs.fileno()], cwd=ROOT
    ) as server:
        theirs.close()
        readable(ours.fileno())
        assert isinstance(protocol.receive_report(ours), PortOpened)
        ours.close()
        assert server.wait(LIMIT_S) == 0
