"""`centralino office prompts` and spoken sheets on the command line."""

from __future__ import annotations

from importlib import resources, util
from pathlib import Path

import pytest
from click.testing import CliRunner

from appliance.__main__ import main
from appliance.api.speech import load_menu
from appliance.config.state_folder import speech_folder
from appliance.store.database import database_path, open_database

CONFIG = Path(str(resources.files("appliance.config") / "example.toml"))
SHEET = """+++
title = "Carta d'identità"
source = "Delibera"
updated = 2026-09-01
spoken = true
say = "Su prenotazione allo sportello."
+++
Su prenotazione.
"""
pytestmark = pytest.mark.skipif(
    util.find_spec("py_nanotts") is None, reason="py-nanotts is not installed: make environment"
)


class Box:
    """The commands on a box of their own, whose call control does not run."""

    def __init__(self, folder: Path) -> None:
        self.state, self.site = folder / "state", folder / "site"
        self.state.mkdir()
        open_database(database_path(self.state), self.state / "corrupt").connection.close()
        self.config = folder / "centralino.toml"
        text = CONFIG.read_text(encoding="utf-8")
        own = f'[folders]\nstate = "{self.state}"\nrun = "{folder}"\nprompts = "{self.site}"\n'
        self.config.write_text(f"{text}\n{own}", encoding="utf-8")

    def run(self, command: str, *arguments: str) -> str:
        """Run a command and return what it says."""
        asked = (command, "--config", str(self.config), *arguments)
        return CliRunner().invoke(main, asked).output


@pytest.fixture
def box(tmp_path: Path) -> Box:
    """A box that has run once."""
    return Box(tmp_path)


def test_a_name_that_nothing_says_is_told(box: Box) -> None:
    """It is kept, for a greeting that is still to be named; a slip of a known one is not missed."""
    said = box.run("prompts", "say", "privcy", "La chiamata è registrata.")
    assert "Nessun annuncio si chiama privcy" in said
    assert "Forse: privacy" in said
    assert (speech_folder(box.state) / "it" / "privcy.wav").exists()
    said = box.run("prompts", "say", "qualcosa", "La chiamata è registrata.")
    assert "Nessun annuncio si chiama qualcosa" in said
    assert "Forse" not in said


def test_a_notice_is_said_and_forgotten(box: Box) -> None:
    """The office's own words, in the box's voice, until they are forgotten."""
    said = box.run("prompts", "say", "privacy", "La chiamata è registrata.")
    assert said.startswith("it/privacy: ")
    assert "qui non è in funzione" in said
    assert (speech_folder(box.state) / "it" / "privacy.wav").exists()
    assert "dal prossimo avvio" in box.run("prompts", "forget", "privacy")
    assert "non è un annuncio creato con" in box.run("prompts", "forget", "privacy")


@pytest.mark.parametrize("key", ["../x", "Privacy", "sheet_1", ""])
def test_a_name_is_no_path(box: Box, key: str) -> None:
    """A name holds letters, digits and _; the menu's own sounds have theirs."""
    assert "non è il nome di un annuncio" in box.run("prompts", "say", key, "Ciao.")


def test_a_persons_voice_is_not_replaced(box: Box) -> None:
    """What the site recorded is what callers hear; the command says so instead of doing nothing."""
    (box.site / "it").mkdir(parents=True)
    (box.site / "it" / "privacy.wav").write_bytes(b"theirs")
    assert "toglierlo prima" in box.run("prompts", "say", "privacy", "Ciao.")


def test_spoken_sheets_are_imported(box: Box, tmp_path: Path) -> None:
    """The keys are told; the same import again changes nothing; one that is wrong neither."""
    folder = tmp_path / "sheets"
    folder.mkdir()
    (folder / "carta.md").write_text(SHEET, encoding="utf-8")
    said = box.run("sheets", "import", str(folder)).splitlines()
    assert said[:3] == ["carta: nuova", "schede: 1", "tasto 1: carta (it)"]
    assert box.run("sheets", "import", str(folder)) == "schede: 1\n"
    (menu,) = load_menu(speech_folder(box.state))
    (folder / "carta.md").write_text(SHEET.replace("prenotazione allo", "appuntamento allo"))
    (folder / "altra.md").write_text(SHEET.replace("spoken", 'language = "de"\nspoken'))
    assert "altra, language: 'de' non è fra le lingue" in box.run("sheets", "import", str(folder))
    assert load_menu(speech_folder(box.state)) == (menu,)
    (folder / "altra.md").unlink()
    assert "carta: cambiata" in box.run("sheets", "import", str(folder))
    assert load_menu(speech_folder(box.state))[0].text != menu.text


def test_an_english_house_is_told_in_english(box: Box) -> None:
    """The first of `site.languages` is what commands speak."""
    text = box.config.read_text(encoding="utf-8")
    box.config.write_text(text.replace('languages = ["it", "en"]', 'languages = ["en"]'))
    said = box.run("prompts", "say", "privacy", "This call is recorded.", "--language", "en")
    assert "not running here: callers hear it from its next start on" in said


def test_the_office_s_name_is_spoken_and_comes_back(box: Box) -> None:
    """The greeting names the house: by itself, unless the office has said it; then forgotten."""
    own = speech_folder(box.state) / "it" / "welcome.wav"
    assert "Comune" in box.run("prompts", "name")
    made = own.read_bytes()
    assert "già" in box.run("prompts", "name")
    box.run("prompts", "say", "welcome", "Comune di Castel Maggiore, buongiorno.")
    assert own.read_bytes() != made
    assert "già" in box.run("prompts", "name", "--json")
    box.run("prompts", "forget", "welcome")
    assert own.read_bytes() == made


def test_the_voice_in_use_is_told(box: Box) -> None:
    """Which voice callers hear in each language, and what the configuration says."""
    assert box.run("prompts", "voice").splitlines() == [
        "it: la voce registrata",
        "en: la voce registrata",
        'site.voice = "auto"',
    ]
    box.run("prompts", "name")
    box.run("prompts", "say", "privacy", "This call is recorded.", "--language", "en")
    assert box.run("prompts", "voice").splitlines()[:2] == [
        "it: la voce dell'apparecchio",
        "en: la voce dell'apparecchio",
    ]
    text = box.config.read_text(encoding="utf-8")
    box.config.write_text(text.replace("[site]\n", '[site]\nvoice = "shipped"\n'))
    assert "en: la voce registrata" in box.run("prompts", "voice")
    box.config.write_text(text.replace("[site]\n", '[site]\nvoice = "human"\n'))
    assert "site.voice" in box.run("check")
