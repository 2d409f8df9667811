"""A position calls out: what a story cannot say, and a call that goes on from another one."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from appliance.calls import events, model, orders, outgoing
from appliance.calls.events import Caller, FarEnd, FarEndProgressed, Presentation
from appliance.calls.model import Side
from appliance.calls.outgoing import OutgoingCall
from appliance.calls.side_states import KEY_TABLE, SideState
from appliance.calls.switchboard import Switchboard
from appliance.policy.clock import Now
from appliance.policy.dialling import DialLedger, DialRefusal, PlacedCall
from appliance.text import unchanged
from tests.calls.examples import KNOWN, NIGHT, RANG, TEN, later, records, tell, up

HELP = events.PhoneDialled("help", "op2", "90112")


def ready(now: Now = TEN) -> Switchboard:
    """Return a Switchboard that knows who has called."""
    board = up(now=now)
    tell(board, now, events.NumbersKnown(DialLedger()))
    return board


@dataclass(slots=True)
class Hearing(Side):
    """A call of a phone that has heard something, and goes on calling."""


def heard(switchboard: Switchboard) -> Hearing:
    """Return such a call; its phone is up."""
    side = Hearing("k1", "op1", KEY_TABLE, {}, SideState.SPEAKING)
    switchboard._board.add_side(side, TEN)
    return side


@pytest.mark.parametrize(
    ("number", "now", "ordered"),
    [
        ("+39 0541 704111", TEN, orders.DialLeg("line3", "0541704111", 120_000)),
        ("390541704111", TEN, orders.DialLeg("line3", "0541704111", 120_000)),
        ("541704111", TEN, orders.DialLeg("line3", "0541704111", 120_000)),
        ("892424", TEN, "it/cannot_dial"),
        ("0541704111", NIGHT, "it/off_hours"),
    ],
)
def test_a_phone_that_has_heard_a_message_calls_back(
    number: str, now: Now, ordered: object
) -> None:
    """The phone is up: its leg goes on in the call, or it hears why not; the case is kept (E17)."""
    switchboard = ready(now)
    before = heard(switchboard)
    given = list(outgoing.begin_for(switchboard._board, before, number, "message:3", now))
    side = switchboard._board.sides["k1"]
    assert isinstance(side, OutgoingCall)
    assert side.record.case == "message:3"
    told = [o.prompts[0] for o in given if isinstance(o, orders.Play)]
    assert ordered in [*given, *told]


def test_a_call_that_fails_at_its_end_has_one_final_record() -> None:
    """A fault of ours behind the record: phone and line are let go, nothing is written twice."""
    switchboard = ready()
    tell(switchboard, TEN, events.PhoneDialled("k1", "op1", "00541704111"))
    board = switchboard._board
    side = board.sides["k1"]
    assert isinstance(side, OutgoingCall)
    channel = board.channels["line3"]
    channel.call = "k1"
    (ending,) = outgoing.end_dialled(board, side, TEN)
    assert isinstance(ending, orders.WriteCall)
    assert list(side.abort(board, TEN)) == [orders.HangUpPhone("k1"), orders.HangUp("line3")]
    assert channel.call == ""


@pytest.mark.parametrize("sent", ["0541704111", "+390541704111", "390541704111"])
def test_who_rings_back_is_known_however_the_exchange_sends_the_number(sent: str) -> None:
    """E17: the call's record says so, and names the case of the call back."""
    switchboard = up()
    placed = PlacedCall("boot7-9", "op1", "0541704111", TEN.wall, "message:3", 20.0)
    tell(switchboard, TEN, events.NumbersKnown(DialLedger(placed=(placed,))))
    caller = Caller(Presentation.SHOWN, sent)
    tell(switchboard, TEN, events.LineRang("line1"), events.CallerIdentified("line1", caller))
    (call,) = switchboard._board.calls.values()
    assert (call.record.case, "rings_back" in call.record.trail) == ("message:3", True)


def test_two_people_never_call_back_at_once() -> None:
    """Whose message is being called back already is not called a second time (E16)."""
    switchboard = ready()
    asked = events.CallBackAsked("door", "op2", "0541704111", "message:3")
    tell(switchboard, TEN, asked)
    given = list(
        outgoing.begin_for(switchboard._board, heard(switchboard), "0541704111", "message:3", TEN)
    )
    assert [o.prompts for o in given if isinstance(o, orders.Play)] == [("it/message_held",)]
    assert not [o for o in given if isinstance(o, orders.DialLeg)]


def test_nobody_is_rung_without_a_number() -> None:
    """E16: a call-back of somebody whose number is not known is refused in words."""
    switchboard = ready()
    asked = events.CallBackAsked("door", "op2", "", "message:3")
    given = tell(switchboard, TEN, asked)
    answers = [o for o in given if isinstance(o, orders.AnswerAsked)]
    assert [(o.done, o.said) for o in answers] == [(False, outgoing.NO_NUMBER)]
    assert not [o for o in given if isinstance(o, orders.RingPhones)]


