"""Writer of the commands' reference: `python -m appliance.commands.reference docs share/man`."""

from __future__ import annotations

import sys
from pathlib import Path

from appliance.commands.reference.manual import pages
from appliance.commands.reference.page import NAMES, page
from appliance.commands.reference.schemas import files


def write(docs: Path, manual: Path) -> None:
    """Write the pages of every language, and the schemas."""
    (docs / "schemas").mkdir(exist_ok=True)
    for name, text in files():
        (docs / "schemas" / name).write_text(text, encoding="utf-8")
    for language in NAMES:
        (docs / f"commands.{language}.md").write_text(page(language), encoding="utf-8")
        for name, text in pages(language):
            (manual / name).parent.mkdir(parents=True, exist_ok=True)
            (manual / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]), Path(sys.argv[2]))
