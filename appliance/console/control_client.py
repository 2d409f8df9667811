"""Client of call control: commands over the control socket, the status feed, the database's reader.

The console decides nothing and writes no database: all that pages show or change passes here.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import anyio
import anyio.to_thread
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from appliance.api import codec
from appliance.api.commands import Command
from appliance.api.replies import DeclinedError, FullStatus, Reply, Said, WatchedStatus, reply_of
from appliance.console.field_names import with_field_name
from appliance.console.say import N_, Speaker
from appliance.errors import CentralinoError, OfficeError
from appliance.policy.supervision import RESTART_RULES, Component
from appliance.policy.text import NotKept, SaidError, error_text_words
from appliance.store import directory, users
from appliance.store.database import open_reader
from appliance.text import NOTHING, Words, sentence, written

# A status has some thousand bytes.
REPLY_LIMIT_BYTES: Final = 4_000_000
"""Longest reply that is read, in bytes."""
# A later reply is of no use to somebody on the phone.
# Seconds within which a reply must come.
REPLY_LIMIT_S: Final = 5.0
# Sent with every command: call control checks the person's permission itself, whatever a page has
# let through (docs/design/processes.md).
# User whose request is being served, "" for none; set by SessionGate before every page.
PERSON: Final[ContextVar[str]] = ContextVar("person", default="")
R = TypeVar("R", bound=Reply)
C = TypeVar("C", bound=Command[Any])

UNREACHABLE: Final = sentence(
    "The switchboard does not answer: pages show what is on record. If it "
    "lasts for more than a minute, tell the technician."
)
NOT_SAVED: Final = sentence(
    "Not saved. The switchboard does not answer at the moment: try again in a minute. If it goes "
    "on, tell the technician."
)
NO_REPLY_IN_TIME: Final = sentence(
    "The switchboard did not answer in time: what was asked may have been done, look."
)


class ControlUnreachable(CentralinoError):  # noqa: N818 - reads as what it is
    """Raised when call control cannot be reached or has not replied; `words` are shown on pages.

    `is_unsent`: there was no connection, so the command was certainly not carried out.
    """

    def __init__(self, words: Words, *, is_unsent: bool = False) -> None:
        super().__init__(str(words))
        self.words, self.is_unsent = words, is_unsent


class ReplyUnreadable(ControlUnreachable):
    """Raised for a reply of another version: asked again, call control replies the same."""


class NotConnectedError(OSError):
    """Raised when the control socket takes no connection."""


class ControlClient:
    """Sends commands to the control socket at `path`, each over a connection of its own."""

    def __init__(self, control_socket: Path) -> None:
        self._control_socket = control_socket

    async def ask(self, command: dict[str, Any], limit: float = REPLY_LIMIT_S) -> dict[str, Any]:
        """Send one JSON object and return its reply, within `limit` s; see `send`.

        Raises OfficeError with call control's own sentence when it refuses, ControlUnreachable
        when there is no reply.
        """
        try:
            async with asyncio.timeout(limit):
                async with self._connection(command) as reader:
                    return _accepted_reply(await reader.readline())
        # Before OSError, of which TimeoutError is a subclass. The command may have been carried
        # out: the page must not say that nothing was done.
        except TimeoutError as error:
            raise ControlUnreachable(NO_REPLY_IN_TIME) from error
        except (OSError, ValueError) as error:
            is_unsent = isinstance(error, NotConnectedError)
            raise ControlUnreachable(UNREACHABLE, is_unsent=is_unsent) from error

    async def send(self, command: Command[R], limit: float = REPLY_LIMIT_S) -> R:
        """Send a command and return its reply; raises as `ask` does, or if it was declined."""
        answer = await self.ask(command.arguments(), limit)
        try:
            return command.reply_of(answer)
        # During an update call control may be of another version.
        except ValueError as error:
            raise ReplyUnreadable(UNREACHABLE) from error

    async def watch(self, silence: float) -> AsyncIterator[FullStatus]:
        """Yield the status now and at every change.

        Raises ControlUnreachable when the connection is refused or closed, or silent for
        `silence` s.
        """
        try:
            async with self._connection({"ask": "watch"}) as reader:
                while True:
                    async with asyncio.timeout(silence):
                        line = await reader.readline()
                    yield codec.from_json(WatchedStatus, _accepted_reply(line)).status
        except (TimeoutError, OSError, ValueError, OfficeError) as error:
            raise ControlUnreachable(UNREACHABLE) from error

    @contextlib.asynccontextmanager
    async def _connection(self, command: dict[str, Any]) -> AsyncIterator[asyncio.StreamReader]:
        """Connect to the control socket and send a command."""
        # asyncio's own limit for a line, 64 KiB, is too small for the longest replies.
        opening = asyncio.open_unix_connection(self._control_socket, limit=REPLY_LIMIT_BYTES)
        try:
            reader, writer = await opening
        except OSError as error:
            raise NotConnectedError(str(error)) from error
        try:
            asked = command | {"person": PERSON.get()}
            writer.write(json.dumps(asked).encode() + b"\n")
            await writer.drain()
            yield reader
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


def _accepted_reply(line: bytes) -> dict[str, Any]:
    """Parse a reply; raises OSError for an incomplete one, OfficeError for a refusal."""
    # readline returns what there was when the connection ended.
    if not line.endswith(b"\n"):
        raise OSError("the control socket was closed")
    answer: dict[str, Any] = json.loads(line)
    if not answer.get("ok"):
        if isinstance(answer.get("said"), dict):
            # Call control's own sentence: the console invents no reason.
            raise SaidError(written(answer["said"]))
        raise OfficeError(str(answer.get("error")))
    return answer


class NotDone(CentralinoError):  # noqa: N818 - it is called what it is
    """Raised when a command was refused or not answered.

    The text is in the reader's language; `status` is the page's HTTP status; `words` are call
    control's reason, where it gave one in every language.
    """

    def __init__(self, status: int, said: str, words: Words = NOTHING) -> None:
        super().__init__(said)
        self.status, self.words = status, words


ShowAgain = Callable[[Request, NotDone], Awaitable[Response]]
"""Renders a form's page again, with the reason of a refusal."""


