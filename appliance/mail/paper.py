"""Text on A4 pages as a PDF, for whoever files it; this file alone uses pydyf.

The fonts are Courier's of every PDF reader (ISO 32000-1, 9.6.2.2), so that none is carried along:
600/1000 of the size wide, whatever the letter. Their letters are those of Western Europe (WinAnsi,
annex D); a letter of another alphabet is written without its mark, or refused.
"""

from __future__ import annotations

import io
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import pydyf

from appliance.policy.words import SaidError, Words

MARGIN_PT = 56
SIZE_PT, LEADING_PT, TITLE_PT = 10, 14, 13
COLUMNS, TITLE_COLUMNS = 80, 60
"""What fits between the margins."""
WIDE_COLUMNS = 121


class Sheet(NamedTuple):
    """A sheet of A4, in points (1/72 inch), and the lines of text on it, below its title."""

    width: int
    height: int
    lines: int


UPRIGHT, WIDE = Sheet(595, 842, 48), Sheet(842, 595, 31)
ENCODING = "cp1252"


def table_pdf(title: str, text: str) -> bytes:
    """Write a text whose columns stand below each other, across the paper; raises OfficeError."""
    lines = [
        line[at : at + WIDE_COLUMNS]
        for line in writable(text).splitlines()
        for at in range(0, max(1, len(line)), WIDE_COLUMNS)
    ]
    return _written(title, lines, WIDE)


def pdf(title: str, rows: Iterable[str]) -> bytes:
    """Write a title and paragraphs; raises OfficeError for a letter that cannot be written."""
    return _written(title, [line for row in rows for line in _wrapped(writable(row))], UPRIGHT)


def _written(title: str, lines: Sequence[str], sheet: Sheet) -> bytes:
    starts = range(0, max(1, len(lines)), sheet.lines)
    pages = [lines[at : at + sheet.lines] for at in starts]
    document = pydyf.PDF()
    document.info["Title"] = pydyf.String(title)
    fonts = {name: _font(document, base) for name, base in _FONTS.items()}
    head = textwrap.shorten(writable(title), TITLE_COLUMNS, placeholder=" …")
    for number, page in enumerate(pages, 1):
        _add(document, fonts, sheet, (head, page, f"{number}/{len(pages)}"))
    written = io.BytesIO()
    document.write(written, identifier=True)
    return written.getvalue()


def writable(text: str) -> str:
    """Return a text in letters of the fonts: č as c; raises OfficeError for what has no such."""
    plain = unicodedata.normalize("NFC", text).translate(_SIGNS)
    return "".join(_letter(character) for character in plain)


_SIGNS = str.maketrans({"≤": "<=", "≥": ">=", "→": "->", "−": "-"})


_FONTS = {"F1": "Courier", "F2": "Courier-Bold"}


def _letter(character: str) -> str:
    if _is_written(character):
        return character
    bare = "".join(c for c in unicodedata.normalize("NFKD", character) if _is_written(c))
    if bare or unicodedata.category(character) in {"Mn", "Cf"}:
        return bare
    raise SaidError(
        Words(
            f"{character!r} non si può scrivere nel PDF: scaricare le e-mail",
            f"{character!r} cannot be written in the PDF: export the e-mails instead",
        )
    )


def _is_written(character: str) -> bool:
    try:
        return bool(character.encode(ENCODING))
    except UnicodeEncodeError:
        return False


def _wrapped(row: str) -> list[str]:
    paragraphs = (" ".join(part.split()) for part in row.splitlines() or [""])
    return [line for part in paragraphs for line in textwrap.wrap(part, COLUMNS) or [""]]


def _font(document: pydyf.PDF, base: str) -> bytes:
    font = pydyf.Dictionary(
        {
            "Type": "/Font",
            "Subtype": "/Type1",
            "BaseFont": f"/{base}",
            "Encoding": "/WinAnsiEncoding",
        }
    )
    document.add_object(font)
    reference: bytes = font.reference
    return reference


def _add(
    document: pydyf.PDF,
    fonts: dict[str, bytes],
    sheet: Sheet,
    told: tuple[str, Sequence[str], str],
) -> None:
    """Add a page: the title, its lines, and which page of how many it is."""
    title, lines, place = told
    stream = pydyf.Stream(compress=True)
    top = sheet.height - MARGIN_PT
    _show(stream, "F2", TITLE_PT, top, title)
    for number, line in enumerate(lines):
        _show(stream, "F1", SIZE_PT, top - (number + 2) * LEADING_PT, line)
    _show(stream, "F1", SIZE_PT, MARGIN_PT // 2, place)
    document.add_object(stream)
    page = pydyf.Dictionary(
        {
            "Type": "/Page",
            "Parent": document.pages.reference,
            "MediaBox": pydyf.Array([0, 0, sheet.width, sheet.height]),
            "Contents": stream.reference,
            "Resources": pydyf.Dictionary({"Font": pydyf.Dictionary(fonts)}),
        }
    )
    document.add_page(page)


def _show(stream: pydyf.Stream, font: str, size_pt: int, y_pt: int, line: str) -> None:
    stream.begin_text()
    stream.set_font_size(font, size_pt)
    stream.set_text_matrix(1, 0, 0, 1, MARGIN_PT, y_pt)
    stream.show_text_string(line.encode(ENCODING))
    stream.end_text()
