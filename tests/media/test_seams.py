"""No click where what a caller hears is broken off, ends or is followed by a voice; virtual clock.

A click is a jump between two samples: wider than the sound around it ever steps (`Seam.jumps`), or
sharper than anything heard around it (tests/helpers/clicks.py).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest

from appliance import prompts
from appliance.calls import orders
from appliance.calls.events import MediaAgreed, PromptEnded
from appliance.dsp import g711
from appliance.dsp.wav import Law, silence
from appliance.media.messages import LineSetup
from appliance.media.playback import FADE, FadingSource, Player, Silence
from appliance.simulator.exchange.call import ExchangeCall
from appliance.simulator.exchange.modem_protocol import personality_named
from tests.helpers import sound
from tests.helpers.clicks import AROUND, CLICK_DB, click_db
from tests.media.office import Office, memory
from tests.media.virtual import ADDRESS, Hosted, World

GREETING = prompts.load("it", "greeting_closed")
MUSIC = prompts.load("it", "hold_music")
VOICE = g711.encode(sound.babble(2.0, seed=6), Law.ULAW).strip(b"\xff")
LOUDEST = int(np.abs(np.frombuffer(sound.babble(2.0, seed=6)[:16000], "<i2")).argmax())
VOWELS = sound.babble(2.0, seed=6)
CUT_SHORT = VOWELS[: 2 * LOUDEST]
"""A recording that ends at the highest point of a vowel."""
VOWEL = g711.encode(sound.babble(2.0, seed=6)[2 * LOUDEST :], Law.ULAW)
"""The same voice from the highest point of a vowel on."""
PROBE = 48
"""Bytes by which a sound is found in what was heard."""
LEAST_STEP = 400
"""Step, of 32768, that nobody hears as a click beside a voice: -38 dB of full scale."""
CUTS_MS = tuple(range(300, 1500, 20))
"""Places within an announcement at which it is broken off."""
MODEMS = {
    Law.ULAW: personality_named("conexant"),
    Law.ALAW: replace(
        personality_named("conexant"),
        formats={
            number: each
            for number, each in personality_named("conexant").formats.items()
            if each.law != "ulaw"
        },
    ),
}
"""A modem that speaks the law. 8-bit linear, too coarse for the ruler, is tried below by itself."""


@dataclass(frozen=True, slots=True)
class Seam:
    """What a caller `heard`: the first sound up to `at`, the voice from `then` on.

    `said` is the first sound as it was played, `place` the sample at which it was left.
    """

    heard: bytes
    at: int
    then: int
    said: bytes
    place: int

    @property
    def sharpness_db(self) -> float:
        """How much sharper the end of the first sound is than what is around it, in dB."""
        return click_db(self.heard, self.at, self.said, self.place)

    @property
    def jumps(self) -> tuple[int, ...]:
        """The steps into and out of the pause between the two that no step beside them equals."""
        wave = np.frombuffer(self.heard, "<i2").astype(int)
        steps = np.abs(np.diff(wave))
        sides = (
            (self.at, steps[self.at - AROUND : self.at - 1]),
            (self.then, steps[self.then : self.then + AROUND]),
        )
        return tuple(
            int(steps[here - 1])
            for here, beside in sides
            if steps[here - 1] > max(LEAST_STEP, 2 * int(beside.max()))
        )

    @property
    def clicks(self) -> bool:
        """Whether there is a click."""
        return bool(self.jumps) or self.sharpness_db >= CLICK_DB


def make_office(law: Law = Law.ULAW) -> Office:
    """Make an office with a duplex line of that law, a greeting and music of the product's."""
    made = Office(Hosted(make=MODEMS[law]))
    assert made.one.line.driver.law is law
    made.switch.prompts = memory({"it/greeting": GREETING, "it/hold": MUSIC, "it/cut": CUT_SHORT})
    return made


@pytest.fixture
def office() -> Iterator[Office]:
    """Make an office and close its phone."""
    made = make_office()
    yield made
    made.phone.close()


def answered(office: Office) -> ExchangeCall:
    """Answer a call; a phone is ready to be joined."""
    call = office.world.answer(office.one, hang_up_after_ms=10**6)
    office.order(orders.PreparePhone("leg1"))
    port = office.phone.socket.getsockname()[1]
    office.order(MediaAgreed("leg1", ADDRESS, port, "ulaw", 101))
    return call


