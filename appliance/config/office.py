"""The Office, the policy's frozen value: built from the settings; in force or the last good one."""

from __future__ import annotations

import logging
import re
import tomllib
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

import holidays
import phonenumbers

from appliance.calls.announcements import spell_email
from appliance.config import build, read
from appliance.config.build import check_mail, check_mqtt, extensions, numbers_of
from appliance.config.line_ports import keep_ports
from appliance.config.phones import with_entered
from appliance.config.read import kept_name
from appliance.config.schema import Group as GroupSettings
from appliance.config.schema import Line as LineSettings
from appliance.config.schema import Settings
from appliance.config.schema import Voicemail as VoicemailSettings
from appliance.config.state_folder import announcements_of, greetings_missing
from appliance.config.values import PROVEN, BadConfiguration, Mistakes, MonthDay
from appliance.errors import ConfigurationError
from appliance.files import atomic_write, make_private
from appliance.media.messages import COUNTRY_CODES
from appliance.modem.dialects import DIALECTS
from appliance.modem.learning import dialect_of
from appliance.modem.scripts import FLASH_MS, GAIN_LIMIT, OVERRIDE_SHAPE, CallerIdOrder
from appliance.policy.dialling import CALL_BACK_WEEK, DialRules, Identity
from appliance.policy.hours import (
    WEEKDAYS,
    Closure,
    Holiday,
    Period,
    Schedule,
    SpecialOpening,
    Week,
    week_of,
)
from appliance.policy.lines import HalfDuplexDaytime, Line, modem_line
from appliance.policy.numbering import NumberClass
from appliance.policy.office import AfterHours, GreetingLength, Group, Office, VoicemailLimits
from appliance.policy.text import Refused, words_of
from appliance.policy.users import PinRule
from appliance.prompts.voices import PromptVoice
from appliance.sip.registrar import network_of, parse_address
from appliance.text import ENGLISH, LANGUAGES, Words, _, unchanged, written

# ---- Telephone numbers as people write them: the ONLY phonenumbers import ------------------------


def dialled_form(number: str, country: str) -> str:
    """Return a public number as it is dialled within `country`: "+39 051 598111" -> "051598111".

    Raises Refused for a number that is not valid there.
    """
    try:
        parsed = phonenumbers.parse(number, country.upper())
    except phonenumbers.NumberParseException as error:
        raise Refused(
            _(
                '{number!r} is no telephone number: write it as it is dialled, e.g. "051 598111"',
                number=number,
            ),
        ) from error
    if not phonenumbers.is_possible_number(parsed):
        raise Refused(
            _(
                "{number!r} has the wrong number of digits for {country}",
                number=number,
                country=country,
            ),
        )
    return "".join(filter(str.isdigit, written_form(number, country)))


def written_form(number: str, country: str) -> str:
    """Return a number grouped as people read it; unchanged if it is no ordinary number."""
    try:
        parsed = phonenumbers.parse(number, country.upper())
    except phonenumbers.NumberParseException:
        return number
    if not phonenumbers.is_possible_number(parsed):
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)


# ---- The Office, all mistakes at once ------------------------------------------------------------
# Holidays: the ONLY import of the library. 4 October (San Francesco) is national in Italy from
# 2026, which the library knows. The town's patron saint's day is in the configuration alone.

