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
    Evidence,
    LineCondition,
    LineLost,
    MediaGatewayLost,
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
from appliance.lockout import LockOutCounter
from appliance.policy.clock import Attendance, ExchangeTime, Now, hours_in_doubt
from appliance.policy.dialling import NO_LEDGER, DialLedger, DialRefusal
from appliance.policy.directory import Directory, ReturnRule, TransferTarget, Unit
from appliance.policy.lines import Line, LinePurpose, line_for
from appliance.policy.office import Group, Office
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
from appliance.policy.transfers import TransferAllowed, TransferReason, Unanswered
from appliance.policy.users import PIN_PHONES_COUNTED
from appliance.text import NOTHING, Words, _, in_context, unchanged

NO_KEYS: Mapping[str, Act] = {}


class TransferMethod(enum.StrEnum):
    """How a transfer is requested; every way ends in `transfer.ask` (P5)."""

    KEYS = "keys"  # a code on the phone's keys, during the call
    REFER = "refer"  # the phone's own transfer key
    PERSON = "person"  # console or command


class Act(enum.StrEnum):
    """Meaning of a key while the operator is asked something and the caller held."""

    TOPIC = "topic"
    DEPTH = "depth"
    OTHER = "other"
    APPOINTMENT = "appointment"
    EMAIL = "email"
    TRY = "try"  # transfer to an office that has not answered of late (E8)


class ReturnCause(enum.StrEnum):
    """Why a transferred call came back (P6)."""

    NO_ANSWER = "no_answer"
    BUSY = "busy"
    UNREACHABLE = "unreachable"
    DECLINED = "declined"
    REFUSED = "refused"  # by the clerk in the consultation (E7)
    SENT_BACK = "sent_back"  # by the office's key: not competent (E7)
    LOST = "lost"  # the office's phone was lost without a BYE
    TAKEN_BACK = "taken_back"  # by the operator, who did not wait


CAUSES: Mapping[NotTaken, ReturnCause] = {
    NotTaken.NO_ANSWER: ReturnCause.NO_ANSWER,
    NotTaken.BUSY: ReturnCause.BUSY,
    NotTaken.UNREACHABLE: ReturnCause.UNREACHABLE,
    NotTaken.DECLINED: ReturnCause.DECLINED,
}


class TransferStep(enum.StrEnum):
    """Step of a return, in the order of E6."""

    OPERATOR = "operator"
    OTHERS = "others"
    WAIT = "wait"
    COUNTER = "counter"


@dataclass(frozen=True, slots=True)
class TransferWish:
    """Transfer requested by `by`. `reason` None: a key will give it. `anyway`: in spite of E8."""

    unit: str
    need: str
    by: str
    asked: TransferMethod = TransferMethod.KEYS
    reason: TransferReason | None = None
    attended: bool = True
    anyway: bool = False


@dataclass(frozen=True, slots=True)
class Choices:
    """Meaning of each key now; `*` always leads back to the caller."""

    keys: Mapping[str, Act] = field(default_factory=lambda: NO_KEYS)
    wish: TransferWish | None = None


@dataclass(frozen=True, slots=True)
class About:
    """Office whose rule the operator may open after a refusal or a return (P5, P6)."""

    unit: Unit
    need: str
    rules: tuple[ReturnRule, ...]
    by: str


@dataclass(frozen=True, slots=True)
class Dials:
    """Number to be called over a line: its name in records, its digits, how long it rings (ms)."""

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
    leg: str = ""  # the office's leg, ringing or up
    phone: str = ""
    up: bool = False
    met: bool = False  # the office has answered
    announced: bool = False  # the caller has heard the announcement
    position: int = 0  # number of targets tried
    outcomes: list[NotTaken] = field(default_factory=list)  # of the targets tried
    step: TransferStep = TransferStep.OPERATOR  # of the return
    rang: set[str] = field(default_factory=set)  # phones that did not answer in this round
    wait_until: float = 0.0
    offers: int = 0  # how often the caller was offered to leave words

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
        """Name of that number in records, never its digits (P7)."""
        return f"{self.unit.code}.{self.allowed.need.code}.{self.position}"

    @property
    def shown(self) -> str:
        """Name of that number for people: its label, else the name in records."""
        return self.target.label or self.name

    def let_go(self, *, answered_elsewhere: bool = False) -> Iterator[orders.Order]:
        """Stop the office's phone while it rings, hang it up once it is up."""
        if self.leg:
            stop = orders.StopRinging(self.leg, answered_elsewhere)
            yield orders.HangUpPhone(self.leg) if self.up else stop
        self.leg, self.up = "", False


