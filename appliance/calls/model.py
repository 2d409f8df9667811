"""State of the switchboard: calls, transfers, calls that phones make, lines, and what they share.

Values that change; no decision is made here. Times are monotonic seconds unless said otherwise.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Never, cast

from appliance.calls import events, orders
from appliance.calls.events import (
    BoxStopped,
    Caller,
    CarrierLost,
    Evidence,
    LineCondition,
    LineLost,
    Presentation,
)
from appliance.calls.orders import (
    CallRecord,
    Order,
    Result,
    Ringing,
    WriteCall,
)
from appliance.calls.side_states import SIDE_LIMITS_MS, SideAction, SideState, SideTable
from appliance.calls.states import LIMITS_MS, State
from appliance.policy.clock import Attendance, ExchangeTime, Now, hours_in_doubt
from appliance.policy.dialling import NO_LEDGER, DialLedger, DialRefusal
from appliance.policy.directory import Directory, ReturnRule, TransferTarget, Unit
from appliance.policy.office import Group, HalfDuplexDaytime, Line, LinePurpose, Office, line_for
from appliance.policy.opening import ServiceState
from appliance.policy.requests import NewRequest
from appliance.policy.routing import (
    BranchDestination,
    Decision,
    Destination,
    GroupState,
    NotTaken,
    RoutingFacts,
    group_open,
    pbx_facts,
)
from appliance.policy.sheets import Menu, OfficialInCharge
from appliance.policy.text import NOTHING, Words
from appliance.policy.transfers import TransferAllowed, TransferReason, Unanswered
from appliance.policy.users import PinTries

# ---- a transfer ----

NO_KEYS: Mapping[str, Act] = {}


class TransferMethod(enum.StrEnum):
    """Which way a transfer is asked for; all of them end in `transfer.ask` (P5)."""

    KEYS = "keys"  # a code on the phone's keys, during the call
    REFER = "refer"  # the phone's own transfer key
    PERSON = "person"  # console or command


class Act(enum.StrEnum):
    """What a key does while the operator is asked and the caller held."""

    TOPIC = "topic"
    DEPTH = "depth"
    OTHER = "other"
    APPOINTMENT = "appointment"
    EMAIL = "email"
    TRY = "try"  # an office that has not answered of late (E8)


class ReturnCause(enum.StrEnum):
    """Why a transferred call came back (P6)."""

    NO_ANSWER = "no_answer"
    BUSY = "busy"
    UNREACHABLE = "unreachable"
    DECLINED = "declined"
    REFUSED = "refused"  # the clerk said so to the operator (E7)
    SENT_BACK = "sent_back"  # by the office's key: not competent (E7)
    LOST = "lost"  # the office's phone went without a word
    TAKEN_BACK = "taken_back"  # the operator did not wait


CAUSES: Mapping[NotTaken, ReturnCause] = {
    NotTaken.NO_ANSWER: ReturnCause.NO_ANSWER,
    NotTaken.BUSY: ReturnCause.BUSY,
    NotTaken.UNREACHABLE: ReturnCause.UNREACHABLE,
    NotTaken.DECLINED: ReturnCause.DECLINED,
}


class TransferStep(enum.StrEnum):
    """How far a return has come, in the order of E6."""

    OPERATOR = "operator"
    OTHERS = "others"
    WAIT = "wait"
    COUNTER = "counter"


@dataclass(frozen=True, slots=True)
class TransferWish:
    """What `by` asks for; no `reason` yet: a key will say it. `anyway`: told of E8 before."""

    unit: str
    need: str
    by: str
    asked: TransferMethod = TransferMethod.KEYS
    reason: TransferReason | None = None
    attended: bool = True
    anyway: bool = False


@dataclass(frozen=True, slots=True)
class Choices:
    """What each key does now; `*` always leads back to the caller."""

    keys: Mapping[str, Act] = field(default_factory=lambda: NO_KEYS)
    wish: TransferWish | None = None


@dataclass(frozen=True, slots=True)
class About:
    """The office whose rule the operator may open: refused, or the call came back (P5, P6)."""

    unit: Unit
    need: str
    rules: tuple[ReturnRule, ...]
    by: str


@dataclass(frozen=True, slots=True)
class Dials:
    """An extension of the PBX that is to be called next: its name in records, its digits."""

    name: str
    digits: str = field(repr=False)
    ring_ms: int = 25_000


@dataclass(slots=True)
class Transfer:
    """One transfer by `operator`'s phone. Times are monotonic seconds."""

    wish: TransferWish
    allowed: TransferAllowed
    operator: str
    ends_at: float  # no further target is tried after it
    leg: str = ""  # the office's, that rings or is up
    phone: str = ""
    up: bool = False
    met: bool = False  # somebody there was spoken with
    announced: bool = False  # the caller has heard what is done
    position: int = 0  # targets tried
    outcomes: list[NotTaken] = field(default_factory=list)  # how they ended
    step: TransferStep = TransferStep.OPERATOR  # of a return
    rang: set[str] = field(default_factory=set)  # phones that did not answer it in this round
    wait_until: float = 0.0
    offers: int = 0  # how often the caller could leave words

    @property
    def unit(self) -> Unit:
        """The office."""
        return self.allowed.unit

    @property
    def target(self) -> TransferTarget:
        """The number that is being tried."""
        return self.allowed.targets[self.position - 1]

    @property
    def name(self) -> str:
        """What records say of that number: never its digits (P7)."""
        return f"{self.unit.code}.{self.allowed.need.code}.{self.position}"

    @property
    def shown(self) -> str:
        """What people read of it: its label, else its name."""
        return self.target.label or self.name

    def let_go(self, *, answered_elsewhere: bool = False) -> Iterator[orders.Order]:
        """Let the office's phone go, whether it rings or is up."""
        if self.leg:
            stop = orders.StopRinging(self.leg, answered_elsewhere)
            yield orders.HangUpPhone(self.leg) if self.up else stop
        self.leg, self.up = "", False


