"""A week of appointments at the control socket: free hours by declaration, days on which it is
closed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from appliance.api import requests
from appliance.errors import OfficeError
from appliance.policy.mail import LetterSender
from appliance.store import database
from appliance.store import requests as store_requests
from appliance.store.requests import RequestToStore
from tests.helpers.wire import wire, wish
from tests.helpers.words import both
from tests.policy.small_directory import (
    CALENDAR,
    SERVICE,
    TOWN,
    declaration,
    rome,
    with_declarations,
)
from tests.policy.test_requests_appointments import TUESDAYS
from tests.store.test_requests import ASKED

NOW = rome("2026-11-23 10:00")
OWN = replace(declaration(), slots=TUESDAYS)
OF_THE_SERVICE = replace(declaration(2, "demografici"), slots=TUESDAYS)


class Records:
    """Records asked and answered at once."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def do(self, job: Any, done: Any) -> None:
        """Do a job as the records' thread does."""
        done(job(self.connection))


@pytest.fixture
def records() -> Iterator[Records]:
    """Empty records."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as opened:
        opened.row_factory = sqlite3.Row
        database.migrate(opened)
        yield Records(opened)


def told(records: Any, *declared: Any, **asked: Any) -> dict[str, Any]:
    """Ask for the week of the 23rd of November, unless another is asked for."""
    home = LetterSender("Comune", "it", CALENDAR, with_declarations(*declared))
    heard: list[Any] = []
    question = {"first": "2026-11-23"} | asked
    requests.diary_week(records, lambda: home, NOW, wish(question, "appointments"))(heard.append)
    answer: dict[str, Any] = wire(heard[0])
    return answer


def free(answer: dict[str, Any]) -> dict[str, list[str]]:
    """Return the free hours of each unit, without their places."""
    return {one["unit"]: [at[5:16] for at, _ in one["free"]] for one in answer["offices"]}


def test_what_is_free_by_the_declaration(records: Records) -> None:
    """P4: by the office's own week, none while the house is closed (27 November), none twice."""
    start = rome("2026-11-24 15:20")
    diary = store_requests.SlotDiary("anagrafe", TUESDAYS, CALENDAR)
    for ident in ("r1", "r2"):
        number = store_requests.insert_request(
            records.connection, RequestToStore(ident, ASKED, NOW)
        ).number
        store_requests.reserve_slot(records.connection, diary, start, number, NOW)
    answer = told(records, OWN)
    assert free(answer) == {"anagrafe": ["11-24T15:00", "11-24T15:40"]}
    assert answer["offices"][0]["free"][0][1] == TUESDAYS.places


def test_why_a_day_is_closed(records: Records) -> None:
    """Holiday or closure by its name, in both languages; an ordinary day has none."""
    days = told(records, OWN)["days"]
    assert [day["day"] for day in days if day["special"]] == ["2026-11-27"]
    assert days[4]["name"] == both("Trasloco", "Moving")
    assert days[0] == {
        "day": "2026-11-23", "special": False, "bands": ["08:00-20:00"],
        "name": both("", ""),
    }  # fmt: skip


def test_hours_of_a_service_stand_under_its_own_name(records: Records) -> None:
    """E13: an office without its own offers them when it alone is asked for."""
    assert set(free(told(records, OF_THE_SERVICE))) == {SERVICE.code}
    assert set(free(told(records, OF_THE_SERVICE, unit="statocivile"))) == {"statocivile"}
    assert free(told(records, OF_THE_SERVICE, unit="nobody")) == {}
    assert len(TOWN.units) == 3


def test_a_declaration_that_ends_in_the_week_offers_nothing_after(records: Records) -> None:
    """Each day has the declaration that holds on it."""
    ending = replace(OWN, last=rome("2026-11-24 00:00").date())
    assert set(free(told(records, ending))["anagrafe"]) == {
        "11-24T15:00", "11-24T15:20", "11-24T15:40",
    }  # fmt: skip
    over = replace(OWN, last=rome("2026-11-22 00:00").date())
    assert free(told(records, over)) == {}


def test_no_more_than_a_line_of_the_socket_holds(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a thousand free hours nobody reads each."""
    monkeypatch.setattr(requests, "MOST_SLOTS", 1)
    assert free(told(records, OWN)) == {"anagrafe": ["11-24T15:00"]}


@pytest.mark.parametrize("first", [None, "", "monday", "0001-01-01", "9000-01-01"])
def test_a_week_that_is_none(records: Records, first: object) -> None:
    """It says what is needed."""
    with pytest.raises(OfficeError):
        told(records, OWN, first=first)
