"""The year as a calendar: what the front desk reads before it promises anything (E14)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest

from appliance.console.settings import ConsoleSettings
from appliance.daemon import door
from appliance.daemon.stores import Stores
from appliance.errors import OfficeError
from tests.console.head_desk import head_desk
from tests.console.people import ANNA, CARLA
from tests.console.visitor import Visitor


@pytest.fixture
def desk(console_settings: ConsoleSettings, records: sqlite3.Connection) -> Iterator[Stores]:
    """The desk behind its door, in November 2026."""
    with head_desk(console_settings) as stores:
        yield stores


@pytest.fixture
def operator(visitor: Visitor, desk: Stores) -> Visitor:
    """A visitor who has logged in as an operator."""
    visitor.log_in(CARLA)
    return visitor


def test_the_year(operator: Visitor) -> None:
    """Twelve months; every week's hours; what is special, in a table too."""
    text = operator.get("/hours?year=2026").text
    assert text.count('class="house-month"') == 12
    assert text.count('hx-get="/hours') == 365
    assert "08:30-13:00 · 14:00-18:00" in text
    assert 'aria-label="ven 25 dic 2026: chiuso, festa Natale"' in text
    assert 'aria-label="dom 29 nov 2026: 08:00-14:00, apertura straordinaria Elezioni"' in text
    assert "08:30-11:00 · 12:00-13:00 · 14:00-18:00 – chiusura «Assemblea»" in text
    assert "/hours?year=2027" in text
    assert "/hours?year=2025" not in text


def test_one_day(operator: Visitor) -> None:
    """By a part of the page, or by a page without scripts."""
    part = operator.get("/hours?day=2026-08-12", headers={"hx-request": "true"}).text
    assert "<html" not in part
    assert "chiuso – orario speciale «Orario estivo»" in part
    assert "chiuso – orario speciale «Orario estivo»" in operator.get("/hours?day=2026-08-12").text


@pytest.mark.parametrize(
    ("query", "status"),
    [("day=2026-02-30", 404), ("year=2040", 409), ("day=1999-01-01", 409)],
)
def test_days_that_are_none(operator: Visitor, query: str, status: int) -> None:
    """Holidays are not known for ever; a year that is none is this one."""
    assert operator.get("/hours?year=x").text == operator.get("/hours").text
    assert operator.get(f"/hours?{query}").status_code == status


def test_without_the_desk_it_is_said(visitor: Visitor, records: sqlite3.Connection) -> None:
    """The hours are the desk's."""
    visitor.log_in(ANNA)
    answer = visitor.get("/hours")
    assert answer.status_code == 503
    assert "Il centralino non risponde" in answer.text


def test_what_is_no_year(desk: Stores, console_settings: ConsoleSettings) -> None:
    """One sentence says which may be asked."""
    years: tuple[Any, ...] = (True, "2026", 2025, 2032)
    for year in years:
        with pytest.raises(OfficeError, match="from 2026 to 2031"):
            door.ask(console_settings.door, {"ask": "calendar", "year": year})
    assert door.ask(console_settings.door, {"ask": "calendar"})["year"] == 2026
