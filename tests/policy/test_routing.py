"""Where calls go and why: P8, P9, E1 to E5, for every state of the two groups."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from appliance.policy import routing
from appliance.policy.clock import ClockState, Doubt, Now
from appliance.policy.lines import HalfDuplexDaytime, modem_line
from appliance.policy.opening import (
    NO_MANUAL_STATES,
    REASON_SENTENCES,
    ManualMark,
    ManualState,
    ReasonCode,
    ServiceState,
    reason_sentence,
)
from appliance.policy.routing import Destination, GroupState, NotTaken, RoutingFacts
from appliance.text import NOTHING
from tests.helpers.words import pair
from tests.stories.offices import EXAMPLE, ROME

S = GroupState
TEN = Now(0.0, datetime(2026, 11, 25, 10, tzinfo=ROME))
HALF_PAST_FIVE = Now(0.0, datetime(2026, 11, 25, 17, 30, tzinfo=ROME))
LUNCH = Now(0.0, datetime(2026, 11, 25, 13, 30, tzinfo=ROME))
LINE = EXAMPLE.lines[0]
NO_COUNTER = replace(EXAMPLE, citizens_desk=None)


def marked(what: ManualState, until: datetime | None = None) -> ServiceState:
    """Return the state after somebody asked for one thing at nine."""
    return NO_MANUAL_STATES.set(what, ManualMark("capo", TEN.wall - timedelta(hours=1), until))


@pytest.mark.parametrize(
    ("switchboard", "counter", "way", "code", "greeting"),
    [
        (S.FREE, S.FREE, "switchboard", "open.free", ""),
        (S.FREE, S.UNREACHABLE, "switchboard", "open.free", ""),
        (S.BUSY, S.FREE, "citizens_desk", "overflow.busy", ""),
        (S.UNATTENDED, S.FREE, "citizens_desk", "overflow.unattended", ""),
        (S.UNREACHABLE, S.FREE, "citizens_desk", "overflow.unreachable", ""),
        (S.BUSY, S.BUSY, "voicemail", "desk.busy", "greeting_busy"),
        (S.BUSY, S.CLOSED, "voicemail", "desk.closed", "greeting_busy"),
        (S.BUSY, S.UNREACHABLE, "voicemail", "desk.unreachable", "greeting_busy"),
        (S.UNATTENDED, S.BUSY, "voicemail", "desk.busy", "greeting_unattended"),
        (S.UNATTENDED, S.CLOSED, "voicemail", "desk.closed", "greeting_unattended"),
        (S.UNREACHABLE, S.CLOSED, "voicemail", "desk.closed", "greeting_fault"),
        (S.UNREACHABLE, S.BUSY, "voicemail", "desk.busy", "greeting_busy"),
        (S.UNREACHABLE, S.UNREACHABLE, "voicemail", "nobody.reachable", "greeting_fault"),
        (S.CLOSED, S.FREE, "voicemail", "closed.manual", "greeting_closed"),
    ],
)
def test_open_hours(
    switchboard: GroupState, counter: GroupState, way: str, code: str, greeting: str
) -> None:
    """P8: the switchboard, else the counter, else voicemail that says why; no endless ring."""
    decision = routing.route(
        EXAMPLE, LINE, RoutingFacts(NO_MANUAL_STATES, switchboard, counter), TEN
    )
    assert (decision.way, decision.code, decision.greeting) == (way, code, greeting)
    assert decision.sentence == REASON_SENTENCES[decision.code]


@pytest.mark.parametrize("switchboard", [S.FREE, S.BUSY, S.UNATTENDED, S.UNREACHABLE])
@pytest.mark.parametrize("service", [NO_MANUAL_STATES, marked(ManualState.UNATTENDED)])
def test_closed_means_voicemail_at_once(switchboard: GroupState, service: ServiceState) -> None:
    """P9: outside the switchboard's hours voicemail answers, though the counter is open."""
    decision = routing.route(EXAMPLE, LINE, RoutingFacts(service, switchboard, S.FREE), LUNCH)
    assert (decision.way, decision.code) == (Destination.VOICEMAIL, ReasonCode.CLOSED_HOURS)
    two = LUNCH.wall.replace(hour=14, minute=0)
    assert decision.changes_at == decision.reopens_at == two


def test_overflow_never_rings_a_closed_counter() -> None:
    """E2: at half past five the switchboard is open, the counter is not."""
    for cause in NotTaken:
        decision = routing.overflow(EXAMPLE, RoutingFacts(), HALF_PAST_FIVE, cause)
        assert (decision.way, decision.code) == (Destination.VOICEMAIL, ReasonCode.DESK_CLOSED)
    assert (
        routing.overflow(EXAMPLE, RoutingFacts(), TEN, NotTaken.BUSY).way
        is Destination.CITIZENS_DESK
    )


