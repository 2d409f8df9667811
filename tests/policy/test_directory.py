"""The directory: what is refused at entry, which declaration holds, what the head looks after."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import pytest

from appliance.errors import ConfigurationError
from appliance.policy.directory import (
    AppointmentSlots,
    Authorisation,
    Directory,
    EntryStamp,
    Need,
    Reach,
    TransferTarget,
    Unit,
    faults_of,
    make_target,
    may_tell,
    target_to_tell,
)
from appliance.policy.hours import week_of
from tests.policy.small_directory import (
    ANAGRAFE,
    CIVILE,
    CLERKS,
    RESIDENCE,
    SERVICE,
    TOWN,
    declaration,
    entry,
    rome,
    variation,
    with_declarations,
)
from tests.stories.offices import ROME

MOBILE = "a mobile that the unit never declared as the service's may not be told"
DAY = date(2026, 11, 25)


@pytest.mark.parametrize(
    ("reach", "text"),
    [
        (Reach.PHONE, "ana1"),
        (Reach.PBX, "204"),
        (Reach.OUTSIDE, "051 598.204"),
        (Reach.OUTSIDE, "+39 051/598-204"),
    ],
)
def test_numbers_as_people_write_them(reach: Reach, text: str) -> None:
    """Blanks and signs between digits are no part of a number; a phone's name is its account's."""
    assert isinstance(make_target(reach, text), TransferTarget)


@pytest.mark.parametrize(
    ("reach", "text", "mobile", "said"),
    [
        (Reach.PHONE, "ana 1", False, "no phone number"),
        (Reach.PBX, "abc", False, "no pbx number"),
        (Reach.OUTSIDE, "12", False, "no outside number"),
        (Reach.OUTSIDE, "112", False, "emergency"),
        (Reach.OUTSIDE, "335 550 1260", False, "a private one never"),
        (Reach.OUTSIDE, "+39 335 5501260", False, "a private one never"),
        (Reach.OUTSIDE, "051598204", True, "leave it out"),
        (Reach.PBX, "204", True, "leave it out"),
    ],
)
def test_what_may_not_be_entered(reach: Reach, text: str, mobile: bool, said: str) -> None:
    """A private mobile is refused at entry (P7), and no sentence repeats what was entered."""
    with pytest.raises(ConfigurationError, match=said) as caught:
        make_target(reach, text, service_mobile=mobile)
    assert text not in str(caught.value)


def test_a_service_mobile_may_be_entered() -> None:
    """With the word that it is the service's."""
    assert make_target(Reach.OUTSIDE, "335 550 1260", service_mobile=True).service_mobile


def test_an_entry_has_a_reference_and_a_moment() -> None:
    """P4: e-mail or protocol number, and when."""
    with pytest.raises(ConfigurationError, match="no reference"):
        EntryStamp(3, "Responsabile", rome("2026-01-12 09:00"), " ")
    with pytest.raises(ConfigurationError, match="offset"):
        EntryStamp(3, "Responsabile", datetime(2026, 1, 12), "Protocollo 3")  # noqa: DTZ001 - the point


def test_what_a_declaration_must_say() -> None:
    """Numbers of each need, a rule for returns, no need twice, no end before the beginning."""
    with pytest.raises(ConfigurationError, match="no number"):
        Need("residenza", "Residenza", ())
    with pytest.raises(ConfigurationError, match="a need twice"):
        replace(declaration(), needs=(RESIDENCE, RESIDENCE))
    with pytest.raises(ConfigurationError, match="returns"):
        replace(declaration(), rules=())
    with pytest.raises(ConfigurationError, match="ends before"):
        replace(declaration(), last=date(2026, 1, 14))
    with pytest.raises(ConfigurationError, match="ends before"):
        replace(variation(2, "2026-11-25", None), last=date(2026, 11, 24))


@pytest.mark.parametrize(("minutes", "places"), [(4, 1), (241, 1), (20, 0), (20, 51)])
def test_slots_within_reason(minutes: int, places: int) -> None:
    """An appointment is of 5 to 240 minutes, 1 to 50 at a time."""
    assert AppointmentSlots(week_of(), 20, 2).places == 2
    with pytest.raises(ConfigurationError, match="give"):
        AppointmentSlots(week_of(), minutes, places)


