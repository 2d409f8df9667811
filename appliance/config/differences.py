"""What differs between two configurations, in words: "Linea 2, etichetta: da «Linea 2» a «…»"."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from appliance.config.schema import HIDDEN_FIELDS, Line, Phone, Settings, shown_value
from appliance.config.setting_names import (
    NAMES,
    NEW_ROW,
    REMOVED_ROW,
    ROWS,
    TABLES,
    Effect,
    SettingName,
    name_of,
)
from appliance.config.values import Hours, MonthDay
from appliance.policy.hours import WEEKDAYS, date_words
from appliance.text import Words, _, by_language, in_context, unchanged

CHANGED: Final = in_context("settings", "{where}, {what}: from {old} to {new}")
FILLED: Final = in_context("settings", "{where}, {what}: {new} (was empty)")
EMPTIED: Final = in_context("settings", "{where}, {what}: emptied (was {old})")
HIDDEN: Final = in_context("settings", "{where}, {what}: changed, not shown here")
ELSEWHERE: Final = _("[{table}] in the file: changed")
YES, NO = in_context("settings", "yes"), in_context("settings", "no")
CLOSED: Final = in_context("settings", "closed")
QUOTED: Final = in_context("settings", "“{text}”")


@dataclass(frozen=True, slots=True)
class KeyDifference:
    """One difference: its key, a sentence, what it needs, and whether it may cut browsers off."""

    key: str
    words: Words
    effects: tuple[Effect, ...] = (Effect.CALL_CONTROL,)
    cuts_off: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """A setting as a page shows it: key, name, value as JSON has it, whether it is the default.

    A hidden one (P7) has no value, only how many there are.
    """

    table: str
    row: str
    key: str
    where: Words
    what: Words
    value: Any
    is_default: bool
    hidden: int = 0


def differences(before: Settings, after: Settings) -> tuple[KeyDifference, ...]:
    """Return every difference, in the order of the tables."""
    return tuple(_Comparison(before, after).all())


def effects_of(found: Sequence[KeyDifference]) -> tuple[Effect, ...]:
    """Return what differences need together, in the order of Effect."""
    needed = {effect for one in found for effect in one.effects}
    return tuple(effect for effect in Effect if effect in needed)


class _Comparison:
    """The comparison of two configurations."""

    def __init__(self, before: Settings, after: Settings) -> None:
        self._before, self._after = before, after
        self._labels = {
            phone.name: phone.label or phone.name for phone in (*before.phones, *after.phones)
        }

    def all(self) -> Iterator[KeyDifference]:
        """Yield the differences."""
        for one in dataclasses.fields(Settings):
            old, new = getattr(self._before, one.name), getattr(self._after, one.name)
            if old == new:
                continue
            if one.name in ROWS:
                yield from self._rows(one.name, old, new)
            elif one.name in NAMES:
                yield from self._table(one.name, TABLES[one.name], old, new)
            else:
                yield _elsewhere(one.name)

    def _rows(
        self, table: str, old: tuple[Line | Phone, ...], new: tuple[Line | Phone, ...]
    ) -> Iterator[KeyDifference]:
        was, now = {row.name: row for row in old}, {row.name: row for row in new}
        found: list[KeyDifference] = []
        for number, row in enumerate(old, 1):
            if row.name not in now:
                words = REMOVED_ROW[table].filled(row=self._row(row, number))
                found.append(KeyDifference(f"{table}.{row.name}", words))
        for number, row in enumerate(new, 1):
            shown = self._row(row, number)
            key, where = f"{table}.{row.name}", TABLES[table].filled(row=shown)
            if row.name in was:
                # A row that was renamed on the screen is spoken of by the name that is known.
                where = TABLES[table].filled(row=self._row(was[row.name], number))
                found += self._table(key, where, was[row.name], row)
            else:
                found.append(KeyDifference(key, NEW_ROW[table].filled(row=shown)))
                blank = dataclasses.replace(row, **_defaults(row))
                found += self._table(key, where, blank, row)
        # Nothing of it: the order of the rows alone.
        yield from found or [_elsewhere(table)]

    def _row(self, row: Line | Phone, number: int) -> Words:
        if isinstance(row, Line):
            return unchanged(number)
        return QUOTED.filled(text=row.label or row.name)

    def _table(self, key: str, where: Words, old: Any, new: Any) -> Iterator[KeyDifference]:
        table = key.partition(".")[0] if key.partition(".")[0] in ROWS else key
        is_told = True
        for name, was, now in _pairs(old, new):
            if was == now:
                continue
            if isinstance(was, Hours) or isinstance(now, Hours):
                inner = f"{key}.{name}"
                yield from self._table(inner, TABLES[inner], was, now)
                continue
            found = name_of(table, name)
            if found is None:
                # Once for all keys of a table that have no name here.
                if is_told:
                    yield _elsewhere(key)
                is_told = False
                continue
            words = self._words(where, found, name, was, now)
            yield KeyDifference(f"{key}.{name}", words, found.effects, found.cuts_off)

    def _words(self, where: Words, found: SettingName, name: str, was: Any, now: Any) -> Words:
        if name in HIDDEN_FIELDS:
            return HIDDEN.filled(where=where, what=found.words)
        old, new = self._shown(name, was), self._shown(name, now)
        values = {"where": where, "what": found.words}
        if old is None:
            return FILLED.filled(**values, new=new)
        if new is None:
            return EMPTIED.filled(**values, old=old)
        return CHANGED.filled(**values, old=old, new=new)

    def _shown(self, name: str, value: Any) -> Words | None:
        """Return a value in words, None for an empty one."""
        if isinstance(value, bool):
            return YES if value else NO
        if isinstance(value, MonthDay):
            day = value.in_year(2000)
            return by_language(lambda language: date_words(day, language, year=False))
        if name in WEEKDAYS and not value:
            return CLOSED
        if name == "phones":
            value = tuple(self._labels.get(one, one) for one in value)
        text = shown_value(value)
        if not text:
            return None
        is_number = isinstance(value, int | float)
        return unchanged(text) if is_number or name in WEEKDAYS else QUOTED.filled(text=text)


def _elsewhere(table: str) -> KeyDifference:
    return KeyDifference(table, ELSEWHERE.filled(table=table), tuple(Effect))


def _defaults(row: Line | Phone) -> dict[str, Any]:
    """Return the defaults of a row; its port and label go without saying in its own sentence."""
    kept = {"name", "label"} if isinstance(row, Phone) else {"name", "port"}
    return {one.name: one.default for one in dataclasses.fields(row) if one.name not in kept}


def _pairs(old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(old, Hours) or isinstance(new, Hours):
        none: tuple[Any, ...] = ((),) * len(WEEKDAYS)
        was = old.week.days if isinstance(old, Hours) else none
        now = new.week.days if isinstance(new, Hours) else none
        yield from zip(WEEKDAYS, was, now, strict=True)
        return
    for one in dataclasses.fields(new):
        yield one.name, getattr(old, one.name), getattr(new, one.name)


# ---- what can be changed, with its present value -------------------------------------------------


def listed(settings: Settings) -> tuple[Listed, ...]:
    """Return every setting that can be changed here, in the order of the tables."""
    return tuple(_listed(settings))


def _listed(settings: Settings) -> Iterator[Listed]:
    for table, names in NAMES.items():
        if table in ROWS:
            for number, row in enumerate(getattr(settings, table), 1):
                is_line = isinstance(row, Line)
                shown = unchanged(number if is_line else row.label or row.name)
                where = TABLES[table].filled(row=shown)
                yield from _of_table(table, row.name, where, names, row)
            continue
        value: Any = settings
        for step in table.split("."):
            value = getattr(value, step)
        # The counter's own hours, where it has none: the switchboard's are its own.
        if value is not None:
            yield from _of_table(table, "", TABLES[table], names, value)


def _of_table(
    table: str, row: str, where: Words, names: Mapping[str, SettingName], value: Any
) -> Iterator[Listed]:
    key = f"{table}.{row}" if row else table
    if isinstance(value, Hours):
        for day, bands in zip(WEEKDAYS, value.week.days, strict=True):
            words = names[day].words
            texts = [str(band) for band in bands]
            yield Listed(table, row, f"{key}.{day}", where, words, texts, not bands)
        return
    for one in dataclasses.fields(value):
        if one.name in names and not names[one.name].follows:
            found, name = getattr(value, one.name), names[one.name].words
            is_default = found == one.default
            place = f"{key}.{one.name}"
            if one.name in HIDDEN_FIELDS:
                count = len(found) if isinstance(found, tuple) else int(bool(found))
                yield Listed(table, row, place, where, name, None, is_default, count)
            else:
                yield Listed(table, row, place, where, name, _json_value(found), is_default)


def _json_value(value: Any) -> Any:
    if isinstance(value, tuple):
        return [shown_value(one) for one in value]
    return value if isinstance(value, bool | int | float | str) else shown_value(value)
