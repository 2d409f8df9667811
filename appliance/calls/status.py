"""Status of calls, lines and positions for LEDs, `centralino status` and console (E22, E23)."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from appliance.calls import manual_states
from appliance.calls.conference import SupervisorStatus, supervisor_status
from appliance.calls.events import Caller, LineCondition
from appliance.calls.model import (
    Call,
    Channel,
    LineState,
    ReturnCause,
    SwitchboardState,
    TransferStep,
)
from appliance.calls.orders import CallRecord
from appliance.calls.outgoing import OutgoingCall
from appliance.calls.phone_control import PhoneControl, control_of
from appliance.calls.ringing import CALLBACK_WANTED
from appliance.calls.side_states import SideState
from appliance.calls.states import State
from appliance.policy.clock import ClockState, Doubt, Now
from appliance.policy.dialling import DIAL_REFUSAL_WORDS
from appliance.policy.directory import ReturnRule, duties_without_number
from appliance.policy.office import Group, Position, PositionState, position
from appliance.policy.opening import (
    REASON_OF_HOURS,
    ReasonCode,
    ServiceState,
    opening,
    reason_sentence,
)
from appliance.policy.routing import Destination, GroupState
from appliance.policy.sheets import OfficialInCharge, officials
from appliance.text import NOTHING, Words, _, by_language, in_context, joined, unchanged

# ---- Words of a call's state; no modem, SIP or line word on an operator's screen (E22) -----------

_RINGS: Final = _("Ringing")
_HELD: Final = _("Waiting for an operator")
_CALLBACK: Final = _("Asks to be called back")
_OFFICE_RINGS: Final = _("The office is being called")
_TALKS: Final = _("Talking")
_ASKS: Final = _("The operator chooses the office")
_VOICEMAIL: Final = _("Hears the voicemail")
_MESSAGE: Final = _("Leaves a message")
_ENDS: Final = _("Ending")

# Words of each state on a screen; for a transfer TransferStatus has more.
CALL_STATE_WORDS: Final[Mapping[State, Words]] = {
    State.ARRIVED: _RINGS,
    State.RINGING: _RINGS,
    State.ANSWERING: _("Being answered"),
    State.HOLDING: _HELD,
    State.QUEUED: _HELD,
    State.CALLBACK_OFFERED: _CALLBACK,
    State.CALLBACK_STORING: _CALLBACK,
    State.TALKING: _TALKS,
    State.ON_HOLD: _("On hold"),
    State.PBX_PENDING: _RINGS,
    State.PBX_GREETING: _OFFICE_RINGS,
    State.PBX_CHECK: _OFFICE_RINGS,
    State.PBX_CALLING: _OFFICE_RINGS,
    State.PBX_OFFERING: _OFFICE_RINGS,
    State.PBX_AWAITING_KEY: _OFFICE_RINGS,
    State.PBX_RETURNING: _OFFICE_RINGS,
    State.TRANSFER_KEYS: _ASKS,
    State.TRANSFER_CHOICE: _ASKS,
    State.TRANSFER_RINGING: _OFFICE_RINGS,
    State.TRANSFER_CONSULT: _("Operator and office talk"),
    State.OFFICE_WAITS: _("Operator and caller talk, the office waits"),
    State.TRANSFERRED: _("Talks with the office"),
    State.TRANSFER_RETURNING: _("Return"),
    State.TRANSFER_OFFER: _("Return waiting"),
    State.GREETING_PENDING: _VOICEMAIL,
    State.GREETING: _VOICEMAIL,
    State.MENU: _("Chooses what to hear"),
    State.SHEET: _("Hears a sheet"),
    State.TONE: _MESSAGE,
    State.RECORDING: _MESSAGE,
    State.STORING: _MESSAGE,
    State.SAVING: _MESSAGE,
    State.FAREWELL: _VOICEMAIL,
    State.CLEARING: _ENDS,
    State.ENDED: _ENDS,
}
# Why a transferred call came back (P6).
WHY_RETURNED: Final[Mapping[ReturnCause, Words]] = {
    ReturnCause.NO_ANSWER: _("did not answer"),
    ReturnCause.BUSY: in_context("status", "busy"),
    ReturnCause.UNREACHABLE: _("its phone cannot be reached"),
    ReturnCause.DECLINED: _("declined the call"),
    ReturnCause.REFUSED: _("cannot take the call"),
    ReturnCause.SENT_BACK: _("not the competent office"),
    ReturnCause.LOST: _("the connection was lost"),
    ReturnCause.TAKEN_BACK: _("taken back by the operator"),
}


# ---- Words while the clock cannot be trusted, with the remedy ------------------------------------

NOT_TRUSTED: Mapping[Doubt, Words] = {
    Doubt.OPEN: _(
        "The clock cannot be trusted: the hours do not hold and the phones ring. "
        "Confirm or set it on the page “Time”, or see to the network."
    ),
    Doubt.CLOSED: _(
        "The clock cannot be trusted and nobody answers: calls go to voicemail, "
        "one in half an hour rings. Lifting a handset is enough to open; confirm "
        "the time on the page “Time”."
    ),
    Doubt.HOURS: _(
        "The clock cannot be trusted: the hours hold all the same, as configured. "
        "Confirm or set it on the page “Time”, or see to the network."
    ),
}
"""Words for each rule that replaces the hours meanwhile."""


def other_time(minutes: int) -> Words:
    """Return the sentence that the exchange's time differs from the box's by some minutes."""
    words = _AHEAD if minutes > 0 else _BEHIND
    return words.filled(minutes=abs(minutes))


_AHEAD: Final = _(
    "The last calls bear another time, {minutes} minutes ahead of the box's: "
    "look at another clock, then at the page “Time”."
)
_BEHIND: Final = _(
    "The last calls bear another time, {minutes} minutes behind the box's: "
    "look at another clock, then at the page “Time”."
)


# ---- Words of a dictation's steps, for the person who asked for it (dictation.py) ----------------


class Went(enum.StrEnum):
    """Step of a dictation, or its end."""

    RINGS = "rings"
    SPEAKS = "speaks"  # hears what to do, then dictates
    UNHEARD = "unheard"  # nothing was said: it is asked for again
    REVIEWS = "reviews"  # hears what was said, and chooses by a key
    KEPT = "kept"
    NOT_KEPT = "not_kept"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    DECLINED = "declined"
    UNREACHABLE = "unreachable"
    HUNG_UP = "hung_up"
    DISCARDED = "discarded"
    TOO_LONG = "too_long"
    SILENT = "silent"
    NEEDED = "needed"  # a caller goes before
    LOST = "lost"


DRAFT_KEPT: Final = timedelta(days=30)
"""Age at which a draft that was neither put into use nor deleted is removed."""
GOING_ON: Final = frozenset({Went.RINGS, Went.SPEAKS, Went.UNHEARD, Went.REVIEWS})
SAID: Final[Mapping[Went, Words]] = {
    Went.RINGS: _("The phone rings: lift it."),
    Went.SPEAKS: _("Say it at the phone after the tone; the hash key ends it."),
    Went.UNHEARD: _("Nothing was heard: say it again after the tone."),
    Went.REVIEWS: _("Listen at the phone: 1 keeps it, 2 says it again, star discards it."),
    Went.KEPT: _("The recording is ready: listen to it below."),
    Went.NOT_KEPT: _("The recording could not be kept: try again later."),
    Went.NO_ANSWER: _("Nobody lifted the phone."),
    Went.BUSY: _("The phone is engaged."),
    Went.DECLINED: _("The phone turned it down."),
    Went.UNREACHABLE: _("The phone cannot be reached."),
    Went.HUNG_UP: _("The phone was put down: the recording is discarded."),
    Went.DISCARDED: in_context("status", "The recording is discarded."),
    Went.TOO_LONG: _("The recording was too long: 30 seconds at most."),
    Went.SILENT: _("Nothing was heard: the recording is discarded."),
    Went.NEEDED: _("A caller needed the phone: the recording is discarded, try again."),
    Went.LOST: _("The recording broke off: try again."),
}


# ---- Words of what happened in a call, made from the codes of its trail (E22) --------------------
# Codes about lines, sound or SIP are the technician's: they have no words here.

Names = Mapping[str, str]
"""Names of offices by code, of their needs by "office.need"."""


@dataclass(frozen=True, slots=True)
class TrailStep:
    """Step of a call, and its time where the call's record has one."""

    words: Words
    at: datetime | None = None


