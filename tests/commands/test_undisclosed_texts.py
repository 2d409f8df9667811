"""No text that callers hear is stored with a number that its office keeps (P7)."""

from __future__ import annotations

from contextlib import closing
from importlib import resources
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from appliance.__main__ import main
from appliance.config.state_folder import speech_folder
from appliance.dsp import wav
from appliance.dsp.wav import Law
from appliance.store import directory
from appliance.store.database import database_path, open_database, open_reader
from tests.commands.samples import CONFIG

REGISTER = Path(str(resources.files("appliance.config") / "example_register.toml"))
SHEET = """+++
title = "Carta"
source = "Delibera"
updated = 2026-11-01
spoken = true
say = "{}"
+++
Testo
"""


class Box:
    """A box with the example's register."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.state = folder, folder / "state"
        self.state.mkdir()
        self.config = folder / "centralino.toml"
        self.config.write_text(CONFIG.format(folder=folder), encoding="utf-8")
        open_database(database_path(self.state), self.state / "corrupt").connection.close()
        done = self.run("directory", "import", str(REGISTER), "--by", "capo")
        assert done.exit_code == 0, done.output

    def run(self, *words: str, text: str = "") -> Result:
        """Run a command."""
        environment = {"CENTRALINO_CONFIG": str(self.config)}
        return CliRunner().invoke(main, ["office", *words], input=text, env=environment)

    def refused(self, *words: str, text: str = "") -> str:
        """Run what is refused; no digit of a number is repeated, and callers hear nothing new."""
        done = self.run(*words, text=text)
        assert done.exit_code != 0, done.output
        assert "598" not in done.output
        assert "•••" in done.output
        sounds = speech_folder(self.state).glob("*/*.wav")
        assert not [path for path in sounds if not path.stem.startswith("unit_")]
        return done.output


@pytest.fixture
def box(tmp_path: Path) -> Box:
    """A box with the example's register."""
    return Box(tmp_path)


@pytest.mark.parametrize("number", ["051 598 230", "335–550\u00a01260"])
def test_a_spoken_sheet_is_refused(box: Box, number: str) -> None:
    """At an import, and as the console saves one."""
    text = SHEET.format(f"Per la carta chiami lo {number}")
    folder = box.folder / "sheets"
    folder.mkdir()
    (folder / "carta.md").write_text(text, encoding="utf-8")
    assert "carta, say" in box.refused("sheets", "import", str(folder))
    box.refused("sheets", "save", "carta", text=text)


def test_an_announcement_is_refused(box: Box) -> None:
    """The sentence says which one, whose number, what to do."""
    said = box.refused("prompts", "say", "greeting_closed", "Chiami lo 051 598 230")
    assert "it/greeting_closed" in said


def register_saying(box: Box, say: str) -> Path:
    """Write the example's register with another sentence of the Tributi."""
    text = REGISTER.read_text(encoding="utf-8")
    before = "L'ufficio risponde per e-mail entro tre giorni lavorativi."
    assert before in text
    file = box.folder / "register.toml"
    file.write_text(text.replace(before, say), encoding="utf-8")
    return file


def sentences(box: Box) -> set[str]:
    """Return the sentences to say that are stored."""
    with closing(open_reader(database_path(box.state))) as connection:
        return {unit.say for unit in directory.units(connection)} - {""}


def test_a_register_is_refused(box: Box) -> None:
    """The refusal names office and field, and nothing of the file is taken."""
    before = sentences(box)
    file = register_saying(box, "Chiami lo 051–598 230")
    said = box.refused("directory", "import", str(file), "--by", "capo")
    assert "unit tributi, say: tributi: " in said
    assert sentences(box) == before
    assert "unit tributi, say: tributi: " in box.refused("directory", "check", str(file))


def test_a_register_may_name_an_authorised_number(box: Box) -> None:
    """The one that the Edilizia has given leave to tell."""
    file = register_saying(box, "Chiami lo 051 598 240")
    done = box.run("directory", "import", str(file), "--by", "capo")
    assert done.exit_code == 0, done.output
    assert "Chiami lo 051 598 240" in sentences(box)


def test_a_variations_notice_is_refused(box: Box) -> None:
    """Operators read it to callers; the office is named."""
    words = ("directory", "vary", "tributi", "--closed", "--reference", "mail", "--by", "capo")
    assert "tributi: " in box.refused(*words, "--notice", "Chiami lo 051 598 230")
    done = box.run(*words, "--notice", "Chiami lo 051 598 240")
    assert done.exit_code == 0, done.output


def test_the_name_of_the_house_is_refused(box: Box) -> None:
    """A greeting begins with it, so it is said to callers like an announcement."""
    text = box.config.read_text(encoding="utf-8")
    named = text.replace('name = "Test"', 'name = "Test, 051 598 230"')
    box.config.write_text(named, encoding="utf-8")
    assert "it/welcome: " in box.refused("prompts", "name")


def test_a_recording_goes_although_the_name_may_not_be_said(box: Box) -> None:
    """The delivered greeting is heard in its place."""
    path = speech_folder(box.state) / "it" / "welcome.wav"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(wav.build(bytes(1600), Law.LINEAR16))
    text = box.config.read_text(encoding="utf-8")
    named = text.replace('name = "Test"', 'name = "Test, 051 598 230"')
    box.config.write_text(named, encoding="utf-8")
    done = box.run("prompts", "forget", "welcome")
    assert done.exit_code == 0, done.output
    assert not path.exists()
