"""The control socket's protocol: commands and their permissions, replies, transfer, the client.

One JSON object a line each way, UTF-8: {"ask": NAME, argument: value, ...} is answered by
{"ok": true, ...} or {"ok": false, "error": English, "said": {"it": ..., "en": ...}}. A valid
command that is declined gets {"ok": true, "done": false, "said": ...}.
"""

from __future__ import annotations

import base64
import json
import socket
import sqlite3
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final, TypeVar

from appliance.api import codec, replies
from appliance.api.commands import FREE, IN_A_PLACE, NEEDS, SHELL, Command
from appliance.api.replies import Declined, Part, PartTaken
from appliance.errors import Bug, CentralinoError, OfficeError
from appliance.policy.forms import FormRefused
from appliance.policy.text import NO_RIGHT, Refused, SaidError, os_error_words
from appliance.policy.users import Permission, permission_refusal, permissions_of
from appliance.store import users
from appliance.store.writer import DatabaseWriter
from appliance.text import ENGLISH, Words, _, written

if TYPE_CHECKING:
    from appliance.policy.users import User

T = TypeVar("T")
R = TypeVar("R", bound=replies.Reply)

Arguments = dict[str, Any]
"""A command as received: `ask` is its name, `by` its user."""

Reply = replies.Reply
# Sends a session its reply, from any thread; no effect once the session has ended.
SendReply = Callable[[Reply | CentralinoError], None]
DeferredReply = Callable[[SendReply], None]
"""A reply that comes later: called with the function that sends it."""
Handler = Callable[[Arguments], Reply | DeferredReply]
Handlers = dict[str, Handler]
"""Handlers by command name."""

# As base64 it is a third of what a socket takes at once.
PART: Final = 48_000
"""Bytes of one part of a reply."""
# Each transfer holds its whole value in memory.
# Concurrent transfers in each direction; one more ends the oldest.
MOST_TRANSFERS: Final = 2
NOBODY_LISTENS: Final = (FileNotFoundError, ConnectionRefusedError)

FAULT: Final = _(
    "a fault in the programme kept this from being done; the service goes on: "
    "look at the state before trying again, and tell the technician if it "
    "happens again"
)
WRONG_PROOF: Final = _("that is no proof of the box's shell: say the command again")
FORM_REFUSED: Final = _("The form needs mending.")
HUNG_UP: Final = _("the service hung up")


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


def error_reply(error: Exception) -> dict[str, Any]:
    """Return the reply to a failed command, in every language where known."""
    # A bug's own message helps no user; the journal has it.
    words = FAULT if isinstance(error, Bug) else getattr(error, "words", None)
    said = {"said": words.by_language()} if isinstance(words, Words) else {}
    return {"ok": False, "error": str(error), **said}


def declined(result: Reply | CentralinoError) -> Reply | CentralinoError:
    """Turn a refusal into a reply with its reason; pass everything else."""
    return Declined(result.words) if isinstance(result, Refused) else result


def form_declined(error: CentralinoError) -> Reply | CentralinoError:
    """Turn a rejected form into a reply that lists each problem with its field."""
    if isinstance(error, FormRefused):
        return Declined(FORM_REFUSED, error.problems)
    return declined(error)


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
            raise Refused(_("it cannot be done: {why}", why=why)) from error

    return done


class Outgoing:
    """Chunked transfer of replies: a value is made at its first part, dropped after its last."""

    def __init__(self) -> None:
        self._made: dict[Hashable, bytes] = {}

    def part(self, key: Hashable, begin: int, make: Callable[[], bytes]) -> Part:
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
        return Part(len(data), encoded, last=end >= len(data))

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

    def take(self, by: str, begin: int, data: bytes) -> PartTaken:
        """Append one part, which must follow the previous one; raises OfficeError."""
        if begin == 0:
            self._begin(by)
        coming = self._coming.get(by)
        if coming is None or len(coming) != begin:
            raise OfficeError("this part follows nothing that has come: send it from its beginning")
        if len(coming) + len(data) > self._limit:
            del self._coming[by]
            raise OfficeError(f"it is longer than {self._limit} bytes")
        coming += data
        return PartTaken(len(coming))

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