# Holidays are made at the start: no appliance runs for twelve years without a restart.
YEARS_AHEAD = 12
# Days of the library on which nothing closes: since law 54 of 1977 Italy keeps 4 November on the
# month's first Sunday, which is a Sunday like any other.
OBSERVED_ON_A_SUNDAY = {"IT": frozenset({"Giorno dell'unità nazionale", "National Unity Day"})}
PATRON = _("Patron saint's day")
# Names that the library lacks, by language and by its English name.
_NAMES: Final = {
    "de": {
        "New Year's Day": "Neujahr",
        "Epiphany": "Heilige Drei Könige",
        "Easter Sunday": "Ostersonntag",
        "Easter Monday": "Ostermontag",
        "Liberation Day": "Tag der Befreiung",
        "Labor Day": "Tag der Arbeit",
        "Republic Day": "Tag der Republik",
        "Assumption Of Mary Day": "Mariä Himmelfahrt",
        "Saint Francis of Assisi, Patron Saint of Italy": "Franz von Assisi, Patron Italiens",
        "All Saints' Day": "Allerheiligen",
        "Immaculate Conception": "Mariä Empfängnis",
        "Christmas Day": "Weihnachten",
        "Saint Stephen's Day": "Stephanstag",
    },
}


def holidays_for(
    country: str, first_year: int, patron: MonthDay, name: str = ""
) -> tuple[Holiday, ...]:
    """Return the holidays of `country` for YEARS_AHEAD from `first_year` on, with the patron's day.

    Raises Refused for a country that the library does not know.
    """
    found = dict(_public_holidays(country, first_year))
    for year in range(first_year, first_year + YEARS_AHEAD):
        found[patron.in_year(year)] = unchanged(name) if name else PATRON
    return tuple(Holiday(day, words) for day, words in sorted(found.items()))


# Each change of a setting is checked as a whole: a country's holidays are the same each time.
@lru_cache(maxsize=4)
def _public_holidays(country: str, first_year: int) -> Mapping[date, Words]:
    years = range(first_year, first_year + YEARS_AHEAD)
    found: dict[date, Words] = {}
    code = country.upper()
    try:
        english = holidays.country_holidays(code, years=years, language="en_US")
    except NotImplementedError as error:
        raise Refused(
            _("the holidays of {country!r} are not known: write e.g. it", country=country),
        ) from error
    # The language is given explicitly: by default the library follows the environment's.
    home = english.default_language
    local = holidays.country_holidays(code, years=years, language=home)
    # Names that the library has in no other language are shown in the country's own.
    for day, text in english.items():
        named = [_without_observances(name, code) for name in (local.get(day, text), text)]
        if all(named):
            found[day] = written({language: _name_in(language, *named) for language in LANGUAGES})
    return found


def _name_in(language: str, local: str, english: str) -> str:
    """Return a holiday's name in a language, the country's own where none is known."""
    if language == ENGLISH:
        return english
    known = _NAMES.get(language, {})
    names = [known.get(each, "") for each in english.split("; ")]
    return "; ".join(names) if all(names) else local


def _without_observances(name: str, code: str) -> str:
    """Return a holiday's name without days that close nothing; "" if no name is left."""
    observed = OBSERVED_ON_A_SUNDAY.get(code, frozenset())
    return "; ".join(each for each in name.split("; ") if each not in observed)


FREE = tuple(
    kind.value for kind in NumberClass if kind not in {NumberClass.EMERGENCY, NumberClass.NONE}
)
MOST_DAYS, MOST_CALLS, MOST_MINUTES = 365, 200, 1440


def outgoing_of(settings: Settings, mistakes: Mistakes) -> DialRules:
    """Make the rules of outgoing calls (E17); note all mistakes."""
    written = settings.outgoing
    _check_outgoing(settings, mistakes)
    identity = written.identity if written.identity in tuple(Identity) else Identity.PRESENTED
    return DialRules(
        plan=numbers_of(settings),
        prefix=written.prefix,
        identity=Identity(identity),
        withhold=written.withhold,
        local=written.local,
        week=mistakes.attempt(
            "outgoing.band", lambda: _week(written.band, written.days), CALL_BACK_WEEK
        ),
        known_days=written.known_days,
        free={
            phone.name: frozenset(NumberClass(kind) for kind in phone.dials if kind in FREE)
            for phone in settings.phones
            if phone.dials
        },
        calls_per_hour=written.calls_per_hour,
        minutes_per_day=written.minutes_per_day,
    )


