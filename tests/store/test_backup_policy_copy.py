"""The copy of directory, sheets and users: whole, sealed, put back where nothing was entered."""

from __future__ import annotations

import queue
import sqlite3
import stat
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from appliance.errors import StoreError
from appliance.policy.directory import Directory
from appliance.policy.directory_changes import merge_directory
from appliance.policy.hours import moment_phrase
from appliance.policy.sheets import Sheet
from appliance.store import backup, database, directory, sheets, users
from appliance.store.database import (
    POLICY_NOT_COPIED,
    Trouble,
    connect,
    migrate,
    migrations,
    open_database,
)
from appliance.store.directory import key_path
from appliance.store.writer import DatabaseWriter
from tests.policy.small_directory import TOWN, rome
from tests.store.test_directory import FULL, MAIL, NUMBERS, WHO
from tests.store.test_users import ANNA, BY_ANNA, CARLA, HASH, OTHER

AT = datetime(2026, 11, 25, 8, 7, tzinfo=UTC)
DAY = rome("2026-11-25 10:00").date()
SHEET = Sheet("residenza", "Cambio di residenza", "anagrafe", "Regolamento", DAY, "Città, moduli.")
OLD = replace(SHEET, code="ici", title="ICI", body="Non c'è più.")


class Box:
    """Records of a box, with the key and the copy beside them."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "centralino.db"
        self.key = key_path(self.path)
        self.copy = backup.folder_of(self.path)
        self.connection = self.open()

    def open(self) -> sqlite3.Connection:
        """Open the records, a new file where there is none."""
        self.connection = open_database(self.path, self.path.parent / "corrupt").connection
        return self.connection

    def enter(self, given: Directory = FULL) -> None:
        """Import a directory and sheets, of which one is gone since."""
        directory.change(
            self.connection,
            self.key,
            WHO,
            lambda stored: merge_directory(stored, given),
            {"mail.eml": MAIL},
        )
        sheets.store(self.connection, (SHEET, OLD))
        sheets.store(self.connection, (SHEET,))

    def lose(self) -> sqlite3.Connection:
        """Lose the database and nothing else."""
        self.connection.close()
        for path in self.path.parent.glob("centralino.db*"):
            path.unlink()
        return self.open()


@pytest.fixture
def box(tmp_path: Path) -> Box:
    """An empty box."""
    return Box(tmp_path)


def test_what_was_copied_is_put_back(box: Box) -> None:
    """Every entry, unit, attachment and sheet, by which a box works on; the audit says so."""
    box.enter()
    entered = backup.version(box.connection)
    backup.write(box.connection, box.copy, AT)
    lost = box.lose()
    assert backup.restore(lost, box.copy) == AT
    assert directory.load(lost, box.key) == FULL
    assert directory.attachment(lost, box.key, "mail.eml") == MAIL
    assert sheets.all_sheets(lost) == (SHEET,)
    assert [each.sheet.code for each in sheets.search(lost, "citta")] == ["residenza"]
    assert sheets.search(lost, "ici") == ()
    assert backup.version(lost) == entered
    assert [(n.by, n.what) for n in database.latest(lost, most=1)] == [("box", "policy.restored")]
    directory.change(
        lost, box.key, WHO, lambda stored: merge_directory(stored, TOWN), {}
    )  # goes on from there


def test_users_are_put_back_as_they_were(box: Box) -> None:
    """Nobody is locked out by a damaged database: roles, hashes, who is disabled, all as before."""
    told: list[Trouble | None] = []
    policy_copy = backup.PolicyCopy(box.copy, told.append)
    users.add_first(box.connection, ANNA, HASH, AT)
    users.add(box.connection, CARLA, HASH, BY_ANNA)
    users.add(box.connection, replace(CARLA, name="dino"), HASH, BY_ANNA)
    policy_copy.look(box.connection)
    users.set_password(box.connection, "carla", OTHER, BY_ANNA, must_change=False)
    users.change(box.connection, "dino", {"disabled": True}, BY_ANNA)
    policy_copy.look(box.connection)
    before = users.everybody(box.connection)
    assert stat.S_IMODE((box.copy / backup.FILE).stat().st_mode) == 0o600
    lost = box.lose()
    assert backup.restore(lost, box.copy) is not None
    assert users.everybody(lost) == before
    assert [user.name for user in before if user.disabled] == ["dino"]
    assert [users.password_of(lost, name) for name in ("anna", "carla")] == [HASH, OTHER]
    assert told == []


def test_users_who_were_there_before_are_copied_too(tmp_path: Path) -> None:
    """A box whose only entries are users of an older programme has something to copy."""
    with closing(connect(tmp_path / "older.db")) as older:
        for number, script in migrations():
            if "policy_users" in script:
                break
            older.executescript(f"{script}; PRAGMA user_version = {number};")
        users.add_first(older, ANNA, HASH, AT)
        assert backup.version(older) == 0
        migrate(older)
        assert backup.version(older) > 0


def test_numbers_stay_sealed_in_it(box: Box) -> None:
    """P7: who has the copy alone has no number; nobody else may read it."""
    box.enter()
    backup.write(box.connection, box.copy, AT)
    for path in box.copy.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        held = path.read_bytes()
        assert [number for number in (*NUMBERS, "numeri") if number.encode() in held] == []


def test_what_was_entered_is_never_overlaid(box: Box) -> None:
    """A copy is for records in which nothing stands: else they are what holds."""
    box.enter()
    backup.write(box.connection, box.copy, AT)
    fewer = replace(FULL, units=TOWN.units[:2])
    directory.change(
        box.connection, box.key, WHO, lambda stored: merge_directory(stored, fewer), {}
    )
    assert backup.restore(box.connection, box.copy) is None
    assert directory.load(box.connection, box.key).units == TOWN.units[:2]


def test_without_a_copy_nothing_is_put_back(box: Box) -> None:
    """A new box begins empty."""
    assert backup.restore(box.connection, box.copy) is None


@pytest.mark.parametrize("damage", ["cut", "flipped", "foreign"])
def test_a_damaged_copy_is_left_alone(
    box: Box, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The box starts all the same, empty, and the journal says why."""
    box.enter()
    backup.write(box.connection, box.copy, AT)
    file = box.copy / backup.FILE
    held = file.read_bytes()
    left = {
        "cut": held[:5000],
        "flipped": held[:4096] + b"\xff" * 8192 + held[12288:],
        "foreign": b"x" * 4096,
    }
    file.write_bytes(left[damage])
    lost = box.lose()
    assert backup.restore(lost, box.copy) is None
    assert directory.load(lost, box.key) == Directory()
    assert backup.version(lost) == 0
    assert "cannot be put back" in caplog.text


