"""B2: the policy offers only what the line can do: duplex, half duplex, not known x what by day."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import datetime

import pytest

from appliance.errors import ConfigurationError
from appliance.policy import routing
from appliance.policy.clock import ClockState, Now
from appliance.policy.lines import HalfDuplexDaytime, Line, modem_line
from appliance.policy.office import Group
from appliance.policy.opening import (
    NO_MANUAL_STATES,
    REASON_SENTENCES,
    ManualMark,
    ManualState,
    ServiceState,
)
from appliance.policy.routing import Destination, GroupState, NotTaken, RoutingFacts, explain
from tests.stories.offices import EXAMPLE, OFFICES, ROME, SWITCHBOARD

PBX = OFFICES["pbx"]
TEN = datetime(2026, 11, 25, 10, tzinfo=ROME)
NIGHT = datetime(2026, 11, 25, 22, tzinfo=ROME)
UNATTENDED = NO_MANUAL_STATES.set(ManualState.UNATTENDED, ManualMark("capo", TEN))
ABSENT = NO_MANUAL_STATES.set(ManualState.ABSENT, ManualMark("capo", TEN, TEN.replace(hour=11)))
LINES = [
    modem_line("line1", duplex=duplex, daytime=daytime)
    for duplex, daytime in itertools.product((True, False, None), (None, *HalfDuplexDaytime))
    if duplex is not False or daytime is not None
]
CONVERSATIONS = {Destination.SWITCHBOARD, Destination.CITIZENS_DESK}


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line.can.bridge}-{line.daytime}")
@pytest.mark.parametrize("at", [TEN, NIGHT], ids=["day", "night"])
@pytest.mark.parametrize(
    "service", [NO_MANUAL_STATES, UNATTENDED, ABSENT], ids=["", "away", "absent"]
)
def test_a_half_duplex_line_never_promises_a_sip_conversation(
    line: Line, at: datetime, service: ServiceState
) -> None:
    """For every state of both groups: no SIP phone is rung for a line that cannot be joined to one;
    a line that can, or of which nobody knows yet, goes the usual way.
    """
    for switchboard, counter in itertools.product(GroupState, GroupState):
        told = explain(PBX, line, at, switchboard, counter, service)
        assert told.steps[-1].way is Destination.VOICEMAIL
        rung = {phone for step in told.steps for phone in step.phones}
        if line.is_half_duplex:
            assert not rung & set(PBX.phones)
        if not line.passes:
            assert not {phone for phone in rung if "." in phone}
            if line.is_half_duplex:
                assert {step.way for step in told.steps} <= {
                    Destination.NOBODY,
                    Destination.VOICEMAIL,
                }
        usual = explain(PBX, modem_line("line1", duplex=True), at, switchboard, counter, service)
        if not line.is_half_duplex:
            assert told.steps == usual.steps


def test_an_unknown_line_that_turns_out_half_duplex_does_what_is_configured() -> None:
    """Not known beforehand, with a daytime: what holds is known once the modem has spoken."""
    line = modem_line("line1", daytime=HalfDuplexDaytime.PBX_TRANSFER).half_duplex()
    told = explain(PBX, line, TEN)
    assert told.steps[0].code == "line.pbx_transfer"


def test_half_duplex_without_a_daytime_is_refused() -> None:
    """It names every behaviour there is."""
    with pytest.raises(ConfigurationError, match="pbx_transfer"):
        modem_line("line1", duplex=False)


def test_a_pbx_line_calls_extension_after_extension() -> None:
    """The switchboard's, then the counter's, then voicemail; told as positions, not numbers."""
    told = explain(PBX, PBX.lines[0], TEN, GroupState.BUSY, GroupState.BUSY)
    assert [(s.way, s.code, s.phones, s.ring_ms) for s in told.steps] == [
        ("switchboard", "line.pbx_transfer", ("switchboard.1", "switchboard.2"), 25_000),
        ("citizens_desk", "overflow.no_answer", ("citizens_desk.1",), 20_000),
        ("voicemail", "desk.no_answer", (), 0),
    ]
    assert "201" not in str(told.to_json())
    assert "201" not in repr(PBX.switchboard)


@pytest.mark.parametrize(
    ("numbers", "counter", "service", "codes"),
    [
        (("201",), (), NO_MANUAL_STATES, ["line.pbx_transfer", "desk.unreachable"]),
        ((), ("301",), NO_MANUAL_STATES, ["overflow.unreachable", "desk.no_answer"]),
        ((), (), NO_MANUAL_STATES, ["nobody.reachable"]),
        (("201",), ("301",), UNATTENDED, ["overflow.unattended", "desk.no_answer"]),
        (("201",), ("301",), ABSENT, ["absent"]),
    ],
)
def test_only_groups_with_extensions_are_called(
    numbers: tuple[str, ...], counter: tuple[str, ...], service: ServiceState, codes: list[str]
) -> None:
    """A group without a number behind the PBX counts as not reachable; marks hold as always."""
    assert PBX.citizens_desk is not None
    office = replace(
        PBX,
        switchboard=replace(PBX.switchboard, pbx_numbers=numbers),
        citizens_desk=replace(PBX.citizens_desk, pbx_numbers=counter),
    )
    told = explain(office, office.lines[0], TEN, service=service)
    assert [step.code for step in told.steps] == codes


def test_no_counter_at_all() -> None:
    """The switchboard's extensions alone, then voicemail."""
    told = explain(replace(PBX, citizens_desk=None), PBX.lines[0], TEN)
    assert [step.code for step in told.steps] == ["line.pbx_transfer", "desk.none"]


