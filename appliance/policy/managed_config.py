"""Settings from the head office: which may be applied, what they change here, when to ask again.

The directory only grows (P4). Each box numbers entries itself, so an entry of the head office is
recognised by its content.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from functools import reduce
from typing import Final, Protocol, TypeVar

from appliance.policy.directory import (
    Authorisation,
    Declaration,
    Directory,
    DirectoryEntry,
    DirectoryFault,
    Variation,
    faults_of,
)
from appliance.policy.directory_changes import (
    DirectoryChange,
    merge_directory,
    of_known_units,
    undisclosed_texts,
    with_unit_in_place,
    without_number,
)
from appliance.policy.hours import moment_phrase_words, moment_words
from appliance.policy.privacy import Disclosure
from appliance.policy.sheets import Sheet
from appliance.policy.text import Refused
from appliance.text import Words, _, by_language, in_context, joined, unchanged

Kind = TypeVar("Kind", Declaration, Variation, Authorisation)
MOST_NAMED: Final = 5
LONGEST_S: Final = 6 * 3600.0
"""Longest pause before a server that does not answer is asked again, in s."""


@dataclass(frozen=True, slots=True)
class BranchBox:
    """An appliance's own name among the branches, the version in force with its digest, and the
    highest version that ever was in force.
    """

    branch: str
    version: int = 0
    digest: str = ""
    highest: int = 0


def check_addressed(sites: Collection[str], box: BranchBox) -> None:
    """Raise Refused for settings addressed to other sites; none named means all."""
    if sites and box.branch not in sites:
        named = ", ".join(sorted(sites)[:MOST_NAMED])
        raise Refused(
            _(
                "these settings are others' ({named}), this box is {branch!r} (central.branch)",
                named=named,
                branch=box.branch or "?",
            ),
        )


def check_newer(version: int, digest: str, box: BranchBox) -> None:
    """Raise Refused for a version before one that was in force, or a second file of its number."""
    # the signature has no date (fleet/settings.en.md), so only the version tells an old file
    if version < box.highest:
        raise Refused(
            _(
                "they are version {version}, and {highest} was in force here: make a higher one",
                version=version,
                highest=box.highest,
            ),
        )
    if version == box.version and digest != box.digest:
        raise Refused(
            _("another file of version {version} is in force: count one up", version=version),
        )


def retry_s(every_s: float, failures: int) -> float:
    """Return the pause before a server is asked again, in s; doubled by each failure."""
    # `every_s` may be longer than LONGEST_S: a failure never makes it shorter
    return min(every_s * 2.0 ** min(failures, 30), max(every_s, LONGEST_S))


def merged_directory(
    stored: Directory, given: Directory, theirs: Collection[str], entered_here: Collection[str]
) -> DirectoryChange:
    """Merge the head office's directory into the stored one; raises Refused for new faults.

    `theirs` are the codes of units that were the head office's until now: one that it no longer
    names goes, unless the branch has `entered_here` something for it. The branch's own stay.
    """
    named = {unit.code for unit in given.units}
    # a unit with a declaration of the branch's becomes the branch's own (fleet/settings.en.md)
    gone = set(theirs) - named - set(entered_here)
    # a service stays while an office of the branch's own belongs to it
    gone -= {unit.service for unit in stored.units if unit.code not in {*theirs, *named}}
    # of units with one code the head office's counts
    own = [u for u in stored.units if u.code not in named and u.code not in gone]
    found = merge_directory(
        stored,
        _numbered(stored, replace(given, units=reduce(with_unit_in_place, own, given.units))),
    )
    # faults that the branch had before are none of the head office's
    before = {fault.text for fault in faults_of(of_known_units(stored))}
    after = faults_of(of_known_units(found.directory))
    # in force whole or not at all: one new fault refuses the directory (fleet/settings.en.md)
    new = [*found.faults, *(fault for fault in after if fault.text not in before)]
    _refuse(new)
    return found


def check_disclosed(found: DirectoryChange, disclosure: Disclosure) -> None:
    """Raise Refused for a text of a change with a number that callers may not be told (P7)."""
    _refuse(undisclosed_texts(found, disclosure))


def _refuse(found: Iterable[DirectoryFault]) -> None:
    if faults := [joined(": ", (unchanged(each.place), each.words)) for each in found]:
        said = joined("; ", faults)
        raise Refused(_("the head office's register cannot be used here: {faults}", faults=said))


def _numbered(stored: Directory, given: Directory) -> Directory:
    """Give every entry the number that it has here, or the next free one."""
    # numbers are each box's own: entry 1 here and entry 1 of the head office are two
    known = {without_number(each): each.entry.number for each in stored.entered()}
    last = [stored.last_number()]

    def number() -> int:
        last[0] += 1
        return last[0]

    return replace(
        given,
        declarations=tuple(_with_number(d, known, number) for d in given.declarations),
        variations=tuple(_with_number(v, known, number) for v in given.variations),
        authorisations=tuple(_with_number(a, known, number) for a in given.authorisations),
    )


def _with_number(each: Kind, known: dict[DirectoryEntry, int], number: Callable[[], int]) -> Kind:
    # imported before, an entry keeps its number here and is not added again
    found = known.get(without_number(each)) or number()
    entered = replace(each, entry=replace(each.entry, number=found))
    if isinstance(entered, Authorisation) and entered.revoked is not None:
        return replace(entered, revoked=replace(entered.revoked, number=number()))
    return entered


@dataclass(frozen=True, slots=True)
class SheetsChange:
    """Changes of the sheets: those written, and the codes of those removed."""

    written: tuple[Sheet, ...] = ()
    new: int = 0
    gone: tuple[str, ...] = ()


def sheets_change(
    known: Collection[Sheet], given: Collection[Sheet], theirs: Collection[str]
) -> SheetsChange:
    """Compare the head office's sheets with those here; raises Refused for a name that is taken."""
    # a sheet of the branch's own with the same name and words becomes the head office's
    before = {sheet.code: sheet for sheet in known}
    # the branch's own sheets stay: one with other words refuses the bundle (fleet/settings.en.md)
    taken = sorted(
        s.code for s in given if s.code in before and s.code not in theirs and before[s.code] != s
    )
    if taken:
        named = ", ".join(taken[:MOST_NAMED])
        raise Refused(
            _(
                "the branch has sheets of its own with these names: {named}; give them "
                "other names or take them away, then try again",
                named=named,
            ),
        )
    named_now = {sheet.code for sheet in given}
    return SheetsChange(
        tuple(sheet for sheet in given if before.get(sheet.code) != sheet),
        sum(sheet.code not in before for sheet in given),
        # only the head office's own sheets go; those of the branch stay
        tuple(sorted(code for code in theirs if code not in named_now and code in before)),
    )