def test_the_next_change_includes_the_counters() -> None:
    """An overflow may change when the counter closes, before the switchboard does."""
    at = Now(0.0, TEN.wall.replace(hour=16))
    decision = routing.route(EXAMPLE, LINE, RoutingFacts(switchboard=S.BUSY), at)
    assert decision.changes_at == at.wall.replace(hour=17)
    alone = routing.route(NO_COUNTER, LINE, RoutingFacts(switchboard=S.BUSY), at)
    assert (alone.code, alone.changes_at) == (ReasonCode.DESK_NONE, at.wall.replace(hour=18))


@pytest.mark.parametrize(
    ("first", "then", "code", "greeting"),
    [
        (NotTaken.NO_ANSWER, NotTaken.NO_ANSWER, "desk.no_answer", "greeting_no_answer"),
        (NotTaken.BUSY, NotTaken.DECLINED, "desk.declined", "greeting_busy"),
        (NotTaken.UNATTENDED, NotTaken.BUSY, "desk.busy", "greeting_unattended"),
        (NotTaken.UNREACHABLE, NotTaken.NO_ANSWER, "desk.no_answer", "greeting_no_answer"),
        (NotTaken.UNREACHABLE, NotTaken.UNREACHABLE, "nobody.reachable", "greeting_fault"),
        (NotTaken.DECLINED, NotTaken.UNREACHABLE, "desk.unreachable", "greeting_no_answer"),
    ],
)
def test_after_the_counter(first: NotTaken, then: NotTaken, code: str, greeting: str) -> None:
    """After both groups voicemail answers, and tells the reason that concerns people."""
    decision = routing.after_counter(EXAMPLE, RoutingFacts(), TEN, first, then)
    assert (decision.way, decision.code, decision.greeting) == ("voicemail", code, greeting)


def test_closed_by_hand_holds_until_undone() -> None:
    """P9: written hours do not end it; nobody is promised a time that nobody knows."""
    decision = routing.route(EXAMPLE, LINE, RoutingFacts(marked(ManualState.CLOSED)), TEN)
    assert (decision.code, decision.greeting) == (ReasonCode.CLOSED_MANUAL, "greeting_closed")
    assert (decision.changes_at, decision.reopens_at) == (None, None)


def test_closed_by_hand_until_lunch_reopens_after_it() -> None:
    """People answer again when the mark has ended and the written hours are open."""
    at_one = TEN.wall.replace(hour=13)
    decision = routing.route(EXAMPLE, LINE, RoutingFacts(marked(ManualState.CLOSED, at_one)), TEN)
    assert decision.changes_at == at_one
    assert decision.reopens_at == TEN.wall.replace(hour=14)
    ended = Now(0.0, TEN.wall.replace(hour=14))
    assert (
        routing.route(EXAMPLE, LINE, RoutingFacts(marked(ManualState.CLOSED, at_one)), ended).code
        == "open.free"
    )


@pytest.mark.parametrize(
    ("at", "until", "code", "changes"),
    [
        (LUNCH, "13:45", "open.manual", "13:45"),
        (LUNCH, "15:00", "open.manual", "18:00"),
        (LUNCH, None, "open.manual", "14:00"),
        (TEN, "11:00", "open.free", "13:00"),
        (TEN, "13:20", "open.free", "13:20"),
    ],
)
def test_opened_by_hand(at: Now, until: str | None, code: str, changes: str) -> None:
    """E14: opened outside the hours; it ends by itself, the written hours go on."""
    end = until and at.wall.replace(hour=int(until[:2]), minute=int(until[3:]))
    decision = routing.route(
        EXAMPLE, LINE, RoutingFacts(marked(ManualState.OPENED, end or None)), at
    )
    assert (decision.way, decision.code) == (Destination.SWITCHBOARD, code)
    assert decision.changes_at is not None
    assert f"{decision.changes_at:%H:%M}" == changes


def test_all_absent_goes_before_every_phone() -> None:
    """E4: no phone rings, at any stage; the greeting says when people are back."""
    half_past = TEN.wall.replace(minute=30)
    facts = RoutingFacts(marked(ManualState.ABSENT, half_past))
    decisions = [
        routing.route(EXAMPLE, LINE, facts, TEN),
        routing.overflow(EXAMPLE, facts, TEN, NotTaken.NO_ANSWER),
        routing.after_counter(EXAMPLE, facts, TEN, NotTaken.BUSY, NotTaken.BUSY),
        routing.parallel_unanswered(EXAMPLE, facts, TEN),
    ]
    for decision in decisions:
        assert (decision.way, decision.code, decision.greeting) == (
            Destination.VOICEMAIL,
            ReasonCode.ABSENT,
            "greeting_absent",
        )
        assert decision.reopens_at == half_past
    assert routing.if_absent(EXAMPLE, NO_MANUAL_STATES, TEN) is None


