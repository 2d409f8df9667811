"""Settings that a person may change while the box runs: their names in words, and what each needs.

A key that is not here is the technician's, in the file: folders, ports of the panel, files with
passwords, whatever a change of which could lead root's helper astray.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from appliance.policy.hours import WEEKDAYS, weekday_words
from appliance.text import Words, _, by_language, in_context


class Effect(enum.StrEnum):
    """What a changed setting needs before it holds. No running call ends for any of them."""

    AT_ONCE = "at_once"  # whoever uses it reads the file each time
    CALL_CONTROL = "call_control"  # call control restarts once nobody is on the phone
    CONSOLE = "console"  # the console restarts, which calls do not notice


EFFECT_WORDS: Final = {
    Effect.AT_ONCE: _("Holds at once."),
    Effect.CALL_CONTROL: _(
        "Holds as soon as nobody is on the phone: the switchboard then restarts by itself, "
        "and no call ends for it."
    ),
    Effect.CONSOLE: _(
        "The console restarts for it: these pages are away for some seconds, calls go on."
    ),
}


@dataclass(frozen=True, slots=True)
class SettingName:
    """A setting's name; `cuts_off` if a wrong value may keep browsers out of the console.

    One that `follows` another change is set by the box alone: the place of a password.
    """

    words: Words
    effects: tuple[Effect, ...] = (Effect.CALL_CONTROL,)
    cuts_off: bool = False
    follows: bool = False


_CONSOLE: Final = (Effect.CONSOLE,)
_AT_ONCE: Final = (Effect.AT_ONCE,)


def _console(words: Words) -> SettingName:
    return SettingName(words, _CONSOLE, cuts_off=True)


def _promise(words: Words) -> SettingName:
    # The wall and the sheet measure it; no call depends on it.
    return SettingName(words, _AT_ONCE)


def _weekday(number: int) -> SettingName:
    return SettingName(by_language(lambda language: weekday_words(number, language)))


_WEEK: Final = {day: _weekday(number) for number, day in enumerate(WEEKDAYS)}
_GROUP: Final = {
    "phones": SettingName(in_context("settings", "phones")),
    "ring": SettingName(in_context("settings", "seconds of ringing")),
    "pbx_numbers": SettingName(in_context("settings", "extensions behind the line")),
    "outside": SettingName(in_context("settings", "outside number")),
}

TABLES: Final[dict[str, Words]] = {
    "site": in_context("settings", "Office"),
    "hours": in_context("settings", "Switchboard's hours"),
    "lines": in_context("settings", "Line {row}"),
    "phones": in_context("settings", "Phone {row}"),
    "switchboard": in_context("settings", "Switchboard"),
    "citizens_desk": in_context("settings", "Citizens' counter"),
    "citizens_desk.hours": in_context("settings", "Citizens' counter's hours"),
    "head": in_context("settings", "Supervisor"),
    "voicemail": in_context("settings", "Voicemail"),
    "calls": in_context("settings", "Calls"),
    "outgoing": in_context("settings", "Outgoing calls"),
    "positions": in_context("settings", "Positions"),
    "waiting": in_context("settings", "Queue"),
    "mail": in_context("settings", "Mail"),
    "retention": in_context("settings", "Retention"),
    "backup": in_context("settings", "Backups"),
    "clock": in_context("settings", "Clock"),
    "report": in_context("settings", "Reports"),
    "standards": in_context("settings", "Promises of the service charter"),
    "sip": in_context("settings", "Phones' network"),
    "console": in_context("settings", "Console"),
}
"""Names of the tables; of an array's, with a place for the row."""

ROWS: Final = frozenset({"lines", "phones"})
"""Arrays of tables whose rows, found by their `name`, can be added and removed."""

NEW_ROW: Final = {
    "lines": in_context("settings", "New line: {row}"),
    "phones": in_context("settings", "New phone: {row}"),
}
REMOVED_ROW: Final = {
    "lines": in_context("settings", "Line removed: {row}"),
    "phones": in_context("settings", "Phone removed: {row}"),
}

