"""Texts in two languages, and refusals."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.errors import ConfigurationError, OfficeError, StoreError

# ---- words -------------------------------------------------------------------------------------
# Text for people, in the two languages of the house.


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


# ---- refused -----------------------------------------------------------------------------------
# Raised for what a person wrote that cannot be: the reason and the remedy, in both languages.


class Refused(OfficeError, ConfigurationError):  # noqa: N818 - reads as what it is
    """Something written that cannot be; `words` say why and what to do, `str` is the English."""

    def __init__(self, it: str, en: str) -> None:
        super().__init__(en)
        self.words = Words(it, en)


class NotKept(StoreError):  # noqa: N818 - reads as what it is
    """Something that could not be kept, or read; `words` say why and what to do."""

    def __init__(self, it: str, en: str) -> None:
        super().__init__(en)
        self.words = Words(it, en)
