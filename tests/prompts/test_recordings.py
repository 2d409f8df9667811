"""Every recording the product brings: there, in format, at one level, clean at its edges.

Each property is one test over all recordings; its message lists the recordings that fail it.
"""

from __future__ import annotations

import functools
import json
import math
import tomllib
import wave
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import util
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from appliance import prompts
from appliance.api import speech
from appliance.dsp import dtmf, g711, progress, wav
from appliance.dsp.wav import Law
from appliance.prompts.voices import spoken_texts
from scripts import render_device_prompts

LANGUAGES = ("it", "de", "en")
IN_TWO_VOICES = ("it", "en")
"""Languages with recordings in another voice than the box's own."""
SPOKEN_DBM0 = -15.0
MUSIC_DBM0 = -24.0
TOLERANCE_DB = 1.5
PEAK_DBFS = -6.0
GATE_DB = 20.0
"""A 20 ms frame this far below the loudest one is a pause."""
SILENT_DBM0 = -50.0
"""A 5 ms window quieter than this is silence: 35 dB under the speech."""
MOST_BYTES = {2: 11_000_000, 3: 16_000_000}
"""Limits of an office with two and with three languages."""
LONGEST_EDGE_MS = {"sentence": 120, "fragment": 60, "tone": 20}
DURATIONS_MS = {"sentence": (550, 11_500), "fragment": (150, 2600), "tone": (200, 6000)}
NEEDED = (
    *(f"day_{n}" for n in range(1, 32)),
    *(f"month_{n}" for n in range(1, 13)),
    *(f"hour_{n}" for n in range(24)),
    *(f"minute_{n}" for n in range(5, 60, 5)),
    *(f"digit_{n}" for n in range(10)),
    *(f"letter_{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"),
    *(f"reopen_{day}" for day in ("monday", "tuesday", "wednesday", "thursday", "friday")),
    *(f"reopen_{day}" for day in ("saturday", "sunday", "today", "tomorrow", "on")),
)
"""What dates, times, numbers and addresses are put together from."""

Texts = dict[str, dict[str, str | dict[str, str]]]
Samples = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording in memory; `shape` is its sampling rate, channels and bytes a sample."""

    language: str
    key: str
    kind: str
    """sentence, fragment or tone"""
    shape: tuple[int, int, int]
    sound: bytes

    @property
    def samples(self) -> Samples:
        """Its samples in -1..1."""
        return np.frombuffer(self.sound, "<i2") / 32768

    @property
    def ms(self) -> float:
        """How long it lasts."""
        return len(self.sound) / 16


@functools.cache
def texts_of(language: str) -> Texts:
    """Read the texts beside a language's recordings."""
    path = prompts.OURS / language / "texts.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


def keys_of(language: str) -> set[str]:
    """List the keys that have a text."""
    return {key for table in texts_of(language).values() for key in table}


@functools.cache
def recordings() -> dict[str, Recording]:
    """Read every recording once, by names such as "it/hold"."""
    found = {}
    for path in sorted(prompts.OURS.glob("*/*.wav")):
        language, key = path.parent.name, path.stem
        kind = next(kind for kind, keys in texts_of(language).items() if key in keys)
        with wave.open(str(path), "rb") as file:
            shape = (file.getframerate(), file.getnchannels(), file.getsampwidth())
            sound = file.readframes(file.getnframes())
        found[f"{language}/{key}"] = Recording(language, key, kind, shape, sound)
    return found


@functools.cache
def in_our_voice() -> dict[str, Recording]:
    """Read every announcement in the box's own voice, by names such as "device/it/hold"."""
    found = {}
    for path in sorted(prompts.DEVICE.glob("*/*.wav")):
        language, key = path.parent.name, path.stem
        kind = next(kind for kind, keys in texts_of(language).items() if key in keys)
        read = wav.read(path)
        sound = g711.decode(read.data, read.law)
        found[f"device/{language}/{key}"] = Recording(language, key, kind, (8000, 1, 2), sound)
    return found


def dbm0(power: float) -> float:
    """Return the level of a mean square: a sine at full scale (1/2) is +3.14 dBm0."""
    return 10 * math.log10(2 * power + 1e-12) + 3.14


def powers(samples: Samples, window: int) -> Samples:
    """Return the mean square of each whole window."""
    whole = len(samples) // window * window
    squares: Samples = np.square(samples[:whole]).reshape(-1, window).mean(axis=1)
    return squares


