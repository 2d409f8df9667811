"""What rows of several states of a call's table share (states.py); the tables put them together."""

from __future__ import annotations

from appliance.calls.events import (
    BoxStopped,
    BranchCalled,
    CallBackAsked,
    CallBackStored,
    CallerHungUp,
    CallerIdentified,
    CarrierLost,
    CarrierRestored,
    DeadlinePassed,
    DictationAsked,
    DigitPressed,
    FarEndProgressed,
    FaxCalled,
    HeadWished,
    HoursChanged,
    LegProgressed,
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
    MediaAgreed,
    MessageClosed,
    MessageFetched,
    MessageMarked,
    MessageStored,
    MessagesWaiting,
    NumbersKnown,
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
    PinChecked,
    PromptEnded,
    RecordingEnded,
    RecordingGap,
    RegisterChanged,
    RequestStored,
    RoomForMessages,
    ServiceStateChanged,
    SheetUsed,
    SpokenSheetsChanged,
    StoreFailed,
    TakeKept,
    TransferAsked,
    TransferWished,
)
from appliance.calls.state_names import Do, Ignored, Row, Rows, State

_S = State
_D = Do

LEG = (PhoneHungUp, PhoneDeclined, PhoneBusy, PhoneUnreachable, PhoneLost)
LINE_GONE = (LineLost, CarrierLost, BoxStopped)
ON_HOOK = (LineIdle, LineRestored)

NOT_A_CALLS: dict[type, str] = {
    PhonePrepared: "ports are the service's business",
    MediaAgreed: "sound is the carrier's business",
    LegProgressed: "a phone that rings is expected to say so",
    PhoneRegistered: "concerns the groups; a stage rings the phones it found",
    PhoneGone: "concerns the groups; the leg itself says how it ended",
    BranchCalled: "is a call of its own: a caller whom others hand over",
    PhoneDialled: "is a key code's own call",
    CallBackAsked: "concerns the phone that is to call",
    DictationAsked: "concerns the phone at which an announcement is said",
    TakeKept: "concerns the phone at which an announcement is said",
    NumbersKnown: "concerns who may be called back",
    PhoneSilent: "the phones' room asks it whether it is there; PhoneLost follows if not",
    TransferAsked: "only an operator who talks with a caller can ask; the phone is told so",
    TransferWished: "only an operator who talks with a caller can ask; who asked is told so",
    HeadWished: "only who talks with a caller can bring the head in; who asked is told so",
    MessagesWaiting: "concerns the message lamp",
    RoomForMessages: "the next tone asks whether there is room; what is recorded goes on",
    MessageFetched: "concerns a phone that hears messages",
    MessageClosed: "concerns a phone that hears messages",
    MessageMarked: "concerns a phone that hears messages",
    PinChecked: "concerns a phone that hears messages",
    CallBackStored: "no caller of this call waits to hear of a call back",
    RequestStored: "no caller of this call waits to hear of a request",
    LineHalfDuplex: "concerns the line: whoever is on it is served to the end",
    LineProbed: "concerns the line; while a call is on it nothing is measured",
    CarrierRestored: "its lines follow one by one",
    SpokenSheetsChanged: "the next greeting offers them; a menu that was heard holds",
    SheetUsed: "the Switchboard notes it with every call alike",
    HoursChanged: "the next call asks the new hours; what rang before is served to its end (E1)",
    RegisterChanged: "the next transfer asks the new one; what rings already is not cut (E12)",
    FarEndProgressed: "the box calls nobody over this line now: it crossed an order",
    LineFlashed: "no flash was ordered that matters to the call now",
}


def each(kinds: tuple[type, ...], row: Row | str) -> Rows:
    """Give several events one row, or one reason for being ignored."""
    return {kind: Ignored(row) if isinstance(row, str) else row for kind in kinds}


GIVES_WAY: Rows = {LineNeeded: Row(_D.GIVE_LINE, (_S.FAREWELL, _S.CLEARING))}
"""What every state does when an emergency call needs its line, where it does not say otherwise."""
PASSES_ON = each((LineNeeded,), "a line that passes its calls on carries no emergency call")


