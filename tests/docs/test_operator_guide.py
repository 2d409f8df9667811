"""The operator's guide: its keys are the page's own, its pictures are there and small."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest

from appliance.console.templates import KEYS
from tests.docs.pages import ROOT, read, rows, spans

GUIDE = ROOT / "docs" / "operator.it.md"
MOST_BYTES, WIDTH = 80_000, 1024
PALETTE = 3
"""Colour type of a PNG with a palette (PNG specification, 11.2.2)."""
PICTURES = [GUIDE.parent / name for name in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", read(GUIDE))]


def of_picture(picture: Path) -> tuple[int, int, int]:
    """Return a PNG's width, its colour type and its bytes."""
    data = picture.read_bytes()
    width, _, _, kind = struct.unpack(">IIBB", data[16:26])
    return width, kind, len(data)


def all_keys() -> list[str]:
    """Return every key as delivered."""
    return [key for one in KEYS for key in one.keys]


def test_every_key_is_told_and_no_other() -> None:
    """Who reads the table finds what the pages do, and nothing that they do not."""
    told = {key for row in rows(GUIDE, "I tasti") for key in spans(row[0])}
    names = {"Enter": "Invio", "Shift": "Maiusc", "ArrowDown": "↓", "ArrowUp": "↑"}
    italian = ("+".join(names.get(one, one) for one in key.split("+")) for key in all_keys())
    assert told == set(italian)


def test_there_are_pictures() -> None:
    """What the desk looks like is shown, not only told."""
    assert len(PICTURES) >= 4


@pytest.mark.parametrize("picture", PICTURES, ids=lambda one: one.name)
def test_a_picture_is_small(picture: Path) -> None:
    """The box keeps the guide, too: few colours, no wider than is read."""
    width, kind, size = of_picture(picture)
    assert (width, kind) == (WIDTH, PALETTE)
    assert size < MOST_BYTES
