"""The socket of the window: real visitors on loopback, dawdlers, floods, a port that is taken."""

from __future__ import annotations

import contextlib
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from appliance.errors import TechnicianError
from appliance.http_server import LONGEST_HEAD
from appliance.policy.text import Words
from appliance.provisioning.server import (
    MAX_SOURCES,
    MOST_FETCHES,
    MOST_WRONG,
    PATIENCE,
    RATE,
    VISITORS,
    OfferedFile,
    ProvisioningServer,
    ProvisioningWindow,
    hardware_of,
)
from appliance.provisioning.templates import MAKES
from tests.docs.pages import DESIGN, read
from tests.provisioning.samples import MAC, handset

TABLE = """\
IP address       HW type     Flags       HW address            Mask     Device
192.168.10.21    0x1         0x2         00:15:65:AA:BB:CC     *        eth0
192.168.10.22    0x1         0x0         00:00:00:00:00:00     *        eth0
"""


class Clock:
    """A clock that the test turns."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Served:
    """A server on loopback, turned by a thread; `said` is what the technician reads."""

    def __init__(self, arp: Path) -> None:
        self.clock, self.said = Clock(), list[str]()
        offer = OfferedFile(
            "op1", MAKES["yealink"], MAKES["yealink"].write(handset()), MAC, "token"
        )
        window = ProvisioningWindow([offer], 3600.0)
        self.server = ProvisioningServer(("127.0.0.1", 0), window, self._say, arp, self.clock)
        self.host, self.port = self.server.address
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._turn)

    def get(self, path: str) -> tuple[int, bytes]:
        """Fetch a path as a stranger's client does."""
        try:
            with urllib.request.urlopen(f"http://{self.host}:{self.port}{path}", timeout=5) as got:
                return got.status, got.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def connect(self) -> socket.socket:
        """Open a connection by hand."""
        return socket.create_connection((self.host, self.port), 5)

    def _say(self, words: Words) -> None:
        self.said.append(words.en)

    def _turn(self) -> None:
        while not self._stopping.is_set():
            self.server.turn(0.02)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()
        self.server.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A server whose kernel knows nobody's hardware address."""
    with Served(tmp_path / "none") as made:
        yield made


def test_a_file_is_fetched(served: Served) -> None:
    """urllib fetches the file as it was written; it is told of."""
    code, body = served.get("/001565AABBCC.cfg")
    assert (code, body.decode()) == (200, MAKES["yealink"].write(handset()))
    assert served.said == ["op1: file fetched by 127.0.0.1 (yealink)"]


def test_other_names_and_methods_are_refused(served: Served) -> None:
    """404 for a path, 405 for a method; the connection is ended."""
    assert served.get("/../state/phone_secrets.json") == (404, b"")
    with served.connect() as visitor:
        visitor.sendall(b"PUT /x HTTP/1.1\r\n\r\n")
        assert visitor.makefile("rb").read().startswith(b"HTTP/1.1 405 ")


def test_a_stranger_is_known_by_the_kernels_table(tmp_path: Path) -> None:
    """The table names another hardware address for who asks: he gets nothing."""
    table = TABLE.replace("192.168.10.21 ", "127.0.0.1     ").replace("AA:BB:CC", "00:00:01")
    (tmp_path / "arp").write_text(table)
    with Served(tmp_path / "arp") as served:
        assert served.get("/001565aabbcc.cfg") == (404, b"")
        assert "001565000001" in served.said[0]


def test_the_kernels_table() -> None:
    """Complete entries count, in proc(5)'s form."""
    assert hardware_of("192.168.10.21", TABLE) == MAC
    assert hardware_of("192.168.10.22", TABLE) == ""
    assert hardware_of("192.168.10.2", TABLE) == ""
    assert hardware_of("192.168.10.21", "") == ""


def test_a_dawdler_is_sent_away_and_keeps_nobody_waiting(served: Served) -> None:
    """Who sends half a request has seconds; others are served meanwhile."""
    with served.connect() as dawdler:
        dawdler.sendall(b"GET /001565")
        assert served.get("/001565aabbcc.cfg")[0] == 200
        served.clock.now += PATIENCE
        assert dawdler.recv(100) == b""


def test_a_visitor_who_leaves_in_the_middle_harms_nobody(served: Served) -> None:
    """Half a request, then gone; or a reset."""
    served.connect().close()
    with served.connect() as visitor:
        visitor.sendall(b"GET /0")
    assert served.get("/001565aabbcc.cfg")[0] == 200


def test_visitors_are_bounded(served: Served) -> None:
    """One more than there is room for is turned away at once."""
    with contextlib.ExitStack() as stack:
        crowd = [stack.enter_context(served.connect()) for _ in range(VISITORS)]
        for visitor in crowd:
            visitor.sendall(b"G")
        assert served.connect().recv(1) == b""
        served.clock.now += 2 * PATIENCE
        assert [visitor.recv(1) for visitor in crowd] == [b""] * VISITORS
    assert served.get("/001565aabbcc.cfg")[0] == 200


def test_a_flood_is_let_in_slowly(served: Served) -> None:
    """So many connections a second over all; a second later they are served again."""
    codes = []
    for _ in range(RATE + 5):
        with contextlib.suppress(OSError):
            codes.append(served.get("/x")[0])
    assert len(codes) == RATE
    served.clock.now += 1.0
    assert served.get("/001565aabbcc.cfg")[0] == 404  # a stranger who has asked for too much
    assert "it is heard no more" in served.said[-1]


def test_a_port_that_is_taken_is_named(served: Served) -> None:
    """One sentence says where and what to do."""
    with pytest.raises(TechnicianError, match="perhaps another"):
        ProvisioningServer((served.host, served.port), ProvisioningWindow([], 0.0), lambda _: None)
    with pytest.raises(TechnicianError, match="another --address"):
        ProvisioningServer(("192.0.2.1", 0), ProvisioningWindow([], 0.0), lambda _: None)


def test_a_big_answer_goes_out_whole_to_a_slow_reader(served: Served) -> None:
    """What the socket does not take at once is sent when it can be."""
    served.server.window.offers[0].text = "x" * 3_000_000
    with served.connect() as visitor:
        visitor.sendall(b"GET /001565aabbcc.cfg HTTP/1.1\r\n\r\n")
        assert len(visitor.makefile("rb").read()) > 3_000_000


def test_the_bounds_stand_in_the_guide_of_the_house() -> None:
    """What the window serves at the most is stated in the page of failures, figure by figure."""
    page = " ".join(read(DESIGN / "failures.md").split())
    for told in (
        f"serves {VISITORS} visitors at once, for {PATIENCE:g} s each, {RATE} connections a second",
        f"{LONGEST_HEAD} bytes of a request; a file {MOST_FETCHES} times at most",
        f"asks for {MOST_WRONG} wrong names is heard no more, and {MAX_SOURCES} of them",
    ):
        assert told in page
