"""B9: when a caller is handed over, and to which branch."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from appliance.policy.clock import ClockState, Now
from appliance.policy.directory import Need, Reach, make_target
from appliance.policy.hours import Closure
from appliance.policy.office import BranchRules, OverflowCause
from appliance.policy.opening import ReasonCode
from appliance.policy.routing import (
    CAUSE_OF_CODE,
    NOT_TAKEN_GREETINGS,
    BranchDestination,
    NotTaken,
    branch_destinations,
    overflow_cause,
)
from appliance.policy.text import Refused
from appliance.policy.transfers import TransferAllowed, may_transfer
from tests.stories.directories import SEATS, varied
from tests.stories.offices import OFFICES, ROME

OFFICE = OFFICES["branches"]
CALENDAR = OFFICE.switchboard.schedule
TEN = Now(500.0, datetime(2026, 11, 25, 10, tzinfo=ROME))
NIGHT = Now(500.0, datetime(2026, 11, 25, 22, tzinfo=ROME))
SAVENA, BORGO = (
    BranchDestination("savena", "pubblico", "sede1"),
    BranchDestination("borgo", "pubblico", "sede2"),
)


def test_the_branches_that_are_open_now_in_the_written_order() -> None:
    """P4, P5: what an office has declared binds; an office that is not there is passed over."""
    rules = OFFICE.branches
    assert list(branch_destinations(rules, SEATS, CALENDAR, TEN)) == [SAVENA, BORGO]
    assert list(branch_destinations(rules, SEATS, CALENDAR, NIGHT)) == [BORGO]
    turned = replace(rules, offices=rules.offices[::-1])
    assert list(branch_destinations(turned, SEATS, CALENDAR, TEN)) == [BORGO, SAVENA]


PATRON = Now(500.0, datetime(2026, 11, 30, 10, tzinfo=ROME))


def test_another_branch_is_closed_by_nothing_of_ours() -> None:
    """E14: patron saints differ from town to town: its declared bands alone count, and its own
    variations; an operator who asks for it and the directory's page are told the same.
    """
    assert not CALENDAR.at(PATRON.wall).open
    shut = Closure(datetime(2026, 11, 25), datetime(2026, 11, 26))  # noqa: DTZ001 - local
    ours = replace(CALENDAR, closures=(shut,), shut=(shut,))
    for calendar, now in ((CALENDAR, PATRON), (ours, TEN)):
        assert list(branch_destinations(OFFICE.branches, SEATS, calendar, now)) == [SAVENA, BORGO]
        assert isinstance(may_transfer(SEATS, calendar, "savena", "pubblico", now), TransferAllowed)
    held = replace(CALENDAR, elsewhere=frozenset())
    assert list(branch_destinations(OFFICE.branches, SEATS, held, PATRON)) == []
    feast = (PATRON.wall.date(), PATRON.wall.date())
    varied_seats = varied(SEATS, "savena", feast, "15-17", "Festa di Savena")
    assert list(branch_destinations(OFFICE.branches, varied_seats, CALENDAR, PATRON)) == [BORGO]


def test_a_clock_that_nobody_trusts_opens_no_branch() -> None:
    """P5: a band cannot be kept by it, so nobody is handed over."""
    unset = replace(TEN, clock_state=ClockState.UNSET)
    assert list(branch_destinations(OFFICE.branches, SEATS, CALENDAR, unset)) == []


def test_only_a_named_branch_is_rung() -> None:
    """A need may name phones, extensions and numbers beside: these are for operators alone."""
    first = SEATS.declarations[0]
    need = Need(
        "pubblico",
        "Pubblico",
        (
            make_target(Reach.PBX, "204"),
            make_target(Reach.PHONE, "ana1"),
            make_target(Reach.PHONE, "sede1"),
        ),
    )
    mixed = replace(SEATS, declarations=(replace(first, needs=(need,)),))
    assert list(branch_destinations(OFFICE.branches, mixed, CALENDAR, TEN)) == [SAVENA]


@pytest.mark.parametrize(
    ("missed", "cause"),
    [
        (NotTaken.BUSY, OverflowCause.BUSY),
        (NotTaken.NO_ANSWER, OverflowCause.NO_ANSWER),
        (NotTaken.DECLINED, OverflowCause.NO_ANSWER),
        (NotTaken.UNATTENDED, OverflowCause.UNATTENDED),
        (NotTaken.UNREACHABLE, OverflowCause.UNREACHABLE),
    ],
)
def test_why_nobody_took_the_call_is_known_by_its_greeting(
    missed: NotTaken, cause: OverflowCause
) -> None:
    """What the caller would be told is what the branch is told."""
    assert overflow_cause(ReasonCode.DESK_NONE, NOT_TAKEN_GREETINGS[missed]) is cause


def test_closed_is_closed_whatever_is_said() -> None:
    """A closure may have a greeting of its own; being absent is no closure."""
    assert {overflow_cause(code, "greeting_summer") for code in CAUSE_OF_CODE} == {
        OverflowCause.CLOSED,
        OverflowCause.UNATTENDED,
    }
    assert overflow_cause(ReasonCode.ABSENT, "greeting_absent") is OverflowCause.UNATTENDED


@pytest.mark.parametrize(
    "code", [ReasonCode.HALF_DUPLEX, ReasonCode.PARALLEL_UNANSWERED, ReasonCode.PBX_FAULT]
)
def test_a_line_that_carries_no_conversation_hands_nobody_over(code: ReasonCode) -> None:
    """B2: there is nothing to join the branch to."""
    assert overflow_cause(code, "greeting_no_answer") is None


def test_what_is_no_rule_is_refused() -> None:
    """A name that no account can have, a time in which nobody can lift."""
    with pytest.raises(Refused, match="no branch's name"):
        BranchRules(names=("sede savena",))
    with pytest.raises(Refused, match="above 0"):
        BranchRules(ring_ms=0)
