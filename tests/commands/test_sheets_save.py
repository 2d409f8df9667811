"""`centralino office sheets save`: one sheet with its sounds, or neither (P1, P2)."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from appliance.__main__ import main
from appliance.api import speech
from appliance.config import state_folder
from appliance.config.sheet_file import text_of_sheet
from appliance.policy.sheets import Sheet
from appliance.store import database, sheets
from appliance.store.database import connect, database_path, open_database
from tests.commands.samples import CONFIG

CIE = Sheet("cie", "Carta", "", "Legge", date(2026, 5, 20), "Testo.\n", say="Si prenota in linea.")
IMU = Sheet("imu", "IMU", "", "Delibera", date(2026, 5, 20), "Giugno.\n")


class Place:
    """A box that has records."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        self.state.mkdir()
        self.config = folder / "centralino.toml"
        self.config.write_text(CONFIG.format(folder=folder), encoding="utf-8")
        path = database_path(self.state)
        with closing(open_database(path, self.state / "corrupt").connection) as connection:
            sheets.store(connection, (IMU,))

    def save(self, *more: str, text: str = "") -> Result:
        """Run the command as call control does."""
        words = ["sheets", "save", *more, "--by", "anna", "--json"]
        environment = {"CENTRALINO_CONFIG": str(self.config)}
        return CliRunner().invoke(main, words, input=text, env=environment)

    def known(self) -> tuple[Sheet, ...]:
        """List the sheets that are found."""
        with closing(connect(database_path(self.state))) as connection:
            return sheets.all_sheets(connection)

    def heard(self) -> list[str]:
        """List what callers are offered, each with its sounds there."""
        folder = state_folder.speech_folder(self.state)
        menu = speech.load_menu(folder)
        assert all((folder / f"{name}.wav").exists() for each in menu for name in each.prompts)
        return [each.sheet for each in menu]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """One sheet that is not spoken."""
    return Place(tmp_path)


def test_a_sheet_comes_with_its_sounds_and_goes_with_them(place: Place) -> None:
    """The key is said; who did it stands in the list of changes."""
    told = json.loads(place.save("cie", text=text_of_sheet(CIE)).output)
    assert "con il tasto 1" in told["it"]
    assert place.heard() == ["cie"]
    assert place.known() == (CIE, IMU)
    changed = replace(CIE, say="Si va allo sportello.")
    before = set(state_folder.speech_folder(place.state).glob("it/sheet_*.wav"))
    place.save("cie", text=text_of_sheet(changed))
    after = set(state_folder.speech_folder(place.state).glob("it/sheet_*.wav"))
    assert len(after - before) == 1
    assert len(after) == len(before)
    assert "non si legge più" in place.save("cie", "--remove").output
    assert place.heard() == []
    assert place.known() == (IMU,)
    with closing(connect(database_path(place.state))) as connection:
        noted = [(one.by, one.what) for one in database.latest(connection, "sheet.")]
    assert noted == [("anna", "sheet.remove"), ("anna", "sheet.change"), ("anna", "sheet.change")]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (replace(CIE, say="Si prenota in linea. " * 6), "al massimo 5 s"),
        (replace(CIE, language="en"), "non è fra le lingue"),
        (replace(CIE, say="..."), ""),
    ],
)
def test_what_cannot_be_read_aloud_changes_nothing(
    place: Place, given: Sheet, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the sheet nor what callers hear."""
    monkeypatch.setattr(speech, "MOST_SHEET_S", 5)
    place.save("cie", text=text_of_sheet(CIE))
    result = place.save("cie", text=text_of_sheet(given))
    told = json.loads(result.output)
    assert result.exit_code == 1
    assert why in told["it"]
    assert told["it"].startswith("ciò che si legge delle schede non si può usare")
    assert place.known() == (CIE, IMU)
    assert place.heard() == ["cie"]


def test_a_file_that_is_no_sheet_is_told(place: Place) -> None:
    """In both languages."""
    told = json.loads(place.save("cie", text="# Carta").output)
    assert "non ha l'intestazione" in told["it"]
    assert "has no head" in told["en"]
