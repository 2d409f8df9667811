"""The control socket: sessions, requests, deferred replies, chunked transfer."""

from __future__ import annotations

import base64
import binascii
import contextlib
import functools
import json
import os
import selectors
import socket
import sqlite3
import time
import typing
from collections.abc import Callable, Hashable
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Protocol

from appliance.calls import commands
from appliance.errors import Bug, CentralinoError, OfficeError
from appliance.media.link import peer_of
from appliance.policy.supervision import why_not
from appliance.policy.text import Refused, SaidError, Words
from appliance.service.loop import Errands
from appliance.workers import one_job

# ---- asked -------------------------------------------------------------------------------------
# How a question at the door is read, and how a refusal is written.

YEARS = (2000, 9000)
"""Times that can be asked for."""
REQUESTS: dict[str, type] = {cls.__name__: cls for cls in typing.get_args(commands.Request)}

FAULT: Final = Words(
    "Operazione non riuscita per un errore del programma; il servizio prosegue. Controllare lo "
    "stato prima di riprovare; se si ripete, avvisare il tecnico.",
    "a fault in the programme kept this from being done; the service goes on: look at the state "
    "before trying again, and tell the technician if it happens again",
)

Answer = dict[str, Any]


def parse_request(question: dict[str, Any]) -> commands.Request:
    """Read a request of calls.requests; raises OfficeError with what is wrong in it."""
    name = question.get("ask")
    cls = REQUESTS.get(str(name))
    if cls is None:
        raise OfficeError(f"{name!r} cannot be asked; known are status, {', '.join(REQUESTS)}")
    try:
        until = question.get("until")
        lasts = {"lasts": _boolean(question["lasts"])} if "lasts" in question else {}
        return typing.cast(
            commands.Request,
            cls(
                on=_boolean(question["on"]),
                by=str(question["by"])[:64],
                until=moment(until) if until else None,
                **lasts,
            ),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise OfficeError(
            f"{name}: on, by and until (ISO time or null) are needed: {error}"
        ) from error


def moment(text: str) -> datetime:
    """Read an ISO time; raises ValueError for one without offset, TypeError for no text.

    Years at either end of the calendar have no local time everywhere (OverflowError).
    """
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a time needs its offset, e.g. 2026-11-25T13:00:00+01:00")
    if not YEARS[0] <= at.year <= YEARS[1]:
        raise ValueError(f"the year {at.year} is none to wait for")
    return at


def read_question(line: bytes) -> dict[str, Any]:
    """Read a line; raises OfficeError for what is no question, or holds no text that can be kept.

    JSON can spell half a character ("\\ud800"), which no file and no database takes.
    """
    try:
        question = json.loads(line)
        json.dumps(question, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise OfficeError(f"a question is one JSON object a line ({error})") from error
    if not isinstance(question, dict):
        raise OfficeError("a question is one JSON object a line")
    return question


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError("on is true or false")
    return value


def refusal_of(error: Exception) -> Answer:
    """Write a refusal; what is said in both languages is told apart, for who shows it."""
    words = FAULT if isinstance(error, Bug) else getattr(error, "words", None)
    said = {"said": {"it": words.it, "en": words.en}} if isinstance(words, Words) else {}
    return {"ok": False, "error": str(error), **said}


# ---- parts -------------------------------------------------------------------------------------
# What is longer than a question or an answer at the door, in parts that follow one another.

PART: Final = 48_000
"""Bytes in one answer: a third of what a socket takes at once, as base64."""
MOST: Final = 2
"""Things that go out, or come in, at once; one more ends the oldest."""


class Outgoing:
    """Things that are fetched: made at the first part, forgotten after the last."""

    def __init__(self) -> None:
        self._made: dict[Hashable, bytes] = {}

    def part(self, key: Hashable, begin: int, make: Callable[[], bytes]) -> Answer:
        """Return the part of a thing from its byte `begin`; raises OfficeError, what `make` does.

        In one thread alone.
        """
        if begin == 0:
            self._keep(key, make())
        data = self._made.get(key)
        if data is None or begin > len(data):
            raise OfficeError("that part follows nothing: fetch it from its beginning")
        end = begin + PART
        if end >= len(data):
            del self._made[key]
        encoded = base64.b64encode(data[begin:end]).decode()
        return {"size": len(data), "data": encoded, "last": end >= len(data)}

    def _keep(self, key: Hashable, data: bytes) -> None:
        self._made.pop(key, None)
        while len(self._made) >= MOST:
            del self._made[next(iter(self._made))]
        self._made[key] = data


class Incoming:
    """Things that come, one a user, of at most `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._coming: dict[str, bytearray] = {}

    def take(self, by: str, question: dict[str, Any]) -> Answer:
        """Take one part, which follows the one before; raises OfficeError."""
        begin, data = question.get("at"), _data(question)
        if begin == 0:
            self._begin(by)
        coming = self._coming.get(by)
        if coming is None or len(coming) != begin:
            raise OfficeError("this part follows nothing that has come: send it from its beginning")
        if len(coming) + len(data) > self._limit:
            del self._coming[by]
            raise OfficeError(f"it is longer than {self._limit} bytes")
        coming += data
        return {"taken": len(coming)}

    def collect(self, by: str) -> bytes:
        """Return what has come of somebody and forget it; raises OfficeError for nothing."""
        coming = self._coming.pop(by, None)
        if not coming:
            raise OfficeError("nothing has come that could be attached: send it first")
        return bytes(coming)

    def _begin(self, by: str) -> None:
        self._coming.pop(by, None)
        while len(self._coming) >= MOST:
            del self._coming[next(iter(self._coming))]
        self._coming[by] = bytearray()


def _data(question: dict[str, Any]) -> bytes:
    try:
        return base64.b64decode(str(question.get("data", "")), validate=True)
    except (binascii.Error, ValueError) as error:
        raise OfficeError(f"data is base64 ({error})") from error


# ---- refusing ----------------------------------------------------------------------------------
# A job of the records' thread whose trouble with the machine is a refusal, told to who asked.


def refusing(
    job: Callable[[sqlite3.Connection], Answer],
) -> Callable[[sqlite3.Connection], Answer]:
    """Return the job, raising Refused where the machine says no."""

    def done(connection: sqlite3.Connection) -> Answer:
        try:
            return job(connection)
        except OSError as error:
            why = why_not(error)
            raise Refused(f"non è possibile: {why.it}", f"it cannot be done: {why.en}") from error

    return done


# ---- visit -------------------------------------------------------------------------------------
# One visitor at the desk's door: what was heard of a line so far, what has yet to be read.
#
# Never waits: what does not fit into the socket is kept here, within a bound, until there is room.

ANSWER_LIMIT: Final = 4_000_000
"""Longest answer, in bytes: what a console reads of one line (console/desk_client.py)."""
UNREAD_LIMIT: Final = 2 * ANSWER_LIMIT
"""Who leaves more than so many bytes of answers unread is let go."""
STALLED_S: Final = 10.0
"""Who reads nothing of a waiting answer for so long makes room for somebody else."""
CONSOLE_UNIT: Final = "/centralino-console.service"


class Visit:
    """A visitor's socket, with both directions' beginnings; the deciding thread's own."""

    def __init__(self, visitor: socket.socket) -> None:
        self.socket = visitor
        self._heard = b""
        self._unsent = bytearray()
        self._moved_at = 0.0

    @property
    def is_reading(self) -> bool:
        """Tell whether all answers are out: who has yet to read one is asked nothing more."""
        return not self._unsent

    def hear(self, limit: int) -> list[bytes] | None:
        """Return the whole lines that have come; None for who has left, or says too long a one."""
        try:
            data = self.socket.recv(limit)
        except BlockingIOError:
            return []
        except OSError:
            return None
        *lines, self._heard = (self._heard + data).split(b"\n")
        return lines if data and len(self._heard) <= limit else None

    def tell(self, line: bytes) -> bool:
        """Send a line, or keep what does not fit; False for a visitor who has to go."""
        if not self._unsent:
            self._moved_at = time.monotonic()
        self._unsent += line
        return len(self._unsent) <= UNREAD_LIMIT and self.go_on()

    def go_on(self) -> bool:
        """Send as much as fits; False for a visitor who has left."""
        try:
            while self._unsent:
                del self._unsent[: self.socket.send(self._unsent)]
                self._moved_at = time.monotonic()
        except BlockingIOError:
            return True
        except OSError:
            return False
        return True

    def has_stalled(self) -> bool:
        """Tell whether an answer has waited for too long to be read."""
        return bool(self._unsent) and time.monotonic() - self._moved_at > STALLED_S


def is_of_console(visitor: socket.socket) -> bool:
    """Tell whether a visitor asks for persons, who must be named: the console, and all but the
    desk's own account and the administrator.

    A process of the console's unit is known by it, whose account it may have: it cannot leave its
    own (cgroups(7)). Whoever has ended meanwhile is taken for one: nothing is done for somebody
    unknown.
    """
    peer = peer_of(visitor)
    if peer.account not in {0, os.geteuid()}:
        return True
    try:
        return CONSOLE_UNIT in Path(f"/proc/{peer.process}/cgroup").read_text(encoding="utf-8")
    except OSError:
        return True


# ---- watching ----------------------------------------------------------------------------------
# Visitors at the door who are told of every change: when to tell them, and who does not read.
#
# The line is rendered once for all of them, and only when something has changed: changes within
# GAP_S are told together. Sending never waits; whoever leaves so much unread that no more fits is
# let go.

GAP_S: Final = 0.05
"""Changes are told at most so often."""
HEARTBEAT_S: Final = 10.0
"""Told anew so often when nothing changes: silence for longer means that the desk is gone."""
WATCHERS: Final = 4
"""Visitors who watch at once: the console is one, the others are for a person with a terminal."""


class Watching:
    """`render` makes the answer that watchers are told. The deciding thread's own; never waits."""

    def __init__(self, render: Callable[[], dict[str, Any]]) -> None:
        self._render = render
        self._visitors: list[socket.socket] = []
        self._told_at = 0.0
        self._changed = False

    def join(self, visitor: socket.socket) -> bytes:
        """Tell a visitor everything from now on; returns the first line for it.

        Raises OfficeError when enough are watching.
        """
        if len(self._visitors) >= WATCHERS:
            raise OfficeError(f"{WATCHERS} are watching already: ask for the status instead")
        line = self._line()
        if visitor not in self._visitors:
            self._visitors.append(visitor)
        return line

    def forget(self, visitor: socket.socket) -> None:
        """Tell a visitor nothing more; one that does not watch is none of ours."""
        if visitor in self._visitors:
            self._visitors.remove(visitor)

    def has(self, visitor: socket.socket) -> bool:
        """Tell whether a visitor watches."""
        return visitor in self._visitors

    def changed(self) -> None:
        """Note that what people see has changed; it is told when `due` is next asked."""
        self._changed = True

    def next_deadline(self) -> float | None:
        """Return the monotonic second at which `due` has something to tell, None for never."""
        if not self._visitors:
            return None
        return self._told_at + (GAP_S if self._changed else HEARTBEAT_S)

    def due(self, now: float) -> tuple[socket.socket, ...]:
        """Tell what is due at `now` (monotonic s); returns the visitors that do not read."""
        at = self.next_deadline()
        if at is None or now < at:
            return ()
        self._told_at, self._changed = now, False
        line = self._line()
        return tuple(visitor for visitor in self._visitors if not told_to_watchers(visitor, line))

    def _line(self) -> bytes:
        return json.dumps({"ok": True, **self._render()}).encode() + b"\n"


def told_to_watchers(visitor: socket.socket, line: bytes) -> bool:
    """Send a whole line without waiting; False where it does not fit, or the visitor has left."""
    try:
        return visitor.send(line) == len(line)
    except OSError:
        return False


# ---- door --------------------------------------------------------------------------------------
# The desk's front door: a UNIX socket on which commands and the console ask and are answered.
#
# One JSON object a line each way: {"ask": "status"}, or {"ask": "SetUnattended", "on": true, "by":
# "op1", "until": null}. Everything asked is validated by the desk; a wrong question gets one
# sentence. {"ask": "watch"} is answered again whenever what people see has changed. Served by the
# deciding thread without ever blocking it: what the disk must answer is written later, by the
# thread that waits for the disk; an answer that its reader has no room for waits here, within a
# bound. Whoever comes from the console asks as a person, whom the gate must know.

LINE_LIMIT = 16_384
"""Longest question; a longer one ends the connection."""
WATCH = "watch"
PERSON: Final = "person"
"""Field in which the console says who is logged in, "" for nobody; the box's shell has none."""
TOO_MUCH: Final = Words(
    "La risposta è troppo lunga: restringere la domanda.",
    "the answer is too long: ask for less at once",
)
NOBODY_LISTENS: Final = (FileNotFoundError, ConnectionRefusedError)
VISITORS = 16
"""Connections served at once; one more is turned away."""


HUNG_UP: Final = {
    "ok": False,
    "error": "the desk hung up",
    "said": {"it": "il centralino ha chiuso senza rispondere: riprovare"},
}


class NotRunningError(SaidError):
    """Raised where nobody listens on the control socket."""


Tell = Callable[[Answer | CentralinoError], None]
"""Answers a visitor, from any thread; a visitor who has left hears nothing."""
Later = Callable[[Tell], None]
"""An answer that has to be waited for: it is given what to call with it."""


class Gate(Protocol):
    """Knows who may ask what; all of it the deciding thread's, but for `then` of `read_anew`."""

    def check(self, question: dict[str, Any], person: str) -> None:
        """Refuse what somebody may not ask; raises Refused."""

    def read_anew(self, then: Callable[[], None]) -> None:
        """Look again who there is, then call `then`, from any thread."""


class Door:
    """Listens on `path`; `answer` is called in the deciding thread with each question.

    `watching` are the visitors that asked to be told of changes: `tell_watchers` does so. Without
    it they are told that it is well, and no more. `gate` is asked about what the console asks.
    """

    def __init__(
        self,
        path: Path,
        selector: selectors.BaseSelector,
        answer: Callable[[dict[str, Any]], Answer | Later],
        watching: Watching | None = None,
        gate: Gate | None = None,
    ) -> None:
        self._selector = selector
        self._answer = answer
        self._watching = watching or Watching(dict)
        self._gate = gate
        self._visits: dict[socket.socket, Visit] = {}
        self._path = path
        self._socket = _listen(path)
        self._errands = Errands()
        selector.register(self._socket, selectors.EVENT_READ, self._arrive)
        selector.register(self._errands, selectors.EVENT_READ, self._errands.run)

    def close(self) -> None:
        """Stop listening and forget every visitor."""
        for visit in list(self._visits.values()):
            self._leave(visit)
        for registered in (self._socket, self._errands):
            self._selector.unregister(registered)
            registered.close()
        self._path.unlink(missing_ok=True)

    def tell_watchers(self, now: float) -> None:
        """Tell what has changed, where it is time (`now` in monotonic s); never waits."""
        for visitor in self._watching.due(now):
            self._leave(self._visits[visitor])

    def _arrive(self) -> None:
        with contextlib.suppress(BlockingIOError):
            visitor, _ = self._socket.accept()
            if len(self._visits) >= VISITORS:
                self._make_room()
            if len(self._visits) >= VISITORS:
                visitor.close()
                return
            visitor.setblocking(False)
            visit = self._visits[visitor] = Visit(visitor)
            self._selector.register(visitor, selectors.EVENT_READ, lambda: self._hear(visit))

    def _make_room(self) -> None:
        for visit in [each for each in self._visits.values() if each.has_stalled()]:
            self._leave(visit)

    def _hear(self, visit: Visit) -> None:
        lines = visit.hear(LINE_LIMIT)
        if lines is None:
            self._leave(visit)
            return
        for line in lines:
            self._reply(visit, line)
        self._errands.run()  # what was answered at once

    def _reply(self, visit: Visit, line: bytes) -> None:
        self._answer_or_refuse(visit, lambda: self._read(visit, line))

    def _read(self, visit: Visit, line: bytes) -> None:
        question = read_question(line)
        person = question.pop(PERSON, None)
        if person is not None or is_of_console(visit.socket):
            self._admit(visit, question, str(person or ""))
        else:
            self._let_ask(visit, question)

    def _answer_or_refuse(self, visit: Visit, job: Callable[[], None]) -> None:
        """Answer a question; whatever it fails with is told to who asked, and to nobody else."""
        try:
            with one_job(ValueError):
                job()
        except (CentralinoError, ValueError) as error:
            self._tell(visit, error)

    def _admit(self, visit: Visit, question: dict[str, Any], person: str) -> None:
        """Let the console ask for somebody; who is refused may have become a user just now."""
        gate = self._gate
        if gate is None:
            self._let_ask(visit, question)
            return
        try:
            gate.check(question, person)
        except Refused:
            again = functools.partial(self._admit_at_last, gate, visit, question, person)
            gate.read_anew(lambda: self._errands.leave(again))
            return
        self._let_ask(visit, question)

    def _admit_at_last(
        self, gate: Gate, visit: Visit, question: dict[str, Any], person: str
    ) -> None:
        def admit() -> None:
            gate.check(question, person)
            self._let_ask(visit, question)

        self._answer_or_refuse(visit, admit)

    def _let_ask(self, visit: Visit, question: dict[str, Any]) -> None:
        """Have a question answered, now or later; raises what the desk refuses it with."""
        if question.get("ask") == WATCH:
            first = self._watching.join(visit.socket)
            if not visit.is_reading or not told_to_watchers(visit.socket, first):
                self._leave(visit)
            return
        answer = self._answer(question)
        if isinstance(answer, dict):
            self._tell(visit, answer)
        else:
            answer(lambda told: self._tell(visit, told))

    def _tell(self, visit: Visit, told: Answer | Exception) -> None:
        """Answer, from any thread: it is written there, and sent by the deciding one."""
        line = _line(told)
        self._errands.leave(lambda: self._send(visit, line))

    def _send(self, visit: Visit, line: bytes) -> None:
        if visit.socket in self._visits:  # who has left hears nothing
            self._wait_for(visit, stays=visit.tell(line))

    def _wait_for(self, visit: Visit, *, stays: bool) -> None:
        """Wait until a visitor reads, or asks; a watcher who does not read is let go."""
        if not stays or not (visit.is_reading or not self._watching.has(visit.socket)):
            self._leave(visit)
        elif visit.is_reading:
            what = selectors.EVENT_READ
            self._selector.modify(visit.socket, what, lambda: self._hear(visit))
        else:
            what = selectors.EVENT_WRITE
            self._selector.modify(
                visit.socket, what, lambda: self._wait_for(visit, stays=visit.go_on())
            )

    def _leave(self, visit: Visit) -> None:
        if self._visits.pop(visit.socket, None) is not None:
            self._selector.unregister(visit.socket)
            self._watching.forget(visit.socket)
            visit.socket.close()


def _line(told: Answer | Exception) -> bytes:
    """Write an answer; what is too long for a reader is refused in a sentence."""
    answer = {"ok": True, **told} if isinstance(told, dict) else refusal_of(told)
    try:
        with one_job():
            line = json.dumps(answer).encode() + b"\n"
    except Bug as error:
        return _line(error)
    return line if len(line) <= ANSWER_LIMIT else _line(SaidError(TOO_MUCH))


def _listen(path: Path) -> socket.socket:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listening.bind(str(path))
    except OSError as error:
        raise Refused(
            f"il centralino non può ascoltare su {path}: {why_not(error).it}",
            f"the desk cannot listen on {path}: {error}",
        ) from error
    path.chmod(0o660)
    listening.listen(VISITORS)
    listening.setblocking(False)
    return listening


def ask(path: Path, question: dict[str, Any], limit: float = 5.0) -> Answer:
    """Ask the running desk one question; raises OfficeError when it refuses or is not there.

    A refusal that the desk has in both languages keeps them (SaidError).
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as visitor:
        visitor.settimeout(limit)
        try:
            visitor.connect(str(path))
            visitor.sendall(json.dumps(question).encode() + b"\n")
            with visitor.makefile("rb") as reader:
                line = reader.readline()
        except TimeoutError as error:
            raise Refused(
                f"il centralino non ha risposto entro {limit:g} s; la risposta arriverebbe "
                "troppo tardi: quanto richiesto può essere stato fatto, guardare con "
                "centralino status",
                f"the desk did not answer within {limit:g} s; its answer would come too late: what "
                "was asked may be done all the same, look with centralino status",
            ) from error
        except OSError as error:
            why = error.strerror or error
            kind = NotRunningError if isinstance(error, NOBODY_LISTENS) else SaidError
            raise kind(
                Words(
                    f"il centralino non risponde su {path}: avviarlo, o vedere con systemctl "
                    "status centralino perché non è in funzione",
                    f"the desk does not answer on {path} ({why}); is centralino running?",
                )
            ) from error
    answer: Answer = json.loads(line) if line else HUNG_UP
    if not answer.get("ok"):
        said = answer.get("said")
        if isinstance(said, dict) and isinstance(said.get("it"), str):
            raise SaidError(Words(said["it"], str(answer.get("error"))))
        raise OfficeError(str(answer.get("error")))
    return answer
