"""Facts, in the past tense: what lines, phones, stores, people and clocks tell the Switchboard.

Frozen values, the only vocabulary that crosses rooms and the link (architecture.md, Vocabulary).
Durations are milliseconds, names are the configured names of lines and phones.
"""

from __future__ import annotations

from appliance.calls.desk_events import (
    BoxStopped,
    DeadlinePassed,
    HeadWished,
    HoursChanged,
    NumbersKnown,
    RegisterChanged,
    ServiceStateChanged,
    SheetUsed,
    SpokenSheetsChanged,
    TransferWished,
)
from appliance.calls.event_values import (
    Caller,
    DeclineReason,
    DigitSource,
    Evidence,
    FarEnd,
    FaxSource,
    LineCondition,
    Passed,
    Presentation,
    RecordingStop,
    TransferKind,
)
from appliance.calls.line_events import (
    CallerHungUp,
    CallerIdentified,
    CarrierLost,
    CarrierRestored,
    DigitPressed,
    FarEndProgressed,
    FaxCalled,
    LineAnswered,
    LineFlashed,
    LineHalfDuplex,
    LineIdle,
    LineLost,
    LineNeeded,
    LineProbed,
    LineRang,
    LineRestored,
    LineTaken,
    PromptEnded,
    RecordingEnded,
    RecordingGap,
)
from appliance.calls.phone_events import (
    BranchCalled,
    CallBackAsked,
    DictationAsked,
    LegProgressed,
    MediaAgreed,
    OperatorAnswered,
    PhoneBusy,
    PhoneDeclined,
    PhoneDialled,
    PhoneGone,
    PhoneHungUp,
    PhoneLost,
    PhonePrepared,
    PhoneRegistered,
    PhoneSilent,
    PhoneUnreachable,
    TransferAsked,
)
from appliance.calls.store_events import (
    CallBackStored,
    MessageClosed,
    MessageFetched,
    MessageMarked,
    MessageStored,
    MessagesWaiting,
    PinChecked,
    RequestStored,
    RoomForMessages,
    StoreFailed,
    TakeKept,
)

__all__ = [
    "BoxStopped",
    "BranchCalled",
    "CallBackAsked",
    "CallBackStored",
    "Caller",
    "CallerHungUp",
    "CallerIdentified",
    "CarrierLost",
    "CarrierRestored",
    "DeadlinePassed",
    "DeclineReason",
    "DictationAsked",
    "DigitPressed",
    "DigitSource",
    "Event",
    "Evidence",
    "FarEnd",
    "FarEndProgressed",
    "FaxCalled",
    "FaxSource",
    "HeadWished",
    "HoursChanged",
    "LegProgressed",
    "LineAnswered",
    "LineCondition",
    "LineFlashed",
    "LineHalfDuplex",
    "LineIdle",
    "LineLost",
    "LineNeeded",
    "LineProbed",
    "LineRang",
    "LineRestored",
    "LineTaken",
    "MediaAgreed",
    "MessageClosed",
    "MessageFetched",
    "MessageMarked",
    "MessageStored",
    "MessagesWaiting",
    "NumbersKnown",
    "OperatorAnswered",
    "Passed",
    "PhoneBusy",
    "PhoneDeclined",
    "PhoneDialled",
    "PhoneGone",
    "PhoneHungUp",
    "PhoneLost",
    "PhonePrepared",
    "PhoneRegistered",
    "PhoneSilent",
    "PhoneUnreachable",
    "PinChecked",
    "Presentation",
    "PromptEnded",
    "RecordingEnded",
    "RecordingGap",
    "RecordingStop",
    "RegisterChanged",
    "RequestStored",
    "RoomForMessages",
    "ServiceStateChanged",
    "SheetUsed",
    "SpokenSheetsChanged",
    "StoreFailed",
    "TakeKept",
    "TransferAsked",
    "TransferKind",
    "TransferWished",
]

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
