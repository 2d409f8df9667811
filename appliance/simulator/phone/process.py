"""The phone's process with its control socket, and the client that starts and commands it.

The control socket carries JSON lines: requests answered in order, events pushed to everybody.
A request is `{"id": 1, "do": "dial", "called": "*811"}`, its reply `{"id": 1, "call": 3}` or
`{"id": 1, "error": "a sentence"}`; an event is `{"event": "ringing", "at": 12.3, "call": 3}`.
Who connects late gets the events of the past first.
"""

from __future__ import annotations

import base64
import contextlib
import ctypes
import functools
import gc
import json
import math
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from appliance.dsp import wav
from appliance.errors import OfficeError, PeerError, TechnicianError
from appliance.simulator.phone.phone import PhoneEvent, SimulatedPhone, event_sentence, obey_request
from appliance.simulator.phone.sip import PCMU
from appliance.simulator.phone.sound import HeardSound

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from appliance.simulator.phone.sip import Address, SimulatedAccount
    from appliance.simulator.phone.sound import RtpStream


# ---- process -----------------------------------------------------------------------------------
# The phone's process: one thread, its sockets, absolute deadlines, real time where allowed.

# SCHED_FIFO: above the media gateway's, so that the measure is steadier than what it measures.
PRIORITY = 25
MCL_CURRENT_AND_FUTURE = 3
DATAGRAMS_A_TURN = 32
"""Datagrams read from one socket before the clock is looked at again."""


@dataclass(frozen=True, slots=True)
class PhoneOptions:
    """What the command line says; `account` still without its ports."""

    account: SimulatedAccount
    registers: bool
    control: str
    language: str
    is_verbose: bool


def go_realtime() -> None:
    """Ask for SCHED_FIFO and locked memory, freeze the collector; refused, it goes on without."""
    gc.collect()
    gc.freeze()
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    ctypes.CDLL(None).mlockall(MCL_CURRENT_AND_FUTURE)


def udp_socket(address: Address) -> socket.socket:
    """Return a UDP socket on an address; raises TechnicianError when it is taken or not ours."""
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.setblocking(False)
    try:
        opened.bind(address)
    except OSError as error:
        opened.close()
        where = f"{address[0]}:{address[1]}"
        raise TechnicianError(
            f"the phone cannot listen on {where} ({error.strerror}): choose another --listen"
        ) from error
    return opened


def rtp_socket(host: str) -> socket.socket:
    """Return a UDP socket on an even port, as RTP is used to have (RFC 3550 section 11)."""
    while True:
        opened = udp_socket((host, 0))
        if opened.getsockname()[1] % 2 == 0:
            return opened
        opened.close()


