"""Writer of the configuration's reference and schemas: `python -m appliance.config.keys docs`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from appliance.config.keys.json_schema import json_schema
from appliance.config.keys.page import NAMES, page
from appliance.text import LANGUAGES


def schema_name(language: str) -> str:
    """Return the file name of a language's JSON Schema."""
    return f"centralino.schema.{language}.json"


def main(pages: Path) -> None:
    """Write the page of each language, and its schema into the folder `schemas` beside it."""
    (pages / "schemas").mkdir(exist_ok=True)
    for language in NAMES:
        place = pages / f"configuration.{language}.md"
        place.write_text(page(language), encoding="utf-8")
    for language in LANGUAGES:
        text = json.dumps(json_schema(language), ensure_ascii=False, indent=1)
        (pages / "schemas" / schema_name(language)).write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
