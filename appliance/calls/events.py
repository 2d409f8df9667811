"""Events: what lines, phones, stores, people and clocks tell call control, in the past tense.

Frozen values: with the orders they are all that crosses packages and the link to the media gateway.
Durations are milliseconds; lines and phones are named as configured.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import datetime

from appliance.text import Words

# ---- People and time -----------------------------------------------------------------------------
# Fields that hold a value of policy/ or calls.commands are typed `object` here: this module imports
# no sibling, because every package that speaks of events imports it. Readers check by isinstance.


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
class NumberTold:
    """The person who has `call` told the caller a number of that entry of the address book."""

    call: str
    entry: str


@dataclass(frozen=True, slots=True)
class TransferWished:
    """A person asked by console or command to transfer an operator's caller (P5)."""

    call: str
    request: object  # calls.commands.TransferCall; typed there to keep this module a leaf


@dataclass(frozen=True, slots=True)
class HeadWished:
    """A person asked to bring the supervisor into a conversation, or to stop ringing (E10)."""

    call: str
    request: object  # calls.commands.BringHead; typed there to keep this module a leaf


@dataclass(frozen=True, slots=True)
class AnswerWished:
    """A person asked at the screen that `phone`, the phone of their position, picks up `call`."""

    call: str
    phone: str


@dataclass(frozen=True, slots=True)
class HoldWished:
    """A person asked at the screen to put the caller of `phone` on hold."""

    call: str
    phone: str


@dataclass(frozen=True, slots=True)
class ResumeWished:
    """A person asked at the screen to take back the caller who waits for `phone`."""

    call: str
    phone: str


@dataclass(frozen=True, slots=True)
class AlternateWished:
    """A person asked at the screen to talk with the other one: the caller, or the office."""

    call: str
    phone: str


@dataclass(frozen=True, slots=True)
class HandOverWished:
    """A person asked at the screen to hand the caller over to the office that has answered."""

    call: str
    phone: str


@dataclass(frozen=True, slots=True)
class HangUpWished:
    """A person asked at the screen to put down the handset of `phone`."""

    phone: str


@dataclass(frozen=True, slots=True)
class DirectoryChanged:
    """The directory of offices was read or changed: at the start, after every entry (P4, E12).

    `officials`: the officials in charge that the sheets make public (E10).
    """

    directory: object  # policy.directory.Directory; typed there to keep this module a leaf
    officials: object = ()  # of policy.sheets.OfficialInCharge, likewise


@dataclass(frozen=True, slots=True)
class HoursChanged:
    """The special hours were read or changed; all of them, at the start and after each (E14)."""

    entered: object  # a tuple of policy.special.Special; typed there to keep this module a leaf


@dataclass(frozen=True, slots=True)
class SpokenSheetsChanged:
    """The sheets for callers after hours were read or imported.

    `units`: prompts of the units' names for operators, "it/unit_...", by code.
    """

    menu: object  # policy.sheets.Menu; typed there to keep this module a leaf
    units: object = None  # a mapping of texts, likewise


@dataclass(frozen=True, slots=True)
class NumbersKnown:
    """The call log was read: who has called, and what was dialled (E17).

    Until the first one no position dials freely. `forgotten`: numbers erased since (E20).
    """

    ledger: object  # policy.dialling.DialLedger; typed there to keep this module a leaf
    forgotten: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class BoxStopped:
    """A person, or the system, stopped the service: every call ends now."""

    reason: str = "the box was stopped"


@dataclass(frozen=True, slots=True)
class DeadlinePassed:
    """A deadline of the Switchboard has passed; `what` names it within `call`."""

    what: str
    call: str = ""


# ---- Values that events carry --------------------------------------------------------------------


