"""Events: what lines, phones, stores, people and clocks tell call control, in the past tense.

Frozen values: with the orders they are all that crosses packages and the link to the media gateway.
Durations are milliseconds; lines and phones are named as configured.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import datetime

# ---- desk events -------------------------------------------------------------------------------
# Facts of people and time.


@dataclass(frozen=True, slots=True)
class ServiceStateChanged:
    """A person (button, phone key, command, console) asked for a state; see calls.commands."""

    request: object  # one of calls.commands; typed there to keep this module a leaf


@dataclass(frozen=True, slots=True)
class SheetUsed:
    """The person who has `call` answered it from a sheet of that code (P2)."""

    call: str
    sheet: str


@dataclass(frozen=True, slots=True)
class TransferWished:
    """A person wants an operator's caller to go on to an office: console or command (P5)."""

    call: str
    request: object  # calls.commands.TransferCall; typed there to keep this module a leaf


@dataclass(frozen=True, slots=True)
class HeadWished:
    """A person wants the head in an operator's conversation, or no longer rung (E10)."""

    call: str
    request: object  # calls.commands.BringHead; typed there to keep this module a leaf


@dataclass(frozen=True, slots=True)
class RegisterChanged:
    """The register of offices as it stands now: at the start, and after every entry (P4, E12).

    `officials` are whom the sheets make public as in charge (E10).
    """

    register: object  # policy.directory.Directory; typed there to keep this module a leaf
    officials: object = ()  # of policy.sheets.OfficialInCharge, likewise


@dataclass(frozen=True, slots=True)
class HoursChanged:
    """The special hours that were entered, all of them: at the start, and after each (E14)."""

    entered: object  # a tuple of policy.special.Special; typed there to keep this module a leaf


@dataclass(frozen=True, slots=True)
class SpokenSheetsChanged:
    """Which sheets callers may hear after hours: at the start, and after every import.

    `units` are the prompts that say units' names, "it/unit_...", by code: what operators hear.
    """

    menu: object  # policy.sheets.Menu; typed there to keep this module a leaf
    units: object = None  # a mapping of texts, likewise


@dataclass(frozen=True, slots=True)
class NumbersKnown:
    """Who has called, and what was placed, as the call log has it: at the start, and when read
    again (E17); until then no position dials freely. `forgotten`: numbers erased since (E20)."""

    ledger: object  # policy.dialling.DialLedger; typed there to keep this module a leaf
    forgotten: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class BoxStopped:
    """A person, or the system, stopped the service: every call ends now."""

    reason: str = "the box was stopped"


@dataclass(frozen=True, slots=True)
class DeadlinePassed:
    """A deadline that the Switchboard asked for has come; `what` names it within `call`."""

    what: str
    call: str = ""


# ---- event values ------------------------------------------------------------------------------
# What facts are told in: callers, evidence, reasons.


