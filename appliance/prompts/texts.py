"""What our recordings say, as text: kinds, keys and sentences of a language."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping

from appliance.prompts import OURS, languages


@functools.cache
def texts(language: str) -> Mapping[str, Mapping[str, str]]:
    """Return the texts by kind ("sentence", "fragment", "tone") and key; none of no language."""
    if language not in languages():
        return {}
    read = tomllib.loads((OURS / language / "texts.toml").read_text(encoding="utf-8"))
    return {
        kind: {key: _text(entry) for key, entry in entries.items()}
        for kind, entries in read.items()
    }


def _text(entry: str | dict[str, str]) -> str:
    return entry if isinstance(entry, str) else entry["text"]
