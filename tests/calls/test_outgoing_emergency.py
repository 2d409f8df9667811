"""With all lines busy a line is freed for help, whatever goes on on it (issue: calling out, 13)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from appliance.calls import events, orders, outgoing
from appliance.calls.events import DigitPressed, DigitSource, Evidence, FarEnd, FarEndProgressed
from appliance.calls.orders import CallRecord, DialLeg, Order, Result
from appliance.calls.outgoing import RANKS, OutgoingCall, Rank
from appliance.calls.outside_call import OutsideCall
from appliance.calls.side_states import DIALLED_TABLE, OUTSIDE_TABLE, SideState
from appliance.calls.states import Ignored, State, row_for
from appliance.calls.switchboard import Switchboard
from appliance.policy.clock import Now
from appliance.policy.dialling import DialLedger
from appliance.policy.lines import modem_line
from appliance.policy.numbering import PLANS
from appliance.text import unchanged
from tests.calls.examples import KNOWN, NIGHT, RANG, TEN, UP, later, records, tell
from tests.stories.offices import OFFICES

HELP = events.PhoneDialled("help", "stranger1", "90112")
LIFTED = events.OperatorAnswered("help", "stranger1")
IDLE = events.LineIdle("line1")
HANDSET = events.PhoneHungUp
ANSWERED = events.OperatorAnswered("boot7-1.1", "op1")
NOT_FREED = {State.ENDED}
PBX = {state for state in State if state.value.startswith("pbx_")}


class World:
    """An office with few lines, and what answers its orders: exchange, disk and phones."""

    def __init__(self, office: str = "example", lines: int = 1, now: Now = TEN) -> None:
        whole = OFFICES[office]
        self.now = now
        self.switchboard = Switchboard(replace(whole, lines=whole.lines[:lines]), "boot7")
        self.board = self.switchboard._board
        self.given: list[Order] = []
        for line in self.board.office.lines:
            self.tell(events.LineRestored(line.name, "modem"))
        for phone in whole.phones:
            self.tell(events.PhoneRegistered(phone))
        self.tell(events.NumbersKnown(DialLedger()))

    def tell(self, *told: events.Event) -> list[Order]:
        """Hand over events, keep and return the orders."""
        given = tell(self.switchboard, self.now, *told)
        self.given += given
        return given

    def lives_on(self, given: Iterable[Order], seconds: int = 20) -> None:
        """Let the world answer orders, and time pass, for so long."""
        self.answer(given)
        for _ in range(seconds):
            self.now = later(self.now, 1.0)
            for passed in self.switchboard.due(self.now):
                self.answer(self.tell(passed))

    def answer(self, given: Iterable[Order]) -> None:
        """Answer orders as exchange, disk and phones do."""
        for order in given:
            for event in answers(order):
                self.answer(self.tell(event))

    @property
    def dialled(self) -> list[DialLeg]:
        """What was dialled for help."""
        return [o for o in self.given if isinstance(o, DialLeg) and o.emergency]

    def last_record(self, line: str, direction: str) -> CallRecord:
        """Return the record written last for a line."""
        found = (r for r in reversed(records(self.given)) if r.line == line)
        return next(r for r in found if r.direction == direction)


def answers(order: Order) -> tuple[events.Event, ...]:
    """Say what the world tells when an order was carried out."""
    match order:
        case orders.HangUp(line):
            return (events.LineIdle(line),)
        case orders.Play(play):
            return (events.PromptEnded(play),)
        case orders.StoreMessage(call):
            return (events.MessageStored(call, "m1", 9000),)
    return ()


UP_TO: dict[State, tuple[events.Event, ...]] = {
    State.RINGING: (RANG, KNOWN),
    State.ANSWERING: (RANG, KNOWN, ANSWERED),
}
"""How a call comes into the states in which its line is not up."""


def busy_in(state: State) -> World:
    """Return an office whose only line carries a call in this state."""
    if state in {State.ARRIVED, State.GREETING_PENDING}:
        world = World(now=NIGHT)  # no phone rings: the box waits to hear who calls
        world.tell(RANG, *((KNOWN,) if state is State.GREETING_PENDING else ()))
    elif state in UP_TO:
        world = World()
        world.tell(*UP_TO[state])
    else:
        world = World()
        world.tell(RANG, KNOWN, ANSWERED, UP)
        call = world.board.calls["boot7-1"]
        call.enter(state, world.now)
        if state not in {State.TALKING, State.CLEARING, State.SAVING}:
            call.record = replace(call.record, phone="")
    assert world.board.calls["boot7-1"].state is state
    return world


@pytest.mark.parametrize("state", [s for s in State if s not in NOT_FREED | PBX])
def test_a_line_is_freed_from_every_state(state: State) -> None:
    """Whatever state a call on the only line is in, help is dialled within seconds, and both
    records say what happened; what was on its way on hook is only waited for.
    """
    world = busy_in(state)
    given = world.tell(HELP, LIFTED)
    if state in {State.SAVING, State.CLEARING}:
        given += world.tell(IDLE)
    world.lives_on(given)
    assert [leg.line for leg in world.dialled] == ["line1"]
    assert "freed.line1.boot7-1" in world.last_record("line1", "out").trail
    freed = world.last_record("line1", "in")
    forced = {State.SAVING, State.STORING, State.CLEARING}  # nobody settled these beforehand
    assert freed.result is not Result.OPEN or state in forced
    if state not in {State.SAVING, State.CLEARING}:
        assert "freed.emergency" in freed.trail
        assert freed.evidence is Evidence.EMERGENCY


@pytest.mark.parametrize("state", sorted(PBX))
def test_a_line_that_passes_calls_on_is_no_line_for_help(state: State) -> None:
    """Half duplex carries no conversation: nobody is dropped for nothing."""
    assert isinstance(row_for(state, events.LineNeeded), Ignored)
    world = World("half_duplex")
    world.tell(events.LineRestored("line1", "modem", duplex=False), RANG, KNOWN)
    world.board.calls["boot7-1"].state = state
    world.answer(world.tell(HELP, LIFTED))
    assert world.dialled == []
    assert world.board.calls["boot7-1"].state is state
    assert world.last_record("", "out").reason == "out.half_duplex"


def test_every_state_has_a_rank() -> None:
    """The order in which calls give way: voicemail, who waits, who is transferred, who talks."""
    assert set(RANKS) == set(State)
    states = (State.RECORDING, State.HOLDING, State.PBX_CALLING, State.TALKING)
    ranks = (Rank.VOICEMAIL, Rank.QUEUE, Rank.TRANSFER, Rank.TALK)
    assert tuple(RANKS[state] for state in states) == ranks


@pytest.mark.parametrize("state", [s for s in DIALLED_TABLE if s is not SideState.ENDED])
def test_a_call_out_gives_way(state: SideState) -> None:
    """A position's own call is the first to go, whatever it is doing."""
    world = World(lines=1)
    world.tell(events.CallBackAsked("door", "op1", "051234567", "call:1"))
    (ring,) = [o for o in world.given if isinstance(o, orders.RingPhones)]
    leg = ring.ringing[0].leg
    world.tell(events.OperatorAnswered(leg, "op1"))
    side = world.board.sides[leg]
    assert isinstance(side, OutgoingCall)
    side.enter(state, world.now)
    if state in {SideState.ACCEPTING, SideState.SPEAKING, SideState.WAITING, SideState.SEEKING}:
        world.board.channels["line1"].call, side.line = "", ""
        world.tell(IDLE)
    given = world.tell(HELP, LIFTED)
    if state in {SideState.LEAVING, SideState.CLEARING}:
        given += world.tell(IDLE)
    world.lives_on(given)
    assert [leg.line for leg in world.dialled] == ["line1"]
    if side.line == "" and state in {SideState.DIALLING, SideState.CONNECTED, SideState.TALKING}:
        assert world.last_record("line1", "out").number_class == "emergency" or (
            side.record.evidence is Evidence.EMERGENCY
        )
        assert "freed.emergency" in side.record.trail


