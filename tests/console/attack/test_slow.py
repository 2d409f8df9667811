"""Who connects and says little, or nothing, keeps nobody else out; a real console, real sockets."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.console.process import HANDSHAKE_S, IDLE_S, MOST_CONNECTIONS_OF_ONE, MOST_SERVED
from tests.console.test_process import console, page

pytestmark = pytest.mark.system

HEADERS = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: "
BODY = (
    b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded"
    b"\r\nContent-Length: 900000\r\n\r\ncsrf="
)
MOST_LOGGED = 100_000
SOON_S = IDLE_S / 2
"""Others need not wait until the slow ones are let go."""
SLOW = "127.0.0.9"
"""The address that the slow ones come from."""


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Run a console without TLS."""
    with console(tmp_path_factory.mktemp("slow"), "--http") as found:
        yield found


@contextlib.contextmanager
def slow_ones(port: int, count: int, said: bytes) -> Iterator[list[socket.socket]]:
    """Connect so many times, say the beginning of a question, and stay."""
    with contextlib.ExitStack() as stack:
        opened = []
        for _ in range(count):
            one = socket.create_connection(("127.0.0.1", port), 5, source_address=(SLOW, 0))
            stack.enter_context(one)
            with contextlib.suppress(OSError):  # one too many is let go at once
                one.sendall(said)
            opened.append(one)
        yield opened


def took_s(port: int) -> float:
    """Open a page from elsewhere; returns the seconds it took."""
    began = time.monotonic()
    assert page(http.client.HTTPConnection("127.0.0.1", port, timeout=5)).status == 200
    return time.monotonic() - began


@pytest.mark.parametrize("said", [b"", HEADERS, BODY], ids=["nothing", "headers", "body"])
def test_hundreds_of_one_machine_keep_nobody_out(port: int, said: bytes) -> None:
    """More than are served at once: those of one address are bounded, others get their page."""
    with slow_ones(port, MOST_SERVED + 50, said) as opened:
        assert took_s(port) < SOON_S
        assert sum(_is_open(one) for one in opened) <= MOST_CONNECTIONS_OF_ONE


def test_who_never_ends_asking_is_let_go(port: int) -> None:
    """Nothing said, half a question, or half a second one after a page: all end by themselves."""
    whole = b"GET /alive HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with (
        slow_ones(port, 1, b"") as (silent,),
        slow_ones(port, 1, HEADERS) as (half,),
        slow_ones(port, 1, whole) as (second,),
    ):
        assert second.recv(4096).startswith(b"HTTP/1.1 200")
        second.sendall(HEADERS)
        for one in (silent, half, second):
            one.settimeout(3 * IDLE_S)
            # Hung up on with words unread: that is told by a reset.
            with contextlib.suppress(ConnectionResetError):
                while one.recv(4096):
                    one.settimeout(3 * IDLE_S)


def test_who_never_begins_tls_keeps_nobody_out(tmp_path: Path) -> None:
    """Before any handshake: those of one address are bounded, hung up on in time, and not logged.

    Each costs a descriptor and 128 kB; all of them would be the box's.
    """
    with console(tmp_path) as port, slow_ones(port, 1100, b"") as opened:
        began = time.monotonic()
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        asks = http.client.HTTPSConnection("127.0.0.1", port, timeout=5, context=trusting)
        assert page(asks).status == 200
        assert time.monotonic() - began < SOON_S
        assert sum(_is_open(one) for one in opened) <= MOST_CONNECTIONS_OF_ONE
        for one in opened:
            one.settimeout(3 * HANDSHAKE_S)
            with contextlib.suppress(ConnectionError):
                assert one.recv(1) == b""
        assert time.monotonic() - began < 3 * HANDSHAKE_S
        assert (tmp_path / "console.log").stat().st_size < MOST_LOGGED


def _is_open(one: socket.socket) -> bool:
    one.setblocking(False)
    try:
        return one.recv(1) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False
