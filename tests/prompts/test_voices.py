"""Which voice says our announcements: never two within one greeting, unless the office wants it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from appliance.dsp import wav
from appliance.dsp.wav import Law
from appliance.prompts import DEVICE, OURS, Catalogue
from appliance.prompts.voices import PromptVoice, device_languages, note_said

BOTH = ("it", "en")


def sound(folder: Path, name: str, value: int = 1) -> Path:
    """Lay a sound into a folder."""
    path = folder / f"{name}.wav"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(wav.build(bytes([value]) * 160, Law.LINEAR16))
    return path


def name_made(folder: Path) -> None:
    """Have the house's name said by the box."""
    digest = hashlib.sha256(sound(folder, "it/welcome").read_bytes()).hexdigest()
    (folder / "welcome.json").write_text(json.dumps({"said": "Comune.", "sound": digest}))


def heard(folder: Path, voice: str = PromptVoice.AUTO, site: Path | None = None) -> tuple[str, ...]:
    """Return the languages that the box's voice says."""
    return device_languages(folder, site, voice, BOTH)


def test_as_delivered_the_recorded_voice_is_heard(tmp_path: Path) -> None:
    """Nothing that the box has said itself, or notes that cannot be read: the recorded voice."""
    assert heard(tmp_path) == ()
    for name in ("welcome.json", "said.json", "menu.json"):
        (tmp_path / name).write_text("[7, {")
    assert heard(tmp_path) == ()
    for name, text in (("welcome.json", "[]"), ("said.json", "7"), ("menu.json", "[1]")):
        (tmp_path / name).write_text(text)
    assert heard(tmp_path) == ()


def test_the_houses_name_in_the_boxs_voice_brings_the_others_along(tmp_path: Path) -> None:
    """Until the office records its name: its own voice is followed by the recorded one again."""
    name_made(tmp_path)
    assert heard(tmp_path) == ("it",)
    sound(tmp_path, "it/welcome", 2)
    assert heard(tmp_path) == ()
    name_made(tmp_path)
    sound(tmp_path / "site", "it/welcome")
    assert heard(tmp_path, site=tmp_path / "site") == ()


def test_a_written_notice_and_a_spoken_sheet_do_so_in_their_language(tmp_path: Path) -> None:
    """What is replaced by a recording, or forgotten, does not."""
    sound(tmp_path, "en/privacy")
    note_said(tmp_path, "en", "privacy")
    assert heard(tmp_path) == ("en",)
    (tmp_path / "menu.json").write_text('[{"code": "carta", "language": "it"}]')
    assert heard(tmp_path) == ("it", "en")
    sound(tmp_path, "en/privacy", 2)
    assert heard(tmp_path) == ("it",)
    sound(tmp_path, "it/closed_strike")
    note_said(tmp_path, "it", "closed_strike")
    (tmp_path / "menu.json").unlink()
    assert heard(tmp_path) == ("it",)
    (tmp_path / "it" / "closed_strike.wav").unlink()
    assert heard(tmp_path) == ()


@pytest.mark.parametrize("made", [False, True])
def test_the_office_may_choose(tmp_path: Path, made: bool) -> None:
    """Always one of the two, whatever the box says itself."""
    if made:
        name_made(tmp_path)
    assert heard(tmp_path, PromptVoice.SHIPPED) == ()
    assert heard(tmp_path, PromptVoice.DEVICE) == BOTH
    assert device_languages(tmp_path, None, PromptVoice.DEVICE, ("it", "de")) == ("it",)


def test_a_catalogue_of_the_boxs_voice(tmp_path: Path) -> None:
    """Ours are replaced in that language, tones and what the office has recorded are not."""
    sound(tmp_path, "it/hold")
    found = Catalogue(tmp_path, device=("it",))
    assert found.path_of("it", "hold") == tmp_path / "it" / "hold.wav"
    assert found.path_of("it", "privacy") == DEVICE / "it" / "privacy.wav"
    assert found.path_of("en", "privacy") == OURS / "en" / "privacy.wav"
    assert found.path_of("it", "hold_music") == OURS / "it" / "hold_music.wav"
    assert not found.is_own("it", "privacy")
    assert found.load("it", "privacy") != Catalogue().load("it", "privacy")
    assert found.problems() == ()
