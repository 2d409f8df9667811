"""A part of the page made once for all who see the same: many screens cost little more than one."""

from __future__ import annotations

from collections.abc import Callable, Hashable


class Once:
    """Keeps what was made of the newest state alone."""

    def __init__(self) -> None:
        self._number = -1
        self._made: dict[Hashable, str] = {}

    def of(self, number: int, key: Hashable, make: Callable[[], str]) -> str:
        """Return what `key` sees of the state `number`, made by `make` if it is not yet."""
        if number != self._number:
            self._number, self._made = number, {}
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]
