"""Promised beside measured: on how many cases a figure rests, and nothing where there was none."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from appliance.policy.directory import ReturnRule
from appliance.policy.reports import CallRow, Ending, call_figures
from appliance.policy.requests import Citizen, NewRequest, Request, RequestClosing, due_day
from appliance.policy.standards import (
    KEPT_WORDS,
    STANDARD_WORDS,
    InTime,
    Quarter,
    ServiceTargets,
    Standard,
    StandardResult,
    measured_text,
    messages_in_time,
    promised_words,
    quarter_of,
    read_quarter,
    requests_in_time,
    standard_results,
)
from appliance.policy.text import Refused
from appliance.policy.voicemail import unclosed_at
from tests.policy.small_directory import CALENDAR, rome

AT = rome("2026-11-23 10:00")
LATER = AT + timedelta(days=30)
NONE = InTime()


def row(ending: Ending, wait: float | None = None, called_back: bool = False) -> CallRow:
    """Make a call."""
    return CallRow(AT, "", ending, wait, called_back=called_back)


def test_each_standard_is_measured_on_its_own_cases() -> None:
    """Waits of those answered, lost ones of all, called back ones of the lost."""
    calls = call_figures(
        [
            row(Ending.FILTER, 20),
            row(Ending.TRANSFERRED, 21),
            row(Ending.LOST, called_back=True),
            row(Ending.LOST),
            row(Ending.VOICEMAIL),
        ]
    )
    found = standard_results(ServiceTargets(), calls, InTime(3, 4), InTime(1, 1))
    assert [(each.standard, each.kept, each.cases, each.promised) for each in found] == [
        (Standard.ANSWERED_WITHIN_20S, 1, 2, 80),
        (Standard.LOST, 2, 5, 10),
        (Standard.CALLED_BACK, 1, 2, 90),
        (Standard.MESSAGES, 3, 4, 90),
        (Standard.REQUESTS, 1, 1, 90),
        (Standard.BY_FILTER, 1, 2, 0),
    ]
    assert [each.is_met for each in found] == [False, False, False, False, True, None]
    assert [each.measured for each in found] == [50, 40, 50, 75, 100, 50]
    assert set(STANDARD_WORDS) == set(Standard)


def test_what_was_not_measured_is_not_zero() -> None:
    """Without a call nothing is kept or broken."""
    found = standard_results(ServiceTargets(), call_figures(()), NONE, NONE)
    assert {(each.measured, each.is_met, each.cases) for each in found} == {(None, None, 0)}


def test_a_promise_is_kept_at_its_very_limit() -> None:
    """80 % is 80 %, and 10 % lost are no more than 10 %."""
    calls = call_figures(
        [
            *[row(Ending.FILTER, 5)] * 4,
            row(Ending.FILTER, 30),
            *[row(Ending.VOICEMAIL)] * 4,
            row(Ending.LOST),
        ]
    )
    within, lost, *_ = standard_results(ServiceTargets(), calls, NONE, NONE)
    assert (within.is_met, lost.is_met) == (True, True)


@pytest.mark.parametrize("value", [-1, 101])
def test_promises_are_percentages(value: int) -> None:
    """Anything else is a mistake that names its key."""
    with pytest.raises(Refused, match=f"lost_at_most = {value} is no percentage"):
        ServiceTargets(lost_at_most=value)


def test_messages_within_one_working_day() -> None:
    """Closed in time, closed late, open and late; open and not yet due does not count."""
    due, second = unclosed_at(AT, CALENDAR), timedelta(seconds=1)
    messages = [(AT, due), (AT, due + second), (AT, None)]
    assert messages_in_time(messages, CALENDAR, LATER) == InTime(1, 3)
    assert messages_in_time([(AT, None)], CALENDAR, AT) == NONE
    assert messages_in_time((), CALENDAR, LATER) == NONE


def request(closed: RequestClosing | None) -> Request:
    """Make a request."""
    new = NewRequest(
        ReturnRule.EMAIL, "anagrafe", "", Citizen("Anna", "3470000001"), "x", "y", AT, "op1"
    )
    made = {name: getattr(new, name) for name in NewRequest.__dataclass_fields__}
    return Request(**made, number=1, closing=closed)


def test_requests_by_their_due_day() -> None:
    """To the end of that day; cancelled ones do not count."""
    due = rome(f"{due_day(request(None), CALENDAR)} 23:59")
    closing = RequestClosing(due, "op1", "Elsa")
    late = replace(closing, at=due + timedelta(hours=1))
    cancelled = replace(late, cancelled=True)
    every = [request(each) for each in (closing, late, cancelled, None)]
    assert requests_in_time(every, CALENDAR, LATER) == InTime(1, 3)
    assert requests_in_time(every, CALENDAR, AT) == InTime(1, 2)


def test_quarters() -> None:
    """Their days, the ones beside them, and how people write them."""
    third = Quarter(2026, 3)
    assert (third.first, third.last) == (date(2026, 7, 1), date(2026, 9, 30))
    assert (third.after, third.after.after, Quarter(2026, 1).before) == (
        Quarter(2026, 4),
        Quarter(2027, 1),
        Quarter(2025, 4),
    )
    assert [quarter_of(date(2026, month, 1)).number for month in range(1, 13)] == [
        1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4,
    ]  # fmt: skip
    today = date(2026, 11, 30)
    assert (
        read_quarter("", today) == read_quarter("2026-3", today) == read_quarter(" 2026-q3 ", today)
    )
    assert str(third) == "2026-3"
    assert third.words.text("it") == "3° trimestre 2026"
    for wrong in ("2026", "2026-5", "1999-1", "9999-4", "3/2026"):
        with pytest.raises(Refused, match="no quarter"):
            read_quarter(wrong, today)


def test_a_sheet_in_words() -> None:
    """Bounds, shares that are not rounded over their promise, and what was not measured."""
    almost = StandardResult(Standard.CALLED_BACK, 80, 7996, 10_000)
    above = StandardResult(Standard.LOST, 10, 1004, 10_000)
    none = StandardResult(Standard.BY_FILTER, 0, 0, 0)
    assert [measured_text(each, "en") for each in (almost, above, none)] == [
        "79.9 %",
        "10.1 %",
        "not measured",
    ]
    assert measured_text(StandardResult(Standard.MESSAGES, 80, 7, 10), "it") == "70,0 %"
    assert [promised_words(each).text("it") for each in (almost, above, none)] == [
        "almeno 80 %",
        "al massimo 10 %",
        "nulla di promesso",
    ]
    assert {KEPT_WORDS[each.is_met].text("en") for each in (almost, above, none)} == {
        "not kept",
        "–",
    }
