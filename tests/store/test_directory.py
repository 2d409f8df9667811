"""The directory in the database: only ever added to (P4), numbers sealed (P7), audited."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.errors import OfficeError, StoreError
from appliance.policy.directory import (
    AppointmentSlots,
    Authorisation,
    Directory,
    Need,
    Reach,
    all_numbers_known,
    make_target,
    target_to_tell,
)
from appliance.policy.directory_changes import (
    DirectoryChange,
    Revocation,
    merge_directory,
    with_entry,
    with_revocation,
)
from appliance.policy.hours import week_of
from appliance.policy.numbering import MASK, Purpose
from appliance.store import database, directory
from appliance.store.database import open_database
from appliance.store.directory import Readable, Who, key_path, make_vault
from tests.helpers.examples import examples
from tests.policy.small_directory import TOWN, declaration, entry, rome, variation

NUMBERS = ("051598204771", "3355501260", "0039051598991", "86421")
MAIL = b"Subject: numeri\r\n\r\nChiamate lo 051598204771 o il 3355501260\r\n"
TURN = Need(
    "turno",
    "Assistente di turno",
    (
        make_target(Reach.OUTSIDE, NUMBERS[0], "Ufficio"),
        make_target(Reach.OUTSIDE, NUMBERS[1], "Cellulare di servizio", service_mobile=True),
        make_target(Reach.OUTSIDE, NUMBERS[2]),
        make_target(Reach.PBX, NUMBERS[3], "interno"),
        make_target(Reach.PHONE, "ana1", "telefono"),
    ),
    code_keys="12",
)
DECLARED = replace(
    declaration(),
    needs=(*declaration().needs, TURN),
    slots=AppointmentSlots(week_of(tuesday="15-17"), 20, 2),
    last=date(2027, 1, 31),
    entry=replace(entry(1), attachment="mail.eml"),
)
LEAVE = Authorisation(
    entry(4), "anagrafe", target_to_tell(NUMBERS[0]), "D", entry(5), date(2027, 1, 1)
)
FULL = Directory(
    TOWN.units,
    (DECLARED, replace(declaration(6, first="2027-02-01"), needs=())),
    (variation(2, "2026-11-25", week_of(wednesday="11-12")), variation(3, "2026-11-26", None)),
    (LEAVE,),
)
WHO = Who("Responsabile", rome("2026-11-25 08:07"), "import")


class Box:
    """Records of a box, and the key beside them."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "centralino.db"
        self.key = key_path(self.path)
        self.connection = open_database(self.path, folder / "corrupt").connection

    def take(self, given: Directory, **attached: bytes) -> DirectoryChange:
        """Import a directory."""
        files = {name.replace("_", "."): data for name, data in attached.items()}
        return directory.change(
            self.connection, self.key, WHO, lambda stored: merge_directory(stored, given), files
        )

    def load(self) -> Directory:
        """Read it."""
        return directory.load(self.connection, self.key)

    def readable(self) -> Readable:
        """Read what can be read."""
        return directory.load_readable(self.connection, self.key)

    def rows(self) -> int:
        """Count what changed, and the rows of the audit."""
        tables = ("register_changes", "register_units", "register_entries", "audit")
        counts = (self.connection.execute(f"SELECT count(*) FROM {t}") for t in tables)
        return sum(int(each.fetchone()[0]) for each in counts)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """Empty records."""
    made = Box(tmp_path)
    yield made
    made.connection.close()


def test_it_comes_back_as_it_was_entered(box: Box) -> None:
    """Whatever it holds; also what came later and an authorisation's end."""
    assert box.load() == Directory()
    box.take(FULL, mail_eml=MAIL)
    assert box.load() == FULL


def test_the_same_import_again_adds_no_row(box: Box) -> None:
    """Importing the same file twice changes nothing."""
    box.take(FULL, mail_eml=MAIL)
    before = box.rows()
    assert box.take(FULL, mail_eml=MAIL).is_nothing
    assert box.rows() == before


def test_what_comes_later_lies_beside_what_was_there(box: Box) -> None:
    """A variation, an end of an authorisation, other units: rows are added, none is touched."""
    box.take(replace(FULL, authorisations=(replace(LEAVE, revoked=None),)), mail_eml=MAIL)
    new = variation(7, "2026-12-01", week_of(tuesday="9-10"))
    directory.change(box.connection, box.key, WHO, lambda r: with_entry(r, new), {})
    end = Revocation(4, entry(8))
    directory.change(box.connection, box.key, WHO, lambda r: with_revocation(r, end), {})
    renamed = replace(TOWN.units[2], name="Stato civile e cimiteri")
    given = replace(box.load(), units=(*TOWN.units[:2], renamed))
    assert box.take(given).changed_units == (renamed,)
    assert box.load() == replace(
        FULL,
        units=(*TOWN.units[:2], renamed),
        variations=(*FULL.variations, new),
        authorisations=(replace(LEAVE, revoked=entry(8)),),
    )


