"""Parsers of values in centralino.toml; each raises SaidValueError with one sentence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final, NewType
from urllib.parse import unquote, urlsplit

from appliance.policy.hours import ONE_DAY, WEEKDAYS, Band, Week, check_bands
from appliance.policy.text import Refused

Seconds = NewType("Seconds", float)
OnOff = NewType("OnOff", bool)
# A moment with its offset from UTC: the time of an act, not of a validity.
Instant = NewType("Instant", datetime)
Pause = NewType("Pause", float)
# A password: no message repeats it.
Hidden = NewType("Hidden", str)
Proven = NewType("Proven", str)
"""Result of a probe: "true", "false", or "auto" without one."""


class SaidValueError(ValueError):
    """Raised for a wrong value that the front desk may have written; `it` is the Italian text."""

    def __init__(self, it: str, en: str) -> None:
        super().__init__(en)
        self.it = it


PROVEN = {"true": True, "false": False}
MAX_PAUSE = 10.0
MAX_SECONDS = 3600.0


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


def text(value: object, _: object = None) -> str:
    """Accept a string and nothing else."""
    if not isinstance(value, str):
        raise SaidValueError(
            f'{value!r} è un testo e va fra virgolette: "{value}"',
            f'{value!r} must be text in quotes, "{value}"',
        )
    return value


def hidden(value: object, _: object = None) -> Hidden:
    """Accept a string and nothing else."""
    # The message does not repeat the value: it is a password.
    if not isinstance(value, str):
        raise SaidValueError(
            'è un testo e va fra virgolette: "..."', 'must be text in quotes: "..."'
        )
    return Hidden(value)


def whole(value: object, _: object = None) -> int:
    """Accept a whole number and nothing else."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise SaidValueError(
            f"{value!r}: si scrive un numero intero senza virgolette",
            f"{value!r} must be a whole number without quotes",
        )
    return value


def on_off(value: object, _: object = None) -> OnOff:
    """Accept true or false, also as on or off in quotes."""
    words = {"on": True, "off": False, True: True, False: False}
    if isinstance(value, (str, bool)) and value in words:
        return OnOff(words[value])
    raise SaidValueError(f"{value!r}: si scrive true o false", f"{value!r} must be true or false")


def seconds(value: object, _: object = None) -> Seconds:
    """Accept a number of seconds above 0, at most an hour."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise SaidValueError(
            f"{value!r}: si scrive un numero di secondi", f"{value!r} must be a number of seconds"
        )
    if not 0 < value <= MAX_SECONDS:
        raise SaidValueError(
            f"{value} s è fuori dai limiti: più di 0, al massimo {MAX_SECONDS:.0f}",
            f"{value} s is out of range: more than 0, at most {MAX_SECONDS:.0f}",
        )
    return Seconds(float(value))


def pause(value: object, _: object = None) -> Pause:
    """Accept a number of seconds from 0 to 10."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise SaidValueError(
            f"{value!r}: si scrive un numero di secondi", f"{value!r} must be a number of seconds"
        )
    if not 0 <= value <= MAX_PAUSE:
        raise SaidValueError(
            f"{value} s è fuori dai limiti: da 0 a {MAX_PAUSE:.0f}",
            f"{value} s is out of range: 0 to {MAX_PAUSE:.0f}",
        )
    return Pause(float(value))


def proven(value: object, _: object = None) -> Proven:
    """Accept true, false or "auto"."""
    words = {True: "true", False: "false", "auto": "auto", "true": "true", "false": "false"}
    if isinstance(value, (str, bool)) and value in words:
        return Proven(words[value])
    raise SaidValueError(
        f'{value!r}: si scrive true, false o "auto"', f'{value!r} must be true, false or "auto"'
    )


def month_day(value: object, _: object = None) -> MonthDay:
    """Accept "MM-DD"."""
    match = re.fullmatch(r"(\d\d)-(\d\d)", value) if isinstance(value, str) else None
    if not match:
        raise SaidValueError(
            f'{value!r}: il giorno dell\'anno si scrive "MM-GG", ad esempio "10-04"',
            f'{value!r} must be a day of the year as "MM-DD", e.g. "10-04"',
        )
    month, day = int(match[1]), int(match[2])
    try:
        # A leap year, so that 02-29 is accepted.
        date(2024, month, day)
    except ValueError as error:
        raise SaidValueError(
            f"{value!r} non è un giorno dell'anno: prima il mese, poi il giorno",
            f"{value!r} is no day of the year; write month, then day",
        ) from error
    return MonthDay(month, day)


def moment(value: object, _: object = None) -> Moment:
    """Accept a TOML date or local date and time, unquoted."""
    if isinstance(value, datetime):
        if value.tzinfo is not None:
            raise SaidValueError(
                f"{value}: si scrive l'ora locale, senza fuso orario",
                f"{value} must be local time, without an offset",
            )
        return Moment(value.date(), value.time())
    if isinstance(value, date):
        return Moment(value)
    raise SaidValueError(
        f"{value!r}: la data si scrive senza virgolette: 2026-12-24 oppure 2026-12-24T13:00:00",
        f"{value!r} must be a date without quotes: 2026-12-24 or 2026-12-24T13:00:00",
    )


