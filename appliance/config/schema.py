"""Schema of centralino.toml: one frozen dataclass a table; field names are TOML keys."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from appliance.config.values import (
    Bands,
    BundleFile,
    Hours,
    LongSeconds,
    Moment,
    MonthDay,
    OnOff,
    Pause,
    PortRange,
    Proven,
    Seconds,
)
from appliance.policy.hours import WEEKDAYS


@dataclass(frozen=True, slots=True)
class Line:
    """One analog line with its modem."""

    # Left out, line1, line2 ... in the order of the file.
    name: str = ""
    # A stable path, /dev/serial/by-path/...: others change at a replug (reference/v253.md 4). Left
    # out, the next modem that no other line names, which the line then keeps.
    port: str = ""
    label: str = ""
    # The public number that rings here, "" if several do: the appliance never guesses (P1).
    called: str = ""
    dialect: str = "auto"
    caller_id: str = "after"
    # Longest wait for the caller's number before the appliance itself answers. After an Italian
    # ring of 1 s the exchange may begin 0.5 to 2 s later (EN 300 659-1); measured: the number
    # arrives 2.15 s after RING (design/decisions.md).
    identity_limit: Seconds = Seconds(3.0)
    receive_gain: int = -1
    transmit_gain: int = -1
    echo: OnOff = OnOff(False)
    # Daytime behaviour of a half-duplex line: message, ring_parallel_phone or pbx_transfer. Such a
    # line must have one (design/failures.md).
    daytime: str = ""
    # Result of `centralino line probe` for this modem.
    duplex: Proven = Proven("auto")
    # Hook flash of the PBX behind the line, and pause before the digits, 0 for its dial tone.
    flash: Seconds = Seconds(0.1)
    pbx_pause: Pause = Pause(0.0)
    # Whether the modem's measure of the line voltage is reliable.
    voltage: Proven = Proven("auto")
    # Commands sent after every reset.
    overrides: tuple[str, ...] = ()
    # File of `centralino line field-test --profile`, for values that this table does not set.
    profile: str = ""
    # File of `centralino line bundle`: the modem's dialect, in place of the key of that name.
    bundle: BundleFile = BundleFile("")


@dataclass(frozen=True, slots=True)
class Phone:
    """One SIP phone. `address` ("192.168.1.21" or with ":5060") is for a phone that does not
    register; `centralino phones add` stores the secret of one that does. `extension` is the number
    that other phones dial, "" for the next free one from 11 on. `dials` are the classes of numbers
    that it may dial freely: local, national, mobile ...
    """

    # Left out, made of the label.
    name: str = ""
    label: str = ""
    address: str = ""
    extension: str = ""
    dials: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Registrar:
    """Another telephone system, or a SIP proxy, where the appliance has an account: a phone with
    the same `address` is rung there. `centralino phones registrar` stores the password.
    """

    address: str
    user: str


@dataclass(frozen=True, slots=True)
class Sip:
    """SIP on the LAN; `address` 0.0.0.0 means every LAN address."""

    address: str = "0.0.0.0"  # noqa: S104 - every address of the box, as phones find it
    port: int = 5060
    # Phones may use TCP beside UDP.
    tcp: OnOff = OnOff(True)
    rtp_ports: PortRange = PortRange(16000, 16199)
    realm: str = "centralino"
    laws: tuple[str, ...] = ("alaw", "ulaw")
    # Networks from which SIP is accepted beside the phones' own addresses, () for all.
    allowed: tuple[str, ...] = ()
    # NTP server of provisioned phones, "" for the country's pool.ntp.org.
    time_server: str = ""
    registrar: Registrar | None = None


@dataclass(frozen=True, slots=True)
class Retention:
    """Retention in days, 0 for ever."""

    # Since the closing: an open message is never deleted (P9).
    messages_closed_days: int = 90
    # Callers' numbers; after that a call still counts in the report. Also texts of sent e-mails.
    numbers_days: int = 180
    # Calls, and requests that are done.
    calls_days: int = 1095


@dataclass(frozen=True, slots=True)
class Backup:
    """Destinations of the nightly sealed backup."""

    # On a second medium, a USB stick for instance; "" for none.
    folder: str = ""
    # File whose first line seals it.
    passphrase_file: str = ""
    # Number of backups that stay there.
    keep: int = 7
    # Folder on another machine (sftp://, smb:// or https://), set up by `box backup-target
    # set-up`.
    target: str = ""
    # A private authority's certificates for an https:// target.
    ca_file: str = ""
    # Whoever may open the target's backups besides (an age recipient): the head office.
    recipient: str = ""
    # E-mail address for a backup that has not succeeded for three days, "" for none.
    notify: str = ""


@dataclass(frozen=True, slots=True)
class Updates:
    """Update server of an appliance made from the image: the https address of a folder with
    latest.json, "" for none; `ca_file` has a private authority's certificates; `install` tells who
    takes what it offers (ask, night).
    """

    server: str = ""
    ca_file: str = ""
    install: str = "ask"


@dataclass(frozen=True, slots=True)
class Central:
    """The head office's settings."""

    # https address of the bundle, "" if it comes as a file only.
    server: str = ""
    # A private authority's certificates for that server.
    ca_file: str = ""
    # The signer's certificate; without it nobody's settings are accepted.
    certificate: str = ""
    # File whose first line unseals the directory in them.
    passphrase_file: str = ""
    # This appliance's name: settings for other branches are refused.
    branch: str = ""
    # Minutes between two fetches.
    every: int = 60


