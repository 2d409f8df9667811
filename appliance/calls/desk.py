"""What all calls share: lines, phones, groups, manual states. No decision is made here."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from appliance.calls.call import Call
from appliance.calls.events import (
    BoxStopped,
    CarrierLost,
    Evidence,
    LineCondition,
    LineLost,
)
from appliance.calls.orders import CallRecord, Result
from appliance.calls.sides import Side
from appliance.calls.states import State
from appliance.policy.clock import Attendance, ExchangeTime, Now, doubt
from appliance.policy.dialling import NO_LEDGER, Denied, Ledger
from appliance.policy.directory import Register
from appliance.policy.office import (
    Daytime,
    Group,
    Line,
    LinePurpose,
    Office,
    ServiceState,
    line_for,
)
from appliance.policy.routing import Facts, GroupState, Way, group_open, pbx_facts
from appliance.policy.sheets import InCharge, Menu
from appliance.policy.text import NOTHING, Words
from appliance.policy.transfers import Unanswered
from appliance.policy.users import Tries

NOT_IDLE = Words("non ancora libera dopo il riaggancio", "not proven idle after hanging up")
NO_REGISTER = Register()
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
    """One line of the office at run time; `call` is the id of the call on it, or "".

    `configured` is what the office wrote of it, `line` what holds once the modem has spoken.
    `condition` is what the modem measured last, `watched` is true once it has measured anything;
    `half` says why a line is half duplex that was none by its make;
    `gave_up` is the last call that nobody answered, and when (monotonic) it ended.
    """

    configured: Line
    line: Line
    state: LineState = LineState.MISSING
    since: datetime | None = None
    call: str = ""
    reason: Words = NOTHING
    modem: str = ""
    condition: LineCondition = LineCondition.UNKNOWN
    watched: bool = False
    half: Words = NOTHING
    gave_up: tuple[CallRecord, float] | None = None

    def become(self, state: LineState, now: Now, reason: Words = NOTHING) -> None:
        """Change the state; `since` moves only when it really changes."""
        if state is not self.state:
            self.since = now.wall
        self.state, self.reason = state, reason

    def after(self, record: CallRecord, state: LineState) -> LineState:
        """Say what a line that is idle again after a call is: whoever took the call has it still.

        Only where the modem will tell when that ends.
        """
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
            daytime = self.configured.daytime or Daytime.MESSAGE
            self.line = replace(self.configured, duplex=False, daytime=daytime)


@dataclass(slots=True)
class TrunkSeat(LineSeat):
    """The leg of a caller whom another branch hands over, which is like a line to its call (B9).

    `gone` once it has ended: nothing can be ordered of it any more.
    """

    gone: bool = False


@dataclass(slots=True)
class Desk:
    """Everything the handlers know beside their own call; `reachable` are registered phones,
    `outside` the lines on which groups' ordinary telephones are called, by leg, `register` what
    offices have declared (P4), `unanswered` which of them do not answer (E8), `officials` whom
    sheets make public as in charge (E10). By phone: the calls
    `missed` in a row, when a position that is away is reminded (monotonic; None: it was), since
    when one cannot be reached (`gone`). `ledger` is who called and what was dialled, `refusal`
    which phone was last refused a number, why, when, `attendance` whether anybody seems to be
    there, `exchange` what callers' dates say of the time. `trunks` are the legs of callers whom
    others hand over, which are lines to their calls, `freed` those that were just let go."""

    office: Office
    prefix: str
    service: ServiceState
    seats: dict[str, LineSeat] = field(default_factory=dict)
    calls: dict[str, Call] = field(default_factory=dict)
    late: dict[str, Call] = field(default_factory=dict)
    sides: dict[str, Side] = field(default_factory=dict)
    outside: dict[str, str] = field(default_factory=dict)
    trunks: dict[str, TrunkSeat] = field(default_factory=dict)
    freed: list[str] = field(default_factory=list)
    reachable: set[str] = field(default_factory=set)
    pin_tries: dict[str, Tries] = field(default_factory=dict)
    register: Register = NO_REGISTER
    officials: tuple[InCharge, ...] = ()
    unanswered: Unanswered = Unanswered()
    missed: dict[str, int] = field(default_factory=dict)
    reminders: dict[str, float | None] = field(default_factory=dict)
    gone: dict[str, datetime] = field(default_factory=dict)
    ledger: Ledger = NO_LEDGER
    refusal: tuple[str, Denied, datetime] | None = None
    waiting: int = 0
    has_room: bool = True  # for messages
    menu: Menu = ()
    unit_names: Mapping[str, str] = field(default_factory=dict)
    carrier: bool = True
    attendance: Attendance = Attendance()
    exchange: ExchangeTime = ExchangeTime()
    _calls_made: int = 0

    def __post_init__(self) -> None:
        self.seats = {line.name: LineSeat(line, line) for line in self.office.lines}

    def judged(self, now: Now) -> Now:
        """Return a moment with what holds at it instead of the hours, where nobody trusts it."""
        if now.clock_state.is_trusted:
            return now
        rule = self.office.without_time
        return replace(now, doubt=doubt(rule, now.clock_state, self.attendance, now.monotonic))

    def new_id(self) -> str:
        """Name a call."""
        self._calls_made += 1
        return f"{self.prefix}-{self._calls_made}"

    def group(self, way: Way) -> Group:
        """Return the group that is rung on a way."""
        desk = self.office.citizens_desk
        return desk if desk and way is Way.CITIZENS_DESK else self.office.switchboard

    def engaged(self) -> set[str]:
        """Return the phones that ring, talk or hear an announcement: none of them is free.

        Another branch is never engaged: it takes as many callers as it has positions.
        """
        busy = (side for side in self.sides.values() if not side.gives_way)
        phones = {phone for side in busy for phone in side.legs.values()}
        for call in self.calls.values():
            phones.update(call.legs.values())
            phones.update(phone for phone in call.phones_on if phone)
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

    def facts(self, now: Now) -> Facts:
        """Return what routing must know."""
        desk = self.office.citizens_desk
        return Facts(
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
        """Name the line on which a group's ordinary telephone can be called now, or "" (B4).

        One call at a time: a telephone has one handset. A caller whom the other group can serve
        has no need of the last line.
        """
        if not group.outside or group.outside_name in self.engaged():
            return ""
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

    def facts_for(self, line: Line, now: Now) -> Facts:
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
        if call.record.result is Result.NOT_STORED:
            self.late[call.id] = call
            if len(self.late) > LATE_CALLS:
                del self.late[next(iter(self.late))]
