"""The Switchboard beside its stories: status, deadlines, requests, what it must not confuse."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from appliance.calls import commands, events, orders
from appliance.calls.events import Caller, Evidence, Presentation, RecordingStop
from appliance.calls.model import LineState
from appliance.calls.orders import Result
from appliance.calls.states import State
from appliance.calls.status import NOT_TRUSTED
from appliance.calls.switchboard import EXPIRY, Switchboard
from appliance.policy.clock import ClockState, Doubt
from appliance.policy.dialling import NO_LEDGER, PlacedCall
from appliance.policy.lines import HalfDuplexDaytime, modem_line
from appliance.policy.opening import NO_MANUAL_STATES, ManualMark, ManualState
from appliance.policy.routing import GroupState
from appliance.text import unchanged
from tests.calls.examples import KNOWN, NIGHT, RANG, TEN, UP, later, records, tell, up
from tests.helpers.words import pair
from tests.stories.offices import EXAMPLE, OFFICES


def test_ids_are_unique_over_restarts() -> None:
    """Calls, legs and announcements carry the prefix of this start."""
    switchboard = up()
    written, ring, _ = tell(switchboard, TEN, RANG)
    assert isinstance(written, orders.WriteCall)
    assert written.record.call == "boot7-1"
    assert isinstance(ring, orders.RingPhones)
    assert [(r.leg, r.phone) for r in ring.ringing] == [("boot7-1.1", "op1"), ("boot7-1.2", "op2")]


def test_phones_ring_at_the_first_ring_and_show_the_caller_later() -> None:
    """Who calls is no part of the decision: phones ring, then show it, and the record has it."""
    switchboard = up()
    _, ring, _ = tell(switchboard, TEN, RANG)
    assert isinstance(ring, orders.RingPhones)
    assert (ring.display, ring.number) == ("Centralino", "")
    legs = ("boot7-1.1", "boot7-1.2")
    shown, written = tell(switchboard, later(TEN, 2), KNOWN)
    assert shown == orders.ShowCaller(legs, "Centralino Ada Rossi", "051234567")
    assert isinstance(written, orders.WriteCall)
    assert written.record.caller == KNOWN.caller


def test_a_phone_shows_the_office_s_first_language() -> None:
    """In place of a number that is withheld."""
    for languages, shown in ((("it", "en"), "numero riservato"), (("en",), "withheld number")):
        office = replace(OFFICES["example"], languages=languages)
        switchboard = Switchboard(office, "boot7")
        registered = (events.PhoneRegistered(phone) for phone in office.phones)
        tell(switchboard, TEN, events.LineRestored("line1"), *registered)
        hidden = replace(RANG, caller=events.Caller(events.Presentation.WITHHELD))
        rings = [o for o in tell(switchboard, TEN, hidden) if isinstance(o, orders.RingPhones)]
        assert [ring.display for ring in rings] == [f"Centralino {shown}"]


def test_a_caller_who_is_known_at_the_first_ring_is_shown_by_the_invite() -> None:
    """An exchange that tells it before the bell, or a call that rang before a restart."""
    switchboard = up()
    written, ring, _ = tell(switchboard, TEN, replace(RANG, caller=KNOWN.caller))
    assert isinstance(written, orders.WriteCall)
    assert isinstance(ring, orders.RingPhones)
    assert (ring.display, ring.number) == ("Centralino Ada Rossi", "051234567")
    assert records(tell(switchboard, TEN, events.CallerHungUp("line1", events.Evidence.GAVE_UP)))[
        -1
    ].trail[:3] == ("rang", "caller.shown", "route.open.free")


def test_a_caller_whom_nobody_knows_is_no_news_to_phones() -> None:
    """Where no identity comes the phones go on showing the line, and are left alone."""
    switchboard = up()
    tell(switchboard, TEN, RANG)
    told = tell(switchboard, later(TEN, 3), events.CallerIdentified("line1", Caller()))
    assert [type(order) for order in told] == [orders.WriteCall]


def test_a_caller_known_after_somebody_lifted_is_shown_to_them() -> None:
    """The call that is answered before the identity came gets it: phone, page and record."""
    switchboard = up()
    tell(switchboard, TEN, RANG, events.OperatorAnswered("boot7-1.2", "op2"))
    shown, written = tell(switchboard, later(TEN, 1), KNOWN)
    assert shown == orders.ShowCaller(("boot7-1.2",), "Centralino Ada Rossi", "051234567")
    assert isinstance(written, orders.WriteCall)
    assert switchboard.status(TEN).calls[0].caller == KNOWN.caller


def test_a_line_that_the_box_would_answer_waits_for_who_calls() -> None:
    """Off hook no identity comes any more: a message without a number is nobody's."""
    switchboard = up(now=NIGHT)
    assert [type(order) for order in tell(switchboard, NIGHT, RANG)] == [orders.WriteCall]
    told = tell(switchboard, later(NIGHT, 2), KNOWN)
    assert orders.AnswerLine("line1") in told


