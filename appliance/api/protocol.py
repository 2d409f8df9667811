"""The control socket's protocol: parsing of commands, replies, chunked transfer, the client.

One JSON object a line each way, UTF-8: {"ask": NAME, argument: value, ...} is answered by
{"ok": true, ...} or {"ok": false, "error": English, "said": {"it": ..., "en": ...}}. A valid
command that is declined gets {"ok": true, "done": false, "said": ...}.
"""

from __future__ import annotations

import base64
import binascii
import json
import socket
import sqlite3
import typing
from collections.abc import Callable, Hashable
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from appliance.calls import commands
from appliance.errors import Bug, CentralinoError, OfficeError
from appliance.policy.forms import FormRefused
from appliance.policy.text import Refused, SaidError, Words, os_error_words
from appliance.store.writer import DatabaseWriter

T = TypeVar("T")

Arguments = dict[str, Any]
"""A command as received: `ask` is its name, `by` its user."""

Reply = dict[str, Any]
SendReply = Callable[[Reply | CentralinoError], None]
"""Sends a session its reply, from any thread; no effect once the session has ended."""
DeferredReply = Callable[[SendReply], None]
"""A reply that comes later: called with the function that sends it."""
Handlers = dict[str, Callable[[Arguments], Reply | DeferredReply]]
"""Handlers by command name."""

REQUESTS: dict[str, type] = {cls.__name__: cls for cls in typing.get_args(commands.Request)}
"""Commands that set a manual state (calls.commands), by name."""
YEARS = (2000, 9000)
"""Years that a time may have, the second one excluded."""
LONGEST_NAME: Final = 64
"""Characters kept of a user's name, an identifier or a key; a longer one is cut."""
# As base64 it is a third of what a socket takes at once.
PART: Final = 48_000
"""Bytes of one part of a reply."""
# Each transfer holds its whole value in memory.
MOST_TRANSFERS: Final = 2
"""Concurrent transfers in each direction; one more ends the oldest."""
NOBODY_LISTENS: Final = (FileNotFoundError, ConnectionRefusedError)

FAULT: Final = Words(
    "Operazione non riuscita per un errore del programma; il servizio prosegue. Controllare lo "
    "stato prima di riprovare; se si ripete, avvisare il tecnico.",
    "a fault in the programme kept this from being done; the service goes on: look at the state "
    "before trying again, and tell the technician if it happens again",
)
WRONG_PROOF: Final = Words(
    "questa non è la prova della riga di comando: ripetere il comando",
    "that is no proof of the box's shell: say the command again",
)
FORM_REFUSED: Final = Words("Il modulo va corretto.", "The form needs mending.")
HUNG_UP: Final = {
    "ok": False,
    "error": "the desk hung up",
    "said": {"it": "il centralino ha chiuso senza rispondere: riprovare"},
}


class NotRunningError(SaidError):
    """Raised if no process listens on the control socket."""