def _week(band: str, days: tuple[str, ...]) -> Week:
    return week_of(**dict.fromkeys(days, band))


def _check_outgoing(settings: Settings, mistakes: Mistakes) -> None:
    written = settings.outgoing
    for day in written.days:
        mistakes.choice("outgoing.days", day, WEEKDAYS)
    mistakes.choice("outgoing.identity", written.identity, tuple(Identity))
    for number, phone in enumerate(settings.phones, 1):
        for kind in phone.dials:
            mistakes.choice(f"phones.{number}.dials", kind, FREE)
    for place, value, most in (
        ("known_days", written.known_days, MOST_DAYS),
        ("calls_per_hour", written.calls_per_hour, MOST_CALLS),
        ("minutes_per_day", written.minutes_per_day, MOST_MINUTES),
    ):
        if not 0 <= value <= most:
            mistakes.note(
                f"outgoing.{place}",
                _("{value} is out of bounds: write 0 to {most}", value=value, most=most),
            )
    for place, code in (("prefix", written.prefix), ("withhold", written.withhold)):
        if not set(code) <= set("0123456789*#"):
            mistakes.note(
                f"outgoing.{place}",
                _("{code!r} cannot be dialled: write digits, * or #", code=code),
            )
    for code in written.local:
        if not code.isdigit():
            mistakes.note(
                "outgoing.local",
                _('{code!r} is no area code: write digits, e.g. local = ["051"]', code=code),
            )


T = TypeVar("T")

PRIVACY = {"short": "privacy", "off": ""}
"""Values of `voicemail.privacy` with the notice's prompt."""
FIRST_PIN, LAST_PIN = 2, 27
SWITCHBOARD = "switchboard"
CITIZENS_DESK = "citizens_desk"
LABELS = {
    SWITCHBOARD: _("Switchboard"),
    CITIZENS_DESK: _("Citizens' counter"),
}


def build_office(
    settings: Settings,
    year: int,
    name: str = "centralino.toml",
    announcements: tuple[Path, ...] | None = None,
) -> Office:
    """Build the Office; `year` is the present one. Raises BadConfiguration with every mistake.

    `announcements` are the folders laid over our recordings, None for those in force.
    """
    mistakes = Mistakes()
    folders = announcements_of(settings) if announcements is None else announcements
    _check_greetings(settings, mistakes, folders)
    office = _office(settings, year, mistakes)
    if mistakes.found or office is None:
        raise BadConfiguration(name, tuple(mistakes.found))
    return office


def _office(settings: Settings, year: int, mistakes: Mistakes) -> Office | None:
    _check_office(settings, mistakes)
    days = _days(settings, year, mistakes)
    lines = tuple(_line(line, n, settings, mistakes) for n, line in enumerate(settings.lines, 1))
    switchboard = _group(SWITCHBOARD, settings.switchboard, settings, *days, mistakes)
    citizens_desk = _group(CITIZENS_DESK, settings.citizens_desk, settings, *days, mistakes)
    calls_out = outgoing_of(settings, mistakes)
    return mistakes.attempt(
        "the file",
        lambda: Office(
            name=settings.site.name,
            lines=lines,
            switchboard=switchboard,
            citizens_desk=citizens_desk if _exists(settings.citizens_desk) else None,
            public_numbers=tuple(line.called_number for line in lines if line.called_number),
            languages=settings.site.languages,
            email=_spelt(settings),
            extensions=extensions(settings.phones),
            voicemail=_voicemail(settings.voicemail),
            after_hours=AfterHours(bool(settings.voicemail.emergency_112), settings.voicemail.duty),
            longest_ms=int(settings.calls.longest * 1000),
            transfer_ms=int(settings.calls.transfer * 1000),
            lines_kept=settings.calls.lines_kept,
            positions=build.position_rules(settings, mistakes),
            outgoing=calls_out,
            waiting=build.waiting_rules(settings, mistakes),
            head=tuple(dict.fromkeys(settings.head.phones)),
            without_time=build.without_time(settings),
            branches=build.rules(settings, mistakes),
        ),
        None,
    )


