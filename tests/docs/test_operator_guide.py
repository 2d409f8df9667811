"""The guides are short; the operator's has the page's own keys, and pictures that are small."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest

from appliance.console.templates import KEYS
from tests.docs.pages import guide, read, rows, spans

KEYS_IN = {"it": "I tasti", "de": "Die Tasten", "en": "The keys"}
WRITTEN = {
    "it": {"Enter": "Invio", "Shift": "Maiusc", "ArrowDown": "↓", "ArrowUp": "↑"},
    "de": {"Enter": "Eingabe", "Shift": "Umschalt", "ArrowDown": "↓", "ArrowUp": "↑"},
    "en": {"ArrowDown": "↓", "ArrowUp": "↑"},
}
"""How each language's keyboards and guides write a key."""
MOST_WORDS = {"operator": 3_000, "office": 5_000, "technician": 5_000}
MOST_BYTES, WIDTH = 80_000, 1024
PALETTE = 3
"""Colour type of a PNG with a palette (PNG specification, 11.2.2)."""
PICTURES = {
    language: [
        guide("operator", language).parent / name
        for name in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", read(guide("operator", language)))
    ]
    for language in KEYS_IN
}
each_language = pytest.mark.parametrize("language", KEYS_IN)


def of_picture(picture: Path) -> tuple[int, int, int]:
    """Return a PNG's width, its colour type and its bytes."""
    data = picture.read_bytes()
    width, _, _, kind = struct.unpack(">IIBB", data[16:26])
    return width, kind, len(data)


def all_keys() -> list[str]:
    """Return every key as delivered."""
    return [key for one in KEYS for key in one.keys]


@each_language
def test_every_key_is_told_and_no_other(language: str) -> None:
    """Who reads the table finds what the pages do, and nothing that they do not."""
    told = {
        key for row in rows(guide("operator", language), KEYS_IN[language]) for key in spans(row[0])
    }
    names = WRITTEN[language]
    written = ("+".join(names.get(one, one) for one in key.split("+")) for key in all_keys())
    assert told == set(written)


@pytest.mark.parametrize(
    ("name", "language"),
    [(name, one) for name in MOST_WORDS for one in KEYS_IN if guide(name, one).exists()],
)
def test_a_guide_is_short(name: str, language: str) -> None:
    """Who looks for a task reads tasks; how parts behave stands elsewhere."""
    assert len(read(guide(name, language)).split()) <= MOST_WORDS[name]


def test_there_are_pictures() -> None:
    """What the desk looks like is shown in every language, not only told."""
    for language, pictures in PICTURES.items():
        assert len(pictures) >= 8
        assert [one.name for one in pictures if one.suffixes[0] != f".{language}"] == []


@pytest.mark.parametrize(
    "picture", [one for found in PICTURES.values() for one in found], ids=lambda one: one.name
)
def test_a_picture_is_small(picture: Path) -> None:
    """The box keeps the guide, too: few colours, no wider than is read."""
    width, kind, size = of_picture(picture)
    assert (width, kind) == (WIDTH, PALETTE)
    assert size < MOST_BYTES
