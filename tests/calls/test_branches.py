"""B9: callers handed over to a branch: what a story cannot say (cf. test_branches_inbound.py)."""

from __future__ import annotations

from dataclasses import replace

from appliance.calls import events, orders
from appliance.calls.events import Caller, DeclineReason, Evidence, Passed, Presentation
from appliance.calls.orders import Order
from appliance.calls.switchboard import Switchboard
from appliance.policy.routing import Destination
from tests.calls.examples import KNOWN, NIGHT, RANG, TEN, later, records, tell, up
from tests.stories.directories import BRANCHES, SEATS
from tests.stories.offices import OFFICES

WITHHELD = events.CallerIdentified("line1", Caller(Presentation.WITHHELD))
ADA = Caller(Presentation.SHOWN, "051234567", "Ada Rossi")


def switchboard(office: str = "branches") -> Switchboard:
    """Return a switchboard whose branches are there and have declared themselves."""
    made = up(office)
    tell(made, TEN, events.DirectoryChanged(SEATS))
    tell(made, TEN, *(events.PhoneRegistered(name) for name in BRANCHES))
    return made


def alone(office: str = "branches") -> Switchboard:
    """The same with no phone of its own."""
    made = switchboard(office)
    tell(made, TEN, *(events.PhoneGone(phone) for phone in ("op1", "op2", "desk1", "desk2")))
    return made


def rings(given: list[Order]) -> orders.RingPhones:
    """Return the one order to ring."""
    (ring,) = [order for order in given if isinstance(order, orders.RingPhones)]
    return ring


def phones(given: list[Order]) -> list[str]:
    """Return the phones that are rung."""
    found = [order for order in given if isinstance(order, orders.RingPhones)]
    return [ringing.phone for order in found for ringing in order.ringing]


# --- handing over ---------------------------------------------------------------------------------


def test_a_branch_is_told_why_and_whether_the_number_may_be_told() -> None:
    """RFC 5806's word, and a caller who withholds the number."""
    shown = rings(tell(alone(), TEN, RANG, KNOWN))
    assert (shown.passed, shown.number) == (Passed("unavailable"), "051234567")
    hidden = rings(tell(alone(), TEN, RANG, WITHHELD))
    assert (hidden.passed, hidden.number) == (Passed("unavailable", withheld=True), "")
    night = rings(tell(switchboard(), NIGHT, RANG, KNOWN))
    assert night.passed == Passed("time-of-day")


def test_an_operator_who_transfers_to_a_branch_tells_it_so() -> None:
    """P3, B9: a branch is a destination like any other; it has many positions."""
    made = switchboard()
    tell(made, TEN, RANG, KNOWN, events.OperatorAnswered("boot7-1.1", "op1"))
    tell(made, TEN, events.LineAnswered("line1"))
    keys = [events.DigitPressed(k, events.DigitSource.RFC4733, leg="boot7-1.1") for k in "**81#1"]
    assert rings(tell(made, TEN, *keys)).passed == Passed("deflection")


def test_nobody_is_handed_over_in_a_case_that_is_not_written() -> None:
    """The configuration says when: here never, so that voicemail answers at once."""
    made = alone()
    made._board.office = replace(
        made.office, branches=replace(made.office.branches, when=frozenset())
    )
    given = tell(made, TEN, RANG, KNOWN)
    assert phones(given) == []
    assert records(given)[-1].way is Destination.VOICEMAIL


def test_a_branch_that_cannot_be_reached_is_passed_over() -> None:
    """B4: the cable is cut, the proxy is down: the policy goes on as without it."""
    made = alone()
    tell(made, TEN, events.PhoneGone("sede1"))
    assert phones(tell(made, TEN, RANG, KNOWN)) == ["sede2"]
    other = alone()
    tell(other, TEN, *(events.PhoneGone(name) for name in BRANCHES))
    assert records(tell(other, TEN, RANG, KNOWN))[-1].way is Destination.VOICEMAIL


def test_without_sound_and_on_a_half_duplex_line_nobody_is_handed_over() -> None:
    """B2: there is nothing that could carry the conversation."""
    made = alone()
    made._board.has_media = False
    assert phones(tell(made, TEN, RANG, KNOWN)) == []
    made = alone()
    made._board.channels["line1"].learn("CX930xx", duplex=False)
    assert phones(tell(made, TEN, RANG, KNOWN)) == []


def test_each_branch_is_asked_once() -> None:
    """Both refuse: the caller is not sent round in a circle."""
    made = alone()
    tell(made, TEN, RANG, KNOWN)
    second = tell(made, TEN, events.PhoneDeclined("boot7-1.1", DeclineReason.REJECTED))
    assert phones(second) == ["sede2"]
    last = tell(made, TEN, events.PhoneUnreachable("boot7-1.2"))
    assert phones(last) == []
    assert records(last)[-1].way is Destination.VOICEMAIL


def test_a_branch_is_no_position_that_goes_away() -> None:
    """E3: two calls in vain make nobody there absent; and who lifts there is nobody of ours."""
    made = alone()
    for n in (1, 2, 3):
        tell(made, later(TEN, 100 * n), RANG, KNOWN)
        for passed in (20.5, 41.0):
            now = later(TEN, 100 * n + passed)
            tell(made, now, *made.due(now))
        tell(made, later(TEN, 100 * n + 50), events.LineAnswered("line1"))
        tell(made, later(TEN, 100 * n + 51), events.CallerHungUp("line1", Evidence.BUSY_TONE))
        tell(made, later(TEN, 100 * n + 52), events.LineIdle("line1"))
    assert made._board.service.away == ()
    seen = made._board.attendance
    tell(made, later(TEN, 500), events.OperatorAnswered("boot7-9.9", "sede1"))
    assert made._board.attendance == seen


def test_who_waited_in_vain_hears_music_while_a_branch_rings() -> None:
    """The caller is up already: no silence, and no second answer of the line."""
    made = switchboard("waiting_alone")
    made._board.office = replace(made.office, branches=OFFICES["branches"].branches)
    tell(made, TEN, events.LineRang("line2"))
    tell(made, TEN, events.CallerIdentified("line2", ADA))
    tell(made, TEN, events.OperatorAnswered("boot7-1.1", "op1"), events.LineAnswered("line2"))
    tell(made, TEN, RANG, KNOWN, events.LineAnswered("line1"))
    now = later(TEN, 60.0)
    given = tell(made, now, *made.due(now))
    assert phones(given) == ["sede1"]
    assert orders.Hold("line1") in given
    assert orders.Connect("line1", "boot7-2.1") in tell(
        made, now, events.OperatorAnswered("boot7-2.1", "sede1")
    )


def test_people_of_another_branch_start_nothing_here() -> None:
    """P5: a telephone system passes on the keys and the REFER of its extensions: what they key is
    for the caller's far end, and a transfer they ask for is refused; here only our people decide.
    """
    made = alone()
    tell(made, TEN, RANG, KNOWN, events.OperatorAnswered("boot7-1.1", "sede1"))
    tell(made, TEN, events.LineAnswered("line1"))
    keys = [events.DigitPressed(k, events.DigitSource.SIP_INFO, leg="boot7-1.1") for k in "**81#"]
    assert tell(made, TEN, *keys) == [orders.PressKeys("line1", key) for key in "**81#"]
    for kind in events.TransferKind:
        asked = events.TransferAsked("boot7-1.1", "sede1", "81", kind)
        given = tell(made, TEN, asked)
        assert orders.TellTransfer("boot7-1.1", orders.DECLINED) in given
        assert phones(given) == []
    assert made.status(TEN).calls[0].state == "talking"
