"""A line's pair against the exchange's: cut, in use, taken over by a telephone beside the modem."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from appliance.calls.events import (
    CallerHungUp,
    Evidence,
    LineCondition,
    LineIdle,
    LineProbed,
    LineRang,
    LineTaken,
    RecordingEnded,
    RecordingStop,
)
from appliance.calls.orders import Record
from appliance.dsp import g711
from appliance.dsp.wav import Law
from appliance.media.detectors import SETTLE_MS
from appliance.media.line import TAKEN_TRIM_MS
from appliance.media.messages import LineSetup
from appliance.simulator.exchange.line import SubscriberLineState
from tests.helpers import sound
from tests.media.office import Office
from tests.media.virtual import ControlEnd, Hosted, World

SPEECH = g711.encode(sound.babble(4.0, seed=9), Law.ULAW)
HALF = LineSetup("line1", "", dialect="usr5637", caller_id="none")
FREE, IN_USE, NO_LINE = (
    LineProbed("line1", c)
    for c in (LineCondition.FREE, LineCondition.IN_USE, LineCondition.NO_LINE)
)


def _up(setup: LineSetup | None = None) -> tuple[Hosted, World]:
    one = Hosted(setup, "usr5637" if setup is HALF else "conexant")
    world = World(one)
    world.bring_up()
    world.run(3000)
    return one, world


@pytest.fixture
def controls() -> Iterator[list[ControlEnd]]:
    """Whatever a test puts in is closed afterwards."""
    made: list[ControlEnd] = []
    yield made
    for control in made:
        control.close()


def _told(one: Hosted, *kinds: type) -> list[Any]:
    return [fact for fact in one.told if isinstance(fact, kinds)]


def test_a_cut_line_and_a_lifted_telephone_are_told_apart() -> None:
    """B1: -TRV says 48, 8 or 1.4 V; call control that was restarted hears it again."""
    one, world = _up()
    line = one.station.line
    line.cut(cut=True)
    world.run(17_000)
    line.cut(cut=False)
    world.run(8000)
    line.move_extension(up=True)
    world.run(17_000)
    assert one.heard_of(LineProbed) == [FREE, NO_LINE, FREE, IN_USE]
    one.line.report_again()
    assert one.told[-1] == IN_USE
    line.move_extension(up=False)
    line.wire.volts = 24.0
    world.run(8000)
    assert one.told[-1] == FREE
    assert one.modem.guard.faults == {}


def test_a_make_that_cannot_measure_never_says_so() -> None:
    """A USRobotics has no probe: nothing is told, and nothing it would refuse is asked."""
    one, world = _up(HALF)
    one.station.line.cut(cut=True)
    world.run(300_000)
    assert one.heard_of(LineProbed) == []


@pytest.mark.parametrize("setup", [None, HALF])
def test_a_telephone_lifted_while_it_rings_has_the_call(setup: LineSetup | None) -> None:
    """In voice class the modem tells at once; the caller talks with the handset, undisturbed."""
    one, world = _up(setup)
    call = one.place()
    world.until(lambda: one.heard_of(LineRang))
    world.run(1500)
    one.station.line.move_extension(up=True)
    world.run(100)
    assert one.told[-1] == LineTaken("line1")
    world.run(2000)
    assert _told(one, LineTaken, LineIdle, CallerHungUp) == [LineTaken("line1"), LineIdle("line1")]
    assert one.station.line.state is SubscriberLineState.TALKING
    assert call.report.answered
    one.station.line.move_extension(up=False)
    world.run(8000)
    assert one.heard_of(LineProbed)[1:] == ([] if setup else [IN_USE, FREE])


def test_lifted_before_the_modem_listens_the_ringing_stops_and_the_volts_tell() -> None:
    """In data class nothing is reported: given up after the ring's gap, then found in use."""
    one, world = _up(LineSetup("line1", "", caller_id="after", identity_limit_ms=10_000))
    one.place()
    world.until(lambda: one.heard_of(LineRang))
    one.station.line.move_extension(up=True)
    world.run(12_000)
    told = _told(one, LineTaken, CallerHungUp, LineIdle, LineProbed)[1:]
    hung_up = CallerHungUp("line1", Evidence.GAVE_UP, told[0].after_ms)
    assert told == [hung_up, LineIdle("line1"), IN_USE]


def test_a_telephone_lifted_in_a_message_ends_the_recording_before_it() -> None:
    """No word of the talk at the handset is kept: a second before the report is cut off."""
    one, world = _up()
    control = ControlEnd(one)
    world.parts.append(control.step)
    call = world.answer(one, hang_up_after_ms=10**6)
    one.line.record(Record("r1", "line1", silence_ms=90_000), world.now)
    call.say(SPEECH)
    world.run(3000)
    one.station.line.move_extension(up=True)
    world.run(100)
    (ended,) = one.heard_of(RecordingEnded)
    assert (ended.stop, ended.trim_ms) == (RecordingStop.TAKEN, TAKEN_TRIM_MS)
    assert one.told[-1] == LineTaken("line1")
    world.hang_up(one)
    assert one.station.line.state is SubscriberLineState.TALKING
    assert not call.report.ended_by
    world.run(3000)
    assert one.told[-1] == IN_USE
    control.close()


def test_the_first_moment_of_an_answer_is_no_telephone() -> None:
    """Our own going off hook moves the voltage: what is reported in its first 0.6 s is that."""
    one, world = _up()
    world.answer(one, hang_up_after_ms=10**6)
    one.modem.report("P")
    world.run(SETTLE_MS)
    assert one.heard_of(LineTaken) == []
    one.modem.report("PP")
    world.run(100)
    assert one.heard_of(LineTaken) == [LineTaken("line1")]


def test_in_a_conversation_the_line_stays_and_its_release_is_still_noticed() -> None:
    """Three talk: what happens call control decides; a busy tone afterwards is told as ever."""
    office = Office(Hosted())
    call = office.talking()
    office.world.run(1000)
    office.one.station.line.move_extension(up=True)
    office.world.run(500)
    assert office.one.heard_of(LineTaken) == [LineTaken("line1")]
    assert office.one.line.call is not None
    assert office.one.line.call.leg is not None
    office.one.station.line.move_extension(up=False)
    call.wants_to_hang_up = True
    office.world.until(lambda: office.one.heard_of(CallerHungUp), 6000)
    office.phone.close()


def test_after_a_release_a_lifted_telephone_is_somebody_elses_business() -> None:
    """Who lifts it to the busy tone has no caller."""
    one, world = _up()
    world.answer(one, release="busy", hang_up_after_ms=1000)
    world.until(lambda: one.heard_of(CallerHungUp), 9000)
    one.station.line.move_extension(up=True)
    world.run(500)
    assert one.heard_of(LineTaken) == []
