"""A file that was edited anywhere is read; what an editor did to it is said, with its line."""

from __future__ import annotations

import pytest

from appliance.bootfile.read import read_file
from appliance.bootfile.values import LARGEST_FILE, text_of_file
from appliance.config import read
from appliance.config.mistakes import BadConfiguration

FILE = '[site]\nname = "Città"\n'


def mistake(contents: bytes) -> tuple[int, str, str]:
    """Return the line, the Italian and the English of the one mistake of a file."""
    try:
        (found,) = read_file(text_of_file(contents)).mistakes
    except BadConfiguration as error:
        (found,) = error.mistakes
    return found.line, found.it, found.text


@pytest.mark.parametrize(
    "contents",
    [
        FILE.encode(),
        FILE.encode("utf-8-sig"),
        FILE.encode("utf-16"),
        b"\xfe\xff" + FILE.encode("utf-16-be"),
        FILE.replace("\n", "\r\n").encode("utf-8-sig"),
        FILE.replace("\n", "\r").encode(),
    ],
    ids=["plain", "mark", "utf-16", "big-endian", "windows", "old mac"],
)
def test_what_editors_save_is_read(contents: bytes) -> None:
    """Marks in front, line ends and Windows' "Unicode" make no difference."""
    assert text_of_file(contents) == FILE
    assert read_file(text_of_file(contents)).data == {"site": {"name": "Città"}}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("[site]\nname = “Città”", 2, "straight ones"),
        ("[site]\nname = «x»", 2, "straight ones"),
        ("[site]\nname = 'x’", 2, "straight ones"),
        ('[site]\n\u00a0name = "x"', 2, "cannot be seen"),
        ('[site]\nname = "x\nemail = ""', 2, "a quote is missing"),
        ("[site]\nname = Comune di Esempio", 2, "stands in quotes"),
        ("[site]\nname = città", 2, "stands in quotes"),
        ('[site]\nname = "a"\nname = "b"', 3, "written twice"),
        ('[site]\nname = "a"\n[site]\nemail = ""', 3, "in line 1"),
        ("[site]\nname: x", 2, "no colon"),
        ("[hours]\nmonday = [\n", 2, "] is missing"),
        ("[" * 5000, 1, "write each entry as"),
        ("a = " + "9" * 5000, 1, "stands in quotes"),
    ],
)
def test_what_cannot_be_read_is_said(text: str, line: int, words: str) -> None:
    """Each slip of a hand or of an editor has its line, its sentence and its remedy."""
    at, it, en = mistake(text.encode())
    assert (at, words in en) == (line, True), (at, en)
    assert it


def test_quotes_within_text_and_remarks_are_left_alone() -> None:
    """Curly quotes are wrong in the place of straight ones alone."""
    assert read_file('name = "dei “Caduti”" # “così”').data == {"name": "dei “Caduti”"}
    assert mistake("name = # “così”".encode())[2].startswith("the value is missing")


def test_a_letter_in_an_old_encoding_has_its_line() -> None:
    """Saved as "ANSI", the first letter with an accent is pointed at."""
    line, it, en = mistake('[site]\nname = "x"\nemail = "è"'.encode("cp1252"))
    assert line == 3
    assert "UTF-8" in it
    assert "UTF-8" in en


def test_what_is_no_text_is_damaged() -> None:
    """Bytes of zero are of a card that failed: the delivered file is to be copied again."""
    assert "damaged" in mistake(b"\0" * 100)[2]


def test_a_file_without_end_is_refused() -> None:
    """What is larger than any office's file is not read, wherever it lies."""
    assert LARGEST_FILE == read.LARGEST
    assert "longer than" in mistake(b"#" * (LARGEST_FILE + 1))[2]