@pytest.mark.parametrize("state", [s for s in OUTSIDE_TABLE if s is not SideState.ENDED])
def test_a_telephone_outside_gives_way(state: SideState) -> None:
    """A group's ordinary telephone over a second line goes before its caller does."""
    world = World("outside_two", lines=2)
    for phone in world.board.office.phones:
        world.tell(events.PhoneGone(phone))
    world.tell(RANG, KNOWN)
    side = world.board.sides["boot7-1.1"]
    assert isinstance(side, OutsideCall)
    side.enter(state, world.now)
    assert outgoing.rank_of(side) is {
        SideState.LEAVING: Rank.LEAVING,
        SideState.TALKING: Rank.TRANSFER,
    }.get(state, Rank.OUTGOING)
    given = world.tell(HELP, LIFTED)
    if state is SideState.LEAVING:
        given += world.tell(events.LineIdle("line2"))
    world.lives_on(given, 3)
    assert world.dialled
    if state not in {SideState.LEAVING, SideState.TALKING}:
        assert world.dialled[0].line == "line2"
        assert "freed.emergency" in world.last_record("line1", "in").trail


def test_the_longest_conversation_goes_last_and_first_of_its_kind() -> None:
    """Of two conversations the longer one gives way; a message being left goes before both."""
    world = World(lines=3)
    for number, phone in ((1, "op1"), (2, "op2")):
        line = f"line{number}"
        world.tell(events.LineRang(line), replace(KNOWN, line=line))
        leg = f"boot7-{number}.{number}" if number == 1 else f"boot7-{number}.1"
        world.tell(events.OperatorAnswered(leg, phone), events.LineAnswered(line))
        world.now = later(world.now, 60)
    assert [world.board.calls[f"boot7-{n}"].state for n in (1, 2)] == [State.TALKING] * 2
    world.board.channels["line3"].line = modem_line("line3", duplex=True)
    world.tell(events.LineRang("line3"))
    world.board.calls["boot7-3"].enter(State.RECORDING, world.now)
    assert outgoing.to_be_freed(world.board, set()) == "line3"
    assert outgoing.to_be_freed(world.board, {"line3"}) == "line1"
    assert outgoing.to_be_freed(world.board, {"line3", "line1"}) == "line2"


