"""Writer of the configuration's reference and schemas: `python -m appliance.config.keys docs`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

from appliance.config import keys
from appliance.config.keys.json_schema import json_schema
from appliance.config.keys.page import page
from appliance.text import LANGUAGES

BESIDE: Final = Path(keys.__file__).parent.parent
"""Folder of the examples, which name their schema."""


def schema_name(language: str) -> str:
    """Return the file name of a language's JSON Schema."""
    return f"centralino.schema.{language}.json"


def main(pages: Path, schemas: Path = BESIDE) -> None:
    """Write the page and the schema of each language, each into its folder."""
    for language in LANGUAGES:
        place = pages / f"configuration.{language}.md"
        place.write_text(page(language), encoding="utf-8")
        text = json.dumps(json_schema(language), ensure_ascii=False, indent=1)
        (schemas / schema_name(language)).write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
