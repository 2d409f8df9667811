"""Erlang B and C by published tables, by their own laws, and by a queue that is played."""

from __future__ import annotations

import heapq
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.policy.reports import (
    HOUR_MS,
    MOST_SERVERS,
    busiest_hour,
    engaged_share,
    lines_for,
    offered_traffic,
    positions_for,
    service_level,
    waiting_share,
)

TABLE_B = {
    0.001: {1: 0.001, 2: 0.046, 3: 0.194, 5: 0.762, 10: 3.09, 20: 9.41},
    0.01: {1: 0.010, 2: 0.153, 3: 0.455, 5: 1.36, 10: 4.46, 20: 12.0},
    0.02: {1: 0.020, 2: 0.223, 3: 0.602, 5: 1.66, 10: 5.08, 20: 13.2},
    0.05: {1: 0.053, 2: 0.381, 3: 0.899, 5: 2.22, 10: 6.22, 20: 15.2},
}
"""Traffic that so many lines bear at a share engaged, to three figures, as handbooks print it
(Erlang B tables of the Teletraffic Engineering Handbook, ITU-D SG 2, and of TETRA planning)."""


@pytest.mark.parametrize(
    ("share", "lines", "traffic"),
    [(share, n, a) for share, row in TABLE_B.items() for n, a in row.items()],
)
def test_engaged_is_as_in_the_tables(share: float, lines: int, traffic: float) -> None:
    """Half a unit of a table's last figure less is below the share, as much more is above it."""
    half = 0.51 * 10.0 ** -(3 if traffic < 1 else 2 - math.floor(math.log10(traffic)))
    assert engaged_share(traffic - half, lines) < share < engaged_share(traffic + half, lines)


def test_engaged_is_as_in_a_worked_example() -> None:
    """15 lines bear 8.108 erlang at 1 % (erlang.com, calculator's manual, "How much traffic?")."""
    assert engaged_share(8.108, 15) == pytest.approx(0.01, abs=0.00001)


def test_waiting_is_as_in_a_worked_example() -> None:
    """360 calls in half an hour of 4 minutes, 55 agents, as calculators explain it:
    23.9 % wait, 8.2 s on average; and one position alone: as many wait as it is busy.
    """
    served = service_level(48.0, 55, 240.0, 15.0)
    assert served.wait == pytest.approx(0.239, abs=0.0005)
    assert served.mean_s == pytest.approx(8.2, abs=0.05)
    assert waiting_share(0.7, 1) == pytest.approx(0.7)


def test_a_queue_that_is_played_comes_to_the_same() -> None:
    """3 positions, 2.2 erlang of calls of 180 s: 60,000 callers are served in order of coming."""
    draw, now = random.Random(5), 0.0
    free_at, waits = [0.0] * 3, []
    for _ in range(60_000):
        now += draw.expovariate(2.2 / 180)
        begin = max(now, heapq.heappop(free_at))
        waits.append(begin - now)
        heapq.heappush(free_at, begin + draw.expovariate(1 / 180))
    told = service_level(2.2, 3, 180.0, 20.0)
    assert sum(w > 0 for w in waits) / len(waits) == pytest.approx(told.wait, abs=0.02)
    assert sum(w <= 20 for w in waits) / len(waits) == pytest.approx(told.within, abs=0.02)
    assert sum(waits) / len(waits) == pytest.approx(told.mean_s, rel=0.08)


TRAFFIC = st.floats(0.001, 60.0)


@given(TRAFFIC, st.integers(1, 80))
def test_laws(traffic: float, number: int) -> None:
    """A share is one; another line helps; who may wait meets everything busy more often than who
    goes away; more time makes more answers.
    """
    assert 0 <= engaged_share(traffic, number) <= engaged_share(traffic, number - 1) <= 1
    assert engaged_share(traffic, number) <= waiting_share(traffic, number) <= 1
    soon, late = (service_level(traffic, number, 180.0, s).within for s in (5.0, 50.0))
    assert 0 <= soon <= late <= 1
    assert (service_level(traffic, number, 180.0, 5.0).mean_s == math.inf) == (traffic >= number)


@given(TRAFFIC, st.floats(0.0005, 0.5))
def test_the_fewest_is_enough_and_one_less_is_not(traffic: float, share: float) -> None:
    """Lines by the share who hear engaged, positions by the share answered within 20 s."""
    lines = lines_for(traffic, share)
    assert engaged_share(traffic, lines) <= share < engaged_share(traffic, lines - 1)
    positions = positions_for(traffic, 180.0, 20.0, 1 - share)
    assert service_level(traffic, positions, 180.0, 20.0).within >= 1 - share
    if positions > 1:
        assert service_level(traffic, positions - 1, 180.0, 20.0).within < 1 - share


def test_more_than_any_house_has_is_the_most_that_is_told() -> None:
    """Nobody is kept waiting for an answer that is of no use."""
    assert lines_for(10_000.0, 0.01) == positions_for(10_000.0, 180.0, 20.0, 0.8) == MOST_SERVERS


@given(st.floats(0.01, 12.0), st.integers(1, 12))
def test_what_came_is_told_by_what_was_carried(traffic: float, lines: int) -> None:
    """Who heard engaged left no trace; the formula knows of them."""
    carried = traffic * (1 - engaged_share(traffic, lines))
    if carried <= lines * 0.99:
        assert offered_traffic(carried, lines) == pytest.approx(traffic, rel=1e-6)


def test_nothing_and_everything_carried_tell_nothing_more() -> None:
    """No call: no traffic; engaged all the time: at least that much."""
    assert offered_traffic(0.0, 2) == 0.0
    assert offered_traffic(2.0, 2) == 2.0


def test_the_busiest_hour_is_the_busiest_on_average() -> None:
    """A call over the full hour belongs to both; one day's peak is no busy hour."""
    day_of = {n: (f"day {n // 24}", n % 24) for n in range(24 * 3)}
    minute = 60_000

    def use(day: int, hour: int, at: int, minutes: int) -> tuple[int, int]:
        start = (day * 24 + hour) * HOUR_MS + at * minute
        return start, start + minutes * minute

    uses = [use(0, 9, 50, 20), use(1, 9, 0, 20), use(0, 15, 0, 25), use(2, 8, 0, 7)]
    found = busiest_hour(uses, day_of)
    assert found is not None
    assert (found.hour, found.days) == (9, 3)
    assert (found.traffic, found.length_s) == pytest.approx((30 / 60 / 3, 72 / 4 * 60))
    assert busiest_hour([], day_of) is None
    assert busiest_hour([(HOUR_MS * 900, HOUR_MS * 901)], day_of) is None
