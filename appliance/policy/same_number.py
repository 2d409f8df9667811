"""One telephone number in all the ways it is written: with the country's code or without, spaced.

What erases a citizen's number must find it as it was typed, stored and told (E20); who calls again
is known however the exchange sent the number, and however it was taken down (E9, E17).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from appliance.policy.numbering import HOME, NumberClass, Plan
from appliance.policy.refused import Refused

LEAST_DIGITS: Final = 5
"""A shorter number stands by chance in many a text."""
GONE: Final = "[…]"
"""What stands in a text where a number was."""
TAIL: Final = 6
"""So many last digits are the same in all the ways a number is written."""
LEAST_PART: Final = 4
"""So many digits of a number's beginning or end are worth a search."""
_BETWEEN: Final = r"[\s./()–-]*"


def canonical(number: str, plan: Plan = HOME) -> str:
    """Return a number as it is dialled inside the country, so that two can be compared.

    An exchange may send the country's code without its sign, or leave a leading zero out: what is
    a number of the plan only with that mended is mended.
    """
    national = plan.national(number.strip())
    bare = plan.trunk + national.removeprefix(plan.code)
    for digits in (national, bare, "0" + bare, "0" + national):
        if plan.classify(digits) is not NumberClass.NONE:
            return digits
    return national


def are_same(one: str, other: str, plan: Plan = HOME) -> bool:
    """Tell whether two numbers are one, however each is written; none is nobody's."""
    return bool(one and other) and canonical(one, plan) == canonical(other, plan)


def is_like(written: str, typed: str, plan: Plan = HOME) -> bool:
    """Tell whether a number is the one that was typed, or begins or ends with its digits.

    However each is written, with the country's code or without; of fewer than four digits only
    the whole number is found. For searches by people alone: two numbers with one end are not one.
    """
    if are_same(written, typed, plan):
        return True
    part, national = _digits(typed), canonical(written, plan)
    abroad = plan.code + national.removeprefix(plan.trunk)
    ways = (_digits(written), national, abroad, f"00{abroad}")
    found = any(way.startswith(part) or way.endswith(part) for way in ways)
    return bool(written) and len(part) >= LEAST_PART and found


def tail(number: str) -> str:
    """Return the last digits of a number: where they differ, it is another (see `are_same`)."""
    return _digits(number)[-TAIL:]


def _digits(text: str) -> str:
    return "".join(filter(str.isdecimal, text))


@dataclass(frozen=True, slots=True)
class SameNumber:
    """A number as it is dialled inside the country of `plan`; it is never printed."""

    plan: Plan
    national: str

    def __repr__(self) -> str:
        """Print no digit."""
        return "SameNumber(…)"

    def is_(self, written: str) -> bool:
        """Tell whether a whole field is this number."""
        if not written:
            return False
        as_it_stands = re.fullmatch(self._pattern, written.strip()) is not None
        return as_it_stands or canonical(written, self.plan) == self.national

    def is_in(self, text: str) -> bool:
        """Tell whether a text names it."""
        return self._in_text.search(text) is not None

    def without(self, text: str) -> str:
        """Return a text in which it is named no more."""
        return self._in_text.sub(GONE, text)

    def without_lines(self, text: str) -> str:
        """Return a text without the lines that name it: a name may stand beside it."""
        return "".join(line for line in text.splitlines(keepends=True) if not self.is_in(line))

    @property
    def digits(self) -> str:
        """The digits that every way of writing it has."""
        return self.national.removeprefix(self.plan.trunk)

    @property
    def _pattern(self) -> str:
        code = rf"(?:(?:\+|00)?{self.plan.code}{_BETWEEN})?"
        trunk = rf"(?:\(?{self.plan.trunk}{_BETWEEN})?" if self.plan.trunk else ""
        return rf"{code}{trunk}{_BETWEEN.join(self.digits)}"

    @property
    def _in_text(self) -> re.Pattern[str]:
        return re.compile(rf"(?<!\d){self._pattern}(?!\d)")


def same_number(typed: str, plan: Plan) -> SameNumber:
    """Read a number as a person types it; raises OfficeError for what is none."""
    found = SameNumber(plan, canonical(typed, plan))
    if not found.national.isdecimal() or len(found.digits) < LEAST_DIGITS:
        raise Refused(
            f"non è un numero di telefono di almeno {LEAST_DIGITS} cifre: "
            "si scrive come si compone, per esempio 051 598111 o +39 347 0000001",
            f"that is no telephone number of at least {LEAST_DIGITS} digits: "
            "write it as it is dialled, e.g. 051 598111 or +39 347 0000001",
        )
    return found
