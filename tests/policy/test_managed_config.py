"""What of the head office's settings changes a directory, and what of the branch's own stays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date

import pytest

from appliance.config import directory_file
from appliance.policy.directory import Authorisation, Directory, Unit, target_to_tell
from appliance.policy.managed_config import (
    BranchBox,
    BundleChanges,
    SheetsChange,
    applied_words,
    bundle_words,
    check_addressed,
    check_disclosed,
    check_newer,
    in_force_already_words,
    in_force_words,
    last_look_words,
    merged_directory,
    retry_s,
    reverted_words,
    sheets_change,
    taken_back_words,
    units_counted,
)
from appliance.policy.numbering import HOME_PLAN
from appliance.policy.privacy import Disclosure
from appliance.policy.sheets import Sheet
from appliance.policy.text import Refused
from tests.helpers.words import pair
from tests.managed_config.samples import REGISTER
from tests.policy.small_directory import rome
from tests.stories.offices import ROME

GIVEN = directory_file.parse(REGISTER)
NINE = rome("2026-11-30 09:00")
NOTHING_CHANGES = BundleChanges(False, SheetsChange(), (0, 0, 0), 0, False)
OWN = Unit("orti", "Orti", "orti@comune.example", "demografici")


def stored(*units: Unit) -> Directory:
    """Return a branch's directory that has taken the head office's, and units of its own."""
    return merged_directory(Directory(units), GIVEN, (), ()).directory


def test_an_entry_is_taken_once() -> None:
    """The same bundle again changes nothing; a new entry gets this box's next number."""
    known = stored()
    assert merged_directory(known, GIVEN, ("demografici", "anagrafe"), ()).is_nothing
    second = replace(GIVEN.declarations[0], first=date(2026, 6, 1))
    more = replace(GIVEN, declarations=(*GIVEN.declarations, second))
    found = merged_directory(known, more, ("demografici", "anagrafe"), ())
    assert [each.entry.number for each in found.new] == [2]
    assert [d.entry.number for d in found.directory.declarations] == [1, 2]


def test_a_leave_is_taken_once_and_its_end_follows() -> None:
    """P7: a leave to tell a number stands here once; that it was revoked is one more entry."""
    entry = replace(GIVEN.declarations[0].entry, number=0)
    leave = Authorisation(entry, "anagrafe", target_to_tell("051598204"), "Dirigente")
    given = replace(GIVEN, authorisations=(leave,))
    known = merged_directory(stored(), given, ("demografici", "anagrafe"), ()).directory
    assert [each.entry.number for each in known.authorisations] == [2]
    revoked = replace(leave, revoked=replace(entry, reference="Prot. 3000/2026"))
    given = replace(GIVEN, authorisations=(revoked,))
    found = merged_directory(known, given, ("demografici", "anagrafe"), ())
    (one,) = found.directory.authorisations
    assert one.revoked is not None
    assert (one.entry.number, one.revoked.number) == (2, 3)
    assert merged_directory(found.directory, given, ("demografici", "anagrafe"), ()).is_nothing


def test_a_number_that_is_taken_here_is_no_hindrance() -> None:
    """Numbers are each box's own: the branch's entry no. 1 and the head office's are two."""
    declared = GIVEN.declarations[0]
    own = replace(declared, unit="orti", needs=())
    before = Directory((replace(OWN, service=""),), (own,))
    found = merged_directory(before, GIVEN, (), ())
    assert [(d.entry.number, d.unit) for d in found.directory.declarations] == [
        (1, "orti"),
        (2, "anagrafe"),
    ]


def test_a_branchs_office_stays_behind_its_service() -> None:
    """It stands with its service; the head office's service stays for it, too."""
    first = merged_directory(stored(), GIVEN, (), ()).directory
    with_own = replace(first, units=(*first.units, OWN))
    theirs = ("demografici", "anagrafe")
    units = merged_directory(with_own, GIVEN, theirs, ()).directory.units
    assert [unit.code for unit in units] == ["demografici", "anagrafe", "orti"]
    other = Unit("urp", "URP", "urp@comune.example")
    alone = Directory((other,))
    units = merged_directory(with_own, alone, theirs, ()).directory.units
    assert [unit.code for unit in units] == ["urp", "demografici", "orti"]


def test_an_office_with_entries_of_the_branch_stays() -> None:
    """Left out by the head office, it is the branch's own from then on."""
    alone = Directory((Unit("urp", "URP", "urp@comune.example"),))
    theirs = ("demografici", "anagrafe")
    found = merged_directory(stored(), alone, theirs, ("anagrafe", "demografici"))
    assert [unit.code for unit in found.directory.units] == ["urp", "demografici", "anagrafe"]
    assert [u.code for u in merged_directory(stored(), alone, theirs, ()).gone_units] == list(
        theirs
    )


