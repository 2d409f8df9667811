"""Facts of the stores: what is kept, and what cannot be (cf. calls.events)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from appliance.calls.event_values import Caller


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
