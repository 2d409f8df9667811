"""The housekeeping: looks once a minute, deletes at night, by a clock that can be trusted alone."""

from __future__ import annotations

import os
import queue
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from appliance.calls.orders import Result
from appliance.policy.clock import ClockState, Now
from appliance.policy.hours import Period, Schedule, Week, week_of
from appliance.policy.voicemail import MessageEntry, MessageOutcome, MessageStep
from appliance.service.housekeeping import NOT_DELETED, CaseChanges, Housekeeping, HousekeepingPlan
from appliance.store import monitoring, retention, users, voicemail
from appliance.store.alerts import AlertSettings, OpenCounts
from appliance.store.database import Trouble
from appliance.store.retention import RetentionDays
from appliance.store.voicemail import CaseKind
from appliance.store.writer import DatabaseWriter
from appliance.text import Words
from tests.policy.small_directory import EVERY_DAY
from tests.store.samples import TEN, a_call, a_message
from tests.store.test_users import ANNA, HASH
from tests.stories.offices import ROME

CALENDAR = Schedule(ROME, week_of(**dict.fromkeys(EVERY_DAY, "8:30-13 14-17:30")))


class Office:
    """Records, a mailbox's folder with one message, and the housekeeping."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.records = DatabaseWriter(folder / "c.db", "b").start()
        self.troubles: queue.SimpleQueue[Trouble | None] = queue.SimpleQueue()
        self.records.store_message(a_message(), a_call("a-1", Result.MESSAGE))
        self._new = folder / "voicemail" / "new"
        self._new.mkdir(parents=True)
        for name in ("m1.wav", "m1.meta"):
            (self._new / name).write_bytes(b"sound")
        plan = HousekeepingPlan(CALENDAR, AlertSettings(), RetentionDays())
        self.housekeeping = Housekeeping(self.records, folder, plan, self.troubles.put)

    def look(self, wall: datetime, monotonic: float, clock: ClockState = ClockState.SYNCED) -> None:
        """Look, and wait until the records' thread has done what was asked."""
        self.housekeeping.look(Now(monotonic, wall, clock))
        self.records.ask(lambda _: None)

    @property
    def files(self) -> list[str]:
        """The files of messages."""
        return sorted(path.name for path in self._new.iterdir())


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """Make one."""
    made = Office(tmp_path)
    yield made
    made.records.stop()


def test_it_looks_once_a_minute(office: Office) -> None:
    """What became late is seen at the next look."""
    office.look(TEN, 100)
    assert office.housekeeping.watched == OpenCounts()
    office.look(TEN + timedelta(hours=1), 159)
    assert office.housekeeping.watched == OpenCounts()
    office.look(TEN + timedelta(hours=1), 160)
    assert office.housekeeping.watched == OpenCounts(unheard=1)


def test_what_was_dictated_goes_after_thirty_days(office: Office) -> None:
    """A recording that nobody let callers hear; a younger one stays."""
    folder = office.folder / "drafts" / "it"
    folder.mkdir(parents=True)
    for name, days in (("hold", 30.5), ("closed", 29.5)):
        (folder / f"{name}.wav").write_bytes(b"sound")
        at = (TEN - timedelta(days=days)).timestamp()
        os.utime(folder / f"{name}.wav", (at, at))
    office.look(TEN, 100)
    assert [path.name for path in folder.iterdir()] == ["closed.wav"]


def test_what_is_half_typed_goes_after_a_day(office: Office) -> None:
    """E18: whoever has not come back to it by then types anew; not only at night."""

    def type_it(connection: sqlite3.Connection) -> None:
        users.add_first(connection, ANNA, HASH, TEN)
        users.keep(connection, "anna", "desk", '{"note": "Ada Rossi"}', TEN)

    def left(connection: sqlite3.Connection) -> int:
        return int(connection.execute("SELECT count(*) FROM drafts").fetchone()[0])

    office.records.ask(type_it)
    day = timedelta(days=1)
    for minute, at, kept in ((2, day - timedelta(minutes=1), 1), (4, day, 0)):
        office.look(TEN + at, minute * 60)
        assert office.records.ask(left) == kept


def test_it_lives_by_the_hours_in_force(office: Office) -> None:
    """On a day that the head has closed nobody is late (E14)."""
    shut = Period(TEN.date(), TEN.date(), Words("Sciopero"), Week(((),) * 7))
    office.housekeeping.over = lambda hours: replace(hours, entered=(shut,))
    office.look(TEN + timedelta(hours=1), 100)
    assert office.housekeeping.watched == OpenCounts()


def test_it_looks_at_once_when_somebody_has_dealt_with_something(office: Office) -> None:
    """What is done is off every screen within moments, not at the next minute."""
    office.look(TEN + timedelta(hours=1), 100)
    assert office.housekeeping.watched == OpenCounts(unheard=1)
    office.records.close_message("1", "Anna", MessageOutcome.CALLED_BACK, TEN)
    office.housekeeping.soon()
    office.look(TEN + timedelta(hours=1), 101)
    assert office.housekeeping.watched == OpenCounts()


