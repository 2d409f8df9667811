"""E17: what is open of whoever rings back: messages and calls, by whom, tried how often."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import timedelta

from appliance.calls.orders import Result
from appliance.policy.voicemail import MessageEntry, MessageOutcome, MessageStep
from appliance.store import call_log, voicemail
from appliance.store.cases import OpenCase, open_cases
from appliance.store.voicemail import CaseKind
from tests.store.samples import SHOWN, TEN, a_call, a_message
from tests.store.test_requests import db

__all__ = ["db"]
NOW = TEN + timedelta(hours=1)


def test_what_is_open_of_a_number(db: sqlite3.Connection) -> None:
    """However the number was sent; who has it, and how often it was tried; newest first."""
    voicemail.insert_message(
        db, a_message(), replace(a_call(result=Result.MESSAGE), message="m1"), "b"
    )
    voicemail.add_entry(db, CaseKind.MESSAGE, "m1", MessageEntry(TEN, "carla", MessageStep.TAKE))
    voicemail.add_entry(db, CaseKind.MESSAGE, "m1", MessageEntry(TEN, "carla", MessageStep.FAIL))
    call_log.upsert_calls(db, [a_call("a-2", Result.GAVE_UP, minute=5)], "b")
    assert open_cases(db, "+39 051 234567", NOW) == (
        OpenCase(CaseKind.CALL, 2, TEN + timedelta(minutes=5)),
        OpenCase(CaseKind.MESSAGE, 1, TEN, "carla", 1),
    )


def test_nothing_is_open(db: sqlite3.Connection) -> None:
    """Closed, of another number, of none."""
    voicemail.insert_message(db, a_message(), a_call(), "b")
    other = replace(SHOWN, number="0519999999")
    call_log.upsert_calls(db, [replace(a_call("a-2", Result.GAVE_UP), caller=other)], "b")
    assert len(open_cases(db, SHOWN.number, NOW)) == 1
    voicemail.add_entry(
        db,
        CaseKind.MESSAGE,
        "m1",
        MessageEntry(TEN, "carla", MessageStep.CLOSE, MessageOutcome.CALLED_BACK),
    )
    assert open_cases(db, SHOWN.number, NOW) == ()
    assert open_cases(db, "", NOW) == ()