def _check_office(settings: Settings, mistakes: Mistakes) -> None:
    """Note mistakes of tables that do not become part of the Office."""
    _check_site(settings, mistakes)
    _check_names(settings, mistakes)
    _check_panel(settings, mistakes)
    _check_whose(settings, mistakes)
    build.check_call_limits(settings, mistakes)
    build.service_targets(settings, mistakes)
    build.check_branches(settings, mistakes)
    check_mail(settings.mail, mistakes)
    check_mqtt(settings.mqtt, mistakes)
    build.check(settings, mistakes)
    build.check_console(settings.console, mistakes)
    build.check_port("sip.port", settings.sip.port, 1, mistakes)
    build.check_metrics(settings, mistakes)


def _days(
    settings: Settings, year: int, mistakes: Mistakes
) -> tuple[ZoneInfo, tuple[Holiday, ...]]:
    """Return the zone and the holidays of the site."""
    site = settings.site
    zone = mistakes.attempt("site.zone", lambda: _zone(site.zone), ZoneInfo("UTC"))
    no_holidays: tuple[Holiday, ...] = ()
    holidays = mistakes.attempt(
        "site.country",
        lambda: holidays_for(site.country, year - 1, site.patron, site.patron_name),
        no_holidays,
    )
    return zone, holidays


def _spelt(settings: Settings) -> tuple[str, ...]:
    """Return the public e-mail address as prompts, () unless callers shall hear it."""
    address = settings.site.email if settings.voicemail.spell_email else ""
    return spell_email(address) if address else ()


def _voicemail(written: VoicemailSettings) -> VoicemailLimits:
    return VoicemailLimits(
        limit_ms=int(written.limit * 1000),
        silence_ms=int(written.silence * 1000),
        minimum_ms=int(written.minimum * 1000),
        privacy=PRIVACY.get(written.privacy, ""),
        greeting=GreetingLength(written.greeting)
        if written.greeting in tuple(GreetingLength)
        else GreetingLength.SHORT,
        pin=PinRule(written.pin) if written.pin in tuple(PinRule) else PinRule.ALWAYS,
    )


def _exists(group: GroupSettings) -> bool:
    return bool(group.phones or group.pbx_numbers or group.outside)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise Refused(
            _('{name!r} is no time zone; write e.g. "Europe/Rome"', name=name),
        ) from error


def _check_greetings(settings: Settings, mistakes: Mistakes, folders: tuple[Path, ...]) -> None:
    """Note greetings and notices that exist in no language."""
    # A greeting without a recording would be silence, and so would an unknown notice.
    mistakes.choice("voicemail.privacy", settings.voicemail.privacy, tuple(PRIVACY))
    mistakes.choice("voicemail.greeting", settings.voicemail.greeting, tuple(GreetingLength))
    for place, greeting, missing in greetings_missing(settings, folders):
        if len(missing) == len(settings.site.languages):
            mistakes.note(
                place,
                _(
                    "there is no prompt {greeting!r}: put {files} into folders.prompts, or let the "
                    "box say it: "
                    "centralino office prompts say {greeting} TEXT --language {language}",
                    greeting=greeting,
                    files=", ".join(f"{language}/{greeting}.wav" for language in missing),
                    language=missing[0],
                ),
            )


def _check_whose(settings: Settings, mistakes: Mistakes) -> None:
    """Note unknown groups of openings and periods."""
    # A misspelt group would leave the day as it is, and nobody would notice.
    whose = [(f"openings.{n}", each.group) for n, each in enumerate(settings.openings, 1)]
    whose += [(f"periods.{n}", each.group) for n, each in enumerate(settings.periods, 1)]
    for place, group in whose:
        if group:
            mistakes.choice(f"{place}.group", group, tuple(LABELS))