# ---- a call ----

WORDS_FOR = {
    Presentation.WITHHELD: "numero riservato",
    Presentation.UNAVAILABLE: "numero non disponibile",
    Presentation.UNKNOWN: "numero sconosciuto",
}
"""What a phone's screen shows in place of a number; phones of the office speak Italian."""
FROM_DESK = "Centralino"
"""How a call that the front desk transfers begins on an office's phone."""


@dataclass(slots=True)
class Call:
    """A call on `line`, from its first ring to its final record. Times are monotonic seconds."""

    id: str
    line: Line
    record: CallRecord
    state: State = State.ARRIVED
    deadline: float | None = None
    decision: Decision | None = None
    postponed: Decision | None = None  # decided, waits for who calls
    settled: bool = False  # it is known who calls, or that nobody will say so

    # --- ringing: the group that is rung, and how that went ---
    stage: Destination | None = None
    rung_since: float = 0.0
    legs: dict[str, str] = field(default_factory=dict)  # those that ring: leg -> phone
    outcomes: list[NotTaken] = field(default_factory=list)  # how legs of this stage ended
    missed: NotTaken | None = None  # why the switchboard did not take it
    went_away: set[str] = field(default_factory=set)  # phones that lifted and hung up at once
    handed: set[BranchDestination] = field(default_factory=set)  # branches that were asked

    # --- the line, and the phone that answered ---
    leg: str = ""
    leg_phone: str = ""
    off_hook: bool = False  # from AnswerLine on
    up: bool = False  # from LineAnswered on
    on_line: bool = True  # until the line is free again
    talking_since: float | None = None
    shared: bool = False  # a telephone beside the line was lifted in the conversation
    ended_by: Evidence | None = None  # why a recording ended, for a call that nothing else ends
    ended_ms: int = 0

    # --- announcements and voicemail ---
    play: str = ""
    leg_play: str = ""
    recording_since: float = 0.0
    full: bool = False  # a message had its full length
    menu: Menu = ()  # what the greeting offered
    heard: tuple[str, ...] = ()  # sheets that the caller chose
    language: str = ""  # asked for by a key, "" for the office's first
    turns: int = 0  # how often a key led elsewhere in the announcements
    untold: bool = False  # the numbers for emergencies were not told to this caller

    # --- waiting for a free position ---
    priority: int = 0  # the highest is served first
    waiting_since: float = 0.0
    announced_at: float = 0.0
    spared: dict[str, float] = field(default_factory=dict)  # phones not to be rung before
    waited: bool = False  # its time was over

    # --- behind a PBX ---
    position: int = 0  # extensions called so far
    offers: int = 0  # how often the present one was told of the call
    returned: bool = False  # the caller came back
    pbx_fault: bool = False  # the PBX did not understand
    dials: Dials | None = None  # an extension that a transfer goes to

    # --- transfer ---
    keyed: str = ""  # what the operator has begun to key
    choices: Choices | None = None  # what keys do now
    about: About | None = None  # the office whose rule may be opened
    transfer: Transfer | None = None  # the last one asked for
    refused: Words = NOTHING
    failed: tuple[str, float] = ("", 0.0)  # the leg told that a transfer failed, and when
    request: NewRequest | None = None  # what the caller's recorded words become
    brief: bool = False  # they are too short to say anything
    _legs_made: int = 0
    _plays_made: int = 0

    def enter(self, state: State, now: Now, limit_ms: int | None = None) -> None:
        """Go to a state and start its limit: the given one, else that of LIMITS_MS, if any."""
        limit = LIMITS_MS.get(state) if limit_ms is None else limit_ms
        self.state = state
        self.deadline = None if limit is None else now.monotonic + limit / 1000

    def note(self, *codes: str, **changes: Any) -> None:
        """Add codes to the record's trail and change fields of the record."""
        self.record = replace(self.record, trail=self.record.trail + codes, **changes)

    def use_sheet(self, sheet: str) -> bool:
        """Note that a sheet answered the caller; tells whether that is new."""
        if sheet in self.record.sheets:
            return False
        self.note(f"sheet.{sheet}", sheets=(*self.record.sheets, sheet))
        return True

    def note_emergencies_told(self, units: tuple[str, ...]) -> None:
        """Note that the caller hears whom to call in need: which units' numbers (E11, P7)."""
        self.untold = False
        self.note(*(f"told.{unit}" for unit in units))

    def settle(self, result: Result) -> None:
        """Say how the call ended; what was said first holds."""
        if self.record.result is Result.OPEN:
            self.record = replace(self.record, result=result)

    def write(self) -> WriteCall:
        """Have the record kept as it stands."""
        return WriteCall(self.record)

    def new_leg(self, phone: str) -> Ringing:
        """Name a leg for a phone and remember that it rings."""
        leg = self.new_leg_name()
        self.legs[leg] = phone
        return Ringing(leg, phone)

    def new_leg_name(self) -> str:
        """Name a leg."""
        self._legs_made += 1
        return f"{self.id}.{self._legs_made}"

    def forget_leg(self) -> None:
        """The phone that was on the call is so no longer, nor hears an announcement."""
        self.leg = self.leg_phone = self.leg_play = ""

    def new_play(self) -> str:
        """Name an announcement; only the end of the latest one matters."""
        self._plays_made += 1
        self.play = f"{self.id}.p{self._plays_made}"
        return self.play

    def new_leg_play(self) -> str:
        """Name an announcement to the phone that is on the call, while the caller hears another."""
        self._plays_made += 1
        self.leg_play = f"{self.id}.p{self._plays_made}"
        return self.leg_play

    def owns(self, leg: str) -> bool:
        """True for a leg that rings for, or talks in, this call: an operator's or an office's."""
        office = self.transfer.leg if self.transfer else ""
        return leg in self.legs or (bool(leg) and leg in {self.leg, office})

    @property
    def phones_on(self) -> tuple[str, ...]:
        """The phones on the call: whoever answered, and the office's of a transfer."""
        office = self.transfer.phone if self.transfer and self.transfer.leg else ""
        return (self.leg_phone if self.leg else "", office)

    @property
    def display(self) -> str:
        """What the ringing phones show: the number called, label or line, and the caller."""
        # While the identity may still come nothing is said of it: a phone that takes no correction
        # would go on showing it.
        shown = self.line.shown
        return f"{shown} {caller_words(self.record.caller)}" if self.settled else shown


