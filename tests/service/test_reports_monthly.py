"""Units' monthly sheets by themselves: on the first working day, once, made up for later."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from appliance.calls.orders import CallRecord, Result
from appliance.policy.clock import ClockState, Now
from appliance.policy.directory import Directory
from appliance.policy.hours import Holiday, Period, Schedule, Week, week_of
from appliance.policy.routing import Destination
from appliance.service.reports import MonthlySheets
from appliance.store import call_log, outbox
from appliance.store.reports import queue_sheets
from appliance.store.writer import DatabaseWriter
from appliance.text import Words
from tests.helpers.words import pair
from tests.policy.small_directory import EVERY_DAY, TOWN, rome
from tests.store.samples import TEN
from tests.stories.offices import ROME

NEW_YEAR = Holiday(date(2027, 1, 1), pair("Capodanno", "New Year's Day"))
CALENDAR = Schedule(ROME, week_of(**dict.fromkeys(EVERY_DAY, "8:30-13")), holidays=(NEW_YEAR,))
TRAIL = ("transfer.anagrafe.residenza.topic.keys", "transferred.anagrafe")
DAY = rome("2026-12-01 09:00")
"""A Tuesday, the office is open."""


def a_transfer(call: str, at: datetime) -> CallRecord:
    """Make a call that was put through to anagrafe."""
    return CallRecord(
        call, "line1", at, way=Destination.SWITCHBOARD, phone="op1", answered_at=at,
        result=Result.ANSWERED, trail=TRAIL,
    )  # fmt: skip


class Box:
    """Records with one transfer of November and one of December, and the sheets."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.directory = folder, TOWN
        self.records = DatabaseWriter(folder / "c.db", "b").start()
        calls = [a_transfer("a-1", TEN), a_transfer("a-2", DAY)]
        self.records.ask(lambda c: call_log.upsert_calls(c, calls, "b"))
        self.sheets = self.anew()

    def anew(self, *, wanted: bool = True) -> MonthlySheets:
        """Make them as a start of call control does."""
        return MonthlySheets(self.records, CALENDAR, "it", lambda: self.directory, wanted=wanted)

    def look(self, wall: datetime, monotonic: float, clock: ClockState = ClockState.SYNCED) -> None:
        """Look, and wait until the records' thread has done what was asked."""
        self.sheets.look(Now(monotonic, wall, clock))
        self.records.ask(lambda _: None)

    @property
    def mails(self) -> list[tuple[str, str, str]]:
        """What was queued: key, recipient, subject."""
        kept = self.records.ask(outbox.list_mails)
        return [(each.mail.key, each.mail.to, each.mail.subject) for each in kept]


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """Make one."""
    made = Box(tmp_path)
    yield made
    made.records.stop()


SHEET = (
    "report:anagrafe:2026-11", "anagrafe@comune.example",
    "Anagrafe: chiamate e richieste, novembre 2026",
)  # fmt: skip


def test_they_live_by_the_hours_in_force(box: Box) -> None:
    """A day that the head has closed is no working day (E14)."""
    shut = Period(DAY.date(), DAY.date(), Words("Sciopero"), Week(((),) * 7))
    box.sheets.over = lambda hours: replace(hours, entered=(shut,))
    box.look(DAY, 100)
    assert box.mails == []
    box.look(DAY + timedelta(days=1), 200)
    assert box.mails != []


def test_the_sheet_leaves_on_the_first_working_day_once(box: Box) -> None:
    """Each unit that was concerned, last month's figures alone, whatever starts and restarts."""
    box.look(rome("2026-11-30 23:59"), 100)
    box.look(rome("2026-12-01 00:30"), 200)
    assert box.mails == []
    box.look(DAY, 300)
    assert box.mails == [SHEET]
    (kept,) = box.records.ask(outbox.list_mails)
    assert "Chiamate trasferite: 1, accettate 1." in kept.mail.body
    box.sheets = box.anew()
    box.look(rome("2026-12-01 12:00"), 20_000)
    assert box.mails == [SHEET]


def test_what_an_outage_let_pass_is_made_up_for(box: Box) -> None:
    """Off on the first: the sheet leaves when the box is back, in the same month."""
    box.look(rome("2026-12-19 23:00"), 100)
    assert box.mails == [SHEET]


def test_off_unless_wanted_and_not_by_a_clock_that_cannot_be_trusted(box: Box) -> None:
    """Nobody is mailed what was not asked for, nor a month that may not be over."""
    box.sheets = box.anew(wanted=False)
    box.look(DAY, 100)
    box.sheets = box.anew()
    box.look(DAY, 200, ClockState.UNSET)
    assert box.mails == []
    box.look(DAY, 300)
    assert box.mails == [SHEET]


def test_without_a_register_it_waits_for_one(box: Box) -> None:
    """As call control starts the directory is not read yet."""
    box.directory = Directory()
    box.look(DAY, 100)
    box.directory = TOWN
    box.look(DAY, 101)
    assert box.mails == []  # it looks once a minute
    box.look(DAY, 161)
    assert box.mails == [SHEET]


def test_a_store_that_fails_is_tried_again(box: Box) -> None:
    """A full disk loses no sheet, and no half of them is kept."""
    full = "CREATE TRIGGER full BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'full'); END"
    box.records.ask(lambda c: c.execute(full))
    box.look(DAY, 100)
    box.records.ask(lambda c: c.execute("DROP TRIGGER full"))
    assert box.mails == []
    box.look(DAY, 161)
    assert box.mails == [SHEET]


def test_a_sheet_that_was_sent_by_command_is_not_sent_again(box: Box) -> None:
    """The key is the command's: a unit reads a month once."""

    def twice(connection: sqlite3.Connection) -> list[int]:
        month = date(2026, 11, 1)
        asked = (connection, TOWN, CALENDAR, month, "it", DAY)
        return [queue_sheets(*asked), queue_sheets(*asked)]

    assert box.records.ask(twice) == [1, 0]