# On a phone's screen in place of a number.
WORDS_FOR = {
    Presentation.WITHHELD: _("withheld number"),
    Presentation.UNAVAILABLE: _("number not available"),
    Presentation.UNKNOWN: _("unknown number"),
}
FROM_DESK = "Centralino"
"""First word on an office's phone for a call that the front desk transfers."""


@dataclass(slots=True)
class Call:
    """Call of a caller on `line`, from first ring to final record. Times: monotonic seconds."""

    id: str
    line: Line
    record: CallRecord
    state: State = State.ARRIVED
    deadline: float | None = None
    decision: Decision | None = None
    postponed: Decision | None = None  # waits for the caller's identity
    settled: bool = False  # the identity has arrived, or will not come any more

    # --- ringing: the ring step and its outcomes ---
    stage: Destination | None = None
    rung_since: float = 0.0
    legs: dict[str, str] = field(default_factory=dict)  # ringing legs: leg -> phone
    outcomes: list[NotTaken] = field(default_factory=list)  # of the legs of this ring step
    missed: NotTaken | None = None  # why the switchboard did not take it
    went_away: set[str] = field(default_factory=set)  # phones that answered and hung up at once
    handed: set[BranchDestination] = field(default_factory=set)  # branches that were asked

    # --- the line, and the phone that answered ---
    leg: str = ""
    leg_phone: str = ""
    off_hook: bool = False  # from AnswerLine on
    up: bool = False  # from LineAnswered on
    on_line: bool = True  # until the line is free again
    talking_since: float | None = None
    shared: bool = False  # a parallel telephone was lifted in the conversation
    ended_by: Evidence | None = None  # how a recording ended, for a call without other evidence
    ended_ms: int = 0

    # --- announcements and voicemail ---
    play: str = ""
    leg_play: str = ""
    recording_since: float = 0.0
    full: bool = False  # the message reached its longest length
    menu: Menu = ()  # sheets that the greeting offered
    heard: tuple[str, ...] = ()  # sheets that the caller chose
    language: str = ""  # chosen by a key, "" for the office's first
    turns: int = 0  # how often a key led to more or to the other language
    untold: bool = False  # the emergency numbers were not played to this caller yet

    # --- waiting for a free position ---
    priority: int = 0  # the highest is served first
    waiting_since: float = 0.0
    announced_at: float = 0.0
    spared: dict[str, float] = field(default_factory=dict)  # phones, not to be rung before a time
    waited: bool = False  # its waiting is over

    # --- behind a PBX ---
    position: int = 0  # extensions called so far
    offers: int = 0  # how often the offer was played to the present one
    returned: bool = False  # the caller came back from the PBX
    pbx_fault: bool = False  # the PBX did not understand, or the modem cannot flash
    dials: Dials | None = None  # the extension of a transfer

    # --- transfer ---
    keyed: str = ""  # keys of the operator's code so far
    keyed_at: float = 0.0  # when an office pressed its first star (monotonic s)
    choices: Choices | None = None  # meaning of the operator's keys now
    about: About | None = None  # the office whose rule may be opened
    transfer: Transfer | None = None  # the last one requested
    refused: Words = NOTHING
    failed: tuple[str, float] = ("", 0.0)  # leg whose REFER failed, and when
    request: NewRequest | None = None  # the request that the caller's recorded words become
    brief: bool = False  # those words are too short to say anything
    _legs_made: int = 0
    _plays_made: int = 0

    def enter(self, state: State, now: Now, limit_ms: int | None = None) -> None:
        """Enter a state and start its limit: `limit_ms`, else that of LIMITS_MS, if any."""
        limit = LIMITS_MS.get(state) if limit_ms is None else limit_ms
        self.state = state
        self.deadline = None if limit is None else now.monotonic + limit / 1000

    def note(self, *codes: str, **changes: Any) -> None:
        """Add codes to the record's trail and change fields of the record."""
        self.record = replace(self.record, trail=self.record.trail + codes, **changes)

    def use_sheet(self, sheet: str) -> bool:
        """Note that a sheet answered the caller; tells whether that is new."""
        # P2: each sheet that answered is recorded once.
        if sheet in self.record.sheets:
            return False
        self.note(f"sheet.{sheet}", sheets=(*self.record.sheets, sheet))
        return True

    def tell_number(self, entry: str) -> bool:
        """Note that the caller was told a number of the address book; tells whether that is new."""
        if entry in self.record.told:
            return False
        self.note(f"book.{entry}", told=(*self.record.told, entry))
        return True

    def note_emergencies_told(self, units: tuple[str, ...]) -> None:
        """Note which units' duty numbers the caller hears (E11): telling one is recorded (P7)."""
        self.untold = False
        self.note(*(f"told.{unit}" for unit in units))

    def settle(self, result: Result) -> None:
        """Set how the call ended; the first result set stays."""
        if self.record.result is Result.OPEN:
            self.record = replace(self.record, result=result)

    def write(self) -> WriteCall:
        """Return the order that stores the record."""
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
        """Detach the call's phone and its announcement."""
        self.leg = self.leg_phone = self.leg_play = ""

    def new_play(self) -> str:
        """Name an announcement to the line; only the end of the latest one matters."""
        self._plays_made += 1
        self.play = f"{self.id}.p{self._plays_made}"
        return self.play

    def new_leg_play(self) -> str:
        """Name an announcement to the call's phone, while the caller hears another."""
        self._plays_made += 1
        self.leg_play = f"{self.id}.p{self._plays_made}"
        return self.leg_play

    def owns(self, leg: str) -> bool:
        """True for an operator's or office's leg that rings for this call or talks in it."""
        office = self.transfer.leg if self.transfer else ""
        return leg in self.legs or (bool(leg) and leg in {self.leg, office})

    @property
    def phones_on(self) -> tuple[str, ...]:
        """Phones on the call: the one that answered, and the office's of a transfer."""
        office = self.transfer.phone if self.transfer and self.transfer.leg else ""
        return (self.leg_phone if self.leg else "", office)

    def display(self, language: str) -> str:
        """Return the ringing phones' text: the number called, label or line, and the caller."""
        # While the identity may still come nothing is said of it: a phone that takes no correction
        # would go on showing it.
        # P1: where the number called is not known the line is shown; nothing is guessed.
        shown = self.line.shown
        return f"{shown} {caller_words(self.record.caller, language)}" if self.settled else shown