_PLAIN: Final[Mapping[str, Words]] = {
    "rang": _("It rings"),
    "waiting": _("Waits for an operator"),
    "waited": _("Has waited in vain"),
    "held": _("Held"),
    "on_hold": _("On hold"),
    "resumed": _("Taken back from hold"),
    "recalled": _("The handset was put down: rings again"),
    "talking": _("Talking"),
    "rings_back": _("Had been called from here: rings back"),
    "callback_offered": _("May ask to be called back"),
    CALLBACK_WANTED: _("Asks to be called back"),
    "operator_left": _("The operator hung up"),
    "operator_lost": _("The operator's phone is gone"),
    "transfer.attended": _("The operator talks with the office"),
    "return.waiting": _("Return waiting"),
    "return.offer": _("May wait or leave a message"),
    "return.left_words": _("Leaves a message"),
    "head.no_answer": _("The head does not answer"),
    "head.called_off": _("The head is called off"),
    "greeting": _("Hears the voicemail"),
    "recording": _("Leaves a message"),
    "stored": _("Message stored"),
    "store.failed": _("Message not stored"),
    "store.full": _("No message: the memory card is full"),
    "taken": _("Taken by another telephone"),
    "interrupted": _("Interrupted"),
    "fault": _("Internal fault of the box"),
    "ended": _("Ended"),
}  # fmt: skip
_OUT: Final[Mapping[str, Words]] = {
    "no_answer": _("{who}: no answer"),
    "busy": _("{who}: busy"),
    "declined": _("{who}: does not take the call"),
    "redirected": _("{who}: does not take the call"),
    "unreachable": _("{who}: unreachable"),
    "away": _("{who}: away"),
}
"""Outcome of ringing a position or a whole group."""
_GROUPS: Final[Mapping[str, Words]] = {
    "switchboard": _("Switchboard"),
    "citizens_desk": _("Citizens' counter"),
    "branch": _("The other branch"),
}
_BRANCHES: Final[Mapping[str, Words]] = {
    "busy": _("All are busy: goes on to {who}"),
    "no_answer": _("Nobody answers: goes on to {who}"),
    "unattended": _("Unattended: goes on to {who}"),
    "unreachable": _("Nobody can be reached: goes on to {who}"),
    "closed": _("Closed: goes on to {who}"),
}
"""Reason of an overflow to another branch."""
_FROM_BRANCH: Final = _("Comes from {who}")
_PHONE_RINGS: Final = _("Rings: {who}")
_ANSWERS: Final = _("Answers: {who}")
_SHEET: Final = _("Hears the sheet {who}")
_NUMBER_TOLD: Final = _("Is told a number of: {who}")
_LANGUAGES: Final[Mapping[str, Words]] = {
    "it": _("Chooses Italian"),
    "de": _("Chooses German"),
    "en": _("Chooses English"),
}
_REQUEST: Final = _("Taken over: request {who}")
_BY_PHONE: Final[Mapping[str, Words]] = {
    "ring": _PHONE_RINGS, "answered": _ANSWERS, "picked_up": _ANSWERS,
}  # fmt: skip
_RETURNS_TO: Final = _("Return: {who} answers")
_RETURN_RINGS: Final = _("Return: {who} rings")
_HEAD_RINGS: Final = _("The head is being called")
_HEAD_JOINS: Final = _("The head joins in")
_HEAD_TAKES: Final = _("The head takes the call over")
_HEAD_LEFT: Final = _("The head hung up")
_OF_THE_HEAD: Final[Mapping[str, Words]] = {
    "ring": _HEAD_RINGS, "answered": _HEAD_JOINS, "takes_over": _HEAD_TAKES, "left": _HEAD_LEFT,
}  # fmt: skip
_SENT: Final = _("Transfer: {who}")
_TAKES: Final = _("{who} has taken the call")
_BACK: Final = _("Return: {who}")
MOVES: Final = frozenset(("transfer", "transferred", "returned"))
"""First parts of the codes of a transfer and its return."""
_NOT_NOW: Final = _("{who}: no transfer just then")
_WARNED: Final = _("{who}: has not answered of late")


