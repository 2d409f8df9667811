"""Transfers beside their stories: what crossed an order, who cannot ask, whom nothing concerns."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.calls import announcements, commands, events, orders
from appliance.calls.announcements import resumption, takes_calls
from appliance.calls.model import TransferWish
from appliance.calls.orders import Order
from appliance.calls.states import State
from appliance.calls.switchboard import Switchboard
from appliance.calls.transfer import decide_transfer
from appliance.errors import OfficeError
from appliance.policy.clock import Now
from appliance.policy.hours import Band
from appliance.policy.transfers import OfficeClosed, TransferLater, TransferReason
from appliance.text import unchanged
from tests.calls.examples import KNOWN, RANG, TEN, UP, later, tell, up
from tests.stories.directories import OFFICE_PHONES, TOWN
from tests.stories.offices import OFFICES

WITHHELD = events.CallerIdentified("line1", events.Caller(events.Presentation.WITHHELD))
TO_ANAGRAFE = commands.TransferCall("op1", "anagrafe", "residenza", TransferReason.TOPIC, "op1")


def office_switchboard(
    office: str = "offices", phone: str = "op1", caller: events.Event = KNOWN
) -> Switchboard:
    """Return a switchboard with a directory, on which `phone` talks with a caller."""
    switchboard = up(office)
    tell(switchboard, TEN, *(events.PhoneRegistered(each) for each in OFFICE_PHONES))
    tell(switchboard, TEN, events.DirectoryChanged(TOWN), RANG, caller)
    (call,) = switchboard._board.calls.values()
    leg = next(leg for leg, rung in call.legs.items() if rung == phone)
    tell(switchboard, TEN, events.OperatorAnswered(leg, phone), UP)
    return switchboard


def key(digit: str, leg: str = "", line: str = "") -> events.DigitPressed:
    """Press a key."""
    return events.DigitPressed(digit, events.DigitSource.RFC4733, leg=leg, line=line)


def asked(switchboard: Switchboard, now: Now = TEN, **changed: object) -> list[Order]:
    """Ask by command for the caller to go to the Anagrafe."""
    request = replace(TO_ANAGRAFE, **changed)  # type: ignore[arg-type]  # fields by name
    return tell(switchboard, now, events.TransferWished(switchboard.call_for(request), request))


def test_whoever_talks_with_nobody_cannot_ask() -> None:
    """A command names a call or a phone that talks with a caller, and an office that there is."""
    switchboard = office_switchboard()
    with pytest.raises(OfficeError, match="'op2' talks with no caller"):
        switchboard.answer_to(replace(TO_ANAGRAFE, call="op2"), TEN)
    with pytest.raises(OfficeError, match="there is no office 'x'"):
        switchboard.answer_to(replace(TO_ANAGRAFE, unit="x"), TEN)
    assert asked(switchboard, unit="x") == []
    assert switchboard.answer_to(TO_ANAGRAFE, TEN) is None
    assert switchboard.answer_to(replace(TO_ANAGRAFE, call="boot7-1"), TEN) is None


def test_keys_of_others_change_nothing() -> None:
    """While the operator is asked, and while the office rings, the caller's are not heeded."""
    switchboard = office_switchboard()
    (call,) = switchboard._board.calls.values()
    tell(switchboard, TEN, *(key(digit, call.leg) for digit in "**31#"))
    assert call.state is State.TRANSFER_CHOICE
    assert tell(switchboard, TEN, key("1", line="line1")) == []
    tell(switchboard, TEN, key("1", call.leg))
    assert tell(switchboard, TEN, key("*", line="line1"), key("5", call.leg)) == []
    assert call.state.value == "transfer_ringing"


def test_the_offices_phone_shows_who_transfers_what_and_whose_call() -> None:
    """The clerk knows before lifting: from the front desk, for this need, this caller."""
    switchboard = office_switchboard()
    rung = [each for each in asked(switchboard) if isinstance(each, orders.RingPhones)]
    assert [each.display for each in rung] == ["Centralino: Cambio di residenza, Ada Rossi"]


