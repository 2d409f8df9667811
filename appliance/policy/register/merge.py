"""What an import brings to the register: what is new, what is known; nothing entered is changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from appliance.policy.register.declarations import Declaration, Entry, Variation
from appliance.policy.register.register import (
    Authorisation,
    Entered,
    Fault,
    Register,
    Unit,
    placed,
)

Kind = TypeVar("Kind", bound=Entered)

CHANGED = (
    "entry {} stands in the register with other words, and nothing entered is ever changed: leave "
    "`number` out, and it is a new entry that supersedes it"
)
BEFORE = "entry {} would come before the last one, {}: leave `number` out"
REVOKED = "entry {} is revoked already, in other words: what is entered is never changed"


@dataclass(frozen=True, slots=True)
class Revoked:
    """An authorisation that ends: its number, and who entered that."""

    number: int
    entry: Entry


@dataclass(frozen=True, slots=True)
class Merged:
    """The register after an import, and what that changes; with `faults` it may not be stored.

    `superseded` are declarations with the new one that takes their place, `kept` counts what is in
    the register and not among what was given: it stays.
    """

    register: Register
    new_units: tuple[Unit, ...] = ()
    changed_units: tuple[Unit, ...] = ()
    gone_units: tuple[Unit, ...] = ()
    moved_units: bool = False
    new: tuple[Entered, ...] = ()
    revoked: tuple[Revoked, ...] = ()
    superseded: tuple[tuple[Declaration, Declaration], ...] = ()
    unchanged: int = 0
    kept: int = 0
    faults: tuple[Fault, ...] = ()

    @property
    def units_differ(self) -> bool:
        """True when the list of units is not the one there was."""
        return bool(self.new_units or self.changed_units or self.gone_units or self.moved_units)

    @property
    def is_nothing(self) -> bool:
        """True when all that was given stands there already."""
        return not (self.units_differ or self.new or self.revoked)


def merge(stored: Register, given: Register) -> Merged:
    """Lay a whole register over the stored one: its units hold, its new entries are added."""
    new, revoked, faults, met = [], [], [], set[int]()
    for place, entered in placed(given):
        twin = _twin(stored, entered)
        if isinstance(twin, Fault):
            faults.append(Fault(f"{place}.{twin.place}", twin.text))
        elif twin is None:
            new.append(entered)
        else:
            met.add(twin.entry.number)
            ended = _revocation(twin, entered)
            if isinstance(ended, Fault):
                faults.append(Fault(f"{place}.{ended.place}", ended.text))
            elif ended is not None:
                revoked.append(ended)
    before = {unit.code: unit for unit in stored.units}
    after = {unit.code: unit for unit in given.units}
    return Merged(
        _joined(stored, given.units, new, revoked),
        new_units=tuple(unit for unit in given.units if unit.code not in before),
        changed_units=tuple(u for u in given.units if before.get(u.code, u) != u),
        gone_units=tuple(unit for unit in stored.units if unit.code not in after),
        moved_units=list(before) != list(after) and before == after,
        new=tuple(new),
        revoked=tuple(revoked),
        superseded=tuple(_superseded(stored, new)),
        unchanged=len(met),
        kept=len(stored.entered()) - len(met),
        faults=tuple(faults),
    )


def added(stored: Register, entered: Entered) -> Merged:
    """Lay one more entry over the stored register."""
    return Merged(
        _joined(stored, stored.units, [entered], []),
        new=(entered,),
        superseded=tuple(_superseded(stored, [entered])),
        kept=len(stored.entered()),
    )


def ended(stored: Register, revoked: Revoked) -> Merged:
    """Lay the end of an authorisation over the stored register."""
    joined = _joined(stored, stored.units, [], [revoked])
    return Merged(joined, revoked=(revoked,), kept=len(stored.entered()))


def with_unit(stored: Register, unit: Unit) -> Merged:
    """Lay one unit over the stored ones: in the place of its code's, else after its service's."""
    before = stored.unit(unit.code)
    if before == unit:
        return Merged(stored, kept=len(stored.entered()))
    units = tuple(unit if each.code == unit.code else each for each in stored.units)
    if before is not None:
        joined = replace(stored, units=units)
        return Merged(joined, changed_units=(unit,), kept=len(stored.entered()))
    last = [n for n, each in enumerate(units, 1) if unit.service in (each.code, each.service)]
    at = last[-1] if unit.service and last else len(units)
    joined = replace(stored, units=(*units[:at], unit, *units[at:]))
    return Merged(joined, new_units=(unit,), kept=len(stored.entered()))


def in_force(register: Register) -> Register:
    """Leave out what was entered for units that are no more: the history keeps it."""
    codes = {unit.code for unit in register.units}

    def of_units(kind: tuple[Kind, ...]) -> tuple[Kind, ...]:
        return tuple(each for each in kind if each.unit in codes)

    return Register(
        register.units,
        of_units(register.declarations),
        of_units(register.variations),
        of_units(register.authorisations),
    )


def remembered(read: Register, known: Register) -> Register:
    """Fill in numbers that could not be read from what was known of the same entries.

    Nothing entered is ever changed (P4), so an entry's number is what it was.
    """
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


def _twin(stored: Register, given: Entered) -> Entered | Fault | None:
    """Find what was given among what is stored: by its number, else by its words."""
    number, last = given.entry.number, stored.last_number()
    known = stored.entered()
    same = next((each for each in known if each.entry.number == number), None)
    if same is not None:
        is_it = _words(same) == _words(given)
        return same if is_it else Fault("number", CHANGED.format(number))
    alike = next((each for each in known if _words(each) == _words(given)), None)
    if alike is None and number <= last:
        return Fault("number", BEFORE.format(number, last))
    return alike


def _revocation(stored: Entered, given: Entered) -> Revoked | Fault | None:
    """Return the end of an authorisation that is not stored yet."""
    if not (isinstance(stored, Authorisation) and isinstance(given, Authorisation)):
        return None
    if given.revoked is None:
        return None
    if stored.revoked is None:
        return Revoked(stored.entry.number, given.revoked)
    same = replace(stored.revoked, number=0) == replace(given.revoked, number=0)
    return None if same else Fault("revoked", REVOKED.format(stored.entry.number))


def _words(entered: Entered) -> Entered:
    """Return what was entered without its number and without its end."""
    entry = replace(entered.entry, number=0)
    if isinstance(entered, Authorisation):
        return replace(entered, entry=entry, revoked=None)
    return replace(entered, entry=entry)


def _superseded(stored: Register, new: list[Entered]) -> Iterator[tuple[Declaration, Declaration]]:
    """Find which declaration each new one takes the place of, on its first day."""
    for each in new:
        if isinstance(each, Declaration):
            before = stored.own_declaration(each.unit, each.first)
            if before is not None:
                yield before, each


def _joined(
    stored: Register, units: tuple[Unit, ...], new: list[Entered], revoked: list[Revoked]
) -> Register:
    ends = {each.number: each.entry for each in revoked}

    def joined(kind: tuple[Kind, ...], cls: type[Kind]) -> tuple[Kind, ...]:
        more = [each for each in new if isinstance(each, cls)]
        return tuple(sorted((*kind, *more), key=lambda each: each.entry.number))

    authorisations = tuple(
        replace(each, revoked=ends.get(each.entry.number, each.revoked))
        for each in joined(stored.authorisations, Authorisation)
    )
    return Register(
        units,
        joined(stored.declarations, Declaration),
        joined(stored.variations, Variation),
        authorisations,
    )