def office_display(call: Call, need: str) -> str:
    """Return what an office's phone shows: the front desk transfers, for which need, whose call."""
    shown = f"{FROM_DESK}: {need}"
    return f"{shown}, {caller_words(call.record.caller)}" if call.settled else shown


def caller_words(caller: Caller) -> str:
    """Return the caller's name or number, or the words for its absence."""
    if caller.presentation is Presentation.SHOWN:
        return caller.name or caller.number
    return WORDS_FOR[caller.presentation]


# ---- a call that a phone makes ----

Actions = Mapping[SideAction, Callable[["Desk", Never, Never, Now], Iterator[orders.Order]]]
"""Functions of a kind's table; each takes its own class of call and the events of its rows.

Never stands for both: mypy checks each function against its own types, and
tests/calls/test_table.py that these are the types of its rows."""


@dataclass(slots=True)
class Side:
    """A call that `phone` made on `leg`; `table` and `actions` are its kind's."""

    leg: str
    phone: str
    table: SideTable
    actions: Actions
    state: SideState = SideState.ACCEPTING
    deadline: float | None = None
    plays: int = 0

    @property
    def legs(self) -> dict[str, str]:
        """The phones on the call, by leg."""
        return {self.leg: self.phone}

    @property
    def play(self) -> str:
        """Name of its latest announcement."""
        return f"key:{self.leg}.{self.plays}"

    @property
    def gives_way(self) -> bool:
        """True while a phone that rings for it counts as free (positions.py)."""
        return False

    @property
    def yields(self) -> bool:
        """True while a caller may have its phone where no other one is free."""
        return False

    def make_way(self) -> Iterator[orders.Order]:
        """Let the phone go for a call that is about to ring it."""
        yield orders.StopRinging(self.leg)

    def new_play(self) -> str:
        """Name an announcement; only the end of the latest one matters."""
        self.plays += 1
        return self.play

    def enter(self, state: SideState, now: Now) -> None:
        """Go to a state and start its limit, if it has one."""
        limit = SIDE_LIMITS_MS.get(state)
        self.state = state
        self.deadline = None if limit is None else now.monotonic + limit / 1000

    def take_told(self) -> tuple[events.Event, ...]:
        """Return what the calls are to hear of it; most kinds have nothing to tell."""
        return ()

    def concerns(self, event: events.Event) -> bool:
        """Tell whether an event is about this call."""
        match event:
            case events.CarrierLost() | events.BoxStopped():
                return True
            case events.PromptEnded():
                return event.play == self.play
            case events.DeadlinePassed():
                return event.call == self.leg and event.what == self.state.value
            case (
                events.MessageFetched()
                | events.MessageClosed()
                | events.MessageMarked()
                | events.PinChecked()
            ):
                return event.listener == self.leg
        return getattr(event, "leg", "") in self.legs


