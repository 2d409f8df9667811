"""B9: callers taken over from another branch: what a story cannot say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.calls import commands, conference, events, orders, sip_line
from appliance.calls.events import Caller, DeclineReason, Evidence, Presentation
from appliance.calls.orders import Order, Result
from appliance.calls.states import State
from appliance.calls.switchboard import Switchboard
from appliance.policy.clock import Now
from appliance.policy.routing import Destination
from appliance.policy.transfers import TransferReason
from tests.calls.examples import KNOWN, NIGHT, RANG, TEN, later, records, tell, up
from tests.calls.test_branches import phones, rings, switchboard
from tests.stories.directories import TOWN
from tests.stories.offices import OFFICES

LEG = "trunk-1"
COMES = events.BranchCalled(LEG, "porto", Caller(Presentation.SHOWN, "0512222222"))
LIFTS = events.OperatorAnswered("boot7-1.1", "op1")
IS_UP = events.OperatorAnswered(LEG, "trunk")
GOES = events.PhoneHungUp(LEG)
LOST = events.PhoneLost("boot7-1.1")


def talking(office: str = "example") -> Switchboard:
    """Return a switchboard whose op1 talks with a caller of Porto's."""
    made = up(office)
    tell(made, TEN, COMES, LIFTS, IS_UP)
    return made


def legs_of(made: Switchboard) -> set[str]:
    """Return the SIP legs that are lines of calls."""
    return {name for name in made._board.channels if made.office.line(name) is None}


def alone(made: Switchboard) -> None:
    """Leave op1 alone in the office."""
    tell(made, TEN, *(events.PhoneGone(phone) for phone in ("op2", "desk1", "desk2")))


def recording(made: Switchboard) -> list[Order]:
    """Have op1's phone die, nobody else there, and the caller speak; returns the last orders."""
    alone(made)
    tell(made, TEN, LOST)
    call = made._board.calls["boot7-1"]
    tell(made, TEN, events.PromptEnded(call.play))
    return tell(made, TEN, events.PromptEnded(call.play))


def played(given: list[Order]) -> list[str]:
    """Return to which legs something is played."""
    return [order.leg for order in given if isinstance(order, orders.Play)]


# --- it rings -------------------------------------------------------------------------------------


def test_free_positions_ring_and_the_first_has_the_caller() -> None:
    """Its record says whence, who and by whom; nothing of it is recorded in sound (E21)."""
    made = up()
    given = tell(made, TEN, COMES)
    ring = rings(given)
    assert [r.phone for r in ring.ringing] == ["op1", "op2"]
    assert (ring.display, ring.number) == ("porto 0512222222", "0512222222")
    first, second = (r.leg for r in ring.ringing)
    lifted = tell(made, TEN, events.OperatorAnswered(first, "op1"))
    assert lifted[:2] == [
        orders.AcceptPhone(LEG),
        orders.StopRinging(second, answered_elsewhere=True),
    ]
    assert not [o for o in lifted if isinstance(o, orders.Join)], "it has no sound before it is up"
    up_now = tell(made, later(TEN, 1), IS_UP)
    assert orders.Join(LEG, first) in up_now
    over = tell(made, later(TEN, 60), GOES)
    assert orders.HangUpPhone(first) in over
    record = records(over)[-1]
    assert (record.line, record.caller.number, record.phone) == ("porto", "0512222222", "op1")
    assert (record.way, record.result) == (Destination.SWITCHBOARD, Result.ANSWERED)
    assert record.trail == (
        "rang", "branch.from.porto", "route.open.free", "ring.op1,op2", "answered.op1", "talking",
        "released.signalled", "ended",
    )  # fmt: skip
    assert (made._board.calls, legs_of(made)) == ({}, set())
    everything = (*given, *lifted, *up_now, *over)
    assert not [o for o in everything if isinstance(o, orders.Record | orders.RecordLeg)]


def test_people_see_the_call_while_it_goes_on() -> None:
    """E22: it stands among the calls, ringing and talking, with whence it comes; its position is
    engaged; and it is none of the office's lines.
    """
    made = up()
    lines = made.status(TEN).lines
    tell(made, TEN, COMES)
    (seen,) = made.status(TEN).calls
    assert (seen.line, seen.state, seen.ringing) == ("porto", State.RINGING, ("op1", "op2"))
    assert seen.origin == "porto"
    tell(made, TEN, LIFTS, IS_UP)
    (seen,) = made.status(TEN).calls
    assert (seen.state, seen.phone, seen.caller.number) == (State.TALKING, "op1", "0512222222")
    assert made.status(TEN).positions[0].state == "busy"
    assert made.status(TEN).lines == lines
    tell(made, TEN, events.LineRang("line1"))
    assert [call.origin for call in made.status(TEN).calls] == ["porto", ""]


