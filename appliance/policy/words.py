"""Text for people, in the two languages of the house."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.errors import OfficeError


@dataclass(frozen=True, slots=True)
class Words:
    """One text in Italian and English; both empty where there is nothing to say."""

    it: str = ""
    en: str = ""


NOTHING = Words()
"""No words at all."""


def in_language(words: Words, language: str) -> str:
    """Return a text in one language: Italian, or English for every other one."""
    return words.it if language == "it" else words.en


class SaidError(OfficeError):
    """Raised for what cannot be done; `words` say it in both languages, the text in English."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words