@pytest.mark.parametrize("sent", ["0039051234567", "39051234567", "051234567"])
def test_a_number_is_kept_as_it_is_dialled_here(sent: str) -> None:
    """Some exchanges send the country's code: the screen, the record and call-backs do not."""
    switchboard = up()
    known = events.CallerIdentified("line1", Caller(Presentation.SHOWN, sent))
    shown, written = tell(switchboard, TEN, RANG, known)[-2:]
    assert isinstance(shown, orders.ShowCaller)
    assert shown.number == "051234567"
    assert isinstance(written, orders.WriteCall)
    assert written.record.caller.number == "051234567"


HALF = events.LineHalfDuplex("line1", pair("rifiuta +VTR", "it refuses +VTR"))
LIFTED = events.OperatorAnswered("boot7-1.1", "op1")


@pytest.mark.parametrize("away", [(), (events.PhoneHungUp("boot7-1.1"),)])
def test_a_line_without_duplex_after_all_leads_to_voicemail(away: tuple[events.Event, ...]) -> None:
    """The operator has lifted (or gone again): phones let go, the caller hears the greeting."""
    switchboard = up()
    tell(switchboard, TEN, RANG, KNOWN, LIFTED, *away)
    told = tell(switchboard, TEN, HALF)
    if not away:
        assert orders.HangUpPhone("boot7-1.1") in told
    assert not any(isinstance(order, orders.HangUp) for order in told)
    told = tell(switchboard, TEN, UP)
    assert any(isinstance(order, orders.Play) for order in told)
    status = switchboard.status(TEN)
    assert status.lines[0].duplex is False
    assert [words.text("it") for words in status.degraded] == ["Centralino: rifiuta +VTR"]


def test_from_the_next_call_on_the_line_is_half_duplex() -> None:
    """By day it takes messages; another modem brings it back."""
    switchboard = up()
    tell(switchboard, TEN, HALF)
    told = tell(switchboard, TEN, RANG, KNOWN)
    assert orders.AnswerLine("line1") in told
    assert not any(isinstance(order, orders.RingPhones) for order in told)
    tell(switchboard, TEN, events.LineIdle("line1"), events.LineRestored("line1", "CX930xx"))
    assert switchboard.status(TEN).degraded == ()
    assert tell(switchboard, TEN, events.LineHalfDuplex("line9", unchanged("?"))) == []


def test_who_waits_on_a_line_without_duplex_is_not_kept_waiting() -> None:
    """Nobody could be joined to them: voicemail at once."""
    switchboard = up("waiting_alone")
    other = replace(KNOWN, line="line2")
    tell(switchboard, TEN, RANG, KNOWN, LIFTED, UP, events.LineRang("line2"), other)
    assert [call.state for call in switchboard.status(TEN).calls][1] is State.QUEUED
    tell(switchboard, TEN, replace(HALF, line="line2"))
    assert [call.state for call in switchboard.status(TEN).calls][1] is State.GREETING_PENDING


def test_a_media_gateway_that_never_says_who_calls_does_not_leave_the_caller_alone() -> None:
    """E5: after ten seconds the box answers whoever it is."""
    switchboard = up(now=NIGHT)
    tell(switchboard, NIGHT, RANG)
    at = later(NIGHT, 10)
    (passed,) = switchboard.due(at)
    assert orders.AnswerLine("line1") in tell(switchboard, at, passed)
    assert switchboard.status(at).calls[0].record.trail[:2] == ("rang", "caller.never_settled")


