"""Changes of the directory: forms, imports, attachments, and the preview of what they change."""

from __future__ import annotations

import enum
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Final, TypeVar

from appliance.policy.directory import (
    AppointmentSlots,
    Authorisation,
    Declaration,
    Directory,
    DirectoryEntry,
    DirectoryFault,
    EntryStamp,
    Need,
    Reach,
    ReturnRule,
    TransferTarget,
    Unit,
    Variation,
    entries_with_place,
    faults_of,
    make_target,
    target_to_tell,
    with_label,
)
from appliance.policy.directory_review import (
    AS_DECLARED,
    NO_BAND,
    entered_words,
    rules_words,
    slots_words,
)
from appliance.policy.forms import FormFields, FormProblem, FormRefused, bands_of
from appliance.policy.hours import WEEKDAYS, WITH_ARTICLE, Bands, Week, day_phrase_words
from appliance.policy.privacy import Disclosure, must_not_say
from appliance.policy.text import capitalized
from appliance.policy.transfers import WEEKDAY_WORDS
from appliance.text import Words, _, by_language, counted, in_context, joined, unchanged

Kind = TypeVar("Kind", bound=DirectoryEntry)
_ENTRY_CHANGED = _(
    "entry {number} stands in the register with other words, and nothing entered is ever "
    "changed: leave `number` out, and it is a new entry that supersedes it"
)
_ENTRY_BEFORE_LAST = _("entry {number} would come before the last one, {last}: leave `number` out")
_REVOKED_OTHERWISE = _(
    "entry {number} is revoked already, in other words: what is entered is never changed"
)


@dataclass(frozen=True, slots=True)
class Revocation:
    """The end of an authorisation: its number, and who entered the end."""

    number: int
    entry: EntryStamp


@dataclass(frozen=True, slots=True)
class DirectoryChange:
    """The directory after a change, and what changed; with `faults` it may not be stored.

    `superseded` pairs a declaration with the new one that replaces it; `kept` counts the stored
    entries that were not given: they stay (P4).
    """

    directory: Directory
    new_units: tuple[Unit, ...] = ()
    changed_units: tuple[Unit, ...] = ()
    gone_units: tuple[Unit, ...] = ()
    moved_units: bool = False
    new: tuple[DirectoryEntry, ...] = ()
    revoked: tuple[Revocation, ...] = ()
    superseded: tuple[tuple[Declaration, Declaration], ...] = ()
    unchanged: int = 0
    kept: int = 0
    faults: tuple[DirectoryFault, ...] = ()

    @property
    def units_differ(self) -> bool:
        """True if the list of units changes."""
        return bool(self.new_units or self.changed_units or self.gone_units or self.moved_units)

    @property
    def is_nothing(self) -> bool:
        """True if nothing changes."""
        return not (self.units_differ or self.new or self.revoked)


def merge_directory(stored: Directory, given: Directory) -> DirectoryChange:
    """Merge a whole directory into the stored one: its units replace, its new entries are added."""
    new, revoked, faults, met = [], [], [], set[int]()
    for place, entered in entries_with_place(given):
        twin = _stored_twin(stored, entered)
        if isinstance(twin, DirectoryFault):
            faults.append(DirectoryFault(f"{place}.{twin.place}", twin.words))
        elif twin is None:
            new.append(entered)
        else:
            met.add(twin.entry.number)
            ended = _revocation(twin, entered)
            if isinstance(ended, DirectoryFault):
                faults.append(DirectoryFault(f"{place}.{ended.place}", ended.words))
            elif ended is not None:
                revoked.append(ended)
    before = {unit.code: unit for unit in stored.units}
    after = {unit.code: unit for unit in given.units}
    return DirectoryChange(
        _laid_over(stored, given.units, new, revoked),
        new_units=tuple(unit for unit in given.units if unit.code not in before),
        changed_units=tuple(u for u in given.units if before.get(u.code, u) != u),
        gone_units=tuple(unit for unit in stored.units if unit.code not in after),
        # the same units in another order: lists of units follow it
        moved_units=list(before) != list(after) and before == after,
        new=tuple(new),
        revoked=tuple(revoked),
        superseded=tuple(_superseded(stored, new)),
        unchanged=len(met),
        kept=len(stored.entered()) - len(met),
        faults=tuple(faults),
    )