@dataclass(frozen=True, slots=True)
class MailSettings:
    """The mail server for requests and notices; without `server` they wait on the disk."""

    server: str = ""
    # 0 for the usual one: 587, 465, 25.
    port: int = 0
    # starttls, tls or none; one never falls back to another.
    security: str = "starttls"
    user: str = ""
    password_file: str = ""
    # A private authority's certificates.
    ca_file: str = ""
    # An address, or "Name <address>": the front desk's mailbox, which gets the answers.
    sender: str = ""
    # The supervisor's address; without one there are no notices to the supervisor.
    head: str = ""


@dataclass(frozen=True, slots=True)
class Mqtt:
    """The MQTT broker for states and events; without `server` MQTT is off."""

    server: str = ""
    # 0 for the usual one: 8883, in the clear 1883.
    port: int = 0
    # tls or none; one never falls back to the other.
    security: str = "tls"
    user: str = ""
    password_file: str = ""
    ca_file: str = ""
    certificate: str = ""
    key: str = ""
    # Begins each topic and is this appliance's alone.
    prefix: str = ""
    # Groups beside the states: calls, messages, requests, lines, service, troubles.
    events: tuple[str, ...] = ()
    # Callers' numbers in events, masked or full; undisclosed numbers are always masked (P7).
    callers: str = "masked"
    # Events that wait for a broker that is away; beyond that the oldest is dropped.
    queue: int = 10_000
    home_assistant: OnOff = OnOff(False)


@dataclass(frozen=True, slots=True)
class Clock:
    """`without_time` replaces the hours while the time cannot be trusted (if-staffed, open, hours);
    `holdover_days` is how long a confirmed clock is trusted without synchronisation.
    """

    # Whoever is there decides: never voicemail for a whole day (reference/reliability.md 6).
    without_time: str = "if-staffed"
    # After a week alone a clock is half a minute off, which hours can bear (policy/clock.py).
    holdover_days: int = 7


@dataclass(frozen=True, slots=True)
class PanelPins:
    """GPIO pins (BCM numbers) of LEDs and button; -1 for none."""

    ready: int = 17
    network: int = 27
    messages: int = 22
    fault: int = 23
    lines: tuple[int, ...] = (5, 6, 13, 19)
    unattended_button: int = 26


