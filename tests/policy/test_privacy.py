"""No telephone number leaves the box with its journal; what a technician reads by stays."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.policy.numbering import MASK
from appliance.policy.privacy import (
    SHORTEST_NUMBER,
    below_one_another,
    mail_row,
    mask_journal,
    without_addresses,
)
from tests.helpers.words import pair
from tests.policy.small_directory import rome

STAMP = "2026-11-26T09:00:00+0100 box centralino[431]: "


@pytest.mark.parametrize(
    "number",
    ["051234567", "+39 051 234567", "051/23.45.67", "(051) 234-567", "800011837", "3331234567",
     "051  234567", "12345"],
)  # fmt: skip
def test_a_number_is_masked_however_it_is_written(number: str) -> None:
    """With blanks, dots, slashes, brackets, the country's code."""
    assert mask_journal(f"{STAMP}{number} rang") == f"{STAMP}{MASK} rang" or MASK in mask_journal(
        number
    )
    assert len(re.findall(r"\d", mask_journal(f"from {number} on line1"))) == 1


@pytest.mark.parametrize(
    "kept",
    [
        "phone op1 registered at 192.168.1.21:5060",
        "media gateway: late by 12.5 ms, 4 lost",
        "line2: out of service",
        "",
    ],
)
def test_what_is_no_number_stays(kept: str) -> None:
    """Times, addresses, names and small figures are what a journal is read by."""
    assert mask_journal(STAMP + kept) == STAMP + kept


def test_every_line_is_looked_at() -> None:
    """Also one that begins with no time, and the last without an end."""
    assert mask_journal("a 051234567\n051234567\n") == f"a {MASK}\n{MASK}\n"


def test_a_number_with_dots_is_no_address() -> None:
    """An address has no part above 255; a longer number no four parts of three digits."""
    for number in ("051.234.567.1", "333.123.45.67", "1.2.3.4.5.6"):
        assert MASK in mask_journal(number)


SEPARATORS = st.sampled_from(["", " ", ".", "-", "/", "(", ")", ") ", ". "])


@given(
    st.text(), st.text(), st.lists(st.tuples(st.sampled_from("0123456789"), SEPARATORS),
                                   min_size=SHORTEST_NUMBER + 8, max_size=20),
)  # fmt: skip
def test_no_long_number_survives(before: str, after: str, digits: list[tuple[str, str]]) -> None:
    """Whatever stands around it and however it is grouped, no five digits of it are left."""
    number = "".join(digit + separator for digit, separator in digits)
    text = mask_journal(f"{before} x{number}x {after}")
    left = re.sub(r"(?:\d{1,3}\.){3}\d{1,3}", "", text.partition(" x")[2])
    assert number not in text
    assert not re.search(r"x\d{5,}", left)


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("550 5.1.1 <urp@comune.it>: no such user", "550 5.1.1 <•••>: no such user"),
        ("recipient a.b+c@posta.comune.it: 451 later", "recipient •••: 451 later"),
        ("sender=\"x@y.z\", rcpt='q@w.e';", "sender=\"•••\", rcpt='•••';"),
        ("250 OK id=1vOaaa-0001", "250 OK id=1vOaaa-0001"),
        ("", ""),
    ],
)
def test_no_address_of_an_office_survives(said: str, left: str) -> None:
    """What a mail server answers names whom it refuses; the journal does not."""
    assert without_addresses(said) == left


def test_an_erasure_lists_what_was_mailed_before() -> None:
    """E20: a mail that has left cannot be erased, so the row says when, to whom, about what."""
    at = rome("2026-11-30 09:00")
    assert mail_row(at, "urp@comune.example", 7) == pair(
        "  lun 30 novembre 2026, 09:00  urp@comune.example  richiesta 7",
        "  Mon 30 November 2026, 09:00  urp@comune.example  request 7",
    )
    assert mail_row(at, "", 0) == pair(
        "  lun 30 novembre 2026, 09:00  (destinatario già scaduto)",
        "  Mon 30 November 2026, 09:00  (recipient past its time)",
    )


def test_the_sentences_of_an_erasure_stand_each_on_a_line() -> None:
    """In either language."""
    said = below_one_another(pair("Cancellate: 2.", "Erased: 2."), pair("Resta.", "It stays."))
    assert said == pair("Cancellate: 2.\nResta.", "Erased: 2.\nIt stays.")
