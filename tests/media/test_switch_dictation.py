"""An announcement is dictated at a phone: what is said is recorded, of that phone alone (E21)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from appliance.calls import orders
from appliance.calls.events import PhoneLost, PromptEnded, RecordingEnded, RecordingStop
from appliance.dsp import g711
from appliance.dsp.wav import Law
from appliance.media.messages import RecordingStarted
from appliance.media.playback import KEY_MS
from appliance.media.switch import SILENT_PHONE_S
from tests.helpers import sound
from tests.media.office import Office, memory
from tests.media.test_bridge_phones import Pair
from tests.media.virtual import ControlEnd

SPEECH = sound.babble(3.0, seed=7)
SAID = g711.encode(SPEECH, Law.ULAW)
RECORD = orders.RecordLeg("take1", "leg1", 10_000, 3_000, 5_000)


class Dictating(Pair):
    """A pair of phones with call control at the other end of the link."""

    def __init__(self) -> None:
        super().__init__()
        self.control = ControlEnd(self.one)
        self.world.parts.append(self.control.step)
        self.switch._link = lambda: self.one.link

    def ended(self) -> RecordingEnded:
        """Return the only end of a recording that was told."""
        (end,) = (fact for fact in self.told if isinstance(fact, RecordingEnded))
        return end

    def until_ended(self) -> RecordingEnded:
        """Let time pass until a recording ends."""
        self.world.until(lambda: any(isinstance(f, RecordingEnded) for f in self.told), 15_000)
        return self.ended()


@pytest.fixture
def pair() -> Iterator[Dictating]:
    """Two phones with ports and laws agreed."""
    made = Dictating()
    yield made
    made.phone.close()
    made.other.close()
    made.control.close()


def test_what_is_said_is_recorded_until_the_key(pair: Dictating) -> None:
    """From the order on, in A-law whatever the phone sends; the phone hears silence meanwhile."""
    pair.phone.say(SAID[:8000])  # before the tone: not recorded
    pair.world.run(1200)
    pair.order(RECORD)
    assert (pair.switch.needs_ticks, pair.switch.is_clocked) == (True, True)
    before = pair.phone.packets
    pair.phone.say(SAID)
    pair.world.run(4000)
    assert pair.phone.packets - before == pytest.approx(200, abs=2)
    assert set(pair.phone.heard[-8000:]) == {0xFF}
    pair.order(orders.EndRecording("leg1"))
    end = pair.ended()
    assert (end.stop, end.trim_ms) == (RecordingStop.KEY, KEY_MS)
    assert end.length_ms == pytest.approx(4000, abs=40)
    pair.world.run(50)
    assert pair.control.messages == [RecordingStarted("take1", "alaw")]
    said = g711.translate(SAID, Law.ULAW, Law.ALAW)
    assert sound.compare_bytes(said.strip(b"\xd5"), bytes(pair.control.sound)).is_exact
    assert (pair.switch.needs_ticks, pair.switch.is_clocked) == (False, False)
    pair.order(orders.EndRecording("leg1"))  # a second press finds nothing to end
    assert pair.ended() == end


def test_silence_ends_it_and_is_cut_off(pair: Dictating) -> None:
    """Once the words are over; half a second of it stays."""
    pair.order(RECORD)
    pair.phone.say(SAID)
    end = pair.until_ended()
    assert end.stop is RecordingStop.SILENCE
    assert end.length_ms - end.trim_ms == pytest.approx(3500, abs=300)


def test_who_says_nothing_has_recorded_nothing(pair: Dictating) -> None:
    """By silence and by key: nothing of it is to be kept."""
    pair.order(RECORD)
    end = pair.until_ended()
    assert (end.stop, end.trim_ms) == (RecordingStop.SILENCE, end.length_ms)
    pair.told.clear()
    pair.order(RECORD)
    pair.world.run(1000)
    pair.order(orders.EndRecording("leg1"))
    end = pair.ended()
    assert (end.stop, end.trim_ms) == (RecordingStop.KEY, end.length_ms)


def test_who_never_stops_is_stopped(pair: Dictating) -> None:
    """At the longest time allowed."""
    pair.order(RECORD)
    pair.phone.say(SAID * 5)
    end = pair.until_ended()
    assert end.stop is RecordingStop.LIMIT
    assert end.length_ms == pytest.approx(10_000, abs=20)


def test_no_conversation_is_ever_recorded(pair: Dictating) -> None:
    """E21: a leg that is joined is parted before a word is taken, and joined it is not recorded."""
    pair.order(orders.Join("leg1", "leg2"))
    pair.world.run(200)
    pair.order(RECORD)
    assert pair.switch.joins == []
    pair.other.say(SAID)
    pair.world.run(2000)
    assert not any(pair.control.sound.strip(b"\xd5"))
    pair.order(orders.Join("leg1", "leg2"))
    assert pair.ended().stop is RecordingStop.ORDERED
    assert pair.switch.dictated == {}
    taken = len(pair.control.sound)
    pair.world.run(1000)
    assert len(pair.control.sound) - taken <= 320


def test_what_it_hears_next_ends_it_and_what_it_heard_is_cut(pair: Dictating) -> None:
    """An announcement and a recording take each other's place; so does letting the phone go."""
    pair.switch.prompts = memory({"it/word": SPEECH})
    pair.order(orders.Play("p1", ("it/word",), leg="leg1"))
    pair.order(RECORD)
    assert PromptEnded("p1", whole=False) in pair.told
    pair.order(orders.Play("p2", ("it/word",), leg="leg1"))
    assert pair.ended().stop is RecordingStop.ORDERED
    pair.told.clear()
    pair.order(RECORD)
    pair.order(orders.ReleasePhone("leg1"))
    assert pair.ended().stop is RecordingStop.ORDERED
    assert pair.switch.dictated == {}


def test_a_phone_that_goes_without_a_word_is_noticed(pair: Dictating) -> None:
    """As in a conversation."""
    pair.order(orders.RecordLeg("take1", "leg1", 120_000, 120_000, 120_000))
    pair.phone.is_mute = True
    pair.world.run((SILENT_PHONE_S + 1) * 1000)
    assert any(isinstance(fact, PhoneLost) for fact in pair.told)


def test_nothing_is_recorded_of_nobody(pair: Dictating) -> None:
    """A leg that is gone, or call control that is: told at once; one not agreed yet waits."""
    lost = RecordingEnded("take9", RecordingStop.LOST, 0)
    pair.order(orders.RecordLeg("take9", "leg9"))
    assert lost in pair.told
    pair.told.clear()
    pair.switch._link = lambda: None
    pair.order(orders.RecordLeg("take9", "leg1"))
    assert pair.told == [lost]


def test_a_phone_whose_sound_is_not_agreed_yet_is_waited_for() -> None:
    """Nothing is taken before there is something to take."""
    office = Office(Dictating().one)
    office.switch._link = lambda: office.one.link
    control = ControlEnd(office.one)
    office.world.parts.append(control.step)
    office.order(orders.PreparePhone("leg1"))
    office.order(RECORD)
    office.world.run(500)
    assert control.sound == b""
    assert "leg1" in office.switch.dictated
    office.phone.close()
    control.close()
