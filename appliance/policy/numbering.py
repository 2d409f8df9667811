"""Telephone numbers: country plans, numbers that cannot be printed, comparison of spellings.

Sources: AGCOM delibera 8/15/CIR (piano di numerazione) for Italy; ITU-T E.129 national numbering
plans for the others. Per-call withholding (CLIR, EN 300 090): the codes are the main networks' own
and not part of any plan; commissioning proves them with a call.
"""

from __future__ import annotations

import enum
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NoReturn, final

from appliance.policy.text import Refused
from appliance.text import _

# People write these between digits, and copy them from documents: every space, zero-width
# characters, dots, slashes, brackets, every dash. A set of characters for regular expressions.
SEPARATOR_SET: Final = (
    r"\s\u200b-\u200d\u2060\ufeff"
    r".\u00b7\u2024\u2027\uff0e"
    r"/\u2044\u2215\uff0f"
    r"()\[\]\uff08\uff09"
    r"\-\u00ad\u2010-\u2015\u2043\u2212\ufe58\ufe63\uff0d"
)
SEPARATORS: Final = re.compile(rf"[{SEPARATOR_SET}]")
PLUS_SET: Final = r"+\uff0b"
# before an emergency number it makes one that no exchange puts through
REHEARSAL_PREFIX = "90"


class NumberClass(enum.StrEnum):
    """Kind of a number by cost and destination, for the limits against toll fraud."""

    EMERGENCY = "emergency"
    LOCAL = "local"  # geographic, behind one of the office's own area codes
    NATIONAL = "national"
    MOBILE = "mobile"
    TOLL_FREE = "toll_free"
    SERVICE = "service"  # short codes of networks and information services
    PREMIUM = "premium"  # whatever costs more than an ordinary call
    INTERNATIONAL = "international"
    NONE = "none"  # no number that can be dialled here: services of the exchange, dial-around


@dataclass(frozen=True, slots=True)
class NumberingPlan:
    """One country's numbers: `shapes` are tried in order; `withhold` goes before the digits.

    `trunk` is the digit dialled before a national number inside the country, `code` the country's
    code. `rehearsed` is true where the emergency numbers are fictitious.
    """

    country: str
    code: str
    trunk: str
    emergency: tuple[str, ...]
    withhold: str
    shapes: tuple[tuple[str, NumberClass], ...]
    rehearsed: bool = False

    @property
    def real(self) -> tuple[str, ...]:
        """The emergency numbers that the country's exchange puts through."""
        return tuple(
            n.removeprefix(REHEARSAL_PREFIX) if self.rehearsed else n for n in self.emergency
        )

    def national(self, text: str) -> str:
        """Return a number as it is dialled inside the country; "+39 051 59" is "05159" in Italy."""
        digits = SEPARATORS.sub("", text)
        international = digits.replace("+", "00", 1) if digits.startswith("+") else digits
        own = f"00{self.code}"
        # people also write "+49 (0)30"
        if international.startswith(own):
            return self.trunk + international.removeprefix(own).removeprefix(self.trunk)
        return international

    def classify(self, digits: str, local: tuple[str, ...] = ()) -> NumberClass:
        """Return the class of dialled digits; `local` are the office's own area codes."""
        # checked before the shapes, which would read some as ordinary short codes
        if digits in self.emergency:
            return NumberClass.EMERGENCY
        # the exchange would put it through at the short number's end; in a rehearsal this refuses
        # the real emergency numbers themselves
        if digits.startswith(self.real):
            return NumberClass.NONE
        found = (kind for shape, kind in self.shapes if re.fullmatch(shape, digits))
        kind = next(found, NumberClass.NONE)
        is_local = kind is NumberClass.NATIONAL and digits.startswith(local)
        return NumberClass.LOCAL if is_local else kind


