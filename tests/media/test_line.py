"""AnalogLine against the exchange's station on a virtual clock: ring, play, record, join."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from appliance.calls.events import (
    Caller,
    CallerHungUp,
    CallerIdentified,
    DigitPressed,
    DigitSource,
    Evidence,
    LineAnswered,
    LineIdle,
    LineLost,
    LineRang,
    LineRestored,
    Presentation,
    PromptEnded,
    RecordingEnded,
    RecordingStop,
)
from appliance.calls.orders import Play, Record
from appliance.dsp import g711
from appliance.dsp.dtmf import pcm16
from appliance.dsp.wav import Law
from appliance.errors import ConfigurationError
from appliance.media.messages import (
    LineSetup,
    LineSnapshot,
    Measured,
    RecordingStarted,
    line_settings,
)
from appliance.media.port import GONE
from tests.helpers import sound
from tests.media.virtual import ControlEnd, Hosted, World

PROMPT = sound.babble(2.0, seed=3) + pcm16([9000.0, -9000.0] * 200)
"""Ends loud, so that its last sample is heard or not."""
SPEECH = g711.encode(sound.babble(4.0, seed=4), Law.ULAW)
HALF = LineSetup("line1", "", dialect="usr5637", caller_id="none")


@pytest.fixture
def one() -> Hosted:
    """A duplex line with its modem."""
    return Hosted()


@pytest.fixture
def world(one: Hosted) -> World:
    """The line's clock; the line is in service."""
    made = World(one)
    made.bring_up()
    return made


@pytest.fixture
def control(one: Hosted, world: World) -> Iterator[ControlEnd]:
    """Call control's end of the link."""
    made = ControlEnd(one)
    world.parts.append(made.step)
    yield made
    made.close()


def test_a_line_in_service_says_so(one: Hosted, world: World) -> None:
    """B1: what the modem is, and that it is duplex; said again to restarted call control."""
    (up,) = one.heard_of(LineRestored)
    assert up.duplex
    assert "CX93001" in up.modem
    assert one.line.snapshot() == LineSnapshot("line1", "in_service", up.modem, duplex=True)
    one.line.report_again()
    assert one.told[-1] == up


def test_a_line_that_is_not_up_says_nothing_to_new_call_control() -> None:
    """A line out of service is not restored by asking; its snapshot says out."""
    one = Hosted()
    one.line.report_again()
    assert one.told == []
    assert one.line.snapshot().state == "out"


def test_ring_identity_and_giving_up() -> None:
    """B1: ring, who calls, and a caller who gives up before anybody answers."""
    one = Hosted(LineSetup("line1", "", caller_id="after"))
    world = World(one)
    world.bring_up()
    one.place(caller="0511234567", rings=2)
    world.until(lambda: one.heard_of(LineIdle), 40_000)
    assert [rang.count for rang in one.heard_of(LineRang)] == [1, 2]
    (identified,) = one.heard_of(CallerIdentified)
    assert identified.caller == Caller(Presentation.SHOWN, "0511234567")
    (told,) = one.heard_of(CallerHungUp)
    assert told.evidence is Evidence.GAVE_UP
    assert 6900 <= told.after_ms <= 7100


@pytest.mark.parametrize("has_identity", [False, True])
def test_new_call_control_is_told_of_the_caller_who_rings(has_identity: bool) -> None:
    """F23: whoever rings while call control starts again waits for no further ring of theirs."""
    one = Hosted(LineSetup("line1", "", caller_id="after"))
    world = World(one)
    world.bring_up()
    one.place(caller="0511234567")
    world.until(lambda: one.heard_of(CallerIdentified if has_identity else LineRang))
    one.told.clear()
    one.line.report_again()
    who = Caller(Presentation.SHOWN, "0511234567")
    told = [fact for fact in one.told if isinstance(fact, LineRang | CallerIdentified)]
    assert told == [LineRang("line1", 1, who if has_identity else None)]


