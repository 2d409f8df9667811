"""Reading centralino.toml into frozen settings: all mistakes at once, with place and remedy."""

from __future__ import annotations

import difflib
import errno
import functools
import hashlib
import logging
import os
import re
import stat
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, get_args, get_origin, get_type_hints

import cattrs
from cattrs.errors import (
    AttributeValidationNote,
    ClassValidationError,
    ForbiddenExtraKeysError,
    IterableValidationError,
    IterableValidationNote,
)

from appliance.config import line_ports, schema, short_form, values
from appliance.config.backups_file import BackupsFile, checked_backups, overlay_backups
from appliance.config.phones import with_entered
from appliance.config.schema import ManagedSchedule
from appliance.config.state_folder import (
    BACKUPS,
    SCHEDULE,
    backups_in_force,
    schedule_in_force,
)
from appliance.config.values import (
    BadConfiguration,
    Mistake,
    OnOff,
    Pause,
    Proven,
    SaidValueError,
    Seconds,
    reason_of,
)
from appliance.errors import ConfigurationError
from appliance.policy.text import os_error_words, words_of
from appliance.text import Words, _

if TYPE_CHECKING:
    from collections.abc import Mapping

# A modem's profile (`line field-test --profile`) is laid under its line's table: the table's
# values win, and what neither sets has its default.


@dataclass(frozen=True, slots=True)
class MeasuredModem:
    """The measured modem, in its own words."""

    maker: str = ""
    identity: str = ""
    firmware: str = ""


@dataclass(frozen=True, slots=True)
class MeasurementSource:
    """Time, place and tester of the measurement."""

    at: str
    site: str = ""
    tester: str = ""
    set_up: str = ""


@dataclass(frozen=True, slots=True)
class Use:
    """Values for a line: keys of [[lines]], all optional."""

    dialect: str = ""
    caller_id: str = ""
    identity_limit: Seconds = Seconds(0.0)
    receive_gain: int = 0
    transmit_gain: int = 0
    echo: OnOff = OnOff(False)
    duplex: Proven = Proven("auto")
    voltage: Proven = Proven("auto")
    flash: Seconds = Seconds(0.0)
    pbx_pause: Pause = Pause(0.0)
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile's file; `answers` and `open` are for people alone."""

    device: MeasuredModem
    measured: MeasurementSource
    use: Use
    answers: dict[str, str]
    open: tuple[str, ...] = ()


def kept_name(profile: str) -> str:
    """Return the file name of a profile's copy for the last good configuration."""
    return hashlib.sha256(profile.encode("utf-8", "surrogateescape")).hexdigest()[:16] + ".toml"


