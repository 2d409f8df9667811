"""Reads centralino.toml into frozen values; all mistakes at once, each with place and remedy.

The ONLY cattrs import of the desk. A configuration error never makes the daemon exit: the caller
keeps the last good one (architecture.md, What must hold when things fail).
"""

from __future__ import annotations

import difflib
import errno
import functools
import logging
import os
import re
import stat
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import cattrs
from cattrs.errors import (
    AttributeValidationNote,
    ClassValidationError,
    ForbiddenExtraKeysError,
    IterableValidationError,
    IterableValidationNote,
)

from appliance.daemon import profile_file, settings, values
from appliance.daemon.central_place import SCHEDULE, schedule_in_force
from appliance.daemon.central_schedule import Schedule, laid_over
from appliance.daemon.mistakes import BadConfiguration, Mistake, italian_of
from appliance.daemon.phones_entered import with_entered
from appliance.daemon.toml_mistakes import mistakes_in
from appliance.policy.supervision import why_not
from appliance.policy.text import Words

log = logging.getLogger(__name__)

T = TypeVar("T")
NO_TEXT = Words("non è un testo UTF-8", "it is not UTF-8 text")

_LANGUAGES = re.compile(r"^\s*languages\s*=\s*\[\s*[\"'](\w+)", re.MULTILINE)
LARGEST = 1_000_000
"""Bytes: a hundred times what an office writes."""


def load(path: Path, kept: Path | None = None) -> settings.Settings:
    """Read and check a file with the profiles that its lines name; raises BadConfiguration.

    `kept` is the folder with the profiles' copies, for the last good configuration. The phones
    that were entered in the console are laid over.
    """
    return with_entered(load_written(path, kept))


def load_written(path: Path, kept: Path | None = None) -> settings.Settings:
    """Read and check a file as `load` does, without what was entered in the console.

    Where it names who signs for the head office, the schedule in force of that is laid over.
    """
    own = load_own(path, kept)
    text = schedule_in_force(Path(own.folders.state)) if own.central.certificate else ""
    if not text:
        return own
    try:
        return laid_over(own, structure(text, SCHEDULE, Schedule))
    except BadConfiguration as error:  # checked before it came into force: the file is damaged
        log.error("%s", error)
        return own


def load_own(path: Path, kept: Path | None = None) -> settings.Settings:
    """Read and check a file as `load` does, without the head office's settings."""
    name, text = str(path), text_of(path)

    def prepare(data: dict[str, Any]) -> dict[str, Any]:
        try:
            return profile_file.laid_under(data, lambda profile: _use_of(profile, kept))
        except values.SaidValueError as error:
            wrong = Mistake("lines.profile", str(error), it=error.it)
            raise BadConfiguration(name, (wrong,)) from error

    return structure(text, name, settings.Settings, prepare)


def _use_of(profile: str, kept: Path | None) -> dict[str, Any]:
    """Read what a profile says of a line, as it is written; raises BadConfiguration."""
    text = text_of(kept / profile_file.kept_name(profile) if kept else Path(profile))
    structure(text, profile, profile_file.Profile)
    use: dict[str, Any] = tomllib.loads(text)["use"]
    return use


def text_of(path: Path) -> str:
    """Read a file's text; raises BadConfiguration, also for what is no file or has no end."""
    try:
        with open(path, "rb", opener=_at_once) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise OSError(errno.EINVAL, "it is no ordinary file")
            contents = file.read(LARGEST + 1)
        if len(contents) > LARGEST:
            raise OSError(errno.EFBIG, f"it is larger than {LARGEST} bytes")
        return contents.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = NO_TEXT if isinstance(error, UnicodeDecodeError) else why_not(error)
        wrong = Mistake("the file", f"cannot be read: {why.en}", it=f"non si legge: {why.it}")
        raise BadConfiguration(str(path), (wrong,)) from error


def language_in(path: Path) -> str:
    """Say which language a file names first, whatever else is wrong with it; "it" for none."""
    try:
        found = _LANGUAGES.search(text_of(path))
    except BadConfiguration:
        return "it"
    return found[1] if found else "it"


