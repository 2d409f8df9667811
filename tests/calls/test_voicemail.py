"""Voicemail beside its stories: what crosses, what is late, what breaks off."""

from __future__ import annotations

import pytest

from appliance.calls import events, orders
from appliance.calls.events import Evidence, RecordingStop
from appliance.calls.model import LATE_CALLS, LineState
from appliance.calls.orders import Order, Result
from appliance.calls.states import State
from appliance.calls.switchboard import Switchboard
from appliance.policy.clock import Now
from appliance.text import unchanged
from tests.calls.examples import KNOWN, NIGHT, RANG, UP, later, records, tell, up


def test_an_announcement_of_an_earlier_state_changes_nothing() -> None:
    """`#` cuts the greeting short; its end must not be taken for the tone's."""
    switchboard = up(now=NIGHT)
    given = tell(switchboard, NIGHT, RANG, KNOWN, UP)
    greeting = next(o for o in given if isinstance(o, orders.Play))
    key = events.DigitPressed("#", events.DigitSource.SOUND, line="line1")
    (toned,) = tell(switchboard, NIGHT, key)
    assert isinstance(toned, orders.Play)
    assert tell(switchboard, NIGHT, events.PromptEnded(greeting.play, whole=False)) == []
    assert isinstance(tell(switchboard, NIGHT, events.PromptEnded(toned.play))[0], orders.Record)


def test_voicemail_goes_on_when_nobody_says_that_sound_has_ended() -> None:
    """B1: each state has its limit; in the end the line is on hook and what was said is kept."""
    switchboard = up(now=NIGHT)
    tell(switchboard, NIGHT, RANG, KNOWN, UP)
    now, kinds = NIGHT, []
    while (deadline := switchboard.next_deadline()) is not None:
        now = later(now, deadline - now.monotonic)
        given = tell(switchboard, now, *switchboard.due(now))
        kinds += [type(o).__name__ for o in given if not isinstance(o, orders.WriteCall)]
    assert kinds == ["Play", "Record", "HangUp", "StoreMessage"]
    status = switchboard.status(now)
    assert status.calls == ()
    assert status.lines[0].state is LineState.CLEARING
    assert "not proven idle" in status.degraded[0].text("en")


def recorded(length_ms: int, stop: RecordingStop = RecordingStop.KEY) -> tuple[Switchboard, Now]:
    """Return a Switchboard with a caller in voicemail whose recording has ended so."""
    switchboard, now = recording()
    tell(switchboard, now, events.RecordingEnded("boot7-1", stop, length_ms))
    return switchboard, now


def recording() -> tuple[Switchboard, Now]:
    """Return a Switchboard with a caller whose message is being recorded for four seconds."""
    switchboard = up(now=NIGHT)
    given = tell(switchboard, NIGHT, RANG, KNOWN, UP)
    for _ in range(2):
        play = next(o for o in given if isinstance(o, orders.Play))
        given = tell(switchboard, NIGHT, events.PromptEnded(play.play))
    return switchboard, later(NIGHT, 4)


@pytest.mark.parametrize(
    "event",
    [
        events.LineLost("line1", unchanged("gone")),
        events.LineIdle("line1"),
        events.LineRestored("line1"),
    ],
)
def test_a_recording_without_an_end_is_kept_by_the_clock(event: events.Event) -> None:
    """A line that goes in a message, with no word of the recording: four seconds are stored."""
    switchboard, now = recording()
    given = tell(switchboard, now, event)
    assert any(isinstance(o, orders.StoreMessage) for o in given)
    assert not any(isinstance(o, orders.HangUp) for o in given)
    (final,) = records(tell(switchboard, now, events.MessageStored("boot7-1", "m", 4000)))
    assert (final.result, final.message) == (Result.MESSAGE, "m")
    assert final.evidence is Evidence.LOST


@pytest.mark.parametrize(
    ("event", "state"),
    [
        (events.CallerHungUp("line1", Evidence.BUSY_TONE, 3000), State.CLEARING),
        (events.LineLost("line1", unchanged("gone")), State.ENDED),
    ],
)
def test_a_recording_too_short_by_the_clock_is_dropped(event: events.Event, state: State) -> None:
    """What is left after the tone is cut off is no message."""
    switchboard, now = recording()
    now = later(now, -3 if isinstance(event, events.LineLost) else 0)
    call = switchboard._board.calls["boot7-1"]
    given = tell(switchboard, now, event)
    assert orders.DropRecording("boot7-1") in given
    assert call.state is state
    assert call.record.result is Result.NO_MESSAGE


@pytest.mark.parametrize(
    "event", [events.LineLost("line1", unchanged("gone")), events.LineIdle("line1")]
)
def test_the_line_goes_while_the_caller_waits(event: events.Event) -> None:
    """The message is stored all the same; the line may serve the next call meanwhile."""
    switchboard, now = recorded(9000)
    assert tell(switchboard, now, event) == []
    assert records(tell(switchboard, now, RANG))[0].call == "boot7-2"
    (final,) = records(tell(switchboard, now, events.MessageStored("boot7-1", "m", 9000)))
    assert (final.call, final.result) == ("boot7-1", Result.MESSAGE)


def test_the_media_gateway_dies_when_the_call_has_left_its_line() -> None:
    """The caller hung up properly: that is the evidence, no loss; the line is out."""
    switchboard, now = recorded(9000)
    released = events.CallerHungUp("line1", Evidence.BUSY_TONE, 800)
    tell(switchboard, now, released, events.LineIdle("line1"), RANG)
    tell(switchboard, now, events.MediaGatewayLost("killed"))
    (final,) = records(tell(switchboard, now, events.MessageStored("boot7-1", "m", 9000)))
    assert (final.result, final.evidence) == (Result.MESSAGE, Evidence.BUSY_TONE)
    assert switchboard.status(now).lines[0].state is LineState.OUT