def with_entry(stored: Directory, entered: DirectoryEntry) -> DirectoryChange:
    """Add one entry to the stored directory."""
    return DirectoryChange(
        _laid_over(stored, stored.units, [entered], []),
        new=(entered,),
        superseded=tuple(_superseded(stored, [entered])),
        kept=len(stored.entered()),
    )


def with_revocation(stored: Directory, revoked: Revocation) -> DirectoryChange:
    """End an authorisation of the stored directory."""
    joined = _laid_over(stored, stored.units, [], [revoked])
    return DirectoryChange(joined, revoked=(revoked,), kept=len(stored.entered()))


def with_unit(stored: Directory, unit: Unit) -> DirectoryChange:
    """Replace the unit of the same code, or add the unit behind its service's."""
    before = stored.unit(unit.code)
    if before == unit:
        return DirectoryChange(stored, kept=len(stored.entered()))
    units = tuple(unit if each.code == unit.code else each for each in stored.units)
    if before is not None:
        joined = replace(stored, units=units)
        return DirectoryChange(joined, changed_units=(unit,), kept=len(stored.entered()))
    joined = replace(stored, units=with_unit_in_place(units, unit))
    return DirectoryChange(joined, new_units=(unit,), kept=len(stored.entered()))


def with_unit_in_place(units: tuple[Unit, ...], unit: Unit) -> tuple[Unit, ...]:
    """Add a unit at the end of the list, an office behind its service and that one's offices."""
    last = [n for n, each in enumerate(units, 1) if unit.service in (each.code, each.service)]
    at = last[-1] if unit.service and last else len(units)
    return (*units[:at], unit, *units[at:])


def of_known_units(directory: Directory) -> Directory:
    """Return the directory without the entries of removed units."""
    # entries are never deleted (P4): the history still shows them
    codes = {unit.code for unit in directory.units}

    def of_units(kind: tuple[Kind, ...]) -> tuple[Kind, ...]:
        return tuple(each for each in kind if each.unit in codes)

    return Directory(
        directory.units,
        of_units(directory.declarations),
        of_units(directory.variations),
        of_units(directory.authorisations),
    )


def undisclosed_texts(change: DirectoryChange, disclosure: Disclosure) -> Iterator[DirectoryFault]:
    """Yield each text that a change enters with a number that callers may not be told (P7).

    What may be told is judged by the directory after the change.
    """
    # operators tell callers the sentence, and read names, notices and labels; a text that was there
    # before is named in the head's list and hinders no other change
    known = replace(disclosure, directory=of_known_units(change.directory))
    texts = [
        (f"unit {unit.code}", field, unit.code, text)
        for unit in (*change.new_units, *change.changed_units)
        for field, text in (("name", unit.name), ("say", unit.say))
    ]
    texts += [
        (f"variation of {entered.unit}", "notice", entered.unit, entered.notice)
        for entered in change.new
        if isinstance(entered, Variation)
    ]
    texts += [
        (f"declaration of {entered.unit}, need {need.code}", field, entered.unit, text)
        for entered in change.new
        if isinstance(entered, Declaration)
        for need in entered.needs
        for field, text in (("name", need.name), *(("label", t.label) for t in need.targets))
    ]
    for place, field, office, text in texts:
        if kept_by := known.kept_by(text):
            yield DirectoryFault(f"{place}, {field}", must_not_say(office, kept_by))


def with_known_numbers(read: Directory, known: Directory) -> Directory:
    """Fill in unreadable numbers from an earlier reading of the same entries."""
    # A key that is lost while call control runs costs no transfer: nothing entered is ever changed
    # (P4), so an entry's telephone numbers are those read before.
    before = {each.entry.number: each for each in known.entered()}

    def filled(each: Kind) -> Kind:
        kept = before.get(each.entry.number)
        if isinstance(each, Declaration) and isinstance(kept, Declaration):
            return replace(each, needs=kept.needs)
        if isinstance(each, Authorisation) and isinstance(kept, Authorisation):
            return replace(each, told=kept.told)
        return each

    return replace(
        read,
        declarations=tuple(map(filled, read.declarations)),
        authorisations=tuple(map(filled, read.authorisations)),
    )