def test_what_does_not_fit_together_is_refused() -> None:
    """A key code that the branch has given to a need of its own is named."""
    need = replace(GIVEN.declarations[0].needs[0], code_keys="31")
    own = replace(GIVEN.declarations[0], unit="orti", needs=(replace(need, code="altro"),))
    before = Directory((replace(OWN, service=""),), (own,))
    declared = replace(GIVEN.declarations[0], needs=(need,))
    with pytest.raises(Refused, match="'31' is already the code of"):
        merged_directory(before, replace(GIVEN, declarations=(declared,)), (), ())


def test_a_sentence_with_an_undisclosed_number_is_refused() -> None:
    """P7: one that the head office writes anew; one that stands here already hinders nothing."""
    say = replace(GIVEN, units=tuple(replace(u, say="Lo 051 598 204") for u in GIVEN.units))
    nobody = Disclosure(Directory(), HOME_PLAN, NINE, ROME)
    both = r"unit demografici, say: .*; unit anagrafe, say: "
    with pytest.raises(Refused, match=both) as refused:
        check_disclosed(merged_directory(stored(), say, (), ()), nobody)
    assert "598" not in str(refused.value)
    known = merged_directory(stored(), say, (), ()).directory
    check_disclosed(merged_directory(known, say, (), ()), nobody)


def test_a_sheet_that_goes_is_the_head_offices() -> None:
    """The branch's own neither goes nor is written over; equal ones are nothing new."""
    sheets = [Sheet(code, code, "", "X", date(2026, 1, 1), "T\n") for code in ("a", "b", "c")]
    plan = sheets_change(sheets, [sheets[0], replace(sheets[1], title="B")], {"b", "c"})
    assert [sheet.code for sheet in plan.written] == ["b"]
    assert (plan.new, plan.gone) == (0, ("c",))
    with pytest.raises(Refused, match="names: b"):
        sheets_change(sheets, [replace(sheets[1], title="B")], {"c"})


@dataclass(frozen=True)
class Looked:
    """A bundle that was looked at."""

    is_so_already: bool
    version: int = 7
    changes: BundleChanges = BundleChanges(True, SheetsChange(), (0, 0, 0), 0, False)


def test_what_a_bundle_would_change_is_said() -> None:
    """One that is in force already would change nothing."""
    assert (
        bundle_words(Looked(False)).text("en").endswith("the signature is good: schedule changed")
    )
    assert bundle_words(Looked(True)).text("en") == "central settings 7: in force already"


def test_who_and_which_version() -> None:
    """Named branches alone, versions that only go up."""
    box = BranchBox("borgo", 3, "three", 4)
    check_addressed((), BranchBox(""))
    check_addressed(("borgo", "centro"), box)
    with pytest.raises(Refused, match="this box is '\\?'"):
        check_addressed(("borgo",), BranchBox(""))
    check_newer(4, "four", box)
    check_newer(5, "five", box)
    with pytest.raises(Refused, match="version 3, and 4"):
        check_newer(3, "three", box)
    with pytest.raises(Refused, match="another file of version 4"):
        check_newer(4, "other", BranchBox("borgo", 4, "four", 4))


def test_a_server_that_is_gone_is_asked_less_and_less() -> None:
    """Twice the wait each time, six hours at most; an office that looks more rarely keeps to it."""
    hours = [retry_s(3600.0, failures) / 3600 for failures in range(5)]
    assert hours == [1, 2, 4, 6, 6]
    assert retry_s(3600.0, 10_000) == 6 * 3600
    assert retry_s(86_400.0, 3) == 86_400


def test_every_change_of_a_bundle_is_named_and_counted() -> None:
    """Whoever confirms reads what of this box changes: a part that stays as it is, not at all."""
    sheets = tuple(Sheet(code, code, "", "X", date(2026, 1, 1), "T\n") for code in ("a", "b"))
    changes = BundleChanges(
        schedule=True, sheets=SheetsChange(sheets, 1, ("c", "d")), units=(2, 3, 4), entries=5,
        prompts=True, updates=True, backups=True,
    )  # fmt: skip
    assert changes.words == pair(
        "schede cambiate: 1, schede nuove: 1, schede tolte: 2, uffici nuovi: 2, uffici cambiati: "
        "3, uffici tolti: 4, comunicazioni aggiunte: 5, orario cambiato, annunci cambiati, "
        "distribuzione degli aggiornamenti cambiata, destinazione delle copie cambiata",
        "sheets changed: 1, sheets new: 1, sheets taken away: 2, offices new: 2, offices changed: "
        "3, offices taken away: 4, declarations added: 5, schedule changed, announcements changed, "
        "rollout of updates changed, backup target changed",
    )
    assert changes.noted == (
        "sheets 1 changed 1 new 2 gone, offices 3 changed 2 new 4 gone, declarations 5 added, "
        "schedule, announcements, updates, backups"
    )
    assert NOTHING_CHANGES.words == pair("nulla cambia", "nothing changes")
    assert NOTHING_CHANGES.noted == (
        "sheets 0 changed 0 new 0 gone, offices 0 changed 0 new 0 gone, declarations 0 added"
    )


