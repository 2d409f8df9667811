"""A fault of ours in the middle of a handler: it concerns one call, which is brought to safety."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.calls import commands, confinement, events, orders
from appliance.calls.events import Caller, DigitSource, Evidence, Presentation, RecordingStop
from appliance.calls.model import LineState
from appliance.calls.orders import Order, Result
from appliance.calls.states import CallAction, State
from appliance.calls.switchboard import Switchboard
from appliance.policy.clock import Now
from appliance.text import unchanged
from tests.calls import test_conference
from tests.calls.examples import KNOWN, NIGHT, RANG, TEN, UP, later, records, tell, up
from tests.calls.failing_handlers import PlantedFault, planted
from tests.calls.test_properties import LIVELY, Watch, fitting
from tests.helpers.examples import examples
from tests.stories.offices import OFFICES

ENDS = (
    *(events.PhoneHungUp, events.PhoneDeclined, events.PhoneBusy),
    *(events.PhoneUnreachable, events.PhoneLost),
)

OF_THE_MOMENT = (
    *(orders.BringIn, orders.Connect, orders.DialLeg, orders.JoinLines, orders.Listen),
    *(orders.Record, orders.RecordLeg, orders.RingPhones),
)
"""Orders that were right when they were given; by the end of a step its call may be elsewhere."""


@dataclass
class Befallen(Watch):
    """As any watch, while handlers fail: where calls go then stands in no row."""

    rings: set[str] = field(default_factory=set)
    faults: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.switchboard.on_fault = self._count

    def _count(self) -> None:
        self.faults += 1

    def tell(self, event: events.Event) -> None:
        """Hand over one event; nothing raises, whatever fails."""
        known, before = set(self.switchboard._board.late), self.faults
        self.told = event
        self.ordered = self.switchboard.handle(event, self.now)
        for order in self.ordered:
            if self.faults == before or not isinstance(order, OF_THE_MOMENT):
                self.look_at(order, known)
            self._follow(order)
        if isinstance(event, ENDS):
            self.rings.discard(event.leg)
        self.facts_end_off_hook(event)
        self.owners()

    def _follow(self, order: Order) -> None:
        """Keep which legs ring or talk."""
        if isinstance(order, orders.RingPhones):
            self.rings.update(ringing.leg for ringing in order.ringing)
        if isinstance(order, orders.StopRinging | orders.HangUpPhone):
            self.rings.discard(order.leg)

    def joined(self, line: str) -> None:
        """A caller on hold at a PBX is let go where nothing else is left."""
        self.held.discard(line)

    def finish(self) -> None:
        """Every call comes to its end, and no phone is left ringing or waiting."""
        super().finish()
        assert self.rings == set()


@settings(max_examples=examples(150, quick=25))
@given(st.data(), st.integers(0, 10_000))
def test_whatever_fails(data: st.DataObject, seed: int) -> None:
    """Handlers fail in one of eight steps, after none or some of their orders: nothing is raised,
    no line stays seized, no phone rings on, each call has one final record.
    """
    dice = random.Random(seed)
    watch = Befallen(data.draw(st.sampled_from(LIVELY)))
    watch.at(50.0 - data.draw(st.sampled_from([0.0, 7200.0, 60_000.0])))
    with planted(lambda _: dice.choice([0, 0, 1, 2]) if dice.random() < 0.12 else None):
        for _ in range(data.draw(st.sampled_from([20, 40, 60]))):
            watch.tell(data.draw(data.draw(fitting(watch))))
            watch.pass_time(data.draw(st.sampled_from([0.0] * 9 + [3.0, 12.0, 26.0])))
    watch.finish()


# --- what a caller meets --------------------------------------------------------------------------


def confined(now: Now = TEN, office: str = "example") -> tuple[Switchboard, list[int]]:
    """Return a Switchboard whose faults are counted."""
    switchboard, faults = up(office, now), [0]

    def count() -> None:
        faults[0] += 1

    switchboard.on_fault = count
    return switchboard, faults


def befall(
    switchboard: Switchboard, now: Now, event: events.Event, *does: object, after: int = 0
) -> list[Order]:
    """Let an event be handled while what it leads to fails."""
    with planted(lambda what: after if what in does else None):
        return tell(switchboard, now, event)


def state_of(switchboard: Switchboard, line: str = "line1") -> State:
    """Return the state of the call on a line."""
    board = switchboard._board
    return board.calls[board.channels[line].call].state


def talking(switchboard: Switchboard) -> str:
    """Let an operator talk with a caller on line1; returns the operator's leg."""
    given = tell(switchboard, TEN, RANG, KNOWN)
    (ring,) = [order for order in given if isinstance(order, orders.RingPhones)]
    leg = ring.ringing[0].leg
    tell(switchboard, TEN, events.OperatorAnswered(leg, ring.ringing[0].phone), UP)
    return leg


