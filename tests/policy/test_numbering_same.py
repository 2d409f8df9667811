"""One number however it is written, and no other (E20)."""

from __future__ import annotations

import pytest

from appliance.errors import OfficeError
from appliance.policy.numbering import (
    PLANS,
    are_same_number,
    canonical_number,
    is_number_like,
    number_tail,
    plan_of,
    same_number,
    typed_number,
)

ITALY, GERMANY = PLANS["it"], PLANS["de"]
WRITTEN = ("051234567", "+39 051 234567", "0039051234567", "051/23.45.67", "39051234567")


@pytest.mark.parametrize("typed", WRITTEN[:4])
@pytest.mark.parametrize("stored", WRITTEN)
def test_as_typed_and_as_stored_it_is_the_same(typed: str, stored: str) -> None:
    """With the country's code or without, spaced or not."""
    number = same_number(typed, ITALY)
    assert number.is_(stored)
    assert number.without(f"call {stored}, please") == "call […], please"


@pytest.mark.parametrize("other", ["", "0512345678", "1051234567", "05123456", "347 0000001"])
def test_another_is_another(other: str) -> None:
    """One digit more or less is somebody else."""
    number = same_number("051234567", ITALY)
    assert not number.is_(other)
    assert not number.is_in(f"call {other}")


def test_a_trunk_digit_goes_with_the_country() -> None:
    """In Germany 030 and +49 30 are one, also where people write +49 (0)30."""
    number = same_number("030 123456", GERMANY)
    for written in ("+4930123456", "+49 (0)30 123456", "30123456"):
        assert number.is_(written), written


def test_lines_that_name_it_go_whole() -> None:
    """A name may stand beside it."""
    number = same_number("051234567", ITALY)
    assert number.without_lines("a\nRossi 051 234567\nb\n") == "a\nb\n"
    assert "51" not in repr(number)


@pytest.mark.parametrize("typed", ["", "1234", "Rossi", "051 12a4567"])
def test_what_is_no_number_is_refused(typed: str) -> None:
    """A short one would stand by chance in many a text."""
    with pytest.raises(OfficeError, match="no telephone number"):
        same_number(typed, ITALY)


@pytest.mark.parametrize("sent", [*WRITTEN, "51234567", "+3951234567"])
def test_whoever_calls_again_is_known(sent: str) -> None:
    """E9: with the country's code and its sign or without, with the leading zero or without."""
    assert canonical_number(sent) == "051234567"
    assert same_number("051 234567", ITALY).is_(sent)
    assert same_number(sent, ITALY).national == "051234567"
    assert are_same_number(sent, "051 234567")
    assert number_tail(sent) == "234567"


@pytest.mark.parametrize(
    ("one", "other"),
    [("", ""), ("051234567", ""), ("0551598111", "051598111"), ("0331123456", "3311234560")],
)
def test_somebody_else_is_not_known(one: str, other: str) -> None:
    """No number is nobody's; two towns' numbers may end alike; a mobile is no town's."""
    assert not are_same_number(one, other)


def test_a_mobile_and_a_foreigner_stay_what_they_are() -> None:
    """No zero is put before a mobile number; another country's code is part of the number."""
    assert canonical_number("+39 347 0000001") == canonical_number("393470000001") == "3470000001"
    assert canonical_number("+49 30 123456") == "004930123456"
    assert not are_same_number("+49 30 123456", "030 123456")


def test_what_no_exchange_dials_stays_as_it_is() -> None:
    """An extension of the house is the same as itself and nothing else."""
    assert canonical_number("204") == "204"
    assert not are_same_number("204", "0204")


def test_the_countrys_own_plan_is_what_counts() -> None:
    """In Germany a national number begins with 0, and +49 (0)30 is 030."""
    assert are_same_number("+49 (0)30 123456", "030123456", GERMANY)
    assert plan_of("de") is GERMANY
    assert plan_of("es") is ITALY


@pytest.mark.parametrize("typed", ["0512", "+39 051", "0039 0512", "4567", "234567", "051/23.45"])
@pytest.mark.parametrize("stored", [*WRITTEN, "51234567", "+3951234567"])
def test_a_search_finds_it_by_its_beginning_or_end(typed: str, stored: str) -> None:
    """Four digits that somebody remembers are enough, however they and the number are written."""
    assert is_number_like(stored, typed, ITALY)


@pytest.mark.parametrize("typed", ["", "567", "2345", "0513", "Rossi", "+39 051 234568"])
def test_a_search_does_not_find_it_by_anything_else(typed: str) -> None:
    """Neither by digits of its middle nor by three of them: by chance they stand in many."""
    assert not is_number_like("051234567", typed, ITALY)
    assert not is_number_like("", typed, ITALY)
    assert not is_number_like("", "0039", ITALY)


def test_a_short_number_is_found_whole() -> None:
    """Of fewer than four digits the whole number is meant; where there is a trunk, too."""
    assert is_number_like("112", "112", ITALY)
    assert not is_number_like("0511112", "112", ITALY)
    assert is_number_like("030 123456", "+49 30", GERMANY)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("051 23.45/67", "051234567"),
        (" +39 (051) 234–567 ", "+39051234567"),
        ("112", "112"),
        ("1", ""),
        ("", ""),
        ("051x", ""),
        ("*21#", ""),
        ("5+1", ""),
        ("9" * 24, "9" * 24),
        ("9" * 25, ""),
    ],
)
def test_a_number_as_a_person_writes_it(text: str, number: str) -> None:
    """Without its separators; nothing that is no number passes."""
    assert typed_number(text) == number