_C = NumberClass
# area codes that look domestic in the United States and are not
_CARIBBEAN = "242|246|264|268|284|345|441|473|649|664|721|758|767|784|809|829|849|868|869|876"
# International shapes come before national ones: a call abroad is never taken for a cheaper one.
# Numbers that each country's exchange takes; other countries have no calls out.
PLANS: Mapping[str, NumberingPlan] = {
    plan.country: plan
    for plan in (
        NumberingPlan(
            "it", "39", "",
            ("112", "113", "114", "115", "117", "118", "1515", "1522", "1530"),
            "*67#",
            (
                (r"00[1-9]\d{5,14}", _C.INTERNATIONAL),
                (r"0[1-9]\d{4,9}", _C.NATIONAL),
                (r"3\d{8,9}", _C.MOBILE),
                (r"80[03]\d{3,6}|803\d{3}|116\d{3}", _C.TOLL_FREE),
                (r"(?:89\d|84\d|178|199|16[346]|144|55\d|70\d)\d{3,8}|4\d{4,6}", _C.PREMIUM),
                (r"12\d{2}", _C.PREMIUM),  # directory enquiries, dear
                (r"1[14-9]\d{1,3}", _C.SERVICE),
            ),
        ),
        NumberingPlan(
            "de", "49", "0", ("112", "110", "116117"), "*31#",
            (
                (r"00[1-9]\d{5,14}", _C.INTERNATIONAL),
                (r"0(?:1[5-7]\d{8,9})", _C.MOBILE),
                (r"0800\d{6,10}", _C.TOLL_FREE),
                (r"0(?:900|180|137|700|12|18|19)\d{3,10}|118\d{2,3}", _C.PREMIUM),
                (r"0[2-9]\d{4,12}|[2-9]\d{2,8}", _C.NATIONAL),
                (r"11[56]\d{0,3}", _C.SERVICE),
            ),
        ),
        NumberingPlan(
            "fr", "33", "0", ("112", "15", "17", "18", "114", "115", "119"), "3651",
            (
                (r"00[1-9]\d{5,14}", _C.INTERNATIONAL),
                (r"0[67]\d{8}", _C.MOBILE),
                (r"080[0-5]\d{6}", _C.TOLL_FREE),
                (r"08\d{8}|118\d{3}|3[2-9]\d{2}", _C.PREMIUM),
                (r"0[1-59]\d{8}", _C.NATIONAL),
                (r"1[01]\d{1,2}|30\d{2}|31\d{2}", _C.SERVICE),
            ),
        ),
        NumberingPlan(
            "gb", "44", "0", ("112", "999"), "141",
            (
                (r"00[1-9]\d{5,14}", _C.INTERNATIONAL),
                (r"07[1-57-9]\d{8}", _C.MOBILE),
                (r"080[08]\d{6,7}|0800\d{4}|0500\d{6}", _C.TOLL_FREE),
                (r"0(?:[89]\d|7[06])\d{7,8}|118\d{3}|0845464\d", _C.PREMIUM),
                (r"0[1-3]\d{8,9}|[2-9]\d{4,7}", _C.NATIONAL),
                (r"1(?:0[1-5]|11|19|23|5\d|75)", _C.SERVICE),
            ),
        ),
        NumberingPlan(
            "us", "1", "", ("911", "988"), "*67",
            (
                (r"011[1-9]\d{5,14}", _C.INTERNATIONAL),
                (r"1?8(?:00|33|44|55|66|77|88)[2-9]\d{6}", _C.TOLL_FREE),
                (r"1?900[2-9]\d{6}|1?976\d{7}", _C.PREMIUM),
                (rf"1?(?:{_CARIBBEAN})[2-9]\d{{6}}", _C.INTERNATIONAL),
                (r"1?[2-9]\d{2}[2-9]\d{6}", _C.NATIONAL),
                (r"[2-8]11", _C.SERVICE),
            ),
        ),
    )
}  # fmt: skip
# for an office that does not say in which country it is
HOME_PLAN = PLANS["it"]
# never an extension or an office's number, whatever is configured
EMERGENCY = HOME_PLAN.emergency


def rehearsal_plan(plan: NumberingPlan) -> NumberingPlan:
    """Return the plan of a demonstration or test: its emergency numbers are fictitious."""
    # whole calls for help can be tried on a bench without ringing a real emergency service
    fictitious = tuple(f"{REHEARSAL_PREFIX}{number}" for number in plan.emergency)
    return replace(plan, emergency=fictitious, rehearsed=True)


