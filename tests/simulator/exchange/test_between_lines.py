"""Two lines of the exchange joined, and what a bad pair does (v253.md 5, 9)."""

from __future__ import annotations

import audioop
import math
from array import array
from itertools import pairwise

import pytest

from appliance.dsp import g711
from appliance.simulator.exchange.audio import Loop, WornPair, samples_of, silence_of, sine
from appliance.simulator.exchange.call import CallPlan
from appliance.simulator.exchange.line import Pipe
from tests.simulator.exchange.virtual import TICK_MS, Bench, unshielded


class Two:
    """Two benches whose lines reach each other as 1 and 2, on one clock."""

    def __init__(self) -> None:
        self.calling, self.called = Bench(), Bench()
        wire = self.calling.station.line.wire
        wire.lines = self.called.station.line.wire.lines
        wire.lines |= {"1": self.calling.station.line, "2": self.called.station.line}

    def run(self, ms: int) -> tuple[bytes, bytes]:
        """Let ms go by on both; gives what each host was sent."""
        got = b"", b""
        for _ in range(ms // TICK_MS):
            got = got[0] + self.calling.run(TICK_MS), got[1] + self.called.run(TICK_MS)
        return got

    def talk(self) -> tuple[bytes, bytes]:
        """Dial, answer, and stream on both sides; gives what each was sent while it rang."""
        for one in (self.calling, self.called):
            one.prepare("ATE0", "AT+VCID=1", "AT+FCLASS=8", "AT+VSM=131,8000", "AT+VSD=0,0")
        self.calling.write(b"ATDT2;\r")
        told = self.run(5500)
        self.called.prepare("AT+VLS=1", "AT+VTR")
        self.calling.prepare("AT+VTR")
        self.run(100)
        return told


@pytest.mark.parametrize("order", ["before", "after"])
def test_the_called_line_is_told_who_calls(order: str) -> None:
    """The number planted for a line arrives where it calls, before the first ring or after it."""
    two = Two()
    two.calling.station.line.wire.caller = CallPlan(caller="0511", id_order=order)
    _, told = two.talk()
    rings, number = told.find(b"\x10R"), told.find(b"NMBR = 0511")
    assert min(rings, number) >= 0
    assert (number < rings) is (order == "before")


@pytest.mark.parametrize(
    ("release", "event"), [("busy", "b"), ("dial", "d"), ("loop", "l"), ("silence", "")]
)
@pytest.mark.parametrize("leaver", ["calling", "called"])
def test_who_stays_learns_of_the_release_as_planted(release: str, event: str, leaver: str) -> None:
    """Whichever side hangs up, the other hears what its own line gives for a release."""
    two = Two()
    stays = two.called if leaver == "calling" else two.calling
    stays.station.line.wire.release = release
    two.talk()
    leaves = two.calling if leaver == "calling" else two.called
    leaves.write(b"\x10^")
    leaves.prepare("ATH")
    got = two.run(7000)
    sound, codes = unshielded(got[stays is two.called])
    assert codes[:1] == event
    is_tone = release in {"busy", "dial"}
    assert (sound[samples_of(1000) :].count(0xFF) < len(sound[samples_of(1000) :])) is is_tone


def test_keys_of_either_modem_are_known_to_the_other() -> None:
    """A key sent by +VTS is sound on the other line, and its chip names it."""
    two = Two()
    two.talk()
    two.calling.write(b"\x10^")
    two.calling.run(100)
    two.calling.write(b"AT+VTS={5,8}\r")
    sound, codes = unshielded(two.run(300)[1])
    assert "/5~" in codes
    assert len(sound) > sound.count(0xFF) > 0


def measured(worn: WornPair, sound: bytes) -> float:
    """Give by how many dB the pair has weakened a second of mu-law sound, cut into ticks."""
    loop = Loop(sound)
    heard = b"".join(worn.mix(loop.take(80)) for _ in range(100))
    before, after = (audioop.rms(g711.ulaw_to_linear(each), 2) for each in (sound, heard))
    return round(float(20 * math.log10(before / after)), 1)


@pytest.mark.parametrize(
    ("loss", "dull", "hz", "expected"),
    [(0, 0, 1000, 0), (20, 0, 1000, 20), (-6, 0, 1000, -6), (0, 1, 2600, 5.7), (0, 1, 3400, 12.7)],
)
def test_a_worn_pair_weakens(loss: float, dull: int, hz: int, expected: float) -> None:
    """Loss takes as much at every frequency, dullness more the higher it is."""
    worn = WornPair()
    worn.loss_db, worn.dull = loss, dull
    tone = sine(((float(hz), -12.0),), samples_of(1000))
    assert measured(worn, tone) == pytest.approx(expected, abs=0.3)


def test_noise_is_as_loud_as_it_was_set() -> None:
    """Noise is heard at its level, and none leaves silence the very silence it was."""
    worn = WornPair()
    assert worn.mix(silence_of(80)) == silence_of(80)
    worn.hiss(-40.0)
    loud = audioop.rms(
        g711.ulaw_to_linear(b"".join(worn.mix(silence_of(80)) for _ in range(100))), 2
    )
    tone = audioop.rms(g711.ulaw_to_linear(sine(((1000.0, -40.0),), samples_of(1000))), 2)
    assert loud == pytest.approx(tone, rel=0.1)
    worn.hiss(None)
    assert worn.mix(silence_of(80)) == silence_of(80)


@pytest.mark.parametrize(
    ("sent_ppm", "heard_ppm", "hz"),
    [(0, 0, 1000), (20, 20, 1000), (10_000, 0, 1010), (0, -10_000, 1010)],
)
def test_a_crystal_that_runs_fast_is_heard_too_high(
    sent_ppm: float, heard_ppm: float, hz: int
) -> None:
    """What lies between two modems is analog: a pitch is that of both crystals together."""
    pipe, tone = Pipe(sent_ppm, heard_ppm), sine(((1000.0, -10.0),), 8000)
    heard = bytearray()
    for at in range(0, len(tone), 80):
        pipe.put(tone[at : at + 80])
        heard += pipe.take(round(80 * (1e6 + heard_ppm) / (1e6 + sent_ppm)))
    assert (bytes(heard) == tone) is (sent_ppm == heard_ppm)
    pcm = array("h", g711.ulaw_to_linear(bytes(heard[800:4800])))
    rises = sum(before < 0 <= after for before, after in pairwise(pcm))
    assert rises == pytest.approx(hz / 2, abs=2)
