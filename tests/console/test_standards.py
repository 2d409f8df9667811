"""The standards sheet on the console: promised beside measured, CSV and PDF, for the head."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime

import pytest

from appliance.calls.orders import Result
from appliance.console.pages import standards as pages
from appliance.console.settings import ConsoleSettings
from appliance.paper.document import PdfFailed
from appliance.policy.standards import quarter_of
from appliance.store import call_log
from tests.console.call_control_wall import serve_wall
from tests.console.people import ANNA, BEPPE, CARLA
from tests.console.test_requests import take
from tests.console.visitor import Visitor
from tests.store.samples import a_call

ENGLISH = {"accept-language": "en"}
OF = "/standards{}?quarter=2026-4"


@pytest.fixture
def head(
    visitor: Visitor, console_settings: ConsoleSettings, records: sqlite3.Connection
) -> Iterator[Visitor]:
    """Return a visitor who has logged in as the head; one call of November was lost."""
    call_log.upsert_calls(records, [a_call("b", Result.GAVE_UP)], "b")
    with serve_wall(console_settings):
        visitor.log_in(ANNA)
        visitor.hear_control()
        yield visitor


def test_promised_beside_measured(head: Visitor, records: sqlite3.Connection) -> None:
    """With its cases; a quarter that cannot be read is the last one that is over."""
    text = head.get(OF.format(""), headers=ENGLISH).text
    assert "Quality standards: Quarter 4 of 2026" in text
    number = '<td class="number">{}</td>'
    lost = f"<td>at most 10 %</td>{number.format('100.0 %')}{number.format(1)}<td>not kept</td>"
    assert lost in text
    assert "not measured" in text
    last = quarter_of(today(head)).before
    for query in ("", "?quarter=x", "?quarter=2026-9"):
        assert f'<option value="{last}" selected>' in head.get(f"/standards{query}").text


def today(visitor: Visitor) -> date:
    """Return the day where the site stands."""
    return datetime.now(visitor.app.state.zone).date()


def test_requests_are_measured_by_the_houses_calendar(
    head: Visitor, records: sqlite3.Connection
) -> None:
    """Call control counts them: an open one that is late is a case, not kept."""
    take(records, days=30)
    text = head.get(f"/standards?quarter={quarter_of(today(head))}", headers=ENGLISH).text
    assert "Requests answered by their due day" in text
    assert "The quarter is not over" in text


def test_files(head: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """CSV with semicolons, a PDF; a PDF that cannot be made is one sentence."""
    csv = head.get(OF.format(".csv"))
    assert csv.text.splitlines()[2] == "2026-4;lost_at_most;at_most;10;100.00;1;1;0"
    assert 'filename="standard-2026-4.csv"' in csv.headers["content-disposition"]
    pdf = head.get(OF.format(".pdf"))
    assert (pdf.headers["content-type"], pdf.content[:4]) == ("application/pdf", b"%PDF")

    async def kept(document: bytes) -> bytes:
        return document

    monkeypatch.setattr(pages, "as_pdf", kept)
    lines = ("Via Roma 1", "Tel. 051 598 111")
    head.app.state.settings = replace(head.app.state.settings, contacts=lines)
    assert json.loads(head.get(OF.format(".pdf")).content)["contacts"] == list(lines)

    async def fails(_: bytes) -> bytes:
        raise PdfFailed("no memory")

    monkeypatch.setattr(pages, "as_pdf", fails)
    answer = head.get(OF.format(".pdf"), headers=ENGLISH)
    assert (answer.status_code, "could not be written" in answer.text) == (500, True)


@pytest.mark.parametrize("path", ["/standards", "/standards.csv", "/standards.pdf"])
def test_it_is_the_heads(visitor: Visitor, records: sqlite3.Connection, path: str) -> None:
    """Neither operators nor technicians; and while call control is away it says so."""
    for user in (BEPPE, CARLA):
        visitor.log_in(user)
        assert visitor.get(path).status_code == 403
    visitor.log_in(replace(ANNA))
    assert visitor.get(path, headers=ENGLISH).status_code == 503
