"""The report's page as a PDF on A4; the ONLY weasyprint import. Nothing is fetched for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import weasyprint

from appliance.files import READABLE, atomic_write

if TYPE_CHECKING:
    from pathlib import Path

EMBEDDED: Final = "data:"


class FetchedError(ValueError):
    """Raised when a page asks for something that does not lie within it."""


def write(page: str, path: Path) -> None:
    """Write a page of HTML as a PDF; raises OSError."""
    made = weasyprint.HTML(string=page, url_fetcher=_fetch).write_pdf()
    atomic_write(path, made, mode=READABLE)


def _fetch(url: str, *args: Any, **more: Any) -> Any:
    """Give what is embedded; whatever else a page names is not looked for."""
    if not url.startswith(EMBEDDED):
        raise FetchedError(f"{url[:80]!r} is not within the report")
    return weasyprint.default_url_fetcher(url, *args, **more)
