"""A modem's bundle: one file with what one modem answered and measured, to be sent to anybody.

It holds no number and no voice (redaction.py). What was not asked or not heard is absent, null or
"unknown", never a guess. `docs/hardware.en.md` shows those of the repository as tables.
"""

from __future__ import annotations

import base64
import dataclasses
import gzip
import io
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from appliance.errors import ConfigurationError
from appliance.modem.scripts import plain_name
from appliance.text import _

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SCHEMA = "centralino-modem-bundle"
VERSION = 1
UNKNOWN = "unknown"
_GZIP = b"\x1f\x8b"
LARGEST = 4_000_000
"""Most bytes of a bundle, unpacked."""
LARGEST_PACKED = 8_192
"""Most bytes of what teaches a dialect, packed: a modem's fifteen minutes make about 3 KB."""
_NO_BUNDLE = _("this is no modem bundle: {error}")


@dataclass(frozen=True, slots=True)
class Exchange:
    """A command and its answer; `result` is "" if none came, `ms` None if not measured.

    `voice` tells in which class it was asked, None where that is not known.
    """

    sent: str
    lines: tuple[str, ...]
    result: str
    ms: int | None = None
    voice: bool | None = None


@dataclass(frozen=True, slots=True)
class StreamRun:
    """A stream that was started. `ended_by` is the terminator that worked, "" for none.

    `tried` are the terminators in order; `codes` the events by their count, keys as "#". Rates are
    samples a second, levels dBm0.
    """

    action: str
    begun: str
    begin_ms: int | None = None
    heard_rate: int | None = None
    sent_rate: int | None = None
    tried: tuple[str, ...] = ()
    ended_by: str = ""
    end_ms: int | None = None
    codes: Mapping[str, int] = field(default_factory=dict)
    heard_dbm0: float | None = None


@dataclass(frozen=True, slots=True)
class CallRun:
    """An incoming call. `caller_id` is "before", "after" or "none" with respect to the first ring.

    `fields` are the identity's names with the lengths of their values. `released_by` is the event
    that reported the far end's hang-up, `release_ms` its delay behind it.
    """

    ring: str
    ring_gaps_ms: tuple[int, ...] = ()
    caller_id: str = UNKNOWN
    fields: tuple[str, ...] = ()
    answer_ms: int | None = None
    keys: int | None = None
    released_by: str = ""
    release_ms: int | None = None
    hang_up_ms: int | None = None
    codes: Mapping[str, int] = field(default_factory=dict)
    heard_dbm0: float | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A step that was left out, and why: a key of `interview.Why`."""

    step: str
    why: str


@dataclass(frozen=True, slots=True)
class Written:
    """One piece of the transcript: ms since the beginning, who wrote it, the bytes as text."""

    ms: int
    by_modem: bool
    text: str


@dataclass(frozen=True, slots=True)
class Bundle:
    """What is known of one modem. `sources` are public addresses, empty if it was interviewed."""

    name: str
    modem: str
    made: str = ""
    program: str = ""
    usb: str = ""
    sources: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    exchanges: tuple[Exchange, ...] = ()
    streams: tuple[StreamRun, ...] = ()
    calls: tuple[CallRun, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    transcript: tuple[Written, ...] = ()

    def answer(self, command: str) -> Exchange | None:
        """Return the last answer to a command, None if it was never given."""
        found = (each for each in reversed(self.exchanges) if each.sent == command)
        return next(found, None)

    def accepts(self, command: str) -> bool | None:
        """Return whether a command is answered OK, None where it is not known."""
        answered = self.answer(command)
        return (
            None if answered is None or not answered.result else answered.result in {"OK", "VCON"}
        )

    def lines(self, command: str) -> tuple[str, ...]:
        """Return the lines of an answer, () if there is none."""
        answered = self.answer(command)
        return answered.lines if answered and answered.result != "ERROR" else ()

    def stream(self, action: str) -> StreamRun | None:
        """Return the last run of a stream that began, else the last attempt, else None."""
        runs = [each for each in self.streams if each.action == action]
        begun = [each for each in runs if each.begun in {"CONNECT", "VCON"}]
        return next(reversed(begun or runs), None)


def first_told(bundle: Bundle, commands: tuple[str, ...]) -> tuple[str, str]:
    """Return the first of some questions that has an answer, and its first line; else ""."""
    for command in commands:
        for line in bundle.lines(command):
            if name := plain_name(line):
                return command, name
    return "", ""


# ---- the file ----------------------------------------------------------------------------------


def to_bytes(bundle: Bundle, *, packed: bool = False) -> bytes:
    """Return a bundle as the bytes of its file: JSON, with `packed` in gzip."""
    told = {"schema": SCHEMA, "version": VERSION, **dataclasses.asdict(bundle)}
    text = json.dumps(told, ensure_ascii=False, indent=1) + "\n"
    data = text.encode()
    return gzip.compress(data, mtime=0) if packed else data


def packed_text(bundle: Bundle) -> str:
    """Return what teaches a dialect, without the transcript, as base64 of the packed file.

    Raises ConfigurationError where it is larger than one message of the link may be.
    """
    packed = to_bytes(dataclasses.replace(bundle, transcript=()), packed=True)
    if len(packed) > LARGEST_PACKED:
        raise ConfigurationError(_("it is too large"))
    return base64.b64encode(packed).decode()


def from_packed_text(text: str) -> Bundle:
    """Read what `packed_text` has written; raises ConfigurationError."""
    try:
        return from_bytes(base64.b64decode(text, validate=True))
    except ValueError as error:
        raise ConfigurationError(_NO_BUNDLE.filled(error=error)) from error


def from_bytes(data: bytes) -> Bundle:
    """Read a bundle's file; raises ConfigurationError with the place of a mistake."""
    try:
        told = json.loads(_unpacked(data))
    except (ValueError, OSError, EOFError) as error:
        raise ConfigurationError(_NO_BUNDLE.filled(error=error)) from error
    if not isinstance(told, dict) or told.get("schema") != SCHEMA:
        raise ConfigurationError(_("this is no modem bundle: its schema is not {schema}",
                                   schema=SCHEMA))  # fmt: skip
    if told.get("version") != VERSION:
        raise ConfigurationError(
            _("this bundle is of version {found}, version {known} can be read",
              found=str(told.get("version")), known=VERSION)
        )  # fmt: skip
    values = {key: value for key, value in told.items() if key not in {"schema", "version"}}
    bundle: Bundle = _value(Bundle, values, "bundle")
    return bundle