class Presentation(enum.StrEnum):
    """What the exchange said of the caller's number (v253.md 3: digits, P, O, or nothing)."""

    SHOWN = "shown"
    WITHHELD = "withheld"
    UNAVAILABLE = "unavailable"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: `number` is digits only and present exactly when `presentation` is SHOWN."""

    presentation: Presentation = Presentation.UNKNOWN
    number: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Passed:
    """Why a caller is handed over to another branch, in a word of RFC 5806 ("user-busy").

    `withheld`: the caller does not want the number told to anybody.
    """

    why: str = "unknown"
    withheld: bool = False


class Evidence(enum.StrEnum):
    """How the release of the far end was noticed (B1); kept in the call record."""

    GAVE_UP = "gave_up"  # the ringing stopped before anybody answered
    BUSY_TONE = "busy_tone"
    CONGESTION_TONE = "congestion_tone"
    DIAL_TONE = "dial_tone"
    CHIP_BUSY = "chip_busy"  # DLE b
    CHIP_DIAL = "chip_dial"  # DLE d
    LOOP = "loop"  # DLE l
    PARALLEL_PHONE = "parallel_phone"  # nobody released: a telephone on the pair took the caller
    SILENCE = "silence"
    LIMIT = "limit"  # the longest message, or the longest call
    FAX = "fax"  # nobody released: a fax machine called, and the box hung up
    EMERGENCY = "emergency"  # nobody released: an emergency call needed the line
    SIGNALLED = "signalled"  # whoever handed the caller over said so (SIP)
    OPERATOR = "operator"  # the person at the phone hung up first
    OWN = "own"  # nobody released: all was said, and the box hung up
    LOST = "lost"  # the line or the carrier went away
    STOPPED = "stopped"  # nobody released: the box was stopped


class LineCondition(enum.StrEnum):
    """What an idle modem measures on its pair of wires (v253.md 1.3, -TRV)."""

    UNKNOWN = "unknown"  # not measured yet, or this modem cannot
    FREE = "free"
    IN_USE = "in_use"  # another telephone on the pair is off hook
    NO_LINE = "no_line"  # no voltage: no cable, or no line at its other end


class FaxSource(enum.StrEnum):
    """By whom a fax machine's calling tone was heard."""

    CHIP = "chip"  # DLE c
    SOUND = "sound"  # our own detector


class DigitSource(enum.StrEnum):
    """Where a key press was heard."""

    CHIP = "chip"  # DLE / digit ~
    SOUND = "sound"  # our own detector
    RFC4733 = "rfc4733"
    SIP_INFO = "sip_info"


class RecordingStop(enum.StrEnum):
    """Why a recording ended."""

    RELEASE = "release"
    SILENCE = "silence"
    KEY = "key"
    LIMIT = "limit"
    TAKEN = "taken"  # a parallel telephone took the caller over
    FAX = "fax"  # a fax machine called
    LOST = "lost"
    ORDERED = "ordered"


class DeclineReason(enum.StrEnum):
    """How a phone refused a call that it could have taken."""

    REJECTED = "rejected"  # the reject key, do not disturb (603)
    REDIRECTED = "redirected"  # 3xx: its call forward names another number, never followed


class FarEnd(enum.StrEnum):
    """How a call that the box itself makes over a line gets on; there is no answer signal."""

    DIALLED = "dialled"  # its digits were sent
    RINGING = "ringing"
    ANSWERED = "answered"  # presumed: a voice, or the ring-back stopped; only a key is certain
    BUSY = "busy"
    CONGESTION = "congestion"
    SIT = "sit"  # no such number, or out of service
    DIAL = "dial"  # the dial tone is heard: nothing was dialled, or the far end has gone
    NO_ANSWER = "no_answer"
    NO_DIAL_TONE = "no_dial_tone"  # nothing was dialled
    REFUSED = "refused"  # the modem cannot, or the line is not free


class TransferKind(enum.StrEnum):
    """What a phone asks for by REFER (RFC 5589)."""

    BLIND = "blind"  # ring the target, and let me go
    ATTENDED = "attended"  # I have spoken with the target: join the two (Replaces)


# ---- line events -------------------------------------------------------------------------------
# Facts of analog lines, from the carrier.


@dataclass(frozen=True, slots=True)
class LineRang:
    """A ring burst arrived on an idle or already ringing line; `count` starts at 1.

    `caller` is who calls where that is settled by then (exchanges that send it before the bell, a
    call that rang before a restart), else None: CallerIdentified follows. `dated` as there.
    """

    line: str
    count: int = 1
    caller: Caller | None = None
    dated: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class CallerIdentified:
    """The caller's identity is settled: it arrived, or its time limit passed (then UNKNOWN).

    `dated` is the exchange's own time of the call, "MMDDHHMM", or "": no part of who calls.
    """

    line: str
    caller: Caller
    dated: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class LineAnswered:
    """The line is off hook and its voice stream runs."""

    line: str


