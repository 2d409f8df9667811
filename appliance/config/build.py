"""Frozen settings built out of the configuration: checks, rules, and each process's setup."""

from __future__ import annotations

import dataclasses
import ipaddress
import itertools
import re
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Final

from appliance.config.schema import Line, MailSettings, Phone, Settings
from appliance.config.values import MQTT_PASSWORD, PROVEN, Mistakes, backup_address, secret_file
from appliance.errors import OfficeError
from appliance.fleet.mqtt import Broker, MqttSecurity
from appliance.fleet.mqtt_messages import CallerNumbers, EventGroup, check_prefix, topic_level
from appliance.mail import Security, address_in, is_address
from appliance.media.messages import LineSetup
from appliance.modem.bundle import packed_text
from appliance.panel import PanelWiring
from appliance.policy.clock import WithoutTime
from appliance.policy.numbering import EMERGENCY, PLANS, NumberingPlan, rehearsal_plan
from appliance.policy.office import (
    BranchRules,
    Extension,
    Office,
    OverflowCause,
    PositionRules,
    StaffKey,
    WaitingRules,
)
from appliance.policy.recipients import recipient_key
from appliance.policy.requests import DONE_LINK_PATH
from appliance.policy.standards import ServiceTargets
from appliance.policy.text import Refused
from appliance.policy.updates import UpdateInstall, check_server
from appliance.policy.users import PinRule
from appliance.policy.voicemail import CallAlerts
from appliance.sip.registrar import RegistrarAccount, parse_address
from appliance.sip.trunk import RegistrationState
from appliance.store.database import Trouble
from appliance.store.retention import RetentionDays
from appliance.text import _

if TYPE_CHECKING:
    from appliance.config.schema import Console, Metrics, Mqtt, Site


def check_branches(settings: Settings, mistakes: Mistakes) -> None:
    """Note mistakes of [branches]."""
    written = settings.branches
    if (written.names or written.takes) and settings.sip.registrar is None:
        mistakes.note(
            "branches",
            _("other branches are reached over a SIP proxy: write [sip.registrar], too"),
        )
    for name in written.names:
        if name in {phone.name for phone in settings.phones}:
            mistakes.note(
                "branches.names",
                _(
                    "{name!r} is a phone's name already: the branch needs another account",
                    name=name,
                ),
            )
    if settings.sip.registrar and settings.sip.registrar.user in written.names:
        mistakes.note(
            "branches.names",
            _(
                "{user!r} is this box itself: name the other branches only",
                user=settings.sip.registrar.user,
            ),
        )
    for office in written.offices:
        if not all(office.partition(".")):
            mistakes.note(
                "branches.offices",
                _(
                    "{office!r} is no destination: write unit.need, as in 'savena.public'",
                    office=office,
                ),
            )
    for cause in written.when:
        mistakes.choice("branches.when", cause, tuple(OverflowCause))


def pairs(settings: Settings) -> tuple[tuple[str, str], ...]:
    """Return the other branches' offices as unit and need, in the written order."""
    return tuple(office.partition(".")[::2] for office in settings.branches.offices)


def rules(settings: Settings, mistakes: Mistakes) -> BranchRules:
    """Make the rules of overflow to other branches; without offices no call overflows."""
    written = settings.branches
    when = frozenset(OverflowCause(cause) for cause in written.when if cause in set(OverflowCause))
    return mistakes.attempt(
        "branches",
        lambda: BranchRules(written.names, pairs(settings), when, round(written.ring * 1000)),
        BranchRules(),
    )


# No citizen's conversation is cut within ten minutes; none lasts a day.
LEAST_LONGEST_S, MOST_LONGEST_S = 600, 86_400
# A clerk needs a few rings to come; no caller is left to music for longer than three minutes.
LEAST_TRANSFER_S, MOST_TRANSFER_S = 10, 180
# After 60 days a clock may be four minutes off (policy/clock.py).
MOST_HOLDOVER_DAYS = 60