def test_an_identity_that_comes_during_a_transfer_is_shown_in_the_offices_words() -> None:
    """The office's phone keeps who transfers and the need; the operator's shows the line."""
    switchboard = office_switchboard(caller=events.MessagesWaiting(0))
    (call,) = switchboard._board.calls.values()
    rung = [each for each in asked(switchboard) if isinstance(each, orders.RingPhones)]
    assert [each.display for each in rung] == ["Centralino: Cambio di residenza"]
    assert call.transfer is not None
    office, shown = call.transfer.leg, tell(switchboard, later(TEN, 1), KNOWN)
    told = {each.legs: each.display for each in shown if isinstance(each, orders.ShowCaller)}
    assert told[office,] == "Centralino: Cambio di residenza, Ada Rossi"
    assert told[call.leg,] == "Centralino Ada Rossi"


def test_the_callers_keys_send_nothing_back() -> None:
    """E7: two stars of the caller are not the office's word."""
    switchboard = office_switchboard()
    (call,) = switchboard._board.calls.values()
    asked(switchboard, attended=False)
    assert call.transfer is not None
    tell(switchboard, TEN, events.OperatorAnswered(call.transfer.leg, "ana1"))
    assert tell(switchboard, TEN, key("*", line="line1"), key("*", line="line1")) == []
    assert call.state.value == "transferred"


def test_who_lifted_for_nothing_is_hung_up() -> None:
    """An operator's phone that was answered on an old leg is no office that answers."""
    switchboard = office_switchboard()
    (call,) = switchboard._board.calls.values()
    asked(switchboard)
    assert tell(switchboard, TEN, events.OperatorAnswered(call.leg, "op1")) == []
    assert call.state is State.TRANSFER_RINGING


def test_the_last_seconds_ring_nobody() -> None:
    """E7: with no time left for a ring no further number is tried."""
    switchboard = office_switchboard()
    (call,) = switchboard._board.calls.values()
    asked(switchboard)
    assert call.transfer is not None
    told = tell(switchboard, later(TEN, 39.0), events.PhoneDeclined(call.transfer.leg))
    assert not [order for order in told if isinstance(order, orders.RingPhones)]
    assert call.record.returned == "declined"


def test_a_phone_that_is_engaged_or_gone_is_passed_over() -> None:
    """E7: it is not even rung; the clerk who has a call is not asked to take another."""
    switchboard = office_switchboard()
    tell(switchboard, TEN, events.PhoneGone("ana1"))
    (call,) = switchboard._board.calls.values()
    asked(switchboard, attended=False)
    assert call.transfer is not None
    assert call.transfer.phone == "ana2"
    tell(switchboard, TEN, events.LineRang("line2"), events.CallerIdentified("line2", KNOWN.caller))
    second = switchboard._board.calls["boot7-2"]
    leg = next(iter(second.legs))
    tell(switchboard, TEN, events.OperatorAnswered(leg, second.legs[leg]))
    tell(switchboard, TEN, events.LineAnswered("line2"))
    asked(switchboard, call=second.id)
    assert second.record.returned == "busy"
    assert "unreachable.anagrafe.residenza.1" in second.record.trail


def test_a_return_while_all_are_absent_hears_why() -> None:
    """E4: no phone rings for it either."""
    switchboard = office_switchboard()
    (call,) = switchboard._board.calls.values()
    asked(switchboard, attended=False)
    absent = commands.SetAllAbsent(True, "op1")
    tell(switchboard, TEN, events.ServiceStateChanged(absent))
    assert call.state is State.TRANSFER_RINGING
    assert call.transfer is not None
    told = tell(switchboard, later(TEN, 38.0), events.PhoneDeclined(call.transfer.leg))
    assert not [order for order in told if isinstance(order, orders.RingPhones)]
    assert call.state.value == "greeting"


def test_staff_of_the_counter_get_their_returns_back() -> None:
    """E2: on an overflowed call they do what an operator does; so do colleagues."""
    switchboard = up("offices")
    tell(switchboard, TEN, events.DirectoryChanged(TOWN), events.PhoneRegistered("ana1"))
    unattended = commands.SetUnattended(True, "op1")
    tell(switchboard, TEN, events.ServiceStateChanged(unattended), RANG, KNOWN)
    (call,) = switchboard._board.calls.values()
    leg = next(leg for leg, phone in call.legs.items() if phone == "desk1")
    tell(switchboard, TEN, events.OperatorAnswered(leg, "desk1"), UP)
    asked(switchboard, call="desk1", attended=False)
    assert call.transfer is not None
    tell(switchboard, later(TEN, 38.0), events.PhoneDeclined(call.transfer.leg))
    assert list(call.legs.values()) == ["desk1"]
    tell(switchboard, later(TEN, 39.0), events.PhoneDeclined(next(iter(call.legs))))
    assert list(call.legs.values()) == ["desk2"]