@dataclass(frozen=True, slots=True)
class Console:
    """The console's address for browsers: every address of the appliance, and `names`."""

    enabled: OnOff = OnOff(True)
    listen: str = "0.0.0.0"  # noqa: S104 - every address of the box, as phones find it
    port: int = 443
    # Redirects plain HTTP to `port`, 0 for none.
    redirect_port: int = 80
    names: tuple[str, ...] = ("centralino.local",)
    # The office's own files; without them the appliance has a certificate authority of its own.
    certificate: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Metrics:
    """Figures for Prometheus: `listen` is one address of the appliance, "" for off. `allowed` are
    the networks that get an answer, () for all.
    """

    listen: str = ""
    port: int = 9799
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Folders:
    """Folders: `state` survives a reboot, `run` does not, `prompts` has the office's recordings,
    `console` the console's sessions and certificates.
    """

    state: str = "/var/lib/centralino"
    run: str = "/run/centralino"
    prompts: str = ""
    console: str = "/var/lib/centralino-console"


@dataclass(frozen=True, slots=True)
class Site:
    """The office. `patron` is the town's patron saint's day (MM-DD). `address` (street and town) is
    printed on papers, `voice` is the voice of our announcements (prompts/voices.py).
    """

    name: str
    # Without a default on purpose: it is a holiday in this town and nowhere else.
    patron: MonthDay
    patron_name: str = ""
    country: str = "it"
    zone: str = "Europe/Rome"
    # Greetings are repeated briefly in English (E5).
    languages: tuple[str, ...] = ("it", "en")
    email: str = ""
    address: str = ""
    voice: str = "auto"


@dataclass(frozen=True, slots=True)
class Group:
    """Positions that ring together."""

    phones: tuple[str, ...] = ()
    # Extensions of a PBX behind a half-duplex line, called in this order.
    pbx_numbers: tuple[str, ...] = ()
    # An ordinary telephone, called over a second line when no phone can be reached (B4).
    outside: str = ""
    ring: Seconds = Seconds(25.0)
    # Of the citizens' counter, which has hours of its own (E2).
    hours: Hours | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """The supervisor's phones, which ring when an operator brings the supervisor into a
    conversation (E10); without a phone nobody can.
    """

    phones: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Closure:
    """A closure from one moment to another, against the week; `greeting` names a prompt."""

    start: Moment
    end: Moment
    reason: str = ""
    greeting: str = ""


@dataclass(frozen=True, slots=True)
class Opening:
    """Other hours on one day, against week, closures and holidays. `group` is switchboard,
    citizens_desk, or "" for both.
    """

    day: date
    hours: Bands
    reason: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class Period:
    """Other hours between two days, ending by themselves (E14). `group` is switchboard,
    citizens_desk, or "" for both.
    """

    start: date
    end: date
    hours: Hours
    reason: str = ""
    greeting: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class Voicemail:
    """Limits of a message and contents of the greeting."""

    limit: Seconds = Seconds(180.0)
    # Ends a message, but never in its first 10 s (E5).
    silence: Seconds = Seconds(5.0)
    # A shorter recording is no message.
    minimum: Seconds = Seconds(2.0)
    # E-mail address for every new message, "" for none; with the recording on request.
    notify: str = ""
    notify_sound: OnOff = OnOff(False)
    # Late calls without a message of which front desk and supervisor are alerted: all, unclosed
    # (not called back for a working day), none.
    missed_alerts: str = "all"
    # short: what everybody needs, the tone within 20 s, the rest by a key; long: all languages.
    greeting: str = "short"
    # Spells site.email to callers.
    spell_email: OnOff = OnOff(False)
    # short: a notice before a message, whose words `office prompts say privacy` changes; off.
    privacy: str = "short"
    # After hours callers are told to call 112 in an emergency.
    emergency_112: OnOff = OnOff(False)
    # Units whose number is disclosed after hours while its authorisation is valid (E11).
    duty: tuple[str, ...] = ()
    # The PIN is asked on phones of neither group (others), or on every phone (always).
    pin: str = "others"
    # MB of free space below which there is an alarm: the high-water mark (reliability.md, Room).
    room_alarm: int = 256