@pytest.mark.parametrize("clock", [ClockState.STALE, ClockState.UNSET])
def test_a_clock_that_cannot_be_trusted_deletes_and_alerts_nothing(
    office: Office, clock: ClockState
) -> None:
    """A box that believes in the year 2099 would delete everything."""
    office.records.close_message("1", "Anna", MessageOutcome.CALLED_BACK, TEN)
    office.look(datetime(2099, 1, 1, 12, tzinfo=UTC), 100, clock)
    assert office.files == ["m1.meta", "m1.wav"]
    assert office.housekeeping.watched == OpenCounts()


def test_at_night_what_is_past_its_time_goes_with_its_sound(office: Office) -> None:
    """Once a night, from three o'clock on; the sound, its description and the row."""
    office.records.close_message("1", "Anna", MessageOutcome.CALLED_BACK, TEN)
    night = datetime(2027, 2, 25, 2, 59, tzinfo=ROME)
    office.look(night, 100)
    assert office.files == ["m1.meta", "m1.wav"]
    office.look(night + timedelta(minutes=1), 160)
    assert office.files == []
    assert office.records.ask(voicemail.list_messages) == ()
    assert [each.what for each in office.records.ask(retention.deletions)] == ["messages"]
    assert office.troubles.get(timeout=5) is None
    assert office.housekeeping.deleted_at == night + timedelta(minutes=1)
    office.look(night + timedelta(minutes=2), 220)
    assert office.troubles.empty()


@pytest.mark.parametrize("has_no_broker", [False, True])
def test_events_that_no_broker_is_configured_for_go_after_a_week(
    office: Office, has_no_broker: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """What waited when MQTT was switched off does not stay for ever, and that is said; what waits
    for a broker that is away stays, however long.
    """

    def put(connection: sqlite3.Connection) -> None:
        connection.execute(
            "INSERT INTO fleet_outbox (id, kind, key, at, about) "
            "VALUES ('i', 'call_ended', 'k', '2026-11-25T09:00:00.000Z', '{}')"
        )

    def waiting() -> int:
        return office.records.ask(monitoring.depth).waiting

    office.housekeeping._plan = replace(office.housekeeping._plan, has_no_broker=has_no_broker)
    office.records.ask(put)
    office.look(TEN + timedelta(days=6), 100)
    assert waiting() == 1
    office.look(TEN + timedelta(days=7, minutes=1), 200)
    assert waiting() == (0 if has_no_broker else 1)
    said = "no broker is configured: 1 events that waited are gone"
    assert (said in caplog.text) is has_no_broker


def test_a_sound_that_is_gone_already_keeps_nothing(office: Office) -> None:
    """A power cut came between the sound and its row: the next night finishes it."""
    office.records.close_message("1", "Anna", MessageOutcome.CALLED_BACK, TEN)
    (office.folder / "voicemail" / "new" / "m1.wav").unlink()
    office.look(TEN + timedelta(days=100), 100)
    assert office.records.ask(voicemail.list_messages) == ()


def test_a_card_that_refuses_is_told_and_tried_again(office: Office) -> None:
    """What could not be deleted stays whole, is said, and is tried at the next look."""
    office.records.close_message("1", "Anna", MessageOutcome.CALLED_BACK, TEN)
    sound = office.folder / "voicemail" / "new" / "m1.wav"
    sound.unlink()
    sound.mkdir()
    office.look(TEN + timedelta(days=100), 100)
    assert office.troubles.get(timeout=5) == NOT_DELETED
    assert office.housekeeping.deleted_at is None
    assert len(office.records.ask(voicemail.list_messages)) == 1
    sound.rmdir()
    office.look(TEN + timedelta(days=100), 160)
    assert office.troubles.get(timeout=5) is None


def test_pages_are_told_of_each_step(office: Office) -> None:
    """A colleague's step is seen at once: one word for each change, with what is still open."""
    told: list[int] = []
    changes = CaseChanges(told.append)

    def look() -> list[int]:
        office.records.ask(changes.look)
        return told

    assert look() == []
    assert look() == []
    entry = MessageEntry(TEN, "anna", MessageStep.TAKE)
    office.records.ask(lambda c: voicemail.add_entry(c, CaseKind.MESSAGE, "m1", entry))
    assert look() == [1]
    assert look() == [1]
    closing = MessageEntry(TEN, "anna", MessageStep.CLOSE, MessageOutcome.NOT_NEEDED)
    office.records.ask(lambda c: voicemail.add_entry(c, CaseKind.MESSAGE, "m1", closing))
    assert look() == [1, 0]
