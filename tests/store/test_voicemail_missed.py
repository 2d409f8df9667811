"""Calls without a message, interrupted calls, and whose message without a number it may be."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.calls.orders import CallRecord, Direction, Result
from appliance.policy.voicemail import MessageEntry, MessageOutcome, MessageStep
from appliance.store import call_log, listings, voicemail
from appliance.store.database import migrate, open_database
from appliance.store.listings import missed_as_text
from appliance.store.voicemail import (
    CALLBACK_WANTED,
    MISSED_RESULTS,
    SERVED_RESULTS,
    CaseKind,
    MissedCall,
)
from tests.helpers.examples import examples
from tests.store.counting import questions
from tests.store.samples import SHOWN, TEN, WITHHELD, a_call, a_message

ROME = ZoneInfo("Europe/Rome")

OTHER = replace(SHOWN, number="0519999999", name="")


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Open an empty database."""
    connection = open_database(tmp_path / "c.db", tmp_path / "corrupt").connection
    yield connection
    connection.close()


def listed(db: sqlite3.Connection, *records: CallRecord) -> tuple[MissedCall, ...]:
    """Write calls and list the missed ones."""
    call_log.upsert_calls(db, records, "b")
    return voicemail.missed_calls(db, TEN - timedelta(days=1))


@pytest.mark.parametrize("result", Result)
def test_what_is_listed(db: sqlite3.Connection, result: Result) -> None:
    """E18, E24: whoever was not served to the end is listed, and nobody else."""
    found = listed(db, a_call("a-1", result))
    assert [each.record.call for each in found] == (["a-1"] if result in MISSED_RESULTS else [])
    assert all(each.is_open for each in found)


def test_a_call_that_left_a_message_is_in_the_other_list(db: sqlite3.Connection) -> None:
    """Interrupted, but what was said is kept: the message is dealt with, not the call."""
    assert listed(db, replace(a_call("a-1", Result.INTERRUPTED), message="m1")) == ()


def test_who_asked_to_be_called_back_is_listed(db: sqlite3.Connection) -> None:
    """A key pressed while waiting is a wish, however the call ended."""
    (found,) = listed(db, replace(a_call("a-1", Result.ANSWERED), trail=("rang", CALLBACK_WANTED)))
    assert (found.wanted, found.is_open) == (True, True)
    assert "risposta, chiede di essere richiamato" in missed_as_text([found], "it", ROME)


def test_who_spoke_into_a_full_disk_is_to_be_called_back(db: sqlite3.Connection) -> None:
    """What they said could not be kept, and they were told so: their number is what there is."""
    (found,) = listed(db, a_call("a-1", Result.NOT_STORED))
    assert (found.wanted, found.is_open, found.record.caller.number) == (True, True, "051234567")


def test_who_called_again_and_was_served_needs_nobody(db: sqlite3.Connection) -> None:
    """The same number, later, answered: the earlier call is no longer open, and says why."""
    found = listed(
        db,
        a_call("a-1", Result.GAVE_UP, 0),
        replace(a_call("a-2", Result.GAVE_UP, 1), caller=OTHER),
        replace(a_call("a-3", Result.GAVE_UP, 2), caller=WITHHELD),
        a_call("a-4", Result.ANSWERED, 3),
        replace(a_call("a-5", Result.ANSWERED, 4), caller=WITHHELD),
    )
    assert {each.record.call: each.is_open for each in found} == {
        "a-3": True, "a-2": True, "a-1": False,
    }  # fmt: skip
    assert "ha richiamato mer 25 novembre, 10:03" in missed_as_text(found, "it", ROME)


def test_many_who_called_again_are_asked_for_at_once(db: sqlite3.Connection) -> None:
    """Each missed call with the call that served its caller: as few questions as for one."""
    ends = (Result.GAVE_UP, Result.ANSWERED) * 20
    calls = [replace(a_call(f"a-{n}", end, n), caller=OTHER) for n, end in enumerate(ends)]
    since = TEN - timedelta(days=1)
    found = listed(db, *calls)
    assert len({each.again.call for each in found if each.again}) == 20
    assert questions(db, lambda: voicemail.missed_calls(db, since)) == 4


def test_who_called_again_from_the_same_number_otherwise_sent_was_served(
    db: sqlite3.Connection,
) -> None:
    """E9: one line's exchange sends the country's code, another's does not."""
    sent = replace(SHOWN, number="+39" + SHOWN.number)
    again = replace(a_call("a-2", Result.ANSWERED, 1), caller=sent)
    (found,) = listed(db, a_call("a-1", Result.GAVE_UP), again)
    assert (found.is_open, found.again) == (False, again)