def _stored_twin(
    stored: Directory, given: DirectoryEntry
) -> DirectoryEntry | DirectoryFault | None:
    """Find the stored entry equal to a given one: by number, else by content."""
    number, last = given.entry.number, stored.last_number()
    known = stored.entered()
    same = next((each for each in known if each.entry.number == number), None)
    if same is not None:
        # the same number with other content would change what was entered (P4)
        is_it = without_number(same) == without_number(given)
        return same if is_it else DirectoryFault("number", _ENTRY_CHANGED.filled(number=number))
    # a file that numbers nothing may be imported again and again
    alike = next((each for each in known if without_number(each) == without_number(given)), None)
    # numbers are the order of entry: a new entry comes after the last one
    if alike is None and number <= last:
        return DirectoryFault("number", _ENTRY_BEFORE_LAST.filled(number=number, last=last))
    return alike


def _revocation(
    stored: DirectoryEntry, given: DirectoryEntry
) -> Revocation | DirectoryFault | None:
    """Return the end of an authorisation that is not stored yet."""
    if not (isinstance(stored, Authorisation) and isinstance(given, Authorisation)):
        return None
    if given.revoked is None:
        return None
    if stored.revoked is None:
        return Revocation(stored.entry.number, given.revoked)
    # compared without the number, which is each site's own
    same = replace(stored.revoked, number=0) == replace(given.revoked, number=0)
    return (
        None
        if same
        else DirectoryFault("revoked", _REVOKED_OTHERWISE.filled(number=stored.entry.number))
    )


def without_number(entered: DirectoryEntry) -> DirectoryEntry:
    """Return an entry without its number and its revocation, for comparison by content."""
    entry = replace(entered.entry, number=0)
    if isinstance(entered, Authorisation):
        return replace(entered, entry=entry, revoked=None)
    return replace(entered, entry=entry)


def _superseded(
    stored: Directory, new: list[DirectoryEntry]
) -> Iterator[tuple[Declaration, Declaration]]:
    """Yield each declaration that a new one replaces on its first day, with the new one."""
    for each in new:
        if isinstance(each, Declaration):
            before = stored.own_declaration(each.unit, each.first)
            if before is not None:
                yield before, each


def _laid_over(
    stored: Directory, units: tuple[Unit, ...], new: list[DirectoryEntry], revoked: list[Revocation]
) -> Directory:
    ends = {each.number: each.entry for each in revoked}

    def joined(kind: tuple[Kind, ...], cls: type[Kind]) -> tuple[Kind, ...]:
        more = [each for each in new if isinstance(each, cls)]
        return tuple(sorted((*kind, *more), key=lambda each: each.entry.number))

    authorisations = tuple(
        replace(each, revoked=ends.get(each.entry.number, each.revoked))
        for each in joined(stored.authorisations, Authorisation)
    )
    return Directory(
        units,
        joined(stored.declarations, Declaration),
        joined(stored.variations, Variation),
        authorisations,
    )


# Commands and console share these readers. Each returns the change, or raises FormRefused with
# every problem at its field.

Form = Mapping[str, Any]
Made = TypeVar("Made")
VARIED_CLOSED, VARIED_AS_DECLARED = "closed", "declared"
"""Words of a variation instead of bands: no band, or the declared ones."""
_KINDS = ("declarations", "variations", "authorisations")


@dataclass(frozen=True, slots=True)
class EnteredBy:
    """Author and time (aware) of an entry, and the attached file ("" for none)."""

    by: str
    at: datetime
    attachment: str = ""


FormReader = Callable[[Directory, Form, EnteredBy, date], DirectoryChange]
"""Reader of a form: stored directory, form, who enters it, the office's own day."""


def declare(stored: Directory, form: Form, stamp: EnteredBy, today: date) -> DirectoryChange:
    """Enter a declaration; one without needs must be marked as a withdrawal."""
    fields = FormFields(form, [])
    unit, entry = _unit_code(stored, fields), _stamp(stored, fields, stamp)
    by = fields.text("declared_by", is_needed=True)
    first, last = fields.day("first", today) or today, fields.day("last")
    week, offered = fields.week("week"), _slots(fields)
    rules = fields.rules("rules")
    # a declaration without needs withdraws the office, so the form has to say so
    wanted = () if fields.flag("withdraw") else tuple(_needs(stored, fields))
    _check_declaration(fields, rules, week, has_needs=bool(wanted))
    # a missing rule is noted at its field; with this one the other fields can still be read
    rules = rules or (ReturnRule.EMAIL,)
    made = fields.attempt(
        "last",
        lambda: Declaration(entry, unit, by, week, rules, wanted, first, last, offered),
    )
    return _or_refuse_faults(stored, with_entry(stored, _or_refuse(fields, made)))


