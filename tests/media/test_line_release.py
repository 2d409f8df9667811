"""How a line notices that its caller has gone, and what keys the caller presses: chip and sound."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from appliance.calls.events import (
    CallerHungUp,
    DigitPressed,
    DigitSource,
    Evidence,
    LineIdle,
    RecordingEnded,
    RecordingStop,
)
from appliance.calls.orders import Play, Record
from appliance.dsp import g711
from appliance.dsp.wav import Law
from appliance.media.messages import LineSetup
from appliance.simulator.exchange.call import CallPlan, ExchangeCall
from tests.helpers import sound
from tests.media.virtual import ControlEnd, Hosted, Phone, World

SPEECH = g711.encode(sound.babble(3.0, seed=5), Law.ULAW)
TALKED_MS = 5000
HALF = LineSetup("line1", "", dialect="usr5637", caller_id="none")


def _up(chip: bool = True, setup: LineSetup | None = None) -> tuple[Hosted, World]:
    one = Hosted(setup, "usr5637" if setup is HALF else "conexant")
    one.modem.chip_tones = one.modem.chip_dtmf = chip
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


@pytest.mark.parametrize(
    ("release", "chip", "evidence", "limit_ms", "took_ms"),
    [
        ("busy", True, Evidence.BUSY_TONE, 3000, 2960),
        ("busy", False, Evidence.BUSY_TONE, 3000, 2960),
        ("busy200", True, Evidence.CHIP_BUSY, 1300, 1200),
        ("busy200", False, Evidence.CONGESTION_TONE, 1700, 1560),
        ("dial", True, Evidence.DIAL_TONE, 2500, 2360),
        ("dial", False, Evidence.DIAL_TONE, 2500, 2360),
        ("loop", True, Evidence.LOOP, 5200, 5000),
        ("loop", False, Evidence.LOOP, 5200, 5000),
        ("silence", True, Evidence.SILENCE, 62_000, 60_000),
        ("silence", False, Evidence.SILENCE, 62_000, 60_000),
    ],
)
def test_every_release_is_noticed_once(
    release: str, chip: bool, evidence: Evidence, limit_ms: int, took_ms: int
) -> None:
    """B1: each way a far end goes is told once, in time, by the sign that came first, and how
    long it took from its first trace; then the line is freed.
    """
    one, world = _up(chip)
    world.answer(one, CallPlan(release=release, clips=(SPEECH,), hang_up_after_ms=TALKED_MS))
    world.run(TALKED_MS - 500)
    assert one.heard_of(CallerHungUp) == []
    world.until(lambda: one.heard_of(CallerHungUp), limit_ms + 500)
    world.run(10_000)
    (told,) = one.heard_of(CallerHungUp)
    assert told.evidence is evidence
    assert told.after_ms == pytest.approx(took_ms, abs=45)
    world.hang_up(one)
    assert one.told[-1] == LineIdle("line1")


SIGNS = {
    "busy": Evidence.BUSY_TONE,
    "congestion": Evidence.CONGESTION_TONE,
    "dial": Evidence.DIAL_TONE,
}


@pytest.mark.parametrize("release", SIGNS)
@pytest.mark.parametrize("country", ["it", "de", "fr", "gb", "us"])
def test_every_country_s_release_is_heard_without_a_chip(country: str, release: str) -> None:
    """B1: busy and congestion within 3 s of their onset, dial tone within 4.1; rightly named."""
    setup = LineSetup("line1", "", country=country, caller_id="none")
    one, world = _up(chip=False, setup=setup)
    world.answer(one, CallPlan(release=release, clips=(SPEECH,), hang_up_after_ms=TALKED_MS))
    world.run(TALKED_MS - 500)
    assert one.heard_of(CallerHungUp) == []
    world.until(lambda: one.heard_of(CallerHungUp), 500 + (4100 if release == "dial" else 3000))
    assert [told.evidence for told in one.heard_of(CallerHungUp)] == [SIGNS[release]]


@pytest.mark.parametrize("release", ["busy", "busy200", "dial"])
def test_a_release_in_a_conversation_is_noticed_as_soon(release: str) -> None:
    """B1: while people talk, frames are looked at five at a time: 80 ms later at most, and the tone
    is told to have lasted as long.
    """
    told: dict[bool, tuple[CallerHungUp, float]] = {}
    for talking in (False, True):
        one, world = _up(chip=False)
        world.answer(one, CallPlan(release=release, clips=(SPEECH,), hang_up_after_ms=TALKED_MS))
        phone = Phone()
        if talking:
            world.parts.append(phone.step)
            phone.agree(world.now)
            one.line.connect(phone.leg, world.now)
        began = world.now
        world.until(lambda one=one: one.heard_of(CallerHungUp))  # type: ignore[misc]  # a default
        told[talking] = one.heard_of(CallerHungUp)[0], (world.now - began) * 1000
        phone.close()
    assert told[True][0] == told[False][0]
    assert -1 < told[True][1] - told[False][1] < 81


@pytest.mark.parametrize("chip", [True, False])
@pytest.mark.parametrize("release", ["busy", "busy200", "dial"])
def test_the_tone_is_no_part_of_the_message(
    release: str, chip: bool, controls: list[ControlEnd]
) -> None:
    """B1, P9: a release ends a recording; what is to be trimmed holds the whole tone, and nothing
    that the caller said.
    """
    one, world = _up(chip)
    controls.append(ControlEnd(one))
    world.parts.append(controls[0].step)
    call = world.answer(one, release=release, hang_up_after_ms=20_000)
    one.line.record(Record("r1", "line1", silence_ms=90_000), world.now)
    call.say(SPEECH)
    world.run(4000)
    call.wants_to_hang_up = True
    world.until(lambda: one.heard_of(RecordingEnded), 8000)
    world.run(20)
    (ended,) = one.heard_of(RecordingEnded)
    kept = bytes(controls[0].sound[: len(controls[0].sound) - 8 * ended.trim_ms])
    assert ended.stop is RecordingStop.RELEASE
    assert SPEECH.strip(b"\xff") in kept
    assert kept[-800:] == b"\xff" * 800


def test_a_release_on_a_half_duplex_line_is_heard_while_recording(
    controls: list[ControlEnd],
) -> None:
    """B2: the half-duplex modem listens when it records: busy tone ends the message there too."""
    one, world = _up(chip=False, setup=HALF)
    controls.append(ControlEnd(one))
    world.parts.append(controls[0].step)
    world.answer(one, release="busy", clips=(SPEECH,), start_delay_ms=500, hang_up_after_ms=6000)
    one.line.record(Record("r1", "line1", silence_ms=90_000), world.now)
    world.until(lambda: one.heard_of(RecordingEnded), 15_000)
    assert one.heard_of(CallerHungUp)[0].evidence is Evidence.BUSY_TONE
    assert one.heard_of(RecordingEnded)[0].stop is RecordingStop.RELEASE


@pytest.mark.parametrize("chip", [True, False])
def test_each_key_counts_once(chip: bool) -> None:
    """Chip and our own detector hear the same presses; each is told once, doubled keys too."""
    one, world = _up(chip)
    call = world.answer(one, hang_up_after_ms=60_000)
    world.run(500)
    call.press("0012345,6789*#")
    world.run(5000)
    told = one.heard_of(DigitPressed)
    assert "".join(press.digit for press in told) == "00123456789*#"
    wanted = {DigitSource.CHIP} if chip else {DigitSource.SOUND}
    assert {press.source for press in told} == wanted


CODES = {"b": Evidence.CHIP_BUSY, "d": Evidence.CHIP_DIAL, "l": Evidence.LOOP}
WORDS = {"b": "busy", "d": "dial", "l": "loop"}


def _talking(one: Hosted, world: World, phone: Phone) -> ExchangeCall:
    """A caller who speaks without a pause to somebody at a phone."""
    call = world.answer(one, hang_up_after_ms=10**6, clips=(SPEECH,), repeat_say=True)
    world.parts.append(phone.step)
    phone.agree(world.now)
    one.line.connect(phone.leg, world.now)
    world.run(1000)
    return call


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("code", CODES)
def test_no_report_of_the_chip_ends_a_conversation_in_which_somebody_speaks(
    code: str, times: int
) -> None:
    """Chips take speech for tones, and a reversal for a break: our own ear hears the caller."""
    one, world = _up()
    phone = Phone()
    _talking(one, world, phone)
    for _ in range(times):
        one.modem.report(code)
        world.run(1500)
    world.run(12_000)
    assert one.heard_of(CallerHungUp) == []
    phone.close()


@pytest.mark.parametrize("code", CODES)
def test_a_second_report_bears_the_first_one_out(code: str) -> None:
    """B1: told once, by the first one's word, from its time on; two at once are one."""
    one, world = _up()
    world.answer(one, hang_up_after_ms=60_000)
    world.run(1000)
    one.modem.report(code * 2)
    world.run(1000)
    assert one.heard_of(CallerHungUp) == []
    one.modem.report(code)
    world.run(100)
    (told,) = one.heard_of(CallerHungUp)
    assert told == CallerHungUp("line1", CODES[code], told.after_ms, WORDS[code])
    assert told.after_ms == pytest.approx(1000, abs=45)


