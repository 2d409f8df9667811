"""Who calls is compared whole: no piece of a number and no foreign one passes for it."""

from __future__ import annotations

import pytest

from hw_tests.measures.calls import CUT_OFF, FOREIGN, Expected

ITALIAN, GERMAN = Expected("0511234501", "it"), Expected("030123456", "de")
EXTENSION, OUTSIDE = Expected("101", "it"), Expected("0030123456", "de")


@pytest.mark.parametrize(
    ("expected", "number", "is_right"),
    [
        (ITALIAN, "0511234501", True),
        (ITALIAN, "+390511234501", True),
        (ITALIAN, "00390511234501", True),
        (ITALIAN, "511234501", True),
        (ITALIAN, "234501", False),
        (ITALIAN, "051123450", False),
        (ITALIAN, "9990511234501", False),
        (ITALIAN, "0691234501", False),
        (ITALIAN, "+490511234501", False),
        (ITALIAN, "", False),
        (GERMAN, "+4930123456", True),
        (GERMAN, "004930123456", True),
        (GERMAN, "30123456", True),
        (GERMAN, "123456", False),
        (GERMAN, "040123456", False),
        (EXTENSION, "101", True),
        (EXTENSION, "051598101", True),
        (EXTENSION, "102", False),
        (EXTENSION, "9101", False),
        (OUTSIDE, "030123456", True),
        (OUTSIDE, "0123456", False),
    ],
)
def test_a_number_is_right_in_the_forms_of_its_plan_alone(
    expected: Expected, number: str, is_right: bool
) -> None:
    """With or without the country's code and trunk digit, an outside line's digit, or whole."""
    assert expected.is_sent_as(number) is is_right


@pytest.mark.parametrize(
    ("number", "said"), [("234501", CUT_OFF), ("0511234", CUT_OFF), ("0691234501", FOREIGN)]
)
def test_what_is_wrong_with_a_number_is_named(number: str, said: object) -> None:
    """A piece of it is told from another one; both numbers stand in the sentence."""
    words = ITALIAN.said(number)
    assert str(words).startswith(str(said).split("(", maxsplit=1)[0])
    assert number in str(words)
    assert ITALIAN.number in str(words)
