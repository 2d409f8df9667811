"""Special hours in the records: only ever added, copied with the directory (E14)."""

from __future__ import annotations

import sqlite3
from datetime import date, datetime
from pathlib import Path

import pytest

from appliance.errors import StoreError
from appliance.policy.hours import NewWeek, Period, week_of
from appliance.policy.hours_changes import HoursEntry, Whose
from appliance.store import backup, database, hours
from appliance.store.database import open_database
from appliance.text import Words
from tests.helpers.words import pair
from tests.stories.offices import ROME

AT = datetime(2026, 11, 25, 10, tzinfo=ROME)
SUNDAY = date(2026, 12, 6)
OPEN = HoursEntry(
    1, Whose.SWITCHBOARD,
    Period(SUNDAY, SUNDAY, pair("Voto", "Vote"), week_of(sunday="9-12 14-24"), "greeting_vote"),
    "capo", AT, "mail",
)  # fmt: skip
ENDED = HoursEntry(2, Whose.SWITCHBOARD, None, "shell: capo", AT, "sindaco", ends=1)
SHUT = HoursEntry(
    3, Whose.HOUSE, Period(SUNDAY, SUNDAY, Words("X"), week_of()), "capo", AT.replace(hour=11), "r",
    ends=1,
)  # fmt: skip


@pytest.fixture
def connection(tmp_path: Path) -> sqlite3.Connection:
    """Empty records."""
    return open_database(tmp_path / "centralino.db", tmp_path / "corrupt").connection


def enter(connection: sqlite3.Connection, *entries: HoursEntry) -> None:
    """Add entries as they are."""
    for each in entries:
        hours.add(connection, each.by, each.at, lambda _, each=each: each)  # type: ignore[misc]


def test_what_was_entered_is_read_again(connection: sqlite3.Connection) -> None:
    """Days, hours, words, announcement, by whom, on what ground; a revocation too."""
    assert hours.load(connection) == ()
    assert hours.last_number(connection) == 0
    enter(connection, OPEN, ENDED, SHUT)
    assert hours.load(connection) == (OPEN, ENDED, SHUT)
    assert hours.last_number(connection) == 3


def test_an_ordinary_week_is_read_again(connection: sqlite3.Connection) -> None:
    """Its day and hours, or that the configured ones are back; audited as what it is."""
    days = week_of(monday="8:30-13 14-24")
    new = HoursEntry(1, Whose.HOUSE, None, "capo", AT, "r", ordinary=NewWeek(SUNDAY, days, 1))
    back = HoursEntry(
        2, Whose.HOUSE, None, "capo", AT.replace(hour=11), "r", ordinary=NewWeek(SUNDAY, None, 2)
    )
    enter(connection, new, back)
    assert hours.load(connection) == (new, back)
    assert [(each.what, each.about) for each in database.latest(connection, "hours.")] == [
        ("hours.week", "entry 2 house from 2026-12-06 as configured"),
        ("hours.week", "entry 1 house from 2026-12-06"),
    ]


def test_each_is_audited(connection: sqlite3.Connection) -> None:
    """What was done, by whom, about which days."""
    enter(connection, OPEN, ENDED, SHUT)
    assert [(each.by, each.what, each.about) for each in database.latest(connection, "hours.")] == [
        ("capo", "hours.correct", "entry 3 house 2026-12-06 to 2026-12-06 ends 1"),
        ("shell: capo", "hours.revoke", "entry 2 switchboard ends 1"),
        ("capo", "hours.enter", "entry 1 switchboard 2026-12-06 to 2026-12-06"),
    ]


def test_the_same_question_again_adds_nothing(connection: sqlite3.Connection) -> None:
    """A write whose outcome was unknown is tried once more."""
    enter(connection, OPEN, OPEN)
    assert hours.load(connection) == (OPEN,)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE special_hours SET reference = 'x'",
        "DELETE FROM special_hours",
        "INSERT OR REPLACE INTO special_hours SELECT * FROM special_hours",
    ],
)
def test_nothing_entered_is_ever_changed(connection: sqlite3.Connection, statement: str) -> None:
    """Whoever asks how it came about finds every entry."""
    enter(connection, OPEN)
    with pytest.raises(sqlite3.IntegrityError, match="only ever added"):
        connection.execute(statement)


def test_an_entry_that_is_none_of_ours(connection: sqlite3.Connection) -> None:
    """It is said; what was read before holds."""
    connection.execute(
        "INSERT INTO special_hours (number, entered_at, entered_by, reference, whose, body) "
        "VALUES (1, '2026-11-25', 'x', 'y', 'house', '{}')"
    )
    with pytest.raises(StoreError, match="cannot be read"):
        hours.load(connection)


def test_they_are_copied_with_the_register(tmp_path: Path, connection: sqlite3.Connection) -> None:
    """A damaged database does not take them along; a copy of before there were any is good too."""
    folder = tmp_path / "policy"
    enter(connection, OPEN, SHUT)
    backup.write(connection, folder, AT)
    other = open_database(tmp_path / "other.db", tmp_path / "corrupt").connection
    assert backup.restore(other, folder) == AT
    assert hours.load(other) == (OPEN, SHUT)
    with sqlite3.connect(folder / backup.FILE) as copy:
        copy.execute("DROP TABLE special_hours")
    third = open_database(tmp_path / "third.db", tmp_path / "corrupt").connection
    assert backup.restore(third, folder) == AT
    assert hours.load(third) == ()
