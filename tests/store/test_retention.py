"""How long what is kept, and what is recorded of its deletion."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from appliance.calls.orders import Result
from appliance.policy.voicemail import MessageEntry, MessageOutcome, MessageStep
from appliance.store import call_log, retention, voicemail
from appliance.store.database import open_database
from appliance.store.listings import calls_as_text
from appliance.store.retention import DueForDeletion, RetentionDays, preview_lines, retention_lines
from appliance.store.voicemail import CaseKind
from tests.store.samples import TEN, a_call, a_message

ROME = ZoneInfo("Europe/Rome")

KEEPING = RetentionDays(messages_closed=90, numbers=180, calls=1000)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A database: a closed message, an open one, a call without; all of ten o'clock."""
    connection = open_database(tmp_path / "c.db", tmp_path / "corrupt").connection
    for ident, call in (("closed", "a-1"), ("open", "a-2")):
        message = replace(a_message(ident, call), path=f"new/{ident}.wav")
        voicemail.insert_message(connection, message, a_call(call, Result.MESSAGE), "b")
    voicemail.close_message(
        connection, "closed", "Anna", MessageOutcome.CALLED_BACK, TEN, "richiama 051234567"
    )
    call_log.upsert_calls(connection, [a_call("a-3", Result.GAVE_UP), a_call("a-4")], "b")
    voicemail.add_entry(
        connection,
        CaseKind.CALL,
        "a-3",
        MessageEntry(TEN, "Anna", MessageStep.NOTE, note="051234567"),
    )
    yield connection
    connection.close()


def deleted(
    db: sqlite3.Connection, days: float, keeping: RetentionDays = KEEPING
) -> DueForDeletion:
    """Delete what is due so many days later."""
    now = TEN + timedelta(days=days)
    found = retention.due_for_deletion(db, keeping, now)
    retention.erase(db, found, keeping, now)
    return found


def test_a_closed_message_goes_and_an_open_one_never(db: sqlite3.Connection) -> None:
    """P9: no message is lost by age that nobody has closed; what went is recorded, not whose."""
    assert not deleted(db, 90).any
    assert [ident for ident, _, _ in deleted(db, 91).messages] == ["closed"]
    assert [m.id for m in voicemail.list_messages(db)] == ["open"]
    assert voicemail.list_entries(db, CaseKind.MESSAGE, "closed") == ()
    (found,) = retention.deletions(db)
    assert (found.what, found.days, found.ids) == ("messages", 90, ("closed",))
    deleted(db, 5000)
    assert [m.id for m in voicemail.list_messages(db)] == ["open"]
    assert voicemail.list_messages(db)[0].caller.number == "051234567"


def test_numbers_go_before_the_calls_themselves(db: sqlite3.Connection) -> None:
    """The figures of a report stay when nobody needs to know any more who called."""
    assert deleted(db, 181).numbers == ("a-1", "a-3")
    shown = calls_as_text(call_log.list_calls(db), "it", ROME)
    assert shown.count("numero cancellato") == 2
    kept = call_log.find_call(db, "a-2")
    assert kept is not None
    assert kept.caller.number == "051234567"


def test_a_note_on_a_call_goes_with_the_callers_number(db: sqlite3.Connection) -> None:
    """E10: any call may have a note; who wrote it stays, its words are gone from the file."""
    unknown = replace(a_call("a-7", Result.ANSWERED).caller, number="", name="")
    call_log.upsert_calls(db, [replace(a_call("a-7", Result.ANSWERED), caller=unknown)], "b")
    voicemail.add_entry(
        db,
        CaseKind.CALL,
        "a-7",
        MessageEntry(TEN, "Anna", MessageStep.NOTE, note="il signor Rossi"),
    )
    with pytest.raises(sqlite3.DatabaseError, match="what was done stands"):
        db.execute("UPDATE care SET note = '' WHERE subject = 'a-3'")  # its number is kept
    assert not deleted(db, 179).numbers
    assert deleted(db, 181).numbers == ("a-1", "a-3", "a-7")
    for call in ("a-3", "a-7"):
        (entry,) = voicemail.list_entries(db, CaseKind.CALL, call)
        assert (entry.by, entry.step, entry.note) == ("Anna", MessageStep.NOTE, "")
    with pytest.raises(sqlite3.DatabaseError, match="what was done stands"):
        db.execute("UPDATE care SET note = 'altro' WHERE subject = 'a-7'")
    assert not deleted(db, 182).any


