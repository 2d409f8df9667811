"""Monitoring events that wait for the MQTT broker, stored in the transaction that caused them.

Triggers of the desk's own connection write them: whichever way a call ends or a message is stored,
also by the recovery after a kill, the event is on the disk with it or not at all.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from appliance.store.database import transaction

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection, Iterable

    Row = dict[str, Any]
    Merged = Callable[[Row | None], Row]
    Differences = Callable[[Row | None, Row], Iterable[tuple[str, Row]]]

FACTS: Final = "facts"
DROPPED: Final = "dropped"
RETAINED: Final = "retained:"
ASIDE: Final = "aside:"
ASIDE_MOST: Final = 100
UNWANTED: Final = timedelta(days=7)
"""So old an event goes where no broker is configured any more: nobody waits for it."""


@dataclass(frozen=True, slots=True)
class QueuedEvent:
    """One event as it is kept; `presentation` and `caller` are the call's, "" where it has none."""

    number: int
    id: str
    kind: str
    at: str
    about: dict[str, Any]
    presentation: str = ""
    caller: str = ""


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """How many events wait, how many were dropped in all, and when last ("" for never)."""

    waiting: int = 0
    dropped: int = 0
    dropped_at: str = ""


_NOW: Final = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
_PUT: Final = (
    "INSERT INTO fleet_outbox (id, kind, key, at, about) "  # noqa: S608 - constant names
    "SELECT lower(hex(randomblob(16))), '{kind}', {key}, " + _NOW + ", {about} WHERE NOT EXISTS "
    "(SELECT 1 FROM fleet_outbox WHERE kind = '{kind}' AND key = {key});"
)
"""Without OR IGNORE: what its own triggers do would be done by that rule, too."""
_CALL: Final = """json_object('call', new.call, 'direction', new.direction, 'line', new.line,
    'called', CASE new.direction WHEN 'in' THEN new.called ELSE '' END, 'result', new.result,
    'way', new.way, 'position', new.phone, 'rang_at', new.rang_at, 'answered_at', new.answered_at,
    'ended_at', new.ended_at, 'evidence', new.evidence, 'clock', new.clock_state)"""
_CALL_ENDED: Final = _PUT.format(kind="call_ended", key="new.call", about=_CALL)
_TRIGGERS: Final = {
    "calls": (
        f"AFTER INSERT ON calls WHEN new.ended_at IS NOT NULL BEGIN {_CALL_ENDED} END",
        (
            "AFTER UPDATE ON calls WHEN old.ended_at IS NULL AND new.ended_at IS NOT NULL "
            f"BEGIN {_CALL_ENDED} END"
        ),
        # closed by the start after a kill: when it ended nobody knows (E18)
        (
            "AFTER UPDATE ON calls WHEN old.result = 'open' AND new.ended_at IS NULL "
            f"AND json_extract(new.trail, '$[#-1]') = 'interrupted' BEGIN {_CALL_ENDED} END"
        ),
    ),
    "messages": (
        "AFTER INSERT ON messages BEGIN "
        + _PUT.format(
            kind="message_left",
            key="new.id",
            about="json_object('message', new.number, "
            "'call', new.call, 'line', new.line, 'called', new.called, "
            "'length_s', new.length_ms / 1000.0, 'received_at', new.received_at, "
            "'interrupted', json(iif(new.interrupted, 'true', 'false')))",
        )
        + " END",
    ),
    "requests": (
        "AFTER INSERT ON requests BEGIN "
        + _PUT.format(
            kind="request_made",
            key="new.id",
            about="json_object('request', new.number, 'rule', new.rule, 'office', new.unit)",
        )
        + " END",
    ),
}
"""What is written when, by the topic of the configuration."""
_BOUND: Final = """
    CREATE TEMP TRIGGER fleet_bound AFTER INSERT ON fleet_outbox
    WHEN (SELECT count(*) FROM fleet_outbox) > {most} BEGIN
        DELETE FROM fleet_outbox WHERE number = (SELECT min(number) FROM fleet_outbox);
        UPDATE fleet_kept SET value = json_object(
            'count', json_extract(value, '$.count') + 1, 'at', {now}) WHERE name = 'dropped';
    END
"""
_NONE_DROPPED: Final = '{"at": "", "count": 0}'


def prepare(
    connection: sqlite3.Connection, topics: Collection[str], kinds: Iterable[str], most: int
) -> None:
    """Have the connection write the events of these topics, at most so many at a time.

    The oldest goes first, and is counted; what waits of other `kinds` is told no more. To be called
    on every new connection.
    """
    wanted = json.dumps(list(kinds))
    connection.execute(
        "DELETE FROM fleet_outbox WHERE kind NOT IN (SELECT value FROM json_each(?))", (wanted,)
    )
    connection.execute(
        "INSERT OR IGNORE INTO fleet_kept (name, value) VALUES (?, ?)", (DROPPED, _NONE_DROPPED)
    )
    connection.execute(_BOUND.format(most=int(most), now=_NOW))
    for topic in sorted(set(topics) & _TRIGGERS.keys()):
        for number, trigger in enumerate(_TRIGGERS[topic]):
            connection.execute(f"CREATE TEMP TRIGGER fleet_{topic}_{number} {trigger}")


