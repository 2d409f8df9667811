"""Calls, a message, a request, a line that is lost, each with the event that tells a broker of it.

`python -m tests.faults.fleet_workload ROOT FIRST BUG`: call and request FIRST are brought, in one
thread; ROOT/told gets a line for each thing that is on the disk. With the bug "apart" an event is
kept in a transaction of its own, after what it tells of.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from collections import Counter
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from appliance.calls.orders import Result
from appliance.fleet.mqtt_messages import GROUP_OF_EVENT, EventGroup, fact_differences
from appliance.policy.directory import ReturnRule
from appliance.policy.requests import spoken_request
from appliance.store import call_log, monitoring, requests, voicemail
from appliance.store.requests import NO_MAILS, RequestToStore
from appliance.store.writer import WriterSession
from tests.store.samples import TEN, a_call, a_message

MOST = 1000
SERVICE = {"open": True, "code": "open", "clock": "synced"}
TOLD_OF = {
    "call_ended": "SELECT call FROM calls WHERE result <> 'open'",
    "message_left": "SELECT CAST(number AS TEXT) FROM messages",
    "request_made": "SELECT CAST(number AS TEXT) FROM requests",
    "line_lost": "SELECT line.key FROM fleet_kept AS kept, "
    "json_each(kept.value, '$.lines') AS line WHERE kept.name = 'facts' "
    "AND json_extract(line.value, '$.lost')",
}
"""What each event is about, by its kind."""
NAMED = {"call_ended": "call", "message_left": "message", "request_made": "request",
         "line_lost": "line"}  # fmt: skip
Broken = Counter[str]


def session(root: Path, boot: str, bug: str = "none") -> WriterSession:
    """Return the records' writing connection, as the worker opens it."""
    topics = () if bug == "apart" else tuple(EventGroup)

    def opened(connection: sqlite3.Connection) -> None:
        monitoring.prepare(connection, topics, GROUP_OF_EVENT, MOST)
        call_log.close_interrupted(connection, boot)

    return WriterSession(root / "centralino.db", lambda _: None, opened)


def bring(root: Path, first: int, bug: str) -> None:
    """Bring the traffic; what is told is on the disk."""
    kept, boot = session(root, f"boot{first}", bug), f"boot{first}"
    told = os.open(root / "told", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    begun = a_call(f"c{first}")
    ended = replace(begun, result=Result.MESSAGE, ended_at=TEN + timedelta(minutes=1))
    message = a_message(f"m{first}", begun.call)
    asked = spoken_request(ReturnRule.EMAIL, "anagrafe", "aire", "S", "051", "", TEN, "op1")
    after = {"lines": {f"line{first}": {"lost": True, "why": {"it": "", "en": ""}}}}
    for name, about, job in (
        ("", "", lambda c: call_log.upsert_calls(c, [begun], boot)),
        ("message_left", "", lambda c: voicemail.insert_message(c, message, begun, boot)),
        ("call_ended", begun.call, lambda c: call_log.upsert_calls(c, [ended], boot)),
        (
            "request_made",
            "",
            lambda c: requests.insert_request(c, RequestToStore(f"r{first}", asked, TEN), NO_MAILS),
        ),
        ("line_lost", f"line{first}", lambda c: noted(c, after, first)),
    ):
        kept.run(job)
        if bug == "apart" and name == "call_ended":
            kept.run(lambda c: put_apart(c, begun.call))
        if about:
            os.write(told, f"{name} {about}\n".encode())
    kept.run(lambda c: c.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone())
    kept.close()


def noted(connection: sqlite3.Connection, after: dict[str, Any], first: int) -> None:
    """Keep that a line is lost, with its event."""

    def merged(before: dict[str, Any] | None) -> dict[str, Any]:
        lines = {**(before or {"lines": {}})["lines"], **after["lines"]}
        return {"lines": lines, "service": SERVICE, "troubles": {}}

    def between(old: dict[str, Any] | None, new: dict[str, Any]) -> list[tuple[str, Any]]:
        return fact_differences(old, new, frozenset(EventGroup))

    monitoring.note(connection, merged, between, TEN.isoformat(), f"stamp{first}")


def put_apart(connection: sqlite3.Connection, call: str) -> None:
    """Keep a call's event on its own: the planted bug."""
    connection.execute(
        "INSERT INTO fleet_outbox (id, kind, key, at, about) VALUES (?, 'call_ended', ?, ?, "
        "json_object('call', ?))",
        (f"id-{call}", call, TEN.isoformat(), call),
    )


def broken(root: Path) -> Broken:
    """Count what is not as it must be: as the disk was left, and after each of two more starts."""
    found = Broken()
    lines = (root / "told").read_text().split("\n")[:-1] if (root / "told").exists() else []
    for boot in ("", "later", "later still"):
        if boot:
            again = session(root, boot)
            again.run(lambda c: c.execute("SELECT 1").fetchone())
            again.close()
        with closing(sqlite3.connect(root / "centralino.db")) as db:
            found.update(unlike(db))
            found.update(lost(db, lines))
    return found


def unlike(db: sqlite3.Connection) -> Broken:
    """Count events without what they tell of, and what has happened without its one event."""
    found = Broken()
    for kind, query in TOLD_OF.items():
        wanted = Counter(str(row[0]) for row in db.execute(query))
        key = f"$.{NAMED[kind]}"
        rows = db.execute(
            "SELECT json_extract(about, ?) FROM fleet_outbox WHERE kind = ?", (key, kind)
        )
        events = Counter(str(row[0]) for row in rows)
        found[f"{kind} without what it tells of"] += (events - wanted).total()
        found[f"what {kind} tells of without its event"] += (wanted - events).total()
    if db.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
        found["the database is damaged"] += 1
    return +found


def lost(db: sqlite3.Connection, told: list[str]) -> Broken:
    """Count what was said to be on the disk and has no event there."""
    rows = db.execute("SELECT kind, about FROM fleet_outbox").fetchall()
    return Broken(
        f"{line.split()[0]} was told and is not there"
        for line in told
        if not any(kind == line.split()[0] and f'"{line.split()[1]}"' in about
                   for kind, about in rows)
    )  # fmt: skip


if __name__ == "__main__":
    bring(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
