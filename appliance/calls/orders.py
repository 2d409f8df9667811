"""Imperatives: what the Switchboard orders of lines, phones, stores and panel.

Frozen values; each names its subject by line, leg, play, recording or call (see calls.events).
"""

from __future__ import annotations

from appliance.calls.carrier_orders import (
    AnswerLine,
    BringIn,
    Connect,
    DialLeg,
    EndRecording,
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
    RecordLeg,
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
    ShowCaller,
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
    DropTake,
    FetchMessage,
    KeepTake,
    MarkMessage,
    QueueMail,
    Result,
    SaveServiceState,
    StoreCallBack,
    StoreMessage,
    StoreRequest,
    TakeWent,
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
    "DropTake",
    "EndRecording",
    "FetchMessage",
    "Flash",
    "HangUp",
    "HangUpPhone",
    "Hold",
    "Join",
    "JoinLines",
    "KeepTake",
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
    "RecordLeg",
    "RefusePhone",
    "ReleasePhone",
    "Result",
    "RingPhones",
    "Ringing",
    "SaveServiceState",
    "ShowCaller",
    "StopRinging",
    "StoreCallBack",
    "StoreMessage",
    "StoreOrder",
    "StoreRequest",
    "TakeWent",
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
    | RecordLeg
    | EndRecording
    | PreparePhone
    | ReleasePhone
)
PhoneOrder = (
    RingPhones | ShowCaller | StopRinging | HangUpPhone | AcceptPhone | RefusePhone | TellTransfer
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
Order = CarrierOrder | PhoneOrder | StoreOrder | AnswerAsked
