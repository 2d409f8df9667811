"""The configuration's tables about the box: lines, phones, network, what it keeps, for how long."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.daemon.values import OnOff, Pause, PortRange, Proven, Seconds


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
    """Where phones find the box; `address` 0.0.0.0 means every LAN address. `allowed` are the
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
class Mail:
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
    """The MQTT broker that is told how the box stands; without `server` nobody is.

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
    of the office's own; without them the box has its own authority.
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
