"""Clients of a running exchange: control connection, the command `call`, a child process."""

from __future__ import annotations

import base64
import json
import os
import socket
import struct
import subprocess
import sys
import time
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from appliance.dsp import g711, wav
from appliance.errors import CentralinoError, ConfigurationError, PeerError, TechnicianError
from appliance.simulator.exchange.call import CallPlan, CallReport
from appliance.simulator.exchange.service import (
    control_address,
    decode_message,
    encode_message,
    sound_of,
    text_of,
)
from appliance.text import Words, _, stored

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from types import TracebackType

    from appliance.simulator.exchange.service import Message


# ---- client ------------------------------------------------------------------------------------
# Client of a running exchange: places calls, reads figures, turns knobs.
#
# Files are read and written here, never in the exchange's real-time process.

CHUNK = 24_000
# Seconds within which the exchange must answer anything.
ANSWER_LIMIT = 10.0

CALL_LIMIT = 600.0
ENDED: Final = _("the exchange has ended: start it again")
# Seconds a released call is followed until the host frees the line.
HELD_LIMIT = 90.0

_FIELDS = {field.name for field in fields(CallReport)}


def read_clip(path: Path) -> bytes:
    """Give a WAV file as mu-law, unchanged when it is mu-law already.

    Raises WavError when it is not mono at 8 kHz, OSError when it cannot be read.
    """
    sound = wav.read(path)
    if sound.law == "ulaw":
        return sound.data
    return g711.linear_to_ulaw(g711.decode(sound.data, sound.law))


def ulaw_wav(data: bytes) -> bytes:
    """Build a mu-law WAV file: format 7, 8 kHz, mono, the bytes as they are."""
    form = struct.pack("<4sIHHIIHHH", b"fmt ", 18, 7, 1, 8000, 8000, 1, 8, 0)
    fact = struct.pack("<4sII", b"fact", 4, len(data))
    body = form + fact + struct.pack("<4sI", b"data", len(data)) + data + b"\0" * (len(data) % 2)
    return struct.pack("<4sI4s", b"RIFF", 4 + len(body), b"WAVE") + body


class ControlConnection:
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
                _(
                    "no exchange answers in {directory}: start `centralino dev exchange` there",
                    directory=directory,
                )
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
        self._sock.sendall(encode_message(message))

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
                raise PeerError(ENDED)
            self._inward += data
        line, self._inward = self._inward.split(b"\n", 1)
        message = decode_message(line)
        if message.get("event") == "error":
            raise ConfigurationError(_refusal(message))
        return message

    def ask(self, message: Message) -> Message:
        """Send one message and give the next that comes back."""
        self.send(message)
        return self.receive()


def _refusal(message: Message) -> Words | str:
    """Return what the exchange says, in every language where it has it so."""
    words = message.get("words")
    return stored(words) if isinstance(words, dict) else text_of(message, "sentence")


class RunningCall:
    """A call under way: `events` told so far, mu-law `heard` so far, the latest `report`."""

    def __init__(self, connection: ControlConnection) -> None:
        self._connection = connection
        self.events: list[Message] = []
        self.heard = bytearray()
        self.report = CallReport()
        self.over = False

    def say(self, sound: bytes) -> None:
        """Say mu-law bytes after what is still being said."""
        for piece in _clip_pieces(sound):
            self._connection.send({"do": "say", "data": _base64_text(piece)})

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
            self.heard += sound_of(message)
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


def _base64_text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _clip_pieces(sound: bytes) -> Iterator[bytes]:
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
    connection = ControlConnection(directory)
    try:
        for clip in plan.clips:
            for index, piece in enumerate(_clip_pieces(clip)):
                connection.send({"do": "clip", "data": _base64_text(piece), "new": index == 0})
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


def ask_status(directory: Path) -> Message:
    """Give the exchange's figures, see `service.Exchange.status`."""
    with ControlConnection(directory) as connection:
        answer = connection.ask({"do": "status"})["status"]
    assert isinstance(answer, dict)
    return answer


def set_line(directory: Path, line: int, **knobs: object) -> None:
    """Turn knobs of one line (`outlet.KNOBS`); raises ConfigurationError for what is unknown."""
    with ControlConnection(directory) as connection:
        connection.ask({"do": "set", "line": line, "knobs": knobs})


# ---- process -----------------------------------------------------------------------------------

START_LIMIT = 15.0
STOP_LIMIT = 10.0


class ExchangeProcess:
    """Process of `python -m appliance.simulator.exchange`: ready when entered, stopped when left.

    After leaving, `report` is its final report and `exit_code` 1 when a backlog exceeded 300 ms.
    One that `is_apart` is not told what a terminal tells all of its programmes (Ctrl-C, SIGHUP).
    """

    def __init__(
        self,
        directory: Path,
        lines: int = 2,
        options: Sequence[str] = (),
        *,
        is_apart: bool = False,
    ) -> None:
        self.directory = directory
        self._group = 0 if is_apart else None
        self.report: dict[str, object] = {}
        self.exit_code: int | None = None
        self._child: subprocess.Popen[str] | None = None
        self._command = [
            sys.executable,
            "-m",
            "appliance.simulator.exchange",
            "--lines",
            str(lines),
        ]
        self._command += ["--directory", str(directory), *options]

    def __enter__(self) -> Self:
        """Start the child and wait until it answers; raises PeerError when it does not."""
        self._child = subprocess.Popen(
            self._command, stdout=subprocess.PIPE, text=True, process_group=self._group
        )
        deadline = time.monotonic() + START_LIMIT
        while True:
            try:
                ask_status(self.directory)
            except (CentralinoError, OSError) as error:
                if self._child.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    raise PeerError("the exchange did not start: see its own words") from error
            else:
                return self
            self._wait_a_little(self._child)

    @staticmethod
    def _wait_a_little(child: subprocess.Popen[str]) -> None:
        try:
            child.wait(0.02)
        except subprocess.TimeoutExpired:
            return

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Stop the child."""
        self.stop()

    @property
    def pid(self) -> int:
        """The child's process number."""
        assert self._child is not None
        return self._child.pid

    def line(self, number: int) -> Path:
        """Give the path of a line's port."""
        return self.directory / f"line{number}"

    def stop(self) -> dict[str, object]:
        """End the child with SIGTERM and give its final report."""
        child, self._child = self._child, None
        if child is None:
            return self.report
        child.terminate()
        try:
            printed, _ = child.communicate(timeout=STOP_LIMIT)
        except subprocess.TimeoutExpired:
            child.kill()
            printed, _ = child.communicate()
        self.exit_code = child.returncode
        last = printed.strip().splitlines()[-1:] or ["{}"]
        self.report = json.loads(last[0])
        return self.report
