"""Orders: what lines, phones and stores are to do, as frozen values."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from appliance.calls.events import Caller, Evidence, Passed

if TYPE_CHECKING:
    from appliance.policy.mail import Mail
    from appliance.policy.requests import NewRequest

    # Not when it runs: the media gateway loads this module, and has no use for routing.
    from appliance.policy.routing import Destination


# ---- To the media gateway: lines and sound -------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AnswerLine:
    """Take the ringing line off hook and start its stream; answered by LineAnswered."""

    line: str


@dataclass(frozen=True, slots=True)
class HangUp:
    """Put the line on hook and prove it idle; answered by LineIdle (or LineLost)."""

    line: str


@dataclass(frozen=True, slots=True)
class Flash:
    """Flash the hook: the PBX behind the line holds the caller and is given `digits`.

    Answered by FarEndProgressed, over and over; nobody answers within `no_answer_ms`: NO_ANSWER.
    Without digits the caller comes back; answered by LineFlashed.
    """

    line: str
    # P7: numbers are printed nowhere, so no `repr` in a log or traceback shows them.
    digits: str = field(default="", repr=False)
    no_answer_ms: int = 25_000


@dataclass(frozen=True, slots=True)
class DialLeg:
    """Seize an idle line and dial; answered by FarEndProgressed (REFUSED: it is not idle).

    The line is the box's until HangUp. Play and Listen speak to and hear the person who answers.
    """

    line: str
    digits: str = field(repr=False)
    no_answer_ms: int = 40_000
    # A person called for help; without it no emergency number is dialled.
    emergency: bool = False


@dataclass(frozen=True, slots=True)
class JoinLines:
    """Join the sound of two duplex lines, both ways, until one ends or has another order.

    A far end that hangs up is reported as CallerHungUp of its line. A half-duplex line: REFUSED.
    """

    line: str
    other: str


@dataclass(frozen=True, slots=True)
class Listen:
    """Play nothing and listen to the line: keys, and the progress of a call of the box's own.

    Or to a trunk leg: keys.
    """

    line: str = ""
    leg: str = ""


@dataclass(frozen=True, slots=True)
class Connect:
    """Join the sound of a line and of a phone's leg, both ways, until one of them ends."""

    line: str
    leg: str


@dataclass(frozen=True, slots=True)
class BringIn:
    """Add a phone to the conversation of a line and a phone: each hears the two others.

    When one of the phones ends, the two that are left go on. A line without a phone: Connect.
    """

    line: str
    leg: str


@dataclass(frozen=True, slots=True)
class Whisper:
    """Play prompts to a phone over its conversation, which goes on; nobody else hears them.

    Answered by nothing; a later one takes the place of an earlier.
    """

    leg: str
    prompts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Join:
    """Join the sound of two phones' legs, both ways, until one of them ends."""

    leg: str
    other: str


@dataclass(frozen=True, slots=True)
class LoadMessage:
    """Give the media gateway a fetched message's sound; `Play` names it "message/<message>".

    A descriptor of the sound (one sealed memfd, 16-bit) travels with it; the next one for the
    same leg replaces it.
    """

    leg: str
    message: str


@dataclass(frozen=True, slots=True)
class Hold:
    """Detach the line from its leg and play the hold prompt to it until the next order.

    Or a trunk leg from what it is joined to; its keys are heard.
    """

    line: str = ""
    leg: str = ""


@dataclass(frozen=True, slots=True)
class Play:
    """Play prompts one after the other to a line or a leg; answered by PromptEnded(play).

    `prompts` are catalogue names "it/greeting_closed"; a later Play, Record, Connect or HangUp
    on the same line cuts it short. `keys`: listen for keys in a leg's sound, as on a line.
    """

    play: str
    prompts: tuple[str, ...]
    line: str = ""
    leg: str = ""
    # For trunk legs, whose keys are in-band; phones send theirs apart (RFC 4733, INFO).
    keys: bool = False


@dataclass(frozen=True, slots=True)
class PressKeys:
    """Press keys (0-9 * # A-D) into the line's running stream, over what is played there.

    80 ms each and 80 ms apart.
    """

    line: str
    digits: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Record:
    """Record the caller until release, `#`, silence (never in the first `grace_ms`) or limit."""

    recording: str
    line: str
    limit_ms: int = 180_000
    silence_ms: int = 5_000
    grace_ms: int = 10_000


@dataclass(frozen=True, slots=True)
class RecordLeg:
    """Record a phone's leg (dictation) or a trunk leg, alone.

    Until EndRecording, silence (never in the first `grace_ms`) or limit; a later Play, Connect or
    Join of the leg ends it too: no conversation is recorded (E21). `keys`: `#` in the leg's sound
    ends it, as on a line.
    """

    recording: str
    leg: str
    limit_ms: int = 30_000
    silence_ms: int = 5_000
    grace_ms: int = 8_000
    keys: bool = False


