"""Client of call control: commands over the control socket, the status feed, the store read-only.

The console decides nothing and writes no database: what a page shows or changes comes from here.
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
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import anyio
import anyio.to_thread
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from appliance.console.say import N_, Speaker
from appliance.errors import CentralinoError, OfficeError
from appliance.policy.supervision import RESTART_RULES, Component
from appliance.policy.text import NOTHING, NotKept, SaidError, Words, error_text_words
from appliance.store import directory, users
from appliance.store.database import open_reader

REPLY_LIMIT_BYTES: Final = 4_000_000
"""Longest reply that is read, in bytes; a status has some thousand."""
REPLY_LIMIT_S: Final = 5.0
"""An answer that takes longer comes too late for whoever is on the phone."""
PERSON: Final[ContextVar[str]] = ContextVar("person", default="")
"""Whose request is being served, "" for nobody's: sent with every command, and call control checks
itself whether that person may. The session gate sets it before every page."""
UNREACHABLE: Final = Words(
    "Il centralino non risponde: le pagine mostrano quanto già registrato. Se dura più di un "
    "minuto, avvisare il tecnico.",
    "The switchboard does not answer: pages show what is on record. If it lasts for more than a "
    "minute, tell the technician.",
)
NO_REPLY_IN_TIME: Final = Words(
    "Il centralino non ha risposto in tempo: quanto chiesto può essere stato fatto, controllare.",
    "The switchboard did not answer in time: what was asked may have been done, look.",
)


class ControlUnreachable(CentralinoError):  # noqa: N818 - reads as what it is
    """Raised when call control cannot be reached or has not replied; `words` are for people."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words


class ControlClient:
    """Sends commands to the control socket at `path`, each over a connection of its own."""

    def __init__(self, door: Path) -> None:
        self._door = door

    async def ask(self, command: dict[str, Any], limit: float = REPLY_LIMIT_S) -> dict[str, Any]:
        """Send one command and return its reply, within `limit` s.

        Raises OfficeError with call control's own sentence when it refuses, ControlUnreachable
        when there is no reply.
        """
        try:
            async with asyncio.timeout(limit):
                async with self._connection(command) as reader:
                    return _accepted_reply(await reader.readline())
        except TimeoutError as error:
            raise ControlUnreachable(NO_REPLY_IN_TIME) from error
        except (OSError, ValueError) as error:
            raise ControlUnreachable(UNREACHABLE) from error

    async def watch(self, silence: float) -> AsyncIterator[dict[str, Any]]:
        """Yield the status now and at every change, until the connection is lost.

        Raises ControlUnreachable then: nothing came for `silence` s, it was closed, or refused.
        """
        try:
            async with self._connection({"ask": "watch"}) as reader:
                while True:
                    async with asyncio.timeout(silence):
                        line = await reader.readline()
                    yield _accepted_reply(line)["status"]
        except (TimeoutError, OSError, ValueError, KeyError, OfficeError) as error:
            raise ControlUnreachable(UNREACHABLE) from error

    @contextlib.asynccontextmanager
    async def _connection(self, command: dict[str, Any]) -> AsyncIterator[asyncio.StreamReader]:
        """Connect and send a command."""
        reader, writer = await asyncio.open_unix_connection(self._door, limit=REPLY_LIMIT_BYTES)
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
    """Read an answer; raises OSError where there is none, OfficeError for a refusal."""
    if not line.endswith(b"\n"):
        raise OSError("the control socket was closed")
    answer: dict[str, Any] = json.loads(line)
    if not answer.get("ok"):
        if isinstance(answer.get("said"), dict):
            raise SaidError(Words(**answer["said"]))
        raise OfficeError(str(answer.get("error")))
    return answer


class NotDone(CentralinoError):  # noqa: N818 - it is called what it is
    """Raised when nothing was done; its text is in the reader's language, `status` for the page.

    `words` are call control's, where it said why in both languages.
    """

    def __init__(self, status: int, said: str, words: Words = NOTHING) -> None:
        super().__init__(said)
        self.status, self.words = status, words


ShowAgain = Callable[[Request, NotDone], Awaitable[Response]]
"""Shows a form's page again, with why nothing was done."""


async def ask(
    request: Request, command: dict[str, Any], limit_s: float = REPLY_LIMIT_S
) -> dict[str, Any]:
    """Send a command and return its reply; raises NotDone when it is refused or unanswered."""
    say = request.state.speaker
    try:
        answer: dict[str, Any] = await request.app.state.control.ask(command, limit_s)
    except (ControlUnreachable, OfficeError) as error:
        raise not_done(say, error) from error
    if answer.get("done") is False:
        words = Words(**answer["said"])
        raise NotDone(409, say.words(words), words)
    return answer


def not_done(say: Speaker, error: ControlUnreachable | OfficeError) -> NotDone:
    """Return why call control did nothing, in the reader's language."""
    if isinstance(error, ControlUnreachable):
        return NotDone(503, say.words(error.words))
    if isinstance(error, SaidError):
        return NotDone(409, say.words(error.words), error.words)
    return NotDone(409, say(N_("Not done: %(why)s"), why=say.words(error_text_words(str(error)))))


async def redirect_after(
    request: Request, doing: Awaitable[object], shown: ShowAgain, to: str
) -> Response:
    """Await a form's command, then redirect to `to`; a refusal is shown on the form's page."""
    try:
        await doing
    except NotDone as error:
        return await shown(request, error)
    return RedirectResponse(to, 303)