@pytest.mark.parametrize(
    "table",
    ["register_changes", "register_units", "register_entries", "register_attachments", "audit"],
)
def test_rows_are_only_ever_added(box: Box, table: str) -> None:
    """SQLite itself refuses to change or remove one, or to put another in its place (P4)."""
    box.take(FULL, mail_eml=MAIL)
    column = box.connection.execute(f"SELECT * FROM {table}").description[0][0]
    for statement in (
        f"UPDATE {table} SET {column} = {column}",
        f"DELETE FROM {table}",
        f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="only ever added"):
            box.connection.execute(statement)


def bytes_of(box: Box) -> bytes:
    """Return every byte of the database's files."""
    return b"".join(p.read_bytes() for p in sorted(box.path.parent.glob("centralino.db*")))


def test_no_number_stands_in_the_databases_files(box: Box) -> None:
    """P7: who has the card without the key has no number, of the e-mail neither."""
    box.take(FULL, mail_eml=MAIL)
    for _ in range(2):
        found = bytes_of(box)
        assert b"Assistente di turno" in found
        assert [n for n in (*NUMBERS, "ana1") if n.encode() in found] == []
        box.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(30))
@given(digits=st.text("0123456789", min_size=9, max_size=14).filter(lambda d: d[0] != "3"))
def test_whatever_the_number(tmp_path_factory: pytest.TempPathFactory, digits: str) -> None:
    """It comes back, and stands nowhere: not in the files, the audit, a row, or what is printed."""
    made = Box(tmp_path_factory.mktemp("box"))
    need = Need("turno", "Turno", (make_target(Reach.OUTSIDE, digits),))
    leave = Authorisation(entry(2), "anagrafe", target_to_tell(digits), "D")
    given_directory = Directory(TOWN.units, (replace(declaration(), needs=(need,)),), (), (leave,))
    made.take(given_directory)
    found = made.load()
    made.connection.close()
    again = found.declarations[0].needs[0].targets[0].number
    assert again.reveal(Purpose.STORE) == digits
    assert found == given_directory
    assert digits.encode() not in bytes_of(made)
    assert digits not in repr(found)
    assert MASK in repr(found)


def test_each_change_is_audited_without_a_number(box: Box) -> None:
    """Who, when, what; units and entries."""
    box.take(FULL, mail_eml=MAIL)
    noted = database.latest(box.connection, "register.")
    assert [(each.by, each.at, each.what) for each in noted] == [
        ("Responsabile", WHO.at, "register.import")
    ]
    assert "declaration 1 of anagrafe" in noted[0].about
    assert "ends 5 of anagrafe" in noted[0].about
    assert "new unit anagrafe" in noted[0].about
    moved = replace(FULL, units=(TOWN.units[0], TOWN.units[2], TOWN.units[1]))
    box.take(moved)
    assert database.latest(box.connection, most=1)[0].about == "order of the units"
    assert database.latest(box.connection, "other.") == ()


def test_without_the_key_the_rest_can_be_read(box: Box) -> None:
    """One clear sentence; units, needs, bands and labels are still there, and masks."""
    box.take(FULL, mail_eml=MAIL)
    box.key.unlink()
    with pytest.raises(StoreError, match=r"the key .* is missing"):
        box.load()
    masked = directory.load_masked(box.connection)
    assert masked.units == FULL.units
    assert masked.variations == FULL.variations
    assert [n.code for n in masked.declarations[0].needs] == ["residenza", "aire", "turno"]
    assert masked.declarations[0].needs[2].targets[0].label == "Ufficio"
    assert str(masked.declarations[0].needs[2].targets[0].number) == MASK


def test_without_the_key_all_but_the_numbers_holds(box: Box) -> None:
    """P5: bands and rules bind as before; the numbers are empty, and one sentence says why."""
    box.take(FULL, mail_eml=MAIL)
    kept = box.key.read_bytes()
    assert box.readable() == Readable(FULL)
    box.key.unlink()
    lost = box.readable()
    assert "is missing" in str(lost.why)
    assert lost.register == directory.load_masked(box.connection)
    assert not all_numbers_known(lost.register)
    box.key.write_bytes(kept)
    assert box.readable() == Readable(FULL)


