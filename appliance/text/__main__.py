"""Compiler of the catalogues: `python -m appliance.text` makes one file a language of its .po."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

from appliance.files import READABLE, atomic_write
from appliance.text import DOMAIN, LOCALE

UNDATED = datetime(2026, 1, 1, tzinfo=UTC)
"""POT-Creation-Date of every compiled catalogue."""


def compiled(language: str) -> Path:
    """Return the place of a language's compiled catalogue."""
    return LOCALE / language / "LC_MESSAGES" / f"{DOMAIN}.mo"


def is_current(language: str) -> bool:
    """Tell whether a compiled catalogue is there and no source is newer."""
    made = compiled(language)
    sources = (LOCALE / language).glob("*.po")
    return made.exists() and all(s.stat().st_mtime <= made.stat().st_mtime for s in sources)


def compile_catalogue(language: str) -> None:
    """Make a language's compiled catalogue of all its sources; raises OSError."""
    # Loaded by whoever compiles alone: tests look at each start whether it is needed.
    from babel.messages.catalog import Catalog
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    # Without a date of its own a catalogue has that of its making: other bytes in each package.
    whole = Catalog(locale=language, creation_date=UNDATED)
    for source in sorted((LOCALE / language).glob("*.po")):
        with source.open("rb") as file:
            for message in read_po(file, locale=language):
                # Not the header of each file; one whose translation is missing stays English.
                if message.id:
                    whole[message.id] = message
    made = compiled(language)
    made.parent.mkdir(exist_ok=True)
    data = io.BytesIO()
    write_mo(data, whole)
    atomic_write(made, data.getvalue(), mode=READABLE, is_durable=False)


def main() -> None:
    """Compile what is older than its sources."""
    for folder in sorted(LOCALE.iterdir()):
        if folder.is_dir() and not is_current(folder.name):
            compile_catalogue(folder.name)


if __name__ == "__main__":
    main()
