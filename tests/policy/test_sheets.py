"""Sheets: whom they name, when they are stale, what an import changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from appliance.policy.sheets import (
    OfficialInCharge,
    Sheet,
    SheetChange,
    officials,
    sheet_changes,
    with_edits,
)

CARD, TAX, PASSPORT = (
    Sheet(code, code.title(), "anagrafe", "Regolamento", date(2025, 11, 25), "Testo.\n")
    for code in ("carta", "imu", "passaporto")
)
NEW_CARD = replace(CARD, body="Altro testo.\n")


def test_the_official_in_charge_of_a_need() -> None:
    """E10: of the office, of the need or of all, each once; nobody where none is public."""
    known = (
        OfficialInCharge("anagrafe", "Ada Neri", ("residenza",)),
        OfficialInCharge("anagrafe", "Ada Neri"),
        OfficialInCharge("anagrafe", "Ugo Bianchi", ("aire",)),
        OfficialInCharge("tributi", "Eva Verdi"),
    )
    assert officials(known, "anagrafe", "residenza") == ("Ada Neri",)
    assert officials(known, "anagrafe", "aire") == ("Ada Neri", "Ugo Bianchi")
    assert officials(known, "edilizia", "pratiche") == ()


def test_a_sheet_is_stale_after_a_year() -> None:
    """P2: what nobody has reviewed for a year may be wrong; the anniversary itself is in time."""
    assert not CARD.is_stale(date(2026, 11, 25))
    assert CARD.is_stale(date(2026, 11, 26))


def test_an_import_tells_what_it_changes_by_code() -> None:
    """Whoever imports reads which sheets are new, changed, the same, and gone."""
    assert sheet_changes((CARD, TAX), (PASSPORT, NEW_CARD)) == {
        "carta": SheetChange.CHANGED,
        "imu": SheetChange.GONE,
        "passaporto": SheetChange.NEW,
    }
    assert sheet_changes((CARD,), (CARD,)) == {"carta": SheetChange.SAME}


def test_an_import_leaves_what_was_corrected_by_hand() -> None:
    """A correction in the console is newer than the file; its code is told to the importer."""
    corrected = replace(CARD, body="Corretto.\n")
    kept, met = with_edits((corrected, TAX), (NEW_CARD, PASSPORT), {"carta"})
    assert (kept, met) == ((PASSPORT, corrected), ("carta",))


def test_a_correction_that_the_files_have_too_is_none() -> None:
    """Once the file says the same, the sheet is an ordinary one: nothing is told."""
    assert with_edits((CARD, TAX), (CARD,), {"carta"}) == ((CARD,), ())


def test_a_sheet_that_was_removed_by_hand_stays_removed() -> None:
    """The file brings it again, but somebody took it away in the console."""
    assert with_edits((TAX,), (CARD, TAX), {"carta"}) == ((TAX,), ("carta",))
