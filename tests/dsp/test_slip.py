"""Slip buffer: two clocks 200 ppm apart for ten minutes, and nobody hears it."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.dsp import conceal, dtmf, g711, wav
from appliance.dsp.conceal import SlipBuffer
from appliance.dsp.wav import Law
from tests.helpers.examples import examples
from tests.helpers.sound import babble, compare_bytes, largest_step, noise, speech

FRAME = 160
SOUND = g711.linear_to_ulaw(babble(30, seed=8))


def joined(sent: bytes, law: Law, ppm: int, late: int = 0) -> tuple[bytes, SlipBuffer, list[int]]:
    """`sent` written in frames of 20 ms by a clock `ppm` fast (negative: slow), read by a true one.

    Returns what was read, the buffer, and its level after each read. Every 50th frame is written
    `late` samples of time late.
    """
    buffer = SlipBuffer(law)
    rate = 1 + Fraction(ppm, 10**6)
    out, levels, written = bytearray(), [], 0
    count = len(sent) // FRAME
    for tick in range(1, int(count / rate) + 1):
        while written < count:
            delay = late if written % 50 == 25 else 0
            if (written + 1) * FRAME / rate + delay > tick * FRAME:
                break
            buffer.write(sent[written * FRAME : (written + 1) * FRAME])
            written += 1
        out += buffer.read(FRAME)
        levels.append(buffer.fill)
    return bytes(out), buffer, levels


@pytest.mark.parametrize("law", [Law.ULAW, Law.ALAW, Law.LINEAR8])
@pytest.mark.parametrize("late", [0, 100, 250])
def test_equal_clocks_are_byte_exact(law: Law, late: int) -> None:
    """With one clock on both sides, late writers included, the bytes read are those written."""
    sent = g711.translate(SOUND, Law.ULAW, law)
    got, buffer, _ = joined(sent, law, 0, late)
    found = compare_bytes(sent[: len(got) - 800], got)
    assert found.is_exact
    assert found.lag <= conceal.START + 2 * FRAME
    assert buffer.counters == conceal.SlipCounters()


@pytest.mark.system
@pytest.mark.parametrize("ppm", [200, -200])
def test_ten_minutes_of_speech_between_drifting_clocks(ppm: int) -> None:
    """+100 against -100 ppm: delay bounded, slips in silence only, no step the source had not."""
    voice = g711.linear_to_alaw(speech(600))
    got, buffer, levels = joined(voice, Law.ALAW, ppm)
    corrected = buffer.counters.dropped if ppm > 0 else buffer.counters.inserted
    lumps = 260  # what a frame more or less at either end leaves open
    assert corrected == pytest.approx(abs(ppm) * 600 * 8000 / 10**6, abs=lumps)
    assert (buffer.counters.splices, buffer.counters.underruns) == (0, 0)
    assert min(levels[3:]) >= conceal.LOW - FRAME
    assert max(levels) <= conceal.HIGH + FRAME
    assert largest_step(g711.alaw_to_linear(got)) <= largest_step(g711.alaw_to_linear(voice))


@pytest.mark.system
@pytest.mark.parametrize("ppm", [500, -500])
def test_ten_minutes_at_500_ppm(ppm: int) -> None:
    """The cheapest crystals: delay bounded, no step the source had not, and in what of the voices
    has no pause for 20 s one splice at most.
    """
    voice = g711.linear_to_alaw(speech(600))
    got, buffer, levels = joined(voice, Law.ALAW, ppm)
    corrected = abs(buffer.counters.dropped - buffer.counters.inserted)
    assert corrected == pytest.approx(abs(ppm) * 600 * 8000 / 10**6, abs=260)
    assert buffer.counters.splices <= 1
    assert buffer.counters.underruns == 0
    assert min(levels[3:]) >= conceal.LOW - FRAME
    assert max(levels) <= conceal.HIGH + FRAME
    assert largest_step(g711.alaw_to_linear(got)) <= largest_step(g711.alaw_to_linear(voice))


@pytest.mark.parametrize("ppm", [2000, -2000])
def test_slips_touch_no_sound(ppm: int) -> None:
    """Ten times the drift: what is heard of each syllable is what was said, to the byte."""
    got, buffer, _ = joined(SOUND, Law.ULAW, ppm)
    corrections = buffer.counters.inserted + buffer.counters.dropped
    assert corrections > 150
    assert (buffer.counters.splices, buffer.counters.underruns) == (0, 0)
    place = 0
    for at in range(FRAME, len(SOUND) - 4000, FRAME):
        around = [SOUND[at + off : at + off + FRAME] for off in (-FRAME, 0, FRAME)]
        if min(wav.level_dbm0(g711.ulaw_to_linear(one)) for one in around) > -40:
            place = got.index(around[1], place)  # not the soft end of a syllable
    assert place > len(got) - 12000
    assert largest_step(g711.ulaw_to_linear(got)) <= largest_step(g711.ulaw_to_linear(SOUND))


@pytest.mark.parametrize("ppm", [2000, -2000])
def test_noise_of_a_line_is_quiet_enough(ppm: int) -> None:
    """A line that is never silent slips in its noise; the noise is learnt."""
    pcm = noise(60 * 8000, -42.0)
    got, buffer, _ = joined(g711.linear_to_ulaw(pcm), Law.ULAW, ppm)
    assert buffer.counters.inserted + buffer.counters.dropped > 500
    assert (buffer.counters.splices, buffer.counters.underruns) == (0, 0)
    assert largest_step(g711.ulaw_to_linear(got)) <= largest_step(pcm) * 1.1


@pytest.mark.parametrize("ppm", [2000, -2000])
def test_slips_choose_the_flattest_place(ppm: int) -> None:
    """A quiet tone is stretched and shortened at its crests: no step it had not."""
    tone = g711.linear_to_ulaw(dtmf.mix(((1000.0, -54.0),), 8000)) * 30
    got, buffer, _ = joined(tone, Law.ULAW, ppm)
    assert buffer.counters.inserted + buffer.counters.dropped > 150
    assert largest_step(g711.ulaw_to_linear(got)) <= largest_step(g711.ulaw_to_linear(tone))


@pytest.mark.parametrize("ppm", [400, -400])
def test_a_splice_keeps_step_with_the_wave(ppm: int) -> None:
    """A splice joins like to like: a steady chord does not dip where it is cut."""
    chord = g711.linear_to_ulaw(dtmf.chord((400, 700), 1000, -18.0)) * 200
    got, buffer, _ = joined(chord, Law.ULAW, ppm)
    assert buffer.counters.splices > 0
    whole = [g711.ulaw_to_linear(got[at : at + 80]) for at in range(800, len(got) - 80, 80)]
    assert min(map(wav.level_dbm0, whole)) > -16.5


@pytest.mark.parametrize("ppm", [400, -400])
def test_sound_without_a_pause_is_spliced_where_it_fits(ppm: int) -> None:
    """Music on hold: the delay stays bounded all the same, and the splice does not click."""
    tune = b"".join(dtmf.chord((freq, freq * 1.5), 500, -18.0) for freq in (262, 330, 392)) * 160
    got, buffer, levels = joined(g711.linear_to_ulaw(tune), Law.ULAW, ppm)
    assert buffer.counters.splices >= 3
    assert buffer.counters.underruns == 0
    assert max(levels) <= conceal.LIMIT + 2 * conceal.HIGH
    step = largest_step(g711.ulaw_to_linear(g711.linear_to_ulaw(tune)))
    assert largest_step(g711.ulaw_to_linear(got)) <= step * 1.1


def test_a_hole_is_faded_at_both_ends() -> None:
    """A writer that stops leaves no click when it stops nor when it comes back."""
    tone = g711.linear_to_ulaw(dtmf.chord((300,), 1000, -10.0))
    buffer = SlipBuffer(Law.ULAW)
    got = bytearray()
    for piece in (tone[:1650], tone[:1600]):
        buffer.write(piece)
        for _ in range(14):
            got += buffer.read(FRAME)
    assert buffer.counters.underruns == 2
    pcm = g711.ulaw_to_linear(bytes(got)[320:])
    assert largest_step(pcm) <= largest_step(g711.ulaw_to_linear(tone)) * 1.2
    assert bytes(got[-FRAME:]) == wav.silence(Law.ULAW, FRAME)


def test_a_reader_that_stops_costs_half_a_second_at_most() -> None:
    """What nobody reads is dropped, oldest first, and then the delay is brought down."""
    buffer = SlipBuffer(Law.ULAW)
    buffer.write(SOUND[:9000])
    assert (buffer.fill, buffer.counters.dropped) == (conceal.MOST, 5000)
    for at in range(9000, 9000 + FRAME * 600, FRAME):
        buffer.write(SOUND[at : at + FRAME])
        buffer.read(FRAME)
    assert buffer.fill <= conceal.HIGH + FRAME


def test_only_eight_bit_laws_are_carried() -> None:
    """16-bit sound is refused in words."""
    with pytest.raises(ValueError, match="encode it first"):
        SlipBuffer(Law.LINEAR16)


@given(st.lists(st.tuples(st.integers(0, 700), st.integers(0, 400)), max_size=200))
@settings(max_examples=examples(60))
def test_reads_are_always_whole(steps: list[tuple[int, int]]) -> None:
    """Whatever is written and asked for, exactly that much comes out and little is held."""
    buffer = SlipBuffer(Law.ALAW)
    at = 0
    for written, asked in steps * 3:
        buffer.write(SOUND[at : at + written])
        at += written
        assert len(buffer.read(asked)) == asked
        assert buffer.fill <= conceal.MOST