def _check_declaration(
    fields: FormFields, rules: tuple[ReturnRule, ...], week: Week, *, has_needs: bool
) -> None:
    if not rules:
        fields.wrong(
            "rules",
            _("choose a rule at least: appointment or e-mail"),
        )
    if fields.flag("withdraw"):
        return
    if not has_needs:
        fields.wrong(
            "needs",
            _("name a need at least, or “takes no calls”"),
        )
    if not week.ever_opens:
        fields.wrong(
            "week",
            _("no day has a band: give one at least"),
        )


def vary(stored: Directory, form: Form, stamp: EnteredBy, today: date) -> DirectoryChange:
    """Enter other bands for a day or some (E12): `hours` are bands, "closed" or "declared"."""
    fields = FormFields(form, [])
    unit, entry = _unit_code(stored, fields), _stamp(stored, fields, stamp)
    # a variation of today needs unit, hours and reference alone (E12: in 30 s)
    first = fields.day("first", today) or today
    last = fields.day("last", first) or first
    if last < today:
        fields.wrong(
            "last",
            _("{day} is past: name a day to come", day=day_phrase_words(WITH_ARTICLE, last)),
        )
    found = stored.unit(unit)
    # variations lie over declared bands, so without a declaration there is nothing to vary (P4)
    declared = of_known_units(stored).valid_declaration(found, first) if found else None
    if found is not None and declared is None:
        fields.wrong(
            "unit",
            _(
                "{unit} has no valid declaration {day}: there is nothing to vary",
                unit=unit,
                day=day_phrase_words(in_context("day", "on"), first),
            ),
        )
    week = _varied_week(fields, _weekdays(first, last, declared))
    only, notice = fields.texts("needs"), fields.text("notice")
    made = fields.attempt("last", lambda: Variation(entry, unit, first, last, week, only, notice))
    return _or_refuse_faults(stored, with_entry(stored, _or_refuse(fields, made)))


def authorise(stored: Directory, form: Form, stamp: EnteredBy, today: date) -> DirectoryChange:
    """Enter the written permission to tell callers a number, declared or written here."""
    fields = FormFields(form, [])
    unit, entry = _unit_code(stored, fields), _stamp(stored, fields, stamp)
    by, last = fields.text("authorised_by", is_needed=True), fields.day("last")
    told = _or_refuse(fields, _target_to_tell(stored, fields, unit, today))
    leave = Authorisation(entry, unit, told, by, last=last)
    return _or_refuse_faults(stored, with_entry(stored, leave))


def revoke(stored: Directory, form: Form, stamp: EnteredBy, _today: date) -> DirectoryChange:
    """End the authorisation of the entry `number`."""
    fields = FormFields(form, [])
    entry, number = _stamp(stored, fields, stamp), fields.number("number", 0)
    held = [each.entry.number for each in stored.authorisations if not each.revoked]
    if number not in held:
        known = ", ".join(map(str, held))
        fields.wrong(
            "number",
            _(
                "{number} is no authorisation that holds; those are {known}",
                number=number,
                known=known or in_context("authorisation", "none"),
            ),
        )
    return with_revocation(stored, Revocation(number, _or_refuse(fields, entry)))


def edit_unit(stored: Directory, form: Form, _stamp: EnteredBy, _today: date) -> DirectoryChange:
    """Change a unit's name, e-mail or sentence to say, or add a unit; omitted fields stay."""
    fields = FormFields(form, [])
    code = _unit_code(stored, fields) if form.get("unit") else ""
    known = stored.unit(code)
    if known is None:
        made = code_of(fields.text("name", is_needed=True)) or "ufficio"
        # the form asks for names only: the code is made of the name
        known = Unit(free_code(made, {each.code for each in stored.units}), "", "")
        known = replace(known, service=fields.text("service"))
    name, email = (
        fields.text(each, is_needed=True) if each in form else getattr(known, each)
        for each in ("name", "email")
    )
    say = fields.text("say") if "say" in form else known.say
    after = _or_refuse(fields, replace(known, name=name, email=email, say=say))
    return _or_refuse_faults(stored, with_unit(stored, after))