def test_the_last_one_begun_holds() -> None:
    """P4: a new declaration supersedes from its first day on; the old one never returns."""
    old, new = declaration(1), declaration(2, first="2026-12-01")
    short = replace(declaration(3, first="2027-01-01"), last=date(2027, 1, 31))
    directory = with_declarations(old, new, short)
    assert directory.valid_declaration(ANAGRAFE, date(2026, 1, 14)) is None
    assert directory.valid_declaration(ANAGRAFE, date(2026, 11, 30)) is old
    assert directory.valid_declaration(ANAGRAFE, date(2026, 12, 1)) is new
    assert directory.valid_declaration(ANAGRAFE, date(2027, 1, 31)) is short
    assert directory.valid_declaration(ANAGRAFE, date(2027, 2, 1)) is None


@pytest.mark.parametrize("code", ["ana.grafe", "ana grafe", "Anagrafe", "anagraf\u00e8", ""])
def test_a_code_is_of_small_letters_digits_and_two_signs(code: str) -> None:
    """A dot parts codes in trails and in names of numbers: none stands within one."""
    said = f"{code!r} is no code: write small letters, digits, - and _ only"
    unit = Directory((Unit(code, "Anagrafe", "anagrafe@comune.example"),))
    assert [(f.place, f.text) for f in faults_of(unit)] == [(f"unit {code}", said)]
    need = with_declarations(replace(declaration(1), needs=(replace(RESIDENCE, code=code),)))
    place = "declarations.1.needs.1.code"
    assert [(f.place, f.text) for f in faults_of(need)] == [(place, said)]
    fine = Directory((Unit("ana_grafe-2", "Anagrafe", "anagrafe@comune.example"),))
    assert not list(faults_of(fine))


def test_an_office_lives_by_its_services_word() -> None:
    """E13: without a declaration of its own it uses its service's; its own withdrawal counts."""
    of_service = declaration(1, "demografici")
    assert with_declarations(of_service).valid_declaration(CIVILE, DAY) is of_service
    assert with_declarations(of_service).valid_declaration(SERVICE, DAY) is of_service
    withdrawn = replace(declaration(2, "statocivile"), needs=())
    assert with_declarations(of_service, withdrawn).valid_declaration(CIVILE, DAY) is None


def test_who_has_declared_nothing() -> None:
    """E13: the head sees them; a service whose offices have all declared has nothing to add."""
    assert TOWN.undeclared(DAY) == (SERVICE, CIVILE)
    both = with_declarations(declaration(1), declaration(2, "statocivile"))
    assert both.undeclared(DAY) == ()
    alone = Directory((Unit("urp", "URP", "urp@comune.example"),))
    assert alone.undeclared(DAY) == alone.units


def test_what_runs_out() -> None:
    """E13: told 30 days ahead, once for the unit that declared it, unless another one follows."""
    ends = replace(declaration(1, "demografici"), last=date(2026, 12, 20))
    assert with_declarations(ends).expiring(DAY) == (ends,)
    assert with_declarations(ends).expiring(date(2026, 11, 19)) == ()
    assert with_declarations(ends).expiring(date(2026, 12, 21)) == ()
    follows = declaration(2, "demografici", first="2026-12-21")
    assert with_declarations(ends, follows).expiring(DAY) == ()


def test_history() -> None:
    """Everything ever entered for a unit, in the order of entry."""
    told = Authorisation(entry(2), "anagrafe", target_to_tell("051598204"), "Dirigente")
    changed = variation(3, "2026-11-25", None)
    town = replace(TOWN, variations=(changed,), authorisations=(told,))
    assert town.history("anagrafe") == (TOWN.declarations[0], told, changed)
    assert town.history("statocivile") == ()


def said(directory: Directory) -> list[str]:
    """List the faults as place and text."""
    return [f"{fault.place}: {fault.text}" for fault in faults_of(directory)]