def parse_line(line: bytes) -> dict[str, Any]:
    """Parse one line; raises OfficeError unless it is a JSON object that UTF-8 can encode."""
    try:
        arguments = json.loads(line)
        # JSON can spell half a surrogate pair ("\ud800"), which no file and no database accepts.
        json.dumps(arguments, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise OfficeError(f"a question is one JSON object a line ({error})") from error
    if not isinstance(arguments, dict):
        raise OfficeError("a question is one JSON object a line")
    return arguments


def parse_request(arguments: Arguments) -> commands.Request:
    """Read a change of a manual state; raises OfficeError for a missing or wrong argument."""
    name = arguments.get("ask")
    cls = REQUESTS.get(str(name))
    if cls is None:
        raise OfficeError(f"{name!r} cannot be asked; known are status, {', '.join(REQUESTS)}")
    try:
        until = arguments.get("until")
        lasts = {"lasts": _boolean(arguments["lasts"])} if "lasts" in arguments else {}
        return typing.cast(
            commands.Request,
            cls(
                on=_boolean(arguments["on"]),
                by=str(arguments["by"])[:LONGEST_NAME],
                until=moment(until) if until else None,
                **lasts,
            ),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise OfficeError(
            f"{name}: on, by and until (ISO time or null) are needed: {error}"
        ) from error


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError("on is true or false")
    return value


def moment(text: str) -> datetime:
    """Parse an ISO time; raises ValueError without an offset, TypeError for no text."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a time needs its offset, e.g. 2026-11-25T13:00:00+01:00")
    # Near either end of the calendar a conversion to local time raises OverflowError.
    if not YEARS[0] <= at.year <= YEARS[1]:
        raise ValueError(f"the year {at.year} is none to wait for")
    return at


def required_user(arguments: Arguments) -> str:
    """Return `by`, the user of the command; raises OfficeError if missing."""
    by = arguments.get("by")
    if not isinstance(by, str) or not by.strip():
        raise OfficeError("by is needed: the user who asks")
    return by[:LONGEST_NAME]


def user_of(arguments: Arguments) -> str:
    """Return `by`, "" for nobody, whom the permission check then refuses."""
    return str(arguments.get("by", ""))[:LONGEST_NAME]


def required_text(arguments: Arguments, key: str) -> str:
    """Return a short text unchanged; raises OfficeError if missing or empty."""
    value = arguments.get(key)
    if not isinstance(value, str) or not value.strip():
        raise OfficeError(f"{key} is needed")
    return value[:LONGEST_NAME]


def one_line(arguments: Arguments, key: str, limit: int) -> str:
    """Return a text on one line, at most `limit` characters; "" if missing."""
    return " ".join(str(arguments.get(key) or "").split())[:limit]


def whole_number(
    arguments: Arguments, key: str, *, limit: int | None = None, default: int | None = 0
) -> int:
    """Return an integer, in 0 .. limit - 1 if `limit` is given; raises OfficeError."""
    value = arguments.get(key, default)
    # `bool` is a subclass of `int` in Python: JSON's true would pass as 1.
    if isinstance(value, bool) or not isinstance(value, int):
        raise OfficeError(f"{key} is a whole number")
    if limit is not None and not 0 <= value < limit:
        raise OfficeError(f"{key} is a whole number")
    return value


def form_of(arguments: Arguments) -> dict[str, Any]:
    """Return the form of a command, fields by name; raises OfficeError if missing."""
    form = arguments.get("form")
    if not isinstance(form, dict):
        raise OfficeError("a form is needed: its fields by name")
    return form


def moment_or_none(arguments: Arguments, key: str) -> datetime | None:
    """Return an ISO time with its offset, None if left out; raises OfficeError."""
    text = arguments.get(key)
    try:
        return moment(text) if text else None
    except (TypeError, ValueError) as error:
        raise OfficeError(f"{key} is an ISO time with its offset, or left out: {error}") from error


def bytes_of(arguments: Arguments) -> bytes:
    """Decode `data`; raises OfficeError unless it is base64."""
    try:
        return base64.b64decode(str(arguments.get("data", "")), validate=True)
    except (binascii.Error, ValueError) as error:
        raise OfficeError(f"data is base64 ({error})") from error


def plain(words: Words) -> dict[str, str]:
    """Return a text in both languages as fields of a reply."""
    return {"it": words.it, "en": words.en}


def error_reply(error: Exception) -> Reply:
    """Return the reply to a failed command, in both languages where known."""
    # A bug's own message helps no user; the journal has it.
    words = FAULT if isinstance(error, Bug) else getattr(error, "words", None)
    said = {"said": plain(words)} if isinstance(words, Words) else {}
    return {"ok": False, "error": str(error), **said}


def declined(result: T | CentralinoError) -> T | Reply | CentralinoError:
    """Turn a refusal into the reply "done": false with its reason; pass everything else."""
    if isinstance(result, Refused):
        return {"done": False, "said": plain(result.words)}
    return result


def form_declined(error: CentralinoError) -> Reply | CentralinoError:
    """Turn a rejected form into a reply that lists each problem with its field."""
    if isinstance(error, FormRefused):
        found = [{"place": each.place, **plain(each.words)} for each in error.problems]
        return {"done": False, "said": plain(FORM_REFUSED), "problems": found}
    if isinstance(error, Refused):
        return {"done": False, "said": plain(error.words), "problems": []}
    return error


def deferred(
    records: DatabaseWriter,
    job: Callable[[sqlite3.Connection], T],
    reply: Callable[[T | CentralinoError], Reply | CentralinoError],
) -> DeferredReply:
    """Run a job in the database thread, and send what `reply` makes of its result or error."""
    # Every command that touches the disk runs so: the deciding thread never waits for the disk.
    return lambda send: records.do(job, lambda result: send(reply(result)))


def refusing(
    job: Callable[[sqlite3.Connection], Reply],
) -> Callable[[sqlite3.Connection], Reply]:
    """Turn an I/O error of a database job into a refusal that names its cause."""

    def done(connection: sqlite3.Connection) -> Reply:
        try:
            return job(connection)
        except OSError as error:
            why = os_error_words(error)
            raise Refused(f"non è possibile: {why.it}", f"it cannot be done: {why.en}") from error

    return done


class Outgoing:
    """Chunked transfer of replies: a value is made at its first part, dropped after its last."""

    def __init__(self) -> None:
        self._made: dict[Hashable, bytes] = {}

    def part(self, key: Hashable, begin: int, make: Callable[[], bytes]) -> Reply:
        """Return the part from byte `begin`; raises OfficeError and the errors of `make`.

        Called in one thread only.
        """
        # A reader that starts over gets a fresh value.
        if begin == 0:
            self._keep(key, make())
        data = self._made.get(key)
        if data is None or begin > len(data):
            raise OfficeError("that part follows nothing: fetch it from its beginning")
        end = begin + PART
        # A value may be large: drop it with its last part.
        if end >= len(data):
            del self._made[key]
        encoded = base64.b64encode(data[begin:end]).decode()
        return {"size": len(data), "data": encoded, "last": end >= len(data)}

    def _keep(self, key: Hashable, data: bytes) -> None:
        self._made.pop(key, None)
        while len(self._made) >= MOST_TRANSFERS:
            del self._made[next(iter(self._made))]
        self._made[key] = data


class Incoming:
    """Chunked transfer of arguments: one value a user, of at most `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._coming: dict[str, bytearray] = {}

    def take(self, by: str, arguments: Arguments) -> Reply:
        """Append one part, which must follow the previous one; raises OfficeError."""
        begin, data = arguments.get("at"), bytes_of(arguments)
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
        """Return and remove a user's value; raises OfficeError if there is none."""
        coming = self._coming.pop(by, None)
        if not coming:
            raise OfficeError("nothing has come that could be attached: send it first")
        return bytes(coming)

    def _begin(self, by: str) -> None:
        # An upload that was broken off is never finished: the oldest makes room.
        self._coming.pop(by, None)
        while len(self._coming) >= MOST_TRANSFERS:
            del self._coming[next(iter(self._coming))]
        self._coming[by] = bytearray()


def ask(path: Path, arguments: Arguments, limit: float = 5.0) -> Reply:
    """Send call control one command and wait up to `limit` seconds for its reply.

    Raises OfficeError for an error reply, SaidError if that has both languages, NotRunningError if
    call control does not run.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as visitor:
        visitor.settimeout(limit)
        try:
            visitor.connect(str(path))
            visitor.sendall(json.dumps(arguments).encode() + b"\n")
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
    # No line: the socket was closed without a reply.
    answer: Reply = json.loads(line) if line else HUNG_UP
    if not answer.get("ok"):
        said = answer.get("said")
        if isinstance(said, dict) and isinstance(said.get("it"), str):
            raise SaidError(Words(said["it"], str(answer.get("error"))))
        raise OfficeError(str(answer.get("error")))
    return answer