@pytest.mark.parametrize("after_ms", [150, 250, 350, 450])
def test_a_call_that_rings_into_the_hang_up_is_told_at_its_first_ring(after_ms: int) -> None:
    """B1: the exchange rings while the modem is being proven idle; the first burst counts."""
    one = Hosted(LineSetup("line1", "", caller_id="after"))
    world = World(one)
    world.bring_up()
    world.answer(one, hang_up_after_ms=60_000)
    one.line.hang_up(world.now)
    world.run(after_ms)
    assert not one.heard_of(LineIdle)
    one.told.clear()
    one.place(caller="0511234567")
    world.until(lambda: one.heard_of(CallerIdentified))
    told = [fact for fact in one.told if isinstance(fact, LineIdle | LineRang | CallerIdentified)]
    who = Caller(Presentation.SHOWN, "0511234567")
    assert told == [LineIdle("line1"), LineRang("line1", 1), CallerIdentified("line1", who)]


def test_an_answered_line_is_told_once_its_stream_runs(one: Hosted, world: World) -> None:
    """LineAnswered means that sound can flow; a second order to answer changes nothing."""
    world.answer(one, hang_up_after_ms=60_000)
    one.line.answer(world.now)
    world.run(1000)
    assert len(one.heard_of(LineAnswered)) == 1
    assert [m.what for m in one.heard_of(Measured)] == ["answer_to_off_hook"]
    assert one.modem.off_hook
    assert one.line.needs_ticks
    world.hang_up(one)
    assert not one.modem.off_hook
    assert not one.line.needs_ticks


@pytest.mark.parametrize("setup", [None, HALF])
def test_a_prompt_has_ended_when_the_caller_has_heard_it(setup: LineSetup | None) -> None:
    """PromptEnded comes when the last sample was played, not when it was written (both modems)."""
    one = Hosted(setup, "usr5637" if setup else "conexant")
    world = World(one)
    world.bring_up()
    call = world.answer(one, hang_up_after_ms=60_000)
    one.line.play(Play("p1", ("x",), line="line1"), [PROMPT[:16_000], PROMPT[16_000:]], world.now)
    law = one.line.driver.law
    assert law is not None
    wanted = g711.translate(g711.encode(PROMPT, law), law, Law.ULAW)
    world.until(lambda: wanted in bytes(call.heard) or one.heard_of(PromptEnded), 5000)
    assert wanted in bytes(call.heard)
    world.run(60)
    assert one.heard_of(PromptEnded) == [PromptEnded("p1", whole=True)]


def test_an_order_cuts_a_prompt_short(one: Hosted, world: World) -> None:
    """A later Play on the line ends the one before, which is told as not whole."""
    world.answer(one, hang_up_after_ms=60_000)
    one.line.play(Play("p1", ("x",), line="line1"), [PROMPT], world.now)
    world.run(500)
    one.line.play(Play("p2", ("x",), line="line1"), [PROMPT], world.now)
    assert one.told[-1] == PromptEnded("p1", whole=False)
    world.run(3000)
    assert one.told[-1] == PromptEnded("p2", whole=True)


def test_a_missing_prompt_ends_at_once(one: Hosted, world: World) -> None:
    """A prompt without sound is heard as nothing and never keeps the call waiting."""
    world.answer(one, hang_up_after_ms=60_000)
    one.line.play(Play("p1", ("x",), line="line1"), [b""], world.now)
    world.run(200)
    assert one.told[-1] == PromptEnded("p1", whole=True)


def _recorded(world: World, one: Hosted, **limits: int) -> None:
    one.line.record(Record("r1", "line1", **limits), world.now)


@pytest.mark.parametrize("chip", [True, False])
def test_a_recording_ends_by_the_hash_key(
    one: Hosted, world: World, control: ControlEnd, chip: bool
) -> None:
    """Every byte of the message reaches call control; `#` ends it, by chip or by sound, and other
    keys are told.
    """
    one.modem.chip_dtmf = chip
    call = world.answer(one, hang_up_after_ms=60_000)
    _recorded(world, one)
    call.say(SPEECH)
    call.press("5#")
    world.until(lambda: one.heard_of(RecordingEnded))
    (ended,) = one.heard_of(RecordingEnded)
    world.run(20)
    assert (ended.stop, ended.trim_ms) == (RecordingStop.KEY, 200)
    assert ended.length_ms == len(control.sound) // 8
    assert SPEECH.strip(b"\xff") in bytes(control.sound)
    assert control.messages == [RecordingStarted("r1", "ulaw")]
    source = DigitSource.CHIP if chip else DigitSource.SOUND
    assert one.heard_of(DigitPressed) == [DigitPressed("5", source, line="line1")]


