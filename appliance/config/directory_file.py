"""The directory as a TOML file: `parse` reads it, `text_for` writes it, numbers unmasked (P7)."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import tomli_w

from appliance.config.read import read_text, structure, with_line
from appliance.config.values import BadConfiguration, Hours, Instant, Mistake, Mistakes, OnOff
from appliance.policy.directory import (
    AppointmentSlots,
    Authorisation,
    Declaration,
    Directory,
    EntryStamp,
    Need,
    Reach,
    ReturnRule,
    TransferTarget,
    Unit,
    Variation,
    faults_of,
    make_target,
    target_to_tell,
)
from appliance.policy.hours import WEEKDAYS, Week
from appliance.policy.numbering import Purpose
from appliance.text import _, unchanged

# The file's tables: their field names are TOML keys.


@dataclass(frozen=True, slots=True)
class OfficeTable:
    """An office within a service."""

    code: str
    name: str
    email: str
    # The sentence for a caller who is not transferred.
    say: str = ""


@dataclass(frozen=True, slots=True)
class ServiceTable:
    """A service and its offices."""

    code: str
    name: str
    email: str
    say: str = ""
    offices: tuple[OfficeTable, ...] = ()


@dataclass(frozen=True, slots=True)
class NumberTable:
    """One number of a need: a SIP phone, a PBX extension, or an outside number."""

    reach: str
    number: str
    label: str = ""
    # A mobile of the service: private mobiles are never entered (P7).
    service_mobile: OnOff = OnOff(False)


@dataclass(frozen=True, slots=True)
class NeedTable:
    """What a caller may want of an office, and the numbers to be tried for it."""

    code: str
    name: str
    numbers: tuple[NumberTable, ...]
    # Only if they differ from the declaration's.
    returns: tuple[str, ...] = ()
    # One to four digits that an operator presses for it on a phone (P5).
    code_keys: str = ""


@dataclass(frozen=True, slots=True)
class SlotsTable:
    """Hours of an office's appointments, their length in minutes, places at a time."""

    hours: Hours
    minutes: int
    places: int = 1


@dataclass(frozen=True, slots=True)
class DeclarationTable:
    """A unit's written declaration (P4)."""

    unit: str
    declared_by: str
    entered_by: str
    entered_at: Instant
    # The e-mail or protocol number of what was declared in writing.
    reference: str
    first: date
    bands: Hours
    returns: tuple[str, ...]
    needs: tuple[NeedTable, ...] = ()
    last: date | None = None
    slots: SlotsTable | None = None
    attachment: str = ""
    number: int = 0


@dataclass(frozen=True, slots=True)
class VariationTable:
    """Other time bands from `first` to `last`; a variation ends by itself (P4)."""

    unit: str
    entered_by: str
    entered_at: Instant
    reference: str
    first: date
    last: date
    # Without them the declared ones hold again.
    bands: Hours | None = None
    needs: tuple[str, ...] = ()
    # The text for operators.
    notice: str = ""
    attachment: str = ""
    number: int = 0


@dataclass(frozen=True, slots=True)
class RevocationTable:
    """End of an authorisation: entry and reference."""

    entered_by: str
    entered_at: Instant
    reference: str
    number: int = 0
    attachment: str = ""


@dataclass(frozen=True, slots=True)
class AuthorisationTable:
    """A unit's written authorisation to disclose a number, until the end of `last` (E11)."""

    unit: str
    tell: str
    authorised_by: str
    entered_by: str
    entered_at: Instant
    reference: str
    attachment: str = ""
    number: int = 0
    revoked: RevocationTable | None = None
    last: date | None = None


@dataclass(frozen=True, slots=True)
class DirectoryTable:
    """The whole file."""

    services: tuple[ServiceTable, ...] = ()
    declarations: tuple[DeclarationTable, ...] = ()
    variations: tuple[VariationTable, ...] = ()
    authorisations: tuple[AuthorisationTable, ...] = ()


Choice = TypeVar("Choice", bound=enum.StrEnum)
Entered = DeclarationTable | VariationTable | AuthorisationTable | RevocationTable


def load(path: Path) -> Directory:
    """Read and check a directory's file; raises BadConfiguration with every mistake."""
    return parse(read_text(path), str(path))


