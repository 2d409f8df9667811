"""Whether and how callers wait for a position that becomes free (P8)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from appliance.errors import ConfigurationError
from appliance.policy import routing
from appliance.policy.clock import Now
from appliance.policy.office import WaitingRules, share_phones
from appliance.policy.opening import NO_MANUAL_STATES, ManualMark, ManualState
from appliance.policy.routing import Destination, GroupState, NotTaken, RoutingFacts, explain
from tests.stories.offices import EXAMPLE, OFFICES, ROME

S, M = GroupState, NotTaken
TEN = Now(0.0, datetime(2026, 11, 25, 10, tzinfo=ROME))


@pytest.mark.parametrize(
    ("free", "waiting", "dealt"),
    [
        (("op1",), 2, (("op1",), ())),
        (("op1", "op2"), 1, (("op1", "op2"),)),
        (("op1", "op2", "op3"), 2, (("op1", "op3"), ("op2",))),
        ((), 1, ((),)),
    ],
)
def test_free_positions_are_dealt_out_in_turn(
    free: tuple[str, ...], waiting: int, dealt: tuple[tuple[str, ...], ...]
) -> None:
    """The longest waiting caller comes first; no position rings for two."""
    assert share_phones(free, waiting) == dealt


@pytest.mark.parametrize(
    ("rules", "complaint"),
    [
        ({"places": 10, "longest_ms": 60_000}, "10 places to wait: write 0"),
        ({"places": -1}, "-1 places to wait"),
        ({"places": 2}, "both queue_max and max_wait"),
        ({"longest_ms": 60_000}, "both queue_max and max_wait"),
        ({"places": 2, "longest_ms": 5_000}, "5 s is no time to wait"),
        ({"places": 2, "longest_ms": 901_000}, "901 s is no time to wait"),
        ({"places": 2, "longest_ms": 60_000, "every_ms": 9_000}, "every 9 s leaves no pause"),
    ],
)
def test_what_cannot_be_is_refused(rules: dict[str, Any], complaint: str) -> None:
    """Each mistake has its sentence, with what to write."""
    with pytest.raises(ConfigurationError, match=complaint):
        WaitingRules(**rules)


@pytest.mark.parametrize(
    ("cause", "counter", "places", "way"),
    [
        (M.BUSY, S.BUSY, 0, Destination.VOICEMAIL),  # as delivered nobody waits
        (M.BUSY, S.BUSY, 1, Destination.WAITING),
        (M.BUSY, S.FREE, 1, Destination.CITIZENS_DESK),  # no waiting before overflow (E2)
        (M.BUSY, S.UNREACHABLE, 1, Destination.WAITING),
        (M.UNATTENDED, S.BUSY, 1, Destination.WAITING),  # somebody at the counter will be free
        (M.UNREACHABLE, S.BUSY, 1, Destination.WAITING),
        (M.UNATTENDED, S.UNREACHABLE, 1, Destination.VOICEMAIL),  # nobody waits for nobody
        (M.NO_ANSWER, S.BUSY, 1, Destination.VOICEMAIL),  # who was free did not answer
    ],
)
def test_who_waits(cause: NotTaken, counter: GroupState, places: int, way: Destination) -> None:
    """P8: a caller waits where there is a place and somebody busy who will be free."""
    facts = RoutingFacts(NO_MANUAL_STATES, S.BUSY, counter, places)
    assert routing.overflow(EXAMPLE, facts, TEN, cause).way is way


def test_after_the_counter_a_caller_may_wait_for_the_busy_switchboard() -> None:
    """The counter rang in vain; the operators are still talking."""
    facts = RoutingFacts(NO_MANUAL_STATES, S.BUSY, S.FREE, 1)
    assert (
        routing.after_counter(EXAMPLE, facts, TEN, M.BUSY, M.NO_ANSWER).way is Destination.WAITING
    )
    assert (
        routing.after_counter(EXAMPLE, facts, TEN, M.NO_ANSWER, M.BUSY).way is Destination.VOICEMAIL
    )


def test_after_waiting() -> None:
    """Voicemail says why nobody came; all absent goes first; the counter where it comes last."""
    facts = RoutingFacts(NO_MANUAL_STATES, S.BUSY, S.FREE)
    assert routing.after_waiting(EXAMPLE, facts, TEN).greeting == "greeting_busy"
    gone = replace(facts, switchboard=S.UNATTENDED)
    assert routing.after_waiting(EXAMPLE, gone, TEN).greeting == "greeting_unattended"
    absent = NO_MANUAL_STATES.set(
        ManualState.ABSENT, ManualMark("capo", TEN.wall, TEN.wall + timedelta(hours=1))
    )
    told = routing.after_waiting(EXAMPLE, replace(facts, service=absent), TEN)
    assert told.greeting == "greeting_absent"
    first = OFFICES["waiting_first"]
    assert routing.after_waiting(first, facts, TEN).way is Destination.CITIZENS_DESK


def test_explain_tells_of_waiting() -> None:
    """`centralino explain` shows how long a caller waits, and what follows."""
    told = explain(OFFICES["waiting"], EXAMPLE.lines[0], TEN.wall, S.BUSY, S.BUSY)
    assert [(step.code, step.ring_ms) for step in told.steps] == [
        ("waiting.queue", 120_000),
        ("waiting.over", 0),
    ]
    told = explain(OFFICES["waiting"], EXAMPLE.lines[0], TEN.wall, S.BUSY, S.FREE)
    assert [step.code for step in told.steps] == [
        "overflow.busy", "waiting.queue", "waiting.over",
    ]  # fmt: skip
    told = explain(OFFICES["waiting_first"], EXAMPLE.lines[0], TEN.wall, S.BUSY, S.FREE)
    assert [step.code for step in told.steps] == [
        "waiting.queue", "overflow.busy", "desk.no_answer",
    ]  # fmt: skip
