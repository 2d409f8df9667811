"""Changes of centralino.toml: into its text, with comments and order kept, and judged as a whole.

Pure: texts and values come in, texts and values go out. The ONLY tomlkit import.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import tomlkit
from tomlkit.container import Container
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Table

from appliance.config.differences import HIDDEN, KeyDifference, differences
from appliance.config.phone_labels import phone_labelled
from appliance.config.schema import Settings
from appliance.config.setting_names import ROWS, SECRETS, TABLES, name_of
from appliance.config.short_form import written_out
from appliance.config.values import WORKING_DAYS, BadConfiguration, bands_of
from appliance.errors import OfficeError
from appliance.policy.forms import FormProblem, FormRefused
from appliance.policy.hours import WEEKDAYS
from appliance.policy.text import Refused
from appliance.text import Words, _

Value = str | int | float | bool | tuple[str, ...]
Check = Callable[[str], Settings]
"""The reader that the service uses: raises BadConfiguration with every mistake of a text."""

MOST_CHANGES: Final = 500
LONGEST: Final = 500
"""Characters of one value."""
MOST_ENTRIES: Final = 100
"""Entries of a list."""
SECRET: Final = re.compile(r"[^\x00-\x1f\x7f]{1,200}")
ROW_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
PHONES: Final = "phones"
LABEL: Final = "label"
RINGING: Final = ("switchboard", "citizens_desk", "head")
"""Tables that name phones."""
IN_THE_FILE: Final = _("cannot be changed here: the technician writes it into the file")
NO_ROW: Final = _("is not there any more: open the page again")
TAKEN_NAME: Final = _("is there already: choose another name")
TAKEN_LABEL: Final = _("is phone {other}'s already: choose another one")
BAD_ROW_NAME: Final = _("is no name: small letters, figures, - and _, at most 32")
BAD_SECRET: Final = _("is no password: one line, at most 200 characters")
ODD_FILE: Final = _(
    "the file is written in a way that cannot be changed from here: change it with an editor"
)


@dataclass(frozen=True, slots=True)
class SetValue:
    """A setting gets a value: "retention.calls_days", "lines.line2.label"."""

    key: str
    value: Value


@dataclass(frozen=True, slots=True)
class FollowingValue(SetValue):
    """A value that the box sets itself as another change needs it; JSON cannot ask for one."""


@dataclass(frozen=True, slots=True)
class SetSecret:
    """A password, which goes into a file of its own: no text, no difference, no history has it."""

    key: str
    value: str = field(repr=False)
    file: str = ""


@dataclass(frozen=True, slots=True)
class ClearValue:
    """A setting goes back to its default: its key leaves the file."""

    key: str


@dataclass(frozen=True, slots=True)
class AddRow:
    """A new row of lines or phones, with its settings."""

    table: str
    name: str
    values: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RemoveRow:
    """A row of lines or phones leaves; a phone leaves the groups that name it, too."""

    table: str
    name: str


Change = SetValue | SetSecret | ClearValue | AddRow | RemoveRow


@dataclass(frozen=True, slots=True)
class _Place:
    """A key taken apart: its table, the row ("" outside arrays), the field."""

    table: str
    row: str
    field: str


@dataclass(frozen=True, slots=True)
class Judged:
    """What a set of changes makes: the new text, the difference, and every problem at its field.

    With problems, text and difference are those of the changes without any. `warnings` say what
    the changes take from callers.
    """

    text: str
    before: Settings
    after: Settings
    differences: tuple[KeyDifference, ...]
    problems: tuple[FormProblem, ...] = ()
    warnings: tuple[Words, ...] = ()


def judge(text: str, changes: Sequence[Change], check: Check) -> Judged:
    """Judge changes of a text as a whole; raises BadConfiguration if the text itself is wrong."""
    before = check(text)
    problems: list[FormProblem] = []
    left = list(changes)
    while True:
        try:
            made = edited(text, left)
            after = check(made)
            _check_labels(left, after)
        except FormRefused as error:
            found = error.problems
        except BadConfiguration as error:
            found = tuple(_problems(error, text, left))
        else:
            told = (*differences(before, after), *_of_secrets(left))
            return Judged(made, before, after, told, tuple(problems))
        problems += (one for one in found if one not in problems)
        # What is wrong is left out and the rest judged again: a value of the wrong type would else
        # keep the mistakes of the others from being found.
        rest = [one for one in left if not any(_concerns(one, each.place) for each in found)]
        # A mistake that no change can be blamed for: nothing of it can be used.
        left = rest if len(rest) < len(left) else []


def edited(text: str, changes: Sequence[Change], *, is_any: bool = False) -> str:
    """Return a text with the changes in it; what they do not touch keeps every byte.

    With `is_any` also of keys that have no name on the page of settings. Raises FormRefused for a
    change that cannot be, Refused for a file in an odd form.
    """
    text = _long_form(text, changes)
    data, draft = tomllib.loads(text), _Draft(text)
    for change in changes:
        for each in _with_consequences(data, change):
            if not is_any:
                _check(data, each)
            try:
                _change_data(data, each)
                draft.change(each)
            except (TOMLKitError, LookupError, AttributeError, TypeError, ValueError) as error:
                raise Refused(ODD_FILE) from error
    return _proven(draft.text, data)


def with_rows(text: str, table: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Return a text with an array of tables written anew, at its end; raises Refused."""
    data, draft = tomllib.loads(text), _Draft(text)
    data.pop(table, None)
    if rows:
        data[table] = [dict(row) for row in rows]
    try:
        draft.replace_rows(table, rows)
    except (TOMLKitError, TypeError, ValueError) as error:
        raise Refused(ODD_FILE) from error
    return _proven(draft.text, data)


