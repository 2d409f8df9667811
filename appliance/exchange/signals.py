"""What passes between the line and its modem besides sound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from appliance.exchange.fsk import CallerId


@dataclass(frozen=True, slots=True)
class Rang:
    """One cadence of the bell was recognised; its first on and off time in ms."""

    on_ms: int
    off_ms: int


@dataclass(frozen=True, slots=True)
class IdentitySent:
    """The FSK message with the caller's identity has just ended."""

    caller: CallerId


@dataclass(frozen=True, slots=True)
class ToneHeard:
    """The chip has recognised a call-progress tone: busy, dial or ringback."""

    kind: str


@dataclass(frozen=True, slots=True)
class FaxToneHeard:
    """The chip has recognised one burst of a fax machine's calling tone."""


@dataclass(frozen=True, slots=True)
class KeyBegan:
    """The chip has recognised the start of a DTMF digit, or that it is still held."""

    digit: str
    again: bool = False


@dataclass(frozen=True, slots=True)
class KeyEnded:
    """The DTMF digit has ended."""


@dataclass(frozen=True, slots=True)
class LoopBroke:
    """The line's current was interrupted."""


@dataclass(frozen=True, slots=True)
class ExtensionMoved:
    """Another telephone on the same pair was lifted (up) or put down."""

    up: bool


@dataclass(frozen=True, slots=True)
class FarAnswered:
    """The party the modem called has answered."""


Signal = (
    Rang
    | IdentitySent
    | ToneHeard
    | FaxToneHeard
    | KeyBegan
    | KeyEnded
    | LoopBroke
    | ExtensionMoved
    | FarAnswered
)


@dataclass(frozen=True, slots=True)
class Dialled:
    """The modem sent a DTMF digit of its own."""

    digit: str


@dataclass(frozen=True, slots=True)
class Flashed:
    """The modem opened the loop for ms."""

    ms: int


Act = Dialled | Flashed