def test_a_recording_ends_by_silence_after_its_grace(
    one: Hosted, world: World, control: ControlEnd
) -> None:
    """E5: silence ends a message, never in its grace; half a second of it is kept."""
    call = world.answer(one, hang_up_after_ms=90_000)
    _recorded(world, one, silence_ms=3000, grace_ms=10_000)
    call.say(SPEECH)
    world.until(lambda: one.heard_of(RecordingEnded))
    (ended,) = one.heard_of(RecordingEnded)
    assert ended.stop is RecordingStop.SILENCE
    assert 10_000 <= ended.length_ms <= 10_040
    assert 5000 <= ended.trim_ms <= 6500


def test_a_recording_ends_at_its_limit(one: Hosted, world: World, control: ControlEnd) -> None:
    """The limit ends a message, to the frame."""
    call = world.answer(one, hang_up_after_ms=90_000)
    _recorded(world, one, limit_ms=3000)
    call.say(SPEECH)
    world.until(lambda: one.heard_of(RecordingEnded))
    (ended,) = one.heard_of(RecordingEnded)
    assert (ended.stop, ended.length_ms, ended.trim_ms) == (RecordingStop.LIMIT, 3000, 0)


@pytest.mark.parametrize("hangs_up", [True, False])
def test_the_next_order_or_hanging_up_ends_a_recording(
    one: Hosted, world: World, control: ControlEnd, hangs_up: bool
) -> None:
    """A recording cut by another order, or by hanging up, is told as ordered."""
    world.answer(one, hang_up_after_ms=90_000)
    _recorded(world, one)
    world.run(1000)
    if hangs_up:
        one.line.hang_up(world.now)
    else:
        one.line.play(Play("p", (), "line1"), [], world.now)
    (ended,) = one.heard_of(RecordingEnded)
    assert (ended.stop, ended.length_ms) == (RecordingStop.ORDERED, 1000)


def test_a_port_that_goes_ends_everything(one: Hosted, world: World, control: ControlEnd) -> None:
    """B1: the modem unplugged in a message: the recording is told as lost, the line as out."""
    world.answer(one, hang_up_after_ms=90_000)
    _recorded(world, one)
    world.run(2000)
    one.line.lost(GONE, world.now)
    (ended,) = one.heard_of(RecordingEnded)
    assert (ended.stop, ended.length_ms) == (RecordingStop.LOST, 2000)
    assert one.told[-1] == LineLost("line1", GONE)
    assert one.line.needs is not None
    assert not one.line.status.in_service
    assert not one.line.needs_ticks


def test_orders_for_a_line_without_a_call_are_answered(one: Hosted, world: World) -> None:
    """An order that crossed the end of its call still has its answer, and does nothing else."""
    one.line.play(Play("p1", ("x",), line="line1"), [PROMPT], world.now)
    assert one.told[-1] == PromptEnded("p1", whole=False)
    _recorded(world, one)
    assert one.told[-1] == RecordingEnded("r1", RecordingStop.LOST, 0)
    one.line.hold([PROMPT], world.now)
    one.line.tick(world.now)
    one.line.hang_up(world.now)
    assert one.told[-1] == LineIdle("line1")
    assert not one.line.needs_ticks


def test_no_link_no_recording(one: Hosted, world: World) -> None:
    """With call control gone there is nobody to record for."""
    world.answer(one, hang_up_after_ms=90_000)
    _recorded(world, one)
    assert one.told[-1] == RecordingEnded("r1", RecordingStop.LOST, 0)


def test_a_setting_that_no_modem_takes_is_said() -> None:
    """A wrong dialect is an error of the configuration; gains of -1 leave the modem's own."""
    with pytest.raises(ConfigurationError, match="dialect"):
        line_settings(LineSetup("line1", "", dialect="hayes"))
    settings = line_settings(LineSetup("line1", "", country="de", receive_gain=120))
    assert (settings.country, settings.receive_gain, settings.transmit_gain) == ("42", 120, None)


def test_silence_is_written_when_nothing_is_played(one: Hosted, world: World) -> None:
    """The lead inside the modem is kept with silence: no underrun, never below 40 ms of 60."""
    call = world.answer(one, hang_up_after_ms=60_000)
    world.run(5000)
    assert one.modem.underruns == 0
    assert one.line.take_least_lead() >= 40
    assert one.line.take_least_lead() == 60
    assert set(call.heard) == {0xFF}
