"""What the call log says of calling out, after a restart too (E17; toll fraud)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from appliance.calls.events import Caller, Presentation
from appliance.calls.orders import CallRecord, Direction, Result
from appliance.policy.dialling import PlacedCall
from appliance.policy.numbering import PLANS
from appliance.store import call_log, cases, listings, requests, voicemail
from appliance.store.database import open_database
from appliance.store.requests import RequestToStore
from appliance.store.voicemail import missed_calls
from tests.store.samples import TEN, a_call, a_message
from tests.store.test_requests import ASKED

ROME = ZoneInfo("Europe/Rome")

ITALY = PLANS["it"]
OUT = replace(
    a_call("o-1", Result.ANSWERED, minute=10),
    direction=Direction.OUT,
    number_class="local",
    case="call:a-1",
    phone="op1",
    answered_at=TEN + timedelta(minutes=11),
    ended_at=TEN + timedelta(minutes=14),
)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Open an empty database."""
    connection = open_database(tmp_path / "c.db", tmp_path / "corrupt").connection
    yield connection
    connection.close()


def test_a_call_out_comes_back_as_it_was_written(db: sqlite3.Connection) -> None:
    """Direction, class and case are kept; a record of an older programme came in."""
    call_log.upsert_calls(db, [OUT], "b")
    assert call_log.find_call(db, "o-1") == OUT
    old = {k: v for k, v in call_log.call_to_row(a_call()).items() if k not in NEW}
    assert call_log.call_from_row(old) == a_call()


NEW = {"direction", "number_class", "about"}


def test_who_called_is_known_and_what_was_dialled_counts(db: sqlite3.Connection) -> None:
    """The last call of each number within the days, written as it is dialled; minutes talked."""
    abroad = replace(a_call("a-2", minute=5), caller=Caller(Presentation.SHOWN, "0039051234567"))
    old = replace(a_call("a-3"), rang_at=TEN - timedelta(days=40), caller=Caller(
        Presentation.SHOWN, "0519999999"))  # fmt: skip
    call_log.upsert_calls(db, [a_call(), abroad, old, OUT], "b")
    found = call_log.ledger(db, ITALY, TEN + timedelta(hours=1), 30)
    assert found.loaded
    assert found.heard == {"051234567": TEN + timedelta(minutes=5)}
    assert found.placed == (PlacedCall("o-1", "op1", "051234567", OUT.rang_at, "call:a-1", 180.0),)


@pytest.mark.parametrize(
    ("record", "seconds"),
    [
        (replace(OUT, answered_at=None, result=Result.NOT_REACHED), 0.0),
        (replace(OUT, ended_at=None, result=Result.INTERRUPTED), 49 * 60.0),
        (replace(OUT, answered_at=None, ended_at=None, result=Result.OPEN), 50 * 60.0),
    ],
    ids=["nobody answered", "power cut in a conversation", "power cut in dialling"],
)
def test_a_call_whose_end_nobody_knows_counts_to_the_full(
    db: sqlite3.Connection, record: CallRecord, seconds: float
) -> None:
    """A restart gives nobody his minutes back: the limits are conservative."""
    call_log.upsert_calls(db, [record], "b")
    (found,) = call_log.ledger(db, ITALY, TEN + timedelta(hours=1), 30).placed
    assert found.talked_s == seconds


@pytest.mark.parametrize(
    ("case", "who"),
    [
        ("call:a-1", ("051234567", "ROSSI")),
        ("call:1", ("051234567", "ROSSI")),
        ("message:1", ("051234567", "ROSSI")),
        ("message:9", ("", "")),
        ("message:x", ("", "")),
        ("request:1", ("", "")),
        ("fax:1", ("", "")),
        ("", ("", "")),
    ],
)
def test_whose_number_a_case_is(db: sqlite3.Connection, case: str, who: tuple[str, str]) -> None:
    """By its short number, or the call's id; nothing for what is not there."""
    voicemail.insert_message(db, a_message(), a_call(), "b")
    assert cases.party_of_case(db, case) == who


def test_who_asked_for_something_may_be_called_back(db: sqlite3.Connection) -> None:
    """A request's contact is known like a caller, however the number was written."""
    requests.insert_request(db, RequestToStore("r1", ASKED, ASKED.at))
    found = call_log.ledger(db, ITALY, ASKED.at + timedelta(days=1), 30)
    assert list(found.heard) == ["3470000001"]
    assert cases.party_of_case(db, "request:1") == (ASKED.citizen.phone, ASKED.citizen.name)


def test_the_list_says_who_was_called_back_and_when(db: sqlite3.Connection) -> None:
    """The latest attempt stands beside the call; a call out stands with its arrow, never as missed;
    an office's number is its unit's name (P7).
    """
    gave_up = a_call("a-1", Result.GAVE_UP)
    tried = replace(OUT, call="o-0", rang_at=TEN + timedelta(minutes=2), result=Result.NOT_REACHED)
    unit = replace(
        OUT, call="o-2", case="", caller=Caller(Presentation.UNAVAILABLE, "", "Anagrafe")
    )
    call_log.upsert_calls(db, [gave_up, tried, OUT, unit], "b")
    back = call_log.called_back(db, ["call:a-1", "call:a-9"])
    assert list(back) == ["call:a-1"]
    text = listings.calls_as_text([gave_up, OUT, unit], "it", ROME, back).splitlines()
    assert text[1].endswith("richiamato alle 10:10 (risposta)")
    assert "a 051234567 ROSSI" in text[2]
    assert "a Anagrafe" in text[3]
    assert (
        listings.called_back_words(back["call:a-1"][1:], "en", ROME)
        == "called back at 10:02 (not reached)"
    )
    assert [one.record.call for one in missed_calls(db, TEN - timedelta(days=1))] == ["a-1"]
