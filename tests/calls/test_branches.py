"""B9: callers handed over to a branch and taken over from one: what a story cannot say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.calls import events, orders
from appliance.calls.events import Caller, DeclineReason, Evidence, Passed, Presentation
from appliance.calls.orders import Order, Result, Way
from appliance.calls.side_states import SideState
from appliance.calls.switchboard import Switchboard
from tests.calls.desk import KNOWN, NIGHT, RANG, TEN, later, records, tell, up
from tests.stories.offices import OFFICES
from tests.stories.registers import BRANCHES, SEATS

WITHHELD = events.CallerIdentified("line1", Caller(Presentation.WITHHELD))
ADA = Caller(Presentation.SHOWN, "051234567", "Ada Rossi")
COMES = events.BranchCalled("trunk-1", "porto", Caller(Presentation.SHOWN, "0512222222"))
LEG = "trunk-1"


def desk(office: str = "branches") -> Switchboard:
    """A desk whose branches are there and have declared themselves."""
    made = up(office)
    tell(made, TEN, events.RegisterChanged(SEATS))
    tell(made, TEN, *(events.PhoneRegistered(name) for name in BRANCHES))
    return made


def alone(office: str = "branches") -> Switchboard:
    """The same with no phone of its own."""
    made = desk(office)
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
    night = rings(tell(desk(), NIGHT, RANG, KNOWN))
    assert night.passed == Passed("time-of-day")


def test_an_operator_who_transfers_to_a_branch_tells_it_so() -> None:
    """P3, B9: a branch is a destination like any other; it has many positions."""
    made = desk()
    tell(made, TEN, RANG, KNOWN, events.OperatorAnswered("boot7-1.1", "op1"))
    tell(made, TEN, events.LineAnswered("line1"))
    keys = [events.DigitPressed(k, events.DigitSource.RFC4733, leg="boot7-1.1") for k in "**81#1"]
    assert rings(tell(made, TEN, *keys)).passed == Passed("deflection")


def test_nobody_is_handed_over_in_a_case_that_is_not_written() -> None:
    """The configuration says when: here never, so that voicemail answers at once."""
    made = alone()
    made._desk.office = replace(
        made.office, branches=replace(made.office.branches, when=frozenset())
    )
    given = tell(made, TEN, RANG, KNOWN)
    assert phones(given) == []
    assert records(given)[-1].way is Way.VOICEMAIL


def test_a_branch_that_cannot_be_reached_is_passed_over() -> None:
    """B4: the cable is cut, the proxy is down: the policy goes on as without it."""
    made = alone()
    tell(made, TEN, events.PhoneGone("sede1"))
    assert phones(tell(made, TEN, RANG, KNOWN)) == ["sede2"]
    other = alone()
    tell(other, TEN, *(events.PhoneGone(name) for name in BRANCHES))
    assert records(tell(other, TEN, RANG, KNOWN))[-1].way is Way.VOICEMAIL


def test_without_sound_and_on_a_half_duplex_line_nobody_is_handed_over() -> None:
    """B2: there is nothing that could carry the conversation."""
    made = alone()
    made._desk.carrier = False
    assert phones(tell(made, TEN, RANG, KNOWN)) == []
    made = alone()
    made._desk.seats["line1"].learn("CX930xx", duplex=False)
    assert phones(tell(made, TEN, RANG, KNOWN)) == []


def test_each_branch_is_asked_once() -> None:
    """Both refuse: the caller is not sent round in a circle."""
    made = alone()
    tell(made, TEN, RANG, KNOWN)
    second = tell(made, TEN, events.PhoneDeclined("boot7-1.1", DeclineReason.REJECTED))
    assert phones(second) == ["sede2"]
    last = tell(made, TEN, events.PhoneUnreachable("boot7-1.2"))
    assert phones(last) == []
    assert records(last)[-1].way is Way.VOICEMAIL


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
    assert made._desk.service.away == ()
    seen = made._desk.attendance
    tell(made, later(TEN, 500), events.OperatorAnswered("boot7-9.9", "sede1"))
    assert made._desk.attendance == seen


def test_who_waited_in_vain_hears_music_while_a_branch_rings() -> None:
    """The caller is up already: no silence, and no second answer of the line."""
    made = desk("waiting_alone")
    made._desk.office = replace(made.office, branches=OFFICES["branches"].branches)
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


# --- taking over ----------------------------------------------------------------------------------


def test_free_positions_ring_and_the_first_has_the_caller() -> None:
    """Its record says whence, who and by whom; nothing of it is recorded in sound (E21)."""
    made = up()
    given = tell(made, TEN, COMES)
    ring = rings(given)
    assert [r.phone for r in ring.ringing] == ["op1", "op2"]
    assert (ring.display, ring.number) == ("porto 0512222222", "0512222222")
    first, second = (r.leg for r in ring.ringing)
    lifted = tell(made, TEN, events.OperatorAnswered(first, "op1"))
    assert lifted == [orders.StopRinging(second, answered_elsewhere=True), orders.AcceptPhone(LEG)]
    up_now = tell(made, later(TEN, 1), events.OperatorAnswered(LEG, "trunk"))
    assert orders.Join(LEG, first) in up_now
    assert made.status(TEN).positions[0].state == "busy"
    over = tell(made, later(TEN, 60), events.PhoneHungUp(LEG))
    assert orders.HangUpPhone(first) in over
    (record,) = records(over)
    assert (record.line, record.caller.number, record.phone) == ("porto", "0512222222", "op1")
    assert (record.way, record.result) == (Way.SWITCHBOARD, Result.ANSWERED)
    assert record.trail == (
        "rang", "branch.from.porto", "route.open.free", "ring.op1,op2", "answered.op1", "talking",
        "ended",
    )  # fmt: skip
    assert made._desk.sides == {}
    assert not [o for o in (*given, *lifted, *up_now, *over) if isinstance(o, orders.Record)]


def test_whoever_sent_the_caller_starts_nothing_here() -> None:
    """P5: keys and a REFER on the caller's own leg are nobody's of this office."""
    made = desk()
    tell(made, TEN, COMES)
    for asked in (
        events.TransferAsked(LEG, "trunk", "81", events.TransferKind.BLIND),
        events.TransferAsked(LEG, "trunk", "", events.TransferKind.ATTENDED, other="trunk-2"),
    ):
        assert tell(made, TEN, asked) == [orders.TellTransfer(LEG, orders.DECLINED)]
    tell(made, TEN, events.OperatorAnswered("trunk-1.1", "op1"))
    tell(made, TEN, events.OperatorAnswered(LEG, "trunk"))
    keys = [events.DigitPressed(k, events.DigitSource.RFC4733, leg=LEG) for k in "**81#"]
    assert tell(made, TEN, *keys) == []
    dialled = events.PhoneDialled("trunk-9", "trunk", "*85")
    assert tell(made, TEN, dialled) == [orders.RefusePhone("trunk-9", 403)]


def test_who_comes_over_is_never_handed_on() -> None:
    """No loop A to B to A: nobody lifts, and the answer goes to whoever sent the caller."""
    made = desk()
    tell(made, TEN, COMES)
    now = later(TEN, 25.0)
    given = tell(made, now, *made.due(now))
    assert orders.RefusePhone(LEG, 480) in given
    assert phones(given) == []
    assert records(given)[-1].result is Result.NOT_REACHED


@pytest.mark.parametrize(
    ("before", "now", "code"),
    [
        ((), NIGHT, 480),
        ((RANG, KNOWN, events.OperatorAnswered("boot7-1.1", "op1")), TEN, 486),
        ((events.PhoneGone("op1"),), TEN, 480),
        ((events.CarrierLost("gone"),), TEN, 503),
    ],
)
def test_a_caller_whom_nobody_here_can_take_is_refused_at_once(
    before: tuple[events.Event, ...], now: object, code: int
) -> None:
    """Closed, all busy, nobody there, no sound: neither voicemail nor waiting, and no record."""
    made = desk()
    tell(made, TEN, *before)
    assert tell(made, now, COMES) == [orders.RefusePhone(LEG, code)]  # type: ignore[arg-type]


def test_a_caller_without_an_origin_comes_by_sip() -> None:
    """A telephone system says no branch; and a leg comes once."""
    made = up()
    told = replace(COMES, origin="", caller=Caller(Presentation.WITHHELD))
    ring = rings(tell(made, TEN, told))
    assert (ring.display, ring.number) == ("sip numero riservato", "")
    assert tell(made, TEN, told) == []


def test_the_counter_takes_over_where_the_switchboard_cannot() -> None:
    """P8: the same policy as for a caller of our own."""
    made = up()
    tell(made, TEN, events.PhoneGone("op1"), events.PhoneGone("op2"))
    given = tell(made, TEN, COMES)
    assert phones(given) == ["desk1", "desk2"]
    assert records(given)[-1].way is Way.CITIZENS_DESK


def test_positions_that_decline_and_a_caller_who_goes() -> None:
    """The last one that declines refuses the call; a caller who goes stops every phone."""
    made = up()
    one, other = (r.leg for r in rings(tell(made, TEN, COMES)).ringing)
    assert tell(made, TEN, events.PhoneDeclined(one, DeclineReason.REJECTED)) == []
    given = tell(made, TEN, events.PhoneBusy(other))
    assert orders.RefusePhone(LEG, 480) in given
    assert records(given)[-1].trail[-3:] == ("declined.op1", "declined.op2", "ended")
    again = replace(COMES, leg="trunk-2")
    legs = [r.leg for r in rings(tell(made, TEN, again)).ringing]
    gone = tell(made, TEN, events.PhoneHungUp("trunk-2"))
    assert [orders.StopRinging(leg) for leg in legs] == gone[:2]
    assert records(gone)[-1].evidence is Evidence.GAVE_UP


def test_a_stray_answer_of_the_callers_leg_accepts_nobody() -> None:
    """Only a position that rings can lift."""
    made = up()
    tell(made, TEN, COMES)
    assert tell(made, TEN, events.OperatorAnswered(LEG, "trunk")) == []
    assert made._desk.sides[LEG].state is SideState.RINGING


@pytest.mark.parametrize(
    ("event", "result", "evidence"),
    [
        (events.PhoneHungUp("trunk-1.1"), Result.ANSWERED, Evidence.OPERATOR),
        (events.PhoneLost("trunk-1"), Result.ANSWERED, Evidence.LOST),
        (events.CarrierLost("gone"), Result.LOST, None),
        (events.BoxStopped("stopped"), Result.STOPPED, None),
    ],
)
def test_how_a_conversation_with_a_branchs_caller_ends(
    event: events.Event, result: Result, evidence: Evidence | None
) -> None:
    """Whoever goes, the other one is not left in silence, and the record says how it was."""
    made = up()
    tell(made, TEN, COMES, events.OperatorAnswered("trunk-1.1", "op1"))
    tell(made, TEN, events.OperatorAnswered(LEG, "trunk"))
    given = tell(made, TEN, event)
    assert [order for order in given if isinstance(order, orders.HangUpPhone)]
    (record,) = records(given)
    assert (record.result, record.evidence) == (result, evidence)


def test_a_leg_that_never_comes_up_was_no_conversation() -> None:
    """The position lifted, the caller's leg did not: it is let go, and nobody was reached."""
    made = up()
    tell(made, TEN, COMES, events.OperatorAnswered("trunk-1.1", "op1"))
    given = tell(made, TEN, events.PhoneHungUp(LEG))
    assert orders.HangUpPhone("trunk-1.1") in given
    assert records(given)[-1].result is Result.NOT_REACHED
