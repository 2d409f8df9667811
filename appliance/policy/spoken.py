"""What a caller may hear after hours: a short menu of sheets (P1, P2), whom to call in need (E11).

Frozen values.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

MOST_SPOKEN = 5
"""Sheets in the menu, of all languages together: nobody remembers a sixth key."""


@dataclass(frozen=True, slots=True)
class SpokenSheet:
    """A sheet that was given a voice: `sheet` is its code.

    `title`, `text` and `keys` are prompts without their language: "for ... press 1", the sheet
    itself, and the keys that lead on from it.
    """

    sheet: str
    language: str
    title: str
    text: str
    keys: str = ""

    @property
    def prompts(self) -> tuple[str, ...]:
        """Every prompt that it needs, with its language."""
        names = (self.title, self.text, self.keys)
        return tuple(f"{self.language}/{name}" for name in names if name)


Menu = tuple[SpokenSheet, ...]
"""The sheets on the keys 1, 2, 3 ..., in this order; empty for no menu."""


def chosen(menu: Menu, digit: str) -> SpokenSheet | None:
    """Return the sheet on a key, or None for a key that has none."""
    number = int(digit) if digit.isdigit() else 0
    return menu[number - 1] if 0 < number <= len(menu) else None


def titles(menu: Menu, language: str) -> Iterator[str]:
    """Give the prompts that offer the sheets of one language."""
    return (spoken.title for spoken in menu if spoken.language == language)


@dataclass(frozen=True, slots=True)
class Added:
    """What a greeting offers beside its reason: the menu, and prompts without their language.

    `told` are the units whose number is told; its digits are printed nowhere (P7).
    """

    menu: Menu = ()
    told: tuple[str, ...] = ()
    emergencies: tuple[str, ...] = field(default=(), repr=False)


NOTHING_ADDED = Added()
