"""The operator's guide: its keys are the page's own, its pictures are there and small."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, read, rows, spans

GUIDE = ROOT / "docs" / "it" / "operatore.md"
CONSOLE = ROOT / "appliance" / "console"
MOST_BYTES, WIDTH = 80_000, 1024
PALETTE = 3
"""Colour type of a PNG with a palette (PNG specification, 11.2.2)."""
PICTURES = [GUIDE.parent / name for name in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", read(GUIDE))]


def keys_of_the_page() -> set[str]:
    """Return the keys that the page's scripts and templates know."""
    scripts = "".join(read(one) for one in sorted((CONSOLE / "static").glob("operator*.js")))
    parts = "".join(
        read(one) for one in sorted((CONSOLE / "templates" / "operator").glob("*.html"))
    )
    own = re.findall(r'onKey\("(.)"', scripts) + re.findall(r"OWN = \{ (\w):", scripts)
    reasons = re.findall(r'"?(\d)"?: "(?:topic|depth|other)"', scripts)
    plain = re.findall(r'data-(?:focus-)?key="(\w)"', parts) + re.findall(r"': '(\w)'", parts)
    return {*own, *reasons, *plain}


def test_every_key_is_told_and_no_other() -> None:
    """Who reads the table finds what the page does, and nothing that it does not."""
    told = {key for row in rows(GUIDE, "I tasti") for key in spans(row[0])}
    assert told == keys_of_the_page()


def test_there_are_pictures() -> None:
    """What the desk looks like is shown, not only told."""
    assert len(PICTURES) >= 4


@pytest.mark.parametrize("picture", PICTURES, ids=lambda one: one.name)
def test_a_picture_is_small(picture: Path) -> None:
    """The box keeps the guide, too: few colours, no wider than is read."""
    data = picture.read_bytes()
    width, _, _, kind = struct.unpack(">IIBB", data[16:26])
    assert (width, kind) == (WIDTH, PALETTE)
    assert len(data) < MOST_BYTES
