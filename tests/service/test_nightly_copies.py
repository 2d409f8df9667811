"""What a child does of a night: the records looked through, copied on the card and away from it."""

from __future__ import annotations

import random
import shutil
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from appliance.config import read
from appliance.config.schema import Backup, Settings
from appliance.errors import StoreError
from appliance.service import nightly as service_nightly
from appliance.service.nightly import ON_CARD
from appliance.store import voicemail
from appliance.store.backup import copy_database, damage_of
from appliance.store.database import database_path, open_reader
from tests.commands.test_backup import PHRASE, Home

THREE = datetime(2026, 11, 25, 3, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A box that has run: one message is kept."""
    made = Home(tmp_path_factory.mktemp("filled") / "box")
    made.folder.mkdir()
    made.fill()
    return made


@pytest.fixture
def home(filled: Home, tmp_path: Path) -> Home:
    """The same in a place of its own."""
    shutil.copytree(filled.folder, tmp_path / "box")
    made = Home(tmp_path / "box")
    text = filled.config.read_text(encoding="utf-8")
    made.config.write_text(text.replace(str(filled.folder), str(made.folder)), encoding="utf-8")
    return made


@pytest.fixture
def settings(home: Home) -> Settings:
    """Its configuration; no second medium."""
    return read.load(home.config)


@pytest.fixture
def stick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A second medium."""
    (tmp_path / "medium").mkdir()
    monkeypatch.setattr(service_nightly, "_is_on_card", lambda *_: False)
    return tmp_path / "medium"


def nightly(home: Home) -> Path:
    """Say where copies lie on the card."""
    return home.state / service_nightly.NIGHTLY


def copies(home: Home) -> list[str]:
    """List the nights of which there is a copy on the card."""
    return sorted(path.name for path in nightly(home).iterdir() if path.is_dir())


def spoil(home: Home) -> None:
    """Tear pages of the records, the same in each run."""
    chance = random.Random(1)
    with database_path(home.state).open("r+b") as file:
        for page in range(4, 40):
            file.seek(4096 * page)
            file.write(chance.randbytes(4096))


def test_a_night_copies_records_and_sounds_for_us_alone(home: Home, settings: Settings) -> None:
    """The copy is a whole database of one moment; its sounds are the same files, not twice there;
    nobody else can read any of it.
    """
    done = service_nightly.do_night_work(settings, home.config, THREE)
    assert (done.well, done.damaged) == (True, False), done
    assert done.words.text("it") == "archivi integri; copia sulla scheda fatta"
    (name,) = copies(home)
    with closing(open_reader(nightly(home) / name / "centralino.db")) as copied:
        (message,) = voicemail.list_messages(copied)
    sound = home.state / "voicemail" / message.path
    assert (nightly(home) / name / message.path).samefile(sound)
    for path in nightly(home).parent.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0 or path.samefile(sound), path
    assert service_nightly.load_night(home.state) == done


def test_a_copy_outlives_what_is_erased_and_rotates_away(home: Home, settings: Settings) -> None:
    """E20: what was erased is in copies until their rotation, then nowhere."""
    service_nightly.do_night_work(settings, home.config, THREE)
    sound = next((home.state / "voicemail" / "new").glob("*.wav"))
    kept = sound.read_bytes()
    sound.unlink()
    assert [path.read_bytes() for path in nightly(home).rglob("*.wav")] == [kept]
    for day in range(1, ON_CARD + 1):
        service_nightly.do_night_work(settings, home.config, THREE + timedelta(days=day))
    assert copies(home) == ["2026-11-26", "2026-11-27", "2026-11-28"]
    assert list(nightly(home).rglob("*.wav")) == []


def test_the_same_night_twice_is_one_copy(home: Home, settings: Settings) -> None:
    """A night that was cut short leaves nothing behind that is not replaced."""
    service_nightly.do_night_work(settings, home.config, THREE)
    (nightly(home) / "2026-11-20.part" / "new").mkdir(parents=True)
    service_nightly.do_night_work(settings, home.config, THREE)
    assert copies(home) == ["2026-11-25"]


def test_damaged_records_are_copied_over_nothing(
    home: Home, settings: Settings, stick: Path
) -> None:
    """The copies of before are what a technician puts back: none is taken away."""
    both = replace(settings, backup=Backup(str(stick), str(home.phrase), 1))
    service_nightly.do_night_work(both, home.config, THREE)
    before = copies(home), sorted(stick.iterdir())
    spoil(home)
    for day in range(1, ON_CARD + 2):
        done = service_nightly.do_night_work(both, home.config, THREE + timedelta(days=day))
        assert (done.well, done.damaged) == (False, True)
        assert "danneggiati" in done.words.text("it")
    assert (copies(home), sorted(stick.iterdir())) == before


def test_records_that_are_no_database_are_damaged(home: Home, settings: Settings) -> None:
    """Nobody can even open them."""
    database_path(home.state).write_bytes(b"nothing of the kind" * 1000)
    assert service_nightly.do_night_work(settings, home.config, THREE).damaged


def test_a_second_medium_gets_a_sealed_backup_and_keeps_the_last(
    home: Home, settings: Settings, stick: Path
) -> None:
    """All of the box, readable with the passphrase alone; the oldest go."""
    both = replace(settings, backup=Backup(str(stick), str(home.phrase), 2))
    for day in range(3):
        done = service_nightly.do_night_work(both, home.config, THREE + timedelta(days=day))
        assert done.well, done
    assert f"copia cifrata in {stick} fatta" in done.words.text("it")
    names = sorted(path.name for path in stick.iterdir())
    assert names == ["centralino-20261126-030500.backup", "centralino-20261127-030500.backup"]
    shutil.copy(stick / names[-1], home.backup)
    assert PHRASE.encode() not in home.backup.read_bytes()
    assert "Nulla è stato cambiato" in home.put_back("--check")


@pytest.mark.parametrize(
    ("folder", "phrase", "why"),
    [
        ("medium", "a few words only", "non riuscito"),
        ("medium", "short", "12 caratteri"),
        ("absent", "a few words only", "nessun supporto"),
    ],
)
def test_a_copy_away_that_fails_is_told_and_the_one_on_the_card_is_made(
    home: Home, settings: Settings, stick: Path, folder: str, phrase: str, why: str
) -> None:
    """Phrase file gone, too short a phrase, no stick plugged in."""
    written = stick.parent / "p"
    written.write_text(phrase)
    if why == "non riuscito":
        written.unlink()
    both = replace(settings, backup=Backup(str(stick.parent / folder), str(written), 2))
    done = service_nightly.do_night_work(both, home.config, THREE)
    assert not done.well
    assert why in done.words.text("it")
    assert "copia sulla scheda fatta" in done.words.text("it")
    assert copies(home) == ["2026-11-25"]


def test_a_folder_of_the_card_itself_is_no_second_medium(
    home: Home, settings: Settings, tmp_path: Path
) -> None:
    """A stick that is not plugged in leaves its folder there: a backup would fill the card."""
    both = replace(settings, backup=Backup(str(tmp_path), str(home.phrase), 2))
    done = service_nightly.do_night_work(both, home.config, THREE)
    assert "nessun supporto" in done.words.text("it")
    assert list(tmp_path.glob("*.backup")) == []


def test_messages_come_before_copies(
    home: Home, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is little room no copy is made, and that is told; the check is done."""
    monkeypatch.setattr(service_nightly, "spare_bytes", lambda _: 0)
    done = service_nightly.do_night_work(settings, home.config, THREE)
    assert not done.well
    assert done.words.text("it").startswith("archivi integri; copia sulla scheda non fatta")
    assert copies(home) == []


def test_a_disk_that_refuses_is_told(home: Home) -> None:
    """Nothing half-written counts: a copy that is there is never written over."""
    to = home.state / "copy.db"
    copy_database(database_path(home.state), to)
    before = to.read_bytes()
    with pytest.raises(FileExistsError):
        copy_database(database_path(home.state), to)
    assert to.read_bytes() == before
    with pytest.raises(StoreError, match="ever run"):
        damage_of(home.state / "none.db")
    spoil(home)
    with pytest.raises(StoreError, match="malformed"):
        copy_database(database_path(home.state), home.state / "of-bad.db")


def test_a_word_that_nobody_wrote_is_no_night(home: Home) -> None:
    """A torn or missing file says nothing of the last night."""
    assert service_nightly.load_night(home.state) is None
    nightly(home).mkdir(parents=True)
    for torn in ("", "[]", '{"at": 1}', '{"at": "x", "it": "", "en": "", "well": 1}'):
        (nightly(home) / service_nightly.SAID).write_text(torn)
        assert service_nightly.load_night(home.state) is None


def test_the_command_says_what_came_of_it(home: Home) -> None:
    """Also by hand; a night that was not well is an error."""
    assert "copia sulla scheda fatta" in home.run("backup", "--nightly")
    spoil(home)
    assert "danneggiati" in home.run("backup", "--nightly", code=1)
    assert "--nightly" in home.run("backup", code=2)
    assert "--nightly" in home.run("backup", "--nightly", "x.backup", code=2)