class PhoneProcess:
    """Joins the pure phone to the world; `run` returns when the phone was stopped."""

    def __init__(self, options: PhoneOptions) -> None:
        self._options = options
        self._selector = selectors.SelectSelector()  # microseconds, where epoll knows ms
        self._sip = udp_socket(options.account.local)
        self._rtp = rtp_socket(options.account.local[0])
        self._is_open = False
        account = replace(
            options.account, local=self._sip.getsockname(), rtp=self._rtp.getsockname()
        )
        self._phone = SimulatedPhone(account, options.registers, self._publish)
        obey = functools.partial(obey_request, self._phone)
        self._control = ControlServer(options.control, self._selector, obey)
        self._watch()

    def run(self) -> None:
        """Serve until stopped."""
        self._wake = self._signals()
        self._phone.switch_on(time.monotonic())
        while True:
            now = time.monotonic()
            self._serve(now)
            if self._phone.is_done(now):
                break
            for key, mask in self._selector.select(self._wait()):
                key.data(mask, time.monotonic())
        self._control.close()

    def _signals(self) -> socket.socket:
        """Let SIGTERM and SIGINT wake the selector and stop the phone; the writing end is kept."""
        reading, writing = socket.socketpair()
        reading.setblocking(False)
        writing.setblocking(False)
        signal.set_wakeup_fd(writing.fileno())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)

        def stop(_mask: int, now: float) -> None:
            reading.recv(16)
            self._phone.stop(now)

        self._selector.register(reading, selectors.EVENT_READ, stop)
        return writing

    def _wait(self) -> float:
        stream = self._stream()
        due = min(self._phone.deadline, stream.deadline if stream else math.inf)
        return min(3600.0, max(0.0, due - time.monotonic()))

    def _stream(self) -> RtpStream | None:
        call = self._phone.call
        return None if call is None or call.is_over else call.stream

    def _serve(self, now: float) -> None:
        if self._control.is_orphan and not self._phone.is_stopping:
            self._phone.stop(now)
        self._phone.tick(now)
        if self._phone.is_on != self._is_open:
            self._turn()
        self._flush()  # first the 200, then the sound that it announces
        self._send_sound(now)

    def _send_sound(self, now: float) -> None:
        stream = self._stream()
        if stream is None:
            return
        for packet in stream.due(now):
            self._send(self._rtp, packet, stream.agreed.remote)

    def _flush(self) -> None:
        outbox = self._phone.wire.outbox
        for data, to in outbox:
            self._send(self._sip, data, to)
        outbox.clear()

    def _send(self, through: socket.socket, data: bytes, to: Address) -> None:
        # A name would be looked up and block: this phone speaks to addresses alone. What cannot
        # be sent is lost as on any network, and SIP repeats it.
        with contextlib.suppress(OSError):
            socket.inet_pton(socket.AF_INET, to[0])
            through.sendto(data, to)

    def _turn(self) -> None:
        """Open the sockets when the phone is on, close them when it is off; same ports again."""
        if not self._is_open:
            account = self._phone.account
            self._sip, self._rtp = udp_socket(account.local), udp_socket(account.rtp)
            self._watch()
            return
        for opened in (self._sip, self._rtp):
            self._selector.unregister(opened)
            opened.close()
        self._is_open = False

    def _watch(self) -> None:
        self._selector.register(self._sip, selectors.EVENT_READ, self._read_sip)
        self._selector.register(self._rtp, selectors.EVENT_READ, self._read_rtp)
        self._is_open = True

    def _read_sip(self, _mask: int, now: float) -> None:
        for _ in range(DATAGRAMS_A_TURN):
            try:
                data, source = self._sip.recvfrom(65535)
            except OSError:
                return
            self._phone.receive(data, source, now)

    def _read_rtp(self, _mask: int, _now: float) -> None:
        for _ in range(DATAGRAMS_A_TURN):
            try:
                data, source = self._rtp.recvfrom(4096)
            except OSError:
                return
            call = self._phone.call
            if call is not None and not call.is_over:
                call.sound.hear(data, source, time.monotonic())

    def _publish(self, event: PhoneEvent) -> None:
        self._control.publish(event)
        if self._options.is_verbose:
            line = event_sentence(self._options.account.name, event, self._options.language)
            if line:
                sys.stdout.write(line + "\n")
                sys.stdout.flush()


# ---- control -----------------------------------------------------------------------------------

if TYPE_CHECKING:
    Obey = Callable[[dict[str, Any], float], dict[str, Any]]

READ_SIZE = 65536
# `fd:7` is one end of a socket pair handed over by a parent; when it closes the phone stops.
INHERITED = "fd:"


def event_line(event: PhoneEvent) -> bytes:
    """Return an event as a line."""
    return encode_message({**event.details, "event": event.kind, "at": event.at})