def _check_panel(settings: Settings, mistakes: Mistakes) -> None:
    """Note pins that are not on the header, or are used twice."""
    # The 40-pin header has GPIO 2 to 27; -1 is a pin that is not fitted.
    panel = settings.panel
    single = (panel.ready, panel.network, panel.messages, panel.fault, panel.unattended_button)
    fitted = [pin for pin in (*single, *panel.lines) if pin >= 0]
    for pin in sorted(set(fitted)):
        if not FIRST_PIN <= pin <= LAST_PIN:
            mistakes.note(
                "panel",
                _(
                    "GPIO {pin} is not on the header: use {least} to {most}, -1 for none",
                    pin=pin,
                    least=FIRST_PIN,
                    most=LAST_PIN,
                ),
            )
        if fitted.count(pin) > 1:
            mistakes.note("panel", _("GPIO {pin} is used twice", pin=pin))


def _check_site(settings: Settings, mistakes: Mistakes) -> None:
    mistakes.choice("site.country", settings.site.country, tuple(COUNTRY_CODES))
    mistakes.choice("site.voice", settings.site.voice, tuple(PromptVoice))
    for language in settings.site.languages:
        mistakes.choice("site.languages", language, LANGUAGES)
    for law in settings.sip.laws:
        mistakes.choice("sip.laws", law, ("alaw", "ulaw"))
    for network in settings.sip.allowed:
        said = _(
            "{network!r} is no network: write 192.168.1.0/24, or 192.168.1.21 for one address",
            network=network,
        )
        mistakes.check("sip.allowed", network_of, network, said)
    if settings.sip.registrar:
        address = settings.sip.registrar.address
        _check_address("sip.registrar.address", address, mistakes)


def _check_address(place: str, address: str, mistakes: Mistakes) -> None:
    said = _(
        "{address!r} is no phone's address: write 192.168.1.21 or 192.168.1.21:5060",
        address=address,
    )
    mistakes.check(place, parse_address, address, said)


def _groups(settings: Settings) -> dict[str, GroupSettings]:
    return {SWITCHBOARD: settings.switchboard, CITIZENS_DESK: settings.citizens_desk}


def _check_names(settings: Settings, mistakes: Mistakes) -> None:
    known = tuple(phone.name for phone in settings.phones)
    for key, group in (
        (SWITCHBOARD, settings.switchboard),
        (CITIZENS_DESK, settings.citizens_desk),
        ("head", settings.head),
    ):
        for phone in group.phones:
            mistakes.choice(f"{key}.phones", phone, known or ("a phone of [[phones]]",))
    # Such a line passes calls to the PBX, where the switchboard must have an extension.
    passing = [
        line.name for line in settings.lines if line.daytime == HalfDuplexDaytime.PBX_TRANSFER
    ]
    if passing and not settings.switchboard.pbx_numbers:
        mistakes.note(
            f"{SWITCHBOARD}.pbx_numbers",
            _(
                "line {passing} passes its calls to the PBX, where the switchboard has no "
                'extension: write pbx_numbers = ["201"] under [switchboard]',
                passing=passing[0],
            ),
        )
    ports = [line.port for line in settings.lines]
    for number, line in enumerate(settings.lines, 1):
        mistakes.check(f"lines.{number}.port", _check_port, line.port)
        if line.port and ports.count(line.port) > 1:
            mistakes.note(
                f"lines.{number}.port",
                _("{port} is used by more than one line; each needs its own port", port=line.port),
            )
    for number, configured in enumerate(settings.phones, 1):
        if configured.address:
            _check_address(f"phones.{number}.address", configured.address, mistakes)
    names = [phone.name for phone in settings.phones]
    for number, name in enumerate(names, 1):
        if names.count(name) > 1:
            mistakes.note(
                f"phones.{number}.name",
                _("{name!r} stands twice", name=name),
            )


