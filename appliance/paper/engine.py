"""A page of HTML as a PDF; the ONLY weasyprint import. Nothing is fetched for it.

WeasyPrint lays text out with Pango, so that every script is shaped and runs in its own direction,
and tags it for screen readers (PDF/UA-1, ISO 14289). The same page gives the same bytes.
"""

from __future__ import annotations

import subprocess
import unicodedata
from typing import TYPE_CHECKING, Final

import weasyprint
from weasyprint.urls import URLFetcher, URLFetcherResponse

from appliance.files import READABLE, atomic_write

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

EMBEDDED: Final = "data:"
MISSING: Final = "□"
"""Stands for a letter that no font of the box has."""
FONTS_LIMIT_S: Final = 20.0


class FetchedError(ValueError):
    """Raised when a page asks for something that does not lie within it."""


class Fetcher(URLFetcher):  # type: ignore[misc] # its library ships no annotations
    """Gives what is embedded; whatever else a page names is not looked for."""

    def fetch(self, url: str, headers: dict[str, str] | None = None) -> URLFetcherResponse:
        """Return what a data: address holds; raises FetchedError for any other."""
        if not url.startswith(EMBEDDED):
            raise FetchedError(f"{url[:80]!r} is not within the page")
        return super().fetch(url, headers)


def pdf(page: str) -> bytes:
    """Return a page of HTML as a PDF, tagged for screen readers."""
    made = weasyprint.HTML(string=page, url_fetcher=Fetcher())
    return bytes(made.write_pdf(pdf_variant="pdf/ua-1"))


def write(page: str, path: Path) -> None:
    """Write a page of HTML as a PDF; raises OSError."""
    atomic_write(path, pdf(page), mode=READABLE)


def without_glyph(text: str) -> tuple[str, ...]:
    """Return the letters of a text that no font of this machine has, in their order.

    fontconfig's fc-list tells; without it every letter counts as one that can be printed.
    """
    wanted = sorted({letter for letter in text if _needs_a_font(letter)})
    if not wanted or _is_in_a_font(wanted):
        return ()
    return tuple(letter for letter in wanted if not _is_in_a_font([letter]))


def _needs_a_font(letter: str) -> bool:
    return ord(letter) > 0xFF and unicodedata.category(letter) not in {"Cf", "Cc", "Zs", "Mn"}


def _is_in_a_font(letters: Iterable[str]) -> bool:
    """Tell whether one font has all of some letters."""
    charset = " ".join(f"{ord(letter):x}" for letter in letters)
    try:
        found = subprocess.run(
            ("fc-list", f":charset={charset}", "file"),
            capture_output=True, timeout=FONTS_LIMIT_S, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return True
    return bool(found.stdout.strip())
