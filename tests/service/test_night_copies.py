"""What a child does of a night: the records looked through, copied on the card and away from it."""

from __future__ import annotations

import os
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
from appliance.store import privacy, voicemail
from appliance.store.database import database_path, open_reader
from tests.commands.test_backup import PHRASE, House

THREE = datetime(2026, 11, 25, 3, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> House:
    """A box that has run: one message is kept."""
    made = House(tmp_path_factory.mktemp("filled") / "box")
    made.folder.mkdir()
    made.fill()
    return made


@pytest.fixture
def house(filled: House, tmp_path: Path) -> House:
    """The same in a place of its own."""
    shutil.copytree(filled.folder, tmp_path / "box")
    made = House(tmp_path / "box")
    text = filled.config.read_text(encoding="utf-8")
    made.config.write_text(text.replace(str(filled.folder), str(made.folder)), encoding="utf-8")
    return made


@pytest.fixture
def settings(house: House) -> Settings:
    """Its configuration; no second medium."""
    return read.load(house.config)


@pytest.fixture
def stick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A second medium."""
    (tmp_path / "medium").mkdir()
    monkeypatch.setattr(service_nightly, "_is_on_card", lambda *_: False)
    return tmp_path / "medium"


def nightly(house: House) -> Path:
    """Say where copies lie on the card."""
    return house.state / service_nightly.NIGHTLY


def copies(house: House) -> list[str]:
    """List the nights of which there is a copy on the card."""
    return sorted(path.name for path in nightly(house).iterdir() if path.is_dir())


def spoil(house: House) -> None:
    """Tear pages of the records."""
    with database_path(house.state).open("r+b") as file:
        for page in range(4, 40):
            file.seek(4096 * page)
            file.write(os.urandom(4096))


def test_a_night_copies_records_and_sounds_for_us_alone(house: House, settings: Settings) -> None:
    """The copy is a whole database of one moment; its sounds are the same files, not twice there;
    nobody else can read any of it.
    """
    done = service_nightly.do_night_work(settings, house.config, THREE)
    assert (done.well, done.damaged) == (True, False), done
    assert done.words.it == "archivi integri; copia sulla scheda fatta"
    (name,) = copies(house)
    with closing(open_reader(nightly(house) / name / "centralino.db")) as copied:
        (message,) = voicemail.list_messages(copied)
    sound = house.state / "voicemail" / message.path
    assert (nightly(house) / name / message.path).samefile(sound)
    for path in nightly(house).parent.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0 or path.samefile(sound), path
    assert service_nightly.load_night(house.state) == done


def test_a_copy_outlives_what_is_erased_and_rotates_away(house: House, settings: Settings) -> None:
    """E20: what was erased is in copies until their rotation, then nowhere."""
    service_nightly.do_night_work(settings, house.config, THREE)
    sound = next((house.state / "voicemail" / "new").glob("*.wav"))
    kept = sound.read_bytes()
    sound.unlink()
    assert [path.read_bytes() for path in nightly(house).rglob("*.wav")] == [kept]
    for day in range(1, ON_CARD + 1):
        service_nightly.do_night_work(settings, house.config, THREE + timedelta(days=day))
    assert copies(house) == ["2026-11-26", "2026-11-27", "2026-11-28"]
    assert list(nightly(house).rglob("*.wav")) == []


def test_the_same_night_twice_is_one_copy(house: House, settings: Settings) -> None:
    """A night that was cut short leaves nothing behind that is not replaced."""
    service_nightly.do_night_work(settings, house.config, THREE)
    (nightly(house) / "2026-11-20.part" / "new").mkdir(parents=True)
    service_nightly.do_night_work(settings, house.config, THREE)
    assert copies(house) == ["2026-11-25"]


def test_damaged_records_are_copied_over_nothing(
    house: House, settings: Settings, stick: Path
) -> None:
    """The copies of before are what a technician puts back: none is taken away."""
    both = replace(settings, backup=Backup(str(stick), str(house.phrase), 1))
    service_nightly.do_night_work(both, house.config, THREE)
    before = copies(house), sorted(stick.iterdir())
    spoil(house)
    for day in range(1, ON_CARD + 2):
        done = service_nightly.do_night_work(both, house.config, THREE + timedelta(days=day))
        assert (done.well, done.damaged) == (False, True)
        assert "danneggiati" in done.words.it
    assert (copies(house), sorted(stick.iterdir())) == before


def test_records_that_are_no_database_are_damaged(house: House, settings: Settings) -> None:
    """Nobody can even open them."""
    database_path(house.state).write_bytes(b"nothing of the kind" * 1000)
    assert service_nightly.do_night_work(settings, house.config, THREE).damaged


def test_a_second_medium_gets_a_sealed_backup_and_keeps_the_last(
    house: House, settings: Settings, stick: Path
) -> None:
    """All of the box, readable with the passphrase alone; the oldest go."""
    both = replace(settings, backup=Backup(str(stick), str(house.phrase), 2))
    for day in range(3):
        done = service_nightly.do_night_work(both, house.config, THREE + timedelta(days=day))
        assert done.well, done
    assert f"copia sigillata in {stick} fatta" in done.words.it
    names = sorted(path.name for path in stick.iterdir())
    assert names == ["centralino-20261126-030500.backup", "centralino-20261127-030500.backup"]
    shutil.copy(stick / names[-1], house.backup)
    assert PHRASE.encode() not in house.backup.read_bytes()
    assert "Nulla è stato cambiato" in house.put_back("--check")


@pytest.mark.parametrize(
    ("folder", "phrase", "why"),
    [
        ("medium", "a few words only", "non riuscito"),
        ("medium", "short", "12 caratteri"),
        ("absent", "a few words only", "nessun supporto"),
    ],
)
def test_a_copy_away_that_fails_is_told_and_the_one_on_the_card_is_made(
    house: House, settings: Settings, stick: Path, folder: str, phrase: str, why: str
) -> None:
    """Phrase file gone, too short a phrase, no stick plugged in."""
    written = stick.parent / "p"
    written.write_text(phrase)
    if why == "non riuscito":
        written.unlink()
    both = replace(settings, backup=Backup(str(stick.parent / folder), str(written), 2))
    done = service_nightly.do_night_work(both, house.config, THREE)
    assert not done.well
    assert why in done.words.it
    assert "copia sulla scheda fatta" in done.words.it
    assert copies(house) == ["2026-11-25"]


def test_a_folder_of_the_card_itself_is_no_second_medium(
    house: House, settings: Settings, tmp_path: Path
) -> None:
    """A stick that is not plugged in leaves its folder there: a backup would fill the card."""
    both = replace(settings, backup=Backup(str(tmp_path), str(house.phrase), 2))
    done = service_nightly.do_night_work(both, house.config, THREE)
    assert "nessun supporto" in done.words.it
    assert list(tmp_path.glob("*.backup")) == []


def test_messages_come_before_copies(
    house: House, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is little room no copy is made, and that is told; the check is done."""
    monkeypatch.setattr(service_nightly, "spare_bytes", lambda _: 0)
    done = service_nightly.do_night_work(settings, house.config, THREE)
    assert not done.well
    assert done.words.it.startswith("archivi integri; copia sulla scheda non fatta")
    assert copies(house) == []


def test_a_disk_that_refuses_is_told(house: House) -> None:
    """Nothing half-written counts: a copy that is there is never written over."""
    to = house.state / "copy.db"
    privacy.copy(database_path(house.state), to)
    before = to.read_bytes()
    with pytest.raises(FileExistsError):
        privacy.copy(database_path(house.state), to)
    assert to.read_bytes() == before
    with pytest.raises(StoreError, match="ever run"):
        privacy.damage(house.state / "none.db")
    spoil(house)
    with pytest.raises(StoreError, match="malformed"):
        privacy.copy(database_path(house.state), house.state / "of-bad.db")


def test_a_word_that_nobody_wrote_is_no_night(house: House) -> None:
    """A torn or missing file says nothing of the last night."""
    assert service_nightly.load_night(house.state) is None
    nightly(house).mkdir(parents=True)
    for torn in ("", "[]", '{"at": 1}', '{"at": "x", "it": "", "en": "", "well": 1}'):
        (nightly(house) / service_nightly.SAID).write_text(torn)
        assert service_nightly.load_night(house.state) is None


def test_the_command_says_what_came_of_it(house: House) -> None:
    """Also by hand; a night that was not well is an error."""
    assert "copia sulla scheda fatta" in house.run("backup", "--nightly")
    spoil(house)
    assert "danneggiati" in house.run("backup", "--nightly", code=1)
    assert "--nightly" in house.run("backup", code=2)
    assert "--nightly" in house.run("backup", "--nightly", "x.backup", code=2)