def instant(value: object, _: object = None) -> Instant:
    """Accept a TOML date and time with its offset, unquoted."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return Instant(value)
    raise SaidValueError(
        f"{value!r}: il momento si scrive con il fuso orario: 2026-11-25T09:12:00+01:00",
        f"{value!r} must be a moment with offset: 2026-11-25T09:12:00+01:00",
    )


def day(value: object, _: object = None) -> date:
    """Accept a TOML date, unquoted."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise SaidValueError(
        f"{value!r}: il giorno si scrive senza virgolette: 2026-08-01",
        f"{value!r} must be a date without quotes: 2026-08-01",
    )


def port_range(value: object, _: object = None) -> PortRange:
    """Accept [low, high]."""
    if not (isinstance(value, list) and [type(v) for v in value] == [int, int]):
        raise SaidValueError(
            f"{value!r}: si scrivono due numeri di porta, ad esempio [16000, 16199]",
            f"{value!r} must be two port numbers, e.g. [16000, 16199]",
        )
    low, high = value
    if not (1024 <= low < high <= 65535):
        raise SaidValueError(
            f"{value!r}: prima la più bassa, entrambe fra 1024 e 65535",
            f"{value!r} must rise and lie between 1024 and 65535",
        )
    return PortRange(low, high)


def hours(value: object, _: object = None) -> Hours:
    """Accept a table of weekdays with time bands: monday = ["08:30-13:00", "14:30-17:30"]."""
    if not isinstance(value, Mapping):
        raise SaidValueError(
            f'{value!r}: si scrive una tabella di giorni: monday = ["08:30-13:00"]',
            f'{value!r} must be a table of weekdays: monday = ["08:30-13:00"]',
        )
    unknown = [key for key in value if key not in WEEKDAYS]
    if unknown:
        raise SaidValueError(
            f"{unknown[0]!r} non è un giorno della settimana: usare {', '.join(WEEKDAYS)}",
            f"{unknown[0]!r} is no weekday; use {', '.join(WEEKDAYS)}",
        )
    return Hours(Week(tuple(_day(name, value.get(name, [])) for name in WEEKDAYS)))


def bands(value: object, _: object = None) -> Bands:
    """Accept the bands of one day: ["08:30-13:00", "14:30-17:30"]."""
    return Bands(_day("hours", value))


def _day(name: str, value: object) -> tuple[Band, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise SaidValueError(
            f'{name}: {value!r}: si scrive un elenco di fasce: ["08:30-13:00"]',
            f'{name}: {value!r} must be a list of bands: ["08:30-13:00"]',
        )
    found = tuple(Band.parse(item) for item in value)
    check_bands(found, name)
    return found


PORTS: Final = {"sftp": 22, "smb": 445}
SET_UP_COMMAND: Final = "sudo centralino backup-target set-up"
_HOST: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9A-Fa-f:]+")
# Characters that are special in sftp's commands, or not allowed in names on Windows.
_NO_NAME: Final = re.compile(r'["\\*?\[\]\x00-\x1f\x7f]')


@dataclass(frozen=True, slots=True)
class BackupAddress:
    """Address of a backup target: `folder` is relative to the login's home or absolute (SFTP), or
    begins with the share's name (SMB).
    """

    kind: str
    user: str
    host: str
    port: int
    folder: str


def backup_address(text: str) -> BackupAddress:
    """Parse sftp://user@server/folder, or smb://user@server/share/folder; raises Refused."""
    try:
        parts = urlsplit(text)
        port, host = parts.port, parts.hostname or ""
    except ValueError as error:
        raise _no_address(text) from error
    user, folder = unquote(parts.username or ""), unquote(parts.path).rstrip("/")
    if parts.password is not None:
        raise Refused(
            f"la password non si scrive qui: toglierla, la chiede {SET_UP_COMMAND}",
            f"the password is not written here: take it out, {SET_UP_COMMAND} asks for it",
        )
    is_whole = parts.scheme in PORTS and user and _HOST.fullmatch(host)
    if not is_whole or parts.query or parts.fragment or _is_odd(folder) or _is_odd_user(user):
        raise _no_address(text)
    if parts.scheme == "smb":
        folder = folder.strip("/")
        if not folder:
            raise Refused(
                "manca la condivisione: scrivere ad esempio smb://copie@nas.comune.it/copie",
                "the share is missing: write e.g. smb://backup@nas.example.org/backups",
            )
    return BackupAddress(parts.scheme, user, host, port or PORTS[parts.scheme], _at_home(folder))


def _is_odd(folder: str) -> bool:
    return bool(_NO_NAME.search(folder)) or ".." in folder.split("/")


def _is_odd_user(user: str) -> bool:
    """Return whether a login is invalid; a domain precedes a semicolon (smb://DOMAIN;user@)."""
    return user.startswith("-") or bool(_NO_NAME.search(user))


def _at_home(folder: str) -> str:
    return folder.removeprefix("/~/") if folder != "/~" else ""


def _no_address(text: str) -> Refused:
    return Refused(
        f"{text!r} non è l'indirizzo di una cartella di rete: scrivere ad esempio "
        "sftp://copie@nas.comune.it/copie, o smb://copie@server.comune.it/condivisione/copie",
        f"{text!r} is no address of a network folder: write e.g. "
        "sftp://backup@nas.example.org/backups, or smb://backup@server.example.org/share/backups",
    )