def test_another_boxs_key_opens_nothing(box: Box, tmp_path: Path) -> None:
    """The key of other records is no better than none: each number is tried, none is made up."""
    box.take(FULL, mail_eml=MAIL)
    make_vault(tmp_path / "other.key")
    box.key.write_bytes((tmp_path / "other.key").read_bytes())
    lost = box.readable()
    assert "what is sealed for entry 1 cannot be read" in str(lost.why)
    assert lost.register == directory.load_masked(box.connection)


def test_an_empty_register_needs_no_key(box: Box) -> None:
    """Nothing is sealed, so nothing is missing."""
    assert box.readable() == Readable(Directory())
    assert directory.last_change(box.connection) == 0


def test_every_change_is_known_by_its_number(box: Box) -> None:
    """By it call control finds a change that no command could tell it of (E12)."""
    box.take(FULL, mail_eml=MAIL)
    first = directory.last_change(box.connection)
    box.take(FULL, mail_eml=MAIL)  # nothing new
    assert directory.last_change(box.connection) == first > 0
    box.take(replace(FULL, units=TOWN.units[:2]))
    assert directory.last_change(box.connection) > first


def test_a_lost_key_is_not_made_anew(box: Box) -> None:
    """Numbers sealed with two keys would be lost with one of them."""
    box.take(FULL, mail_eml=MAIL)
    box.key.unlink()
    with pytest.raises(StoreError, match="put it back"):
        box.take(replace(FULL, units=TOWN.units[:2]))
    assert not box.key.exists()


def test_another_boxs_key_is_said(box: Box, tmp_path: Path) -> None:
    """A backup restored by halves."""
    box.take(FULL, mail_eml=MAIL)
    other = tmp_path / "other"
    other.mkdir()
    make_vault(key_path(other / "x.db")).seal("1", "entry 1")
    box.key.write_bytes(key_path(other / "x.db").read_bytes())
    with pytest.raises(StoreError, match="put back the key of the backup"):
        box.load()


def test_no_key_is_made_where_none_can_be(box: Box) -> None:
    """A folder that cannot be written: one sentence, nothing stored."""
    (box.path.parent / "file").touch()
    nowhere = box.path.parent / "file" / "register.key"
    with pytest.raises(StoreError, match="cannot be made"):
        directory.change(box.connection, nowhere, WHO, lambda r: merge_directory(r, FULL), {})
    assert box.rows() == 0


def test_an_entry_that_none_of_us_wrote_is_named(box: Box) -> None:
    """Damage is told with its entry."""
    box.take(FULL, mail_eml=MAIL)
    row = (9, 1, "variation", "anagrafe", "X", "2026-11-25T08:00:00+01:00", "E-mail", "", "{}")
    box.connection.execute("INSERT INTO register_entries VALUES (?,?,?,?,?,?,?,?,?)", row)
    with pytest.raises(StoreError, match="entry 9 of the register cannot be read"):
        box.load()


def test_what_is_attached_comes_back(box: Box) -> None:
    """The same file may stand for several entries, and is stored once."""
    box.take(FULL, mail_eml=MAIL)
    again = replace(
        declaration(7, first="2027-05-01"), entry=replace(entry(7), attachment="mail.eml")
    )
    directory.change(
        box.connection, box.key, WHO, lambda r: with_entry(r, again), {"mail.eml": MAIL}
    )
    assert directory.attachment(box.connection, box.key, "mail.eml") == MAIL
    with pytest.raises(OfficeError, match=r"nothing named 'other\.eml' is attached"):
        directory.attachment(box.connection, box.key, "other.eml")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "'mail.eml' is not there"),
        ({"mail_eml": bytes(5_000_001)}, "at most 5000000"),
    ],
)
def test_an_attachment_that_cannot_be_kept(box: Box, files: dict[str, bytes], said: str) -> None:
    """Nothing is stored at all."""
    with pytest.raises(OfficeError, match=said):
        box.take(FULL, **files)
    assert box.rows() == 0


def test_two_files_do_not_share_a_name(box: Box) -> None:
    """What was attached is never changed either."""
    box.take(FULL, mail_eml=MAIL)
    again = replace(declaration(7), entry=replace(entry(7), attachment="mail.eml"))
    with pytest.raises(OfficeError, match=r"another file named 'mail\.eml'"):
        directory.change(
            box.connection, box.key, WHO, lambda r: with_entry(r, again), {"mail.eml": b""}
        )
    assert box.load() == FULL


def test_what_is_refused_changes_nothing(box: Box) -> None:
    """The change raises: all or nothing."""
    box.take(FULL, mail_eml=MAIL)
    before = box.rows()

    def refuse(stored: Directory) -> DirectoryChange:
        raise OfficeError("no")

    with pytest.raises(OfficeError, match="no"):
        directory.change(box.connection, box.key, WHO, refuse, {})
    assert (box.rows(), box.load()) == (before, FULL)