def test_without_anybody_who_takes_note_a_fault_is_raised() -> None:
    """No test confines what it should see."""
    switchboard = up()
    with pytest.raises(PlantedFault):
        befall(switchboard, TEN, RANG, CallAction.RING_AT_ONCE)


def test_a_caller_whose_routing_fails_comes_to_voicemail() -> None:
    """The line is answered, the caller hears of a technical problem and may leave a message; a call
    on another line is served as ever.
    """
    switchboard, faults = confined()
    given = befall(switchboard, TEN, RANG, CallAction.RING_AT_ONCE)
    assert orders.AnswerLine("line1") in given
    given = tell(switchboard, TEN, UP)
    (play,) = [order for order in given if isinstance(order, orders.Play)]
    assert "it/greeting_fault" in play.prompts
    assert "it/leave_message" in play.prompts
    assert records(given)[-1].trail[-3:] == ("fault", "route.fault", "greeting")
    other = tell(switchboard, TEN, events.LineRang("line2"))
    assert any(isinstance(order, orders.RingPhones) for order in other)
    assert faults == [1]


def test_phones_that_ring_are_let_go() -> None:
    """No phone rings on for a caller who hears voicemail, nor stays lifted with nobody there."""
    switchboard, _ = confined()
    given = tell(switchboard, TEN, RANG, KNOWN)
    (ring,) = [order for order in given if isinstance(order, orders.RingPhones)]
    lifted, other = ring.ringing[0], ring.ringing[1]
    event = events.OperatorAnswered(lifted.leg, lifted.phone)
    given = befall(switchboard, TEN, event, CallAction.ANSWER)
    assert orders.HangUpPhone(lifted.leg) in given
    assert orders.StopRinging(other.leg) in given
    assert orders.AnswerLine("line1") in given


def test_a_conversation_goes_on_without_what_failed() -> None:
    """A key that cannot be passed on cuts nobody off."""
    switchboard, faults = confined()
    leg = talking(switchboard)
    key = events.DigitPressed("5", DigitSource.RFC4733, leg=leg)
    given = befall(switchboard, TEN, key, CallAction.FORWARD_KEY, CallAction.COLLECT_KEY)
    assert [type(order) for order in given] == [orders.WriteCall]
    assert state_of(switchboard) is State.TALKING
    assert faults == [1]


@pytest.mark.parametrize("by", ["caller", "operator"])
def test_a_conversation_that_ends_frees_its_line(by: str) -> None:
    """Whoever has hung up: phone and line are let go, and the record says that they talked."""
    switchboard, _ = confined()
    leg = talking(switchboard)
    left = events.CallerHungUp("line1", Evidence.BUSY_TONE, 700)
    event = left if by == "caller" else events.PhoneHungUp(leg)
    given = befall(switchboard, TEN, event, CallAction.CALLER_LEFT, CallAction.OPERATOR_LEFT)
    assert orders.HangUp("line1") in given
    last = records(tell(switchboard, TEN, events.LineIdle("line1")))[-1]
    assert last.result is Result.ANSWERED
    assert last.ended_at is not None
    assert switchboard._board.channels["line1"].state is LineState.IDLE


