"""Client of the control socket."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import sqlite3
import time
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Hashable,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from appliance.console.say import N_, Speaker
from appliance.errors import CentralinoError, OfficeError, TechnicianError
from appliance.policy.directory_review import mask_journal
from appliance.policy.supervision import TABLE, Part, in_words
from appliance.policy.text import NOTHING, NotKept, SaidError, Words
from appliance.store.database import open_reader

# ---- desk --------------------------------------------------------------------------------------
# Asks the desk at its door, without keeping the console's loop waiting.

LINE_LIMIT: Final = 4_000_000
"""Longest line of the desk's that is read, in bytes; a status has some thousand."""
ANSWER_S: Final = 5.0
"""An answer that takes longer comes too late for whoever is on the phone."""
PERSON: Final[ContextVar[str]] = ContextVar("person", default="")
"""Whose request is being served, "" for nobody's: the desk is told with every question, and looks
itself whether that person may. The doorkeeper sets it before every page."""
AWAY: Final = Words(
    "Il centralino non risponde: le pagine mostrano quanto già registrato. Se dura più di un "
    "minuto, avvisare il tecnico.",
    "The switchboard does not answer: pages show what is on record. If it lasts for more than a "
    "minute, tell the technician.",
)
DESK_LATE: Final = Words(
    "Il centralino non ha risposto in tempo: quanto chiesto può essere stato fatto, controllare.",
    "The switchboard did not answer in time: what was asked may have been done, look.",
)


class DeskAway(CentralinoError):  # noqa: N818 - reads as what it is
    """The desk cannot be asked, or has not answered; `words` are for people."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words


class Desk:
    """The desk, by its socket `door`. Every question is a visit of its own."""

    def __init__(self, door: Path) -> None:
        self._door = door

    async def ask(self, question: dict[str, Any], limit: float = ANSWER_S) -> dict[str, Any]:
        """Ask one question within `limit` s; returns the answer.

        Raises OfficeError with the desk's own sentence when it refuses, DeskAway when there is
        no answer.
        """
        try:
            async with asyncio.timeout(limit):
                async with self._visit(question) as reader:
                    return _accepted(await reader.readline())
        except TimeoutError as error:
            raise DeskAway(DESK_LATE) from error
        except (OSError, ValueError) as error:
            raise DeskAway(AWAY) from error

    async def watch(self, silence: float) -> AsyncIterator[dict[str, Any]]:
        """Yield the desk's status now and at every change, until the desk is gone.

        Raises DeskAway then: there is nothing to hear for `silence` s, it hung up, or refused.
        """
        try:
            async with self._visit({"ask": "watch"}) as reader:
                while True:
                    async with asyncio.timeout(silence):
                        line = await reader.readline()
                    yield _accepted(line)["status"]
        except (TimeoutError, OSError, ValueError, KeyError, OfficeError) as error:
            raise DeskAway(AWAY) from error

    @contextlib.asynccontextmanager
    async def _visit(self, question: dict[str, Any]) -> AsyncIterator[asyncio.StreamReader]:
        """Go to the door and ask."""
        reader, writer = await asyncio.open_unix_connection(self._door, limit=LINE_LIMIT)
        try:
            asked = question | {"person": PERSON.get()}
            writer.write(json.dumps(asked).encode() + b"\n")
            await writer.drain()
            yield reader
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


def _accepted(line: bytes) -> dict[str, Any]:
    """Read an answer; raises OSError where there is none, OfficeError for a refusal."""
    if not line.endswith(b"\n"):
        raise OSError("the desk hung up")
    answer: dict[str, Any] = json.loads(line)
    if not answer.get("ok"):
        if isinstance(answer.get("said"), dict):
            raise SaidError(Words(**answer["said"]))
        raise OfficeError(str(answer.get("error")))
    return answer


# ---- asking ------------------------------------------------------------------------------------
# Has the desk do what a page's form asks, and turns its refusal into the reader's language.


class NotDone(CentralinoError):  # noqa: N818 - it is called what it is
    """Raised when nothing was done; its text is in the reader's language, `status` for the page.

    `words` are the desk's, where it said why in both languages.
    """

    def __init__(self, status: int, said: str, words: Words = NOTHING) -> None:
        super().__init__(said)
        self.status, self.words = status, words


Shows = Callable[[Request, NotDone], Awaitable[Response]]
"""Shows a form's page again, with why nothing was done."""


async def ask(
    request: Request, question: dict[str, Any], limit_s: float = ANSWER_S
) -> dict[str, Any]:
    """Ask the desk and return its answer; raises NotDone when it refuses or is away."""
    say = request.state.speaker
    try:
        answer: dict[str, Any] = await request.app.state.desk.ask(question, limit_s)
    except (DeskAway, OfficeError) as error:
        raise not_done(say, error) from error
    if answer.get("done") is False:
        words = Words(**answer["said"])
        raise NotDone(409, say.words(words), words)
    return answer


