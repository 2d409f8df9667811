"""Calls as pages show them: of a day, of a number, and all that is kept of one."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import timedelta

import pytest

from appliance.calls.events import Caller, Presentation
from appliance.calls.orders import Direction, Result
from appliance.policy.voicemail import MessageEntry, MessageStep
from appliance.store import call_log, cases, requests, voicemail
from appliance.store.requests import RequestToStore
from appliance.store.voicemail import CaseKind
from tests.store.samples import TEN, a_call, a_message
from tests.store.test_requests import ASKED, AT, db

__all__ = ["db"]


def test_those_of_a_day_newest_first(db: sqlite3.Connection) -> None:
    """From one moment to another, calls that the office placed too; at most so many."""
    placed = replace(a_call("b", minute=1), direction=Direction.OUT)
    call_log.upsert_calls(
        db, [a_call("a"), placed, a_call("c", minute=2), a_call("d", minute=-1)], "x"
    )
    until = TEN + timedelta(minutes=2)
    assert [one.record.call for one in call_log.calls_between(db, TEN, until)] == ["b", "a"]
    assert [one.number for one in call_log.calls_between(db, TEN, until)] == [2, 1]
    assert len(call_log.calls_between(db, TEN, until, most=1)) == 1


@pytest.mark.parametrize("typed", ["051 234567", "+39 051 234567", "51234567", "0512", "1234567"])
def test_those_of_a_number_however_typed(db: sqlite3.Connection, typed: str) -> None:
    """From it and to it, however the exchange sent it; nobody else's."""
    sent = Caller(Presentation.SHOWN, "+39051234567")
    other = Caller(Presentation.SHOWN, "0519234567")
    back = replace(a_call("b", minute=1), direction=Direction.OUT, caller=sent)
    call_log.upsert_calls(db, [a_call("a"), back, replace(a_call("c"), caller=other)], "x")
    found = call_log.calls_with_number(db, typed, TEN)
    assert [one.record.call for one in found] == ["b", "a"]
    assert call_log.calls_with_number(db, typed, TEN + timedelta(hours=1)) == ()


def test_all_that_is_kept_of_one(db: sqlite3.Connection) -> None:
    """Its notes, its request, its message, the call back; nothing for a call that is not there."""
    call = replace(a_call("c-1", Result.MESSAGE), message="m1")
    voicemail.insert_message(db, a_message(call="c-1"), call, "x")
    back = replace(a_call("b-1", minute=9), direction=Direction.OUT, case="call:c-1")
    call_log.upsert_calls(db, [back], "x")
    voicemail.add_entry(
        db,
        CaseKind.CALL,
        "c-1",
        MessageEntry(TEN, "carla", MessageStep.NOTE, note="Difficult call"),
    )
    number = requests.insert_request(db, RequestToStore("r1", ASKED, AT)).number
    found = cases.call_history(db, "c-1")
    assert found is not None
    assert (found.one.number, found.one.record) == (1, call)
    assert [entry.note for entry in found.entries] == ["Difficult call"]
    assert [each.number for each in found.requests] == [number]
    assert found.message == 1
    assert [each.call for each in found.back] == ["b-1"]
    assert cases.call_history(db, "no-such") is None


def test_one_of_which_nothing_else_is_kept(db: sqlite3.Connection) -> None:
    """No message is number 0."""
    call_log.upsert_calls(db, [a_call("a")], "x")
    found = cases.call_history(db, "a")
    assert found is not None
    assert (found.entries, found.requests, found.message, found.back) == ((), (), 0, ())