def test_who_rings_back_is_known_at_once_or_later() -> None:
    """The case for which a citizen was called is found whenever the identity comes (E17)."""
    ledger = NO_LEDGER.place(PlacedCall("c-0", "op1", "051234567", TEN.wall, "message:3"))
    for told in ((replace(RANG, caller=KNOWN.caller),), (RANG, KNOWN)):
        switchboard = up()
        tell(switchboard, TEN, events.NumbersKnown(ledger), *told)
        assert switchboard.status(TEN).calls[0].record.case == "message:3"


def test_every_ring_after_the_first_is_the_same_call() -> None:
    """Ring bursts repeat; a call is one."""
    switchboard = up()
    tell(switchboard, TEN, RANG)
    assert tell(switchboard, TEN, events.LineRang("line1", 2)) == []
    tell(switchboard, TEN, KNOWN)
    assert tell(switchboard, TEN, events.LineRang("line1", 3)) == []


def test_what_is_not_ours_is_left_alone() -> None:
    """Lines, legs, announcements and calls that nobody knows change nothing and raise nothing."""
    switchboard = up()
    strange: list[events.Event] = [
        events.LineRang("line9"),
        events.CallerIdentified("line9", Caller()),
        events.LineIdle("line9"),
        events.LineLost("line9", unchanged("?")),
        events.LineRestored("line9"),
        events.PhoneHungUp("boot7-1.1"),
        events.PromptEnded("boot7-1.p1"),
        events.RecordingEnded("boot7-9", RecordingStop.KEY, 5000),
        events.MessageStored("boot7-9", "m", 1),
        events.DeadlinePassed("ringing", "boot7-9"),
        events.ServiceStateChanged("open sesame"),
    ]
    assert tell(switchboard, TEN, *strange) == []
    stray = events.OperatorAnswered("boot7-1.1", "op1")
    assert tell(switchboard, TEN, stray) == [orders.HangUpPhone("boot7-1.1")]


def test_a_deadline_of_an_earlier_state_changes_nothing() -> None:
    """A deadline that was due as the phone was lifted must not overflow the conversation."""
    switchboard = up()
    ring = tell(switchboard, TEN, RANG, KNOWN)[1]
    assert isinstance(ring, orders.RingPhones)
    at = later(TEN, 25)
    assert switchboard.next_deadline() == pytest.approx(at.monotonic)
    passed = switchboard.due(at)
    assert passed == (events.DeadlinePassed("ringing", "boot7-1"),)
    assert switchboard.due(at) == ()
    tell(switchboard, at, events.OperatorAnswered(ring.ringing[0].leg, "op1"))
    assert tell(switchboard, at, *passed) == []
    tell(switchboard, at, UP)
    assert switchboard.next_deadline() == pytest.approx(at.monotonic + 4 * 3600)


def test_states_kept_over_a_restart_end_by_themselves() -> None:
    """A mark that ended while the box was off is taken off at the first moment."""
    ended = ManualMark("capo", TEN.wall - timedelta(hours=2), TEN.wall - timedelta(hours=1))
    going_on = ManualMark("capo", TEN.wall, TEN.wall + timedelta(minutes=5))
    kept = NO_MANUAL_STATES.set(ManualState.ABSENT, ended).set(ManualState.CLOSED, going_on)
    switchboard = Switchboard(EXAMPLE, "x", kept)
    deadline = switchboard.next_deadline()
    assert deadline is not None
    assert deadline <= TEN.monotonic
    assert switchboard.due(TEN) == (events.DeadlinePassed(EXPIRY),)
    saved = tell(switchboard, TEN, events.DeadlinePassed(EXPIRY))
    assert saved == [orders.SaveServiceState(NO_MANUAL_STATES.set(ManualState.CLOSED, going_on))]
    assert switchboard.next_deadline() == pytest.approx(TEN.monotonic + 300)
    assert Switchboard(EXAMPLE, "x").next_deadline() is None


def test_a_mark_follows_the_wall_clock_when_that_is_set() -> None:
    """Until 10:30 means 10:30, also when the clock is corrected by ten minutes meanwhile."""
    switchboard = up()
    half_past = TEN.wall.replace(minute=30)
    tell(
        switchboard, TEN, events.ServiceStateChanged(commands.SetUnattended(True, "op1", half_past))
    )
    assert switchboard.next_deadline() == pytest.approx(TEN.monotonic + 1800)
    corrected = replace(TEN, monotonic=TEN.monotonic + 60, wall=TEN.wall + timedelta(minutes=10))
    tell(switchboard, corrected, events.MessagesWaiting(0))
    assert switchboard.next_deadline() == pytest.approx(corrected.monotonic + 1200)


