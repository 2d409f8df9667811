"""The phone of a position, controlled at the screen, beside its stories: what crosses, who may."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.calls import commands, events, orders
from appliance.calls.announcements import HOLD_SIGN
from appliance.calls.commands import ControlPhone, PhoneAct
from appliance.calls.model import AutoAnswer, LearnedPhone
from appliance.calls.orders import Order
from appliance.calls.outgoing import OutgoingCall
from appliance.calls.phone_control import (
    PHONE_SENTENCES,
    PhoneControl,
    PhoneHindrance,
    own_leg,
)
from appliance.calls.side_states import SideState
from appliance.calls.states import State
from appliance.calls.switchboard import Switchboard
from appliance.policy.clock import Now
from appliance.policy.dialling import DialLedger
from appliance.text import unchanged
from tests.calls.examples import KNOWN, NIGHT, RANG, TEN, UP, later, tell, up
from tests.calls.test_conference import talking, three
from tests.calls.test_properties import LIVELY, Watch, fitting
from tests.calls.test_transfer import asked, office_switchboard
from tests.helpers.examples import examples
from tests.stories.directories import OFFICE_PHONES, TOWN
from tests.stories.offices import EXAMPLE

CALL = "boot7-1"


def judged(
    switchboard: Switchboard, act: PhoneAct, phone: str = "op1", call: str = "", now: Now = TEN
) -> tuple[PhoneHindrance | None, list[Order]]:
    """Ask at the screen: why not, and what is ordered."""
    verdict = switchboard.about_phone(ControlPhone(phone, act, "anna", call), now)
    if verdict.event is None:
        said = verdict.said.text("en")
        why = next(
            why for why, words in PHONE_SENTENCES.items()
            if said == words.filled(position=label(phone), other=said.split(" has ")[0]).text("en")
        )  # fmt: skip
        return why, []
    return None, list(switchboard.handle(verdict.event, now))


def label(phone: str) -> str:
    """Return how the example office calls a phone."""
    return "Operatore 1" if phone == "op1" else phone


def control(switchboard: Switchboard, phone: str = "op1", now: Now = TEN) -> PhoneControl:
    """Return what the call bar of a position offers."""
    return next(c for c in switchboard.status(now).controls if c.phone == phone)


def leg_of(switchboard: Switchboard, phone: str, call: str = CALL) -> str:
    """Return the leg on which a phone rings for a call."""
    legs = switchboard._board.calls[call].legs
    return next(leg for leg, other in legs.items() if other == phone)


def test_every_hindrance_has_its_sentence() -> None:
    """In both languages, without a name of ours and without words of lines and modems (E22)."""
    assert set(PHONE_SENTENCES) == set(PhoneHindrance)
    for words in PHONE_SENTENCES.values():
        assert words.text("it") != words.text("en")
        assert not any(
            word in words.text("en").lower() for word in ("modem", "sip ", "line", "op1")
        )


def test_a_call_that_hears_the_greeting_is_answered_by_nobody() -> None:
    """Voicemail has it: the person calls back."""
    switchboard = up(now=NIGHT)
    tell(switchboard, NIGHT, RANG, KNOWN, UP)
    assert switchboard._board.calls[CALL].state is State.GREETING
    assert judged(switchboard, PhoneAct.ANSWER, call=CALL, now=NIGHT)[0] is PhoneHindrance.ELSEWHERE
    assert tell(switchboard, NIGHT, events.AnswerWished(CALL, "op1")) == []


def test_a_return_is_not_fetched_by_whom_it_does_not_ring() -> None:
    """P6: it goes to its operator first."""
    switchboard = office_switchboard()
    asked(switchboard, attended=False)
    office = switchboard._board.calls[CALL].transfer
    assert office is not None
    tell(switchboard, TEN, events.PhoneBusy(office.leg))
    office = switchboard._board.calls[CALL].transfer
    assert office is not None
    tell(switchboard, TEN, events.PhoneBusy(office.leg))
    assert switchboard._board.calls[CALL].state is State.TRANSFER_RETURNING
    assert control(switchboard).can_answer == (CALL,)
    assert control(switchboard, "op2").can_answer == ()
    why, given = judged(switchboard, PhoneAct.ANSWER, "op2", CALL)
    assert (why, given) == (PhoneHindrance.ELSEWHERE, [])
    (written,) = tell(switchboard, TEN, events.AnswerWished(CALL, "op2"))
    assert isinstance(written, orders.WriteCall), "asked all the same, nothing rings"


def test_a_wish_that_comes_too_late_changes_nothing() -> None:
    """Decided and told at one moment; if something crosses all the same, nothing happens."""
    switchboard = up()
    tell(switchboard, TEN, RANG, KNOWN)
    assert tell(switchboard, TEN, events.HoldWished(CALL, "op1")) == []
    tell(switchboard, TEN, events.PhoneGone("op2"))
    assert tell(switchboard, TEN, events.AnswerWished(CALL, "op2")) == []
    leg = leg_of(switchboard, "op1")
    tell(switchboard, TEN, events.OperatorAnswered(leg, "op1"), UP)
    assert tell(switchboard, TEN, events.HoldWished(CALL, "op2")) == []
    assert tell(switchboard, TEN, events.HangUpWished("op2")) == []
    tell(switchboard, TEN, events.HoldWished(CALL, "op1"))
    assert tell(switchboard, TEN, events.ResumeWished(CALL, "op2")) == []
    assert tell(switchboard, TEN, events.AnswerWished("boot7-9", "op1")) == []


def test_who_crosses_in_a_transfer_is_not_heeded() -> None:
    """Nobody takes a caller back for another; nor once the operator has left the transfer."""
    switchboard = office_switchboard()
    tell(
        switchboard, TEN,
        *(events.DigitPressed(k, events.DigitSource.RFC4733, leg=f"{CALL}.1") for k in "**31#"),
    )  # fmt: skip
    assert switchboard._board.calls[CALL].state is State.TRANSFER_CHOICE
    assert judged(switchboard, PhoneAct.HOLD)[0] is PhoneHindrance.OFFICE
    assert tell(switchboard, TEN, events.ResumeWished(CALL, "op2")) == []
    tell(switchboard, TEN, events.ResumeWished(CALL, "op1"))
    asked(switchboard)
    assert switchboard._board.calls[CALL].state is State.TRANSFER_RINGING
    assert tell(switchboard, TEN, events.ResumeWished(CALL, "op2")) == []
    tell(switchboard, TEN, events.HangUpWished("op1"))
    assert switchboard._board.calls[CALL].state is State.TRANSFER_RINGING, "it goes on without"
    assert judged(switchboard, PhoneAct.RESUME)[0] is PhoneHindrance.NO_CALL
    assert tell(switchboard, TEN, events.ResumeWished(CALL, "op1")) == []


def announced() -> Switchboard:
    """Return a switchboard whose operator speaks with the office that has answered."""
    switchboard = office_switchboard()
    asked(switchboard)
    transfer = switchboard._board.calls[CALL].transfer
    assert transfer is not None
    tell(switchboard, TEN, events.OperatorAnswered(transfer.leg, transfer.phone))
    assert switchboard._board.calls[CALL].state is State.TRANSFER_CONSULT
    return switchboard


def test_nobody_hands_over_for_another() -> None:
    """What crosses is for the phone of whoever asked; the office's own music alone is repeated."""
    switchboard = announced()
    call = switchboard._board.calls[CALL]
    assert tell(switchboard, TEN, events.HandOverWished(CALL, "op2")) == []
    assert tell(switchboard, TEN, events.AlternateWished(CALL, "op2")) == []
    judged(switchboard, PhoneAct.ALTERNATE)
    assert call.state.value == "office_waits"
    assert tell(switchboard, TEN, events.PromptEnded(call.play)) == [], "the caller's"
    assert judged(switchboard, PhoneAct.HAND_OVER, call="t-0")[0] is PhoneHindrance.CHANGED
    _, given = judged(switchboard, PhoneAct.HAND_OVER, call=CALL)
    assert orders.Connect("line1", f"{CALL}.3") in given
    assert call.state.value == "transferred"
    assert judged(switchboard, PhoneAct.HAND_OVER)[0] is PhoneHindrance.NO_CALL