def _check_port(port: str) -> None:
    """Raise Refused for a path that does not name a USB port."""
    # Conexant modems share one serial number, and ttyACM numbers change at a replug: another modem
    # may have such a name tomorrow (reference/v253.md 4).
    if port.startswith("/dev/serial/by-id/"):
        raise Refused(
            _(
                "{port} names a serial number, which several modems share: use "
                "/dev/serial/by-path/...",
                port=port,
            ),
        )
    if re.fullmatch(r"/dev/tty(?:ACM|USB)\d+", port):
        raise Refused(
            _(
                "{port} changes when a modem is plugged in again: use /dev/serial/by-path/...",
                port=port,
            ),
        )


def _line(line: LineSettings, number: int, settings: Settings, mistakes: Mistakes) -> Line:
    place = f"lines.{number}"
    mistakes.choice(f"{place}.dialect", line.dialect, ("auto", *DIALECTS))
    mistakes.choice(f"{place}.caller_id", line.caller_id, tuple(CallerIdOrder))
    if line.daytime:
        mistakes.choice(f"{place}.daytime", line.daytime, tuple(HalfDuplexDaytime))
    called = mistakes.attempt(
        f"{place}.called",
        lambda: dialled_form(line.called, settings.site.country) if line.called else "",
        "",
    )
    for key, gain in (("receive_gain", line.receive_gain), ("transmit_gain", line.transmit_gain)):
        if not -1 <= gain <= GAIN_LIMIT:
            mistakes.note(
                f"{place}.{key}",
                _(
                    "{gain} is no gain of a modem: 0 to {most}, or -1 to leave it as delivered",
                    gain=gain,
                    most=GAIN_LIMIT,
                ),
            )
    flash_ms = round(line.flash * 1000)
    if not FLASH_MS[0] <= flash_ms <= FLASH_MS[1]:
        mistakes.note(
            f"{place}.flash",
            _(
                "a hook flash of {flash} ms is none: {shortest} to {longest} ms",
                flash=flash_ms,
                shortest=FLASH_MS[0],
                longest=FLASH_MS[1],
            ),
        )
    wrong = next((each for each in line.overrides if not OVERRIDE_SHAPE.fullmatch(each)), None)
    if wrong is not None:
        mistakes.note(
            f"{place}.overrides", _("override {command!r} is no AT command", command=wrong)
        )
    duplex = _duplex(line)
    daytime = HalfDuplexDaytime(line.daytime) if line.daytime in tuple(HalfDuplexDaytime) else None
    return mistakes.attempt(
        f"{place}.daytime",
        lambda: modem_line(line.name, line.label, called, duplex, daytime),
        modem_line(line.name),
    )


def _duplex(line: LineSettings) -> bool | None:
    """Return whether a line is duplex, by its probe, else by its make; None if unknown."""
    dialect = dialect_of(line.bundle.bundle) if line.bundle.bundle else DIALECTS.get(line.dialect)
    by_make = dialect.duplex if dialect else None
    return PROVEN.get(line.duplex, by_make)


def _group(
    key: str,
    group: GroupSettings,
    settings: Settings,
    zone: ZoneInfo,
    holidays: tuple[Holiday, ...],
    mistakes: Mistakes,
) -> Group:
    week = group.hours.week if group.hours else settings.hours.week
    schedule = mistakes.attempt(
        key,
        lambda: _schedule(key, week, settings, zone, holidays),
        Schedule(zone, week),
    )
    return mistakes.attempt(
        key,
        lambda: Group(
            key,
            LABELS[key],
            group.phones,
            schedule,
            int(group.ring * 1000),
            group.pbx_numbers,
            group.outside,
        ),
        Group(key, LABELS[key], (), schedule),
    )