def test_an_ordinary_telephone_that_answers_cannot_stay() -> None:
    """B4: it has no keys and hears no announcement; the transfer is blind."""
    switchboard = office_switchboard()
    (call,) = switchboard._board.calls.values()
    switchboard._board.outside[call.leg] = "line2"
    asked(switchboard)
    assert call.leg == ""
    assert call.state is State.TRANSFER_RINGING


def test_two_phones_ring_for_a_return_and_one_is_out() -> None:
    """The other one rings on."""
    switchboard = office_switchboard()
    (call,) = switchboard._board.calls.values()
    asked(switchboard, attended=False)
    assert call.transfer is not None
    tell(switchboard, TEN, events.PhoneGone("op1"), events.PhoneGone("op2"))
    tell(switchboard, later(TEN, 38.0), events.PhoneDeclined(call.transfer.leg))
    now = later(TEN, 98.1)
    for passed in switchboard.due(now):
        tell(switchboard, now, passed)
    assert list(call.legs.values()) == ["desk1", "desk2"]
    assert tell(switchboard, now, events.PhoneBusy(next(iter(call.legs)))) == []
    assert list(call.legs.values()) == ["desk2"]


def test_a_request_without_words_is_stored_when_the_number_is_known() -> None:
    """P6: the operator had spoken with the caller; without a number nobody could be called back."""
    for caller, known in ((KNOWN, True), (WITHHELD, False)):
        switchboard = office_switchboard(caller=caller)
        (call,) = switchboard._board.calls.values()
        night = later(TEN, 3 * 3600.0)
        tell(switchboard, night, *(key(digit, call.leg) for digit in "**31#1"))
        assert call.state is State.GREETING
        hung_up = events.CallerHungUp("line1", events.Evidence.BUSY_TONE)
        told = tell(switchboard, night, hung_up)
        kept = [order for order in told if isinstance(order, orders.StoreRequest)]
        assert [order.recording for order in kept] == ([""] if known else [])
        if known:
            tell(switchboard, night, events.RequestStored(call.id, 9))
        assert call.record.result is orders.Result.ANSWERED


def asked_to_speak(caller: events.Event = KNOWN) -> tuple[Switchboard, Now]:
    """Return a switchboard whose caller hears the greeting before an office's request."""
    switchboard, night = office_switchboard(caller=caller), later(TEN, 3 * 3600.0)
    (call,) = switchboard._board.calls.values()
    tell(switchboard, night, *(key(digit, call.leg) for digit in "**31#1"))
    assert call.state is State.GREETING
    return switchboard, night


@pytest.mark.parametrize("tone", [False, True])
@pytest.mark.parametrize(
    "event",
    [
        events.LineLost("line1", unchanged("unplugged")),
        events.LineIdle("line1"),
        events.MediaGatewayLost("gone"),
        events.BoxStopped("stopped"),
        events.LineNeeded("line1"),
    ],
)
def test_a_request_outlives_the_line_before_the_tone(event: events.Event, tone: bool) -> None:
    """P6: the operator has promised it; whatever takes the line, a known number is kept."""
    for caller, known in ((KNOWN, True), (WITHHELD, False)):
        switchboard, night = asked_to_speak(caller)
        (call,) = switchboard._board.calls.values()
        if tone:
            tell(switchboard, night, events.PromptEnded(call.play))
            assert call.state is State.TONE
        told = tell(switchboard, night, event)
        kept = [order for order in told if isinstance(order, orders.StoreRequest)]
        assert [order.recording for order in kept] == ([""] if known else [])
        if known:
            assert call.state is State.SAVING
            tell(switchboard, night, events.RequestStored(call.id, 9))
            assert call.record.result is orders.Result.ANSWERED


