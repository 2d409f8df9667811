"""Orders to the stores, and the record of a call that they keep (cf. calls.orders)."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from appliance.calls.events import Caller, Evidence

if TYPE_CHECKING:  # the carrier reads orders too, and needs nothing of the policy
    from appliance.policy.requests import Mail, NewRequest


class Way(enum.StrEnum):
    """Which way a call went: the last stage that served it."""

    NONE = "none"
    SWITCHBOARD = "switchboard"
    CITIZENS_DESK = "citizens_desk"
    WAITING = "waiting"
    BRANCH = "branch"  # handed over to another one
    VOICEMAIL = "voicemail"


class Direction(enum.StrEnum):
    """Who called whom; `caller` of a record is always the person outside."""

    IN = "in"
    OUT = "out"


class Result(enum.StrEnum):
    """How a call ended, in the front desk's terms."""

    OPEN = "open"  # still going on
    ANSWERED = "answered"
    MESSAGE = "message"
    NO_MESSAGE = "no_message"  # "Chiamata senza messaggio"
    INFORMED = "informed"  # a sheet that was read aloud answered: the filter itself (P1)
    GAVE_UP = "gave_up"  # hung up while it rang
    FAX = "fax"  # a fax machine called: nobody to be served
    TAKEN = "taken"  # by an ordinary telephone beside the line
    NOT_STORED = "not_stored"
    NOT_REACHED = "not_reached"  # the office called and met nobody
    REFUSED = "refused"  # a position may not call that number
    LOST = "lost"  # line or carrier failed
    STOPPED = "stopped"  # the box was stopped under it
    INTERRUPTED = "interrupted"  # found open after a restart (E18)


NOBODY = Caller()
"""A caller of whom nothing is known."""


@dataclass(frozen=True, slots=True)
class CallRecord:
    """All that is kept of one call; written whole at ring, at each stage, and at its end.

    Wall times are aware datetimes; `trail` is what happened, oldest first, in stable codes. Of the
    last transfer: `unit`, `need`, why (`transfer_reason`), the number of the declaration that
    allowed it, the label of the number that answered (`target`), why it came back (`returned`).
    """

    call: str
    line: str
    rang_at: datetime
    clock_state: str = "synced"
    called: str = ""  # the public number, or "" for not known (P1)
    caller: Caller = NOBODY
    way: Way = Way.NONE
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


@dataclass(frozen=True, slots=True)
class WriteCall:
    """Upsert the call record; the deciding thread never waits for it."""

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
    """Keep the record of a caller who asked to be called back, and say so: answered by
    CallBackStored or StoreFailed of its call.
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
    """Keep a notice in the outbox; it leaves when the mail server can be reached."""

    mail: Mail


@dataclass(frozen=True, slots=True)
class DropRecording:
    """Forget a recording that is too short to be a message (its call record stays)."""

    recording: str


@dataclass(frozen=True, slots=True)
class KeepTake:
    """Keep what was dictated (recording `take`) as a draft; answered by TakeKept(listener)."""

    listener: str
    take: str
    ask: str


@dataclass(frozen=True, slots=True)
class DropTake:
    """Forget what was dictated: it is said again, or not wanted."""

    take: str


@dataclass(frozen=True, slots=True)
class TakeWent:
    """Tell whoever asked for a dictation (`ask`) how far it is (calls.dictation_words.Went)."""

    ask: str
    went: str


@dataclass(frozen=True, slots=True)
class FetchMessage:
    """Read the oldest open message numbered above `after`; answered by MessageFetched."""

    listener: str
    after: int = 0


@dataclass(frozen=True, slots=True)
class MarkMessage:
    """Note a step (policy.messages.Step) about a message for `by`.

    Answered by MessageMarked; that it was heard is noted without an answer.
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
    """Keep the manual states (unattended, closed, all absent) over a restart."""

    state: object  # policy.service_state.ServiceState; object keeps this module a leaf
