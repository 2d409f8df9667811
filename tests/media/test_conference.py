"""A caller and two phones of the office in one conversation (E10); virtual clock."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest

from appliance.calls import orders
from appliance.calls.events import (
    DigitPressed,
    DigitSource,
    MediaAgreed,
    PhoneHungUp,
    PhoneLost,
    PhoneSilent,
)
from appliance.dsp import g711
from appliance.dsp.dtmf import pcm16
from appliance.dsp.wav import Law
from appliance.media.bridge import FOR_CALLER, FOR_PHONE, MOST_APART, ConferenceVoice
from appliance.media.phone_leg import PhoneLeg
from appliance.media.switch import SILENT_PHONE_S
from appliance.simulator.exchange.call import ExchangeCall
from tests.helpers import sound
from tests.media.office import HOLD, WORD, Office, memory
from tests.media.virtual import ADDRESS, Hosted, Phone

CALLER_HZ, OPERATOR_HZ, HEAD_HZ = 500.0, 800.0, 1300.0
PEAK = 6000.0
"""Of one voice, in 16-bit steps: three of them together stay below full scale."""
HEARD, NOT_HEARD = 0.8, 0.01
"""What arrives of a voice, as a part of its own level."""
SPEECH = sound.babble(3.0, seed=9)


def voice(hz: float, law: Law = Law.ULAW, seconds: float = 3.0) -> bytes:
    """Return somebody's voice: one sine, so that it can be told from the others' in a sum."""
    count = round(seconds * 8000)
    return g711.encode(
        pcm16([PEAK * math.sin(2 * math.pi * hz * n / 8000) for n in range(count)]), law
    )


def part_of(hz: float, heard: bytes | bytearray, law: Law = Law.ULAW) -> float:
    """Return how much of a voice is in the last second that somebody heard: 1.0 is all of it."""
    pcm = memoryview(g711.decode(bytes(heard[-8000:]), law)).cast("h")
    turns = [2 * math.pi * hz * n / 8000 for n in range(len(pcm))]
    real = sum(sample * math.cos(turn) for sample, turn in zip(pcm, turns, strict=True))
    imaginary = sum(sample * math.sin(turn) for sample, turn in zip(pcm, turns, strict=True))
    return 2 * math.hypot(real, imaginary) / len(pcm) / PEAK


class Threesome(Office):
    """An office whose operator talks with a caller; the head's phone is up."""

    def __init__(self, law: Law = Law.ALAW) -> None:
        super().__init__(Hosted())
        self.head = Phone(law, "leg2")
        self.world.parts.insert(1, self.head.step)
        self.switch._prepare = self.prepared
        self.call: ExchangeCall = self.talking()
        self.order(orders.PreparePhone("leg2"))
        self.head_agrees()

    def prepared(self, leg: str) -> PhoneLeg:
        """Return the leg of that name."""
        return {"leg1": self.phone.leg, "leg2": self.head.leg}[leg]

    def head_agrees(self, *, sending: bool = True) -> None:
        """The head's phone offers its sound, or holds."""
        port = self.head.socket.getsockname()[1]
        self.order(MediaAgreed("leg2", ADDRESS, port, str(self.head.law), 101, sending))

    def operator_agrees(self, *, sending: bool) -> None:
        """The operator's phone holds, or resumes."""
        port = self.phone.socket.getsockname()[1]
        self.order(MediaAgreed("leg1", ADDRESS, port, "ulaw", 101, sending))

    def bring_in(self) -> None:
        """Let the head into the conversation."""
        self.order(orders.BringIn("line1", "leg2"))
        self.world.run(400)

    def all_speak(self) -> None:
        """Caller, operator and head speak at once for 3 s, of which 2.5 go by."""
        self.call.say(voice(CALLER_HZ))
        self.phone.say(voice(OPERATOR_HZ))
        self.head.say(voice(HEAD_HZ, Law.ALAW))
        self.world.run(2500)

    def heard(self) -> dict[str, tuple[bool, bool, bool]]:
        """Return who hears caller, operator, head; raises AssertionError for half-heard ones."""
        ears = {
            "caller": (self.call.heard, Law.ULAW),
            "operator": (self.phone.heard, Law.ULAW),
            "head": (self.head.heard, Law.ALAW),
        }
        return {
            who: tuple(is_heard(part_of(hz, heard, law)) for hz in VOICES)  # type: ignore[misc]  # three
            for who, (heard, law) in ears.items()
        }


