"""The whole phone, sans-I/O: datagrams and commands in; datagrams, packets and events out."""

from __future__ import annotations

import base64
import contextlib
import ctypes
import functools
import gc
import json
import math
import os
import secrets
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
from appliance.simulator.phone import control, registration
from appliance.simulator.phone.call import AGENT, ALLOW, Account, IncomingCall, OutgoingCall
from appliance.simulator.phone.control import CHUNK, Control, Wire, encode, server_key
from appliance.simulator.phone.registration import Registration
from appliance.simulator.phone.sound import PCMU, Heard, Speech

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from appliance.simulator.phone.call import Call
    from appliance.simulator.phone.registration import Address, Message
    from appliance.simulator.phone.sound import Stream


# ---- phone -------------------------------------------------------------------------------------

MODES = ("auto", "manual", "never", "decline", "busy", "silent", "off")
"""How an incoming call is met; `silent` reads but never answers, `off` closes the sockets."""
REFUSALS = {"decline": "603 Decline", "busy": "486 Busy Here"}


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: its kind, monotonic seconds, and details (`call` is its number)."""

    kind: str
    at: float
    details: dict[str, Any]


class Phone:
    """A phone with one call at a time; a second one is told busy."""

    def __init__(
        self, account: Account, registers: bool, on_event: Callable[[Event], None]
    ) -> None:
        self.account = account
        self.speech = Speech()
        self.wire = Wire(self._take)
        self.registration = Registration(account, self.wire, self._note)
        self.call: Call | None = None
        self.mode = "manual"
        self.is_on = False
        self._registers = registers
        self._on_event = on_event
        self._after_ms = 0
        self._calls = 0
        self._stops_at: float | None = None

    @property
    def deadline(self) -> float:
        """When `tick` has something to do (monotonic seconds)."""
        calls = [self.call.deadline] if self.call else []
        stops = [self._stops_at] if self._stops_at is not None else []
        return min([self.wire.deadline, self.registration.deadline, *calls, *stops])

    def switch_on(self, now: float) -> None:
        """Begin to work; registers where there is a server to register with."""
        self.is_on = True
        self._note("on", now, address=f"{self.account.local[0]}:{self.account.local[1]}")
        if self._registers:
            self.registration.start(now)

    def switch_off(self, now: float) -> None:
        """Forget everything without a word, as when the plug is pulled."""
        if self.call:
            self.call.drop(now)
        self.registration.forget()
        self.wire.forget()
        self.is_on = False
        self._note("off", now)

    def stop(self, now: float, limit: float = 2.0) -> None:
        """Hang up and take the registration back, within `limit` seconds."""
        self._stops_at = now + limit
        if self.call and not self.call.is_over:
            self.call.hang_up(now)
        self.registration.stop(now)

    @property
    def is_stopping(self) -> bool:
        """True from `stop` on."""
        return self._stops_at is not None

    def is_done(self, now: float) -> bool:
        """True once a stopped phone owes nobody an answer, or its time is up."""
        return self._stops_at is not None and (not self.wire.is_waiting or now >= self._stops_at)

    def answer_mode(self, mode: str, after_ms: int, now: float) -> None:
        """Meet incoming calls in another way from now on; raises OfficeError for no such way."""
        if mode not in MODES:
            raise OfficeError(f"no answer mode {mode!r}: one of {', '.join(MODES)}")
        self.mode, self._after_ms = mode, after_ms
        self.wire.ignores_requests = mode == "silent"
        if mode == "off" and self.is_on:
            self.switch_off(now)
        elif mode != "off" and not self.is_on:
            self.switch_on(now)

    def dial(self, called: str, now: float) -> int:
        """Call a number at the server or a SIP URI; returns the call's number."""
        if not self.is_on:
            raise OfficeError("the phone is off")
        if self.call and not self.call.is_over:
            raise OfficeError("the phone is in a call already")
        number = self._calls + 1
        try:
            call = OutgoingCall(number, self.account, self.wire, self.speech, self._note, called)
        except PeerError as error:
            raise OfficeError(f"cannot dial {called!r}: {error}") from error
        self._calls, self.call = number, call
        call.start(now)
        return number

    def answer(self, now: float) -> None:
        """Lift the handset of the ringing call."""
        if not isinstance(self.call, IncomingCall):
            raise OfficeError("no call is ringing")
        self.call.answer(now)

    def current(self) -> Call:
        """Return the call that is not over; raises OfficeError without one."""
        if self.call is None or self.call.is_over:
            raise OfficeError("there is no call")
        return self.call

    def receive(self, data: bytes, source: Address, now: float) -> None:
        """Take a datagram of the SIP socket."""
        self.wire.receive(data, source, now)

    def tick(self, now: float) -> None:
        """Do what is due."""
        self.wire.tick(now)
        self.registration.tick(now)
        if self.call:
            self.call.tick(now)

    def _take(self, request: Message, source: Address, now: float) -> None:
        call = self.call
        if request.method == "ACK":
            if call and call.dialog and call.dialog.call_id == request.get("call-id"):
                call.take_ack(request, now)
        elif request.method == "CANCEL":
            self._take_cancel(request, source, now)
        elif "tag" in registration.parameters(request.get("to")):
            if call and call.owns(request):
                call.receive(request, source, now)
            else:
                self._respond(request, source, "481 Call Does Not Exist", now)
        elif request.method == "INVITE":
            self._take_invite(request, source, now)
        else:
            known = request.method in {"OPTIONS", "NOTIFY", "INFO"}
            self._respond(request, source, "200 OK" if known else "501 Not Implemented", now)

    def _take_invite(self, invite: Message, source: Address, now: float) -> None:
        if (self.call and not self.call.is_over) or self.is_stopping:
            self._respond(invite, source, "486 Busy Here", now)
            self._note("second_call", now)
            return
        number = self._calls + 1
        try:
            call = IncomingCall(
                number, self.account, self.wire, self.speech, self._note, invite, source
            )
        except PeerError:
            self._respond(invite, source, "400 Bad Contact", now)
            return
        self._calls, self.call = number, call
        call.ring(now)
        if call.is_over:
            return
        if self.mode in REFUSALS:
            call.refuse(REFUSALS[self.mode], now)
        elif self.mode == "auto":
            call.deadline = now + self._after_ms / 1000
            call.tick(now)

    def _take_cancel(self, cancel: Message, source: Address, now: float) -> None:
        call = self.call
        branch, where, _ = server_key(cancel)
        invite = (branch, where, "INVITE")
        if isinstance(call, IncomingCall) and server_key(call.invite) == invite:
            call.cancelled(cancel, source, now)
        else:
            self._respond(cancel, source, "481 Call Does Not Exist", now)

    def _respond(self, request: Message, source: Address, status: str, now: float) -> None:
        answer = registration.response(request, status, secrets.token_hex(4), (ALLOW, AGENT))
        self.wire.respond(request, source, answer, now)

    def _note(self, kind: str, now: float, **details: Any) -> None:
        self._on_event(Event(kind, now, details))


