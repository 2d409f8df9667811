"""A month of the simulated year, and the watch itself: it sees what must never be."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from appliance.calls import events, orders
from appliance.calls.orders import CallRecord, Result
from appliance.policy.clock import Now
from tests.year import town
from tests.year.year import Year

RANG_AT = datetime(town.YEAR, 11, 25, 10, tzinfo=town.ROME)
MORNING, EVENING = Now(1.0, RANG_AT), Now(1.0, RANG_AT.replace(hour=19))


def test_a_month_of_a_busy_office() -> None:
    """Nobody's call is lost, no line left seized, no transfer undeclared, no number told (B1, P5,
    P7); and it was a month: people answered, messages were left, sheets heard, transfers asked for.
    """
    outcome = Year(seed=1, first=date(town.YEAR, 11, 15)).run(30)
    assert outcome.calls > 1000
    assert sum(outcome.results.values()) == outcome.calls
    assert {"answered", "message", "no_message", "informed", "gave_up"} <= set(outcome.results)
    assert outcome.results["answered"] > outcome.calls / 2
    assert outcome.trails["sheet"] > 10
    assert outcome.trails["transfer_refused"] > 50


def test_the_same_seed_is_the_same_time() -> None:
    """What goes wrong once can be looked at again."""
    first, again, other = (Year(seed).run(6) for seed in (3, 3, 4))
    assert (first.results, first.events) == (again.results, again.events)
    assert first.events != other.events


def ring(phone: str) -> orders.RingPhones:
    """Return the order to ring one phone for the first call."""
    return orders.RingPhones("y-1", (orders.Ringing("y-1.9", phone),), "Centralino")


def ended(result: Result) -> orders.WriteCall:
    """Return a final record."""
    record = CallRecord("y-1", "line1", RANG_AT, ended_at=RANG_AT, result=result)
    return orders.WriteCall(record)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([ring("ana1")], "outside its office's declaration"),
        ([orders.DialLeg("line2", town.HIDDEN[0])], "undeclared number"),
        ([orders.Flash("line1", "204")], "undeclared number"),
        ([orders.AnswerLine("line1"), orders.AnswerLine("line1")], "off hook already"),
        ([ended(Result.OPEN)], "without a result"),
        ([ended(Result.ANSWERED), ended(Result.ANSWERED)], "ended twice"),
        ([orders.RingPhones("y-1", (), "x", town.HIDDEN[1])], "a number is told"),
        (
            [orders.Play("p", tuple(f"it/digit_{digit}" for digit in town.HIDDEN[2]), "line1")],
            "a number is told",
        ),
    ],
)
def test_what_must_never_be_is_seen(given: list[orders.Order], said: str) -> None:
    """The watch refuses each breach in words (the check can fail)."""
    watch = Year().watch
    *before, last = given
    for order in before:
        watch.order(order)
    with pytest.raises(AssertionError, match=said):
        watch.order(last)


def test_a_declared_number_may_be_rung_while_its_band_is_open() -> None:
    """P5: the same code reaches its numbers in the morning and nobody in the evening."""
    watch = Year().watch
    assert watch.may_reach("31", MORNING) == {"ana1", "ana2"}
    assert watch.may_reach("33*1", MORNING) == {"tri1", town.HIDDEN[0]}
    for code, now in (("31", EVENING), ("99", MORNING), ("", MORNING), (town.HIDDEN[0], MORNING)):
        assert watch.may_reach(code, now) == set()
    watch.allowed["y-1"] = watch.may_reach("31", MORNING)
    watch.order(ring("ana2"))


def test_a_seized_line_and_a_phone_in_two_calls_are_seen() -> None:
    """B1: what holds between two events is looked at after each."""
    watch = Year().watch
    with pytest.raises(AssertionError, match="in two calls"):
        watch.after(["op1", "op1"])
    watch.off_hook.add("line1")
    with pytest.raises(AssertionError, match="seized by nobody"):
        watch.after(())


def test_a_revoked_number_that_is_told_is_seen() -> None:
    """E11: the duty number is told while its unit's leave holds, and not after."""
    year = Year()
    told = orders.Play("p", tuple(f"it/digit_{digit}" for digit in town.DUTY), "line1")
    year.watch.order(told)
    year.tell(events.DirectoryChanged(town.REVOKED))
    with pytest.raises(AssertionError, match="revoked"):
        year.watch.order(told)
