"""The catalogue: ours, the site's over them, and a sentence for whatever cannot be played."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from appliance import prompts
from appliance.dsp import g711, wav
from appliance.dsp.wav import Law
from appliance.errors import ConfigurationError

RAMP = bytes(range(256)) * 4


def put(folder: Path, name: str, sound: wav.Sound) -> Path:
    """Write a site's recording such as "it/hold"."""
    path = folder / f"{name}.wav"
    path.parent.mkdir(parents=True, exist_ok=True)
    wav.write(path, sound)
    return path


def test_ours_is_read_as_16_bit_sound() -> None:
    """What is loaded is the sound of the file, without its header."""
    path = prompts.OURS / "it" / "hold.wav"
    assert prompts.load("it", "hold") == path.read_bytes()[44:]


def test_italian_comes_first() -> None:
    """Italian is first in every list, the others by name."""
    assert prompts.languages() == ("it", "de", "en")


def test_keys_are_those_of_the_recordings() -> None:
    """A language lists its keys sorted; an unknown one has none."""
    assert "greeting_closed" in prompts.keys("en")
    assert list(prompts.keys("it")) == sorted(p.stem for p in (prompts.OURS / "it").glob("*.wav"))
    assert prompts.keys("xx") == ()


@pytest.mark.parametrize("law", [Law.LINEAR16, Law.ALAW, Law.ULAW])
def test_the_sites_recording_wins(tmp_path: Path, law: Law) -> None:
    """A WAV of the same key in the site's folder is played instead, in any telephone format."""
    put(tmp_path, "it/hold", wav.Sound(RAMP, law))
    assert prompts.Catalogue(tmp_path).load("it", "hold") == g711.decode(RAMP, law)


def test_what_the_site_does_not_replace_stays_ours(tmp_path: Path) -> None:
    """One recording replaced leaves the others, and the other language, as they were."""
    put(tmp_path, "it/hold", wav.Sound(RAMP, Law.ULAW))
    catalogue = prompts.Catalogue(tmp_path)
    assert catalogue.load("en", "hold") == prompts.load("en", "hold")
    assert catalogue.keys("it") == prompts.keys("it")


def test_the_site_may_add_keys_and_languages(tmp_path: Path) -> None:
    """A special period has its own greeting (E14); languages are configurable (E5)."""
    put(tmp_path, "it/elections", wav.Sound(RAMP, Law.ALAW))
    put(tmp_path, "lld/hold", wav.Sound(RAMP, Law.ALAW))
    catalogue = prompts.Catalogue(tmp_path)
    assert catalogue.languages() == ("it", "de", "en", "lld")
    assert catalogue.keys("lld") == ("hold",)
    assert "elections" in catalogue.keys("it")
    assert catalogue.load("it", "elections") == g711.decode(RAMP, Law.ALAW)


def test_a_site_folder_that_is_not_there_changes_nothing(tmp_path: Path) -> None:
    """No folder of recordings on the data partition is the usual case."""
    catalogue = prompts.Catalogue(tmp_path / "none")
    assert catalogue.languages() == prompts.languages()
    assert catalogue.problems() == ()


@pytest.mark.parametrize(
    ("contents", "says"),
    [
        (b"ID3 an mp3", "sox in.wav"),
        (wav.build(RAMP, Law.LINEAR16, 44100), "44100"),
        (wav.build(RAMP, Law.LINEAR8), "sox in.wav"),
        (wav.build(b"", Law.LINEAR16), "record it again"),
        (wav.build(RAMP, Law.LINEAR16)[:100], "cut short"),
        (wav.build(RAMP, Law.LINEAR16).replace(b"\x01\0\x01\0", b"\x01\0\x02\0", 1), "2 channels"),
        (b"", "sox in.wav"),
    ],
    ids=["mp3", "44.1 kHz", "8 bit", "empty", "cut short", "stereo", "nothing"],
)
def test_a_broken_recording_is_told_in_one_sentence(
    tmp_path: Path, contents: bytes, says: str
) -> None:
    """The sentence names the file, what is wrong and what to do; ours is not played instead."""
    path = put(tmp_path, "it/hold", wav.Sound(RAMP, Law.ULAW))
    path.write_bytes(contents)
    with pytest.raises(prompts.PromptError, match=r"it/hold\.wav") as caught:
        prompts.Catalogue(tmp_path).load("it", "hold")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, ConfigurationError)


def test_an_unreadable_recording_is_told_too(tmp_path: Path) -> None:
    """A folder where a file should be is an error of the same kind, not a crash."""
    (tmp_path / "it" / "hold.wav").mkdir(parents=True)
    with pytest.raises(prompts.PromptError, match="cannot be played"):
        prompts.Catalogue(tmp_path).load("it", "hold")


@pytest.mark.parametrize(
    ("language", "key"),
    [("it", "no_such_thing"), ("xx", "hold"), ("it", "../it/hold"), ("../prompts/it", "hold")],
)
def test_an_unknown_announcement_is_told(language: str, key: str) -> None:
    """A name that is no recording is an error, and a name is never a path."""
    with pytest.raises(prompts.PromptError, match="there is no announcement"):
        prompts.load(language, key)


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    """Every recording that cannot be played is listed, so that one look mends them all."""
    put(tmp_path, "it/hold", wav.Sound(RAMP, Law.LINEAR16, 16000))
    put(tmp_path, "en/write_to", wav.Sound(RAMP, Law.LINEAR8))
    found = prompts.Catalogue(tmp_path).problems()
    assert len(found) == 2
    assert "it/hold.wav" in found[0]
    assert "en/write_to.wav" in found[1]


def test_the_product_brings_no_problem_along() -> None:
    """Every recording of ours can be played."""
    assert prompts.Catalogue().problems() == ()


def test_one_oclock_and_midnight_are_said_as_italians_say_them() -> None:
    """Alone and before the minutes: never "alle ore una", never "alle ore zero"."""
    said = tomllib.loads((prompts.OURS / "it" / "texts.toml").read_text(encoding="utf-8"))
    texts = said["fragment"]
    assert (texts["hour_0"], texts["hour_1"]) == ("a mezzanotte", "all'una")
    assert all(texts[f"hour_{hour}"].startswith("alle ore ") for hour in range(2, 24))
    shortest = min(len(prompts.load("it", f"hour_{hour}")) for hour in range(24))
    assert len(prompts.load("it", "hour_1")) == shortest  # the sound is that of the text