@dataclass(frozen=True, slots=True)
class BundleChanges:
    """Counts of a bundle's changes here; the flags tell which parts differ."""

    schedule: bool
    sheets: SheetsChange
    units: tuple[int, int, int]
    entries: int
    prompts: bool
    updates: bool = False
    backups: bool = False

    @property
    def is_configuration(self) -> bool:
        """True if call control has to read its configuration again."""
        return self.schedule or self.backups

    @property
    def words(self) -> Words:
        """The changes in one line, in words."""
        new, changed, gone = self.units
        met = (
            (len(self.sheets.written) - self.sheets.new, _("sheets changed: {count}")),
            (self.sheets.new, _("sheets new: {count}")),
            (len(self.sheets.gone), _("sheets taken away: {count}")),
            (new, _("offices new: {count}")),
            (changed, _("offices changed: {count}")),
            (gone, _("offices taken away: {count}")),
            (self.entries, _("declarations added: {count}")),
            (self.schedule, _("schedule changed")),
            (self.prompts, _("announcements changed")),
            (self.updates, _("rollout of updates changed")),
            (self.backups, _("backup target changed")),
        )
        said = [words.filled(count=count) for count, words in met if count]
        return joined(", ", said) if said else in_context("central settings", "nothing changes")

    @property
    def noted(self) -> str:
        """The changes for the audit, always in the same words (console/shared.py)."""
        new, changed, gone = self.units
        written, gone_sheets = len(self.sheets.written), len(self.sheets.gone)
        more = (
            ("schedule", self.schedule),
            ("announcements", self.prompts),
            ("updates", self.updates),
            ("backups", self.backups),
        )
        return (
            f"sheets {written - self.sheets.new} changed {self.sheets.new} new {gone_sheets} gone, "
            f"offices {changed} changed {new} new {gone} gone, declarations {self.entries} added"
            + "".join(f", {name}" for name, is_so in more if is_so)
        )