def path_of(record: CallRecord, names: Names) -> tuple[TrailStep, ...]:
    """Return the steps of a call, oldest first; equal words in a row once."""
    times = _times(record)
    found: list[TrailStep] = []
    for number, code in enumerate(record.trail):
        words, at = _code_said(code, names), times.get(number)
        if words is None:
            continue
        if found and found[-1].words == words:
            found[-1] = TrailStep(words, found[-1].at or at)
        else:
            found.append(TrailStep(words, at))
    return tuple(found)


def transfers_of(record: CallRecord, names: Names) -> tuple[Words, ...]:
    """Return the words of a call's transfers: where to, who took it, what came back, in order."""
    codes = (code for code in record.trail if code.partition(".")[0] in MOVES)
    return tuple(words for code in codes for words in _transfer(code, names))


def _times(record: CallRecord) -> dict[int, datetime]:
    """Return the record's three moments by the index of the trail code noted with each."""
    placed = {0: record.rang_at}
    answers = [n for n, code in enumerate(record.trail) if _is_answer(code)]
    # The last one: each answer overwrites `answered_at`.
    if answers and record.answered_at:
        placed[answers[-1]] = record.answered_at
    if record.ended_at and "ended" in record.trail:
        placed[record.trail.index("ended")] = record.ended_at
    return placed