def test_who_comes_over_is_never_handed_on() -> None:
    """No loop A to B to A: nobody lifts, and the answer goes to whoever sent the caller."""
    made = switchboard()
    tell(made, TEN, COMES)
    now = later(TEN, 25.0)
    given = tell(made, now, *made.due(now))
    assert orders.RefusePhone(LEG, 480) in given
    assert phones(given) == []
    assert records(given)[-1].result is Result.NOT_REACHED


def test_nor_by_an_operator_or_once_somebody_has_lifted() -> None:
    """A third branch would see whoever came over as a caller handed over twice, and refuse."""
    made = switchboard()
    tell(made, TEN, COMES, LIFTS, IS_UP)
    where = ("op1", "savena", "pubblico", TransferReason.TOPIC, "op1")
    request = commands.TransferCall(*where, attended=False)
    assert phones(tell(made, TEN, events.TransferWished("boot7-1", request))) == ["op1"]
    other = switchboard()
    tell(other, TEN, COMES, LIFTS, IS_UP)
    given = tell(other, TEN, LOST)
    assert phones(given) == []
    assert played(given) == [LEG]


@pytest.mark.parametrize(
    ("before", "now", "code"),
    [
        ((), NIGHT, 480),
        ((RANG, KNOWN, LIFTS), TEN, 486),
        ((events.PhoneGone("op1"),), TEN, 480),
        ((events.MediaGatewayLost("gone"),), TEN, 503),
    ],
)
def test_a_caller_whom_nobody_here_can_take_is_refused_at_once(
    before: tuple[events.Event, ...], now: Now, code: int
) -> None:
    """Closed, all busy, nobody there, no sound: neither voicemail nor waiting, and no record."""
    made = switchboard()
    tell(made, TEN, *before)
    assert tell(made, now, COMES) == [orders.RefusePhone(LEG, code)]


def test_all_busy_meanwhile_is_said_as_such_and_nobody_waits() -> None:
    """With places to wait too: whoever sent the caller has them, and is told that all are busy."""
    made = up("waiting_alone")
    tell(made, TEN, COMES)
    tell(made, TEN, events.LineRang("line2"))
    given = tell(made, TEN, events.PhoneBusy("boot7-1.1"))
    assert orders.RefusePhone(LEG, 486) in given
    assert made._board.queue == ()


def test_a_decision_for_voicemail_of_which_nothing_is_known_is_nobody_there() -> None:
    """The word for a caller is 480 where no reason is known, 503 where there is no sound."""
    made = up()
    assert sip_line.code_for(made._board, None) == 480
    made._board.has_media = False
    assert sip_line.code_for(made._board, None) == 503


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
    assert records(given)[-1].way is Destination.CITIZENS_DESK


def test_a_stray_answer_of_the_callers_leg_accepts_nobody() -> None:
    """Only a position that rings can lift; and it shows nobody to be there."""
    made = up()
    tell(made, TEN, COMES)
    seen = made._board.attendance
    assert tell(made, TEN, IS_UP) == []
    assert made.status(TEN).calls[0].state is State.RINGING
    assert made._board.attendance == seen


def test_a_phone_picks_the_call_up() -> None:
    """A call that rings elsewhere in the office, like any other."""
    made = up()
    tell(made, TEN, COMES)
    given = tell(made, TEN, events.PhoneDialled("own", "desk1", "*85"))
    assert orders.AcceptPhone("own") in given
    assert orders.AcceptPhone(LEG) in tell(made, TEN, events.OperatorAnswered("own", "desk1"))


def test_whoever_sent_the_caller_starts_nothing_here() -> None:
    """P5: keys and a REFER on the caller's own leg are nobody's of this office."""
    made = up("offices")
    tell(made, TEN, events.DirectoryChanged(TOWN), COMES)
    for asked in (
        events.TransferAsked(LEG, "trunk", "31", events.TransferKind.BLIND),
        events.TransferAsked(LEG, "trunk", "", events.TransferKind.ATTENDED, other="trunk-2"),
    ):
        assert tell(made, TEN, asked) == [orders.TellTransfer(LEG, orders.DECLINED)]
    tell(made, TEN, LIFTS, IS_UP)
    keys = [events.DigitPressed(k, events.DigitSource.RFC4733, leg=LEG) for k in "**31#"]
    assert tell(made, TEN, *keys) == []
    assert tell(made, TEN, events.PhoneDialled(LEG, "op2", "*811")) == []
    dialled = events.PhoneDialled("trunk-9", "trunk", "*85")
    assert tell(made, TEN, dialled) == [orders.RefusePhone("trunk-9", 403)]


