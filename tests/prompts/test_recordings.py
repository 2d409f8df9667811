"""Every recording the product brings: there, in format, at one level, clean at its edges."""

from __future__ import annotations

import array
import cmath
import itertools
import math
import tomllib
import wave
from pathlib import Path

import pytest

from appliance import prompts
from appliance.media import dtmf, progress, tones

LANGUAGES = ("it", "en")
RECORDINGS = sorted(prompts.OURS.glob("*/*.wav"))
SPOKEN_DBM0 = -15.0
MUSIC_DBM0 = -24.0
TOLERANCE_DB = 1.5
PEAK_DBFS = -6.0
GATE_DB = 20.0
"""A 20 ms frame this far below the loudest one is a pause."""
SILENT_DBM0 = -50.0
"""A 5 ms window quieter than this is silence: 35 dB under the speech."""
MOST_BYTES = 10_000_000

Texts = dict[str, dict[str, str | dict[str, str]]]


def texts_of(language: str) -> Texts:
    """Read the texts beside a language's recordings."""
    path = prompts.OURS / language / "texts.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


def kind_of(path: Path) -> str:
    """Tell what a recording is: sentence, fragment or tone."""
    return next(kind for kind, keys in texts_of(path.parent.name).items() if path.stem in keys)


def keys_of(language: str) -> set[str]:
    """List the keys that have a text."""
    return {key for table in texts_of(language).values() for key in table}


def samples_of(path: Path) -> list[float]:
    """Return a recording's samples in -1..1."""
    with wave.open(str(path), "rb") as file:
        return [x / 32768 for x in array.array("h", file.readframes(file.getnframes()))]


def dbm0(power: float) -> float:
    """Return the level of a mean square: a sine at full scale (1/2) is +3.14 dBm0."""
    return 10 * math.log10(2 * power + 1e-12) + 3.14


def powers(samples: list[float], window: int) -> list[float]:
    """Return the mean square of each whole window."""
    starts = range(0, len(samples) - window + 1, window)
    return [sum(x * x for x in samples[at : at + window]) / window for at in starts]


def active_dbm0(samples: list[float]) -> float:
    """Return the level of the frames that sound, pauses left out."""
    frames = powers(samples, 160)
    gate = max(frames) / 10 ** (GATE_DB / 10)
    loud = [power for power in frames if power >= gate]
    return dbm0(sum(loud) / len(loud))


def band_share(samples: list[float], low_hz: float, high_hz: float) -> float:
    """Return the share of the energy of the loudest 32 ms that lies in a band (plain DFT)."""
    starts = range(0, max(1, len(samples) - 255), 256)
    block = max(
        (samples[at : at + 256] for at in starts), key=lambda part: sum(x * x for x in part)
    )
    lines = {k * 8000 / 256: spectral_power(block, k) for k in range(1, 128)}
    inside = sum(power for hz, power in lines.items() if low_hz <= hz <= high_hz)
    return inside / sum(lines.values())


def spectral_power(block: list[float], k: int) -> float:
    """Return the power of one line of a block under a Hann window."""
    turn = 2 * math.pi / len(block)
    windowed = [x * (1 - math.cos(turn * n)) for n, x in enumerate(block)]
    return abs(sum(x * cmath.exp(-1j * turn * k * n) for n, x in enumerate(windowed))) ** 2


def named(path: Path) -> str:
    """Name a recording as the catalogue does."""
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_text_has_its_recording_and_no_file_is_left_over(language: str) -> None:
    """Each key has a WAV, each WAV a key; nothing else lies in the folder."""
    files = {path.name for path in (prompts.OURS / language).iterdir()}
    assert files == {f"{key}.wav" for key in keys_of(language)} | {"texts.toml"}


def test_all_languages_say_the_same_things() -> None:
    """What can be announced in Italian can be announced in English, as the same kind."""
    kinds = [{kind: set(table) for kind, table in texts_of(one).items()} for one in LANGUAGES]
    assert kinds[0] == kinds[1]


@pytest.mark.parametrize(
    "key",
    [
        *(f"day_{n}" for n in range(1, 32)),
        *(f"month_{n}" for n in range(1, 13)),
        *(f"hour_{n}" for n in range(24)),
        *(f"minute_{n}" for n in range(5, 60, 5)),
        *(f"digit_{n}" for n in range(10)),
        *(f"letter_{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"),
        *(f"reopen_{day}" for day in ("monday", "tuesday", "wednesday", "thursday", "friday")),
        *(f"reopen_{day}" for day in ("saturday", "sunday", "today", "tomorrow", "on")),
    ],
)
def test_every_date_time_number_and_address_can_be_put_together(key: str) -> None:
    """No day, month, hour, five minutes, digit or letter is missing (E1, E5)."""
    assert key in keys_of("it")


@pytest.mark.parametrize("path", RECORDINGS, ids=named)
def test_the_format_is_8_khz_mono_16_bit(path: Path) -> None:
    """A recording is what the carrier plays without converting."""
    with wave.open(str(path), "rb") as file:
        shape = (file.getframerate(), file.getnchannels(), file.getsampwidth())
    assert shape == (8000, 1, 2)


