"""The register of offices from a TOML file: every mistake at once, with place and remedy.

`register_text` writes what this reads.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import TypeVar

from appliance.daemon import register_settings as given
from appliance.daemon.config import structure, text_of, with_line
from appliance.daemon.mistakes import BadConfiguration, Mistake, Mistakes
from appliance.policy.directory import (
    Authorisation,
    Declaration,
    Entry,
    Need,
    Reach,
    Register,
    ReturnRule,
    Slots,
    Target,
    Unit,
    Variation,
    faults,
    target,
    to_be_told,
)

Choice = TypeVar("Choice", bound=enum.StrEnum)
Entered = given.Declaration | given.Variation | given.Authorisation | given.Revocation


def load(path: Path) -> Register:
    """Read and check a register; raises BadConfiguration with every mistake."""
    return parse(text_of(path), str(path))


def parse(text: str, name: str = "register.toml", after: int = 0) -> Register:
    """Read a register's text; raises BadConfiguration with every mistake.

    Entries without a number get those after the file's last one, and after `after`.
    """
    file, mistakes = structure(text, name, given.Register), Mistakes()
    register = _Reader(file, mistakes, after).register()
    complain(
        name,
        text,
        (*mistakes.found, *(Mistake(fault.place, fault.text) for fault in faults(register))),
    )
    return register


def complain(name: str, text: str, found: tuple[Mistake, ...]) -> None:
    """Raise BadConfiguration for mistakes of a register's text, each with its line, if any."""
    if found:
        raise BadConfiguration(name, tuple(with_line(mistake, text) for mistake in found))


class _Reader:
    """Makes policy's values of a file; an entry without a number gets the next one."""

    def __init__(self, file: given.Register, mistakes: Mistakes, after: int) -> None:
        self._file = file
        self._mistakes = mistakes
        kinds: tuple[tuple[Entered, ...], ...] = (
            file.declarations,
            file.variations,
            file.authorisations,
        )
        written = [entry.number for entries in kinds for entry in entries]
        written += [each.revoked.number for each in file.authorisations if each.revoked]
        self._next = count(1 + max((*written, after)))

    def register(self) -> Register:
        """Make the register of all that can be made."""
        file = self._file
        units = (unit for service in file.services for unit in _units(service))
        declarations = (self._declaration(n, d) for n, d in enumerate(file.declarations, 1))
        variations = (self._variation(n, v) for n, v in enumerate(file.variations, 1))
        authorisations = (self._authorisation(n, a) for n, a in enumerate(file.authorisations, 1))
        return Register(
            tuple(units),
            tuple(filter(None, declarations)),
            tuple(filter(None, variations)),
            tuple(filter(None, authorisations)),
        )

    def _declaration(self, number: int, d: given.Declaration) -> Declaration | None:
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

    def _variation(self, number: int, v: given.Variation) -> Variation | None:
        place = f"variations.{number}"
        entry = self._entry(place, v)
        week = v.bands.week if v.bands else None
        if entry is None:
            return None
        return self._mistakes.attempt(
            place, lambda: Variation(entry, v.unit, v.first, v.last, week, v.needs, v.notice), None
        )

    def _authorisation(self, number: int, a: given.Authorisation) -> Authorisation | None:
        place = f"authorisations.{number}"
        told = self._mistakes.attempt(f"{place}.tell", lambda: to_be_told(a.tell), None)
        revoked = self._entry(f"{place}.revoked", a.revoked) if a.revoked else None
        entry = self._entry(place, a)
        if entry is None or told is None:
            return None
        return Authorisation(entry, a.unit, told, a.authorised_by, revoked, a.last)

    def _entry(self, place: str, e: Entered) -> Entry | None:
        number = e.number or next(self._next)
        return self._mistakes.attempt(
            f"{place}.reference",
            lambda: Entry(number, e.entered_by, e.entered_at, e.reference, e.attachment),
            None,
        )

    def _need(self, place: str, need: given.Need) -> Need | None:
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

    def _target(self, place: str, n: given.Number) -> Target | None:
        reach = self._choice(f"{place}.reach", n.reach, Reach)
        mobile = bool(n.service_mobile)
        if reach is None:
            return None
        return self._mistakes.attempt(
            f"{place}.number", lambda: target(reach, n.number, n.label, service_mobile=mobile), None
        )

    def _rules(self, place: str, names: tuple[str, ...]) -> tuple[ReturnRule, ...]:
        if not names:
            self._mistakes.found.append(Mistake(place, f"is empty: give {' or '.join(ReturnRule)}"))
        return tuple(filter(None, (self._choice(place, name, ReturnRule) for name in names)))

    def _slots(self, place: str, slots: given.Slots | None) -> Slots | None:
        if slots is None:
            return None
        return self._mistakes.attempt(
            place, lambda: Slots(slots.hours.week, slots.minutes, slots.places), None
        )

    def _choice(self, place: str, name: str, kind: type[Choice]) -> Choice | None:
        self._mistakes.choice(place, name, tuple(kind))
        return kind(name) if name in tuple(kind) else None


def _units(service: given.Service) -> Iterator[Unit]:
    """A service, then its offices."""
    yield Unit(service.code, service.name, service.email, "", service.say)
    for office in service.offices:
        yield Unit(office.code, office.name, office.email, service.code, office.say)
