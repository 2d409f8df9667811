"""Numbers between any separators, also those that documents are copied with (P7)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.policy.numbering import MASK, PLANS, are_same_number, typed_number
from appliance.policy.privacy import mask_declared, mask_journal
from tests.policy.test_privacy_declared_numbers import DIRECTORY

ITALY = PLANS["it"]
# no-break, narrow, ideographic and zero-width spaces, a tab, dots, slashes, brackets, dashes
BETWEEN = (
    " \u00a0\u202f\u2009\u3000\u200b\u2060\t.·/\u2044\u2215()[]-\u00ad\u2010\u2011–—\u2212\uff0d"
)
OTHER_DIGITS = st.sampled_from("٠०０").map(ord)


@pytest.mark.parametrize("sign", BETWEEN)
def test_every_separator_is_one_everywhere(sign: str) -> None:
    """What a number is compared, typed, masked by is one set of signs."""
    number = sign.join(("0541", "704", "101"))
    assert typed_number(number) == "0541704101"
    assert are_same_number(number, "0541704101", ITALY)
    assert mask_declared(f"tel. {number}, oggi", DIRECTORY, ITALY) == f"tel. {MASK}, oggi"
    assert mask_journal(f"tel. {number}, oggi") == f"tel. {MASK}, oggi"


@given(st.lists(st.text(BETWEEN, max_size=3), min_size=9, max_size=9), OTHER_DIGITS)
def test_a_declared_number_goes_however_it_is_spaced(between: list[str], zero: int) -> None:
    """Also in another script's digits."""
    digits = [chr(zero + int(digit)) for digit in "0541704101"]
    number = "".join(d + sign for d, sign in zip(digits, [*between, ""], strict=True))
    assert mask_declared(f"a {number} b", DIRECTORY, ITALY) == f"a {MASK} b"


@pytest.mark.parametrize(
    "number", ["39 0541 704101", "＋39 0541 704101", "0 0541–704–101", "0541 - 704 - 101"]
)
def test_codes_before_it_hide_no_number(number: str) -> None:
    """The country's code without its sign, or a full-width one, or a 0 for a line."""
    assert mask_declared(number, DIRECTORY, ITALY) == MASK
    assert mask_journal("0541 - 704 - 101") == MASK


@pytest.mark.parametrize(
    "text",
    [
        "9:00–12:30",
        "dal 25.11.2026 – 1.250,00 €",
        "2025–2026, pratica 1234/2026",
        "0541\u00a0704\u00a0102 – 0541\u00a0704\u00a0103",
        "347\u00a00000001",
        "1\u00a0054 170 410 12",
    ],
)
def test_other_figures_stay(text: str) -> None:
    """Days, times, amounts, and other numbers beside one another."""
    assert mask_declared(text, DIRECTORY, ITALY) == text


def test_times_stay_in_a_journal() -> None:
    """A dash joins no more than a hyphen did."""
    assert mask_journal("open 9:00–12:30") == "open 9:00–12:30"


def test_a_long_table_is_read_quickly() -> None:
    """Its cost does not grow with the cube of its figures."""
    table = " ".join("1234567890" * 40)
    assert mask_declared(table, DIRECTORY, ITALY) == table
