"""Keys in a stream: the caller's under our own voice, each once; ours as sound, no command."""

from __future__ import annotations

import pytest

from appliance.calls.events import CallerHungUp, DigitPressed, DigitSource, PromptEnded
from appliance.calls.orders import Play, PressKeys
from appliance.dsp import dtmf, g711
from appliance.dsp.wav import SILENCE, Law, level_dbm0
from appliance.media.messages import LineSetup
from appliance.media.playback import ECHO_MS, DtmfSender
from appliance.simulator.exchange.audio import Echo
from tests.detection.trials import digits_in
from tests.helpers import sound
from tests.media.virtual import Hosted, Phone, World

ECHOED = LineSetup("line1", "", caller_id="none", echo=True)
PROMPT = sound.babble(20.0, -15.0, seed=9)
KEYS = "5550123456789*#"


def _up(
    *, chip: bool, setup: LineSetup | None = None, loss_db: float = 0.0
) -> tuple[Hosted, World]:
    one = Hosted(setup)
    one.modem.chip_dtmf = chip
    if loss_db:
        one.station.line.wire.echo = Echo(loss_db, 3)
    world = World(one)
    world.bring_up()
    return one, world


def _pressed(one: Hosted) -> str:
    return "".join(press.digit for press in one.heard_of(DigitPressed))


@pytest.mark.parametrize("chip", [True, False])
def test_keys_under_our_own_voice_count_once_each(chip: bool) -> None:
    """A greeting plays and comes back 8 dB down: every key of the caller's is told, once."""
    one, world = _up(chip=chip, setup=ECHOED, loss_db=8.0)
    call = world.answer(one, hang_up_after_ms=60_000)
    one.line.play(Play("p", ("greeting",), line="line1"), [PROMPT], world.now)
    world.run(5000)  # by now the canceller knows the path (audio.md 5)
    call.press(KEYS)
    world.run(4000)
    assert one.heard_of(PromptEnded) == []
    assert _pressed(one) == KEYS
    sources = {press.source for press in one.heard_of(DigitPressed)}
    assert sources == {DigitSource.CHIP if chip else DigitSource.SOUND}


@pytest.mark.parametrize("setup", [None, ECHOED], ids=["no canceller", "canceller"])
def test_our_own_voice_is_no_key(setup: LineSetup | None) -> None:
    """Twenty seconds of a prompt that echoes at 8 dB: nobody pressed anything, nobody hung up."""
    one, world = _up(chip=False, setup=setup, loss_db=8.0)
    world.answer(one, hang_up_after_ms=60_000)
    one.line.play(Play("p", ("greeting",), line="line1"), [PROMPT], world.now)
    world.run(21_000)
    assert [fact.whole for fact in one.heard_of(PromptEnded)] == [True]
    assert (_pressed(one), one.heard_of(CallerHungUp)) == ("", [])


@pytest.mark.parametrize("chip", [True, False])
def test_our_keys_are_sound_in_the_stream(chip: bool) -> None:
    """The far end hears DTMF, the modem no command; their echo is no key of the caller's."""
    one, world = _up(chip=chip, loss_db=8.0)
    call = world.answer(one, hang_up_after_ms=60_000)
    world.run(500)
    sent = bytearray()

    def to_modem(data: bytes) -> bytes:
        sent.extend(data)
        return data

    one.to_modem = to_modem
    call.heard.clear()
    one.line.press_keys(PressKeys("line1", "0541*#"))
    world.run(2500)
    assert digits_in(g711.decode(bytes(call.heard), Law.ULAW)) == "0541*#"
    assert b"AT" not in sent
    assert _pressed(one) == ""
    call.press("7")
    world.run(500)
    assert _pressed(one) == "7"


def test_a_voice_goes_on_behind_the_keys() -> None:
    """While a key sounds the phone is not heard; behind it the phone is as late as before."""
    one, world = _up(chip=False)
    phone = Phone()
    try:
        world.parts.append(phone.step)
        phone.agree(world.now)
        call = world.answer(one, hang_up_after_ms=60_000)
        one.line.connect(phone.leg, world.now)
        world.run(300)
        phone.say(g711.encode(dtmf.chord((1000,), 3000), Law.ULAW))
        world.run(500)
        one.line.press_keys(PressKeys("line1", "12"))
        call.heard.clear()
        world.run(1000)
        heard = g711.decode(bytes(call.heard), Law.ULAW)
        assert digits_in(heard) == "12"
        behind = heard[16 * 700 : 16 * 900]
        wanted = level_dbm0(dtmf.chord((1000,), 200))
        assert level_dbm0(behind) == pytest.approx(wanted, abs=0.5)
    finally:
        phone.leg.close()
        phone.socket.close()


def test_keys_replace_what_is_played_for_their_length_only() -> None:
    """To the sample, in any pieces; their echo is waited for a while longer."""
    pressing = DtmfSender()
    quiet = SILENCE[Law.ULAW]
    assert pressing.over(b"\x2a" * 99, Law.ULAW) == b"\x2a" * 99
    pressing.press("1")
    out = b"".join(pressing.over(b"\x2a" * size, Law.ULAW) for size in (1, 79, 1000, 201))
    assert len(out) == 1281
    assert (out[640:1280], out[1280:]) == (quiet * 640, b"\x2a")
    assert pressing.active
    pressing.over(b"\x2a" * 8 * (ECHO_MS + 1), Law.ULAW)
    assert not pressing.active


def test_a_key_without_a_call_is_pressed_nowhere() -> None:
    """An order that crossed the end of the call."""
    one, world = _up(chip=True)
    one.line.press_keys(PressKeys("line1", "1"))
    world.run(200)
    assert one.line.call is None