def check_call_limits(settings: Settings, mistakes: Mistakes) -> None:
    """Note mistakes of [calls]."""
    longest = settings.calls.longest
    if not LEAST_LONGEST_S <= longest <= MOST_LONGEST_S:
        mistakes.note(
            "calls.longest",
            _(
                "{longest:g} s is no limit for a conversation: write {least} to {most} seconds",
                longest=longest,
                least=LEAST_LONGEST_S,
                most=MOST_LONGEST_S,
            ),
        )
    rings = settings.calls.transfer
    if not LEAST_TRANSFER_S <= rings <= MOST_TRANSFER_S:
        mistakes.note(
            "calls.transfer",
            _(
                "{rings:g} s is no time for an office to answer: write {least} to {most} seconds",
                rings=rings,
                least=LEAST_TRANSFER_S,
                most=MOST_TRANSFER_S,
            ),
        )
    check_clock(settings, mistakes)
    kept, most = settings.calls.lines_kept, max(len(settings.lines) - 1, 1)
    if not 0 <= kept <= most:
        mistakes.note(
            "calls.lines_kept",
            _(
                "{kept} lines cannot stay free to answer: write 0 to {most}, fewer than "
                "there are lines",
                kept=kept,
                most=most,
            ),
        )


def check_clock(settings: Settings, mistakes: Mistakes) -> None:
    """Note mistakes of [clock]."""
    mistakes.choice("clock.without_time", settings.clock.without_time, tuple(WithoutTime))
    days = settings.clock.holdover_days
    if not 1 <= days <= MOST_HOLDOVER_DAYS:
        mistakes.note(
            "clock.holdover_days",
            _(
                "{days} days are no time for a clock by itself: write 1 to "
                "{most}; it is off by up to four seconds a day",
                days=days,
                most=MOST_HOLDOVER_DAYS,
            ),
        )


def without_time(settings: Settings) -> WithoutTime:
    """Return the rule for hours while the time cannot be trusted."""
    written = settings.clock.without_time
    return WithoutTime(written) if written in tuple(WithoutTime) else WithoutTime.IF_STAFFED


def position_rules(settings: Settings, mistakes: Mistakes) -> PositionRules:
    """Make the rules by which positions are set away (E3)."""
    written = settings.positions
    return mistakes.attempt(
        "positions",
        lambda: PositionRules(written.away_after_missed, written.remind_after * 60_000),
        PositionRules(),
    )


def contacts(site: Site, numbers: Iterable[str]) -> tuple[str, ...]:
    """Return the lines of a letterhead below the office's name."""
    called = " · ".join(dict.fromkeys(number for number in numbers if number))
    return tuple(line for line in (site.address, site.email, called and f"Tel. {called}") if line)


def contacts_of(settings: Settings) -> tuple[str, ...]:
    """Return the same, with the public numbers as they are written in the configuration."""
    return contacts(settings.site, (line.called for line in settings.lines))


def service_targets(settings: Settings, mistakes: Mistakes | None = None) -> ServiceTargets:
    """Return the promises of the service charter; a mistake is noted, or raises Refused."""

    def made() -> ServiceTargets:
        return ServiceTargets(**dataclasses.asdict(settings.standards))

    return mistakes.attempt("standards", made, ServiceTargets()) if mistakes else made()


def waiting_rules(settings: Settings, mistakes: Mistakes) -> WaitingRules:
    """Make the rules of the queue; `max_wait` and `announce_every` become ms."""
    written = settings.waiting
    return mistakes.attempt(
        "waiting",
        lambda: WaitingRules(
            written.queue_max,
            written.max_wait * 1000,
            round(written.announce_every * 1000),
            bool(written.announce_place),
            bool(written.before_counter),
        ),
        WaitingRules(),
    )


_NAME = re.compile(
    r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z"
)
"""A host name (RFC 1123 section 2.1)."""
LAST_PORT = 65_535
# Default port of https, which an address leaves out.
USUAL_PORT = 443


def done_link_page(console: Console) -> str:
    """Return the address for links that close a request; "" without a console or its name."""
    return console_address(console, DONE_LINK_PATH)