def recording(switchboard: Switchboard, now: Now = NIGHT) -> str:
    """Let a caller leave a message on line1; returns the call."""
    given = tell(switchboard, now, RANG, KNOWN, UP)
    for _ in range(2):  # greeting, tone
        play = [order for order in given if isinstance(order, orders.Play)][-1]
        given = tell(switchboard, now, events.PromptEnded(play.play))
    return switchboard._board.channels["line1"].call


@pytest.mark.parametrize("event", ["ended", "gone", "late", "hung up"])
def test_what_was_recorded_is_kept(event: str) -> None:
    """Whatever ends the recording and fails over it: the message is stored, the line released."""
    switchboard, _ = confined(NIGHT)
    call = recording(switchboard)
    assert state_of(switchboard) is State.RECORDING
    now = later(NIGHT, 9.0)
    told: dict[str, events.Event] = {
        "ended": events.RecordingEnded(call, RecordingStop.KEY, 9000),
        "gone": events.LineLost("line1", unchanged("unplugged")),
        "late": events.DeadlinePassed(State.RECORDING.value, call),
        "hung up": events.CallerHungUp("line1", Evidence.SIGNALLED, 700),
    }
    given = befall(switchboard, now, told[event], CallAction.KEEP, CallAction.KEEP_AS_IS)
    assert [o.recording for o in given if isinstance(o, orders.StoreMessage)] == [call]
    assert (orders.HangUp("line1") in given) is (event != "gone")
    stored = tell(
        switchboard, now, events.LineIdle("line1"), events.MessageStored(call, "m1", 8000)
    )
    assert records(stored)[-1].result is Result.MESSAGE
    assert records(stored)[-1].ended_at is not None


@pytest.mark.parametrize("line_first", [True, False])
@pytest.mark.parametrize("stored", [True, False])
def test_the_outcome_of_a_message_is_in_the_record(line_first: bool, stored: bool) -> None:
    """What fails is only what follows it: a stored message is one, one that failed is none."""
    switchboard, _ = confined(NIGHT)
    call = recording(switchboard)
    tell(switchboard, NIGHT, events.RecordingEnded(call, RecordingStop.RELEASE, 9000))
    idle = events.LineIdle("line1")
    if line_first:
        tell(switchboard, NIGHT, idle)
    outcome = events.MessageStored(call, "m1", 9000) if stored else events.StoreFailed(call, "full")
    given = befall(switchboard, NIGHT, outcome, CallAction.SAVED, CallAction.NOT_SAVED)
    given += [] if line_first else tell(switchboard, NIGHT, idle)
    last = records(given)[-1]
    assert last.result is (Result.MESSAGE if stored else Result.NOT_STORED)
    assert last.ended_at is not None
    assert switchboard._board.channels["line1"].state is LineState.IDLE


def test_a_line_that_goes_while_a_message_is_stored_changes_nothing_of_it() -> None:
    """The message is still awaited, the line is free."""
    switchboard, _ = confined(NIGHT)
    call = recording(switchboard)
    tell(switchboard, NIGHT, events.RecordingEnded(call, RecordingStop.KEY, 9000))
    befall(switchboard, NIGHT, events.LineIdle("line1"), CallAction.LINE_WENT, CallAction.FREE_LINE)
    assert switchboard._board.channels["line1"].call == ""
    given = tell(switchboard, NIGHT, events.MessageStored(call, "m1", 9000))
    assert records(given)[-1].result is Result.MESSAGE
    befall(switchboard, NIGHT, events.BoxStopped(), CallAction.LOSE)


@pytest.mark.parametrize("room", [True, False])
def test_a_greeting_that_cannot_be_said_leaves_the_tone(room: bool) -> None:
    """Words can be left all the same, where there is room for them."""
    switchboard, faults = confined(NIGHT)
    tell(switchboard, NIGHT, events.RoomForMessages(room), RANG, KNOWN)
    given = befall(switchboard, NIGHT, UP, CallAction.GREET)
    assert faults == [1]
    assert (orders.HangUp("line1") in given) is not room
    assert (state_of(switchboard) is State.TONE) is room


