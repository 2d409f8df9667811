"""Sheets in the database (P2): what an import changed, what a search finds and in which order."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.policy.sheets import Sheet, SheetChange
from appliance.store import sheets
from appliance.store.database import connect, migrate, migrations, open_database
from appliance.store.directory import excerpt, folded
from appliance.store.vocabulary import SYNONYMS, groups, mistakes, office_synonyms

RESIDENCE = Sheet(
    "residenza",
    "Cambio di residenza",
    "anagrafe",
    "Regolamento",
    date(2026, 9, 1),
    "Chi cambia città lo dichiara entro venti giorni. Serve il contratto d'affitto.\n",
    ("residenza",),
    ("trasloco", "nuovo indirizzo"),
    "https://example.org/residenza",
    "Responsabile dell'Anagrafe",
)
CARD = Sheet(
    "carta",
    "Carta d'identità",
    "anagrafe",
    "Scheda",
    date(2025, 6, 1),
    "Si rinnova su appuntamento; chi ha cambiato residenza non la cambia.\n",
    keywords=("CIE", "documento"),
)
TAX = Sheet("imu", "IMU", "tributi", "Delibera", date(2026, 5, 20), "Acconto a giugno.\n")
SHEETS = (RESIDENCE, CARD, TAX)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Records with three sheets."""
    opened = open_database(tmp_path / "records.sqlite", tmp_path / "corrupt").connection
    sheets.store(opened, SHEETS)
    yield opened
    opened.close()


def found(connection: sqlite3.Connection, typed: str) -> list[str]:
    """Return the codes of what a search finds."""
    return [each.sheet.code for each in sheets.search(connection, typed)]


@pytest.mark.parametrize(
    ("typed", "codes"),
    [
        ("residenza", ["residenza", "carta"]),  # in the title before in the text
        ("Residenze", ["residenza", "carta"]),
        ("citta", ["residenza"]),
        ("città", ["residenza"]),
        ("identita", ["carta"]),
        ("identtà", ["carta"]),  # a letter too few
        ("resdienza", ["residenza", "carta"]),  # two exchanged
        ("residenzza", ["residenza", "carta"]),  # one too many
        ("resxdenza", ["residenza", "carta"]),  # another one
        ("residenti", ["residenza", "carta"]),  # another ending
        ("resident", ["residenza", "carta"]),
        ("spazatura", []),  # a mistake in a word of no sheet
        ("l'affitto", ["residenza"]),
        ("d'affitto", ["residenza"]),
        ("tras", ["residenza"]),
        ("cambi resid", ["residenza", "carta"]),
        ("residenza giugno", []),
        ("x affitto", []),
        ("imu", ["imu"]),
        ("im", ["imu"]),
        ("CIE", ["carta"]),
        ("", []),
        ("?!", []),
    ],
)
def test_what_is_found(connection: sqlite3.Connection, typed: str, codes: list[str]) -> None:
    """Every word by its beginning, diacritics and endings folded, the best first."""
    assert found(connection, typed) == codes


def test_callers_words_are_synonyms(connection: sqlite3.Connection) -> None:
    """The house's own, phrases too; the office's stand in a sheet that no search finds."""
    bins = replace(TAX, code="raccolta", title="Raccolta differenziata", body="I mastelli.\n")
    sheets.store(connection, (*SHEETS, bins))
    assert found(connection, "spazzatura") == ["raccolta"]
    assert found(connection, "immondizie") == ["raccolta"]
    assert found(connection, "tari") == ["raccolta"]
    assert found(connection, "balzello") == []
    own = replace(
        TAX,
        code=SYNONYMS,
        title="Sinonimi",
        body="# Parole nostre\n- balzello, IMU\nrusco, rifiuti\n",
    )
    sheets.store(connection, (*SHEETS, bins, own))
    assert found(connection, "balzelli") == ["imu"]
    assert found(connection, "rusco") == ["raccolta"]
    assert found(connection, "parole nostre") == []
    sheets.store(connection, (*SHEETS, bins))
    assert found(connection, "balzello") == []


def test_the_beginning_of_a_word_counts_for_the_last_one_alone(
    connection: sqlite3.Connection,
) -> None:
    """As one types; a whole word that is known finds no longer ones."""
    bats = replace(TAX, code="bat", title="Pipistrelli", body="La nidificazione.\n")
    creche = replace(TAX, code="nido", title="Nido", body="Iscrizioni.\n")
    sheets.store(connection, (*SHEETS, bats, creche))
    assert found(connection, "nidif") == ["bat"]
    assert sorted(found(connection, "nid")) == ["nido"]
    assert sorted(found(connection, "ni")) == ["bat", "nido"]
    assert found(connection, "nid iscrizioni") == ["nido"]