def messages_page(console: Console) -> str:
    """Return the address of the messages' page; "" without a console or its name."""
    return console_address(console, "/messages")


def console_address(console: Console, path: str) -> str:
    """Return the address of a page; "" without a console or its name."""
    if not (console.enabled and console.names):
        return ""
    port = "" if console.port == USUAL_PORT else f":{console.port}"
    return f"https://{console.names[0]}{port}{path}"


def tcp_rival(settings: Settings) -> str:
    """Return the key whose TCP port is the same as the phones', "" for none."""
    # Console and metrics keep the port, which they had before phones could use TCP.
    console, metrics = settings.console, settings.metrics
    ports = {"metrics.port": metrics.port if metrics.listen else 0}
    if console.enabled:
        ports |= {"console.port": console.port, "console.redirect_port": console.redirect_port}
    taken = (key for key, port in ports.items() if port == settings.sip.port)
    return next(taken, "") if settings.sip.tcp else ""


def check_console(console: Console, mistakes: Mistakes) -> None:
    """Note mistakes of [console]."""
    mistakes.check("console.listen", _address, console.listen)
    check_port("console.port", console.port, 1, mistakes)
    check_port("console.redirect_port", console.redirect_port, 0, mistakes)
    for name in console.names:
        mistakes.check("console.names", _host_name, name)
    if bool(console.certificate) != bool(console.key):
        place = "console.key" if console.certificate else "console.certificate"
        mistakes.note(
            place,
            _("is missing: a certificate needs its key, and a key its certificate"),
        )
    for place, file in (("certificate", console.certificate), ("key", console.key)):
        if file:
            mistakes.check(f"console.{place}", _file, file)


def check_port(place: str, port: int, least: int, mistakes: Mistakes) -> None:
    """Note a number that is not a port from `least` on."""
    if not least <= port <= LAST_PORT:
        mistakes.note(
            place,
            _(
                "{port} is no port: {least} to {most}",
                port=port,
                least=least,
                most=LAST_PORT,
            ),
        )


def _address(text: str) -> None:
    try:
        ipaddress.ip_address(text)
    except ValueError as error:
        raise Refused(
            _('{text!r} is no address: "0.0.0.0" is every one', text=text),
        ) from error


def _host_name(text: str) -> None:
    if not _NAME.match(text):
        raise Refused(
            _('{text!r} is no host name; write e.g. "centralino.local"', text=text),
        )


def _file(text: str) -> None:
    if not Path(text).is_absolute():
        raise Refused(
            _("{text!r} must be a whole path, beginning with /", text=text),
        )


# Extensions that the configuration does not give are counted from here.
FIRST = 11


def labels(phones: Iterable[Phone]) -> dict[str, str]:
    """Return the positions' labels by their phones' names."""
    return {phone.name: phone.label for phone in phones if phone.label}


def extensions(phones: Iterable[Phone]) -> tuple[Extension, ...]:
    """Return the extension of every phone, in the order of the configuration.

    Raises ConfigurationError for digits that cannot be one.
    """
    phones = tuple(phones)
    # An emergency number is never an extension.
    taken = {phone.extension for phone in phones} | set(EMERGENCY)
    free = (str(number) for number in itertools.count(FIRST) if str(number) not in taken)
    return tuple(Extension(p.extension or next(free), p.name, p.label) for p in phones)


def check_mail(mail: MailSettings, mistakes: Mistakes) -> None:
    """Note mistakes of [mail]."""
    # A `head` without a server is no mistake: the notices wait until there is one.
    mistakes.choice("mail.security", mail.security, tuple(Security))
    if not 0 <= mail.port <= LAST_PORT:
        mistakes.note(
            "mail.port",
            _("{port} is no port: leave it out for the usual one", port=mail.port),
        )
    if mail.head and not is_address(mail.head):
        mistakes.note(
            "mail.head",
            _("{head!r} is no mail address", head=mail.head),
        )
    if mail.server or mail.sender:
        try:
            address_in(mail.sender)
        except OfficeError:
            mistakes.note(
                "mail.sender",
                _(
                    '{sender!r} is no mail address: write "a@b.it" or "Name <a@b.it>"',
                    sender=mail.sender,
                ),
            )
    if bool(mail.user) != bool(mail.password_file):
        mistakes.note(
            "mail.user",
            _("a user needs its password_file, and a password_file its user"),
        )
    if mail.user and mail.security == Security.NONE:
        mistakes.note(
            "mail.security",
            _("a password is not sent in the clear: use starttls or tls"),
        )


