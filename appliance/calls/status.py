"""What anybody may know of the desk at a moment: LEDs, `centralino status`, the console."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from appliance.calls import marks
from appliance.calls.call import Call
from appliance.calls.call_words import BY_STATE
from appliance.calls.clock_words import NOT_TRUSTED, other_time
from appliance.calls.desk import Desk, LineSeat, LineState
from appliance.calls.dialled_side import Dialled
from appliance.calls.emergency import carries
from appliance.calls.events import Caller, LineCondition
from appliance.calls.head import HeadStatus, head_status
from appliance.calls.orders import CallRecord
from appliance.calls.side_states import SideState
from appliance.calls.states import State
from appliance.calls.transfer_status import TransferStatus, transfer_status
from appliance.policy.clock import ClockState, Doubt, Now
from appliance.policy.dialling import SENTENCES
from appliance.policy.office import (
    Code,
    Group,
    Position,
    PositionState,
    ServiceState,
    position,
    sentence,
    silenced,
)
from appliance.policy.opening import CODES, opening
from appliance.policy.routing import GroupState, Way
from appliance.policy.text import NOTHING, Words

CARRIER_GONE = Words(
    "Nessuna linea è servita: il processo delle linee si riavvia.",
    "No line is served: the lines' process is restarting.",
)


NO_VOLTAGE = Words(
    "nessuna tensione sulla linea: controllare il cavo telefonico fino alla presa, poi l'operatore "
    "telefonico",
    "no voltage on the line: check the telephone cable up to its socket, then the phone company",
)
LEFT_LIFTED = Words(
    "da più di un'ora l'apparecchio in parallelo è sollevato: controllare che sia riagganciato",
    "the ordinary telephone beside it has been off the hook for over an hour: see whether it was "
    "put down",
)
NO_HELP = Words(
    "Dai telefoni non si può chiamare il 112: nessuna linea porta una conversazione; usare "
    "l'apparecchio in parallelo alla linea o un cellulare.",
    "112 cannot be called from the phones: no line carries a conversation; use the ordinary "
    "telephone beside the line, or a mobile.",
)
REFUSED_FOR = timedelta(hours=1)
"""So long people see that a position was refused a number."""
LEFT_LIFTED_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class LineStatus:
    """One line: its state, since when, the call on it ("" for none), why it is out (`reason` in
    English, `why` in both languages).

    `condition` is what its idle modem measured last: UNKNOWN where it cannot measure.
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

    @property
    def declared(self) -> bool:
        """True once something is known of the line: it is up, or it is out for a reason."""
        return self.state is not LineState.MISSING or bool(self.reason)