def test_mistakes_are_one_letter(connection: sqlite3.Connection) -> None:
    """Of words of four letters and more, where nothing is found without; the first is right."""
    assert found(connection, "ixu") == []
    assert found(connection, "giuggno") == ["imu"]
    assert found(connection, "guiggno") == []
    assert len(set(mistakes("giugno"))) < 500
    assert {"gugno", "igugno"[1:], "guigno", "giuno", "giugnox", "gixgno"} <= set(
        mistakes("giugno")
    )


def test_lines_of_synonyms_are_words_between_commas() -> None:
    """Headings, lists of Markdown and lines of one word are borne."""
    text = "# Rifiuti\n- Spazzatura, raccolta  differenziata\n\nsolo\nà, b,\n"
    assert list(groups(text)) == [
        (("spazzatura",), ("raccolta", "differenziata")),
        (("a",), ("b",)),
    ]
    assert list(groups(office_synonyms()))


def test_the_excerpt_shows_where(connection: sqlite3.Connection) -> None:
    """An operator sees the words around what was found."""
    assert "contratto d'affitto" in sheets.search(connection, "affitto")[0].excerpt


def test_an_excerpt_is_whole_words_around_the_longest_stem() -> None:
    """What an operator reads at a glance; found in the title alone: the text's beginning."""
    text = (
        "Serve il contratto. " * 10
        + "Chi cambia CITTÀ lo dichiara\nentro venti giorni. "
        + "Poi " * 40
    )
    found = excerpt(text, ["c", "citta"])
    assert found.startswith(
        "…contratto. Serve il contratto. Chi cambia CITTÀ lo dichiara entro venti"
    )
    assert found.endswith(" Poi…")
    assert excerpt("Acconto a giugno.\n", ["imu"]) == "Acconto a giugno."
    assert excerpt("", ["imu"]) == ""
    assert folded("PERCHÉ È İ ß") == "perche e i ß"


def test_an_older_boxs_sheets_are_found_by_a_letter_too(tmp_path: Path) -> None:
    """The migration takes over what can be found, and only that."""
    older = connect(tmp_path / "older.sqlite")
    for number, script in migrations():
        if "index of first letters" in script:
            break
        older.executescript(f"{script}; PRAGMA user_version = {number};")
    sheets.store(older, SHEETS)
    sheets.store(older, (RESIDENCE, CARD))
    migrate(older)
    assert found(older, "i") == ["carta", "residenza"]
    assert found(older, "imu") == []
    older.close()


def test_a_sheet_comes_back_as_it_was(connection: sqlite3.Connection) -> None:
    """Whatever it holds."""
    assert sheets.search(connection, "trasloco")[0].sheet == RESIDENCE
    assert sheets.all_sheets(connection) == (CARD, TAX, RESIDENCE)


def test_at_most_so_many(connection: sqlite3.Connection) -> None:
    """More than a screen is no answer."""
    assert len(sheets.search(connection, "residenza", most=1)) == 1


def test_a_second_import_says_what_changed(connection: sqlite3.Connection) -> None:
    """New, changed, gone, the same; what is gone is no longer found, and may come back."""
    changed = replace(RESIDENCE, body="Entro venti giorni dal trasferimento.\n")
    school = replace(TAX, code="mensa", title="Mensa")
    told = sheets.store(connection, (changed, CARD, school))
    assert told == {
        "carta": SheetChange.SAME,
        "imu": SheetChange.GONE,
        "mensa": SheetChange.NEW,
        "residenza": SheetChange.CHANGED,
    }
    assert found(connection, "imu") == []
    assert found(connection, "affitto") == []
    assert found(connection, "trasferimento") == ["residenza"]
    assert sheets.find(connection, "residenza") == changed
    assert sheets.find(connection, "imu") is None  # nobody may answer from it any more
    assert sheets.store(connection, (changed, CARD, school, TAX))["imu"] is SheetChange.NEW
    assert found(connection, "imu") == ["imu"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(typed=st.text(max_size=40))
def test_nothing_typed_is_an_error(connection: sqlite3.Connection, typed: str) -> None:
    """Quotes, stars, operators of the index's language: only words count."""
    assert isinstance(sheets.search(connection, typed), tuple)


def test_stale() -> None:
    """A sheet that nobody has looked at for a year."""
    assert CARD.is_stale(date(2026, 11, 25))
    assert not RESIDENCE.is_stale(date(2026, 11, 25))