def _unit_code(stored: Directory, fields: FormFields) -> str:
    code = fields.text("unit")
    if stored.unit(code) is None:
        known = ", ".join(unit.code for unit in stored.units) or "none"
        fields.wrong(
            "unit",
            in_context(
                "form",
                "there is no office {code!r} in the register; known are {known}",
                code=code,
                known=known,
            ),
        )
    return code


def _stamp(stored: Directory, fields: FormFields, stamp: EnteredBy) -> EntryStamp:
    """Return the entry's stamp; a faulty one is noted at its field."""
    number, reference = stored.last_number() + 1, fields.text("reference")
    made = fields.attempt(
        "reference", lambda: EntryStamp(number, stamp.by, stamp.at, reference, stamp.attachment)
    )
    # a stand-in, so that the other fields are read and all mistakes shown at once
    return made or EntryStamp(number, stamp.by, stamp.at, "-")


def _weekdays(first: date, last: date, declared: Declaration | None) -> set[int]:
    """Return the weekdays that a variation meets: of several days those with declared bands."""
    met = {(first + timedelta(days=n)).weekday() for n in range(min(7, (last - first).days + 1))}
    # summer hours open no Sunday, but an entry for a single Sunday means that day
    usual = {number for number in met if declared and declared.week.days[number]}
    return usual if usual and last > first else met


def _varied_week(fields: FormFields, weekdays: set[int]) -> Week | None:
    """Make the week of a variation: the bands on each weekday that it meets."""
    hours = fields.text("hours", is_needed=True)
    if hours == VARIED_AS_DECLARED:
        return None
    bands = (
        (fields.attempt("hours", lambda: bands_of(hours)) or ()) if hours != VARIED_CLOSED else ()
    )
    return Week(tuple(bands if number in weekdays else () for number in range(len(WEEKDAYS))))


def _target_to_tell(
    stored: Directory, fields: FormFields, unit: str, today: date
) -> TransferTarget | None:
    if not fields.text("need"):
        written = fields.text("number", is_needed=True)
        return fields.attempt("number", lambda: target_to_tell(written)) if written else None
    # a declared number is named by need and place, so the form need not show it (P7)
    code, which = fields.text("need"), fields.number("which", 1)
    declaration = of_known_units(stored).own_declaration(unit, today)
    found = declared_number(stored, declaration.entry.number, code, which) if declaration else None
    if found is None:
        fields.wrong(
            "need",
            _(
                "{unit} has declared no number {which} for the need {code!r}",
                unit=unit,
                which=which,
                code=code,
            ),
        )
        return None
    # a citizen cannot dial an internal number or an account
    if found.reach is not Reach.OUTSIDE:
        fields.wrong(
            "need",
            _(
                "number {which} of {code!r} is one within the house: leave the need out "
                "and give the one that is dialled from outside",
                which=which,
                code=code,
            ),
        )
        return None
    return replace(found, label="")


def _or_refuse(fields: FormFields, made: Made | None) -> Made:
    """Return what was read; raises FormRefused if any field is wrong."""
    if fields.problems or made is None:
        raise FormRefused(*fields.problems)
    return made


def _or_refuse_faults(stored: Directory, merged: DirectoryChange) -> DirectoryChange:
    """Return the change; raises FormRefused with every fault that was not there before."""
    before = {fault.text for fault in faults_of(of_known_units(stored))}
    new = [f for f in faults_of(of_known_units(merged.directory)) if f.text not in before]
    if new:
        raise FormRefused(*(FormProblem(_field_of(f.place), f.words) for f in new))
    return merged


def _field_of(place: str) -> str:
    """Return the form's field of a fault: its place without the list and its number."""
    kind, _, rest = place.partition(".")
    return rest.partition(".")[2] if kind in _KINDS else ""


MOST_NEEDS, MOST_NUMBERS = 40, 10
_NOT_IN_CODE = re.compile(r"[^a-z0-9]+")


def code_of(name: str) -> str:
    """Make a code of a name: "Italiani all'estero" is italiani-all-estero; "" of signs alone."""
    # NFKD separates accents from letters, so that ASCII keeps the letters
    plain = unicodedata.normalize("NFKD", name.casefold()).encode("ascii", "ignore").decode()
    return _NOT_IN_CODE.sub("-", plain).strip("-")[:32].strip("-")