def seam_of(heard: bytes, said: bytes, law: Law, voice: bytes = VOICE) -> Seam:
    """Find where `said`, played from its beginning, and `voice` meet in what was heard."""
    line = g711.translate(g711.encode(said, law), law, Law.ULAW)
    voice = g711.translate(g711.translate(voice, Law.ULAW, law), law, Law.ULAW)
    said = g711.decode(line, Law.ULAW)
    sounds = range(0, len(line) - PROBE, 40)
    start = next(n for n in sounds if len(set(line[n : n + PROBE])) > PROBE // 2)
    begin = heard.find(line[start : start + PROBE]) - start
    place = start
    while place < len(line) and heard[begin + place] == line[place]:
        place += 1
    then = heard.find(voice[:PROBE], begin + place)
    assert min(begin, then) >= 0, "one of the two was not heard"
    return Seam(g711.decode(heard, Law.ULAW), begin + place, then, said, place)


def joined(office: Office, call: ExchangeCall, said: bytes, voice: bytes = VOICE) -> Seam:
    """Join the phone, whose voice is heard from then on, and return the seam."""
    office.order(orders.Connect("line1", "leg1"))
    office.phone.say(voice)
    office.world.run(1500)
    law = office.one.line.driver.law
    assert law is not None
    return seam_of(bytes(call.heard), said, law, voice)


def test_a_greeting_that_ends_leaves_no_click(office: Office) -> None:
    """Greeting to its last sample, a pause, the voice: both joints are as smooth as the sounds."""
    call = answered(office)
    call.heard.clear()
    office.order(orders.Play("p1", ("it/greeting",), line="line1"))
    office.world.until(lambda: office.one.heard_of(PromptEnded))
    seam = joined(office, call, GREETING)
    assert seam.place == len(GREETING) // 2
    assert (seam.jumps, seam.clicks) == ((), False)


def cut(office: Office, ms: int) -> Seam:
    """Break a greeting off by the bridge."""
    call = answered(office)
    call.heard.clear()
    office.order(orders.Play("p1", ("it/greeting",), line="line1"))
    office.world.run(ms)
    return joined(office, call, GREETING)


def clicks_of(
    broken_off: Callable[[Office, int], Seam], law: Law
) -> dict[int, tuple[tuple[int, ...], float]]:
    """Return steps and sharpness of the seams that click, by the ms at which they were made."""
    found = {}
    for ms in CUTS_MS:
        office = make_office(law)
        seam = broken_off(office, ms)
        office.phone.close()
        if seam.clicks:
            found[ms] = (seam.jumps, round(seam.sharpness_db, 1))
    return found


@pytest.mark.parametrize("law", MODEMS)
def test_a_greeting_that_the_bridge_breaks_off_leaves_no_click(law: Law) -> None:
    """An operator lifts while a waiting caller hears words."""
    assert clicks_of(cut, law) == {}


@pytest.mark.parametrize("law", MODEMS)
def test_music_that_the_bridge_breaks_off_leaves_no_click(law: Law) -> None:
    """A caller is taken from hold."""
    assert clicks_of(resumed, law) == {}


def resumed(office: Office, ms: int) -> Seam:
    """Break the music on hold off by the bridge."""
    call = answered(office)
    office.order(orders.Connect("line1", "leg1"))
    office.world.run(300)
    call.heard.clear()
    office.order(orders.Hold("line1"))
    office.world.run(ms)
    return joined(office, call, MUSIC)


def test_a_recording_that_ends_in_a_vowel_fades_out(office: Office) -> None:
    """A site's own greeting, cut in the middle of a word, is heard whole; its end is ramped down
    to silence, and it is told as ended after that.
    """
    call = answered(office)
    call.heard.clear()
    office.order(orders.Play("p1", ("it/cut",), line="line1"))
    office.world.until(lambda: office.one.heard_of(PromptEnded))
    seam = joined(office, call, CUT_SHORT)
    assert seam.place >= len(CUT_SHORT) // 2
    assert (seam.jumps, seam.clicks) == ((), False)
    wave = np.frombuffer(seam.heard, "<i2").astype(int)[seam.at - 1 :]
    assert wave[0] > wave[FADE // 2] > wave[0] // 3
    assert not wave[FADE + 1 : FADE + 200].any()


def test_a_prompt_broken_off_on_a_half_duplex_line_fades_out() -> None:
    """The rest is written before the stream is ended: the modem plays it to its end."""
    one = Hosted(LineSetup("line1", "", dialect="usr5637", caller_id="none"), "usr5637")
    world = World(one)
    world.bring_up()
    for ms in CUTS_MS:
        call = world.answer(one, hang_up_after_ms=10**6)
        call.heard.clear()
        one.line.play(orders.Play("p1", ("x",), line="line1"), [VOWELS], world.now)
        world.run(ms)
        one.line.listen(world.now)
        world.run(1000)
        heard = bytes(call.heard).rstrip(b"\xff")
        assert max(loud(heard[-2:])) <= 2 * LEAST_STEP, ms
        world.hang_up(one)


def loud(ulaw: bytes) -> list[int]:
    """Return the samples without their sign."""
    return [abs(n) for (n,) in struct.iter_unpack("<h", g711.decode(ulaw, Law.ULAW))]


@pytest.mark.parametrize("law", [Law.ULAW, Law.ALAW, Law.LINEAR8])
@pytest.mark.parametrize("size", [7, 160])
def test_a_source_fades_out_wherever_it_is_left(law: Law, size: int) -> None:
    """At each of 500 samples of a hum, and read in pieces of any size: the wave goes on and is
    ramped down over 5 ms beneath what follows, which begins at once and is not changed after that.
    """
    hum = 8000 * np.sin(np.arange(2000) * 2 * np.pi * 200 / 8000)
    widest = int(np.abs(np.diff(hum)).max()) + LEAST_STEP
    for place in range(500, 1000):
        source = FadingSource()
        source.change_to(Player("", [hum.astype("<i2").tobytes()]))
        before = source.read(place, law)
        source.change_to(Silence())
        after = b"".join(source.read(size, law) for _ in range(1 + FADE // size))
        wave = np.frombuffer(g711.decode(before[-1:] + after, law), "<i2").astype(int)
        assert np.abs(np.diff(wave)).max() <= widest
        assert after[FADE:] == silence(law, len(after) - FADE)
        assert source.read(FADE, law) == silence(law, FADE)


def test_a_source_that_was_never_heard_leaves_no_tail() -> None:
    """What is replaced before its first sample, or in a pause, changes no byte of the next one."""
    source = FadingSource()
    source.change_to(Player("", [VOWELS]))
    source.change_to(Silence())
    assert source.read(80, Law.ULAW) == silence(Law.ULAW, 80)
    source.change_to(Player("", [bytes(1600)]))
    assert source.read(160, Law.ALAW) == silence(Law.ALAW, 160)
    source.change_to(Silence())
    assert source.read(80, Law.ALAW) == silence(Law.ALAW, 80)


def test_a_loop_is_as_smooth_as_its_sound() -> None:
    """Music whose end goes over into its beginning is played as it is; another one fades out."""
    loop = Player("", [MUSIC], repeat=True)
    length = len(MUSIC) // 2
    assert loop.read(2 * length, Law.LINEAR16) == 2 * MUSIC
    broken = Player("", [CUT_SHORT, VOWELS[:-80]], repeat=True)
    samples = (len(CUT_SHORT) + len(VOWELS) - 80) // 2
    played = broken.read(samples + 2 * FADE, Law.LINEAR16)
    assert played.startswith(CUT_SHORT)
    assert len(played) == 2 * (samples + 2 * FADE)


def test_a_phone_that_is_parted_in_a_vowel_leaves_no_click() -> None:
    """Who hangs up while speaking is faded out: the caller hears no step into the silence."""
    for ms in range(100, 400, 20):
        office = make_office()
        call = answered(office)
        office.order(orders.Connect("line1", "leg1"))
        office.phone.say(VOWEL)
        office.world.run(ms)
        office.order(orders.ReleasePhone("leg1"))
        office.world.run(400)
        heard = bytes(call.heard).rstrip(b"\xff")
        office.phone.close()
        assert max(loud(heard[-3:])) < 2 * LEAST_STEP, ms


def test_a_voice_that_speaks_already_begins_without_a_click(office: Office) -> None:
    """Who talks at the phone while the line is joined is heard from the middle of a vowel on."""
    call = answered(office)
    call.heard.clear()
    office.order(orders.Play("p1", ("it/greeting",), line="line1"))
    office.world.until(lambda: office.one.heard_of(PromptEnded))
    assert joined(office, call, GREETING, VOWEL).jumps == ()


@pytest.mark.parametrize("size", [1500, 6000])
def test_the_ruler_sees_a_jump(office: Office, size: int) -> None:
    """A step put where the greeting ends is a click, and so is one where the voice begins."""
    call = answered(office)
    call.heard.clear()
    office.order(orders.Play("p1", ("it/greeting",), line="line1"))
    office.world.until(lambda: office.one.heard_of(PromptEnded))
    seam = joined(office, call, GREETING)
    for here in (seam.at, seam.then):
        wave = np.frombuffer(seam.heard, "<i2").copy()
        wave[here - AROUND : here] = np.linspace(0, size, AROUND)
        assert Seam(wave.tobytes(), seam.at, seam.then, seam.said, seam.place).jumps