# ---- lines ----

NOT_IDLE = Words("non ancora libera dopo il riaggancio", "not proven idle after hanging up")
NO_REGISTER = Directory()
"""No office can be transferred to as long as nobody has told the desk of one."""
LATE_CALLS = 64
"""Ended calls remembered because their message may yet turn out to be stored."""


class LineState(enum.StrEnum):
    """What people see of a line (B1)."""

    MISSING = "missing"  # no modem at its port, or nothing known yet since the start
    IDLE = "idle"
    RINGING = "ringing"
    IN_USE = "in_use"
    IN_USE_OUTSIDE = "in_use_outside"  # by an ordinary telephone beside the box
    CLEARING = "clearing"
    NO_LINE = "no_line"  # the modem works, the pair has no voltage
    OUT = "out"


MEASURED: Mapping[LineCondition, LineState] = {
    LineCondition.IN_USE: LineState.IN_USE_OUTSIDE,
    LineCondition.NO_LINE: LineState.NO_LINE,
}
"""What a measurement says of an idle line, beside that it is idle."""


def state_after(event: object) -> tuple[LineState, Words]:
    """Say what a line without a call is after an event, and why."""
    match event:
        case LineLost(_, reason, missing, reason_it):
            why = Words(reason_it or reason, reason)
            return (LineState.MISSING if missing else LineState.OUT), why
        case CarrierLost(reason):
            return LineState.OUT, no_carrier(reason)
        case BoxStopped(reason):
            return LineState.OUT, Words(reason, reason)
    return LineState.IDLE, NOTHING


def no_carrier(reason: str) -> Words:
    """Say why a line is out whose process is gone."""
    return Words("il processo delle linee si è fermato e riparte", reason) if reason else NOTHING


