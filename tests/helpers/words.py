"""Texts as tests write them: their Italian and their English."""

from __future__ import annotations

from appliance.text import ENGLISH, FIRST, LANGUAGES, Words


class Pair(Words):
    """A text that equals another one of the same Italian and English, whatever its German is.

    That every text is there in German, and what German writes differently (days, times, decimals),
    has tests of its own.
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Words):
            return NotImplemented
        return all(self.text(each) == other.text(each) for each in (FIRST, ENGLISH))

    def __hash__(self) -> int:
        return hash(self.text(ENGLISH))


def pair(it: object, en: object) -> Words:
    """Return a text from its Italian and its English."""
    return Pair(written={FIRST: str(it), ENGLISH: str(en)})


class Both(dict[str, str]):
    """A text by language that equals another one of the same Italian and English."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, dict) or set(other) - {*LANGUAGES}:
            return False
        return all(self[each] == other.get(each) for each in (FIRST, ENGLISH))

    __hash__ = None


def both(it: str, en: str) -> Both:
    """Return a text as it is stored and sent, from its Italian and its English."""
    return Both({FIRST: it, ENGLISH: en})
