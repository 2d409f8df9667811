"""Reports on the console: the figures of the command, of the days that are chosen (P1, E21)."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from appliance.calls.orders import Result
from appliance.console.pages.reports import CHART_HEIGHT, ChartBar, chart_bars
from appliance.console.settings import ConsoleSettings
from appliance.store import call_log
from tests.console.call_control_calls import serve_calls
from tests.console.people import ANNA, BEPPE, CARLA
from tests.console.test_requests import take
from tests.console.visitor import Visitor
from tests.store.samples import a_call
from tests.store.test_requests import ASKED

ENGLISH = {"accept-language": "en"}
DAY_LATER = timedelta(days=1)
DAY = "since=2026-11-25&until=2026-11-25"


def served(records: sqlite3.Connection) -> None:
    """Have one call answered and one lost, on the same day."""
    answered = a_call("a", Result.ANSWERED)
    wait = timedelta(seconds=7)
    calls = [
        replace(answered, phone="op1", called="051777777", answered_at=answered.rang_at + wait),
        a_call("b", Result.GAVE_UP, minute=70),
    ]
    call_log.upsert_calls(records, calls, "b")


@pytest.fixture
def head(visitor: Visitor, records: sqlite3.Connection) -> Visitor:
    """Return a visitor who has logged in as the head."""
    visitor.log_in(ANNA)
    return visitor


def test_the_days_figures(head: Visitor, records: sqlite3.Connection) -> None:
    """The headline, each ending, by number called, hour and month; a bar has its number."""
    served(records)
    text = head.get(f"/reports?{DAY}", headers=ENGLISH).text
    assert "1 of 1 served (100 %)" in text
    assert "051777777" in text
    assert "7.0 s" in text
    assert "7,0 s" in head.get(f"/reports?{DAY}", headers={"accept-language": "it"}).text
    # seven weekdays, two hours, one month
    assert text.count("<rect") == 10
    assert '<tspan x="24" dy="0">Nov</tspan><tspan x="24" dy="14">2026</tspan>' in text
    assert "By hour" in text
    assert "op1" not in text
    assert "no call in these days" in head.get("/reports?until=2020-01-31", headers=ENGLISH).text


def test_nothing_is_told_of_positions_without_an_agreement(
    head: Visitor, records: sqlite3.Connection
) -> None:
    """E21: off until an agreement is named, and the page says so, and what turns it on."""
    served(records)
    text = head.get(f"/reports?{DAY}", headers=ENGLISH).text
    assert "the work of staff is not measured" in text
    assert "report.per_person_reference" in text
    assert "op1" not in text + head.get(f"/reports.csv?{DAY}").text


def test_by_an_agreement_figures_of_positions_are_shown(
    console_settings: ConsoleSettings, records: sqlite3.Connection
) -> None:
    """E21: with its reference; where no position answered, the page says that instead."""
    served(records)
    agreed = replace(console_settings, per_person_reference="RSU 4/2026")
    with Visitor(agreed) as visiting:
        visiting.log_in(ANNA)
        text = visiting.get(f"/reports?{DAY}", headers=ENGLISH).text
        csv = visiting.get(f"/reports.csv?{DAY}").text
        none = visiting.get("/reports?until=2020-01-31", headers=ENGLISH).text
    assert '<th scope="row">op1</th>' in text
    assert "By position (RSU 4/2026)" in text
    assert "position;op1;1" in csv
    assert "by this agreement: RSU 4/2026. No position answered" in none


def test_what_is_late_is_call_control_s_to_say(
    head: Visitor, records: sqlite3.Connection, console_settings: ConsoleSettings
) -> None:
    """By the house's calendar; nothing is said to be late while call control is away."""
    take(records, replace(ASKED, unit="tributi"), days=30)
    cells = "<dt>Overdue now</dt><dd>{}</dd>"
    assert cells.format(0) in head.get("/reports", headers=ENGLISH).text
    with serve_calls(console_settings):
        text = head.get("/reports", headers=ENGLISH).text
    assert cells.format(1) in text
    assert "tributi" in text


