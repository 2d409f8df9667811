"""The directory of offices (P4): declarations, what is in force, numbers that may be told."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import combinations
from typing import NamedTuple
from zoneinfo import ZoneInfo

from appliance.errors import ConfigurationError
from appliance.policy.hours import (
    ONE_DAY,
    Period,
    Schedule,
    Week,
    hours_elsewhere,
    hours_of_office,
    local_moment,
)
from appliance.policy.numbering import EMERGENCY, SEPARATORS, SecretNumber
from appliance.policy.text import Refused
from appliance.text import Words, _, unchanged


class Reach(enum.StrEnum):
    """Way in which the appliance reaches a target."""

    PHONE = "phone"  # a SIP phone by the name of its account
    PBX = "pbx"  # an extension behind the line, by hook flash
    OUTSIDE = "outside"  # over a second analog line, so that the caller never learns it


# account names as at the registrar; at most 15 digits outside (ITU-T E.164)
NUMBER_SHAPES = {
    Reach.PHONE: re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}"),
    Reach.PBX: re.compile(r"[0-9*#]{1,8}"),
    Reach.OUTSIDE: re.compile(r"\+?[0-9]{3,15}"),
}
NUMBER_EXAMPLES = {Reach.PHONE: "ana1", Reach.PBX: "204", Reach.OUTSIDE: "051598204"}
REACH_WORDS = {
    Reach.PHONE: _("phone"),
    Reach.PBX: _("pbx"),
    Reach.OUTSIDE: _("outside"),
}
LABEL_NAMES_NUMBER = _(
    "the label names the number: everybody sees a label, so write what stands there instead"
)
# an Italian mobile number: 3 and eight or nine digits, no leading 0 (v253.md 3)
_MOBILE = re.compile(r"(?:\+39|0039)?3\d{8,9}")


@dataclass(frozen=True, slots=True)
class TransferTarget:
    """One number of a need; `label` is what operators see instead of the number (P7)."""

    reach: Reach
    number: SecretNumber
    label: str = ""
    service_mobile: bool = False


def make_target(
    reach: Reach, text: str, label: str = "", *, service_mobile: bool = False
) -> TransferTarget:
    """Make a target of what a person entered; raises Refused with the remedy."""
    # no sentence repeats the number: anybody may read it (P7)
    # a phone is named by its account, in which dots and dashes count
    digits = text if reach is Reach.PHONE else SEPARATORS.sub("", text)
    if not NUMBER_SHAPES[reach].fullmatch(digits):
        raise Refused(
            _(
                "this is no {reach} number: write it like {example!r}",
                reach=REACH_WORDS[reach],
                example=NUMBER_EXAMPLES[reach],
            ),
        )
    if digits in EMERGENCY:
        raise Refused(
            _("an emergency number cannot be an office's: dial it instead"),
        )
    # P7: private mobiles are never entered, those of the service are marked as such
    mobile = reach is Reach.OUTSIDE and _is_mobile(digits)
    if mobile and not service_mobile:
        raise Refused(
            _(
                "this is a mobile number: only a mobile of the service may be entered, "
                "marked as one (service_mobile = true); a private one never"
            ),
        )
    # operators see labels, but no number (P7)
    if _label_names(label, digits):
        raise Refused(LABEL_NAMES_NUMBER)
    if service_mobile and not mobile:
        raise Refused(
            _("service_mobile is for mobile numbers: leave it out here"),
        )
    return TransferTarget(reach, SecretNumber(digits), label, service_mobile)


def with_label(found: TransferTarget, label: str) -> TransferTarget:
    """Give a target another label; raises Refused where that names the number."""
    plain = SEPARATORS.sub("", label)
    runs = (run for run in re.findall(r"[0-9*#+]+", plain))
    # the number stays sealed here, so every part of the label is compared with it
    parts = (run[a:b] for run in runs for a, b in combinations(range(len(run) + 1), 2))
    if any(SecretNumber(part) == found.number for part in parts):
        raise Refused(LABEL_NAMES_NUMBER)
    return replace(found, label=label)


def target_to_tell(text: str) -> TransferTarget:
    """Make a target of a number that may be told outside; raises Refused for none."""
    digits = SEPARATORS.sub("", text)
    # a mobile is assumed to be the service's own; `faults_of` reports one not declared as such
    return make_target(Reach.OUTSIDE, digits, service_mobile=_is_mobile(digits))


def _label_names(label: str, digits: str) -> bool:
    """Tell whether a label contains the number, however it is spaced."""
    return digits.isdigit() and digits in SEPARATORS.sub("", label)


def _is_mobile(digits: str) -> bool:
    return _MOBILE.fullmatch(digits) is not None


# operators key it between `**` and `#`
KEYPAD_CODE_SHAPE = re.compile(r"[0-9]{1,4}")


class ReturnRule(enum.StrEnum):
    """Rule for a transferred call that comes back (P6)."""

    APPOINTMENT = "appointment"
    EMAIL = "email"


@dataclass(frozen=True, slots=True)
class AppointmentSlots:
    """Hours in which an office offers appointments: `minutes` each, `places` at a time."""

    week: Week
    minutes: int
    places: int = 1

    def __post_init__(self) -> None:
        if not 5 <= self.minutes <= 240:
            raise Refused(
                _("slots of {minutes} minutes: give 5 to 240", minutes=self.minutes),
            )
        if not 1 <= self.places <= 50:
            raise Refused(
                _("{places} places in a slot: give 1 to 50", places=self.places),
            )


@dataclass(frozen=True, slots=True)
class Need:
    """A caller's possible need of a unit; `targets` in the order in which they are tried.

    Without `rules` the declaration's apply. `code_keys` are the keys that an operator presses for
    it, 1 to 4 digits, "" for none. Raises Refused without a target, or for other keys.
    """

    code: str
    name: str
    targets: tuple[TransferTarget, ...]
    rules: tuple[ReturnRule, ...] = ()
    code_keys: str = ""

    def __post_init__(self) -> None:
        if self.code_keys and not KEYPAD_CODE_SHAPE.fullmatch(self.code_keys):
            raise Refused(
                _(
                    "need {code}: {keys!r} is no code for a phone's keys: write 1 to 4 digits",
                    code=self.code,
                    name=self.name,
                    keys=self.code_keys,
                ),
            )
        if not self.targets:
            raise Refused(
                _("need {code} has no number: give at least one", code=self.code, name=self.name),
            )


@dataclass(frozen=True, slots=True)
class EntryStamp:
    """Author, time and written reference of an entry; `number` is the order of entry."""

    number: int
    by: str
    at: datetime
    reference: str
    attachment: str = ""

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ConfigurationError(f"entry {self.number}: its time needs an offset from UTC")
        # P4: the written ground, an e-mail or a protocol number
        if not self.reference.strip():
            raise Refused(
                _(
                    "entry {number} has no reference: name the e-mail or protocol number",
                    number=self.number,
                ),
            )
        # it lies beside the directory's file, and nowhere else
        if "/" in self.attachment or self.attachment in {".", ".."}:
            raise ConfigurationError(
                f"entry {self.number}: an attachment is named without its folder"
            )


@dataclass(frozen=True, slots=True)
class Declaration:
    """A unit's declaration (P4); without needs it withdraws the earlier one.

    In force from `first` to `last` (None: until superseded), both days included.
    """

    entry: EntryStamp
    unit: str
    declared_by: str
    week: Week
    rules: tuple[ReturnRule, ...]
    needs: tuple[Need, ...]
    first: date
    last: date | None = None
    slots: AppointmentSlots | None = None

    def __post_init__(self) -> None:
        codes = [need.code for need in self.needs]
        where = f"declaration {self.entry.number} of {self.unit}"
        if len(set(codes)) != len(codes):
            raise Refused(_("{where} names a need twice", where=where))
        if not self.rules:
            raise Refused(
                _("{where} says nothing of returns: appointment or email", where=where),
            )
        if self.last is not None and self.last < self.first:
            raise Refused(_("{where} ends before it begins", where=where))

    def need(self, code: str) -> Need | None:
        """Return the need of that code."""
        return next((need for need in self.needs if need.code == code), None)

    def runs_on(self, day: date) -> bool:
        """Tell whether the day lies in its validity."""
        return self.first <= day and (self.last is None or day <= self.last)


@dataclass(frozen=True, slots=True)
class Variation:
    """Other bands for a while, today or prepared weeks ahead; it ends by itself (E12, E14).

    `week` None restores the declared bands. `needs` empty means all of them. `notice` is shown to
    operators, "" for none: "Settimana elettorale".
    """

    entry: EntryStamp
    unit: str
    first: date
    last: date
    week: Week | None = None
    needs: tuple[str, ...] = ()
    notice: str = ""

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise Refused(
                _(
                    "variation {number} of {unit} ends before it begins",
                    number=self.entry.number,
                    unit=self.unit,
                ),
            )

    def concerns(self, unit: str, need: str) -> bool:
        """Tell whether it applies to a need of a unit."""
        return self.unit == unit and (not self.needs or need in self.needs)

    def over(self, declared: Week) -> Period:
        """Return it as a special period over the declared week."""
        week, notice = declared if self.week is None else self.week, self.notice
        return Period(self.first, self.last, Words(), week, notice=unchanged(notice))


CODE_SHAPE = re.compile(r"[a-z0-9_-]+")
"""The shape of a unit's and a need's code."""
# how long before an expiry the supervisor is warned (E13)
NOTICE_DAYS = 30


@dataclass(frozen=True, slots=True)
class Unit:
    """A service, or an office within one (`service` is that one's code) (E13).

    `say` is the sentence for a caller who is not put through (E10).
    """

    code: str
    name: str
    email: str
    service: str = ""
    say: str = ""


@dataclass(frozen=True, slots=True)
class Authorisation:
    """A unit's written permission to tell callers one number (P7), until `revoked` or `last`."""

    entry: EntryStamp
    unit: str
    told: TransferTarget
    authorised_by: str
    revoked: EntryStamp | None = None
    last: date | None = None


# entered in writing, and never changed afterwards (P4)
DirectoryEntry = Declaration | Variation | Authorisation


class DirectoryFault(NamedTuple):
    """An inconsistency of the directory: its place and the remedy."""

    place: str
    words: Words

    @property
    def text(self) -> str:
        """The remedy in English, as files' mistakes name it."""
        return str(self.words)


@dataclass(frozen=True, slots=True)
class Directory:
    """The whole directory; declarations, variations and authorisations in order of entry."""

    units: tuple[Unit, ...] = ()
    declarations: tuple[Declaration, ...] = ()
    variations: tuple[Variation, ...] = ()
    authorisations: tuple[Authorisation, ...] = ()

    def unit(self, code: str) -> Unit | None:
        """Return the unit of that code."""
        return next((unit for unit in self.units if unit.code == code), None)

    def own_declaration(self, code: str, day: date) -> Declaration | None:
        """Return the last declaration that a unit itself had begun by a day; it may be over."""
        # one that has ended still hides earlier ones: they were superseded (P4)
        begun = (d for d in reversed(self.declarations) if d.unit == code and d.first <= day)
        return next(begun, None)

    def declaration(self, unit: Unit, day: date) -> Declaration | None:
        """Return a unit's declaration on a day, else that of its service (E13)."""
        for code in filter(None, (unit.code, unit.service)):
            found = self.own_declaration(code, day)
            if found is not None:
                return found
        return None

    def valid_declaration(self, unit: Unit, day: date) -> Declaration | None:
        """Return the declaration in force: begun, not over, not a withdrawal."""
        found = self.declaration(unit, day)
        return found if found is not None and found.needs and found.runs_on(day) else None

    def undeclared(self, day: date) -> tuple[Unit, ...]:
        """Return the units without a valid declaration on a day (E13)."""
        without = {unit.code for unit in self.units if not self.valid_declaration(unit, day)}
        # a service whose offices have all declared for themselves has nothing to add
        return tuple(
            unit
            for unit in self.units
            if unit.code in without and not self._speaks_by_its_offices(unit, without)
        )

    def _speaks_by_its_offices(self, service: Unit, without: set[str]) -> bool:
        offices = [unit.code for unit in self.units if unit.service == service.code]
        return bool(offices) and without.isdisjoint(offices)

    def expiring(self, day: date, days: int = NOTICE_DAYS) -> tuple[Declaration, ...]:
        """Return the declarations in force that leave their unit with none within `days`."""
        limit = day + timedelta(days=days)
        return tuple(
            declaration
            for unit in self.units
            if (declaration := self.valid_declaration(unit, day)) is not None
            # an office under its service's declaration is not named: the service is
            and declaration.unit == unit.code
            and declaration.last is not None
            and declaration.last <= limit
            # a next declaration, or the service's, may take over without a gap
            and not self.valid_declaration(unit, declaration.last + timedelta(days=1))
        )

    def entered(self) -> tuple[DirectoryEntry, ...]:
        """Return all that was ever entered, oldest first."""
        kinds = (self.declarations, self.variations, self.authorisations)
        entries = (each for kind in kinds for each in kind)
        return tuple(sorted(entries, key=lambda each: each.entry.number))

    def last_number(self) -> int:
        """Return the number of the last entry, revocations among them; 0 for none."""
        return max((entry.number for _, entry in stamps_with_place(self)), default=0)

    def history(self, code: str) -> tuple[DirectoryEntry, ...]:
        """Return all that was ever entered for a unit, oldest first."""
        return tuple(each for each in self.entered() if each.unit == code)


def all_numbers_known(directory: Directory) -> bool:
    """Tell whether every number of a directory could be read."""
    targets = [t for d in directory.declarations for need in d.needs for t in need.targets]
    return all(
        target.number.is_known for target in (*targets, *(a.told for a in directory.authorisations))
    )


def faults_of(directory: Directory) -> Iterator[DirectoryFault]:
    """Yield every inconsistency of a directory."""
    # all faults at once, each with its place and remedy
    codes = [unit.code for unit in directory.units]
    for unit in directory.units:
        yield from _faults_of_unit(directory, unit, codes)
    for place, entered in entries_with_place(directory):
        if entered.unit not in codes:
            said = _(
                "unit {unit!r} is not in the register: add it, or mend the code",
                unit=entered.unit,
            )
            yield DirectoryFault(f"{place}.unit", said)
    for number, declaration in enumerate(directory.declarations, 1):
        for at, need in enumerate(declaration.needs, 1):
            yield from _faulty_code(f"declarations.{number}.needs.{at}.code", need.code)
    for number, variation in enumerate(directory.variations, 1):
        yield from _faults_of_variation(directory, variation, f"variations.{number}")
    for number, authorisation in enumerate(directory.authorisations, 1):
        yield from _faults_of_authorisation(directory, authorisation, f"authorisations.{number}")
    yield from _numbers_twice(directory)
    yield from _codes_twice(directory)


def _faults_of_unit(directory: Directory, unit: Unit, codes: list[str]) -> Iterator[DirectoryFault]:
    place = f"unit {unit.code}"
    if codes.count(unit.code) > 1:
        yield DirectoryFault(
            place,
            _("the code stands twice; every unit needs its own", code=unit.code),
        )
    yield from _faulty_code(place, unit.code)
    if "@" not in unit.email:
        yield DirectoryFault(
            place,
            _("{email!r} is no e-mail address: requests go there (P6)", email=unit.email),
        )
    service = directory.unit(unit.service) if unit.service else None
    if unit.service and (service is None or service.service):
        yield DirectoryFault(
            place,
            _("{service!r} is no service of the register", service=unit.service),
        )


def _faulty_code(place: str, code: str) -> Iterator[DirectoryFault]:
    """Check the code of a unit or a need."""
    # dots separate codes in trails and names of numbers (calls/orders.py)
    if not CODE_SHAPE.fullmatch(code):
        yield DirectoryFault(
            place,
            _("{code!r} is no code: write small letters, digits, - and _ only", code=code),
        )


def _faults_of_variation(
    directory: Directory, variation: Variation, place: str
) -> Iterator[DirectoryFault]:
    """Check that a variation varies needs that were declared."""
    units = {variation.unit}
    unit = directory.unit(variation.unit)
    if unit is not None:
        # an office without a declaration lives by its service's needs (E13)
        units.add(unit.service)
    known = {n.code for d in directory.declarations if d.unit in units for n in d.needs}
    for need in variation.needs:
        if need not in known:
            yield DirectoryFault(
                f"{place}.needs",
                _("need {need!r} was never declared by {unit}", need=need, unit=variation.unit),
            )


def _faults_of_authorisation(
    directory: Directory, authorisation: Authorisation, place: str
) -> Iterator[DirectoryFault]:
    """Check that a mobile to be told was declared as the service's own (P7)."""
    declared = {
        target.number
        for declaration in directory.declarations
        if declaration.unit == authorisation.unit
        for need in declaration.needs
        for target in need.targets
    }
    # only a declaration says whose mobile it is; a private one is never told (P7)
    if authorisation.told.service_mobile and authorisation.told.number not in declared:
        yield DirectoryFault(
            f"{place}.tell",
            _("a mobile that the unit never declared as the service's may not be told"),
        )
    last = authorisation.last
    if last is not None and last < authorisation.entry.at.date():
        yield DirectoryFault(
            f"{place}.last",
            _("it was over before it was entered: mend the day"),
        )


def _codes_twice(directory: Directory) -> Iterator[DirectoryFault]:
    """Check that no two needs have the same keypad code."""
    # superseded declarations do not count: their codes are free again
    latest = {d.unit: (number, d) for number, d in enumerate(directory.declarations, 1)}
    seen: dict[str, str] = {}
    for number, declaration in latest.values():
        for at, need in enumerate(declaration.needs, 1):
            name = f"{need.code} of {declaration.unit}"
            if need.code_keys and seen.setdefault(need.code_keys, name) != name:
                keys, owner = need.code_keys, seen[need.code_keys]
                yield DirectoryFault(
                    f"declarations.{number}.needs.{at}.code_keys",
                    _(
                        "{keys!r} is already the code of {owner}; every need needs its own",
                        keys=keys,
                        owner=owner,
                    ),
                )


def _numbers_twice(directory: Directory) -> Iterator[DirectoryFault]:
    """Check that every entry has its own number."""
    seen: set[int] = set()
    # revocations are numbered with the entries
    for place, entry in stamps_with_place(directory):
        if entry.number in seen:
            said = _("{number} is another entry's number", number=entry.number)
            yield DirectoryFault(f"{place}.number", said)
        seen.add(entry.number)


def stamps_with_place(directory: Directory) -> Iterator[tuple[str, EntryStamp]]:
    """Yield every entry with its place in the directory's file, revocations too."""
    for place, entered in entries_with_place(directory):
        yield place, entered.entry
        if isinstance(entered, Authorisation) and entered.revoked is not None:
            yield f"{place}.revoked", entered.revoked


def entries_with_place(directory: Directory) -> Iterator[tuple[str, DirectoryEntry]]:
    """Yield what was entered with its place in the directory's file."""
    kinds: tuple[tuple[str, tuple[DirectoryEntry, ...]], ...] = (
        ("declarations", directory.declarations),
        ("variations", directory.variations),
        ("authorisations", directory.authorisations),
    )
    for name, kind in kinds:
        for number, entered in enumerate(kind, 1):
            yield f"{name}.{number}", entered


class TransferHindrance(enum.StrEnum):
    """Why a call may not be transferred, as a stable code."""

    NO_DECLARATION = "transfer.no_declaration"
    EXPIRED = "transfer.expired"
    WITHDRAWN = "transfer.withdrawn"
    NEED = "transfer.need_not_declared"
    BAND = "transfer.outside_band"
    CLOCK = "transfer.clock_unset"
    NUMBERS = "transfer.numbers_unreadable"  # sealed with a key that is missing
    ABSENT = "transfer.all_absent"  # the switchboard's own mark: no phone rings (E4)


@dataclass(frozen=True, slots=True)
class NeedInForce:
    """Declaration, need and hours in force for one need of a unit on a day."""

    declaration: Declaration
    need: Need
    schedule: Schedule


def need_in_force(
    directory: Directory, calendar: Schedule, unit: Unit, need_code: str, day: date
) -> NeedInForce | TransferHindrance:
    """Find what holds for a need on a day, or why nothing does."""
    declaration = directory.declaration(unit, day)
    if declaration is None:
        return TransferHindrance.NO_DECLARATION
    # a withdrawal is said as such, also after its last day
    if not declaration.needs:
        return TransferHindrance.WITHDRAWN
    if not declaration.runs_on(day):
        return TransferHindrance.EXPIRED
    need = declaration.need(need_code)
    if need is None:
        return TransferHindrance.NEED
    return NeedInForce(
        declaration, need, _need_schedule(directory, calendar, unit, declaration, need_code)
    )


def _need_schedule(
    directory: Directory, calendar: Schedule, unit: Unit, declaration: Declaration, need: str
) -> Schedule:
    """Return a need's hours: the variations laid over the declared week."""
    # another branch's group keeps its bands whatever closes our site
    hours = hours_elsewhere if (unit.code, need) in calendar.elsewhere else hours_of_office
    # An office without a declaration lives by its service's, and by that one's variations too; its
    # own come last. Nothing is edited: of two variations of a day the last one decides.
    units = dict.fromkeys((declaration.unit, unit.code))
    periods = tuple(
        variation.over(declaration.week)
        for code in units
        for variation in directory.variations
        if variation.concerns(code, need)
    )
    return hours(calendar, declaration.week, periods)


def resumes_at(
    directory: Directory, calendar: Schedule, unit: Unit, need_code: str, wall: datetime
) -> datetime | None:
    """Return when a need can next be transferred, by the declaration in force then; None: never.

    Looks as far ahead as hours do (400 days).
    """
    for start, end in _between_declarations(directory, calendar, unit, wall):
        found = need_in_force(
            directory, calendar, unit, need_code, start.astimezone(calendar.zone).date()
        )
        opens = found.schedule.next_open(start) if isinstance(found, NeedInForce) else None
        # at `end` another declaration begins, or this one ends: then that one decides
        if opens is not None and (end is None or opens < end):
            return opens
    return None


def _between_declarations(
    directory: Directory, calendar: Schedule, unit: Unit, wall: datetime
) -> Iterator[tuple[datetime, datetime | None]]:
    """Split the time from `wall` on at the days on which a declaration begins or ends."""
    edges = {
        local_moment(datetime.combine(day, time()), calendar.zone)
        for declaration in directory.declarations
        if declaration.unit in (unit.code, unit.service)
        for day in (declaration.first, declaration.last and declaration.last + ONE_DAY)
        if day
    }
    cuts = [wall, *sorted(edge for edge in edges if edge > wall)]
    yield from zip(cuts, [*cuts[1:], None], strict=True)


class UnitNeed(NamedTuple):
    """A need and the `unit` whose declaration names it."""

    unit: str
    need: Need


def need_by_keys(directory: Directory, keys: str, day: date) -> UnitNeed | None:
    """Return the need of a keypad code on a day, also by an expired declaration."""
    # a declaration that has run out still says what its codes mean
    begun = (directory.own_declaration(unit.code, day) for unit in directory.units)
    for declaration in filter(None, begun):
        found = next((need for need in declaration.needs if keys and need.code_keys == keys), None)
        if found is not None:
            return UnitNeed(declaration.unit, found)
    return None


def needs_with_keys(directory: Directory, day: date) -> Iterator[UnitNeed]:
    """Return every need with a keypad code on a day, in the directory's order."""
    return (coded for coded in needs_of(directory, day) if coded.need.code_keys)


def needs_of(directory: Directory, day: date) -> Iterator[UnitNeed]:
    """Return every need that units have declared themselves on a day, in the directory's order."""
    for unit in directory.units:
        declaration = directory.own_declaration(unit.code, day)
        for need in declaration.needs if declaration else ():
            yield UnitNeed(unit.code, need)


def may_tell(
    directory: Directory, unit: str, number: SecretNumber, at: datetime, zone: ZoneInfo
) -> Authorisation | None:
    """Return the authorisation by which a number of a unit may be told at a moment, or None.

    None, too, for a number that cannot be read.
    """
    # without the directory's key nothing is told, rather than an empty number
    if not number.is_known:
        return None
    found = _latest_authorisations(directory, at).get((unit, number))
    return found if found is not None and authorisation_holds(found, at, zone) else None


def authorisation_holds(authorisation: Authorisation, at: datetime, zone: ZoneInfo) -> bool:
    """Tell whether an authorisation is neither revoked nor over at a moment after its entry.

    Its last day is a day of the office's own zone.
    """
    # the last day ends at midnight in the town's own zone
    revoked, last = authorisation.revoked, authorisation.last
    if revoked is not None and revoked.at <= at:
        return False
    return last is None or at.astimezone(zone).date() <= last


def lapsed_numbers(directory: Directory, at: datetime, zone: ZoneInfo) -> tuple[Authorisation, ...]:
    """Return the authorisations that ran out without being renewed or revoked (E11)."""
    return tuple(_ending_before(directory, at, at.astimezone(zone).date()))


def lapsing_numbers(
    directory: Directory, at: datetime, zone: ZoneInfo, days: int = NOTICE_DAYS
) -> tuple[Authorisation, ...]:
    """Return the authorisations that will run out within `days`, unless renewed."""
    today = at.astimezone(zone).date()
    soon = _ending_before(directory, at, today + timedelta(days=days + 1))
    return tuple(each for each in soon if each.last is not None and each.last >= today)


def _ending_before(directory: Directory, at: datetime, day: date) -> Iterator[Authorisation]:
    # an expired one stays listed until it is renewed or revoked (E11)
    for each in _latest_authorisations(directory, at).values():
        if each.revoked is None and each.last is not None and each.last < day:
            yield each


def _latest_authorisations(
    directory: Directory, at: datetime
) -> dict[tuple[str, SecretNumber], Authorisation]:
    """Return the last authorisation of each number of each unit."""
    # later ones overwrite: the last one supersedes those before it, a revoked one included
    entered = (each for each in directory.authorisations if each.entry.at <= at)
    return {(each.unit, each.told.number): each for each in entered}


@dataclass(frozen=True, slots=True)
class DutyNumber:
    """A unit that the closed greeting names; `number` is None if callers may not hear it."""

    unit: str
    name: str
    number: SecretNumber | None = None


def duty_numbers(
    directory: Directory, units: Iterable[str], at: datetime, zone: ZoneInfo
) -> Iterator[DutyNumber]:
    """Yield each unit with the number of its last authorisation in force."""
    for code in units:
        unit = directory.unit(code)
        yield DutyNumber(
            code, unit.name if unit else code, _number_to_tell(directory, code, at, zone)
        )


def duties_without_number(
    directory: Directory, units: Iterable[str], at: datetime, zone: ZoneInfo
) -> tuple[DutyNumber, ...]:
    """Return the units whose number the greeting leaves out; the supervisor is warned (E11)."""
    return tuple(duty for duty in duty_numbers(directory, units, at, zone) if duty.number is None)


def _number_to_tell(
    directory: Directory, code: str, at: datetime, zone: ZoneInfo
) -> SecretNumber | None:
    # a unit may have authorised several numbers: the newest that holds is told
    for authorisation in reversed(directory.authorisations):
        told = authorisation.told.number
        if authorisation.unit == code and may_tell(directory, code, told, at, zone):
            return told
    return None
