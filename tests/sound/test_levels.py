"""The gain plan: as loud as the line delivers it, so loud is it at the phone, and back."""

from __future__ import annotations

import pytest

from appliance.calls.events import RecordingStop
from appliance.calls.orders import Record
from appliance.dsp import dtmf, g711, wav
from appliance.dsp.wav import Law
from appliance.media.messages import LineSetup
from appliance.modem.events import Stream
from appliance.simulator.exchange.modem_protocol import CONEXANT, CONEXANT_PCM, Personality
from tests.media.virtual import ControlEnd, Hosted, Phone, World

WITHIN_DB = 1.0
LEVELS = (-10.0, -20.0, -30.0)


def tone(dbm0: float, law: Law, ms: int = 1500) -> bytes:
    """A test tone of 1004 Hz."""
    return g711.encode(dtmf.mix(((1004.0, dbm0),), ms * 8), law)


def level(data: bytes, law: Law) -> float:
    """The level of the loudest second, in dBm0."""
    pcm = g711.decode(data, law)
    parts = (pcm[at : at + 16_000] for at in range(0, len(pcm) - 16_000, 1600))
    return max(map(wav.level_dbm0, parts))


@pytest.mark.parametrize("law", [Law.ULAW, Law.ALAW])
@pytest.mark.parametrize("make", [CONEXANT, CONEXANT_PCM], ids=lambda make: make.name)
@pytest.mark.parametrize("dbm0", LEVELS)
def test_a_phone_hears_the_caller_as_the_line_delivers(
    make: Personality, law: Law, dbm0: float
) -> None:
    """Whatever the modem's coding and the phone's, a tone keeps its level to 1 dB, both ways:
    nothing in between amplifies.
    """
    one, phone = Hosted(make=make), Phone(law)
    world = World(one)
    world.parts.append(phone.step)
    world.bring_up()
    phone.agree(world.now)
    call = world.answer(one, hang_up_after_ms=10**6)
    one.line.connect(phone.leg, world.now)
    world.run(400)
    call.say(tone(dbm0, Law.ULAW))
    phone.say(tone(dbm0, law))
    world.run(2500)
    phone.close()
    assert level(bytes(phone.heard), law) == pytest.approx(dbm0, abs=WITHIN_DB)
    assert level(bytes(call.heard), Law.ULAW) == pytest.approx(dbm0, abs=WITHIN_DB)


@pytest.mark.parametrize(
    ("gain", "more_db"), [(-1, 0.0), (128, 0.0), (134, 6.0), (121, -7.0), (200, 0.0)]
)
def test_receive_gain_lifts_what_is_recorded(gain: int, more_db: float) -> None:
    """`receive_gain` on a modem that knows it: a decibel a step, from 121 to 134; what the modem
    refuses changes nothing, and the line works.
    """
    setup = LineSetup("line1", "", dialect="usr5637", caller_id="none", receive_gain=gain)
    one = Hosted(setup, "usr5637")
    world, control = World(one), ControlEnd(one)
    world.parts.append(control.step)
    world.bring_up()
    call = world.answer(one, hang_up_after_ms=10**6)
    one.line.record(Record("r1", "line1"), world.now)
    world.until(lambda: one.line.driver.streaming is Stream.RECEIVE)
    call.say(tone(-20.0, Law.ULAW))
    world.run(2500)
    heard = level(bytes(control.sound), Law.LINEAR8)
    world.hang_up(one)
    control.close()
    assert heard == pytest.approx(-20.0 + more_db, abs=WITHIN_DB)
    assert RecordingStop.ORDERED in {getattr(fact, "stop", None) for fact in one.told}