def test_a_lost_attachment_costs_itself(box: Box, caplog: pytest.LogCaptureFixture) -> None:
    """What was declared holds without the e-mail that it was read from."""
    box.enter()
    backup.write(box.connection, box.copy, AT)
    for path in box.copy.glob("*.sealed"):
        path.unlink()
    lost = box.lose()
    assert backup.restore(lost, box.copy) == AT
    assert directory.load(lost, box.key) == FULL
    assert "the attachment mail.eml is lost" in caplog.text


def test_every_change_is_copied_and_nothing_else(box: Box) -> None:
    """After a change of the directory or the sheets; a look at what stands writes nothing."""
    told: list[Trouble | None] = []
    policy_copy = backup.PolicyCopy(box.copy, told.append)
    policy_copy.look(box.connection)
    assert not box.copy.exists()  # nothing was ever entered
    box.enter()
    policy_copy.look(box.connection)
    first = (box.copy / backup.FILE).stat().st_ino
    policy_copy.look(box.connection)
    assert (box.copy / backup.FILE).stat().st_ino == first
    sheets.store(box.connection, (replace(SHEET, title="Residenza"),))
    policy_copy.look(box.connection)
    assert [sheet.title for sheet in sheets.all_sheets(box.connection)] == ["Residenza"]
    lost = box.lose()
    backup.restore(lost, box.copy)
    assert [sheet.title for sheet in sheets.all_sheets(lost)] == ["Residenza"]
    assert told == []


def test_a_copy_that_cannot_be_written_is_told(box: Box) -> None:
    """Until it can be: the directory works, but it has no second place."""
    told: list[Trouble | None] = []
    policy_copy = backup.PolicyCopy(box.copy, told.append)
    box.enter()
    box.copy.write_text("in the way")
    for _ in range(2):
        with pytest.raises(StoreError, match="cannot be copied"):
            policy_copy.look(box.connection)
    box.copy.unlink()
    policy_copy.look(box.connection)
    assert told == [POLICY_NOT_COPIED, None]


def test_a_damaged_database_takes_no_policy_with_it(box: Box) -> None:
    """The next start sets it aside, puts the copy back and says of when it is."""
    box.enter()
    backup.write(box.connection, box.copy, AT)
    box.connection.close()
    for path in box.path.parent.glob("centralino.db-*"):
        path.unlink()
    box.path.write_bytes(b"\0" * 8192)
    troubles = queue.SimpleQueue[Trouble | None]()
    records = DatabaseWriter(box.path, "boot", troubles.put).start()
    try:
        assert records.ask(lambda c: directory.load(c, box.key)) == FULL
    finally:
        records.stop()
    trouble = troubles.get(timeout=10)
    assert trouble is not None
    assert trouble.words.text("it").startswith("Il registro delle chiamate era danneggiato")
    assert (
        f"ripristinati dalla copia {moment_phrase('del', AT.astimezone(), 'it')}"
        in trouble.words.text("it")
    )


def test_a_start_that_was_killed_in_between_puts_it_back_the_next_time(box: Box) -> None:
    """An empty database beside a copy is one whose copy was not put back yet."""
    box.enter()
    backup.write(box.connection, box.copy, AT)
    box.lose().close()
    troubles = queue.SimpleQueue[Trouble | None]()
    records = DatabaseWriter(box.path, "boot", troubles.put).start()
    try:
        assert records.ask(lambda c: directory.load(c, box.key)) == FULL
    finally:
        records.stop()
    trouble = troubles.get(timeout=10)
    assert trouble is not None
    assert trouble.code == "records.policy_restored"
    assert trouble.words.text("en").startswith(
        "Register of offices, sheets and users: restored from the copy of"
    )
