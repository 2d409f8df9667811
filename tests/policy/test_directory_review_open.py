"""How units stand at a moment: open until, or not before; what operators and the head read."""

from __future__ import annotations

from dataclasses import replace

from appliance.policy.clock import ClockState, Now
from appliance.policy.directory import Directory
from appliance.policy.directory_review import UnitStatus, directory_status, open_words
from appliance.policy.transfers import TransferAllowed, may_transfer
from tests.policy.small_directory import (
    CALENDAR,
    SERVICE,
    TOWN,
    declaration,
    rome,
    with_declarations,
)


def at(text: str, directory: Directory = TOWN) -> dict[str, UnitStatus]:
    """Tell how each unit stands."""
    now = Now(0.0, rome(text))
    return {each.unit.code: each for each in directory_status(directory, CALENDAR, now)}


def test_within_the_band_it_says_until_when() -> None:
    """Each need by itself, with what a return leads to."""
    found = at("2026-11-25 10:00")["anagrafe"]
    assert found.is_open
    assert found.declared_by == "anagrafe"
    residence, abroad = found.needs
    assert residence.words.text("it") == "Anagrafe: si può trasferire fino alle 12:30."
    assert residence.words.text("en") == "Anagrafe: takes calls until 12:30."
    assert residence.until == rome("2026-11-25 12:30")
    assert (residence.rules, abroad.rules) == (("appointment", "email"), ("email",))
    assert (residence.code, residence.resumes) == ("", None)


def test_outside_the_band_it_says_when_it_resumes() -> None:
    """In the words of E23."""
    found = at("2026-11-25 13:00")["anagrafe"]
    assert not found.is_open
    need = found.needs[0]
    assert need.words.text("it").startswith(
        "Anagrafe: trasferibile 9:00–12:30, riprende oggi alle 15:00."
    )
    assert (need.code, need.resumes) == ("transfer.outside_band", rome("2026-11-25 15:00"))


def test_a_unit_without_a_declaration_has_one_need_without_a_name() -> None:
    """E13: it is listed all the same, with the e-mail rule."""
    found = at("2026-11-25 10:00")["statocivile"]
    assert (found.declared_by, found.is_open) == ("", False)
    assert [(need.need, need.code) for need in found.needs] == [("", "transfer.no_declaration")]


def test_an_office_stands_by_its_services_word() -> None:
    """It says whose declaration that is."""
    directory = with_declarations(declaration(unit=SERVICE.code))
    found = at("2026-11-25 10:00", directory)
    assert found["statocivile"].declared_by == SERVICE.code
    assert found["statocivile"].is_open


def test_a_band_without_a_known_end() -> None:
    """It is open, and no time is made up."""
    answer = may_transfer(
        TOWN,
        CALENDAR,
        "anagrafe",
        "residenza",
        Now(0.0, rome("2026-11-25 10:00"), ClockState.SYNCED),
    )
    assert isinstance(answer, TransferAllowed)
    words = open_words(replace(answer, band_ends=None), rome("2026-11-25 10:00"))
    assert words.text("it") == "Anagrafe: si può trasferire."