@dataclass(frozen=True, slots=True)
class CallerHungUp:
    """The far end released, with the evidence and the time from its first sign to certainty."""

    line: str
    evidence: Evidence
    after_ms: int = 0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class LineIdle:
    """The line is on hook and its modem has proven itself idle."""

    line: str


@dataclass(frozen=True, slots=True)
class LineNeeded:
    """An emergency call needs the line and no other is free: whoever is on it gives way."""

    line: str


@dataclass(frozen=True, slots=True)
class LineTaken:
    """Another telephone on the line's pair was lifted: whoever lifted it has the caller now."""

    line: str


@dataclass(frozen=True, slots=True)
class LineProbed:
    """An idle line was measured and something has changed; a modem that cannot never says so."""

    line: str
    condition: LineCondition


@dataclass(frozen=True, slots=True)
class FarEndProgressed:
    """A call that the box makes over a line (Flash, DialLeg) got on, as told by its sound.

    `after_ms` counts the sound since the last digit, `rings` the ring-backs, `detail` says by what
    it was known. RINGING may follow ANSWERED and the other way round.
    """

    line: str
    progress: FarEnd
    after_ms: int = 0
    rings: int = 0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class LineFlashed:
    """The hook was flashed: the caller on hold is back; not `done`: the modem refused."""

    line: str
    done: bool = True


@dataclass(frozen=True, slots=True)
class DigitPressed:
    """A key was pressed by the caller (`line`) or on a phone (`leg`); the other one is empty."""

    digit: str
    source: DigitSource
    line: str = ""
    leg: str = ""


@dataclass(frozen=True, slots=True)
class FaxCalled:
    """A fax machine calls on a line that is up: told once, `after_ms` from its first burst."""

    line: str
    source: FaxSource
    after_ms: int = 0


@dataclass(frozen=True, slots=True)
class PromptEnded:
    """An announcement ordered by `Play(play=...)` was played to its end, or was cut short."""

    play: str
    whole: bool = True


@dataclass(frozen=True, slots=True)
class RecordingEnded:
    """A recording ordered by `Record` ended; `trim_ms` at its end are tone or silence to drop."""

    recording: str
    stop: RecordingStop
    length_ms: int
    trim_ms: int = 0


@dataclass(frozen=True, slots=True)
class RecordingGap:
    """Recorded sound was lost between carrier and desk (credit ran out); never silently."""

    recording: str
    gap_ms: int


@dataclass(frozen=True, slots=True)
class LineLost:
    """A line is out; `reason` says what to do, `reason_it` in Italian (as it is, where empty).

    `missing`: there is no modem at its port.
    """

    line: str
    reason: str
    missing: bool = False
    reason_it: str = ""


@dataclass(frozen=True, slots=True)
class LineRestored:
    """A line is in service: its modem has been initialised and is idle on hook."""

    line: str
    modem: str = ""
    duplex: bool = True


@dataclass(frozen=True, slots=True)
class LineHalfDuplex:
    """The modem refuses sound both ways: the line carries no conversation from now on.

    `reason` says what to do, `reason_it` in Italian. A call for which that was found goes on.
    """

    line: str
    reason: str
    reason_it: str = ""