def test_absent_outside_the_hours_is_closed() -> None:
    """Outside the hours the greeting says closed; a call from before still rings no phone."""
    facts = RoutingFacts(marked(ManualState.ABSENT, LUNCH.wall.replace(minute=45)))
    assert routing.route(EXAMPLE, LINE, facts, LUNCH).code is ReasonCode.CLOSED_HOURS
    late = routing.overflow(EXAMPLE, facts, LUNCH, NotTaken.NO_ANSWER)
    assert (late.code, late.reopens_at) == (
        ReasonCode.ABSENT,
        LUNCH.wall.replace(hour=14, minute=0),
    )


def test_an_unset_clock_forbids_nothing_and_promises_nothing() -> None:
    """B4, E5: without the time phones ring, at either group, and no hour is told."""
    night = Now(0.0, TEN.wall.replace(hour=3), ClockState.UNSET)
    assert routing.route(EXAMPLE, LINE, RoutingFacts(), night).code is ReasonCode.CLOCK_UNSET
    assert (
        routing.overflow(EXAMPLE, RoutingFacts(), night, NotTaken.BUSY).way
        is Destination.CITIZENS_DESK
    )
    closed = marked(ManualState.CLOSED, night.wall + timedelta(hours=1))
    assert routing.route(EXAMPLE, LINE, RoutingFacts(closed), night).reopens_at is None


def test_an_untrusted_clock_is_dealt_with_by_one_rule() -> None:
    """Open while somebody may be there, else closed without an hour; by the hours where a site
    has chosen that; opened by hand is open in any case.
    """
    night = Now(0.0, TEN.wall.replace(hour=3), ClockState.STALE)
    assert routing.route(EXAMPLE, LINE, RoutingFacts(), night).code is ReasonCode.CLOCK_UNSET
    by_hours = replace(night, doubt=Doubt.HOURS)
    assert routing.route(EXAMPLE, LINE, RoutingFacts(), by_hours).code is ReasonCode.CLOSED_HOURS
    alone = replace(night, doubt=Doubt.CLOSED)
    closed = routing.route(EXAMPLE, LINE, RoutingFacts(), alone)
    assert (closed.code, closed.greeting) == (ReasonCode.CLOCK_ALONE, "greeting_no_answer")
    assert (closed.changes_at, closed.reopens_at) == (None, None)
    opened = RoutingFacts(marked(ManualState.OPENED))
    assert routing.route(EXAMPLE, LINE, opened, alone).code is ReasonCode.OPENED
    assert (
        routing.overflow(EXAMPLE, RoutingFacts(), alone, NotTaken.BUSY).way
        is Destination.CITIZENS_DESK
    )


@pytest.mark.parametrize(
    ("daytime", "facts", "now", "way", "code", "greeting"),
    [
        (
            HalfDuplexDaytime.MESSAGE,
            RoutingFacts(),
            TEN,
            "voicemail",
            "line.half_duplex",
            "greeting_no_answer",
        ),
        (
            HalfDuplexDaytime.PARALLEL_PHONE,
            RoutingFacts(),
            TEN,
            "nobody",
            "line.parallel_phone",
            "",
        ),
        (
            HalfDuplexDaytime.PARALLEL_PHONE,
            RoutingFacts(marked(ManualState.UNATTENDED)),
            TEN,
            "voicemail",
            "line.half_duplex",
            "greeting_unattended",
        ),
        (
            HalfDuplexDaytime.PARALLEL_PHONE,
            RoutingFacts(),
            LUNCH,
            "voicemail",
            "closed.hours",
            "greeting_closed",
        ),
    ],
)
def test_half_duplex_lines(
    daytime: HalfDuplexDaytime, facts: RoutingFacts, now: Now, way: str, code: str, greeting: str
) -> None:
    """B2: a line that cannot carry a conversation has one daytime behaviour, but for closed."""
    line = modem_line("line7", duplex=False, daytime=daytime)
    decision = routing.route(EXAMPLE, line, facts, now)
    assert (decision.way, decision.code, decision.greeting) == (way, code, greeting)


def test_every_code_has_its_sentences() -> None:
    """Every decision can be told in Italian and English."""
    assert set(REASON_SENTENCES) == set(ReasonCode)
    for words in REASON_SENTENCES.values():
        assert words.text("it").endswith(".")
        assert words.text("en").endswith(".")
        assert words.text("it") != words.text("en")


def test_sentences_name_what_they_speak_of() -> None:
    """The holiday is named; without a name no empty brackets are left."""
    assert reason_sentence(ReasonCode.HOLIDAY, pair("Natale", "Christmas")).text("it") == (
        "Giorno festivo (Natale): risponde la segreteria."
    )
    assert (
        reason_sentence(ReasonCode.HOLIDAY, NOTHING).text("en")
        == "Public holiday: voicemail answers."
    )
    christmas = Now(0.0, datetime(2026, 12, 25, 10, tzinfo=ROME))
    told = routing.route(EXAMPLE, LINE, RoutingFacts(), christmas).sentence.text("en")
    assert told == "Public holiday (Christmas): voicemail answers."