def _proven(made: str, data: dict[str, Any]) -> str:
    """Return a text in which an independent reader finds exactly that data; raises Refused."""
    if _read_again(made) != data:
        raise Refused(ODD_FILE)
    return made


def _long_form(text: str, changes: Sequence[Change]) -> str:
    """Write out what the changes touch of a short form: rows with their names, each weekday.

    Raises Refused for a file in an odd form.
    """
    data, draft = tomllib.loads(text), _Draft(text)
    whole = written_out(data)
    touched = {_own_key(each) for each in changes}
    try:
        for table in ROWS:
            if any(key.partition(".")[0] == table for key in touched):
                draft.write_rows(table, data.get(table), whole.get(table))
        for table in sorted({key.rpartition(".")[0] for key in touched}):
            if table.endswith("hours"):
                draft.write_week(table)
    except (TOMLKitError, LookupError, AttributeError, TypeError, ValueError) as error:
        raise Refused(ODD_FILE) from error
    made = draft.text
    # The proof: the long form says what the short one did.
    if made != text and not _says(made, whole):
        raise Refused(ODD_FILE)
    return made


def _says(text: str, whole: dict[str, Any]) -> bool:
    read = _read_again(text)
    return read is not None and plain_weeks(written_out(read)) == plain_weeks(whole)


def plain_weeks(data: dict[str, Any]) -> dict[str, Any]:
    """Return the tables with each week's days one by one."""
    made = {key: plain_weeks(one) if isinstance(one, dict) else one for key, one in data.items()}
    if WORKING_DAYS in made:
        made = {day: bands for day in WEEKDAYS if (bands := bands_of(data, day))}
    return made