def parse(text: str, name: str = "register.toml", after: int = 0) -> Directory:
    """Parse and check a directory's text; raises BadConfiguration with every mistake.

    Entries without a number are numbered after the file's greatest one and after `after`.
    """
    file, mistakes = structure(text, name, DirectoryTable), Mistakes()
    register = _Reader(file, mistakes, after).register()
    complain(
        name,
        text,
        (
            *mistakes.found,
            # A technician writes this file: its faults are in English, as its keys are.
            *(Mistake(fault.place, unchanged(fault.text)) for fault in faults_of(register)),
        ),
    )
    return register


def complain(name: str, text: str, found: tuple[Mistake, ...]) -> None:
    """Raise BadConfiguration if there are mistakes, each with its line of the text."""
    if found:
        raise BadConfiguration(name, tuple(with_line(mistake, text) for mistake in found))


class _Reader:
    """Converter of a file's tables to policy values; numbers entries that have no number."""

    def __init__(self, file: DirectoryTable, mistakes: Mistakes, after: int) -> None:
        self._file = file
        self._mistakes = mistakes
        kinds: tuple[tuple[Entered, ...], ...] = (
            file.declarations,
            file.variations,
            file.authorisations,
        )
        written = [entry.number for entries in kinds for entry in entries]
        written += [each.revoked.number for each in file.authorisations if each.revoked]
        # Numbers are never used twice: nothing that was entered is overwritten (P4).
        self._next = count(1 + max((*written, after)))

    def register(self) -> Directory:
        """Return the directory of all valid entries; invalid ones are among the mistakes."""
        file = self._file
        units = (unit for service in file.services for unit in _units(service))
        declarations = (self._declaration(n, d) for n, d in enumerate(file.declarations, 1))
        variations = (self._variation(n, v) for n, v in enumerate(file.variations, 1))
        authorisations = (self._authorisation(n, a) for n, a in enumerate(file.authorisations, 1))
        return Directory(
            tuple(units),
            tuple(filter(None, declarations)),
            tuple(filter(None, variations)),
            tuple(filter(None, authorisations)),
        )

    def _declaration(self, number: int, d: DeclarationTable) -> Declaration | None:
        place = f"declarations.{number}"
        entry, rules = self._entry(place, d), self._rules(f"{place}.returns", d.returns)
        needs = [self._need(f"{place}.needs.{n}", need) for n, need in enumerate(d.needs, 1)]
        slots = self._slots(f"{place}.slots", d.slots)
        if entry is None or not rules or None in needs:
            return None
        made = tuple(need for need in needs if need is not None)
        return self._mistakes.attempt(
            place,
            lambda: Declaration(
                entry, d.unit, d.declared_by, d.bands.week, rules, made, d.first, d.last, slots
            ),
            None,
        )

    def _variation(self, number: int, v: VariationTable) -> Variation | None:
        place = f"variations.{number}"
        entry = self._entry(place, v)
        week = v.bands.week if v.bands else None
        if entry is None:
            return None
        return self._mistakes.attempt(
            place, lambda: Variation(entry, v.unit, v.first, v.last, week, v.needs, v.notice), None
        )

    def _authorisation(self, number: int, a: AuthorisationTable) -> Authorisation | None:
        place = f"authorisations.{number}"
        told = self._mistakes.attempt(f"{place}.tell", lambda: target_to_tell(a.tell), None)
        revoked = self._entry(f"{place}.revoked", a.revoked) if a.revoked else None
        entry = self._entry(place, a)
        if entry is None or told is None:
            return None
        return Authorisation(entry, a.unit, told, a.authorised_by, revoked, a.last)

    def _entry(self, place: str, e: Entered) -> EntryStamp | None:
        number = e.number or next(self._next)
        return self._mistakes.attempt(
            f"{place}.reference",
            lambda: EntryStamp(number, e.entered_by, e.entered_at, e.reference, e.attachment),
            None,
        )

    def _need(self, place: str, need: NeedTable) -> Need | None:
        rules = self._rules(f"{place}.returns", need.returns) if need.returns else ()
        targets = [self._target(f"{place}.numbers.{n}", t) for n, t in enumerate(need.numbers, 1)]
        if None in targets:
            return None
        made = tuple(each for each in targets if each is not None)
        plain = self._mistakes.attempt(
            f"{place}.numbers", lambda: Need(need.code, need.name, made, rules), None
        )
        if plain is None:
            return None
        return self._mistakes.attempt(
            f"{place}.code_keys", lambda: replace(plain, code_keys=need.code_keys), None
        )

    def _target(self, place: str, n: NumberTable) -> TransferTarget | None:
        reach = self._choice(f"{place}.reach", n.reach, Reach)
        mobile = bool(n.service_mobile)
        if reach is None:
            return None
        return self._mistakes.attempt(
            f"{place}.number",
            lambda: make_target(reach, n.number, n.label, service_mobile=mobile),
            None,
        )

    def _rules(self, place: str, names: tuple[str, ...]) -> tuple[ReturnRule, ...]:
        if not names:
            self._mistakes.note(place, _("is empty: give {rules}", rules=" or ".join(ReturnRule)))
        return tuple(filter(None, (self._choice(place, name, ReturnRule) for name in names)))

    def _slots(self, place: str, slots: SlotsTable | None) -> AppointmentSlots | None:
        if slots is None:
            return None
        return self._mistakes.attempt(
            place, lambda: AppointmentSlots(slots.hours.week, slots.minutes, slots.places), None
        )

    def _choice(self, place: str, name: str, kind: type[Choice]) -> Choice | None:
        self._mistakes.choice(place, name, tuple(kind))
        return kind(name) if name in tuple(kind) else None


