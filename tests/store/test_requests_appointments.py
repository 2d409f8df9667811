"""The appointments of some days: by their start, those not wanted any more left out."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import timedelta

from appliance.policy.requests import AppointmentSlot, RequestStep
from appliance.store import requests
from appliance.store.requests import RequestToStore
from tests.policy.small_directory import rome
from tests.store.test_requests import ASKED, AT, WANTED, db, step

__all__ = ["db"]
MONDAY, TUESDAY = rome("2026-11-30 00:00"), rome("2026-12-01 00:00")


def booked(db: sqlite3.Connection, ident: str, start: str, unit: str = "anagrafe") -> int:
    """Have an appointment; returns its request's number."""
    assert WANTED.appointment is not None
    at = rome(start)
    appointment = replace(WANTED.appointment, slot=AppointmentSlot(at, at + timedelta(minutes=20)))
    new = replace(WANTED, unit=unit, appointment=appointment)
    return requests.insert_request(db, RequestToStore(ident, new, AT)).number


def test_those_of_a_day_in_their_order(db: sqlite3.Connection) -> None:
    """From midnight to midnight, of one unit or of all; an e-mail is no appointment."""
    late = booked(db, "a", "2026-11-30 23:40")
    early = booked(db, "b", "2026-11-30 00:00", "tributi")
    booked(db, "c", "2026-12-01 00:00")
    booked(db, "d", "2026-11-29 23:40")
    requests.insert_request(db, RequestToStore("e", ASKED, AT))
    found = requests.appointments_between(db, MONDAY, TUESDAY)
    assert [kept.request.number for kept in found] == [early, late]
    found = requests.appointments_between(db, MONDAY, TUESDAY, "tributi")
    assert [kept.request.number for kept in found] == [early]


def test_one_that_was_given_up_is_left_out(db: sqlite3.Connection) -> None:
    """Cancelled it is nobody's; done it stays, with how it ended."""
    given_up, done = booked(db, "a", "2026-11-30 09:00"), booked(db, "b", "2026-11-30 09:20")
    requests.apply_step(db, given_up, step("s1", RequestStep.CANCEL, "Anna"))
    requests.apply_step(db, done, step("s2", RequestStep.CLOSE, "Anagrafe"))
    (kept,) = requests.appointments_between(db, MONDAY, TUESDAY)
    assert kept.request.number == done
