"""Sheets: whom they name."""

from __future__ import annotations

from datetime import date

from appliance.policy.sheets import Sheet, officials

DAY = date(2026, 11, 25)


def sheet(code: str, office: str, official: str, *needs: str) -> Sheet:
    """Make a sheet of an office, about these needs or all of them."""
    return Sheet(code, code, office, "", DAY, "", needs, official=official)


def test_the_official_in_charge_of_a_need() -> None:
    """E10: of the office, of the need or of all, each once; nobody where none is public."""
    sheets = (
        sheet("a", "anagrafe", "Ada Neri", "residenza"),
        sheet("b", "anagrafe", "Ada Neri"),
        sheet("c", "anagrafe", "Ugo Bianchi", "aire"),
        sheet("d", "anagrafe", ""),
        sheet("e", "tributi", "Eva Verdi"),
    )
    assert officials(sheets, "anagrafe", "residenza") == ("Ada Neri",)
    assert officials(sheets, "anagrafe", "aire") == ("Ada Neri", "Ugo Bianchi")
    assert officials(sheets, "edilizia", "pratiche") == ()