def control_of(request: Request) -> ControlClient:
    """Return the client, whose errors are told apart by who uses it."""
    control: ControlClient = request.app.state.control
    return control


async def ask(request: Request, command: Command[Reply], limit_s: float = REPLY_LIMIT_S) -> None:
    """Send a command whose reply has nothing to show; raises NotDone."""
    try:
        reply_of(Reply, await control_of(request).ask(command.arguments(), limit_s))
    except ControlUnreachable as error:
        raise NotDone(503, away_said(request, error)) from error
    except OfficeError as error:
        raise not_done(request.state.speaker, of_its_form(command, error)) from error


async def send(request: Request, command: Command[R], limit_s: float = REPLY_LIMIT_S) -> R:
    """Send a command and return its reply; raises NotDone for a refusal or without a reply."""
    try:
        return await control_of(request).send(command, limit_s)
    except ControlUnreachable as error:
        raise NotDone(503, away_said(request, error)) from error
    except OfficeError as error:
        raise not_done(request.state.speaker, of_its_form(command, error)) from error


def of_its_form(command: Command[Reply], error: OfficeError) -> OfficeError:
    """Return a refusal that names a command's field as its form does."""
    # Call control's sentence is written already. Read here, the command is refused alike, by a
    # sentence whose field can be filled in anew.
    try:
        codec.command_of(type(command), command.arguments())
    except SaidError as same:
        return SaidError(with_field_name(same.words))
    return error


def away_said(request: Request, error: ControlUnreachable) -> str:
    """Say that call control is away; of a form that was sent, whether it was saved."""
    words = error.words
    # A page that is only opened saves nothing.
    if words == UNREACHABLE and request.method == "POST":
        words = NOT_SAVED if error.is_unsent else NO_REPLY_IN_TIME
    say: Speaker = request.state.speaker
    return say.words(words)


def wish_of(request: Request, kind: type[C], fields: Mapping[str, Any]) -> C:
    """Make a command of what a form holds; raises NotDone, as if call control had refused it."""
    try:
        return codec.command_of(kind, fields)
    except SaidError as error:
        said = SaidError(with_field_name(error.words))
        raise not_done(request.state.speaker, said) from error


def not_done(say: Speaker, error: ControlUnreachable | OfficeError) -> NotDone:
    """Translate a refusal or a missing reply into the reader's language."""
    if isinstance(error, ControlUnreachable):
        return NotDone(503, say.words(error.words))
    if isinstance(error, SaidError):
        return NotDone(409, say.words(error.words), error.words)
    # A refusal without words in every language: its one sentence, as far as it can be translated.
    return NotDone(409, say(N_("Not done: {why}"), why=say.words(error_text_words(str(error)))))