def _read_again(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


# ---- the changes themselves ----------------------------------------------------------------------


def changes_of(told: object) -> tuple[Change, ...]:
    """Read changes from JSON; raises OfficeError.

    {"set": key, "value": v}, {"secret": key, "value": text}, {"clear": key},
    {"add": table, "name": n, "values": {field: v}}, {"remove": table, "name": n}.
    """
    if not isinstance(told, list) or len(told) > MOST_CHANGES:
        raise OfficeError(f"changes are a list, of {MOST_CHANGES} at most")
    return tuple(map(_change_of, told))


def _change_of(told: object) -> Change:
    match told:
        case {"set": str(key), "value": value}:
            return SetValue(key, _value(value))
        case {"secret": str(key), "value": str(value)}:
            return SetSecret(key, value)
        case {"clear": str(key)}:
            return ClearValue(key)
        case {"add": str(table), "name": str(name), "values": dict(values)}:
            return AddRow(table, name, {str(key): _value(one) for key, one in values.items()})
        case {"remove": str(table), "name": str(name)}:
            return RemoveRow(table, name)
    raise OfficeError("a change is set, clear, add or remove, with what belongs to it")


def _value(value: object) -> Value:
    match value:
        case bool() | int() | float():
            return value
        case str() if len(value) <= LONGEST:
            return value
        case list() if len(value) <= MOST_ENTRIES and all(
            isinstance(one, str) and len(one) <= LONGEST for one in value
        ):
            return tuple(value)
    raise OfficeError("a value is a number, true or false, a text, or a list of texts")


def changes_json(changes: Sequence[Change]) -> list[dict[str, Any]]:
    """Write changes as `changes_of` reads them."""
    return [_json_of(change) for change in changes]


def _json_of(change: Change) -> dict[str, Any]:
    match change:
        case SetValue():
            return {"set": change.key, "value": _plain(change.value)}
        case SetSecret():
            return {"secret": change.key, "value": change.value}
        case ClearValue():
            return {"clear": change.key}
        case AddRow():
            values = {key: _plain(one) for key, one in change.values.items()}
            return {"add": change.table, "name": change.name, "values": values}
        case _:
            return {"remove": change.table, "name": change.name}


def _plain(value: Value) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _place_of(key: str) -> _Place:
    table, _unused, rest = key.partition(".")
    if table in ROWS:
        row, _unused, name = rest.rpartition(".")
        return _Place(table, row, name)
    table, _unused, name = key.rpartition(".")
    return _Place(table, "", name)


def _with_consequences(data: dict[str, Any], change: Change) -> Iterator[Change]:
    """Yield a change and what follows from it.

    A removed phone rings in no group; a password has its file, which goes with the user.
    """
    yield change
    for key, secret in SECRETS.items():
        has_file = bool(_tables(data).get(secret.table, {}).get(secret.file_key))
        place = f"{secret.table}.{secret.file_key}"
        if isinstance(change, SetSecret) and change.key == key and not has_file:
            yield FollowingValue(place, change.file)
        if has_file and _empties(change, f"{secret.table}.{secret.user}"):
            yield FollowingValue(place, "")
    if isinstance(change, RemoveRow) and change.table == PHONES:
        for group in RINGING:
            named = _tables(data).get(group, {}).get(PHONES, [])
            if change.name in named:
                yield SetValue(f"{group}.{PHONES}", tuple(n for n in named if n != change.name))


def _empties(change: Change, key: str) -> bool:
    """Return whether a change leaves a setting empty."""
    is_cleared = isinstance(change, ClearValue) and change.key == key
    return is_cleared or (isinstance(change, SetValue) and (change.key, change.value) == (key, ""))


def _check(data: dict[str, Any], change: Change) -> None:
    """Raise FormRefused for a change that cannot be."""
    match change:
        case SetSecret():
            _check_secret(change)
        case SetValue() | ClearValue():
            place = _place_of(change.key)
            name = name_of(place.table, place.field)
            if name is None or (name.follows and not isinstance(change, FollowingValue)):
                raise _problem(change.key, IN_THE_FILE)
            if place.table in ROWS and _row(data, place.table, place.row) is None:
                raise _problem(change.key, NO_ROW)
        case AddRow():
            _check_new(data, change)
        case _:
            if change.table not in ROWS or _row(data, change.table, change.name) is None:
                raise _problem(f"{change.table}.{change.name}", NO_ROW)


def _check_labels(changes: Sequence[Change], after: Settings) -> None:
    """Raise FormRefused for changes that give a phone the label of another."""
    problems = []
    for key, label in _labels_given(changes):
        if other := phone_labelled(after.phones, label, but=_place_of(key).row):
            problems.append(FormProblem(key, TAKEN_LABEL.filled(other=other)))
    if problems:
        raise FormRefused(*problems)


def _labels_given(changes: Sequence[Change]) -> Iterator[tuple[str, str]]:
    """Yield the key and the new label of each phone that gets one."""
    for change in changes:
        match change:
            case SetValue(key, str(label)) if _place_of(key).table == PHONES:
                if _place_of(key).field == LABEL:
                    yield key, label
            case AddRow(table, name, values) if table == PHONES:
                yield f"{PHONES}.{name}.{LABEL}", str(values.get(LABEL, ""))


def _check_secret(change: SetSecret) -> None:
    if change.key not in SECRETS:
        raise _problem(change.key, IN_THE_FILE)
    if not SECRET.fullmatch(change.value):
        raise _problem(change.key, BAD_SECRET)


def _check_new(data: dict[str, Any], change: AddRow) -> None:
    key = f"{change.table}.{change.name}"
    if change.table not in ROWS:
        raise _problem(key, IN_THE_FILE)
    if not ROW_NAME.fullmatch(change.name):
        raise _problem(key, BAD_ROW_NAME)
    if _row(data, change.table, change.name) is not None:
        raise _problem(key, TAKEN_NAME)
    for name in change.values:
        if name_of(change.table, name) is None:
            raise _problem(f"{key}.{name}", IN_THE_FILE)


def _problem(key: str, words: Words) -> FormRefused:
    return FormRefused(FormProblem(key, words))


def _tables(data: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: one for name, one in data.items() if isinstance(one, dict)}


def _rows(data: dict[str, Any], table: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = data.get(table, [])
    return found


def _row(data: dict[str, Any], table: str, name: str) -> dict[str, Any] | None:
    return next((row for row in _rows(data, table) if row.get("name") == name), None)


def _change_data(data: dict[str, Any], change: Change) -> None:
    """Change the tables as TOML gives them: what the new text must say."""
    match change:
        case SetSecret():
            pass
        case SetValue():
            place = _place_of(change.key)
            _table_for(data, place)[place.field] = _plain(change.value)
        case ClearValue():
            place = _place_of(change.key)
            if _has(data, place):
                del _table_for(data, place)[place.field]
        case AddRow():
            values = {key: _plain(one) for key, one in change.values.items()}
            data.setdefault(change.table, []).append({"name": change.name, **values})
        case _:
            rest = [row for row in _rows(data, change.table) if row.get("name") != change.name]
            data[change.table] = rest
            if not rest:
                del data[change.table]


def _table_for(data: dict[str, Any], place: _Place) -> dict[str, Any]:
    """Return the table of a place, made where it is missing."""
    if place.row:
        found = _row(data, place.table, place.row)
        if found is None:
            raise LookupError(place.row)
        return found
    for step in place.table.split("."):
        data = data.setdefault(step, {})
    return data


def _has(data: Any, place: _Place) -> bool:
    if place.row:
        return place.field in (_row(data, place.table, place.row) or {})
    for step in place.table.split("."):
        data = data.get(step, {})
    return place.field in data


# ---- the text ------------------------------------------------------------------------------------

_QUOTED: Final = re.compile(r'"[^"\n]*"')
_HEADER: Final = re.compile(r"\s*\[")
_NO_ENTRY: Final = re.compile(r"\s*(?:#.*)?")


class _Draft:
    """The text that is being changed: values by tomlkit, whole rows and tables by their lines."""

    def __init__(self, text: str) -> None:
        # Windows' ends of lines, where every line has one; else each stays what it is.
        self._returns = "\r\n" in text and not re.search(r"(?<!\r)\n", text)
        self._text = text.replace("\r\n", "\n") if self._returns else text
        self._document: tomlkit.TOMLDocument | None = None

    @property
    def text(self) -> str:
        """The text with all changes."""
        made = self._written()
        return made.replace("\n", "\r\n") if self._returns else made

    def change(self, change: Change) -> None:
        """Make one change; raises what tomlkit raises for a text in an odd form."""
        match change:
            case SetSecret():
                pass
            case SetValue():
                place = _place_of(change.key)
                self._make_table(place)
                value = _plain(change.value)
                if not _put(self._container(place), place.field, value):
                    lines = self._lines()
                    (header,) = _headers(lines, place.table)
                    self._insert(lines, header + 1, [_entry(place.field, value)], apart=False)
            case ClearValue():
                place = _place_of(change.key)
                if _has(self._parsed, place):
                    del self._container(place)[place.field]
            case AddRow():
                self._add(change)
            case _:
                self._remove(change.table, change.name)

    def write_rows(self, table: str, written: Any, whole: Any) -> None:
        """Write lines or phones as rows with their names."""
        item: Any = self._parsed.get(table)
        is_array = isinstance(item, AoT)
        if not isinstance(written, list) or not written or (is_array and written == whole):
            return
        if is_array:
            lines = self._lines()
            rows = list(zip(_headers(lines, table), written, whole, strict=True))
            for header, old, row in reversed(rows):
                if "name" not in old:
                    lines.insert(header + 1, _entry("name", row["name"]))
            self._take(lines)
            return
        # Rows between brackets, as the box writes short ones, or texts; not with remarks within.
        if "#" in _QUOTED.sub("", item.as_string()) and isinstance(written[0], dict):
            raise ValueError(table)
        remark = item.trivia.comment
        del self._parsed[table]
        told = [] if not remark else ["", remark]
        for row in whole:
            told += ["", f"[[{table}]]", *(_entry(key, value) for key, value in row.items())]
        self._take([*self._lines(), *told])

    def replace_rows(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write an array of tables anew, behind everything else."""
        lines = self._lines()
        for begin in reversed(_headers(lines, table)):
            end = _entries_end(lines, begin)
            del lines[begin : end + (lines[end : end + 1] == [""])]
        for row in rows:
            apart = [""] if lines and lines[-1].strip() else []
            lines += [*apart, f"[[{table}]]", *(_entry(key, one) for key, one in row.items())]
        self._take(lines)

    def write_week(self, table: str) -> None:
        """Write the working days of a week one by one."""
        week: Any = self._parsed
        for step in table.split("."):
            week = week.get(step, {})
        if WORKING_DAYS not in week:
            return
        bands = [str(band) for band in week[WORKING_DAYS]]
        for day in reversed(WEEKDAYS[:5]):
            if day not in week:
                week.value._insert_after(WORKING_DAYS, day, tomlkit.item(bands))
        del week[WORKING_DAYS]

    @property
    def _parsed(self) -> tomlkit.TOMLDocument:
        if self._document is None:
            self._document = tomlkit.parse(self._text)
        return self._document

    def _written(self) -> str:
        return self._text if self._document is None else tomlkit.dumps(self._document)

    def _container(self, place: _Place) -> Any:
        found: Any = self._parsed
        if place.row:
            return next(row for row in found[place.table] if row.get("name") == place.row)
        for step in place.table.split("."):
            found = found[step]
        return found

    def _make_table(self, place: _Place) -> None:
        """Write the header of a missing table: behind the table that it is a part of, else last."""
        if place.row:
            return
        found: Any = self._parsed
        for step in place.table.split("."):
            found = found.get(step, {})
        lines = self._lines()
        parts = [n for n, line in enumerate(lines) if _is_within(line, place.table)]
        if isinstance(found, Table) and found.is_super_table() and parts:
            # [a.b] alone implies [a].
            self._insert(lines, parts[0], [f"[{place.table}]"])
        elif found == {} and not _headers(lines, place.table):
            above = _headers(lines, place.table.partition(".")[0])
            at = _entries_end(lines, above[0]) if above else len(lines)
            self._insert(lines, at, [f"[{place.table}]"])

    def _add(self, change: AddRow) -> None:
        # An empty list, as the box writes one, would stand beside the row's table.
        item = self._parsed.get(change.table)
        if item is not None and item.as_string() == "[]":
            del self._parsed[change.table]
        lines = self._lines()
        rows = _headers(lines, change.table)
        at = _entries_end(lines, rows[-1]) if rows else len(lines)
        values = {"name": change.name, **change.values}
        told = [_entry(key, _plain(one)) for key, one in values.items()]
        self._insert(lines, at, [f"[[{change.table}]]", *told])

    def _remove(self, table: str, name: str) -> None:
        rows: Any = self._parsed[table]
        names = [row.get("name") for row in rows]
        lines = self._lines()
        begin = _headers(lines, table)[names.index(name)]
        # Comments behind the row's last entry stay: they may be about what follows.
        end = _entries_end(lines, begin)
        # One empty line goes with the row.
        if lines[end : end + 1] == [""]:
            end += 1
        self._take(lines[:begin] + lines[end:])

    def _insert(self, lines: list[str], at: int, new: list[str], *, apart: bool = True) -> None:
        """Insert lines; `apart` from others by an empty one."""
        before = [""] if apart and at > 0 and lines[at - 1].strip() else []
        after = [""] if apart and lines[at : at + 1] and lines[at].strip() else []
        self._take(lines[:at] + before + new + after + lines[at:])

    def _lines(self) -> list[str]:
        # Without the last line's end, which `_take` writes again.
        return self._written().removesuffix("\n").split("\n")

    def _take(self, lines: list[str]) -> None:
        self._text, self._document = "\n".join(lines) + "\n", None


def _headers(lines: list[str], table: str) -> list[int]:
    """Return the lines with a table's header, or an array's."""
    header = re.compile(rf"\s*\[\[?\s*{re.escape(table)}\s*\]\]?\s*(#.*)?")
    return [number for number, line in enumerate(lines) if header.fullmatch(line)]


def _is_within(line: str, table: str) -> bool:
    """Return whether a line is the header of a table's part."""
    return re.match(rf"\s*\[\[?\s*{re.escape(table)}\s*\.", line) is not None


def _entry(name: str, value: Any) -> str:
    return f"{name} = {tomlkit.item(value).as_string()}"


def _entries_end(lines: list[str], header: int) -> int:
    """Return the line behind the last entry of a table."""
    end = header + 1
    for number in range(header + 1, len(lines)):
        if _HEADER.match(lines[number]):
            break
        if not _NO_ENTRY.fullmatch(lines[number]):
            end = number + 1
    return end


def _put(container: Any, name: str, value: Any) -> bool:
    """Set a value: an existing one keeps its comment, a new one comes behind the last entry.

    Return False for a table that has no entry yet.
    """
    if name in container or not isinstance(container, Table):
        container[name] = value
        return True
    inner: Container = container.value
    last = [key for key, item in inner.body if key is not None and not isinstance(item, Table)]
    if last:
        inner._insert_after(last[-1], name, tomlkit.item(value))
    return bool(last)


def _of_secrets(changes: Sequence[Change]) -> Iterator[KeyDifference]:
    """Yield the difference of each secret: that it is another one, and no more."""
    for change in changes:
        if isinstance(change, SetSecret):
            secret = SECRETS[change.key]
            words = HIDDEN.filled(where=TABLES[secret.table], what=secret.words)
            yield KeyDifference(change.key, words)


# ---- mistakes at their fields --------------------------------------------------------------------


def _problems(
    error: BadConfiguration, text: str, changes: Sequence[Change]
) -> Iterator[FormProblem]:
    data = written_out(tomllib.loads(edited(text, changes)))
    for mistake in error.mistakes:
        yield FormProblem(_key_of(mistake.place, data), mistake.said)


def _key_of(place: str, data: dict[str, Any]) -> str:
    """Return a mistake's place as a key: a row by its name instead of its number."""
    table, _unused, rest = place.partition(".")
    number, dot, name = rest.partition(".")
    rows = _rows(data, table) if table in ROWS else []
    if not number.isdigit() or not 0 < int(number) <= len(rows):
        return place
    return f"{table}.{rows[int(number) - 1].get('name', number)}{dot}{name}"


def _own_key(change: Change) -> str:
    """Return the key that a change is about: of a setting, or of a row."""
    if isinstance(change, AddRow | RemoveRow):
        return f"{change.table}.{change.name}"
    return change.key


def _concerns(change: Change, place: str) -> bool:
    """Return whether a mistake at a place may come from a change."""
    own = _own_key(change)
    return f"{place}.".startswith(f"{own}.") or own.startswith(f"{place}.")
