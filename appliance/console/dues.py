"""By when requests are due: asked of the desk, which knows the house's calendar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from starlette.requests import Request

from appliance.console.desk import DeskAway
from appliance.errors import OfficeError


@dataclass(frozen=True, slots=True)
class Dues:
    """By when requests are due, and which are late; nothing is known while the desk is away."""

    days: Mapping[int, date]
    late: frozenset[int]


async def dues_of(request: Request) -> Dues:
    """Ask the desk; nothing is known while it is away."""
    try:
        answer = await request.app.state.desk.ask({"ask": "requests_due"})
    except (DeskAway, OfficeError):
        return Dues({}, frozenset())
    days = {int(number): date.fromisoformat(day) for number, day in answer["due"].items()}
    return Dues(days, frozenset(answer["late"]))
