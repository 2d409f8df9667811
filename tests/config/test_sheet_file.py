"""Sheets as Markdown files with a head, and the commands that take and search them (P2)."""

from __future__ import annotations

import shutil
from contextlib import closing
from datetime import UTC, date, datetime
from importlib import resources
from pathlib import Path

import pytest
from click.testing import CliRunner

from appliance.__main__ import main
from appliance.config import sheet_file
from appliance.config.values import BadConfiguration
from appliance.store import sheets
from appliance.store.database import Noted, connect, database_path, open_database, open_reader

EXAMPLES = Path(str(resources.files("appliance.config") / "example_sheets"))
CONFIG = Path(str(resources.files("appliance.config") / "example.toml"))
GOOD = '+++\ntitle = "IMU"\nsource = "Delibera"\nupdated = 2026-05-20\n+++\nAcconto a giugno.\n'


def test_a_sheet() -> None:
    """A head of TOML between +++ lines, then Markdown."""
    sheet = sheet_file.parse_sheet(GOOD, "imu")
    assert (sheet.code, sheet.title, sheet.updated) == ("imu", "IMU", date(2026, 5, 20))
    assert sheet.body == "Acconto a giugno.\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# IMU\n", "has no head"),
        (GOOD.replace("title", "titel"), "line 2, titel: unknown key. Did you mean 'title'?"),
        (GOOD.replace("2026-05-20", '"May"'), "line 4, updated: 'May' must be a date"),
        (GOOD.replace('"Delibera"', '" "'), "source: is empty"),
        (GOOD.replace("+++\nA", "spoken = true\n+++\nA"), "say: is empty"),
        (GOOD.replace("+++\nA", 'spoken = "yes"\n+++\nA'), "must be true or false"),
        (GOOD.replace("Acconto a giugno.", ""), "text: is empty"),
    ],
)
def test_what_is_wrong_with_a_sheet(text: str, said: str) -> None:
    """Where it is wrong, counted in the file, and what to do."""
    with pytest.raises(BadConfiguration) as caught:
        sheet_file.parse_sheet(text, "imu")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# IMU\n", "la scheda: non ha l'intestazione: cominciare con +++"),
        (GOOD.replace("title =", "title"), "riga 2, il file: manca = dopo title"),
        (GOOD.replace("title", "titel"), "riga 2, titel: voce sconosciuta. Forse «title»?"),
        (GOOD.replace("title", "zzz"), "riga 2, zzz: voce sconosciuta. Voci note: title, source"),
        (GOOD.replace('title = "IMU"\n', ""), "title: manca: va scritta"),
        (GOOD.replace("2026-05-20", '"May"'), "riga 4, updated: 'May': il giorno si scrive senza"),
        (GOOD.replace('"IMU"', "7"), "riga 2, title: 7 è un testo e va fra virgolette"),
        (GOOD.replace('"Delibera"', '" "'), "source: è vuota: ogni scheda ne ha bisogno"),
        (GOOD.replace("+++\nA", "spoken = true\n+++\nA"), "say: è vuota: scrivere ciò"),
        (GOOD.replace("+++\nA", 'spoken = "yes"\n+++\nA'), "'yes': si scrive true o false"),
        (GOOD.replace("+++\nA", "needs = 7\n+++\nA"), "needs: un elenco va fra parentesi quadre"),
        (GOOD.replace("Acconto a giugno.", ""), "testo: è vuota"),
    ],
)
def test_what_is_wrong_is_said_in_italian(text: str, said: str) -> None:
    """The front desk edits sheets, and reads what is wrong in its own language."""
    with pytest.raises(BadConfiguration) as caught:
        sheet_file.parse_sheet(text, "imu")
    assert said in "; ".join(mistake.words.text("it") for mistake in caught.value.mistakes)


def test_what_is_no_toml_and_names_no_line() -> None:
    """Whatever the library says, a sentence remains."""
    with pytest.raises(BadConfiguration) as caught:
        sheet_file.parse_sheet('+++\ntitle = "\n+++\nX\n', "imu")
    assert "manca una virgoletta" in caught.value.mistakes[0].words.text("it")


def test_a_spoken_sheet() -> None:
    """P1: what callers hear stands in the head; without the mark it is kept back."""
    head = 'say = "Acconto a giugno."\nlanguage = "en"\n'
    spoken = sheet_file.parse_sheet(GOOD.replace("+++\nA", f"spoken = true\n{head}+++\nA"), "imu")
    assert (spoken.say, spoken.language) == ("Acconto a giugno.", "en")
    assert sheet_file.parse_sheet(GOOD.replace("+++\nA", f"{head}+++\nA"), "imu").say == ""


