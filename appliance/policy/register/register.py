"""The register as one frozen value: units, what they declared, and who may be told a number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from appliance.policy.register.declarations import Declaration, Entry, Variation
from appliance.policy.register.targets import Target

CODE = re.compile(r"[a-z0-9_-]+")
"""The shape of a unit's and a need's code."""
NOTICE_DAYS = 30
"""Expiries are told so long ahead (E13)."""


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
    """A unit's written leave to tell one number outside (P7), until `revoked` or after `last`."""

    entry: Entry
    unit: str
    told: Target
    authorised_by: str
    revoked: Entry | None = None
    last: date | None = None


Entered = Declaration | Variation | Authorisation
"""What is entered in writing; nothing of it is ever changed (P4)."""


class Fault(NamedTuple):
    """Something that does not fit together: where, and what to do, in English and Italian."""

    place: str
    text: str
    it: str = ""


@dataclass(frozen=True, slots=True)
class Register:
    """All of it; declarations, variations and authorisations in the order of their entry."""

    units: tuple[Unit, ...] = ()
    declarations: tuple[Declaration, ...] = ()
    variations: tuple[Variation, ...] = ()
    authorisations: tuple[Authorisation, ...] = ()

    def unit(self, code: str) -> Unit | None:
        """Return the unit of that code."""
        return next((unit for unit in self.units if unit.code == code), None)

    def own_declaration(self, code: str, day: date) -> Declaration | None:
        """Return the last declaration that a unit itself had begun by a day; it may be over.

        One that is over hides the ones before it: they were superseded (P4).
        """
        begun = (d for d in reversed(self.declarations) if d.unit == code and d.first <= day)
        return next(begun, None)

    def declaration(self, unit: Unit, day: date) -> Declaration | None:
        """Return the declaration that holds for a unit on a day, its service's for want of one."""
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
        """Return the units without a valid declaration on a day (E13).

        A service whose offices have all declared for themselves has nothing to add.
        """
        without = {unit.code for unit in self.units if not self.valid_declaration(unit, day)}
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
            and declaration.unit == unit.code
            and declaration.last is not None
            and declaration.last <= limit
            and not self.valid_declaration(unit, declaration.last + timedelta(days=1))
        )

    def entered(self) -> tuple[Entered, ...]:
        """Return all that was ever entered, oldest first."""
        kinds = (self.declarations, self.variations, self.authorisations)
        entries = (each for kind in kinds for each in kind)
        return tuple(sorted(entries, key=lambda each: each.entry.number))

    def last_number(self) -> int:
        """Return the number of the last entry, revocations among them; 0 for none."""
        return max((entry.number for _, entry in entries(self)), default=0)

    def history(self, code: str) -> tuple[Entered, ...]:
        """Return all that was ever entered for a unit, oldest first."""
        return tuple(each for each in self.entered() if each.unit == code)


def all_known(register: Register) -> bool:
    """Tell whether every number of a register could be read."""
    targets = [t for d in register.declarations for need in d.needs for t in need.targets]
    return all(
        target.number.is_known for target in (*targets, *(a.told for a in register.authorisations))
    )


def faults(register: Register) -> Iterator[Fault]:
    """Find everything in a register that does not fit together."""
    codes = [unit.code for unit in register.units]
    for unit in register.units:
        yield from _faults_of_unit(register, unit, codes)
    for place, entered in placed(register):
        if entered.unit not in codes:
            text = f"unit {entered.unit!r} is not in the register: add it, or mend the code"
            yield Fault(f"{place}.unit", text, f"«{entered.unit}» non è nella rubrica")
    for number, declaration in enumerate(register.declarations, 1):
        for at, need in enumerate(declaration.needs, 1):
            yield from _faulty_code(f"declarations.{number}.needs.{at}.code", need.code)
    for number, variation in enumerate(register.variations, 1):
        yield from _faults_of_variation(register, variation, f"variations.{number}")
    for number, authorisation in enumerate(register.authorisations, 1):
        yield from _faults_of_authorisation(register, authorisation, f"authorisations.{number}")
    yield from _numbers_twice(register)
    yield from _codes_twice(register)


