"""The head in a conversation beside the stories (E10): who cannot come, what crosses, what ends."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.calls import commands, events, orders
from appliance.calls.conference import SENTENCES, SupervisorHindrance
from appliance.calls.orders import Order
from appliance.calls.states import State
from appliance.calls.switchboard import Switchboard
from appliance.errors import OfficeError
from tests.calls.examples import KNOWN, RANG, TEN, UP, later, tell, up
from tests.stories.directories import TOWN

BRING = commands.BringHead("op1", "op1")


def talking(office: str = "head") -> Switchboard:
    """Return a switchboard on which op1 talks with a caller; the head's phones are there."""
    switchboard = up(office)
    tell(switchboard, TEN, events.PhoneRegistered("capo1"), RANG, KNOWN)
    (call,) = switchboard._board.calls.values()
    leg = next(leg for leg, phone in call.legs.items() if phone == "op1")
    tell(switchboard, TEN, events.OperatorAnswered(leg, "op1"), UP)
    return switchboard


def wish(switchboard: Switchboard, request: object = BRING) -> list[Order]:
    """Ask by command."""
    (first, *_) = switchboard._board.calls
    return tell(switchboard, TEN, events.HeadWished(first, request))


def rung(given: list[Order]) -> dict[str, str]:
    """Return the phones that are rung, by their legs' phone."""
    rings = [order for order in given if isinstance(order, orders.RingPhones)]
    return {ringing.phone: ringing.leg for order in rings for ringing in order.ringing}


def three(switchboard: Switchboard, phone: str = "capo1") -> str:
    """Have a phone of the head's join; return its leg."""
    leg = rung(wish(switchboard))[phone]
    tell(switchboard, TEN, events.OperatorAnswered(leg, phone))
    return leg


def why_not(switchboard: Switchboard) -> SupervisorHindrance | None:
    """Say what a person is told who asks for the head."""
    said = switchboard.answer_about_head(BRING, TEN)
    return next((why for why, words in SENTENCES.items() if words == said), None)


def test_one_of_two_phones_is_out_and_the_other_rings_on() -> None:
    """The operator hears of it only when nobody is left."""
    switchboard = talking()
    legs = rung(wish(switchboard))
    assert list(legs) == ["capo1", "op2"]
    (written,) = tell(switchboard, TEN, events.PhoneBusy(legs["capo1"]))
    assert isinstance(written, orders.WriteCall)
    (whisper, _) = tell(switchboard, TEN, events.PhoneUnreachable(legs["op2"]))
    assert whisper == orders.Whisper("boot7-1.1", ("it/nobody_there",))


def test_who_lifts_too_late_is_hung_up() -> None:
    """It crossed the order to stop ringing; the conversation is untouched."""
    switchboard = talking()
    legs = rung(wish(switchboard))
    tell(switchboard, TEN, events.OperatorAnswered(legs["capo1"], "capo1"))
    late = tell(switchboard, TEN, events.OperatorAnswered(legs["op2"], "op2"))
    assert late == [orders.HangUpPhone(legs["op2"])]


def test_why_the_head_cannot_come() -> None:
    """No phone, out of reach, away, all absent, a telephone outside, there already."""
    assert why_not(talking("example")) is SupervisorHindrance.NO_PHONE
    switchboard = talking()
    assert why_not(switchboard) is None
    switchboard._board.outside["boot7-1.1"] = "line2"
    assert why_not(switchboard) is SupervisorHindrance.OUTSIDE
    switchboard._board.outside.clear()
    tell(switchboard, TEN, events.ServiceStateChanged(commands.SetAllAbsent(True, "op1")))
    assert why_not(switchboard) is SupervisorHindrance.ALL_ABSENT
    tell(switchboard, TEN, events.ServiceStateChanged(commands.SetAllAbsent(False, "op1")))
    tell(switchboard, TEN, events.PhoneGone("op2"))
    tell(switchboard, TEN, events.ServiceStateChanged(commands.SetAway(True, "capo1")))
    assert why_not(switchboard) is SupervisorHindrance.AWAY
    tell(switchboard, TEN, events.PhoneGone("capo1"))
    assert why_not(switchboard) is SupervisorHindrance.UNREACHABLE
    tell(switchboard, TEN, events.ServiceStateChanged(commands.SetAway(False, "capo1")))
    tell(switchboard, TEN, events.PhoneRegistered("capo1"))
    three(switchboard)
    assert why_not(switchboard) is SupervisorHindrance.THERE
    assert wish(switchboard) == []


