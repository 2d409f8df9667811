"""What an erasure by the head concerns (E20): found by number, or around one chosen record."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from appliance.policy.refused import Refused
from appliance.records import care, requests
from appliance.records.care import Kind

if TYPE_CHECKING:
    import sqlite3

    from appliance.policy.same_number import SameNumber


@dataclass(frozen=True, slots=True)
class Chosen:
    """What to erase: all of a number, or one record ("call", "message", "request") by its name."""

    number: SameNumber | None = None
    kind: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Mailed:
    """One e-mail that left, and stays where it is: to whom, when (ISO), for which request (0)."""

    to: str
    at: str
    request: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """What goes: ids of calls and messages, numbers of requests and mails, sounds as kept.

    `texts`: how many texts name the number. `mailed`: what left already. `numbers`: as stored, for
    whoever remembers them.
    """

    calls: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    message_numbers: tuple[int, ...] = ()
    requests: tuple[int, ...] = ()
    open_requests: tuple[int, ...] = ()
    going_on: bool = False
    mails: tuple[int, ...] = ()
    mailed: tuple[Mailed, ...] = ()
    texts: int = 0
    sounds: tuple[str, ...] = ()
    numbers: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def any(self) -> bool:
        """Tell whether there is anything."""
        return bool(self.calls or self.messages or self.requests or self.mails or self.texts)


TEXTS: Final = (
    ("calls", "reason"), ("calls", "trail"), ("messages", "note"), ("messages", "caller_name"),
    ("care", "note"), ("care", "by"), ("requests", "subject"), ("requests", "asked"),
    ("requests", "name"), ("request_steps", "words"), ("request_steps", "said_by"),
    ("outbox", "subject"), ("outbox", "body"), ("outbox", "calendar"), ("outbox", "said"),
    ("outbox", "reason"), ("drafts", "body"),
)  # fmt: skip
"""Where people, or the box, write what may name a number."""


def find(connection: sqlite3.Connection, chosen: Chosen) -> Found:
    """Find all that goes; raises OfficeError when the chosen record is not there."""
    calls = _calls(connection, chosen)
    messages = _messages(connection, chosen, calls)
    calls |= {str(row["call"]) for row in messages}
    asked = _requests(connection, chosen, calls)
    numbers = tuple(int(row["number"]) for row in asked)
    idents = tuple(str(row["id"]) for row in messages)
    calls |= _about(connection, calls, messages, numbers)
    mails = [row for row in connection.execute("SELECT * FROM outbox ORDER BY number")
             if _concerns(row, idents, numbers)]  # fmt: skip
    named = _named(connection, chosen.number)
    sent = [row for row in mails if row["state"] == "sent"]
    going = {row["number"] for row in mails}
    sent += [row for row in _sent_naming(connection, chosen.number) if row["number"] not in going]
    return Found(
        tuple(sorted(calls)),
        idents,
        tuple(int(row["number"]) for row in messages),
        numbers,
        tuple(int(row["number"]) for row in asked if row["state"] != "done"),
        _is_going_on(connection, calls),
        tuple(int(row["number"]) for row in mails),
        tuple(Mailed(row["recipient"], row["settled_at"] or "", row["request"]) for row in sent),
        len(named),
        (*(str(row["path"]) for row in messages), *_spoken(asked)),
        _numbers(connection, calls, messages, asked),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Invited:
    """The last invitation to an appointment that may have reached an office."""

    request: int
    to: str
    calendar: str


_INVITED: Final = """
    SELECT key, recipient, calendar, request FROM outbox
    WHERE calendar <> '' AND recipient <> '' AND (state = 'sent' OR tries > 0)
    AND key NOT LIKE '%-citizen%' ORDER BY number
