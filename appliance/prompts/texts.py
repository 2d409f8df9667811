"""What our recordings say, as text: kinds, keys and sentences of a language."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Said:
    """What a synthesiser says for a key: its words, in which language; whether others follow."""

    say: str
    language: str
    is_fragment: bool


@functools.cache
def said(language: str) -> Mapping[str, Said]:
    """Return what is said for each key of a language; tones say nothing."""
    read = tomllib.loads((OURS / language / "texts.toml").read_text(encoding="utf-8"))
    return {
        key: _said(entry, language, kind)
        for kind in ("sentence", "fragment")
        for key, entry in read[kind].items()
    }


def _said(entry: str | dict[str, str], language: str, kind: str) -> Said:
    table = {"text": entry} if isinstance(entry, str) else entry
    say = table.get("say", table["text"])
    return Said(say, table.get("language", language), kind == "fragment")


def _text(entry: str | dict[str, str]) -> str:
    return entry if isinstance(entry, str) else entry["text"]