def _is_answer(code: str) -> bool:
    return code in {"talking", "greeting"} or code.startswith("answered.")


def _code_said(code: str, names: Names) -> Words | None:
    """Return the words of one code; None for a technician's code."""
    if code in _PLAIN:
        return _PLAIN[code]
    first, _, rest = code.partition(".")
    if first == "route":
        return _route(rest)
    if first == "return":
        return _of_a_return(rest)
    if first == "head":
        return _of_the_head(rest)
    if first == "branch":
        return _of_a_branch(rest, names)
    if first == "book":
        return _about(_NUMBER_TOLD, names.get(code, rest))
    if first in {"transfer", "transferred", "returned", "transfer_refused", "transfer_warned"}:
        return next(_transfer(code, names), None)
    return _of_a_phone(first, rest, names)


def _route(code: str) -> Words | None:
    """Return the words of a routing decision."""
    # What a line can do is not the front desk's matter (E22).
    if code.startswith("line.") or code not in set(ReasonCode):
        return None
    return reason_sentence(ReasonCode(code), NOTHING)


def _of_a_phone(first: str, who: str, names: Names) -> Words | None:
    if first in _OUT and who:
        return _OUT[first].filled(who=_rung(who, names))
    if first == "language":
        return _LANGUAGES.get(who)
    if first == "request":
        stored = who.startswith("stored.")
        return _about(_REQUEST, who.removeprefix("stored.")) if stored else None
    if first == "sheet":
        return _about(_SHEET, who)
    return _BY_PHONE[first].filled(who=_rung(who, names)) if first in _BY_PHONE else None


def _rung(who: str, names: Names) -> Words:
    """Return the name of what was rung: phones, a group, or an office by one of its numbers."""
    match who.split("."):
        case [unit, need, position] if position.isdecimal():
            return unchanged(office_words(unit, need, names))
        # Its extension at the PBX, or its ordinary telephone.
        case [group, *_] if group in _GROUPS:
            return _GROUPS[group]
    return unchanged(who.replace(",", ", "))