class Presentation(enum.StrEnum):
    """Presentation of the caller's number by the exchange (v253.md 3: digits, P, O, nothing)."""

    SHOWN = "shown"
    WITHHELD = "withheld"
    UNAVAILABLE = "unavailable"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Caller:
    """Caller; `number` is digits only and present exactly when `presentation` is SHOWN."""

    presentation: Presentation = Presentation.UNKNOWN
    number: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Passed:
    """Reason of a diversion to another branch, a word of RFC 5806 4.2 ("user-busy").

    `withheld`: the caller withholds the number (RFC 3323, 3325).
    """

    why: str = "unknown"
    withheld: bool = False


class Evidence(enum.StrEnum):
    """Evidence of the far end's release (B1); kept in the call record."""

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
    SIGNALLED = "signalled"  # by the trunk leg's BYE (SIP)
    OPERATOR = "operator"  # the person at the phone hung up first
    OWN = "own"  # nobody released: all was said, and the box hung up
    LOST = "lost"  # the line or the media gateway went away
    STOPPED = "stopped"  # nobody released: the box was stopped


class LineCondition(enum.StrEnum):
    """Condition of its pair of wires that an idle modem measures (v253.md 1.3, -TRV)."""

    UNKNOWN = "unknown"  # not measured yet, or this modem cannot
    FREE = "free"
    IN_USE = "in_use"  # another telephone on the pair is off hook
    NO_LINE = "no_line"  # no voltage: no cable, or no line at its other end


class FaxSource(enum.StrEnum):
    """Detector that heard a fax machine's calling tone."""

    CHIP = "chip"  # DLE c
    SOUND = "sound"  # our own detector


class DigitSource(enum.StrEnum):
    """Source of a key press."""

    CHIP = "chip"  # DLE / digit ~
    SOUND = "sound"  # our own detector
    RFC4733 = "rfc4733"
    SIP_INFO = "sip_info"


class RecordingStop(enum.StrEnum):
    """Reason for the end of a recording."""

    RELEASE = "release"
    SILENCE = "silence"
    KEY = "key"
    LIMIT = "limit"
    TAKEN = "taken"  # a parallel telephone took the caller over
    FAX = "fax"  # a fax machine called
    LOST = "lost"
    ORDERED = "ordered"


class DeclineReason(enum.StrEnum):
    """Reason for which a phone refused a call that it could have taken."""

    REJECTED = "rejected"  # the reject key, do not disturb (603)
    REDIRECTED = "redirected"  # 3xx: its call forward names another number, never followed


class FarEnd(enum.StrEnum):
    """Progress of a call that the box makes over a line; an analog line has no answer signal."""

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
    """Kind of transfer that a phone asks for by REFER (RFC 5589)."""

    BLIND = "blind"  # ring the target, and let me go
    ATTENDED = "attended"  # I have spoken with the target: join the two (Replaces)


# ---- Analog lines, from the media gateway --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LineRang:
    """A ring burst arrived on an idle or already ringing line; `count` starts at 1.

    `caller` is the caller where that is settled by then (exchanges that send it before the bell, a
    call that rang before a restart), else None: CallerIdentified follows. `dated` as there.
    """

    line: str
    count: int = 1
    caller: Caller | None = None
    # The exchange's time is no part of who calls: two events of one caller are equal.
    dated: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class CallerIdentified:
    """The caller's identity is settled: it arrived, or its time limit passed (then UNKNOWN).

    `dated` is the exchange's own time of the call, "MMDDHHMM", or "".
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
    """The far end released; `after_ms` is the time from the first sign to certainty."""

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
    """An emergency call needs the line and no other is free: the call on it gives way."""

    line: str


@dataclass(frozen=True, slots=True)
class LineTaken:
    """A parallel telephone on the line's pair was lifted; it has the caller now."""

    line: str


@dataclass(frozen=True, slots=True)
class LineProbed:
    """The measured condition of an idle line has changed; only of modems that can measure it."""

    line: str
    condition: LineCondition