async def ask_for_script(
    request: Request, command: dict[str, Any], undo: Mapping[str, str] | None = None
) -> JSONResponse:
    """Send a command for a script; `undo` is the form that takes it back, within seconds (E22)."""
    _ = request.state.speaker
    try:
        answer = await request.app.state.control.ask(command)
    except (ControlUnreachable, OfficeError) as error:
        why = not_done(_, error)
        return refused_json(str(why), why.status)
    is_done = answer.get("done", True)
    said = Words(**answer["said"]) if "said" in answer else Words()
    return JSONResponse(
        {
            "done": is_done,
            "said": _.words(said),
            "undo": dict(undo) if undo and is_done else None,
        }
    )


def refused_json(said: str, status: int) -> JSONResponse:
    """Answer a script with why nothing was done."""
    return JSONResponse({"done": False, "said": said, "undo": None}, status)


# One watch at the control socket serves the whole console, however many browsers listen. Each
# fetches the newest state when it is ready for it: a browser that does not read costs nothing,
# and misses only what is no longer true.

SILENCE_S: Final = RESTART_RULES[Component.CONSOLE_LINK].silent_s
"""Call control speaks every 10 s at least: after so long it is gone, even if nobody hung up."""
RETRY_PAUSES_S: Final = RESTART_RULES[Component.CONSOLE_LINK].pauses_s
"""Between two tries to reach call control again: the last one for ever."""


@dataclass(frozen=True, slots=True)
class StatusSnapshot:
    """The state of number `number`; `status` as `centralino status --json` shows it.

    `away`: call control cannot be reached, and `status` is the last that was (None: never any).
    """

    number: int
    status: dict[str, Any] | None
    away: bool


class StatusFeed:
    """The switchboard's status: `running` keeps it current, `newest` and `newer` read it."""

    def __init__(self, client: ControlClient, silence: float = SILENCE_S) -> None:
        self._client = client
        self._silence = silence
        self._is_stopped = False
        self._changed = asyncio.Event()
        self._watch: asyncio.Task[None] | None = None
        self.newest = StatusSnapshot(0, None, True)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[StatusFeed]:
        """Watch while this lasts, reconnecting whenever the connection is lost."""
        self._watch = watch = asyncio.create_task(self._run())
        try:
            yield self
        finally:
            self.stop()
            watch.cancel()
            await asyncio.wait([watch])

    @property
    def is_dead(self) -> bool:
        """True when the watch has ended by a fault of ours: nothing newer would ever be shown."""
        return self._watch is not None and self._watch.done() and not self._is_stopped

    def stop(self) -> None:
        """End the waiting of all who listen."""
        self._is_stopped = True
        self._changed.set()

    async def newer(self, number: int) -> StatusSnapshot | None:
        """Wait for a state of another number; None once the console stops."""
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
                    waits = _retry_pauses()
            except ControlUnreachable:
                if not self.newest.away or self.newest.number == 0:
                    self._publish(self.newest.status, away=True)
            await asyncio.sleep(next(waits))

    def _publish(self, status: dict[str, Any] | None, *, away: bool) -> None:
        self.newest = StatusSnapshot(self.newest.number + 1, status, away)
        waiting, self._changed = self._changed, asyncio.Event()
        waiting.set()


def _retry_pauses() -> itertools.chain[float]:
    """Yield the waits between tries, seconds."""
    return itertools.chain(RETRY_PAUSES_S, itertools.repeat(RETRY_PAUSES_S[-1]))


# Each read opens the database anew (half a millisecond): after a database was set aside and begun
# afresh, the new one is read. Reads run in threads of their own, so the event loop never waits
# for the disk.

READER_THREADS: Final = 2
"""Reads at once: one that takes long leaves the other for who types a search."""
READ_LIMIT_S: Final = 5.0

T = TypeVar("T")


class StoreReader:
    """The records at `path`, for pages."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._limiter = anyio.CapacityLimiter(READER_THREADS)
        self._began: dict[object, float] = {}

    def is_hung(self, now: float) -> bool:
        """Tell whether a thread has been at one job for too long (`now` in monotonic s)."""
        limit = RESTART_RULES[Component.CONSOLE_READER].silent_s
        return any(now - began > limit for began in tuple(self._began.values()))

    async def read(self, job: Callable[[sqlite3.Connection], T], limit: float = READ_LIMIT_S) -> T:
        """Return what `job` reads, within `limit` s.

        Raises StoreError when the store cannot be read, or not in time.
        """
        try:
            async with asyncio.timeout(limit):
                return await anyio.to_thread.run_sync(
                    self._read_timed, job, limiter=self._limiter, abandon_on_cancel=True
                )
        except TimeoutError as error:
            raise NotKept(
                "gli archivi non hanno risposto in tempo: riprovare",
                "the records did not answer in time: try again",
            ) from error

    def _read_timed(self, job: Callable[[sqlite3.Connection], T]) -> T:
        mark = object()
        self._began[mark] = time.monotonic()
        try:
            return self._open_and_read(job)
        finally:
            del self._began[mark]

    def _open_and_read(self, job: Callable[[sqlite3.Connection], T]) -> T:
        with contextlib.closing(open_reader(self._path)) as connection:
            try:
                return job(connection)
            except sqlite3.Error as error:
                raise NotKept(
                    f"gli archivi non si leggono ({error}): riprovare",
                    f"the records cannot be read ({error}): try again",
                ) from error


def people_names(connection: sqlite3.Connection) -> dict[str, str]:
    """Return people's names by those they log in with."""
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
    """Return a field of a form as text, "" for none; files are none."""
    value = form.get(name, "")
    return value[:LONGEST_FIELD] if isinstance(value, str) else ""


def parse_moment(text: str | None) -> datetime | None:
    """Read a moment of a reply; None for none."""
    return datetime.fromisoformat(text) if text else None


def parse_day(text: str, otherwise: date) -> date:
    """Read a day of a form; what is none, or lies at the end of the calendar, is the other one."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return otherwise
    return day if 2000 <= day.year <= 9000 else otherwise
