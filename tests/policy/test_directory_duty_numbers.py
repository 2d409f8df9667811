"""Numbers on duty: told only while their unit's written leave holds (E11, P7)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from appliance.policy.directory import (
    Authorisation,
    Directory,
    EntryStamp,
    Unit,
    duties_without_number,
    duty_numbers,
    target_to_tell,
)
from appliance.policy.numbering import SecretNumber
from tests.stories.offices import ROME

NIGHT = datetime(2026, 11, 25, 22, tzinfo=UTC)
ENTRY = EntryStamp(1, "capo", NIGHT - timedelta(days=30), "prot. 4/2026")
LEAVE = Authorisation(ENTRY, "polizia", target_to_tell("051598333"), "il comandante")
DIRECTORY = Directory(
    units=(Unit("polizia", "Polizia locale", "polizia@comune.example.it"),),
    authorisations=(LEAVE,),
)


def test_an_authorised_number_is_told() -> None:
    """The number of the unit's authorisation in force, under the unit's name."""
    (duty,) = duty_numbers(DIRECTORY, ("polizia",), NIGHT, ROME)
    assert (duty.unit, duty.name) == ("polizia", "Polizia locale")
    assert duty.number == SecretNumber("051598333")
    assert duties_without_number(DIRECTORY, ("polizia",), NIGHT, ROME) == ()


def test_the_last_authorisation_counts() -> None:
    """A newer leave of the same unit replaces the number that is told."""
    newer = replace(LEAVE, entry=replace(ENTRY, number=2), told=target_to_tell("051598334"))
    directory = replace(DIRECTORY, authorisations=(LEAVE, newer))
    assert next(duty_numbers(directory, ("polizia",), NIGHT, ROME)).number == SecretNumber(
        "051598334"
    )


def test_a_revoked_or_later_leave_silences() -> None:
    """Neither a leave that was taken back nor one that was not yet given lets a number be told."""
    revoked = replace(LEAVE, revoked=replace(ENTRY, number=2, at=NIGHT - timedelta(hours=1)))
    taken_back = replace(DIRECTORY, authorisations=(revoked,))
    assert [d.name for d in duties_without_number(taken_back, ("polizia",), NIGHT, ROME)] == [
        "Polizia locale"
    ]
    assert (
        duties_without_number(DIRECTORY, ("polizia",), ENTRY.at - timedelta(seconds=1), ROME)[
            0
        ].number
        is None
    )


def test_one_that_ran_out_silences() -> None:
    """E11: from the day after its last, by the town's own clock."""
    until = replace(DIRECTORY, authorisations=(replace(LEAVE, last=date(2026, 11, 25)),))
    midnight = datetime(2026, 11, 25, 23, tzinfo=UTC)
    assert duties_without_number(until, ("polizia",), midnight - timedelta(seconds=1), ROME) == ()
    assert [d.unit for d in duties_without_number(until, ("polizia",), midnight, ROME)] == [
        "polizia"
    ]


def test_a_number_that_cannot_be_read_silences() -> None:
    """Without the directory's key nothing is said, and the head is warned: no empty number."""
    lost = replace(LEAVE, told=replace(LEAVE.told, number=SecretNumber("")))
    directory = replace(DIRECTORY, authorisations=(lost,))
    assert [d.number for d in duties_without_number(directory, ("polizia",), NIGHT, ROME)] == [None]


def test_another_units_leave_is_no_leave() -> None:
    """A unit without a leave of its own is silent, one that is not in the directory too."""
    assert [
        d.name for d in duties_without_number(DIRECTORY, ("anagrafe", "polizia"), NIGHT, ROME)
    ] == ["anagrafe"]


def test_digits_are_not_printed() -> None:
    """P7: what is handed about shows a mask."""
    assert "598333" not in repr(next(duty_numbers(DIRECTORY, ("polizia",), NIGHT, ROME)))
