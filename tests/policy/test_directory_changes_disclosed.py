"""What a change of the register writes names no number that its office keeps (P7)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.policy.directory import Directory, Reach, Variation, make_target
from appliance.policy.directory_changes import (
    DirectoryChange,
    merge_directory,
    undisclosed_texts,
    with_entry,
    with_unit,
)
from appliance.policy.hours import week_of
from tests.policy.small_directory import (
    CIVILE,
    SERVICE,
    declaration,
    variation,
    with_declarations,
)
from tests.policy.test_privacy_declared_numbers import DIRECTORY, OUTSIDE
from tests.policy.test_privacy_spoken_texts import KEPT, authorised

SAYS = replace(CIVILE, say="Chiami lo 0541–704 101.")
VARIED = replace(variation(7, "2026-11-30", week_of(monday="9-11")), notice="al 0541 704101")


def found(change: DirectoryChange) -> list[str]:
    """Return place and sentence of each text that may not be entered."""
    return [f"{each.place}: {each.text}" for each in undisclosed_texts(change, KEPT)]


def test_a_text_is_named_by_its_office_and_field() -> None:
    """The sentence repeats no digit, also not those in the office's own name."""
    units = (SERVICE, replace(DIRECTORY.units[1], name="Anagrafe 0541704101"), SAYS)
    merged = merge_directory(Directory(), replace(DIRECTORY, units=units, variations=(VARIED,)))
    named, said, told = found(merged)
    assert named.startswith("unit anagrafe, name: anagrafe: callers may not be told the number •••")
    assert said.startswith("unit statocivile, say: statocivile: callers may not be told")
    assert told.startswith("variation of anagrafe, notice: anagrafe: callers may not be told")
    assert "(Anagrafe •••: ufficio)" in said
    assert not any("704" in each for each in (named, said, told))


@pytest.mark.parametrize(
    ("name", "labels", "places"),
    [
        ("Nascite, 0541 704101", ("ufficio", "altro"), ["need residenza, name"]),
        ("Nascite", ("ufficio", "risponde +39 0541/704101"), ["need residenza, label"]),
        ("Nascite", ("0039 0541704101", "0541 704.102"), ["need residenza, label"] * 2),
        ("Nascite 2026", ("stanza 12", "dal 25.11.2026"), []),
    ],
)
def test_a_declaration_names_numbers_in_its_number_fields_alone(
    name: str, labels: tuple[str, str], places: list[str]
) -> None:
    """P7: operators see needs and labels: the declaration's own numbers count already."""
    first, second = labels
    targets = (
        replace(OUTSIDE.targets[0], label=first),
        make_target(Reach.OUTSIDE, "+390541704102", second),
    )
    declared = replace(declaration(), needs=(replace(OUTSIDE, name=name, targets=targets),))
    texts = found(with_entry(with_declarations(), declared))
    assert [each.partition(": ")[0] for each in texts] == [
        f"declaration of anagrafe, {place}" for place in places
    ]
    assert not any("7041" in each for each in texts)


def test_an_authorised_number_may_be_entered() -> None:
    """By the authorisation that comes with it, or one that was there."""
    leave = authorised().directory.authorisations
    merged = merge_directory(Directory(), replace(DIRECTORY, units=(*DIRECTORY.units[:2], SAYS)))
    assert found(merged) != []
    given = replace(DIRECTORY, units=(*DIRECTORY.units[:2], SAYS), authorisations=leave)
    assert found(merge_directory(Directory(), given)) == []
    assert found(with_unit(replace(DIRECTORY, authorisations=leave), SAYS)) == []


@pytest.mark.parametrize("notice", ["", "settimana elettorale"])
def test_only_what_is_entered_now_is_looked_at(notice: str) -> None:
    """A sentence of before hinders no other change: the head's list names it."""
    before = replace(DIRECTORY, units=(*DIRECTORY.units[:2], SAYS))
    assert found(merge_directory(before, before)) == []
    other: Variation = replace(VARIED, notice=notice)
    assert found(with_entry(before, other)) == []
    assert found(with_entry(before, VARIED)) != []
    assert found(with_entry(before, replace(before.declarations[0]))) == []
