"""Schema of the configuration file."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from appliance.config.values import (
    Bands,
    Hours,
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
    """One analog line. `port` is a stable device path (/dev/serial/by-path/...).

    `identity_limit` is how long the caller's number is waited for before the box itself answers:
    after an Italian ring of 1 s the exchange may begin 0.5 to 2 s later (EN 300 659-1). `called` is
    the public number that rings here, "" where several arrive (P1: shown as not known). `daytime`
    is what a half-duplex line does by day: message, ring_parallel_phone or pbx_transfer. `duplex`
    is what `centralino probe` has shown of this modem. `flash` is the hook flash that the PBX
    behind the line takes, `pbx_pause` the pause before the digits, 0 to wait for its dial tone.
    `voltage` says whether the modem's word of the volts on its pair can be believed, `overrides`
    are commands sent after every reset. `profile` is the file of `centralino field-test --profile`
    that says what this table does not.
    """

    name: str
    port: str
    label: str = ""
    called: str = ""
    dialect: str = "auto"
    caller_id: str = "after"
    identity_limit: Seconds = Seconds(3.0)
    receive_gain: int = -1
    transmit_gain: int = -1
    echo: OnOff = OnOff(False)
    daytime: str = ""
    duplex: Proven = Proven("auto")
    flash: Seconds = Seconds(0.1)
    pbx_pause: Pause = Pause(0.0)
    voltage: Proven = Proven("auto")
    overrides: tuple[str, ...] = ()
    profile: str = ""


@dataclass(frozen=True, slots=True)
class Phone:
    """One SIP phone of the office. `address` ("192.168.1.21" or with ":5060") is for a phone that
    does not register; the secret of one that does is kept by `centralino phones add`.
    `extension` is what other phones dial to reach it, "" for the next free number from 11 on.
    `dials` are the classes of numbers that it may dial freely: local, national, mobile ...
    """

    name: str
    label: str = ""
    address: str = ""
    extension: str = ""
    dials: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Registrar:
    """Another telephone system, or a SIP proxy, at which the box has an account: a phone whose
    `address` is this one is rung there. Its password is kept by `centralino phones registrar`.
    """

    address: str
    user: str


@dataclass(frozen=True, slots=True)
class Sip:
    """Where phones find the appliance; `address` 0.0.0.0 means every LAN address. `allowed` are the
    networks from which SIP is heard at all, beside the phones' own addresses; () for every one.
    `time_server` is what provisioned phones ask for the time, "" for the country's pool.ntp.org.
    `tcp` says that phones may come over TCP, too.
    """

    address: str
    port: int = 5060
    tcp: bool = True
    rtp_ports: PortRange = PortRange(16000, 16199)
    realm: str = "centralino"
    laws: tuple[str, ...] = ("alaw", "ulaw")
    allowed: tuple[str, ...] = ()
    time_server: str = ""
    registrar: Registrar | None = None


@dataclass(frozen=True, slots=True)
class Retention:
    """For how many days data are kept, 0 for ever: messages since they were closed (an open one
    never goes), callers' numbers in the call log, and the calls themselves.
    """

    messages_closed_days: int = 90
    numbers_days: int = 180
    calls_days: int = 1095


@dataclass(frozen=True, slots=True)
class Backup:
    """Where a sealed backup is written each night: `folder` is on a second medium, a USB stick for
    instance, "" for none; `passphrase_file` names a file whose first line seals it. `target` is a
    folder on another machine (sftp:// or smb://), "" for none, set up by `centralino backup-target
    set-up`. The last `keep` stay there. `notify` is the e-mail address that is told when none has
    got away for days, "" for nobody.
    """

    folder: str = ""
    passphrase_file: str = ""
    keep: int = 7
    target: str = ""
    notify: str = ""


@dataclass(frozen=True, slots=True)
class Updates:
    """Where a box that was made from the image looks for a newer version in the quiet hour: the
    https address of a folder with latest.json, "" for nowhere; the certificates of an authority of
    one's own in `ca_file`.
    """

    server: str = ""
    ca_file: str = ""


@dataclass(frozen=True, slots=True)
class Central:
    """The head office's settings: `server` is the https address of their bundle, looked at `every`
    so many minutes, "" where they come as a file alone; `certificate` a file with who may sign
    them, `passphrase_file` one whose first line opens their register; `branch` names this box.
    """

    server: str = ""
    ca_file: str = ""
    certificate: str = ""
    passphrase_file: str = ""
    branch: str = ""
    every: int = 60


@dataclass(frozen=True, slots=True)
class MailSettings:
    """The mail server that takes requests and notices; without `server` they wait on the disk.

    `sender` is an address, or "Name <address>": the front desk's mailbox, where answers go. `head`
    is the address of the head of the front desk. `security` is starttls, tls or none; `port` 0 is
    the usual one (587, 465, 25). The password lies in `password_file`, the certificates of an
    authority of one's own in `ca_file`.
    """

    server: str = ""
    port: int = 0
    security: str = "starttls"
    user: str = ""
    password_file: str = ""
    ca_file: str = ""
    sender: str = ""
    head: str = ""


@dataclass(frozen=True, slots=True)
class Mqtt:
    """The MQTT broker that is told how the appliance stands; without `server` nobody is.

    `prefix` begins each topic and is this box's alone. `events` are the groups that are told beside
    the states: calls, messages, requests, lines, service, troubles. `callers` is what they tell of
    callers' numbers, masked or full. At most `queue` events wait for a broker that is away.
    `password_file`, `ca_file`, `certificate` and `key` are files.
    """

    server: str = ""
    port: int = 0
    security: str = "tls"
    user: str = ""
    password_file: str = ""
    ca_file: str = ""
    certificate: str = ""
    key: str = ""
    prefix: str = ""
    events: tuple[str, ...] = ()
    callers: str = "masked"
    queue: int = 10_000
    home_assistant: OnOff = OnOff(False)


@dataclass(frozen=True, slots=True)
class Clock:
    """What holds instead of the hours while the time cannot be trusted (if-staffed, open, hours),
    and for how many days a clock that was confirmed is trusted to run by itself.
    """

    without_time: str = "if-staffed"
    holdover_days: int = 7


@dataclass(frozen=True, slots=True)
class PanelPins:
    """GPIO pins (BCM numbers) of LEDs and button; -1 for one that is not fitted."""

    ready: int = 17
    network: int = 27
    messages: int = 22
    fault: int = 23
    lines: tuple[int, ...] = (5, 6, 13, 19)
    unattended_button: int = 26


@dataclass(frozen=True, slots=True)
class Console:
    """Where browsers find the console. `redirect_port` leads plain HTTP to the secure port, 0 for
    none. It answers to every address of the box and to `names`. `certificate` and `key` are files
    of the office's own; without them the appliance has its own authority.
    """

    enabled: OnOff = OnOff(True)
    listen: str = "0.0.0.0"  # noqa: S104 - every address of the box, as phones find it
    port: int = 443
    redirect_port: int = 80
    names: tuple[str, ...] = ("centralino.local",)
    certificate: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Metrics:
    """Where a Prometheus server reads the box's figures: `listen` is one address of the box, "" for
    nowhere. `allowed` are the networks from which it is answered, () for whoever gets there.
    """

    listen: str = ""
    port: int = 9799
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Folders:
    """Where things are kept: `state` survives, `run` does not, `prompts` are the office's own;
    `console` is what the console keeps of its own: sessions and certificates.
    """

    state: str = "/var/lib/centralino"
    run: str = "/run/centralino"
    prompts: str = ""
    console: str = "/var/lib/centralino-console"


@dataclass(frozen=True, slots=True)
class Site:
    """Whose box this is. `patron` is the town's patron saint's day (MM-DD), asked for on purpose:
    it is a holiday here and nowhere else. `address` (street and town) stands on its papers,
    `voice` says our announcements (prompts/voices.py).
    """

    name: str
    patron: MonthDay
    patron_name: str = ""
    country: str = "it"
    zone: str = "Europe/Rome"
    languages: tuple[str, ...] = ("it", "en")
    email: str = ""
    address: str = ""
    voice: str = "auto"


@dataclass(frozen=True, slots=True)
class Group:
    """Positions rung together, for how long, and (citizens' counter) when they are there.

    `pbx_numbers` are their extensions of a PBX behind a half-duplex line, called in this order.
    `outside` is the number of an ordinary telephone, called over a second line when no phone can be
    reached.
    """

    phones: tuple[str, ...] = ()
    pbx_numbers: tuple[str, ...] = ()
    outside: str = ""
    ring: Seconds = Seconds(25.0)
    hours: Hours | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """The head of the front desk: the phones that ring when an operator brings the head into a
    conversation (E10); without one nobody can.
    """

    phones: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Closure:
    """Closed from one moment to another, whatever the week says; `greeting` names a prompt."""

    start: Moment
    end: Moment
    reason: str = ""
    greeting: str = ""


@dataclass(frozen=True, slots=True)
class Opening:
    """Other hours on one day, whatever the week, a closure or a holiday says. `group` is
    switchboard, citizens_desk, or "" for both.
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
    """Limits of a message, and what its greeting says beside its reason.

    `notify` is the front desk's e-mail address, told of every new message, "" for none; with the
    recording where `notify_sound` says so. Of which late calls without a message desk and head are
    told says `missed_alerts` (all, unclosed, none). `greeting` is short for what everybody needs,
    with the tone within 20 s, the rest by a key; long for everything in every language.
    `spell_email` has site.email spelt to callers. `privacy` is short for the notice before a
    message, off for none; its words are changed by `centralino prompts say privacy`. After hours
    `emergency_112` names 112, and `duty` the units of the register whose number is told while their
    written leave holds (E11). `pin`: the code of `centralino messages pin` is asked on phones of
    neither group (others), or on every phone (always). Below `room_alarm` MB of free space on the
    card the technician is told.
    """

    limit: Seconds = Seconds(180.0)
    silence: Seconds = Seconds(5.0)
    minimum: Seconds = Seconds(2.0)
    notify: str = ""
    notify_sound: OnOff = OnOff(False)
    missed_alerts: str = "all"
    greeting: str = "short"
    spell_email: OnOff = OnOff(False)
    privacy: str = "short"
    emergency_112: OnOff = OnOff(False)
    duty: tuple[str, ...] = ()
    pin: str = "others"
    room_alarm: int = 256


@dataclass(frozen=True, slots=True)
class Calls:
    """Limits of a call; `longest` ends a conversation whose line would else stay seized (B1).

    All numbers of an office together ring for `transfer` before the call comes back (E7).

    `lines_kept` lines stay free to answer where there are two or more: the box itself calls nobody
    over the last one, but for a caller whom nobody else can serve (P8).
    """

    longest: Seconds = Seconds(14400.0)
    transfer: Seconds = Seconds(40.0)
    lines_kept: int = 1


@dataclass(frozen=True, slots=True)
class Outgoing:
    """How positions call out (E17): what a phone dials before an outside number, whether the called
    person sees the line's number (presented, withheld), the line's own code for hiding it ("" for
    the country's), the office's area codes, when citizens are called back without a reason, for how
    many days who has called may be called back, and the limits of a position. `rehearsal` is for a
    test bench on real lines: nothing real is dialled for help.
    """

    prefix: str = "0"
    identity: str = "presented"
    withhold: str = ""
    local: tuple[str, ...] = ()
    band: str = "8:00-19:00"
    days: tuple[str, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday")
    known_days: int = 30
    calls_per_hour: int = 20
    minutes_per_day: int = 240
    rehearsal: OnOff = OnOff(False)


@dataclass(frozen=True, slots=True)
class Report:
    """`per_person_reference` is the agreement that allows figures per position; "" for none.

    With `monthly_sheets` each unit is mailed its sheet on the month's first working day.
    """

    per_person_reference: str = ""
    monthly_sheets: OnOff = OnOff(False)


@dataclass(frozen=True, slots=True)
class Positions:
    """When a position that misses its calls is away by itself, and is reminded of it (E3).

    0 is never. `remind_after` is in minutes.
    """

    away_after_missed: int = 2
    remind_after: int = 60


@dataclass(frozen=True, slots=True)
class Waiting:
    """How callers wait for a position that becomes free: `queue_max` at once, `max_wait` seconds
    each; 0 of both, as delivered: nobody waits. They are told every `announce_every` seconds, their
    place too where `announce_place`. `before_counter`: they wait for the switchboard first, the
    citizens' counter rings after that.
    """

    queue_max: int = 0
    max_wait: int = 0
    announce_every: Seconds = Seconds(30.0)
    announce_place: OnOff = OnOff(False)
    before_counter: OnOff = OnOff(False)


@dataclass(frozen=True, slots=True)
class Branches:
    """Other branches of the house, or a telephone system, at the proxy of [sip.registrar] (B9).

    `names` are their accounts there, as the register's needs name them. A caller whom nobody here
    can take, in the cases of `when` (busy, no_answer, unattended, unreachable, closed), is handed
    over to the `offices` ("unit.need" of the register) in this order, each for `ring`, as far as
    they have declared it. `takes`: callers whom others hand over ring here.
    """

    names: tuple[str, ...] = ()
    offices: tuple[str, ...] = ()
    when: tuple[str, ...] = ("busy", "no_answer", "unattended", "unreachable")
    ring: Seconds = Seconds(20.0)
    takes: OnOff = OnOff(False)


# An option exists only if a named reader will set it: the technician at installation, the head of
# the front desk for hours and periods. Times are local wall-clock times of `site.zone`.


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole configuration."""

    site: Site
    hours: Hours
    sip: Sip
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


HIDDEN_FIELDS: Final = frozenset({"pbx_numbers", "outside"})
"""Fields of numbers that are told to nobody; only how many there are is."""


def sections(settings: Settings) -> list[dict[str, Any]]:
    """List the tables as they are named in the file, each with its rows; one of each of an array.

    A row is its key, its value as text, whether that is the delivered one, how many are hidden.
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
    """Write a value as text; "" for none."""
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
