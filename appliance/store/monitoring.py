"""Monitoring events that wait for the MQTT broker, stored in the transaction that caused them.

Temporary triggers of call control's own connection write them. So an event is on the disk with the
call, message or request that it is about, or neither is, also in the recovery after a kill.
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
# Without a configured broker nobody waits for the events.
# Age at which events are dropped without a configured broker.
UNWANTED: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class QueuedEvent:
    """One queued event; `presentation` and `caller` are its call's, "" if it has none."""

    # Numbers rise, so that a receiver sees what is missing; the id is the same at every attempt, so
    # that it can drop duplicates (schema/020).
    number: int
    id: str
    kind: str
    at: str
    about: dict[str, Any]
    # Read from the call when the event is sent, and never stored with it: a number that was erased
    # meanwhile is not sent (schema/020).
    presentation: str = ""
    caller: str = ""


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """Counts of waiting and of dropped events, and when the last was dropped ("" for never)."""

    waiting: int = 0
    dropped: int = 0
    dropped_at: str = ""


_NOW: Final = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
# The same key twice is one event: the record of a call is written again after its end.
#
# WHERE NOT EXISTS, not OR IGNORE: the statements of a trigger (fleet_bound) inherit the conflict
# rule of the statement that fires it (SQLite, lang_createtrigger.html).
_PUT: Final = (
    "INSERT INTO fleet_outbox (id, kind, key, at, about) "  # noqa: S608 - constant names
    "SELECT lower(hex(randomblob(16))), '{kind}', {key}, " + _NOW + ", {about} WHERE NOT EXISTS "
    "(SELECT 1 FROM fleet_outbox WHERE kind = '{kind}' AND key = {key});"
)

# Nothing of the person is stored in an event (P7).
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
        # Closed by the start after a kill: the end of the call is not known (E18).
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
"""Triggers by topic of the configuration."""
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
    """Create the triggers of these topics, for at most `most` waiting events; on each connection.

    Beyond that the oldest event is dropped, and counted. Waiting events of other kinds are deleted.
    """
    # Events of a topic that was taken out of the configuration are not sent any more.
    wanted = json.dumps(list(kinds))
    connection.execute(
        "DELETE FROM fleet_outbox WHERE kind NOT IN (SELECT value FROM json_each(?))", (wanted,)
    )
    connection.execute(
        "INSERT OR IGNORE INTO fleet_kept (name, value) VALUES (?, ?)", (DROPPED, _NONE_DROPPED)
    )
    # TEMP triggers: they follow this run's configuration, and no other connection has them.
    connection.execute(_BOUND.format(most=int(most), now=_NOW))
    for topic in sorted(set(topics) & _TRIGGERS.keys()):
        for number, trigger in enumerate(_TRIGGERS[topic]):
            connection.execute(f"CREATE TEMP TRIGGER fleet_{topic}_{number} {trigger}")


def note(
    connection: sqlite3.Connection, merged: Merged, differences: Differences, at: str, stamp: str
) -> None:
    """Store the facts that `merged` makes of the former ones, and an event for each difference.

    `stamp` is a unique prefix of the events' keys.
    """
    # One transaction: repeated after an unknown outcome, it finds no difference.
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
    """Return the facts that were noted last, None before the first."""
    return _kept(connection, FACTS)


def waiting(connection: sqlite3.Connection, after: int, most: int) -> tuple[QueuedEvent, ...]:
    """List the events with a number above `after`, oldest first, at most `most`."""
    # Only incoming calls have a caller here: the number of an outgoing call never leaves the box.
    rows = connection.execute(
        "SELECT o.*, c.caller_presentation, c.caller_number FROM fleet_outbox AS o "
        "LEFT JOIN calls AS c ON o.kind IN ('call_ended', 'message_left') "
        "AND c.direction = 'in' AND c.call = json_extract(o.about, '$.call') "
        "WHERE o.number > ? ORDER BY o.number LIMIT ?",
        (after, most),
    )
    return tuple(_from_row(row) for row in rows)


def settle(connection: sqlite3.Connection, numbers: Iterable[int]) -> None:
    """Delete events that the broker has confirmed."""
    with transaction(connection):
        connection.executemany(
            "DELETE FROM fleet_outbox WHERE number = ?", [(number,) for number in numbers]
        )


def set_aside(connection: sqlite3.Connection, number: int) -> None:
    """Set aside an event that cannot be published; the newest ASIDE_MOST of them are kept."""
    # Left in the queue it would hold back all others.
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
    """Drop events older than a week, for a box without a broker; returns their count."""
    before = (now.astimezone(UTC) - UNWANTED).strftime("%Y-%m-%dT%H:%M:%S")
    with transaction(connection):
        gone = connection.execute("DELETE FROM fleet_outbox WHERE at < ?", (before,)).rowcount
        if gone:
            dropped = _kept(connection, DROPPED) or {"count": 0}
            at = now.astimezone(UTC).isoformat()
            _keep(connection, DROPPED, {"count": dropped["count"] + gone, "at": at})
    return gone


def depth(connection: sqlite3.Connection) -> QueueDepth:
    """Count the waiting events, and all that were ever dropped."""
    (count,) = connection.execute("SELECT count(*) FROM fleet_outbox").fetchone()
    dropped = _kept(connection, DROPPED) or {}
    return QueueDepth(int(count), int(dropped.get("count", 0)), str(dropped.get("at", "")))


def last(connection: sqlite3.Connection) -> int:
    """Return the number of the newest event ever queued, 0 for none."""
    # SQLite's own count for AUTOINCREMENT is one row, and stays when the events are gone.
    row = connection.execute(
        "SELECT seq FROM sqlite_sequence WHERE name = 'fleet_outbox'"
    ).fetchone()
    return int(row[0]) if row else 0


def retained(connection: sqlite3.Connection) -> frozenset[str]:
    """List the topics with a retained message of ours at the broker."""
    # Kept so that a message that is no longer published can be removed from the broker.
    rows = connection.execute(
        "SELECT substr(name, ?) FROM fleet_kept WHERE name LIKE ?",
        (len(RETAINED) + 1, f"{RETAINED}%"),
    )
    return frozenset(str(row[0]) for row in rows)


def retain(connection: sqlite3.Connection, topics: Iterable[str]) -> None:
    """Note topics, before a retained message is published to them."""
    with transaction(connection):
        connection.executemany(
            "INSERT OR IGNORE INTO fleet_kept (name, value) VALUES (?, '')",
            [(f"{RETAINED}{topic}",) for topic in topics],
        )


def release(connection: sqlite3.Connection, topics: Iterable[str]) -> None:
    """Delete topics without a retained message of ours."""
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