def office_display(call: Call, need: str, language: str) -> str:
    """Return the text on an office's phone: "Centralino", the need, the caller."""
    shown = f"{FROM_DESK}: {need}"
    return f"{shown}, {caller_words(call.record.caller, language)}" if call.settled else shown


def caller_words(caller: Caller, language: str) -> str:
    """Return the caller's name or number, or the words for its absence."""
    if caller.presentation is Presentation.SHOWN:
        return caller.name or caller.number
    return WORDS_FOR[caller.presentation].text(language)


# Functions of a kind's table. Never twice: each takes its own class of call and the events of its
# rows. mypy checks each function against its own types, tests/calls/test_states.py these types
# against the rows.
Actions = Mapping[
    SideAction, Callable[["SwitchboardState", Never, Never, Now], Iterator[orders.Order]]
]


@dataclass(slots=True)
class Side:
    """Call without a caller, which `phone` makes on `leg`; `table` and `actions` are its kind's."""

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
        """Name of the latest announcement."""
        return f"key:{self.leg}.{self.plays}"

    @property
    def gives_way(self) -> bool:
        """True while a phone that rings for it counts as free (manual_states.py)."""
        return False

    @property
    def yields(self) -> bool:
        """True while a caller may take its phone when no other one is free."""
        return False

    @property
    def keeps_line(self) -> bool:
        """True for a call whose line no emergency call takes."""
        return False

    @property
    def carries_caller(self) -> bool:
        """True while a caller talks over its line."""
        return False

    def make_way(self) -> Iterator[orders.Order]:
        """Release the phone for a call that is about to ring it."""
        yield orders.StopRinging(self.leg)

    def abort(self, board: SwitchboardState, now: Now) -> Iterator[orders.Order]:
        """End the call after a fault: hang up its phones and its line."""
        for leg in self.legs:
            yield orders.HangUpPhone(leg)
        yield from self.release_line(board, now)

    def release_line(self, board: SwitchboardState, now: Now) -> Iterator[orders.Order]:
        """Put the line that it has seized on hook, if any."""
        for channel in board.channels.values():
            if channel.call == self.leg:
                channel.call = ""
                channel.become(LineState.CLEARING, now)
                yield orders.HangUp(channel.line.name)

    def new_play(self) -> str:
        """Name an announcement; only the end of the latest one matters."""
        self.plays += 1
        return self.play

    def enter(self, state: SideState, now: Now) -> None:
        """Enter a state and start its limit, if it has one."""
        limit = SIDE_LIMITS_MS.get(state)
        self.state = state
        self.deadline = None if limit is None else now.monotonic + limit / 1000

    def take_told(self) -> tuple[events.Event, ...]:
        """Return its events for callers' calls; () for most kinds (cf. outside_call.py)."""
        return ()

    def concerns(self, event: events.Event) -> bool:
        """Tell whether an event is about this call."""
        match event:
            # No phone has sound any more.
            case events.MediaGatewayLost() | events.BoxStopped():
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