"""


def invited(connection: sqlite3.Connection, numbers: tuple[int, ...]) -> tuple[Invited, ...]:
    """Return of each of these requests the last invitation that left, or may have left."""
    found = {}
    for row in connection.execute(_INVITED):
        if _concerns(row, (), numbers):
            number = _number_of(row)
            found[number] = Invited(number, row["recipient"], row["calendar"])
    return tuple(found.values())


def _number_of(row: sqlite3.Row) -> int:
    """Return the request of a mail that concerns one: by its key where it carries none."""
    return int(row["request"] or str(row["key"]).split("-")[1])


def named_in(
    connection: sqlite3.Connection, number: SameNumber
) -> tuple[tuple[str, str, int, str], ...]:
    """Return table, column, rowid and text of every text that names a number."""
    return tuple(
        (table, column, int(row[0]), str(row[1]))
        for table, column in TEXTS
        for row in connection.execute(f"SELECT rowid, {column} FROM {table}")  # noqa: S608 - constant names
        if row[1] and number.is_in(str(row[1]))
    )


def _calls(connection: sqlite3.Connection, chosen: Chosen) -> set[str]:
    if chosen.number is not None:
        rows = connection.execute("SELECT call, caller_number FROM calls WHERE caller_number <> ''")
        return {str(row[0]) for row in rows if chosen.number.is_(str(row[1]))}
    if chosen.kind == "call":
        return {care.find(connection, Kind.CALL, chosen.name)[0]}
    return set()


def _messages(connection: sqlite3.Connection, chosen: Chosen, calls: set[str]) -> list[sqlite3.Row]:
    wanted = ""
    if chosen.kind == "message":
        wanted, _ = care.find(connection, Kind.MESSAGE, chosen.name)
    return [
        row
        for row in connection.execute("SELECT * FROM messages ORDER BY number")
        if row["id"] == wanted
        or row["call"] in calls
        or (chosen.number is not None and chosen.number.is_(str(row["caller_number"])))
    ]


def _requests(connection: sqlite3.Connection, chosen: Chosen, calls: set[str]) -> list[sqlite3.Row]:
    wanted = 0
    if chosen.kind == "request":
        if not chosen.name.isdecimal():
            raise Refused(
                f"«{chosen.name}» non è il numero di una presa in carico: guardare nell'elenco",
                f"{chosen.name!r} is no number of a request: look with list",
            )
        wanted = requests.required(connection, int(chosen.name)).request.number
    return [
        row
        for row in connection.execute("SELECT * FROM requests ORDER BY number")
        if row["number"] == wanted
        or (row["call"] and row["call"] in calls)
        or (chosen.number is not None and chosen.number.is_(str(row["phone"])))
    ]


def _about(
    connection: sqlite3.Connection,
    calls: set[str],
    messages: list[sqlite3.Row],
    numbers: tuple[int, ...],
) -> set[str]:
    """Return the calls out that were placed for what goes."""
    cases = {f"call:{call}" for call in calls} | {f"request:{number}" for number in numbers}
    cases |= {f"message:{row['number']}" for row in messages}
    rows = connection.execute("SELECT call, about FROM calls WHERE about <> ''")
    return {str(row[0]) for row in rows if row[1] in cases}


def _concerns(row: sqlite3.Row, messages: tuple[str, ...], numbers: tuple[int, ...]) -> bool:
    key = str(row["key"])
    own = (f"request-{number}" for number in numbers)
    return (
        key.removeprefix("message:") in messages
        or row["request"] in numbers
        or any(key == each or key.startswith(f"{each}-") for each in own)
    )


def _named(
    connection: sqlite3.Connection, number: SameNumber | None
) -> tuple[tuple[str, str, int, str], ...]:
    return named_in(connection, number) if number is not None else ()


def _sent_naming(
    connection: sqlite3.Connection, number: SameNumber | None
) -> tuple[sqlite3.Row, ...]:
    """Return the mails about others, too, that left with the number in them."""
    if number is None:
        return ()
    rows = connection.execute("SELECT * FROM outbox WHERE state = 'sent' ORDER BY number")
    return tuple(
        row for row in rows if number.is_in(f"{row['subject']}\n{row['body']}\n{row['calendar']}")
    )


def _spoken(asked: list[sqlite3.Row]) -> tuple[str, ...]:
    """Return the files of requests' words, below the mailbox's folder."""
    files = (str(row["recording"]) for row in asked)
    return tuple(file.removeprefix("voicemail/") for file in files if file)


def _numbers(
    connection: sqlite3.Connection,
    calls: set[str],
    messages: list[sqlite3.Row],
    asked: list[sqlite3.Row],
) -> frozenset[str]:
    rows = connection.execute("SELECT call, caller_number FROM calls WHERE caller_number <> ''")
    return frozenset(
        {str(row[1]) for row in rows if row[0] in calls}
        | {str(row["caller_number"]) for row in messages}
        | {str(row["phone"]) for row in asked}
    ) - {""}


def _is_going_on(connection: sqlite3.Connection, calls: set[str]) -> bool:
    open_ones = connection.execute("SELECT call FROM calls WHERE result = 'open'")
    return any(str(row[0]) in calls for row in open_ones)