def _of_a_return(rest: str) -> Words | None:
    what, _, who = rest.partition(".")
    if what == "answered":
        return _about(_RETURNS_TO, who)
    if what == "ring":
        return _about(_RETURN_RINGS, who.replace(",", ", "))
    return _about(_OUT[what], who) if what in _OUT else None


def _of_a_branch(rest: str, names: Names) -> Words | None:
    match rest.split("."):
        case ["from", *origin]:
            return _about(_FROM_BRANCH, ".".join(origin))
        case [why, unit, need] if why in _BRANCHES:
            return _about(_BRANCHES[why], office_words(unit, need, names))
    return None


def _of_the_head(rest: str) -> Words | None:
    return _OF_THE_HEAD.get(rest.partition(".")[0])


def _transfer(code: str, names: Names) -> Iterator[Words]:
    match code.split("."):
        case ["transfer", unit, need, _why, _way]:
            yield _about(_SENT, office_words(unit, need, names))
        case ["transferred", unit]:
            yield _about(_TAKES, names.get(unit, unit))
        case ["returned", unit, cause]:
            office = names.get(unit, unit)
            yield _BACK.filled(who=_because(office, returned_words(cause)))
        case ["transfer_refused", unit, need, *_]:
            yield _about(_NOT_NOW, office_words(unit, need, names))
        case ["transfer_warned", unit, need]:
            yield _about(_WARNED, office_words(unit, need, names))


def office_words(unit: str, need: str, names: Names) -> str:
    """Return the name of an office and of its need."""
    shown = names.get(f"{unit}.{need}", need)
    return " · ".join(filter(None, (names.get(unit, unit), shown)))


def returned_words(cause: str) -> Words:
    """Return the words for why a transfer came back."""
    # Old records may hold a cause that this version does not know.
    return WHY_RETURNED[ReturnCause(cause)] if cause in set(ReturnCause) else NOTHING


def _because(office: str, why: Words) -> Words:
    return by_language(lambda language: ", ".join(filter(None, (office, why.text(language)))))


def _about(template: Words, who: str) -> Words:
    return template.filled(who=who)


# ---- Status of a call's transfer: its office, its progress, a return's rule (P6) -----------------

RINGS = _("Ringing: {office}")
RETURN = _("Return: {office}")
WAITING = _("Return waiting: {office}")
TRANSFER_STATE_WORDS = {
    State.TRANSFER_RINGING: RINGS,
    State.PBX_GREETING: RINGS,
    State.PBX_CALLING: RINGS,
    State.PBX_OFFERING: RINGS,
    State.PBX_AWAITING_KEY: RINGS,
    State.TRANSFER_CONSULT: _("Operator and office: {office}"),
    State.OFFICE_WAITS: _("The office waits: {office}"),
    State.TRANSFERRED: _("Put through: {office}"),
    State.TRANSFER_OFFER: WAITING,
    State.TRANSFER_CHOICE: RETURN,
    State.TALKING: RETURN,
    State.ON_HOLD: RETURN,
}


@dataclass(frozen=True, slots=True)
class TransferStatus:
    """Transfer or return: `operator` sent it, `rules` may be opened once it is `returned`.

    `waiting`: held until an operator is free (E6). `say`: the office's sentence for a caller who is
    not put through; `officials`: those whom the sheets make public as in charge (E10); both of a
    return alone. Without numbers (P7).
    """

    unit: str
    office: str
    need: str
    operator: str
    rules: tuple[ReturnRule, ...]
    returned: str
    waiting: bool
    words: Words
    say: str = ""
    officials: tuple[str, ...] = ()


