"""Random calls of today and of the four weeks before, for wall and report."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from appliance.calls.orders import CallRecord, Result
from appliance.policy.hours import local_moment
from appliance.policy.routing import Destination

ROME = ZoneInfo("Europe/Rome")
TODAY = date(2026, 12, 1)
UNITS = ("anagrafe", "tributi", "ambiente", "suap")
AFTER = {
    "taken": ("transferred.{0}",),
    "busy": ("returned.{0}.busy",),
    "again": ("transferred.{0}", "returned.{0}.sent_back"),
    "gone": (),
    "lost": ("returned.{0}.no_answer", "return.ring.op1"),
}


def midnight(day: date) -> datetime:
    """Return when a day begins where the site stands."""
    return local_moment(datetime.combine(day, datetime.min.time()), ROME)


def a_random_call(chance: random.Random, number: int) -> CallRecord:
    """Make any call of the last four weeks or of today, half of them today's."""
    days = 0 if chance.random() < 0.5 else chance.randint(1, 28)
    at = midnight(TODAY - timedelta(days=days)) + timedelta(seconds=chance.randrange(86_400))
    result = chance.choice(
        [each for each in Result if each not in (Result.REFUSED, Result.NOT_REACHED)]
    )
    trail: list[str] = ["rang"]
    for _ in range(chance.choice((0, 0, 0, 1, 2))):
        unit = chance.choice(UNITS)
        trail += [f"transfer.{unit}.need.topic.keys"]
        trail += [code.format(unit) for code in AFTER[chance.choice(sorted(AFTER))]]
    wait = timedelta(seconds=chance.expovariate(1 / 15))
    return CallRecord(
        f"c-{number}", "line1", at, called=chance.choice(("", "051598111", "800011837")),
        way=chance.choice(list(Destination)), phone="op1", answered_at=at + wait, result=result,
        trail=tuple(trail),
    )  # fmt: skip