def free_code(code: str, taken: set[str]) -> str:
    """Return a code, or with 2, 3 and so on where it is taken."""
    # nobody has to think of a code: two alike are told apart
    number, found = 1, code
    while found in taken:
        number += 1
        found = f"{code}-{number}"
    return found


def _slots(fields: FormFields) -> AppointmentSlots | None:
    """Read when appointments are offered; None for never."""
    part = fields.part("slots")
    if part is None:
        return None
    week = part.week("week")
    minutes, places = part.number("minutes", 20), part.number("places", 1)
    # a form whose slot fields were left alone offers no appointments
    if not week.ever_opens:
        return None
    return part.attempt("minutes", lambda: AppointmentSlots(week, minutes, places))


def _needs(stored: Directory, fields: FormFields) -> Iterator[Need]:
    """Read the needs; one without a code gets one of its name."""
    parts = list(fields.parts("needs", MOST_NEEDS))
    # codes that the form names go before those made of names
    taken = {part.text("code") for part in parts}
    for part in parts:
        name, code = part.text("name", is_needed=True), part.text("code")
        if not code:
            code = free_code(code_of(name) or "necessita", taken)
            taken.add(code)
        targets = tuple(_read_targets(stored, part))
        rules, keys = part.rules("rules"), part.text("code_keys")
        made = part.attempt("numbers", partial(Need, code, name, targets, rules, keys))
        if made is not None:
            yield made


def declared_number(stored: Directory, number: int, need: str, which: int) -> TransferTarget | None:
    """Return the `which`th (from 1) number of a need of the declaration entered as `number`."""
    declaration = next((d for d in stored.declarations if d.entry.number == number), None)
    found = declaration.need(need) if declaration else None
    targets = found.targets if found else ()
    return targets[which - 1] if 0 < which <= len(targets) else None


def _read_targets(stored: Directory, fields: FormFields) -> Iterator[TransferTarget]:
    for part in fields.parts("numbers", MOST_NUMBERS):
        kept = part.part("kept")
        made = _written_target(part) if kept is None else _kept_target(stored, part, kept)
        if made is not None:
            yield made


def _kept_target(stored: Directory, fields: FormFields, kept: FormFields) -> TransferTarget | None:
    """Return a number of an earlier declaration, with the form's label."""
    # named by its place, so that the person at the form need not see the number (P7)
    number, which = kept.number("declaration", 0), kept.number("which", 0)
    found = declared_number(stored, number, kept.text("need"), which)
    if found is None:
        fields.wrong(
            "number",
            _("the earlier number is not there: write it again"),
        )
        return None
    return fields.attempt("label", partial(with_label, found, fields.text("label")))


def _written_target(fields: FormFields) -> TransferTarget | None:
    text, label = fields.text("number", is_needed=True), fields.text("label")
    reach, mobile = fields.text("reach"), fields.flag("service_mobile")
    if reach not in tuple(Reach):
        fields.wrong("reach", _("choose how it is reached"))
        return None
    if not text:
        return None
    return fields.attempt(
        "number", lambda: make_target(Reach(reach), text, label, service_mobile=mobile)
    )


# The kind of a file is read from its content: its name and the browser's content type prove
# nothing.


class AttachmentKind(enum.StrEnum):
    """Kind of an attachment; the value is the ending of its name."""

    EML = "eml"  # RFC 5322, as mail programmes save it
    PDF = "pdf"  # ISO 32000-1


# certified e-mails carry long signatures, so their header fields may come late
MAIL_HEAD_BYTES: Final = 65_536
LONGEST_ATTACHMENT_NAME: Final = 60
# a field's name is printable ASCII without the colon (RFC 5322, 2.2)
_MAIL_FIELD: Final = re.compile(rb"(?P<name>[!-9;-~]+):[^\0]*\Z")
# an e-mail has one of each group (RFC 5322, 3.6: From and Date are mandatory)
_MAIL_FIELDS_NEEDED: Final = ({b"from"}, {b"date", b"received"}, {b"subject", b"message-id", b"to"})