def units_counted(found: DirectoryChange) -> tuple[int, int, int]:
    """Count units that are new, changed, gone."""
    return len(found.new_units), len(found.changed_units), len(found.gone_units)


NO_SERVER: Final = _(
    "no server is configured (central.server): the central settings come as a file"
)
NO_FILE: Final = _("no file has been uploaded: upload it first")
NO_SETTINGS: Final = _("Central settings: none")
# what offices have declared is theirs: only another declaration changes it (P4)
DECLARATIONS_STAY: Final = _(
    "what offices have declared stays: only another declaration changes it"
)
# a schedule comes into force by a restart of the service, which waits until no call is up
_HOLDS_NOW: Final = _("sheets and register at once, the schedule as soon as nobody is on the phone")
_HOLDS_LATER: Final = _("centralino is not running here: they hold from its next start on")


class ShownBundle(Protocol):
    """A bundle with its version and its changes."""

    @property
    def version(self) -> int:
        """Return its version."""

    @property
    def changes(self) -> BundleChanges:
        """Return what it changes here."""

    @property
    def is_so_already(self) -> bool:
        """Tell whether it is in force already."""


def bundle_words(given: ShownBundle) -> Words:
    """Return the sentence about a bundle's changes."""
    if given.is_so_already:
        return in_force_already_words(given.version)
    said = given.changes.words
    return _(
        "central settings {version}, the signature is good: {said}",
        version=given.version,
        said=said,
    )


def in_force_already_words(version: int) -> Words:
    """Return the sentence that the settings are in force already."""
    return _("central settings {version}: in force already", version=version)


def taken_back_words(version: int) -> Words:
    """Return the sentence that the server's version was taken back here."""
    return _(
        "central settings {version}: taken back here, a higher version is waited for",
        version=version,
    )


def applied_words(version: int, changes: Words, is_told: bool) -> Words:
    """Return the sentence about applied settings, and from when on they hold."""
    when = _HOLDS_NOW if is_told else _HOLDS_LATER
    return _(
        "central settings {version} put in force: {changes}; {when}",
        version=version,
        changes=changes,
        when=when,
    )


def reverted_words(version: int, changes: Words, is_told: bool) -> Words:
    """Return the sentence about restored settings, and what cannot be taken back."""
    when = _HOLDS_NOW if is_told else _HOLDS_LATER
    if version:
        head = _("central settings {version} in force again", version=version)
    else:
        head = _("no central settings in force")
    return joined(": ", (head, joined("; ", (changes, when, DECLARATIONS_STAY))))


def in_force_words(now: tuple[int, datetime, str, str] | None, zone: tzinfo) -> Words:
    """Return in a line which version (version, since, by whom, source) is in force.

    An empty source means that a previous version was restored.
    """
    if now is None or not now[0]:
        return NO_SETTINGS
    version, at, by, source = now
    since = at.astimezone(zone)
    where = _("from {source}", source=source) if source else _("again")
    return _(
        "Central settings: version {version} {moment}, {where} ({by})",
        version=version,
        moment=moment_phrase_words(in_context("moment", "since"), since),
        where=where,
        by=by,
    )


def last_look_words(at: datetime, words: Words, zone: tzinfo) -> Words:
    """Return the result of the last look at the server, with its time."""
    local = at.astimezone(zone)
    return _(
        "Last look {moment}: {words}",
        moment=by_language(lambda language: moment_words(local, language)),
        words=words,
    )
