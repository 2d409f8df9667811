"""Reading and checking the boot file, and the configuration made from it.

It loads the whole configuration reader, so apply.py imports it only if there is a new file, which
is rare at a start.
"""

from __future__ import annotations

import dataclasses
import json
import re
import tomllib
import typing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import tomli_w

from appliance.bootfile.values import (
    EVERY_ADDRESS,
    FILE_NAME,
    NO_PATRON,
    USB_STICK,
    CardFile,
    CardLine,
    CardNetwork,
    authorized_keys_text,
    check_keys,
    check_network,
    check_secrets,
    filled_in_file,
    host_name,
    is_fixed,
    lay_secrets_down,
    network_text,
    secrets_given,
)
from appliance.config import read, short_form
from appliance.config import values as daemon_values
from appliance.config.line_ports import place_lines
from appliance.config.office import build_office
from appliance.config.read import HIDDEN_CHARACTERS, QUOTES, explained, line_of
from appliance.config.schema import Folders, Settings
from appliance.config.values import (
    WORKING_DAYS,
    BadConfiguration,
    Mistake,
    Mistakes,
    reason_of,
)
from appliance.policy.hours import WEEKDAYS
from appliance.text import Words, _

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from appliance.bootfile.values import CardPhone
    from appliance.config.line_ports import PlacedLines


# Everything made from the file: configuration, passwords, network, SSH keys. Pure: facts about the
# box come in, file contents go out, or BadConfiguration with all mistakes, each with its line.

_MADE: Final = _("Made by the box from the card's centralino.toml: change it there.")


def config_head() -> str:
    """Return the first lines of a configuration that the box makes, in every language."""
    return "".join(f"# {text}\n" for text in _MADE.by_language().values()) + "\n"


def is_made_by_box(config: bytes) -> bool:
    """Tell whether a configuration begins with such lines; the English one is enough."""
    # A translation may change between versions, the English line does not.
    return f"# {_MADE}".encode() in config.partition(b"\n\n")[0].split(b"\n")


@dataclass(frozen=True, slots=True)
class MakingContext:
    """Facts about the box: ports with modems, previous ports of its lines, stored passwords.

    `is_same` if the text is the one in force; `year` is the first year whose holidays count;
    `under` are tables with defaults for the file; `passwords` the tables with a stored password.
    """

    year: int
    found: tuple[str, ...] = ()
    before: Mapping[str, str] = field(default_factory=dict)
    is_same: bool = False
    under: Mapping[str, Any] = field(default_factory=dict)
    passwords: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class MadeConfiguration:
    """Contents to be written.

    `secrets` are the phones' passwords of the file, `unsaid` the phones whose password the box
    generates, `passwords` the other passwords by table; `network` is "" without that table;
    `is_blank` if the file has no settings at all.
    """

    config: str
    settings: Settings
    ports: Mapping[str, str]
    waits: bool
    secrets: Mapping[str, str]
    unsaid: tuple[str, ...]
    passwords: Mapping[str, str]
    network: str
    hostname: str
    keys: str
    is_blank: bool
    notes: tuple[Words, ...]


def make_configuration(text: str, around: MakingContext) -> MadeConfiguration:
    """Make everything from the file's text; raises BadConfiguration."""
    found = read_file(text)
    written = structured_file(found)
    if written is None:
        raise found.wrong() or BadConfiguration(FILE_NAME, ())
    mistakes = Mistakes()
    check_file(written, mistakes, around.passwords)
    found.note(tuple(mistakes.found))
    lines = _lines_written(written, found.data)
    # A line's name says nothing of its modem: a new text without lines starts from none.
    before = around.before if lines or around.is_same else {}
    placed = place_lines([*lines.values()], around.found, before)
    made = configuration_tables(found.data, written, placed, around.under, around.passwords)
    settings = _settings(found, made)
    found.note(_of_the_office(settings, around.year, list(lines)))
    if wrong := found.wrong():
        raise wrong
    return MadeConfiguration(
        config=config_head() + tomli_w.dumps(made),
        settings=settings,
        ports=dict(placed.ports),
        waits=placed.waits,
        secrets={phone.name: str(phone.secret) for phone in written.phones if phone.secret},
        unsaid=tuple(p.name for p in written.phones if not (p.secret or p.address)),
        passwords=secrets_given(written),
        network=network_text(written.network) if written.network != CardNetwork() else "",
        hostname=host_name(written.network),
        keys=authorized_keys_text(written.ssh.keys),
        is_blank=replace(written, folders=Folders()) == CardFile(),
        notes=notes_on_file(written),
    )