def encode_message(message: dict[str, Any]) -> bytes:
    """Return a message as a line."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


class ControlServer:
    """Every connection of the control socket, non-blocking, on the selector of the process."""

    def __init__(self, where: str, selector: selectors.BaseSelector, obey: Obey) -> None:
        self.is_orphan = False
        self._selector = selector
        self._obey = obey
        self._history: list[bytes] = []
        self._buffers: dict[socket.socket, tuple[bytearray, bytearray]] = {}
        self._has_parent = where.startswith(INHERITED)
        self._listener: socket.socket | None = None
        self._path = Path(where)
        if self._has_parent:
            self._welcome(socket.socket(fileno=int(where.removeprefix(INHERITED))))
        else:
            self._listen()

    def publish(self, event: PhoneEvent) -> None:
        """Push an event to everybody."""
        line = event_line(event)
        self._history.append(line)
        for connection in list(self._buffers):
            self._send(connection, line)

    def close(self) -> None:
        """Close every connection and remove the socket's file."""
        for connection in list(self._buffers):
            connection.setblocking(True)
            connection.settimeout(1.0)
            with contextlib.suppress(OSError):
                connection.sendall(self._buffers[connection][1])
            self._part(connection)
        if self._listener:
            self._selector.unregister(self._listener)
            self._listener.close()
            self._path.unlink(missing_ok=True)

    def _listen(self) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        try:
            self._listener.bind(str(self._path))
        except OSError as error:
            self._listener.close()
            raise TechnicianError(
                f"the control socket {self._path} cannot be made ({error.strerror}): "
                "choose another path or remove the file"
            ) from error
        self._listener.listen()
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)

    def _accept(self, _mask: int, _now: float) -> None:
        assert self._listener is not None
        self._welcome(self._listener.accept()[0])

    def _welcome(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self._buffers[connection] = (bytearray(), bytearray())

        def serve(mask: int, now: float) -> None:
            self._serve(connection, mask, now)

        self._selector.register(connection, selectors.EVENT_READ, serve)
        self._send(connection, b"".join(self._history))

    def _part(self, connection: socket.socket) -> None:
        self._selector.unregister(connection)
        del self._buffers[connection]
        connection.close()
        self.is_orphan = self._has_parent

    def _serve(self, connection: socket.socket, mask: int, now: float) -> None:
        if mask & selectors.EVENT_WRITE:
            self._send(connection, b"")
        if mask & selectors.EVENT_READ and connection in self._buffers:
            self._read(connection, now)

    def _read(self, connection: socket.socket, now: float) -> None:
        try:
            data = connection.recv(READ_SIZE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._part(connection)
            return
        unread = self._buffers[connection][0]
        unread += data
        *lines, rest = unread.split(b"\n") if b"\n" in data else [bytes(unread)]
        unread[:] = rest
        for line in lines:
            self._send(connection, encode_message(self._reply(bytes(line), now)))

    def _reply(self, line: bytes, now: float) -> dict[str, Any]:
        try:
            request = json.loads(line)
        except ValueError as error:
            return {"id": None, "error": f"not a line of JSON: {error}"}
        if not isinstance(request, dict):
            return {"id": None, "error": "not a JSON object"}
        return self._obey(request, now)

    def _send(self, connection: socket.socket, data: bytes) -> None:
        if connection not in self._buffers:
            return
        waiting = self._buffers[connection][1]
        waiting += data
        try:
            sent = connection.send(waiting) if waiting else 0
        except BlockingIOError:
            sent = 0
        except OSError:
            self._part(connection)
            return
        del waiting[:sent]
        mask = selectors.EVENT_READ | (selectors.EVENT_WRITE if waiting else 0)
        if self._selector.get_key(connection).events != mask:
            self._selector.modify(connection, mask, self._selector.get_key(connection).data)


# ---- client ------------------------------------------------------------------------------------
# TestPhone: a phone process to hold in a `with` block; one thread each, nothing is polled.


class TestPhone:
    """Starts a phone process and speaks to it over a socket pair.

    Every command returns when the phone has done it; `events` and `wait_event` give what happened
    with monotonic seconds of this machine. Not to be shared between threads. One that `is_apart` is
    not told what a terminal tells all of its programmes (Ctrl-C, SIGHUP).
    """

    __test__ = False  # pytest: the name says what it is for, it is no test

    def __init__(
        self,
        name: str,
        *,
        server: str = "127.0.0.1:5060",
        user: str = "",
        secret: str = "",
        listen: str = "127.0.0.1:0",
        registers: bool = True,
        codec: str = "both",
        is_verbose: bool = False,
        language: str = "it",
        is_apart: bool = False,
    ) -> None:
        self.name = name
        self._group = 0 if is_apart else None
        self._arguments = [f"--name={name}", f"--server={server}", f"--user={user or name}"]
        self._arguments += [f"--secret={secret}", f"--listen={listen}", f"--codec={codec}"]
        self._arguments += [f"--language={language}"]
        self._arguments += ["--verbose"] * is_verbose + ["--no-register"] * (not registers)
        self._process: subprocess.Popen[bytes] | None = None
        self._conversation: PhoneControlClient | None = None
        self._past: list[PhoneEvent] = []

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> Self:
        """Start the process and wait until it listens."""
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", "appliance.simulator.phone", *self._arguments]
        command.append(f"--control=fd:{theirs.fileno()}")
        with theirs:
            self._process = subprocess.Popen(
                command, pass_fds=[theirs.fileno()], process_group=self._group
            )
        self._conversation = PhoneControlClient(self.name, ours)
        self.wait_event("on", 10.0)
        return self

    def stop(self) -> None:
        """Hang up, take the registration back and end the process; twice does no harm."""
        if self._conversation is None or self._process is None:
            return
        try:
            self._ask("stop")
            self._process.wait(REPLY_LIMIT)
        except (PeerError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        self._conversation.close()
        self._past, self._conversation = self._conversation.events, None

    @property
    def pid(self) -> int:
        """Process id."""
        assert self._process is not None
        return self._process.pid

    @property
    def address(self) -> str:
        """Where the phone takes SIP, as "127.0.0.11:40000"."""
        return str(next(e for e in self.events if e.kind == "on").details["address"])

    @property
    def events(self) -> list[PhoneEvent]:
        """Everything that has happened so far, oldest first."""
        if self._conversation is None:
            return list(self._past)
        self._ask("state")  # what happened before the reply stands before it
        return list(self._conversation.events)

    def wait_event(self, kind: str, timeout: float = 5.0, **details: Any) -> PhoneEvent:
        """Return the next event of a kind (and of these details) not returned before.

        Raises PhoneTimeout after `timeout` seconds, PeerError when the process has ended.
        """
        if self._conversation is None:
            raise OfficeError(f"{self.name} is not started")
        return self._conversation.wait_event(kind, timeout, details)

    def wait_registered(self, timeout: float = 5.0) -> PhoneEvent:
        """Wait until the registrar has accepted the phone."""
        return self.wait_event("registered", timeout)

    def answer_mode(self, mode: str, after_ms: int = 0) -> None:
        """Meet incoming calls by "auto" (after a time), "manual", "obeys" (manual, but for a call
        that asks to be answered by itself), "talks" (manual, until it is told to talk), "never",
        "decline", "busy", "silent" (reads, never answers) or "off" (sockets closed)."""
        self._ask("answer_mode", mode=mode, after_ms=after_ms)

    def answer(self) -> None:
        """Lift the handset."""
        self._ask("answer")

    def hang_up(self) -> None:
        """Decline, cancel or end the call, whichever its state asks for."""
        self._ask("hang_up")

    def hold(self) -> None:
        """Put the other end on hold; the event `hold` says that it stands."""
        self._ask("hold")

    def resume(self) -> None:
        """Take the other end back; the event `resume` says that it stands."""
        self._ask("resume")

    def dial(self, called: str) -> int:
        """Call a number at the server, or "sip:user@host:port"; returns the call's number."""
        return int(self._ask("dial", called=called)["call"])

    def press(self, keys: str) -> None:
        """Send keys as RFC 4733 events, 100 ms each and 100 ms apart."""
        self._ask("press", keys=keys)

    def say(self, what: str | Path | bytes, repeat: bool = False) -> None:
        """Say a WAV file (path or bytes) or raw mu-law bytes; "echo" says what is heard.

        Said before the call is answered, it begins with the first frame. Events: `saying`, `said`.
        """
        if what == "echo":
            self._ask("echo")
            return
        sound = _sound_to_say(what)
        data = base64.b64encode(sound.data).decode()
        self._ask("say", law=str(sound.law), data=data, repeat=repeat)

    def be_silent(self) -> None:
        """Say nothing from now on."""
        self._ask("be_silent")

    def received(self) -> HeardSound:
        """Return everything heard since the call was answered; it stays after its end."""
        reply = self._ask("received")
        data = base64.b64decode(reply.pop("data"))
        return HeardSound(data=data, **reply)

    def stats(self) -> dict[str, float]:
        """Return counts of packets and, in ms, arrival intervals and send lateness of the call."""
        return dict(self._ask("stats")["stats"])

    def state(self) -> dict[str, Any]:
        """Return is_on, is_registered, mode and the call's state."""
        return self._ask("state")

    def _ask(self, do: str, **given: Any) -> dict[str, Any]:
        if self._conversation is None:
            raise OfficeError(f"{self.name} is not started")
        return self._conversation.ask(do, **given)


def _sound_to_say(what: str | Path | bytes) -> wav.Sound:
    contents = what if isinstance(what, bytes) else Path(what).read_bytes()
    if contents[:4] == b"RIFF":
        return wav.parse(contents)
    if isinstance(what, bytes):
        return wav.Sound(contents, PCMU.law)
    raise OfficeError(f"{what} is not a WAV file")


# ---- conversation ------------------------------------------------------------------------------
# The tool's end of the control socket: replies by their number, events in their order.

REPLY_LIMIT = 5.0
"""Seconds a running phone may take for a reply."""


class PhoneTimeout(PeerError, TimeoutError):  # noqa: N818 - it is called what it is
    """Raised when an event did not come in time; the sentence lists those that came."""


class PhoneControlClient:
    """Reads and writes JSON lines on a socket; nothing is polled, everything has a time limit."""

    def __init__(self, name: str, connection: socket.socket) -> None:
        self.events: list[PhoneEvent] = []
        self._name = name
        self._socket = connection
        self._unread = bytearray()
        self._given: Counter[str] = Counter()
        self._replies: dict[int, dict[str, Any]] = {}
        self._asked = 0

    def wait_event(self, kind: str, timeout: float, details: dict[str, Any]) -> PhoneEvent:
        """Return the next event of a kind and of these details; raises PhoneTimeout, PeerError."""
        deadline = time.monotonic() + timeout
        seen = self._given[kind]
        while True:
            alike = [event for event in self.events if event.kind == kind]
            for index, event in enumerate(alike[seen:], seen + 1):
                if details.items() <= event.details.items():
                    self._given[kind] = index
                    return event
            if not self._pump(deadline):
                came = ", ".join(event.kind for event in self.events)
                raise PhoneTimeout(f"{self._name}: no {kind} within {timeout} s; came: {came}")

    def ask(self, do: str, **given: Any) -> dict[str, Any]:
        """Ask for something and return the reply; raises OfficeError for a refusal."""
        self._asked += 1
        self._socket.settimeout(REPLY_LIMIT)
        try:
            self._socket.sendall(encode_message({"id": self._asked, "do": do, **given}))
        except OSError as error:
            raise PeerError(f"{self._name} has ended: {error}") from error
        deadline = time.monotonic() + REPLY_LIMIT
        while self._asked not in self._replies:
            if not self._pump(deadline):
                raise PhoneTimeout(f"{self._name}: no reply to {do} within {REPLY_LIMIT} s")
        reply = self._replies.pop(self._asked)
        if "error" in reply:
            raise OfficeError(f"{self._name}: {reply['error']}")
        del reply["id"]
        return reply

    def _pump(self, deadline: float) -> bool:
        """Read once; False when the deadline has passed."""
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        self._socket.settimeout(left)
        try:
            data = self._socket.recv(READ_SIZE)
        except TimeoutError:
            return False
        except OSError:
            data = b""
        if not data:
            raise PeerError(f"the process of phone {self._name} has ended")
        self._take(data)
        return True

    def close(self) -> None:
        """Read the last events of a process that has ended, and close."""
        with contextlib.suppress(PeerError):
            while self._pump(time.monotonic() + 1.0):
                continue
        self._socket.close()

    def _take(self, data: bytes) -> None:
        self._unread += data
        *lines, rest = self._unread.split(b"\n") if b"\n" in data else [self._unread]
        self._unread = bytearray(rest)
        for line in lines:
            message = json.loads(bytes(line))
            if "event" in message:
                kind, at = message.pop("event"), message.pop("at")
                self.events.append(PhoneEvent(kind, at, message))
            else:
                self._replies[message["id"]] = message
