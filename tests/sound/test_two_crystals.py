"""Two lines whose modems' crystals run apart, joined through slip buffers on a virtual clock."""

from __future__ import annotations

import audioop
import functools
from typing import cast

import pytest

from appliance.dsp import g711, wav
from appliance.dsp.conceal import SlipBuffer
from appliance.dsp.wav import FRAME_SAMPLES, Law
from appliance.media.messages import LineSetup
from appliance.media.phone_leg import PhoneLeg
from appliance.simulator.exchange.call import ExchangeCall
from tests.helpers import sound
from tests.media.virtual import Hosted, Phone, World

PPM = 100.0
"""As far as a modem's crystal may be off."""
MINUTE = 60 * 8000
NOISE_DBM0 = -58.0
QUIET_DBM0 = -52.0
WORD_DBM0 = -35.0
"""Louder than what a slip buffer may take for the noise of a line: never corrected."""
PROBE = 6 * 8000
FARTHEST = 4000
WANDERED = 240
"""30 ms: between its bounds of 170 and 340 samples the slip buffer lets the delay go."""

WANDERED_RTP = 320
"""40 ms: from 20 above the target of the jitter buffer to 10 below, and its reader's lumps."""


class Across:
    """The other line as a line sees it: what it says is read here, what it is told written."""

    is_holding = False
    came_at = 0.0  # no packets come from there, so no rhythm is taken from them

    def __init__(self, heard: SlipBuffer, told: SlipBuffer) -> None:
        self._heard = heard
        self._told = told
        self._unread = b""

    def begin(self) -> None:
        """Nothing lies in store that could be too old."""

    def align(self) -> None:
        """No packet is to leave in step with a piece."""

    def write(self, data: bytes, law: Law) -> None:
        """Take what was heard on this line."""
        self._told.write(data)

    def read(self, samples: int, law: Law) -> bytes:
        """Give what the other line says; the slip buffer is read in whole frames."""
        while len(self._unread) < samples:
            self._unread += self._heard.read(FRAME_SAMPLES)
        data, self._unread = self._unread[:samples], self._unread[samples:]
        return data


@functools.cache
def _minute(number: int) -> bytes:
    """One of two minutes of recorded voices over a line's noise, in mu-law."""
    voice = sound.speech(120.0)[number * 2 * MINUTE :][: 2 * MINUTE]
    return g711.encode(audioop.add(voice, sound.noise(MINUTE, NOISE_DBM0, number), 2), Law.ULAW)


def _quiet_step(pcm: bytes) -> int:
    """The greatest step within the frames that hold noise alone: where corrections are made."""
    cut = range(0, len(pcm) - 2 * FRAME_SAMPLES, 2 * FRAME_SAMPLES)
    parts = (pcm[at : at + 2 * FRAME_SAMPLES] for at in cut)
    return max(sound.largest_step(one) for one in parts if wav.level_dbm0(one) < QUIET_DBM0)


def _words(ulaw: bytes) -> list[bytes]:
    """What is spoken in one breath: 100 ms and more in which no frame holds noise alone."""
    found, run = [], b""
    for at in range(0, len(ulaw), FRAME_SAMPLES):
        frame = ulaw[at : at + FRAME_SAMPLES]
        if wav.level_dbm0(g711.decode(frame, Law.ULAW)) > WORD_DBM0:
            run += frame
            continue
        if len(run) >= 7 * FRAME_SAMPLES:
            found.append(run[FRAME_SAMPLES:-FRAME_SAMPLES])
        run = b""
    return found


def _changed_words(said: bytes, heard: bytes) -> int:
    """How many words were not heard byte by byte, each after the one before."""
    changed = at = 0
    for word in _words(said[: -2 * 8000]):
        there = heard.find(word, at, at + 30 * 8000)
        changed += there < 0
        at = max(at, there + len(word))
    return changed


def _drift(ppm: float, minutes: int) -> int:
    """What two crystals differ by in the end, one so fast and one as slow: 960 samples in ten
    minutes at 100 ppm.
    """
    return round(2 * ppm * 1e-6 * minutes * MINUTE)


def _delays(said: bytes, heard: bytes, pace: float) -> list[int]:
    """How late, in samples, the first seconds of each minute of `said` were heard.

    `pace` is how many samples the listener's crystal counts while the speaker's counts one.
    """
    found = []
    for at in range(0, len(said) - PROBE, MINUTE):
        probe = g711.decode(said[at : at + PROBE], Law.ULAW)
        region = heard[round(at * pace) :][: PROBE + FARTHEST]
        found.append(sound.align(probe, g711.decode(region, Law.ULAW), FARTHEST))
    return found


