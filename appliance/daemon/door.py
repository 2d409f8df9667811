"""The desk's front door: a UNIX socket on which commands and the console ask and are answered.

One JSON object a line each way: {"ask": "status"}, or {"ask": "SetUnattended", "on": true,
"by": "op1", "until": null}. Everything asked is validated by the desk; a wrong question gets one
sentence. {"ask": "watch"} is answered again whenever what people see has changed. Served by the
deciding thread without ever blocking it: what the disk must answer is answered later, from the
thread that waits for the disk.
"""

from __future__ import annotations

import contextlib
import json
import selectors
import socket
import typing
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from appliance.calls import requests
from appliance.daemon.watching import Watching, told
from appliance.errors import CentralinoError, OfficeError, TechnicianError
from appliance.policy.words import Words

LINE_LIMIT = 16_384
"""Longest question; a longer one ends the connection."""
WATCH = "watch"
VISITORS = 16
"""Connections served at once; one more is turned away."""
YEARS = (2000, 9000)
"""Times that can be asked for."""
REQUESTS: dict[str, type] = {cls.__name__: cls for cls in typing.get_args(requests.Request)}

Answer = dict[str, Any]
Tell = Callable[[Answer | CentralinoError], None]
"""Answers a visitor, from any thread; a visitor who has left hears nothing."""
Later = Callable[[Tell], None]
"""An answer that has to be waited for: it is given what to call with it."""


def parse_request(question: dict[str, Any]) -> requests.Request:
    """Read a request of calls.requests; raises OfficeError with what is wrong in it."""
    name = question.get("ask")
    cls = REQUESTS.get(str(name))
    if cls is None:
        raise OfficeError(f"{name!r} cannot be asked; known are status, {', '.join(REQUESTS)}")
    try:
        until = question.get("until")
        return typing.cast(
            requests.Request,
            cls(
                on=_boolean(question["on"]),
                by=str(question["by"])[:64],
                until=moment(until) if until else None,
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


class Door:
    """Listens on `path`; `answer` is called in the deciding thread with each question.

    `watching` are the visitors that asked to be told of changes: `tell_watchers` does so. Without
    it they are told that it is well, and no more.
    """

    def __init__(
        self,
        path: Path,
        selector: selectors.BaseSelector,
        answer: Callable[[dict[str, Any]], Answer | Later],
        watching: Watching | None = None,
    ) -> None:
        self._selector = selector
        self._answer = answer
        self._watching = watching or Watching(dict)
        self._visitors: dict[socket.socket, bytes] = {}
        self._path = path
        self._socket = _listen(path)
        selector.register(self._socket, selectors.EVENT_READ, self._arrive)

    def close(self) -> None:
        """Stop listening and forget every visitor."""
        for visitor in list(self._visitors):
            self._leave(visitor)
        self._selector.unregister(self._socket)
        self._socket.close()
        self._path.unlink(missing_ok=True)

    def tell_watchers(self, now: float) -> None:
        """Tell what has changed, where it is time (`now` in monotonic s); never waits."""
        for visitor in self._watching.due(now):
            self._leave(visitor)

    def _arrive(self) -> None:
        with contextlib.suppress(BlockingIOError):
            visitor, _ = self._socket.accept()
            if len(self._visitors) >= VISITORS:
                visitor.close()
                return
            visitor.setblocking(False)
            self._visitors[visitor] = b""
            self._selector.register(visitor, selectors.EVENT_READ, lambda: self._hear(visitor))

    def _hear(self, visitor: socket.socket) -> None:
        try:
            data = visitor.recv(LINE_LIMIT)
        except OSError:
            data = b""
        buffer = self._visitors[visitor] + data
        if not data or len(buffer) > LINE_LIMIT:
            self._leave(visitor)
            return
        *lines, self._visitors[visitor] = buffer.split(b"\n")
        for line in lines:
            self._reply(visitor, line)

    def _reply(self, visitor: socket.socket, line: bytes) -> None:
        try:
            question = read_question(line)
            if question.get("ask") == WATCH:
                told(visitor, self._watching.join(visitor))
                return
            answer = self._answer(question)
        except (OfficeError, TechnicianError, ValueError) as error:
            _tell(visitor, error)
            return
        if isinstance(answer, dict):
            _tell(visitor, answer)
        else:
            answer(lambda told: _tell(visitor, told))

    def _leave(self, visitor: socket.socket) -> None:
        self._selector.unregister(visitor)
        self._watching.forget(visitor)
        del self._visitors[visitor]
        visitor.close()


def _tell(visitor: socket.socket, told: Answer | Exception) -> None:
    answer = {"ok": True, **told} if isinstance(told, dict) else refusal(told)
    with contextlib.suppress(OSError):  # a visitor that does not read, or has left, loses it
        visitor.send(json.dumps(answer).encode() + b"\n")


def refusal(error: Exception) -> Answer:
    """Write a refusal; what is said in both languages is told apart, for who shows it."""
    words = getattr(error, "words", None)
    said = {"said": {"it": words.it, "en": words.en}} if isinstance(words, Words) else {}
    return {"ok": False, "error": str(error), **said}


def _listen(path: Path) -> socket.socket:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listening.bind(str(path))
    except OSError as error:
        raise TechnicianError(f"the desk cannot listen on {path}: {error}") from error
    path.chmod(0o660)
    listening.listen(VISITORS)
    listening.setblocking(False)
    return listening


def ask(path: Path, question: dict[str, Any], limit: float = 5.0) -> Answer:
    """Ask the running desk one question; raises OfficeError when it refuses or is not there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as visitor:
        visitor.settimeout(limit)
        try:
            visitor.connect(str(path))
            visitor.sendall(json.dumps(question).encode() + b"\n")
            with visitor.makefile("rb") as reader:
                line = reader.readline()
        except TimeoutError as error:
            raise OfficeError(
                f"the desk did not answer within {limit:g} s; its answer would come too late: what "
                "was asked may be done all the same, look with centralino status"
            ) from error
        except OSError as error:
            why = error.strerror or error
            raise OfficeError(
                f"the desk does not answer on {path} ({why}); is centralino running?"
            ) from error
    answer: Answer = json.loads(line) if line else {"ok": False, "error": "the desk hung up"}
    if not answer.get("ok"):
        raise OfficeError(str(answer.get("error")))
    return answer
