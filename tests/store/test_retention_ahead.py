"""What goes soon, what waits, and what is handed over of one caller (P9, E20)."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

from appliance.policy.numbering import PLANS, same_number
from appliance.policy.voicemail import MessageOutcome
from appliance.store import call_log, database, privacy, voicemail
from appliance.store.retention import (
    RetentionDays,
    UnclosedCounts,
    count_unclosed,
    upcoming_deletions,
)
from tests.store.samples import TEN, a_call
from tests.store.test_retention import db  # noqa: F401 - a fixture

KEEPING = RetentionDays(messages_closed=90, numbers=180, calls=1000)


def test_what_goes_within_thirty_days(db: sqlite3.Connection) -> None:  # noqa: F811 - the fixture
    """A message with its day; calls with their callers by how many; nothing was touched."""
    found = upcoming_deletions(db, KEEPING, TEN + timedelta(days=59))
    assert (found.messages, found.numbers) == ((), 0)
    found = upcoming_deletions(db, KEEPING, TEN + timedelta(days=61))
    assert found.messages == ((1, TEN + timedelta(days=90)),)
    assert found.until == TEN + timedelta(days=91)
    found = upcoming_deletions(db, KEEPING, TEN + timedelta(days=160))
    assert (found.numbers, found.calls, found.open_calls) == (2, 0, 1)
    found = upcoming_deletions(db, KEEPING, TEN + timedelta(days=999))
    assert (found.calls, found.mails, found.requests) == (1, 0, 0)
    assert db.execute("SELECT count(*) FROM deletions").fetchone()[0] == 0


def test_what_waits_for_somebody(db: sqlite3.Connection) -> None:  # noqa: F811 - the fixture
    """What nobody closed stays whatever its age, and is counted with its oldest."""
    assert count_unclosed(db) == UnclosedCounts(1, TEN, 0, None, 0)
    voicemail.close_message(db, "open", "Anna", MessageOutcome.CALLED_BACK, TEN)
    assert count_unclosed(db) == UnclosedCounts(0, None, 0, None, 0)


def test_what_is_kept_of_one_caller(db: sqlite3.Connection) -> None:  # noqa: F811 - the fixture
    """Every row by its kind, in whichever way the number is written; audited without it."""
    call_log.upsert_calls(db, [a_call("a-5", minute=5)], "b")
    db.execute("UPDATE calls SET caller_number = '3470000001' WHERE call = 'a-5'")
    number = same_number("+39 051 234567", PLANS["it"])
    found = privacy.exported(db, number, "anna", TEN)
    assert [row["call"] for row in found["calls"]] == ["a-1", "a-2", "a-3", "a-4"]
    assert [row["id"] for row in found["messages"]] == ["closed", "open"]
    assert [row["note"] for row in found["notes"] if row["subject"] == "a-3"] == ["051234567"]
    assert found["requests"] == found["steps"] == found["mails"] == []
    (noted,) = database.latest(db, "export")
    assert (noted.by, noted.what) == ("anna", "export")
    assert noted.about.startswith("4 calls, 2 messages")
    assert not number.is_in(noted.about)