def _schedule(
    key: str, week: Week, settings: Settings, zone: ZoneInfo, holidays: tuple[Holiday, ...]
) -> Schedule:
    return Schedule(
        zone,
        week,
        holidays,
        closures=tuple(
            Closure(c.start.as_start(), c.end.as_end(), unchanged(c.reason), c.greeting)
            for c in settings.closures
        ),
        openings=tuple(
            SpecialOpening(o.day, o.hours.bands, unchanged(o.reason))
            for o in settings.openings
            if o.group in {"", key}
        ),
        periods=tuple(
            Period(p.start, p.end, unchanged(p.reason), p.hours.week, p.greeting)
            for p in settings.periods
            if p.group in {"", key}
        ),
        elsewhere=frozenset(build.pairs(settings)),
    )


# ---- In force: the file, else the last good one, else an empty one -------------------------------
# A configuration error never ends the service
# (design/failures.md, What must hold when things fail).

log = logging.getLogger(__name__)

# Folder with copies of the modems' profiles and bundles that the last good configuration names.
LAST_GOOD_PROFILES = "last_good_profiles"
EMPTY_CONFIGURATION = """
[site]
name = "Centralino"
patron = "01-01"
[hours]
[sip]
address = "127.0.0.1"
"""
"""Configuration of an appliance that has never had a good one: no line, no phone."""


def in_force(path: Path, year: int | None = None) -> tuple[Settings, Office, Words]:
    """Return settings, office and the mistakes of the file at `path`, empty for none."""
    return in_force_with_written(path, year)[1:]


def in_force_with_written(
    path: Path, year: int | None = None
) -> tuple[Settings, Settings, Office, Words]:
    """Return the same, preceded by the settings without the phones entered in the console."""
    year = year or datetime.now(UTC).year
    try:
        written, settings, office = _read_office(path, year)
    except ConfigurationError as error:
        log.error("%s", error)
        return *_last_good(path, year), words_of(error)
    _keep_last_good(path, settings)
    return written, settings, office, Words()


def state_folder_of(path: Path) -> Path:
    """Return the state folder of a configuration that may be broken."""
    # The last good one lies there: its place must be found also in a file with mistakes.
    try:
        return read.state_folder(tomllib.loads(read.read_text(path)))
    except (OSError, ValueError, RecursionError):
        return read.state_folder({})


def _read_office(
    path: Path, year: int, kept: Path | None = None
) -> tuple[Settings, Settings, Office]:
    written = read.load_written(path, kept)
    settings = with_entered(written)
    return written, settings, build_office(settings, year, str(path))


def _last_good(path: Path, year: int) -> tuple[Settings, Settings, Office]:
    last_good = state_folder_of(path) / "last_good.toml"
    try:
        found = _read_office(last_good, year, last_good.parent / LAST_GOOD_PROFILES)
    except ConfigurationError:
        log.warning("there is no last good configuration: no line is in service")
        settings = read.parse(EMPTY_CONFIGURATION)
        return settings, settings, build_office(settings, year)
    log.warning("the last good configuration is in force: %s", last_good)
    return found


def _keep_last_good(path: Path, settings: Settings) -> None:
    """Store a good file, its profiles and bundles as the last good ones, each whole or not."""
    folder = Path(settings.folders.state)
    try:
        for named in sorted({f for line in settings.lines for f in (line.profile, line.bundle)}):
            if named:
                _keep_file(Path(named), folder / LAST_GOOD_PROFILES / kept_name(named))
        _keep_file(path, folder / "last_good.toml")
        keep_ports(read.ports_given(path, settings), folder)
    except OSError as error:
        log.warning("the configuration cannot be kept as the last good one: %s", error)


def _keep_file(path: Path, kept: Path) -> None:
    # The start waits for this: a flush to the card would keep callers waiting after every restart.
    if _is_kept(path, kept):
        return
    make_private(kept.parent)
    atomic_write(kept, path.read_bytes())


def _is_kept(path: Path, kept: Path) -> bool:
    """Return whether a file is the last good one already."""
    try:
        return kept.read_bytes() == path.read_bytes()
    except OSError:
        return False
