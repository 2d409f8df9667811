"""The card's file read as far as it can be: all mistakes at once, and the data without them.

Each round of corrections costs a technician a walk to the box and a start of it: so a line that is
no TOML is mended where it is clear what was meant, or left out, and the rest is checked with it.
"""

from __future__ import annotations

import dataclasses
import json
import re
import tomllib
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from appliance.daemon import config, values
from appliance.daemon.mistakes import BadConfiguration, Mistake, italian_of
from appliance.daemon.toml_mistakes import HIDDEN, QUOTES, explained, line_of
from appliance.policy.hours import WEEKDAYS
from appliance.site.text import NAME
from appliance.site.written import Written, filled_in

MOST: Final = 50
"""So many mistakes are told at most: a file with more is not a technician's."""
FAR: Final = 20
"""So many entries back the beginning of one that does not end is looked for."""
HEADER: Final = re.compile(r"\s*\[+\s*(?P<name>[\w.]+)\s*\]*\s*(#.*)?$")
COMMENTED: Final = re.compile(r"\s*#\s*(?P<header>\[\[?\s*(?P<name>[\w.]+)\s*\]\]?)\s*(#.*)?$")
ENTRY: Final = re.compile(r"\s*(?P<key>[\w\"'-]+)\s*=")
WORD: Final = re.compile(r"\s*(?P<key>[\w-]+)")
BEGINNING: Final = re.compile(r"\s*(\[|[\w.\"'-]+\s*=)")
ASSIGNED: Final = re.compile(r"(?P<key>\s*[\w.\"'-]+\s*=\s*)(?P<value>[^#]*?)\s*(?P<rest>#.*)?$")
NAMED: Final = re.compile(r"phones\.\d+\.name")
WEEKS: Final = (("hours",), ("citizens_desk", "hours"))