def named(data: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield the tables of lines with a profile; raises SaidValueError for a relative path."""
    lines = data.get("lines")
    for line in lines if isinstance(lines, list) else ():
        profile = line.get("profile") if isinstance(line, dict) else None
        if not isinstance(profile, str) or not profile:
            # A value of another type is reported later, with all other mistakes.
            continue
        if not Path(profile).is_absolute():
            raise SaidValueError(
                _("{profile!r}: a profile is written with its whole path, from /", profile=profile),
            )
        yield line, profile


def laid_under(data: dict[str, Any], use_of: Callable[[str], Mapping[str, Any]]) -> dict[str, Any]:
    """Lay each line's profile, read by `use_of`, under its table; return the tables."""
    for line, profile in named(data):
        line |= {**use_of(profile), **line}
    return data


# Syntax mistakes. tomllib stops at the first one and says in English what its grammar expected.
# Here each kind of slip has a sentence of its own, and where it is clear what the line should have
# been, parsing goes on with that, so that all mistakes are reported at once.

# Syntax mistakes listed for one file.
MOST: Final = 20
QUOTES: Final = "\u201c\u201d\u201e\u201f\u00ab\u00bb\u2018\u2019\u201a\u2033\u00b4`"
HIDDEN_CHARACTERS: Final = "\u00a0\u2007\u202f\u200b\u200c\u200d\u2060\ufeff"
_AT: Final = re.compile(r"\(at line (\d+), column (\d+)\)")
_STRING: Final = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'")
_KEY: Final = re.compile(r"\s*([\w.\-]+|\"[^\"]*\")\s*=\s*(.*?)\s*$", re.ASCII)
_HEADER: Final = re.compile(r"\s*(\[\[?)\s*([\w.\-]+)", re.ASCII)
_REMARK: Final = re.compile(r"\s*(?://|;|--|\*|/\*|%)")
_COLON: Final = re.compile(r"\s*([\w.\-]+)\s*:\s*(.*?)\s*$", re.ASCII)
_NO_SIGN: Final = re.compile(r"\s*([\w.\-]+)\s*([\"'\[{].*)$", re.ASCII)
DAMAGED_TEXT: Final = _("is no text, or damaged: copy the delivered file again")
ARRAYS: Final = frozenset((
    "lines", "phones", "closures", "openings", "periods",
    "services", "declarations", "authorisations", "variations",
))  # fmt: skip
"""Names of arrays of tables."""
_BEGINS: Final = frozenset("\"'[{0123456789")
"""First characters of a list's entry."""
_DECIMAL: Final = re.compile(r"[+-]?\d+,\d+")
_YES_NO: Final = frozenset((
    "true", "false", "si", "sì", "no", "vero", "falso", "ja", "nein", "yes", "on", "off",
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Slip:
    """A syntax mistake: its line, its sentence, and the line that was meant, None if unknown."""

    line: int
    words: Words
    meant: str | None = None


@dataclass(frozen=True, slots=True)
class _Error:
    """tomllib's error: its text, and its place."""

    said: str
    line: int
    column: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The line of the error, "" if it is beyond the file."""
        return self.lines[self.line - 1] if 0 < self.line <= len(self.lines) else ""

    @property
    def bare(self) -> str:
        """That line without its strings' contents and without a comment."""
        return _STRING.sub('""', self.text).split("#")[0]

    @property
    def key(self) -> str:
        """The name before the line's =, "" without one."""
        found = _KEY.match(self.text)
        return found[1] if found else ""

    @property
    def value(self) -> str:
        """The value after the line's =, without a comment."""
        found = _KEY.match(self.text.split("#")[0])
        return found[2] if found else ""


def mistakes_in(text: str, error: Exception) -> tuple[Mistake, ...]:
    """Return the mistakes of a text that tomllib refused with `error`, at most MOST."""
    found: list[Mistake] = []
    lines = text.splitlines()
    while len(found) < MOST:
        slip = _slip(_met(error, lines))
        found.append(_mistake(slip.line, slip.words))
        if slip.meant is None or not 0 < slip.line <= len(lines):
            break
        lines[slip.line - 1] = slip.meant
        try:
            tomllib.loads("\n".join(lines))
            break
        except (ValueError, RecursionError) as following:
            if line_of(following, "\n".join(lines)) <= slip.line:
                # The replaced line does not help: nothing after it is certain.
                break
            error = following
    return tuple(found)


def explained(text: str, error: Exception, line: int) -> Mistake:
    """Return the mistake at the error, placed at `line`, where its entry begins."""
    slip = _slip(_met(error, text.splitlines()))
    return _mistake(slip.line and line, slip.words)


def line_of(error: Exception, text: str) -> int:
    """Return the line in which tomllib stopped reading."""
    # Its error at the end of the file has no line: it is the last one.
    found = _AT.search(str(error))
    return int(found[1]) if found else max(1, len(text.splitlines()))


def _mistake(line: int, words: Words) -> Mistake:
    return Mistake("the file", words, line)


def _met(error: Exception, lines: list[str]) -> _Error:
    found = _AT.search(str(error))
    line, column = line_of(error, "\n".join(lines)), int(found[2]) if found else 0
    return _Error(_AT.sub("", str(error)).strip(), line, column, tuple(lines))


def _slip(error: _Error) -> Slip:
    """Return the slip by the first rule that matches."""
    if any("\0" in line for line in error.lines):
        return Slip(0, DAMAGED_TEXT)
    for rule in RULES:
        if (slip := rule(error)) is not None:
            return slip
    return Slip(
        error.line,
        _(
            'is not TOML ({split}): write each entry as name = "value", each list between [ and ]',
            split=error.said.split(" (")[0],
        ),
    )


def _odd_quotes(error: _Error) -> Slip | None:
    if not any(quote in error.bare for quote in QUOTES):
        return None
    return Slip(
        error.line,
        _('the quotes are those of a word processor: type straight ones, "like this"'),
        "",
    )


def _hidden_spaces(error: _Error) -> Slip | None:
    if not any(sign in error.bare for sign in HIDDEN_CHARACTERS):
        return None
    return Slip(
        error.line,
        _("it holds special spaces that cannot be seen: delete the line and type it again"),
        "",
    )


def _control_signs(error: _Error) -> Slip | None:
    if not error.said.startswith("Illegal character") or r"'\n'" in error.said:
        return None
    return Slip(
        error.line,
        _("it holds a character that cannot be seen: delete the line and type it again"),
        "",
    )


def _remark(error: _Error) -> Slip | None:
    if not _REMARK.match(error.text):
        return None
    return Slip(
        error.line,
        _("a remark begins with #"),
        "",
    )


def _twice(error: _Error) -> Slip | None:
    if not re.search(r"overwrite|twice|[Dd]uplicate|redefine|mutate", error.said):
        return None
    header = _HEADER.match(error.text)
    if header and not error.key:
        return Slip(error.line, _table_twice(header[2], _first_header(error, header[2])))
    return Slip(
        error.line,
        _(
            "the entry {key} is written twice: leave one of them",
            key=error.key or _("of this line"),
        ),
        "",
    )


def _table_twice(name: str, first: int) -> Words:
    if name in ARRAYS:
        return _(
            "the table {name} is there already in line {first}: if there are several, "
            "each begins with [[{name}]], the first one too",
            name=name,
            first=first,
        )
    return _(
        "the table {name} is there already in line {first}: write these entries there, too",
        name=name,
        first=first,
    )


def _first_header(error: _Error, name: str) -> int:
    """Return the line of a table's first header."""
    headers = enumerate(map(_HEADER.match, error.lines[: error.line]), 1)
    return next((number for number, header in headers if header and header[2] == name), error.line)


def _header(error: _Error) -> Slip | None:
    header = _HEADER.match(error.text)
    if header is None or error.key:
        return None
    begins, name = header[1], header[2]
    right = f"{begins}{name}{']' * len(begins)}"
    if "declaration" in error.said or "key part" in error.said:
        words = _("the header is written {right}", right=right)
    elif "after a statement" in error.said:
        words = _(
            "nothing stands behind {right}: begin a new line, or put # before a remark",
            right=right,
        )
    else:
        return None
    return Slip(error.line, words, right)


def _no_equals(error: _Error) -> Slip | None:
    if not error.said.startswith("Expected '='"):
        return None
    if colon := _COLON.match(error.text):
        words = _("= stands behind {key}, no colon: {key} = …", key=colon[1])
    elif sign := _NO_SIGN.match(error.text):
        words = _("= is missing behind {key}", key=sign[1])
    elif "=" in error.bare:
        words = _("the name before = is one word, without spaces or accents")
    else:
        words = _('= is missing: an entry is written name = "value", a remark begins with #')
    return Slip(error.line, words, "")


def _open_quote(error: _Error) -> Slip | None:
    for triple in ('"""', "'''"):
        if error.said.startswith(("Unterminated", "Expected")) and triple in "\n".join(error.lines):
            at = max(n for n, line in enumerate(error.lines, 1) if triple in line)
            return Slip(
                at,
                _("the text between {triple} and {triple} has no end: close it", triple=triple),
            )
    bare = error.bare
    if "after a statement" in error.said:
        return None
    quote = next((quote for quote in "\"'" if bare.replace('""', "").count(quote) % 2), "")
    if not quote or "=" not in bare:
        return None
    begins = bare.partition("=")[2].lstrip(" \t[{").startswith(quote)
    words = (
        _("a quote is missing ({quote}) at the end of the text", quote=quote)
        if begins
        else _("a quote is missing ({quote}) before the text", quote=quote)
    )
    return Slip(error.line, words, "")


def _back_stroke(error: _Error) -> Slip | None:
    if "\\" not in error.text or not re.search(r"Unescaped|hex value|Unicode scalar", error.said):
        return None
    return Slip(
        error.line,
        _("between quotes a backslash is written twice: \\\\"),
        "",
    )


def _open_list(error: _Error) -> Slip | None:
    first = _opening(error, "[", "]")
    # The error is at the file's end, or in a line after the list.
    is_over = not error.column or first != error.line
    if not error.said.startswith("Unclosed array") and not (
        first and is_over and error.said.startswith("Invalid value")
    ):
        return None
    behind = error.text[error.column - 1 :] if error.column else ""
    is_entry = bool(error.key) or bool(_HEADER.match(error.text))
    if behind[:1] in _BEGINS and (first in {0, error.line} or not is_entry):
        words = _("a comma is missing between two entries of the list")
        return Slip(error.line, words)
    return Slip(
        first or error.line,
        _("the list that begins here is not closed: ] is missing"),
    )


def _open_table(error: _Error) -> Slip | None:
    if not error.said.startswith("Unclosed inline table"):
        return None
    return Slip(
        _opening(error, "{", "}") or error.line,
        _("what stands between { and } is on one line, with commas between its entries"),
    )


def _opening(error: _Error, opens: str, closes: str) -> int:
    """Return the line of a bracket that is still open at an error, 0 for none."""
    for number in range(min(error.line, len(error.lines)), 0, -1):
        line = _STRING.sub('""', error.lines[number - 1]).split("#")[0]
        if line.count(opens) > line.count(closes) and not _is_header(line):
            return number
    return 0


def _is_header(line: str) -> bool:
    return "=" not in line and bool(_HEADER.match(line))


def _no_value(error: _Error) -> Slip | None:
    if not error.key or error.value:
        return None
    return Slip(
        error.line,
        _(
            "the value is missing behind {key} =; delete the line if it is not needed",
            key=error.key,
        ),
        "",
    )


def _yes_or_no(error: _Error) -> Slip | None:
    if error.value.lower() not in _YES_NO:
        return None
    return Slip(
        error.line,
        _("yes and no are written true and false, in small letters: {key} = true", key=error.key),
        "",
    )


def _round_brackets(error: _Error) -> Slip | None:
    if not error.value.startswith("("):
        return None
    return Slip(
        error.line,
        _("a list stands in square brackets: {key} = [ … ]", key=error.key),
        "",
    )


def _decimal_comma(error: _Error) -> Slip | None:
    if not _DECIMAL.fullmatch(error.value):
        return None
    right = error.value.replace(",", ".")
    return Slip(
        error.line,
        _("decimals are written with a point: {key} = {right}", key=error.key, right=right),
        "",
    )


def _no_quotes(error: _Error) -> Slip | None:
    value = error.value
    if not value or value[0] in "\"'[{":
        return None
    return Slip(
        error.line,
        _(
            "text after = stands in quotes, telephone numbers, times and addresses "
            'too: {key} = "…"',
            key=error.key,
        ),
        "",
    )


def _behind_value(error: _Error) -> Slip | None:
    if "after a statement" not in error.said or not error.key:
        return None
    behind = error.text[error.column - 1 :].strip() if error.column else ""
    if behind in {",", ";"}:
        words = _("take {sign} away from the end of the line", sign=behind)
    elif behind.startswith("]"):
        words = _("[ is missing at the beginning of the list")
    elif error.value.startswith("'") and error.value.count("'") > 2:
        words = _('the apostrophe ends the text: use straight double quotes, "like this"')
    elif error.value.startswith('"') and error.value.count('"') > 2:
        words = _("the text ends at its second quote: use ' or « and » within it")
    else:
        words = _("nothing stands behind the value: delete it, or put # before a remark")
    return Slip(error.line, words, "")


# Rules in the order of trial: what is seen in the line itself before what follows from it.
RULES: Final[tuple[Callable[[_Error], Slip | None], ...]] = (
    _odd_quotes, _hidden_spaces, _remark, _twice, _header, _open_quote, _open_list, _open_table,
    _control_signs, _back_stroke, _no_equals, _no_value, _yes_or_no, _round_brackets,
    _decimal_comma, _no_quotes, _behind_value,
)  # fmt: skip


# Values: the ONLY cattrs import of call control. A configuration error never ends the service: the
# caller keeps the last good one (design/failures.md, What must hold when things fail).

log = logging.getLogger(__name__)
T = TypeVar("T")
NOT_UTF8 = _("it is not UTF-8 text")
NO_LIST = _("a list stands in square brackets: {key} = [ … ]")
NO_ROWS = _("is a list of tables: each begins with [[{key}]]")
NO_TEXTS = _('must be a list: {key} = ["…", "…"], or [[{key}]] for each')
_LANGUAGES = re.compile(r"^\s*languages\s*=\s*\[\s*[\"'](\w+)", re.MULTILINE)
# Bytes: a hundred times what an office writes. A file without an end (a device) stops here.
LARGEST = 1_000_000


def load(path: Path, kept: Path | None = None) -> schema.Settings:
    """Read and check a file with its lines' profiles; raises BadConfiguration.

    `kept` is the folder of the profiles' copies, for the last good configuration. Phones entered
    in the console are laid over the file's.
    """
    return with_entered(load_written(path, kept))


def load_written(path: Path, kept: Path | None = None) -> schema.Settings:
    """Read and check a file as `load`, without the phones entered in the console.

    If it names the head office's certificate, the head office's schedule is laid over it, and its
    backup target is taken where the file has none.
    """
    return with_backups(with_schedule(load_own(path, kept)))


def with_schedule(own: schema.Settings) -> schema.Settings:
    """Return the configuration with the head office's schedule laid over it, if it has one."""
    text = schedule_in_force(Path(own.folders.state)) if own.central.certificate else ""
    if not text:
        return own
    try:
        return overlay_schedule(own, structure(text, SCHEDULE, ManagedSchedule))
    except BadConfiguration as error:
        # It was checked before it came into force, so the file is damaged: the own week holds.
        log.error("%s", error)
        return own


def with_backups(own: schema.Settings) -> schema.Settings:
    """Return the configuration with the head office's backup target, unless it has its own."""
    central = own.central
    if not central.certificate or not central.branch or own.backup.target:
        return own
    if not (text := backups_in_force(Path(own.folders.state))):
        return own
    try:
        given = checked_backups(structure(text, BACKUPS, BackupsFile).backups, BACKUPS)
    except BadConfiguration as error:
        # It was checked before it came into force, so the file is damaged.
        log.error("%s", error)
        return own
    return overlay_backups(own, given)


def load_own(path: Path, kept: Path | None = None) -> schema.Settings:
    """Read and check a file as `load`, without console and head office."""
    return own_of(read_text(path), str(path), kept)


def own_of(text: str, name: str, kept: Path | None = None) -> schema.Settings:
    """Check a file's text as `load_own` does; raises BadConfiguration."""

    def prepare(data: dict[str, Any]) -> dict[str, Any]:
        try:
            data = short_form.without_lists(data)
            laid_under(data, lambda profile: _use_of(profile, kept))
        except values.SaidValueError as error:
            raise BadConfiguration(name, (Mistake("lines.profile", error.words),)) from error
        if wrong := tuple(with_line(mistake, text) for mistake in read_bundles(data, kept)):
            raise BadConfiguration(name, wrong)
        return _with_ports(data)

    return structure(text, name, schema.Settings, prepare)


def _with_ports(data: dict[str, Any]) -> dict[str, Any]:
    """Return the tables in the long form, with a port for each line that leaves its own out."""
    return line_ports.with_ports(short_form.written_out(data), state_folder(data))


def long_form(data: dict[str, Any]) -> dict[str, Any]:
    """Return parsed tables in the long form, without the files that lines name."""
    tables = short_form.without_lists(data)
    lines = tables.get("lines")
    for line in lines if isinstance(lines, list) else ():
        for key in ("profile", "bundle"):
            if isinstance(line, dict) and isinstance(line.get(key), str):
                del line[key]
    return _with_ports(tables)


def ports_given(path: Path, settings: schema.Settings) -> dict[str, str]:
    """Return the ports of the lines that leave their own out; not of those without a modem."""
    rows = short_form.written_out(tomllib.loads(read_text(path))).get("lines", [])
    left_out = {row["name"] for row in rows if not row.get("port")}
    return {
        line.name: line.port
        for line in settings.lines
        if line.name in left_out and not line_ports.is_nowhere(line.port)
    }


def state_folder(data: Mapping[str, Any]) -> Path:
    """Return the state folder that a file's tables name, else the service's own."""
    # Also of a file with mistakes: what was kept there must be found.
    folders = data.get("folders")
    named = folders.get("state") if isinstance(folders, dict) else None
    return Path(str(named or os.environ.get("STATE_DIRECTORY", schema.Folders().state)))


def _use_of(profile: str, kept: Path | None) -> dict[str, Any]:
    """Return a profile's values as written; raises BadConfiguration."""
    text = read_text(kept / kept_name(profile) if kept else Path(profile))
    structure(text, profile, Profile)
    use: dict[str, Any] = tomllib.loads(text)["use"]
    return use


def read_bundles(data: Mapping[str, Any], kept: Path | None) -> list[Mistake]:
    """Read the modems' bundles that lines name, into their tables; return the mistakes.

    `kept` is the folder of their copies, for the last good configuration.
    """
    mistakes = []
    lines = data.get("lines")
    for number, line in enumerate(lines if isinstance(lines, list) else (), 1):
        path = line.get("bundle") if isinstance(line, dict) else None
        # A value of another type is reported later, with all other mistakes.
        if isinstance(path, str) and path:
            try:
                line["bundle"] = _bundle_of(path, kept)
            except values.SaidValueError as error:
                mistakes.append(Mistake(f"lines.{number}.bundle", error.words))
    return mistakes


def _bundle_of(path: str, kept: Path | None) -> values.BundleFile:
    # Imported here: most boxes have no bundle.
    from appliance.modem.bundle import from_bytes, packed_text

    if not Path(path).is_absolute():
        raise values.SaidValueError(
            _("{path!r}: a bundle is written with its whole path, from /", path=path)
        )
    try:
        bundle = from_bytes(_contents(kept / kept_name(path) if kept else Path(path)))
        packed_text(bundle)
    except ConfigurationError as error:
        raise values.SaidValueError(
            _("{path} cannot be used, {why}: make it with centralino line bundle, or take this "
              "key out", path=path, why=words_of(error))
        ) from error  # fmt: skip
    except OSError as error:
        raise values.SaidValueError(
            _("{path} cannot be read, {why}: put the bundle there, or take this key out",
              path=path, why=os_error_words(error))
        ) from error  # fmt: skip
    return values.BundleFile(path, bundle)


def read_text(path: Path) -> str:
    """Read a text file; raises BadConfiguration."""
    try:
        return _contents(path).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = NOT_UTF8 if isinstance(error, UnicodeDecodeError) else os_error_words(error)
        wrong = Mistake("the file", _("cannot be read: {reason}", reason=why))
        raise BadConfiguration(str(path), (wrong,)) from error


def _contents(path: Path) -> bytes:
    """Read a file of LARGEST bytes at most; raises OSError."""
    # Whatever lies in the file's place (a folder, a pipe, a device) is an ordinary mistake.
    with open(path, "rb", opener=_at_once) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is no ordinary file")
        contents = file.read(LARGEST + 1)
    if len(contents) > LARGEST:
        raise OSError(errno.EFBIG, f"it is larger than {LARGEST} bytes")
    return contents


def language_in(path: Path) -> str:
    """Return a file's first language, or the default's; "" for a file that cannot be read."""
    # By a pattern, not as TOML: it must work whatever else is wrong with the file.
    try:
        found = _LANGUAGES.search(read_text(path))
    except BadConfiguration:
        return ""
    # As schema.Site has it where the file says nothing.
    return found[1] if found else "it"


def _at_once(path: str, flags: int) -> int:
    """Open without blocking: a pipe of that name would wait for a writer."""
    return os.open(path, flags | os.O_NONBLOCK)


def parse(text: str, name: str = "centralino.toml") -> schema.Settings:
    """Parse a configuration's text; raises BadConfiguration."""
    return structure(text, name, schema.Settings)


def structure(
    text: str,
    name: str,
    kind: type[T],
    prepare: Callable[[dict[str, Any]], dict[str, Any]] = dict,
) -> T:
    """Parse TOML text into frozen values of `kind`; raises BadConfiguration with every mistake.

    `prepare` changes the parsed tables before they are checked.
    """
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        # Also for numbers of too many digits and brackets nested too deep.
        raise BadConfiguration(name, mistakes_in(text, error)) from error
    return structured(prepare(data), text, name, kind)


def structured(data: object, text: str, name: str, kind: type[T]) -> T:
    """Convert parsed data to frozen values of `kind`; raises BadConfiguration with every mistake.

    `text` is the source, in which each mistake's line is found.
    """
    if kind is schema.Settings and isinstance(data, dict):
        data = short_form.written_out(data)
    mistakes: list[Mistake] = []
    data = _with_lists(data, kind, (), mistakes)
    cause: ClassValidationError | None = None
    try:
        made = _converter().structure(data, kind)
    except ClassValidationError as error:
        mistakes += _mistakes(error, (), kind)
        cause = error
    if mistakes:
        raise BadConfiguration(name, tuple(with_line(m, text) for m in mistakes)) from cause
    return made


def _with_lists(data: Any, kind: Any, place: tuple[str, ...], mistakes: list[Mistake]) -> Any:
    """Return the tables without what must be a list and is none, which is noted."""
    # cattrs takes any iterable for a tuple: a text would be read letter by letter.
    if not isinstance(data, dict) or not isinstance(kind, type) or not is_dataclass(kind):
        return data
    made = dict(data)
    for name, (is_list, inner) in _shape(kind).items():
        if name not in made:
            continue
        value, here = made[name], (*place, name)
        if not is_list:
            made[name] = _with_lists(value, inner, here, mistakes)
        elif isinstance(value, list):
            made[name] = [
                _with_lists(one, inner, (*here, str(number)), mistakes)
                for number, one in enumerate(value, 1)
            ]
        else:
            del made[name]
            said = NO_ROWS if is_dataclass(inner) else NO_LIST
            said = NO_TEXTS if name in short_form.ROWS and not place else said
            mistakes.append(Mistake(_dotted(here), said.filled(key=name)))
    return made


@functools.cache
def _shape(kind: type) -> dict[str, tuple[bool, Any]]:
    """Return the lists and tables among a table's keys, each with the type that it holds."""
    found = {}
    for name, hint in get_type_hints(kind).items():
        held = [one for one in get_args(hint) if one not in {type(None), Ellipsis}]
        inner = held[0] if held else hint
        if get_origin(hint) is tuple or is_dataclass(inner):
            found[name] = (get_origin(hint) is tuple, inner)
    return found


@functools.cache
def _converter() -> cattrs.Converter:
    # An unknown key is a mistake: a misspelt one would else be ignored without a word.
    converter = cattrs.Converter(forbid_extra_keys=True)
    for kind, hook in {
        str: values.text,
        int: values.whole,
        values.Seconds: values.seconds,
        values.LongSeconds: values.long_seconds,
        values.OnOff: values.on_off,
        values.Pause: values.pause,
        values.Proven: values.proven,
        values.MonthDay: values.month_day,
        values.Moment: values.moment,
        values.Instant: values.instant,
        values.Hours: values.hours,
        values.Bands: values.bands,
        values.Hidden: values.hidden,
        values.BundleFile: values.bundle_file,
        values.PortRange: values.port_range,
        date: values.day,
    }.items():
        converter.register_structure_hook(kind, hook)
    return converter


def _mistakes(error: Exception, place: tuple[str, ...], cls: Any) -> Iterator[Mistake]:
    if isinstance(error, ClassValidationError | IterableValidationError):
        for inner in error.exceptions:
            step, kind = _step(inner, cls)
            yield from _mistakes(inner, (*place, *step), kind)
    elif isinstance(error, ForbiddenExtraKeysError):
        for key in sorted(error.extra_fields):
            close, known = _like(key, error.cl)
            said = (
                _("unknown key. Did you mean {close!r}?", close=close)
                if close
                else _("unknown key. Known here: {known}.", known=known)
            )
            yield Mistake(_dotted((*place, key)), said)
    elif isinstance(error, KeyError):
        yield Mistake(_dotted(place), _("is missing; it must be set"))
    elif isinstance(error, ValueError):
        yield Mistake(_dotted(place), reason_of(error))
    else:
        yield Mistake(_dotted(place), _("has the wrong shape ({error})", error=error))


def _step(error: BaseException, cls: Any) -> tuple[tuple[str, ...], Any]:
    """Return one step of a mistake's place, attribute or index from 1, and its type."""
    for note in getattr(error, "__notes__", ()):
        if isinstance(note, AttributeValidationNote):
            return (note.name,), note.type
        if isinstance(note, IterableValidationNote):
            return (str(int(note.index) + 1),), note.type
    return (), cls


def _dotted(place: tuple[str, ...]) -> str:
    return ".".join(place) or "the file"


def _like(key: str, cls: Any) -> tuple[str, str]:
    """Return the known key most like a wrong one, "" for none, and all known keys."""
    known = [field.name for field in fields(cls)] if is_dataclass(cls) else []
    close = difflib.get_close_matches(key, known, n=1)
    return (close[0] if close else ""), ", ".join(known)


def with_line(mistake: Mistake, text: str) -> Mistake:
    """Return a mistake with its line: its table's header, or its key within the table."""
    steps, lines = mistake.place.split("."), text.splitlines()
    # A place that ends in a number is a whole table of an array, without a key.
    *tables, key = [*steps, ""] if steps[-1].isdigit() else steps
    start = _table_start(lines, tables)
    for number in range(max(start, 0), len(lines)):
        if number > start and lines[number].lstrip().startswith("["):
            break
        if key and re.match(rf"\s*\"?{re.escape(key)}\"?\s*=", lines[number]):
            return replace(mistake, line=number + 1)
    if start < 0:
        # The place is a whole table: what looks like its key is the table's name.
        start = _table_start(lines, [*tables, key])
    if start < 0:
        # Lines or phones as a list.
        listed = re.compile(rf"\s*{re.escape(steps[0])}\s*=")
        start = next((number for number, line in enumerate(lines) if listed.match(line)), -1)
    return replace(mistake, line=start + 1)


def _table_start(lines: list[str], tables: list[str]) -> int:
    """Return the index of a table's header line, or of its nearest parent's; -1 for none."""
    position, name = -1, ""
    for step, following in pairwise([*tables, ""]):
        if step.isdigit():
            continue
        name = f"{name}.{step}".lstrip(".")
        nth = int(following) if following.isdigit() else 1
        header = re.compile(rf"\s*\[\[?\s*{re.escape(name)}\s*\]\]?\s*(#.*)?$")
        found = [n for n, line in enumerate(lines) if n >= position and header.match(line)]
        if len(found) < nth:
            break
        position = found[nth - 1]
    return position


def overlay_schedule(settings: schema.Settings, given: ManagedSchedule) -> schema.Settings:
    """Return the configuration with the head office's schedule laid over it."""
    # Its weeks replace the file's; its closures, openings and periods are added to the branch's.
    # If two openings or periods concern one day, the branch's holds: of a schedule's entries the
    # last one counts (policy/hours.py), so the branch's come last.
    counter = settings.citizens_desk
    if given.citizens_desk is not None:
        counter = replace(counter, hours=given.citizens_desk.hours)
    return replace(
        settings,
        hours=settings.hours if given.hours is None else given.hours,
        citizens_desk=counter,
        closures=(*settings.closures, *given.closures),
        openings=(*given.openings, *settings.openings),
        periods=(*given.periods, *settings.periods),
    )