def test_a_request_needs_no_room_for_words() -> None:
    """P6: with the disk full the caller hears the request's number; without a number, why not."""
    for caller, known in ((KNOWN, True), (WITHHELD, False)):
        switchboard, night = asked_to_speak(caller)
        (call,) = switchboard._board.calls.values()
        switchboard._board.has_room = False
        told = tell(switchboard, night, events.PromptEnded(call.play))
        assert [type(one) for one in told if isinstance(one, orders.StoreRequest)] == (
            [orders.StoreRequest] if known else []
        )
        if known:
            assert call.state is State.STORING
            told = tell(switchboard, night, events.RequestStored(call.id, 9))
            (said,) = (one for one in told if isinstance(one, orders.Play))
            assert [key.rpartition("/")[2] for key in said.prompts][:3] == [
                "word_request", "digit_9", "callback_noted"
            ]  # fmt: skip
        assert call.state is State.FAREWELL
        result = orders.Result.ANSWERED if known else orders.Result.NOT_STORED
        assert call.record.result is result


def test_a_request_that_is_stored_late_corrects_the_record() -> None:
    """What turns out to be stored is said to be, as with a message."""
    switchboard = office_switchboard()
    (call,) = switchboard._board.calls.values()
    night = later(TEN, 3 * 3600.0)
    tell(switchboard, night, *(key(digit, call.leg) for digit in "**31#1"))
    for _ in range(2):
        tell(switchboard, night, events.PromptEnded(call.play))
    ended = events.RecordingEnded(call.id, events.RecordingStop.RELEASE, 9000)
    (hung_up, stored, _) = tell(switchboard, night, ended)
    assert isinstance(hung_up, orders.HangUp)
    assert isinstance(stored, orders.StoreRequest)
    assert stored.request.citizen.phone == "051234567"
    tell(switchboard, night, events.StoreFailed(call.id, "disk full"))
    tell(switchboard, night, events.RequestStored(call.id, 9))
    assert call.record.result is orders.Result.ANSWERED
    assert "request.stored.9" in call.record.trail


def speaking(caller: events.CallerIdentified = KNOWN) -> Switchboard:
    """Return a switchboard whose caller speaks for an office's e-mail rule."""
    switchboard = office_switchboard(caller=caller)
    (call,) = switchboard._board.calls.values()
    night = later(TEN, 3 * 3600.0)
    tell(switchboard, night, *(key(digit, call.leg) for digit in "**31#1"))
    for _ in range(2):
        tell(switchboard, night, events.PromptEnded(call.play))
    return switchboard


def test_words_too_short_leave_whom_to_call_back() -> None:
    """P6: the number was shown, so the office calls; the caller gone or not, it is stored."""
    switchboard = speaking()
    (call,) = switchboard._board.calls.values()
    night = later(TEN, 3 * 3600.0 + 0.5)
    given = tell(switchboard, night, events.CallerHungUp("line1", events.Evidence.BUSY_TONE))
    (stored,) = [order for order in given if isinstance(order, orders.StoreRequest)]
    assert stored.request.citizen.phone == "051234567"
    assert stored.request.subject.startswith("Da richiamare, parole troppo brevi: ")
    assert "request.brief" in call.record.trail


@pytest.mark.parametrize(
    ("caller", "stop"),
    [
        (WITHHELD, events.RecordingStop.KEY),  # nobody could be called back
        (KNOWN, events.RecordingStop.TAKEN),  # who lifted the telephone beside has the caller
        (KNOWN, events.RecordingStop.FAX),
    ],
)
def test_words_too_short_of_nobody_to_call_back(
    caller: events.CallerIdentified, stop: events.RecordingStop
) -> None:
    """What nobody can act on, or somebody has done already, is no request."""
    switchboard = speaking(caller)
    (call,) = switchboard._board.calls.values()
    given = tell(switchboard, TEN, events.RecordingEnded(call.id, stop, 500))
    assert orders.DropRecording(call.id) in given
    assert not any(isinstance(order, orders.StoreRequest) for order in given)


def test_a_telephone_beside_the_line_takes_over_a_short_request() -> None:
    """By the clock, too: the words are dropped, a person has the caller."""
    switchboard = speaking()
    (call,) = switchboard._board.calls.values()
    given = tell(switchboard, later(TEN, 3 * 3600.0 + 0.5), events.LineTaken("line1"))
    assert orders.DropRecording(call.id) in given


