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
from appliance.store.database import open_reader

# ---- control client ----------------------------------------------------------------------------
# Client of the control socket.

# ---- desk ----------------------------------------------------------------------------------------
# Asks the desk at its door, without keeping the console's loop waiting.

REPLY_LIMIT_BYTES: Final = 4_000_000
"""Longest line of the desk's that is read, in bytes; a status has some thousand."""
REPLY_LIMIT_S: Final = 5.0
"""An answer that takes longer comes too late for whoever is on the phone."""
PERSON: Final[ContextVar[str]] = ContextVar("person", default="")
"""Whose request is being served, "" for nobody's: the desk is told with every question, and looks
itself whether that person may. The doorkeeper sets it before every page."""
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
    """The desk cannot be asked, or has not answered; `words` are for people."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words


class ControlClient:
    """The desk, by its socket `door`. Every question is a visit of its own."""

    def __init__(self, door: Path) -> None:
        self._door = door

    async def ask(self, question: dict[str, Any], limit: float = REPLY_LIMIT_S) -> dict[str, Any]:
        """Ask one question within `limit` s; returns the answer.

        Raises OfficeError with the desk's own sentence when it refuses, DeskAway when there is
        no answer.
        """
        try:
            async with asyncio.timeout(limit):
                async with self._visit(question) as reader:
                    return _accepted_reply(await reader.readline())
        except TimeoutError as error:
            raise ControlUnreachable(NO_REPLY_IN_TIME) from error
        except (OSError, ValueError) as error:
            raise ControlUnreachable(UNREACHABLE) from error

    async def watch(self, silence: float) -> AsyncIterator[dict[str, Any]]:
        """Yield the desk's status now and at every change, until the desk is gone.

        Raises DeskAway then: there is nothing to hear for `silence` s, it hung up, or refused.
        """
        try:
            async with self._visit({"ask": "watch"}) as reader:
                while True:
                    async with asyncio.timeout(silence):
                        line = await reader.readline()
                    yield _accepted_reply(line)["status"]
        except (TimeoutError, OSError, ValueError, KeyError, OfficeError) as error:
            raise ControlUnreachable(UNREACHABLE) from error

    @contextlib.asynccontextmanager
    async def _visit(self, question: dict[str, Any]) -> AsyncIterator[asyncio.StreamReader]:
        """Go to the door and ask."""
        reader, writer = await asyncio.open_unix_connection(self._door, limit=REPLY_LIMIT_BYTES)
        try:
            asked = question | {"person": PERSON.get()}
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
        raise OSError("the desk hung up")
    answer: dict[str, Any] = json.loads(line)
    if not answer.get("ok"):
        if isinstance(answer.get("said"), dict):
            raise SaidError(Words(**answer["said"]))
        raise OfficeError(str(answer.get("error")))
    return answer


# ---- asking --------------------------------------------------------------------------------------
# Has the desk do what a page's form asks, and turns its refusal into the reader's language.


class NotDone(CentralinoError):  # noqa: N818 - it is called what it is
    """Raised when nothing was done; its text is in the reader's language, `status` for the page.

    `words` are the desk's, where it said why in both languages.
    """

    def __init__(self, status: int, said: str, words: Words = NOTHING) -> None:
        super().__init__(said)
        self.status, self.words = status, words


ShowAgain = Callable[[Request, NotDone], Awaitable[Response]]
"""Shows a form's page again, with why nothing was done."""


async def ask(
    request: Request, question: dict[str, Any], limit_s: float = REPLY_LIMIT_S
) -> dict[str, Any]:
    """Ask the desk and return its answer; raises NotDone when it refuses or is away."""
    say = request.state.speaker
    try:
        answer: dict[str, Any] = await request.app.state.desk.ask(question, limit_s)
    except (ControlUnreachable, OfficeError) as error:
        raise not_done(say, error) from error
    if answer.get("done") is False:
        words = Words(**answer["said"])
        raise NotDone(409, say.words(words), words)
    return answer


def not_done(say: Speaker, error: ControlUnreachable | OfficeError) -> NotDone:
    """Return why the desk did nothing, in the reader's language."""
    if isinstance(error, ControlUnreachable):
        return NotDone(503, say.words(error.words))
    if isinstance(error, SaidError):
        return NotDone(409, say.words(error.words), error.words)
    return NotDone(409, say(N_("Not done: %(why)s"), why=say.words(error_text_words(str(error)))))