def test_times_without_a_zone_are_the_offices() -> None:
    """A request typed as 11:00 means the office's eleven; one in the past changes nothing."""
    switchboard = up()
    naive = datetime(2026, 11, 25, 11)  # noqa: DTZ001 - that is the point
    asked = events.ServiceStateChanged(commands.SetClosed(True, "capo", naive))
    tell(switchboard, TEN, asked)
    mark = switchboard.status(TEN).service.closed
    assert mark is not None
    assert mark.until == TEN.wall.replace(hour=11)
    past = commands.SetAllAbsent(True, "capo", TEN.wall - timedelta(seconds=1))
    assert tell(switchboard, TEN, events.ServiceStateChanged(past)) == []


def test_status_shows_lines_calls_groups_and_what_is_wrong() -> None:
    """One frozen value tells LEDs, commands and the console everything."""
    empty = Switchboard(EXAMPLE, "x").status(TEN)
    assert {line.state for line in empty.lines} == {LineState.MISSING}
    assert empty.switchboard.state is GroupState.UNREACHABLE
    assert [words.text("en") for words in empty.degraded] == [
        "Centralino is out",
        "800011837 is out",
        "line3 is out",
        "No phone can be reached: Switchboard",
        "No phone can be reached: Citizens' counter",
    ]
    alone = replace(EXAMPLE, citizens_desk=EXAMPLE.switchboard)
    told = [words.text("en") for words in Switchboard(alone, "x").status(TEN).degraded]
    assert told.count("No phone can be reached: Switchboard") == 1
    switchboard = up()
    tell(switchboard, TEN, RANG, KNOWN, events.MessagesWaiting(2))
    status = switchboard.status(later(TEN, 5))
    assert (status.open, status.code, status.waiting) == (True, "open.free", 2)
    assert status.changes_at == TEN.wall.replace(hour=13)
    assert status.sentence.text("en") == "The switchboard is open and free: its phones ring."
    (call,) = status.calls
    assert (call.call, call.line, call.state) == ("boot7-1", "line1", State.RINGING)
    assert (call.ringing, call.caller.number) == (("op1", "op2"), "051234567")
    assert status.lines[0].since == TEN.wall
    assert (status.lines[0].call, status.lines[0].modem) == ("boot7-1", "CX930xx")
    assert status.switchboard.engaged == ("op1", "op2")
    assert status.citizens_desk is not None
    assert status.citizens_desk.free == ("desk1", "desk2")
    assert status.degraded == ()


def test_status_when_things_are_wrong() -> None:
    """A lost line says why, a lost media gateway and an untrusted clock are told."""
    switchboard = up("no_counter")
    tell(
        switchboard,
        TEN,
        events.LineLost("line2", unchanged("no dial tone")),
        events.PhoneGone("op1"),
    )
    status = switchboard.status(replace(TEN, clock_state=ClockState.STALE))
    assert [words.text("it") for words in status.degraded] == [
        "800011837 fuori servizio: no dial tone",
        NOT_TRUSTED[Doubt.OPEN].text("it"),
    ]
    assert status.switchboard.unreachable == ("op1",)
    assert status.citizens_desk is None
    tell(switchboard, TEN, events.MediaGatewayLost("killed"))
    assert switchboard.status(TEN).degraded[0].text("en").startswith("No line is served")
    tell(switchboard, TEN, events.MediaGatewayRestored(), events.LineIdle("line2"))
    assert len(switchboard.status(TEN).degraded) == 2
    assert Switchboard(OFFICES["no_counter"], "x").status(NIGHT).switchboard.state == "closed"


def test_a_modem_that_says_half_duplex_is_believed() -> None:
    """Whatever was configured, such a line cannot be joined; a better modem restores it."""
    office = replace(
        EXAMPLE, lines=(modem_line("line1", duplex=True, daytime=HalfDuplexDaytime.PARALLEL_PHONE),)
    )
    switchboard = Switchboard(office, "x")
    tell(switchboard, TEN, events.LineRestored("line1", "USR5637", duplex=False))
    (line,) = switchboard.status(TEN).lines
    assert (line.duplex, line.modem) == (False, "USR5637")
    given = tell(switchboard, TEN, RANG, events.CallerIdentified("line1", Caller()))
    assert records(given)[-1].reason == "line.parallel_phone"
    tell(switchboard, TEN, events.CallerHungUp("line1", Evidence.GAVE_UP))
    tell(switchboard, TEN, events.LineRestored("line1", "CX93010", duplex=True))
    assert switchboard.status(TEN).lines[0].duplex is True


