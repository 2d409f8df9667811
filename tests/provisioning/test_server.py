"""The window for phones: who may fetch what, and the socket with its limits."""

from __future__ import annotations

import contextlib
import socket
import threading
import urllib.request
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Self

import pytest

from appliance.errors import TechnicianError
from appliance.http_server import LONGEST_HEAD
from appliance.provisioning.server import (
    MAX_SOURCES,
    MOST_FETCHES,
    MOST_WRONG,
    PATIENCE,
    RATE,
    VISITORS,
    FileWindow,
    OfferedFile,
    ProvisioningServer,
    hardware_of,
)
from appliance.provisioning.templates import MAKES
from tests.docs.pages import DESIGN, read
from tests.provisioning.samples import MAC, handset

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from appliance.text import Words


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
        window = FileWindow([offer], 3600.0)
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
        self.said.append(words.text("en"))

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
        ProvisioningServer((served.host, served.port), FileWindow([], 0.0), lambda _: None)
    with pytest.raises(TechnicianError, match="another --address"):
        ProvisioningServer(("192.0.2.1", 0), FileWindow([], 0.0), lambda _: None)


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


PHONE, OTHER = "192.168.10.21", "192.168.10.66"
TOKEN = "qnuewqfkmzrecj9d9hvx"
FILE = "/001565aabbcc.cfg"


def window() -> FileWindow:
    """Return a window of 60 s with one Yealink and one Linphone."""
    desk = OfferedFile("op1", MAKES["yealink"], "secret of op1", MAC, TOKEN)
    soft = OfferedFile("op2", MAKES["linphone"], "secret of op2", "", TOKEN[::-1])
    return FileWindow([desk, soft], 60.0)


def test_a_phone_gets_its_file_by_its_hardware_address() -> None:
    """The name it asks for holds its address; the answer is the file, and it is said."""
    answer = window().answer(FILE, PHONE, MAC, 1.0)
    assert (answer.code, answer.body) == (200, b"secret of op1")
    assert answer.said.text("en") == f"op1: file fetched by {PHONE} (yealink)"


def test_a_phone_whose_address_the_kernel_does_not_know_gets_it_too() -> None:
    """Behind a router the hardware address cannot be seen."""
    assert window().answer(FILE, PHONE, "", 1.0).code == 200


def test_a_leading_file_is_given_before_the_phones_own() -> None:
    """By its hardware address or its token; a stranger is given neither."""
    poly = MAKES["poly"]
    for folder in ("", f"/{TOKEN}"):
        made = FileWindow([OfferedFile("op1", poly, "secret of op1", MAC, TOKEN)], 60.0)
        lead = made.answer(f"{folder}{FILE}", PHONE, MAC, 1.0)
        assert (lead.code, lead.body) == (200, poly.lead_text.encode())
        own = made.answer(f"{folder}/001565aabbcc-centralino.cfg", PHONE, MAC, 1.0)
        assert own.body == b"secret of op1"
        stranger = made.answer(f"{folder}{FILE}", OTHER, "", 1.0)
        assert (stranger.code, stranger.body) == (404, b"")


@pytest.mark.parametrize(
    ("path", "phone"),
    [
        (f"/{TOKEN}{FILE}", b"secret of op1"),
        (f"/{TOKEN[::-1]}/linphone.xml", b"secret of op2"),
    ],
)
def test_a_phone_gets_its_file_by_its_token(path: str, phone: bytes) -> None:
    """The address on the sheet opens that phone's file alone."""
    assert window().answer(path, PHONE, "", 1.0).body == phone


@pytest.mark.parametrize(
    "path",
    [
        "/", "", "/001565aabbcd.cfg", "/001565aabbcc.boot", "/y000000000028.cfg", "/linphone.xml",
        f"/{TOKEN}/", f"/{TOKEN}/linphone.xml", f"/{TOKEN[:-1]}z{FILE}", f"//{TOKEN}/linphone.xml",
        f"/{TOKEN[::-1]}/../{TOKEN}{FILE}", "/../../etc/passwd", "/..%2f..%2fetc/passwd",
        f"/x/{TOKEN[::-1]}/linphone.xml", "/" + "a" * 5000, "/\ud7ffé", "/phone_secrets.json",
    ],
)  # fmt: skip
def test_nothing_else_is_there(path: str) -> None:
    """Other names, other folders, tokens half right, paths upwards: always the same 404."""
    answer = window().answer(path, OTHER, "", 1.0)
    assert (answer.code, answer.body) == (404, b"")
    assert answer.said.text("it").startswith(OTHER)