def active_dbm0(samples: Samples) -> float:
    """Return the level of the frames that sound, pauses left out."""
    frames = powers(samples, 160)
    return dbm0(float(frames[frames >= frames.max() / 10 ** (GATE_DB / 10)].mean()))


def band_share(samples: Samples, low_hz: float, high_hz: float) -> float:
    """Return the share of the energy of the loudest 32 ms that lies in a band (Hann window)."""
    blocks = samples[: len(samples) // 256 * 256].reshape(-1, 256)
    block = blocks[np.square(blocks).sum(axis=1).argmax()]
    lines = np.abs(np.fft.rfft(block * (1 - np.cos(2 * np.pi * np.arange(256) / 256)))) ** 2
    hz = np.arange(len(lines)) * 8000 / 256
    inside = lines[(low_hz <= hz) & (hz <= high_hz)].sum()
    return float(inside / lines[1:128].sum())


# --- what is asked of each recording: a check says what is wrong, or nothing --------------------


def wrong_format(one: Recording) -> str:
    """A recording is what the media gateway plays without converting: 8 kHz, mono, 16 bits."""
    return "" if one.shape == (8000, 1, 2) else f"is {one.shape}"


def wrong_level(one: Recording) -> str:
    """Active level -15 dBm0 (hold music -24) within 1.5 dB, peak at most -6 dBFS (audio.md 3)."""
    wanted = MUSIC_DBM0 if one.key == "hold_music" else SPOKEN_DBM0
    level = active_dbm0(one.samples)
    peak = 20 * math.log10(np.abs(one.samples).max())
    is_right = abs(level - wanted) <= TOLERANCE_DB and peak <= PEAK_DBFS
    return "" if is_right else f"level {level:.1f} dBm0, peak {peak:.1f} dBFS"


def wrong_edges(one: Recording) -> str:
    """Silence at either end: at least the last ms, at most 60 ms of a fragment, 120 of a sentence.

    Fragments are played one after the other: silence at their edges is a hole in the sentence.
    """
    if one.key == "hold_music":
        return ""
    samples, longest = one.samples, LONGEST_EDGE_MS[one.kind]
    ends = np.abs(np.concatenate((samples[:8], samples[-8:]))).max()
    loud = [at for at, power in enumerate(powers(samples, 40)) if dbm0(power) > SILENT_DBM0]
    before, after = loud[0] * 5, len(samples) / 8 - (loud[-1] + 1) * 5
    is_right = ends <= 10 ** (-54 / 20) and before <= longest and after <= longest
    return "" if is_right else f"ends at {ends:.4f}, silent for {before} and {after} ms"


def wrong_duration(one: Recording) -> str:
    """A fragment lasts 0.15 to 2.6 s, a sentence 0.55 to 11.5 s: nothing lost or stretched."""
    least, most = DURATIONS_MS[one.kind]
    return "" if least <= one.ms <= most else f"a {one.kind} of {one.ms} ms"


def outside_the_band(one: Recording) -> str:
    """Next to nothing of the loudest moment lies under 150 Hz or over 3500 Hz."""
    share = band_share(one.samples, 150, 3500)
    return "" if share >= 0.99 else f"{share:.3f} of the loudest moment in 150-3500 Hz"


def sounds_like_a_key(one: Recording) -> str:
    """Our own voice, echoed back, presses no key."""
    heard = dtmf.Detector().feed(one.sound)
    return f"heard {heard}" if heard else ""


CHECKS: tuple[Callable[[Recording], str], ...] = (
    wrong_format,
    wrong_level,
    wrong_edges,
    wrong_duration,
    outside_the_band,
    sounds_like_a_key,
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_every_recording_is_as_it_must_be(check: Callable[[Recording], str]) -> None:
    """No recording has anything wrong in format, level, edges, duration, band or as a key."""
    every = recordings() | in_our_voice()
    said = {name: check(one) for name, one in every.items()}
    assert len(said) > 900
    assert {name: wrong for name, wrong in said.items() if wrong} == {}


def tone(hz: float, ms: int, dbfs: float) -> bytes:
    """Return a sine whose peak is `dbfs`, with 2 ms of silence at both ends."""
    wave = 32767 * 10 ** (dbfs / 20) * np.sin(2 * np.pi * hz * np.arange(8 * ms) / 8000)
    return bytes(32) + wave.astype("<i2").tobytes() + bytes(32)


RIGHT = Recording("it", "a_tone", "fragment", (8000, 1, 2), tone(1000, 500, -18.0))


@pytest.mark.parametrize(
    ("check", "planted"),
    [
        (wrong_format, replace(RIGHT, shape=(16000, 1, 2))),
        (wrong_level, replace(RIGHT, sound=tone(1000, 500, -20.0))),
        (wrong_level, replace(RIGHT, sound=tone(1000, 500, -16.0))),
        (wrong_level, replace(RIGHT, sound=RIGHT.sound + b"\xff\x7f")),
        (wrong_level, replace(RIGHT, key="hold_music")),
        (wrong_edges, replace(RIGHT, sound=RIGHT.sound[40:])),
        (wrong_edges, replace(RIGHT, sound=RIGHT.sound[:-40])),
        (wrong_edges, replace(RIGHT, sound=bytes(16 * 66) + RIGHT.sound)),
        (wrong_edges, replace(RIGHT, sound=RIGHT.sound + bytes(16 * 66))),
        (wrong_duration, replace(RIGHT, sound=tone(1000, 140, -18.0))),
        (wrong_duration, replace(RIGHT, kind="sentence")),
        (outside_the_band, replace(RIGHT, sound=tone(100, 500, -18.0))),
        (outside_the_band, replace(RIGHT, sound=tone(3700, 500, -18.0))),
        (sounds_like_a_key, replace(RIGHT, sound=dtmf.dtmf("5"))),
    ],
    ids=[
        "rate", "quiet", "loud", "clips", "music", "click", "click_at_the_end", "late", "drags",
        "short", "too_short_a_sentence", "low", "high", "key",
    ],
)  # fmt: skip
def test_each_check_sees_what_is_wrong(
    check: Callable[[Recording], str], planted: Recording
) -> None:
    """A recording with a fault is found by its check; one without is not."""
    assert check(RIGHT) == ""
    assert check(planted) != ""


# --- what is asked of all together --------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_text_has_its_recording_and_no_file_is_left_over(language: str) -> None:
    """Each key has a WAV, each WAV a key; nothing else lies in the folder."""
    files = {path.name for path in (prompts.OURS / language).iterdir()}
    assert files == {f"{key}.wav" for key in keys_of(language)} | {"texts.toml"}


@pytest.mark.parametrize("language", IN_TWO_VOICES)
def test_each_text_is_said_in_our_own_voice_too(language: str) -> None:
    """Each key that is spoken has a WAV in the box's voice, A-law; none is left over."""
    spoken = {key for kind in ("sentence", "fragment") for key in texts_of(language)[kind]}
    assert {path.name for path in (prompts.DEVICE / language).iterdir()} == {
        f"{key}.wav" for key in spoken
    }
    assert {wav.read(path).law for path in (prompts.DEVICE / language).iterdir()} == {Law.ALAW}


@pytest.mark.skipif(util.find_spec("py_nanotts") is None, reason="py-nanotts is not installed")
@pytest.mark.parametrize(
    ("language", "key"),
    [
        ("it", "greeting_closed"),
        ("it", "word_it"),
        ("en", "hour_8"),
        ("en", "word_urp"),
        ("de", "greeting_busy"),
        ("de", "day_21"),
    ],
)
def test_our_own_voice_says_what_the_texts_say(language: str, key: str) -> None:
    """What lies there is what the box's voice says today: a changed text needs a new rendering.

    Sample by sample it differs, and by a moment at its ends: the voice's noise is drawn anew.
    """
    spoken = np.frombuffer(speech.speak_prompt(spoken_texts(language)[key]), "<i2") / 32768
    lies_there = in_our_voice() | recordings()
    own = f"device/{language}/{key}" if language in IN_TWO_VOICES else f"{language}/{key}"
    assert alike(spoken, lies_there[own].samples) > 0.95
    other = spoken_texts(language)["privacy"]
    assert alike(spoken, np.frombuffer(speech.speak_prompt(other), "<i2") / 32768) < 0.9


def test_each_text_is_the_one_that_its_sound_was_made_of(tmp_path: Path) -> None:
    """A changed text needs a new rendering; one that is as it was leaves its sound as it is."""
    known = json.loads(render_device_prompts.NOTE.read_text())
    texts = {language: spoken_texts(language) for language in LANGUAGES}
    assert known == {
        language: {key: render_device_prompts.digest(said) for key, said in each.items()}
        for language, each in texts.items()
    }
    note = tmp_path / "note.json"
    note.write_text(json.dumps(known))
    for language, each in texts.items():
        (tmp_path / language).mkdir()
        for key in each:
            (tmp_path / language / f"{key}.wav").write_bytes(b"as it was")
    render_device_prompts.main(["greeting_closed", "hold"], tmp_path, note, tmp_path)
    assert {path.read_bytes() for path in tmp_path.glob("*/*.wav")} == {b"as it was"}


@pytest.mark.skipif(util.find_spec("py_nanotts") is None, reason="py-nanotts is not installed")
def test_a_new_text_is_rendered(tmp_path: Path) -> None:
    """Only the key that was asked for, and its digest is noted."""
    note = tmp_path / "note.json"
    render_device_prompts.main(["hold"], tmp_path, note, tmp_path)
    assert {path.name for path in tmp_path.glob("*/*.wav")} == {"hold.wav"}
    made = json.loads(note.read_text())
    said = spoken_texts("it")["hold"]
    assert made["it"] == {"hold": render_device_prompts.digest(said)}
    assert made["it"]["hold"] != render_device_prompts.digest(replace(said, say="Attenda."))


def alike(one: Samples, other: Samples) -> float:
    """Return how alike the loudness of two sounds is, at its best place: 1 for the same."""
    first, second = (np.sqrt(powers(each, 160)) for each in (one, other))
    best = np.correlate(first, second, "full").max()
    return float(best / np.sqrt(np.square(first).sum() * np.square(second).sum()))


def test_all_languages_say_the_same_things() -> None:
    """What can be announced in Italian can be announced in the others, as the same kind."""
    kinds = [{kind: set(table) for kind, table in texts_of(one).items()} for one in LANGUAGES]
    assert kinds == [kinds[0]] * len(LANGUAGES)


def test_every_date_time_number_and_address_can_be_put_together() -> None:
    """No day, month, hour, five minutes, digit or letter is missing (E1, E5)."""
    assert set(NEEDED) - keys_of("it") == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_hold_music_loops_without_a_seam(language: str) -> None:
    """Where its end meets its beginning it is as smooth as within.

    The sixth difference is small for tones below 1.1 kHz and large for a jump of any size.
    """
    samples = recordings()[f"{language}/hold_music"].samples
    within = np.abs(np.diff(samples, 6)).max()
    assert np.abs(np.diff(np.concatenate((samples[-6:], samples[:6])), 6)).max() <= within


@pytest.mark.parametrize("key", ["hold_music", "tone_ok", "tone_record"])
def test_our_tones_are_no_line_tone(key: str) -> None:
    """Nothing near 425 Hz (busy, dial) nor the 400-480 Hz of other countries."""
    assert band_share(recordings()[f"it/{key}"].samples, 380, 490) < 0.01


@pytest.mark.parametrize("country", sorted(dtmf.PLANS))
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_announcement_sounds_like_a_far_end_that_hung_up(language: str, country: str) -> None:
    """All recordings in a row, then half a minute of hold music: no busy, congestion, dial tone."""
    names = [*prompts.keys(language), *["hold_music"] * 6]
    sound = b"".join(prompts.load(language, name) for name in names)
    sound += b"".join(one.sound for one in in_our_voice().values() if one.language == language)
    detector = progress.ProgressDetector(dtmf.PLANS[country])
    frames = (sound[at : at + 320] for at in range(0, len(sound) - 319, 320))
    assert [heard for frame in frames for heard in detector.feed(frame)] == []


def test_the_package_stays_small() -> None:
    """Any two languages stay under 11 MB, equal recordings counted once; all three under 16.

    Those of the office's languages lie in memory, once: one sealed memfd that all processes share.
    What to do at the limit stands in docs/design/sound.md, Announcements and memory.
    """
    sizes = {number: max(map(size_of, combinations(LANGUAGES, number))) for number in (2, 3)}
    assert {number for number, size in sizes.items() if size > MOST_BYTES[number]} == set()


def size_of(languages: tuple[str, ...]) -> int:
    """Return the bytes of the recordings of languages, equal ones counted once."""
    folders = (prompts.OURS / language for language in languages)
    return sum(map(len, {path.read_bytes() for each in folders for path in each.glob("*.wav")}))


def test_the_licences_stand_beside_the_recordings() -> None:
    """NOTICE.md names what the sound was made with and under which licence."""
    notice = (prompts.OURS / "NOTICE.md").read_text(encoding="utf-8")
    assert all(word in notice for word in ("Kokoro", "Apache-2.0", "MIT", "espeak-ng", "GPL-3"))