@dataclass(frozen=True, slots=True)
class CallStatus:
    """One call that is going on; `words` say its state as the front desk does (E22).

    `phone` has answered it last; `ringing` are the phones that ring for it; `refused` says why it
    could not go on to an office (E23). `head` is there while the
    head of the front desk has a part in it (E10). `origin` names the branch that handed the caller
    over, "" for a caller of our own (B9).
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
    head: HeadStatus | None = None
    origin: str = ""


@dataclass(frozen=True, slots=True)
class OutgoingStatus:
    """One call that a position makes outside; nobody need know the number to see it (P7)."""

    call: str
    line: str
    phone: str
    state: SideState
    number_class: str
    case: str = ""


@dataclass(frozen=True, slots=True)
class GroupStatus:
    """One group: what it can do now, and its phones by what they are doing.

    Away counts before unreachable and engaged: each phone stands in one list.
    """

    name: str
    state: GroupState
    free: tuple[str, ...]
    engaged: tuple[str, ...]
    unreachable: tuple[str, ...]
    away: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Status:
    """The whole desk; `open` is whether people answer now, `changes_at` when time changes that.

    `citizens_desk` is None where there is no counter; `positions` stand in the configuration's
    order, `queue` are the calls that wait for one, the next one first; `waiting` counts messages
    nobody closed; `degraded` says what is not as it should be, empty when all is well; `outgoing`
    are the calls that positions make outside.
    """

    at: datetime
    open: bool
    code: Code
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


def status(desk: Desk, now: Now) -> Status:
    """Describe the desk at a moment."""
    office, counter = desk.office, desk.office.citizens_desk
    answer = opening(office.switchboard.schedule, desk.service, now)
    switchboard = desk.group_state(office.switchboard)
    if not answer.open:
        switchboard = GroupState.CLOSED
    elif desk.service.expired(now.wall).unattended:
        switchboard = GroupState.UNATTENDED
    positions = _positions(desk, now)
    return Status(
        at=now.wall,
        open=answer.open,
        code=answer.code,
        sentence=sentence(answer.code, answer.name),
        changes_at=answer.reopens_at if answer.code in CODES.values() else answer.changes_at,
        service=desk.service.expired(now.wall),
        lines=tuple(_line(seat) for seat in desk.seats.values()),
        calls=tuple(_call(desk, call) for call in desk.calls.values()),
        queue=tuple(_call(desk, call) for call in desk.queue),
        switchboard=_group(office.switchboard, switchboard, positions),
        citizens_desk=_group(counter, desk.desk_state(counter, now), positions)
        if counter
        else None,
        positions=positions,
        waiting=desk.waiting,
        degraded=tuple(_degraded(desk, now)),
        clock_state=now.clock_state,
        doubt=now.doubt,
        outgoing=tuple(_outgoing(s) for s in desk.sides.values() if isinstance(s, Dialled)),
    )


def _outgoing(side: Dialled) -> OutgoingStatus:
    number_class = side.record.number_class
    return OutgoingStatus(
        side.record.call, side.line, side.phone, side.state, number_class, side.record.case
    )


def _line(seat: LineSeat) -> LineStatus:
    line = seat.line
    return LineStatus(
        line.name, line.shown, seat.state, seat.since, seat.call, seat.reason.en, seat.modem,
        line.duplex, seat.condition, seat.reason,
    )  # fmt: skip


def _call(desk: Desk, call: Call) -> CallStatus:
    record, ringing = call.record, tuple(call.legs.values())
    return CallStatus(
        call.id,
        record.line,
        call.state,
        record.caller,
        record,
        ringing,
        record.phone,
        transfer_status(call, desk.officials),
        call.refused,
        BY_STATE[call.state],
        head_status(desk, call),
        record.line if desk.came_over(call) else "",
    )


def _positions(desk: Desk, now: Now) -> tuple[Position, ...]:
    service, engaged = desk.service.expired(now.wall), desk.engaged()
    return tuple(
        position(
            phone,
            service.away_mark(phone),
            engaged=phone in engaged,
            reachable=phone in desk.reachable,
            gone=desk.gone.get(phone),
        )
        for phone in desk.office.phones
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


def _degraded(desk: Desk, now: Now) -> Iterator[Words]:
    """Say what is wrong, the gravest first."""
    if not desk.carrier:
        yield CARRIER_GONE
    yield from marks.standing(desk, now)
    yield from _lines_degraded(desk, now)
    for way in (Way.SWITCHBOARD, Way.CITIZENS_DESK):
        group = desk.group(way)
        if desk.group_state(group) is GroupState.UNREACHABLE:
            yield Words(
                f"Nessun telefono raggiungibile: {group.label.it}",
                f"No phone can be reached: {group.label.en}",
            )
    yield from _untold(desk, now)
    yield from _outgoing_degraded(desk, now)
    if not now.clock_state.is_trusted:
        yield NOT_TRUSTED[now.doubt]
    if off := desk.exchange.minutes_off(now.wall, now.monotonic):
        yield other_time(off)


def _lines_degraded(desk: Desk, now: Now) -> Iterator[Words]:
    """Say what is wrong with the lines."""
    for seat in desk.seats.values():
        if seat.state in {LineState.MISSING, LineState.OUT}:
            it, en = (f": {one}" if one else "" for one in (seat.reason.it, seat.reason.en))
            yield Words(f"{seat.line.shown} fuori servizio{it}", f"{seat.line.shown} is out{en}")
        elif seat.state is LineState.NO_LINE:
            yield _said(seat, NO_VOLTAGE)
        elif seat.state is LineState.IN_USE_OUTSIDE and _long_since(seat, now):
            yield _said(seat, LEFT_LIFTED)
        elif seat.reason.en:
            yield _said(seat, seat.reason)
        if seat.half.en:
            yield _said(seat, seat.half)


def _outgoing_degraded(desk: Desk, now: Now) -> Iterator[Words]:
    """Say that nobody can be called for help, and which position was refused a number."""
    if desk.seats and not any(carries(seat.line) for seat in desk.seats.values()):
        yield NO_HELP
    if desk.refusal is not None and now.wall - desk.refusal[2] <= REFUSED_FOR:
        phone, why, _ = desk.refusal
        yield Words(f"{phone}: {SENTENCES[why].it}", f"{phone}: {SENTENCES[why].en}")


def _untold(desk: Desk, now: Now) -> Iterator[Words]:
    """Say which numbers on duty the closed greeting leaves out (E11)."""
    units, zone = desk.office.after_hours.duty, desk.office.zone
    for duty in silenced(desk.register, units, now.wall, zone):
        yield Words(
            f"Numero di turno non autorizzato, non viene detto a ufficio chiuso: {duty.name}",
            f"Duty number not authorised, not told while we are closed: {duty.name}",
        )


def _said(seat: LineSeat, words: Words) -> Words:
    return Words(f"{seat.line.shown}: {words.it}", f"{seat.line.shown}: {words.en}")


def _long_since(seat: LineSeat, now: Now) -> bool:
    return seat.since is not None and now.wall - seat.since > LEFT_LIFTED_AFTER
