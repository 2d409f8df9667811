"""Gaps: the voice goes on, fades into the room's noise, and joins again without a click."""

from __future__ import annotations

import audioop
import functools
import math
import random

import numpy as np
import pytest

from appliance.dsp import g711, wav
from appliance.dsp.conceal import (
    GONE,
    HELD,
    Background,
    Concealer,
    NoiseFloor,
    best_fit,
    crossed,
    likeness,
    ramped,
)
from appliance.dsp.dtmf import pcm16
from appliance.dsp.wav import FRAME_SAMPLES, Law
from tests.helpers import sound
from tests.helpers.clicks import CLICK_DB, clicks

LAWS = pytest.mark.parametrize("law", [Law.ULAW, Law.ALAW])


@functools.cache
def spoken() -> bytes:
    """Speech over the noise of a room."""
    return audioop.add(sound.babble(40.0, seed=3), sound.noise(40 * 8000, -58.0), 2)


def tone(freq: float, seconds: float = 1.0, peak: float = 6000.0) -> bytes:
    """A vowel's bare bones: a tone with its third harmonic."""
    turn = 2 * math.pi * freq / 8000
    count = range(int(seconds * 8000))
    return pcm16(peak * (math.sin(turn * n) + math.sin(3 * turn * n) / 3) for n in count)


@functools.cache
def sung(seconds: float, peak: float = 6000.0) -> bytes:
    """A voice between 90 and 180 Hz that swells and glides, over the noise of a room."""
    n = np.arange(int(seconds * 8000))
    phase = np.cumsum(2 * math.pi * (135 + 45 * np.sin(n / 9000)) / 8000)
    swell = peak * (0.6 + 0.4 * np.sin(n / 3100))
    voice = swell * (np.sin(phase) + np.sin(2 * phase) / 2 + np.sin(4 * phase) / 4)
    return audioop.add(sound.as_pcm16(voice), sound.noise(len(n), -58.0), 2)


def in_frames(data: bytes) -> list[bytes]:
    """Whole frames of 8-bit sound."""
    return [data[at : at + 160] for at in range(0, len(data) - 159, 160)]


def concealed(said: list[bytes], lost: set[int], law: Law, *, known: bool) -> bytes:
    """What is played when frames are lost; `known` is whether later ones were already here."""
    concealer, out = Concealer(law), b""
    for number, one in enumerate(said):
        if number not in lost:
            out += concealer.played(one)
        elif known and number + 1 not in lost:
            out += concealer.bridge(160, b"".join(said[number + 1 : number + 3]))
        else:
            out += concealer.fill(160)
    return out


def naive(said: list[bytes], lost: set[int], law: Law) -> bytes:
    """Silence where a frame is lost."""
    return b"".join(wav.silence(law, 160) if n in lost else one for n, one in enumerate(said))


def repeated(said: list[bytes], lost: set[int]) -> bytes:
    """The frame before once more where one is lost."""
    out, last = [], said[0]
    for number, one in enumerate(said):
        last = last if number in lost else one
        out.append(last)
    return b"".join(out)


def losses(count: int, burst: int, seed: int) -> set[int]:
    """Frames lost in bursts of one length, a quarter to a whole second apart."""
    rng, lost, at = random.Random(seed), set[int](), 12
    while at < count - 12:
        lost |= set(range(at, at + burst))
        at += rng.randrange(12, 50)
    return lost


def joints(lost: set[int]) -> list[int]:
    """Samples at which something else begins: gaps and what follows them."""
    begins = [160 * n for n in lost if n - 1 not in lost]
    return begins + [160 * (n + 1) for n in lost if n + 1 not in lost]


def clicked(heard: bytes, said: bytes, lost: set[int], law: Law) -> int:
    """How many joints are clicks."""
    pcm = g711.decode(heard, law), g711.decode(said, law)
    return sum(one > CLICK_DB for one in clicks(*pcm, joints(lost)))


@LAWS
@pytest.mark.parametrize("burst", [1, 2, 5])
def test_no_joint_of_sung_sound_clicks(law: Law, burst: int) -> None:
    """Vowels that swell and glide, frames lost singly and in bursts, what follows known or not: of
    a hundred joints one at most is 6 dB sharper than what is around it. Silence in the gaps, or
    the frame before once more, click at every third joint and more.
    """
    said = g711.encode(sung(60.0), law)
    cut = in_frames(said)
    lost = losses(len(cut), burst, burst)
    for known in (False, True):
        ours = clicked(concealed(cut, lost, law, known=known), said, lost, law)
        assert ours <= len(joints(lost)) // 100
    assert clicked(naive(cut, lost, law), said, lost, law) >= len(joints(lost)) // 3
    assert clicked(repeated(cut, lost), said, lost, law) >= len(joints(lost)) // 3