def test_the_office_that_waits_hangs_up() -> None:
    """P6: it could not take the call, whose caller the operator has already."""
    switchboard = announced()
    judged(switchboard, PhoneAct.ALTERNATE)
    tell(switchboard, TEN, events.PhoneHungUp(f"{CALL}.3"))
    assert switchboard._board.calls[CALL].state is State.TALKING
    assert switchboard._board.calls[CALL].record.returned == "refused"


def test_another_telephone_in_the_conversation_keeps_the_operator_there() -> None:
    """B1: music would play into their talk; handing over is possible all the same."""
    switchboard = announced()
    judged(switchboard, PhoneAct.ALTERNATE)
    tell(switchboard, TEN, events.LineTaken("line1"))
    assert judged(switchboard, PhoneAct.ALTERNATE)[0] is PhoneHindrance.SHARED
    assert tell(switchboard, TEN, events.AlternateWished(CALL, "op1")) == []
    assert not control(switchboard).can_alternate
    assert control(switchboard).can_hand_over


def test_the_head_talks_while_the_office_waits() -> None:
    """E10: caller, operator and head are together again, and part while the office is asked."""
    switchboard = talking("offices")
    tell(switchboard, TEN, *(events.PhoneRegistered(each) for each in OFFICE_PHONES))
    tell(switchboard, TEN, events.DirectoryChanged(TOWN))
    head = three(switchboard)
    asked(switchboard)
    transfer = switchboard._board.calls[CALL].transfer
    assert transfer is not None
    tell(switchboard, TEN, events.OperatorAnswered(transfer.leg, transfer.phone))
    _, given = judged(switchboard, PhoneAct.ALTERNATE)
    assert orders.BringIn("line1", head) in given
    _, given = judged(switchboard, PhoneAct.ALTERNATE)
    assert any(isinstance(o, orders.Play) and o.leg == head for o in given), "music again"


