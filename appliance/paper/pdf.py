"""A document as self-contained HTML and as a PDF; the ONLY weasyprint and jinja2 imports.

Only the child process (__main__) and the field test import it.
"""

from __future__ import annotations

import json
import subprocess
import unicodedata
from dataclasses import asdict
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

import jinja2
import weasyprint
from weasyprint.urls import URLFetcher

from appliance.files import READABLE, atomic_write
from appliance.paper.document import from_json, to_json
from appliance.policy.text import Words

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from weasyprint.urls import URLFetcherResponse

    from appliance.paper.document import Document


# A document as one self-contained HTML page, with everything escaped.

TEMPLATE: Final = "document.html"
LABELS: Final = {
    "subject": Words("Oggetto", "Subject"),
    "page": Words("Pagina", "Page"),
    "of": Words("di", "of"),
}
NO_GLYPH: Final = Words(
    "Dove si legge {} manca un carattere che questo dispositivo non sa stampare ({}). "
    "Il testo intero è nell'e-mail della richiesta.",
    "Where {} stands, a character is missing that this device cannot print ({}). "
    "The e-mail of the request has the whole text.",
)


def document_page(document: Document) -> str:
    """Return a document's HTML; letters without a font are replaced, and a note lists them."""
    clean = _without_controls(document)
    missing = without_glyph(to_json(clean).decode())
    note = ""
    if missing:
        names = ", ".join(f"U+{ord(each):04X}" for each in missing)
        note = _said(NO_GLYPH, clean.language).format(MISSING, names)
        table = str.maketrans(dict.fromkeys(missing, MISSING))
        clean = from_json(to_json(clean).decode().translate(table).encode())
    environment = jinja2.Environment(
        loader=jinja2.BaseLoader(),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    source = (resources.files("appliance.paper") / TEMPLATE).read_text(encoding="utf-8")
    labels = {name: _said(words, clean.language) for name, words in LABELS.items()}
    return environment.from_string(source).render(document=clean, label=labels, note=note)


def _said(words: Words, language: str) -> str:
    return words.it if language == "it" else words.en


def _without_controls(document: Document) -> Document:
    """Remove control characters and lone surrogates, which no font can draw."""

    def cleaned(value: Any) -> Any:
        if isinstance(value, str):
            plain = unicodedata.normalize("NFC", value.replace("\r\n", "\n").replace("\t", " "))
            return "".join(c for c in plain if c == "\n" or unicodedata.category(c) not in _NONE)
        if isinstance(value, dict):
            return {name: cleaned(each) for name, each in value.items()}
        return [cleaned(each) for each in value] if isinstance(value, list | tuple) else value

    return from_json(json.dumps(cleaned(asdict(document))).encode())


_NONE: Final = frozenset({"Cc", "Cs", "Cn"})


# An HTML page as a PDF; nothing is fetched for it. WeasyPrint lays text out with Pango, so that
# every script is shaped and runs in its own direction, and tags it for screen readers (PDF/UA-1,
# ISO 14289). The same page gives the same bytes.

EMBEDDED: Final = "data:"
MISSING: Final = "□"
"""Replaces a letter that no font of the box has."""
FONTS_LIMIT_S: Final = 20.0


class FetchedError(ValueError):
    """Raised if a page refers to anything outside itself."""


class Fetcher(URLFetcher):  # type: ignore[misc] # its library ships no annotations
    """Returns embedded data and refuses every other URL of a page."""

    def fetch(self, url: str, headers: dict[str, str] | None = None) -> URLFetcherResponse:
        """Return the contents of a data: URL; raises FetchedError for any other."""
        if not url.startswith(EMBEDDED):
            raise FetchedError(f"{url[:80]!r} is not within the page")
        return super().fetch(url, headers)


def html_to_pdf(page: str) -> bytes:
    """Return a page of HTML as a PDF, tagged for screen readers."""
    made = weasyprint.HTML(string=page, url_fetcher=Fetcher())
    return bytes(made.write_pdf(pdf_variant="pdf/ua-1"))


def write_pdf(page: str, path: Path) -> None:
    """Write a page of HTML as a PDF; raises OSError."""
    atomic_write(path, html_to_pdf(page), mode=READABLE)


def without_glyph(text: str) -> tuple[str, ...]:
    """Return the letters of a text that no font of this machine has, sorted.

    Asks fontconfig's fc-list; without it every letter counts as printable.
    """
    # One question for all letters: usually one font has them, and no second process is started.
    wanted = sorted({letter for letter in text if _needs_a_font(letter)})
    if not wanted or _is_in_a_font(wanted):
        return ()
    return tuple(letter for letter in wanted if not _is_in_a_font([letter]))


def _needs_a_font(letter: str) -> bool:
    return ord(letter) > 0xFF and unicodedata.category(letter) not in {"Cf", "Cc", "Zs", "Mn"}


def _is_in_a_font(letters: Iterable[str]) -> bool:
    """True if one font has all the letters, or fc-list cannot tell."""
    charset = " ".join(f"{ord(letter):x}" for letter in letters)
    try:
        found = subprocess.run(
            ("fc-list", f":charset={charset}", "file"),
            capture_output=True, timeout=FONTS_LIMIT_S, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return True
    return bool(found.stdout.strip())