def test_an_operator_lifts_while_the_caller_is_held() -> None:
    """Before the line is up: connect, and talk once it is; the caller is never asked to wait."""
    switchboard = up()
    ring = tell(switchboard, TEN, RANG, KNOWN)[1]
    assert isinstance(ring, orders.RingPhones)
    first = ring.ringing[0].leg
    tell(switchboard, TEN, events.OperatorAnswered(first, "op1"))
    again = tell(switchboard, TEN, events.PhoneHungUp(first))[0]
    assert isinstance(again, orders.RingPhones)
    leg = again.ringing[0].leg
    given = tell(switchboard, TEN, events.OperatorAnswered(leg, "op2"))
    assert given[0] == orders.Connect("line1", leg)
    assert records(tell(switchboard, TEN, UP))[0].answered_at == TEN.wall


@pytest.mark.parametrize("absent", [False, True])
def test_the_last_operator_goes_away_before_the_line_is_up(absent: bool) -> None:
    """With nobody else free the call goes on to the counter; all absent, no free phone rings."""
    switchboard = up("example" if absent else "one_operator")
    ring = tell(switchboard, TEN, RANG, KNOWN)[1]
    assert isinstance(ring, orders.RingPhones)
    leg = ring.ringing[0].leg
    tell(switchboard, TEN, events.OperatorAnswered(leg, "op1"))
    if absent:
        tell(switchboard, TEN, events.ServiceStateChanged(commands.SetAllAbsent(True, "capo")))
    given = tell(switchboard, TEN, events.PhoneHungUp(leg))
    assert any(isinstance(o, orders.RingPhones) for o in given) is not absent
    assert records(given)[-1].reason == ("absent" if absent else "overflow.no_answer")
    played = tell(switchboard, TEN, UP)
    assert [type(o) for o in played if not isinstance(o, orders.WriteCall)] == [
        orders.Play if absent else orders.Hold
    ]


def test_a_held_caller_comes_to_voicemail_at_last() -> None:
    """The line is up already: the greeting begins at once."""
    switchboard = up("no_counter")
    ring = tell(switchboard, TEN, RANG, KNOWN)[1]
    assert isinstance(ring, orders.RingPhones)
    tell(switchboard, TEN, events.OperatorAnswered(ring.ringing[0].leg, "op1"))
    tell(switchboard, TEN, events.PhoneUnreachable(ring.ringing[0].leg, "no sound"), UP)
    now = later(TEN, 25)
    given = tell(switchboard, now, *switchboard.due(now))
    assert [type(o).__name__ for o in given] == ["StopRinging", "Play", "WriteCall"]
    assert records(given)[-1].answered_at == now.wall
    left = tell(switchboard, now, events.CallerHungUp("line1", Evidence.BUSY_TONE))
    assert records(left)[-1].result is Result.NO_MESSAGE


def test_a_held_caller_hangs_up() -> None:
    """Nobody spoke with them: they gave up."""
    switchboard = up()
    ring = tell(switchboard, TEN, RANG, KNOWN)[1]
    assert isinstance(ring, orders.RingPhones)
    tell(switchboard, TEN, events.OperatorAnswered(ring.ringing[0].leg, "op1"))
    tell(switchboard, TEN, events.PhoneHungUp(ring.ringing[0].leg), UP)
    given = tell(switchboard, TEN, events.CallerHungUp("line1", Evidence.BUSY_TONE, 2000))
    assert [type(o).__name__ for o in given] == ["StopRinging", "HangUp", "WriteCall"]
    assert records(given)[-1].result is Result.GAVE_UP


