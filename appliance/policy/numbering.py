"""Country plans: what a dialled number is, which are emergency numbers, how one's own is withheld.

Sources: AGCOM delibera 8/15/CIR (piano di numerazione) for Italy; ITU-T E.129 national numbering
plans for the others. Per-call withholding (CLIR, EN 300 090): the codes are the main networks' own
and not part of any plan; commissioning proves them with a call.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

_BETWEEN = re.compile(r"[ ./()-]")
"""What people write between digits."""


REHEARSED = "90"
"""Put before an emergency number it makes one that no exchange puts through."""


class NumberClass(enum.StrEnum):
    """What a number costs and where it leads, as limits against toll fraud see it."""

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
class Plan:
    """One country's numbers: `shapes` are tried in order; `withhold` goes before the digits.

    `trunk` is what stands before a national number inside the country, `code` the country's own.
    `rehearsed` is true where the emergency numbers are fictitious ones.
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
        return tuple(n.removeprefix(REHEARSED) if self.rehearsed else n for n in self.emergency)

    def national(self, text: str) -> str:
        """Return a number as it is dialled inside the country; "+39 051 59" is "05159" in Italy."""
        digits = _BETWEEN.sub("", text)
        international = digits.replace("+", "00", 1) if digits.startswith("+") else digits
        own = f"00{self.code}"
        if international.startswith(own):  # people write "+49 (0)30", too
            return self.trunk + international.removeprefix(own).removeprefix(self.trunk)
        return international

    def classify(self, digits: str, local: tuple[str, ...] = ()) -> NumberClass:
        """Say what dialled digits are; `local` are the office's own area codes."""
        if digits in self.emergency:
            return NumberClass.EMERGENCY
        if digits.startswith(self.real):
            return NumberClass.NONE  # the exchange would put it through at the short number's end
        found = (kind for shape, kind in self.shapes if re.fullmatch(shape, digits))
        kind = next(found, NumberClass.NONE)
        is_local = kind is NumberClass.NATIONAL and digits.startswith(local)
        return NumberClass.LOCAL if is_local else kind


_C = NumberClass
_CARIBBEAN = "242|246|264|268|284|345|441|473|649|664|721|758|767|784|809|829|849|868|869|876"
"""Area codes that look domestic in the United States and are not."""
PLANS: Mapping[str, Plan] = {
    plan.country: plan
    for plan in (
        Plan(
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
        Plan(
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
        Plan(
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
        Plan(
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
        Plan(
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
"""What each country's exchange takes; a country that is not here has no calls out."""

HOME = PLANS["it"]
"""The plan of an office that does not say where it is."""
EMERGENCY = HOME.emergency
"""Numbers that are nobody's extension and no office's, whatever is configured."""


def rehearsed(plan: Plan) -> Plan:
    """Return the plan of a demonstration or test: its emergency numbers are fictitious."""
    fictitious = tuple(f"{REHEARSED}{number}" for number in plan.emergency)
    return replace(plan, emergency=fictitious, rehearsed=True)


def plan_of(country: str) -> Plan:
    """Return the plan by which a country's numbers are read."""
    return PLANS.get(country, HOME)
