"""Forms by which people change the directory: what they enter, and every mistake at its field."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time
from typing import Any

import pytest

from appliance.policy import directory_changes
from appliance.policy.directory import (
    Declaration,
    Directory,
    Reach,
    Variation,
    make_target,
    with_label,
)
from appliance.policy.directory_changes import (
    DirectoryChange,
    EnteredBy,
    FormReader,
    change_words,
    code_of,
    merge_directory,
)
from appliance.policy.forms import LONGEST_TEXT, FormRefused, bands_of
from appliance.policy.hours import Band
from appliance.policy.text import Refused
from tests.policy.small_directory import ANAGRAFE, BANDS, SERVICE, TOWN, declaration, rome

TODAY = date(2026, 11, 25)
STAMP = EnteredBy("anna", rome("2026-11-25 08:10"))
WHY = {"reference": "e-mail di Rossi, 8:05"}
MOBILE = "333 1234567"
PRIVATE = {"reach": "outside", "number": MOBILE, "label": ""}
EMPTY = {"reach": "pbx"}
KEPT = {"kept": {"declaration": 1, "need": "residenza", "which": 1}, "label": "interno 1"}
DECLARED: dict[str, Any] = {
    **WHY,
    "unit": "anagrafe",
    "declared_by": "  Dott.  Rossi ",
    "week": ["9-12:30 15.00–17", "9-12:30", "", "9-12", "", "", ""],
    "rules": ["email", "appointment", "email", "dance"],
    "needs": [{"name": "Cambio di residenza", "code": "residenza", "numbers": [KEPT]}],
}


def take(make: FormReader, stored: Directory = TOWN, /, **form: Any) -> DirectoryChange:
    """Have a form read."""
    return make(stored, form, STAMP, TODAY)


def wrong(make: FormReader, stored: Directory = TOWN, /, **form: Any) -> dict[str, str]:
    """Have a form refused; return its problems in English by field, both languages being there."""
    with pytest.raises(FormRefused) as caught:
        take(make, stored, **form)
    assert all(each.words.text("it") and each.words.text("en") for each in caught.value.problems)
    return {each.place: each.words.text("en") for each in caught.value.problems}


def said(merged: DirectoryChange) -> list[str]:
    """Return what a change brings, in Italian."""
    return [words.text("it") for words in change_words(merged, TODAY)]


# --- declarations -------------------------------------------------------------------------------


def test_a_declaration_is_entered_as_it_was_written() -> None:
    """By whom, on what ground, from today on; a number is taken over without being seen (P4)."""
    merged = take(directory_changes.declare, **DECLARED)
    made = merged.directory.own_declaration("anagrafe", TODAY)
    assert made is not None
    assert (made.entry.number, made.entry.by, made.declared_by) == (2, "anna", "Dott. Rossi")
    assert (made.first, made.last, made.slots) == (TODAY, None, None)
    assert made.week.days[0] == (Band.parse("9-12:30"), Band.parse("15-17"))
    assert [rule.value for rule in made.rules] == ["email", "appointment"]
    assert made.needs[0].targets == (declaration().needs[0].targets[0],)


def test_what_changes_is_said_before_it_is_saved() -> None:
    """Days, needs, rules: only what becomes other than it was."""
    assert said(take(directory_changes.declare, **DECLARED)) == [
        "Anagrafe: la comunicazione vale da oggi, fino alla prossima.",
        "Sostituisce la n. 1 del 12 gennaio 2026, che resta nello storico.",
        "Martedì: 09:00-12:30 (prima: 09:00-12:30 15:00-17:00).",
        "Mercoledì: nessuna fascia (prima: 09:00-12:30 15:00-17:00).",
        "Giovedì: 09:00-12:00 (prima: 09:00-12:30 15:00-17:00).",
        "Venerdì: nessuna fascia (prima: 09:00-12:30 15:00-17:00).",
        "Cambio di residenza: numeri cambiati, ora un numero.",
        "Non più: Italiani all'estero.",
        "Se la chiamata torna: e-mail, appuntamento.",
    ]


def test_a_services_first_declaration_says_whom_it_holds_for() -> None:
    """Offices without one of their own live by it (E13)."""
    number = {"reach": "pbx", "number": "2 10", "label": "Segreteria"}
    form = DECLARED | {
        "unit": "demografici",
        "first": "2026-12-01",
        "last": "2027-01-31",
        "slots": {"week": ["", "15-17"], "minutes": "30", "places": 2},
        "needs": [{"name": "Nascite", "numbers": [number, number | {"number": "211"}]}],
    }
    told = said(take(directory_changes.declare, **form))
    assert told[:4] == [
        "Servizi demografici: la comunicazione vale dal 1° dicembre 2026 al 31 gennaio 2027.",
        "È la prima comunicazione di questo ufficio.",
        "Vale anche per: Stato civile.",
        "Lunedì: 09:00-12:30 15:00-17:00.",
    ]
    assert "Nuova necessità: Nascite, 2 numeri." in told
    assert told[-1] == "Appuntamenti: mar 15:00-17:00, 30 min x 2."


def test_a_need_that_changes_in_itself_says_how() -> None:
    """Its name, its own rule, its code on the phones, and that it has none any more."""
    numbers = [KEPT, {**KEPT, "kept": {"declaration": 1, "need": "residenza", "which": 2}}]
    need = {"code": "residenza", "name": "Residenza", "rules": ["email"], "numbers": numbers}
    form = DECLARED | {"needs": [need | {"code_keys": "12"}]}
    first = take(directory_changes.declare, **form)
    assert {
        "Residenza: si chiamava «Cambio di residenza».",
        "Residenza: regola propria cambiata.",
        "Residenza: codice sui telefoni **12#.",
    } <= set(said(first))
    without = take(directory_changes.declare, first.directory, **(DECLARED | {"needs": [need]}))
    assert "Residenza: nessun codice sui telefoni." in said(without)


def test_hours_of_appointments_that_are_no_longer_offered_are_told() -> None:
    """So that nobody promises one."""
    slots = {"week": ["", "15-17"], "minutes": 20}
    first = take(directory_changes.declare, **(DECLARED | {"slots": slots}))
    again = take(directory_changes.declare, first.directory, **DECLARED)
    assert said(again)[-1] == "Appuntamenti: nessun orario offerto."
    assert [w.text("en") for w in change_words(again, TODAY)][
        -1
    ] == "Appointments: no hours offered."


def test_a_unit_that_goes_is_named() -> None:
    """An import may leave it out."""
    merged = merge_directory(TOWN, replace(TOWN, units=TOWN.units[:-1]))
    assert said(merged)[0].startswith("non più nella rubrica: statocivile")


def test_an_office_may_take_no_calls() -> None:
    """A withdrawal names no need, and says so outright."""
    merged = take(
        directory_changes.declare, **(DECLARED | {"needs": [], "week": [], "withdraw": True})
    )
    assert isinstance(merged.new[0], Declaration)
    assert merged.new[0].needs == ()
    assert said(merged)[-1] == "L'ufficio non riceverà chiamate."


def test_every_mistake_is_told_at_once_at_its_field() -> None:
    """Whoever fills in a long form mends it once."""
    found = wrong(
        directory_changes.declare,
        unit="nowhere",
        reference=" ",
        first="tomorrow",
        last="2020-01-01",
        declared_by="",
        week=["9-25"],
        slots={"week": ["9-12"], "minutes": "x", "places": 0},
        needs=[
            {
                "name": "",
                "code_keys": "abc",
                "numbers": [PRIVATE, {"reach": "pigeon"}, {"reach": "pbx"}],
            },
            {"name": "Due", "numbers": []},
            "no form at all",
        ],
    )
    assert set(found) == {
        "unit", "reference", "first", "declared_by", "week.1", "week", "rules", "slots.minutes",
        "needs.1.name", "needs.1.numbers.1.number", "needs.1.numbers.2.number",
        "needs.1.numbers.2.reach", "needs.1.numbers.3.number", "needs.1.numbers",
        "needs.2.numbers", "needs", "last",
    }  # fmt: skip
    assert "private one never" in found["needs.1.numbers.1.number"]


def test_no_needs_and_parts_that_are_none() -> None:
    """What is no list, no form and no text is as if it had been left out."""
    form = DECLARED | {"needs": "x", "week": "x", "rules": "x", "slots": {}, "declared_by": 7}
    assert set(wrong(directory_changes.declare, **form)) == {
        "needs",
        "week",
        "rules",
        "declared_by",
    }
    found = wrong(
        directory_changes.declare, **(DECLARED | {"declared_by": "x" * (LONGEST_TEXT + 1)})
    )
    assert found == {"declared_by": "is too long: at most 200 characters"}


def test_slots_without_hours_are_none() -> None:
    """A form whose slot fields were left alone offers no appointments by itself."""
    merged = take(
        directory_changes.declare, **(DECLARED | {"slots": {"week": [], "minutes": "20"}})
    )
    assert isinstance(merged.new[0], Declaration)
    assert merged.new[0].slots is None


def test_a_number_taken_over_must_be_there_and_its_label_tells_nothing() -> None:
    """A label with the number in it would show it to everybody (P7)."""
    gone = {"kept": {"declaration": 1, "need": "residenza", "which": 9}}
    named = {**KEPT, "label": "interno 2-04"}
    other = {"kept": {"declaration": 7, "need": "residenza", "which": 1}}
    needs = [{"name": "Uno", "numbers": [gone, named, other]}]
    found = wrong(directory_changes.declare, **(DECLARED | {"needs": needs}))
    assert found["needs.1.numbers.1.number"].startswith("the earlier number is not there")
    assert found["needs.1.numbers.2.label"].startswith("the label names the number")
    assert "needs.1.numbers.3.number" in found
    plain = make_target(Reach.PBX, "204", "x")
    assert with_label(plain, "interno 20").label == "interno 20"


def test_needs_get_codes_of_their_names() -> None:
    """Nobody has to think of a code; two alike are told apart."""
    names = ["Italiani all'Estero", "Italiani all'estero!", "???", "Già"]
    needs = [{"name": name, "numbers": [KEPT]} for name in names]
    merged = take(directory_changes.declare, **(DECLARED | {"needs": needs}))
    assert isinstance(merged.new[0], Declaration)
    codes = [need.code for need in merged.new[0].needs]
    assert codes == ["italiani-all-estero", "italiani-all-estero-2", "necessita", "gia"]
    assert code_of("x" * 40) == "x" * 32


def test_a_code_of_another_need_is_refused_at_its_field() -> None:
    """One code for the keys, one need; the mistake stands at the code."""
    taken = replace(declaration(), needs=(replace(declaration().needs[0], code_keys="12"),))
    stored = replace(TOWN, declarations=(taken,))
    form = DECLARED | {"unit": "statocivile"}
    form["needs"] = [{"name": "Uno", "code_keys": "12", "numbers": [KEPT]}]
    found = wrong(directory_changes.declare, stored, **form)
    assert found == {
        "needs.1.code_keys": "'12' is already the code of residenza of anagrafe; every need needs "
        "its own"
    }


# --- variations ---------------------------------------------------------------------------------


def test_a_variation_of_today_has_three_fields() -> None:
    """E12: the unit, the hours, the reference."""
    merged = take(directory_changes.vary, unit="anagrafe", hours="11-12", **WHY)
    varied = merged.new[0]
    assert isinstance(varied, Variation)
    assert (varied.first, varied.last) == (TODAY, TODAY)
    assert varied.week is not None
    assert varied.week.days[2] == (Band(time(11), time(12)),)
    assert said(merged) == [
        "Anagrafe: oggi 11:00-12:00.",
        "In vigore da subito; finisce da sola. Chi sta già squillando non viene interrotto.",
    ]


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"hours": "closed"}, "Anagrafe: oggi non riceve chiamate."),
        (
            {"hours": "declared", "first": "2026-11-26"},
            "Anagrafe: il 26 novembre 2026 come comunicato.",
        ),
        (
            {"hours": "9-12", "last": "2026-12-01", "needs": ["aire"]},
            "Anagrafe (aire): da oggi al 1° dicembre 2026 09:00-12:00.",
        ),
    ],
)
def test_other_variations(form: dict[str, Any], expected: str) -> None:
    """Closed, back to what was declared, several days, one need only."""
    assert said(take(directory_changes.vary, unit="anagrafe", **WHY, **form))[0] == expected


def test_several_days_keep_to_the_weekdays_that_were_declared() -> None:
    """Summer hours open no Sunday (E14)."""
    merged = take(directory_changes.vary, unit="anagrafe", hours="9-12", last="2026-12-10", **WHY)
    varied = merged.new[0]
    assert isinstance(varied, Variation)
    assert varied.week is not None
    assert [bool(day) for day in varied.week.days] == [bool(day) for day in BANDS.days]


def test_what_is_wrong_in_a_variation() -> None:
    """A day that is past, a unit that declared nothing, an unknown one, a need nobody declared."""
    assert set(wrong(directory_changes.vary, unit="anagrafe", last="2026-11-01", **WHY)) == {
        "hours",
        "last",
    }
    assert set(wrong(directory_changes.vary, unit="statocivile", hours="x", **WHY)) == {
        "unit",
        "hours",
    }
    assert set(wrong(directory_changes.vary, unit="nowhere", hours="9-12", **WHY)) == {"unit"}
    form = {"unit": "anagrafe", "hours": "9-12", "needs": ["sogni"], **WHY}
    assert wrong(directory_changes.vary, **form) == {
        "needs": "need 'sogni' was never declared by anagrafe"
    }


# --- authorisations -----------------------------------------------------------------------------

OUTSIDE = {"name": "Urgenze", "numbers": [{"reach": "outside", "number": "051 598204"}]}
LEAVE = {"unit": "anagrafe", "authorised_by": "Dirigente", **WHY}


def test_a_number_may_be_told_by_a_written_leave() -> None:
    """One that was declared, or one that is written; it ends on its day, or when revoked (P7)."""
    form = DECLARED | {"needs": [OUTSIDE]}
    stored = take(directory_changes.declare, **form).directory
    merged = take(directory_changes.authorise, stored, **LEAVE, need="urgenze", last="2026-12-31")
    assert said(merged) == ["Anagrafe: un numero si può dire fino al 31 dicembre 2026."]
    written = take(directory_changes.authorise, stored, **LEAVE, number="051 598 204")
    assert said(written) == ["Anagrafe: un numero si può dire."]
    entry = merged.directory.authorisations[0].entry.number
    revoked = take(directory_changes.revoke, merged.directory, number=entry, **WHY)
    assert said(revoked) == [f"revocata: autorizzazione {entry}"]
    again = wrong(directory_changes.revoke, revoked.directory, number=entry, **WHY)
    assert again == {"number": f"{entry} is no authorisation that holds; those are none"}


@pytest.mark.parametrize(
    ("form", "field", "why"),
    [
        ({"number": MOBILE}, "tell", "never declared as the service's"),
        ({"number": "12"}, "number", "no outside number"),
        ({}, "number", "is missing"),
        ({"need": "residenza"}, "need", "within the house"),
        ({"need": "sogni"}, "need", "has declared no number 1"),
        ({"need": "residenza", "unit": "statocivile"}, "need", "has declared no number 1"),
    ],
)
def test_what_may_not_be_told(form: dict[str, Any], field: str, why: str) -> None:
    """A private mobile above all."""
    assert why in wrong(directory_changes.authorise, **(LEAVE | form))[field]


# --- units --------------------------------------------------------------------------------------


def test_a_units_sentence_is_changed_alone() -> None:
    """E10: the rest stays; the same sentence once more changes nothing."""
    merged = take(directory_changes.edit_unit, unit="anagrafe", say="Provi lo Sportello.")
    assert merged.directory.unit("anagrafe") == replace(ANAGRAFE, say="Provi lo Sportello.")
    assert said(merged) == ["cambiato: anagrafe, Anagrafe"]
    again = take(
        directory_changes.edit_unit, merged.directory, unit="anagrafe", say="Provi lo Sportello."
    )
    assert again.is_nothing


def test_units_are_added_where_they_belong() -> None:
    """An office after those of its service, a service at the end; each with a code of its own."""
    office = {"name": "Anagrafe", "email": "a@comune.example", "service": SERVICE.code}
    merged = take(directory_changes.edit_unit, **office)
    assert [unit.code for unit in merged.directory.units][-1] == "anagrafe-2"
    assert said(merged) == ["nuovo: anagrafe-2, Anagrafe"]
    service = {"name": "!", "email": "s@comune.example", "say": "Ciao"}
    found = take(directory_changes.edit_unit, merged.directory, **service).directory.units[-1]
    assert (found.code, found.say, found.service) == ("ufficio", "Ciao", "")


def test_what_a_unit_cannot_be() -> None:
    """One without a name or an address, of a service there is not, or one that is not there."""
    assert set(wrong(directory_changes.edit_unit, unit="nowhere", say="x")) >= {"unit"}
    assert set(wrong(directory_changes.edit_unit, unit="anagrafe", name="", email="x")) == {"name"}
    assert "" in wrong(directory_changes.edit_unit, unit="anagrafe", email="x")
    assert "" in wrong(directory_changes.edit_unit, name="Nuovo", email="a@b", service="anagrafe")


# --- small parts --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["9-12:30 15-17", "9.00–12.30 e 15–17", "9 - 12:30, 15 - 17:00", "9:00-12:30;15-17"]
)
def test_bands_as_people_write_them(text: str) -> None:
    """As they stand in an office's e-mail."""
    assert bands_of(text) == (Band.parse("9-12:30"), Band.parse("15-17"))


@pytest.mark.parametrize("text", ["9", "9-8", "9-12 11-13", "from nine"])
def test_what_is_no_band_says_why_in_both_languages(text: str) -> None:
    """The sentence stands beside the field."""
    with pytest.raises(Refused) as caught:
        bands_of(text)
    assert caught.value.words.text("it")
    assert str(caught.value) == caught.value.words.text("en")
