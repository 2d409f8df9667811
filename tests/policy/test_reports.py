"""The report's sums (P1, E21): every call in exactly one way, and what a naive count says."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.policy.reports import (
    THIRD_RING_S,
    WITHIN_S,
    CallFigures,
    CallRow,
    Ending,
    RequestRow,
    TransferAttempt,
    call_figures,
    hours_axis,
    months_axis,
    period_before,
    report_of,
    seconds_shown,
)
from tests.policy.small_directory import rome

START = rome("2026-10-30 08:00")
UNITS = ("anagrafe", "tributi")
SENT = st.builds(
    TransferAttempt, st.sampled_from(UNITS), st.sampled_from(["", "busy", "no_answer"])
)
CALLS = st.builds(
    CallRow,
    st.integers(0, 60 * 24 * 60).map(lambda minutes: START + timedelta(minutes=minutes)),
    st.sampled_from(["", "051598111", "800011837"]),
    st.sampled_from(Ending),
    st.none() | st.floats(0, 300),
    st.booleans(),
    st.lists(SENT, max_size=3).map(tuple),
    st.sampled_from(["", "op1", "op2"]),
    st.booleans(),
)
REQUESTS = st.builds(
    RequestRow,
    st.sampled_from(UNITS),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)


@given(st.lists(CALLS, max_size=40), st.lists(REQUESTS, max_size=20))
def test_the_sums_are_what_a_naive_count_says(
    calls: list[CallRow], requests: list[RequestRow]
) -> None:
    """The ways partition all calls; numbers, months and hours each add up to the whole."""
    found = report_of(calls, requests)
    naive = Counter(call.ending for call in calls)
    assert found.total.calls == len(calls) == sum(found.total.endings.values())
    assert found.total.endings == {each: naive[each] for each in Ending}
    assert found.total.by_filter == naive[Ending.FILTER] + naive[Ending.INFORMED]
    assert found.total.called_back == sum(call.called_back for call in calls)
    for groups in (found.numbers, found.months, found.hours, found.weekdays):
        parts = list(groups.values())
        for what in ("calls", "overflow", "answered", "within", "third_ring", "by_filter"):
            assert sum(getattr(part, what) for part in parts) == getattr(found.total, what)
        assert max(
            (p.longest_wait_s for p in parts if p.longest_wait_s is not None), default=None
        ) == (found.total.longest_wait_s)
    sent = [each for call in calls for each in call.sent]
    assert found.every_unit.asked == len(sent) == sum(u.asked for u in found.units.values())
    for unit, told in found.units.items():
        assert told.accepted == sum(s.unit == unit and not s.returned for s in sent)
        assert told.asked == told.accepted + sum(told.returned.values())
        mine = [each for each in requests if each.unit == unit]
        assert told.appointments + told.emails == sum(each.counted for each in mine)
        assert (told.open, told.overdue) == (
            sum(each.open for each in mine),
            sum(each.overdue for each in mine),
        )


def test_nothing_per_person_unless_asked_for() -> None:
    """E21: staff are not measured; with an agreement's reference the figures are per position."""
    calls = [
        CallRow(START, "", Ending.FILTER, 4.0, position="op1"),
        CallRow(START, "", Ending.LOST),
    ]
    assert report_of(calls, []).positions == {}
    assert list(report_of(calls, [], per_person=True).positions) == ["op1"]


@pytest.mark.parametrize(
    ("wait", "within", "third"),
    [(0.0, 1, 1), (THIRD_RING_S, 1, 1), (15.1, 1, 0), (WITHIN_S, 1, 0), (20.1, 0, 0)],
)
def test_within_twenty_seconds_and_by_the_third_ring(wait: float, within: int, third: int) -> None:
    """A charter's promise is kept at its very limit."""
    found = call_figures([CallRow(START, "", Ending.FILTER, wait)])
    assert (found.within, found.third_ring) == (within, third)


def test_the_headline_is_a_part_of_what_was_served() -> None:
    """P1: of three served calls two were answered by the filter; a lost one is none of them."""
    endings = (Ending.FILTER, Ending.INFORMED, Ending.TRANSFERRED, Ending.LOST, Ending.VOICEMAIL)
    found = call_figures(CallRow(START, "", each) for each in endings)
    assert (found.by_filter, found.served, found.filter_share) == (2, 3, 2 / 3)


def test_no_calls_are_no_figures() -> None:
    """Where nobody called there is no mean, and no share."""
    none = call_figures([])
    assert (none.calls, none.mean_wait_s, none.longest_wait_s, none.filter_share) == (0,) + (
        None,
    ) * 3
    assert CallFigures().by_filter == 0
    assert report_of([], []).units == {}


def test_the_mean_and_the_longest_wait() -> None:
    """Of the calls that a person answered, and of no other."""
    rows = [CallRow(START, "", Ending.FILTER, wait) for wait in (2.0, 4.0, 9.0)]
    found = call_figures([*rows, CallRow(START, "", Ending.LOST)])
    assert (found.mean_wait_s, found.longest_wait_s, found.answered) == (5.0, 9.0, 3)


@pytest.mark.parametrize(
    ("seconds", "it", "en"),
    [(2.64, "2,6 s", "2.6 s"), (7.0, "7,0 s", "7.0 s"), (0.04, "0,0 s", "0.0 s"), (None, "–", "–")],
)
def test_a_wait_is_written_one_way(seconds: float | None, it: str, en: str) -> None:
    """On the page, on paper and by command: 2.6 is neither 2 nor 3."""
    assert (seconds_shown(seconds, "it"), seconds_shown(seconds, "en")) == (it, en)


@pytest.mark.parametrize(
    ("period", "before"),
    [
        (("2026-11-01", "2026-11-30"), ("2026-10-01", "2026-10-31")),
        (("2026-01-01", "2026-03-31"), ("2025-10-01", "2025-12-31")),
        (("2026-01-01", "2026-12-31"), ("2025-01-01", "2025-12-31")),
        (("2026-11-01", "2026-11-20"), ("2026-10-12", "2026-10-31")),
        (("2026-11-25", "2026-11-25"), ("2026-11-24", "2026-11-24")),
    ],
)
def test_the_period_before(period: tuple[str, str], before: tuple[str, str]) -> None:
    """Whole months are compared with as many whole months, days with as many days."""
    first, last = map(date.fromisoformat, period)
    assert tuple(map(str, period_before(first, last))) == before


def test_axes_leave_nothing_out() -> None:
    """Hours and months without a call keep their place, of both periods that are compared."""
    calls = [CallRow(START.replace(month=m, hour=h), "", Ending.LOST) for m, h in ((3, 7), (6, 11))]
    found, other = report_of(calls, ()), report_of([replace(calls[0], at=START)], ())
    assert [f"{month:%m}" for month in months_axis(found)] == ["03", "04", "05", "06"]
    assert tuple(hours_axis(found)) == (7, 8, 9, 10, 11)
    assert tuple(hours_axis(other, found)) == (7, 8, 9, 10, 11)
    nothing = report_of((), ())
    assert (months_axis(nothing), tuple(hours_axis(nothing))) == ((), ())


def test_shares_of_nothing_are_unknown() -> None:
    """Where nobody answered there is no share, and no 0 %."""
    assert call_figures(()).within_share is None
    one = call_figures(
        [CallRow(START, "", Ending.FILTER, 20.0), CallRow(START, "", Ending.FILTER, 21)]
    )
    assert one.within_share == 0.5
    assert call_figures([CallRow(START, "", Ending.LOST)]).lost == 1