def _unpacked(data: bytes) -> bytes:
    if not data.startswith(_GZIP):
        return data
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
        return file.read(LARGEST)


def _value(kind: type[Any], told: object, place: str) -> Any:
    """Build a dataclass of JSON, field by field."""
    if not isinstance(told, dict):
        raise ConfigurationError(f"{place} is no object")
    known = {each.name: each for each in dataclasses.fields(kind)}
    if unknown := sorted(set(told) - set(known)):
        raise ConfigurationError(f"{place} has an unknown key: {', '.join(unknown)}")
    required = {
        name
        for name, each in known.items()
        if each.default is dataclasses.MISSING and each.default_factory is dataclasses.MISSING
    }
    if missing := sorted(required - set(told)):
        raise ConfigurationError(f"{place} lacks {', '.join(missing)}")
    return kind(
        **{key: _READERS[str(known[key].type)](told[key], f"{place}.{key}") for key in told}
    )


def _one_of(*kinds: type) -> Callable[[object, str], Any]:
    def read(told: object, place: str) -> object:
        # True is an int to Python, never in a file.
        if not isinstance(told, kinds) or (isinstance(told, bool) and bool not in kinds):
            raise ConfigurationError(f"{place}: {told!r} is of another kind")
        return told

    return read


def _list_of(read: Callable[[object, str], Any]) -> Callable[[object, str], Any]:
    def read_all(told: object, place: str) -> object:
        if not isinstance(told, list):
            raise ConfigurationError(f"{place} is no list")
        return tuple(read(each, f"{place}[{n}]") for n, each in enumerate(told))

    return read_all


def _counts(told: object, place: str) -> object:
    if not isinstance(told, dict):
        raise ConfigurationError(f"{place} is no object")
    return {str(key): _one_of(int)(value, f"{place}.{key}") for key, value in told.items()}


def _all_of(kind: type[Any]) -> Callable[[object, str], Any]:
    return _list_of(lambda told, place: _value(kind, told, place))


_NOTHING = type(None)
_READERS: Mapping[str, Callable[[object, str], Any]] = {
    "str": _one_of(str),
    "bool": _one_of(bool),
    "bool | None": _one_of(bool, _NOTHING),
    "int": _one_of(int),
    "int | None": _one_of(int, _NOTHING),
    "float | None": _one_of(int, float, _NOTHING),
    "tuple[str, ...]": _list_of(_one_of(str)),
    "tuple[int, ...]": _list_of(_one_of(int)),
    "Mapping[str, int]": _counts,
    "tuple[Exchange, ...]": _all_of(Exchange),
    "tuple[StreamRun, ...]": _all_of(StreamRun),
    "tuple[CallRun, ...]": _all_of(CallRun),
    "tuple[Skipped, ...]": _all_of(Skipped),
    "tuple[Written, ...]": _all_of(Written),
}