def test_hardly_a_joint_of_speech_clicks() -> None:
    """Recorded voices, single frames lost: one joint in 200, a quarter of what silence makes."""
    said = g711.encode(audioop.add(sound.speech(120), sound.noise(120 * 8000, -58.0), 2), Law.ULAW)
    cut = in_frames(said)
    counts = [0, 0, 0]
    for seed in range(4):
        lost = losses(len(cut), 1, seed)
        ways = (
            concealed(cut, lost, Law.ULAW, known=True),
            concealed(cut, lost, Law.ULAW, known=False),
            naive(cut, lost, Law.ULAW),
        )
        counts = [
            a + clicked(one, said, lost, Law.ULAW) for a, one in zip(counts, ways, strict=True)
        ]
    assert counts[2] >= 20
    assert max(counts[:2]) <= min(counts[2] // 4, 1556 // 200), counts


@LAWS
@pytest.mark.parametrize("freq", [85.0, 110.0, 155.0, 210.0, 390.0])
def test_a_held_vowel_goes_on(law: Law, freq: float) -> None:
    """What is periodic is known in advance: the first 10 ms of a gap are right to 8 dB."""
    whole = tone(freq)
    said = in_frames(g711.encode(whole, law))
    concealer = Concealer(law)
    for one in said[:20]:
        concealer.played(one)
    first = g711.decode(concealer.fill(80), law)
    assert sound.segmental_snr(whole[6400:6560] * 2, first * 2) >= 8.0


@LAWS
def test_what_was_heard_around_a_known_gap_is_untouched(law: Law) -> None:
    """With the next frame at hand only the missing one is made up."""
    said = in_frames(g711.encode(spoken(), law))
    heard = in_frames(concealed(said, {30, 77}, law, known=True))
    assert [n for n, (a, b) in enumerate(zip(said, heard, strict=True)) if a != b] == [30, 77]


def test_a_gap_fades_within_60_ms() -> None:
    """10 ms as loud as before, then less and less, nothing after 60 ms."""
    concealer = Concealer(Law.ULAW)
    concealer.played(g711.encode(tone(120.0), Law.ULAW))
    levels = [
        wav.level_dbm0(g711.decode(concealer.fill(80), Law.ULAW)) for _ in range(GONE // 80 + 2)
    ]
    assert levels[0] == pytest.approx(wav.level_dbm0(tone(120.0)), abs=1.0)
    assert levels[: GONE // 80] == sorted(levels[: GONE // 80], reverse=True)
    assert set(levels[GONE // 80 :]) == {wav.SILENCE_DBM0}
    assert HELD == 80


@LAWS
@pytest.mark.parametrize("dbm0", [-55.0, -45.0])
def test_a_long_gap_sounds_like_the_room(law: Law, dbm0: float) -> None:
    """Comfort silence: the level of the background to 3 dB, no pitch of its own, no click."""
    room = g711.encode(_room(4.0, dbm0), law)
    concealer = Concealer(law)
    for one in in_frames(room):
        concealer.played(one)
    filled = g711.decode(b"".join(concealer.fill(80) for _ in range(400)), law)
    level = wav.level_dbm0(g711.decode(room, law))
    assert wav.level_dbm0(filled) == pytest.approx(level, abs=3)
    periods = [
        likeness(filled[2 * lag : 2 * lag + 16000], filled[:16000]) for lag in range(40, 2000)
    ]
    assert max(periods) < 0.5


def test_the_background_is_that_of_the_pauses() -> None:
    """Amid speech 30 dB louder, what fills a gap is the noise between the words."""
    concealer = Concealer(Law.ULAW)
    concealer.played(g711.encode(spoken(), Law.ULAW))
    concealer.fill(GONE)
    assert wav.level_dbm0(g711.decode(concealer.fill(8000), Law.ULAW)) == pytest.approx(-58, abs=4)


def _room(seconds: float, dbm0: float) -> bytes:
    """Dull noise, as rooms have: white noise through a short mean."""
    white = sound.noise(int(seconds * 8000) + 4, dbm0 + 6.0)
    parts = [white[2 * n : len(white) - 2 * (4 - n)] for n in range(4)]
    out = bytes(len(parts[0]))
    for part in parts:
        out = audioop.add(out, audioop.mul(part, 2, 0.25), 2)
    return out


def test_digital_silence_stays_digital_silence() -> None:
    """A phone that sends no noise gets none made up, in either law's own bytes."""
    for law in (Law.ULAW, Law.ALAW):
        concealer = Concealer(law)
        for _ in range(300):
            concealer.played(wav.silence(law, FRAME_SAMPLES))
        assert concealer.fill(1000) == wav.silence(law, 1000)


def test_sound_that_comes_first_is_not_faded_in() -> None:
    """Before anything was played there is silence, and no joint after it."""
    concealer = Concealer(Law.ULAW)
    assert concealer.fill(160) == wav.silence(Law.ULAW, 160)
    concealer.part()
    said = g711.encode(tone(200.0), Law.ULAW)
    assert concealer.played(said) == said


def test_after_forgetting_nothing_of_the_old_sound_is_heard() -> None:
    """Another conversation begins: no wave goes on, no joint is made."""
    concealer = Concealer(Law.ULAW)
    said = g711.encode(tone(200.0), Law.ULAW)
    concealer.played(said)
    concealer.fill(100)
    concealer.forget()
    assert concealer.fill(80) == wav.silence(Law.ULAW, 80)
    assert concealer.played(said) == said


def test_a_joint_may_come_in_pieces_and_be_broken_off() -> None:
    """However it is read, the same is heard; a gap within a joint begins from what was played."""
    said = g711.encode(spoken()[: 2 * 16000], Law.ULAW)
    after = said[8160:]

    def heard(sizes: list[int]) -> bytes:
        concealer = Concealer(Law.ULAW)
        concealer.played(said[:8000])
        out, at = concealer.fill(160), 0
        for size in sizes:
            out += concealer.played(after[at : at + size])
            at += size
        return out

    assert heard([160, 160]) == heard([13, 67, 80, 160]) == heard([320])
    concealer = Concealer(Law.ULAW)
    concealer.played(said[:8000])
    concealer.fill(160)
    concealer.played(after[:20])
    concealer.fill(80)
    assert not concealer.is_whole
    assert concealer.played(after[100:500])[100:] == after[200:500]
    assert concealer.is_whole


def test_a_break_without_a_gap_is_joined() -> None:
    """Sound that does not follow what was played is cross-faded with what would have followed."""
    whole = g711.encode(tone(155.0, 2.0), Law.ULAW)
    concealer = Concealer(Law.ULAW)
    out = concealer.played(whole[:4000])
    concealer.part()
    out += concealer.played(whole[4030:8000])
    bare = whole[:4000] + whole[4030:8000]
    said = g711.decode(whole, Law.ULAW)
    assert clicks(g711.decode(out, Law.ULAW), said, [4000])[0] < CLICK_DB
    assert clicks(g711.decode(bare, Law.ULAW), said, [4000])[0] > CLICK_DB


def test_little_that_follows_is_used_as_far_as_it_goes() -> None:
    """A gap before a packet of 5 ms: no lead to it can be made; nothing fails."""
    concealer = Concealer(Law.ULAW)
    concealer.played(g711.encode(tone(155.0), Law.ULAW))
    assert len(concealer.bridge(160, b"\x80" * 40)) == 160
    assert concealer.played(b"\x80" * 40) == b"\x80" * 40


def test_floor_is_the_least_of_two_seconds() -> None:
    """Known after 100 frames; quiet is what is little louder, and never what is loud."""
    floor = NoiseFloor()
    assert (floor.rms, floor.is_quiet(40), floor.is_quiet(400)) == (0, True, False)
    for rms in [150] * 50 + [100] + [150] * 49:
        floor.add(rms)
    assert (floor.rms, floor.is_quiet(150), floor.is_quiet(151)) == (100, True, False)
    for _ in range(100):
        floor.add(5000)
    assert not floor.is_quiet(5000)


def test_background_waits_for_something_quiet() -> None:
    """From loud sound alone no noise is made."""
    background = Background(Law.ULAW)
    background.add(g711.encode(sound.noise(2000, -20.0), Law.ULAW))
    assert background.make(100) == bytes(200)


def test_ramps_crossings_and_fits() -> None:
    """Gains go evenly from end to end; the best place is where a wave comes round again."""
    flat = pcm16([1000.0] * 100)
    assert ramped(flat, 0.0, 1.0)[100:102] == pcm16([500.0])
    assert ramped(b"", 0.0, 1.0) == b""
    assert crossed(flat, flat) == flat
    wave = tone(100.0)
    assert best_fit(wave, 400, range(300, 370), 80)[0] == 320
    assert likeness(wave[:160], wave[160:320]) == pytest.approx(1.0, abs=0.01)
    assert likeness(flat, bytes(200)) == 0.0