def ask(path: Path, arguments: Arguments, limit: float = 5.0) -> dict[str, Any]:
    """Send call control one JSON object and wait up to `limit` seconds for its reply; see `send`.

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
                _(
                    "the service did not answer within {limit:g} s; its answer would come too "
                    "late: what was asked may be done all the same, look with centralino status",
                    limit=limit,
                ),
            ) from error
        except PermissionError as error:
            raise SaidError(NO_RIGHT.filled(path=path)) from error
        except OSError as error:
            why = error.strerror or error
            kind = NotRunningError if isinstance(error, NOBODY_LISTENS) else SaidError
            raise kind(
                _(
                    "the service does not answer on {path} ({why}); is centralino running?",
                    path=path,
                    why=why,
                )
            ) from error
    # No line: the socket was closed without a reply.
    if not line:
        raise SaidError(HUNG_UP)
    answer: dict[str, Any] = json.loads(line)
    if not answer.get("ok"):
        english, said = str(answer.get("error")), answer.get("said")
        if isinstance(said, dict) and said and all(isinstance(t, str) for t in said.values()):
            raise SaidError(written({**said, ENGLISH: english}))
        raise OfficeError(english)
    return answer


def send(path: Path, command: Command[R], limit: float = 5.0) -> R:
    """Send a command and return its reply as a value; raises as `ask` does, and DeclinedError."""
    try:
        return command.reply_of(ask(path, command.arguments(), limit))
    except ValueError as error:
        raise OfficeError(str(error)) from error


# ---- Permissions: who may send which command -----------------------------------------------------
# Each handler declares its permissions by `command`. The console checks them first, call control
# checks them again: the console's command names the logged-in user, who must exist, hold one of the
# permissions and act in no other user's name. A shell on the box needs access to the socket only,
# which the file's mode grants to the service's account and the administrator; the audit then holds
# the name that the shell gave.

# Commands that a handler takes, and what it returns.
C = TypeVar("C", bound=Command[Any])
H = TypeVar("H", bound=Reply | DeferredReply)

_KINDS: Final[dict[object, tuple[type[Command[Any]], ...]]] = {}
"""Commands by handler."""


def command(*kinds: type[C]) -> Callable[[Callable[[Any, C], H]], Callable[[Any, C], H]]:
    """Declare the commands that a method answers."""

    def declared(handler: Callable[[Any, C], H]) -> Callable[[Any, C], H]:
        # Filled as the handlers' modules are imported.
        _KINDS[handler] = kinds
        return handler

    return declared


def answered_by(kind: type[C], handler: Callable[[C], Reply | DeferredReply]) -> Handlers:
    """Map a command to the function that answers it once it is read."""
    return {kind.ask: lambda arguments: handler(codec.command_of(kind, arguments))}


class CommandHandlers:
    """Base of a class whose methods are declared by `command`."""

    __slots__ = ()

    @property
    def known(self) -> Handlers:
        """Map each command to its method."""
        return handlers_of(self)


def handlers_of(owner: object) -> Handlers:
    """Map command names to the object's methods that are declared for them."""
    methods = [each for kind in type(owner).__mro__ for each in vars(kind).items()]
    handlers: Handlers = {}
    for name, function in methods:
        if isinstance(function, FunctionType):
            for kind in _KINDS.get(function, ()):
                handlers |= answered_by(kind, getattr(owner, name))
    return handlers


class Rights:
    """The users and their permissions, in memory."""

    def __init__(self, records: DatabaseWriter) -> None:
        self._records = records
        # In memory because a stalled disk must keep nobody from a command.
        self._users: Mapping[str, User] = {}
        self.on_person: Callable[[], None] = lambda: None
        """Called after each permitted command: somebody is at the console."""

    def check(self, arguments: Arguments, person: str) -> None:
        """Raise Refused if the user `person` ("" for nobody) may not send a command."""
        asked = str(arguments.get("ask"))
        # A command that nobody has declared is never the console's.
        needed = NEEDS.get(asked, SHELL)
        if needed == FREE:
            return
        if needed is SHELL:
            raise Refused(
                _("{asked!r} is asked on the box itself alone", asked=asked),
            )
        check_entitled(self._users.get(person), person, needed)
        by = arguments.get("by", person)
        # The audit must hold the user who acted.
        if by != person and asked not in IN_A_PLACE:
            raise Refused(
                _("{person!r} cannot ask in the name of others", person=person),
            )
        self.on_person()

    def shown(self, name: str) -> str:
        """Return a user's own name, "" for no user."""
        user = self._users.get(name)
        return user.shown if user else ""

    def person(self, name: str) -> str:
        """Return a user's own name for a login name, which stays where no user has it."""
        return self.shown(name) or name

    def read_anew(self, then: Callable[[], None]) -> None:
        """Read the users again, then call `then`; on an error the previous ones stay."""

        def done(result: Mapping[str, User] | CentralinoError) -> None:
            if not isinstance(result, CentralinoError):
                self._users = result
            then()

        self._records.do(_everybody, done)

    def learn(self, connection: sqlite3.Connection) -> None:
        """Read the users from the database; in the database thread."""
        self._users = _everybody(connection)


def _everybody(connection: sqlite3.Connection) -> Mapping[str, User]:
    return {user.name: user for user in users.everybody(connection)}


def check_may(connection: sqlite3.Connection, by: str, permission: Permission) -> None:
    """Check a permission in the database job that needs it; raises Refused, sqlite3.Error."""
    check_entitled(users.find_user(connection, by), by, frozenset({permission}))


def check_own(connection: sqlite3.Connection, by: str, unit: str) -> None:
    """Refuse an office's user the requests of other offices; raises Refused, sqlite3.Error."""
    # A name without a user comes from a shell on the box: `Rights.check` lets no other through.
    user = users.find_user(connection, by)
    if user and Permission.REQUESTS not in permissions_of(user.roles) and user.unit != unit:
        raise Refused(
            _("that request is not of the office of {by!r}", by=by),
        )


def check_entitled(user: User | None, by: str, needed: frozenset[Permission]) -> None:
    """Raise Refused for an unknown or disabled user, or one without any of the permissions."""
    if user is None or user.disabled:
        raise Refused(
            _("{by!r} is no user who may log in: log in again", by=by),
        )
    if not needed & permissions_of(user.roles):
        # One message for several permissions: the first in the order of the enum.
        words = permission_refusal(min(needed, key=list(Permission).index))
        raise Refused(words)