@pytest.mark.parametrize("path", RECORDINGS, ids=named)
def test_all_are_equally_loud_and_none_clips(path: Path) -> None:
    """Active level -15 dBm0 (hold music -24) within 1.5 dB, peak at most -6 dBFS (audio.md 3)."""
    samples = samples_of(path)
    wanted = MUSIC_DBM0 if path.stem == "hold_music" else SPOKEN_DBM0
    assert abs(active_dbm0(samples) - wanted) <= TOLERANCE_DB
    assert 20 * math.log10(max(map(abs, samples))) <= PEAK_DBFS


@pytest.mark.parametrize("path", [p for p in RECORDINGS if p.stem != "hold_music"], ids=named)
def test_edges_neither_click_nor_drag(path: Path) -> None:
    """Silence at either end: at least the last ms, at most 60 ms of a fragment, 120 of a sentence.

    Fragments are played one after the other: silence at their edges is a hole in the sentence.
    """
    samples = samples_of(path)
    longest = {"sentence": 120, "fragment": 60, "tone": 20}[kind_of(path)]
    loud = [at for at, power in enumerate(powers(samples, 40)) if dbm0(power) > SILENT_DBM0]
    assert max(map(abs, samples[:8] + samples[-8:])) <= 10 ** (-54 / 20)
    assert loud[0] * 5 <= longest
    assert len(samples) / 8 - (loud[-1] + 1) * 5 <= longest


@pytest.mark.parametrize("path", RECORDINGS, ids=named)
def test_durations_are_those_of_speech(path: Path) -> None:
    """A fragment lasts 0.15 to 2.6 s, a sentence 0.8 to 10 s: nothing lost, nothing stretched."""
    ms = len(samples_of(path)) / 8
    bounds = {"sentence": (800, 10_000), "fragment": (150, 2600), "tone": (200, 6000)}
    least, most = bounds[kind_of(path)]
    assert least <= ms <= most


@pytest.mark.parametrize("path", RECORDINGS, ids=named)
def test_the_sound_keeps_to_the_telephone_band(path: Path) -> None:
    """Next to nothing of the loudest moment lies under 150 Hz or over 3500 Hz."""
    assert band_share(samples_of(path), 150, 3500) >= 0.99


@pytest.mark.parametrize("path", RECORDINGS, ids=named)
def test_no_recording_sounds_like_a_key(path: Path) -> None:
    """Our own voice, echoed back, presses no key."""
    detector = dtmf.Detector()
    with wave.open(str(path), "rb") as file:
        heard = detector.feed(file.readframes(file.getnframes()))
    assert heard == ()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_hold_music_loops_without_a_seam(language: str) -> None:
    """Where its end meets its beginning it is as smooth as within.

    The sixth difference is small for tones below 1.1 kHz and large for a jump of any size.
    """
    samples = samples_of(prompts.OURS / language / "hold_music.wav")
    within = max(map(abs, sixth_differences(samples)))
    assert max(map(abs, sixth_differences(samples[-6:] + samples[:6]))) <= within


def sixth_differences(samples: list[float]) -> list[float]:
    """Return the differences of differences, six deep."""
    for _ in range(6):
        samples = [after - before for before, after in itertools.pairwise(samples)]
    return samples


@pytest.mark.parametrize("key", ["hold_music", "tone_ok", "tone_record"])
def test_our_tones_are_no_line_tone(key: str) -> None:
    """Nothing near 425 Hz (busy, dial) nor the 400-480 Hz of other countries."""
    assert band_share(samples_of(prompts.OURS / "it" / f"{key}.wav"), 380, 490) < 0.01


@pytest.mark.parametrize("country", sorted(tones.PLANS))
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_announcement_sounds_like_a_far_end_that_hung_up(language: str, country: str) -> None:
    """All recordings in a row, then half a minute of hold music: no busy, congestion, dial tone."""
    names = [*prompts.keys(language), *["hold_music"] * 6]
    sound = b"".join(prompts.load(language, name) for name in names)
    detector = progress.Detector(tones.PLANS[country])
    frames = (sound[at : at + 320] for at in range(0, len(sound) - 319, 320))
    assert [heard for frame in frames for heard in detector.feed(frame)] == []


def test_the_package_stays_small() -> None:
    """All recordings together stay under 10 MB, equal ones counted once.

    They lie in memory, once: one sealed memfd that all processes share. What to do at the limit
    stands in docs/architecture.md, Announcements and memory.
    """
    sounds = {path.read_bytes() for path in RECORDINGS}
    assert sum(map(len, sounds)) <= MOST_BYTES


def test_the_licences_stand_beside_the_recordings() -> None:
    """NOTICE.md names what the sound was made with and under which licence."""
    notice = (prompts.OURS / "NOTICE.md").read_text(encoding="utf-8")
    assert all(word in notice for word in ("Kokoro", "Apache-2.0", "MIT", "espeak-ng", "GPL-3"))