def plan_of(country: str) -> NumberingPlan:
    """Return the plan by which a country's numbers are read."""
    return PLANS.get(country, HOME_PLAN)


# printed for every number; it reveals neither length nor digits
MASK: Final = "•••"


class Purpose(enum.StrEnum):
    """Purpose for which a number is revealed; a test lists every place that does so."""

    DIAL = "dial"  # the digits of an outgoing leg or of a hook-flash transfer
    RING = "ring"  # the account that a SIP leg rings
    STORE = "store"
    EXPORT = "export"  # the supervisor's own file, audited
    SHOW = "show"  # the supervisor's directory pages, on demand, audited
    TELL = "tell"  # authorised in writing, recorded


@final
class SecretNumber:
    """A number that only `reveal` returns; printing it in any way shows a mask (P7).

    It equals another one of the same digits, so that it can be looked up. It cannot be pickled.
    """

    __slots__ = ("__digits",)
    __digits: str

    def __init__(self, digits: str) -> None:
        # __setattr__ refuses, so the digits are set past it, under their mangled name
        object.__setattr__(self, "_SecretNumber__digits", digits)

    def reveal(self, purpose: Purpose) -> str:
        """Return the digits, for a purpose that the caller is entitled to."""
        del purpose  # named at the call, where people and tests look for it
        return self.__digits

    @property
    def is_known(self) -> bool:
        """False for a number that could not be unsealed."""
        return bool(self.__digits)

    # a traceback or a log line lands in the journal (P7)
    def __str__(self) -> str:
        return MASK

    __repr__ = __str__

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __eq__(self, other: object) -> bool:
        # never equal to bare digits
        return isinstance(other, SecretNumber) and other.__digits == self.__digits

    def __hash__(self) -> int:
        return hash((SecretNumber, self.__digits))

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a number does not change: {name} cannot be set")

    def __copy__(self) -> SecretNumber:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> SecretNumber:
        return self

    # a library that asks for the state would write the digits out in clear
    def __getstate__(self) -> NoReturn:
        raise TypeError("a number that may not be told is not written out")

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("a number that may not be told is not written out")


# The erasure of a person must find their number as it was typed, stored and told (E20); a returning
# caller is recognised however the exchange sent the number and however it was written (E9, E17).

# a shorter number occurs by chance in many texts
LEAST_NUMBER_DIGITS: Final = 5
ERASED_MARK: Final = "[…]"
"""Mark in a text in place of an erased number."""
# so many last digits are the same in every spelling of a number
TAIL_DIGITS: Final = 6
# four digits that somebody remembers are enough; fewer occur by chance in many numbers
LEAST_PART_DIGITS: Final = 4
LONGEST_NUMBER: Final = 24
"""Digits of the longest number that is dialled, with the codes for abroad."""
_ANY_SEPARATORS: Final = rf"[{SEPARATOR_SET}]*"


def plain_digits(text: str) -> str:
    """Return a text's digits and plus signs of any script as 0 to 9 and +; the rest goes."""
    kept = ("+" if sign in "+\uff0b" else sign for sign in text)
    return "".join(
        str(unicodedata.decimal(sign)) if sign.isdecimal() else sign
        for sign in kept
        if sign.isdecimal() or sign == "+"
    )


def canonical_number(number: str, plan: NumberingPlan = HOME_PLAN) -> str:
    """Return a number as it is dialled inside the country, so that two can be compared."""
    national = plan.national(number.strip())
    bare = plan.trunk + national.removeprefix(plan.code)
    # An exchange may send the country's code without its sign, or omit a leading zero. As it stands
    # comes first, so that no zero is put before a mobile number.
    for digits in (national, bare, "0" + bare, "0" + national):
        if plan.classify(digits) is not NumberClass.NONE:
            return digits
    return national