def test_a_key_code_without_an_end_ends_with_the_hours() -> None:
    """*811 holds until the hours change, *831 for its minutes; the phone's name is kept."""
    switchboard = up()
    tell(switchboard, TEN, events.PhoneDialled("k1", "op1", "*811"))
    tell(switchboard, TEN, events.PhoneDialled("k2", "op2", "*831"))
    service = switchboard.status(TEN).service
    noon = TEN.wall.replace(hour=13, minute=0)
    assert service.unattended == ManualMark("op1", TEN.wall, noon, by_hours=True)
    assert service.absent == ManualMark("op2", TEN.wall, TEN.wall + timedelta(minutes=30))
    gone = tell(switchboard, TEN, events.MediaGatewayLost("killed"))
    assert gone == [orders.HangUpPhone("k1"), orders.HangUpPhone("k2")]
    assert tell(switchboard, TEN, events.OperatorAnswered("k1", "op1")) == [
        orders.HangUpPhone("k1")
    ]


def test_whoever_picks_up_rings_for_nothing_else() -> None:
    """A phone that takes a call stops ringing, for it and for others; those ring on elsewhere."""
    switchboard = up()
    tell(switchboard, TEN, RANG, KNOWN, events.LineRang("line2"))
    tell(switchboard, TEN, events.CallerIdentified("line2", Caller()))  # rings desk1 and desk2
    tell(switchboard, TEN, events.PhoneDialled("k2", "desk2", "*85"))
    given = tell(switchboard, TEN, events.PhoneDialled("k1", "desk1", "*85"))
    assert given[0] == orders.StopRinging("boot7-2.1")
    assert given[-1] == orders.AcceptPhone("k1")
    assert records(given)[-1].reason == "desk.busy"  # nobody is left to ring for line2
    answered = tell(switchboard, TEN, events.OperatorAnswered("k1", "desk1"))
    assert orders.Connect("line1", "k1") in answered
    assert orders.StopRinging("k2", answered_elsewhere=True) in answered


def test_a_phone_that_rings_for_a_call_picks_up_that_one() -> None:
    """The leg that rings is replaced by the one that dialled: no phone rings twice for a call."""
    switchboard = up()
    tell(switchboard, TEN, RANG, KNOWN)
    given = tell(switchboard, TEN, events.PhoneDialled("k1", "op1", "*85"))
    assert given == [orders.StopRinging("boot7-1.1"), orders.AcceptPhone("k1")]


def test_away_until_a_time_of_the_office() -> None:
    """A time without zone is the office's own; the phone is rung again from then on (E3)."""
    switchboard = up()
    until = datetime(2026, 11, 25, 10, 30)  # noqa: DTZ001 - as a person types it
    tell(switchboard, TEN, events.ServiceStateChanged(commands.SetAway(True, "op1", until)))
    assert switchboard.status(TEN).switchboard.free == ("op2",)
    half_past = later(TEN, 1800)
    tell(switchboard, half_past, *switchboard.due(half_past))
    assert switchboard.status(half_past).switchboard.free == ("op1", "op2")


def test_a_line_is_declared_once_something_is_known_of_it() -> None:
    """READY=1 waits for every line to be up or out; one without a modem is out by its reason."""
    switchboard = Switchboard(OFFICES["example"], "boot7")

    def declared() -> list[bool]:
        return [line.declared for line in switchboard.status(TEN).lines]

    assert declared() == [False, False, False]
    tell(switchboard, TEN, events.LineRestored("line1", "CX930xx"))
    assert declared() == [True, False, False]
    tell(
        switchboard, TEN, events.LineLost("line2", unchanged("no modem at its port"), missing=True)
    )
    assert switchboard.status(TEN).lines[1].state is LineState.MISSING
    assert declared() == [True, True, False]


def test_callers_dates_that_tell_another_time_are_told() -> None:
    """Two calls that bear one time, an hour from the box's: a notice, and nothing else."""
    switchboard = up()
    for number, line in enumerate(("line1", "line2")):
        at = later(TEN, 60.0 * number)
        caller = Caller(events.Presentation.SHOWN, "051234567")
        tell(switchboard, at, events.LineRang(line))
        tell(switchboard, at, events.CallerIdentified(line, caller, f"1125110{number}"))
    (said,) = switchboard.status(later(TEN, 70.0)).degraded
    assert "59 minutes ahead of" in said.text("en") or "60 minutes ahead of" in said.text("en")
    behind = switchboard.status(replace(later(TEN, 70.0), wall=TEN.wall + timedelta(hours=3)))
    assert "indietro" in behind.degraded[0].text("it")
    assert behind.clock_state is ClockState.SYNCED