def test_a_stranger_who_knows_the_hardware_address_gets_nothing() -> None:
    """Where the kernel knows who asks, only the phone itself is answered."""
    made = window()
    answer = made.answer(FILE, OTHER, "0c383e000001", 1.0)
    assert (answer.code, answer.body) == (404, b"")
    assert "0c383e000001" in answer.said.text("en")
    assert made.answer(FILE, PHONE, MAC, 1.0).code == 200


def test_after_the_first_fetch_nobody_else_gets_it() -> None:
    """The file goes to one place; the same phone may ask again."""
    made = window()
    assert made.answer(FILE, PHONE, "", 1.0).code == 200
    refused = made.answer(f"/{TOKEN}{FILE}", OTHER, "", 2.0)
    assert (refused.code, f"gone to {PHONE}" in refused.said.text("en")) == (404, True)
    assert made.answer(FILE, PHONE, "", 3.0).code == 200


def test_a_file_is_fetched_a_few_times_at_most() -> None:
    """A phone that asks for ever is stopped."""
    made = window()
    codes = [made.answer(FILE, PHONE, "", 1.0).code for _ in range(MOST_FETCHES + 1)]
    assert codes == [200] * MOST_FETCHES + [404]


def test_a_registered_phone_needs_no_file() -> None:
    """Once it has registered its file is served no more, and it is told of once."""
    made = window()
    assert [offer.phone for offer in made.registered({"op1", "op9"})] == ["op1"]
    assert made.registered({"op1"}) == []
    answer = made.answer(FILE, PHONE, MAC, 1.0)
    assert (answer.code, "registered already" in answer.said.text("en")) == (404, True)


def test_the_window_closes_by_time_and_when_all_are_there() -> None:
    """After its minutes nothing is served; with every phone registered it is over."""
    made = window()
    assert made.is_open(59.9)
    assert not made.is_open(60.0)
    assert made.answer(FILE, PHONE, MAC, 60.0).code == 404
    made.registered({"op1", "op2"})
    assert not made.is_open(1.0)
    assert not FileWindow([], 60.0).is_open(1.0)


def test_who_asks_for_too_much_is_heard_no_more() -> None:
    """Whoever tries names is shut out for the rest of the window; the phones are not."""
    made = window()
    said = [made.answer(f"/{n}", OTHER, "", 1.0).said.text("en") for n in range(MOST_WRONG)]
    assert said[-1].endswith("it is heard no more")
    assert made.answer(FILE, OTHER, "", 1.0).code == 404
    assert made.answer("/more", OTHER, "", 1.0).said.text("en") == ""
    assert made.answer(FILE, PHONE, MAC, 1.0).code == 200


def test_what_is_remembered_of_strangers_is_bounded() -> None:
    """A flood of addresses fills no memory."""
    made = window()
    for n in range(MAX_SOURCES + 50):
        made.answer("/x", f"10.0.{n // 250}.{n % 250}", "", 1.0)
    assert len(made._wrong) == MAX_SOURCES


def test_what_strangers_ask_for_is_told_without_their_control_characters() -> None:
    """A name cannot write on the technician's screen."""
    said = window().answer("/a\x1b[2J\nb", OTHER, "", 1.0).said.text("en")
    assert said.isprintable()


def test_a_phone_that_is_known_may_ask_for_what_it_likes() -> None:
    """Makes ask for a dozen files of theirs at each start: their phone is not shut out for it."""
    made = window()
    for _ in range(MOST_WRONG * 2):
        answer = made.answer("/y000000000028.cfg", PHONE, MAC, 1.0)
        assert (answer.code, answer.said.text("en")[:4]) == (404, "op1:")
    assert made.answer(FILE, PHONE, MAC, 1.0).code == 200
    for _ in range(MOST_WRONG * 2):
        assert made.answer("/001565aabbcc.boot", PHONE, "", 1.0).code == 404
    assert made.answer(FILE, PHONE, "", 1.0).code == 200


def test_only_allowed_networks_are_heard() -> None:
    """Where SIP is heard from certain networks alone, so are phones that ask for files."""
    made = window()
    made.allowed = (IPv4Network("10.0.0.0/24"), IPv4Network("192.168.10.66/32"))
    assert (made.answer(FILE, PHONE, MAC, 1.0).code, made.offers[0].fetches) == (404, 0)
    assert made.answer(FILE, OTHER, MAC, 1.0).code == 200
