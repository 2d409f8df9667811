"""An office with every kind of special day in 2026."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from appliance.policy.hours import Band, Closure, Holiday, Period, Schedule, SpecialOpening, week_of
from tests.helpers.words import pair
from tests.stories.offices import EXAMPLE, ROME

WORKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")
XMAS = Holiday(date(2026, 12, 25), pair("Natale", "Christmas"))
MEETING = Closure(
    datetime.fromisoformat("2026-12-01T11:00"),
    datetime.fromisoformat("2026-12-01T12:00"),
    pair("Assemblea", "Assembly"),
)
VOTE = SpecialOpening(date(2026, 11, 29), (Band.parse("8-14"),), pair("Elezioni", "Elections"))
SUMMER = Period(
    date(2026, 8, 10), date(2026, 8, 14), pair("Orario estivo", "Summer hours"),
    week_of(monday="8-12", tuesday="8-12"),
)  # fmt: skip
SCHEDULE = Schedule(
    ROME,
    week_of(**dict.fromkeys(WORKDAYS, "8:30-13 14-18")),
    (XMAS,),
    (MEETING,),
    (VOTE,),
    (SUMMER,),
)
YEAR = replace(EXAMPLE, switchboard=replace(EXAMPLE.switchboard, schedule=SCHEDULE))
