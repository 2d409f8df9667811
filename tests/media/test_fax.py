"""A fax machine calls: the chip says so, or our own ear; the box hears it under its own voice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from appliance.calls.events import (
    CallerHungUp,
    FaxCalled,
    FaxSource,
    PromptEnded,
    RecordingEnded,
    RecordingStop,
)
from appliance.calls.orders import Play, Record
from appliance.dsp import g711
from appliance.dsp.wav import Law
from appliance.media.detectors import FaxSigns
from appliance.media.messages import LineSetup
from appliance.simulator.exchange.audio import Echo
from tests.helpers import sound
from tests.media.virtual import ControlEnd, Hosted, World

VOICE = g711.encode(sound.babble(4.0, seed=5), Law.ULAW)
PROMPT = sound.babble(30.0, seed=9)
HALF = LineSetup("line1", "", dialect="usr5637", caller_id="none")
ECHOED = LineSetup("line1", "", caller_id="none", echo=True)


def _up(*, chip: bool, setup: LineSetup | None = None) -> tuple[Hosted, World]:
    one = Hosted(setup, "usr5637" if setup is HALF else "conexant")
    one.modem.chip_tones = chip
    world = World(one)
    world.bring_up()
    return one, world


@pytest.fixture
def controls() -> Iterator[list[ControlEnd]]:
    """Whatever a test puts in is closed afterwards."""
    made: list[ControlEnd] = []
    yield made
    for control in made:
        control.close()


@pytest.mark.parametrize("chip", [True, False])
def test_a_fax_is_told_once_and_soon(chip: bool) -> None:
    """B1: certain with the second burst, by whoever heard it first; it is no release."""
    one, world = _up(chip=chip)
    world.answer(one, fax=True)
    world.until(lambda: one.heard_of(FaxCalled), 5000)
    world.run(15_000)
    (told,) = one.heard_of(FaxCalled)
    assert told.source is (FaxSource.CHIP if chip else FaxSource.SOUND)
    assert 3400 <= told.after_ms <= 4100
    assert one.heard_of(CallerHungUp) == []


def test_a_fax_is_heard_while_a_greeting_plays_and_echoes() -> None:
    """Our own voice comes back 8 dB down: behind the canceller the bursts stand out."""
    one, world = _up(chip=False, setup=ECHOED)
    one.station.line.wire.echo = Echo(8.0, 3)
    world.answer(one, fax=True, start_delay_ms=6000, clips=(VOICE[:800],))
    one.line.play(Play("p", ("greeting",), line="line1"), [PROMPT], world.now)
    world.until(lambda: one.heard_of(FaxCalled), 20_000)
    assert one.heard_of(PromptEnded) == []


def test_a_half_duplex_line_learns_of_a_fax_from_its_chip() -> None:
    """B2: while a greeting plays it hears nothing itself; the chip's reports end the greeting."""
    one, world = _up(chip=True, setup=HALF)
    world.answer(one, fax=True)
    one.line.play(Play("p", ("greeting",), line="line1"), [PROMPT], world.now)
    world.until(lambda: one.heard_of(FaxCalled), 6000)
    assert one.heard_of(FaxCalled)[0].source is FaxSource.CHIP


@pytest.mark.parametrize("chip", [True, False])
def test_nothing_of_a_fax_is_kept(chip: bool, controls: list[ControlEnd]) -> None:
    """P9: a recording in which nobody spoke ends by the fax, all of it to be dropped."""
    one, world = _up(chip=chip)
    controls.append(ControlEnd(one))
    world.parts.append(controls[0].step)
    world.answer(one, fax=True)
    one.line.record(Record("r1", "line1", silence_ms=90_000), world.now)
    world.until(lambda: one.heard_of(RecordingEnded), 9000)
    (ended,) = one.heard_of(RecordingEnded)
    assert ended.stop is RecordingStop.FAX
    assert ended.trim_ms == ended.length_ms > 3000
    order = [type(fact) for fact in one.told if type(fact) in {FaxCalled, RecordingEnded}]
    assert order == [FaxCalled, RecordingEnded]


@pytest.mark.parametrize("chip", [True, False])
def test_who_spoke_before_the_fax_is_kept(chip: bool, controls: list[ControlEnd]) -> None:
    """P9: the voice before the first burst stays, the bursts are cut off."""
    one, world = _up(chip=chip)
    controls.append(ControlEnd(one))
    world.parts.append(controls[0].step)
    world.answer(one, clips=(VOICE,), fax=True, start_delay_ms=500)
    one.line.record(Record("r1", "line1", silence_ms=90_000), world.now)
    world.until(lambda: one.heard_of(RecordingEnded), 20_000)
    world.run(40)
    (ended,) = one.heard_of(RecordingEnded)
    assert ended.stop is RecordingStop.FAX
    kept = bytes(controls[0].sound[: len(controls[0].sound) - 8 * ended.trim_ms])
    assert VOICE.strip(b"\xff")[:16_000] in kept
    assert len(kept) == pytest.approx(8 * (ended.length_ms - ended.trim_ms), abs=800)
    assert 4000 <= ended.length_ms - ended.trim_ms <= 4700


def test_one_report_of_the_chip_is_a_mistake_of_it() -> None:
    """A chip that takes a voice for the tone once, or twice a minute apart, ends no call."""
    signs = FaxSigns("line1")
    assert [signs.chip(at_ms) for at_ms in (1000, 1100, 2000, 62_000)] == [None] * 4
    assert signs.chip(65_500) == FaxCalled("line1", FaxSource.CHIP, 3500)
    assert [signs.chip(69_000), signs.sound(4020)] == [None, None]


def test_a_burst_that_the_chip_missed_is_made_up_for() -> None:
    """Two reports may be two bursts apart."""
    signs = FaxSigns("line1")
    assert signs.chip(1000) is None
    assert signs.chip(8000) == FaxCalled("line1", FaxSource.CHIP, 7000)


def test_a_chip_report_without_a_call_means_nothing() -> None:
    """On hook nobody listens."""
    one, world = _up(chip=True)
    one.modem.report("c")
    world.run(100)
    assert one.heard_of(FaxCalled) == []