def attachment_kind(data: bytes) -> AttachmentKind | None:
    """Return the kind of a file, None for one that is not accepted."""
    # ISO 32000-1, 7.5.2: a PDF begins with its header
    if data.startswith(b"%PDF-"):
        return AttachmentKind.PDF
    names = _mail_fields(data[:MAIL_HEAD_BYTES])
    return AttachmentKind.EML if all(names & each for each in _MAIL_FIELDS_NEEDED) else None


def attachment_name(given: str, digest: str, sort: AttachmentKind) -> str:
    """Return the name under which a file is stored: plain letters, unique by its digest.

    `digest` is its SHA-256 in hexadecimal; the same file given twice has one name.
    """
    # the ending is that of the content, not of the name it was given
    base = given.replace("\\", "/").rpartition("/")[2]
    stem = base.rpartition(".")[0] or base
    bare = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^A-Za-z0-9]+", "-", bare).strip("-")[:LONGEST_ATTACHMENT_NAME].strip("-")
    # the digest keeps two files of one name apart
    return f"{plain or 'e-mail'}-{digest[:8]}.{sort}"


def _mail_fields(head: bytes) -> frozenset[bytes]:
    """Return the names of the header fields that a text begins with; none if it has no header."""
    names = set[bytes]()
    for line in head.splitlines():
        if not line:
            break
        # a folded header field goes on in this line (RFC 5322, 2.2.3)
        if line[:1] in b" \t" and names:
            continue
        found = _MAIL_FIELD.match(line)
        if found is None:
            return frozenset()
        names.add(found["name"].lower())
    return frozenset(names)


_Sentences = Iterator[Words]
NO_CALLS = _("takes no calls")


def change_words(merged: DirectoryChange, today: date) -> tuple[Words, ...]:
    """Describe a change in sentences; none contains a number (P7)."""
    replaced = {new.entry.number: old for old, new in merged.superseded}
    said: list[Words] = []
    for entered in merged.new:
        if isinstance(entered, Declaration):
            before = replaced.get(entered.entry.number)
            said += _declaration_words(merged.directory, before, entered, today)
        elif isinstance(entered, Variation):
            said += _variation_words(merged.directory, entered, today)
        else:
            said += _authorisation_words(merged.directory, entered)
    return tuple(said) if said else tuple(merged_words(merged))


def name_of(directory: Directory, code: str) -> str:
    """Return a unit's name, its code where it has gone."""
    unit = directory.unit(code)
    return unit.name if unit else code


def _declaration_words(
    directory: Directory, before: Declaration | None, new: Declaration, today: date
) -> _Sentences:
    name = name_of(directory, new.unit)
    span = _span_words(new.first, new.last, today)
    yield _("{name}: the declaration holds {span}.", name=name, span=span)
    if not new.needs:
        yield _("The office will take no calls.")
        return
    yield _replaces_words(before)
    # offices without a declaration of their own use their service's (E13)
    heirs = [
        unit.name
        for unit in directory.units
        if unit.service == new.unit and directory.own_declaration(unit.code, new.first) is None
    ]
    if heirs:
        yield _("It holds for these, too: {offices}.", offices=", ".join(heirs))
    yield from _bands_words(before, new)
    yield from _needs_words(before, new)
    yield from _rules_words(before, new)


def _replaces_words(before: Declaration | None) -> Words:
    if before is None:
        return _("It is this office's first declaration.")
    number, at = before.entry.number, before.entry.at
    return _(
        "It takes the place of no. {number} {day}, which stays in the history.",
        number=number,
        day=day_phrase_words(in_context("day", "of"), at),
    )


def _bands_words(before: Declaration | None, new: Declaration) -> _Sentences:
    """Yield a sentence for each weekday whose bands change."""
    old_days = before.week.days if before else ((),) * 7
    for name, old, now in zip(WEEKDAY_WORDS, old_days, new.week.days, strict=True):
        if old == now:
            continue
        was, will = _hours_words(old), _hours_words(now)
        day = capitalized(name)
        if before is None:
            yield _("{day}: {will}.", day=day, will=will)
        else:
            yield _("{day}: {will} (before: {was}).", day=day, will=will, was=was)


def _hours_words(bands: Bands) -> Words:
    said = " ".join(map(str, bands))
    return unchanged(said) if said else NO_BAND


