"""B2: a line that can only speak or listen: prompt, tone, message, thanks; virtual clock."""

from __future__ import annotations

from appliance.calls.events import LineRestored, PromptEnded, RecordingEnded, RecordingStop
from appliance.calls.orders import Play, Record
from appliance.dsp import g711
from appliance.dsp.dtmf import pcm16
from appliance.dsp.wav import Law
from appliance.media.messages import LineSetup
from appliance.modem.events import Stream
from tests.helpers import sound
from tests.media.virtual import ControlEnd, Hosted, World
from tests.sound.verdict import judge

HALF = LineSetup("line1", "", dialect="usr5637", caller_id="none")
PROMPT = sound.babble(2.0, seed=8) + pcm16([9000.0, -9000.0] * 200)
SPEECH = sound.through(sound.babble(6.0, seed=9), Law.ULAW)


def _heard_of(pcm: bytes) -> bytes:
    """What a caller hears of 16-bit sound that goes through an 8-bit linear modem."""
    return g711.translate(g711.encode(pcm, Law.LINEAR8), Law.LINEAR8, Law.ULAW)


def test_prompt_message_and_thanks_on_a_half_duplex_line() -> None:
    """The streams follow each other: the prompt is heard whole before recording begins, the
    message is the caller's speech at 20 dB or better, `#` ends it, and thanks are heard whole.
    """
    one = Hosted(HALF, "usr5637")
    world, control = World(one), ControlEnd(one)
    world.parts.append(control.step)
    world.bring_up()
    assert not one.heard_of(LineRestored)[0].duplex
    call = world.answer(one, hang_up_after_ms=10**6)

    one.line.play(Play("p1", ("x",), line="line1"), [PROMPT], world.now)
    world.until(lambda: one.heard_of(PromptEnded))
    one.line.record(Record("r1", "line1"), world.now)
    world.until(lambda: one.line.driver.streaming is Stream.RECEIVE)
    assert _heard_of(PROMPT) in bytes(call.heard)
    call.say(b"\xff" * 4000 + g711.encode(SPEECH, Law.ULAW))
    call.press("#")
    world.until(lambda: one.heard_of(RecordingEnded))
    world.run(20)
    assert one.heard_of(RecordingEnded)[0].stop is RecordingStop.KEY
    verdict = judge(SPEECH, g711.decode(bytes(control.sound), Law.LINEAR8))
    assert verdict.snr_db >= 20.0, verdict
    assert verdict.stretch == 0

    call.heard.clear()
    one.line.play(Play("p2", ("x",), line="line1"), [PROMPT], world.now)
    world.until(lambda: len(one.heard_of(PromptEnded)) == 2)
    assert _heard_of(PROMPT) in bytes(call.heard)
    assert all(ended.whole for ended in one.heard_of(PromptEnded))
    world.hang_up(one)
    control.close()


def test_a_prompt_cut_short_by_hanging_up() -> None:
    """A line put on hook while it speaks ends the stream at once; the prompt is told as cut."""
    one = Hosted(HALF, "usr5637")
    world = World(one)
    world.bring_up()
    world.answer(one, hang_up_after_ms=10**6)
    one.line.play(Play("p1", ("x",), line="line1"), [PROMPT], world.now)
    world.run(1000)
    world.hang_up(one)
    assert one.heard_of(PromptEnded) == [PromptEnded("p1", whole=False)]
    assert not one.modem.off_hook
    assert one.modem.underruns == 0
