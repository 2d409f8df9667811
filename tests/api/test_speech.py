"""Text is given a voice: what is made, what is refused, what is kept (P1, E14)."""

from __future__ import annotations

import audioop
from datetime import date
from importlib import util
from pathlib import Path

import pytest

from appliance.api import speech
from appliance.api.speech import load_menu, load_spoken_units
from appliance.config.values import BadConfiguration
from appliance.dsp import wav
from appliance.errors import OfficeError
from appliance.policy.sheets import Menu, Sheet

has_voice = pytest.mark.skipif(
    util.find_spec("py_nanotts") is None, reason="py-nanotts is not installed: make environment"
)
IT_EN = ("it", "en")
SAY = "La tessera arriva per posta in sei giorni lavorativi."


def sheet(code: str, say: str = SAY, language: str = "it", title: str = "carta") -> Sheet:
    """Return a spoken sheet."""
    return Sheet(
        code, title, "", "Delibera", date(2026, 9, 1), "Testo.\n", say=say, language=language
    )


def files(folder: Path) -> set[str]:
    """List the sounds below a folder."""
    return {path.relative_to(folder).as_posix() for path in folder.glob("*/*.wav")}


@has_voice
@pytest.mark.parametrize(("language", "text"), [("it", SAY), ("en", "The card comes by post.")])
def test_speech_has_the_level_of_our_recordings(language: str, text: str) -> None:
    """-15 dBm0, no peak over -6 dBFS, a tenth of a second of silence at its ends."""
    sound = speech.speak(text, language)
    assert wav.active_dbm0(sound) == pytest.approx(-15.0, abs=0.5)
    assert audioop.max(sound, 2) <= 32768 * 10 ** (-6 / 20)
    assert 1.0 < len(sound) / 16000 < 6.0
    assert sound[:1600] == sound[-1600:] == bytes(1600)


@has_voice
def test_markup_is_not_obeyed() -> None:
    """A sheet cannot change the voice: what looks like a tag is read as text, or passed over."""
    slow = speech.speak(f"<speed level='20'>{SAY}", "it")
    assert len(slow) < 2 * len(speech.speak(SAY, "it"))


@has_voice
@pytest.mark.parametrize("text", ["", " \n ", "<>"])
def test_nothing_cannot_be_said(text: str) -> None:
    """A text without words is refused in words."""
    with pytest.raises(OfficeError, match="write words"):
        speech.speak(text, "it")


def test_a_book_is_not_read_aloud() -> None:
    """The limit is told before minutes are spent."""
    with pytest.raises(OfficeError, match="2000 at most"):
        speech.speak("a" * 2001, "it")


@has_voice
def test_a_german_sheet_is_offered_and_read_by_the_german_voice(tmp_path: Path) -> None:
    """The words around it too; the same words in the Italian voice are another sound."""
    (spoken,) = speech.render(tmp_path, (sheet("reisepass", "Am Schalter.", "de"),), ("it", "de"))
    assert spoken.language == "de"
    assert all(name.startswith("de/") for name in spoken.prompts)
    assert speech.OFFER.filled(title="Reisepass", key=1).text("de") != str(
        speech.OFFER.filled(title="Reisepass", key=1)
    )
    assert len(speech.speak("vierzehn Uhr dreißig", "de")) > 8000
    assert speech.name_office(tmp_path, None, "Gemeinde Bruneck", "de")
    assert (tmp_path / "de" / "welcome.wav").is_file()