@pytest.mark.parametrize("failed", [True, False])
def test_not_stored_and_nobody_there(failed: bool) -> None:
    """Whether it failed or took too long, the record says that no message was kept."""
    switchboard, now = recorded(9000, RecordingStop.RELEASE)
    tell(switchboard, now, events.LineIdle("line1"))
    if failed:
        (final,) = records(tell(switchboard, now, events.StoreFailed("boot7-1", "full")))
    else:
        now = later(now, 20)
        (final,) = records(tell(switchboard, now, *switchboard.due(now)))
    assert final.result is Result.NOT_STORED
    assert ("store.failed" if failed else "store.late") in final.trail
    assert tell(switchboard, now, events.StoreFailed("boot7-1", "full")) == []
    (corrected,) = records(tell(switchboard, now, events.MessageStored("boot7-1", "m", 9000)))
    assert corrected.result is Result.MESSAGE
    assert tell(switchboard, now, events.MessageStored("boot7-1", "m", 9000)) == []


def test_a_success_heard_of_while_the_caller_hears_the_contrary() -> None:
    """The record follows the disk, also before the call has ended; only once."""
    switchboard, now = recorded(9000)
    tell(switchboard, now, events.StoreFailed("boot7-1", "slow"))
    stored = events.MessageStored("boot7-1", "m", 9000)
    assert records(tell(switchboard, now, stored))[0].result is Result.MESSAGE
    assert tell(switchboard, now, stored) == []
    (orders_left, final) = tell(
        switchboard, now, events.CallerHungUp("line1", Evidence.LOOP), events.LineIdle("line1")
    )[-2:]
    assert records([orders_left, final])[-1].evidence is Evidence.LOOP


def test_the_first_evidence_of_a_release_counts() -> None:
    """B1: what came first noticed it; a dial tone heard while hanging up says nothing more."""
    switchboard, now = recorded(500, RecordingStop.RELEASE)
    tell(switchboard, now, events.CallerHungUp("line1", Evidence.BUSY_TONE, 1500))
    given = tell(switchboard, now, events.CallerHungUp("line1", Evidence.DIAL_TONE, 400))
    (record,) = records(given)
    assert (record.evidence, record.release_ms) == (Evidence.BUSY_TONE, 1500)


def test_only_so_many_lost_messages_are_remembered() -> None:
    """Memory is bounded when every message fails for days."""
    switchboard = up(now=NIGHT)
    for n in range(1, LATE_CALLS + 3):
        given = tell(switchboard, NIGHT, RANG, KNOWN, UP)
        for _ in range(2):
            play = next(o for o in given if isinstance(o, orders.Play))
            given = tell(switchboard, NIGHT, events.PromptEnded(play.play))
        ended = events.RecordingEnded(f"boot7-{n}", RecordingStop.RELEASE, 9000)
        tell(switchboard, NIGHT, ended, events.LineIdle("line1"))
        tell(switchboard, NIGHT, events.StoreFailed(f"boot7-{n}", "full"))
    assert len(switchboard._board.late) == LATE_CALLS
    assert "boot7-1" not in switchboard._board.late


def _night_call(*, has_room: bool, skips: bool = False) -> tuple[Switchboard, list[Order]]:
    """Have somebody call at night, hear the greeting to its end or skip it; returns all orders."""
    switchboard = up(now=NIGHT)
    tell(switchboard, NIGHT, events.RoomForMessages(has_room))
    given = tell(switchboard, NIGHT, RANG, KNOWN, UP)
    (call,) = switchboard._board.calls.values()
    if skips:
        given += tell(
            switchboard, NIGHT, events.DigitPressed("#", events.DigitSource.SOUND, line="line1")
        )
    else:
        given += tell(switchboard, NIGHT, events.PromptEnded(call.play))
    return switchboard, given


@pytest.mark.parametrize("skips", [False, True])
def test_with_a_full_disk_nobody_speaks_in_vain(skips: bool) -> None:
    """The caller hears why they called in vain and that no message can be left, instead of the
    invitation and the tone; then the line is hung up, and the call is one to call back.
    """
    switchboard, given = _night_call(has_room=False, skips=skips)
    played = [key for order in given if isinstance(order, orders.Play) for key in order.prompts]
    assert any("greeting_closed" in key for key in played)
    assert not any("leave_message" in key for key in played)
    assert [key for key in played if "mailbox_full" in key] == [
        "it/mailbox_full",
        "en/mailbox_full",
    ]
    assert not [order for order in given if isinstance(order, orders.Record)]
    (call,) = switchboard._board.calls.values()
    assert (call.state, call.record.result) == (State.FAREWELL, Result.NOT_STORED)
    assert "store.full" in call.record.trail
    given = tell(switchboard, NIGHT, events.PromptEnded(call.play))
    assert any(isinstance(order, orders.HangUp) for order in given)


@pytest.mark.parametrize("skips", [False, True])
def test_with_room_again_messages_are_taken(skips: bool) -> None:
    """The next caller hears the invitation and the tone."""
    switchboard, given = _night_call(has_room=True, skips=skips)
    played = [key for order in given if isinstance(order, orders.Play) for key in order.prompts]
    assert any("leave_message" in key for key in played)
    assert not any("mailbox_full" in key for key in played)
    (call,) = switchboard._board.calls.values()
    assert call.state is State.TONE