def spellings(digits: str, plan: NumberingPlan) -> set[str]:
    """Return the ways to read digits that a person wrote, each as dialled inside the country.

    People also write the 0 that a phone needs for an outside line, or "39 051 ...".
    """
    written = {digits, digits.removeprefix("0")}
    return (
        written | {plan.national(d) for d in written} | {canonical_number(d, plan) for d in written}
    )


def typed_number(text: str) -> str:
    """Return a number as a person wrote it, without its separators; "" if it is none."""
    bare = SEPARATORS.sub("", text)
    return bare if re.fullmatch(rf"\+?[0-9]{{2,{LONGEST_NUMBER}}}", bare) else ""


def are_same_number(one: str, other: str, plan: NumberingPlan = HOME_PLAN) -> bool:
    """Tell whether two spellings are one number; "" equals nothing."""
    return bool(one and other) and canonical_number(one, plan) == canonical_number(other, plan)


def is_number_like(written: str, typed: str, plan: NumberingPlan = HOME_PLAN) -> bool:
    """Tell whether a number is the one that was typed, or begins or ends with its digits.

    However each is written, with the country's code or without; of fewer than four digits only
    the whole number is found. For searches by people alone: two numbers with one end are not one.
    """
    if are_same_number(written, typed, plan):
        return True
    part, national = _digits(typed), canonical_number(written, plan)
    # people may type it as it is dialled from abroad
    abroad = plan.code + national.removeprefix(plan.trunk)
    ways = (_digits(written), national, abroad, f"00{abroad}")
    found = any(way.startswith(part) or way.endswith(part) for way in ways)
    return bool(written) and len(part) >= LEAST_PART_DIGITS and found


def number_tail(number: str) -> str:
    """Return the last digits of a number; a quick test before are_same_number."""
    return _digits(number)[-TAIL_DIGITS:]


def _digits(text: str) -> str:
    return "".join(filter(str.isdecimal, text))


@dataclass(frozen=True, slots=True)
class SameNumber:
    """A number as it is dialled inside the country of `plan`; it is never printed."""

    plan: NumberingPlan
    national: str

    def __repr__(self) -> str:
        """Print no digit."""
        return "SameNumber(…)"

    def is_(self, written: str) -> bool:
        """Tell whether a whole field is this number."""
        if not written:
            return False
        # a spelling that the plan cannot read still matches digit by digit
        as_it_stands = re.fullmatch(self._pattern, written.strip()) is not None
        return as_it_stands or canonical_number(written, self.plan) == self.national

    def is_in(self, text: str) -> bool:
        """Tell whether a text contains this number."""
        return self._in_text.search(text) is not None

    def without(self, text: str) -> str:
        """Return a text with a mark in place of this number."""
        return self._in_text.sub(ERASED_MARK, text)

    def without_lines(self, text: str) -> str:
        """Return a text without the lines that name it: a name may stand beside it."""
        return "".join(line for line in text.splitlines(keepends=True) if not self.is_in(line))

    @property
    def digits(self) -> str:
        """The digits that all its spellings have in common."""
        return self.national.removeprefix(self.plan.trunk)

    @property
    def _pattern(self) -> str:
        code = rf"(?:(?:\+|00)?{self.plan.code}{_ANY_SEPARATORS})?"
        # the bracket of "+49 (0)30"
        trunk = rf"(?:\(?{self.plan.trunk}{_ANY_SEPARATORS})?" if self.plan.trunk else ""
        return rf"{code}{trunk}{_ANY_SEPARATORS.join(self.digits)}"

    @property
    def _in_text(self) -> re.Pattern[str]:
        # not within a longer run of digits, which would be another number
        return re.compile(rf"(?<!\d){self._pattern}(?!\d)")


def same_number(typed: str, plan: NumberingPlan) -> SameNumber:
    """Read a number as a person types it; raises Refused for anything else."""
    found = SameNumber(plan, canonical_number(typed, plan))
    if not found.national.isdecimal() or len(found.digits) < LEAST_NUMBER_DIGITS:
        raise Refused(
            _(
                "that is no telephone number of at least {digits} digits: "
                "write it as it is dialled, e.g. 051 598111 or +39 347 0000001",
                digits=LEAST_NUMBER_DIGITS,
            ),
        )
    return found
