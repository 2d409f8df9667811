"""Counters begin at 0, only ever grow, and count each call once, as it ended in the end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from appliance.calls import events
from appliance.calls.events import Evidence
from appliance.calls.incoming import UNSEEN_S
from appliance.calls.orders import Direction, Result
from appliance.fleet.prometheus import ANSWER_BOUNDS_S, CALL_OUTCOMES, MetricCounters, Spread
from tests.fleet.samples import ended, status_of
from tests.year import town

LINE1, LINE2 = town.LINES


def test_everything_that_can_be_counted_is_there_from_the_start() -> None:
    """Prometheus sees the first call of a kind as an increase only from a 0 that was there."""
    tally = MetricCounters().tally(0.0)
    assert dict(tally.calls) == dict.fromkeys(CALL_OUTCOMES, 0)
    assert ("in", "answered") in tally.calls
    assert not any(result == Result.OPEN for _, result in tally.calls)


def test_a_call_is_counted_once_when_it_is_over() -> None:
    """Records are written at every stage; the last one counts, and how its release was seen."""
    counts = MetricCounters()
    over = ended("a", evidence=Evidence.BUSY_TONE, release_ms=1500)
    counts.call(replace(over, ended_at=None), 1.0)
    assert sum(counts.tally(50.0).calls.values()) == 0
    for now in (60.0, 61.0):
        counts.call(over, now)
        tally = counts.tally(now)
        assert tally.calls["in", "answered"] == sum(tally.calls.values()) == 1
    assert tally.released == {"busy_tone": 1}
    assert (tally.release.count, tally.release.sum_s) == (1, 1.5)
    assert (tally.answer.sum_s, tally.talk.sum_s) == (12.0, 100.0)
    assert tally.answer.up_to == tuple(int(bound >= 12) for bound in ANSWER_BOUNDS_S)


def test_a_call_that_a_telephone_had_taken_is_none_that_gave_up() -> None:
    """The record is corrected seconds later: it is counted then, and never as both."""
    counts = MetricCounters()
    gave_up = ended("a", Result.GAVE_UP, answered_at=None)
    counts.call(gave_up, 1.0)
    assert sum(counts.tally(1.0 + UNSEEN_S).calls.values()) == 0
    counts.call(replace(gave_up, result=Result.TAKEN), 5.0)
    tally = counts.tally(6.0)
    assert tally.calls["in", "taken"] == sum(tally.calls.values()) == 1
    counts.call(ended("b", Result.GAVE_UP, answered_at=None), 10.0)
    assert counts.tally(10.1 + UNSEEN_S).calls["in", "gave_up"] == 1


def test_only_people_who_answered_count_as_answers() -> None:
    """A message was answered by nobody; a call out is talk, and no caller's waiting."""
    counts = MetricCounters()
    counts.call(ended("a", Result.MESSAGE), 1.0)
    counts.call(ended("b", direction=Direction.OUT), 1.0)
    tally = counts.tally(2.0)
    assert tally.calls["out", "answered"] == 1
    assert (tally.answer.count, tally.talk.count) == (0, 1)


def test_a_clock_that_was_set_back_makes_no_negative_time() -> None:
    """A sum that shrinks would be taken for a restart."""
    counts, over = MetricCounters(), ended("a")
    counts.call(replace(over, rang_at=over.rang_at + timedelta(hours=1)), 1.0)
    assert counts.tally(2.0).answer == Spread()


def test_busy_lines_are_time() -> None:
    """Traffic in erlang is the rate of these seconds; all busy is when callers heard engaged."""
    counts = MetricCounters()
    one, both = events.LineRang(LINE1), (events.LineRang(LINE1), events.LineRang(LINE2))
    for now, facts in ((0.0, ()), (10.0, (one,)), (14.0, both), (20.0, ()), (30.0, ())):
        counts.lines(status_of(*facts), now)
    tally = counts.tally(30.0)
    assert tally.busy_s == {LINE1: 10.0, LINE2: 6.0}
    assert tally.all_busy_s == 6.0


@given(st.lists(st.tuples(st.sampled_from(("call", "line", "fault")), st.integers(0, 5))))
def test_no_counter_ever_shrinks(steps: list[tuple[str, int]]) -> None:
    """Whatever comes in whatever order."""
    counts, now, before = MetricCounters(), 0.0, 0.0
    results = [result for result in Result if result is not Result.OPEN]
    for what, number in steps:
        now += number
        if what == "call":
            counts.call(ended(f"c{number}", results[number]), now)
        elif what == "line":
            counts.lines(status_of(*[events.LineRang(LINE1)] * (number % 2)), now)
        else:
            counts.fault({"underruns": number})
        tally = counts.tally(now)
        total = sum(tally.calls.values()) + sum(tally.busy_s.values()) + tally.all_busy_s
        total += sum(tally.faults.values()) + tally.talk.sum_s + tally.answer.sum_s
        assert total >= before
        before = total
