"""The README: short, without codes, with one picture, and the same in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import READMES, code_of, headings, read
from tests.docs.test_operator_guide import MOST_BYTES, PALETTE, WIDTH, of_picture

MOST_WORDS = 900
CODE = re.compile(r"\b[PBE]\d{1,2}\b")
"""How the requirements are called among those who write the code."""
PICTURE = re.compile(r"!\[[^\]]{40,}\]\(([^)]+)\)")
"""A picture with what it shows in words."""
each_language = pytest.mark.parametrize("readme", READMES.values(), ids=READMES)


@each_language
def test_it_is_short(readme: Path) -> None:
    """Who comes by reads it to its end."""
    assert len(read(readme).split()) <= MOST_WORDS


@each_language
def test_it_has_no_codes(readme: Path) -> None:
    """Nothing in it needs another page to be understood."""
    assert CODE.findall("P1 to E24, PNG8, B") == ["P1", "E24"]
    assert CODE.findall(read(readme)) == []


@each_language
def test_it_has_one_picture(readme: Path) -> None:
    """One picture, small, in the language of the page."""
    (name,) = PICTURE.findall(read(readme))
    width, kind, size = of_picture(readme.parent / name)
    assert (width, kind) == (WIDTH, PALETTE)
    assert size < MOST_BYTES
    assert name.endswith(f".{'it' if '.it.' in readme.name else 'en'}.png")


@each_language
def test_both_commands_stand_in_it(readme: Path) -> None:
    """A newcomer types two commands, and no third."""
    lines = read(readme).split("```\n")[1].splitlines()
    assert lines == ["make demo", "make test"]


def test_both_languages_say_the_same() -> None:
    """The same chapters, rows of tables and commands; each page leads to the other."""
    en, it = READMES["en"], READMES["it"]
    assert [level for level, _ in headings(en)] == [level for level, _ in headings(it)]
    assert len(re.findall(r"^\|", read(en), re.MULTILINE)) == len(
        re.findall(r"^\|", read(it), re.MULTILINE)
    )
    assert sorted(code_of(en)) == sorted(code_of(it))
    assert f"]({it.name})" in read(en)
    assert f"]({en.name})" in read(it)
