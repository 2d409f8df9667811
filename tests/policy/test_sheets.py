"""Sheets: whom they name."""

from __future__ import annotations

from appliance.policy.sheets import OfficialInCharge, officials


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