def test_an_office_that_is_a_position_hangs_up_too() -> None:
    """A phone that an office has answered on is up, as its own clerk sees."""
    switchboard = office_switchboard()
    asked(switchboard)
    transfer = switchboard._board.calls[CALL].transfer
    assert transfer is not None
    tell(switchboard, TEN, events.OperatorAnswered(transfer.leg, transfer.phone))
    given = tell(switchboard, TEN, events.HangUpWished(transfer.phone))
    assert orders.HangUpPhone(f"{CALL}.3") in given
    assert switchboard._board.calls[CALL].state is State.TALKING, "the caller is back"


def test_the_head_has_the_caller_whose_operator_leaves_them_on_hold() -> None:
    """E10: the head hears music meanwhile, and takes over."""
    switchboard = talking()
    three(switchboard)
    why, given = judged(switchboard, PhoneAct.HOLD)
    assert why is None
    assert orders.Hold("line1") in given
    assert any(isinstance(o, orders.Play) and o.prompts == ("it/hold_music",) for o in given)
    given = tell(switchboard, TEN, events.PhoneHungUp(f"{CALL}.1"))
    (joined,) = (o for o in given if isinstance(o, orders.Connect))
    assert joined.line == "line1"
    assert switchboard._board.calls[CALL].leg_phone == "capo1"


def test_three_talk_again_after_a_hold() -> None:
    """The head is let in again."""
    switchboard = talking()
    three(switchboard)
    judged(switchboard, PhoneAct.HOLD)
    _, given = judged(switchboard, PhoneAct.RESUME)
    assert [type(o) for o in given if not isinstance(o, orders.WriteCall)] == [
        orders.Connect,
        orders.BringIn,
    ]


def test_another_telephone_in_the_conversation_is_not_put_on_hold() -> None:
    """Music would play into their talk."""
    switchboard = talking()
    tell(switchboard, TEN, events.LineTaken("line1"))
    assert judged(switchboard, PhoneAct.HOLD)[0] is PhoneHindrance.SHARED
    assert not control(switchboard).can_hold
    assert tell(switchboard, TEN, events.HoldWished(CALL, "op1")) == []


def test_the_longest_call_ends_on_hold_too() -> None:
    """B1: a line never stays seized, also where nobody thinks of the caller any more."""
    switchboard = talking()
    tell(switchboard, later(TEN, 60), events.HoldWished(CALL, "op1"))
    deadline = TEN.monotonic + switchboard.office.longest_ms / 1000
    assert switchboard.next_deadline() == deadline
    end = later(TEN, deadline - TEN.monotonic)
    given = tell(switchboard, end, *switchboard.due(end))
    assert orders.HangUpPhone(f"{CALL}.1") in given
    assert switchboard._board.calls[CALL].state is State.FAREWELL