def test_a_caller_who_gave_up_leaves_the_line_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """Off hook never: nothing is to be hung up; and where not even that can be done, it is so."""
    for plain in (False, True):
        switchboard, _ = confined()
        tell(switchboard, TEN, RANG, KNOWN)
        if plain:
            monkeypatch.setattr("appliance.calls.confinement.release_phones", None)
        left = events.CallerHungUp("line1", Evidence.GAVE_UP)
        last = records(befall(switchboard, TEN, left, CallAction.GIVE_UP))[-1]
        assert last.result is Result.LOST
        assert last.ended_at is not None
        assert switchboard._board.channels["line1"].state is LineState.IDLE


def test_a_call_that_nothing_can_be_done_for_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its phones and its line are hung up by orders that cannot fail, and it is forgotten."""
    switchboard, faults = confined()
    leg = talking(switchboard)
    monkeypatch.setattr("appliance.calls.confinement.release_phones", None)
    left = events.CallerHungUp("line1", Evidence.BUSY_TONE)
    given = befall(switchboard, TEN, left, CallAction.CALLER_LEFT)
    assert orders.HangUpPhone(leg) in given
    assert orders.HangUp("line1") in given
    assert switchboard._board.calls == {}
    assert faults == [2]


def test_a_fault_after_a_call_has_ended_orders_nothing() -> None:
    """No caller is on it: its line may have the next one already."""
    switchboard, _ = confined()
    talking(switchboard)
    board = switchboard._board
    (call,) = board.calls.values()
    left = events.CallerHungUp("line1", Evidence.BUSY_TONE)
    del board.calls[call.id]
    before = call.record
    assert list(confinement.of_call(board, call, left, None, TEN, lambda: None)) == []
    assert call.record == before


def test_a_line_that_is_late_to_be_idle_does_not_keep_its_call() -> None:
    """The call ends at its limit; what else comes while it clears takes nothing from it."""
    switchboard, _ = confined()
    talking(switchboard)
    left = events.CallerHungUp("line1", Evidence.BUSY_TONE)
    tell(switchboard, TEN, left)
    befall(switchboard, TEN, left, CallAction.NOTE_RELEASE)
    assert state_of(switchboard) is State.CLEARING
    call = switchboard._board.channels["line1"].call
    late = events.DeadlinePassed(State.CLEARING.value, call)
    befall(switchboard, TEN, late, CallAction.NOT_IDLE)
    assert switchboard._board.calls == {}


def test_a_caller_on_hold_at_a_pbx_is_brought_back() -> None:
    """There they would hear nothing of ours: a second flash comes first."""
    switchboard, _ = confined(office="pbx")
    tell(switchboard, TEN, RANG, KNOWN, UP)
    call = next(iter(switchboard._board.calls.values()))
    while call.state is not State.PBX_CALLING:
        tell(switchboard, TEN, events.PromptEnded(call.play), events.LineFlashed("line1"))
    ringing = events.FarEndProgressed("line1", events.FarEnd.ANSWERED)
    given = befall(switchboard, TEN, ringing, CallAction.PBX_HEAR)
    assert orders.Flash("line1") in given
    assert state_of(switchboard) is State.PBX_RETURNING


def test_a_caller_of_another_branch_is_theirs_again() -> None:
    """Nobody has answered them here: whoever sent the caller decides."""
    switchboard, _ = confined()
    came = events.BranchCalled("trunk-1", "savena", Caller(Presentation.SHOWN, "0512"))
    tell(switchboard, TEN, came)
    legs = list(next(iter(switchboard._board.calls.values())).legs)
    given: list[Order] = []
    for leg in legs:
        given = befall(switchboard, TEN, events.PhoneBusy(leg), CallAction.LEG_OUT)
        break
    assert any(isinstance(order, orders.RefusePhone) for order in given)


def test_a_phone_whose_call_cannot_begin_is_told_so() -> None:
    """Its INVITE is answered, or its leg hung up, never left; one that has begun goes on."""
    switchboard, _ = confined()
    dialled = events.PhoneDialled("k1", "op1", "*85")
    given = befall(switchboard, TEN, dialled, events.PhoneDialled)
    assert orders.RefusePhone("k1", 503) in given
    given = befall(switchboard, TEN, dialled, events.PhoneDialled, after=1)
    assert not any(isinstance(order, orders.RefusePhone) for order in given)
    asked = events.TransferAsked("k9", "op1", "31", events.TransferKind.BLIND)
    given = befall(switchboard, TEN, asked, events.TransferAsked)
    assert orders.TellTransfer("k9", orders.DECLINED) in given


def test_a_line_whose_call_never_began_is_free_for_its_next_ring() -> None:
    """The second ring begins the call that the first could not."""
    switchboard, _ = confined()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("appliance.calls.switchboard.CallRecord", None)
        assert tell(switchboard, TEN, RANG) == []
    assert switchboard._board.channels["line1"].call == ""
    assert records(tell(switchboard, TEN, RANG))[-1].line == "line1"


def fails(*_: object) -> Iterator[Order]:
    """Stand for a step that fails at once."""
    yield from ()
    raise PlantedFault("at once")


def raises(*_: object) -> None:
    """Stand for a step that fails before it is even begun."""
    raise PlantedFault("before")


@pytest.mark.parametrize("broken", ["announce", "serve", "seek", "keep", "judge"])
def test_what_is_no_single_calls_is_confined_too(
    broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is done after each event may fail: nothing is raised, the event is handled."""
    switchboard, faults = confined()
    leg = talking(switchboard)
    where = {
        "announce": "outside_call.for_its_line",
        "serve": "ringing.serve_queue",
        "seek": "returning.seek",
        "keep": "conference.place_supervisor",
        "judge": "updates.with_national_number",
    }
    monkeypatch.setattr(
        f"appliance.calls.{where[broken]}", raises if broken in {"judge", "announce"} else fails
    )
    if broken == "judge":
        tell(switchboard, TEN, KNOWN)
    tell(switchboard, TEN, events.PhoneHungUp(leg))
    assert faults[0] > 0
    monkeypatch.undo()
    tell(switchboard, TEN, events.LineIdle("line1"))
    assert switchboard._board.channels["line1"].state is LineState.IDLE