# ---- conversation ------------------------------------------------------------------------------
# The tool's end of the control socket: replies by their number, events in their order.

PATIENCE = 5.0
"""Seconds a running phone may take for a reply."""


class PhoneTimeout(PeerError, TimeoutError):  # noqa: N818 - it is called what it is
    """Raised when an event did not come in time; the sentence lists those that came."""


class Conversation:
    """Reads and writes JSON lines on a socket; nothing is polled, everything has a time limit."""

    def __init__(self, name: str, connection: socket.socket) -> None:
        self.events: list[Event] = []
        self._name = name
        self._socket = connection
        self._unread = bytearray()
        self._given: Counter[str] = Counter()
        self._replies: dict[int, dict[str, Any]] = {}
        self._asked = 0

    def wait_event(self, kind: str, timeout: float, details: dict[str, Any]) -> Event:
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
        self._socket.settimeout(PATIENCE)
        try:
            self._socket.sendall(encode({"id": self._asked, "do": do, **given}))
        except OSError as error:
            raise PeerError(f"{self._name} has ended: {error}") from error
        deadline = time.monotonic() + PATIENCE
        while self._asked not in self._replies:
            if not self._pump(deadline):
                raise PhoneTimeout(f"{self._name}: no reply to {do} within {PATIENCE} s")
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
            data = self._socket.recv(CHUNK)
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
                self.events.append(Event(kind, at, message))
            else:
                self._replies[message["id"]] = message


# ---- client ------------------------------------------------------------------------------------
# TestPhone: a phone process to hold in a `with` block; one thread each, nothing is polled.


