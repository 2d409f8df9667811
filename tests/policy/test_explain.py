"""What would happen to a call, step by step; the command prints exactly this."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

from appliance.policy.clock import ClockState, Doubt
from appliance.policy.opening import NO_MANUAL_STATES, ManualMark, ManualState
from appliance.policy.routing import GroupState, explain
from tests.stories.offices import EXAMPLE, OFFICES, ROME

TEN = datetime(2026, 11, 25, 10, tzinfo=ROME)
NIGHT = datetime(2026, 11, 25, 22, tzinfo=ROME)
S = GroupState


@pytest.mark.parametrize(
    ("at", "switchboard", "counter", "codes"),
    [
        (TEN, S.FREE, None, ["open.free", "overflow.no_answer", "desk.no_answer"]),
        (TEN, S.FREE, S.BUSY, ["open.free", "desk.busy"]),
        (TEN, S.BUSY, S.FREE, ["overflow.busy", "desk.no_answer"]),
        (TEN, S.UNATTENDED, S.CLOSED, ["desk.closed"]),
        (TEN, S.UNREACHABLE, S.UNREACHABLE, ["nobody.reachable"]),
        (NIGHT, S.FREE, None, ["closed.hours"]),
    ],
)
def test_the_steps_of_a_call_that_nobody_answers(
    at: datetime, switchboard: GroupState, counter: GroupState | None, codes: list[str]
) -> None:
    """Every explanation ends at voicemail: doing nothing always leads somewhere (E5)."""
    told = explain(EXAMPLE, EXAMPLE.lines[0], at, switchboard, counter)
    assert [step.code for step in told.steps] == codes
    assert told.steps[-1].way == "voicemail"
    assert told.steps[-1].greeting


def test_a_line_with_a_phone_beside_it() -> None:
    """B2: it rings there first, then voicemail answers."""
    office = OFFICES["half_duplex"]
    told = explain(office, office.lines[1], TEN)
    assert [(s.way, s.code, s.phones, s.ring_ms) for s in told.steps] == [
        ("nobody", "line.parallel_phone", (), 25_000),
        ("voicemail", "line.parallel_unanswered", (), 0),
    ]


def test_manual_states_count() -> None:
    """What people asked for by hand is part of the answer."""
    service = NO_MANUAL_STATES.set(
        ManualState.ABSENT, ManualMark("capo", TEN, TEN + timedelta(minutes=30))
    )
    told = explain(EXAMPLE, EXAMPLE.lines[0], TEN, service=service)
    assert told.to_json()["code"] == "absent"
    assert told.to_json()["changes_at"] == "2026-11-25T10:30:00+01:00"


def test_json_is_stable() -> None:
    """Other tools read these keys and values."""
    told = explain(EXAMPLE, EXAMPLE.lines[0], TEN, S.BUSY).to_json()
    assert json.loads(json.dumps(told)) == {
        "line": "line1",
        "at": "2026-11-25T10:00:00+01:00",
        "way": "citizens_desk",
        "code": "overflow.busy",
        "sentence_it": "Tutti gli operatori sono occupati: "
        "la chiamata va allo Sportello Cittadini.",
        "sentence_de": "In der Telefonzentrale sind alle im Gespräch: "
        "Der Anruf geht an den Bürgerschalter.",
        "sentence_en": "All operators are busy: the call goes to the citizens' counter.",
        "changes_at": "2026-11-25T13:00:00+01:00",
        "steps": [
            {
                "way": "citizens_desk",
                "code": "overflow.busy",
                "sentence_it": "Tutti gli operatori sono occupati: "
                "la chiamata va allo Sportello Cittadini.",
                "sentence_de": "In der Telefonzentrale sind alle im Gespräch: "
                "Der Anruf geht an den Bürgerschalter.",
                "sentence_en": "All operators are busy: the call goes to the citizens' counter.",
                "phones": ["desk1", "desk2"],
                "ring_ms": 20000,
                "greeting": "",
                "reopens_at": None,
            },
            {
                "way": "voicemail",
                "code": "desk.no_answer",
                "sentence_it": "Anche allo Sportello Cittadini non risponde nessuno: "
                "risponde la segreteria.",
                "sentence_de": "Auch am Bürgerschalter meldet sich niemand: "
                "Der Anrufbeantworter nimmt an.",
                "sentence_en": "Nobody answers at the citizens' counter either: voicemail answers.",
                "phones": [],
                "ring_ms": 0,
                "greeting": "greeting_busy",
                "reopens_at": None,
            },
        ],
    }
    night = explain(EXAMPLE, EXAMPLE.lines[0], NIGHT).to_json()
    assert isinstance(night["steps"], list)
    assert night["steps"][0]["reopens_at"] == "2026-11-26T08:30:00+01:00"


def test_a_time_that_nobody_trusts_is_the_reason_told() -> None:
    """At night: by who is there, and by the hours where a site has chosen that."""
    codes = []
    for doubt in (Doubt.OPEN, Doubt.CLOSED, Doubt.HOURS):
        told = explain(EXAMPLE, EXAMPLE.lines[0], NIGHT, clock_state=ClockState.STALE, doubt=doubt)
        codes.append(told.steps[0].code)
        assert told.steps[0].reopens_at is None or doubt is Doubt.HOURS
    assert codes == ["open.clock_unset", "closed.clock", "closed.hours"]
