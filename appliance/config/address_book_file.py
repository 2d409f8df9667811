"""The address book as a table for spreadsheets (CSV): one row a number.

A body's first row has everything about it; a row with its further numbers has the same code or
none, and no name. Columns may stand in any order and in any language of the product.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from appliance.config.values import BadConfiguration, Mistake
from appliance.policy.address_book import (
    CHECK_AFTER,
    MOST_NUMBERS,
    BookEntry,
    BookNumber,
    HouseNumbers,
    code_of,
    entry_problems,
    number_problems,
    read_keywords,
)
from appliance.policy.forms import LONGEST_TEXT
from appliance.policy.hours import read_day
from appliance.policy.text import Refused
from appliance.text import LANGUAGES, Words, _, in_context, joined

COLUMNS: Final[Mapping[str, Words]] = {
    "code": in_context("address book", "code"),
    "name": in_context("address book", "name"),
    "keywords": in_context("address book", "keywords"),
    "number": in_context("address book", "number"),
    "label": in_context("address book", "label"),
    "hours": in_context("address book", "hours"),
    "may_tell": in_context("address book", "may be told"),
    "address": in_context("address book", "address"),
    "website": in_context("address book", "website"),
    "note": in_context("address book", "note"),
    "say": in_context("address book", "to say"),
    "checked_by": in_context("address book", "checked by"),
    "checked_on": in_context("address book", "checked on"),
    "check_by": in_context("address book", "check again by"),
    "last": in_context("address book", "valid until"),
}
"""Columns by the field that they hold."""
YES, NO = in_context("address book", "yes"), in_context("address book", "no")
_TOO_MANY: Final = _("has more cells than columns: put a text with {sign} in it between quotes")
_YES: Final = {"si", *(YES.text(language).casefold() for language in LANGUAGES)}
_NO: Final = {NO.text(language).casefold() for language in LANGUAGES}
# Italian spreadsheets write semicolons, others commas or tabs.
_DELIMITERS: Final = ";,\t"


def write_table(entries: Iterable[BookEntry], language: str) -> str:
    """Write entries as a table, its columns named in a language."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\n")
    writer.writerow(words.text(language) for words in COLUMNS.values())
    for entry in entries:
        for row in _rows(entry, language):
            writer.writerow(row.get(name, "") for name in COLUMNS)
    return out.getvalue()


def read_table(
    text: str, name: str, by: str, today: date, taken: Collection[str], house: HouseNumbers,
    *, is_confirmed: bool = False,
) -> tuple[BookEntry, ...]:  # fmt: skip
    """Read the entries of a table; raises BadConfiguration with each mistake and its line.

    An entry without a code has that of its name. Where nobody is named, `by` has checked it today.
    """
    reader = _Reader(name, by, today)
    entries: dict[str, BookEntry] = {}
    for group in reader.bodies(text):
        entry = reader.entry(group, {*taken, *entries})
        reader.check(entry, group, house, is_confirmed=is_confirmed)
        if entry.code in entries:
            reader.wrong(group[0], "code", _("is the code of two bodies"))
        entries[entry.code] = entry
    if not entries and not reader.mistakes:
        reader.mistakes.append(Mistake(name, _("has no body in it")))
    if reader.mistakes:
        raise BadConfiguration(name, tuple(reader.mistakes))
    return tuple(entries.values())


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    cells: Mapping[str, str]


