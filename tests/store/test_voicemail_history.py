"""What was done about messages and missed calls, in the database (P9, E16)."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from appliance.calls.orders import Result
from appliance.errors import OfficeError
from appliance.policy.voicemail import MessageEntry, MessageOutcome, MessageState, MessageStep
from appliance.store import call_log, voicemail
from appliance.store.database import connect, migrate, migrations, open_database
from appliance.store.listings import care_text, done_words, history_lines, history_rows
from appliance.store.voicemail import CaseKind
from tests.store.samples import ROME, TEN, a_call, a_message


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Name a database with one message and one call without."""
    opened = open_database(tmp_path / "c.db", tmp_path / "corrupt").connection
    voicemail.insert_message(opened, a_message(), a_call(), "b")
    call_log.upsert_calls(opened, [a_call("a-2", Result.GAVE_UP, 1)], "b")
    opened.close()
    return tmp_path / "c.db"


@pytest.fixture
def db(path: Path) -> Iterator[sqlite3.Connection]:
    """Open it."""
    connection = connect(path)
    yield connection
    connection.close()


def entry(step: MessageStep, by: str = "Anna", minute: int = 0, note: str = "") -> MessageEntry:
    """Make an entry; closing is with NOT_REACHABLE."""
    outcome = MessageOutcome.NOT_REACHABLE if step is MessageStep.CLOSE else None
    return MessageEntry(TEN + timedelta(minutes=minute), by, step, outcome, note)


def test_a_message_from_taken_to_closed(db: sqlite3.Connection) -> None:
    """E16, P9: taken by one, called back in vain twice, closed; every step is kept."""
    steps = [
        entry(MessageStep.HEAR, "op1"),
        entry(MessageStep.TAKE, minute=1),
        entry(MessageStep.FAIL, minute=2),
        entry(MessageStep.FAIL, minute=7, note="segreteria"),
        entry(MessageStep.CLOSE, minute=20, note="provato due volte"),
    ]
    for step in steps[:-1]:
        number, stands = voicemail.add_entry(db, CaseKind.MESSAGE, "1", step)
    taken = voicemail.find_message(db, "1")
    assert taken is not None
    assert (number, taken.state, taken.taken_by) == (1, MessageState.TAKEN, "Anna")
    assert care_text(stands, "it") == "in carico a Anna, 2 a vuoto"
    assert [m.id for m in voicemail.list_messages(db, MessageState.TAKEN)] == ["m1"]
    assert voicemail.list_messages(db, MessageState.NEW) == ()
    assert voicemail.count_waiting(db) == 1
    voicemail.add_entry(db, CaseKind.MESSAGE, "m1", steps[-1])
    closed = voicemail.find_message(db, "1")
    assert closed is not None
    assert (closed.state, closed.outcome) == (MessageState.CLOSED, MessageOutcome.NOT_REACHABLE)
    assert closed.note == "provato due volte"
    assert voicemail.list_entries(db, CaseKind.MESSAGE, "m1") == tuple(steps)
    assert voicemail.count_waiting(db) == 0
    told = list(history_lines(steps, ROME, "it"))
    assert told[0] == "mer 25 novembre 2026, 10:00  op1  ascolto"
    assert told[3] == "mer 25 novembre 2026, 10:07  Anna  richiamata a vuoto (segreteria)"
    assert told[-1].endswith("chiusura: non raggiungibile (provato due volte)")
    assert [row["step"] for row in history_rows(steps)][-2:] == ["fail", "close"]


def test_a_call_without_a_message_has_the_same_states(db: sqlite3.Connection) -> None:
    """E24: "Chiamata senza messaggio" is taken and closed as a message is."""
    number, _ = voicemail.add_entry(db, CaseKind.CALL, "a-2", entry(MessageStep.TAKE))
    with pytest.raises(OfficeError, match=f"call {number}: Anna has it"):
        voicemail.add_entry(db, CaseKind.CALL, str(number), entry(MessageStep.CLOSE, "Bruno"))
    _, stands = voicemail.add_entry(db, CaseKind.CALL, str(number), entry(MessageStep.CLOSE))
    assert stands.state is MessageState.CLOSED
    assert voicemail.care_by_id(db, CaseKind.CALL) == {"a-2": stands}
    assert done_words(CaseKind.CALL, number, MessageStep.CLOSE, stands).text("it") == (
        f"La chiamata {number} è chiusa: non raggiungibile."
    )


