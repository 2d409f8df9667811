"""Who asks, and at which position: a position is not a person (E19).

The person comes with the session; the position is where that person sits today, kept in a cookie
of the browser at that desk. Until one is chosen there, it is the person's usual one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.requests import Request

from appliance.console.accounts.rights import somebody

POSITION_COOKIE: Final = "position"
YEAR_S: Final = 365 * 24 * 3600
LONGEST: Final = 64


@dataclass(frozen=True, slots=True)
class Who:
    """`by` is the name under which the desk notes what is asked; `position` "" until chosen."""

    by: str
    position: str


def who(request: Request) -> Who:
    """Say who asks; raises NotAllowed for nobody."""
    user = somebody(request)
    chosen = request.cookies.get(POSITION_COOKIE, "")[:LONGEST]
    return Who(user.name, chosen or user.position)