@dataclass(frozen=True, slots=True)
class Calls:
    """Limits of a call."""

    # Four hours: then a conversation ends whose line would else stay seized (B1), by a forgotten
    # handset for instance.
    longest: LongSeconds = LongSeconds(14400.0)
    # The numbers of an office ring this long in all before the call returns (E7).
    transfer: Seconds = Seconds(40.0)
    # Lines that stay free to answer if there are two or more: the appliance itself does not dial
    # over the last one, except for a caller whom nobody else can serve (P8).
    lines_kept: int = 1


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Outgoing calls of positions (E17), with limits against toll fraud."""

    # Digits that a phone dials before an outside number.
    prefix: str = "0"
    # presented or withheld, and the line's own code to withhold it, "" for the country's.
    identity: str = "presented"
    withhold: str = ""
    # The office's area codes: without them no number is local.
    local: tuple[str, ...] = ()
    # When citizens are called back without a reason; outside it the urgency is asked.
    band: str = "8:00-19:00"
    days: tuple[str, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday")
    # Days for which a caller may be called back.
    known_days: int = 30
    # Limits of one position.
    calls_per_hour: int = 20
    minutes_per_day: int = 240
    # For a test bench on real lines: no real emergency number is dialled.
    rehearsal: OnOff = OnOff(False)


@dataclass(frozen=True, slots=True)
class Report:
    """Reports about calls."""

    # Reference of the agreement that permits figures per position (E21), "" for none.
    per_person_reference: str = ""
    # Each unit is mailed its sheet on the month's first working day.
    monthly_sheets: OnOff = OnOff(False)


@dataclass(frozen=True, slots=True)
class Standards:
    """Promises of the service charter in %, 0 for none; each quarter's sheet measures them."""

    # Of the calls that a person answered.
    answered_within_20s: int = 80
    # Of all calls: the one upper bound.
    lost_at_most: int = 10
    # Of the lost calls.
    called_back_same_day: int = 90
    # Of the voicemail messages: closed within one working day.
    messages_in_a_day: int = 90
    # Of the requests: answered by their due day.
    requests_in_time: int = 90
    # Of the served calls: answered without a transfer.
    by_filter: int = 0


@dataclass(frozen=True, slots=True)
class Positions:
    """Absence of a position that misses its calls; 0 is never. Both defaults are E3's."""

    # Missed calls in a row.
    away_after_missed: int = 2
    # Minutes until a position that is away is reminded by two rings.
    remind_after: int = 60


@dataclass(frozen=True, slots=True)
class Waiting:
    """The queue for a free position; by default there is none: nobody waits (E2)."""

    # Callers at once, and seconds each.
    queue_max: int = 0
    max_wait: int = 0
    # An announcement this often, with the place in the queue on request.
    announce_every: Seconds = Seconds(30.0)
    announce_place: OnOff = OnOff(False)
    # Callers wait for the switchboard first, then the citizens' counter rings.
    before_counter: OnOff = OnOff(False)


@dataclass(frozen=True, slots=True)
class Branches:
    """Other branches, or a telephone system, at the proxy of [sip.registrar] (B9)."""

    # Accounts there, as the directory's needs name them.
    names: tuple[str, ...] = ()
    # "unit.need" of the directory to which a call overflows that nobody here takes, in this order,
    # as far as they have declared it.
    offices: tuple[str, ...] = ()
    # Cases of overflow: busy, no_answer, unattended, unreachable, closed.
    when: tuple[str, ...] = ("busy", "no_answer", "unattended", "unreachable")
    # Ringing time of each office.
    ring: Seconds = Seconds(20.0)
    # Calls that overflow from other branches ring here.
    takes: OnOff = OnOff(False)


