"""The pictures of the wiring are those that the delivered pins give."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.docs.pages import ROOT

SCRIPT = ROOT / "scripts" / "draw_wiring.py"


def test_the_pictures_are_up_to_date() -> None:
    """Who wires by a picture wires what the box drives."""
    told = subprocess.run(
        [sys.executable, SCRIPT, "--check"], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert (told.returncode, told.stderr) == (0, "")


def test_every_picture_is_shown_in_a_guide() -> None:
    """A picture that no page shows is a picture that nobody sees."""
    pages = [p.read_text(encoding="utf-8") for p in (ROOT / "docs").rglob("*.md")]
    drawn: list[Path] = sorted((ROOT / "docs" / "img").glob("*.svg"))
    assert drawn
    assert [p.name for p in drawn if not any(f"img/{p.name})" in page for page in pages)] == []
