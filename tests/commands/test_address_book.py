"""`centralino office address-book`: list, add, change, remove, confirm, import and export."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result

from appliance.__main__ import main
from appliance.policy.address_book import BookEntry, BookNumber
from appliance.store import address_book, database
from appliance.store.database import Noted, connect, database_path, open_database
from tests.commands.samples import CONFIG, call_control


def today() -> date:
    """Return the day as the box counts it; a run of the tests may go past midnight."""
    return datetime.now(ZoneInfo("Europe/Rome")).date()


AUSL = BookEntry(
    "ausl", "Azienda USL", "anna", date(2025, 1, 2), today() + timedelta(days=99),
    (BookNumber("800 884 888", "CUP"), BookNumber("051 6478999", may_tell=False)), ("ticket",),
)  # fmt: skip
TABLE = "nome;numero;descrizione\nPoste;803160;clienti\nCanile;051 5551000;\n"


class Place:
    """A box that has records with one entry."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.state = folder, folder / "state"
        self.state.mkdir()
        self.config = folder / "centralino.toml"
        self.config.write_text(CONFIG.format(folder=folder), encoding="utf-8")
        path = database_path(self.state)
        with closing(open_database(path, self.state / "corrupt").connection) as connection:
            noted = Noted(datetime.now(UTC), "anna", address_book.CHANGED, "ausl")
            address_book.put(connection, AUSL, noted)

    def run(self, *words: str) -> Result:
        """Run the command."""
        environment = {"CENTRALINO_CONFIG": str(self.config)}
        return CliRunner().invoke(main, ["address-book", *words], env=environment)

    def said(self, *words: str) -> str:
        """Run what is done, and return what it says."""
        done = self.run(*words)
        assert done.exit_code == 0, done.output
        return done.output

    def refused(self, *words: str) -> str:
        """Run what is refused, and return why: a sentence, and nothing has changed."""
        before = self.known()
        done = self.run(*words)
        assert done.exit_code == 1, done.output
        assert self.known() == before
        return done.output

    def known(self) -> dict[str, BookEntry]:
        """Return the entries by code."""
        with closing(connect(database_path(self.state))) as connection:
            return {entry.code: entry for entry in address_book.all_entries(connection)}

    def audited(self) -> list[str]:
        """Return the codes of the list of changes, newest first."""
        with closing(connect(database_path(self.state))) as connection:
            return [each.what for each in database.latest(connection, "book.")]

    def file(self, text: str) -> str:
        """Write a table; return its name."""
        made = self.folder / "book.csv"
        made.write_text(text, encoding="utf-8")
        return str(made)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A box on which call control does not run."""
    return Place(tmp_path)


@pytest.fixture
def served(place: Place) -> Iterator[Place]:
    """The same, with call control, which alone writes then."""
    with call_control(place.config):
        yield place


def test_what_there_is_is_listed(place: Place) -> None:
    """Numbers that are not to be told are marked; what has to be checked, too."""
    text = place.said("list")
    assert "ausl                     Azienda USL" in text
    assert "800 884 888  CUP\n" in text
    assert "051 6478999  da non dire" in text
    assert "Azienda USL" in place.said("list", "tiket")
    assert "nessun ente della rubrica" in place.said("list", "zzzz")
    assert "nessun ente è da verificare" in place.said("list", "--due")
    assert json.loads(place.said("list", "--json"))[0]["numbers"][0]["label"] == "CUP"
    place.said("change", "ausl", "--until", "2026-01-01")
    assert "valeva fino al 1° gennaio 2026" in place.said("list", "--due")


def test_one_is_added_changed_confirmed_removed(served: Place) -> None:
    """While call control runs it is written there; each step is in the list of changes."""
    added = served.said(
        "add", "Poste Italiane", "--number", "803 160, clienti, lun-sab 8-20",
        "--keywords", "pacco, spid", "--secret-number", "051 5550000", "--check-by", "31/12/2099",
    )  # fmt: skip
    assert "«Poste Italiane» salvato (poste-italiane)" in added
    entry = served.known()["poste-italiane"]
    assert entry.numbers == (
        BookNumber("803 160", "clienti", "lun-sab 8-20"), BookNumber("051 5550000", may_tell=False),
    )  # fmt: skip
    assert (entry.keywords, entry.check_by) == (("pacco", "spid"), date(2099, 12, 31))
    served.said("change", "poste-italiane", "--note", "Raccomandate.", "--name", "Poste")
    changed = served.known()["poste-italiane"]
    assert (changed.name, changed.note, changed.numbers) == (
        "Poste",
        "Raccomandate.",
        entry.numbers,
    )
    assert "ancora esatto" in served.said("confirm", "ausl")
    assert served.known()["ausl"].checked_on == today()
    assert "«Poste» tolto" in served.said("remove", "poste-italiane")
    assert served.known().keys() == {"ausl"}
    assert served.audited()[:4] == ["book.remove", "book.confirm", "book.change", "book.change"]


def test_bad_input_is_one_clear_sentence(place: Place) -> None:
    """With the number or the option that it is about."""
    short = place.refused("add", "X", "--number", "12")
    assert "12 non è un numero che gli utenti possono comporre" in short
    assert "--number serve, oppure un indirizzo" in place.refused("add", "X")
    assert "--website comincia con https://" in place.refused("add", "X", "--website", "x.it")
    assert "non c'è 'inps'" in place.refused("change", "inps", "--note", "x")
    assert "non c'è 'inps'" in place.refused("remove", "inps")
    assert "non c'è 'inps'" in place.refused("confirm", "inps")
    mobile = place.refused("add", "X", "--number", "347 1234567")
    assert "347 1234567 è un cellulare" in mobile
    assert "--anyway" in mobile
    place.said("add", "X", "--number", "347 1234567", "--anyway")


def test_a_table_is_imported_and_exported(served: Place) -> None:
    """All of it or nothing; what is not in it stays, unless it is to be replaced."""
    first = served.said("import", served.file(TABLE))
    assert "nuovi: 2; 0 modificati; 0 tolti; invariati: 0" in first
    assert served.known().keys() == {"ausl", "poste", "canile"}
    table = served.said("export")
    assert table.startswith("codice;nome;")
    assert "invariati: 3" in served.said("import", served.file(table))
    changed = table.replace("Canile", "Canile comunale")
    assert "1 modificato" in served.said("import", served.file(changed))
    others = served.file(TABLE.replace("Canile", "Gattile"))
    assert "2 tolti" in served.said("import", "--replace", others)
    assert served.known().keys() == {"poste", "gattile"}


def test_a_mistake_in_a_table_names_its_line(place: Place) -> None:
    """Nothing is taken of a table with one."""
    wrong = place.refused("import", place.file(TABLE + "INPS;12;\n"))
    assert "riga 4, numero: non è un numero che gli utenti possono comporre" in wrong
    mobile = place.file(TABLE + "X;347 1234567;\n")
    assert "riga 4, numero: è un cellulare" in place.refused("import", mobile)
    assert "nuovi: 3" in place.said("import", mobile, "--anyway")
    assert "none.csv" in place.refused("import", str(place.folder / "none.csv"))


def test_an_empty_book_says_so(place: Place) -> None:
    """Rather than nothing."""
    place.said("remove", "ausl")
    assert "la rubrica enti è vuota" in place.said("list")
