"""Two phones joined by the media gateway's own tick, and a message on a phone; virtual clock."""

from __future__ import annotations

import itertools
import math
import random
import struct
from collections.abc import Iterator

import pytest

from appliance.calls import orders
from appliance.calls.events import MediaAgreed, PhoneHungUp, PhoneLost, PromptEnded
from appliance.dsp import g711
from appliance.dsp.dtmf import pcm16
from appliance.dsp.wav import FRAME_SAMPLES, Law
from appliance.media.bridge import PhoneBridge, middle_of_pause, next_tick_after
from appliance.media.clock import TICK
from appliance.media.messages import Notice
from appliance.media.phone_leg import PhoneLeg
from appliance.media.switch import SILENT_PHONE_S
from tests.helpers import sound
from tests.media.office import WORD, Office, memory
from tests.media.virtual import ADDRESS, Hosted, Phone

SPEECH = sound.babble(3.0, seed=7)


class Pair(Office):
    """An office with a second phone, of the other law."""

    def __init__(self) -> None:
        super().__init__(Hosted())
        self.other = Phone(Law.ALAW, "leg2")
        self.world.parts.insert(1, self.other.step)
        self.switch._prepare = self.prepared
        for phone, law in ((self.phone, "ulaw"), (self.other, "alaw")):
            leg, port = phone.leg.leg, phone.socket.getsockname()[1]
            self.order(orders.PreparePhone(leg))
            self.order(MediaAgreed(leg, ADDRESS, port, law, 101))

    def prepared(self, leg: str) -> PhoneLeg:
        """Return the leg of that name."""
        return {"leg1": self.phone.leg, "leg2": self.other.leg}[leg]

    def hung_up(self) -> list[PhoneHungUp]:
        """Return what was told of phones that are gone."""
        return [fact for fact in self.told if isinstance(fact, PhoneHungUp)]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Two phones with ports and laws agreed."""
    made = Pair()
    yield made
    made.phone.close()
    made.other.close()


def test_two_phones_hear_each_other_whatever_their_laws(pair: Pair) -> None:
    """Sound goes both ways while joined, translated between the laws; apart, nothing is sent."""
    pair.order(orders.Join("leg1", "leg2"))
    assert pair.switch.needs_ticks
    ulaw, alaw = (g711.encode(SPEECH, law) for law in (Law.ULAW, Law.ALAW))
    pair.phone.say(ulaw)
    pair.other.say(alaw)
    pair.world.run(4000)
    to_other = g711.translate(ulaw, Law.ULAW, Law.ALAW)
    to_one = g711.translate(alaw, Law.ALAW, Law.ULAW)
    assert sound.compare_bytes(to_other.strip(b"\xd5"), bytes(pair.other.heard)).is_exact
    assert sound.compare_bytes(to_one.strip(b"\xff"), bytes(pair.phone.heard)).is_exact
    pair.order(orders.ReleasePhone("leg2"))
    pair.world.run(20)
    before = pair.phone.packets
    pair.world.run(500)
    assert pair.phone.packets == before
    assert not pair.switch.needs_ticks


def test_a_phone_that_is_held_by_the_other_hears_the_music(pair: Pair) -> None:
    """Held, it hears the hold prompt whatever the other one sends; resumed, the other one again."""
    music = sound.babble(1.0, seed=3)
    pair.switch.prompts = memory({"it/hold": music})
    pair.order(orders.Join("leg1", "leg2"))
    port = pair.other.socket.getsockname()[1]
    pair.other.say(g711.encode(SPEECH, Law.ALAW))
    pair.order(MediaAgreed("leg2", ADDRESS, port, "alaw", 101, False, True))
    pair.world.run(2000)
    expected = g711.translate(g711.encode(music, Law.ALAW), Law.ALAW, Law.ULAW).strip(b"\xff")
    assert sound.compare_bytes(expected, bytes(pair.phone.heard)).is_exact
    pair.phone.heard.clear()
    pair.order(MediaAgreed("leg2", ADDRESS, port, "alaw", 101))
    pair.other.say(g711.encode(SPEECH, Law.ALAW))
    pair.world.run(4000)
    spoken = g711.translate(g711.encode(SPEECH, Law.ALAW), Law.ALAW, Law.ULAW).strip(b"\xfe\xff")
    with pytest.raises(ValueError, match="nothing"):
        sound.compare_bytes(expected, bytes(pair.phone.heard))
    assert sound.compare_bytes(spoken[-8000:], bytes(pair.phone.heard)).is_exact


@pytest.mark.parametrize("apart_ms", [0, 3, 10, 19])
def test_frames_end_far_from_both_phones_packets(apart_ms: int) -> None:
    """A packet that comes at the moment of a frame is heard now with it and now with the next: so
    frames end 5 ms or more from either phone's, wherever the two lie to each other.
    """
    first, last = 100.0, 100.0 + apart_ms / 1000
    for came in ([first, last], [last, first]):
        due = next_tick_after(100.05, middle_of_pause(came))
        assert 100.0499 < due < 100.0701
        for moment in came:
            off = (due - moment) % TICK
            assert min(off, TICK - off) >= 0.0049


def talk(pair: Pair, phases_ms: tuple[int, int], jitter_ms: float) -> None:
    """Let both speak for 4 s on a clock of 1 ms, packets up to `jitter_ms` early or late."""
    dice = random.Random(3)
    phones = (pair.phone, pair.other)
    joined = PhoneBridge(pair.phone.leg, pair.other.leg, 200.0)
    regular = [200.0 + phase / 1000 for phase in phases_ms]
    due = list(regular)
    for ms in range(4000):
        now = 200.0 + ms / 1000
        for number, phone in enumerate(phones):
            if now >= due[number]:
                phone._spoken = FRAME_SAMPLES / 2
                phone.step(now)
                regular[number] += TICK
                due[number] = regular[number] + dice.uniform(-jitter_ms, jitter_ms) / 1000
            phone.leg.receive(now)
        joined.run(now)
    for phone in phones:
        phone._hear()


@pytest.mark.parametrize("phases_ms", [(5, 5), (5, 15), (5, 9), (5, 24), (12, 7)])
def test_packets_that_jitter_a_little_are_carried_byte_by_byte(
    pair: Pair, phases_ms: tuple[int, int]
) -> None:
    """Wherever the two phones' packets lie to each other, and 3 ms early or late as on any LAN."""
    ulaw, alaw = (g711.encode(SPEECH, law) for law in (Law.ULAW, Law.ALAW))
    pair.phone.say(bytes([0xFF]) * 1600 + ulaw)
    pair.other.say(bytes([0xD5]) * 1600 + alaw)
    talk(pair, phases_ms, 3.0)
    to_other = g711.translate(ulaw, Law.ULAW, Law.ALAW)
    to_one = g711.translate(alaw, Law.ALAW, Law.ULAW)
    assert sound.compare_bytes(to_other.strip(b"\xd5"), bytes(pair.other.heard)).is_exact
    assert sound.compare_bytes(to_one.strip(b"\xff"), bytes(pair.phone.heard)).is_exact