async def redirect_after(
    request: Request, doing: Awaitable[None], shown: ShowAgain, to: str
) -> Response:
    """Wait for what a form asks, then lead to `to`; what was not done is said on its own page."""
    try:
        await doing
    except NotDone as error:
        return await shown(request, error)
    return RedirectResponse(to, 303)


# ---- done ----------------------------------------------------------------------------------------
# Has the desk do what a page asks, and says in the reader's language how that went.


async def ask_for_script(
    request: Request, question: dict[str, Any], undo: Mapping[str, str] | None = None
) -> JSONResponse:
    """Ask the desk; `undo` is the form that takes it back, within seconds (E22)."""
    _ = request.state.speaker
    try:
        answer = await request.app.state.desk.ask(question)
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
    """Say why nothing was done."""
    return JSONResponse({"done": False, "said": said, "undo": None}, status)


# ---- feed ----------------------------------------------------------------------------------------
# The live state: ONE watch at the desk's door for the whole console, for any number of browsers.
#
# Who listens fetches the newest state when it is ready for it: a browser that does not read costs
# nothing, and misses only what is no longer true.

SILENCE_S: Final = RESTART_RULES[Component.CONSOLE_LINK].silent_s
"""The desk speaks every 10 s at least: after so long it is gone, even if nobody hung up."""
RETRY_PAUSES_S: Final = RESTART_RULES[Component.CONSOLE_LINK].pauses_s
"""Between two tries to reach a desk that is gone: the last one for ever."""


@dataclass(frozen=True, slots=True)
class StatusSnapshot:
    """The state of number `number`; `status` as `centralino status --json` shows it.

    `away`: the desk cannot be heard, and `status` is the last that was (None: never any).
    """

    number: int
    status: dict[str, Any] | None
    away: bool


class StatusFeed:
    """`running` keeps the watch; `newest` and `newer` are for whoever shows the state."""

    def __init__(self, desk: ControlClient, silence: float = SILENCE_S) -> None:
        self._desk = desk
        self._silence = silence
        self._is_stopped = False
        self._changed = asyncio.Event()
        self._watch: asyncio.Task[None] | None = None
        self.newest = StatusSnapshot(0, None, True)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[StatusFeed]:
        """Watch while this lasts; comes back to the desk whenever it is there again."""
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
        """End everybody's listening."""
        self._is_stopped = True
        self._changed.set()

    async def newer(self, number: int) -> StatusSnapshot | None:
        """Wait for a state that is not the one of that number; None once the console stops."""
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
                async for status in self._desk.watch(self._silence):
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


# ---- reading -------------------------------------------------------------------------------------
# Reads the records beside the running desk, in threads of its own: the console's loop never waits.
#
# Each read opens the database anew (half a millisecond): one that was set aside and begun afresh is
# then the one that is read. Read-only.

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

    async def do(self, job: Callable[[sqlite3.Connection], T], limit: float = READ_LIMIT_S) -> T:
        """Return what `job` reads, within `limit` s.

        Raises StoreError when the records cannot be read, or not in time.
        """
        try:
            async with asyncio.timeout(limit):
                return await anyio.to_thread.run_sync(
                    self._read, job, limiter=self._limiter, abandon_on_cancel=True
                )
        except TimeoutError as error:
            raise NotKept(
                "gli archivi non hanno risposto in tempo: riprovare",
                "the records did not answer in time: try again",
            ) from error

    def _read(self, job: Callable[[sqlite3.Connection], T]) -> T:
        mark = object()
        self._began[mark] = time.monotonic()
        try:
            return self._done(job)
        finally:
            del self._began[mark]

    def _done(self, job: Callable[[sqlite3.Connection], T]) -> T:
        with contextlib.closing(open_reader(self._path)) as connection:
            try:
                return job(connection)
            except sqlite3.Error as error:
                raise NotKept(
                    f"gli archivi non si leggono ({error}): riprovare",
                    f"the records cannot be read ({error}): try again",
                ) from error


def records_of(request: Request) -> StoreReader:
    """Return the reader of the records."""
    reading: StoreReader = request.app.state.reading
    return reading


# ---- x field -----------------------------------------------------------------------------------
# Users: who may use the console and as what; for head and technician.

LONGEST_FIELD: Final = 200


def form_field(form: FormData | Mapping[str, Any], name: str) -> str:
    """Return a field of a form as text, "" for none; files are none."""
    value = form.get(name, "")
    return value[:LONGEST_FIELD] if isinstance(value, str) else ""
