"""What the LEDs say: one pure table from the box's state to patterns, each with its meaning.

The documentation's tables for technician and office are drawn from `MEANINGS`.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

Pattern = tuple[tuple[bool, int], ...]
"""(lit, ms) repeated for ever; a single entry is steady."""

OFF: Final[Pattern] = ((False, 1000),)
ON: Final[Pattern] = ((True, 1000),)
SLOW: Final[Pattern] = ((True, 1000), (False, 1000))
FAST: Final[Pattern] = ((True, 200), (False, 200))
ONE_FLASH: Final[Pattern] = ((True, 100), (False, 1900))
TWO_FLASHES: Final[Pattern] = ((True, 100), (False, 200), (True, 100), (False, 1600))
THREE_FLASHES: Final[Pattern] = (
    (True, 100), (False, 200), (True, 100), (False, 200), (True, 100), (False, 1300),
)  # fmt: skip
WINK: Final[Pattern] = ((True, 1800), (False, 200))
TWO_WINKS: Final[Pattern] = ((True, 1400), (False, 200), (True, 200), (False, 200))
THREE_WINKS: Final[Pattern] = (
    (True, 1000), (False, 200), (True, 200), (False, 200), (True, 200), (False, 200),
)  # fmt: skip


class Readiness(enum.StrEnum):
    """Whether the box can answer."""

    STARTING = "starting"
    READY = "ready"
    NOT_READY = "not_ready"


class Network(enum.StrEnum):
    """Whether the desk's phones can be reached."""

    UP = "up"
    DOWN = "down"
    NO_PHONES = "no_phones"


class LineState(enum.StrEnum):
    """The state of an analog line (B1)."""

    MISSING = "missing"
    IDLE = "idle"
    RINGING = "ringing"
    IN_USE = "in_use"
    IN_USE_OUTSIDE = "in_use_outside"
    CLEARING = "clearing"
    NO_LINE = "no_line"
    OUT = "out"


@dataclass(frozen=True, slots=True)
class PanelStatus:
    """All that the panel shows; `lines` are (name, state) in the order of their LEDs."""

    readiness: Readiness = Readiness.STARTING
    network: Network = Network.DOWN
    lines: tuple[tuple[str, LineState], ...] = ()
    messages_waiting: int = 0
    fault: bool = False
    unattended: bool = False
    messages_late: bool = False
    closed: bool = False
    opened: bool = False


class Led(enum.StrEnum):
    """The LEDs that every panel has; a line's LED is named "line:NAME"."""

    READY = "ready"
    NETWORK = "network"
    MESSAGE = "message"
    FAULT = "fault"


LedName = str
"""One of `Led`, or "line:NAME"."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one pattern of one LED means, in the words of those who look at it."""

    led: str
    state: str
    pattern: Pattern
    it: str
    en: str


