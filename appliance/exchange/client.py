"""Talks to a running exchange: places calls, asks for figures, turns knobs.

Files are read and written here, never in the exchange's real-time process.
"""

from __future__ import annotations

import base64
import os
import socket
import struct
import time
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Self

from appliance.dsp import g711, wav
from appliance.errors import CentralinoError, ConfigurationError, PeerError, TechnicianError
from appliance.exchange import control
from appliance.exchange.call import CallPlan, CallReport
from appliance.exchange.premises import control_address

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from types import TracebackType

    from appliance.exchange.control import Message

CHUNK = 24_000
ANSWER_LIMIT = 10.0
"""Seconds within which the exchange must answer anything."""

CALL_LIMIT = 600.0
HELD_LIMIT = 90.0
"""Seconds a released call is followed until the host frees the line."""

_FIELDS = {field.name for field in fields(CallReport)}


def read_clip(path: Path) -> bytes:
    """Give a WAV file as mu-law, unchanged when it is mu-law already.

    Raises TechnicianError when it is not mono at 8 kHz or cannot be read.
    """
    try:
        sound = wav.read(path)
    except OSError as error:
        raise TechnicianError(f"{path} cannot be read: {error.strerror}") from error
    if sound.law == "ulaw":
        return sound.data
    return g711.linear_to_ulaw(g711.decode(sound.data, sound.law))


def ulaw_wav(data: bytes) -> bytes:
    """Build a mu-law WAV file: format 7, 8 kHz, mono, the bytes as they are."""
    form = struct.pack("<4sIHHIIHHH", b"fmt ", 18, 7, 1, 8000, 8000, 1, 8, 0)
    fact = struct.pack("<4sII", b"fact", 4, len(data))
    body = form + fact + struct.pack("<4sI", b"data", len(data)) + data + b"\0" * (len(data) % 2)
    return struct.pack("<4sI4s", b"RIFF", 4 + len(body), b"WAVE") + body


class Connection:
    """A line of messages to and from DIR/control; raises TechnicianError when nobody answers."""

    def __init__(self, directory: Path) -> None:
        self._inward = b""
        self._sock = socket.socket(socket.AF_UNIX)
        self._sock.settimeout(ANSWER_LIMIT)
        try:
            descriptor = os.open(directory, os.O_PATH)
            try:
                self._sock.connect(control_address(descriptor))
            finally:
                os.close(descriptor)
        except OSError as error:
            self._sock.close()
            raise TechnicianError(
                f"no exchange answers in {directory}: start `centralino exchange` there"
            ) from error

    def __enter__(self) -> Self:
        """Give the connection itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Close it; a call on it is hung up."""
        self.close()

    def close(self) -> None:
        """Close the connection; the caller of a running call hangs up."""
        self._sock.close()

    def send(self, message: Message) -> None:
        """Send one message."""
        self._sock.sendall(control.encode(message))

    def receive(self, limit: float = ANSWER_LIMIT) -> Message:
        """Give the next message within limit seconds.

        Raises TimeoutError, PeerError when the exchange is gone, ConfigurationError when it
        refused what was asked.
        """
        deadline = time.monotonic() + limit
        while b"\n" not in self._inward:
            self._sock.settimeout(max(deadline - time.monotonic(), 0.001))
            data = self._sock.recv(65_536)
            if not data:
                raise PeerError("the exchange has ended: start it again")
            self._inward += data
        line, self._inward = self._inward.split(b"\n", 1)
        message = control.decode(line)
        if message.get("event") == "error":
            raise ConfigurationError(control.text_of(message, "sentence"))
        return message

    def ask(self, message: Message) -> Message:
        """Send one message and give the next that comes back."""
        self.send(message)
        return self.receive()


