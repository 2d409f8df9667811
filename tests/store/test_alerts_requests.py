"""Requests that are late (P6, E15): counted, and told to the head once each."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.policy.hours import Schedule, week_of
from appliance.policy.mail import TO_HEAD
from appliance.policy.requests import RequestStep
from appliance.store import outbox, requests
from appliance.store.alerts import AlertSettings, queue_alerts
from appliance.store.database import open_database
from appliance.store.requests import RequestToStore
from tests.policy.small_directory import EVERY_DAY, rome
from tests.store.test_requests import ASKED, AT, step
from tests.stories.offices import ROME

WORKDAYS = Schedule(ROME, week_of(**dict.fromkeys(EVERY_DAY, "8:30-13")))
IN_TIME, LATE = rome("2026-11-26 12:00"), rome("2026-11-27 00:01")


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database with two requests, one of them answered."""
    connection = open_database(tmp_path / "c.db", tmp_path / "corrupt").connection
    for name in ("r1", "r2"):
        requests.insert_request(connection, RequestToStore(name, ASKED, AT))
    requests.apply_step(connection, 2, step("s1", RequestStep.CLOSE, "Anagrafe"))
    yield connection
    connection.close()


def test_a_late_one_is_counted_and_told_once(db: sqlite3.Connection) -> None:
    """Every minute it is looked for, also after a restart; the head reads of it once."""
    seen = [queue_alerts(db, WORKDAYS, AlertSettings(), at) for at in (IN_TIME, LATE, LATE)]
    assert [(each.requests, each.overdue) for each in seen] == [(1, 0), (1, 1), (1, 1)]
    (kept,) = outbox.list_mails(db)
    assert (kept.mail.to, kept.mail.key) == (TO_HEAD, "request-1-overdue")


def test_without_a_head_it_is_counted_alone(db: sqlite3.Connection) -> None:
    """No mail waits for an address that nobody has written."""
    seen = queue_alerts(db, WORKDAYS, AlertSettings(head=False), LATE)
    assert (seen.overdue, outbox.list_mails(db)) == (1, ())
