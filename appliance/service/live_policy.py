"""Directory and special hours in memory, and the changes of both that commands send."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar
from zoneinfo import ZoneInfo

from appliance.api import protocol
from appliance.api.protocol import (
    CommandHandlers,
    DeferredReply,
    Incoming,
    Reply,
    SendReply,
    command,
)
from appliance.api.replies import PolicyWritten
from appliance.api.technician_commands import SendPolicy, WritePolicy
from appliance.calls import events
from appliance.errors import CentralinoError, StoreError
from appliance.policy.directory import Directory, all_numbers_known
from appliance.policy.directory_changes import of_known_units, with_known_numbers
from appliance.policy.directory_review import DirectoryAttention, attention_of
from appliance.policy.hours import Schedule, date_words
from appliance.policy.hours_changes import HoursEntry, Whose, laid_over
from appliance.policy.sheets import OfficialInCharge
from appliance.policy.text import Refused
from appliance.store import directory as store
from appliance.store import hours as store_hours
from appliance.store import policy_change, sheets
from appliance.store.database import (
    Trouble,
    connect,
    migrate,
    open_reader,
    records_made,
    sole_writer,
)
from appliance.store.directory import Readable
from appliance.store.policy_change import OvertakenError, PolicyChange
from appliance.store.writer import DatabaseWriter
from appliance.text import Words, _, by_language, in_context, joined, unchanged

if TYPE_CHECKING:
    from appliance.config.schema import Settings


# The directory. A command reports a change to call control; a command that was killed before it
# could is found out by the number of the database's last change (E12). A directory that cannot be
# read leaves the last one in force, and one whose numbers cannot be unsealed still gives the
# offices' rules; both are shown as a trouble (P5). The officials in charge, whom the sheets make
# public, are read with it: a return names both (E10).

DirectoryHeard = Callable[[Directory | CentralinoError], None]
# Number of the database's last change; inode and modification time (ns) of the key file, because
# a key put back must be noticed although no row has changed.
Version = tuple[int, tuple[int, int]]
NO_KEY = (0, 0)
# What the supervisor must review, in the order of _listed.
TO_REVIEW: Final = (
    in_context("live_policy", "without a valid declaration"),
    _("declarations running out"),
    _("authorisations running out"),
    _("authorisations that ran out"),
)


class LiveDirectory:
    """Directory in memory, read in the database thread; posts DirectoryChanged, sets a trouble."""

    def __init__(
        self,
        records: DatabaseWriter,
        key: Path,
        post: Callable[[events.Event], None],
        on_trouble: Callable[[Trouble | None], None],
    ) -> None:
        self._records = records
        self.key = key
        self._post = post
        self._on_trouble = on_trouble
        self._seen: Version | None = None
        self._officials: tuple[OfficialInCharge, ...] = ()
        self.directory = Directory()

    def load(self, told: DirectoryHeard = lambda _: None) -> None:
        """Read the directory; `told` gets it or the error, in the database thread."""

        def done(result: Readable | CentralinoError) -> None:
            self._take(result)
            told(result.register if isinstance(result, Readable) else result)

        self._records.do(self._read, done)

    def look(self, connection: sqlite3.Connection) -> None:
        """Read the directory if another process has changed it; for the database thread.

        Raises CentralinoError if it cannot be read, sqlite3.Error.
        """
        if self._seen == _version(connection, self.key):
            return
        try:
            self._take(self._read(connection))
        except CentralinoError as error:
            self._take(error)
            raise

    def _read(self, connection: sqlite3.Connection) -> Readable:
        # Before the reading: a change made meanwhile is found at the next look.
        seen = _version(connection, self.key)
        read = store.load_readable(connection, self.key)
        directory = of_known_units(read.register)
        # Without the key the numbers known so far hold, until call control restarts.
        found = with_known_numbers(directory, self.directory) if read.why else directory
        self._seen, self._officials = seen, sheets.officials(connection)
        return Readable(found, read.why)

    def _take(self, result: Readable | CentralinoError) -> None:
        if isinstance(result, CentralinoError):
            self._on_trouble(directory_unreadable(result))
            return
        self.directory = result.register
        self._post(events.DirectoryChanged(result.register, self._officials))
        self._on_trouble(numbers_unreadable(result))


def _version(connection: sqlite3.Connection, key: Path) -> Version:
    try:
        found = key.stat()
    except OSError:
        return store.last_change(connection), NO_KEY
    return store.last_change(connection), (found.st_ino, found.st_mtime_ns)


def directory_unreadable(error: CentralinoError) -> Trouble:
    """Return the trouble for a directory that cannot be read: the one read last holds."""
    return Trouble(
        "register.unreadable",
        _("The register of offices cannot be read, the one read last holds: {error}", error=error),
    )


def numbers_unreadable(found: Readable) -> Trouble | None:
    """Return the trouble for numbers that cannot be unsealed, None without one."""
    if found.why is None:
        return None
    if all_numbers_known(found.register):
        return Trouble(
            "register.key_missing",
            _(
                "The key of the register cannot be read, its numbers are known only until "
                "the service starts anew: {why}",
                why=found.why,
            ),
        )
    return Trouble(
        "register.numbers_unreadable",
        _(
            "The numbers of the register cannot be read, nothing is transferred to "
            "them; the offices' rules (appointment or e-mail) hold, and the key's "
            "return mends it at once: {why}",
            why=found.why,
        ),
    )


def directory_summary(directory: Directory, at: datetime, zone: ZoneInfo) -> dict[str, Any]:
    """Return the directory's part of `status --json`: counts and codes, no number (P7)."""
    found = attention_of(directory, at, zone)
    return {
        "units": len(directory.units),
        "undeclared": [unit.code for unit in found.undeclared],
        "expiring": [{"unit": d.unit, "last": f"{d.last}"} for d in found.expiring],
        "authorisations_expiring": [each.entry.number for each in found.lapsing],
        "authorisations_expired": [each.entry.number for each in found.lapsed],
    }


