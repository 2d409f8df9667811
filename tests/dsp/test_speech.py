"""Speech made telephone sound: the band, the level of our recordings, no peak too high."""

from __future__ import annotations

import array
import audioop
import itertools
import math

import pytest

from appliance.dsp import wav


def sine(hz: float, amplitude: float, seconds: float, rate: int = 8000) -> bytes:
    """Return a sine as 16-bit sound."""
    count = int(seconds * rate)
    samples = (round(amplitude * math.sin(2 * math.pi * hz * n / rate)) for n in range(count))
    return array.array("h", samples).tobytes()


def spoken(amplitude: float = 6000.0) -> bytes:
    """Return sound with the ups, downs and pauses of speech: syllables of a gliding tone."""
    samples = array.array("h")
    for syllable in range(16):
        loud = amplitude * (0.2 + 0.8 * (syllable % 5) / 4)
        samples.frombytes(sine(200 + 40 * syllable, loud, 0.15))
        samples.frombytes(bytes(2 * 400))
        if syllable % 4 == 3:
            samples.frombytes(bytes(2 * 4000))
    return samples.tobytes()


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
def test_sound_of_any_rate_becomes_telephone_sound(rate: int) -> None:
    """As long and as loud as it was: a tone of the band, whatever recorded it."""
    after = wav.from_rate(sine(1000, 8000, 0.5, rate), rate)
    assert len(after) == pytest.approx(2 * 4000, abs=4)
    assert audioop.rms(after[1600:-1600], 2) == pytest.approx(8000 / math.sqrt(2), rel=0.03)


@pytest.mark.parametrize(
    ("hz", "least_db", "most_db"),
    [
        (50, -99, -40),
        (300, -1, 0.5),
        (1000, -0.2, 0.2),
        (3000, -0.5, 0.5),
        (3700, -99, -60),
        (5000, -99, -60),  # 3000 Hz at 8 kHz, if it were not filtered out
        (7000, -99, -60),
    ],
)
def test_only_the_telephones_band_is_left(hz: float, least_db: float, most_db: float) -> None:
    """What a line does not carry is gone, above all what would be folded into its band."""
    before = sine(hz, 8000, 0.5, 16000)
    after = wav.telephone(before)
    assert len(after) == len(before) // 2
    gain = 20 * math.log10(max(audioop.rms(after[2000:-2000], 2), 1) / audioop.rms(before, 2))
    assert least_db <= gain <= most_db


def test_full_scale_is_not_turned_inside_out() -> None:
    """The loudest sample does not overflow on its way through the filter."""
    after = wav.telephone(sine(1000, 32767, 0.2, 16000))
    assert audioop.rms(after[400:-400], 2) == pytest.approx(32767 / math.sqrt(2), rel=0.02)


def test_an_odd_sample_is_left_out() -> None:
    """Samples are taken in pairs."""
    assert len(wav.telephone(sine(500, 900, 0.1, 16000) + b"\1\0")) == 1600
    assert wav.telephone(b"") == b""


def test_the_active_level_leaves_pauses_out() -> None:
    """A sine at full scale is +3.14 dBm0, with or without a pause beside it."""
    loud = sine(1000, 32767, 1.0)
    assert wav.active_dbm0(loud) == pytest.approx(3.14, abs=0.05)
    assert wav.active_dbm0(loud + bytes(16000)) == pytest.approx(3.14, abs=0.05)
    assert wav.active_dbm0(bytes(800)) == wav.active_dbm0(b"") == -99.0


@pytest.mark.parametrize("amplitude", [30.0, 600.0, 6000.0, 30000.0])
def test_everything_comes_to_one_level(amplitude: float) -> None:
    """-15 dBm0, as our recordings; no peak over -6 dBFS."""
    levelled = wav.levelled(spoken(amplitude))
    assert wav.active_dbm0(levelled) == pytest.approx(-15.0, abs=0.5)
    assert audioop.max(levelled, 2) <= 32768 * 10 ** (-6 / 20)


def test_a_peak_is_turned_down_without_a_step() -> None:
    """A click in speech is limited with what is around it, evenly, and the rest stays as it was."""
    samples = array.array("h", spoken())
    samples[11_000:11_010] = array.array("h", [32_000] * 10)
    levelled = array.array("h", wav.levelled(samples.tobytes()))
    assert max(levelled) <= 32768 * 10 ** (-6 / 20)
    pairs = [(x, y) for x, y in zip(samples, levelled, strict=True)]
    steps = [
        abs(a[1] / a[0] - b[1] / b[0])
        for a, b in itertools.pairwise(pairs)
        if abs(a[0]) > 2000 and abs(b[0]) > 2000
    ]
    assert 0.005 < max(steps) < 0.03  # from 1 to 0.5 in 5 ms, 40 samples


def test_silence_stays_silence() -> None:
    """Nothing is amplified out of nothing."""
    assert wav.levelled(bytes(800)) == bytes(800)
    assert wav.levelled(b"") == b""
    assert wav.trimmed(bytes(800)) == b""


def test_silence_at_both_ends_is_cut_down() -> None:
    """An announcement begins and ends with a tenth of a second; the pauses in it stay."""
    word = sine(800, 5000, 0.2)
    sound = word + bytes(8000) + word
    trimmed = wav.trimmed(bytes(16000) + sound + bytes(24000))
    assert trimmed == bytes(1600) + sound + bytes(1600)


def test_a_click_behind_the_last_pause_is_no_speech() -> None:
    """What lasts less than 40 ms, 100 ms or more after the words, is cut off with its pause."""
    sound, click = sine(800, 6000.0, 1.0), sine(800, 200.0, 0.02)
    ends = len(sound) // 2
    clicked = sound + bytes(8000) + click + bytes(3200) + click + bytes(1600)
    assert len(wav.without_end_click(clicked)) // 2 == pytest.approx(ends, abs=80)
    for more in (sine(800, 6000.0, 0.2), bytes(800) + click):  # a word; a moment, no pause
        longer = sound + bytes(4000 if len(more) > 3000 else 0) + more
        assert len(wav.without_end_click(longer)) > len(sound) + len(more) - 400
    assert wav.without_end_click(click) == click
    assert wav.without_end_click(bytes(800)) == bytes(800)
