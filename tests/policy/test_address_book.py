"""The address book: whose numbers it takes, whose never (P7), and what has to be checked when."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from appliance.policy.address_book import (
    IN_TEXT,
    BookEntry,
    BookNumber,
    Editing,
    HouseNumbers,
    code_of,
    confirmed,
    entry_problems,
    form_of,
    house_numbers,
    read_entry,
    read_keywords,
    to_check,
)
from appliance.policy.directory import (
    Authorisation,
    Declaration,
    Directory,
    EntryStamp,
    Need,
    Reach,
    ReturnRule,
    TransferTarget,
    make_target,
)
from appliance.policy.forms import FormRefused
from appliance.policy.hours import Week
from appliance.policy.numbering import HOME_PLAN, SecretNumber, rehearsal_plan
from appliance.policy.text import Refused

TODAY = date(2026, 11, 30)
AT = datetime(2026, 11, 30, 9, tzinfo=UTC)
CUP = BookNumber("800 884 888", "CUP", "lun-ven 7:30-18:30")
DESK = BookNumber("051 6478999", "segreteria", may_tell=False)
ENTRY = BookEntry(
    "ausl", "Azienda USL", "anna", TODAY, date(2027, 11, 30), (CUP, DESK), ("asl", "ticket"),
    "via Castiglione 29", "https://www.ausl.example", "Il CUP prenota soltanto.", "Chiami il CUP.",
)  # fmt: skip
EDITING = Editing("carla", TODAY, ("ausl",), ("ausl", "poste"))


NO_HOUSE = HouseNumbers()
STAMP = EntryStamp(1, "anna", AT, "e-mail")


def problems(form: dict[str, Any], house: HouseNumbers = NO_HOUSE) -> dict[str, str]:
    """Return what is wrong with a form, by its places."""
    with pytest.raises(FormRefused) as refused:
        read_entry(form, EDITING, house)
    return {each.place: str(each.words) for each in refused.value.problems}


def house() -> HouseNumbers:
    """Return the numbers of a house with a declaration and an authorisation."""
    outside = make_target(Reach.OUTSIDE, "051 598230")
    held = Directory(
        declarations=(declaration(make_target(Reach.PBX, "204")),),
        authorisations=(Authorisation(STAMP, "anagrafe", outside, "Rossi"),),
    )
    return house_numbers(held, ("051 598111",), HOME_PLAN)


def declaration(target: TransferTarget) -> Declaration:
    """Make a declaration with one number."""
    need, week = Need("n", "Tutto", (target,)), Week(((),) * 7)
    return Declaration(STAMP, "anagrafe", "Rossi", week, (ReturnRule.EMAIL,), (need,), TODAY)


def test_an_entry_is_read_back_from_its_form() -> None:
    """Saving is checking: whoever saves is named, with the day."""
    read = read_entry(form_of(ENTRY), EDITING, HouseNumbers())
    assert read == replace(ENTRY, checked_by="carla")
    lasting = replace(ENTRY, last=date(2027, 1, 31))
    assert read_entry(form_of(lasting), EDITING, HouseNumbers()).last == date(2027, 1, 31)
    new = read_entry({"name": "Poste", "note": "x"}, EDITING, HouseNumbers())
    assert (new.code, new.check_by) == ("poste-2", date(2027, 11, 30))


def test_what_is_wrong_is_said_at_its_field() -> None:
    """All of it at once."""
    form = form_of(ENTRY) | {
        "name": "", "website": "ausl.example", "check_by": "2026-11-30",
        "keywords": ",".join(map(str, range(21))),
    }  # fmt: skip
    assert problems(form).keys() == {"name", "website", "check_by", "keywords"}
    assert problems({"name": "Poste"}).keys() == {"numbers.1.number"}
    with pytest.raises(Refused, match="no entry 'poste'"):
        read_entry({"code": "poste", "name": "Poste"}, EDITING, HouseNumbers())
    assert [each.place for each in entry_problems(replace(ENTRY, code="A b"))] == ["code"]


@pytest.mark.parametrize("number", [
    "204", "051 598230", "+39 051/598230", "0039051598230",
    "0 051 598 230", "39 051–598\u00a0230", "０５１ 598230",
])  # fmt: skip
def test_numbers_of_the_register_are_refused(number: str) -> None:
    """However they are written, and whatever is confirmed (P7)."""
    form = {"name": "X", "numbers": [{"number": number}], "anyway": True}
    found = problems(form, house())
    assert found.keys() == {"numbers.1.number"}
    assert "register of offices" in found["numbers.1.number"]


@pytest.mark.parametrize("field", ["name", "address", "note", "say", "keywords"])
def test_no_text_names_a_number_of_the_register(field: str) -> None:
    """Operators tell it, or read it (P7); what is confirmed changes nothing."""
    form = {"name": "X", "note": "n"} | {field: "Chiami il 0 051–598 230, dalle 9"}
    assert problems(form | {"anyway": True}, house()) == {field: str(IN_TEXT)}
    number = {"number": "051 6478111", "label": "o 051.598.230", "hours": "al 051598230"}
    places = {"numbers.1.label", "numbers.1.hours"}
    assert problems({"name": "X", "numbers": [number]}, house()).keys() == places
    assert read_entry({"name": "Poste 204", "say": "Il 051 6478111", "note": "x"}, EDITING, house())


@pytest.mark.parametrize("number", ["051 598333", "347 1234567"])
def test_what_looks_like_ours_is_confirmed(number: str) -> None:
    """A number beside the public one, and a mobile: entered only once somebody says it is not."""
    form = {"name": "X", "numbers": [{"number": "112"}, {"number": ""}, {"number": number}]}
    assert problems(form, house()).keys() == {"numbers.2.number", "anyway"}
    entry = read_entry(form | {"anyway": True}, EDITING, house())
    assert [each.number for each in entry.numbers] == ["112", number]


def test_other_numbers_are_taken_or_none() -> None:
    """The public number itself, an emergency number also in a rehearsal; no extension."""
    wrong = {"name": "X", "numbers": [{"number": "77"}, {"number": "051 abc"}]}
    assert problems(wrong, house()).keys() == {"numbers.1.number", "numbers.2.number"}
    assert house().doubt("051 598 111") is None
    rehearsed = HouseNumbers(plan=rehearsal_plan(HOME_PLAN))
    assert rehearsed.refusal("112") is None
    assert rehearsed.refusal("051 6478111") is None
    assert HouseNumbers(public=("112",)).doubt("1122") is None


def test_a_number_that_is_not_known_equals_none() -> None:
    """One that could not be unsealed is "" in memory."""
    held = replace(house(), register=frozenset())
    assert held.refusal("051 598230") is None
    lost = declaration(replace(make_target(Reach.PBX, "204"), number=SecretNumber("")))
    found = house_numbers(Directory(declarations=(lost,)), (), HOME_PLAN)
    assert found.register == frozenset()


def test_what_has_to_be_checked() -> None:
    """Its day has come, or it holds no more; confirmed, it is right for as long as before."""
    later = replace(ENTRY, code="b", check_by=date(2026, 12, 1))
    due = replace(ENTRY, code="a", check_by=TODAY)
    lapsed = replace(ENTRY, code="c", last=date(2026, 11, 29))
    assert [each.code for each in to_check((later, lapsed, due), TODAY)] == ["a", "c"]
    ends_today = replace(ENTRY, last=TODAY)
    assert [e.is_valid(TODAY) for e in (due, lapsed, ends_today)] == [True, False, True]
    old = replace(ENTRY, checked_on=date(2026, 5, 30), check_by=date(2026, 11, 30))
    again = confirmed(old, "dino", TODAY)
    assert (again.checked_by, again.checked_on, again.check_by) == ("dino", TODAY, date(2027, 6, 2))
    same = replace(ENTRY, checked_on=TODAY, check_by=TODAY)
    assert confirmed(same, "dino", TODAY).check_by == date(2026, 12, 1)


def test_what_callers_are_told() -> None:
    """The numbers that may be told alone."""
    assert ENTRY.told == (CUP,)


@pytest.mark.parametrize(
    ("name", "taken", "code"),
    [
        ("Azienda USL – Città", (), "azienda-usl-citta"),
        ("Poste", ("poste", "poste-2"), "poste-3"),
        ("“”", (), "ente"),
    ],
)
def test_codes_are_made_of_names(name: str, taken: Collection[str], code: str) -> None:
    """Small letters, digits and hyphens; one that is taken gets a number."""
    assert code_of(name, taken) == code


def test_keywords_stand_between_commas() -> None:
    """Each once."""
    assert read_keywords(" asl, guardia medica,,asl ") == ("asl", "guardia medica")