def plain(ulaw: bytes | bytearray) -> bytes:
    """Return mu-law sound whose two zeros are one: decoded and coded again they are."""
    return bytes(ulaw).replace(b"\x7f", b"\xff")


VOICES = (CALLER_HZ, OPERATOR_HZ, HEAD_HZ)


def is_heard(part: float) -> bool:
    """Tell whether a voice is heard; what is neither there nor gone is a fault of the sound."""
    assert part < NOT_HEARD or HEARD < part < 1.25, part
    return part >= HEARD


@pytest.fixture
def three() -> Iterator[Threesome]:
    """An operator with a caller, and the head's phone."""
    made = Threesome()
    yield made
    made.phone.close()
    made.head.close()


def test_each_hears_the_two_others_and_never_himself(three: Threesome) -> None:
    """E10: caller, operator and head talk; levels measured, whatever law a phone speaks."""
    three.bring_in()
    three.all_speak()
    assert three.heard() == {
        "caller": (False, True, True),
        "operator": (True, False, True),
        "head": (True, True, False),
    }


def test_the_operator_hears_no_break_as_the_head_comes_and_goes() -> None:
    """The conversation is untouched: what is said arrives whole, beside a silent head exactly."""
    three = Threesome(Law.ULAW)
    three.call.say(g711.encode(SPEECH, Law.ULAW))
    three.world.run(1000)
    three.order(orders.BringIn("line1", "leg2"))
    three.world.run(1000)
    three.order(orders.ReleasePhone("leg2"))
    three.world.run(2000)
    assert plain(g711.encode(SPEECH, Law.ULAW)).strip(b"\xff") in plain(three.phone.heard)
    three.bring_in()
    three.phone.say(g711.encode(SPEECH, Law.ULAW))
    three.world.run(4000)
    assert plain(g711.encode(SPEECH, Law.ULAW)).strip(b"\xff") in plain(three.call.heard)
    three.phone.close()
    three.head.close()


@pytest.mark.parametrize(("leg", "left"), [("leg1", HEAD_HZ), ("leg2", OPERATOR_HZ)])
def test_one_phone_goes_and_the_two_others_talk_on(three: Threesome, leg: str, left: float) -> None:
    """Whoever hangs up, the caller goes on with the other one, without a further order."""
    three.bring_in()
    three.order(orders.ReleasePhone(leg))
    three.order(orders.ReleasePhone(leg))
    three.all_speak()
    assert [hz for hz in VOICES if is_heard(part_of(hz, three.call.heard))] == [left]
    stays, law = (three.head, Law.ALAW) if leg == "leg1" else (three.phone, Law.ULAW)
    assert [hz for hz in VOICES if is_heard(part_of(hz, stays.heard, law))] == [CALLER_HZ]
    assert three.one.line.call is not None
    assert three.one.line.call.legs == (stays.leg,)
    three.order(orders.Connect("line1", stays.leg.leg))
    three.all_speak()
    assert is_heard(part_of(left, three.call.heard))


def test_both_phones_go_and_the_caller_hears_silence(three: Threesome) -> None:
    """Until the next order, as with one phone."""
    three.bring_in()
    three.order(orders.ReleasePhone("leg1"))
    three.order(orders.ReleasePhone("leg2"))
    three.world.run(200)
    three.call.heard.clear()
    three.world.run(500)
    assert set(three.call.heard) == {0xFF}
    assert three.one.line.call is not None
    assert three.one.line.call.legs == ()


def test_hold_parts_both_phones_and_the_caller_hears_the_prompt(three: Threesome) -> None:
    """What is ordered of the line holds for both; the head is brought in anew afterwards."""
    three.bring_in()
    three.order(orders.Hold("line1"))
    three.call.heard.clear()
    three.all_speak()
    assert g711.encode(HOLD, Law.ULAW) in bytes(three.call.heard)
    three.order(orders.Connect("line1", "leg1"))
    three.bring_in()
    three.all_speak()
    assert three.heard()["caller"] == (False, True, True)