def directory_in_one_line(directory: Directory, at: datetime, zone: ZoneInfo) -> Words:
    """Return one line: the number of units, and those that the supervisor must review."""
    if not directory.units:
        return _("empty: nothing can be transferred")
    found, count = attention_of(directory, at, zone), len(directory.units)
    return joined("; ", (_("{count} services and offices", count=count), *_listed(found)))


def _listed(found: DirectoryAttention) -> Iterator[Words]:
    lists = (
        [unchanged(unit.code) for unit in found.undeclared],
        [_until(each.unit, each.last) for each in found.expiring],
        [_until(each.entry.number, each.last) for each in found.lapsing],
        [unchanged(each.entry.number) for each in found.lapsed],
    )
    for words, names in zip(TO_REVIEW, lists, strict=True):
        if names:
            yield joined(": ", (words, joined(", ", names)))


def _until(name: object, last: date | None) -> Words:
    if last is None:
        return unchanged(name)
    return by_language(lambda language: f"{name} ({date_words(last, language)})")


# Special hours. If they cannot be read, those read last stay in force, with a trouble.

HoursHeard = Callable[[tuple[HoursEntry, ...] | CentralinoError], None]
HOURS_UNREADABLE: Final = "hours.unreadable"


class LiveHours:
    """Special hours in memory, read in the database thread; posts HoursChanged, sets a trouble."""

    def __init__(
        self,
        records: DatabaseWriter,
        post: Callable[[events.Event], None],
        on_trouble: Callable[[Trouble | None], None],
    ) -> None:
        self._records = records
        self._post = post
        self._on_trouble = on_trouble
        self._seen = -1
        self.entered: tuple[HoursEntry, ...] = ()
        """All entries as last read, including those that are over."""

    def load(self, told: HoursHeard = lambda _: None) -> None:
        """Read the entries; `told` gets them or the error, in the database thread."""

        def done(result: tuple[HoursEntry, ...] | CentralinoError) -> None:
            self._take(result)
            told(result)

        self._records.do(self._read, done)

    def look(self, connection: sqlite3.Connection) -> None:
        """Read the entries if there are new ones; for the database thread.

        Raises CentralinoError if they cannot be read, sqlite3.Error.
        """
        # Commands load them at once; other entries appear when a database is put back.
        if self._seen == store_hours.last_number(connection):
            return
        try:
            self._take(self._read(connection))
        except CentralinoError as error:
            self._take(error)
            raise

    def over(self, schedule: Schedule) -> Schedule:
        """Return the switchboard's written hours with the special hours laid over them."""
        return laid_over(schedule, Whose.SWITCHBOARD, self.entered)

    def _read(self, connection: sqlite3.Connection) -> tuple[HoursEntry, ...]:
        self._seen = store_hours.last_number(connection)
        return store_hours.load(connection)

    def _take(self, result: tuple[HoursEntry, ...] | CentralinoError) -> None:
        if isinstance(result, CentralinoError):
            self._on_trouble(hours_unreadable(result))
            return
        self.entered = result
        self._post(events.HoursChanged(result))
        self._on_trouble(None)


