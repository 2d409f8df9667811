"""Numbers that may not be told: a type that cannot be printed (P7)."""

from __future__ import annotations

import enum
from typing import Any, Final, NoReturn, final

MASK: Final = "•••"
"""What is seen of a number wherever it is printed; it says nothing of length or digits."""


class Purpose(enum.StrEnum):
    """What a number is revealed for; a test lists every place that does so."""

    DIAL = "dial"  # the digits of an outgoing leg or of a hook-flash transfer
    RING = "ring"  # the account that a SIP leg rings
    STORE = "store"
    EXPORT = "export"  # the head's own file, audited
    SHOW = "show"  # the head's register pages, on demand, audited
    TELL = "tell"  # authorised in writing, recorded


@final
class SecretNumber:
    """A number with one door, `reveal`; whatever else is done with it shows a mask.

    Equal to another of the same digits, so that it can be looked up. It cannot be pickled.
    """

    __slots__ = ("__digits",)
    __digits: str

    def __init__(self, digits: str) -> None:
        object.__setattr__(self, "_SecretNumber__digits", digits)

    def reveal(self, purpose: Purpose) -> str:
        """Give the digits, for a purpose that the caller has the right to."""
        del purpose  # named at the call, where people and tests look for it
        return self.__digits

    @property
    def is_known(self) -> bool:
        """Tell whether there are digits at all: what cannot be unsealed has none."""
        return bool(self.__digits)

    def __str__(self) -> str:
        return MASK

    __repr__ = __str__

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretNumber) and other.__digits == self.__digits

    def __hash__(self) -> int:
        return hash((SecretNumber, self.__digits))

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a number does not change: {name} cannot be set")

    def __copy__(self) -> SecretNumber:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> SecretNumber:
        return self

    def __getstate__(self) -> NoReturn:
        raise TypeError("a number that may not be told is not written out")

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("a number that may not be told is not written out")