FIRST_PORT = 1024
Network = IPv4Network | IPv6Network


def networks_of(metrics: Metrics) -> tuple[Network, ...]:
    """Return the networks that may read the figures, () for all; raises Refused."""
    return tuple(map(_network, metrics.allowed))


def check_metrics(settings: Settings, mistakes: Mistakes) -> None:
    """Note mistakes of [metrics]."""
    metrics, console = settings.metrics, settings.console
    if metrics.listen:
        mistakes.check("metrics.listen", _check_address, metrics.listen)
    for network in metrics.allowed:
        mistakes.check("metrics.allowed", _network, network)
    if not FIRST_PORT <= metrics.port <= LAST_PORT:
        mistakes.note(
            "metrics.port",
            _(
                "{port} cannot be used: choose a port from {least} to {most}",
                port=metrics.port,
                least=FIRST_PORT,
                most=LAST_PORT,
            ),
        )
    elif (
        metrics.listen and console.enabled and metrics.port in {console.port, console.redirect_port}
    ):
        mistakes.note(
            "metrics.port",
            _("{port} is the pages' port already ([console]): use another one", port=metrics.port),
        )


def _check_address(text: str) -> None:
    try:
        address = ip_address(text)
    except ValueError as error:
        raise Refused(
            _('{text!r} is no address: write the box\'s own, e.g. "192.168.1.10"', text=text),
        ) from error
    if address.is_unspecified or address.is_multicast:
        raise Refused(
            _('{text!r} is not one address: write the box\'s own, e.g. "192.168.1.10"', text=text),
        )


def _network(text: str) -> Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise Refused(
            _("{text!r} is no network; write e.g. 192.168.1.5 or 192.168.1.0/24", text=text),
        ) from error


# Waiting events: fewer would not outlast a morning, more are an archive and no queue.
LEAST, MOST = 100, 100_000


def check_mqtt(mqtt: Mqtt, mistakes: Mistakes) -> None:
    """Note mistakes of [mqtt]."""
    # Checked also while MQTT is off (no `server`): it must be right on the day it is switched on.
    mistakes.choice("mqtt.security", mqtt.security, tuple(MqttSecurity))
    mistakes.choice("mqtt.callers", mqtt.callers, tuple(CallerNumbers))
    for topic in mqtt.events:
        mistakes.choice("mqtt.events", topic, tuple(EventGroup))
    if mqtt.server or mqtt.prefix:
        mistakes.check("mqtt.prefix", check_prefix, mqtt.prefix)
    _check_figures(mqtt, mistakes)
    _check_account(mqtt, mistakes)


def _check_figures(mqtt: Mqtt, mistakes: Mistakes) -> None:
    if not 0 <= mqtt.port <= LAST_PORT:
        mistakes.note(
            "mqtt.port",
            _("{port} is no port: leave it out for the usual one", port=mqtt.port),
        )
    if not LEAST <= mqtt.queue <= MOST:
        mistakes.note(
            "mqtt.queue",
            _(
                "{queue} cannot be: write {least} to {most} events",
                queue=mqtt.queue,
                least=LEAST,
                most=MOST,
            ),
        )