def test_the_sign_of_a_hold_is_repeated_and_ends_with_it() -> None:
    """A phone that is sent nothing for half a minute may hang up by itself."""
    switchboard = talking()
    _, given = judged(switchboard, PhoneAct.HOLD)
    (sign,) = (order for order in given if isinstance(order, orders.Play))
    assert (sign.leg, sign.prompts) == (f"{CALL}.1", (HOLD_SIGN,))
    (again,) = tell(switchboard, TEN, events.PromptEnded(sign.play))
    assert isinstance(again, orders.Play)
    assert again.prompts == (HOLD_SIGN,)
    assert tell(switchboard, TEN, events.PromptEnded(sign.play)) == [], "of an earlier one"
    call = switchboard._board.calls[CALL]
    assert tell(switchboard, TEN, events.PromptEnded(call.new_play())) == [], "the caller's"
    judged(switchboard, PhoneAct.RESUME)
    assert tell(switchboard, TEN, events.PromptEnded(again.play, whole=False)) == []


def test_a_failed_refer_does_not_make_a_person_a_phone() -> None:
    """Some phones hang up by themselves after it; one who asks at the screen means it."""
    switchboard = office_switchboard()
    refer = events.TransferAsked(f"{CALL}.1", "op1", "99", events.TransferKind.BLIND)
    assert orders.TellTransfer(f"{CALL}.1", orders.DECLINED) in tell(switchboard, TEN, refer)
    _, given = judged(switchboard, PhoneAct.HANG_UP)
    assert orders.HangUp("line1") in given


@pytest.mark.parametrize("act", [PhoneAct.HOLD, PhoneAct.RESUME, PhoneAct.HANG_UP])
def test_a_button_pressed_as_the_call_changes_does_nothing_to_the_next(act: PhoneAct) -> None:
    """The call that the person saw is over: their phone's new call stays as it is."""
    switchboard = office_switchboard()
    if act is PhoneAct.RESUME:
        judged(switchboard, PhoneAct.HOLD)
    assert judged(switchboard, act, call="t-0") == (PhoneHindrance.CHANGED, [])
    tell(switchboard, TEN, replace(RANG, line="line2"))
    assert judged(switchboard, act, call="boot7-2") == (PhoneHindrance.CHANGED, [])
    why, given = judged(switchboard, act, call=CALL)
    assert why is None
    assert given


def test_a_colleague_who_calls_is_answered_at_the_screen() -> None:
    """Without a caller: the phone picks up all the same, once."""
    switchboard = up()
    tell(switchboard, TEN, events.PhoneDialled("k1", "op2", "11"))
    side = switchboard._board.sides["k1"]
    ringing = [leg for leg, phone in side.legs.items() if phone == "op1"]
    assert control(switchboard).rings
    assert not control(switchboard).can_hang_up
    assert control(switchboard, "op2").can_hang_up
    why, given = judged(switchboard, PhoneAct.ANSWER)
    assert (why, given) == (None, [orders.PickUpPhone(ringing[0])])
    tell(switchboard, TEN, events.OperatorAnswered(ringing[0], "op1"))
    assert control(switchboard).auto_answer is AutoAnswer.SEEN
    assert judged(switchboard, PhoneAct.HOLD)[0] is PhoneHindrance.NO_CALL
    tell(switchboard, TEN, events.OperatorAnswered("k1", "op2"))
    _, given = judged(switchboard, PhoneAct.HANG_UP)
    assert orders.HangUpPhone(ringing[0]) in given


def seen_to_pick_up(agent: str) -> Switchboard:
    """Return a switchboard on which op1, which calls itself `agent`, has picked up by itself."""
    switchboard = up()
    tell(switchboard, TEN, events.PhoneRegistered("op1", agent), RANG, KNOWN)
    judged(switchboard, PhoneAct.ANSWER)
    tell(switchboard, TEN, events.OperatorAnswered(f"{CALL}.1", "op1"))
    assert switchboard.learned() == (LearnedPhone("op1", AutoAnswer.SEEN, agent),)
    return switchboard


