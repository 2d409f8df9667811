"""The house's name is given a voice once, by a child, and never over the office's own recording."""

from __future__ import annotations

from collections.abc import Callable
from importlib import util
from pathlib import Path
from typing import Any

import pytest

from appliance.api import speech
from appliance.config import read
from appliance.dsp import wav
from appliance.dsp.wav import Law
from appliance.errors import StoreError
from appliance.policy.text import Refused
from appliance.service.announcements import NAME_COMMAND, NAME_EVERY_S, NAME_FIRST_S, OfficeName
from appliance.service.jobs import JobResult
from tests.commands.samples import CONFIG
from tests.helpers.words import pair

NAME = "Comune di Castel Maggiore"
has_voice = pytest.mark.skipif(
    util.find_spec("py_nanotts") is None, reason="py-nanotts is not installed: make environment"
)


class Child:
    """A job that ends when a test says so."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, ...]] = []
        self.refusal: Exception | None = None
        self.then: Callable[[JobResult], None] = lambda _: None

    def begin(
        self, words: tuple[str, ...], typed: str, most: int, then: Callable[[JobResult], None]
    ) -> None:
        """Begin it, or not."""
        if self.refusal:
            raise self.refusal
        self.begun.append(words)
        self.then = then


class AtOnce:
    """Records whose jobs are done at once, or fail."""

    def __init__(self) -> None:
        self.fails = False

    def do(self, job: Callable[[Any], bool], done: Callable[[Any], None]) -> None:
        """Do it."""
        done(StoreError("stalled") if self.fails else job(None))


class Home:
    """The naming of one box."""

    def __init__(self, folder: Path) -> None:
        path = folder / "centralino.toml"
        path.write_text(CONFIG.format(folder=folder), encoding="utf-8")
        self.child, self.records = Child(), AtOnce()
        made: Any = (read.load(path), self.records, self.child)
        self.naming = OfficeName(*made)
        self.idle = True

    def look(self, at: float) -> list[tuple[str, ...]]:
        """Look at a moment; returns what has been begun so far."""
        self.naming.look(at, lambda: self.idle)
        return self.child.begun


def test_a_new_box_has_its_name_made_when_no_call_is_on(tmp_path: Path) -> None:
    """Not in the first moments, nor while somebody is on a line; once."""
    home = Home(tmp_path)
    home.look(0.0)
    assert home.look(NAME_FIRST_S - 1) == []
    home.idle = False
    assert home.look(NAME_FIRST_S) == []
    assert home.look(NAME_FIRST_S + 1) == []
    home.idle = True
    assert home.look(NAME_FIRST_S + 2) == [NAME_COMMAND]
    assert home.look(NAME_FIRST_S + 3) == [NAME_COMMAND]


def test_a_box_without_a_voice_says_so_once(tmp_path: Path, caplog: Any) -> None:
    """Callers hear the recorded thanks instead; the child is not begun for ever."""
    home = Home(tmp_path)
    home.look(0.0)
    home.look(NAME_FIRST_S)
    home.look(NAME_FIRST_S + 1)
    home.child.then(JobResult(False, pair("manca", "py-nanotts is missing")))
    for minute in range(1, 4):
        home.look(NAME_FIRST_S + minute * NAME_EVERY_S + 1)
    assert home.child.begun == [NAME_COMMAND]
    assert "py-nanotts is missing" in caplog.text


def test_another_work_goes_first(tmp_path: Path) -> None:
    """A minute later it is tried again; records that stall decide nothing."""
    home = Home(tmp_path)
    home.child.refusal = Refused(pair("occupato", "busy"))
    home.look(0.0)
    home.look(NAME_FIRST_S)
    home.look(NAME_FIRST_S + 1)
    home.child.refusal, home.records.fails = None, True
    assert home.look(NAME_FIRST_S + NAME_EVERY_S) == []
    home.records.fails = False
    home.look(NAME_FIRST_S + 2 * NAME_EVERY_S)
    assert home.look(NAME_FIRST_S + 2 * NAME_EVERY_S + 1) == [NAME_COMMAND]


def recorded(folder: Path, sound: bytes = bytes(1600)) -> None:
    """Lay a sound of the office's own where the name is heard."""
    path = folder / "it" / "welcome.wav"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(wav.build(sound, Law.LINEAR16))


@has_voice
def test_the_name_is_made_once_and_anew_when_it_changes(tmp_path: Path) -> None:
    """What callers hear follows site.name."""
    assert speech.name_office(tmp_path, None, NAME, "it")
    first = (tmp_path / "it" / "welcome.wav").read_bytes()
    assert not speech.name_office(tmp_path, None, f"{NAME}.", "it")
    assert speech.name_office(tmp_path, None, "Comune di Argelato", "it")
    assert (tmp_path / "it" / "welcome.wav").read_bytes() != first
    (tmp_path / "it" / "welcome.wav").unlink()
    assert speech.name_office(tmp_path, None, "Comune di Argelato", "it")


@has_voice
def test_what_the_office_has_recorded_stays(tmp_path: Path) -> None:
    """Recorded before or after, in the technician's folder or here; restored, it is ours again."""
    recorded(tmp_path)
    assert not speech.name_office(tmp_path, None, NAME, "it")
    (tmp_path / "it" / "welcome.wav").unlink()
    assert speech.name_office(tmp_path, None, NAME, "it")
    recorded(tmp_path, bytes(3200))
    assert not speech.name_office(tmp_path, None, "Comune di Argelato", "it")
    site, state = tmp_path / "site", tmp_path / "state"
    recorded(site)
    assert not speech.name_office(state, site, NAME, "it")
    assert speech.office_name_is_missing(state, None, NAME, "it")


def test_a_broken_note_is_none(tmp_path: Path) -> None:
    """A file that is no JSON, or no object: the sound beside it counts as the office's own."""
    recorded(tmp_path)
    for text in ("{", "[]"):
        (tmp_path / speech.MADE).write_text(text)
        assert not speech.office_name_is_missing(tmp_path, None, NAME, "it")