def test_two_phones_of_which_one_is_mute_are_joined_all_the_same(pair: Pair) -> None:
    """What is waited for to choose the frames' end is waited for 50 ms at the most."""
    pair.other.is_mute = True
    pair.order(orders.Join("leg1", "leg2"))
    (joined,) = pair.switch.joins
    waited = joined.is_beginning
    pair.world.run(60)
    assert (waited, joined.is_beginning) == (True, False)
    pair.world.run(200)
    assert pair.other.packets >= 9


def test_frames_that_were_missed_are_made_up_for_five_at_the_most(pair: Pair) -> None:
    """A stall of a second is not followed by fifty packets at once."""
    pair.order(orders.Join("leg1", "leg2"))
    pair.world.run(200)
    (joined,) = pair.switch.joins
    before = pair.other.packets
    joined.run(pair.world.now + 0.061)
    pair.world.run(10)
    assert pair.other.packets - before <= 4
    before = pair.other.packets
    joined.run(pair.world.now + 1.0)
    pair.world.run(10)
    assert 5 <= pair.other.packets - before <= 6


def test_a_leg_is_joined_to_one_thing_at_a_time(pair: Pair) -> None:
    """A phone that is joined to a line leaves the phone it talked with, and the other way round."""
    pair.order(orders.Join("leg1", "leg2"))
    pair.order(orders.Join("leg2", "leg1"))
    assert len(pair.switch.joins) == 1
    pair.world.answer(pair.one, hang_up_after_ms=10**6)
    pair.order(orders.Connect("line1", "leg1"))
    assert pair.switch.joins == []
    pair.order(orders.Join("leg1", "leg2"))
    assert pair.one.line.call is not None
    assert pair.one.line.call.leg is None


def test_a_phone_without_power_is_told_to_whoever_it_talks_with(pair: Pair) -> None:
    """After 30 s without sound the phone counts as gone; one that is no longer there at once."""
    pair.order(orders.Join("leg1", "leg2"))
    pair.other.is_mute = True
    pair.world.run(SILENT_PHONE_S * 1000 + 500)
    assert PhoneLost("leg2", "no sound for 30 s") in pair.told
    pair.order(orders.Join("leg1", "leg9"))
    assert pair.hung_up()[-1] == PhoneHungUp("leg9", "its sound is gone")