def _check_account(mqtt: Mqtt, mistakes: Mistakes) -> None:
    if bool(mqtt.user) != bool(mqtt.password_file):
        mistakes.note(
            "mqtt.user",
            _("a user needs its password_file, and a password_file its user"),
        )
    if bool(mqtt.certificate) != bool(mqtt.key):
        mistakes.note(
            "mqtt.certificate",
            _("a certificate needs its key, and a key its certificate"),
        )
    if mqtt.security == MqttSecurity.NONE and (mqtt.user or mqtt.certificate or mqtt.ca_file):
        mistakes.note(
            "mqtt.security",
            _("passwords and certificates are of no use in the clear: use tls"),
        )
    if mqtt.security == MqttSecurity.NONE and mqtt.callers == CallerNumbers.FULL:
        mistakes.note(
            "mqtt.callers",
            _("callers' numbers are not sent in the clear: use tls"),
        )


def broker_of(mqtt: Mqtt) -> Broker | None:
    """Return the broker, None if none is configured."""
    if not mqtt.server:
        return None
    return Broker(
        mqtt.server,
        topic_level(mqtt.prefix),
        MqttSecurity(mqtt.security),
        mqtt.port,
        mqtt.user,
        secret_file(mqtt.password_file, MQTT_PASSWORD) if mqtt.user else "",
        mqtt.ca_file,
        mqtt.certificate,
        mqtt.key,
    )


# No phone can have this name: it has a dot.
SECRET = "sip.registrar"  # noqa: S105 - the secret's name in the file of secrets
REGISTRAR_SILENT = Trouble(
    "phones.registrar_silent",
    _(
        "The other telephone system does not answer: check the cable, "
        "sip.registrar.address and the system itself; the box tries again by "
        "itself, at least every 35 s."
    ),
)
REGISTRAR_REFUSES = Trouble(
    "phones.registrar_refuses",
    _(
        "The other telephone system refuses the box: check sip.registrar.user and "
        "the password (centralino phones registrar)."
    ),
)
SAID = {RegistrationState.SILENT: REGISTRAR_SILENT, RegistrationState.REFUSED: REGISTRAR_REFUSES}


def account(settings: Settings, secrets: dict[str, str]) -> RegistrarAccount | None:
    """Return the account at the other telephone system; None without [sip.registrar]."""
    configured = settings.sip.registrar
    if configured is None:
        return None
    secret, branches = secrets.get(SECRET, ""), settings.branches
    return RegistrarAccount(
        parse_address(configured.address),
        configured.user,
        secret,
        branches.names,
        bool(branches.takes),
    )


def trouble_of(standing: RegistrationState | None) -> Trouble | None:
    """Return the trouble of a registration's state, None for none."""
    return SAID.get(standing) if standing else None


# Folder of real modems' ports; a simulated line's port is a file in its exchange's folder.
DEVICES = "/dev/"


def rehearses(settings: Settings) -> bool:
    """Return whether no real emergency number may be dialled: simulated lines, or configured."""
    # On simulated lines never, by construction: no option can permit it.
    simulated = any(not line.port.startswith(DEVICES) for line in settings.lines)
    return simulated or bool(settings.outgoing.rehearsal)


def numbers_of(settings: Settings) -> NumberingPlan:
    """Return the country's numbering plan; in a rehearsal with fictitious emergency numbers."""
    plan = PLANS.get(settings.site.country, PLANS["it"])
    return rehearsal_plan(plan) if rehearses(settings) else plan


LEAST_EVERY: Final = 5
ADDRESS: Final = re.compile(r"[^@\s]+@[^@\s]+")


def check(settings: Settings, mistakes: Mistakes) -> None:
    """Note mistakes of [retention], [backup], [updates], [central] and of [voicemail]'s choices."""
    for field in dataclasses.fields(settings.retention):
        days = getattr(settings.retention, field.name)
        if days < 0:
            mistakes.note(
                f"retention.{field.name}",
                _("{days} days cannot be: write how many days, or 0 to keep for ever", days=days),
            )
    _check_backup(settings, mistakes)
    if settings.updates.server:
        mistakes.check("updates.server", check_server, settings.updates.server)
    mistakes.choice("updates.install", settings.updates.install, tuple(UpdateInstall))
    _check_central(settings, mistakes)
    _check_notified("voicemail.notify", settings.voicemail.notify, "urp@comune.it", mistakes)
    mistakes.choice("voicemail.pin", settings.voicemail.pin, tuple(PinRule))
    mistakes.choice("voicemail.missed_alerts", settings.voicemail.missed_alerts, tuple(CallAlerts))