class TestPhone:
    """Starts a phone process and speaks to it over a socket pair.

    Every command returns when the phone has done it; `events` and `wait_event` give what happened
    with monotonic seconds of this machine. Not to be shared between threads.
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
    ) -> None:
        self.name = name
        self._arguments = [f"--name={name}", f"--server={server}", f"--user={user or name}"]
        self._arguments += [f"--secret={secret}", f"--listen={listen}", f"--codec={codec}"]
        self._arguments += [f"--language={language}"]
        self._arguments += ["--verbose"] * is_verbose + ["--no-register"] * (not registers)
        self._process: subprocess.Popen[bytes] | None = None
        self._conversation: Conversation | None = None
        self._past: list[Event] = []

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
            self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()])
        self._conversation = Conversation(self.name, ours)
        self.wait_event("on", 10.0)
        return self

    def stop(self) -> None:
        """Hang up, take the registration back and end the process; twice does no harm."""
        if self._conversation is None or self._process is None:
            return
        try:
            self._ask("stop")
            self._process.wait(PATIENCE)
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
    def events(self) -> list[Event]:
        """Everything that has happened so far, oldest first."""
        if self._conversation is None:
            return list(self._past)
        self._ask("state")  # what happened before the reply stands before it
        return list(self._conversation.events)

    def wait_event(self, kind: str, timeout: float = 5.0, **details: Any) -> Event:
        """Return the next event of a kind (and of these details) not returned before.

        Raises PhoneTimeout after `timeout` seconds, PeerError when the process has ended.
        """
        if self._conversation is None:
            raise OfficeError(f"{self.name} is not started")
        return self._conversation.wait_event(kind, timeout, details)

    def wait_registered(self, timeout: float = 5.0) -> Event:
        """Wait until the registrar has accepted the phone."""
        return self.wait_event("registered", timeout)

    def answer_mode(self, mode: str, after_ms: int = 0) -> None:
        """Meet incoming calls by "auto" (after a time), "manual", "never", "decline", "busy",
        "silent" (reads, never answers) or "off" (sockets closed)."""
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
        sound = _sound(what)
        data = base64.b64encode(sound.data).decode()
        self._ask("say", law=str(sound.law), data=data, repeat=repeat)

    def be_silent(self) -> None:
        """Say nothing from now on."""
        self._ask("be_silent")

    def received(self) -> Heard:
        """Return everything heard since the call was answered; it stays after its end."""
        reply = self._ask("received")
        data = base64.b64decode(reply.pop("data"))
        return Heard(data=data, **reply)

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


def _sound(what: str | Path | bytes) -> wav.Sound:
    contents = what if isinstance(what, bytes) else Path(what).read_bytes()
    if contents[:4] == b"RIFF":
        return wav.parse(contents)
    if isinstance(what, bytes):
        return wav.Sound(contents, PCMU.law)
    raise OfficeError(f"{what} is not a WAV file")


# ---- process -----------------------------------------------------------------------------------
# The phone's process: one thread, its sockets, absolute deadlines, real time where allowed.

PRIORITY = 25
"""SCHED_FIFO: above the carrier's, so that the measure is steadier than what it measures."""
MCL_CURRENT_AND_FUTURE = 3
BURST = 32
"""Datagrams read from one socket before the clock is looked at again."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says; `account` still without its ports."""

    account: Account
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


def bound(address: Address) -> socket.socket:
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


def even_port(host: str) -> socket.socket:
    """Return a UDP socket on an even port, as RTP is used to have (RFC 3550 section 11)."""
    while True:
        opened = bound((host, 0))
        if opened.getsockname()[1] % 2 == 0:
            return opened
        opened.close()


class Process:
    """Joins the pure phone to the world; `run` returns when the phone was stopped."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._selector = selectors.SelectSelector()  # microseconds, where epoll knows ms
        self._sip = bound(options.account.local)
        self._rtp = even_port(options.account.local[0])
        self._is_open = False
        account = replace(
            options.account, local=self._sip.getsockname(), rtp=self._rtp.getsockname()
        )
        self._phone = Phone(account, options.registers, self._publish)
        obey = functools.partial(control.obey, self._phone)
        self._control = Control(options.control, self._selector, obey)
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

    def _stream(self) -> Stream | None:
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
            self._sip, self._rtp = bound(account.local), bound(account.rtp)
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
        for _ in range(BURST):
            try:
                data, source = self._sip.recvfrom(65535)
            except OSError:
                return
            self._phone.receive(data, source, now)

    def _read_rtp(self, _mask: int, _now: float) -> None:
        for _ in range(BURST):
            try:
                data, source = self._rtp.recvfrom(4096)
            except OSError:
                return
            call = self._phone.call
            if call is not None and not call.is_over:
                call.sound.hear(data, source, time.monotonic())

    def _publish(self, event: Event) -> None:
        self._control.publish(event)
        if self._options.is_verbose:
            line = control.sentence(self._options.account.name, event, self._options.language)
            if line:
                sys.stdout.write(line + "\n")
                sys.stdout.flush()
