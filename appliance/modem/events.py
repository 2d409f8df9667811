"""What a `LineDriver` tells the carrier: frozen values, in the past tense."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from appliance.calls.events import Caller, LineCondition
    from appliance.dsp.wav import Law


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence in Italian (`it`) and in English (`en`); `str()` is the English one."""

    it: str
    en: str

    def __str__(self) -> str:
        return self.en


class Stream(enum.StrEnum):
    """Which way sound flows: both ways (+VTR), to the line (+VTX), from the line (+VRX)."""

    DUPLEX = "duplex"
    TRANSMIT = "transmit"
    RECEIVE = "receive"


class Signal(enum.StrEnum):
    """What the chip noticed on the line (v253.md 2.1)."""

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
    """What brings a line back: a step of the ladder (v253.md 4), or what only a person can do."""

    IN_BAND = "in_band"  # the stream's terminators and a new start, over the open port
    DROP_DTR = "drop_dtr"
    REOPEN = "reopen"
    RESET_USB = "reset_usb"  # unbind and bind the USB device
    POWER_CYCLE = "power_cycle"  # switch its USB port off and on
    REPLUG = "replug"
    REPLACE = "replace"  # this modem can never serve
    PLUG_IN = "plug_in"  # there is no modem at the port
    FREE_PORT = "free_port"  # another program, or missing rights, stand in the way


@dataclass(frozen=True, slots=True)
class Up:
    """The modem is initialised and idle on hook; sound will be bytes of `law`."""

    identity: str
    duplex: bool
    law: Law


@dataclass(frozen=True, slots=True)
class Identified:
    """Who calls is settled; `late` when it arrived after it had been settled as unknown.

    `dated` is the exchange's own time of the call, "MMDDHHMM", or "": no part of who calls.
    """

    caller: Caller
    late: bool = False
    dated: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class RingReceived:
    """A ring burst arrived; `count` starts at 1 with each call.

    `known` is who calls, where that is settled with this ring: no `Identified` follows.
    """

    count: int
    known: Identified | None = None


@dataclass(frozen=True, slots=True)
class GaveUp:
    """The ringing stopped before the line was answered; `Idle` follows."""


@dataclass(frozen=True, slots=True)
class ExtensionAnswered:
    """Another telephone on the pair was lifted while it rang; `Idle` follows."""


@dataclass(frozen=True, slots=True)
class PairMeasured:
    """The idle line was measured, twice, and is `condition` now."""

    condition: LineCondition


@dataclass(frozen=True, slots=True)
class Prepared:
    """The modem is in voice mode while it rings: `answer()` needs one command only."""


@dataclass(frozen=True, slots=True)
class OffHook:
    """The line is answered; no stream runs yet."""


@dataclass(frozen=True, slots=True)
class Streaming:
    """A stream of this kind has begun; its samples follow the modem's CONNECT at once."""

    kind: Stream


@dataclass(frozen=True, slots=True)
class BrokeOff:
    """The modem has ended its stream by itself (`reason`); another one is started in its place."""

    reason: Sentence


@dataclass(frozen=True, slots=True)
class HalfDuplex:
    """The modem refuses sound both ways: the line, off hook, is half duplex from now on."""

    reason: Sentence


@dataclass(frozen=True, slots=True)
class Stopped:
    """The stream has ended (a transmitted one: played to its end); the line is still off hook."""

    kind: Stream


@dataclass(frozen=True, slots=True)
class SoundReceived:
    """Sound from the line: one byte a sample, in the modem's law, 8000 a second."""

    samples: bytes


@dataclass(frozen=True, slots=True)
class Signalled:
    """The chip noticed `signal`; `digit` is set for `Signal.DIGIT` alone, once a key press."""

    signal: Signal
    digit: str = ""


@dataclass(frozen=True, slots=True)
class FlashSent:
    """The hook flash and the digits behind it were sent; the line is off hook.

    Not `done`: the modem refused the command, and the line is as it was.
    """

    done: bool = True


@dataclass(frozen=True, slots=True)
class DigitsSent:
    """The digits were sent on the line that is off hook; not `done`: the modem refused them."""

    done: bool = True


@dataclass(frozen=True, slots=True)
class NumberSent:
    """An idle line was seized and its digits were sent: it is off hook, nobody has answered yet.

    `result` is the modem's word: OK, or why nothing was dialled (NO DIALTONE, LINE IN USE, ...).
    """

    result: str = "OK"


@dataclass(frozen=True, slots=True)
class Idle:
    """The line is on hook and its modem has proven itself idle."""


@dataclass(frozen=True, slots=True)
class RecoveryStarted:
    """The modem lost the thread (`reason` quotes what was read); it is started anew in band."""

    reason: Sentence


@dataclass(frozen=True, slots=True)
class RecoveryDone:
    """The modem had lost the thread and was brought back; a call on the line is over."""

    reason: Sentence


@dataclass(frozen=True, slots=True)
class Failed:
    """The line is out: `reason` says what to do, `needs` is the recovery to ask the keeper for."""

    reason: Sentence
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
