"""Messages of the link between call control and the media gateway; the setup of a line."""

from __future__ import annotations

import re
from dataclasses import dataclass

from appliance.calls import orders
from appliance.calls.events import Caller
from appliance.modem.bundle import from_packed_text
from appliance.modem.learning import dialect_of
from appliance.modem.scripts import CallerIdOrder, LineSettings
from appliance.policy.supervision import MediaHealth
from appliance.text import Words

# T.35 codes for +GCI (v253.md 1.3).
COUNTRY_CODES = {"it": "59", "de": "42", "fr": "3D", "gb": "B4", "us": "B5"}
_SERVICE = re.compile(r"[*#]+\d*[*#]+")
"""Service code of the exchange before the number, such as *67#."""


@dataclass(frozen=True, slots=True)
class LineSetup:
    """One analog line: its serial port and its modem's settings (v253.md 8).

    `path` is the port's device path; `caller_id` is before, after or none; gains are +VGR/+VGT
    values or -1 for the modem's default; `echo` turns the canceller on (audio.md 5). `duplex` is
    the result of a probe, None for the make's default; `voltage` is whether the measured volts are
    reliable, None for the make's default. `overrides` are commands sent after every reset.
    `learnt` is a bundle's packed text (modem/bundle.py), whose dialect goes before `dialect`.
    `flash_ms` and `pbx_pause_ms` (0: wait for the dial tone) are for a PBX behind the line.
    `emergency` are the numbers dialled only by a person's own emergency call, and never in a
    `rehearsal` (demonstration, test, field test).
    """

    name: str
    # By USB port (/dev/serial/by-path): Conexant modems share one serial number, so that by-id is
    # not unique (v253.md 4, USB / Linux).
    path: str
    dialect: str = "auto"
    country: str = "it"
    caller_id: str = "after"
    # Measured in Italy, sent after the first ring: the number arrives 2.15 s after RING. With 1.5 s
    # every caller would be unknown (design/decisions.md).
    identity_limit_ms: int = 3000
    receive_gain: int = -1
    transmit_gain: int = -1
    echo: bool = False
    duplex: bool | None = None
    # Register recall in Italy; a Conexant's own 700 ms (US) would end the call (v253.md 5).
    flash_ms: int = 100
    pbx_pause_ms: int = 0
    emergency: tuple[str, ...] = ()
    rehearsal: bool = False
    voltage: bool | None = None
    overrides: tuple[str, ...] = ()
    learnt: str = ""


@dataclass(frozen=True, slots=True)
class Prompt:
    """Place of a prompt in the prompt memory: `offset` and `length` in bytes of 16-bit sound."""

    name: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class StillRinging:
    """A line that rang `ago_ms` before the previous gateway was lost: the caller may still ring.

    `modem` is the modem's own name; `caller` and `dated` as in LineRang.
    """

    line: str
    modem: str
    ago_ms: int
    caller: Caller | None = None
    dated: str = ""


@dataclass(frozen=True, slots=True)
class Setup:
    """All lines, ports and prompts of the media gateway, which opens nothing before it.

    A descriptor of the prompt memory (one sealed memfd) travels with this message. `hold` and
    `lost` name the prompts for a caller on hold and for one whose call control has died. `ringing`
    are callers of the previous gateway, whose first ring is past.
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
    """Prompts that add to those of the Setup and override them: spoken sheets, office notices.

    A descriptor of their memory (one sealed memfd) travels with this message. The next message
    replaces them; a prompt that is playing is played to its end.
    """

    prompts: tuple[Prompt, ...] = ()


@dataclass(frozen=True, slots=True)
class LineSnapshot:
    """State of one line when call control connects."""

    name: str
    state: str
    modem: str = ""
    duplex: bool = True


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All lines and legs of the gateway; the first message that it sends on every connection.

    `realtime` is the real-time right that the kernel refused, "" for none.
    """

    lines: tuple[LineSnapshot, ...] = ()
    legs: tuple[str, ...] = ()
    realtime: str = ""


@dataclass(frozen=True, slots=True)
class Credit:
    """Call control has taken `size` bytes of a recording: as many more may be sent."""

    recording: str
    size: int


@dataclass(frozen=True, slots=True)
class RecordingStarted:
    """Sound of this recording follows, coded by `law`."""

    recording: str
    law: str


@dataclass(frozen=True, slots=True)
class Measured:
    """A duration measured in the gateway, for `make bench` (`what`, milliseconds)."""

    what: str
    subject: str
    ms: float


@dataclass(frozen=True, slots=True)
class Marked:
    """A moment in the gateway, for `make bench` (`what`, seconds of the monotonic clock).

    The clock is the machine's, so that moments of several processes can be compared.
    """

    what: str
    subject: str
    at: float


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence for the journal, written by call control: the gateway writes no log."""

    text: str
    level: str = "info"


@dataclass(frozen=True, slots=True)
class Recovering:
    """A failed line needs recovery `step` (modem.events.Recovery) for a `reason`.

    RESET_USB and POWER_CYCLE are done by call control's helper with root's rights; the gateway,
    which has none, waits.
    """

    line: str
    step: str
    reason: Words


@dataclass(frozen=True, slots=True)
class RestartLine:
    """A technician's command: put a line on hook and reopen its port, even during a call."""

    line: str


@dataclass(frozen=True, slots=True)
class Ping:
    """Requests a Pong from the gateway as proof that its one thread runs (watchdog)."""

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
    """Convert a line of the Setup; raises ConfigurationError for a value no modem accepts."""
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
        learnt=dialect_of(from_packed_text(setup.learnt)) if setup.learnt else None,
    )


def forbids_dialling(setup: LineSetup, order: orders.DialLeg | orders.Flash) -> str:
    """Return why a command's digits may not be dialled on a line, "" when they may."""
    # The last guard before the modem, whatever call control's own checks have let through: only a
    # person's emergency call dials an emergency number, and a rehearsal dials none at all.
    if not _asks_for_help(setup, order):
        return ""
    if setup.rehearsal:
        return "an emergency number is never dialled in a rehearsal"
    if isinstance(order, orders.DialLeg) and order.emergency:
        return ""
    return "an emergency number is dialled only where a person asks for help"


def _asks_for_help(setup: LineSetup, order: orders.DialLeg | orders.Flash) -> bool:
    """Return whether the digits reach an emergency number."""
    digits = _SERVICE.sub("", order.digits, count=1)
    # A PBX waits for a whole extension number, which may begin like an emergency number.
    if isinstance(order, orders.Flash):
        return digits in setup.emergency
    # An exchange connects at the end of a short number, whatever digits follow.
    return digits.startswith(setup.emergency)