class RunningCall:
    """A call under way: `events` told so far, mu-law `heard` so far, the latest `report`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.events: list[Message] = []
        self.heard = bytearray()
        self.report = CallReport()
        self.over = False

    def say(self, sound: bytes) -> None:
        """Say mu-law bytes after what is still being said."""
        for piece in _pieces(sound):
            self._connection.send({"do": "say", "data": _text(piece)})

    def press(self, digits: str) -> None:
        """Press keys."""
        self._connection.send({"do": "press", "digits": digits})

    def hang_up(self) -> None:
        """Hang up now, in the way the plan says."""
        self._connection.send({"do": "hang-up"})

    def wait_for(self, event: str, limit: float = CALL_LIMIT) -> Message:
        """Give the event (`ringing answered released ended`), waiting limit seconds at most.

        Raises TimeoutError; PeerError when the call ended without it.
        """
        deadline = time.monotonic() + limit
        while True:
            for known in self.events:
                if known["event"] == event:
                    return known
            if self.over:
                raise PeerError(f"the call ended ({self.report.ended_by}) without {event!r}")
            self._take(self._connection.receive(max(deadline - time.monotonic(), 0)))

    def _take(self, message: Message) -> None:
        if message["event"] == "heard":
            self.heard += control.sound_of(message)
            return
        self.events.append(message)
        self.over = message["event"] == "ended"
        report = message.get("report")
        if isinstance(report, dict):
            self.report = CallReport(**{key: report[key] for key in report if key in _FIELDS})

    def wait(self, limit: float = CALL_LIMIT) -> CallReport:
        """Give the report once the call is over and the line is free; raises TimeoutError."""
        self.wait_for("ended", limit)
        return self.report

    def close(self) -> None:
        """Leave the call; the caller hangs up."""
        self._connection.close()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _pieces(sound: bytes) -> Iterator[bytes]:
    return (sound[at : at + CHUNK] for at in range(0, len(sound), CHUNK))


def start_call(directory: Path, line: int, plan: CallPlan | None = None) -> RunningCall:
    """Place a call by a plan and give it while it runs; the caller closes it.

    Raises TechnicianError when no exchange answers, ConfigurationError for a plan it refuses.
    """
    plan = plan or CallPlan()
    message = {name: value for name, value in asdict(plan).items() if name != "clips"}
    for stamp, unset in (("date", "0101"), ("time", "0000")):
        if message[stamp] == unset:
            del message[stamp]
    connection = Connection(directory)
    try:
        for clip in plan.clips:
            for index, piece in enumerate(_pieces(clip)):
                connection.send({"do": "clip", "data": _text(piece), "new": index == 0})
        connection.ask({"do": "call", "line": line, **message})
    except (OSError, CentralinoError):
        connection.close()
        raise
    return RunningCall(connection)


def place_call(
    directory: Path,
    line: int,
    plan: CallPlan | None = None,
    *,
    say: Iterable[Path] = (),
    listen: Path | None = None,
    limit: float = CALL_LIMIT,
) -> CallReport:
    """Place a call, wait until it is over, write what was heard to `listen` as a mu-law WAV.

    A host that holds the line longer than HELD_LIMIT leaves `line_freed_after_s` None.
    Raises TechnicianError, ConfigurationError, TimeoutError when nothing ended it at all.
    """
    clips = tuple(read_clip(path) for path in say)
    base = plan or CallPlan()
    values = {field.name: getattr(base, field.name) for field in fields(base)}
    call = start_call(directory, line, CallPlan(**{**values, "clips": base.clips + clips}))
    try:
        report = _until_over(call, limit)
    finally:
        call.close()
    if listen is not None:
        listen.write_bytes(ulaw_wav(bytes(call.heard)))
        report.path = str(listen)
    return report


def _until_over(call: RunningCall, limit: float) -> CallReport:
    call.wait_for("released", limit)
    try:
        return call.wait(HELD_LIMIT)
    except TimeoutError:
        return call.report


def status(directory: Path) -> Message:
    """Give the exchange's figures, see `service.Exchange.status`."""
    with Connection(directory) as connection:
        answer = connection.ask({"do": "status"})["status"]
    assert isinstance(answer, dict)
    return answer


def set_line(directory: Path, line: int, **knobs: object) -> None:
    """Turn knobs of one line (`knobs.KNOBS`); raises ConfigurationError for what is unknown."""
    with Connection(directory) as connection:
        connection.ask({"do": "set", "line": line, "knobs": knobs})
