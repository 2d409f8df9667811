"""The wall from the database: equal to the report whatever happens, quick, links kept by hash."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from appliance.calls.orders import CallRecord, Result
from appliance.policy.reports import report_of
from appliance.policy.text import Refused
from appliance.policy.voicemail import MessageEntry, MessageOutcome, MessageStep
from appliance.policy.wall import Returns
from appliance.store import call_log, database, reports, voicemail, wall
from appliance.store.database import open_database
from appliance.store.voicemail import CaseKind
from appliance.store.wall import DayReader
from tests.store.random_calls import ROME, TODAY, a_random_call, midnight
from tests.store.samples import TEN

OPEN = ((8.0, 13.0), (14.5, 18.0))
CALLS = 10_000


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Open an empty database."""
    connection = open_database(tmp_path / "c.db", tmp_path / "corrupt").connection
    yield connection
    connection.close()


def compare(db: sqlite3.Connection, reader: DayReader, now: datetime) -> None:
    """Compare the wall with the report of today, and of the four weeks with today."""
    found = reader.read(db, now, OPEN)
    today = reports.call_rows(db, midnight(TODAY), midnight(TODAY + timedelta(days=1)), ROME)
    first = midnight(TODAY - timedelta(days=28))
    month = reports.call_rows(db, first, midnight(TODAY + timedelta(days=1)), ROME)
    day, all_of_it = report_of(today, ()), report_of(month, ())
    assert found.total == day.total
    assert {bar.hour: bar.figures for bar in found.bars if bar.figures.calls} == day.hours
    returned = {
        unit: Returns(told.asked, sum(told.returned.values()))
        for unit, told in all_of_it.units.items()
        if told.returned
    }
    assert dict(found.units) == returned


@pytest.mark.whole
def test_wall_and_report_are_equal_on_10_000_calls(db: sqlite3.Connection) -> None:
    """While the day goes on: calls come, end, are called back, reopened, erased."""
    chance, reader = random.Random(21), DayReader(ROME)
    now = midnight(TODAY) + timedelta(hours=12)
    calls = [a_random_call(chance, number) for number in range(CALLS)]
    today = [each for each in calls if each.rang_at >= midnight(TODAY)]
    call_log.upsert_calls(db, [each for each in calls if each.rang_at < midnight(TODAY)], "b")
    steps = 5
    for step in range(steps):
        some = today[step::steps]
        # Half of them are first seen while they go on.
        call_log.upsert_calls(db, [replace(each, result=Result.OPEN) for each in some[::2]], "b")
        call_log.upsert_calls(db, some[1::2], "b")
        compare(db, reader, now)
        call_log.upsert_calls(db, some[::2], "b")
        for each in chance.sample(some, 20):
            at = each.rang_at + timedelta(hours=chance.choice((1, 30)))
            outcome = chance.choice(list(MessageOutcome))
            done = MessageEntry(at, "op1", MessageStep.CLOSE, outcome)
            voicemail.add_entry(db, CaseKind.CALL, each.call, done)
            if chance.random() < 0.3:
                again = MessageEntry(at, "op1", MessageStep.REOPEN)
                voicemail.add_entry(db, CaseKind.CALL, each.call, again)
        compare(db, reader, now)
    total = reader.read(db, now, OPEN).total
    assert min(total.calls - 4000, total.called_back, total.lost, total.within) > 0
    db.execute("DELETE FROM calls WHERE call = ?", (today[0].call,))
    db.commit()
    compare(db, reader, now)


def test_the_figures_are_read_in_100_ms(db: sqlite3.Connection) -> None:
    """With 10,000 calls, of which half are today's and one has just changed."""
    chance, reader = random.Random(7), DayReader(ROME)
    calls = [a_random_call(chance, number) for number in range(CALLS)]
    call_log.upsert_calls(db, calls, "b")
    now = midnight(TODAY) + timedelta(hours=12)
    reader.read(db, now, OPEN)
    took: list[float] = []
    for number in range(20):
        changed = replace(calls[number], result=Result.GAVE_UP)
        call_log.upsert_calls(db, [changed], "b")
        before = time.process_time()
        reader.read(db, now, OPEN)
        took.append(time.process_time() - before)
    assert sorted(took)[18] < 0.1


def test_the_four_weeks_are_read_anew_with_the_day(db: sqlite3.Connection) -> None:
    """A console that runs over midnight shows what is usual on the new day."""
    at = midnight(TODAY) + timedelta(hours=9)
    lost = CallRecord("c-1", "line1", at, result=Result.GAVE_UP)
    call_log.upsert_calls(db, [lost], "b")
    reader = DayReader(ROME)
    assert reader.read(db, at, OPEN).total.lost == 1
    week = reader.read(db, at + timedelta(days=7), OPEN)
    assert (week.total.calls, week.bars[1].usual) == (0, 1.0)


def test_a_link_is_kept_by_its_hash(db: sqlite3.Connection) -> None:
    """Named, listed, ended once and for good; the audit has the name and never the secret."""
    made = wall.add_link(db, "Ingresso", "the-secret", "anna", TEN)
    assert wall.find_link(db, "the-secret") == made == wall.list_links(db)[0]
    assert wall.find_link(db, "another") is None
    with pytest.raises(Refused, match="already"):
        wall.add_link(db, "ingresso", "other", "anna", TEN)
    ended = wall.end_link(db, made.number, "bea", TEN)
    assert wall.find_link(db, "the-secret") == ended == replace(made, ended_at=TEN, ended_by="bea")
    with pytest.raises(Refused, match="no open link 1"):
        wall.end_link(db, made.number, "bea", TEN)
    again = wall.add_link(db, "Ingresso", "third", "anna", TEN)
    assert [each.number for each in wall.list_links(db)] == [again.number, made.number]
    told = database.latest(db, "wall.")
    assert [(each.by, each.what, each.about) for each in reversed(told)] == [
        ("anna", wall.MADE, "Ingresso"),
        ("bea", wall.ENDED, "Ingresso"),
        ("anna", wall.MADE, "Ingresso"),
    ]
    dump = "\n".join(db.iterdump())
    assert "the-secret" not in dump


def test_an_ended_link_is_never_opened_again(db: sqlite3.Connection) -> None:
    """Not by the database itself, either."""
    made = wall.add_link(db, "Ingresso", "the-secret", "anna", TEN)
    with pytest.raises(sqlite3.IntegrityError, match="never changed"):
        db.execute("UPDATE screen_links SET name = 'x'")
    wall.end_link(db, made.number, "anna", TEN)
    with pytest.raises(sqlite3.IntegrityError, match="never changed"):
        db.execute("UPDATE screen_links SET ended_at = NULL, ended_by = ''")
