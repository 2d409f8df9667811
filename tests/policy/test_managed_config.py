"""What of the head office's settings changes a directory, and what of the branch's own stays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import pytest

from appliance.config import directory_file
from appliance.policy.directory import Authorisation, Directory, Unit, target_to_tell
from appliance.policy.managed_config import (
    BranchBox,
    BundleChanges,
    SheetsChange,
    bundle_words,
    check_addressed,
    check_newer,
    merged_directory,
    retry_s,
    sheets_change,
)
from appliance.policy.sheets import Sheet
from appliance.policy.text import Refused
from tests.managed_config.samples import REGISTER

GIVEN = directory_file.parse(REGISTER)
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
