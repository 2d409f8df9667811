"""The phone's own key after a consultation: what a story cannot say of it (RFC 3891, RFC 5589)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.calls import events, orders
from appliance.calls.events import TransferAsked, TransferKind
from appliance.calls.orders import Order
from appliance.calls.states import State
from appliance.calls.switchboard import Switchboard
from tests.calls.examples import KNOWN, TEN, later, records, tell
from tests.calls.test_transfer import asked, office_switchboard

ATTENDED = TransferKind.ATTENDED


def consulting(phone: str = "op1", digits: str = "31") -> Switchboard:
    """Return a switchboard: op1 holds a caller, `phone` talks with an office on leg "d"."""
    switchboard = office_switchboard()
    given = tell(switchboard, TEN, events.PhoneDialled("d", phone, digits))
    (ring,) = [order for order in given if isinstance(order, orders.RingPhones)]
    (rung,) = ring.ringing
    tell(switchboard, TEN, events.OperatorAnswered(rung.leg, rung.phone))
    joined = tell(switchboard, TEN, events.OperatorAnswered("d", phone))
    assert orders.Join("d", rung.leg) in joined
    return switchboard


def join(switchboard: Switchboard, other: str = "d", fault: int = 0, leg: str = "") -> list[Order]:
    """Press the transfer key in the caller's call, or in another one."""
    call = next(iter(switchboard._board.calls.values()))
    wish = TransferAsked(leg or call.leg, call.leg_phone, "", ATTENDED, other, fault)
    return tell(switchboard, TEN, wish)


def refused(given: list[Order]) -> int:
    """Return the code by which a transfer was refused; nothing else was ordered of anybody."""
    (code,) = [order.code for order in given if isinstance(order, orders.TellTransfer)]
    assert {type(order) for order in given} <= {orders.WriteCall, orders.TellTransfer}
    return code


def test_the_office_has_answered_its_call() -> None:
    """E8: a consultation counts as an answer of the office."""
    switchboard = office_switchboard()
    call = next(iter(switchboard._board.calls.values()))
    for _ in range(3):
        asked(switchboard)
        assert call.transfer is not None
        for _ in range(2):
            tell(switchboard, TEN, events.PhoneDeclined(call.transfer.leg))
        tell(switchboard, TEN, events.DigitPressed("*", events.DigitSource.RFC4733, leg=call.leg))
    assert call.transfer is not None
    of = ("anagrafe", "residenza", call.transfer.allowed.band_ends)
    assert switchboard._board.unanswered.count(*of) == 3
    tell(switchboard, TEN, events.PhoneDialled("d", "op1", "31"))
    tell(switchboard, TEN, events.OperatorAnswered("d.other", "ana1"))
    tell(switchboard, TEN, events.OperatorAnswered("d", "op1"))
    assert orders.Connect("line1", "d.other") in join(switchboard)
    assert switchboard._board.unanswered.count(*of) == 0


@pytest.mark.parametrize("fault", [481, 403, 486])
def test_what_the_phones_room_found_wrong_is_told(fault: int) -> None:
    """No such call, another phone's, one that was to be unanswered: its own code, nothing lost."""
    switchboard = consulting()
    assert refused(join(switchboard, "", fault)) == fault
    assert orders.Connect("line1", "d.other") in join(switchboard)  # and it can be done after


def test_whoever_hung_up_meanwhile_is_not_joined() -> None:
    """The clerk's BYE crosses the REFER: the caller stays with the operator."""
    switchboard = consulting()
    tell(switchboard, TEN, events.PhoneHungUp("d.other"))
    assert refused(join(switchboard)) == 481
    assert next(iter(switchboard._board.calls.values())).state is State.TALKING


def test_a_colleagues_conversation_is_none_of_its_own() -> None:
    """Though the SIP thread had let it pass: the leg must be the asking phone's."""
    switchboard = office_switchboard()
    for leg, phone, digits in (("d", "desk1", "33"), ("d2", "op1", "22")):
        tell(switchboard, TEN, events.PhoneDialled(leg, phone, digits))
        other = {"33": "ana2", "22": "desk2"}[digits]
        tell(switchboard, TEN, events.OperatorAnswered(f"{leg}.other", other))
        tell(switchboard, TEN, events.OperatorAnswered(leg, phone))
    assert refused(join(switchboard, "d")) == 481
    assert refused(join(switchboard, "d2")) == 603  # its own, but the counter is no office