def _units(service: ServiceTable) -> Iterator[Unit]:
    """Yield a service, then its offices."""
    yield Unit(service.code, service.name, service.email, "", service.say)
    for office in service.offices:
        yield Unit(office.code, office.name, office.email, service.code, office.say)


# Writing: the ONLY tomli_w import. `parse(text_for(directory)) == directory`.

Table = dict[str, Any]


def text_for(register: Directory) -> str:
    """Return a directory as text; the same directory always gives the same text."""
    services = [unit for unit in register.units if not unit.service]
    return tomli_w.dumps(
        {
            "services": [_service(register, unit) for unit in services],
            "declarations": [_declaration(each) for each in register.declarations],
            "variations": [_variation(each) for each in register.variations],
            "authorisations": [_authorisation(each) for each in register.authorisations],
        }
    )


def _service(register: Directory, service: Unit) -> Table:
    offices = [_unit(unit) for unit in register.units if unit.service == service.code]
    return _unit(service) | _given(offices=offices)


def _unit(unit: Unit) -> Table:
    return {"code": unit.code, "name": unit.name, "email": unit.email} | _given(say=unit.say)


def _declaration(d: Declaration) -> Table:
    return (
        {"unit": d.unit, "declared_by": d.declared_by}
        | _entry(d.entry)
        | {"first": d.first}
        | _given(last=d.last)
        | {"returns": [rule.value for rule in d.rules], "bands": _week(d.week)}
        | _given(slots=d.slots and _slots(d.slots), needs=[_need(need) for need in d.needs])
    )


def _variation(v: Variation) -> Table:
    return (
        {"unit": v.unit}
        | _entry(v.entry)
        | {"first": v.first, "last": v.last}
        | _given(needs=list(v.needs), notice=v.notice)
        | ({} if v.week is None else {"bands": _week(v.week)})
    )


def _authorisation(a: Authorisation) -> Table:
    told = a.told.number.reveal(Purpose.EXPORT)
    return (
        {"unit": a.unit, "tell": told, "authorised_by": a.authorised_by}
        | _entry(a.entry)
        | _given(last=a.last, revoked=a.revoked and _entry(a.revoked))
    )


def _entry(entry: EntryStamp) -> Table:
    return {
        "number": entry.number,
        "entered_by": entry.by,
        "entered_at": entry.at,
        "reference": entry.reference,
    } | _given(attachment=entry.attachment)


def _need(need: Need) -> Table:
    returns = [rule.value for rule in need.rules]
    numbers = [_number(target) for target in need.targets]
    return {"code": need.code, "name": need.name} | _given(
        code_keys=need.code_keys, returns=returns, numbers=numbers
    )


def _number(target: TransferTarget) -> Table:
    number = target.number.reveal(Purpose.EXPORT)
    return {"reach": target.reach.value, "number": number} | _given(
        label=target.label, service_mobile=target.service_mobile
    )


def _slots(slots: AppointmentSlots) -> Table:
    return {"minutes": slots.minutes, "places": slots.places, "hours": _week(slots.week)}


def _week(week: Week) -> Table:
    """Return the days that have time bands."""
    days = zip(WEEKDAYS, week.days, strict=True)
    return {name: [str(band) for band in bands] for name, bands in days if bands}


def _given(**values: Any) -> Table:
    """Return the values that are not empty: an absent key is read as the empty one."""
    return {name: value for name, value in values.items() if value}
