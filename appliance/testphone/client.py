"""TestPhone: a phone process to hold in a `with` block; one thread each, nothing is polled."""

from __future__ import annotations

import base64
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from appliance.dsp import wav
from appliance.errors import OfficeError, PeerError
from appliance.testphone.conversation import PATIENCE, Conversation
from appliance.testphone.laws import PCMU
from appliance.testphone.phone import Event
from appliance.testphone.recorder import Heard

if TYPE_CHECKING:
    from types import TracebackType


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
        command = [sys.executable, "-m", "appliance.testphone", *self._arguments]
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
