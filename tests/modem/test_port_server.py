"""The port server over pseudo terminals, and over ports that die or hang."""

from __future__ import annotations

import errno
import fcntl
import os
import select
import socket
import termios
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.errors import PeerError
from appliance.modem import port_protocol, port_server
from appliance.modem.port_protocol import (
    DtrDropped,
    PortClosed,
    PortCommand,
    PortFault,
    PortOpened,
    PortServerGone,
    PortTrouble,
    Report,
)
from appliance.modem.port_server import (
    PLUG_POLL_S,
    PortDevice,
    PortServer,
    SerialPort,
    explain,
    holders,
)
from appliance.workers import Worker
from tests.helpers.words import pair

LIMIT_S = 5


@dataclass
class Terminal:
    """A pseudo terminal: `far` is the modem's side, `path` the port's."""

    far: int
    path: str


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    """Open a pseudo terminal whose port nobody holds."""
    far, near = os.openpty()
    path = os.ttyname(near)
    os.close(near)
    yield Terminal(far, path)
    os.close(far)


class Kept:
    """A port server in a thread, and the media gateway's end of its socket."""

    def __init__(self, path: str, open_port: Callable[[str], PortDevice] = SerialPort) -> None:
        self.sock, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

        def keep() -> None:
            with theirs:
                PortServer(theirs, path, open_port).run()
            self.worker.stopping.set()  # it serves one media gateway

        self.worker = Worker("port server", keep)
        self.worker.start()

    def report(self) -> Report:
        """Wait for one report."""
        assert select.select([self.sock], [], [], LIMIT_S)[0], "the port server says nothing"
        report = port_protocol.receive_report(self.sock)
        assert report is not None
        return report

    def ask(self, ask: PortCommand) -> Report:
        """Ask, and wait for the answer."""
        assert port_protocol.send_command(self.sock, ask)
        return self.report()

    def close(self) -> None:
        """Let the media gateway go; the port server ends."""
        self.sock.close()
        self.worker.stop(LIMIT_S)


@pytest.fixture
def keep() -> Iterator[Callable[..., Kept]]:
    """Make port servers that end with the test."""
    made: list[Kept] = []

    def make(path: str, open_port: Callable[[str], PortDevice] = SerialPort) -> Kept:
        made.append(Kept(path, open_port))
        return made[-1]

    yield make
    for kept in made:
        kept.close()


def opened(report: Report) -> int:
    """Return the descriptor of an Opened."""
    assert isinstance(report, PortOpened), report
    return report.descriptor


def read_all(descriptor: int, count: int) -> bytes:
    """Read `count` bytes, waiting for them."""
    data = b""
    while len(data) < count:
        assert select.select([descriptor], [], [], LIMIT_S)[0]
        data += os.read(descriptor, count - len(data))
    return data


EVERY_BYTE = bytes(range(256))


def test_a_port_is_handed_over_raw_and_non_blocking(
    terminal: Terminal, keep: Callable[..., Kept]
) -> None:
    """Every byte passes unchanged both ways, XON, XOFF, interrupt and line ends among them."""
    port = opened(keep(terminal.path).report())
    assert not os.get_blocking(port)
    assert fcntl.fcntl(port, fcntl.F_GETFD) & fcntl.FD_CLOEXEC
    os.write(terminal.far, EVERY_BYTE)
    assert read_all(port, 256) == EVERY_BYTE
    os.write(port, EVERY_BYTE)
    assert read_all(terminal.far, 256) == EVERY_BYTE
    with pytest.raises(BlockingIOError):
        os.read(port, 1)
    os.close(port)


def test_a_pseudo_terminal_has_no_dtr_and_says_so(
    terminal: Terminal, keep: Callable[..., Kept]
) -> None:
    """ENOTTY is an answer, not a fault."""
    kept = keep(terminal.path)
    os.close(opened(kept.report()))
    assert kept.ask(PortCommand.DROP_DTR) == DtrDropped(0)