def test_the_head_has_one_conversation_at_a_time() -> None:
    """A second operator is told that the head is on the phone; nor does the head pick up a call."""
    switchboard = talking("offices")
    three(switchboard)
    tell(switchboard, TEN, events.LineRang("line2"), events.CallerIdentified("line2", KNOWN.caller))
    picked = tell(switchboard, TEN, events.PhoneDialled("k1", "capo1", "*85"))
    assert picked == [orders.AcceptPhone("k1")]
    assert switchboard._board.calls["boot7-2"].state is State.RINGING
    second = switchboard._board.calls["boot7-2"]
    leg = next(leg for leg, phone in second.legs.items() if phone == "op2")
    tell(switchboard, TEN, events.OperatorAnswered(leg, "op2"), events.LineAnswered("line2"))
    said = switchboard.answer_about_head(replace(BRING, call="op2"), TEN)
    assert said == SENTENCES[SupervisorHindrance.BUSY]


def test_whoever_talks_with_nobody_cannot_ask() -> None:
    """A command names a call or a phone that talks with a caller; what is no wish does nothing."""
    switchboard = talking()
    with pytest.raises(OfficeError, match="'op2' talks with no caller"):
        switchboard.answer_about_head(replace(BRING, call="op2"), TEN)
    assert wish(switchboard, "nonsense") == []
    assert wish(switchboard, replace(BRING, on=False)) == []


def test_an_emergency_takes_the_line_of_three() -> None:
    """The one exception: both phones are let go, the caller hears why."""
    switchboard = talking()
    head = three(switchboard)
    given = tell(switchboard, TEN, events.LineNeeded("line1"))
    assert orders.HangUpPhone("boot7-1.1") in given
    assert orders.HangUpPhone(head) in given
    assert any(isinstance(order, orders.Play) for order in given)
    assert switchboard._board.sides == {}


def test_with_the_media_gateway_all_three_are_gone() -> None:
    """B6: no phone is left to believe that it talks."""
    switchboard = talking()
    head = three(switchboard)
    given = tell(switchboard, TEN, events.MediaGatewayLost("killed"))
    assert orders.HangUpPhone(head) in given
    assert switchboard._board.sides == {}


def test_the_longest_call_ends_for_all_three() -> None:
    """B1: the limit is that of the conversation, whoever talks in it."""
    switchboard = talking()
    head = three(switchboard)
    end = later(TEN, 14_401.0)
    given = [order for passed in switchboard.due(end) for order in tell(switchboard, end, passed)]
    assert orders.HangUpPhone(head) in given
    assert switchboard._board.calls["boot7-1"].state is State.FAREWELL


def test_the_operator_leaves_while_keying() -> None:
    """A code that was begun is nobody's any more; caller and head talk on."""
    switchboard = talking()
    head = three(switchboard)
    star = events.DigitPressed("*", events.DigitSource.RFC4733, leg="boot7-1.1")
    tell(switchboard, TEN, star, star)
    given = tell(switchboard, TEN, events.PhoneHungUp("boot7-1.1"))
    assert orders.Connect("line1", head) in given
    (call,) = switchboard._board.calls.values()
    assert (call.state, call.leg_phone, call.keyed) == (State.TALKING, "capo1", "")
    assert [one.head for one in switchboard.status(TEN).calls] == [None]


def test_a_transfer_that_fails_at_once_leaves_three() -> None:
    """P6: within one moment the caller was parted and joined again; the head is let in anew."""
    switchboard = talking("offices")

    tell(switchboard, TEN, events.DirectoryChanged(TOWN))
    head = three(switchboard)
    refer = events.TransferAsked("boot7-1.1", "op1", "31", events.TransferKind.BLIND)
    given = tell(switchboard, TEN, refer)  # none of the office's phones is registered
    connected = given.index(orders.Connect("line1", "boot7-1.1"))
    assert given.index(orders.BringIn("line1", head)) > connected


def test_a_phone_that_ends_its_call_by_itself_leaves_the_caller_with_the_head() -> None:
    """P6: told that its transfer has failed it hangs up; the caller is not alone."""
    switchboard = talking("offices")
    tell(switchboard, TEN, events.DirectoryChanged(TOWN))
    head = three(switchboard)
    refer = events.TransferAsked("boot7-1.1", "op1", "31", events.TransferKind.BLIND)
    tell(switchboard, TEN, refer)
    given = tell(switchboard, TEN, events.PhoneHungUp("boot7-1.1"))
    assert orders.Connect("line1", head) in given
    assert rung(given) == {}
