"""Papers as PDF: read again by poppler, another reader; written by the child that writes them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import zlib
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.paper import document, pdf
from appliance.paper.document import Document, DocumentPart
from tests.helpers.paper import AT_ONCE

needs_poppler = pytest.mark.skipif(
    shutil.which("pdftotext") is None, reason="needs Debian's poppler-utils"
)
NAMES = (
    "Łukasz Żółć, Ștefan Țurcanu, Çağla Őz",
    "Олександр Шевченко",
    "Γιώργος Παπάς",
    "محمد علي حسن",
    "דוד כהן",
    "Արմեն Սարգսյան",
)
"""Six scripts, all within the fonts that the package brings (fonts-dejavu-core)."""
LETTER = Document(
    language="it",
    house="Comune di Forlì",
    title="Comune di Forlì – Richiesta 17",
    subject="richiesta n. 17 – Residenza",
    contacts=("Piazza Saffi 8, 47121 Forlì", "urp@comune.example"),
    day="23 novembre 2026",
    to=("All'ufficio Anagrafe",),
    opening="Richiesta presa in carico dal centralino.",
    parts=(
        DocumentPart("Utente", tuple((f"Nome {n}", name) for n, name in enumerate(NAMES))),
        DocumentPart(
            "Richiesta", (("Ufficio", "Anagrafe"),), "Perché l'è così?\n  (a) \\n )( € « » “ ”"
        ),
    ),
)


def written(letter: Document) -> bytes:
    """Write a PDF as the child does, which gives way to all else: in this very process, which does
    not, the suite's other workers cannot keep it waiting beyond its limit.
    """
    return pdf.html_to_pdf(pdf.document_page(letter))


def read_again(tmp_path: Path, document: bytes, *how: str) -> tuple[str, str]:
    """Return a document's text and what pdfinfo says of it."""
    path = tmp_path / "paper.pdf"
    path.write_bytes(document)
    return _run("pdftotext", *how, path, "-"), _run("pdfinfo", path)


