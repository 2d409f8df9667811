"""Country plans: an independent library's example numbers are of the class that its plan says."""

from __future__ import annotations

import phonenumbers
import pytest
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from appliance.policy.numbering import PLANS, REHEARSAL_PREFIX, NumberClass, rehearsal_plan

ITALY = PLANS["it"]
KINDS = {
    PhoneNumberType.FIXED_LINE: NumberClass.NATIONAL,
    PhoneNumberType.MOBILE: NumberClass.MOBILE,
    PhoneNumberType.TOLL_FREE: NumberClass.TOLL_FREE,
    PhoneNumberType.PREMIUM_RATE: NumberClass.PREMIUM,
}


@pytest.mark.parametrize("country", PLANS)
@pytest.mark.parametrize("kind", KINDS)
def test_example_numbers_are_of_their_class(country: str, kind: int) -> None:
    """What libphonenumber names as typical of a class is of that class here."""
    number = phonenumbers.example_number_for_type(country.upper(), kind)
    assert number is not None
    shown = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    digits = "".join(filter(str.isdigit, shown))
    wanted = {KINDS[kind]}
    if country == "us" and kind is PhoneNumberType.MOBILE:
        wanted = {NumberClass.NATIONAL}  # in North America nothing tells a mobile
    assert PLANS[country].classify(digits) in wanted, digits


@pytest.mark.parametrize("country", PLANS)
def test_a_number_abroad_is_international(country: str) -> None:
    """Whatever goes abroad is never taken for anything cheaper."""
    home = "44" if country == "it" else "39"
    exit_code = "011" if country == "us" else "00"
    assert PLANS[country].classify(f"{exit_code}{home}2079460123") is NumberClass.INTERNATIONAL


@pytest.mark.parametrize(
    ("digits", "kind"),
    [
        ("112", NumberClass.EMERGENCY),
        ("1515", NumberClass.EMERGENCY),
        ("1125551", NumberClass.NONE),  # the exchange would connect at 112
        ("051598111", NumberClass.LOCAL),
        ("0541704111", NumberClass.NATIONAL),
        ("3331234567", NumberClass.MOBILE),
        ("800011837", NumberClass.TOLL_FREE),
        ("892424", NumberClass.PREMIUM),
        ("199123456", NumberClass.PREMIUM),
        ("1254", NumberClass.PREMIUM),
        ("187", NumberClass.SERVICE),
        ("1055051598111", NumberClass.NONE),  # another network's code before a number
        ("*21*0511234567#", NumberClass.NONE),  # a divert set up at the exchange
        ("", NumberClass.NONE),
    ],
)
def test_italian_numbers(digits: str, kind: NumberClass) -> None:
    """Each kind of the Italian plan, and what is no number at all."""
    assert ITALY.classify(digits, ("051",)) is kind


def test_without_area_codes_nothing_is_local() -> None:
    """Who has named no area code has no local numbers."""
    assert ITALY.classify("051598111") is NumberClass.NATIONAL


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("+39 051 598-111", "051598111"),
        ("0039 333 1234567", "3331234567"),
        ("(051) 598.111", "051598111"),
        ("+44 20 7946 0123", "00442079460123"),
    ],
)
def test_written_numbers_are_dialled_inside_the_country(text: str, digits: str) -> None:
    """However a number was written down, it is compared and dialled in one form."""
    assert ITALY.national(text) == digits
    assert PLANS["gb"].national("+44 20 7946 0123") == "02079460123"


def test_a_rehearsal_has_no_real_emergency_number() -> None:
    """In a demonstration 112 is no number at all; a fictitious one takes its place."""
    plan = rehearsal_plan(ITALY)
    assert plan.rehearsed
    assert plan.real == ITALY.emergency == ITALY.real
    assert not set(plan.emergency) & set(ITALY.emergency)
    for number in ITALY.emergency:
        assert plan.classify(number) is NumberClass.NONE
        assert plan.classify(REHEARSAL_PREFIX + number) is NumberClass.EMERGENCY
        assert ITALY.classify(REHEARSAL_PREFIX + number) is not NumberClass.EMERGENCY