def hours_unreadable(error: CentralinoError) -> Trouble:
    """Return the trouble for special hours that cannot be read: those read last hold."""
    return Trouble(
        HOURS_UNREADABLE,
        _(
            "The openings and closures that were entered cannot be read, those read "
            "last hold: {error}",
            error=error,
        ),
    )


T = TypeVar("T")
# Changes of directory, sheets and managed settings by commands. Call control alone writes the
# database while it runs: a command sends its change in parts over the control socket.

# Bytes of one part: as base64 it still fits in one message of the control socket.
PART_BYTES: Final = 11_000
# Attempts at a change that others overtake by changing the database first.
MOST_TRIES: Final = 5
# A starting call control holds the database before it answers: this is how long a start may take.
START_LIMIT_S: Final = 10.0
ANSWER_LIMIT_S: Final = 30.0


class PolicyCommands(CommandHandlers):
    """Control-socket handlers that take a change in parts and write it in the database thread."""

    def __init__(self, records: DatabaseWriter, directory: LiveDirectory) -> None:
        self._records, self._directory = records, directory
        self._incoming = Incoming(policy_change.LIMIT)

    @command(SendPolicy)
    def part(self, wish: SendPolicy) -> Reply:
        """Take one part of a change; `write` follows the last one."""
        return self._incoming.take(wish.by, wish.at, wish.data)

    @command(WritePolicy)
    def write(self, wish: WritePolicy) -> DeferredReply:
        """Write the collected change; reply once the directory in force has it."""
        data = self._incoming.collect(wish.by)

        def job(connection: sqlite3.Connection) -> None:
            policy_change.write(connection, policy_change.from_json(data))

        def later(tell: SendReply) -> None:
            def done(result: CentralinoError | None) -> None:
                if isinstance(result, OvertakenError):
                    tell(PolicyWritten(written=False))
                elif result is not None:
                    tell(result)
                else:
                    self._directory.load(lambda _: tell(PolicyWritten(written=True)))

            self._records.do(job, done)

        return later


def change_policy(
    settings: Settings, make: Callable[[sqlite3.Connection], tuple[T, PolicyChange]]
) -> T:
    """Write the change that `make` derives from the database; return its result.

    `make` only reads; it is called again if others changed the database meanwhile. Raises what
    `make` raises, OvertakenError after MOST_TRIES, OfficeError, StoreError.
    """
    # A command never makes the database: it would belong to whoever called the command.
    database = records_made(Path(settings.folders.state))
    for _unused in range(MOST_TRIES):
        with closing(open_reader(database)) as connection:
            told, change = make(connection)
        if change.is_nothing or _written(settings, database, change):
            return told
    raise OvertakenError


def policy_version(connection: sqlite3.Connection) -> int:
    """Return the policy's version that a change is based on.

    Raises Refused for a database of an older programme: only call control migrates it.
    """
    from appliance.store.database import migrations

    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version < migrations()[-1][0]:
        raise Refused(
            _("the records are of an older version: start centralino, then again"),
        )
    return policy_change.basis(connection)


def _written(settings: Settings, database: Path, change: PolicyChange) -> bool:
    """Write a change by call control, or here if it does not run; False if it was overtaken."""
    socket = Path(settings.folders.run) / "desk.sock"
    end = time.monotonic() + START_LIMIT_S
    while True:
        try:
            return _sent(socket, change)
        except protocol.NotRunningError:
            pass
        try:
            with sole_writer(database, 0.5):
                return _written_here(database, change)
        except StoreError:
            # A starting call control holds the database and does not answer yet.
            if time.monotonic() >= end:
                raise


def _sent(socket: Path, change: PolicyChange) -> bool:
    by, data = f"command {os.getpid()}", policy_change.to_json(change)
    if len(data) > policy_change.LIMIT:
        raise Refused(
            _(
                "the change has {data} MB, at most {limit}: divide it into smaller ones",
                data=len(data) // 1_000_000,
                limit=policy_change.LIMIT // 1_000_000,
            ),
        )
    for at in range(0, len(data), PART_BYTES):
        protocol.send(socket, SendPolicy(by=by, at=at, data=data[at : at + PART_BYTES]))
    return protocol.send(socket, WritePolicy(by=by), ANSWER_LIMIT_S).written


def _written_here(database: Path, change: PolicyChange) -> bool:
    with closing(connect(database)) as connection:
        migrate(connection)
        try:
            policy_change.write(connection, change)
        except OvertakenError:
            return False
    return True