def _check_notified(key: str, address: str, example: str, mistakes: Mistakes) -> None:
    """Note a value that is not an e-mail address."""
    if address and not ADDRESS.fullmatch(address):
        mistakes.note(
            key,
            _(
                "{address!r} is no e-mail address: write e.g. {example}",
                address=address,
                example=example,
            ),
        )


def _check_central(settings: Settings, mistakes: Mistakes) -> None:
    """Note mistakes of [central]."""
    central = settings.central
    if central.server:
        mistakes.check("central.server", check_server, central.server)
    # Without the signer's certificate nobody could judge what the server sends.
    if central.server and not central.certificate:
        mistakes.note(
            "central.certificate",
            _("is missing: name the file with the certificate of who signs for the head office"),
        )
    if central.every < LEAST_EVERY:
        mistakes.note(
            "central.every",
            _(
                "{every} minutes are too few: write {least} or more",
                every=central.every,
                least=LEAST_EVERY,
            ),
        )


def _check_backup(settings: Settings, mistakes: Mistakes) -> None:
    """Note mistakes of [backup] and of voicemail.room_alarm."""
    backup = settings.backup
    if backup.folder and not backup.passphrase_file:
        mistakes.note(
            "backup.passphrase_file",
            _("is missing: a backup is sealed; name a file whose first line is its passphrase"),
        )
    if backup.target:
        mistakes.check("backup.target", backup_address, backup.target)
    if backup.recipient:
        mistakes.check("backup.recipient", recipient_key, backup.recipient)
    _check_notified("backup.notify", backup.notify, "ced@comune.it", mistakes)
    for key, number, least in (
        ("backup.keep", backup.keep, 1),
        ("voicemail.room_alarm", settings.voicemail.room_alarm, 0),
    ):
        if number < least:
            mistakes.note(
                key,
                _("{number} cannot be: write {least} or more", number=number, least=least),
            )


def code_of(office: Office, what: StaffKey) -> str:
    """Return the key code of a function, "" for none."""
    return next((code.digits for code in office.key_codes if code.what is what), "")


def line_setup(settings: Settings, line: Line) -> LineSetup:
    """Make the media gateway's setup of one line; times become ms."""
    return LineSetup(
        name=line.name,
        path=line.port,
        dialect=line.dialect,
        country=settings.site.country,
        caller_id=line.caller_id,
        identity_limit_ms=int(line.identity_limit * 1000),
        receive_gain=line.receive_gain,
        transmit_gain=line.transmit_gain,
        echo=bool(line.echo),
        duplex=PROVEN.get(line.duplex),
        flash_ms=round(line.flash * 1000),
        pbx_pause_ms=round(line.pbx_pause * 1000),
        voltage=PROVEN.get(line.voltage),
        overrides=line.overrides,
        learnt=packed_text(line.bundle.bundle) if line.bundle.bundle else "",
        emergency=numbers_of(settings).real,
        rehearsal=rehearses(settings),
    )


def panel_pins(settings: Settings) -> PanelWiring:
    """Make the panel's wiring: each configured line has the next LED, a pin of -1 is none."""
    pins = settings.panel
    names = (line.name for line in settings.lines)
    return PanelWiring(
        ready=_fitted(pins.ready),
        network=_fitted(pins.network),
        message=_fitted(pins.messages),
        fault=_fitted(pins.fault),
        lines=tuple((name, pin) for name, pin in zip(names, pins.lines, strict=False) if pin >= 0),
        button=_fitted(pins.unattended_button),
    )


def _fitted(pin: int) -> int | None:
    return pin if pin >= 0 else None


def keeping_of(settings: Settings) -> RetentionDays:
    """Return the retention periods (days)."""
    kept = settings.retention
    return RetentionDays(kept.messages_closed_days, kept.numbers_days, kept.calls_days)
