"""Office, the policy's frozen value, built from the settings; all mistakes at once."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

import holidays

from appliance.calls.announcements import spell_email
from appliance.config import build, numbers
from appliance.config.build import check_mail, check_mqtt, extensions, numbers_of
from appliance.config.mistakes import BadConfiguration, Mistakes
from appliance.config.schema import Group as GroupSettings
from appliance.config.schema import Line as LineSettings
from appliance.config.schema import Settings
from appliance.config.schema import Voicemail as VoicemailSettings
from appliance.config.state_folder import announcements_of
from appliance.config.values import PROVEN, MonthDay
from appliance.media.messages import COUNTRY_CODES
from appliance.modem.dialects import DIALECTS
from appliance.modem.scripts import FLASH_MS, CallerIdOrder
from appliance.modem.scripts import LineSettings as DriverSettings
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
from appliance.policy.numbering import NumberClass
from appliance.policy.office import (
    AfterHours,
    GreetingLength,
    Group,
    HalfDuplexDaytime,
    Line,
    Office,
    VoicemailLimits,
)
from appliance.policy.text import Refused, Words
from appliance.policy.users import PinRule
from appliance.prompts import Catalogue
from appliance.prompts.voices import PromptVoice
from appliance.sip.registrar import network_of, parse_address

# Holidays: the ONLY import of the library. 4 October (San Francesco) is national in Italy from
# 2026, which the library knows. The town's patron saint's day is in the configuration alone.

# Holidays are made at the start: no appliance runs for twelve years without a restart.
YEARS_AHEAD = 12
# Days of the library on which nothing closes: since law 54 of 1977 Italy keeps 4 November on the
# month's first Sunday, which is a Sunday like any other.
OBSERVED_ON_A_SUNDAY = {"IT": frozenset({"Giorno dell'unità nazionale", "National Unity Day"})}
PATRON = Words("Santo patrono", "Patron saint's day")


def holidays_for(
    country: str, first_year: int, patron: MonthDay, name: str = ""
) -> tuple[Holiday, ...]:
    """Return the holidays of `country` for YEARS_AHEAD from `first_year` on, with the patron's day.

    Raises Refused for a country that the library does not know.
    """
    years = range(first_year, first_year + YEARS_AHEAD)
    found: dict[date, Words] = {}
    code = country.upper()
    try:
        english = holidays.country_holidays(code, years=years, language="en_US")
    except NotImplementedError as error:
        raise Refused(
            f"di «{country}» non si conoscono le feste: scrivere ad esempio it",
            f"the holidays of {country!r} are not known: write e.g. it",
        ) from error
    # The language is given explicitly: by default the library follows the environment's.
    home = english.default_language
    local = holidays.country_holidays(code, years=years, language=home)
    for day, text in english.items():
        named = [_without_observances(name, code) for name in (local.get(day, text), text)]
        if all(named):
            found[day] = Words(*named)
    for year in years:
        found[patron.in_year(year)] = Words(name, name) if name else PATRON
    return tuple(Holiday(day, words) for day, words in sorted(found.items()))


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
                f"{value} è fuori dai limiti: scrivere da 0 a {most}",
                f"{value} is out of bounds: write 0 to {most}",
            )
    for place, code in (("prefix", written.prefix), ("withhold", written.withhold)):
        if not set(code) <= set("0123456789*#"):
            mistakes.note(
                f"outgoing.{place}",
                f"{code!r} non si può comporre: scrivere cifre, * o #",
                f"{code!r} cannot be dialled: write digits, * or #",
            )
    for code in written.local:
        if not code.isdigit():
            mistakes.note(
                "outgoing.local",
                f'{code!r} non è un prefisso: scrivere cifre, ad esempio local = ["051"]',
                f'{code!r} is no area code: write digits, e.g. local = ["051"]',
            )


T = TypeVar("T")

PRIVACY = {"short": "privacy", "off": ""}
"""Values of `voicemail.privacy` with the notice's prompt."""
NO_NETWORK = "«{}» non è una rete: scrivere ad esempio 192.168.1.0/24"
NO_ADDRESS = "«{}» non è un indirizzo: scrivere ad esempio 192.168.1.21 o 192.168.1.21:5060"
FIRST_PIN, LAST_PIN = 2, 27
SWITCHBOARD = "switchboard"
CITIZENS_DESK = "citizens_desk"
LABELS = {
    SWITCHBOARD: Words("Centralino", "Switchboard"),
    CITIZENS_DESK: Words("Sportello Cittadini", "Citizens' counter"),
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
            f'{name!r} non è un fuso orario: scrivere ad esempio "Europe/Rome"',
            f'{name!r} is no time zone; write e.g. "Europe/Rome"',
        ) from error


def _check_greetings(settings: Settings, mistakes: Mistakes, folders: tuple[Path, ...]) -> None:
    """Note greetings and notices that do not exist."""
    # A greeting without a recording would be silence, and so would an unknown notice.
    known = Catalogue(*folders).keys(settings.site.languages[0])
    mistakes.choice("voicemail.privacy", settings.voicemail.privacy, tuple(PRIVACY))
    mistakes.choice("voicemail.greeting", settings.voicemail.greeting, tuple(GreetingLength))
    written = [(f"closures.{n}", c.greeting) for n, c in enumerate(settings.closures, 1)]
    written += [(f"periods.{n}", p.greeting) for n, p in enumerate(settings.periods, 1)]
    for place, greeting in written:
        if greeting and greeting not in known:
            mistakes.note(
                f"{place}.greeting",
                f"l'annuncio {greeting!r} non c'è: mettere {greeting}.wav in folders.prompts, o "
                f"farlo dire all'apparecchio: centralino prompts say {greeting} TESTO",
                f"there is no prompt {greeting!r}; put {greeting}.wav into folders.prompts, or let "
                f"the box say it: centralino prompts say {greeting} TEXT",
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
                f"il GPIO {pin} non è sul connettore: usare da {FIRST_PIN} a {LAST_PIN}, -1 per "
                "nessuno",
                f"GPIO {pin} is not on the header: use {FIRST_PIN} to {LAST_PIN}, -1 for none",
            )
        if fitted.count(pin) > 1:
            mistakes.note("panel", f"il GPIO {pin} è usato due volte", f"GPIO {pin} is used twice")


