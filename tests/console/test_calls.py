"""Calls on the console: those of a day or number, and all that is kept of one (E9, E10, E22)."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from appliance.calls.events import Evidence
from appliance.calls.orders import CallRecord, Direction, Result
from appliance.policy.users import User
from appliance.policy.voicemail import MessageEntry, MessageStep
from appliance.store import call_log, requests, sheets, voicemail
from appliance.store.requests import RequestToStore
from appliance.store.voicemail import CaseKind
from tests.console import people
from tests.console.test_operator import RESIDENZA
from tests.console.test_requests import ENGLISH
from tests.console.visitor import Visitor
from tests.store.samples import SHOWN, TEN, a_call, a_message
from tests.store.test_requests import ASKED, AT

DAY = "/calls?day=2026-11-25"
TRAIL = (
    "rang", "caller.shown", "route.open.free", "ring.op1,op2", "answered.op1", "talking",
    "transfer.anagrafe.aire.topic.keys", "returned.anagrafe.no_answer",
    "transfer.tributi..depth.person", "transferred.tributi", "line.not_idle", "ended",
)  # fmt: skip
WHOLE = replace(
    a_call("c-1", Result.ANSWERED), phone="op1", called="051598111", unit="tributi",
    answered_at=TEN + timedelta(seconds=9), ended_at=TEN + timedelta(minutes=4),
    evidence=Evidence.BUSY_TONE, release_ms=2100, transfer_reason="depth", trail=TRAIL,
    sheets=("residenza",),
)  # fmt: skip


@pytest.fixture
def kept(records: sqlite3.Connection) -> CallRecord:
    """A call with transfers, a note, a request and a sheet."""
    call_log.upsert_calls(records, [WHOLE, a_call("c-2", Result.GAVE_UP, minute=5)], "b")
    note = MessageEntry(TEN, "carla", MessageStep.NOTE, note="Difficult call: ha alzato la voce")
    voicemail.add_entry(records, CaseKind.CALL, "c-1", note)
    requests.insert_request(records, RequestToStore("r1", ASKED, AT))
    sheets.store(records, (RESIDENZA,))
    return WHOLE


@pytest.mark.usefixtures("kept")
def test_the_calls_of_a_day(operator: Visitor) -> None:
    """Time, caller, number called, position, office, how it ended; each leads to its page."""
    text = operator.get(DAY, headers=ENGLISH).text
    assert text.count('<th scope="row">') == 2
    for each in (
        'data-dial="051234567"',
        "051234567</button> ROSSI",
        "051598111",
        "op1",
        "tributi",
        "answered",
        "gave up",
    ):
        assert each in text
    assert '<a href="/calls/c-1">Call 1</a>' in text
    assert 'rel="prev" href="/calls?day=2026-11-24"' in text
    assert "There is no call here." in operator.get("/calls?day=2026-11-24", headers=ENGLISH).text


@pytest.mark.parametrize("day", ["", "x", "0001-01-01"])
def test_by_default_today(operator: Visitor, day: str) -> None:
    """A day that is none is today; there is no day after it."""
    text = operator.get(f"/calls?day={day}").text
    assert f'value="{datetime.now(operator.app.state.zone).date()}"' in text
    assert 'rel="next"' not in text


@pytest.mark.usefixtures("kept")
def test_the_calls_of_a_number(operator: Visitor, records: sqlite3.Connection) -> None:
    """Of the last 90 days, whatever day is chosen; part of a number will do, two digits not."""
    now = datetime.now(UTC)
    fresh = replace(a_call("n-1"), rang_at=now - timedelta(days=80))
    back = replace(a_call("n-2"), rang_at=now, direction=Direction.OUT)
    call_log.upsert_calls(records, [fresh, back], "b")
    path = f"{DAY}&number=%2B39 051 234567"
    text = operator.get(path, headers=ENGLISH).text
    assert "Calls found for +39 051 234567" in text
    assert "/calls/n-1" in text
    assert "called by the office:" in text
    assert "/calls/n-1" in operator.get(f"{DAY}&number=4567", headers=ENGLISH).text
    assert "/calls/n-1" not in operator.get(f"{DAY}&number=5678", headers=ENGLISH).text
    text = operator.get(f"{DAY}&number=51", headers=ENGLISH).text
    assert "/calls/n-1" not in text
    assert "/calls/c-1" in text


@pytest.mark.usefixtures("kept")
def test_all_that_is_kept_of_a_call(operator: Visitor) -> None:
    """Times, what happened, transfers with their outcome, notes, request, sheet."""
    text = operator.get("/calls/c-1", headers=ENGLISH).text
    for each in (
        'data-dial="051234567"', "051234567</button> ROSSI", "Rings: op1, op2",
        "Answers: op1", "It rings · <time",
        "Difficult call: ha alzato la voce",
        "Carla Blu", '<a href="/requests/1">', '<a href="/sheet/residenza">Cambio di residenza</a>',
        "<strong>anagrafe · aire</strong>: did not answer",
        "<strong>tributi</strong>: took the call · why it went on: depth",
        "/calls?day=2026-11-25", "op1 · after 9 s", "/calls?number=051234567",
    ):  # fmt: skip
        assert each in text


@pytest.mark.usefixtures("kept")
def test_the_front_desk_reads_nothing_of_lines(operator: Visitor) -> None:
    """E22: neither which line it was, nor how its end was heard, nor codes."""
    text = operator.get("/calls/c-1", headers=ENGLISH).text
    for each in ("line1", "busy tone", "2100", "line.not_idle", "For the technician"):
        assert each not in text


@pytest.mark.usefixtures("kept")
def test_the_technician_sees_how_it_ended_and_nobodys_number(visitor: Visitor) -> None:
    """P7: evidence, time and codes; no caller, no note, no request."""
    visitor.log_in(people.BEPPE)
    text = visitor.get("/calls/c-1", headers=ENGLISH).text
    for each in ("line1", "busy tone", "2100 ms", "line.not_idle", "•••"):
        assert each in text
    listed = visitor.get(f"{DAY}&number=051234567", headers=ENGLISH).text
    for each in (SHOWN.number, SHOWN.name, "Difficult", "/requests/1", "/sheet/"):
        assert each not in text
        assert each not in listed
    assert "/calls/c-1" in listed


@pytest.mark.usefixtures("kept")
def test_a_clerk_is_led_to_no_page_that_is_not_for_her(
    visitor: Visitor, records: sqlite3.Connection
) -> None:
    """E2: she sees the call as an operator does; messages are heard by operators alone."""
    call = replace(a_call("m-1", Result.MESSAGE), message="m1")
    voicemail.insert_message(records, a_message(call="m-1"), call, "b")
    visitor.log_in(people.DINO)
    text = visitor.get("/calls/m-1", headers=ENGLISH).text
    assert "Message 1" in text
    assert "/messages/1" not in text
    visitor.log_in(people.CARLA)
    assert '<a href="/messages/1">' in visitor.get("/calls/m-1").text
    assert '<a href="/calls/m-1">' in visitor.get("/messages/1").text


@pytest.mark.usefixtures("kept")
def test_it_is_reached_from_where_calls_are_listed(
    operator: Visitor, records: sqlite3.Connection
) -> None:
    """From a request, and from a call without a message, which is listed for some days."""
    assert '<a href="/calls/c-1">' in operator.get("/requests/1").text
    rang_at = datetime.now(UTC) - timedelta(hours=1)
    call_log.upsert_calls(records, [replace(a_call("c-3", Result.GAVE_UP), rang_at=rang_at)], "b")
    number = 3
    assert '<a href="/calls/c-3">' in operator.get(f"/missed/{number}").text


def test_a_call_that_went_no_further(operator: Visitor, records: sqlite3.Connection) -> None:
    """A transfer during which the caller hung up says so; one call back stands with its result."""
    trail = ("rang", "transfer.anagrafe.aire.topic.keys", "ended")
    back = replace(a_call("b-1", minute=9), direction=Direction.OUT, case="call:u-1")
    cut = replace(a_call("u-1", Result.ANSWERED), trail=trail)
    call_log.upsert_calls(records, [cut, back], "b")
    text = operator.get("/calls/u-1", headers=ENGLISH).text
    assert "the call ended before" in text
    assert '<a href="/calls/b-1">Called back</a>' in text
    text = operator.get("/calls/b-1", headers=ENGLISH).text
    assert '<a href="/calls/u-1">To the case</a>' in text
    assert "Called by the office" in text
    assert "Nothing yet." in text


@pytest.mark.parametrize(
    ("case", "user", "address"),
    [
        ("message:12", people.CARLA, "/messages/12"),
        ("request:7", people.DINO, "/requests/7"),
        ("message:12", people.DINO, ""),
        ("request:7", people.BEPPE, ""),
        ("", people.CARLA, ""),
    ],
)
def test_what_a_call_is_about(
    visitor: Visitor, records: sqlite3.Connection, case: str, user: User, address: str
) -> None:
    """E17: the message or request it was made for, for those who may open it."""
    call_log.upsert_calls(records, [replace(a_call("b-1"), case=case)], "b")
    visitor.log_in(user)
    text = visitor.get("/calls/b-1", headers=ENGLISH).text
    assert ("To the case" in text) == bool(address)
    assert f'<a href="{address}">To the case</a>' in text or not address


def test_no_such_call_and_nobody_else(visitor: Visitor, records: sqlite3.Connection) -> None:
    """A name that is none is no page; whoever only enters variations sees no call."""
    visitor.log_in(people.CARLA)
    assert visitor.get("/calls/none").status_code == 404
    visitor.log_in(people.VITO)
    assert visitor.get("/calls").status_code == 403
    assert visitor.get("/calls/none").status_code == 403