def _faults_of_unit(register: Register, unit: Unit, codes: list[str]) -> Iterator[Fault]:
    place = f"unit {unit.code}"
    if codes.count(unit.code) > 1:
        yield Fault(
            place,
            "the code stands twice; every unit needs its own",
            f"il codice «{unit.code}» c'è già: ogni ufficio ha il suo",
        )
    yield from _faulty_code(place, unit.code)
    if "@" not in unit.email:
        yield Fault(
            place,
            f"{unit.email!r} is no e-mail address: requests go there (P6)",
            f"«{unit.email}» non è un indirizzo e-mail: lì vanno le prese in carico",
        )
    service = register.unit(unit.service) if unit.service else None
    if unit.service and (service is None or service.service):
        yield Fault(
            place,
            f"{unit.service!r} is no service of the register",
            f"«{unit.service}» non è un servizio della rubrica",
        )


def _faulty_code(place: str, code: str) -> Iterator[Fault]:
    """Codes stand in trails and names of numbers, parted by dots (calls/orders.py)."""
    if not CODE.fullmatch(code):
        yield Fault(
            place,
            f"{code!r} is no code: write small letters, digits, - and _ only",
            f"«{code}» non è un codice: solo lettere minuscole, cifre, - e _",
        )


def _faults_of_variation(register: Register, variation: Variation, place: str) -> Iterator[Fault]:
    """A variation of a need that was never declared would be one of nothing."""
    units = {variation.unit}
    unit = register.unit(variation.unit)
    if unit is not None:
        units.add(unit.service)
    known = {n.code for d in register.declarations if d.unit in units for n in d.needs}
    for need in variation.needs:
        if need not in known:
            yield Fault(
                f"{place}.needs",
                f"need {need!r} was never declared by {variation.unit}",
                f"la necessità «{need}» non è mai stata comunicata",
            )


def _faults_of_authorisation(
    register: Register, authorisation: Authorisation, place: str
) -> Iterator[Fault]:
    """A mobile may be told only when a unit declared it as the service's own (P7)."""
    declared = {
        target.number
        for declaration in register.declarations
        if declaration.unit == authorisation.unit
        for need in declaration.needs
        for target in need.targets
    }
    if authorisation.told.service_mobile and authorisation.told.number not in declared:
        yield Fault(
            f"{place}.tell",
            "a mobile that the unit never declared as the service's may not be told",
            "è un cellulare che l'ufficio non ha mai comunicato come di servizio: non si può dire",
        )
    last = authorisation.last
    if last is not None and last < authorisation.entry.at.date():
        yield Fault(
            f"{place}.last",
            "it was over before it was entered: mend the day",
            "scade prima di essere inserita: correggere il giorno",
        )


def _codes_twice(register: Register) -> Iterator[Fault]:
    """One code for the keys, one need; superseded declarations no longer count."""
    latest = {d.unit: (number, d) for number, d in enumerate(register.declarations, 1)}
    seen: dict[str, str] = {}
    for number, declaration in latest.values():
        for at, need in enumerate(declaration.needs, 1):
            name = f"{need.code} of {declaration.unit}"
            if need.code_keys and seen.setdefault(need.code_keys, name) != name:
                keys, owner = need.code_keys, seen[need.code_keys]
                yield Fault(
                    f"declarations.{number}.needs.{at}.code_keys",
                    f"{keys!r} is already the code of {owner}; every need needs its own",
                    f"il codice {keys} è già di {owner}: ogni necessità ha il suo",
                )


def _numbers_twice(register: Register) -> Iterator[Fault]:
    """Entries are numbered through: one number, one entry."""
    seen: set[int] = set()
    for place, entry in entries(register):
        if entry.number in seen:
            yield Fault(f"{place}.number", f"{entry.number} is another entry's number")
        seen.add(entry.number)


def entries(register: Register) -> Iterator[tuple[str, Entry]]:
    """Yield every entry with its place in the register's file, revocations too."""
    for place, entered in placed(register):
        yield place, entered.entry
        if isinstance(entered, Authorisation) and entered.revoked is not None:
            yield f"{place}.revoked", entered.revoked


def placed(register: Register) -> Iterator[tuple[str, Entered]]:
    """Yield what was entered with its place in the register's file."""
    kinds: tuple[tuple[str, tuple[Entered, ...]], ...] = (
        ("declarations", register.declarations),
        ("variations", register.variations),
        ("authorisations", register.authorisations),
    )
    for name, kind in kinds:
        for number, entered in enumerate(kind, 1):
            yield f"{name}.{number}", entered
