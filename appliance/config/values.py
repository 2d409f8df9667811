"""Values of centralino.toml: their parsers, and the mistakes found in them, all at once."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NewType, Self, TypeVar
from urllib.parse import unquote, urlsplit

from appliance.errors import ConfigurationError
from appliance.policy.hours import ONE_DAY, WEEKDAYS, Band, Week, check_bands
from appliance.policy.text import Refused
from appliance.text import Words, _, in_context, joined, unchanged

if TYPE_CHECKING:
    from appliance.modem.bundle import Bundle

# ---- Files with a password; mistakes -------------------------------------------------------------
# Credentials (systemd.exec(5), LoadCredential=) lie in memory, readable by that one service alone,
# and their source may stay root's. Secrets that the appliance makes itself, the phones' and the
# directory's key, stay in its state folder, mode 0600: the service must be able to write them, and
# commands beside it to read them.

MAIL_PASSWORD: Final = "mail-password"  # noqa: S105 - a name, no password
MQTT_PASSWORD: Final = "mqtt-password"  # noqa: S105 - a name, no password
BACKUP_PASSPHRASE: Final = "backup-passphrase"  # noqa: S105 - a name, no passphrase


def secret_file(configured: str, name: str) -> str:
    """Return a secret's path: systemd's credential `name` if there is one, else the configured."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
    handed = Path(folder) / name
    return str(handed) if folder and _holds_something(handed) else configured


def _holds_something(path: Path) -> bool:
    """Return whether a file has contents."""
    # A unit hands over an empty credential in the place of a missing file.
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


T = TypeVar("T")
PLACES: Final = {
    "the file": _("the file"),
    "the sheet": _("the sheet"),
    "text": in_context("sheet", "text"),
    "the folder": _("the folder"),
    "the spoken sheets": _("the spoken sheets"),
    "central settings": _("central settings"),
}
"""Places that are no key of a file, in words."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake: its place (dotted keys), what is wrong, its line if known (0: unknown)."""

    place: str
    said: Words
    line: int = 0

    def __str__(self) -> str:
        return str(self.words)

    @property
    def text(self) -> str:
        """What is wrong, in English."""
        return str(self.said)

    @property
    def words(self) -> Words:
        """Sentence with line and place."""
        place = joined(", ", (place_words(each) for each in self.place.split(", ")))
        if self.line:
            return _("line {line}, {place}: {said}", line=self.line, place=place, said=self.said)
        return joined(": ", (place, self.said))


def place_words(place: str) -> Words:
    """Return a mistake's place in words: a key of a file reads the same in every language."""
    return PLACES.get(place) or unchanged(place)


class BadConfiguration(ConfigurationError):  # noqa: N818 - reads as what it is
    """Raised with every mistake of a configuration file at once."""

    def __init__(self, path: str, mistakes: tuple[Mistake, ...]) -> None:
        self.path = path
        self.mistakes = mistakes
        head = _("{path} cannot be used:", path=place_words(path))
        self.words = joined("\n  ", (head, *(mistake.words for mistake in mistakes)))
        super().__init__(str(self.words))


class Mistakes:
    """Collector of mistakes, in the order of reading, so that all are reported at once."""

    def __init__(self) -> None:
        self.found: list[Mistake] = []

    def attempt(self, place: str, make: Callable[[], T], otherwise: T) -> T:
        """Return the result of `make`; after an error note it under `place`, return `otherwise`."""
        # Building goes on with a stand-in, so that later mistakes are found as well.
        try:
            return make()
        except (ConfigurationError, ValueError, KeyError) as error:
            self.found.append(Mistake(place, reason_of(error)))
            return otherwise

    def check(
        self, place: str, parse: Callable[[str], object], text: str, said: Words | None = None
    ) -> None:
        """Note a text that `parse` refuses; `said` is the reason if its error has no `words`."""
        try:
            parse(text)
        except ConfigurationError as error:
            reason = said if said and not hasattr(error, "words") else reason_of(error)
            self.found.append(Mistake(place, reason))

    def note(self, place: str, said: Words) -> None:
        """Note a mistake at a place."""
        self.found.append(Mistake(place, said))

    def choice(self, place: str, value: str, known: tuple[str, ...]) -> None:
        """Note a value that is not one of the known ones."""
        if value not in known:
            listed = ", ".join(known)
            self.note(
                place,
                _("{value!r} is unknown: use {listed}", value=value, listed=listed),
            )