def test_a_port_is_closed_and_opened_again(terminal: Terminal, keep: Callable[..., Kept]) -> None:
    """After CLOSE nothing holds it; REOPEN hands over a new descriptor."""
    kept = keep(terminal.path)
    os.close(opened(kept.report()))
    assert kept.ask(PortCommand.CLOSE) == PortClosed()
    with pytest.raises(OSError, match="Input/output"):
        os.read(terminal.far, 1)
    port = opened(kept.ask(PortCommand.REOPEN))
    os.write(port, b"x")
    assert read_all(terminal.far, 1) == b"x"
    os.close(port)


def test_a_media_gateway_that_goes_closes_the_port(
    terminal: Terminal, keep: Callable[..., Kept]
) -> None:
    """End of file ends the port server; on a real port DTR falls and the modem hangs up."""
    kept = keep(terminal.path)
    os.close(opened(kept.report()))
    kept.close()
    with pytest.raises(OSError, match="Input/output"):
        os.read(terminal.far, 1)


def test_a_missing_port_says_what_to_do(tmp_path: Path, keep: Callable[..., Kept]) -> None:
    """The technician reads it in Italian or English; plugging in and REOPEN is enough."""
    report = keep(str(tmp_path / "line1")).report()
    assert isinstance(report, PortTrouble)
    assert report.cause is PortFault.MISSING
    assert "line1" in report.sentence.text("it")
    assert "plug in the modem" in report.sentence.text("en")


def test_a_port_that_comes_is_opened_unasked(
    tmp_path: Path, terminal: Terminal, keep: Callable[..., Kept]
) -> None:
    """Plugged in, under whatever number, it is handed over within a second; nothing is asked."""
    path = tmp_path / "line1"
    kept = keep(str(path))
    assert isinstance(kept.report(), PortTrouble)
    began = time.monotonic()
    path.symlink_to(terminal.path)
    port = opened(kept.report())
    assert time.monotonic() - began < 2 * PLUG_POLL_S
    os.write(port, b"x")
    assert read_all(terminal.far, 1) == b"x"
    os.close(port)
    assert kept.ask(PortCommand.CLOSE) == PortClosed()