def test_faults() -> None:
    """What does not fit together is told all at once, each with its place."""
    mobile = target_to_tell("335 550 1260")
    bad = Directory(
        units=(
            SERVICE,
            replace(ANAGRAFE, email="anagrafe"),
            replace(CIVILE, service="anagrafe"),
            CIVILE,
        ),
        declarations=(declaration(1, "tributi"), declaration(1)),
        variations=(replace(variation(3, "2026-11-25", None), needs=("nascite", "aire")),),
        authorisations=(
            Authorisation(entry(4), "anagrafe", mobile, "Dirigente"),
            Authorisation(entry(5), "anagrafe", target_to_tell("051598204"), "Dirigente"),
        ),
    )
    assert said(bad) == [
        "unit anagrafe: 'anagrafe' is no e-mail address: requests go there (P6)",
        "unit statocivile: the code stands twice; every unit needs its own",
        "unit statocivile: 'anagrafe' is no service of the register",
        "unit statocivile: the code stands twice; every unit needs its own",
        "declarations.1.unit: unit 'tributi' is not in the register: add it, or mend the code",
        "variations.1.needs: need 'nascite' was never declared by anagrafe",
        f"authorisations.1.tell: {MOBILE}",
        "declarations.2.number: 1 is another entry's number",
    ]


def test_a_variation_of_nobody() -> None:
    """Its needs cannot be known either."""
    nobody = replace(variation(2, "2026-11-25", None, "tributi"), needs=("aire",))
    assert len(said(replace(TOWN, variations=(nobody,)))) == 2


def test_a_mobile_that_is_the_services_may_be_told() -> None:
    """P7: with written leave, per number."""
    mobile = make_target(Reach.OUTSIDE, "335 550 1260", service_mobile=True)
    told = Authorisation(entry(4), "anagrafe", target_to_tell("3355501260"), "D")
    declared = replace(declaration(), needs=(Need("turno", "Turno", (*CLERKS, mobile)),))
    assert said(Directory(TOWN.units, (declared,), (), (told,))) == []


def test_who_may_be_told_what() -> None:
    """P7: that number of that unit, from the entry to its revocation."""
    leave = Authorisation(entry(2), "anagrafe", target_to_tell("051 598204"), "Dirigente")
    revoked = replace(leave, revoked=entry(3, "2026-06-01 10:00"))
    number, at = leave.told.number, rome("2026-11-25 10:00")
    assert may_tell(replace(TOWN, authorisations=(leave,)), "anagrafe", number, at, ROME) is leave
    assert may_tell(replace(TOWN, authorisations=(leave,)), "statocivile", number, at, ROME) is None
    other = target_to_tell("051 598205").number
    assert may_tell(replace(TOWN, authorisations=(leave,)), "anagrafe", other, at, ROME) is None
    town = replace(TOWN, authorisations=(revoked,))
    assert may_tell(town, "anagrafe", number, at, ROME) is None
    assert may_tell(town, "anagrafe", number, rome("2026-05-31 10:00"), ROME) is revoked
    assert may_tell(town, "anagrafe", number, rome("2026-01-01 10:00"), ROME) is None


@pytest.mark.parametrize("label", ["interno 204", "2 04", "Anagrafe (2-0-4)"])
def test_a_label_does_not_name_the_number(label: str) -> None:
    """P7: a label stands on every screen."""
    with pytest.raises(ConfigurationError, match="names the number"):
        make_target(Reach.PBX, "204", label)
    assert make_target(Reach.PHONE, "ana1", "ana1").label == "ana1"


@pytest.mark.parametrize("name", ["../mail.eml", "/etc/passwd", ".."])
def test_an_attachment_has_no_folder(name: str) -> None:
    """It lies beside the directory's file, and nowhere else."""
    with pytest.raises(ConfigurationError, match="without its folder"):
        EntryStamp(3, "Responsabile", rome("2026-01-12 09:00"), "E-mail", name)


def test_a_revocations_number_is_nobody_elses() -> None:
    """Entries are numbered through, ends of authorisations too."""
    leave = Authorisation(entry(2), "anagrafe", target_to_tell("051 598204"), "D", entry(1))
    assert said(replace(TOWN, authorisations=(leave,))) == [
        "authorisations.1.revoked.number: 1 is another entry's number"
    ]