# --- how it ends ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "result", "evidence"),
    [
        (events.PhoneHungUp("boot7-1.1"), Result.ANSWERED, Evidence.OPERATOR),
        (GOES, Result.ANSWERED, Evidence.SIGNALLED),
        (events.PhoneLost(LEG), Result.ANSWERED, Evidence.LOST),
        (events.MediaGatewayLost("gone"), Result.LOST, Evidence.LOST),
        (events.BoxStopped("stopped"), Result.STOPPED, Evidence.STOPPED),
    ],
)
def test_how_a_conversation_with_a_branchs_caller_ends(
    event: events.Event, result: Result, evidence: Evidence
) -> None:
    """Whoever goes, the other one is not left in silence, and the record says how it was."""
    made = talking()
    given = tell(made, TEN, event)
    ended = {order.leg for order in given if isinstance(order, orders.HangUpPhone)}
    assert ended == {LEG, "boot7-1.1"} - {getattr(event, "leg", "")}
    record = records(given)[-1]
    assert (record.result, record.evidence) == (result, evidence)
    assert not legs_of(made)


@pytest.mark.parametrize("event", [events.MediaGatewayLost("gone"), events.BoxStopped("stopped")])
def test_a_caller_who_still_rings_is_given_back_without_sound(event: events.Event) -> None:
    """503: whoever sent the caller goes on at once."""
    made = up()
    tell(made, TEN, COMES)
    assert orders.RefusePhone(LEG, 503) in tell(made, TEN, event)


def test_a_leg_that_never_comes_up_was_no_conversation() -> None:
    """The position lifted, the caller's leg did not: it is let go, and nobody was reached."""
    made = up()
    tell(made, TEN, COMES, LIFTS)
    given = tell(made, TEN, GOES)
    assert orders.HangUpPhone("boot7-1.1") in given
    record = records(given)[-1]
    assert (record.result, record.evidence) == (Result.NOT_REACHED, Evidence.GAVE_UP)


def test_a_leg_that_says_nothing_is_hung_up() -> None:
    """B1: nothing stays seized for ever."""
    made = up()
    tell(made, TEN, COMES, LIFTS)
    now = later(TEN, 11.0)
    given = tell(made, now, *made.due(now))
    assert orders.HangUpPhone(LEG) in given
    assert made._board.calls == {}


def test_a_caller_who_goes_while_held_is_a_missed_call() -> None:
    """Whoever was answered is ours: the office calls back."""
    made = talking()
    tell(made, TEN, LOST)
    record = records(tell(made, TEN, GOES))[-1]
    assert (record.result, record.evidence) == (Result.GAVE_UP, Evidence.SIGNALLED)


def test_who_has_called_may_be_called_back_and_rings_back_for_a_case() -> None:
    """E17: a caller like any other; one who withholds the number is not known."""
    made = up()
    tell(made, TEN, COMES, GOES)
    assert made._board.ledger.heard == {"0512222222": TEN.wall}
    tell(made, TEN, replace(COMES, leg="trunk-2", caller=Caller(Presentation.WITHHELD)))


# --- what else is done with the caller ------------------------------------------------------------


def test_who_waits_for_a_position_hears_why_and_is_served() -> None:
    """P8, B6: the operator is lost while the other one talks: once answered, a caller may wait."""
    made = up("waiting_alone")
    tell(made, TEN, COMES, LIFTS, IS_UP)
    assert made._board.calls["boot7-1"].up
    tell(made, TEN, events.LineRang("line2"))
    given = tell(made, TEN, LOST, events.PhoneGone("op1"))
    assert LEG in played(given)


def test_the_caller_presses_a_key_to_be_called_back() -> None:
    """P8: `Listen` is silence for a leg; the wish is kept before it is confirmed."""
    made = talking("waiting_alone")
    call = made._board.calls["boot7-1"]
    call.enter(State.CALLBACK_OFFERED, TEN)
    key = events.DigitPressed("1", events.DigitSource.RFC4733, leg=LEG)
    given = tell(made, TEN, key)
    assert orders.Listen(leg=LEG) in given
    assert [order for order in given if isinstance(order, orders.StoreCallBack)]


