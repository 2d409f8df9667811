"""How many lines and positions a traffic needs, by A. K. Erlang's formulas (1917).

Traffic is in erlang: the calls of an hour times their mean length in hours. B holds where who finds
everything engaged goes away (lines), C where they wait (positions); both for calls that come
independently of each other. Checked against published tables and the simulated year.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Final

MOST: Final = 500
"""Lines or positions that are looked at: no house has more."""
PRECISION: Final = 1e-9


def engaged(traffic: float, lines: int) -> float:
    """Return the share of callers who find all of so many lines engaged (Erlang B)."""
    return next(islice(_engaged(traffic), lines, None))


def _engaged(traffic: float) -> Iterator[float]:
    """Yield Erlang B for 0, 1, 2 ... lines: B(n) = A B(n-1) / (n + A B(n-1))."""
    share, number = 1.0, 0
    while True:
        yield share
        number += 1
        share = traffic * share / (number + traffic * share)


def lines_for(traffic: float, most_engaged: float) -> int:
    """Return the fewest lines at which no more than a share of callers hear engaged."""
    shares = islice(_engaged(traffic), MOST + 1)
    return next((n for n, share in enumerate(shares) if share <= most_engaged), MOST)


def offered(carried: float, lines: int) -> float:
    """Return the traffic that came, of which so many lines have carried so much (erlang).

    Beyond what can be told (every line engaged all the time) it is what was carried.
    """
    if carried <= 0.0 or carried > lines * 0.99:
        return max(carried, 0.0)
    low, high = carried, carried
    while high * (1 - engaged(high, lines)) < carried:
        high *= 2
    while high - low > PRECISION * high:
        middle = (low + high) / 2
        if middle * (1 - engaged(middle, lines)) < carried:
            low = middle
        else:
            high = middle
    return high


def waiting(traffic: float, positions: int) -> float:
    """Return the share of callers who wait for one of so many positions (Erlang C).

    With as much traffic as positions, or more, the queue grows without end: all wait.
    """
    if traffic >= positions:
        return 1.0
    share = engaged(traffic, positions)
    return share / (1 - traffic / positions * (1 - share))


@dataclass(frozen=True, slots=True)
class Service:
    """How callers are served: the share who wait at all, the share answered within the time asked,
    the mean wait of all (s; infinite where the queue grows without end).
    """

    wait: float
    within: float
    mean_s: float


def service(traffic: float, positions: int, length_s: float, within_s: float) -> Service:
    """Say how so many positions serve a traffic of calls of `length_s` on average."""
    spare = positions - traffic
    if spare <= 0:
        return Service(1.0, 0.0, math.inf)
    wait = waiting(traffic, positions)
    return Service(wait, 1 - wait * math.exp(-spare * within_s / length_s), wait * length_s / spare)


def positions_for(traffic: float, length_s: float, within_s: float, share: float) -> int:
    """Return the fewest positions that answer a share of callers within so many seconds."""
    for number in range(1, MOST):
        if service(traffic, number, length_s, within_s).within >= share:
            return number
    return MOST


@dataclass(frozen=True, slots=True)
class Hour:
    """A house's busiest hour of the day: which, and its traffic on average (erlang), of so many
    days; `length_s` is a call's mean length.
    """

    hour: int
    traffic: float
    days: int
    length_s: float


def busiest(uses: list[tuple[int, int]], day_of: dict[int, tuple[str, int]]) -> Hour | None:
    """Return the busiest hour of lines' uses (from, to; ms), None for no use.

    `day_of` names the day and the hour that each hour since 1970 is of, where the house stands; an
    hour that it does not name (the clock was wrong) counts for nothing.
    """
    engaged_ms: dict[tuple[str, int], int] = {}
    for began, ended in uses:
        edges = sorted({began, ended, *range(-(-began // HOUR_MS) * HOUR_MS, ended, HOUR_MS)})
        for start, end in pairwise(edges):
            place = day_of.get(start // HOUR_MS)
            if place is not None:
                engaged_ms[place] = engaged_ms.get(place, 0) + end - start
    days = len({day for day, _ in engaged_ms})
    if not days:
        return None
    by_hour: dict[int, int] = {}
    for (_, hour), busy_ms in engaged_ms.items():
        by_hour[hour] = by_hour.get(hour, 0) + busy_ms
    hour, most_ms = max(by_hour.items(), key=lambda item: item[1])
    length_ms = sum(end - start for start, end in uses) / len(uses)
    return Hour(hour, most_ms / days / HOUR_MS, days, length_ms / 1000)


HOUR_MS: Final = 3_600_000