def test_a_pbx_that_does_not_understand_leads_to_voicemail() -> None:
    """The caller hears of a technical problem, and the record why."""
    now = Now(0.0, TEN, ClockState.SYNCED)
    decision = routing.pbx_fault(PBX, RoutingFacts(), now)
    assert (decision.way, decision.code) == (Destination.VOICEMAIL, "line.pbx_fault")
    assert decision.greeting == "greeting_fault"
    assert decision.sentence == REASON_SENTENCES[decision.code]


def test_the_pbx_knows_nothing_of_sip_phones() -> None:
    """What the SIP phones are doing changes nothing for a line whose positions are extensions."""
    facts = routing.pbx_facts(PBX, NO_MANUAL_STATES)
    assert (facts.switchboard, facts.citizens_desk) == (GroupState.FREE, GroupState.FREE)
    none = routing.pbx_facts(EXAMPLE, NO_MANUAL_STATES)
    assert none.switchboard is GroupState.UNREACHABLE
    missed = routing.overflow(EXAMPLE, none, Now(0.0, TEN), NotTaken.UNREACHABLE)
    assert missed.way not in CONVERSATIONS


@pytest.mark.parametrize(
    ("numbers", "said"),
    [(("201", "201"), "twice"), (("2 1",), "no extension"), (("",), "no extension"),
     (("1" * 21,), "no extension"), (("9,",), "no extension"), (("112",), "emergency")],
)  # fmt: skip
def test_what_is_no_extension_of_a_pbx(numbers: tuple[str, ...], said: str) -> None:
    """Only what keys can dial, each once, and no emergency number."""
    with pytest.raises(ConfigurationError, match=said):
        replace(SWITCHBOARD, pbx_numbers=numbers)


def test_an_outside_line_digit_may_be_waited_for() -> None:
    """ "0,201" waits 1 s behind the 0."""
    group: Group = replace(SWITCHBOARD, pbx_numbers=("0,201", "*12#"))
    assert group.positions == ("switchboard.1", "switchboard.2")


@pytest.mark.parametrize("number", ["112", "+39051", "05 1", "0,51"])
def test_what_is_no_ordinary_telephones_number(number: str) -> None:
    """Digits alone, as the exchange takes them, and no emergency number."""
    with pytest.raises(ConfigurationError, match="ordinary telephone"):
        replace(SWITCHBOARD, outside=number)
    group = replace(SWITCHBOARD, outside="0541704111")
    assert group.outside_name == "switchboard.outside"
    assert "0541704111" not in repr(group)
