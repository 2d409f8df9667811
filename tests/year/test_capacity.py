"""Erlang's formula against a year of the Switchboard: how many callers hear engaged (P8)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from appliance.policy.reports import engaged_share, offered_traffic
from tests.year import town
from tests.year.habits import SHARE
from tests.year.year import Year

Class = tuple[int, float]
"""Hours in which as many people call: the hour of the day, the weekday's share."""


@dataclass(slots=True)
class Measured(Year):
    """A year whose lines are watched: by class, for how long how many were engaged, who came."""

    seconds: Counter[Class] = field(default_factory=Counter)
    busy: Counter[Class] = field(default_factory=Counter)
    all_busy: Counter[Class] = field(default_factory=Counter)
    came: Counter[Class] = field(default_factory=Counter)
    refused: Counter[Class] = field(default_factory=Counter)

    def _class(self) -> Class:
        at = town.OFFICE.local(self.now.wall)
        return at.hour, SHARE[at.weekday()]

    def _step(self, end: float) -> bool:
        before, now, lines = self.monotonic, self._class(), len(self.engaged_lines)
        going = Year._step(self, end)
        passed = self.monotonic - before
        self.seconds[now] += passed  # type: ignore[assignment]  # a Counter of seconds
        self.busy[now] += passed * lines  # type: ignore[assignment]
        self.all_busy[now] += passed * (lines == len(town.LINES))  # type: ignore[assignment]
        return going

    def _next_caller(self) -> None:
        callers, refused, now = self.callers, self.turned_away, self._class()
        Year._next_caller(self)
        self.came[now] += self.callers - callers
        self.refused[now] += self.turned_away - refused

    def by_formula(self) -> Iterator[float]:
        """Yield how many callers Erlang B says were refused, of each class."""
        for key, came in self.came.items():
            carried = self.busy[key] / self.seconds[key]
            yield came * engaged_share(offered_traffic(carried, len(town.LINES)), len(town.LINES))

    def by_time(self) -> float:
        """How many came while all lines were engaged, if they came evenly within each class."""
        return sum(n * self.all_busy[key] / self.seconds[key] for key, n in self.came.items())


def measured(seed: int, days: int) -> Measured:
    """Let so many days pass."""
    year = Measured(seed)
    year.run(days)
    return year


@pytest.mark.whole
def test_two_months_hear_engaged_as_the_formula_says() -> None:
    """Of what the lines carried it tells for how long none was free, and how many were refused:
    though calls are no exponentials, and lines break down.
    """
    year = measured(1, 60)
    told = sum(year.by_formula())
    assert sum(year.came.values()) > 2000
    assert told > 30
    assert year.by_time() == pytest.approx(told, rel=0.15)
    assert sum(year.refused.values()) == pytest.approx(told, rel=0.35)


@pytest.mark.long
def test_three_years_hear_engaged_as_the_formula_says() -> None:
    """The more callers, the nearer."""
    years = [measured(seed, 365) for seed in (1, 2, 3)]
    told = sum(sum(year.by_formula()) for year in years)
    refused = sum(sum(year.refused.values()) for year in years)
    assert told > 900
    assert refused == pytest.approx(told, rel=0.07)