def reason_of(error: Exception) -> Words:
    """Return an error's own `words`, else its message, which reads the same in every language."""
    words = getattr(error, "words", None)
    return words if isinstance(words, Words) else unchanged(error)


# ---- Parsers; each raises SaidValueError with one sentence ---------------------------------------

Seconds = NewType("Seconds", float)
# A time of up to a day.
LongSeconds = NewType("LongSeconds", float)
OnOff = NewType("OnOff", bool)
# A moment with its offset from UTC: the time of an act, not of a validity.
Instant = NewType("Instant", datetime)
Pause = NewType("Pause", float)
# A password: no message repeats it.
Hidden = NewType("Hidden", str)
Proven = NewType("Proven", str)
"""Result of a probe: "true", "false", or "auto" without one."""


class SaidValueError(ValueError):
    """Raised for a wrong value that the front desk may have written."""

    def __init__(self, words: Words) -> None:
        super().__init__(str(words))
        self.words = words


PROVEN = {"true": True, "false": False}
MAX_PAUSE = 10.0
WORKING_DAYS: Final = "weekdays"
"""Key for Monday to Friday at once."""
MAX_SECONDS = 3600.0
MAX_LONG_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class MonthDay:
    """A day of every year."""

    month: int
    day: int

    def in_year(self, year: int) -> date:
        """Return the day in `year`; 29 February is kept on the 28th in common years."""
        try:
            return date(year, self.month, self.day)
        except ValueError:
            return date(year, self.month, self.day - 1)


@dataclass(frozen=True, slots=True)
class PortRange:
    """UDP ports from `low` to `high`, both included."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Hours:
    """The bands of each weekday."""

    week: Week


@dataclass(frozen=True, slots=True)
class Bands:
    """The bands of one day."""

    bands: tuple[Band, ...]


@dataclass(frozen=True, slots=True)
class Moment:
    """A local wall-clock moment; from a mere date the day's start, or (as an end) its end."""

    day: date
    at: time | None = None

    def as_start(self) -> datetime:
        """Return the moment as the start of something (naive local time)."""
        return datetime.combine(self.day, self.at or time.min)

    def as_end(self) -> datetime:
        """Return the moment as the end (exclusive) of something (naive local time)."""
        if self.at is None:
            return datetime.combine(self.day, time.min) + ONE_DAY
        return datetime.combine(self.day, self.at)


def text(value: object, _kind: object = None) -> str:
    """Accept a string and nothing else."""
    if not isinstance(value, str):
        raise SaidValueError(
            _('{written} must be text in quotes, "{value}"', written=repr(value), value=str(value)),
        )
    return value


class BundleFile(str):
    """Path of a modem's bundle, "" for none; `bundle` is its contents once it was read."""

    __slots__ = ("bundle",)
    bundle: Bundle | None

    def __new__(cls, path: str, bundle: Bundle | None = None) -> Self:
        """Keep the contents beside the path."""
        made = super().__new__(cls, path)
        made.bundle = bundle
        return made


def bundle_file(value: object, _kind: object = None) -> BundleFile:
    """Accept a string, with the contents that were read already."""
    return value if isinstance(value, BundleFile) else BundleFile(text(value))


def hidden(value: object, _kind: object = None) -> Hidden:
    """Accept a string and nothing else."""
    # The message does not repeat the value: it is a password.
    if not isinstance(value, str):
        raise SaidValueError(_('must be text in quotes: "..."'))
    return Hidden(value)