@dataclass(slots=True)
class LineSeat:
    """One line of the office at run time."""

    configured: Line  # as the office wrote it
    line: Line  # as it is once the modem has spoken
    state: LineState = LineState.MISSING
    since: datetime | None = None
    call: str = ""  # the id of the call on it
    reason: Words = NOTHING
    modem: str = ""
    condition: LineCondition = LineCondition.UNKNOWN  # what the modem measured last
    watched: bool = False  # it has measured anything
    half: Words = NOTHING  # why a line is half duplex that was none by its make
    gave_up: tuple[CallRecord, float] | None = None  # the last unanswered call, and when it ended

    def become(self, state: LineState, now: Now, reason: Words = NOTHING) -> None:
        """Change the state; `since` moves only when it really changes."""
        if state is not self.state:
            self.since = now.wall
        self.state, self.reason = state, reason

    def after(self, record: CallRecord, state: LineState) -> LineState:
        """Say what a line that is idle again is: whoever took the call over has it still."""
        # Only where the modem measures the line: else nothing would tell when that ends.
        taken = record.evidence is Evidence.PARALLEL_PHONE and self.watched
        return LineState.IN_USE_OUTSIDE if taken and state is LineState.IDLE else state

    def measure(self, condition: LineCondition, now: Now) -> None:
        """Take what the idle modem measured; a call on the line says itself what the line is."""
        self.condition = condition
        self.watched = self.watched or condition is not LineCondition.UNKNOWN
        state = MEASURED.get(condition, LineState.IDLE)
        if not self.call and (state is not LineState.IDLE or self.state in MEASURED.values()):
            self.become(state, now)

    def learn(self, modem: str, duplex: bool) -> None:
        """Take the modem's word: half duplex is half duplex, whatever was configured."""
        self.modem, self.line, self.half = modem, self.configured, NOTHING
        self.condition, self.watched = LineCondition.UNKNOWN, False
        if not duplex:
            daytime = self.configured.daytime or HalfDuplexDaytime.MESSAGE
            self.line = replace(self.configured, duplex=False, daytime=daytime)


@dataclass(slots=True)
class TrunkSeat(LineSeat):
    """The leg of a caller whom another branch hands over, which is like a line to its call (B9).

    `gone` once it has ended: nothing can be ordered of it any more.
    """

    gone: bool = False


# ---- the switchboard ----