def test_calls_go_with_what_was_done_about_them(db: sqlite3.Connection) -> None:
    """One that still goes on, or whose message is kept, stays."""
    deleted(db, 181)
    assert deleted(db, 1001).calls == ("a-1", "a-3")
    assert {record.call for record in call_log.list_calls(db)} == {"a-2", "a-4"}
    assert voicemail.list_entries(db, CaseKind.CALL, "a-3") == ()
    assert [each.what for each in retention.deletions(db)] == ["calls", "numbers", "messages"]


def test_open_missed_calls_that_go_are_said(db: sqlite3.Connection) -> None:
    """E24: a call that nobody dealt with goes by age, too; the head can see it before."""
    other = replace(a_call("a-5", Result.LOST).caller, number="0519999999")
    call_log.upsert_calls(db, [replace(a_call("a-5", Result.LOST), caller=other)], "b")
    found = retention.due_for_deletion(db, KEEPING, TEN + timedelta(days=181))
    assert retention.count_open_calls(db, found) == 2
    assert list(preview_lines(found, "it", 2))[-1].endswith(
        "senza messaggio e non ancora chiuse: 2"
    )
    voicemail.add_entry(
        db,
        CaseKind.CALL,
        "a-3",
        MessageEntry(TEN, "Anna", MessageStep.CLOSE, MessageOutcome.CALLED_BACK),
    )
    assert retention.count_open_calls(db, found) == 1
    again = replace(a_call("a-6", Result.ANSWERED), caller=other, rang_at=TEN + timedelta(days=1))
    call_log.upsert_calls(db, [again], "b")
    assert retention.count_open_calls(db, found) == 0
    assert retention.count_open_calls(db, DueForDeletion()) == 0


def test_nothing_due_is_no_deletion(db: sqlite3.Connection) -> None:
    """Nothing is written where nothing went; 0 days keep for ever."""
    assert not deleted(db, 1).any
    assert not deleted(db, 5000, RetentionDays(0, 0, 0)).any
    assert retention.deletions(db) == ()


def test_what_is_erased_is_not_found_in_the_file(db: sqlite3.Connection, tmp_path: Path) -> None:
    """The digits are overwritten, not merely forgotten; the record of it holds none."""
    voicemail.close_message(db, "open", "Anna", MessageOutcome.NOT_NEEDED, TEN)
    call_log.upsert_calls(db, [a_call("a-4", Result.LOST)], "b")
    deleted(db, 1001)
    assert voicemail.list_messages(db) == ()
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    contents = (tmp_path / "c.db").read_bytes() + (tmp_path / "c.db-wal").read_bytes()
    assert b"051234567" not in contents
    assert b"ROSSI" not in contents


def test_rules_deletions_and_what_would_go_are_said(db: sqlite3.Connection) -> None:
    """The head reads for how long what is kept, what went, what goes tonight; never whose."""
    assert list(preview_lines(DueForDeletion(), "en")) == ["Nothing would go tonight."]
    found = retention.due_for_deletion(db, KEEPING, TEN + timedelta(days=1001))
    assert list(preview_lines(found, "it")) == ["Messaggi: 1", "Numeri di 2 chiamate", "1 chiamate"]
    assert list(retention_lines(RetentionDays(calls=0), (), "it")) == [
        "Messaggi, dopo la chiusura: 90 giorni",
        "Numeri di chi ha chiamato: 180 giorni",
        "Chiamate: per sempre",
        "Un messaggio che nessuno ha chiuso non viene mai cancellato per scadenza.",
        "Finora non è stato cancellato niente.",
    ]
    deleted(db, 91)
    assert list(retention_lines(KEEPING, retention.deletions(db), "en"))[-2:] == [
        "Deleted:",
        "  Wed 24 February 2027, 10:00  Messages, after closing: 1",
    ]