def test_of_two_who_take_it_at_once_one_is_told_who_has_it(path: Path) -> None:
    """E16: two desks press at the same moment, over and over: exactly one has the message."""
    for round_ in range(20):
        refused: list[str] = []
        both = threading.Barrier(2)

        def take(by: str, minute: int, refused: list[str], both: threading.Barrier) -> None:
            connection = connect(path)
            both.wait(10)
            try:
                voicemail.add_entry(
                    connection, CaseKind.MESSAGE, "1", entry(MessageStep.TAKE, by, minute)
                )
            except OfficeError as error:
                refused.append(str(error))
            finally:
                connection.close()

        threads = [
            threading.Thread(target=take, args=(by, round_, refused, both)) for by in ("A", "B")
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        reader = connect(path)
        found = voicemail.find_message(reader, "1")
        assert found is not None
        assert len(refused) == 1
        assert refused[0].startswith(f"message 1: {found.taken_by} has it")
        voicemail.add_entry(reader, CaseKind.MESSAGE, "1", entry(MessageStep.RELEASE, "C", round_))
        reader.close()


def test_the_same_entry_twice_is_one(db: sqlite3.Connection) -> None:
    """After an unknown outcome the same entry may be given again, also where it now is refused."""
    for step in (entry(MessageStep.TAKE), entry(MessageStep.RELEASE, minute=1)):
        for _ in range(2):
            voicemail.add_entry(db, CaseKind.MESSAGE, "1", step)
    assert len(voicemail.list_entries(db, CaseKind.MESSAGE, "m1")) == 2


def test_what_was_done_is_never_changed_nor_taken_away(db: sqlite3.Connection) -> None:
    """The history is only added to; it goes with its message alone."""
    voicemail.add_entry(db, CaseKind.MESSAGE, "1", entry(MessageStep.TAKE))
    voicemail.add_entry(db, CaseKind.CALL, "a-2", entry(MessageStep.TAKE))
    for statement in (
        "UPDATE care SET by = 'x'",
        "DELETE FROM care WHERE kind = 'message'",
        "DELETE FROM care WHERE kind = 'call'",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="stands"):
            db.execute(statement)


def test_what_does_not_exist_is_said(db: sqlite3.Connection) -> None:
    """An unknown message or call is the office's mistake, told with where to look."""
    for kind, where in (
        (CaseKind.MESSAGE, "centralino messages"),
        (CaseKind.CALL, "calls list --missed"),
    ):
        with pytest.raises(OfficeError, match=f"no {kind} 99.*{where}"):
            voicemail.add_entry(db, kind, "99", entry(MessageStep.TAKE))


def test_what_an_older_programme_closed_stays_closed(db: sqlite3.Connection) -> None:
    """After a fall-back to the older system slot a message was closed in the old way."""
    db.execute(
        "UPDATE messages SET state = 'closed', outcome = 'no_number', closed_by = 'old', "
        "closed_at = ?",
        (TEN.isoformat(),),
    )
    with pytest.raises(OfficeError, match="is closed already"):
        voicemail.add_entry(db, CaseKind.MESSAGE, "1", entry(MessageStep.TAKE))
    (old,) = voicemail.list_entries(db, CaseKind.MESSAGE, "m1")
    assert (old.by, old.outcome) == ("old", MessageOutcome.NO_NUMBER)
    _, stands = voicemail.add_entry(
        db, CaseKind.MESSAGE, "1", entry(MessageStep.NOTE, note="vecchio")
    )
    assert stands.state is MessageState.CLOSED


def test_nobody_has_dealt_with_it_is_a_sentence() -> None:
    """An empty history is said, in both languages."""
    assert list(history_lines([], ROME, "it")) == ["Nessuno se n'è occupato."]
    assert list(history_lines([], ROME, "en")) == ["Nobody has dealt with it."]


@pytest.mark.parametrize("kind", CaseKind)
def test_what_is_given_is_the_colleagues(db: sqlite3.Connection, kind: CaseKind) -> None:
    """E19: who gave it to whom and when is kept; what the programme before this one reads of it is
    that the colleague took it."""
    name = "1" if kind is CaseKind.MESSAGE else "a-2"
    gift = MessageEntry(
        TEN + timedelta(minutes=2), "Anna", MessageStep.GIVE, note="dopo le 15", to="dino"
    )
    voicemail.add_entry(db, kind, name, entry(MessageStep.TAKE))
    for _ in range(2):  # the same one twice is one
        number, stands = voicemail.add_entry(db, kind, name, gift)
    subject, _ = voicemail.find_case(db, kind, str(number))
    entries = voicemail.list_entries(db, kind, subject)
    assert (entries[1:], stands.holder, stands.since) == ((gift,), "dino", gift.at)
    kept = db.execute("SELECT by, step, given_by FROM care ORDER BY entry DESC").fetchone()
    assert tuple(kept) == ("dino", "take", "Anna")
    (line,) = history_lines(entries[1:], ROME, "it")
    assert line.endswith("Anna  consegna → dino (dopo le 15)")
    assert history_rows(entries)[1]["to"] == "dino"
    db.execute("UPDATE calls SET caller_number = ''")  # then notes may go, and nothing else
    with pytest.raises(sqlite3.IntegrityError, match="what was done stands"):
        db.execute("UPDATE care SET given_by = 'Bruno', note = ''")


def test_a_message_closed_before_there_was_a_history_brings_it(tmp_path: Path) -> None:
    """The migration makes an entry of every closing there was."""
    connection = connect(tmp_path / "c.db")
    for number, script in migrations():
        if "CREATE TABLE care" in script:
            break
        connection.executescript(f"{script}; PRAGMA user_version = {number};")
    row = {**voicemail.message_to_row(a_message()), "state": "closed", "outcome": "not_needed"}
    row |= {"closed_by": "op1", "closed_at": TEN.isoformat(), "note": "fatto"}
    before = {each[1] for each in connection.execute("PRAGMA table_info(calls)")}
    call = {name: v for name, v in call_log.call_to_row(a_call()).items() if name in before}
    connection.execute(
        f"INSERT INTO calls (boot, {', '.join(call)}) VALUES ('b', :{', :'.join(call)})", call
    )
    connection.execute(
        f"INSERT INTO messages ({', '.join(row)}) VALUES (:{', :'.join(row)})",
        row,
    )
    migrate(connection)
    assert [tuple(each) for each in connection.execute("SELECT by, step, note FROM care")] == [
        ("op1", "close", "fatto")
    ]
    connection.close()
