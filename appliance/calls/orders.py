"""Imperatives: what the Switchboard orders of lines, phones, stores and panel.

Frozen values; each names its subject by line, leg, play, recording or call (see calls.events).
"""

from __future__ import annotations

from appliance.calls.carrier_orders import (
    AnswerLine,
    BringIn,
    Connect,
    DialLeg,
    Flash,
    HangUp,
    Hold,
    Join,
    JoinLines,
    Listen,
    LoadMessage,
    Play,
    PreparePhone,
    PressKeys,
    Record,
    ReleasePhone,
    Whisper,
)
from appliance.calls.phone_orders import (
    DECLINED,
    NO_SUCH_CALL,
    NOT_THERE,
    RINGING,
    TRANSFER_DONE,
    AcceptPhone,
    AnswerAsked,
    HangUpPhone,
    RefusePhone,
    Ringing,
    RingPhones,
    StopRinging,
    TellTransfer,
)
from appliance.calls.store_orders import (
    NOBODY,
    CallRecord,
    CheckPin,
    CloseMessage,
    Direction,
    DropRecording,
    FetchMessage,
    MarkMessage,
    QueueMail,
    Result,
    SaveServiceState,
    StoreCallBack,
    StoreMessage,
    StoreRequest,
    Way,
    WriteCall,
)

__all__ = [
    "DECLINED",
    "NOBODY",
    "NOT_THERE",
    "NO_SUCH_CALL",
    "RINGING",
    "TRANSFER_DONE",
    "AcceptPhone",
    "AnswerAsked",
    "AnswerLine",
    "BringIn",
    "CallRecord",
    "CarrierOrder",
    "CheckPin",
    "CloseMessage",
    "Connect",
    "DialLeg",
    "Direction",
    "DropRecording",
    "FetchMessage",
    "Flash",
    "HangUp",
    "HangUpPhone",
    "Hold",
    "Join",
    "JoinLines",
    "Listen",
    "ListenerOrder",
    "LoadMessage",
    "MarkMessage",
    "Order",
    "PhoneOrder",
    "Play",
    "PreparePhone",
    "PressKeys",
    "QueueMail",
    "Record",
    "RefusePhone",
    "ReleasePhone",
    "Result",
    "RingPhones",
    "Ringing",
    "SaveServiceState",
    "StopRinging",
    "StoreCallBack",
    "StoreMessage",
    "StoreOrder",
    "StoreRequest",
    "TellTransfer",
    "Way",
    "Whisper",
    "WriteCall",
]

CarrierOrder = (
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
    | PreparePhone
    | ReleasePhone
)
PhoneOrder = RingPhones | StopRinging | HangUpPhone | AcceptPhone | RefusePhone | TellTransfer
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
    | SaveServiceState
)
Order = CarrierOrder | PhoneOrder | StoreOrder | AnswerAsked