def test_a_reminder_that_fails_leaves_the_state_and_the_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A step that concerns no call needs no rescue: the manual state holds, who talks goes on."""
    switchboard, faults = confined()
    talking(switchboard)
    monkeypatch.setattr("appliance.calls.manual_states.heed", fails)
    tell(switchboard, TEN, events.ServiceStateChanged(commands.SetUnattended(True, "op1")))
    assert faults[0] > 0
    monkeypatch.undo()
    assert switchboard._board.service.unattended is not None
    assert {call.state for call in switchboard._board.calls.values()} == {State.TALKING}


def test_who_waits_in_vain_for_the_dealing_comes_to_voicemail(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody can be rung for them: they are not kept waiting."""
    switchboard, _ = confined(office="waiting_alone")
    board = switchboard._board
    for line in board.channels:
        tell(switchboard, TEN, events.LineRang(line), events.CallerIdentified(line, Caller()))
        queued = [call for call in board.calls.values() if call.state is State.QUEUED]
        if queued:
            break
        for call in board.calls.values():
            if call.legs:
                tell(switchboard, TEN, events.OperatorAnswered(*next(iter(call.legs.items()))))
    assert queued
    with monkeypatch.context() as patch:
        patch.setattr("appliance.calls.ringing.serve_queue", fails)
        tell(switchboard, TEN, events.MessagesWaiting(1))
    assert queued[0].state in {State.GREETING_PENDING, State.GREETING, State.CALLBACK_OFFERED}