@dataclass(frozen=True, slots=True)
class CarrierLost:
    """The carrier process is gone; every line and every phone's sound with it."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class CarrierRestored:
    """The carrier is back and has its `Setup`; lines follow one by one as LineRestored."""


# ---- phone events ------------------------------------------------------------------------------
# Facts of phones, from the SIP thread; their ports from the carrier.


@dataclass(frozen=True, slots=True)
class PhonePrepared:
    """The carrier reserved an RTP port for `leg`; the INVITE may leave."""

    leg: str
    port: int


@dataclass(frozen=True, slots=True)
class MediaAgreed:
    """Offer and answer are settled for `leg`: where its sound goes and how it is coded.

    `law` is "ulaw" or "alaw"; `dtmf_payload` is the RFC 4733 payload type that the phone names, or
    -1; `dtmf_offered` is the one that we offered where it names another: RFC 3264 6.1 has it send
    by ours, and some send by their own. A phone on hold has `sending` (we send) or `receiving` (we
    listen) false.
    """

    leg: str
    address: str
    port: int
    law: str
    dtmf_payload: int = -1
    sending: bool = True
    receiving: bool = True
    dtmf_offered: int = -1

    @property
    def key_payloads(self) -> tuple[int, ...]:
        """The payload types by which keys may come, -1 for none."""
        return (self.dtmf_payload, self.dtmf_offered)


@dataclass(frozen=True, slots=True)
class LegProgressed:
    """A phone reported progress, e.g. 180 Ringing."""

    leg: str
    code: int


@dataclass(frozen=True, slots=True)
class OperatorAnswered:
    """The handset of `phone` was lifted on `leg` (200 OK, sound agreed)."""

    leg: str
    phone: str


@dataclass(frozen=True, slots=True)
class PhoneHungUp:
    """The phone ended an answered leg (BYE)."""

    leg: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PhoneDeclined:
    """The phone refused the call, or wants it to go elsewhere; that is not followed (P5)."""

    leg: str
    reason: DeclineReason = DeclineReason.REJECTED


@dataclass(frozen=True, slots=True)
class PhoneBusy:
    """The phone is busy (486, 600)."""

    leg: str


@dataclass(frozen=True, slots=True)
class PhoneUnreachable:
    """The phone did not answer at all, is not registered, or cannot take our sound."""

    leg: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PhoneLost:
    """An answered phone is gone without a word: no power, no cable, or it forgot the call."""

    leg: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PhoneSilent:
    """A phone that should send has sent nothing for `silent_ms`; it is to be asked for life."""

    leg: str
    silent_ms: int


@dataclass(frozen=True, slots=True)
class TransferAsked:
    """A phone asks for its caller to be transferred; the desk decides, nothing was done yet (P5).

    `target` is what it dialled, "" for anything but digits; answered by orders.TellTransfer. Of an
    attended one `other` is the phone's other leg, on which it has consulted somebody; "" and the
    SIP code `fault` where it named none that can be had.
    """

    leg: str
    phone: str
    target: str
    kind: TransferKind
    other: str = ""
    fault: int = 0


@dataclass(frozen=True, slots=True)
class PhoneRegistered:
    """A phone registered (or its fixed address is configured); it may be rung."""

    phone: str


@dataclass(frozen=True, slots=True)
class PhoneGone:
    """A phone's registration ended or expired, or it stopped answering."""

    phone: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PhoneDialled:
    """A phone called the box: a key code such as *21, on a new `leg` that waits for an answer."""

    leg: str
    phone: str
    digits: str


@dataclass(frozen=True, slots=True)
class BranchCalled:
    """Another branch, or a telephone system, hands a caller over: on a new `leg` that waits.

    `origin` is the name of the account that does so, "" where it does not say.
    """

    leg: str
    origin: str
    caller: Caller


@dataclass(frozen=True, slots=True)
class CallBackAsked:
    """Somebody asked that `phone` calls `number` back; answered by orders.AnswerAsked(ask).

    `case` is what it is for ("message:12", "request:7", "call:ID"), `name` what its screen shows,
    `urgent` that it is to be done outside the civil band too (E17).
    """

    ask: str
    phone: str
    number: str = field(repr=False)
    case: str = ""
    name: str = ""
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class DictationAsked:
    """Somebody wants to say an announcement at `phone`; answered by orders.AnswerAsked(ask).

    How it goes on is told by orders.TakeWent(ask), step by step.
    """

    ask: str
    phone: str


# ---- store events ------------------------------------------------------------------------------
# Facts of the stores: what is kept, and what cannot be.


@dataclass(frozen=True, slots=True)
class MessageStored:
    """The message of `call` is on disk whole, by the durability protocol."""

    call: str
    message: str
    length_ms: int