def test_the_file_for_a_spreadsheet(head: Visitor, records: sqlite3.Connection) -> None:
    """Semicolons, as Italian ones expect; its name says the days."""
    served(records)
    answer = head.get(f"/reports.csv?{DAY}")
    assert answer.headers["content-type"].startswith("text/csv")
    assert "centralino-2026-11-25-2026-11-25.csv" in answer.headers["content-disposition"]
    assert answer.text.splitlines()[1].startswith("total;;2;1")


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("since=x&until=2026-11-25", "2026-11-01"),
        ("since=2001-01-01&until=2026-11-25", "2024-11-23"),
        ("since=0001-01-01&until=2026-11-25", "2026-11-01"),
    ],
)
def test_days_that_are_none(head: Visitor, query: str, first: str) -> None:
    """A month instead; never more than two years."""
    text = head.get(f"/reports?{query}").text
    assert f'value="{first}"' in text
    assert "scambiati" not in text


def test_reversed_days_are_swapped_and_it_is_said(head: Visitor) -> None:
    """The period between them is shown; the file for a spreadsheet has the same."""
    query = "since=2026-12-31&until=2026-11-25"
    text = head.get(f"/reports?{query}").text
    assert 'id="since" name="since" type="date" value="2026-11-25"' in text
    assert 'id="until" name="until" type="date" value="2026-12-31"' in text
    assert "Il primo giorno era dopo l&#39;ultimo: i due giorni sono stati scambiati." in text
    name = head.get(f"/reports.csv?{query}").headers["content-disposition"]
    assert "centralino-2026-11-25-2026-12-31.csv" in name


def test_by_default_of_this_month(head: Visitor) -> None:
    """From its first day until today."""
    today = datetime.now(UTC).astimezone(head.app.state.zone).date()
    assert f'value="{today.replace(day=1)}"' in head.get("/reports").text


@pytest.mark.parametrize("path", ["/reports", "/reports.csv"])
def test_reports_are_the_heads(visitor: Visitor, records: sqlite3.Connection, path: str) -> None:
    """Neither operators nor technicians."""
    for user in (BEPPE, CARLA):
        visitor.log_in(user)
        assert visitor.get(path).status_code == 403


def test_bars_are_as_high_as_their_values() -> None:
    """The highest fills the drawing; without a value there is no drawing."""
    low, high = chart_bars({"9": 1, "10": 4})
    assert (low.height, high.height) == (CHART_HEIGHT // 4, CHART_HEIGHT)
    assert high == ChartBar(48, 0, 32, CHART_HEIGHT, "10", 4)
    assert chart_bars({}) == chart_bars({"9": 0}) == ()


def test_hours_and_months_without_a_call_have_their_place(
    head: Visitor, records: sqlite3.Connection
) -> None:
    """An axis that leaves them out tells of a quiet office as of a busy one."""
    at = a_call("a").rang_at.replace(month=3, hour=7)
    times = (at, at.replace(hour=11), at.replace(month=6, hour=9))
    calls = [replace(a_call(f"c{n}", Result.GAVE_UP), rang_at=each) for n, each in enumerate(times)]
    call_log.upsert_calls(records, calls, "b")
    text = head.get("/reports?since=2026-01-01&until=2026-12-31").text
    months = re.findall(r'dy="0">([a-z]{3})</tspan>', text)[7:]
    assert months == ["mar", "apr", "mag", "giu"]
    hours = re.findall(r'dy="0">(\d+)–\d+</tspan>', text)
    assert [int(hour) for hour in hours] == list(range(int(hours[0]), int(hours[-1]) + 1))
    assert len(hours) == 5
    days = re.findall(r'dy="0">([a-z]{3})</tspan>', text)
    assert days[:7] == ["lun", "mar", "mer", "gio", "ven", "sab", "dom"]
    assert '<th scope="row">aprile 2026</th>' in text


def test_beside_the_period_before(head: Visitor, records: sqlite3.Connection) -> None:
    """The page says which days it compares with, and shows their figures beside its own."""
    served(records)
    text = head.get("/reports?since=2026-11-26&until=2026-11-26", headers=ENGLISH).text
    assert "the period before, from 25 November 2026 to 25 November 2026" in text
    assert '<dt>Total</dt><dd>0 <span class="hint">(2)</span></dd>' in text
    lost = a_call("c", Result.GAVE_UP)
    call_log.upsert_calls(records, [replace(lost, rang_at=lost.rang_at + DAY_LATER)], "b")
    text = head.get("/reports?since=2026-11-26&until=2026-11-26", headers=ENGLISH).text
    # seven weekdays, two hours
    assert text.count('stroke-dasharray="5 3"') == 9