def state(*parts: Rows) -> Rows:
    """Put a state's rows together; the later part wins."""
    whole: Rows = {kind: Ignored(why) for kind, why in NOT_A_CALLS.items()}
    whole |= GIVES_WAY
    for part in parts:
        whole |= part
    return whole


BEFORE_ANSWER = each(
    (LineAnswered, PromptEnded, RecordingEnded, RecordingGap, MessageStored, StoreFailed),
    "nothing of that was ordered yet",
) | each((DigitPressed, FaxCalled), "a line on hook is not listened to")
RINGS = each((LineRang,), "the call is known already") | each(
    ON_HOOK, "a ringing line is on hook; only the caller's giving up ends it"
)
NO_LEGS = each((OperatorAnswered, *LEG), "no phone belongs to the call now")
NO_MESSAGE = each((RecordingEnded, RecordingGap, MessageStored, StoreFailed), "nothing records")
NO_PROMPT = each((PromptEnded,), "nothing is played that matters to the call")
OFF_HOOK = each((LineRang,), "an engaged line cannot ring: a burst crossed the answer")
UP = each((LineAnswered,), "the line is up already")
NO_KEYS = each((DigitPressed,), "keys mean nothing here")
SERVED = each((ServiceStateChanged,), "what is being served is served to its end (E1, E4)")
LATE_NAME: Rows = {CallerIdentified: Row(_D.LEARN_CALLER, stays=True)}
LOST = each((*LINE_GONE, *ON_HOOK), Row(_D.LOSE, (_S.ENDED,)))
TALKS = state(OFF_HOOK, NO_MESSAGE, NO_PROMPT, NO_KEYS, SERVED, LATE_NAME, LOST)
LISTENS = state(OFF_HOOK, UP, NO_LEGS, NO_MESSAGE, NO_KEYS, SERVED, LATE_NAME, LOST)
LEAVES: Rows = {CallerHungUp: Row(_D.LEAVE, (_S.CLEARING,))}
# With the caller on hold at a PBX a release would be the extension's; that is FarEndProgressed.
ON_HOLD = state(
    PASSES_ON,
    OFF_HOOK, UP, NO_LEGS, NO_MESSAGE, NO_PROMPT, NO_KEYS, SERVED, LATE_NAME, LOST,
    LEAVES,
    each((FaxCalled,), "what is heard is the PBX or an extension, not the caller"),
)  # fmt: skip
ABSENT_MEANWHILE: Rows = {ServiceStateChanged: Row(_D.HEED_ABSENCE, (_S.GREETING,), stays=True)}
BACK = each((DeadlinePassed,), Row(_D.PBX_TAKE_BACK, (_S.PBX_RETURNING,)))
KEEPS = Row(_D.KEEP_AS_IS, (_S.SAVING, _S.CLEARING, _S.ENDED))
FAX: Rows = {FaxCalled: Row(_D.TURN_FAX_AWAY, (_S.CLEARING,))}
NOTES_FAX: Rows = {FaxCalled: Row(_D.NOTE_FAX, stays=True)}
CORRECTS = each((MessageStored, RequestStored), Row(_D.CORRECT, stays=True))
TAKEN_RINGING: Rows = {LineTaken: Row(_D.TAKEN_RINGING, (_S.ENDED,))}
HALF: Rows = {
    LineHalfDuplex: Row(_D.TURN_HALF_DUPLEX, (_S.GREETING_PENDING, _S.GREETING), stays=True)
}
"""A caller who waits for a person on a line that turns out to carry no conversation."""
HANDS_OVER: Rows = {LineTaken: Row(_D.HAND_OVER, (_S.CLEARING,))}
AFTER = state(
    each((LineNeeded,), "the line is on its way on hook"),
    OFF_HOOK,
    NO_LEGS,
    NO_PROMPT,
    NO_KEYS,
    SERVED,
    LATE_NAME,
    each((LineAnswered,), "it crossed the order to hang up"),
    each((RecordingEnded, RecordingGap), "the recording is closed"),
    each((StoreFailed,), "the record says so already"),
    each((FaxCalled,), "the call ends in any case"),
    CORRECTS,
    {LineTaken: Row(_D.NOTE_TAKEN, stays=True)},
)