def whole(value: object, _kind: object = None) -> int:
    """Accept a whole number and nothing else."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise SaidValueError(
            _("{value} must be a whole number without quotes", value=repr(value)),
        )
    return value


def on_off(value: object, _kind: object = None) -> OnOff:
    """Accept true or false, also as on or off in quotes."""
    words = {"on": True, "off": False, True: True, False: False}
    if isinstance(value, (str, bool)) and value in words:
        return OnOff(words[value])
    raise SaidValueError(_("{value} must be true or false", value=repr(value)))


def seconds(value: object, _kind: object = None) -> Seconds:
    """Accept a number of seconds above 0, at most an hour."""
    return Seconds(_seconds(value, MAX_SECONDS))


def long_seconds(value: object, _kind: object = None) -> LongSeconds:
    """Accept a number of seconds above 0, at most a day."""
    return LongSeconds(_seconds(value, MAX_LONG_SECONDS))


def _seconds(value: object, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise SaidValueError(_("{value} must be a number of seconds", value=repr(value)))
    if not 0 < value <= most:
        raise SaidValueError(
            _("{value} s is out of range: more than 0, at most {most:.0f}", value=value, most=most),
        )
    return float(value)


def pause(value: object, _kind: object = None) -> Pause:
    """Accept a number of seconds from 0 to 10."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise SaidValueError(_("{value} must be a number of seconds", value=repr(value)))
    if not 0 <= value <= MAX_PAUSE:
        raise SaidValueError(
            _("{value} s is out of range: 0 to {most:.0f}", value=value, most=MAX_PAUSE),
        )
    return Pause(float(value))


def proven(value: object, _kind: object = None) -> Proven:
    """Accept true, false or "auto"."""
    words = {True: "true", False: "false", "auto": "auto", "true": "true", "false": "false"}
    if isinstance(value, (str, bool)) and value in words:
        return Proven(words[value])
    raise SaidValueError(_('{value} must be true, false or "auto"', value=repr(value)))


def month_day(value: object, _kind: object = None) -> MonthDay:
    """Accept "MM-DD"."""
    match = re.fullmatch(r"(\d\d)-(\d\d)", value) if isinstance(value, str) else None
    if not match:
        raise SaidValueError(
            _('{value} must be a day of the year as "MM-DD", e.g. "10-04"', value=repr(value)),
        )
    month, day = int(match[1]), int(match[2])
    try:
        # A leap year, so that 02-29 is accepted.
        date(2024, month, day)
    except ValueError as error:
        raise SaidValueError(
            _("{value} is no day of the year; write month, then day", value=repr(value)),
        ) from error
    return MonthDay(month, day)


def moment(value: object, _kind: object = None) -> Moment:
    """Accept a TOML date or local date and time, unquoted."""
    if isinstance(value, datetime):
        if value.tzinfo is not None:
            raise SaidValueError(
                _("{value} must be local time, without an offset", value=str(value)),
            )
        return Moment(value.date(), value.time())
    if isinstance(value, date):
        return Moment(value)
    raise SaidValueError(
        _(
            "{value} must be a date without quotes: 2026-12-24 or 2026-12-24T13:00:00",
            value=repr(value),
        ),
    )


def instant(value: object, _kind: object = None) -> Instant:
    """Accept a TOML date and time with its offset, unquoted."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return Instant(value)
    raise SaidValueError(
        _("{value} must be a moment with offset: 2026-11-25T09:12:00+01:00", value=repr(value)),
    )


def day(value: object, _kind: object = None) -> date:
    """Accept a TOML date, unquoted."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise SaidValueError(
        _("{value} must be a date without quotes: 2026-08-01", value=repr(value)),
    )


def port_range(value: object, _kind: object = None) -> PortRange:
    """Accept [low, high]."""
    if not (isinstance(value, list) and [type(v) for v in value] == [int, int]):
        raise SaidValueError(
            _("{value} must be two port numbers, e.g. [16000, 16199]", value=repr(value)),
        )
    low, high = value
    if not (1024 <= low < high <= 65535):
        raise SaidValueError(
            _("{value} must rise and lie between 1024 and 65535", value=repr(value)),
        )
    return PortRange(low, high)