def test_a_port_that_is_still_coming_is_waited_for_in_silence(
    terminal: Terminal, keep: Callable[..., Kept], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between unplug and plug a path may lead to a device that is gone: ENODEV is told once, and
    the media gateway that leaves meanwhile ends the waiting.
    """
    monkeypatch.setattr(port_server, "PLUG_POLL_S", 0.05)
    errors = [OSError(errno.ENODEV, "x"), OSError(errno.ENXIO, "x"), OSError(errno.ENOENT, "x")]

    def opens(path: str) -> PortDevice:
        if errors:
            raise errors.pop(0)
        return SerialPort(path)

    kept = keep(terminal.path, opens)
    report = kept.report()
    assert isinstance(report, PortTrouble)
    assert report.cause is PortFault.MISSING
    os.close(opened(kept.report()))
    never = keep(str(Path(terminal.path).parent / "never"))
    assert isinstance(never.report(), PortTrouble)
    never.close()


def test_a_port_in_use_names_the_user(terminal: Terminal, keep: Callable[..., Kept]) -> None:
    """The lock is exclusive, even for root; /proc tells who holds it."""
    os.close(opened(keep(terminal.path).report()))
    report = keep(terminal.path).report()
    assert isinstance(report, PortTrouble)
    assert report.cause is PortFault.BUSY
    assert "in use by" in report.sentence.text("en")


def test_holders_of_a_port_are_other_processes(terminal: Terminal) -> None:
    """Our own process is never named; a path that is none has no holders."""
    near = os.open(terminal.path, os.O_RDWR | os.O_NOCTTY)
    assert not any(f"({os.getpid()})" in who for who in holders(terminal.path))
    assert holders("/nowhere") == []
    os.close(near)


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (OSError(errno.EACCES, "x"), PortFault.PERMISSION),
        (OSError(errno.EBUSY, "x"), PortFault.BUSY),
        (OSError(errno.EIO, "x"), PortFault.BROKEN),
        (OSError(errno.ENODEV, "x"), PortFault.MISSING),
        (termios.error(5, "Input/output error"), PortFault.BROKEN),
        (ValueError("x"), PortFault.BROKEN),
    ],
)
def test_every_error_has_a_cause_and_a_sentence(error: Exception, cause: PortFault) -> None:
    """Permission, busy, missing, broken: each with its own remedy."""
    trouble = explain("/dev/null", error)
    assert trouble.cause is cause
    assert trouble.sentence.text("it") != trouble.sentence.text("en")
    assert "/dev/null" in trouble.sentence.text("it")


class DyingPort:
    """A port that raises what pyserial raises of a port that dies."""

    def __init__(self, error: Exception) -> None:
        self._error = error
        self._descriptor = os.open("/dev/null", os.O_RDWR)

    def fileno(self) -> int:
        """Return something that can be handed over."""
        return self._descriptor

    def drop_dtr(self) -> bool:
        """Fail."""
        raise self._error

    def close(self) -> None:
        """Fail, having closed."""
        os.close(self._descriptor)
        raise self._error


@pytest.mark.parametrize("error", [OSError(errno.EIO, "gone"), termios.error(5, "gone")])
def test_a_port_that_dies_is_reported(error: Exception, keep: Callable[..., Kept]) -> None:
    """termios.error is neither SerialException nor OSError: it must not kill the port server."""
    kept = keep("/dev/null", lambda _: DyingPort(error))
    os.close(opened(kept.report()))
    report = kept.ask(PortCommand.DROP_DTR)
    assert isinstance(report, PortTrouble)
    assert report.cause is PortFault.BROKEN
    assert isinstance(kept.ask(PortCommand.CLOSE), PortTrouble)
    assert kept.report() == PortClosed()
    assert isinstance(kept.ask(PortCommand.DROP_DTR), PortTrouble)


def test_a_port_with_dtr_says_how_long_it_was_low(keep: Callable[..., Kept]) -> None:
    """At least 600 ms."""

    class RealPort(DyingPort):
        def drop_dtr(self) -> bool:
            return True

    kept = keep("/dev/null", lambda _: RealPort(OSError()))
    os.close(opened(kept.report()))
    report = kept.ask(PortCommand.DROP_DTR)
    assert isinstance(report, DtrDropped)
    assert report.low_ms >= 600


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (OSError(errno.EIO, "gone"), PortFault.BROKEN),
        (termios.error(5, "Input/output error"), PortFault.BROKEN),
        (OSError(errno.EBUSY, "held"), PortFault.BUSY),
        (OSError(errno.EACCES, "no"), PortFault.PERMISSION),
        (ValueError("a setting the port refuses"), PortFault.BROKEN),
    ],
)
def test_a_port_that_cannot_be_opened_leaves_a_port_server_that_obeys(
    error: Exception, cause: PortFault, terminal: Terminal, keep: Callable[..., Kept]
) -> None:
    """Whatever open raises is reported once; REOPEN brings the port when it has come right."""
    errors = [error]

    def opens(path: str) -> PortDevice:
        if errors:
            raise errors.pop()
        return SerialPort(path)

    kept = keep(terminal.path, opens)
    report = kept.report()
    assert isinstance(report, PortTrouble)
    assert report.cause is cause
    os.close(opened(kept.ask(PortCommand.REOPEN)))


class Lines:
    """Stands for pyserial's port: its modem control lines, and what pulling them raises."""

    def __init__(self, error: OSError | None = None) -> None:
        self.error = error
        self.pulled: list[tuple[bool, float]] = []

    @property
    def dtr(self) -> bool:
        """What was pulled last."""
        return self.pulled[-1][0]

    @dtr.setter
    def dtr(self, high: bool) -> None:
        if self.error:
            raise self.error
        self.pulled.append((high, time.monotonic()))


def with_lines(path: str, lines: Lines) -> SerialPort:
    """Open a port of the product's and put other modem control lines behind it."""
    port = SerialPort(path)
    port.close()
    port._serial = lines  # type: ignore[assignment]  # a stand-in
    return port


def test_dtr_is_low_long_enough_and_high_again(terminal: Terminal) -> None:
    """At least 0.6 s (v253.md 4): a modem with &D2 hangs up after 50 ms."""
    lines = Lines()
    assert with_lines(terminal.path, lines).drop_dtr()
    (low, began), (high, ended) = lines.pulled
    assert (low, high) == (False, True)
    assert ended - began >= 0.6


@pytest.mark.parametrize(
    ("number", "known"),
    [(errno.ENOTTY, True), (errno.EINVAL, True), (errno.EIO, False), (errno.ENODEV, False)],
)
def test_no_dtr_is_told_from_a_port_that_dies(number: int, known: bool, terminal: Terminal) -> None:
    """A pseudo terminal has no DTR; a real port whose ioctl fails is broken, and that is raised."""
    port = with_lines(terminal.path, Lines(OSError(number, "x")))
    if known:
        assert not port.drop_dtr()
    else:
        with pytest.raises(OSError, match="x"):
            port.drop_dtr()


def test_a_port_that_comes_back_under_another_number_is_opened_by_its_name(
    tmp_path: Path, keep: Callable[..., Kept]
) -> None:
    """ttyACM0 while it is unplugged, ttyACM2 when it is back: the name by USB port leads there."""
    path, reports = tmp_path / "line-port", []
    numbers = [os.openpty() for _ in range(2)]
    for far, near in numbers:
        path.unlink(missing_ok=True)
        path.symlink_to(os.ttyname(near))
        os.close(near)
        kept = keep(str(path))
        port = opened(kept.report())
        reports.append(os.ttyname(port))
        os.close(port)
        kept.close()
        os.close(far)
    assert len(set(reports)) == 2


def test_a_port_server_that_hangs_does_not_block_who_asks(keep: Callable[..., Kept]) -> None:
    """Orders to a hung port server return at once, as refused when its socket is full."""
    release = threading.Event()

    class HungPort(DyingPort):
        def drop_dtr(self) -> bool:
            release.wait(60)
            return True

    kept = keep("/dev/null", lambda _: HungPort(OSError()))
    os.close(opened(kept.report()))
    asked = 0
    while port_protocol.send_command(kept.sock, PortCommand.DROP_DTR):
        asked += 1
        assert asked < 100_000
    assert asked > 0
    release.set()


def test_nonsense_to_a_port_server_is_passed_over(
    terminal: Terminal, keep: Callable[..., Kept]
) -> None:
    """An order it does not know costs nothing: the port stays."""
    kept = keep(terminal.path)
    os.close(opened(kept.report()))
    kept.sock.send(b'{"ask": "explode"}')
    assert kept.ask(PortCommand.CLOSE) == PortClosed()


@pytest.mark.parametrize(
    "report",
    [
        DtrDropped(700),
        PortClosed(),
        PortTrouble(PortFault.BUSY, pair("È in uso.", "It is in use.")),
    ],
)
def test_reports_survive_the_wire(report: DtrDropped | PortClosed | PortTrouble) -> None:
    """What is written is what is read."""
    assert port_protocol.decode_report(port_protocol.encode_report(report), []) == report


@pytest.mark.parametrize(
    "message",
    [b"", b"[]", b"{}", b'{"kind": "x"}', b'{"kind": "opened", "path": "/"}', b"\xff", b"7",
     b'{"kind": "trouble", "cause": "x", "it": "", "en": ""}', b'{"kind": "dropped"}'],
)  # fmt: skip
def test_nonsense_from_a_port_server_is_a_peer_error(message: bytes) -> None:
    """Never another exception, and no descriptor is leaked."""
    with pytest.raises(PeerError):
        port_protocol.decode_report(message, [])
    if b"opened" not in message:
        descriptor = os.open("/dev/null", os.O_RDONLY)
        with pytest.raises(PeerError):
            port_protocol.decode_report(message, [descriptor])
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)


@pytest.mark.parametrize("message", [b"", b"[]", b"{}", b'{"ask": 7}', b"\xff"])
def test_nonsense_from_a_media_gateway_is_a_peer_error(message: bytes) -> None:
    """Orders are read as strictly."""
    with pytest.raises(PeerError):
        port_protocol.decode_command(message)


def test_receiving_never_blocks_and_notices_the_end() -> None:
    """None while there is nothing, PortServerGone when the port server has ended."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours:
        assert port_protocol.receive_report(ours) is None
        theirs.close()
        assert port_protocol.receive_report(ours) == PortServerGone()
        assert not port_protocol.send_command(ours, PortCommand.CLOSE)
    assert port_protocol.receive_report(ours) == PortServerGone()
