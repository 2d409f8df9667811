"""Offices' numbers in what people type: masked however they are written (P7)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.policy.directory import Reach, make_target
from appliance.policy.numbering import PLANS
from appliance.policy.privacy import mask_declared
from tests.policy.small_directory import RESIDENCE, declaration, with_declarations

OUTSIDE = replace(RESIDENCE, targets=(make_target(Reach.OUTSIDE, "0541704101", "ufficio"),))
DIRECTORY = with_declarations(replace(declaration(), needs=(OUTSIDE,)))


@pytest.mark.parametrize(
    ("typed", "left"),
    [
        ("chiamare lo 0541704101 dopo le 15", "chiamare lo ••• dopo le 15"),
        ("0541 704 101", "•••"),
        ("dal telefono 00541704101", "dal telefono •••"),
        ("+39 0541-704101.", "•••."),
        ("0039.0541/704101", "•••"),
        ("(0541) 70 41 01", "(•••"),
        ("347 0000001 0541 704101", "347 0000001 •••"),
        ("0541704101 - 0541704101", "••• - •••"),
        ("pratica 1234/2026 del 25.11.2026, tel. 0541 704102", None),
        ("int. 204, 05417041010", None),
        ("", None),
    ],
)
def test_an_offices_number_is_masked_in_any_writing(typed: str, left: str | None) -> None:
    """Only what an office has declared goes; days, files' and citizens' numbers stay."""
    assert mask_declared(typed, DIRECTORY, PLANS["it"]) == (typed if left is None else left)