@dataclass(frozen=True, slots=True)
class StoreFailed:
    """The message (or request) of `call` is not, or not surely, stored."""

    call: str
    reason: str


@dataclass(frozen=True, slots=True)
class CallBackStored:
    """The caller's wish to be called back is kept (StoreCallBack): it may be promised."""

    call: str


@dataclass(frozen=True, slots=True)
class RequestStored:
    """The request that was taken in `call` is stored, and its mail queued: `number` is its own."""

    call: str
    number: int


@dataclass(frozen=True, slots=True)
class MessagesWaiting:
    """How many messages nobody has closed; lights the message lamp."""

    count: int


@dataclass(frozen=True, slots=True)
class RoomForMessages:
    """Whether messages can be recorded: the disk is full, or has room again."""

    has_room: bool


@dataclass(frozen=True, slots=True)
class MessageFetched:
    """A message is ready to be heard on leg `listener`; `message` "" when there is no further one.

    `left` are the messages after it that nobody has closed; `holder` has taken it, "" for nobody;
    `reason` says why none can be read.
    """

    listener: str
    message: str = ""
    number: int = 0
    caller: Caller = Caller()
    received_at: datetime | None = None
    left: int = 0
    reason: str = ""
    holder: str = ""


@dataclass(frozen=True, slots=True)
class MessageClosed:
    """The message that leg `listener` closed is closed, or (`reason`) it is not.

    `held`: because somebody else has taken it (E16).
    """

    listener: str
    reason: str = ""
    held: bool = False


@dataclass(frozen=True, slots=True)
class MessageMarked:
    """What leg `listener` did about a message is kept, or (`reason`, `held`) it is not."""

    listener: str
    reason: str = ""
    held: bool = False


@dataclass(frozen=True, slots=True)
class TakeKept:
    """What was said on leg `listener` is kept as a draft, or (`reason`) it is not."""

    listener: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PinChecked:
    """Whether the code that was pressed on leg `listener` is the office's."""

    listener: str
    right: bool = False


LegEnded = PhoneHungUp | PhoneDeclined | PhoneBusy | PhoneUnreachable | PhoneLost
"""However a phone's leg ends, ringing or answered."""

# ---- events ------------------------------------------------------------------------------------
# Facts, in the past tense: what lines, phones, stores, people and clocks tell the Switchboard.
#
# Frozen values, the only vocabulary that crosses rooms and the link (design/call.md).
# Durations are milliseconds, names are the configured names of lines and phones.

Event = (
    LineRang
    | CallerIdentified
    | LineAnswered
    | CallerHungUp
    | FarEndProgressed
    | LineFlashed
    | LineIdle
    | LineNeeded
    | LineTaken
    | LineProbed
    | DigitPressed
    | FaxCalled
    | PromptEnded
    | RecordingEnded
    | RecordingGap
    | LineLost
    | LineRestored
    | LineHalfDuplex
    | CarrierLost
    | CarrierRestored
    | PhonePrepared
    | MediaAgreed
    | LegProgressed
    | OperatorAnswered
    | PhoneHungUp
    | PhoneDeclined
    | PhoneBusy
    | PhoneUnreachable
    | PhoneLost
    | PhoneSilent
    | TransferAsked
    | PhoneRegistered
    | PhoneGone
    | PhoneDialled
    | BranchCalled
    | CallBackAsked
    | DictationAsked
    | MessageStored
    | CallBackStored
    | RequestStored
    | StoreFailed
    | MessagesWaiting
    | RoomForMessages
    | MessageFetched
    | MessageClosed
    | MessageMarked
    | PinChecked
    | TakeKept
    | ServiceStateChanged
    | RegisterChanged
    | HoursChanged
    | SheetUsed
    | SpokenSheetsChanged
    | NumbersKnown
    | TransferWished
    | HeadWished
    | BoxStopped
    | DeadlinePassed
)