@dataclass(frozen=True, slots=True)
class EndRecording:
    """End the recording of a leg; answered by RecordingEnded."""

    leg: str


@dataclass(frozen=True, slots=True)
class PreparePhone:
    """Reserve an RTP port for a leg, which its INVITE names; answered by PhonePrepared."""

    leg: str


@dataclass(frozen=True, slots=True)
class ReleasePhone:
    """Forget a leg's RTP port and sound."""

    leg: str


# ---- To the phones -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ringing:
    """One phone of a group that is rung: its leg id and its configured name."""

    leg: str
    phone: str


@dataclass(frozen=True, slots=True)
class RingPhones:
    """Ring phones together for one call; `display` and `number` are shown on their screens.

    The service has the media gateway prepare each leg before its INVITE leaves. `passed`: the
    diversion's reason, where another branch rings. `picks_up`: a phone that can is to answer by
    itself, because its person has asked for it at the screen.
    """

    call: str
    ringing: tuple[Ringing, ...]
    display: str
    number: str = ""
    passed: Passed | None = None
    picks_up: bool = False


@dataclass(frozen=True, slots=True)
class PickUpPhone:
    """Have a phone that rings on `leg` answer by itself: its person has asked for it.

    Its INVITE is taken back and sent anew on the same leg; a handset lifted meanwhile has answered
    as ever. A phone that cannot goes on ringing.
    """

    leg: str


@dataclass(frozen=True, slots=True)
class ShowCaller:
    """Show the caller on phones that ring or talk: the identity came after they were rung."""

    legs: tuple[str, ...]
    display: str
    number: str = ""


@dataclass(frozen=True, slots=True)
class StopRinging:
    """CANCEL a leg that rings; `answered_elsewhere` spares the phone a missed call."""

    leg: str
    answered_elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class HangUpPhone:
    """End an answered leg (BYE)."""

    leg: str


@dataclass(frozen=True, slots=True)
class AcceptPhone:
    """Answer a leg on which a phone called the box (200 OK)."""

    leg: str


@dataclass(frozen=True, slots=True)
class RefusePhone:
    """Refuse a leg on which a phone called the box (404 for an unknown code)."""

    leg: str
    code: int = 404


# SIP codes of a transfer's progress: under way, done, nobody reached, not allowed now (P5).
RINGING, TRANSFER_DONE, NOT_THERE, DECLINED = 180, 200, 480, 603
# SIP code for a Replaces that names no call of the phone (RFC 3891 3).
NO_SUCH_CALL = 481


@dataclass(frozen=True, slots=True)
class AnswerAsked:
    """Answer the request `ask` (call back, dictation): whether the phone rings, in one sentence."""

    ask: str
    done: bool
    # policy.text.Words; `object` keeps this module a leaf.
    said: object


@dataclass(frozen=True, slots=True)
class TellTransfer:
    """Tell a phone by NOTIFY the progress of the transfer it asked for (RFC 3515 2.4.5)."""

    leg: str
    code: int


# ---- To the stores, and the record of a call that they keep --------------------------------------


class Direction(enum.StrEnum):
    """Direction of a call; `caller` of a record is always the person outside."""

    IN = "in"
    OUT = "out"


class Result(enum.StrEnum):
    """Result of a call, in the front desk's terms."""

    OPEN = "open"  # still going on
    ANSWERED = "answered"
    MESSAGE = "message"
    NO_MESSAGE = "no_message"  # "Chiamata senza messaggio"
    INFORMED = "informed"  # a sheet that was read aloud answered: the filter itself (P1)
    GAVE_UP = "gave_up"  # hung up while it rang
    FAX = "fax"  # a fax machine called: nobody to be served
    TAKEN = "taken"  # by an ordinary telephone beside the line
    NOT_STORED = "not_stored"
    NOT_REACHED = "not_reached"  # a call out, or one handed over, that nobody answered
    REFUSED = "refused"  # a position may not call that number
    LOST = "lost"  # line or media gateway failed
    STOPPED = "stopped"  # the box was stopped under it
    INTERRUPTED = "interrupted"  # found open after a restart (E18)


NOBODY = Caller()
"""Caller of whom nothing is known."""


