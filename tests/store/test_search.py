"""One search over sheets, address book and offices: what is found, in which order."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from appliance.policy.address_book import BookEntry, BookNumber
from appliance.policy.directory import (
    Declaration,
    Directory,
    EntryStamp,
    Need,
    Reach,
    ReturnRule,
    Unit,
    make_target,
)
from appliance.policy.directory_changes import DirectoryChange
from appliance.policy.hours import Week
from appliance.policy.sheets import Sheet
from appliance.store import address_book, directory, sheets, vocabulary
from appliance.store.database import Noted, open_database
from appliance.store.directory import Who
from appliance.store.search import FoundKind, search, search_entries

TODAY = date(2026, 11, 30)
AT = datetime(2026, 11, 30, 9, tzinfo=UTC)
AUSL = BookEntry(
    "ausl", "Azienda USL", "anna", TODAY, date(2027, 11, 30),
    (BookNumber("800 884 888", "CUP"), BookNumber("051 6478111", "guardia medica"),
     BookNumber("051 6478999", "direzione", may_tell=False)),
    ("asl", "ticket", "esami del sangue"), note="La residenza del medico non si dice.",
)  # fmt: skip
POST = BookEntry("poste", "Poste Italiane", "anna", TODAY, date(2027, 11, 30), note="Pacchi.")
RESIDENCE = Sheet(
    "residenza", "Cambio di residenza", "anagrafe", "Regolamento", date(2026, 9, 1),
    "Si dichiara all'anagrafe entro venti giorni; il ticket non c'entra.\n", keywords=("trasloco",),
)  # fmt: skip
UNITS = (
    Unit("demografici", "Servizi demografici", "d@esempio.it"),
    Unit("anagrafe", "Anagrafe", "a@esempio.it", service="demografici"),
)


def declared(connection: sqlite3.Connection, key: Path, need: str) -> None:
    """Let the service declare a need."""
    needs = (Need("n", need, (make_target(Reach.PBX, "204"),)),)
    stamp = EntryStamp(1, "anna", AT, "e-mail")
    week, rules = Week(((),) * 7), (ReturnRule.EMAIL,)
    held = Declaration(stamp, "demografici", "Rossi", week, rules, needs, TODAY)

    def make(_: Directory) -> DirectoryChange:
        return DirectoryChange(Directory(UNITS, (held,)), new=(held,), new_units=UNITS)

    directory.change(connection, key, Who("anna", AT, "declare"), make, {})


def noted() -> Noted:
    """Return an audit row."""
    return Noted(AT, "anna", address_book.CHANGED, "x")


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Records with a sheet, two bodies and an office."""
    opened = open_database(tmp_path / "records.sqlite", tmp_path / "corrupt").connection
    sheets.store(opened, (RESIDENCE,))
    for entry in (AUSL, POST):
        address_book.put(opened, entry, noted())
    declared(opened, tmp_path / "key", "Stato di famiglia")
    yield opened
    opened.close()


def found(connection: sqlite3.Connection, typed: str, most: int = 8) -> list[str]:
    """Return what a search finds: kind and code."""
    return [f"{each.kind} {each.code}" for each in search(connection, typed, TODAY, most)]


@pytest.mark.parametrize(
    ("typed", "codes"),
    [
        ("asl", ["entry ausl"]),
        ("azeinda", ["entry ausl"]),  # two letters exchanged
        ("esame sangue", ["entry ausl"]),  # another ending
        ("6478111", ["entry ausl"]),  # whose number is it?
        ("800884888", ["entry ausl"]),
        ("ticket", ["entry ausl", "sheet residenza"]),  # a keyword before a text
        ("residenza", ["sheet residenza", "entry ausl"]),  # a title before a note
        ("trasloco", ["sheet residenza", "entry ausl"]),  # a synonym
        ("anagrafe", ["office anagrafe", "sheet residenza"]),  # a name before a text
        ("stato famiglia", ["office demografici", "office anagrafe"]),
        ("demografici anagrafe", ["office anagrafe"]),
        ("pac", ["entry poste"]),
        ("poste sangue", []),
        ("", []),
        ("zzz", []),
    ],
)
def test_what_is_found(connection: sqlite3.Connection, typed: str, codes: list[str]) -> None:
    """Of all kinds together: endings, synonyms, one typing mistake, numbers."""
    assert found(connection, typed) == codes


