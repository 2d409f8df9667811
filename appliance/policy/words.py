"""Text for people, in the two languages of the house."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """One text in Italian and English; both empty where there is nothing to say."""

    it: str = ""
    en: str = ""


NOTHING = Words()
"""No words at all."""
