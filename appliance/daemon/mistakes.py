"""Collects what is wrong with something written, so that all of it can be told at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from appliance.daemon.config import Mistake
from appliance.errors import ConfigurationError

T = TypeVar("T")


class Mistakes:
    """What was found so far, in the order of reading."""

    def __init__(self) -> None:
        self.found: list[Mistake] = []

    def attempt(self, place: str, make: Callable[[], T], otherwise: T) -> T:
        """Return what `make` makes; note its ConfigurationError under `place`."""
        try:
            return make()
        except (ConfigurationError, ValueError, KeyError) as error:
            self.found.append(Mistake(place, str(error)))
            return otherwise

    def check(self, place: str, parse: Callable[[str], object], text: str) -> None:
        """Note a text that `parse` refuses."""
        try:
            parse(text)
        except ConfigurationError as error:
            self.found.append(Mistake(place, str(error)))

    def note(self, place: str, what: str) -> None:
        """Note what is wrong at a place."""
        self.found.append(Mistake(place, what))

    def choice(self, place: str, value: str, known: tuple[str, ...]) -> None:
        """Note a value that is none of the known ones."""
        if value not in known:
            self.found.append(Mistake(place, f"{value!r} is unknown: use {', '.join(known)}"))
