"""TCP connections with real sockets: no peer is waited for, strangers stay within limits."""

from __future__ import annotations

import errno
import select
import selectors
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from appliance.calls import events
from appliance.sip import transport
from appliance.sip.message import SipMessage, TcpPeer, read
from appliance.sip.pyvoip import parse
from appliance.sip.registrar import PhonesSettings
from appliance.sip.rtp import Address
from appliance.sip.service import Phones
from appliance.sip.transport import FAULT, PING, PONG, TcpConnections
from tests.sip.office import HandPhone, office
from tests.sip.test_transport_flows import ACCOUNT, answer_to
from tests.sip.world import SDP, request, response, within

OPTIONS = request("OPTIONS")
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: closing sends RST."""


@dataclass
class ConnectionBench:
    """Connections on loopback with a clock of the test's, and a list of what they brought."""

    made: TcpConnections = field(default_factory=TcpConnections)
    now: float = 100.0
    heard: list[tuple[bytes, TcpPeer]] = field(default_factory=list)
    ended: list[TcpPeer] = field(default_factory=list)
    there: list[TcpPeer] = field(default_factory=list)
    good: set[TcpPeer] = field(default_factory=set)
    fails: bool = False
    barred: str = ""
    peers: list[socket.socket] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.made.open(("127.0.0.1", 0))
        assert self.made._listener
        self.address = self.made._listener.getsockname()

    def receive(self, datagram: bytes, source: Address, _now: float) -> bool:
        """Take a message."""
        if self.fails:
            raise KeyError("a fault of ours")
        assert isinstance(source, TcpPeer)
        self.heard.append((datagram, source))
        return not datagram.startswith(b"GET")

    def opened(self, stream: TcpPeer) -> None:
        """Take a connection."""
        self.there.append(stream)

    def closed(self, stream: TcpPeer, _now: float) -> None:
        """Take its end."""
        self.ended.append(stream)

    def proven(self) -> set[TcpPeer]:
        """Return the good ones."""
        return self.good

    def is_heard(self, host: str) -> bool:
        """Let all in but one."""
        return host != self.barred

    def connect(self, host: str = "127.0.0.1") -> socket.socket:
        """Connect as a phone."""
        peer = socket.create_connection(self.address, 5, (host, 0))
        peer.settimeout(5)
        self.peers.append(peer)
        self.turn()
        return peer

    def turn(self, seconds: float = 0.0, turns: int = 1, wait: float = 0.05) -> None:
        """Let time pass, and all that has come (within `wait` s) be served."""
        self.now += seconds
        for _ in range(turns):
            select.select([self.made.selector], [], [], wait)
            self.made.serve(self, self.now)

    @property
    def messages(self) -> list[bytes]:
        """What was heard."""
        return [data for data, _ in self.heard]


@pytest.fixture
def bench() -> Iterator[ConnectionBench]:
    """Connections without anybody."""
    made = ConnectionBench()
    yield made
    made.made.close(made, made.now)
    made.made.selector.close()
    for peer in made.peers:
        peer.close()


def is_closed(peer: socket.socket) -> bool:
    """Tell whether the box has closed it."""
    peer.settimeout(1)
    try:
        return peer.recv(4096) == b""
    except ConnectionError:
        return True
    except TimeoutError:
        return False


def test_messages_come_in_and_go_out(bench: ConnectionBench) -> None:
    """Two in one segment, a keep-alive answered at once, an answer sent."""
    peer = bench.connect()
    peer.sendall(PING + OPTIONS + OPTIONS[:50])
    bench.turn(turns=3)
    assert peer.recv(64) == PONG
    assert bench.messages == [OPTIONS]
    peer.sendall(OPTIONS[50:])
    bench.turn(0.1, turns=3)
    assert bench.messages == [OPTIONS, OPTIONS]
    assert bench.made.send(bench.there[0], b"answer", bench, bench.now)
    assert peer.recv(64) == b"answer"
    assert not bench.made.send(TcpPeer(("192.0.2.1", 1)), b"answer", bench, bench.now)


def test_whoever_closes_is_gone(bench: ConnectionBench) -> None:
    """By FIN, by RST, and before it was taken at all."""
    first, second = bench.connect(), bench.connect()
    first.close()
    second.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    second.close()
    bench.turn(turns=3)
    assert sorted(bench.ended) == sorted(bench.there)
    gone = socket.create_connection(bench.address)
    gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    gone.close()
    bench.turn(0.1, turns=3)
    assert len(bench.made) == 0


def test_what_it_said_before_it_closed_is_heard(bench: ConnectionBench) -> None:
    """A phone that says BYE and closes is heard to its end."""
    peer = bench.connect()
    peer.sendall(OPTIONS * 3)
    peer.close()
    for _ in range(6):
        bench.turn(0.1)
    assert bench.messages == [OPTIONS] * 3
    assert bench.ended == bench.there


