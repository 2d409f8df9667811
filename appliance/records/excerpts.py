"""The words around what a search found, as an operator reads them at a glance (P2)."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

BEFORE, AFTER = 40, 100
"""Characters shown before what was found and after its beginning, whole words."""


class _Plain(dict[int, int]):
    """Every character without its diacritics, found out once; one for one, so that places stay."""

    def __missing__(self, code: int) -> int:
        plain = unicodedata.normalize("NFD", chr(code))[0].lower()
        self[code] = ord(plain) if len(plain) == 1 else code
        return self[code]


_PLAIN: Final = _Plain()


def excerpt(text: str, stems: list[str]) -> str:
    """Return the words around the first one that begins like a stem; the longest stem counts."""
    at = _place(folded(text), sorted(stems, key=len, reverse=True))
    begin = text.rfind(" ", 0, at - BEFORE) + 1 if at > BEFORE else 0
    end = text.find(" ", at + AFTER)
    words = " ".join(text[begin : end if end >= 0 else len(text)].split())
    return f"{'…' if begin else ''}{words}{'…' if end >= 0 else ''}"


def folded(text: str) -> str:
    """Return a text in small letters without diacritics, each at its place."""
    return text.translate(_PLAIN)


def _place(plain: str, stems: list[str]) -> int:
    for stem in stems:
        found = re.search(rf"(?<![^\W_]){re.escape(folded(stem))}", plain)
        if found:
            return found.start()
    return 0
