"""Ports and addresses for tests side by side: nobody else's, free, and out of the kernel's way."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import ports

HOST = "127.0.0.1"
ROOT = Path(__file__).resolve().parents[1]
ASK = """
from tests.helpers.ports import free_port, own_address
print(free_port("127.0.0.1"), own_address(), flush=True)
input()
"""


def test_processes_share_neither_ports_nor_networks() -> None:
    """Each process that is there at a time has a number of its own."""
    command = [sys.executable, "-c", ASK]
    pipe = subprocess.PIPE
    started = [
        subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT) for _ in range(2)
    ]
    told = [each.stdout.readline().split() for each in started if each.stdout]
    told.append([str(ports.free_port(HOST)), ports.own_address()])
    for each in started:
        each.communicate("\n")
    assert len({(int(port) - ports.FIRST_PORT) // ports.PORTS_EACH for port, _ in told}) == 3
    assert len({address.split(".")[1] for _, address in told}) == 3


def test_no_port_is_one_that_the_kernel_gives() -> None:
    """A port of the kernel's could be given to anybody between its choice and its use."""
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    chosen = [ports.free_port(HOST) for _ in range(2 * ports.PORTS_EACH)]
    assert max(chosen) < first
    assert len(set(chosen)) > ports.PORTS_EACH * 0.9  # the circle begins anew


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_a_port_in_use_is_passed_over(kind: socket.SocketKind) -> None:
    """By UDP or TCP, alone or among ports in a row."""
    with socket.socket(socket.AF_INET, kind) as taken:
        port = ports.free_port(HOST)
        taken.bind((HOST, port))
        if kind is socket.SOCK_STREAM:
            taken.listen()
        assert port not in {ports.free_port(HOST) for _ in range(ports.PORTS_EACH)}
        rows = [ports.free_ports(HOST, 20) for _ in range(ports.PORTS_EACH // 20)]
    assert not any(first <= port < first + 20 for first in rows)


def test_ports_in_a_row_are_given_to_one() -> None:
    """From an even one on; the next choice lies behind them."""
    rows = [ports.free_ports(HOST, 20) for _ in range(10)]
    given = [port for first in rows for port in range(first, first + 20)]
    assert all(first % 2 == 0 for first in rows)
    assert len(set(given)) == 200


def test_each_box_has_an_address() -> None:
    """All different, and of the loopback network."""
    given = {ports.own_address() for _ in range(200)}
    assert len(given) == 200
    assert all(address.startswith("127.") and address.endswith(".1") for address in given)


def test_more_processes_than_numbers_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sentence, not somebody else's ports."""
    monkeypatch.setattr(ports, "NUMBERS", 0)
    monkeypatch.setattr(ports, "_place", ports._place.__wrapped__)
    with pytest.raises(RuntimeError, match="use ports already"):
        ports.free_port(HOST)