def test_a_line_used_beside_the_box_or_out_is_none() -> None:
    """A telephone lifted beside the line, a line without voltage or modem: nothing to be freed."""
    world = World(lines=2)
    in_use = events.LineProbed("line1", events.LineCondition.IN_USE)
    world.tell(in_use, events.LineLost("line2", unchanged("x")))
    assert not outgoing.emergency_is_possible(world.board)
    assert outgoing.to_be_freed(world.board, set()) == ""


def test_a_position_that_is_put_down_while_it_waits_frees_nothing_more() -> None:
    """Who has hung up needs no line; a message cut short for it is kept all the same."""
    world = busy_in(State.RECORDING)
    given = world.tell(HELP, LIFTED, HANDSET("help"))
    world.lives_on(given)
    assert world.dialled == []
    assert world.last_record("line1", "in").message == "m1"
    assert "help" not in world.board.sides


def test_real_emergency_numbers_cannot_be_dialled_in_a_rehearsal() -> None:
    """In stories, tests and demonstrations 112 is refused: it is nobody's number."""
    for number in PLANS["it"].emergency:
        world = World()
        given = world.tell(
            events.PhoneDialled("real", "op1", number),
            events.PhoneDialled("real2", "op1", f"0{number}"),
            events.OperatorAnswered("real2", "op1"),
        )
        assert not [order for order in given if isinstance(order, DialLeg)]


def test_a_call_for_help_that_was_answered_ends_with_its_line() -> None:
    """Once somebody has spoken, a line that is lost is not replaced behind the caller's back."""
    world = World()
    world.tell(HELP, LIFTED, FarEndProgressed("line1", FarEnd.DIALLED))
    world.tell(FarEndProgressed("line1", FarEnd.ANSWERED))
    world.tell(FarEndProgressed("line1", FarEnd.RINGING))
    world.tell(DigitPressed("5", DigitSource.CHIP, line="line1"))
    given = world.tell(events.LineLost("line1", unchanged("unplugged")))
    assert orders.HangUpPhone("help") in given
    assert world.last_record("line1", "out").result is Result.ANSWERED


def test_a_caller_whom_a_pbx_holds_is_not_joined_by_it() -> None:
    """A transfer over a hook flash: to hang up would put the caller through; another line gives."""
    world = World("offices", lines=2)
    world.tell(RANG, KNOWN, ANSWERED, UP)
    world.board.calls["boot7-1"].enter(State.PBX_CALLING, world.now)
    assert outgoing.to_be_freed(world.board, {"line2"}) == ""