@has_voice
def test_a_menu_is_made_and_published(tmp_path: Path) -> None:
    """Keys go by language, then by name; each sheet has its offer and its text, made once."""
    english, silent = sheet("c", "By post.", "en"), sheet("x", say="")
    given = (sheet("b"), sheet("a", title="mensa"), english, silent)
    menu = speech.render(tmp_path, given, IT_EN)
    assert [(s.sheet, s.language) for s in menu] == [("a", "it"), ("b", "it"), ("c", "en")]
    assert load_menu(tmp_path) == ()
    speech.publish(tmp_path, menu)
    assert load_menu(tmp_path) == menu
    assert files(tmp_path) == {f"{name}.wav" for spoken in menu for name in spoken.prompts}
    assert len(files(tmp_path)) == 3 + 2 + 2  # offers, texts, the keys of each language
    assert len({s.title for s in menu}) == 3
    assert menu[0].text == menu[1].text  # the same words are the same sound
    made = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*/*.wav")}
    assert speech.render(tmp_path, given, IT_EN) == menu
    assert {path: path.stat().st_mtime_ns for path in made} == made


@has_voice
def test_what_no_menu_names_is_forgotten_and_notices_stay(tmp_path: Path) -> None:
    """A sheet that is spoken no more leaves nothing behind; the office's own notices do not go."""
    speech.publish(tmp_path, speech.render(tmp_path, (sheet("a"),), IT_EN))
    assert speech.say(tmp_path, "it", "privacy", "Registriamo.") > 300
    speech.publish(tmp_path, speech.render(tmp_path, (), IT_EN))
    assert files(tmp_path) == {"it/privacy.wav"}
    assert load_menu(tmp_path) == ()


@has_voice
def test_the_keys_are_told_after_a_sheet(tmp_path: Path) -> None:
    """Whoever has heard it is told how to go on, by a sound of its own after a pause."""
    (spoken,) = speech.render(tmp_path, (sheet("a"),), IT_EN)
    text, keys = (
        wav.read(tmp_path / "it" / f"{key}.wav").data for key in (spoken.text, spoken.keys)
    )
    assert len(text) == pytest.approx(len(speech.speak(SAY, "it")), rel=0.02)
    assert keys.startswith(speech.PAUSE)
    assert len(keys) > 3 * 16_000


def refused(folder: Path, given: tuple[Sheet, ...], languages: tuple[str, ...] = IT_EN) -> str:
    """Return what is said of sheets that cannot be spoken."""
    with pytest.raises(BadConfiguration) as caught:
        speech.render(folder, given, languages)
    assert load_menu(folder) == Menu()
    return str(caught.value)


def test_what_a_menu_cannot_hold(tmp_path: Path) -> None:
    """Six keys, and a language that the office does not speak: all told at once."""
    given = (*(sheet(f"s{n}") for n in range(5)), sheet("p", language="en"))
    said = refused(tmp_path, given, ("it",))
    assert "p, language: 'en' is none of site.languages" in said
    assert "6 are spoken (s0, s1, s2, s3, s4, p): a caller is offered 5 at most" in said


@has_voice
def test_every_sheet_that_is_too_long_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody listens for more than a minute on a telephone."""
    assert speech.MOST_SHEET_S == 60
    monkeypatch.setattr(speech, "MOST_SHEET_S", 6)
    long = " ".join([SAY] * 2)
    said = refused(tmp_path, (sheet("a", long), sheet("b"), sheet("c", "...")))
    assert "a, say: takes" in said
    assert "6 s at most, shorten it" in said
    assert "c, say: " in said


@has_voice
def test_a_notice_has_its_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a minute each, twenty in all; one that is there may always be said anew."""
    assert speech.MOST_NOTICE_S == 30
    monkeypatch.setattr(speech, "MOST_NOTICE_S", 3)
    with pytest.raises(OfficeError, match="3 s at most"):
        speech.say(tmp_path, "it", "privacy", " ".join([SAY] * 2))
    (tmp_path / "it").mkdir(exist_ok=True)
    for n in range(20):
        (tmp_path / "it" / f"n{n}.wav").write_bytes(b"")
    with pytest.raises(OfficeError, match="forget one first"):
        speech.say(tmp_path, "it", "privacy", "Registriamo.")
    assert speech.say(tmp_path, "it", "n3", "Registriamo.") > 300


def test_only_a_notice_is_forgotten(tmp_path: Path) -> None:
    """A sheet's sound goes with its menu, a recorded announcement not at all."""
    (tmp_path / "it").mkdir()
    for key in ("privacy", "sheet_1"):
        (tmp_path / "it" / f"{key}.wav").write_bytes(b"")
    speech.forget(tmp_path, "it", "privacy")
    for key in ("privacy", "sheet_1", "hold"):
        with pytest.raises(OfficeError, match="no announcement made by"):
            speech.forget(tmp_path, "it", key)
    assert files(tmp_path) == {"it/sheet_1.wav"}


@has_voice
def test_units_names_are_spoken_to_operators(tmp_path: Path) -> None:
    """E23: made once; a name that is gone is forgotten; a menu and a notice stay as they are."""
    speech.say(tmp_path, "it", "privacy", "La chiamata è registrata.")
    names = {"anagrafe": "Anagrafe", "tributi": "Tributi", "x": "…"}
    assert speech.name_units(tmp_path, names, "it")
    known = load_spoken_units(tmp_path)
    assert set(known) == {"anagrafe", "tributi"}  # three dots are no word
    assert files(tmp_path) == {f"{name}.wav" for name in known.values()} | {"it/privacy.wav"}
    assert not speech.name_units(tmp_path, names, "it")
    speech.publish(tmp_path, ())
    assert speech.name_units(tmp_path, {"anagrafe": "Anagrafe"}, "it")
    assert files(tmp_path) == {f"{known['anagrafe']}.wav", "it/privacy.wav"}