@pytest.mark.parametrize(
    "data", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01", b"A" * 20_000], ids=["http", "tls", "long"]
)
def test_what_is_no_sip_is_closed(bench: ConnectionBench, data: bytes) -> None:
    """The rest of such a stream is none, either."""
    peer = bench.connect()
    bench.good = set(bench.there)
    bench.turn()
    peer.sendall(data)
    bench.turn(0.1, turns=8)
    assert bench.ended == bench.there
    assert is_closed(peer)


def test_a_slow_writer_is_let_go(bench: ConnectionBench) -> None:
    """A message that has begun is whole in 10 s, also a registered phone's."""
    peer = bench.connect()
    bench.good = set(bench.there)
    peer.sendall(b"OPTIONS sip:")
    bench.turn(turns=2)
    for _ in range(9):
        peer.sendall(b"x")
        bench.turn(1.0)
    assert bench.ended == []
    bench.turn(1.1)
    assert bench.ended == bench.there


def test_a_slow_reader_is_let_go_and_blocks_nobody(bench: ConnectionBench) -> None:
    """What it does not take waits 10 s and within 64 KB; sending to it returns at once."""
    slow, greedy = bench.connect(), bench.connect()
    bench.good = set(bench.there)
    slow_at, greedy_at = bench.there
    began = time.monotonic()
    for at in (slow_at, greedy_at):  # fill what the kernel keeps
        sock = bench.made._by_stream[at].sock
        while not bench.made._by_stream[at].out:
            assert bench.made.send(at, b"x" * 20_000, bench, bench.now)
        assert sock.getblocking() is False
    while greedy_at in bench.made._by_stream:
        bench.made.send(greedy_at, b"x" * 20_000, bench, bench.now)
    assert time.monotonic() - began < 5
    assert bench.ended == [greedy_at]
    bench.turn(9.0)
    assert bench.ended == [greedy_at]
    bench.turn(1.1)
    assert bench.ended == [greedy_at, slow_at]
    assert slow.fileno() != greedy.fileno()


def test_a_reader_that_catches_up_stays(bench: ConnectionBench) -> None:
    """What waited is sent as soon as it is taken, whole and in order."""
    peer = bench.connect()
    bench.good = set(bench.there)
    (at,) = bench.there
    sent = 0
    while not bench.made._by_stream[at].out:
        bench.made.send(at, b"%08d" % sent * 2500, bench, bench.now)
        sent += 1
    wanted = b"".join(b"%08d" % number * 2500 for number in range(sent))
    taken = bytearray()
    while len(taken) < len(wanted):
        bench.turn(0.01)
        taken += peer.recv(1 << 20)
    bench.turn(60.0)
    assert taken == wanted
    assert bench.ended == []


def test_a_peer_that_is_reset_while_it_is_sent_to(bench: ConnectionBench) -> None:
    """Its end is told; nothing is raised."""
    peer = bench.connect()
    (at,) = bench.there
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    peer.close()
    time.sleep(0.05)
    assert bench.made.send(at, b"x", bench, bench.now)
    bench.turn()
    assert bench.ended == [at]


def test_strangers_stay_half_a_minute(bench: ConnectionBench) -> None:
    """Who has not registered by then is closed; who has stays, and has as long after its end."""
    bench.connect()
    bench.connect()
    good, bad = bench.there
    bench.good = {good}
    bench.turn(29.0)
    assert bench.ended == []
    bench.turn(1.1)
    assert bench.ended == [bad]
    bench.turn(900.0)
    bench.good = set()
    bench.turn(29.0)
    assert bench.ended == [bad]
    assert bench.made.next_deadline(bench.now) == pytest.approx(bench.now + 1.0)
    bench.turn(1.1)
    assert bench.ended == [bad, good]
    assert bench.made.next_deadline(bench.now) is None


def test_a_stranger_sends_so_many_bytes(bench: ConnectionBench) -> None:
    """64 KB are a hundred requests; a phone that is registered has no such limit."""
    peer = bench.connect()
    (at,) = bench.there
    blank = b"\n" * 4096
    for _ in range(16):
        peer.sendall(blank)
        bench.turn(0.06, turns=2)
    assert bench.ended == []
    bench.good = {at}
    bench.turn()
    for _ in range(20):
        peer.sendall(blank)
        bench.turn(0.06, turns=2)
    bench.good = set()
    bench.turn()
    for _ in range(18):
        peer.sendall(blank)
        bench.turn(0.06, turns=2)
    assert bench.ended == [at]