def note(
    connection: sqlite3.Connection, merged: Merged, differences: Differences, at: str, stamp: str
) -> None:
    """Keep what holds now, made of what was kept before, and an event for each difference.

    All of it in one transaction: tried again, it finds no difference. `stamp` is unlike any other.
    """
    with transaction(connection):
        before = _kept(connection, FACTS)
        after = merged(before)
        for place, (kind, about) in enumerate(differences(before, after)):
            connection.execute(
                "INSERT INTO fleet_outbox (id, kind, key, at, about) VALUES (?, ?, ?, ?, ?)",
                (secrets.token_hex(16), kind, f"{stamp}-{place}", at, _json(about)),
            )
        _keep(connection, FACTS, after)


def facts(connection: sqlite3.Connection) -> Row | None:
    """Return what held when it was last noted, None where nothing ever was."""
    return _kept(connection, FACTS)


def waiting(connection: sqlite3.Connection, after: int, most: int) -> tuple[QueuedEvent, ...]:
    """List events beyond a number, oldest first, at most so many."""
    rows = connection.execute(
        "SELECT o.*, c.caller_presentation, c.caller_number FROM fleet_outbox AS o "
        "LEFT JOIN calls AS c ON o.kind IN ('call_ended', 'message_left') "
        "AND c.direction = 'in' AND c.call = json_extract(o.about, '$.call') "
        "WHERE o.number > ? ORDER BY o.number LIMIT ?",
        (after, most),
    )
    return tuple(_from_row(row) for row in rows)


def settle(connection: sqlite3.Connection, numbers: Iterable[int]) -> None:
    """Forget events that the broker has confirmed."""
    with transaction(connection):
        connection.executemany(
            "DELETE FROM fleet_outbox WHERE number = ?", [(number,) for number in numbers]
        )


def set_aside(connection: sqlite3.Connection, number: int) -> None:
    """Keep an event that cannot be published beside those that wait, the newest of such ones."""
    with transaction(connection):
        connection.execute(
            "INSERT OR REPLACE INTO fleet_kept (name, value) "
            "SELECT printf('%s%012d', ?, number), json_object('id', id, 'kind', kind, 'at', at, "
            "'about', json(about)) FROM fleet_outbox WHERE number = ?",
            (ASIDE, number),
        )
        connection.execute("DELETE FROM fleet_outbox WHERE number = ?", (number,))
        connection.execute(
            "DELETE FROM fleet_kept WHERE name LIKE ?1 AND name NOT IN "
            "(SELECT name FROM fleet_kept WHERE name LIKE ?1 ORDER BY name DESC LIMIT ?2)",
            (f"{ASIDE}%", ASIDE_MOST),
        )


def forget_unwanted(connection: sqlite3.Connection, now: datetime) -> int:
    """Drop what has waited a week with no broker configured; returns how many events went.

    They count among those that were dropped.
    """
    before = (now.astimezone(UTC) - UNWANTED).strftime("%Y-%m-%dT%H:%M:%S")
    with transaction(connection):
        gone = connection.execute("DELETE FROM fleet_outbox WHERE at < ?", (before,)).rowcount
        if gone:
            dropped = _kept(connection, DROPPED) or {"count": 0}
            at = now.astimezone(UTC).isoformat()
            _keep(connection, DROPPED, {"count": dropped["count"] + gone, "at": at})
    return gone


def depth(connection: sqlite3.Connection) -> QueueDepth:
    """Count what waits, and what was dropped since ever."""
    (count,) = connection.execute("SELECT count(*) FROM fleet_outbox").fetchone()
    dropped = _kept(connection, DROPPED) or {}
    return QueueDepth(int(count), int(dropped.get("count", 0)), str(dropped.get("at", "")))


def last(connection: sqlite3.Connection) -> int:
    """Return the number of the newest event that was ever kept; one row is read."""
    row = connection.execute(
        "SELECT seq FROM sqlite_sequence WHERE name = 'fleet_outbox'"
    ).fetchone()
    return int(row[0]) if row else 0


def retained(connection: sqlite3.Connection) -> frozenset[str]:
    """List the topics under which a broker may still hold something of ours."""
    rows = connection.execute(
        "SELECT substr(name, ?) FROM fleet_kept WHERE name LIKE ?",
        (len(RETAINED) + 1, f"{RETAINED}%"),
    )
    return frozenset(str(row[0]) for row in rows)


def retain(connection: sqlite3.Connection, topics: Iterable[str]) -> None:
    """Remember topics before something is published to stay there."""
    with transaction(connection):
        connection.executemany(
            "INSERT OR IGNORE INTO fleet_kept (name, value) VALUES (?, '')",
            [(f"{RETAINED}{topic}",) for topic in topics],
        )


def release(connection: sqlite3.Connection, topics: Iterable[str]) -> None:
    """Forget topics under which nothing of ours is left."""
    with transaction(connection):
        connection.executemany(
            "DELETE FROM fleet_kept WHERE name = ?", [(f"{RETAINED}{topic}",) for topic in topics]
        )


def _keep(connection: sqlite3.Connection, name: str, value: Row) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO fleet_kept (name, value) VALUES (?, ?)", (name, _json(value))
    )


def _kept(connection: sqlite3.Connection, name: str) -> Row | None:
    row = connection.execute("SELECT value FROM fleet_kept WHERE name = ?", (name,)).fetchone()
    found: Row | None = json.loads(row[0]) if row else None
    return found


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _from_row(row: sqlite3.Row) -> QueuedEvent:
    return QueuedEvent(
        int(row["number"]),
        str(row["id"]),
        str(row["kind"]),
        str(row["at"]),
        json.loads(row["about"]),
        str(row["caller_presentation"] or ""),
        str(row["caller_number"] or ""),
    )
