"""Text as a PDF: read again by poppler, another reader."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from appliance.errors import OfficeError
from appliance.mail.paper import COLUMNS, UPRIGHT, WIDE_COLUMNS, pdf, table_pdf, writable

needs_poppler = pytest.mark.skipif(
    shutil.which("pdftotext") is None, reason="needs Debian's poppler-utils"
)


def read_again(tmp_path: Path, document: bytes) -> tuple[list[str], str]:
    """Return the lines of each page of a document, and what pdfinfo says of it."""
    path = tmp_path / "paper.pdf"
    path.write_bytes(document)
    text = _run("pdftotext", "-layout", path, "-")
    return text.split("\f")[:-1], _run("pdfinfo", path)


def _run(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""  # poppler complains of whatever is not as the standard has it
    return done.stdout


@needs_poppler
def test_letters_and_brackets_come_through(tmp_path: Path) -> None:
    """Italian letters, typographic signs, brackets and backslashes are read as written (E15)."""
    rows = (r"Perché l'è già così: ÀÈÉÌÒÙ àèéìòù ç ñ ö ß € « » “ ” ’ – (a) \n )(", "", "fine")
    pages, info = read_again(tmp_path, pdf("Comune di Forlì – Richiesta 17", rows))
    lines = [line.strip() for line in pages[0].splitlines() if line.strip()]
    assert lines == ["Comune di Forlì – Richiesta 17", rows[0], "fine", "1/1"]
    assert "595 x 842 pts (A4)" in info
    assert "Comune di Forlì – Richiesta 17" in info


@needs_poppler
def test_long_texts_are_wrapped_and_go_on_overleaf(tmp_path: Path) -> None:
    """No word is lost at the margin or at a page's end; each page says which of how many it is."""
    words = [f"parola{n}" for n in range(1000)]
    rows = (" ".join(words), "x" * 200, "due\nrighe")
    pages, _ = read_again(tmp_path, pdf("Titolo " * 30, rows))
    body = [line.strip() for page in pages for line in page.splitlines()[1:] if line.strip()]
    numbers = [line for line in body if line.endswith(f"/{len(pages)}")]
    text = [line for line in body if line not in numbers]
    assert numbers == [f"{n}/{len(pages)}" for n in range(1, len(pages) + 1)]
    assert len(pages) == -(-len(text) // UPRIGHT.lines) > 2
    assert max(map(len, text)) == COLUMNS
    assert " ".join(text).split()[:1000] == words
    assert text[-5:] == ["x" * 80, "x" * 80, "x" * 40, "due", "righe"]


@needs_poppler
def test_nothing_to_say_is_a_page_too(tmp_path: Path) -> None:
    """A title alone is a document."""
    pages, _ = read_again(tmp_path, pdf("Richiesta 1", ()))
    assert pages[0].split() == ["Richiesta", "1", "1/1"]


def test_marks_that_the_fonts_lack_are_left_out() -> None:
    """A name is written as near as it can be, composed or not; another alphabet is refused."""
    assert writable("Ștefan Čapek, perche\u0301") == "Stefan Capek, perché"
    with pytest.raises(OfficeError, match="export the e-mails instead"):
        writable("Ж")


@needs_poppler
def test_a_table_keeps_its_columns(tmp_path: Path) -> None:
    """Across the paper, line by line as it was written; a longer line goes on below."""
    row = f"{'051 598 111':<40}{12:>20}{'2,6 s':>20}"
    pages, info = read_again(tmp_path, table_pdf("Rapporto", f"{row}\n\n{'x' * 130}"))
    lines = [line.strip() for line in pages[0].splitlines() if line.strip()]
    assert lines[1].split() == row.split()
    assert lines[2:4] == ["x" * WIDE_COLUMNS, "x" * (130 - WIDE_COLUMNS)]
    assert "842 x 595 pts (A4)" in info