async def redirect_after(
    request: Request, doing: Awaitable[object], shown: ShowAgain, to: str
) -> Response:
    """Await a form's command, then redirect to `to`; a refusal is shown on the form's page."""
    try:
        await doing
    except NotDone as error:
        return await shown(request, error)
    # 303: the browser opens the page by GET (RFC 9110, 15.4.4); reloading it sends nothing twice.
    return RedirectResponse(to, 303)


async def ask_for_script(
    request: Request,
    command: Command[Said],
    undo: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Send a command for a script; `undo` is the form by which a person can take it back (E22)."""
    _ = request.state.speaker
    try:
        reply = await control_of(request).send(command)
    except DeclinedError as declined:
        return refused_json(_.words(declined.words), 200)
    except (ControlUnreachable, OfficeError) as error:
        why = not_done(_, error)
        return refused_json(str(why), why.status)
    undoing = dict(undo) if undo else None
    return JSONResponse({"done": True, "said": _.words(reply.said), "undo": undoing})


async def ask_form_for_script(
    request: Request, kind: type[Command[Said]], fields: Mapping[str, Any]
) -> JSONResponse:
    """Send what a form holds as a command for a script."""
    try:
        return await ask_for_script(request, wish_of(request, kind, fields))
    except NotDone as error:
        return refused_json(str(error), error.status)


def refused_json(said: str, status: int) -> JSONResponse:
    """Answer a script with the reason of a refusal."""
    return JSONResponse({"done": False, "said": said, "undo": None}, status)


# One watch at the control socket serves the whole console, however many browsers listen. Each
# stream fetches the newest state when it is ready for it: a browser that does not read costs
# nothing, and misses only states that have been replaced.

# Call control sends a status every 10 s at least, so a longer silence means that it is gone, even
# where the connection is still open.
# Seconds without a status after which the console connects again.
SILENCE_S: Final = RESTART_RULES[Component.CONSOLE_LINK].silent_s
# Seconds between attempts to connect again; the last pause is repeated.
RETRY_PAUSES_S: Final = RESTART_RULES[Component.CONSOLE_LINK].pauses_s


@dataclass(frozen=True, slots=True)
class StatusSnapshot:
    """Status numbered `number`.

    `away`: call control cannot be reached, and `status` is the last one received, None for none.
    `since` is when it was seen so, in monotonic seconds.
    """

    number: int
    status: FullStatus | None
    away: bool
    since: float = field(default_factory=time.monotonic, compare=False)


class StatusFeed:
    """Newest status of call control; `running` keeps it current, `newest` and `newer` return it."""

    def __init__(self, client: ControlClient, silence: float = SILENCE_S) -> None:
        self._client = client
        self._silence = silence
        self._is_stopped = False
        self._changed = asyncio.Event()
        self._watch: asyncio.Task[None] | None = None
        self.newest = StatusSnapshot(0, None, True)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[StatusFeed]:
        """Watch the status inside the context, reconnecting whenever the connection is lost."""
        self._watch = watch = asyncio.create_task(self._run())
        try:
            yield self
        finally:
            self.stop()
            watch.cancel()
            # wait, not await: it does not raise what ended the task.
            await asyncio.wait([watch])

    @property
    def is_dead(self) -> bool:
        """Tell whether the watch has ended by a fault of the console."""
        # No newer state would ever be shown: the console stops feeding its watchdog (process.py).
        return self._watch is not None and self._watch.done() and not self._is_stopped

    def stop(self) -> None:
        """End all waiting for a newer state."""
        self._is_stopped = True
        self._changed.set()

    async def newer(self, number: int) -> StatusSnapshot | None:
        """Wait for a state with another number; None once the console stops."""
        while not self._is_stopped:
            if self.newest.number != number:
                return self.newest
            await self._changed.wait()
        return None

    async def states(self) -> AsyncIterator[StatusSnapshot]:
        """Yield the state now and the newest one at each later step, until the console stops."""
        number = -1
        while (seen := await self.newer(number)) is not None:
            number = seen.number
            yield seen

    async def _run(self) -> None:
        waits = _retry_pauses()
        while True:
            try:
                async for status in self._client.watch(self._silence):
                    self._publish(status, away=False)
                    # Connected: the next loss begins with the shortest pause again.
                    waits = _retry_pauses()
            except ControlUnreachable:
                # Once for each loss, not for each attempt: pages are not sent the same state again.
                if not self.newest.away or self.newest.number == 0:
                    # The last status stays on the pages, under a banner that says so.
                    self._publish(self.newest.status, away=True)
            await asyncio.sleep(next(waits))

    def _publish(self, status: FullStatus | None, *, away: bool) -> None:
        self.newest = StatusSnapshot(self.newest.number + 1, status, away)
        # An event for each state: a stream that wakes later waits for the next one, not this.
        waiting, self._changed = self._changed, asyncio.Event()
        waiting.set()


def _retry_pauses() -> itertools.chain[float]:
    """Return an endless iterator of the pauses between attempts, in seconds."""
    return itertools.chain(RETRY_PAUSES_S, itertools.repeat(RETRY_PAUSES_S[-1]))


# Reads run in threads of their own, so that the event loop never waits for the disk.

# A read that takes long leaves the other thread for somebody who types a search.
READER_THREADS: Final = 2
"""Reads at once."""
# Seconds within which a read must be done.
READ_LIMIT_S: Final = 5.0

T = TypeVar("T")


class StoreReader:
    """Reader of the database at `path`, for pages."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._limiter = anyio.CapacityLimiter(READER_THREADS)
        self._began: dict[object, float] = {}

    def is_hung(self, now: float) -> bool:
        """Tell whether a thread has been at one job for too long (`now` in monotonic s)."""
        limit = RESTART_RULES[Component.CONSOLE_READER].silent_s
        return any(now - began > limit for began in tuple(self._began.values()))

    async def read(self, job: Callable[[sqlite3.Connection], T], limit: float = READ_LIMIT_S) -> T:
        """Return the result of `job`; raises StoreError for a failed read or after `limit` s."""
        try:
            async with asyncio.timeout(limit):
                # The thread of a read that is given up goes on: nothing can stop it. `is_hung`
                # finds it while it lasts.
                return await anyio.to_thread.run_sync(
                    self._read_timed, job, limiter=self._limiter, abandon_on_cancel=True
                )
        except TimeoutError as error:
            raise NotKept(
                sentence("the records did not answer in time: try again"),
            ) from error

    def _read_timed(self, job: Callable[[sqlite3.Connection], T]) -> T:
        mark = object()
        self._began[mark] = time.monotonic()
        try:
            return self._open_and_read(job)
        finally:
            del self._began[mark]

    def _open_and_read(self, job: Callable[[sqlite3.Connection], T]) -> T:
        # Opened anew for each read, in half a millisecond: after a database was set aside and
        # begun afresh, the new one is read.
        with contextlib.closing(open_reader(self._path)) as connection:
            try:
                return job(connection)
            except sqlite3.Error as error:
                raise NotKept(
                    sentence("the records cannot be read ({error}): try again", error=error),
                ) from error


def people_names(connection: sqlite3.Connection) -> dict[str, str]:
    """Return the shown names of users by their login names."""
    return {user.name: user.shown for user in users.everybody(connection)}


def unit_names(connection: sqlite3.Connection) -> dict[str, str]:
    """Return the names of offices by their codes."""
    return {unit.code: unit.name for unit in directory.units(connection)}


def records_of(request: Request) -> StoreReader:
    """Return the reader of the records."""
    reading: StoreReader = request.app.state.store
    return reading


LONGEST_FIELD: Final = 200


def form_field(form: FormData | Mapping[str, Any], name: str) -> str:
    """Return a text field of a form, cut to LONGEST_FIELD characters; "" for none or a file."""
    value = form.get(name, "")
    return value[:LONGEST_FIELD] if isinstance(value, str) else ""


def parse_moment(text: str | None) -> datetime | None:
    """Parse a time of a reply (ISO 8601); None for none."""
    return datetime.fromisoformat(text) if text else None


def parse_day(text: str, otherwise: date) -> date:
    """Parse a day of a form (ISO 8601); `otherwise` for an invalid one."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return otherwise
    # Far from both ends of the calendar: pages add and subtract days.
    return day if 2000 <= day.year <= 9000 else otherwise


async def known_people(request: Request) -> dict[str, str]:
    """Return the shown names of users by their login names; none where they cannot be read.

    For pages that show who entered something, and work without the records.
    """
    try:
        return await records_of(request).read(people_names)
    except NotKept:
        return {}