def transfer_status(call: Call, known: tuple[OfficialInCharge, ...] = ()) -> TransferStatus | None:
    """Return the status of the call's transfer; None where there is none (any more).

    `known` are the officials in charge that sheets name.
    """
    transfer, why = call.transfer, call.record.returned
    words = _words(call)
    if transfer is None or words is NOTHING:
        return None
    waiting = call.state is State.TRANSFER_RETURNING and transfer.step is TransferStep.WAIT
    name, need = transfer.unit.name, transfer.allowed.need.code
    return TransferStatus(
        transfer.unit.code,
        name,
        need,
        transfer.operator,
        transfer.allowed.rules,
        why,
        waiting or call.state is State.TRANSFER_OFFER,
        words.filled(office=name),
        transfer.unit.say if why else "",
        officials(known, transfer.unit.code, need) if why else (),
    )


def _words(call: Call) -> Words:
    if call.state is State.TRANSFER_RETURNING:
        waits = call.transfer is not None and call.transfer.step is TransferStep.WAIT
        return WAITING if waits else RETURN
    return TRANSFER_STATE_WORDS.get(call.state, NOTHING)


# ---- Status of the whole switchboard at a moment -------------------------------------------------

MEDIA_GATEWAY_GONE = _("No line is served: the lines' process is restarting.")


NO_VOLTAGE = _(
    "no voltage on the line: check the telephone cable up to its socket, then the phone company"
)
LEFT_LIFTED = _(
    "the ordinary telephone beside it has been off the hook for over an hour: "
    "see whether it was put down"
)
NO_HELP = _(
    "112 cannot be called from the phones: no line carries a conversation; use "
    "the ordinary telephone beside the line, or a mobile."
)
REFUSED_FOR = timedelta(hours=1)
"""Time for which the status shows that a position was refused a number."""
LEFT_LIFTED_AFTER = timedelta(hours=1)


class LineReason(enum.StrEnum):
    """Stable code of what is wrong with a line, for programs."""

    NONE = ""
    MISSING = "missing"  # no modem at its port
    SOUND = "sound"  # the media gateway is gone
    NOT_IDLE = "not_idle"  # not proven idle after hanging up
    FAULT = "fault"  # the modem or the trunk does not do what it must


OF_STATE: Final = {
    LineState.MISSING: LineReason.MISSING,
    LineState.CLEARING: LineReason.NOT_IDLE,
}
"""What is wrong with a line whose state alone tells it."""


@dataclass(frozen=True, slots=True)
class LineStatus:
    """Line: its state, since when, the call on it ("" for none), why it is out.

    `called` is the public number that rings here, "" if several do. `reason` is the code of `why`
    (LineReason; a later call control may know more). `condition` is the last measurement of its
    idle modem: UNKNOWN where it cannot measure.
    """

    name: str
    label: str
    state: LineState
    since: datetime | None
    call: str = ""
    reason: str = ""
    modem: str = ""
    duplex: bool | None = None
    condition: LineCondition = LineCondition.UNKNOWN
    why: Words = NOTHING
    called: str = ""

    @property
    def declared(self) -> bool:
        """True once something is known of the line: it is up, or it is out for a reason."""
        return self.state is not LineState.MISSING or bool(self.reason)


@dataclass(frozen=True, slots=True)
class CallStatus:
    """Call that is going on; `words`: its state in the front desk's words (E22).

    `phone` has answered it last; `ringing`: phones that ring for it; `refused`: why it was not
    transferred to an office (E23); `head`: the supervisor's part in it (E10); `origin`: the branch
    that handed the caller over, "" for a caller on a line of ours (B9).
    """

    call: str
    line: str
    state: State
    caller: Caller
    record: CallRecord
    ringing: tuple[str, ...] = ()
    phone: str = ""
    transfer: TransferStatus | None = None
    refused: Words = NOTHING
    words: Words = NOTHING
    head: SupervisorStatus | None = None
    origin: str = ""