@pytest.mark.parametrize("other", ["", "d.nobody"])
def test_one_call_is_not_two(other: str) -> None:
    """A phone that names the call in which it asks, or one that there is not."""
    switchboard = consulting()
    call = next(iter(switchboard._board.calls.values()))
    assert refused(join(switchboard, other or call.leg)) == 481


def test_two_callers_are_not_joined() -> None:
    """A phone with a caller on each line is no way for one to reach the other."""
    switchboard = office_switchboard()
    tell(switchboard, TEN, events.LineRang("line2"), replace(KNOWN, line="line2"))
    first, second = switchboard._board.calls.values()
    leg = next(leg for leg, phone in second.legs.items() if phone == "op2")
    tell(switchboard, TEN, events.OperatorAnswered(leg, "op2"), events.LineAnswered("line2"))
    assert refused(join(switchboard, second.leg)) == 481
    assert first.state is second.state is State.TALKING


def test_who_was_rung_by_the_clerk_may_join_too() -> None:
    """It does not matter who dialled whom: the clerk called op1, who then picked up a caller."""
    switchboard = consulting(phone="op1")
    side = switchboard._board.sides["d"]
    call = next(iter(switchboard._board.calls.values()))
    side.phone, side.other = "ana1", "op1"  # type: ignore[attr-defined]  # an Intercom
    given = join(switchboard, "d.other")
    assert orders.Connect("line1", "d") in given
    assert orders.HangUpPhone("d.other") in given
    assert call.record.target == "Anagrafe, sportello 1"


def test_a_caller_who_hangs_up_meanwhile_leaves_the_two_talking() -> None:
    """The consultation is a call of its own; asked then, the phone is told that it is too late."""
    switchboard = consulting()
    call = next(iter(switchboard._board.calls.values()))
    leg = call.leg
    tell(switchboard, TEN, events.CallerHungUp("line1", events.Evidence.BUSY_TONE))
    assert "d" in switchboard._board.sides
    assert refused(join(switchboard, leg=leg)) == 603


def test_engaged_and_absent_offices_are_not_consulted() -> None:
    """486 where all its phones are engaged, 480 where none is there."""
    switchboard = office_switchboard()
    tell(switchboard, TEN, events.PhoneGone("ana2"))
    tell(switchboard, TEN, events.PhoneDialled("x", "desk2", "12"))  # op2 and the counter talk
    switchboard._board.sides["x"].other = "ana1"  # type: ignore[attr-defined]  # an Intercom
    given = tell(switchboard, TEN, events.PhoneDialled("d", "op1", "31"))
    assert given == [orders.RefusePhone("d", 486)]
    tell(switchboard, TEN, events.PhoneGone("ana1"))
    given = tell(switchboard, TEN, events.PhoneDialled("d", "op1", "31"))
    assert given == [orders.RefusePhone("d", 480)]


@pytest.mark.parametrize(("phone", "digits"), [("op2", "31"), ("op1", "31*7"), ("op1", "3")])
def test_what_is_no_consultation(phone: str, digits: str) -> None:
    """A phone that has no caller, a reason that there is not, no code: 404 as ever."""
    given = tell(office_switchboard(), TEN, events.PhoneDialled("d", phone, digits))
    assert given == [orders.RefusePhone("d", 404)]


def test_no_band_ends_a_conversation_with_the_wrong_words() -> None:
    """E23: the words of a refusal go once the call goes on to an office."""
    switchboard = office_switchboard()
    call = next(iter(switchboard._board.calls.values()))
    night = later(TEN, 10 * 3600)
    asked(switchboard, night)
    assert call.refused.text("en").startswith("Anagrafe")
    asked(switchboard)
    assert call.refused.text("en") == ""
    assert records([call.write()])[0].unit == "anagrafe"