def test_all_files_mistakes_at_once(tmp_path: Path) -> None:
    """One import tells all there is to mend."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.md").write_text("# nothing")
    (tmp_path / "sub" / "b.md").write_text(GOOD.replace("title", "titel"))
    (tmp_path / "c.md").write_text(GOOD)
    (tmp_path / "sub" / "c.md").write_text(GOOD)
    with pytest.raises(BadConfiguration) as caught:
        sheet_file.load_sheets(tmp_path)
    places = [str(mistake).split(": ")[0] for mistake in caught.value.mistakes]
    assert places == ["a.md, the sheet", "sub/b.md, title", "line 2, sub/b.md, titel", "c"]


def test_an_empty_folder(tmp_path: Path) -> None:
    """The wrong folder would take every sheet away."""
    with pytest.raises(BadConfiguration, match="no \\*\\.md file"):
        sheet_file.load_sheets(tmp_path)


def test_the_example_sheets() -> None:
    """They are good, and of offices of the example directory."""
    assert len(sheet_file.load_sheets(EXAMPLES)) == 4


class Box:
    """The commands on a box of their own."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        self.state.mkdir()
        self.config = folder / "centralino.toml"
        text = CONFIG.read_text(encoding="utf-8")
        self.config.write_text(f'{text}\n[folders]\nstate = "{self.state}"\nrun = "{folder}"\n')

    def ran_once(self) -> None:
        """Make the records, as call control does at its first start."""
        open_database(database_path(self.state), self.state / "corrupt").connection.close()

    def run(self, *arguments: str) -> str:
        """Run `centralino office sheets` and return what it says."""
        result = CliRunner().invoke(main, ("sheets", "--config", str(self.config), *arguments))
        return result.output

    def found(self) -> set[str]:
        """Name the sheets that can be found."""
        with closing(open_reader(database_path(self.state))) as connection:
            return {sheet.code for sheet in sheets.all_sheets(connection)}


def test_import_and_search(tmp_path: Path) -> None:
    """What changed, what is stale, and found while the caller is on the line."""
    box, folder = Box(tmp_path), tmp_path / "sheets"
    shutil.copytree(EXAMPLES, folder)
    assert "non ci sono ancora archivi" in box.run("import", str(folder))
    box.ran_once()
    assert box.run("import", str(folder)).splitlines()[-2:] == [
        "mensa-scolastica: nuova",
        "schede: 4",
    ]
    assert box.run("import", str(folder)) == "schede: 4\n"
    card = folder / "carta-identita.md"
    card.write_text(card.read_text().replace("2026-06-15", "2024-06-15"))
    (folder / "imu.md").unlink()
    again = box.run("import", str(folder))
    assert "carta-identita: cambiata" in again
    assert "imu: non c'è più" in again
    assert "carta-identita: aggiornata l'ultima volta il 15 giugno 2024" in again
    assert box.run("search", "cambio", "residenza").startswith("cambio-residenza ")
    assert '"code": "mensa-scolastica"' in box.run("search", "celiachia", "--json")
    assert box.run("search", "acconto") == "nessuna scheda ha tutte queste parole\n"
    assert "il centralino non risponde su" in box.run("used", "imu", "--position", "op1")


def test_what_was_edited_in_the_console_stays(tmp_path: Path) -> None:
    """An import says what it would overwrite, and by whose hand; it does so when it is told to."""
    folder, box = tmp_path / "sheets", Box(tmp_path)
    box.ran_once()
    folder.mkdir()
    for code in ("imu", "tari", "cani"):
        (folder / f"{code}.md").write_text(GOOD, encoding="utf-8")
    box.run("import", str(folder))
    edited = sheet_file.parse_sheet(GOOD.replace("giugno", "luglio"), "imu")
    own = sheet_file.parse_sheet(GOOD, "ici")
    at = datetime(2026, 11, 25, 9, tzinfo=UTC)
    with closing(connect(database_path(box.state))) as connection:
        for sheet in (edited, own):
            sheets.put(connection, sheet, Noted(at, "anna", sheets.CHANGED, sheet.code))
        sheets.remove(connection, "tari", Noted(at, "anna", sheets.REMOVED, "tari"))
    said = box.run("import", str(folder)).splitlines()
    assert "imu: modificata nella console da anna il 25 novembre 2026: resta così" in said[1]
    assert "tari: tolta nella console da anna il 25 novembre 2026: resta tolta" in said[2]
    assert said[0].startswith("ici: modificata")
    assert box.found() == {"cani", "ici", "imu"}
    assert "luglio" in box.run("search", "luglio")
    said = box.run("import", str(folder), "--replace").splitlines()
    assert "imu: la cartella prende il posto di ciò che anna ha fatto" in said[1]
    assert box.found() == {"cani", "imu", "tari"}
    assert box.run("import", str(folder)) == "schede: 3\n"
