"""The desk's front door: a UNIX socket on which commands and the console ask and are answered.

One JSON object a line each way: {"ask": "status"}, or {"ask": "SetUnattended", "on": true,
"by": "op1", "until": null}. Everything asked is validated by the desk; a wrong question gets one
sentence. {"ask": "watch"} is answered again whenever what people see has changed. Served by the
deciding thread without ever blocking it: what the disk must answer is written later, by the
thread that waits for the disk; an answer that its reader has no room for waits here, within a
bound. Whoever comes from the console asks as a person, whom the gate must know.
"""

from __future__ import annotations

import contextlib
import functools
import json
import selectors
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol

from appliance.daemon.asked import Answer as Answer  # where most rooms look for it
from appliance.daemon.asked import moment as moment
from appliance.daemon.asked import parse_request as parse_request
from appliance.daemon.asked import read_question
from appliance.daemon.asked import refusal as refusal
from appliance.daemon.errands import Errands
from appliance.daemon.visit import ANSWER_LIMIT, Visit, is_of_console
from appliance.daemon.watching import Watching, told
from appliance.errors import Bug, CentralinoError, OfficeError
from appliance.policy.supervision import why_not
from appliance.policy.text import Refused, SaidError, Words
from appliance.workers import one_job

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
            if not visit.is_reading or not told(visit.socket, first):
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
    answer = {"ok": True, **told} if isinstance(told, dict) else refusal(told)
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