@pytest.mark.parametrize("number", ["0051234567", "*85", "12"])
def test_a_call_that_a_phone_makes_ends_with_its_line(number: str) -> None:
    """What fails is that call: its phone and its line are let go, its record is final."""
    switchboard, _ = confined()
    tell(switchboard, TEN, events.PhoneDialled("k1", "op1", number))
    side = switchboard._board.sides["k1"]
    does = {row.do for rows in side.table.values() for row in rows.values()}
    given = befall(switchboard, TEN, events.OperatorAnswered("k1", "op1"), *does)
    given += befall(switchboard, TEN, events.PhoneHungUp("k1"), *does)
    assert "k1" not in switchboard._board.sides
    assert all(channel.call == "" for channel in switchboard._board.channels.values())
    finals = [record for record in records(given) if record.ended_at is not None]
    assert len(finals) == number.startswith("0")


def test_an_order_that_cannot_be_carried_out_is_its_calls_fault() -> None:
    """What could not be ordered of a line or a phone leads the call to safety, too."""
    switchboard, _ = confined()
    given = tell(switchboard, TEN, RANG, KNOWN)
    (ring,) = [order for order in given if isinstance(order, orders.RingPhones)]
    assert orders.AnswerLine("line1") in switchboard.failed(ring, TEN)
    dialled = tell(switchboard, TEN, events.PhoneDialled("k1", "desk1", "*85"))
    accept = next(order for order in dialled if isinstance(order, orders.AcceptPhone))
    assert orders.HangUpPhone("k1") in switchboard.failed(accept, TEN)
    assert "k1" not in switchboard._board.sides


def test_an_operators_phone_that_is_lost_leaves_the_caller_with_voicemail() -> None:
    """The line is up already: the greeting is heard at once."""
    switchboard, _ = confined()
    lost = events.PhoneLost(talking(switchboard))
    given = befall(switchboard, TEN, lost, CallAction.OPERATOR_LOST)
    assert any("it/greeting_fault" in o.prompts for o in given if isinstance(o, orders.Play))
    assert state_of(switchboard) is State.GREETING