def test_between_two_that_fit_as_well_the_office_is_last(connection: sqlite3.Connection) -> None:
    """A transfer is the exception (P3): the sheet answers, then the other body."""
    sheets.store(connection, (replace(RESIDENCE, title="Anagrafe"),))
    address_book.put(connection, replace(POST, name="Anagrafe"), noted())
    kinds = ["sheet residenza", "entry poste", "office anagrafe"]
    assert found(connection, "anagrafe") == kinds
    assert found(connection, "anagrafe", most=2) == kinds[:2]


def test_the_line_has_the_number_that_is_meant(connection: sqlite3.Connection) -> None:
    """Only numbers that may be told, the one of the typed words first; else the note."""
    (cup,) = search(connection, "usl cup", TODAY, 8)
    assert (cup.kind, cup.title) == (FoundKind.ENTRY, "Azienda USL")
    assert cup.line == "CUP 800 884 888, guardia medica 051 6478111"
    (doctor,) = search(connection, "guardia medica", TODAY, 8)
    assert doctor.line == "guardia medica 051 6478111, CUP 800 884 888"
    (post,) = search(connection, "poste", TODAY, 8)
    assert post.line == "Pacchi."
    (office,) = [e for e in search(connection, "anagrafe", TODAY, 8) if e.kind is FoundKind.OFFICE]
    assert office.line == "Servizi demografici"


def test_what_is_changed_is_found_at_once(connection: sqlite3.Connection) -> None:
    """An entry that is new, changed, removed, or whose last day is over; an office's new need."""
    assert found(connection, "comunità") == []
    address_book.put(connection, replace(POST, keywords=("comunità montana",)), noted())
    assert found(connection, "comunità montana") == ["entry poste"]
    address_book.put(connection, replace(POST, last=date(2026, 11, 29)), noted())
    assert found(connection, "poste") == []
    assert [each.code for each in search_entries(connection, "poste", TODAY)] == ["poste"]
    address_book.remove(connection, "poste", noted())
    assert search_entries(connection, "poste", TODAY) == ()


def test_the_book_alone_is_searched_the_best_first(connection: sqlite3.Connection) -> None:
    """What holds no more comes last."""
    address_book.put(connection, replace(POST, note="Azienda di posta."), noted())
    assert [e.code for e in search_entries(connection, "azienda", TODAY)] == ["ausl", "poste"]
    address_book.put(connection, replace(AUSL, last=date(2026, 11, 29)), noted())
    assert [e.code for e in search_entries(connection, "azienda", TODAY)] == ["poste", "ausl"]
    assert search_entries(connection, "residenza cambio", TODAY) == ()


@pytest.mark.parametrize("typed", ["ausweise", "Ausweises", "führerscheine", "fuhrerschein"])
def test_german_endings_and_umlauts_are_known(connection: sqlite3.Connection, typed: str) -> None:
    """A sheet in German is found by the plural and the genitive of its words."""
    sheet = replace(
        RESIDENCE, code="ausweis", title="Ausweis und Führerschein", body="Am Schalter."
    )
    sheets.store(connection, (RESIDENCE, sheet))
    assert found(connection, typed) == ["sheet ausweis"]


def test_two_readers_at_once_find_the_same_words() -> None:
    """The stemmer keeps the word that it works on: each thread has its own."""
    text = vocabulary.office_synonyms()
    words = sorted({word for line in vocabulary.groups(text) for part in line for word in part})
    alone = [vocabulary.stems_of.__wrapped__(word) for word in words]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            stems = pool.map(lambda _: [*map(vocabulary.stems_of.__wrapped__, words)], range(8))
            assert all(found == alone for found in stems)
    finally:
        sys.setswitchinterval(before)