@dataclass(frozen=True, slots=True)
class FarEndProgressed:
    """A call that the box makes over a line (Flash, DialLeg) progressed, by its sound.

    `after_ms`: time of sound since the last digit; `rings`: ring-backs; `detail`: the evidence.
    ANSWERED is presumed only, so RINGING may follow it, and the other way round.
    """

    line: str
    progress: FarEnd
    after_ms: int = 0
    rings: int = 0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class LineFlashed:
    """The hook was flashed and the caller on hold is back; not `done`: the modem refused."""

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
    """A fax machine calls on a line that is up; once a call, `after_ms` from its first burst."""

    line: str
    source: FaxSource
    after_ms: int = 0


@dataclass(frozen=True, slots=True)
class PromptEnded:
    """An announcement of `Play(play=...)` ended; not `whole`: it was cut short."""

    play: str
    whole: bool = True


@dataclass(frozen=True, slots=True)
class RecordingEnded:
    """A recording ordered by `Record` or `RecordLeg` ended.

    Its last `trim_ms` are tone or silence, to be dropped.
    """

    recording: str
    stop: RecordingStop
    length_ms: int
    trim_ms: int = 0


@dataclass(frozen=True, slots=True)
class RecordingGap:
    """Recorded sound was lost on the link from the media gateway: its credit ran out."""

    recording: str
    gap_ms: int


@dataclass(frozen=True, slots=True)
class LineLost:
    """A line is out of service; `reason` is the remedy.

    `missing`: there is no modem at its port.
    """

    line: str
    reason: Words
    missing: bool = False


@dataclass(frozen=True, slots=True)
class LineRestored:
    """A line is in service: its modem has been initialised and is idle on hook."""

    line: str
    modem: str = ""
    duplex: bool = True


@dataclass(frozen=True, slots=True)
class LineHalfDuplex:
    """The modem refuses duplex voice: the line carries no conversation from now on (B2).

    `reason` is the remedy. The call in which it was found goes on.
    """

    line: str
    reason: Words


@dataclass(frozen=True, slots=True)
class MediaGatewayLost:
    """The media gateway is gone, and with it every line and every phone's sound."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class MediaGatewayRestored:
    """The media gateway is back and has its `Setup`; a LineRestored follows for each line."""


# ---- Phones, from the SIP thread; their RTP ports from the media gateway -------------------------


@dataclass(frozen=True, slots=True)
class PhonePrepared:
    """The media gateway reserved an RTP port for `leg`; the INVITE may leave."""

    leg: str
    port: int


@dataclass(frozen=True, slots=True)
class MediaAgreed:
    """Offer and answer are settled for `leg`: address, port and coding of its sound.

    `law` is "ulaw" or "alaw"; `dtmf_payload`: the RFC 4733 payload type that the phone names, or
    -1; `dtmf_offered`: ours, where the phone names another, else -1. A phone on hold has `sending`
    (we send) or `receiving` (we listen) false.
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
        """Payload types by which keys may come, -1 for none."""
        # RFC 3264 6.1 has the phone send by our payload type; some phones send by their own.
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
    """The phone refused the call, or redirected it, which is never followed (P5)."""

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
    """An answered phone is gone without a BYE: no power, no cable, or it forgot the call."""

    leg: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PhoneSilent:
    """A phone that should send has sent nothing for `silent_ms`; OPTIONS asks whether it lives."""

    leg: str
    silent_ms: int


@dataclass(frozen=True, slots=True)
class TransferAsked:
    """A phone asked by REFER to transfer its caller; answered by orders.TellTransfer (P5).

    `target`: what it dialled, "" for anything but digits. `other`: of an attended transfer the
    phone's other leg, on which it has consulted the office; "" and a SIP code in `fault` where it
    named no leg of ours.
    """

    leg: str
    phone: str
    target: str
    kind: TransferKind
    other: str = ""
    fault: int = 0