def test_a_call_for_help_that_finds_no_line_by_a_fault_is_not_left_waiting() -> None:
    """Whoever dialled hears that the call is over and dials again."""
    switchboard, _ = confined()
    for line in switchboard._board.channels:
        tell(switchboard, TEN, events.LineLost(line, unchanged("unplugged")))
    tell(switchboard, TEN, events.LineRestored("line1"), RANG, KNOWN)
    tell(switchboard, TEN, events.PhoneDialled("k1", "desk1", "90112"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("appliance.calls.outgoing.seek", fails)
        given = tell(switchboard, TEN, events.OperatorAnswered("k1", "desk1"))
    assert orders.HangUpPhone("k1") in given
    assert "k1" not in switchboard._board.sides
    assert [r.result for r in records(given) if r.ended_at] == [Result.NOT_REACHED]


def test_the_head_leaves_a_conversation_that_goes_on() -> None:
    """What the head hears cannot be kept: operator and caller talk on."""
    switchboard = test_conference.talking()
    test_conference.three(switchboard)
    switchboard.on_fault = lambda: None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("appliance.calls.conference.place_supervisor", fails)
        given = tell(switchboard, TEN, events.MessagesWaiting(1))
    assert any(isinstance(order, orders.HangUpPhone) for order in given)
    assert switchboard._board.sides == {}
    assert state_of(switchboard) is State.TALKING


def test_a_return_for_which_nobody_can_be_sought_comes_to_voicemail() -> None:
    """The caller of a transfer that comes back is not kept on hold by a fault."""
    switchboard, _ = confined()
    talking(switchboard)
    call = next(iter(switchboard._board.calls.values()))
    call.state = State.TRANSFER_RETURNING
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("appliance.calls.returning.seek", fails)
        tell(switchboard, TEN, events.MessagesWaiting(1))
    assert call.state is State.GREETING


def test_a_telephone_called_over_a_second_line_is_out() -> None:
    """Its line is hung up, and the caller goes on as if it had not answered."""
    switchboard = Switchboard(OFFICES["outside"], "boot7", on_fault=lambda: None)
    for line in switchboard._board.channels:
        tell(switchboard, TEN, events.LineRestored(line))
    given = tell(switchboard, TEN, RANG, KNOWN)
    (dials,) = [order for order in given if isinstance(order, orders.DialLeg)]
    side = next(iter(switchboard._board.sides.values()))
    does = {row.do for rows in side.table.values() for row in rows.values()}
    answered = events.FarEndProgressed(dials.line, events.FarEnd.ANSWERED)
    given = befall(switchboard, TEN, answered, *does)
    assert orders.HangUp(dials.line) in given
    assert orders.AnswerLine("line1") in given
    assert switchboard._board.sides == {}
    tell(switchboard, TEN, events.LineIdle(dials.line))
    assert switchboard._board.channels[dials.line].state is LineState.IDLE


@pytest.mark.parametrize("plain", [False, True])
def test_a_message_whose_line_is_free_touches_that_line_no_more(
    plain: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line may have its next call by then."""
    switchboard, _ = confined(NIGHT)
    call = recording(switchboard)
    tell(switchboard, NIGHT, events.RecordingEnded(call, RecordingStop.RELEASE, 9000))
    tell(switchboard, NIGHT, events.LineIdle("line1"), RANG)
    second = switchboard._board.channels["line1"].call
    befall(switchboard, NIGHT, events.ServiceStateChanged(None), CallAction.FREE_LINE)
    saving = switchboard._board.calls[call]
    does = {CallAction.FREE_LINE, CallAction.LINE_WENT, CallAction.NOT_SAVED, CallAction.SAVED}
    if plain:
        monkeypatch.setattr("appliance.calls.confinement.release_phones", raises)
        given = befall(switchboard, NIGHT, events.StoreFailed(call, "full"), *does)
    else:
        befall(switchboard, NIGHT, events.MediaGatewayLost("killed"), *does)
        assert saving.state is State.SAVING
        given = tell(switchboard, NIGHT, events.MessageStored(call, "m1", 9000))
    assert orders.HangUp("line1") not in given
    assert call not in switchboard._board.calls
    assert second != call
    assert switchboard._board.channels["line1"].call in {second, ""}


def test_a_phone_that_hears_messages_hears_on() -> None:
    """A key that failed is pressed again; what is no side of the switchboard's any more is left
    alone.
    """
    switchboard, _ = confined()
    tell(switchboard, TEN, events.PhoneDialled("k1", "desk1", "*85"))
    tell(switchboard, TEN, events.OperatorAnswered("k1", "desk1"))
    side = switchboard._board.sides["k1"]
    does = {row.do for rows in side.table.values() for row in rows.values()}
    befall(switchboard, TEN, events.DigitPressed("1", DigitSource.RFC4733, leg="k1"), *does)
    assert switchboard._board.sides["k1"] is side
    board = switchboard._board
    del board.sides["k1"]
    assert list(confinement.of_side(board, side, None, None, TEN, lambda: None)) == []


def test_where_nothing_at_all_can_be_done_nothing_is_left_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The plainest step fails too: neither call nor side is kept, their lines serve the next."""
    switchboard, faults = confined()
    for name in ("confinement.release_phones", "confinement.end_call", "outgoing.end_dialled"):
        monkeypatch.setattr(f"appliance.calls.{name}", raises)
    tell(switchboard, TEN, RANG)
    befall(switchboard, TEN, events.CallerHungUp("line1", Evidence.GAVE_UP), CallAction.GIVE_UP)
    tell(switchboard, TEN, events.PhoneDialled("k1", "desk1", "0051234567"))
    side = switchboard._board.sides["k1"]
    does = {row.do for rows in side.table.values() for row in rows.values()}
    befall(switchboard, TEN, events.OperatorAnswered("k1", "desk1"), *does)
    assert switchboard._board.calls == {}
    assert switchboard._board.sides == {}
    assert all(channel.call == "" for channel in switchboard._board.channels.values())
    assert faults[0] > 3