NOT_IDLE = _("not proven idle after hanging up")
# Until the directory is read no office can be transferred to (P5).
NO_DIRECTORY = Directory()
# Ended calls that are remembered: their message may yet turn out to be stored. Bounded, because
# every message may fail for days.
LATE_CALLS = 64


class LineState(enum.StrEnum):
    """State of a line as people see it (B1)."""

    MISSING = "missing"  # no modem at its port, or nothing known yet since the start
    IDLE = "idle"
    RINGING = "ringing"
    IN_USE = "in_use"
    IN_USE_OUTSIDE = "in_use_outside"  # by an ordinary telephone beside the box
    CLEARING = "clearing"
    NO_LINE = "no_line"  # the modem works, the pair has no voltage
    OUT = "out"


# Line state for each condition that a modem can measure, other than a free line.
MEASURED: Mapping[LineCondition, LineState] = {
    LineCondition.IN_USE: LineState.IN_USE_OUTSIDE,
    LineCondition.NO_LINE: LineState.NO_LINE,
}


def state_after(event: object) -> tuple[LineState, Words]:
    """Return the state of a line without a call after an event, and the reason for people."""
    match event:
        case LineLost(_, reason, missing):
            return (LineState.MISSING if missing else LineState.OUT), reason
        case MediaGatewayLost(reason):
            return LineState.OUT, no_media_gateway(reason)
        case BoxStopped(reason):
            return LineState.OUT, unchanged(reason)
    return LineState.IDLE, NOTHING


def no_media_gateway(reason: str) -> Words:
    """Return the reason for a line that is out because the media gateway is gone."""
    return in_context("line", "{reason}", reason=reason) if reason else NOTHING


@dataclass(slots=True)
class Channel:
    """Line at run time: its state and the call on it."""

    configured: Line  # as the office wrote it
    line: Line  # as it is once the modem has spoken
    state: LineState = LineState.MISSING
    since: datetime | None = None
    call: str = ""  # the id of the call on it
    reason: Words = NOTHING
    modem: str = ""
    condition: LineCondition = LineCondition.UNKNOWN  # what the modem measured last
    half: Words = NOTHING  # why a line became half duplex that began as duplex
    gave_up: tuple[CallRecord, float] | None = None  # the last unanswered call, and when it ended

    def become(self, state: LineState, now: Now, reason: Words = NOTHING) -> None:
        """Change the state; `since` moves only when it really changes."""
        if state is not self.state:
            self.since = now.wall
        self.state, self.reason = state, reason

    def after(self, record: CallRecord, state: LineState) -> LineState:
        """Return the state of a line after its call: in use outside where a telephone took it."""
        # Only where the modem measures the line: else nothing would tell when that use ends.
        taken = record.evidence is Evidence.PARALLEL_PHONE and self.line.can.measure
        return LineState.IN_USE_OUTSIDE if taken and state is LineState.IDLE else state

    def measure(self, condition: LineCondition, now: Now) -> None:
        """Take what the idle modem measured."""
        self.condition = condition
        if condition is not LineCondition.UNKNOWN:
            self.line = self.line.measured()
        state = MEASURED.get(condition, LineState.IDLE)
        # A call on the line sets the state itself. "Free" only ends a state that was measured: it
        # does not put a lost line into service.
        if not self.call and (state is not LineState.IDLE or self.state in MEASURED.values()):
            self.become(state, now)

    def learn(self, modem: str, duplex: bool) -> None:
        """Take the modem's name and duplex; half duplex overrides the configuration (B2)."""
        self.modem, self.line, self.half = modem, self.configured, NOTHING
        # It may be another modem: what the one before could measure is not known of it.
        self.condition = LineCondition.UNKNOWN
        if not duplex:
            self.line = self.configured.half_duplex()

    # --- The line's driver speaks the events and orders of lines: nothing is mapped here. A kind of
    # line whose driver speaks others overrides these (sip_line.py).

    def event_of(self, event: events.Event, _call: Call | None) -> events.Event:
        """Return what an event of the line's driver is to its call."""
        return event

    def orders_for(self, order: Order, _board: SwitchboardState) -> list[Order]:
        """Return what an order to the line is to its driver."""
        return [order]

    def drop(self, _board: SwitchboardState) -> list[Order]:
        """Return the orders that end its call because there is no sound any more."""
        # Line and media gateway have gone together, and the call ends by their events.
        return []