@dataclass(frozen=True, slots=True)
class OutgoingStatus:
    """Call of a position to a number outside, which is not shown (P7).

    `since`: its answer, before that its beginning.
    """

    call: str
    line: str
    phone: str
    state: SideState
    number_class: str
    case: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class GroupStatus:
    """Group: what it can do now, and its phones by what they are doing.

    Each phone is in one list; away counts before unreachable and engaged.
    """

    name: str
    state: GroupState
    free: tuple[str, ...]
    engaged: tuple[str, ...]
    unreachable: tuple[str, ...]
    away: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Status:
    """Whole switchboard; `open`: people answer now; `changes_at`: when the hours change that.

    `citizens_desk` is None where there is no counter; `positions` are in the configuration's order;
    `queue`: calls that wait, the next one first; `waiting`: number of messages that nobody has
    closed; `degraded`: what is wrong, empty when all is well; `outgoing`: positions' calls outside;
    `controls`: what each position can do with its phone.
    """

    at: datetime
    open: bool
    code: ReasonCode
    sentence: Words
    changes_at: datetime | None
    service: ServiceState
    lines: tuple[LineStatus, ...]
    calls: tuple[CallStatus, ...]
    queue: tuple[CallStatus, ...]
    switchboard: GroupStatus
    citizens_desk: GroupStatus | None
    positions: tuple[Position, ...]
    waiting: int
    degraded: tuple[Words, ...]
    clock_state: ClockState
    doubt: Doubt = Doubt.OPEN
    outgoing: tuple[OutgoingStatus, ...] = ()
    controls: tuple[PhoneControl, ...] = ()


def status(board: SwitchboardState, now: Now) -> Status:
    """Return the status of the switchboard at a moment."""
    office, counter = board.office, board.office.citizens_desk
    answer = opening(office.switchboard.schedule, board.service, now)
    switchboard = board.group_state(office.switchboard)
    # What callers meet: hours and "unattended" come before what the phones could do.
    if not answer.open:
        switchboard = GroupState.CLOSED
    elif board.service.expired(now.wall).unattended:
        switchboard = GroupState.UNATTENDED
    positions = _positions(board, now)
    return Status(
        at=now.wall,
        open=answer.open,
        code=answer.code,
        sentence=reason_sentence(answer.code, answer.name),
        changes_at=answer.reopens_at
        if answer.code in REASON_OF_HOURS.values()
        else answer.changes_at,
        service=board.service.expired(now.wall),
        lines=tuple(_line(board, channel) for channel in board.lines),
        calls=tuple(_call(board, call) for call in board.calls.values()),
        queue=tuple(_call(board, call) for call in board.queue),
        switchboard=_group(office.switchboard, switchboard, positions),
        citizens_desk=_group(counter, board.board_state(counter, now), positions)
        if counter
        else None,
        positions=positions,
        waiting=board.waiting,
        degraded=tuple(_degraded(board, now)),
        clock_state=now.clock_state,
        doubt=now.doubt,
        outgoing=tuple(_outgoing(s) for s in board.sides.values() if isinstance(s, OutgoingCall)),
        controls=tuple(control_of(board, phone, now) for phone in board.office.phones),
    )


def _outgoing(side: OutgoingCall) -> OutgoingStatus:
    record = side.record
    return OutgoingStatus(
        record.call, side.line, side.phone, side.state, record.number_class, record.case,
        record.answered_at or record.rang_at,
    )  # fmt: skip


def _line(board: SwitchboardState, channel: Channel) -> LineStatus:
    line = channel.line
    return LineStatus(
        line.name, line.shown, channel.state, channel.since, channel.call,
        _line_reason(board, channel), channel.modem, line.can.bridge, channel.condition,
        channel.reason, line.called_number,
    )  # fmt: skip


def _line_reason(board: SwitchboardState, channel: Channel) -> LineReason:
    """Return the code of what is wrong with a line; its words say more."""
    if channel.reason == NOTHING:
        return LineReason.NONE
    if channel.state is LineState.OUT and not board.has_media:
        return LineReason.SOUND
    return OF_STATE.get(channel.state, LineReason.FAULT)


def _call(board: SwitchboardState, call: Call) -> CallStatus:
    record, ringing = call.record, tuple(call.legs.values())
    return CallStatus(
        call.id,
        record.line,
        call.state,
        record.caller,
        record,
        ringing,
        record.phone,
        transfer_status(call, board.officials),
        call.refused,
        CALL_STATE_WORDS[call.state],
        supervisor_status(board, call),
        call.line.origin,
    )


