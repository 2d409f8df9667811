"""The report over calls that the real Switchboard decided, stored and read back."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from appliance.calls import orders
from appliance.policy.reports import Ending, MonthlyReport, UnitFigures, report_of
from appliance.store import call_log, report_text, reports, requests
from appliance.store.database import open_database
from tests.policy.small_directory import CALENDAR
from tests.store.samples import ROME, TEN
from tests.stories.grammar import parse_story
from tests.stories.interpreter import PureRun

START, END = TEN.replace(day=1, hour=0), TEN.replace(day=1, month=12, hour=0)
TALKS = """
line1 rings
expect ring op1 op2
line1 caller 051234567
op1 answers
expect answer line1
expect connect line1 op1
expect stop op2 elsewhere
line1 answered
"""
BLIND = f"""{TALKS}
command by op1: to anagrafe residenza because topic blind
expect play line1 connecting
expect hang up op1
expect ring ana1
"""
ENDS = """
expect hang up line1
line1 idle
"""
ACCEPTED = f"""{BLIND}
ana1 answers
expect connect line1 ana1
line1 hangs up by busy_tone
expect hang up ana1
{ENDS}"""
SENT_BACK = f"""{BLIND}
ana1 answers
expect connect line1 ana1
ana1 keys **
expect hang up ana1
expect play line1 please_wait
expect ring op1
op1 answers
expect connect line1 op1
op1 hangs up
{ENDS}"""
RETURNED = f"""{TALKS}
command by op1: to tributi accertamenti because depth blind
expect play line1 connecting
expect hang up op1
expect dial line3 to tributi.accertamenti.1 for 40 s
line3 far end busy
expect hang up line3
expect play line1 office_no_answer
expect ring op1
line3 idle
op1 answers
expect connect line1 op1
op1 hangs up
{ENDS}"""
GONE_WHILE_IT_RINGS = f"""{BLIND}
line1 hangs up by busy_tone
expect stop ana1
{ENDS}"""
GONE_WHILE_IT_COMES_BACK = f"""{BLIND}
ana1 declines
expect ring ana2
ana2 declines
expect play line1 office_no_answer
expect ring op1
line1 hangs up by busy_tone
expect stop op1
{ENDS}"""
REFUSED = f"""{TALKS}
command by op1: to scuola mensa because other
op1 hangs up
{ENDS}"""
BY_KEY = f"""{TALKS}
op1 keys **31#
expect hold line1
expect play op1 word_email
op1 presses 2
expect hang up op1
expect play line1 leave_message
line1 prompt ends
expect play line1 tone_record
line1 prompt ends
expect recording line1
line1 recording ends by key length 12000 ms
expect request line1 for anagrafe residenza email
request 1 stored line1
expect play line1 message_stored
line1 prompt ends
{ENDS}"""
MORNING = (ACCEPTED, SENT_BACK, RETURNED, GONE_WHILE_IT_RINGS, GONE_WHILE_IT_COMES_BACK, REFUSED)
DAY = f"office offices\nat 2026-11-25 10:00:00\n{''.join(MORNING)}at 12:40:00\n{BY_KEY}"


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Open an empty database."""
    connection = open_database(tmp_path / "c.db", tmp_path / "corrupt").connection
    yield connection
    connection.close()


def reported(db: sqlite3.Connection) -> MonthlyReport:
    """Run the day, store every record in the order it was written, and read the report."""
    run = PureRun()
    run.run(parse_story("day", DAY))
    assert run.now is not None
    for order in run.ordered:
        if isinstance(order, orders.WriteCall):
            call_log.upsert_calls(db, [order.record], "t")
        elif isinstance(order, orders.StoreRequest):
            requests.insert_request(
                db, requests.RequestToStore("r1", order.request, order.request.at)
            )
    return report_of(
        reports.call_rows(db, START, END, ROME),
        reports.request_rows(db, START, END, CALENDAR, run.now.wall),
    )


def test_every_call_of_the_day_counts_once(db: sqlite3.Connection) -> None:
    """P1, P6: one is transferred, two came back; who hung up meanwhile was not served."""
    total = reported(db).total
    assert {ending: count for ending, count in total.endings.items() if count} == {
        Ending.FILTER: 2, Ending.TRANSFERRED: 1, Ending.RETURNED: 2, Ending.LOST: 2,
    }  # fmt: skip
    assert (total.calls, total.by_filter, total.served, total.answered) == (7, 2, 5, 7)


def test_every_transfer_counts_once_for_its_office(db: sqlite3.Connection) -> None:
    """P6, E7: what an office took and sent back is a return; a refusal is no transfer."""
    found = reported(db)
    returned = {"declined": 1, "sent_back": 1, "unfinished": 1}
    anagrafe = UnitFigures(4, 1, returned, 0, 1, 1, 0)
    tributi = UnitFigures(1, 0, {"busy": 1})
    assert found.units == {"anagrafe": anagrafe, "tributi": tributi}
    assert found.needs == {"anagrafe.residenza": anagrafe, "tributi.accertamenti": tributi}


def test_the_report_names_offices_and_needs(db: sqlite3.Connection) -> None:
    """The head reads each office's needs below it, by the names that the office declared."""
    names = {"anagrafe": "Anagrafe", "anagrafe.residenza": "Cambio di residenza"}
    day = date(2026, 11, 25)
    lines = report_text.as_text(reported(db), day, day, "it", names).splitlines()
    rows = [line.split() for line in lines[lines.index("Per ufficio") :]]
    assert ["Anagrafe", "4", "1", "3", "0", "1", "1", "0"] in rows
    assert ["-", "Cambio", "di", "residenza", "4", "1", "3", "0", "1", "1", "0"] in rows
    assert ["-", "accertamenti", "1", "0", "1", "0", "0", "0", "0"] in rows