def _needs_words(before: Declaration | None, new: Declaration) -> _Sentences:
    old = {need.code: need for need in before.needs} if before else {}
    for need in new.needs:
        numbers = counted("one number", "{number} numbers", len(need.targets))
        was = old.pop(need.code, None)
        if was is None:
            yield _("New need: {name}, {numbers}.", name=need.name, numbers=numbers)
        else:
            yield from _need_words(was, need, numbers)
    for gone in old.values():
        yield _("No longer: {name}.", name=gone.name)


def _need_words(was: Need, now: Need, numbers: Words) -> _Sentences:
    name = now.name
    if [t.number for t in was.targets] != [t.number for t in now.targets]:
        yield _("{name}: other numbers, now {numbers}.", name=name, numbers=numbers)
    if was.name != name:
        yield _("{name}: was called “{before}”.", name=name, before=was.name)
    if was.rules != now.rules:
        yield _("{name}: another rule of its own.", name=name)
    if was.code_keys != now.code_keys:
        keys = f"**{now.code_keys}#"
        yield (
            _("{name}: code on the phones {keys}.", name=name, keys=keys)
            if now.code_keys
            else _("{name}: no code on the phones.", name=name)
        )


def _rules_words(before: Declaration | None, new: Declaration) -> _Sentences:
    if before is None or before.rules != new.rules:
        yield _(
            "If the call comes back: {rules}.",
            rules=by_language(lambda language: rules_words(new.rules, language)),
        )
    if (before.slots if before else None) != new.slots:
        yield _(
            "Appointments: {slots}.",
            slots=by_language(lambda language: slots_words(new.slots, language)),
        )


def _variation_words(directory: Directory, new: Variation, today: date) -> _Sentences:
    name = name_of(directory, new.unit)
    days = _days_words(new.first, new.last, today)
    # a form gives one set of bands for all days: any day that has them shows them
    met = next((bands for bands in new.week.days if bands), ()) if new.week else ()
    hours = AS_DECLARED if new.week is None else _hours_words(met) if met else NO_CALLS
    needs = f" ({', '.join(new.needs)})" if new.needs else ""
    yield _("{unit}: {days} {hours}.", unit=f"{name}{needs}", days=days, hours=hours)
    yield _("In force at once; it ends by itself. What rings already is not cut.")


def _authorisation_words(directory: Directory, new: Authorisation) -> _Sentences:
    name, last = name_of(directory, new.unit), new.last
    if last is None:
        yield _("{name}: one number may be told.", name=name)
        return
    until = day_phrase_words(in_context("day", "until"), last)
    yield _("{name}: one number may be told {until}.", name=name, until=until)


def _span_words(first: date, last: date | None, today: date) -> Words:
    """Return a span of days in words."""
    begins = (
        _("from today") if first == today else day_phrase_words(in_context("day", "from"), first)
    )
    if last is None:
        return _("{begins}, until the next one", begins=begins)
    return joined(" ", (begins, day_phrase_words(in_context("day", "to"), last)))


def _days_words(first: date, last: date, today: date) -> Words:
    """Return the days in words."""
    if first != last:
        return _span_words(first, last, today)
    return _("today") if first == today else day_phrase_words(in_context("day", "on"), first)


NOTHING_NEW = _("Nothing new: all of it was there already.")


def merged_words(merged: DirectoryChange) -> Iterator[Words]:
    """Describe a merged directory: new, changed, gone, superseded, unchanged."""
    if merged.is_nothing:
        yield NOTHING_NEW
        return
    for unit in merged.new_units:
        yield _("new: {code}, {name}", code=unit.code, name=unit.name)
    for unit in merged.changed_units:
        yield _("changed: {code}, {name}", code=unit.code, name=unit.name)
    for unit in merged.gone_units:
        yield _(
            "no longer in the register: {code}, {name}; nothing is transferred there",
            code=unit.code,
            name=unit.name,
        )
    takes_place = {new.entry.number: old.entry.number for old, new in merged.superseded}
    for entered in merged.new:
        old = takes_place.get(entered.entry.number)
        said = by_language(partial(entered_words, entered))
        yield (
            _("new: {entry}; supersedes {old}", entry=said, old=old)
            if old
            else _("new: {entry}", entry=said)
        )
    for revoked in merged.revoked:
        yield _("revoked: authorisation {number}", number=revoked.number)
    if merged.unchanged:
        same, kept = merged.unchanged, merged.kept
        yield _("Already there: {same}; others that stay: {kept}", same=same, kept=kept)