@pytest.mark.parametrize(
    ("before", "after", "known"),
    [
        ("Yealink T46", "Yealink T46", AutoAnswer.SEEN),
        ("Yealink T46", "", AutoAnswer.SEEN),  # it answers again, and says no more
        ("Yealink T46", "Snom D735", AutoAnswer.UNKNOWN),
        ("", "", AutoAnswer.UNKNOWN),  # perhaps another one
    ],
)
def test_a_phone_that_comes_back_is_known_by_what_it_is(
    before: str, after: str, known: AutoAnswer
) -> None:
    """Switched off for the night, it need not be seen anew; another in its place has to be."""
    switchboard = seen_to_pick_up(before)
    tell(switchboard, TEN, events.PhoneGone("op1"), events.PhoneRegistered("op1", after))
    assert control(switchboard).auto_answer is known


def test_a_phone_that_rings_on_is_tried_anew_when_it_comes_back() -> None:
    """Its settings may have changed."""
    learned = (LearnedPhone("op1", AutoAnswer.RINGS, "Yealink T46"),)
    switchboard = Switchboard(EXAMPLE, "boot8", learned=learned)
    assert switchboard.learned() == learned
    tell(switchboard, TEN, events.PhoneRegistered("op1", "Yealink T46"))
    assert control(switchboard).auto_answer is AutoAnswer.RINGS
    tell(switchboard, TEN, events.PhoneGone("op1"), events.PhoneRegistered("op1", "Yealink T46"))
    assert control(switchboard).auto_answer is AutoAnswer.UNKNOWN


def test_what_was_seen_outlives_a_restart() -> None:
    """Of a phone that names itself and of one that does not."""
    learned = (
        LearnedPhone("op1", AutoAnswer.SEEN, "Yealink T46"),
        LearnedPhone("op2", AutoAnswer.SEEN),
    )
    switchboard = Switchboard(EXAMPLE, "boot8", learned=learned)
    registered = (
        events.PhoneRegistered("op1", "Yealink T46"), events.PhoneRegistered("op2", "Snom"),
    )  # fmt: skip
    tell(switchboard, TEN, *registered)
    assert switchboard.learned() == (learned[0], LearnedPhone("op2", AutoAnswer.SEEN, "Snom"))


def test_a_notice_is_answered_and_gives_way() -> None:
    """A reminder that rings is picked up; a caller whom its person answers takes its place."""
    switchboard = up()
    tell(switchboard, TEN, events.DictationAsked("take", "op1"))
    (side,) = switchboard._board.sides.values()
    assert judged(switchboard, PhoneAct.ANSWER)[1] == [orders.PickUpPhone(side.leg)]
    tell(switchboard, TEN, events.ServiceStateChanged(commands.SetAway(True, "op1")))
    tell(switchboard, TEN, RANG, KNOWN)
    (call,) = switchboard._board.calls
    assert judged(switchboard, PhoneAct.ANSWER, call=call)[0] is PhoneHindrance.AWAY
    tell(switchboard, TEN, events.ServiceStateChanged(commands.SetAway(False, "op1")))
    _, given = judged(switchboard, PhoneAct.ANSWER, call=call)
    assert orders.StopRinging(side.leg) in given
    assert any(isinstance(o, orders.RingPhones) and o.picks_up for o in given)


def test_a_waiting_call_keeps_its_place_when_its_phone_answers_another() -> None:
    """P8: the one who waited longer is rung at the next free position."""
    switchboard = up("waiting")
    for phone in ("desk1", "desk2"):
        tell(switchboard, TEN, events.PhoneGone(phone))
    tell(switchboard, TEN, RANG, KNOWN)
    tell(switchboard, TEN, events.OperatorAnswered(leg_of(switchboard, "op1"), "op1"), UP)
    for line in ("line2", "line3"):
        tell(
            switchboard, TEN, events.LineRang(line),
            events.CallerIdentified(line, KNOWN.caller), events.LineAnswered(line),
        )  # fmt: skip
    tell(switchboard, TEN, events.HangUpWished("op1"))
    second, third = (f"boot7-{n}" for n in (2, 3))
    assert control(switchboard).can_answer == (second, third)
    leg = leg_of(switchboard, "op1", second)
    _, given = judged(switchboard, PhoneAct.ANSWER, call=third)
    assert orders.StopRinging(leg) in given
    (ring,) = (o for o in given if isinstance(o, orders.RingPhones))
    assert (ring.call, ring.picks_up) == (third, True)
    assert switchboard._board.calls[second].state is State.QUEUED
    tell(switchboard, TEN, events.OperatorAnswered(ring.ringing[0].leg, "op1"))
    assert switchboard._board.calls[third].state is State.TALKING


