"""Short codes for the needs of offices (P5): which need a code stands for, on which day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from appliance.errors import ConfigurationError
from appliance.policy.directory import (
    Directory,
    DirectoryFault,
    faults_of,
    need_by_keys,
    needs_with_keys,
)
from tests.policy.small_directory import ABROAD, RESIDENCE, declaration, with_declarations

DAY = date(2026, 11, 25)
CODED = replace(declaration(), needs=(replace(RESIDENCE, code_keys="31"), ABROAD))
SERVICE = replace(
    declaration(2, "demografici"), needs=(replace(RESIDENCE, code="nascite", code_keys="21"),)
)


def found(directory: Directory, keys: str, day: date = DAY) -> tuple[str, str] | None:
    """Return unit and need of a code."""
    coded = need_by_keys(directory, keys, day)
    return coded and (coded.unit, coded.need.code)


def test_a_code_names_a_need() -> None:
    """An operator keys two digits; what has no code cannot be keyed."""
    directory = with_declarations(CODED, SERVICE)
    assert found(directory, "31") == ("anagrafe", "residenza")
    assert found(directory, "21") == ("demografici", "nascite")
    assert found(directory, "99") is None
    assert found(directory, "") is None
    assert [coded.need.code_keys for coded in needs_with_keys(directory, DAY)] == ["21", "31"]


def test_a_code_holds_from_its_declaration_on() -> None:
    """Before it begins nothing is found; once it is over the office is still named (E23)."""
    directory = with_declarations(replace(CODED, last=date(2026, 10, 1)))
    assert found(directory, "31", date(2026, 1, 1)) is None
    assert found(directory, "31") == ("anagrafe", "residenza")


def test_one_code_one_need() -> None:
    """A fault says where it stands twice; a superseded declaration no longer counts (P4)."""
    twice = replace(SERVICE, needs=(replace(ABROAD, code_keys="31"),))
    assert [fault.place for fault in faults_of(with_declarations(CODED, twice))] == [
        "declarations.2.needs.1.code_keys"
    ]
    later = replace(CODED, entry=replace(CODED.entry, number=3), needs=(ABROAD,))
    assert list[DirectoryFault](faults_of(with_declarations(CODED, twice, later))) == []


@pytest.mark.parametrize("keys", ["12345", "#1", "a"])
def test_a_code_is_one_to_four_digits(keys: str) -> None:
    """What stands between `**` and `#`."""
    with pytest.raises(ConfigurationError, match="write 1 to 4 digits"):
        replace(RESIDENCE, code_keys=keys)