# An option exists only if a named reader will set it: the technician at installation, the
# supervisor for hours and periods (rule 10). Times are local wall-clock times of `site.zone`.


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole configuration."""

    site: Site
    hours: Hours
    sip: Sip = Sip()
    lines: tuple[Line, ...] = ()
    phones: tuple[Phone, ...] = ()
    switchboard: Group = Group()
    citizens_desk: Group = Group()
    head: Head = Head()
    closures: tuple[Closure, ...] = ()
    openings: tuple[Opening, ...] = ()
    periods: tuple[Period, ...] = ()
    voicemail: Voicemail = Voicemail()
    calls: Calls = Calls()
    outgoing: Outgoing = Outgoing()
    report: Report = Report()
    standards: Standards = Standards()
    positions: Positions = Positions()
    mail: MailSettings = MailSettings()
    mqtt: Mqtt = Mqtt()
    retention: Retention = Retention()
    backup: Backup = Backup()
    updates: Updates = Updates()
    central: Central = Central()
    waiting: Waiting = Waiting()
    clock: Clock = Clock()
    branches: Branches = Branches()
    panel: PanelPins = PanelPins()
    console: Console = Console()
    metrics: Metrics = Metrics()
    folders: Folders = Folders()


# Fields with undisclosed numbers (P7): only their count is shown.
HIDDEN_FIELDS: Final = frozenset({"pbx_numbers", "outside"})


def sections(settings: Settings) -> list[dict[str, Any]]:
    """Return the tables by their names in the file, an array's one by one, each with its rows.

    A row has the key, the value as text, whether it is the default, and a count of hidden values.
    """
    found = []
    for one in dataclasses.fields(settings):
        value = getattr(settings, one.name)
        several = value if _is_array(one.name, value) else (value,)
        for number, table in enumerate(several, 1):
            name = str(getattr(table, "name", number)) if value is several else ""
            found.append({"section": one.name, "which": name, "rows": _rows(table)})
    return found


def _is_array(name: str, value: object) -> bool:
    return isinstance(value, tuple) and name != "hours"


def _rows(table: Any) -> list[dict[str, Any]]:
    if isinstance(table, Hours):
        return _week(table)
    rows = []
    for one in dataclasses.fields(table):
        value = getattr(table, one.name)
        if isinstance(value, Hours):
            rows += [{**row, "key": f"{one.name}.{row['key']}"} for row in _week(value)]
        elif dataclasses.is_dataclass(value) and one.name == "registrar":
            rows += [{**row, "key": f"{one.name}.{row['key']}"} for row in _rows(value)]
        else:
            rows.append(_row(one.name, value, is_default=value == one.default))
    return rows


def _week(hours: Hours) -> list[dict[str, Any]]:
    days = zip(WEEKDAYS, hours.week.days, strict=True)
    return [_row(day, bands, is_default=not bands) for day, bands in days]


def _row(key: str, value: Any, *, is_default: bool) -> dict[str, Any]:
    if key in HIDDEN_FIELDS:
        count = len(value) if isinstance(value, tuple) else int(bool(value))
        return {"key": key, "value": "", "default": not count, "hidden": count}
    return {"key": key, "value": shown_value(value), "default": is_default, "hidden": 0}


def shown_value(value: Any) -> str:
    """Return a value as text; "" for none."""
    match value:
        case None:
            return ""
        case tuple():
            return ", ".join(shown_value(each) for each in value)
        case Bands():
            return shown_value(value.bands)
        case PortRange():
            return f"{value.low}-{value.high}"
        case MonthDay():
            return f"{value.month:02}-{value.day:02}"
        case Moment():
            return " ".join(str(part) for part in (value.day, value.at) if part is not None)
        case float():
            return f"{value:g}"
        case _:
            return str(value)


@dataclass(frozen=True, slots=True)
class ManagedCounter:
    """The citizens' counter's own week."""

    hours: Hours


@dataclass(frozen=True, slots=True)
class ManagedSchedule:
    """The whole of schedule.toml; a week that it does not name stays the branch's."""

    hours: Hours | None = None
    citizens_desk: ManagedCounter | None = None
    closures: tuple[Closure, ...] = ()
    openings: tuple[Opening, ...] = ()
    periods: tuple[Period, ...] = ()