def test_a_message_is_recorded_of_the_leg_alone() -> None:
    """E21: parted from everybody, as on a line, within the same limits."""
    made = talking()
    given = recording(made)
    limits = OFFICES["example"].voicemail
    wanted = ("boot7-1", LEG, limits.limit_ms, limits.silence_ms, limits.grace_ms)
    assert orders.RecordLeg(*wanted, keys=True) in given


def test_a_key_ends_the_message_and_other_keys_do_not() -> None:
    """P9: a line's media gateway ends it by itself; a leg is told to."""
    made = talking()
    recording(made)
    press = [events.DigitPressed(k, events.DigitSource.RFC4733, leg=LEG) for k in "5#"]
    assert tell(made, TEN, press[0]) == []
    assert tell(made, TEN, press[1]) == [orders.EndRecording(LEG)]


@pytest.mark.parametrize(
    ("event", "code"), [(GOES, "recorded.release"), (events.PhoneLost(LEG), "recording.cut")]
)
def test_whoever_hangs_up_after_speaking_has_left_a_message(event: events.Event, code: str) -> None:
    """What was said is stored, the leg is not ordered about any more, and the call ends with it."""
    made = talking()
    recording(made)
    given = tell(made, later(TEN, 20.0), event)
    assert [order.call for order in given if isinstance(order, orders.StoreMessage)] == ["boot7-1"]
    assert not [order for order in given if isinstance(order, orders.HangUpPhone)]
    kept = tell(made, later(TEN, 21.0), events.MessageStored("boot7-1", "m1", 20_000))
    record = records(kept)[-1]
    assert (record.result, code in record.trail) == (Result.MESSAGE, True)
    assert not legs_of(made)


def test_the_media_gateway_goes_while_a_message_is_stored() -> None:
    """The leg is hung up once, the message is kept."""
    made = talking()
    recording(made)
    given = tell(made, later(TEN, 20.0), events.MediaGatewayLost("gone"))
    assert orders.HangUpPhone(LEG) in given
    assert tell(made, later(TEN, 20.0), events.BoxStopped("stopped")) == []


def test_a_transfer_to_an_extension_of_the_pbx_is_not_to_be_had() -> None:
    """P3: an extension is called by a flash of the caller's own line; a leg has no hook."""
    made = up("offices")
    tell(made, TEN, events.DirectoryChanged(TOWN), COMES, LIFTS, IS_UP)
    request = commands.TransferCall(
        "op1", "anagrafe", "aire", TransferReason.TOPIC, "op1", attended=False
    )
    given = tell(made, TEN, events.TransferWished("boot7-1", request))
    assert "transfer.no_pbx" in records(given)[-1].trail
    assert not [order for order in given if isinstance(order, orders.Flash)]


def test_the_head_is_not_brought_in_beside_a_caller_who_came_over() -> None:
    """E10: the sound goes from phone to phone; who asks is told so."""
    made = talking("offices")
    tell(made, TEN, events.PhoneRegistered("capo1"))
    request = commands.BringHead("op1", "op1")
    why = conference.SENTENCES[conference.SupervisorHindrance.CAME_OVER]
    assert made.answer_about_head(request, TEN) == why
    tell(made, TEN, *(events.DigitPressed("*", events.DigitSource.RFC4733, leg="boot7-1.1"),) * 3)
    assert "head.refused.came_over" in made._board.calls["boot7-1"].record.trail


def test_positions_that_decline_and_a_caller_who_goes() -> None:
    """The last one that declines sends the caller on; a caller who goes stops every phone."""
    made = up()
    alone(made)
    tell(made, TEN, COMES)
    given = tell(made, TEN, events.PhoneDeclined("boot7-1.1", DeclineReason.REJECTED))
    assert orders.RefusePhone(LEG, 480) in given
    assert records(given)[-1].trail[-2:] == ("declined.op1", "ended")
    again = replace(COMES, leg="trunk-2")
    (leg,) = (r.leg for r in rings(tell(made, TEN, again)).ringing)
    gone = tell(made, TEN, events.PhoneHungUp("trunk-2"))
    assert gone[0] == orders.StopRinging(leg)
    assert records(gone)[-1].evidence is Evidence.GAVE_UP
