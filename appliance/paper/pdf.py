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
from appliance.text import _

if TYPE_CHECKING:
    from pathlib import Path

    from weasyprint.urls import URLFetcherResponse

    from appliance.paper.document import Document


# A document as one self-contained HTML page, with everything escaped.

TEMPLATE: Final = "document.html"
LABELS: Final = {
    "subject": _("Subject"),
    "page": _("Page"),
    "of": _("of"),
}
NO_GLYPH: Final = _(
    "Where {mark} stands, a character is missing that this device cannot print "
    "({codes}). The e-mail of the request has the whole text."
)


def document_page(document: Document) -> str:
    """Return a document's HTML; letters without a font are replaced, and a note lists them."""
    clean = _without_controls(document)
    missing = without_glyph(to_json(clean).decode())
    note = ""
    if missing:
        names = ", ".join(f"U+{ord(each):04X}" for each in missing)
        note = NO_GLYPH.filled(mark=MISSING, codes=names).text(clean.language)
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
    labels = {name: words.text(clean.language) for name, words in LABELS.items()}
    return environment.from_string(source).render(document=clean, label=labels, note=note)


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

    Asks fontconfig's fc-list; without it every letter counts as printable. An fc-list that fails
    raises CalledProcessError, and one that is slow is waited for, within the limit of the whole
    document: else a name would lose a letter unnoticed.
    """
    wanted = sorted({letter for letter in text if _needs_a_font(letter)})
    if not wanted:
        return ()
    command = ("fc-list", "--format", "%{charset}\n")
    try:
        found = subprocess.run(command, capture_output=True, check=True)
    except FileNotFoundError:
        return ()
    fonts = _ranges(found.stdout.decode("ascii"))
    return tuple(each for each in wanted if not any(ord(each) in letters for letters in fonts))


def _needs_a_font(letter: str) -> bool:
    return ord(letter) > 0xFF and unicodedata.category(letter) not in {"Cf", "Cc", "Zs", "Mn"}


def _ranges(charsets: str) -> frozenset[range]:
    """Read what fonts have, as fontconfig writes it: "20-7e a0 e3f"."""
    ends = (each.partition("-") for each in charsets.split())
    return frozenset(range(int(first, 16), int(last or first, 16) + 1) for first, _, last in ends)