NAMES: Final[dict[str, dict[str, SettingName]]] = {
    "site": {
        "name": SettingName(in_context("settings", "name")),
        "patron": SettingName(in_context("settings", "patron saint's day")),
        "patron_name": SettingName(in_context("settings", "patron saint")),
        "languages": SettingName(in_context("settings", "languages")),
        "email": SettingName(in_context("settings", "public e-mail address")),
        "address": SettingName(in_context("settings", "address")),
        "voice": SettingName(in_context("settings", "voice of the announcements")),
    },
    "hours": _WEEK,
    "lines": {
        "label": SettingName(in_context("settings", "label")),
        "called": SettingName(in_context("settings", "public number")),
        "port": SettingName(in_context("settings", "modem's USB socket")),
        "dialect": SettingName(in_context("settings", "make of the modem")),
        "caller_id": SettingName(in_context("settings", "caller's number")),
        "identity_limit": SettingName(in_context("settings", "longest wait for the number (s)")),
        "receive_gain": SettingName(in_context("settings", "gain from the line")),
        "transmit_gain": SettingName(in_context("settings", "gain to the line")),
        "echo": SettingName(in_context("settings", "echo cancelling")),
        "daytime": SettingName(in_context("settings", "behaviour by day")),
        "duplex": SettingName(in_context("settings", "sound both ways at once")),
        "flash": SettingName(in_context("settings", "hook flash (s)")),
        "pbx_pause": SettingName(in_context("settings", "pause before the digits (s)")),
        "voltage": SettingName(in_context("settings", "measures the line's voltage")),
    },
    "phones": {
        "label": SettingName(in_context("settings", "label")),
        "address": SettingName(in_context("settings", "fixed address")),
        "extension": SettingName(in_context("settings", "extension")),
        "dials": SettingName(in_context("settings", "numbers it dials freely")),
    },
    "switchboard": _GROUP,
    "citizens_desk": _GROUP,
    "citizens_desk.hours": _WEEK,
    "head": {"phones": SettingName(in_context("settings", "phones"))},
    "voicemail": {
        "limit": SettingName(in_context("settings", "longest message (s)")),
        "silence": SettingName(in_context("settings", "silence that ends a message (s)")),
        "minimum": SettingName(in_context("settings", "shortest message (s)")),
        "notify": SettingName(in_context("settings", "e-mail address for new messages")),
        "notify_sound": SettingName(in_context("settings", "recording in the e-mail")),
        "missed_alerts": SettingName(in_context("settings", "alerts of missed calls")),
        "greeting": SettingName(in_context("settings", "length of the greeting")),
        "spell_email": SettingName(in_context("settings", "e-mail address told to callers")),
        "privacy": SettingName(in_context("settings", "privacy notice")),
        "emergency_112": SettingName(in_context("settings", "112 in the closed greeting")),
        "duty": SettingName(in_context("settings", "duty numbers told after hours")),
        "pin": SettingName(in_context("settings", "phones that ask the PIN")),
        "room_alarm": SettingName(in_context("settings", "alarm below free space (MB)")),
    },
    "calls": {
        "longest": SettingName(in_context("settings", "longest call (s)")),
        "transfer": SettingName(in_context("settings", "ringing at the office (s)")),
        "lines_kept": SettingName(in_context("settings", "lines kept free for callers")),
    },
    "outgoing": {
        "prefix": SettingName(in_context("settings", "digits before an outside number")),
        "identity": SettingName(in_context("settings", "number shown to who is called")),
        "withhold": SettingName(in_context("settings", "code that withholds the number")),
        "local": SettingName(in_context("settings", "own area codes")),
        "band": SettingName(in_context("settings", "hours for calling back")),
        "days": SettingName(in_context("settings", "days for calling back")),
        "known_days": SettingName(in_context("settings", "days in which a caller is called back")),
        "calls_per_hour": SettingName(in_context("settings", "calls of a position in an hour")),
        "minutes_per_day": SettingName(in_context("settings", "minutes of a position in a day")),
    },
    "positions": {
        "away_after_missed": SettingName(in_context("settings", "missed calls before away")),
        "remind_after": SettingName(in_context("settings", "reminder of an absence (min)")),
    },
    "waiting": {
        "queue_max": SettingName(in_context("settings", "callers who wait")),
        "max_wait": SettingName(in_context("settings", "longest wait (s)")),
        "announce_every": SettingName(in_context("settings", "announcement every (s)")),
        "announce_place": SettingName(in_context("settings", "place in the queue is told")),
        "before_counter": SettingName(in_context("settings", "queue before the counter")),
    },
    "mail": {
        "server": SettingName(in_context("settings", "server")),
        "port": SettingName(in_context("settings", "port")),
        "security": SettingName(in_context("settings", "encryption")),
        "user": SettingName(in_context("settings", "user name")),
        "password_file": SettingName(in_context("settings", "password's file"), follows=True),
        "sender": SettingName(in_context("settings", "sender")),
        "head": SettingName(in_context("settings", "supervisor's address")),
    },
    "retention": {
        "messages_closed_days": SettingName(in_context("settings", "closed messages (days)")),
        "numbers_days": SettingName(in_context("settings", "callers' numbers (days)")),
        "calls_days": SettingName(in_context("settings", "calls and requests (days)")),
    },
    "backup": {
        "keep": SettingName(in_context("settings", "backups kept"), _AT_ONCE),
        "notify": SettingName(in_context("settings", "e-mail address for alarms")),
    },
    "clock": {
        "without_time": SettingName(in_context("settings", "hours without a trusted time")),
        "holdover_days": SettingName(in_context("settings", "days trusted without network")),
    },
    "report": {
        "monthly_sheets": SettingName(in_context("settings", "each unit's sheet by e-mail")),
    },
    "standards": {
        "answered_within_20s": _promise(in_context("settings", "answered within 20 s (%)")),
        "lost_at_most": _promise(in_context("settings", "lost calls, at most (%)")),
        "called_back_same_day": _promise(
            in_context("settings", "lost calls called back the same day (%)")
        ),
        "messages_in_a_day": _promise(
            in_context("settings", "messages closed within a working day (%)")
        ),
        "requests_in_time": _promise(
            in_context("settings", "requests answered by their due day (%)")
        ),
        "by_filter": _promise(in_context("settings", "answered without a transfer (%)")),
    },
    "sip": {
        "tcp": SettingName(in_context("settings", "TCP beside UDP")),
        "time_server": SettingName(in_context("settings", "time server of the phones")),
    },
    "console": {
        "port": _console(in_context("settings", "port")),
        "redirect_port": _console(in_context("settings", "port of the redirect")),
        "names": _console(in_context("settings", "names")),
        "certificate": _console(in_context("settings", "certificate")),
        "key": _console(in_context("settings", "key of the certificate")),
    },
}
"""Names of the settings by table and key."""


@dataclass(frozen=True, slots=True)
class SecretName:
    """A secret: its name, the settings of its user and of its file, the file's name."""

    words: Words
    table: str
    user: str
    file_key: str
    file: str


SECRETS: Final = {
    "mail.password": SecretName(
        in_context("settings", "password"), "mail", "user", "password_file", "mail_password"
    ),
}
"""Secrets that can be set, and never read again, by key."""


def name_of(table: str, key: str) -> SettingName | None:
    """Return a setting's name; None for one that is changed in the file alone."""
    return NAMES.get(table, {}).get(key)
