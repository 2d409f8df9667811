"""Messages of the link between call control and the media gateway; the setup of a line."""

from __future__ import annotations

import re
from dataclasses import dataclass

from appliance.calls import orders
from appliance.calls.events import Caller
from appliance.modem.scripts import CallerIdOrder, LineSettings

COUNTRY_CODES = {"it": "59", "de": "42", "fr": "3D", "gb": "B4", "us": "B5"}
"""T.35 codes for +GCI (v253.md 1.3)."""
_SERVICE = re.compile(r"[*#]+\d*[*#]+")
"""A code of the exchange before the number, such as *67#."""


@dataclass(frozen=True, slots=True)
class LineSetup:
    """One analog line: where its port is and how its modem is to be spoken to (v253.md 8).

    `path` is the port's device path; `caller_id` is before, after or none; gains are +VGR/+VGT
    values or -1 for the modem's own; `echo` asks for the canceller (audio.md 5). `duplex` is what
    a probe has proven, None for what its make says, `voltage` whether its volts can be believed.
    `overrides` are commands sent after every reset. `flash_ms` and `pbx_pause_ms` (0: listen for
    the dial tone) are for a PBX behind the line. `emergency` are numbers that only a
    person's own call for help dials, and in a `rehearsal` not even that.
    """

    name: str
    path: str
    dialect: str = "auto"
    country: str = "it"
    caller_id: str = "after"
    identity_limit_ms: int = 3000
    receive_gain: int = -1
    transmit_gain: int = -1
    echo: bool = False
    duplex: bool | None = None
    flash_ms: int = 100
    pbx_pause_ms: int = 0
    emergency: tuple[str, ...] = ()
    rehearsal: bool = False
    voltage: bool | None = None
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Prompt:
    """Where a prompt lies in the prompt memory: `offset` and `length` in bytes of 16-bit sound."""

    name: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class StillRinging:
    """A line that rang `ago_ms` ago as its carrier was lost: whoever calls may ring still.

    `modem` is how its modem names itself; `caller` and `dated` as in LineRang: who calls, if known.
    """

    line: str
    modem: str
    ago_ms: int
    caller: Caller | None = None
    dated: str = ""


@dataclass(frozen=True, slots=True)
class Setup:
    """Everything the carrier may use; nothing is opened before it comes.

    A descriptor of the prompt memory (one sealed memfd) travels with this message. `hold` and
    `lost` name the prompts for a caller on hold and for one whose desk has died. `ringing` are the
    callers of a carrier before this one, who do not begin to ring anew.
    """

    lines: tuple[LineSetup, ...]
    rtp_address: str
    rtp_ports: tuple[int, int]
    prompts: tuple[Prompt, ...] = ()
    hold: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    lead_ms: int = 60
    ringing: tuple[StillRinging, ...] = ()


@dataclass(frozen=True, slots=True)
class MorePrompts:
    """Prompts beside those of the Setup, and over them: spoken sheets, an office's own notice.

    A descriptor of their memory (one sealed memfd) travels with this message. The next one takes
    their place; what is being played is played to its end.
    """

    prompts: tuple[Prompt, ...] = ()


@dataclass(frozen=True, slots=True)
class LineSnapshot:
    """What the carrier knows of one line at the moment of a (re)connection."""

    name: str
    state: str
    modem: str = ""
    duplex: bool = True


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All lines and legs of the carrier; the first message it sends on every connection."""

    lines: tuple[LineSnapshot, ...] = ()
    legs: tuple[str, ...] = ()
    realtime: str = ""


@dataclass(frozen=True, slots=True)
class Credit:
    """The desk took `size` bytes of a recording; so much more may be sent."""

    recording: str
    size: int


@dataclass(frozen=True, slots=True)
class RecordingStarted:
    """Sound of this recording follows, coded by `law`."""

    recording: str
    law: str


@dataclass(frozen=True, slots=True)
class MediaHealth:
    """Figures of the last period: lateness of the 20 ms tick (ms), lead inside the modems (ms).

    `underruns` and `overruns` are the modems' own reports (DLE u, DLE o) in the period.
    """

    ticks: int
    late_p50: float
    late_p99: float
    late_max: float
    lead_min: float
    underruns: int = 0
    overruns: int = 0
    jitter_lost: int = 0
    jitter_dropped: int = 0
    stuck_writes: int = 0


@dataclass(frozen=True, slots=True)
class Measured:
    """A time measured inside the carrier, for `make bench` (`what`, milliseconds)."""

    what: str
    subject: str
    ms: float


@dataclass(frozen=True, slots=True)
class Marked:
    """A moment inside the carrier, for `make bench` (`what`, seconds of the monotonic clock).

    The clock is the machine's: a moment told here compares with any other process's.
    """

    what: str
    subject: str
    at: float


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence for the journal: the carrier itself writes no log."""

    text: str
    level: str = "info"


@dataclass(frozen=True, slots=True)
class Recovering:
    """A line in trouble takes a `step` (of lines.facts.Recovery); `it` and `en` say what was seen.

    RESET_USB and POWER_CYCLE are the desk's to bring about: the carrier may not, and waits.
    """

    line: str
    step: str
    it: str
    en: str


@dataclass(frozen=True, slots=True)
class RestartLine:
    """A technician wants a line put on hook and its port opened again, whatever it does."""

    line: str


@dataclass(frozen=True, slots=True)
class Ping:
    """Asks the carrier for a Pong: proof that its one thread turns (watchdog)."""

    number: int


@dataclass(frozen=True, slots=True)
class Pong:
    """The answer to Ping."""

    number: int


LinkMessage = (
    Setup
    | MorePrompts
    | Snapshot
    | Credit
    | RecordingStarted
    | MediaHealth
    | Measured
    | Marked
    | Notice
    | Recovering
    | RestartLine
    | Ping
    | Pong
)


def line_settings(setup: LineSetup) -> LineSettings:
    """Translate a line of the Setup; raises ConfigurationError for a value no modem takes."""
    return LineSettings(
        dialect=setup.dialect,
        country=COUNTRY_CODES[setup.country],
        caller_id=CallerIdOrder(setup.caller_id),
        identity_limit_ms=setup.identity_limit_ms,
        receive_gain=None if setup.receive_gain < 0 else setup.receive_gain,
        transmit_gain=None if setup.transmit_gain < 0 else setup.transmit_gain,
        duplex=setup.duplex,
        flash_ms=setup.flash_ms,
        pbx_pause_ms=setup.pbx_pause_ms,
        voltage=setup.voltage,
        overrides=setup.overrides,
    )


def forbids_dialling(setup: LineSetup, order: orders.DialLeg | orders.Flash) -> str:
    """Say why a command's digits may not be dialled on a line, "" when they may.

    The last guard before a number leaves: only a person who asks for help dials an emergency
    number, and a demonstration, a test or a field test (a `rehearsal`) dials none at all.
    """
    if not _asks_for_help(setup, order):
        return ""
    if setup.rehearsal:
        return "an emergency number is never dialled in a rehearsal"
    if isinstance(order, orders.DialLeg) and order.emergency:
        return ""
    return "an emergency number is dialled only where a person asks for help"


def _asks_for_help(setup: LineSetup, order: orders.DialLeg | orders.Flash) -> bool:
    """Look at the digits: an exchange puts through at a short number's end, a PBX does not."""
    digits = _SERVICE.sub("", order.digits, count=1)
    if isinstance(order, orders.Flash):
        return digits in setup.emergency
    return digits.startswith(setup.emergency)