def test_one_host_keeps_nobody_else_out(bench: ConnectionBench) -> None:
    """Of one host 24 unproven ones are kept, 32 of all: the oldest of whoever has most makes room,
    never a phone's.
    """
    bench.connect("127.0.0.21")
    bench.good = set(bench.there)
    for _ in range(26):
        bench.connect("127.0.0.66")
        bench.turn(0.1, wait=0.001)
    assert bench.ended == bench.there[1:3]
    for host in range(70, 90):
        bench.connect(f"127.0.0.{host}")
        bench.turn(0.1, wait=0.001)
    assert bench.ended == bench.there[1:15]
    assert len(bench.made) == 1 + transport.MOST_UNPROVEN
    assert bench.made.refused == 14


def test_a_flood_of_connections_waits_in_the_kernel(bench: ConnectionBench) -> None:
    """So many are taken in a second; the listener is not looked at meanwhile."""
    for _ in range(int(transport.ACCEPT_BURST)):
        bench.connect()
    taken = len(bench.there)
    assert taken == transport.ACCEPT_BURST
    bench.connect()
    assert len(bench.there) == taken
    assert bench.made.next_deadline(bench.now) == pytest.approx(bench.now + 0.05)
    bench.turn(0.06, turns=2)
    assert len(bench.there) == taken + 1


def test_hosts_that_are_not_allowed(bench: ConnectionBench) -> None:
    """Their connections are closed unread."""
    bench.barred = "127.0.0.66"
    peer = bench.connect("127.0.0.66")
    assert is_closed(peer)
    assert bench.there == []
    assert bench.made.refused == 1


def test_a_talker_is_slowed_down_and_others_are_heard(bench: ConnectionBench) -> None:
    """Nothing is lost: it waits, while who has said little is heard first."""
    loud, quiet = bench.connect("127.0.0.66"), bench.connect("127.0.0.21")
    loud.sendall(request("OPTIONS", extra="X: 1") * 100)
    for _ in range(60):
        bench.turn(0.001, wait=0.0)
    at_once = len(bench.heard)
    assert at_once < 100
    quiet.sendall(OPTIONS)
    bench.turn(0.05, turns=2)
    assert OPTIONS in bench.messages
    for _ in range(150):
        bench.turn(0.1, wait=0.001)
    assert len(bench.heard) == 101
    assert bench.ended == []