def not_done(say: Speaker, error: DeskAway | OfficeError) -> NotDone:
    """Return why the desk did nothing, in the reader's language."""
    if isinstance(error, DeskAway):
        return NotDone(503, say.words(error.words))
    if isinstance(error, SaidError):
        return NotDone(409, say.words(error.words), error.words)
    return NotDone(409, say(N_("Not done: %(why)s"), why=say.words(in_words(str(error)))))


async def lead(request: Request, doing: Awaitable[None], shown: Shows, to: str) -> Response:
    """Wait for what a form asks, then lead to `to`; what was not done is said on its own page."""
    try:
        await doing
    except NotDone as error:
        return await shown(request, error)
    return RedirectResponse(to, 303)


# ---- done --------------------------------------------------------------------------------------
# Has the desk do what a page asks, and says in the reader's language how that went.


async def done(
    request: Request, question: dict[str, Any], undo: Mapping[str, str] | None = None
) -> JSONResponse:
    """Ask the desk; `undo` is the form that takes it back, within seconds (E22)."""
    _ = request.state.speaker
    try:
        answer = await request.app.state.desk.ask(question)
    except (DeskAway, OfficeError) as error:
        why = not_done(_, error)
        return not_done_response(str(why), why.status)
    is_done = answer.get("done", True)
    said = Words(**answer["said"]) if "said" in answer else Words()
    return JSONResponse(
        {
            "done": is_done,
            "said": _.words(said),
            "undo": dict(undo) if undo and is_done else None,
        }
    )


def not_done_response(said: str, status: int) -> JSONResponse:
    """Say why nothing was done."""
    return JSONResponse({"done": False, "said": said, "undo": None}, status)


# ---- feed --------------------------------------------------------------------------------------
# The live state: ONE watch at the desk's door for the whole console, for any number of browsers.
#
# Who listens fetches the newest state when it is ready for it: a browser that does not read costs
# nothing, and misses only what is no longer true.

SILENCE_S: Final = TABLE[Part.CONSOLE_LINK].silent_s
"""The desk speaks every 10 s at least: after so long it is gone, even if nobody hung up."""
WAITS_S: Final = TABLE[Part.CONSOLE_LINK].pauses_s
"""Between two tries to reach a desk that is gone: the last one for ever."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The state of number `number`; `status` as `centralino status --json` shows it.

    `away`: the desk cannot be heard, and `status` is the last that was (None: never any).
    """

    number: int
    status: dict[str, Any] | None
    away: bool


class Feed:
    """`running` keeps the watch; `newest` and `newer` are for whoever shows the state."""

    def __init__(self, desk: Desk, silence: float = SILENCE_S) -> None:
        self._desk = desk
        self._silence = silence
        self._is_stopped = False
        self._changed = asyncio.Event()
        self._watch: asyncio.Task[None] | None = None
        self.newest = Seen(0, None, True)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Feed]:
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

    async def newer(self, number: int) -> Seen | None:
        """Wait for a state that is not the one of that number; None once the console stops."""
        while not self._is_stopped:
            if self.newest.number != number:
                return self.newest
            await self._changed.wait()
        return None

    async def states(self) -> AsyncIterator[Seen]:
        """Yield the state now and the newest one at each later step, until the console stops."""
        number = -1
        while (seen := await self.newer(number)) is not None:
            number = seen.number
            yield seen

    async def _run(self) -> None:
        waits = _waits()
        while True:
            try:
                async for status in self._desk.watch(self._silence):
                    self._publish(status, away=False)
                    waits = _waits()
            except DeskAway:
                if not self.newest.away or self.newest.number == 0:
                    self._publish(self.newest.status, away=True)
            await asyncio.sleep(next(waits))

    def _publish(self, status: dict[str, Any] | None, *, away: bool) -> None:
        self.newest = Seen(self.newest.number + 1, status, away)
        waiting, self._changed = self._changed, asyncio.Event()
        waiting.set()


def _waits() -> itertools.chain[float]:
    """Yield the waits between tries, seconds."""
    return itertools.chain(WAITS_S, itertools.repeat(WAITS_S[-1]))


# ---- journal -----------------------------------------------------------------------------------
# The services' journal, for a technician to carry away: its end, with every number masked.

LINES: Final = 20_000
JOURNAL_LIMIT_S: Final = 20.0
MOST: Final = 4_000_000
"""Bytes of the journal that are kept, the last ones."""
COMMAND: Final = (
    "journalctl", "--quiet", "--no-pager", "--output=short-iso", f"--lines={LINES}",
    "--unit=centralino.service", "--unit=centralino-carrier.service",
    "--unit=centralino-console.service",
)  # fmt: skip
NO_JOURNAL: Final = Words(
    "Qui non c'è un registro di sistema da leggere: il servizio scrive dove è stato avviato.",
    "There is no journal to be read here: the service writes where it was started.",
)
JOURNAL_LATE: Final = Words(
    "Il registro di sistema non si è letto in tempo: riprovare.",
    "The journal could not be read in time: try again.",
)


