"""Whoever edits hours, offices or announcements sees first what of them is the head office's."""

from __future__ import annotations

import html
import re
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.commands.services import console_settings as made_settings
from appliance.config import read
from appliance.console.settings import ConsoleSettings, HeadOfficeFiles
from appliance.dsp import wav
from appliance.dsp.wav import Law
from appliance.store import managed_config
from tests.console.call_control_directory import serve_directory
from tests.console.call_control_hours import serve_hours
from tests.console.people import ANNA
from tests.console.test_announcements import tone
from tests.console.visitor import Visitor
from tests.managed_config.samples import FIRST, branch, made, sound

UNIT, OTHER = "/register/office/anagrafe", "/register/office/statocivile"
TAG = "della sede centrale"
HOLD = "/announcements/it/hold"


def text_of(visitor: Visitor, path: str) -> str:
    """Return what a page says within, as people read it."""
    main = visitor.get(path).text.split("<main")[1].split("</main")[0]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", main)).split())


def theirs(folder: Path, schedule: str = "") -> HeadOfficeFiles:
    """Lay the head office's settings somewhere."""
    (folder / "prompts" / "it").mkdir(parents=True)
    (folder / "prompts" / "it" / "hold.wav").write_bytes(wav.build(tone(1.0), Law.LINEAR16))
    (folder / "schedule.toml").write_text(schedule, encoding="utf-8")
    return HeadOfficeFiles(folder / "prompts", folder / "schedule.toml")


def test_an_office_of_the_head_office(
    visitor: Visitor, records: sqlite3.Connection, console_settings: ConsoleSettings
) -> None:
    """Its name, sentence and mail have no form, what it brought has its mark; a declaration may be
    entered all the same. An office of the branch's own is as ever.
    """
    with serve_directory(console_settings, "central"):
        managed_config.mark(records, [], ["anagrafe"])
        visitor.log_in(ANNA)
        said, page = text_of(visitor, UNIT), visitor.get(UNIT).text
        assert said.count(TAG) >= 4  # beside the name, in the note, at the declaration, in the past
        assert "si cambiano là" in said
        assert f'action="{UNIT}/edit"' not in page
        assert f"{UNIT}/declare" in page
        assert f'action="{OTHER}/edit"' in visitor.get(OTHER).text
        assert TAG not in text_of(visitor, OTHER).partition("Storico")[0]
        assert text_of(visitor, "/register").count(TAG) == 1


def test_a_register_of_the_branchs_own(
    visitor: Visitor, records: sqlite3.Connection, console_settings: ConsoleSettings
) -> None:
    """Without a head office no page speaks of one."""
    del records
    with serve_directory(console_settings):
        visitor.log_in(ANNA)
        assert TAG not in text_of(visitor, UNIT) + text_of(visitor, "/register")


@pytest.mark.parametrize(
    ("schedule", "said", "is_week"),
    [
        ("[hours]\nmonday = ['8-12']\n[[closures]]\nstart = 2026-12-24\nend = 2026-12-24\n",
         "l'orario di ogni settimana, chiusure", True),
        ("[[openings]]\n", "aperture straordinarie", False),
        ("", "", False),
        ("no TOML", "", False),
    ],
)  # fmt: skip
def test_the_hours(
    console_settings: ConsoleSettings,
    records: sqlite3.Connection,
    tmp_path: Path,
    schedule: str,
    said: str,
    is_week: bool,
) -> None:
    """The year says what is laid down elsewhere; the form of the week says it of the week alone."""
    office = theirs(tmp_path / "central", schedule)
    settings = replace(console_settings, head_office=lambda: office)
    with serve_hours(settings), Visitor(settings) as visitor:
        visitor.log_in(ANNA)
        year, week = text_of(visitor, "/hours"), text_of(visitor, "/hours/week")
        assert ("La sede centrale ha stabilito" in year) is bool(said)
        assert said in year
        assert (f"{TAG}" in year) is is_week
        assert ("L'orario di ogni settimana è della sede centrale" in week) is is_week
        assert ("Quello stabilito dalla sede centrale" in week) is is_week
        assert ("Quello configurato dal tecnico" in week) is not is_week


def test_an_announcement_of_the_head_office(
    console_settings: ConsoleSettings, records: sqlite3.Connection, tmp_path: Path
) -> None:
    """It is not the house's own, may be spoken over, and is seen as soon as it is in force."""
    in_force: list[HeadOfficeFiles] = []
    settings = replace(console_settings, head_office=lambda: in_force[0] if in_force else None)
    with serve_hours(settings), Visitor(settings) as visitor:
        visitor.log_in(ANNA)
        assert TAG not in text_of(visitor, "/announcements") + text_of(visitor, HOLD)
        in_force.append(theirs(tmp_path / "central"))
        assert text_of(visitor, "/announcements").count(TAG) == 1
        said = text_of(visitor, HOLD)
        assert "Questa registrazione è della sede centrale" in said
        assert "cartella del tecnico" not in said
        assert "restore" not in visitor.get(HOLD).text
        assert visitor.get(f"{HOLD}/sound").content == wav.build(tone(1.0), Law.LINEAR16)


def test_what_is_in_force_is_looked_up_each_time(tmp_path: Path) -> None:
    """The command that serves the pages knows where it lies, also of what came after its start."""
    box = branch(tmp_path)
    settings = made_settings(read.load(box.config))
    assert settings.head_office() is None
    box.apply(made(1, FIRST))
    office = settings.head_office()
    assert office is not None
    assert (office.prompts / "it" / "greeting_closed.wav").read_bytes() == sound()
    assert "Vigilia" in office.schedule.read_text()