def hours(value: object, _kind: object = None) -> Hours:
    """Accept a table of weekdays with time bands: monday = ["08:30-13:00", "14:30-17:30"].

    `weekdays` are those of Monday to Friday that have none of their own.
    """
    if not isinstance(value, Mapping):
        raise SaidValueError(
            _('{value} must be a table of weekdays: monday = ["08:30-13:00"]', value=repr(value)),
        )
    known = (*WEEKDAYS, WORKING_DAYS)
    unknown = [key for key in value if key not in known]
    if unknown:
        raise SaidValueError(
            _(
                "{unknown} is no weekday; use {weekdays}",
                unknown=repr(unknown[0]),
                weekdays=", ".join(known),
            ),
        )
    _day(WORKING_DAYS, value.get(WORKING_DAYS, []))
    return Hours(Week(tuple(_day(name, bands_of(value, name)) for name in WEEKDAYS)))


def bands_of(week: Mapping[Any, Any], day: str) -> Any:
    """Return a day's bands as written: its own, else those of all working days."""
    return week.get(day, week.get(WORKING_DAYS, []) if day in WEEKDAYS[:5] else [])


def bands(value: object, _kind: object = None) -> Bands:
    """Accept the bands of one day: ["08:30-13:00", "14:30-17:30"]."""
    return Bands(_day("hours", value))


def _day(name: str, value: object) -> tuple[Band, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise SaidValueError(
            _(
                '{name}: {value} must be a list of bands: ["08:30-13:00"]',
                name=name,
                value=repr(value),
            ),
        )
    found = tuple(Band.parse(item) for item in value)
    check_bands(found, name)
    return found


PORTS: Final = {"sftp": 22, "smb": 445, "https": 443}
SET_UP_COMMAND: Final = "sudo centralino box backup-target set-up"
_HOST: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9A-Fa-f:]+")
# Characters that are special in sftp's commands, or not allowed in names on Windows.
_NO_NAME: Final = re.compile(r'["\\*?\[\]\x00-\x1f\x7f]')


@dataclass(frozen=True, slots=True)
class BackupAddress:
    """Address of a backup target: `folder` is relative to the login's home or absolute (SFTP), or
    begins with the share's name (SMB), or is the address's path (HTTPS).
    """

    kind: str
    user: str
    host: str
    port: int
    folder: str


def backup_address(text: str) -> BackupAddress:
    """Parse sftp://user@server/folder, or smb:// or https:// likewise; raises Refused."""
    try:
        parts = urlsplit(text)
        port, host = parts.port, parts.hostname or ""
    except ValueError as error:
        raise _no_address(text) from error
    user, folder = unquote(parts.username or ""), unquote(parts.path).rstrip("/")
    if parts.password is not None:
        raise Refused(
            _(
                "the password is not written here: take it out, {command} asks for it",
                command=SET_UP_COMMAND,
            ),
        )
    is_whole = parts.scheme in PORTS and user and _HOST.fullmatch(host)
    if not is_whole or parts.query or parts.fragment or _is_odd(folder) or _is_odd_user(user):
        raise _no_address(text)
    if parts.scheme == "smb":
        folder = folder.strip("/")
        if not folder:
            raise Refused(
                _("the share is missing: write e.g. smb://backup@nas.example.org/backups"),
            )
    if parts.scheme == "sftp":
        folder = _at_home(folder)
    return BackupAddress(parts.scheme, user, host, port or PORTS[parts.scheme], folder)


def _is_odd(folder: str) -> bool:
    return bool(_NO_NAME.search(folder)) or ".." in folder.split("/")


def _is_odd_user(user: str) -> bool:
    """Return whether a login is invalid; a domain precedes a semicolon (smb://DOMAIN;user@)."""
    return user.startswith("-") or bool(_NO_NAME.search(user))


def _at_home(folder: str) -> str:
    return folder.removeprefix("/~/") if folder != "/~" else ""


def _no_address(text: str) -> Refused:
    return Refused(
        _(
            "{text!r} is no address of a network folder: write e.g. "
            "sftp://backup@nas.example.org/backups, "
            "smb://backup@server.example.org/share/backups or "
            "https://backup@cloud.example.org/dav/backups",
            text=text,
        ),
    )