def test_when_an_office_resumes_in_words() -> None:
    """E23: today or tomorrow by the hour, another day by its date; never: nothing is said of it."""
    office = OFFICES["offices"]
    assert resumption(office, None, TEN) == ()
    assert resumption(office, later(TEN, 3600).wall, TEN) == ("resumes_today", "hour_11")
    tomorrow = later(TEN, 86_400 + 1800).wall
    assert resumption(office, tomorrow, TEN) == ("resumes_tomorrow", "hour_10", "minute_30")
    assert resumption(office, later(TEN, 2 * 86_400).wall, TEN) == (
        "resumes_on", "day_27", "month_11", "hour_10",
    )  # fmt: skip


def test_the_bands_of_the_day_in_words() -> None:
    """E23: "dalle ore nove fino alle ore dodici e trenta", each band after the other.

    Minutes that are not recorded are told inside the band; what has no bare number says its hour.
    """
    morning, afternoon = Band.parse("9-12:30"), Band.parse("15:02-17:58")
    assert takes_calls((), "it") == ()
    assert takes_calls((morning, afternoon), "it") == (
        "bands_from", "day_9", "bands_to", "hour_12", "minute_30",
        "bands_and", "day_15", "minute_5", "bands_to", "hour_17", "minute_55",
    )  # fmt: skip
    assert takes_calls((morning,), "en") == (
        "bands_from", "hour_9", "bands_to", "hour_12", "minute_30",
    )  # fmt: skip
    assert takes_calls((Band.parse("1-24"),), "it") == (
        "bands_from",
        "digit_1",
        "bands_to",
        "hour_0",
    )


def test_an_office_whose_name_has_a_sound_is_named() -> None:
    """E23: in the language of the house; in another, or without a sound, by the code."""
    switchboard = office_switchboard()
    board, night = switchboard._board, later(TEN, 3 * 3600.0)
    answer = decide_transfer(board, TransferWish("anagrafe", "residenza", "op1"), night)
    assert isinstance(answer, TransferLater)
    assert announcements.not_now_words(board, answer, night)[:2] == ("digit_3", "digit_1")
    for is_holiday, said in ((True, "greeting_holiday"), (False, "greeting_closed")):
        closed = replace(answer, closing=OfficeClosed(is_holiday))
        assert announcements.not_now_words(board, closed, night)[2:4] == (said, "resumes_today")
    tell(switchboard, night, events.SpokenSheetsChanged((), {"anagrafe": "it/unit_1"}))
    assert announcements.not_now_words(board, answer, night)[:2] == ("unit_1", "bands_from")
    tell(switchboard, night, events.SpokenSheetsChanged((), {"anagrafe": "en/unit_1"}))
    assert announcements.not_now_words(board, answer, night)[:2] == ("digit_3", "digit_1")


def test_an_offices_phone_that_hangs_up_when_refused_loses_no_caller() -> None:
    """E7, P6: it may not transfer onwards; one that then ends its call by itself sends it back."""
    switchboard = office_switchboard()
    (call,) = switchboard._board.calls.values()
    asked(switchboard, attended=False)
    assert call.transfer is not None
    leg = call.transfer.leg
    tell(switchboard, TEN, events.OperatorAnswered(leg, "ana1"))
    blind = events.TransferAsked(leg, "ana1", "51", events.TransferKind.BLIND)
    assert orders.TellTransfer(leg, 603) in tell(switchboard, TEN, blind)
    tell(switchboard, later(TEN, 1.0), events.PhoneHungUp(leg))
    assert call.record.returned == "lost"
    assert list(call.legs.values()) == ["op1"]


def test_a_person_who_hangs_up_after_a_refusal_means_it() -> None:
    """Two seconds later nobody takes it for the phone's own doing; nor where another telephone
    beside the line has the caller too.
    """
    for seconds, shared in ((2.1, False), (0.1, True)):
        switchboard = office_switchboard()
        (call,) = switchboard._board.calls.values()
        call.shared = shared
        blind = events.TransferAsked(call.leg, "op1", "99", events.TransferKind.BLIND)
        tell(switchboard, TEN, blind)
        told = tell(switchboard, later(TEN, seconds), events.PhoneHungUp(call.leg))
        assert orders.HangUp("line1") in told
