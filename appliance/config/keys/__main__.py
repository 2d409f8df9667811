"""Writer of the configuration's reference pages: `python -m appliance.config.keys docs`."""

from __future__ import annotations

import sys
from pathlib import Path

from appliance.config.keys.page import page
from appliance.text import LANGUAGES


def main(folder: Path) -> None:
    """Write the page of each language into a folder."""
    for language in LANGUAGES:
        place = folder / f"configuration.{language}.md"
        place.write_text(page(language), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
