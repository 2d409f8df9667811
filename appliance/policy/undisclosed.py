"""Offices' own numbers taken out of what people have typed, before it leaves the house (P7)."""

from __future__ import annotations

import itertools
import re
from typing import Final

from appliance.policy.dialling import unit_of
from appliance.policy.numbering import Plan
from appliance.policy.register.register import Register
from appliance.policy.secret import MASK

_RUN = re.compile(r"\+?\d(?:[\d .\-/()]*\d)?")
_GROUP = re.compile(r"\+?\d+")
SHORTEST: Final = 5
"""No outside number has fewer digits."""


def masked(text: str, register: Register, plan: Plan) -> str:
    """Return a text with a mask for each outside number that an office has declared.

    However its digits are grouped, with or without the country's code or a 0 for an outside line.
    Whatever else holds digits (days, files' numbers, the citizen's telephone) stays.
    """
    return _RUN.sub(lambda run: _masked_run(run[0], register, plan), text)


def _masked_run(run: str, register: Register, plan: Plan) -> str:
    """Mask a number that is any neighbouring groups of a run: numbers may stand side by side."""
    groups = [(found.start(), found.end(), found[0]) for found in _GROUP.finditer(run)]
    pairs = itertools.combinations(range(len(groups) + 1), 2)
    for first, last in sorted(pairs, key=lambda pair: pair[0] - pair[1]):
        digits = "".join(group[2] for group in groups[first:last])
        if _is_declared(digits, register, plan):
            before, after = run[: groups[first][0]], run[groups[last - 1][1] :]
            rest = (_masked_run(part, register, plan) for part in (before, after))
            return MASK.join(rest)
    return run


def _is_declared(digits: str, register: Register, plan: Plan) -> bool:
    """Tell whether an office has declared a number, as written or behind a 0 for a line."""
    written = {digits, digits.removeprefix("0")}
    return any(
        len(each) >= SHORTEST and unit_of(register, plan.national(each), plan) for each in written
    )
