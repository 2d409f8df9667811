"""What is drawn from the code stands in the pages as the code gives it."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import draw_calls
from tests.docs.pages import DESIGN, PAGES, guide, name_of, read


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_drawn_blocks_are_what_the_code_gives(path: Path) -> None:
    """A diagram or table in a page is never behind its source: run scripts/draw_calls.py."""
    assert draw_calls.drawn(read(path)) == read(path)


@pytest.mark.parametrize(
    ("path", "blocks"),
    [
        (
            DESIGN / "call-table.md",
            [
                "the call",
                "a key code",
                "a notice",
                "two phones",
                "the head",
                "hearing messages",
                "an ordinary telephone",
                "a call out",
                "a dictation",
            ],
        ),
        *((guide("leds", language), [f"LEDs ({language})"]) for language in ("it", "en")),
        *((guide("privacy", one), [f"roles ({one})"]) for one in ("it", "de", "en")),
        *((guide("hardware", language), [f"modems ({language})"]) for language in ("it", "en")),
    ],
)
def test_every_block_has_its_place(path: Path, blocks: list[str]) -> None:
    """The call's diagrams stand in the page of its table; LEDs, roles, modems in their guides."""
    assert draw_calls.blocks_of(read(path)) == blocks


def test_a_page_that_is_behind_is_redrawn() -> None:
    """A block with anything else in it is replaced, what stands around it is left alone."""
    page = "before\n<!-- drawn: a key code -->\nold\n<!-- end of a key code -->\nafter\n"
    new = draw_calls.drawn(page)
    assert new != page
    assert new.startswith("before\n<!-- drawn: a key code -->\n```mermaid\nstateDiagram-v2")
    assert new.endswith("```\n<!-- end of a key code -->\nafter\n")


def test_a_block_nobody_draws_is_an_error() -> None:
    """A misspelt block is not left as it is."""
    with pytest.raises(KeyError):
        draw_calls.drawn("<!-- drawn: the cat -->\n<!-- end of the cat -->\n")
