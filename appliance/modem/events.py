"""Events of a `LineDriver` for the media gateway: frozen values, in the past tense."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from appliance.text import Words

if TYPE_CHECKING:
    from appliance.calls.events import Caller, LineCondition
    from appliance.dsp.wav import Law


class Stream(enum.StrEnum):
    """Which way sound flows: both ways (+VTR), to the line (+VTX), from the line (+VRX)."""

    DUPLEX = "duplex"
    TRANSMIT = "transmit"
    RECEIVE = "receive"


class Signal(enum.StrEnum):
    """Signal on the line, or in its buffers, reported by the chip (v253.md 2.1)."""

    DIGIT = "digit"
    BUSY = "busy"
    DIAL = "dial"
    LOOP = "loop"
    FAX = "fax"  # 1100 Hz: a fax machine calls
    SILENCE = "silence"
    QUIET = "quiet"
    EXTENSION_PICKUP = "extension_pickup"
    UNDERRUN = "underrun"
    OVERRUN = "overrun"


class Recovery(enum.StrEnum):
    """Recovery of a line: a step of the ladder (v253.md 4), or what only a person can do."""

    IN_BAND = "in_band"  # terminators and a new initialisation over the open port
    DROP_DTR = "drop_dtr"
    REOPEN = "reopen"
    RESET_USB = "reset_usb"  # unbind and bind the USB device
    POWER_CYCLE = "power_cycle"  # switch its USB port off and on
    REPLUG = "replug"
    REPLACE = "replace"  # this modem can never serve
    PLUG_IN = "plug_in"  # there is no modem at the port
    FREE_PORT = "free_port"  # another program holds the port, or rights are missing


@dataclass(frozen=True, slots=True)
class Up:
    """The modem is initialised and idle on hook; sound will be bytes of `law`."""

    identity: str
    duplex: bool
    law: Law


@dataclass(frozen=True, slots=True)
class Identified:
    """The caller's identity is settled; `late` when it arrived after it was settled as unknown.

    `dated` is the exchange's time of the call, "MMDDHHMM", or ""; not compared, since it is no part
    of the identity.
    """

    caller: Caller
    late: bool = False
    dated: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class RingReceived:
    """A ring burst arrived; `count` starts at 1 with each call.

    `known` is the identity, if settled with this ring; then no `Identified` follows.
    """

    count: int
    known: Identified | None = None


@dataclass(frozen=True, slots=True)
class GaveUp:
    """The caller stopped ringing before the line was answered; `Idle` follows."""


@dataclass(frozen=True, slots=True)
class ExtensionAnswered:
    """An extension telephone on the pair was lifted while it rang; `Idle` follows."""


@dataclass(frozen=True, slots=True)
class PairMeasured:
    """Two equal readings of the idle line gave the new `condition`."""

    condition: LineCondition


@dataclass(frozen=True, slots=True)
class Prepared:
    """The modem is in voice mode while it rings: `answer()` takes one command only."""


@dataclass(frozen=True, slots=True)
class OffHook:
    """The line is answered; no stream runs yet."""


@dataclass(frozen=True, slots=True)
class Streaming:
    """A stream of this kind has begun; its samples follow the modem's CONNECT."""

    kind: Stream


@dataclass(frozen=True, slots=True)
class BrokeOff:
    """The modem has ended its stream by itself (`reason`); another one is being started."""

    reason: Words


@dataclass(frozen=True, slots=True)
class HalfDuplex:
    """The modem refuses +VTR: the line, off hook, is half duplex from now on."""

    reason: Words


@dataclass(frozen=True, slots=True)
class Stopped:
    """The stream has ended (a transmit stream after playing all); the line is still off hook."""

    kind: Stream


@dataclass(frozen=True, slots=True)
class SoundReceived:
    """Sound from the line: one byte a sample, in the modem's law, 8000 a second."""

    samples: bytes


@dataclass(frozen=True, slots=True)
class Signalled:
    """The chip reported `signal`; `digit` is set for `Signal.DIGIT` only, once a key press."""

    signal: Signal
    digit: str = ""


@dataclass(frozen=True, slots=True)
class FlashSent:
    """The hook flash and its digits were sent; the line is off hook.

    Not `done`: the modem refused a command.
    """

    done: bool = True


@dataclass(frozen=True, slots=True)
class DigitsSent:
    """The digits were sent on the line off hook; not `done`: the modem refused them."""

    done: bool = True


@dataclass(frozen=True, slots=True)
class NumberSent:
    """The idle line was seized and the number dialled: off hook, not yet answered.

    `result` is the modem's result code: OK, or why nothing was dialled (NO DIALTONE, LINE IN USE).
    """

    result: str = "OK"


@dataclass(frozen=True, slots=True)
class Idle:
    """The line is on hook and its modem has proven itself idle."""


@dataclass(frozen=True, slots=True)
class RecoveryStarted:
    """The modem gave an unexpected reply, or none (`reason`); it is being initialised in band."""

    reason: Words


@dataclass(frozen=True, slots=True)
class RecoveryDone:
    """The modem was recovered in band; a call on the line has ended."""

    reason: Words


@dataclass(frozen=True, slots=True)
class Failed:
    """The line is out of service: `reason` says what to do, `needs` is the next recovery step."""

    reason: Words
    needs: Recovery


LineEvent = (
    Up
    | RingReceived
    | Identified
    | GaveUp
    | ExtensionAnswered
    | PairMeasured
    | Prepared
    | OffHook
    | Streaming
    | BrokeOff
    | HalfDuplex
    | Stopped
    | SoundReceived
    | Signalled
    | FlashSent
    | DigitsSent
    | NumberSent
    | Idle
    | RecoveryStarted
    | RecoveryDone
    | Failed
)