@pytest.mark.parametrize("code", CODES)
def test_a_report_is_borne_out_by_our_own_ear(code: str) -> None:
    """B1: a busy tone that has just begun is enough beside it; by itself it would take 3 s."""
    one, world = _up(chip=False)
    world.answer(one, CallPlan(release="busy", clips=(SPEECH,), hang_up_after_ms=TALKED_MS))
    world.run(TALKED_MS + 100)
    one.modem.report(code)
    world.until(lambda: one.heard_of(CallerHungUp), 800)
    assert [told.evidence for told in one.heard_of(CallerHungUp)] == [CODES[code]]


@pytest.mark.parametrize(("code", "ends"), [("b", False), ("d", False), ("l", True)])
def test_silence_bears_out_a_break_of_the_loop_alone(code: str, ends: bool) -> None:
    """A tone that nobody hears is none; a line that was broken brings no tone."""
    one, world = _up()
    world.answer(one, hang_up_after_ms=60_000)
    world.run(1000)
    one.modem.report(code)
    world.run(20_000)
    assert [told.evidence for told in one.heard_of(CallerHungUp)] == [Evidence.LOOP] * ends


def test_who_waits_on_hold_is_silent_and_stays() -> None:
    """A reversal of the line while the caller hears music: half a minute is no sign of going."""
    one, world = _up()
    world.answer(one, hang_up_after_ms=10**6)
    one.line.hold([], world.now)
    world.run(1000)
    one.modem.report("l")
    world.run(20_000)
    assert one.heard_of(CallerHungUp) == []