class AutoAnswer(enum.StrEnum):
    """What was seen of a phone that was told to pick up by itself."""

    UNKNOWN = "unknown"
    SEEN = "seen"  # it did
    RINGS = "rings"  # it rang until it was lifted


@dataclass(frozen=True, slots=True)
class LearnedPhone:
    """What was seen of a phone that called itself `agent`, "" if unknown."""

    phone: str
    answer: AutoAnswer
    agent: str = ""


@dataclass(frozen=True, slots=True)
class PickUp:
    """Leg on which a phone was told to pick up, and when (monotonic s)."""

    leg: str
    since: float


@dataclass(slots=True)
class SwitchboardState:
    """State of the switchboard, shared by the handlers of all calls."""

    office: Office
    prefix: str  # of call ids, to be unique over restarts
    service: ServiceState
    channels: dict[str, Channel] = field(default_factory=dict)  # of every line, also for one call
    calls: dict[str, Call] = field(default_factory=dict)
    late: dict[str, Call] = field(default_factory=dict)  # ended, their message perhaps stored yet
    sides: dict[str, Side] = field(default_factory=dict)  # calls that phones make, by leg
    outside: dict[str, str] = field(default_factory=dict)  # leg of an ordinary telephone -> line
    freed: list[str] = field(default_factory=list)  # lines that were let go and prove no idleness
    reachable: set[str] = field(default_factory=set)  # registered phones
    wrong_pins: LockOutCounter[str] = field(
        default_factory=lambda: LockOutCounter(PIN_PHONES_COUNTED)
    )  # by phone
    directory: Directory = NO_DIRECTORY  # what offices have declared (P4)
    officials: tuple[OfficialInCharge, ...] = ()  # in charge, made public by sheets (E10)
    unanswered: Unanswered = Unanswered()  # offices that do not answer of late (E8)
    missed: dict[str, int] = field(default_factory=dict)  # calls missed in a row, by phone
    reminders: dict[str, float | None] = field(default_factory=dict)  # when due; None: done
    gone: dict[str, datetime] = field(default_factory=dict)  # since when a phone is unreachable
    pick_ups: dict[str, PickUp] = field(default_factory=dict)  # the last one of each phone
    auto_answer: dict[str, AutoAnswer] = field(default_factory=dict)  # by phone, once seen
    agents: dict[str, str] = field(default_factory=dict)  # how phones call themselves
    ledger: DialLedger = NO_LEDGER  # numbers that called and were dialled
    refusal: tuple[str, DialRefusal, datetime] | None = None  # the last number refused to a phone
    waiting: int = 0  # messages that nobody has closed
    has_room: bool = True  # for messages
    menu: Menu = ()
    unit_names: Mapping[str, str] = field(default_factory=dict)
    has_media: bool = True  # the media gateway runs
    attendance: Attendance = Attendance()  # whether anybody seems to be there
    exchange: ExchangeTime = ExchangeTime()  # the time by the exchange's dates of calls
    _calls_made: int = 0

    def __post_init__(self) -> None:
        self.channels = {line.name: Channel(line, line) for line in self.office.lines}

    def judged(self, now: Now) -> Now:
        """Return a moment with the rule that replaces the hours while the clock is not trusted."""
        if now.clock_state.is_trusted:
            return now
        rule = self.office.without_time
        return replace(
            now, doubt=hours_in_doubt(rule, now.clock_state, self.attendance, now.monotonic)
        )

    def new_id(self) -> str:
        """Return a new call id."""
        self._calls_made += 1
        return f"{self.prefix}-{self._calls_made}"

    def label_of(self, phone: str) -> str:
        """Return how people call a position: its label, its phone's name where it has none."""
        extension = self.office.extension_of(phone)
        return (extension.label if extension else "") or phone

    def add_side(self, side: Side, now: Now) -> None:
        """Add a call that a phone makes, and start its first state's limit."""
        side.enter(side.state, now)
        self.sides[side.leg] = side

    def group(self, way: Destination) -> Group:
        """Return the group that rings for a destination."""
        board = self.office.citizens_desk
        return board if board and way is Destination.CITIZENS_DESK else self.office.switchboard

    def engaged(self) -> set[str]:
        """Return the engaged phones: those that ring, talk or hear an announcement."""
        # A phone that rings with a notice or for a dictation counts as free: a call that rings it
        # takes its place (positions.make_way).
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
        """Return the phones that can be rung now: registered, attended, not engaged."""
        attended, engaged = self._attended(phones), self.engaged()
        free = tuple(p for p in attended if p not in engaged)
        # A caller goes before a dictation, but only when no other phone is free (`Side.yields`).
        yielding = {side.phone for side in self.sides.values() if side.yields}
        return free or tuple(p for p in attended if p in yielding)

    def group_state(self, group: Group) -> GroupState:
        """Return what a group's phones can do now; hours and manual states are routing's part."""
        if not self.reachable.intersection(group.phones):
            return GroupState.UNREACHABLE
        if not self.attended(group):
            return GroupState.UNATTENDED
        return GroupState.FREE if self.free(group) else GroupState.BUSY

    def facts(self, now: Now) -> RoutingFacts:
        """Return the facts that routing decides by."""
        board = self.office.citizens_desk
        return RoutingFacts(
            self.service,
            self._for_calls(self.office.switchboard, now),
            self._for_calls(board, now) if board else GroupState.CLOSED,
            self.office.waiting.free_places(len(self.queue)),
        )

    @property
    def queue(self) -> tuple[Call, ...]:
        """The calls that wait for a free position, the next one first (E6: by priority)."""
        waiting = (call for call in self.calls.values() if call.state is State.QUEUED)
        return tuple(sorted(waiting, key=lambda call: (-call.priority, call.waiting_since)))

    def outside_line(self, group: Group, now: Now) -> str:
        """Return the line on which a group's ordinary telephone can be called now, or "" (B4)."""
        # One call at a time: a telephone has one handset.
        if not group.outside or group.outside_name in self.engaged():
            return ""
        # A caller whom the other group can serve has no need of the last line.
        served = any(self._serves(other, now) for other in self.groups if other is not group)
        return self.spare_line(LinePurpose.CONVENIENCE if served else LinePurpose.LAST_RESORT)

    def spare_line(self, purpose: LinePurpose) -> str:
        """Return the idle line that the box may seize for a call of its own, or "" (P8)."""
        # P8: one line is kept free to answer; `line_for` knows how many, for which purpose.
        able = [channel for channel in self.channels.values() if channel.line.can.dial]
        idle = [
            channel.line for channel in able if channel.state is LineState.IDLE and not channel.call
        ]
        return line_for(purpose, idle, len(able), self.office.lines_kept)

    @property
    def groups(self) -> tuple[Group, ...]:
        """The groups, in the order in which they ring."""
        board = self.office.citizens_desk
        return (self.office.switchboard, board) if board else (self.office.switchboard,)

    def _serves(self, group: Group, now: Now) -> bool:
        """True when a phone of this group could ring for a call now."""
        return self.group_state(group) is GroupState.FREE and group_open(group, now)

    def _for_calls(self, group: Group, now: Now) -> GroupState:
        """Return what a group can do for a call: by its phones, else by its ordinary telephone."""
        state = self.group_state(group)
        # B4: without a LAN no phone is reachable, but the office still has its analog lines.
        if state is GroupState.UNREACHABLE and self.outside_line(group, now):
            return GroupState.FREE
        return state

    def facts_for(self, line: Line, now: Now) -> RoutingFacts:
        """Return the facts for a call on this line; behind a PBX its extensions count."""
        return pbx_facts(self.office, self.service) if line.passes else self.facts(now)

    def board_state(self, counter: Group, now: Now) -> GroupState:
        """Return what the citizens' counter can do, by its phones and its own hours (E2)."""
        return self.group_state(counter) if group_open(counter, now) else GroupState.CLOSED

    @property
    def lines(self) -> tuple[Channel, ...]:
        """The lines that are in service between calls, in the office's order."""
        return tuple(channel for channel in self.channels.values() if channel.line.can.ring_again)

    def channel_of(self, call: Call) -> Channel:
        """Return the line of a call."""
        return self.channels[call.line.name]

    def line_event(self, event: events.Event) -> events.Event:
        """Return the line's event for that of a leg that is a line; return others unchanged."""
        channel = self.channels.get(getattr(event, "leg", ""))
        return event if channel is None else channel.event_of(event, self.calls.get(channel.call))

    def driver_orders(self, order: Order) -> list[Order]:
        """Return an order to a line as its driver understands it; return others unchanged."""
        channel = self.channels.get(getattr(order, "line", ""))
        return [order] if channel is None else channel.orders_for(order, self)

    def take_idle(self) -> tuple[events.LineIdle, ...]:
        """Return LineIdle, once, for each line that was let go and has no modem to prove it."""
        told = tuple(events.LineIdle(line) for line in self.freed)
        self.freed.clear()
        return told

    def leave_line(self, call: Call, state: LineState, now: Now, reason: Words = NOTHING) -> None:
        """Detach a line from its call; it may ring for another."""
        channel = self.channel_of(call)
        channel.call, call.on_line = "", False
        channel.become(state, now, reason)

    def forget(self, call: Call) -> None:
        """Drop an ended call."""
        call.state, call.deadline = State.ENDED, None
        del self.calls[call.id]
        # A line for one caller is over with the call.
        if not call.line.can.ring_again:
            self.channels.pop(call.line.name, None)
        # Its legs begin with its id (`new_leg_name`).
        self.outside = {k: v for k, v in self.outside.items() if not k.startswith(f"{call.id}.")}
        # Its message may yet turn out to be stored: then the record is corrected (`correct`).
        if call.record.result is Result.NOT_STORED:
            self.late[call.id] = call
            if len(self.late) > LATE_CALLS:
                del self.late[next(iter(self.late))]