def test_a_phone_that_holds_is_not_heard_and_the_others_talk_on(three: Threesome) -> None:
    """Music would end a conversation that goes on; with both on hold the caller hears it."""
    three.switch.prompts = memory({"it/hold": HOLD})
    three.bring_in()
    three.head_agrees(sending=False)
    three.all_speak()
    assert [hz for hz in VOICES if is_heard(part_of(hz, three.call.heard))] == [OPERATOR_HZ]
    three.operator_agrees(sending=False)
    three.call.heard.clear()
    three.all_speak()
    assert g711.encode(HOLD, Law.ULAW) in bytes(three.call.heard)
    three.head_agrees()
    three.world.run(1000)  # what both said on hold is over
    three.all_speak()
    assert [hz for hz in VOICES if is_heard(part_of(hz, three.call.heard))] == [HEAD_HZ]


def test_each_phone_of_the_three_is_watched(three: Threesome) -> None:
    """A head's phone that loses its power is asked for, and lost; the operator's is not."""
    three.bring_in()
    three.head.is_mute = True
    three.world.run(SILENT_PHONE_S * 1000 + 500)
    assert {told.leg for told in three.told if isinstance(told, PhoneSilent)} == {"leg2"}
    assert [told.leg for told in three.told if isinstance(told, PhoneLost)] == ["leg2"]


def test_the_callers_keys_are_heard_as_with_two(three: Threesome) -> None:
    """What the chip says of keys is told; speech of three is never taken for one."""
    three.bring_in()
    three.one.modem.chip_dtmf = True
    three.call.press("5")
    three.world.run(500)
    assert three.one.heard_of(DigitPressed) == [DigitPressed("5", DigitSource.CHIP, line="line1")]
    three.all_speak()
    assert len(three.one.heard_of(DigitPressed)) == 1


def test_brought_in_where_nobody_is_left_is_joined(three: Threesome) -> None:
    """The operator's leg went in the same moment: the head has the caller."""
    three.order(orders.ReleasePhone("leg1"))
    three.bring_in()
    three.all_speak()
    assert is_heard(part_of(HEAD_HZ, three.call.heard))
    assert not is_heard(part_of(OPERATOR_HZ, three.call.heard))


def test_a_leg_that_is_not_there_cannot_be_brought_in(three: Threesome) -> None:
    """Told as with Connect; the two who talk go on. Nobody is whispered to."""
    three.order(orders.BringIn("line1", "leg9"))
    three.order(orders.Whisper("leg9", ("it/word",)))
    assert PhoneHungUp("leg9", "its sound is gone") in three.told
    three.all_speak()
    assert is_heard(part_of(CALLER_HZ, three.phone.heard))
    assert is_heard(part_of(OPERATOR_HZ, three.call.heard))


def test_a_whisper_is_heard_by_one_phone_over_what_goes_on(three: Threesome) -> None:
    """The operator is told of the head; neither caller nor head hears it, nobody is cut."""
    three.bring_in()
    for heard in (three.call.heard, three.phone.heard, three.head.heard):
        heard.clear()
    three.order(orders.Whisper("leg1", ("it/word",)))
    three.world.run(1500)
    assert g711.encode(WORD, Law.ULAW) in bytes(three.phone.heard)
    assert set(three.call.heard) <= {0xFF, 0xFE, 0x7F}  # silence; of A-law it is half a step
    assert set(three.head.heard) <= {0xD5, 0x55}
    three.order(orders.Whisper("leg1", ("it/word",)))
    three.all_speak()
    assert three.heard()["operator"] == (True, False, True)


def test_a_phone_that_holds_is_whispered_nothing(three: Threesome) -> None:
    """It would hear old news after its hold."""
    three.operator_agrees(sending=False)
    three.order(orders.Whisper("leg1", ("it/word",)))
    three.world.run(100)
    three.operator_agrees(sending=True)
    three.phone.heard.clear()
    three.world.run(1500)
    assert set(three.phone.heard) == {0xFF}


def test_whoever_reads_behind_is_not_late_for_ever() -> None:
    """A modem that lost some sound leaves one reader behind the other: up to 60 ms are kept."""
    phone = Phone()
    phone.agree(0.0)
    heard = ConferenceVoice(phone.leg)
    heard.read(FOR_CALLER, MOST_APART + 400)
    assert len(heard._sound) == 2 * MOST_APART
    assert len(heard.read(FOR_PHONE, 160)) == 320
    heard.read(FOR_PHONE, MOST_APART - 160)
    assert heard._sound == b""
    phone.close()