def _run(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""  # poppler complains of whatever is not as the standard has it
    return done.stdout


def letters_of(text: str) -> str:
    """Leave out the marks of direction that poppler puts around a script from right to left."""
    return "".join(c for c in text if c not in "\u202a\u202b\u202c\u202d\u202e\u200e\u200f")


@needs_poppler
def test_names_of_six_scripts_are_read_back(tmp_path: Path) -> None:
    """Whoever copies a citizen's name out of the PDF gets the name: accents, Cyrillic, Arabic."""
    text, info = read_again(tmp_path, written(LETTER))
    found = letters_of(text)
    assert [name for name in NAMES if name not in found] == []
    assert "595.276 x 841.89 pts (A4)" in info


@needs_poppler
def test_a_letter_is_read_in_its_order(tmp_path: Path) -> None:
    """Letterhead, day, addressee, subject, parts, page: as a screen reader says them."""
    text, info = read_again(tmp_path, written(LETTER))
    order = (
        "Comune di Forlì", "Piazza Saffi 8", "23 novembre 2026", "All'ufficio Anagrafe",
        "Oggetto: richiesta n. 17 – Residenza", "Richiesta presa in carico", "Utente", "Łukasz",
        "Ufficio", "Anagrafe", "Perché l'è così?", "(a) \\n )( € « » “ ”", "Pagina 1 di 1",
    )  # fmt: skip
    at = 0
    for each in order:
        assert each in text[at:], (each, text)
        at = text.index(each, at) + len(each)
    assert "Title:           Comune di Forlì – Richiesta 17" in info
    assert "Tagged:          yes" in info


@needs_poppler
def test_a_pdf_names_its_language_and_its_headings(tmp_path: Path) -> None:
    """A screen reader speaks its language, jumps from heading to heading, and reads tables."""
    made = written(LETTER)
    (path := tmp_path / "paper.pdf").write_bytes(made)
    structure = _run("pdfinfo", "-struct", path)
    for tag in ("H1", "H2", "Table", "TH", "TD"):
        assert f"{tag} " in structure or f"{tag}\n" in structure or f"{tag}:" in structure
    assert b"/Lang (it)" in unpacked(made)
    assert b"/Lang (en)" in unpacked(written(replace(LETTER, language="en")))


def unpacked(document: bytes) -> bytes:
    """Return what stands in a PDF's streams."""
    streams = re.findall(rb"stream\n(.*?)\nendstream", document, re.DOTALL)
    return b"\n".join(zlib.decompress(each) for each in streams if each[:1] == b"\x78")


def test_the_same_letter_is_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two who file it file one thing: neither clock nor chance nor the process stands in it."""
    monkeypatch.setattr(document, "PDF_COMMAND", AT_ONCE)
    assert document.make_pdf(LETTER) == written(LETTER) == written(LETTER)


@needs_poppler
def test_a_long_letter_goes_on_overleaf(tmp_path: Path) -> None:
    """No word is lost; every page says which it is and of what."""
    words = " ".join(f"parola{n}" for n in range(1500))
    long = replace(LETTER, parts=(DocumentPart("Testo", text=words + "\n" + "x" * 300),))
    text, info = read_again(tmp_path, written(long))
    pages = text.split("\f")[:-1]
    assert len(pages) == int(info.split("Pages:")[1].split()[0]) > 2
    for number, page in enumerate(pages, 1):
        assert f"Pagina {number} di {len(pages)}" in page
    assert all("Comune di Forlì – Richiesta 17" in page for page in pages[1:])
    assert "Comune di Forlì – Richiesta 17" not in pages[0]
    assert [n for n in range(1500) if f"parola{n}" not in text] == []
    assert text.count("x") >= 300


@needs_poppler
def test_a_letter_that_no_font_has_is_told(tmp_path: Path) -> None:
    """It is marked, and a note says which it is: nobody files a name with a hole unseen."""
    lost = "\U00012000"  # cuneiform
    odd = replace(LETTER, parts=(DocumentPart("Utente", (("Nome", f"Li{lost} Ming\x00\x07"),)),))
    text, _ = read_again(tmp_path, written(odd))
    assert "Li□ Ming" in text
    assert "U+12000" in text
    assert "□" not in read_again(tmp_path, written(LETTER))[0]


@needs_poppler
def test_what_was_typed_is_text(tmp_path: Path) -> None:
    """Markup, styles and addresses are shown as they were typed; nothing is looked for."""
    typed = "<script>x</script> <img src=http://127.0.0.1:1/x> {{ 7*7 }} </table></style> &amp;"
    odd = replace(
        LETTER, subject=typed, house=typed, parts=(DocumentPart(typed, ((typed, typed),)),)
    )
    text, _ = read_again(tmp_path, written(odd), "-layout")
    joined = "".join(text.split())
    for each in ("<script>x</script>", "<imgsrc=http://127.0.0.1:1/x>", "{{7*7}}", "&amp;"):
        assert joined.count(each) >= 3


def test_a_child_that_fails_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """In both languages, with what the child said last."""
    monkeypatch.setattr(
        document, "PDF_COMMAND", ("sh", "-c", "echo first >&2; echo no font >&2; exit 3")
    )
    with pytest.raises(document.PdfFailed) as refused:
        document.make_pdf(LETTER)
    assert "could not be written: no font." in refused.value.words.text("en")
    assert "non si è potuto scrivere: no font." in refused.value.words.text("it")
    monkeypatch.setattr(document, "PDF_COMMAND", ("/nowhere/python",))
    with pytest.raises(document.PdfFailed, match="no file of that name"):
        document.make_pdf(LETTER)


def test_an_fc_list_that_fails_lets_no_letter_go_unseen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether a font has a letter is known, or there is no PDF: whoever wants it tries again."""
    failing = tmp_path / "fc-list"
    failing.write_text("#!/bin/sh\necho 20-7e; exit 1\n", encoding="ascii")
    failing.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(document, "PDF_COMMAND", AT_ONCE)
    with pytest.raises(document.PdfFailed, match="fc-list"):
        document.make_pdf(LETTER)


def test_letters_are_looked_for_in_all_fonts_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One has the letter alone, another within a range; the busiest box starts one process."""
    lists = tmp_path / "fc-list"
    lists.write_text(f"#!/bin/sh\necho 20-7e 416\necho; echo 5d1-5e9\necho x >> {tmp_path}/n\n")
    lists.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert pdf.without_glyph("Ж ד כהן א ת ЗЖ") == ("З", "א", "ת")
    assert (tmp_path / "n").read_text() == "x\n"


def test_without_fc_list_every_letter_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that cannot tell prints what it can."""
    monkeypatch.setenv("PATH", "/nowhere")
    assert pdf.without_glyph("\U00012000") == ()