def test_a_fault_in_a_message_ends_its_connection_alone(
    bench: ConnectionBench, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged; the other one is served."""
    bad, good = bench.connect(), bench.connect()
    bench.fails = True
    bad.sendall(OPTIONS)
    bench.turn(turns=2)
    bench.fails = False
    good.sendall(OPTIONS)
    bench.turn(0.1, turns=2)
    assert is_closed(bad)
    assert bench.messages == [OPTIONS]
    assert "a message over TCP has failed" in caplog.text


class Crowded:
    """A listener for which no file descriptor is left."""

    def __init__(self, real: socket.socket) -> None:
        self.real = real

    def fileno(self) -> int:
        """Return the true one's."""
        return self.real.fileno()

    def accept(self) -> None:
        """Fail."""
        raise OSError(errno.EMFILE, "Too many open files")

    def close(self) -> None:
        """Close the true one."""
        self.real.close()


def test_without_file_descriptors_the_thread_does_not_spin(bench: ConnectionBench) -> None:
    """Taken again in a second."""
    real = bench.made._listener
    assert real is not None
    crowded = Crowded(real)
    bench.made._listener = crowded  # type: ignore[assignment]  # all that is used of it
    bench.made.selector.unregister(real)
    bench.made.selector.register(crowded, selectors.EVENT_READ)
    bench.connect()
    assert bench.made.next_deadline(bench.now) == pytest.approx(bench.now + transport.AGAIN)
    bench.made._listener = real
    bench.turn(1.1, turns=2)
    assert len(bench.there) == 1


# --- the whole thread ---------------------------------------------------------------------------


class TcpPhone:
    """Phone 21 over TCP to a box."""

    def __init__(self, box: Address) -> None:
        self.box = box
        self.number = 0
        self.connect()

    def connect(self) -> None:
        """Connect, and register by digest."""
        self.socket = socket.create_connection(self.box, 5, ("127.0.0.21", 0))
        self.socket.settimeout(15)
        self.buffer = b""
        asked = self._register("")
        assert self._register(answer_to(asked, "REGISTER")).code == 200

    @property
    def where(self) -> Address:
        """Its end of the connection."""
        host, port = self.socket.getsockname()
        return host, port

    def _register(self, extra: str) -> SipMessage:
        self.number += 1
        self.say(
            request(
                "REGISTER", self.number, source=self.where, from_="<sip:21@192.0.2.1>;tag=r",
                to="<sip:21@192.0.2.1>", call_id="r", branch=f"z9hG4bKr{self.number}", extra=extra,
            )
        )  # fmt: skip
        return self.hear()

    def say(self, data: bytes) -> None:
        """Send."""
        self.socket.sendall(data)

    def answer(self, asked: SipMessage, code: int, **more: str) -> None:
        """Answer a request."""
        self.say(response(asked, code, **({"tag": "p"} | more)))

    def hear(self) -> SipMessage:
        """Return the next message."""
        while True:
            head, blank, rest = self.buffer.partition(b"\r\n\r\n")
            length = int(head.rpartition(b"Content-Length: ")[2] or 0) if blank else 0
            if blank and len(rest) >= length:
                self.buffer = rest[length:]
                message = read(head + blank + rest[:length], parse)
                assert message
                return message
            data = self.socket.recv(65536)
            assert data, "the box has closed"
            self.buffer += data


def test_a_whole_call_over_tcp() -> None:
    """Registered, rung, answered, hung up by the phone; status says how it comes."""
    with office(ACCOUNT) as box:
        phone = TcpPhone(box.address)
        box.next(events.PhoneRegistered)
        box.ring("one", "21")
        invite = phone.hear()
        assert invite.get("Via").startswith("SIP/2.0/TCP ")
        phone.answer(invite, 180)
        phone.answer(invite, 200, body=SDP)
        ack = phone.hear()
        assert ack.method == "ACK"
        box.next(events.OperatorAnswered)
        (state,) = box.phones.status().phones
        assert (state.tcp, state.address) == (True, TcpPeer(phone.where))
        assert box.phones.status().connections == 1
        phone.say(within(ack, "BYE", 2))
        assert phone.hear().code == 200
        assert box.next().leg == "one"


def test_a_phone_without_power_is_out_at_once() -> None:
    """The kernel says that the connection is gone: nobody waits for it."""
    with office(ACCOUNT) as box:
        phone = TcpPhone(box.address)
        box.ring("one", "21")
        phone.answer(phone.hear(), 180)
        box.next(events.LegProgressed)
        began = time.monotonic()
        phone.socket.close()
        assert isinstance(box.next(), events.PhoneUnreachable)
        assert time.monotonic() - began < 2
        box.ring("two", "21")
        assert isinstance(box.next(), events.PhoneUnreachable)


def test_a_peer_that_reads_nothing_holds_up_no_udp_phone() -> None:
    """Its socket is full; a call by UDP beside it takes as long as ever."""
    udp = HandPhone()
    account = udp.account
    other = type(account)("22", fixed_address=udp.where)
    with office(ACCOUNT, other) as box:
        deaf = TcpPhone(box.address)
        deaf.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for number in range(60):
            box.ring(f"deaf{number}", "21")
        began = time.monotonic()
        box.ring("one", "22")
        udp.take()
        while box.next(events.OperatorAnswered).leg != "one":
            continue
        assert time.monotonic() - began < 2


def test_a_tcp_port_that_another_program_has() -> None:
    """UDP phones are served; status says what is amiss; it is tried again until it works."""
    phone = HandPhone()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        settings = PhonesSettings("127.0.0.1", port, (phone.account,), qualify_s=0)
        phones = Phones(settings, lambda _: None)
        phones.start()
        assert phones._loop.listening.wait(5)
        phones.ring("one", "21", "127.0.0.1", 16000, "x")
        assert phone.hear().method == "INVITE"
        assert "another program" in phones.status().tcp_trouble
        assert phones.status().trouble == ""
    end = time.monotonic() + 10
    while phones.status().tcp_trouble:
        assert time.monotonic() < end
        time.sleep(0.05)
    socket.create_connection(("127.0.0.1", port), 5).close()
    phones.stop()


def test_tcp_may_be_switched_off() -> None:
    """Nobody listens then."""
    with office(ACCOUNT, tcp=False) as box, pytest.raises(ConnectionRefusedError):
        socket.create_connection(box.address, 5)


def test_a_fault_of_tcp_ends_tcp_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told; phones that use UDP ring on, those of TCP count as out."""
    udp = HandPhone()
    other = type(udp.account)("22", fixed_address=udp.where)
    with office(ACCOUNT, other) as box:
        phone = TcpPhone(box.address)
        box.next(events.PhoneRegistered)

        def fail(*_: object) -> None:
            raise KeyError("a fault of ours")

        monkeypatch.setattr(TcpConnections, "_hear", fail)
        phone.say(OPTIONS)
        box.next(events.PhoneGone)
        box.ring("one", "22")
        udp.take()
        assert box.next(events.OperatorAnswered).leg == "one"
        assert box.phones.status().tcp_trouble == FAULT
        assert phone.socket.recv(64) == b""