@dataclass(frozen=True, slots=True)
class CallRecord:
    """Record of one call; written whole at ring, at each stage, and at its end.

    Wall times are aware datetimes; `trail` is what happened, oldest first, in stable codes. Of the
    last transfer: `unit`, `need`, its reason (`transfer_reason`), the number of the declaration
    that allowed it, the label of the number that answered (`target`), why it came back
    (`returned`).
    """

    call: str
    line: str
    rang_at: datetime
    clock_state: str = "synced"
    called: str = ""  # the public number, or "" for not known (P1)
    caller: Caller = NOBODY
    way: Destination | None = None  # the last that served it
    reason: str = ""  # routing's stable code
    phone: str = ""  # who answered
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    result: Result = Result.OPEN
    evidence: Evidence | None = None
    release_ms: int | None = None
    message: str = ""
    unit: str = ""
    need: str = ""
    transfer_reason: str = ""
    declaration: int = 0
    target: str = ""
    returned: str = ""
    trail: tuple[str, ...] = ()
    direction: Direction = Direction.IN
    number_class: str = ""  # of a call out: policy.numbering.NumberClass
    case: str = ""  # what it is about: "message:12", "request:7", "call:ID" (E17)
    sheets: tuple[str, ...] = ()  # codes of those that answered the caller (P2)
    told: tuple[str, ...] = ()  # entries of the address book of which a number was told


@dataclass(frozen=True, slots=True)
class WriteCall:
    """Upsert the call record; call control never waits for it."""

    record: CallRecord


@dataclass(frozen=True, slots=True)
class StoreMessage:
    """Make the recording of `call` a stored message; answered by MessageStored or StoreFailed."""

    call: str
    recording: str
    record: CallRecord
    trim_ms: int = 0


@dataclass(frozen=True, slots=True)
class StoreCallBack:
    """Store the record of a caller who asked to be called back; answered by CallBackStored or
    StoreFailed of its call.
    """

    record: CallRecord


@dataclass(frozen=True, slots=True)
class StoreRequest:
    """Store a request (P6) and queue its mail; answered by RequestStored or StoreFailed of `call`.

    `recording` holds the caller's own words, "" for none; its last `trim_ms` are dropped.
    """

    call: str
    request: NewRequest
    recording: str = ""
    trim_ms: int = 0


@dataclass(frozen=True, slots=True)
class QueueMail:
    """Store a notice in the outbox; it leaves when the mail server can be reached."""

    mail: Mail


@dataclass(frozen=True, slots=True)
class DropRecording:
    """Delete a recording that is too short to be a message (its call record stays)."""

    recording: str


@dataclass(frozen=True, slots=True)
class KeepTake:
    """Store the dictation (recording `take`) as a draft; answered by TakeKept(listener)."""

    listener: str
    take: str
    ask: str


@dataclass(frozen=True, slots=True)
class DropTake:
    """Delete a dictation that is recorded anew, or not wanted."""

    take: str


@dataclass(frozen=True, slots=True)
class TakeWent:
    """Report a step of the dictation of request `ask` (calls.status.Went)."""

    ask: str
    went: str


@dataclass(frozen=True, slots=True)
class FetchMessage:
    """Read the oldest open message numbered above `after`; answered by MessageFetched."""

    listener: str
    after: int = 0


@dataclass(frozen=True, slots=True)
class MarkMessage:
    """Note a step (policy.voicemail.MessageStep) about a message for `by`.

    Answered by MessageMarked, except the step HEAR.
    """

    listener: str
    message: str
    step: str
    by: str


@dataclass(frozen=True, slots=True)
class CheckPin:
    """Compare a code with the office's; answered by PinChecked. `by` is the phone that tries."""

    listener: str
    pin: str = field(repr=False)
    by: str


@dataclass(frozen=True, slots=True)
class CloseMessage:
    """Close a message for `by` with an outcome; answered by MessageClosed."""

    listener: str
    message: str
    outcome: str
    by: str


@dataclass(frozen=True, slots=True)
class SaveServiceState:
    """Save the manual states (unattended, closed, all absent …) over a restart."""

    # policy.opening.ServiceState; `object` keeps this module a leaf.
    state: object


MediaOrder = (
    AnswerLine
    | HangUp
    | Flash
    | DialLeg
    | JoinLines
    | Listen
    | PressKeys
    | Connect
    | BringIn
    | Whisper
    | Join
    | LoadMessage
    | Hold
    | Play
    | Record
    | RecordLeg
    | EndRecording
    | PreparePhone
    | ReleasePhone
)
PhoneOrder = (
    RingPhones
    | PickUpPhone
    | ShowCaller
    | StopRinging
    | HangUpPhone
    | AcceptPhone
    | RefusePhone
    | TellTransfer
)
ListenerOrder = FetchMessage | CloseMessage | MarkMessage | CheckPin
StoreOrder = (
    WriteCall
    | StoreMessage
    | StoreCallBack
    | StoreRequest
    | QueueMail
    | DropRecording
    | FetchMessage
    | CloseMessage
    | MarkMessage
    | CheckPin
    | KeepTake
    | DropTake
    | TakeWent
    | SaveServiceState
)
Order = MediaOrder | PhoneOrder | StoreOrder | AnswerAsked