def off_hook(board: SwitchboardState, call: Call, now: Now) -> Iterator[Order]:
    """Take the line off hook."""
    call.off_hook = True
    board.channel_of(call).become(LineState.IN_USE, now)
    yield orders.AnswerLine(call.line.name)


def hang_up_line(board: SwitchboardState, call: Call, now: Now) -> Iterator[Order]:
    """Put the line on hook; LineIdle confirms it."""
    board.channel_of(call).become(LineState.CLEARING, now)
    yield orders.HangUp(call.line.name)


def follow(
    board: SwitchboardState, side: Side, event: events.Event, now: Now
) -> Iterator[orders.Order]:
    """Carry out the row of the call's table for an event; ignore an event without a row."""
    was = side.state
    row = side.table[was].get(type(event))
    if row is None:
        return
    yield from side.actions[row.do](board, cast("Never", side), cast("Never", event), now)
    # A row that leads to several states leaves the choice to its action.
    if len(row.to) == 1 and row.to[0] is not was:
        side.enter(row.to[0], now)
    # Another call at this leg: the phone went on into it (outgoing.begin_for).
    if side.state is SideState.ENDED and board.sides.get(side.leg) is side:
        del board.sides[side.leg]


def hang_up(
    _board: SwitchboardState, side: Side, _event: object, _now: Now
) -> Iterator[orders.Order]:
    """Hang up every phone of the call."""
    for leg in side.legs:
        yield orders.HangUpPhone(leg)


def forget(
    _board: SwitchboardState, _side: Side, _event: object, _now: Now
) -> Iterator[orders.Order]:
    """Do nothing: the phone has gone."""
    yield from ()


COMMON: Actions = {SideAction.HANG_UP: hang_up, SideAction.FORGET: forget}