@dataclass(frozen=True, slots=True)
class PhoneRegistered:
    """A phone registered (or its fixed address is configured); it may be rung.

    `agent`: how it names its make, model and firmware, "" if unknown.
    """

    phone: str
    agent: str = ""


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
    """Another branch or telephone system called for a caller, on a new `leg` that waits (B9).

    `origin`: name of the sending account, "" where it names none.
    """

    leg: str
    origin: str
    caller: Caller


@dataclass(frozen=True, slots=True)
class CallBackAsked:
    """A person asked that `phone` calls `number` back; answered by orders.AnswerAsked(ask).

    `case`: "message:12", "request:7", "call:ID", "" for a number that was dialled at the screen;
    `name`: text on the phone's display; `urgent`: also outside the hours for calling back (E17);
    `picks_up`: the person sits at that phone, which is to pick up by itself; `in_book`: the number
    stands in the house's address book.
    """

    ask: str
    phone: str
    number: str = field(repr=False)
    case: str = ""
    name: str = ""
    urgent: bool = False
    picks_up: bool = False
    in_book: bool = False


@dataclass(frozen=True, slots=True)
class DictationAsked:
    """A person asked to dictate an announcement at `phone`; answered by orders.AnswerAsked(ask).

    orders.TakeWent(ask) reports each further step.
    """

    ask: str
    phone: str


@dataclass(frozen=True, slots=True)
class RingTried:
    """A technician has `phone` ring briefly, to hear that it does."""

    phone: str


# ---- Stores: what is stored, and what cannot be --------------------------------------------------


@dataclass(frozen=True, slots=True)
class MessageStored:
    """The message of `call` is on disk whole, by the protocol of docs/reliability.md."""

    call: str
    message: str
    length_ms: int


@dataclass(frozen=True, slots=True)
class StoreFailed:
    """The message or request of `call` is not stored, or its outcome is unknown."""

    call: str
    reason: str


@dataclass(frozen=True, slots=True)
class CallBackStored:
    """The call back of StoreCallBack is stored: it may be promised to the caller."""

    call: str


@dataclass(frozen=True, slots=True)
class RequestStored:
    """The request taken in `call` is stored under `number`, and its mail queued."""

    call: str
    number: int


@dataclass(frozen=True, slots=True)
class MessagesWaiting:
    """The number of messages that nobody has closed has changed; lights the message lamp."""

    count: int


@dataclass(frozen=True, slots=True)
class RoomForMessages:
    """The disk is full, or has room for messages again."""

    has_room: bool


@dataclass(frozen=True, slots=True)
class MessageFetched:
    """A message is ready to be played on leg `listener`; `message` "" when there is no further one.

    `left`: messages after it that nobody has closed; `holder`: the phone or user that has taken it,
    "" for none; `reason`: why none can be read.
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

    `held`: another position has taken it (E16).
    """

    listener: str
    reason: str = ""
    held: bool = False


@dataclass(frozen=True, slots=True)
class MessageMarked:
    """The step that leg `listener` noted about a message is stored, or (`reason`, `held`) not."""

    listener: str
    reason: str = ""
    held: bool = False


@dataclass(frozen=True, slots=True)
class TakeKept:
    """The dictation on leg `listener` is stored as a draft, or (`reason`) it is not."""

    listener: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PinChecked:
    """The code pressed on leg `listener` was compared with the office's: `right` or not."""

    listener: str
    right: bool = False


LegEnded = PhoneHungUp | PhoneDeclined | PhoneBusy | PhoneUnreachable | PhoneLost
"""Events that end a phone's leg, ringing or answered."""

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
    | MediaGatewayLost
    | MediaGatewayRestored
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
    | RingTried
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
    | DirectoryChanged
    | HoursChanged
    | SheetUsed
    | NumberTold
    | SpokenSheetsChanged
    | NumbersKnown
    | TransferWished
    | HeadWished
    | AnswerWished
    | HoldWished
    | ResumeWished
    | AlternateWished
    | HandOverWished
    | HangUpWished
    | BoxStopped
    | DeadlinePassed
)