def test_the_call_before_ends_without_the_leg() -> None:
    """The kind of call that handed its leg on is over; the leg's new call is not."""
    switchboard = ready()
    board, before = switchboard._board, heard(switchboard)
    list(outgoing.begin_for(board, before, "0541704111", "message:3", TEN))
    before.enter(SideState.SPEAKING, TEN)
    before.actions = model.COMMON
    list(model.follow(board, before, events.PhoneHungUp("k1"), TEN))
    assert before.state is SideState.ENDED
    assert isinstance(board.sides["k1"], OutgoingCall)


def test_sounds_before_the_number_was_sent_mean_nothing() -> None:
    """What is heard while a line is dialled is the exchange's, not whoever is called."""
    switchboard = ready()
    tell(switchboard, TEN, HELP, events.OperatorAnswered("help", "op2"))
    assert tell(switchboard, TEN, FarEndProgressed("line1", FarEnd.RINGING)) == []
    assert switchboard._board.sides["help"].state is SideState.DIALLING


def test_a_line_that_does_not_come_free_is_passed_over() -> None:
    """An emergency call waits for a freed line for 8 s, then has the next one freed."""
    switchboard, now = ready(), TEN
    for number, phone in ((1, "op1"), (2, "desk1")):
        line, leg = f"line{number}", f"boot7-{number}"
        given = tell(
            switchboard, now, events.LineRang(line), events.CallerIdentified(line, KNOWN.caller)
        )
        ringing = [r for o in given if isinstance(o, orders.RingPhones) for r in o.ringing]
        leg = next((r.leg for r in ringing if r.phone == phone), ringing[0].leg)
        lifted = events.OperatorAnswered(leg, phone)
        tell(switchboard, now, lifted, events.LineAnswered(line))
        now = later(now, 60)
    tell(switchboard, now, events.LineLost("line3", unchanged("unplugged")))
    given = tell(switchboard, now, HELP, events.OperatorAnswered("help", "op2"))
    assert switchboard._board.sides["help"].freeing == "line1"  # type: ignore[attr-defined]
    for _ in range(9):
        now = later(now, 1.0)
        given = [o for passed in switchboard.due(now) for o in tell(switchboard, now, passed)]
        if given:
            break
    assert switchboard._board.sides["help"].freeing == "line2"  # type: ignore[attr-defined]
    assert any(isinstance(o, orders.Play) and o.line == "line2" for o in given)


def test_a_line_on_its_way_on_hook_is_waited_for() -> None:
    """A line that another call has just put down needs nobody to give way."""
    switchboard = ready()
    for line in ("line1", "line2", "line3"):
        tell(switchboard, TEN, events.LineLost(line, unchanged("unplugged")))
    tell(switchboard, TEN, events.LineRestored("line1", "modem"))
    tell(switchboard, TEN, HELP, events.OperatorAnswered("help", "op2"))
    tell(switchboard, TEN, FarEndProgressed("line1", FarEnd.NO_DIAL_TONE))
    second = events.PhoneDialled("second", "op1", "90118")
    tell(switchboard, TEN, second, events.OperatorAnswered("second", "op1"))
    assert switchboard._board.sides["second"].freeing == "line1"  # type: ignore[attr-defined]
    given = tell(switchboard, TEN, events.LineIdle("line1"))
    assert orders.DialLeg("line1", "90118", 120_000, emergency=True) in given


def test_a_call_out_without_a_phone_ends_with_the_media_gateway() -> None:
    """The phone has gone, the line is not proven idle, and then nothing can be proven any more."""
    switchboard = ready()
    tell(switchboard, TEN, HELP, events.OperatorAnswered("help", "op2"))
    tell(switchboard, TEN, events.PhoneHungUp("help"))
    given = tell(switchboard, TEN, events.MediaGatewayLost("killed"))
    assert [record.number_class for record in records(given)] == ["emergency"]
    assert switchboard._board.sides == {}
    assert not [order for order in given if isinstance(order, orders.HangUpPhone)]


def test_a_ringing_line_is_known_to_whoever_calls_back() -> None:
    """A caller is known from the moment the exchange says who it is; a strange line is nobody's."""
    switchboard = ready()
    tell(switchboard, TEN, RANG, KNOWN)
    tell(switchboard, TEN, events.CallerIdentified("line9", KNOWN.caller))
    assert list(switchboard._board.ledger.heard) == ["051234567"]


def test_every_refusal_is_said() -> None:
    """Whoever is refused hears why, in words of the house; none goes without (E17)."""
    assert set(outgoing.SAID) == set(DialRefusal)
    assert all(outgoing.SAID.values())
