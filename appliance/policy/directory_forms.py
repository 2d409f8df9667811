"""Form fields of the directory, and merging of changes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any, TypeVar

from appliance.errors import OfficeError
from appliance.policy.directory import (
    Authorisation,
    Declaration,
    Entered,
    Entry,
    Fault,
    Register,
    ReturnRule,
    Unit,
    Variation,
    placed,
)
from appliance.policy.hours import Band, Bands, Week, check_bands
from appliance.policy.text import Refused, Words

# ---- fields ------------------------------------------------------------------------------------
# Fields of a form that somebody fills in: read, checked, every mistake kept at its place.

T = TypeVar("T")

LONGEST = 200
"""Longest text of a field, in characters."""
MISSING = Words("manca: va compilato", "is missing: fill it in")
_BETWEEN = re.compile(r"[\s,;]+(?:(?:e|and)\s+)?")
_DASH = re.compile(r"\s*[-–]\s*")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in a form: the field's place ("needs.1.name"), and why in both languages."""

    place: str
    words: Words


class Unfit(OfficeError):  # noqa: N818 - reads as what it is
    """Raised for a form that cannot be taken, with every problem of it."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(f"{each.place}: {each.words.en}" for each in problems))
        self.problems = problems


def problem(place: str, it: str, en: str) -> Problem:
    """Make a problem."""
    return Problem(place, Words(it, en))


def bands_of(text: str) -> Bands:
    """Read the bands of a day as people write them: "9-12:30 15-17", "9.00–12.30 e 15–17".

    Raises Refused.
    """
    plain = _DASH.sub("-", text.strip().replace(".", ":"))
    bands = tuple(Band.parse(each) for each in _BETWEEN.split(plain) if each)
    check_bands(bands, "the day")
    return bands


class Fields:
    """Reads a form; whatever is wrong goes to `problems`, and the next field is read."""

    def __init__(self, form: Mapping[str, Any], problems: list[Problem], place: str = "") -> None:
        self._form = form
        self._place = place
        self.problems = problems

    def at(self, name: str) -> str:
        """Return the whole place of a field."""
        return f"{self._place}{name}"

    def wrong(self, name: str, it: str, en: str) -> None:
        """Note what is wrong with a field."""
        self.problems.append(problem(self.at(name), it, en))

    def attempt(self, name: str, make: Callable[[], T]) -> T | None:
        """Return what `make` makes; what it refuses is noted at the field."""
        try:
            return make()
        except Refused as refused:
            self.problems.append(Problem(self.at(name), refused.words))
            return None

    def text(self, name: str, *, is_needed: bool = False) -> str:
        """Read a line of text; white space is made single."""
        value = self._form.get(name, "")
        text = " ".join(value.split()) if isinstance(value, str) else ""
        if len(text) > LONGEST:
            self.wrong(name, f"è troppo lungo: al massimo {LONGEST} caratteri",
                       f"is too long: at most {LONGEST} characters")  # fmt: skip
        elif is_needed and not text:
            self.problems.append(Problem(self.at(name), MISSING))
        return text

    def flag(self, name: str) -> bool:
        """Read a yes or no."""
        return self._form.get(name) is True

    def number(self, name: str, otherwise: int) -> int:
        """Read a whole number of at most four digits."""
        value = str(self._form.get(name, otherwise)).strip()
        if value.isascii() and value.isdigit() and len(value) <= 4:
            return int(value)
        self.wrong(name, "non è un numero", "is no number")
        return otherwise

    def day(self, name: str, otherwise: date | None = None) -> date | None:
        """Read a day such as 2026-11-25; left empty it is `otherwise`."""
        text = self.text(name)
        if not text:
            return otherwise
        try:
            return date.fromisoformat(text)
        except ValueError:
            self.wrong(name, "non è un giorno: si scrive 2026-11-25",
                       "is no day: write 2026-11-25")  # fmt: skip
            return otherwise

    def week(self, name: str) -> Week:
        """Read seven texts, the bands of Monday to Sunday."""
        value = self._form.get(name, [])
        texts = value if isinstance(value, list) else []
        days = [
            self.attempt(f"{name}.{number}", partial(bands_of, str(text)[:LONGEST]))
            for number, text in enumerate(texts[:7], 1)
        ]
        return Week(tuple(days[n] or () if n < len(days) else () for n in range(7)))

    def rules(self, name: str) -> tuple[ReturnRule, ...]:
        """Read what a return leads to, in the order given."""
        known = tuple(ReturnRule)
        chosen = dict.fromkeys(text for text in self.texts(name) if text in known)
        return tuple(ReturnRule(text) for text in chosen)

    def texts(self, name: str) -> tuple[str, ...]:
        """Read a list of words."""
        value = self._form.get(name, [])
        return tuple(str(each)[:LONGEST] for each in value) if isinstance(value, list) else ()

    def part(self, name: str) -> Fields | None:
        """Return the fields of a part of the form, None where it was left out."""
        value = self._form.get(name)
        found = isinstance(value, Mapping)
        return Fields(value, self.problems, f"{self.at(name)}.") if found and value else None

    def parts(self, name: str, most: int) -> Iterator[Fields]:
        """Yield the fields of each of several alike parts, numbered from 1."""
        value = self._form.get(name, [])
        parts = value if isinstance(value, list) else []
        for number, part in enumerate(parts[:most], 1):
            if isinstance(part, Mapping):
                yield Fields(part, self.problems, f"{self.at(name)}.{number}.")


# ---- merge -------------------------------------------------------------------------------------
# What an import brings to the register: what is new, what is known; nothing entered is changed.

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