def test_a_return_with_two_phones_rings_on_at_the_other() -> None:
    """Only its last phone's answer to another call moves it on (E6)."""
    switchboard = up("offices")
    tell(switchboard, TEN, RANG, KNOWN)
    call = switchboard._board.calls[CALL]
    call.state, call.legs = State.TRANSFER_RETURNING, {"a": "op1", "b": "op2"}
    tell(switchboard, TEN, events.LineRang("line2"))
    assert leg_of(switchboard, "desk1", "boot7-2")
    _, given = judged(switchboard, PhoneAct.ANSWER, call="boot7-2")
    assert orders.StopRinging("a") in given
    assert call.legs == {"b": "op2"}


def test_a_number_that_is_dialled_says_how_it_is_answered() -> None:
    """As long as nothing was seen of the phone, it is to be lifted if it rings."""
    switchboard = up()
    tell(switchboard, TEN, events.NumbersKnown(DialLedger({"0511234567": TEN.wall})))
    dial = events.CallBackAsked("a", "op1", "0511234567", picks_up=True)
    (said,) = (o for o in tell(switchboard, TEN, dial) if isinstance(o, orders.AnswerAsked))
    assert str(said.said) == "The phone rings: lift it to call."
    (side,) = switchboard._board.sides.values()
    tell(switchboard, TEN, events.OperatorAnswered(side.leg, "op1"))
    _, given = judged(switchboard, PhoneAct.HANG_UP)
    assert orders.HangUpPhone(side.leg) in given
    for line in ("line1", "line2", "line3"):
        tell(switchboard, TEN, events.LineIdle(line))
    (said,) = (o for o in tell(switchboard, TEN, dial) if isinstance(o, orders.AnswerAsked))
    assert str(said.said) == "Your phone is answering: the number is dialled then."


def placed(number: str = "0511234567") -> tuple[Switchboard, OutgoingCall]:
    """Return a switchboard on which op1 talks with somebody it has called."""
    switchboard = up()
    tell(
        switchboard, TEN, events.NumbersKnown(DialLedger({number: TEN.wall})),
        events.CallBackAsked("a", "op1", number, picks_up=True),
    )  # fmt: skip
    (side,) = switchboard._board.sides.values()
    assert isinstance(side, OutgoingCall)
    tell(switchboard, TEN, events.OperatorAnswered(side.leg, "op1"))
    for progress in (events.FarEnd.DIALLED, events.FarEnd.ANSWERED):
        tell(switchboard, TEN, events.FarEndProgressed(side.line, progress))
    return switchboard, side


def test_whom_one_has_called_waits_no_longer_than_the_call_may_last() -> None:
    """Hold and resume do not begin the longest duration anew."""
    switchboard, side = placed()
    deadline = side.deadline
    assert deadline is not None
    tell(switchboard, later(TEN, 60), events.HoldWished(side.record.call, "op1"))
    assert (side.state, side.deadline) == (SideState.ON_HOLD, deadline)
    tell(switchboard, later(TEN, 90), events.ResumeWished(side.record.call, "op1"))
    assert (side.state, side.deadline) == (SideState.TALKING, deadline)
    tell(switchboard, later(TEN, 99), events.HoldWished(side.record.call, "op1"))
    end = later(TEN, deadline - TEN.monotonic)
    assert orders.HangUp(side.line) in tell(switchboard, end, *switchboard.due(end))


@pytest.mark.parametrize("end", [events.CallerHungUp, events.LineLost])
def test_whom_one_has_called_goes_while_on_hold(end: type) -> None:
    """The phone is hung up, as in the conversation."""
    switchboard, side = placed()
    line, leg = side.line, side.leg
    tell(switchboard, TEN, events.HoldWished(side.record.call, "op1"))
    gone: events.Event = events.CallerHungUp(line, events.Evidence.BUSY_TONE)
    if end is events.LineLost:
        gone = events.LineLost(line, unchanged("gone"))
    assert orders.HangUpPhone(leg) in tell(switchboard, TEN, gone)