def _positions(board: SwitchboardState, now: Now) -> tuple[Position, ...]:
    service, engaged = board.service.expired(now.wall), board.engaged()
    return tuple(
        position(
            phone,
            service.away_mark(phone),
            engaged=phone in engaged,
            reachable=phone in board.reachable,
            gone=board.gone.get(phone),
        )
        for phone in board.office.phones
    )


def _group(group: Group, state: GroupState, positions: tuple[Position, ...]) -> GroupStatus:
    def those(state: PositionState) -> tuple[str, ...]:
        return tuple(p.phone for p in positions if p.state is state and p.phone in group.phones)

    return GroupStatus(
        group.name,
        state,
        those(PositionState.FREE),
        those(PositionState.BUSY),
        those(PositionState.UNREACHABLE),
        those(PositionState.AWAY),
    )


def _degraded(board: SwitchboardState, now: Now) -> Iterator[Words]:
    """Yield what is wrong, the gravest first."""
    if not board.has_media:
        yield MEDIA_GATEWAY_GONE
    yield from manual_states.standing(board, now)
    yield from _lines_degraded(board, now)
    groups = (board.group(Destination.SWITCHBOARD), board.group(Destination.CITIZENS_DESK))
    closed = [g.label for g in groups if board.group_state(g) is GroupState.UNREACHABLE]
    # Without a counter of its own both ways lead to the switchboard.
    for label in dict.fromkeys(closed):
        yield _("No phone can be reached: {label}", label=label)
    yield from _untold(board, now)
    yield from _outgoing_degraded(board, now)
    if not now.clock_state.is_trusted:
        yield NOT_TRUSTED[now.doubt]
    if off := board.exchange.minutes_off(now.wall, now.monotonic):
        yield other_time(off)


def _lines_degraded(board: SwitchboardState, now: Now) -> Iterator[Words]:
    """Yield what is wrong with the lines."""
    for channel in board.lines:
        if channel.state in {LineState.MISSING, LineState.OUT}:
            out = _("{line} is out", line=channel.line.shown)
            yield joined(": ", (out, channel.reason)) if channel.reason != NOTHING else out
        # B1: idle, in use outside, no line and out of service are different sentences.
        elif channel.state is LineState.NO_LINE:
            yield _line_said(channel, NO_VOLTAGE)
        # A handset that was not put down keeps every caller out of the line.
        elif channel.state is LineState.IN_USE_OUTSIDE and _long_since(channel, now):
            yield _line_said(channel, LEFT_LIFTED)
        elif channel.reason != NOTHING:
            yield _line_said(channel, channel.reason)
        if channel.half != NOTHING:
            yield _line_said(channel, channel.half)


def _outgoing_degraded(board: SwitchboardState, now: Now) -> Iterator[Words]:
    """Yield that no emergency call is possible, and which position was refused a number."""
    if board.lines and all(channel.line.is_half_duplex for channel in board.lines):
        yield NO_HELP
    if board.refusal is not None and now.wall - board.refusal[2] <= REFUSED_FOR:
        phone, why, _ = board.refusal
        yield joined(": ", (unchanged(phone), DIAL_REFUSAL_WORDS[why]))


def _untold(board: SwitchboardState, now: Now) -> Iterator[Words]:
    """Yield the duty numbers that the closed greeting leaves out (E11)."""
    units, zone = board.office.after_hours.duty, board.office.zone
    # P7: the office's name only, no number.
    for duty in duties_without_number(board.directory, units, now.wall, zone):
        yield _("Duty number not authorised, not told while we are closed: {name}", name=duty.name)


def _line_said(channel: Channel, words: Words) -> Words:
    return joined(": ", (unchanged(channel.line.shown), words))


def _long_since(channel: Channel, now: Now) -> bool:
    return channel.since is not None and now.wall - channel.since > LEFT_LIFTED_AFTER
