"""The address book as a spreadsheet's table: nothing is lost, each mistake has its line."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from importlib import resources

import pytest

from appliance.config.address_book_file import read_table, write_table
from appliance.config.values import BadConfiguration
from appliance.policy.address_book import BookEntry, BookNumber, HouseNumbers
from appliance.policy.numbering import SecretNumber

TODAY = date(2026, 11, 30)
FULL = BookEntry(
    "ausl", "Azienda; USL", "anna", date(2026, 11, 1), date(2026, 11, 20),
    (BookNumber("+39 800 884 888", "CUP", "lun-ven"), BookNumber("051 6478999", may_tell=False)),
    ("asl", "città"), "via Castiglione 29", "https://www.ausl.example", 'Nota "vera".', "Chiami.",
    date(2028, 1, 1),
)  # fmt: skip
BARE = BookEntry("poste", "Poste", "anna", TODAY, date(2027, 11, 30), note="=1+1")
NO_HOUSE = HouseNumbers()


def read(text: str, house: HouseNumbers = NO_HOUSE, *, sure: bool = False) -> tuple[BookEntry, ...]:
    """Read a table."""
    return read_table(text, "book.csv", "carla", TODAY, (), house, is_confirmed=sure)


def mistakes(text: str, house: HouseNumbers = NO_HOUSE) -> list[str]:
    """Return the sentences about a table, with their lines."""
    with pytest.raises(BadConfiguration) as refused:
        read(text, house)
    return [str(each) for each in refused.value.mistakes]


@pytest.mark.parametrize("language", ["it", "en"])
def test_what_is_written_is_read(language: str) -> None:
    """In either language; a cell that a spreadsheet would take for a formula is none."""
    text = write_table((FULL, BARE), language)
    assert "'=1+1" in text
    assert read(text) == (FULL, BARE)
    assert read("\ufeff" + text.replace("\n", "\r\n")) == (FULL, BARE)


def test_what_is_left_out_has_its_default() -> None:
    """Checked today by who imports; codes of names; days as people write them; commas or tabs."""
    (post, second) = read(
        "Name,number,valid until\nPoste,803160,\n,800 1234,\n\nPoste,803161,31/12/2026\n"
    )
    assert (post.code, second.code) == ("poste", "poste-2")
    assert [each.number for each in post.numbers] == ["803160", "800 1234"]
    assert (post.checked_by, post.checked_on, post.check_by) == (
        "carla", TODAY, date(2027, 11, 30),
    )  # fmt: skip
    assert second.last == date(2026, 12, 31)
    assert read("nome\tnumero\tsi può dire\nPoste\t803160\tNO\n")[0].told == ()


def test_a_day_of_checking_to_come_is_today() -> None:
    """Nobody has checked anything tomorrow."""
    (entry,) = read("nome;nota;verificato il\nPoste;x;2027-01-01\n")
    assert entry.checked_on == TODAY


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ["book.csv: has no body in it"]),
        ("nome;nota\nA;x; y;\n", ["line 2, book.csv: has more cells than columns"]),
        ("nome;numero\n", ["book.csv: has no body in it"]),
        ("numero\n1\n", ["line 1, book.csv: is no column"]),
        ("nome;telefono\nPoste;803160\n", ["line 1, telefono: is no column"]),
        ("nome;numero\nPoste;12\n", ["line 2, numero: is no number that callers can dial"]),
        ("nome;numero\nPoste;803160\n;99\n", ["line 3, numero: is no number"]),
        ("nome;numero\n;803160\n", ["line 2, nome: is needed"]),
        ("codice;nome;numero\na;Poste;803160\nb;;803161\n", ["line 3, nome: is needed"]),
        ("codice;nome;nota\na;A;x\na;B;x\n", ["line 3, codice: is the code of two bodies"]),
        ("codice;nome;nota\nA b;A;x\n", ["line 2, codice: is of small letters"]),
        (f"nome;nota\nA;{'x' * 201}\n", ["line 2, nota: is too long"]),
        ("nome;sito\nA;a.example\n", ["line 2, sito: begins with https://"]),
        ("nome;numero;si può dire\nA;803160;forse\n", ["line 2, si può dire: is yes or no"]),
        ("nome;nota;vale fino al\nA;x;boh\n", ["line 2, vale fino al: "]),
        ("nome;nota\nA;\n", ["line 2, number: is needed, or"]),
        ('nome;nota\nA;x\n"B;x\n', ["line 3, book.csv: is no row of a table"]),
        ("nome;numero\nA;803160\n" + ";803161\n" * 6, ["line 2, nome: has more than 6 numbers"]),
    ],
)
def test_what_is_wrong_has_its_line(text: str, said: list[str]) -> None:
    """One sentence each, with the column as the file names it."""
    found = mistakes(text)
    assert len(found) == len(said), found
    assert all(each.startswith(start) for each, start in zip(found, said, strict=True)), found


def test_all_mistakes_are_said_at_once() -> None:
    """Whoever corrects a table does it once."""
    assert len(mistakes("nome;numero;sito\nA;12;x\nB;803160;\n;99;\n")) == 3


def test_this_offices_numbers_are_refused() -> None:
    """One of the register always (P7), one that looks like ours until it is confirmed."""
    house = HouseNumbers(frozenset({SecretNumber("051598230")}), ("051598111",))
    ours, near = "nome;numero\nA;051 598230\n", "nome;numero\nA;051 598333\n"
    assert "register of offices" in mistakes(ours, house)[0]
    said = "nome;numero;da dire\nA;051 6478111;o lo 0 051–598230\n"
    assert "register of offices" in mistakes(said, house)[0]
    assert "confirm" in mistakes(near, house)[0]
    assert read(near, house, sure=True)[0].numbers == (BookNumber("051 598333"),)


def test_the_example_is_right() -> None:
    """Twenty bodies that callers of a municipality ask for, each with a number to tell."""
    place = resources.files("appliance.config") / "example_address_book.csv"
    entries = read(place.read_text(encoding="utf-8"))
    assert len(entries) >= 20
    assert all(entry.told for entry in entries)
    assert [e.code for e in entries if e.note and not e.note.endswith(".")] == []
    assert [e.code for e in entries if e.say and not e.say.endswith(".")] == []
    assert read(write_table(entries, "it")) == entries
    assert replace(entries[0], code="x") not in entries