def test_a_break_of_the_loop_ends_a_message_soon(controls: list[ControlEnd]) -> None:
    """Nobody speaks to a person: two seconds of silence behind it are enough."""
    one, world = _up()
    controls.append(ControlEnd(one))
    world.parts.append(controls[0].step)
    call = world.answer(one, release="loop", hang_up_after_ms=20_000)
    one.line.record(Record("r1", "line1", silence_ms=90_000), world.now)
    call.say(SPEECH)
    world.run(4000)
    call.wants_to_hang_up = True
    world.until(lambda: one.heard_of(RecordingEnded), 4000)
    assert one.heard_of(RecordingEnded)[0].stop is RecordingStop.RELEASE


def test_a_half_duplex_line_that_plays_hears_nothing_and_needs_a_second_report() -> None:
    """B2: in an announcement there is no ear; the chip repeats what is so."""
    one, world = _up(setup=HALF)
    world.answer(one, hang_up_after_ms=60_000)
    one.line.play(Play("p1", ("x",), line="line1"), [b"\0\1" * 80_000], world.now)
    world.run(1000)
    one.modem.report("b")
    world.run(2000)
    assert one.heard_of(CallerHungUp) == []
    one.modem.report("b")
    world.run(100)
    assert [told.evidence for told in one.heard_of(CallerHungUp)] == [Evidence.CHIP_BUSY]


@pytest.mark.parametrize("code", ["s", "q"])
def test_the_chip_s_silence_ends_nothing(code: str) -> None:
    """E5: it is switched off (+VSD); a chip that reports it all the same ends no conversation."""
    one, world = _up()
    world.answer(one, hang_up_after_ms=60_000)
    world.run(1000)
    one.modem.report(code)
    world.run(1000)
    assert one.heard_of(CallerHungUp) == []


def test_what_the_chip_says_outside_a_call_means_nothing() -> None:
    """A pick-up of another telephone on the pair, with no call on the line, is nobody's release."""
    one, world = _up()
    one.station.line.move_extension(up=True)
    world.run(500)
    one.station.line.move_extension(up=False)
    world.run(500)
    assert one.heard_of(CallerHungUp) == []


def test_a_loop_event_right_after_the_answer_is_no_release() -> None:
    """A polarity reversal when the line is answered is supervision (v253.md 2.1)."""
    one, world = _up()
    world.answer(one, hang_up_after_ms=60_000)
    one.modem.report("l")
    world.run(200)
    assert one.heard_of(CallerHungUp) == []
    world.run(1000)
    one.modem.report("l")
    world.run(6000)
    assert [told.evidence for told in one.heard_of(CallerHungUp)] == [Evidence.LOOP]


def test_what_the_modem_says_of_its_buffers_is_counted() -> None:
    """An underrun is refilled at once, an overrun counted; neither touches the call."""
    one, world = _up()
    world.answer(one, hang_up_after_ms=60_000)
    world.run(500)
    one.modem.report("uo")
    world.run(100)
    assert (one.line.lead.underruns, one.line.overruns) == (1, 1)
    assert one.heard_of(CallerHungUp) == []


def test_a_modem_that_loses_the_thread_ends_the_call() -> None:
    """B6: a modem that is switched off and on in a call is brought back: the call is lost, then
    the line is restored.
    """
    one, world = _up()
    world.answer(one, hang_up_after_ms=60_000)
    world.run(500)
    one.station.power_cycle()
    one.line.hang_up(world.now)
    world.until(lambda: one.line.status.in_service and one.line.call is None, 30_000)
    assert not one.modem.off_hook