def _at_once(path: str, flags: int) -> int:
    """Open without waiting for whoever would write into a pipe of that name."""
    return os.open(path, flags | os.O_NONBLOCK)


def parse(text: str, name: str = "centralino.toml") -> settings.Settings:
    """Read a configuration's text; raises BadConfiguration."""
    return structure(text, name, settings.Settings)


def structure(
    text: str,
    name: str,
    kind: type[T],
    prepare: Callable[[dict[str, Any]], dict[str, Any]] = dict,
) -> T:
    """Read TOML text into frozen values of `kind`; raises BadConfiguration with every mistake.

    `prepare` makes of what was read what is checked.
    """
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # of figures and brackets beyond all measure, too
        raise BadConfiguration(name, mistakes_in(text, error)) from error
    return structured(prepare(data), text, name, kind)


def structured(data: object, text: str, name: str, kind: type[T]) -> T:
    """Make frozen values of `kind` of a text's data; raises BadConfiguration with every mistake."""
    try:
        return _converter().structure(data, kind)
    except ClassValidationError as error:
        mistakes = tuple(_mistakes(error, (), kind))
        raise BadConfiguration(name, tuple(with_line(m, text) for m in mistakes)) from error


@functools.cache
def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True)
    for kind, hook in {
        str: values.text,
        int: values.whole,
        values.Seconds: values.seconds,
        values.OnOff: values.on_off,
        values.Pause: values.pause,
        values.Proven: values.proven,
        values.MonthDay: values.month_day,
        values.Moment: values.moment,
        values.Instant: values.instant,
        values.Hours: values.hours,
        values.Bands: values.bands,
        values.Hidden: values.hidden,
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
            said = f" Did you mean {close!r}?" if close else f" Known here: {known}."
            it = f"voce sconosciuta. {f'Forse «{close}»?' if close else f'Voci note: {known}.'}"
            yield Mistake(_dotted((*place, key)), f"unknown key.{said}", it=it)
    elif isinstance(error, KeyError):
        yield Mistake(_dotted(place), "is missing; it must be set", it="manca: va scritta")
    elif isinstance(error, ValueError):
        yield Mistake(_dotted(place), str(error), it=italian_of(error))
    else:
        it = "è scritta in un'altra forma (un elenco va fra parentesi quadre)"
        yield Mistake(_dotted(place), f"has the wrong shape ({error})", it=it)


def _step(error: BaseException, cls: Any) -> tuple[tuple[str, ...], Any]:
    """Say one step of the place: the attribute or index that an inner error is about."""
    for note in getattr(error, "__notes__", ()):
        if isinstance(note, AttributeValidationNote):
            return (note.name,), note.type
        if isinstance(note, IterableValidationNote):
            return (str(int(note.index) + 1),), note.type
    return (), cls


def _dotted(place: tuple[str, ...]) -> str:
    return ".".join(place) or "the file"


def _like(key: str, cls: Any) -> tuple[str, str]:
    """Return the known key that one is like, "" for none, and all known ones."""
    known = [field.name for field in fields(cls)] if is_dataclass(cls) else []
    close = difflib.get_close_matches(key, known, n=1)
    return (close[0] if close else ""), ", ".join(known)


def with_line(mistake: Mistake, text: str) -> Mistake:
    """Find the line a mistake is on: its table's header, then its key within the table."""
    steps, lines = mistake.place.split("."), text.splitlines()
    *tables, key = [*steps, ""] if steps[-1].isdigit() else steps  # a whole table of an array
    start = _table_start(lines, tables)
    for number in range(max(start, 0), len(lines)):
        if number > start and lines[number].lstrip().startswith("["):
            break
        if key and re.match(rf"\s*\"?{re.escape(key)}\"?\s*=", lines[number]):
            return replace(mistake, line=number + 1)
    if start < 0:
        start = _table_start(lines, [*tables, key])  # a whole table
    return replace(mistake, line=start + 1)


def _table_start(lines: list[str], tables: list[str]) -> int:
    """Find a table's header, an array's within its parent's; -1 where not even the first is."""
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