def _check_site(settings: Settings, mistakes: Mistakes) -> None:
    mistakes.choice("site.country", settings.site.country, tuple(COUNTRY_CODES))
    mistakes.choice("site.voice", settings.site.voice, tuple(PromptVoice))
    for language in settings.site.languages:
        mistakes.choice("site.languages", language, ("it", "en"))
    for law in settings.sip.laws:
        mistakes.choice("sip.laws", law, ("alaw", "ulaw"))
    for network in settings.sip.allowed:
        mistakes.check("sip.allowed", network_of, network, NO_NETWORK.format(network))
    if settings.sip.registrar:
        address = settings.sip.registrar.address
        mistakes.check("sip.registrar.address", parse_address, address, NO_ADDRESS.format(address))


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
            f"la linea {passing[0]} passa le chiamate al PBX, dove il centralino non ha interni: "
            'scrivere pbx_numbers = ["201"] sotto [switchboard]',
            f"line {passing[0]} passes its calls to the PBX, where the switchboard has no "
            'extension: write pbx_numbers = ["201"] under [switchboard]',
        )
    ports = [line.port for line in settings.lines]
    for number, line in enumerate(settings.lines, 1):
        mistakes.check(f"lines.{number}.port", _check_port, line.port)
        if ports.count(line.port) > 1:
            mistakes.note(
                f"lines.{number}.port",
                f"{line.port} è usata da più di una linea: ognuna ha la sua porta",
                f"{line.port} is used by more than one line; each needs its own port",
            )
    for number, configured in enumerate(settings.phones, 1):
        if configured.address:
            said = NO_ADDRESS.format(configured.address)
            mistakes.check(f"phones.{number}.address", parse_address, configured.address, said)
    names = [phone.name for phone in settings.phones]
    for number, name in enumerate(names, 1):
        if names.count(name) > 1:
            mistakes.note(
                f"phones.{number}.name",
                f"{name!r} compare due volte",
                f"{name!r} stands twice",
            )


def _check_port(port: str) -> None:
    """Raise Refused for a path that does not name a USB port."""
    # Conexant modems share one serial number, and ttyACM numbers change at a replug: another modem
    # may have such a name tomorrow (reference/v253.md 4).
    if port.startswith("/dev/serial/by-id/"):
        raise Refused(
            f"{port} nomina un numero di serie, che più modem hanno uguale: usare "
            "/dev/serial/by-path/...",
            f"{port} names a serial number, which several modems share: use "
            "/dev/serial/by-path/...",
        )
    if re.fullmatch(r"/dev/tty(?:ACM|USB)\d+", port):
        raise Refused(
            f"{port} cambia quando si ricollega un modem: usare /dev/serial/by-path/...",
            f"{port} changes when a modem is plugged in again: use /dev/serial/by-path/...",
        )


def _line(line: LineSettings, number: int, settings: Settings, mistakes: Mistakes) -> Line:
    place = f"lines.{number}"
    mistakes.choice(f"{place}.dialect", line.dialect, ("auto", *DIALECTS))
    mistakes.choice(f"{place}.caller_id", line.caller_id, tuple(CallerIdOrder))
    if line.daytime:
        mistakes.choice(f"{place}.daytime", line.daytime, tuple(HalfDuplexDaytime))
    called = mistakes.attempt(
        f"{place}.called",
        lambda: numbers.called(line.called, settings.site.country) if line.called else "",
        "",
    )
    flash_ms = round(line.flash * 1000)
    no_flash = f"{flash_ms} ms non sono un impulso di gancio: da {FLASH_MS[0]} a {FLASH_MS[1]} ms"
    mistakes.check(f"{place}.flash", lambda _: DriverSettings(flash_ms=flash_ms), "", no_flash)
    no_command = "un comando in overrides comincia con AT, senza ritorni a capo"
    mistakes.check(
        f"{place}.overrides", lambda _: DriverSettings(overrides=line.overrides), "", no_command
    )
    duplex = _duplex(line)
    daytime = HalfDuplexDaytime(line.daytime) if line.daytime in tuple(HalfDuplexDaytime) else None
    return mistakes.attempt(
        f"{place}.daytime",
        lambda: Line(line.name, line.label, called, duplex, daytime),
        Line(line.name),
    )


def _duplex(line: LineSettings) -> bool | None:
    """Return whether a line is duplex, by its probe, else by its make; None if unknown."""
    dialect = DIALECTS.get(line.dialect)
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
            Closure(c.start.as_start(), c.end.as_end(), _words(c.reason), c.greeting)
            for c in settings.closures
        ),
        openings=tuple(
            SpecialOpening(o.day, o.hours.bands, _words(o.reason))
            for o in settings.openings
            if o.group in {"", key}
        ),
        periods=tuple(
            Period(p.start, p.end, _words(p.reason), p.hours.week, p.greeting)
            for p in settings.periods
            if p.group in {"", key}
        ),
        elsewhere=frozenset(build.pairs(settings)),
    )


def _words(text: str) -> Words:
    return Words(text, text)