def _settings(found: FileReading, made: dict[str, Any]) -> Settings:
    try:
        return read.structured(made, found.text, FILE_NAME, Settings)
    except BadConfiguration as error:
        found.note(error.mistakes)
        raise found.wrong() or error from error


def _lines_written(written: CardFile, data: Mapping[str, Any]) -> dict[int, CardLine]:
    """Return the lines by their position in the file; a table in which nothing stands is none.

    A line whose settings are all the default ones is one.
    """
    rows = enumerate(zip(written.lines, data.get("lines", []), strict=True), 1)
    return {number: line for number, (line, row) in rows if row}


def _of_the_office(settings: Settings, year: int, places_of: list[int]) -> tuple[Mistake, ...]:
    """Return the mistakes that the service's own checks find, with lines counted as in the file."""
    try:
        build_office(settings, year, FILE_NAME)
    except BadConfiguration as error:
        return tuple(_at_home(mistake, places_of) for mistake in error.mistakes)
    return ()


def _at_home(mistake: Mistake, places_of: list[int]) -> Mistake:
    """Return the mistake with the line's position in the file, which has blank tables too."""
    table, _, rest = mistake.place.partition(".")
    number, dot, key = rest.partition(".")
    if table != "lines" or not number.isdigit() or not 0 < int(number) <= len(places_of):
        return mistake
    return replace(mistake, place=f"lines.{places_of[int(number) - 1]}{dot}{key}")


# Reading the file as far as possible: all mistakes at once, and the data without them. Each round
# of corrections costs a technician a walk to the box and a restart: so a line that is not TOML is
# mended if its meaning is clear, else left out, and the rest is checked as well.

# Mistakes reported at most: a file with more is not a technician's.
MOST_MISTAKES: Final = 50
ENTRIES_LOOKED_BACK: Final = 20
"""Entries searched backwards for the start of one that does not end."""
HEADER: Final = re.compile(r"\s*\[+\s*(?P<name>[\w.]+)\s*\]*\s*(#.*)?$")
COMMENTED: Final = re.compile(r"\s*#\s*(?P<header>\[\[?\s*(?P<name>[\w.]+)\s*\]\]?)\s*(#.*)?$")
ENTRY: Final = re.compile(r"\s*(?P<key>[\w\"'-]+)\s*=")
WORD: Final = re.compile(r"\s*(?P<key>[\w-]+)")
BEGINNING: Final = re.compile(r"\s*(\[|[\w.\"'-]+\s*=)")
ASSIGNED: Final = re.compile(r"(?P<key>\s*[\w.\"'-]+\s*=\s*)(?P<value>[^#]*?)\s*(?P<rest>#.*)?$")
NAMED: Final = re.compile(r"phones\.\d+\.name")
WEEKS: Final = (("hours",), ("citizens_desk", "hours"))