def hum(hertz: int) -> bytes:
    """Return three seconds of a hum, which begins and goes on without a step."""
    return pcm16(8000 * math.sin(2 * math.pi * hertz * n / 8000) for n in range(24_000))


WIDEST = 8000 * 2 * math.pi * 200 / 8000 + 400
"""The widest step of a hum of 200 Hz, and one of the law's."""


def test_a_caller_by_sip_hears_no_click_either(pair: Pair) -> None:
    """An announcement to a leg that a join breaks off fades out, and so does the voice that an
    announcement breaks off, wherever that is.
    """
    pair.switch.prompts = memory({"it/hum": hum(200)})
    for ms in range(330, 530, 20):
        pair.order(orders.Play("p1", ("it/hum",), leg="leg1"))
        pair.world.run(ms)
        pair.order(orders.Join("leg1", "leg2"))
        pair.world.run(200)
    pair.other.say(g711.encode(hum(193), Law.ALAW))
    pair.world.run(430)
    pair.order(orders.Listen(leg="leg1"))
    pair.world.run(100)
    heard = g711.decode(bytes(pair.phone.heard), Law.ULAW)
    wave = [sample for (sample,) in struct.iter_unpack("<h", heard)]
    assert max(wave) > 7000
    assert max(abs(b - a) for a, b in itertools.pairwise(wave)) <= WIDEST


def test_a_message_is_heard_on_the_phone_it_was_loaded_for(pair: Pair) -> None:
    """LoadMessage keeps one message a leg, for that leg only, until the leg is let go."""
    message = sound.babble(2.0, seed=8)
    pair.switch.load(orders.LoadMessage("leg1", "m1"), b"\1\1" * 800)
    pair.switch.load(orders.LoadMessage("leg1", "m2"), message)
    pair.switch.load(orders.LoadMessage("leg9", "m3"), message)
    pair.order(orders.Play("p1", ("it/word", "message/m2"), leg="leg1"))
    pair.world.run(4000)
    expected = g711.encode(WORD + message, Law.ULAW).strip(b"\xff")
    assert sound.compare_bytes(expected, bytes(pair.phone.heard)).is_exact
    assert PromptEnded("p1") in pair.told
    pair.order(orders.Play("p2", ("message/m1",), leg="leg1"))
    pair.order(orders.Play("p3", ("message/m2",), leg="leg2"))
    told = [fact.text for fact in pair.told if isinstance(fact, Notice)]
    assert told == [
        "no prompt message/m1: silence is played",
        "no prompt message/m2: silence is played",
    ]
    pair.order(orders.ReleasePhone("leg1"))
    assert pair.switch._loaded == {}


def test_who_is_joined_hears_no_announcement_any_more(pair: Pair) -> None:
    """A later order cuts an announcement: first words to one phone, then the other phone alone;
    and words to one that talks part it from the other, or both would be in its ear.
    """
    pair.switch.prompts = memory({"it/word": SPEECH})
    pair.order(orders.Play("p1", ("it/word",), leg="leg1"))
    pair.world.run(200)
    pair.order(orders.Join("leg1", "leg2"))
    assert PromptEnded("p1", whole=False) in pair.told
    assert not pair.switch.announcers
    pair.order(orders.Play("p2", ("it/word",), leg="leg1"))
    assert not pair.switch.joins


def test_a_caller_on_a_leg_is_held_with_music_until_the_next_order(pair: Pair) -> None:
    """B9: parted from the phone, round and round, nobody is told of an end; then joined again."""
    pair.switch.prompts, pair.switch.hold_prompts = memory({"it/hold": SPEECH}), ("it/hold",)
    pair.order(orders.Join("leg1", "leg2"))
    pair.order(orders.Hold(leg="leg1"))
    assert not pair.switch.joins
    heard = len(pair.phone.heard)
    pair.world.run(7000)  # three seconds of it, over and over
    music = g711.encode(SPEECH, Law.ULAW)[4000:4400]
    assert bytes(pair.phone.heard[heard:]).count(music) == 3
    assert pair.switch.needs_ticks
    pair.order(orders.Join("leg1", "leg2"))
    assert not pair.switch.announcers
    assert not [fact for fact in pair.told if isinstance(fact, PromptEnded)]
    pair.order(orders.Hold(leg="leg9"))  # gone meanwhile: its end is told by itself
    assert set(pair.switch.announcers) == set()
