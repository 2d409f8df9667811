"""Description of one key of centralino.toml."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.text import NOTHING, Words


@dataclass(frozen=True, slots=True)
class Key:
    """A key's sentence, its unit, what its value is derived from where the file leaves it out.

    An advanced key is one that an ordinary office leaves out.
    """

    words: Words
    unit: Words = NOTHING
    derived: Words = NOTHING
    is_advanced: bool = False