def test_call_control_reads_its_configuration_again_only_where_it_must() -> None:
    """Schedule and backup target are in its file; all else is in force without it."""
    assert replace(NOTHING_CHANGES, schedule=True).is_configuration
    assert replace(NOTHING_CHANGES, backups=True).is_configuration
    others = replace(NOTHING_CHANGES, prompts=True, updates=True, units=(1, 1, 1), entries=1)
    assert not others.is_configuration


def test_offices_are_counted_as_new_changed_and_gone() -> None:
    """The audit and the person who confirms read the same three numbers."""
    renamed = tuple(replace(unit, name="X") if unit.service else unit for unit in GIVEN.units)
    school = Unit("scuola", "Scuola", "scuola@comune.example")
    theirs = ("demografici", "anagrafe", "orti")
    found = merged_directory(stored(OWN), replace(GIVEN, units=(*renamed, school)), theirs, ())
    assert units_counted(found) == (1, 1, 1)


def test_settings_say_from_when_on_they_hold() -> None:
    """With the service in use they hold at once, except the schedule; else from its next start."""
    schedule = replace(NOTHING_CHANGES, schedule=True).words
    assert applied_words(7, schedule, is_told=True) == pair(
        "impostazioni centrali 7 in vigore: orario cambiato; schede e rubrica da subito, l'orario "
        "appena nessuno è al telefono",
        "central settings 7 put in force: schedule changed; sheets and register at once, the "
        "schedule as soon as nobody is on the phone",
    )
    assert applied_words(7, schedule, is_told=False) == pair(
        "impostazioni centrali 7 in vigore: orario cambiato; centralino qui non è in funzione: "
        "valgono dal prossimo avvio",
        "central settings 7 put in force: schedule changed; centralino is not running here: they "
        "hold from its next start on",
    )


def test_restored_settings_say_what_they_do_not_take_back() -> None:
    """P4: an office's declaration stays until another one, whatever settings are restored."""
    schedule = replace(NOTHING_CHANGES, schedule=True).words
    stays = (
        "ciò che gli uffici hanno comunicato resta: lo cambia solo un'altra comunicazione",
        "what offices have declared stays: only another declaration changes it",
    )
    again = reverted_words(6, schedule, is_told=True)
    assert again.text("it") == (
        "impostazioni centrali 6 di nuovo in vigore: orario cambiato; schede e rubrica da subito, "
        f"l'orario appena nessuno è al telefono; {stays[0]}"
    )
    assert again.text("en") == (
        "central settings 6 in force again: schedule changed; sheets and register at once, the "
        f"schedule as soon as nobody is on the phone; {stays[1]}"
    )
    none = reverted_words(0, schedule, is_told=False)
    assert none.text("it").startswith("nessuna impostazione centrale in vigore: orario cambiato; ")
    assert none.text("en").startswith("no central settings in force: schedule changed; ")
    assert (none.text("it").endswith(stays[0]), none.text("en").endswith(stays[1])) == (True, True)


def test_which_version_is_in_force_since_when_and_from_whom() -> None:
    """A restored version has no source: it was here before."""
    none = pair("Impostazioni centrali: nessuna", "Central settings: none")
    assert in_force_words(None, ROME) == none
    assert in_force_words((0, NINE, "anna", "file"), ROME) == none
    assert in_force_words((7, NINE, "anna", "https://x.example"), ROME) == pair(
        "Impostazioni centrali: versione 7 dal 30 novembre 2026 alle 09:00, da https://x.example "
        "(anna)",
        "Central settings: version 7 since 30 November 2026 at 09:00, from https://x.example "
        "(anna)",
    )
    assert in_force_words((7, NINE, "anna", ""), ROME) == pair(
        "Impostazioni centrali: versione 7 dal 30 novembre 2026 alle 09:00, di nuovo (anna)",
        "Central settings: version 7 since 30 November 2026 at 09:00, again (anna)",
    )


def test_the_last_look_at_the_server_is_told_with_its_time() -> None:
    """In the zone of the site, whatever zone the moment was stored in."""
    found = last_look_words(NINE.astimezone(UTC), in_force_already_words(7), ROME)
    assert found == pair(
        "Ultimo controllo lun 30 novembre 2026, 09:00: impostazioni centrali 7: già in vigore",
        "Last look Mon 30 November 2026, 09:00: central settings 7: in force already",
    )


def test_a_version_taken_back_here_is_not_taken_again() -> None:
    """The branch is told what it waits for."""
    assert taken_back_words(7) == pair(
        "impostazioni centrali 7: qui sono state tolte, si attende una versione più alta",
        "central settings 7: taken back here, a higher version is waited for",
    )
