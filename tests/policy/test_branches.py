"""B9: when a caller is handed over, and to which branch."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from appliance.policy.clock import ClockState, Now
from appliance.policy.directory import Need, Reach, target
from appliance.policy.hours import Closure
from appliance.policy.office import (
    BY_CODE,
    Branches,
    Cause,
    Code,
    Destination,
    cause_of,
    destinations,
)
from appliance.policy.routing import GREETINGS, Missed
from appliance.policy.text import Refused
from appliance.policy.transfers import Allowed, may_transfer
from tests.stories.offices import OFFICES, ROME
from tests.stories.registers import SEATS, varied

OFFICE = OFFICES["branches"]
CALENDAR = OFFICE.switchboard.schedule
TEN = Now(500.0, datetime(2026, 11, 25, 10, tzinfo=ROME))
NIGHT = Now(500.0, datetime(2026, 11, 25, 22, tzinfo=ROME))
SAVENA, BORGO = (
    Destination("savena", "pubblico", "sede1"),
    Destination("borgo", "pubblico", "sede2"),
)


def test_the_branches_that_are_open_now_in_the_written_order() -> None:
    """P4, P5: what an office has declared binds; an office that is not there is passed over."""
    rules = OFFICE.branches
    assert list(destinations(rules, SEATS, CALENDAR, TEN)) == [SAVENA, BORGO]
    assert list(destinations(rules, SEATS, CALENDAR, NIGHT)) == [BORGO]
    turned = replace(rules, offices=rules.offices[::-1])
    assert list(destinations(turned, SEATS, CALENDAR, TEN)) == [BORGO, SAVENA]


PATRON = Now(500.0, datetime(2026, 11, 30, 10, tzinfo=ROME))


def test_another_branch_is_closed_by_nothing_of_ours() -> None:
    """E14: patron saints differ from town to town: its declared bands alone count, and its own
    variations; an operator who asks for it and the register's page are told the same.
    """
    assert not CALENDAR.at(PATRON.wall).open
    shut = Closure(datetime(2026, 11, 25), datetime(2026, 11, 26))  # noqa: DTZ001 - local
    ours = replace(CALENDAR, closures=(shut,), shut=(shut,))
    for calendar, now in ((CALENDAR, PATRON), (ours, TEN)):
        assert list(destinations(OFFICE.branches, SEATS, calendar, now)) == [SAVENA, BORGO]
        assert isinstance(may_transfer(SEATS, calendar, "savena", "pubblico", now), Allowed)
    held = replace(CALENDAR, elsewhere=frozenset())
    assert list(destinations(OFFICE.branches, SEATS, held, PATRON)) == []
    feast = (PATRON.wall.date(), PATRON.wall.date())
    varied_seats = varied(SEATS, "savena", feast, "15-17", "Festa di Savena")
    assert list(destinations(OFFICE.branches, varied_seats, CALENDAR, PATRON)) == [BORGO]


def test_a_clock_that_nobody_trusts_opens_no_branch() -> None:
    """P5: a band cannot be kept by it, so nobody is handed over."""
    unset = replace(TEN, clock_state=ClockState.UNSET)
    assert list(destinations(OFFICE.branches, SEATS, CALENDAR, unset)) == []


def test_only_a_named_branch_is_rung() -> None:
    """A need may name phones, extensions and numbers beside: these are for operators alone."""
    first = SEATS.declarations[0]
    need = Need(
        "pubblico",
        "Pubblico",
        (target(Reach.PBX, "204"), target(Reach.PHONE, "ana1"), target(Reach.PHONE, "sede1")),
    )
    mixed = replace(SEATS, declarations=(replace(first, needs=(need,)),))
    assert list(destinations(OFFICE.branches, mixed, CALENDAR, TEN)) == [SAVENA]


@pytest.mark.parametrize(
    ("missed", "cause"),
    [
        (Missed.BUSY, Cause.BUSY),
        (Missed.NO_ANSWER, Cause.NO_ANSWER),
        (Missed.DECLINED, Cause.NO_ANSWER),
        (Missed.UNATTENDED, Cause.UNATTENDED),
        (Missed.UNREACHABLE, Cause.UNREACHABLE),
    ],
)
def test_why_nobody_took_the_call_is_known_by_its_greeting(missed: Missed, cause: Cause) -> None:
    """What the caller would be told is what the branch is told."""
    assert cause_of(Code.DESK_NONE, GREETINGS[missed]) is cause


def test_closed_is_closed_whatever_is_said() -> None:
    """A closure may have a greeting of its own; being absent is no closure."""
    assert {cause_of(code, "greeting_summer") for code in BY_CODE} == {
        Cause.CLOSED,
        Cause.UNATTENDED,
    }
    assert cause_of(Code.ABSENT, "greeting_absent") is Cause.UNATTENDED


@pytest.mark.parametrize("code", [Code.HALF_DUPLEX, Code.PARALLEL_UNANSWERED, Code.PBX_FAULT])
def test_a_line_that_carries_no_conversation_hands_nobody_over(code: Code) -> None:
    """B2: there is nothing to join the branch to."""
    assert cause_of(code, "greeting_no_answer") is None


def test_what_is_no_rule_is_refused() -> None:
    """A name that no account can have, a time in which nobody can lift."""
    with pytest.raises(Refused, match="no branch's name"):
        Branches(names=("sede savena",))
    with pytest.raises(Refused, match="above 0"):
        Branches(ring_ms=0)