@dataclass(slots=True)
class FileReading:
    """Result of reading: mended `lines`, their `data`, and all mistakes.

    `unread` are keys that were left out; `rows` maps a table with left-out rows to the positions in
    the file of the rows in `data`.
    """

    lines: list[str]
    data: dict[str, Any] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)
    rows: dict[str, list[int]] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The mended text; every line keeps its number."""
        return "\n".join(self.lines)

    def note(self, found: Iterator[Mistake] | tuple[Mistake, ...]) -> None:
        """Add mistakes, each with its place and line in the file, once; skip consequential ones."""
        for mistake in found:
            if len(self.mistakes) >= MOST_MISTAKES:
                return
            placed = read.with_line(self._in_file(mistake), self.text)
            known = {(one.place, one.text) for one in self.mistakes}
            if not self._follows(placed) and (placed.place, placed.text) not in known:
                self.mistakes.append(placed)

    def wrong(self) -> BadConfiguration | None:
        """Return the mistakes in the order of the file, None if there are none."""
        found = sorted(self.mistakes, key=lambda one: one.line)[:MOST_MISTAKES]
        return BadConfiguration(FILE_NAME, tuple(found)) if found else None

    def _in_file(self, mistake: Mistake) -> Mistake:
        """Return the mistake with its row counted as in the file."""
        table, _, rest = mistake.place.partition(".")
        number, dot, key = rest.partition(".")
        rows = self.rows.get(table)
        if rows is None or not number.isdigit() or not 0 < int(number) <= len(rows):
            return mistake
        return replace(mistake, place=f"{table}.{rows[int(number) - 1]}{dot}{key}")

    def _follows(self, mistake: Mistake) -> bool:
        """True if something is missing only because it could not be read."""
        key = mistake.place.rpartition(".")[2]
        entry = ENTRY.match(self.lines[mistake.line - 1]) if mistake.line else None
        is_unread = key in self.unread and not (entry and entry["key"] == key)
        is_missing = mistake.text.startswith("is missing")
        is_told = is_missing and any(one.place == mistake.place for one in self.mistakes)
        # The configuration's own check speaks of a password file, which the card's file has not.
        account = f"{mistake.place.rpartition('.')[0]}.password"
        is_told |= key == "user" and any(one.place == account for one in self.mistakes)
        is_renamed = key == "phones" and any(NAMED.fullmatch(one.place) for one in self.mistakes)
        return is_unread or is_told or is_renamed


def read_file(text: str) -> FileReading:
    """Read a text as TOML, mending or leaving out what is wrong."""
    found = FileReading(text.split("\n"))
    _uncomment_headers(found)
    for _unused in range(MOST_MISTAKES):
        try:
            found.data = short_form.without_lists(filled_in_file(tomllib.loads(found.text)))
            break
        except (ValueError, RecursionError) as error:
            _mend(found, error)
    return found


def structured_file(found: FileReading) -> CardFile | None:
    """Structure the data without its mistakes; None if nothing is left."""
    for table in WEEKS:
        _check_week(found, table)
    for _unused in range(MOST_MISTAKES):
        try:
            return read.structured(found.data, found.text, FILE_NAME, CardFile)
        except BadConfiguration as error:
            found.note(error.mistakes)
            if not _take_out(found, error.mistakes):
                return None
    return None


# --- what is no TOML -----------------------------------------------------------------------------


def _mend(found: FileReading, error: Exception) -> None:
    """Note the mistake of the first unreadable entry; mend it, or leave it out."""
    lines = found.lines
    at = min(line_of(error, found.text), len(lines)) - 1
    first = _first_line(lines, at)
    # An error at the end of the document means an entry that never ends: report where it begins.
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
    """Return the first line of the unreadable entry: TOML reports an error in or after it."""
    if _reads(lines[:at]):
        return at
    begins = [n for n in range(at) if BEGINNING.match(lines[n])]
    for n in reversed(begins[-ENTRIES_LOOKED_BACK:]):
        if _reads(lines[:n]):
            return n
    return begins[-1] if begins else at


def _is_within(lines: list[str], first: int, at: int) -> bool:
    """True if line `at` belongs to the entry that begins at line `first`."""
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
    """Return an entry with corrected quotes, "" if that does not help."""
    plain = line.translate({ord(q): '"' for q in QUOTES} | {ord(s): " " for s in HIDDEN_CHARACTERS})
    parts = ASSIGNED.match(plain)
    if parts is None:
        return ""
    value = parts["value"].strip().strip("\"'")
    quoted = parts["key"] + json.dumps(value, ensure_ascii=False)
    # Quoting an array or a table would make it a text.
    tries = (plain, quoted) if value and value[0] not in "[{" else (plain,)
    return next((one for one in tries if one != line and _reads([one])), "")


# --- headers -------------------------------------------------------------------------------------


def _tables() -> Mapping[str, tuple[frozenset[str], bool]]:
    """Return the entries of each table, and whether it has rows."""
    found = {}
    for name, kind in typing.get_type_hints(CardFile).items():
        inner = typing.get_args(kind)[:1]
        row = inner[0] if inner else kind
        if dataclasses.is_dataclass(row):
            found[name] = (frozenset(one.name for one in dataclasses.fields(row)), bool(inner))
    return {**found, "hours": (frozenset((*WEEKDAYS, WORKING_DAYS)), False)}


def _header(name: str) -> str:
    _, has_rows = _tables().get(name, (frozenset(), False))
    return f"[[{name}]]" if has_rows else f"[{name}]"


def _uncomment_headers(found: FileReading) -> None:
    """Uncomment a header whose entries were uncommented, and note the mistake."""
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
            # A repeated key, or one of another table, shows that these entries belong to the
            # commented header.
            if hidden >= 0 and (key in seen or key not in own):
                shut = COMMENTED.match(found.lines[hidden])
                if shut and key in tables[shut["name"]][0]:
                    table, seen = shut["name"], set()
                    found.lines[hidden] = _header(table)
                    found.mistakes.append(_commented_header(found.lines, hidden, table))
                    hidden = -1
            seen.add(key)


def _commented_header(lines: list[str], at: int, table: str) -> Mistake:
    """Return the mistake of entries under a commented header."""
    below = range(at + 1, len(lines))
    end = next(
        (n for n in below if HEADER.match(lines[n]) or COMMENTED.match(lines[n])), len(lines)
    )
    entries = (ENTRY.match(line) for line in lines[at + 1 : end])
    keys = ", ".join(f"{table}.{entry['key']}" for entry in entries if entry)
    header = _header(table)
    return Mistake(
        table,
        _(
            "the # before {header} must go too: entries of it stand below ({keys})",
            header=header,
            keys=keys,
        ),
        at + 1,
    )


# --- what is wrong in what was read --------------------------------------------------------------


def _check_week(found: FileReading, table: tuple[str, ...]) -> None:
    """Note every wrong day, not only the first, and remove it."""
    week = _inner(found.data, list(table))
    if not isinstance(week, dict):
        return
    for day, bands in list(week.items()):
        try:
            daemon_values.hours({day: bands})
        except ValueError as error:
            place = ".".join((*table, day))
            found.note((Mistake(place, reason_of(error)),))
            del week[day]


def _take_out(found: FileReading, mistakes: tuple[Mistake, ...]) -> bool:
    """Remove wrong entries from the data; a row that lacks a required entry goes as a whole."""
    rows, is_any = set[tuple[str, int]](), False
    for place in dict.fromkeys(one.place for one in mistakes):
        *steps, last = place.split(".")
        inner = _inner(found.data, steps)
        if isinstance(inner, dict) and last in inner:
            del inner[last]
            is_any = True
        elif len(steps) == 2 and steps[1].isdigit() and inner is not None:
            rows.add((steps[0], int(steps[1])))
    # From the end, so that the numbers of earlier rows stay valid.
    for table, number in sorted(rows, reverse=True):
        numbers = found.rows.setdefault(table, list(range(1, len(found.data[table]) + 1)))
        del found.data[table][number - 1], numbers[number - 1]
    return is_any or bool(rows)


def _inner(data: Any, steps: list[str]) -> Any:
    """Return the value at a place, None if there is none."""
    for step in steps:
        if isinstance(data, list):
            data = data[int(step) - 1] if step.isdigit() and 0 < int(step) <= len(data) else None
        else:
            data = data.get(step) if isinstance(data, dict) else None
    return data


# Mistakes of the file that the configuration's own checks do not find.

LEAST_SECRET: Final = 8
# Phones' web pages and SIP digests treat these alike: no space, quote or backslash.
_SECRET: Final = re.compile(r"[!#-\[\]-~]+")
_PLAIN_NAME: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,31}")
NOTHING_SAID: Final = (
    _("No hours [hours]: the office is always closed, callers leave a message."),
    _("No phone [[phones]]: voicemail alone answers."),
    _(
        "A fixed address without a gateway: the box does not get out of the "
        "office's network, so there is no time and no mail from outside."
    ),
    _("No patron saint's day (patron): the usual hours hold on that day."),
)


def check_file(written: CardFile, mistakes: Mistakes, passwords: Collection[str]) -> None:
    """Note every mistake; `passwords` are the tables for which one is kept from before."""
    check_network(written.network, mistakes)
    check_keys(written.ssh.keys, mistakes)
    _check_names("lines", [line.name for line in written.lines], mistakes)
    _check_names("phones", [phone.name for phone in written.phones], mistakes)
    for number, phone in enumerate(written.phones, 1):
        _check_secret(f"phones.{number}.secret", phone, mistakes)
    check_secrets(written, mistakes, passwords)
    if written.encryption.key not in {"", USB_STICK}:
        mistakes.note(
            "encryption.key",
            _(
                "{key!r} is no place for the key: write {stick!r}, or nothing for no encryption",
                key=written.encryption.key,
                stick=USB_STICK,
            ),
        )


def notes_on_file(written: CardFile) -> tuple[Words, ...]:
    """Return notes on what was left out, and what holds instead."""
    lacks = (
        not any(written.hours.week.days),
        not written.phones,
        is_fixed(written.network) and not written.network.gateway,
        written.site.patron == NO_PATRON,
    )
    return tuple(said for said, is_so in zip(NOTHING_SAID, lacks, strict=True) if is_so)


def notes_of_text(text: str) -> tuple[Words, ...]:
    """Return the notes on a file that is in force already, () where it cannot be read."""
    written = structured_file(read_file(text))
    return notes_on_file(written) if written else ()


def _check_names(table: str, names: list[str], mistakes: Mistakes) -> None:
    """Note invalid and repeated names."""
    # A name becomes part of file names, SIP addresses and arguments of commands.
    for number, name in enumerate(names, 1):
        place = f"{table}.{number}.name"
        if name and not _PLAIN_NAME.fullmatch(name):
            mistakes.note(
                place,
                _(
                    "{name!r} is no short name: letters without accents, figures and hyphens "
                    "(what is shown goes into label)",
                    name=name,
                ),
            )
        # Repeated names of phones are found by the configuration's own checks.
        if name and table == "lines" and names.count(name) > 1:
            mistakes.note(place, _("{name!r} stands twice", name=name))


def _check_secret(place: str, phone: CardPhone, mistakes: Mistakes) -> None:
    is_good = len(phone.secret) >= LEAST_SECRET and _SECRET.fullmatch(phone.secret)
    if phone.secret and not is_good:
        mistakes.note(
            place,
            _(
                "takes {least} signs at least: letters without accents, figures, "
                "punctuation; or nothing, and the box makes the password",
                least=LEAST_SECRET,
            ),
        )


# The configuration's tables: the technician's, with defaults for the rest.

TomlTable = dict[str, Any]

NOT_FOR_CALL_CONTROL: Final = frozenset({"network", "ssh", "encryption"})
NO_NAME: Final = "Centralino"


def configuration_tables(
    data: TomlTable,
    written: CardFile,
    placed: PlacedLines,
    under: Mapping[str, Any],
    passwords: Collection[str],
) -> TomlTable:
    """Return a configuration's tables from the file's `data`, over the defaults `under`.

    `passwords` are the tables with a stored password.
    """
    made = _over(under, {k: v for k, v in data.items() if k not in NOT_FOR_CALL_CONTROL})
    made["site"] = {"name": NO_NAME, "patron": "01-01", **made.get("site", {})}
    made["sip"] = {"address": EVERY_ADDRESS, **made.get("sip", {})}
    made.setdefault("hours", {})
    made["lines"] = _lines(data.get("lines", []), placed)
    made["phones"] = [_without(phone, "secret") for phone in data.get("phones", [])]
    if written.phones:
        made.setdefault("switchboard", {"phones": [phone.name for phone in written.phones]})
    if name := host_name(written.network):
        made["console"] = {"names": [f"{name}.local"], **made.get("console", {})}
    return lay_secrets_down(made, written, passwords)


def _over(under: Mapping[str, Any], data: TomlTable) -> TomlTable:
    """Return the tables `under` overlaid by `data`, key by key."""
    made = {key: dict(table) for key, table in under.items()}
    for key, value in data.items():
        made[key] = {**made.get(key, {}), **value} if isinstance(value, dict) else value
    return made


def _lines(rows: list[TomlTable], placed: PlacedLines) -> list[TomlTable]:
    """Return each line with its name and port; without lines, one for each modem."""
    kept = [row for row in rows if row] or [{} for _ in placed.ports]
    named = zip(kept, placed.ports, strict=True)
    return [{**row, "name": name, "port": port} for row, (name, port) in named]


def _without(table: TomlTable, key: str) -> TomlTable:
    return {name: value for name, value in table.items() if name != key}
