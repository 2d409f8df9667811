"""Texts as tests write them: their Italian and their English."""

from __future__ import annotations

from appliance.text import Words, written


def pair(it: object, en: object) -> Words:
    """Return a text from its Italian and its English."""
    return written({"it": str(it), "en": str(en)})