MEANINGS: Final[tuple[Meaning, ...]] = (
    Meaning("ready", "ready", ON, "In servizio.", "In service."),
    Meaning(
        "ready", "unattended", WINK,
        "In servizio, centralino «Non presidiato»: le chiamate vanno allo Sportello Cittadini.",
        "In service, switchboard unattended: calls go to the citizens' counter.",
    ),
    Meaning(
        "ready", "closed", TWO_WINKS,
        "In servizio, «Chiuso – segreteria» o «Tutti assenti» a mano: risponde la segreteria.",
        "In service, closed or all absent by hand: voicemail answers.",
    ),
    Meaning(
        "ready", "opened", THREE_WINKS,
        "In servizio, «Aperto a mano»: i telefoni squillano fuori dall'orario scritto.",
        "In service, opened by hand: phones ring outside the written hours.",
    ),
    Meaning("ready", "starting", FAST, "Avvio in corso: attendere.", "Starting: please wait."),
    Meaning(
        "ready", "not_ready", OFF,
        "Non in servizio: se non si accende entro cinque minuti, guardare il LED di guasto.",
        "Not in service: if it stays dark for five minutes look at the fault LED.",
    ),
    Meaning(
        "network", "up", ON,
        "Rete e telefoni raggiungibili.", "Network and phones within reach.",
    ),
    Meaning(
        "network", "no_phones", TWO_FLASHES,
        "Rete presente, ma nessun telefono è registrato: controllare i telefoni.",
        "Network present but no phone is registered: check the phones.",
    ),
    Meaning(
        "network", "down", ONE_FLASH,
        "Rete assente: controllare il cavo; le chiamate vanno in segreteria.",
        "No network: check the cable; calls go to voicemail.",
    ),
    Meaning("line", "idle", OFF, "Linea libera e in ordine.", "Line idle and in order."),
    Meaning("line", "ringing", FAST, "La linea squilla.", "The line is ringing."),
    Meaning("line", "in_use", ON, "Linea occupata da una chiamata.", "Line in use by a call."),
    Meaning(
        "line", "in_use_outside", SLOW,
        "Linea occupata da un apparecchio in parallelo.",
        "Line in use by an ordinary telephone beside the box.",
    ),
    Meaning("line", "clearing", WINK, "La linea si sta liberando.", "The line is being released."),
    Meaning(
        "line", "missing", ONE_FLASH,
        "Modem assente: inserirlo nella porta USB.", "Modem missing: plug it into its USB port.",
    ),
    Meaning(
        "line", "no_line", THREE_FLASHES,
        "Il modem funziona, ma non c'è linea: controllare il cavo telefonico.",
        "The modem works, but there is no line: check the telephone cable.",
    ),
    Meaning(
        "line", "out", TWO_FLASHES,
        "Linea fuori servizio: il modem non lavora; il motivo è in `centralino status`.",
        "Line out of order: the modem does not work; the reason is in `centralino status`.",
    ),
    Meaning(
        "message", "none", OFF,
        "Nessun messaggio da trattare.", "No message to be dealt with.",
    ),
    Meaning(
        "message", "waiting", SLOW,
        "Messaggi in segreteria da trattare.", "Messages waiting to be dealt with.",
    ),
    Meaning(
        "message", "late", FAST,
        "Messaggi non ascoltati, o non chiusi, in tempo: occuparsene ora.",
        "Messages not heard, or not closed, in time: see to them now.",
    ),
    Meaning("fault", "none", OFF, "Nessun guasto.", "No fault."),
    Meaning(
        "fault", "fault", ON,
        "Guasto: il motivo è scritto nella console e in `centralino status`.",
        "Fault: the reason is on the console and in `centralino status`.",
    ),
)  # fmt: skip

_MEANINGS: Final = {(m.led, m.state): m for m in MEANINGS}


def pattern_for(status: PanelStatus) -> dict[LedName, Pattern]:
    """Return each LED's pattern, lines included, in the panel's order."""
    return {led: meaning.pattern for led, meaning in meanings_of(status).items()}


def meanings_of(status: PanelStatus) -> dict[LedName, Meaning]:
    """Return what each LED says, lines included, in the panel's order."""
    states = {
        Led.READY: _ready(status),
        Led.NETWORK: status.network.value,
        **{f"line:{name}": state.value for name, state in status.lines},
        Led.MESSAGE: _message(status),
        Led.FAULT: "fault" if status.fault else "none",
    }
    return {str(led): _MEANINGS[led.split(":")[0], state] for led, state in states.items()}


def step(pattern: Pattern, t_ms: int) -> tuple[bool, int | None]:
    """Say whether the LED is lit `t_ms` after its pattern began, and in how many ms that changes.

    None: never, the pattern is steady.
    """
    if len(pattern) == 1:
        return pattern[0][0], None
    left = t_ms % sum(ms for _, ms in pattern)
    for lit, ms in pattern:
        if left < ms:
            return lit, ms - left
        left -= ms
    raise AssertionError("the rest of a division is less than the divisor")


def _message(status: PanelStatus) -> str:
    if status.messages_waiting > 0:
        return "late" if status.messages_late else "waiting"
    return "none"


def _ready(status: PanelStatus) -> str:
    if status.readiness is not Readiness.READY:
        return status.readiness.value
    states = (("closed", status.closed), ("unattended", status.unattended))
    manual = next((name for name, is_on in (*states, ("opened", status.opened)) if is_on), "")
    return manual or status.readiness.value