class NoJournal(TechnicianError):  # noqa: N818 - reads as what it is
    """Raised when the journal cannot be had; `words` say why."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words


async def journal(command: Sequence[str] = COMMAND, limit: float = JOURNAL_LIMIT_S) -> str:
    """Return the end of the journal, masked; raises NoJournal."""
    try:
        reading = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
    except OSError as error:
        raise NoJournal(NO_JOURNAL) from error
    try:
        async with asyncio.timeout(limit):
            data, _ = await reading.communicate()
    except TimeoutError as error:
        raise NoJournal(JOURNAL_LATE) from error
    finally:
        with contextlib.suppress(ProcessLookupError):
            reading.kill()
        await reading.wait()
    if not data:
        raise NoJournal(NO_JOURNAL)
    text = data[-MOST:].decode("utf-8", "replace")
    whole = text.partition("\n")[2] if len(data) > MOST else text  # not a line cut in two
    return await asyncio.to_thread(mask_journal, whole)


# ---- once --------------------------------------------------------------------------------------
# A part of the page made once for all who see the same: many screens cost little more than one.


class Once:
    """Keeps what was made of the newest state alone."""

    def __init__(self) -> None:
        self._number = -1
        self._made: dict[Hashable, str] = {}

    def of(self, number: int, key: Hashable, make: Callable[[], str]) -> str:
        """Return what `key` sees of the state `number`, made by `make` if it is not yet."""
        if number != self._number:
            self._number, self._made = number, {}
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]


# ---- reading -----------------------------------------------------------------------------------
# Reads the records beside the running desk, in threads of its own: the console's loop never waits.
#
# Each read opens the database anew (half a millisecond): one that was set aside and begun afresh is
# then the one that is read. Read-only.

THREADS: Final = 2
"""Reads at once: one that takes long leaves the other for who types a search."""
READING_LIMIT_S: Final = 5.0

T = TypeVar("T")


class Reading:
    """The records at `path`, for pages."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._limiter = anyio.CapacityLimiter(THREADS)
        self._began: dict[object, float] = {}

    def is_hung(self, now: float) -> bool:
        """Tell whether a thread has been at one job for too long (`now` in monotonic s)."""
        limit = TABLE[Part.CONSOLE_READER].silent_s
        return any(now - began > limit for began in tuple(self._began.values()))

    async def do(self, job: Callable[[sqlite3.Connection], T], limit: float = READING_LIMIT_S) -> T:
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


# ---- streaming ---------------------------------------------------------------------------------
# The stream of events behind an open page: the newest state at each change, a beat in between.
#
# A beat carries the box's monotonic clock. A page that hears none for some seconds says so, and
# what it sends carries the moment after which nobody wants it any more (`has_expired`).

BEAT_S: Final = 3.0
"""The longest pause of a stream; a page misses it after ten seconds (static/live.js)."""
LONGEST_NUMBER: Final = 20

Parts = Callable[[Seen], Iterable[str]]
"""Returns the events of a page for a state, made by `event`."""


def event(name: str, data: str) -> str:
    """Write one event (HTML Standard, 9.2.6): a line of data for each line of the text."""
    lines = "".join(f"data: {line}\n" for line in data.splitlines() or [""])
    return f"event: {name}\n{lines}\n"


class EventStream(StreamingResponse):
    """Ends with the browser, too: uvicorn tells that by `receive` alone and swallows what is sent.

    A stream that outlives its browser would count among the requests that are served at once.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the stream has ended or nobody listens."""
        async with anyio.create_task_group() as tasks:

            async def watch() -> None:
                await self.listen_for_disconnect(receive)
                tasks.cancel_scope.cancel()

            tasks.start_soon(watch)
            await self.stream_response(send)
            tasks.cancel_scope.cancel()


def stream(
    request: Request, parts: Parts, during: AbstractContextManager[None] | None = None
) -> EventStream:
    """Answer with the stream, for as long as the browser listens and somebody is logged in.

    `during` is entered when it begins and left when it ends.
    """
    events = _during(during or nullcontext(), _events(request, parts))
    return EventStream(events, media_type="text/event-stream")


async def _during(
    during: AbstractContextManager[None], events: AsyncIterator[str]
) -> AsyncIterator[str]:
    with during:
        async for one in events:
            yield one


async def _events(request: Request, parts: Parts) -> AsyncIterator[str]:
    feed: Feed = request.app.state.feed
    number = -1
    yield _beat()
    while True:
        try:
            async with asyncio.timeout(BEAT_S):
                seen = await feed.newer(number)
        except TimeoutError:
            yield _beat()
            continue
        if seen is None:
            return
        if not await request.app.state.accounts.is_in(request.state.word):
            yield event("out", "")  # logged out elsewhere, or disabled: nothing more is shown
            return
        number = seen.number
        yield event("away", "1" if seen.away else "")
        for part in parts(seen):
            yield part
        yield _beat()


def _beat() -> str:
    return event("beat", f"{time.monotonic():.1f}")


def has_expired(expires: str, now: float) -> bool:
    """Tell whether what a page sent is older than it may be; "" is what sets no limit."""
    if not expires:
        return False
    try:
        return len(expires) > LONGEST_NUMBER or not now <= float(expires)
    except ValueError:
        return True