@dataclass(slots=True)
class Desk:
    """State of the switchboard: what the handlers know beside their own call."""

    office: Office
    prefix: str  # of call ids, to be unique over restarts
    service: ServiceState
    seats: dict[str, LineSeat] = field(default_factory=dict)
    calls: dict[str, Call] = field(default_factory=dict)
    late: dict[str, Call] = field(default_factory=dict)  # ended, their message perhaps stored yet
    sides: dict[str, Side] = field(default_factory=dict)  # calls that phones make, by leg
    outside: dict[str, str] = field(default_factory=dict)  # leg of an ordinary telephone -> line
    trunks: dict[str, TrunkSeat] = field(default_factory=dict)  # legs that are lines to their calls
    freed: list[str] = field(default_factory=list)  # those that were just let go
    reachable: set[str] = field(default_factory=set)  # registered phones
    pin_tries: dict[str, PinTries] = field(default_factory=dict)
    register: Directory = NO_REGISTER  # what offices have declared (P4)
    officials: tuple[OfficialInCharge, ...] = ()  # whom sheets make public as in charge (E10)
    unanswered: Unanswered = Unanswered()  # offices that do not answer of late (E8)
    missed: dict[str, int] = field(default_factory=dict)  # calls missed in a row, by phone
    reminders: dict[str, float | None] = field(default_factory=dict)  # when due; None: it was
    gone: dict[str, datetime] = field(default_factory=dict)  # since when a phone is unreachable
    ledger: DialLedger = NO_LEDGER  # who called and what was dialled
    refusal: tuple[str, DialRefusal, datetime] | None = None  # the last number refused to a phone
    waiting: int = 0  # messages that nobody has closed
    has_room: bool = True  # for messages
    menu: Menu = ()
    unit_names: Mapping[str, str] = field(default_factory=dict)
    carrier: bool = True  # the media gateway runs
    attendance: Attendance = Attendance()  # whether anybody seems to be there
    exchange: ExchangeTime = ExchangeTime()  # what callers' dates say of the time
    _calls_made: int = 0

    def __post_init__(self) -> None:
        self.seats = {line.name: LineSeat(line, line) for line in self.office.lines}

    def judged(self, now: Now) -> Now:
        """Return a moment with what holds at it instead of the hours, where nobody trusts it."""
        if now.clock_state.is_trusted:
            return now
        rule = self.office.without_time
        return replace(
            now, doubt=hours_in_doubt(rule, now.clock_state, self.attendance, now.monotonic)
        )

    def new_id(self) -> str:
        """Name a call."""
        self._calls_made += 1
        return f"{self.prefix}-{self._calls_made}"

    def add_side(self, side: Side, now: Now) -> None:
        """Keep a call that a phone makes, from its first state on."""
        side.enter(side.state, now)
        self.sides[side.leg] = side

    def group(self, way: Destination) -> Group:
        """Return the group that is rung on a way."""
        desk = self.office.citizens_desk
        return desk if desk and way is Destination.CITIZENS_DESK else self.office.switchboard

    def engaged(self) -> set[str]:
        """Return the phones that ring, talk or hear an announcement: none of them is free."""
        busy = (side for side in self.sides.values() if not side.gives_way)
        phones = {phone for side in busy for phone in side.legs.values()}
        for call in self.calls.values():
            phones.update(call.legs.values())
            phones.update(phone for phone in call.phones_on if phone)
        # Another branch is never engaged: it takes as many callers as it has positions.
        return phones.difference(self.office.branches.names)

    def attended(self, group: Group) -> tuple[str, ...]:
        """Return the phones of a group that can be reached and at which somebody sits."""
        return self._attended(group.phones)

    def _attended(self, phones: Iterable[str]) -> tuple[str, ...]:
        away = {phone for phone, _ in self.service.away}
        return tuple(p for p in phones if p in self.reachable and p not in away)

    def free(self, group: Group) -> tuple[str, ...]:
        """Return the phones of a group that can be rung now."""
        return self.free_of(group.phones)

    def free_of(self, phones: Iterable[str]) -> tuple[str, ...]:
        """Return those of some phones that can be rung now: there, attended, not engaged.

        Where none is, those whose people do what a caller goes before (`Side.yields`).
        """
        attended, engaged = self._attended(phones), self.engaged()
        free = tuple(p for p in attended if p not in engaged)
        yielding = {side.phone for side in self.sides.values() if side.yields}
        return free or tuple(p for p in attended if p in yielding)

    def group_state(self, group: Group) -> GroupState:
        """Say what a group's phones can do now; its hours and marks are routing's business."""
        if not self.reachable.intersection(group.phones):
            return GroupState.UNREACHABLE
        if not self.attended(group):
            return GroupState.UNATTENDED
        return GroupState.FREE if self.free(group) else GroupState.BUSY

    def facts(self, now: Now) -> RoutingFacts:
        """Return what routing must know."""
        desk = self.office.citizens_desk
        return RoutingFacts(
            self.service,
            self._for_calls(self.office.switchboard, now),
            self._for_calls(desk, now) if desk else GroupState.CLOSED,
            self.office.waiting.free_places(len(self.queue)),
        )

    @property
    def queue(self) -> tuple[Call, ...]:
        """The calls that wait for a free position, the next one first (E6: by priority)."""
        waiting = (call for call in self.calls.values() if call.state is State.QUEUED)
        return tuple(sorted(waiting, key=lambda call: (-call.priority, call.waiting_since)))

    def outside_line(self, group: Group, now: Now) -> str:
        """Name the line on which a group's ordinary telephone can be called now, or "" (B4)."""
        # One call at a time: a telephone has one handset.
        if not group.outside or group.outside_name in self.engaged():
            return ""
        # A caller whom the other group can serve has no need of the last line.
        served = any(self._serves(other, now) for other in self.groups if other is not group)
        return self.spare_line(LinePurpose.CONVENIENCE if served else LinePurpose.LAST_RESORT)

    def spare_line(self, purpose: LinePurpose) -> str:
        """Name the idle line that a call of the box's own may seize for a purpose, or "" (P8)."""
        idle = [s.line for s in self.seats.values() if s.state is LineState.IDLE and not s.call]
        return line_for(purpose, idle, len(self.seats), self.office.lines_kept)

    @property
    def groups(self) -> tuple[Group, ...]:
        """The groups there are, in the order in which they are rung."""
        desk = self.office.citizens_desk
        return (self.office.switchboard, desk) if desk else (self.office.switchboard,)

    def _serves(self, group: Group, now: Now) -> bool:
        """True when a call that is served now could ring a phone of this group."""
        return self.group_state(group) is GroupState.FREE and group_open(group, now)

    def _for_calls(self, group: Group, now: Now) -> GroupState:
        """Say what a group can do for a call: by its phones, else by its ordinary telephone."""
        state = self.group_state(group)
        if state is GroupState.UNREACHABLE and self.outside_line(group, now):
            return GroupState.FREE
        return state

    def facts_for(self, line: Line, now: Now) -> RoutingFacts:
        """Return what routing must know for a call on this line: behind a PBX its numbers count."""
        return pbx_facts(self.office, self.service) if line.passes else self.facts(now)

    def desk_state(self, counter: Group, now: Now) -> GroupState:
        """Say what the citizens' counter can do, by its phones and its own hours (E2)."""
        return self.group_state(counter) if group_open(counter, now) else GroupState.CLOSED

    def seat(self, line: str) -> LineSeat | None:
        """Return a line of the office, or what is one to a caller who was handed over."""
        return self.seats.get(line) or self.trunks.get(line)

    def seat_of(self, call: Call) -> LineSeat:
        """Return the line of a call."""
        name = call.line.name
        return self.trunks[name] if name in self.trunks else self.seats[name]

    def came_over(self, call: Call) -> bool:
        """Tell whether another branch hands the caller over (B9)."""
        return call.line.name in self.trunks

    def leave_line(self, call: Call, state: LineState, now: Now, reason: Words = NOTHING) -> None:
        """The line is no longer the call's; it may ring for another."""
        seat = self.seat_of(call)
        seat.call, call.on_line = "", False
        seat.become(state, now, reason)

    def forget(self, call: Call) -> None:
        """Drop an ended call; one whose message was not stored is remembered for a while."""
        call.state, call.deadline = State.ENDED, None
        del self.calls[call.id]
        self.trunks.pop(call.line.name, None)
        self.outside = {k: v for k, v in self.outside.items() if not k.startswith(f"{call.id}.")}
        # Its message may yet turn out to be stored: the record is corrected then.
        if call.record.result is Result.NOT_STORED:
            self.late[call.id] = call
            if len(self.late) > LATE_CALLS:
                del self.late[next(iter(self.late))]