@pytest.mark.whole
@pytest.mark.timeout(200)
@pytest.mark.parametrize("minutes", [3, pytest.param(10, marks=pytest.mark.long)])
def test_minutes_at_plus_and_minus_100_ppm(minutes: int) -> None:
    """+100 ppm joined to -100 ppm, both speaking: no click, no growing delay, and every word as it
    was said: what has to be corrected is corrected between the words.
    """
    fast, slow = (Hosted(LineSetup(name, "", caller_id="none")) for name in ("fast", "slow"))
    fast.station.ppm, slow.station.ppm = PPM, -PPM
    world = World(fast, slow)
    world.bring_up()
    said = [_minute(seed) * minutes for seed in (0, 1)]
    calls: list[ExchangeCall] = [world.answer(one, hang_up_after_ms=10**7) for one in (fast, slow)]
    to_slow, to_fast = SlipBuffer(Law.ULAW), SlipBuffer(Law.ULAW)
    for call, speech in zip(calls, said, strict=True):
        call.heard.clear()
        call.say(speech)
    fast.line.connect(cast(PhoneLeg, Across(to_fast, to_slow)), world.now)
    slow.line.connect(cast(PhoneLeg, Across(to_slow, to_fast)), world.now)
    world.run(minutes * 60_000)

    ways = (
        (said[0], bytes(calls[1].heard), 1 - 2e-6 * PPM, to_slow),
        (said[1], bytes(calls[0].heard), 1 + 2e-6 * PPM, to_fast),
    )
    for other, ulaw, pace, slip in ways:
        heard = g711.decode(ulaw, Law.ULAW)
        delays = _delays(other, ulaw, pace)
        assert max(delays) - min(delays) <= WANDERED, delays
        spoken = g711.decode(other, Law.ULAW)
        assert sound.largest_step(heard) <= sound.largest_step(spoken)
        assert _quiet_step(heard) <= _quiet_step(spoken)
        assert _changed_words(other, ulaw) == 0
        assert (slip.counters.underruns, slip.counters.splices) == (0, 0), slip.counters
    drift = _drift(PPM, minutes)
    assert to_slow.counters.dropped - to_slow.counters.inserted > drift / 2
    assert to_fast.counters.inserted - to_fast.counters.dropped > drift / 2
    assert (fast.modem.underruns, slow.modem.underruns) == (0, 0)


@pytest.mark.whole
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("ppm", "minutes"),
    [
        (500.0, 2),
        (-500.0, 2),
        *(pytest.param(ppm, 10, marks=pytest.mark.long) for ppm in (100.0, -100.0, 500.0, -500.0)),
    ],
)
def test_minutes_between_a_phone_and_a_modem(ppm: float, minutes: int) -> None:
    """A phone whose crystal is so fast on a line whose modem's is as slow, both speaking: no click,
    no growing delay, and the caller hears every word as it was said.
    """
    one = Hosted()
    one.station.ppm = -ppm
    world, phone = World(one), Phone()
    phone.ppm = ppm
    world.parts.append(phone.step)
    world.bring_up()
    phone.agree(world.now)
    said = [_minute(seed) * minutes for seed in (0, 1)]
    call = world.answer(one, hang_up_after_ms=10**7)
    call.heard.clear()
    call.say(said[0])
    phone.say(said[1])
    one.line.connect(phone.leg, world.now)
    phone.heard.clear()
    world.run(minutes * 60_000)
    phone.close()

    assert _changed_words(said[0], bytes(phone.heard)) == 0
    heard, spoken = (g711.decode(one, Law.ULAW) for one in (bytes(call.heard), said[1]))
    delays = _delays(said[1], bytes(call.heard), 1 - 2e-6 * ppm)
    assert max(delays) - min(delays) <= WANDERED_RTP, delays
    assert sound.largest_step(heard) <= sound.largest_step(spoken)
    minute = spoken[: 2 * MINUTE]  # cut into frames as they may have been moved
    assert _quiet_step(heard) <= max(_quiet_step(minute[2 * at :]) for at in range(0, 160, 16))
    assert _changed_words(said[1], bytes(call.heard)) == 0
    counters = phone.leg.jitter.counters
    assert (counters.late, counters.lost, counters.waited) == (0, 0, 0), counters
    assert abs(counters.dropped - counters.inserted) > _drift(abs(ppm), minutes) / 2
    assert one.modem.underruns == 0