class _Reader:
    """Reader of a table; it notes every mistake, with its line and the file's own column."""

    def __init__(self, name: str, by: str, today: date) -> None:
        self.name, self._by, self._today = name, by, today
        self.mistakes: list[Mistake] = []
        self._written: dict[str, str] = {}

    def wrong(self, row: _Row, column: str, said: Words) -> None:
        """Note what is wrong in a cell."""
        self.mistakes.append(Mistake(self._written.get(column, column), said, row.line))

    def bodies(self, text: str) -> Iterator[list[_Row]]:
        """Yield the rows of each body together."""
        group: list[_Row] = []
        for row in self._rows(text):
            if row.cells["name"]:
                if group:
                    yield group
                group = [row]
            elif group and row.cells["code"] in ("", group[0].cells["code"]):
                group.append(row)
            else:
                further = _("is needed: only a further number of the body above has none")
                self.wrong(row, "name", further)
        if group:
            yield group

    def entry(self, group: list[_Row], taken: Collection[str]) -> BookEntry:
        """Make an entry of its rows."""
        row = group[0]
        numbers = tuple(self._number(each) for each in group if each.cells["number"])
        if len(numbers) > MOST_NUMBERS:
            too_many = _("has more than {most} numbers", most=MOST_NUMBERS)
            self.wrong(row, "name", too_many)
        cells = row.cells
        return BookEntry(
            cells["code"] or code_of(cells["name"], taken),
            cells["name"],
            cells["checked_by"] or self._by,
            min(self._day(row, "checked_on") or self._today, self._today),
            self._day(row, "check_by") or self._today + CHECK_AFTER,
            numbers,
            read_keywords(cells["keywords"]),
            cells["address"],
            cells["website"],
            cells["note"],
            cells["say"],
            self._day(row, "last"),
        )

    def check(
        self, entry: BookEntry, group: list[_Row], house: HouseNumbers, *, is_confirmed: bool
    ) -> None:
        """Note what is wrong with an entry and its numbers."""
        for problem in entry_problems(entry):
            self.wrong(group[0], problem.place.split(".")[-1], problem.words)
        for row in group:
            for column, cell in row.cells.items():
                if len(cell) > LONGEST_TEXT:
                    too_long = _("is too long: at most {most} characters", most=LONGEST_TEXT)
                    self.wrong(row, column, too_long)
        with_number = [row for row in group if row.cells["number"]]
        for problem in number_problems(entry, house, is_confirmed=is_confirmed):
            match problem.place.split("."):
                case [_, place, field]:
                    self.wrong(with_number[int(place) - 1], field, problem.words)
                # The table has no field in which to confirm.
                case [field] if field in COLUMNS:
                    self.wrong(group[0], field, problem.words)

    def _rows(self, text: str) -> Iterator[_Row]:
        """Yield the rows below the head; raises BadConfiguration for a bad head."""
        # Spreadsheets begin a file with a byte order mark.
        plain = text.removeprefix("\ufeff")
        delimiter = max(_DELIMITERS, key=plain.partition("\n")[0].count)
        reader = csv.reader(io.StringIO(plain, newline=""), delimiter=delimiter, strict=True)
        head: tuple[str, ...] = ()
        line = 1
        try:
            for cells in reader:
                if not head:
                    head = self._head(cells)
                elif any(cell.strip() for cell in cells):
                    values = (" ".join(cell.split()).removeprefix("'") for cell in cells)
                    found = dict(zip(head, values, strict=False))
                    row = _Row(line, {column: found.get(column, "") for column in COLUMNS})
                    if any(cell.strip() for cell in cells[len(head) :]):
                        self.wrong(row, self.name, _TOO_MANY.filled(sign=delimiter.strip()))
                    yield row
                line = reader.line_num + 1
        except csv.Error as error:
            said = _("is no row of a table ({error})", error=error)
            raise BadConfiguration(self.name, (Mistake(self.name, said, line),)) from error

    def _head(self, cells: list[str]) -> tuple[str, ...]:
        known = {
            written.casefold(): column
            for column, words in COLUMNS.items()
            for written in (column, *(words.text(language) for language in LANGUAGES))
        }
        written = [cell.strip() for cell in cells]
        found = tuple(known.get(cell.casefold(), "") for cell in written)
        unknown = [cell for cell, column in zip(written, found, strict=True) if not column]
        if any(unknown) or "name" not in found:
            columns = joined(", ", COLUMNS.values())
            said = _("is no column: the first row names them ({columns})", columns=columns)
            place = next(filter(None, unknown), self.name)
            raise BadConfiguration(self.name, (Mistake(place, said, 1),))
        self._written = dict(zip(found, written, strict=True))
        return found

    def _number(self, row: _Row) -> BookNumber:
        cells, said = row.cells, row.cells["may_tell"].casefold()
        if said and said not in _YES | _NO:
            self.wrong(row, "may_tell", _("is yes or no, not {said!r}", said=said))
        return BookNumber(cells["number"], cells["label"], cells["hours"], said not in _NO)

    def _day(self, row: _Row, column: str) -> date | None:
        if not (text := row.cells[column]):
            return None
        try:
            return read_day(text, self._today)
        except Refused as refused:
            self.wrong(row, column, refused.words)
            return None


def _rows(entry: BookEntry, language: str) -> Iterator[dict[str, str]]:
    about = {
        "code": entry.code,
        "name": entry.name,
        "keywords": ", ".join(entry.keywords),
        "address": entry.address,
        "website": entry.website,
        "note": entry.note,
        "say": entry.say,
        "checked_by": entry.checked_by,
        "checked_on": entry.checked_on.isoformat(),
        "check_by": entry.check_by.isoformat(),
        "last": entry.last.isoformat() if entry.last else "",
    }
    rows = [_number_cells(number, language) for number in entry.numbers] or [{}]
    yield {name: _harmless(text) for name, text in (about | rows[0]).items()}
    for row in rows[1:]:
        yield {name: _harmless(text) for name, text in ({"code": entry.code} | row).items()}


def _number_cells(number: BookNumber, language: str) -> dict[str, str]:
    return {
        "number": number.number,
        "label": number.label,
        "hours": number.hours,
        "may_tell": (YES if number.may_tell else NO).text(language),
    }


def _harmless(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
