"""Texts that callers hear name no number that its office keeps (P7)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.policy.directory import Authorisation, Reach, make_target
from appliance.policy.numbering import PLANS
from appliance.policy.privacy import Disclosure, must_not_say, not_for_callers
from tests.policy.small_directory import entry, rome
from tests.policy.test_privacy_declared_numbers import DIRECTORY
from tests.stories.offices import ROME

AT = rome("2026-11-30 09:00")
KEPT = Disclosure(DIRECTORY, PLANS["it"], AT, ROME)
TOLD = make_target(Reach.OUTSIDE, "+39 0541704101")
OFFICE = "Anagrafe: ufficio"


def authorised(last: str = "", revoked: str = "") -> Disclosure:
    """Return what may be told once the office has authorised its number."""
    given = Authorisation(entry(9), "anagrafe", make_target(Reach.OUTSIDE, "0541704101"), "Rossi")
    given = replace(given, last=rome(f"{last} 00:00").date() if last else None)
    given = replace(given, revoked=entry(10, revoked) if revoked else None)
    return replace(KEPT, directory=replace(DIRECTORY, authorisations=(given,)))


@pytest.mark.parametrize(
    "text", ["Lo 0541 704 101.", "0 0541–704101 o 0541 704101", "390541704101"]
)
def test_an_undisclosed_number_is_found_with_its_office(text: str) -> None:
    """Once, however often and in whichever way it is written."""
    assert KEPT.kept_by(text, text) == (OFFICE,)
    said, beside = str(must_not_say("carta", (OFFICE,))), str(not_for_callers((OFFICE,)))
    assert said == f"carta: {beside}"
    assert "•••" in said
    assert OFFICE in said


def test_only_an_undisclosed_number_is_masked() -> None:
    """An authorised one, the citizens' numbers and days stay as they are written."""
    text = "Comune, 0541–704 101, dal 25.11.2026 allo 051 598111"
    assert KEPT.masked(text) == "Comune, •••, dal 25.11.2026 allo 051 598111"
    assert authorised().masked(text) == text


def test_other_texts_may_be_said() -> None:
    """The citizen's numbers, days, extensions of other houses."""
    assert KEPT.kept_by("", "Lo 051 598111, dal 25.11.2026, int. 204") == ()


def test_an_authorisation_counts_while_it_holds() -> None:
    """Neither once it is revoked nor after its last day."""
    assert authorised().kept_by("0541 704 101") == ()
    assert authorised(last="2026-11-30").kept_by("+39 0541 704 101") == ()
    assert authorised(last="2026-11-29").kept_by("0541 704 101") == (OFFICE,)
    assert authorised(revoked="2026-11-30 08:00").kept_by("0541 704 101") == (OFFICE,)
    alone = authorised(revoked="2026-11-30 08:00").directory
    alone = replace(alone, declarations=())
    assert replace(KEPT, directory=alone).kept_by("0541 704 101") == ("Anagrafe",)
    gone = replace(alone, units=())
    assert replace(KEPT, directory=gone).kept_by("0541 704 101") == ("anagrafe",)
    other = replace(authorised().directory.authorisations[0], told=replace(TOLD))
    held = replace(DIRECTORY, authorisations=(other,))
    assert replace(KEPT, directory=held).kept_by("0541 704 101") == ()