def off_hook(desk: Desk, call: Call, now: Now) -> Iterator[Order]:
    """Take the line off hook."""
    call.off_hook = True
    desk.seat_of(call).become(LineState.IN_USE, now)
    yield orders.AnswerLine(call.line.name)


def hang_up_line(desk: Desk, call: Call, now: Now) -> Iterator[Order]:
    """Put the line on hook; LineIdle will prove it."""
    desk.seat_of(call).become(LineState.CLEARING, now)
    yield orders.HangUp(call.line.name)


def follow(desk: Desk, side: Side, event: events.Event, now: Now) -> Iterator[orders.Order]:
    """Take one step of the call's table; an event without a row is not its own."""
    was = side.state
    row = side.table[was].get(type(event))
    if row is None:
        return
    yield from side.actions[row.do](desk, cast("Never", side), cast("Never", event), now)
    if len(row.to) == 1 and row.to[0] is not was:
        side.enter(row.to[0], now)
    if side.state is SideState.ENDED and desk.sides.get(side.leg) is side:
        del desk.sides[side.leg]  # else its leg goes on in a call of another kind


def hang_up(_desk: Desk, side: Side, _event: object, _now: Now) -> Iterator[orders.Order]:
    """End every leg."""
    for leg in side.legs:
        yield orders.HangUpPhone(leg)


def forget(_desk: Desk, _side: Side, _event: object, _now: Now) -> Iterator[orders.Order]:
    """The phone has gone: nothing is left to do."""
    yield from ()


COMMON: Actions = {SideAction.HANG_UP: hang_up, SideAction.FORGET: forget}