@dataclass(slots=True)
class Read:
    """What was read: `lines` of the text as it was mended, its `data`, and every mistake; `unread`
    are keys that were left out; `rows` say of a table, where one of its rows was left out, which of
    the file those in `data` are.
    """

    lines: list[str]
    data: dict[str, Any] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)
    rows: dict[str, list[int]] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The text as it was mended; every line is where it was."""
        return "\n".join(self.lines)

    def note(self, found: Iterator[Mistake] | tuple[Mistake, ...]) -> None:
        """Take mistakes note of, each at its place and line of the file, none twice; not those
        that only follow from others.
        """
        for mistake in found:
            if len(self.mistakes) >= MOST:
                return
            placed = config.with_line(self._in_file(mistake), self.text)
            known = {(one.place, one.text) for one in self.mistakes}
            if not self._follows(placed) and (placed.place, placed.text) not in known:
                self.mistakes.append(placed)

    def wrong(self) -> BadConfiguration | None:
        """Return what is wrong, in the order of the file; None for nothing."""
        found = sorted(self.mistakes, key=lambda one: one.line)[:MOST]
        return BadConfiguration(NAME, tuple(found)) if found else None

    def _in_file(self, mistake: Mistake) -> Mistake:
        """Count the rows of a table as they stand in the file."""
        table, _, rest = mistake.place.partition(".")
        number, dot, key = rest.partition(".")
        rows = self.rows.get(table)
        if rows is None or not number.isdigit() or not 0 < int(number) <= len(rows):
            return mistake
        return replace(mistake, place=f"{table}.{rows[int(number) - 1]}{dot}{key}")

    def _follows(self, mistake: Mistake) -> bool:
        """Tell whether something is missed only because it could not be read."""
        key = mistake.place.rpartition(".")[2]
        entry = ENTRY.match(self.lines[mistake.line - 1]) if mistake.line else None
        is_unread = key in self.unread and not (entry and entry["key"] == key)
        is_missing = mistake.text.startswith("is missing")
        is_told = is_missing and any(one.place == mistake.place for one in self.mistakes)
        is_renamed = key == "phones" and any(NAMED.fullmatch(one.place) for one in self.mistakes)
        return is_unread or is_told or is_renamed


def read(text: str) -> Read:
    """Read a text as TOML, whatever is wrong with it."""
    found = Read(text.split("\n"))
    _uncomment_headers(found)
    for _ in range(MOST):
        try:
            found.data = filled_in(tomllib.loads(found.text))
            break
        except (ValueError, RecursionError) as error:
            _mend(found, error)
    return found


def structured(found: Read) -> Written | None:
    """Make what was written of the data, taking out what is wrong; None where nothing is left."""
    for table in WEEKS:
        _check_week(found, table)
    for _ in range(MOST):
        try:
            return config.structured(found.data, found.text, NAME, Written)
        except BadConfiguration as error:
            found.note(error.mistakes)
            if not _take_out(found, error.mistakes):
                return None
    return None


# --- what is no TOML -----------------------------------------------------------------------------


def _mend(found: Read, error: Exception) -> None:
    """Note what is wrong with the first entry that cannot be read; mend it, or leave it out."""
    lines = found.lines
    at = min(line_of(error, found.text), len(lines)) - 1
    first = _first_line(lines, at)
    told = first if "end of document" in str(error) or not _is_within(lines, first, at) else at
    found.mistakes.append(explained(found.text, error, told + 1))
    if is_header := HEADER.match(lines[first]):
        mended = _header(is_header["name"])
        if mended != lines[first].strip() and _reads([*lines[:first], mended]):
            lines[first] = mended
            return
    elif mended := _mended(lines[first]):
        if _reads([*lines[:first], mended]):
            lines[first] = mended
            return
    elif key := WORD.match(lines[first]):
        found.unread.add(key["key"])
    end = _end(lines, first, HEADER if is_header else BEGINNING)
    lines[first:end] = [""] * (end - first)


def _first_line(lines: list[str], at: int) -> int:
    """Find where the entry begins that cannot be read: an error shows in it, or behind it."""
    if _reads(lines[:at]):
        return at
    begins = [n for n in range(at) if BEGINNING.match(lines[n])]
    for n in reversed(begins[-FAR:]):
        if _reads(lines[:n]):
            return n
    return begins[-1] if begins else at


def _is_within(lines: list[str], first: int, at: int) -> bool:
    """Tell whether a line belongs to the entry that begins at another."""
    return first == at or not any(BEGINNING.match(lines[n]) for n in range(first + 1, at + 1))


def _end(lines: list[str], first: int, beginning: re.Pattern[str]) -> int:
    later = (n for n in range(first + 1, len(lines)) if beginning.match(lines[n]))
    return next(later, len(lines))


def _reads(lines: list[str]) -> bool:
    try:
        tomllib.loads("\n".join(lines))
    except (ValueError, RecursionError):
        return False
    return True


def _mended(line: str) -> str:
    """Return an entry with its quotes set right, "" where that does not help."""
    plain = line.translate({ord(q): '"' for q in QUOTES} | {ord(s): " " for s in HIDDEN})
    parts = ASSIGNED.match(plain)
    if parts is None:
        return ""
    value = parts["value"].strip().strip("\"'")
    quoted = parts["key"] + json.dumps(value, ensure_ascii=False)
    tries = (plain, quoted) if value and value[0] not in "[{" else (plain,)
    return next((one for one in tries if one != line and _reads([one])), "")


# --- headers -------------------------------------------------------------------------------------


def _tables() -> Mapping[str, tuple[frozenset[str], bool]]:
    """Return the entries of each table, and whether it has rows."""
    found = {}
    for name, kind in typing.get_type_hints(Written).items():
        inner = typing.get_args(kind)[:1]
        row = inner[0] if inner else kind
        if dataclasses.is_dataclass(row):
            found[name] = (frozenset(one.name for one in dataclasses.fields(row)), bool(inner))
    return {**found, "hours": (frozenset(WEEKDAYS), False)}


def _header(name: str) -> str:
    _, has_rows = _tables().get(name, (frozenset(), False))
    return f"[[{name}]]" if has_rows else f"[{name}]"


def _uncomment_headers(found: Read) -> None:
    """Take the `#` away before a header whose entries have lost theirs, and note it."""
    tables = _tables()
    table, seen, hidden = "", set[str](), -1
    for at, line in enumerate(found.lines):
        commented, header, entry = COMMENTED.match(line), HEADER.match(line), ENTRY.match(line)
        if header and "=" not in line:
            table, seen, hidden = header["name"], set(), -1
        elif commented and commented["name"] in tables:
            hidden = at
        elif entry:
            key, own = entry["key"], tables.get(table, (frozenset(), False))[0]
            if hidden >= 0 and (key in seen or key not in own):
                shut = COMMENTED.match(found.lines[hidden])
                if shut and key in tables[shut["name"]][0]:
                    table, seen = shut["name"], set()
                    found.lines[hidden] = _header(table)
                    found.mistakes.append(_shut(found.lines, hidden, table))
                    hidden = -1
            seen.add(key)


def _shut(lines: list[str], at: int, table: str) -> Mistake:
    """Say that entries stand under a header that does not count."""
    below = range(at + 1, len(lines))
    end = next(
        (n for n in below if HEADER.match(lines[n]) or COMMENTED.match(lines[n])), len(lines)
    )
    entries = (ENTRY.match(line) for line in lines[at + 1 : end])
    keys = ", ".join(f"{table}.{entry['key']}" for entry in entries if entry)
    header = _header(table)
    return Mistake(
        table,
        f"the # before {header} must go too: entries of it stand below ({keys})",
        at + 1,
        f"va tolto il # anche davanti a {header}: sotto ci sono voci sue ({keys})",
    )


# --- what is wrong in what was read --------------------------------------------------------------


def _check_week(found: Read, table: tuple[str, ...]) -> None:
    """Note every day that is wrong, not the first alone, and take it out."""
    week = _inner(found.data, list(table))
    if not isinstance(week, dict):
        return
    for day, bands in list(week.items()):
        try:
            values.hours({day: bands})
        except ValueError as error:
            place = ".".join((*table, day))
            found.note((Mistake(place, str(error), it=italian_of(error)),))
            del week[day]


def _take_out(found: Read, mistakes: tuple[Mistake, ...]) -> bool:
    """Take what is wrong out of the data; a row of a table that lacks an entry as a whole."""
    rows, is_any = set[tuple[str, int]](), False
    for place in dict.fromkeys(one.place for one in mistakes):
        *steps, last = place.split(".")
        inner = _inner(found.data, steps)
        if isinstance(inner, dict) and last in inner:
            del inner[last]
            is_any = True
        elif len(steps) == 2 and steps[1].isdigit() and inner is not None:
            rows.add((steps[0], int(steps[1])))
    for table, number in sorted(rows, reverse=True):
        numbers = found.rows.setdefault(table, list(range(1, len(found.data[table]) + 1)))
        del found.data[table][number - 1], numbers[number - 1]
    return is_any or bool(rows)


def _inner(data: Any, steps: list[str]) -> Any:
    """Return what lies at a place, None for nothing."""
    for step in steps:
        if isinstance(data, list):
            data = data[int(step) - 1] if step.isdigit() and 0 < int(step) <= len(data) else None
        else:
            data = data.get(step) if isinstance(data, dict) else None
    return data