def test_nobody_else_holds_it() -> None:
    """Nor is it held twice by what crosses."""
    switchboard, side = placed()
    name = side.record.call
    assert tell(switchboard, TEN, events.HoldWished(name, "op2")) == []
    assert tell(switchboard, TEN, events.ResumeWished(name, "op1")) == []
    assert tell(switchboard, TEN, events.HoldWished("boot7-9", "op1")) == []


def test_a_call_for_help_is_never_put_on_hold() -> None:
    """Whoever helps may have one question only."""
    switchboard, side = placed("90112")
    assert side.emergency
    assert judged(switchboard, PhoneAct.HOLD)[0] is PhoneHindrance.EMERGENCY
    assert not control(switchboard).can_hold
    assert tell(switchboard, TEN, events.HoldWished(side.record.call, "op1")) == []
    assert side.state is SideState.TALKING


# ---- What is offered is done, whatever happens


def offered(watch: Watch) -> list[events.Event]:
    """Check every call bar against the commands; returns the events of what may be done."""
    board, now, found = watch.switchboard._board, watch.now, []
    for bar in watch.switchboard.status(now).controls:

        def verdict(act: PhoneAct, call: str = "", phone: str = bar.phone) -> events.Event | None:
            asked_for = ControlPhone(phone, act, "anna", call)
            return watch.switchboard.about_phone(asked_for, now).event

        hold, resume, down, other, over = (
            verdict(act)
            for act in (
                PhoneAct.HOLD, PhoneAct.RESUME, PhoneAct.HANG_UP, PhoneAct.ALTERNATE,
                PhoneAct.HAND_OVER,
            )
        )  # fmt: skip
        answers = {call: verdict(PhoneAct.ANSWER, call) for call in board.calls}
        assert bar.can_hold is (hold is not None)
        assert bar.can_resume is (resume is not None)
        assert bar.can_hang_up is (down is not None), (bar, down)
        assert bar.can_alternate is (other is not None)
        assert bar.can_hand_over is (over is not None)
        assert {c for c, answer in answers.items() if answer} == set(bar.can_answer)
        assert not bar.can_answer or verdict(PhoneAct.ANSWER) == answers[bar.can_answer[0]]
        wished = (hold, resume, down, other, over, *answers.values())
        found += [each for each in wished if each is not None]
    return found


def state_of(watch: Watch, name: str) -> str:
    """Return the state of a caller's call, or of one that a position has placed."""
    board = watch.switchboard._board
    placed = [side for side in board.sides.values() if isinstance(side, OutgoingCall)]
    states = {side.record.call: side.state.value for side in placed}
    return states[name] if name in states else board.calls[name].state.value


def check_done(watch: Watch, event: events.Event) -> None:
    """Tell a wish that was allowed, and check that it came about at once."""
    board = watch.switchboard._board
    call = board.calls.get(getattr(event, "call", ""))
    before = own_leg(board, getattr(event, "phone", ""))
    watch.tell(event)
    match event:
        case events.AnswerWished(_, phone):
            assert call is not None
            assert phone in call.legs.values(), "it rings for this call"
            assert all(phone not in c.legs.values() for c in board.calls.values() if c is not call)
        case events.HoldWished(name, _):
            assert state_of(watch, name) == "on_hold"
        case events.ResumeWished(name, _):
            assert state_of(watch, name) == "talking"
        case events.AlternateWished(name, _):
            assert state_of(watch, name) in {"transfer_consult", "office_waits"}
        case events.HandOverWished(name, _):
            assert state_of(watch, name) == "transferred"
        case events.HangUpWished(phone):
            assert own_leg(board, phone) != before


@settings(max_examples=examples(60, quick=10))
@given(st.data())
def test_what_the_call_bar_offers_is_done_and_nothing_else(data: st.DataObject) -> None:
    """In any state of any office: a key that is shown works, one that works is shown."""
    watch = Watch(data.draw(st.sampled_from(LIVELY)))
    watch.at(50.0 - 7200.0)
    for _ in range(data.draw(st.sampled_from([10, 20, 40]))):
        may = offered(watch)
        wished = data.draw(st.sampled_from([None, *may]))
        if wished is not None:
            check_done(watch, wished)
        else:
            watch.tell(data.draw(data.draw(fitting(watch))))
        watch.pass_time(data.draw(st.sampled_from([0.0] * 9 + [3.0, 12.0, 61.0])))
    watch.finish()