def test_one_that_was_closed_is_not_open(db: sqlite3.Connection) -> None:
    """Closed with an outcome by somebody; the list for programmes says all of it."""
    (found,) = listed(db, a_call("a-1", Result.INTERRUPTED))
    voicemail.add_entry(db, CaseKind.CALL, "a-1", MessageEntry(TEN, "Anna", MessageStep.FAIL))
    voicemail.add_entry(
        db,
        CaseKind.CALL,
        "a-1",
        MessageEntry(TEN, "Anna", MessageStep.CLOSE, MessageOutcome.NOT_NEEDED),
    )
    (found,) = listed(db)
    assert not found.is_open
    (row,) = json.loads(listings.missed_as_json([found]))
    assert (row["state"], row["outcome"], row["failed"]) == (
        "closed", "not_needed", [TEN.isoformat()],
    )  # fmt: skip
    assert "non necessario" in missed_as_text([found], "it", ROME)
    assert "to be dealt with" in missed_as_text(
        [replace(found, care=MissedCall(1, found.record).care)], "en", ROME
    )


def test_nothing_is_said_in_words() -> None:
    """An empty list is a sentence."""
    assert missed_as_text([], "it", ROME) == "Nessuna chiamata senza messaggio."


def test_whose_message_without_a_number_it_may_be(db: sqlite3.Connection) -> None:
    """E16: calls of the ten minutes before, from a shown number, that left no message."""
    message = replace(a_message("m9", "a-9"), caller=WITHHELD)
    nine = replace(a_call("a-9", Result.MESSAGE), caller=WITHHELD)
    voicemail.insert_message(db, message, nine, "b")
    listed(
        db,
        a_call("old", Result.GAVE_UP, -11),
        a_call("gave up", Result.GAVE_UP, -9),
        replace(a_call("withheld", Result.GAVE_UP, -8), caller=WITHHELD),
        a_call("answered", Result.ANSWERED, -7),
        replace(a_call("queue", Result.NO_MESSAGE, -1), caller=OTHER),
        a_call("after", Result.GAVE_UP, 1),
    )
    assert [record.call for record in voicemail.possible_callers(db, message)] == [
        "queue",
        "gave up",
    ]


def test_a_message_with_a_number_needs_no_hint(db: sqlite3.Connection) -> None:
    """Who can be called back is not guessed at."""
    listed(db, a_call("gave up", Result.GAVE_UP, -9))
    assert voicemail.possible_callers(db, a_message()) == ()


def by_definition(records: Iterable[CallRecord]) -> list[tuple[str, str]]:
    """Say who was missed and when served, comparing every call with every other."""
    ordered = list(records)

    def served(record: CallRecord) -> str:
        later = (
            each.call
            for each in ordered
            if record.caller.number
            and each.caller.number == record.caller.number
            and each.rang_at > record.rang_at
            and each.result in SERVED_RESULTS
        )
        return next(later, "")

    return [(r.call, served(r)) for r in reversed(ordered) if voicemail.needs_somebody(r)]


SOMEBODY = st.builds(
    lambda result, ms, number, wanted, message, way: replace(
        a_call("", result),
        rang_at=TEN + timedelta(microseconds=ms * 500),
        caller=replace(SHOWN, number=number),
        trail=("rang", CALLBACK_WANTED) if wanted else ("rang",),
        message=message,
        direction=way,
    ),
    st.sampled_from(Result),
    st.integers(0, 40),
    st.sampled_from(("", "0511", "0512")),
    st.booleans(),
    st.sampled_from(("", "", "m1")),
    st.sampled_from(Direction),
)


@given(st.lists(SOMEBODY, max_size=24))
@settings(max_examples=examples(200))
def test_the_list_is_what_its_definition_says(calls: list[CallRecord]) -> None:
    """Found in one pass, whatever rang within one millisecond, the same as call by call."""
    named = [replace(each, call=f"a-{n}") for n, each in enumerate(calls)]
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        db.row_factory = sqlite3.Row
        migrate(db)
        found = listed(db, *named)
        rows = db.execute("SELECT * FROM calls ORDER BY rang_ms, rowid")
        assert [
            (each.record.call, each.again.call if each.again else "") for each in found
        ] == by_definition(map(call_log.call_from_row, rows))


def test_years_of_calls_are_listed_in_no_time(db: sqlite3.Connection) -> None:
    """Work grows with the calls, not with their square: 0.4 s here, 40 s when each met each."""
    results = (Result.GAVE_UP, Result.ANSWERED)
    calls = (
        replace(a_call(f"a-{n}", results[n % 2], n), caller=replace(SHOWN, number=f"051{n}"))
        for n in range(20_000)
    )
    call_log.upsert_calls(db, calls, "b")
    began = time.process_time()
    found = voicemail.missed_calls(db, TEN - timedelta(days=1))
    assert len(found) == 10_000
    assert time.process_time() - began < 8.0
