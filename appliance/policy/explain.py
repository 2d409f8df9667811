"""What would happen to a call, step by step, and why; for `centralino explain` and the console."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from appliance.policy.clock import ClockState, Doubt, Now
from appliance.policy.codes import Code
from appliance.policy.office import Group, Line, Office
from appliance.policy.routing import (
    Decision,
    Facts,
    GroupState,
    Missed,
    Way,
    after_desk,
    after_waiting,
    overflow,
    parallel_unanswered,
    pbx_facts,
    route,
)
from appliance.policy.service_state import NO_MARKS, ServiceState
from appliance.policy.words import Words


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the call's way, taken if nobody has answered before.

    `phones` ring for `ring_ms` (positions behind a PBX: each), or the caller waits so long;
    voicemail speaks `greeting` (a
    prompt key without language).
    """

    way: Way
    code: Code
    sentence: Words
    phones: tuple[str, ...] = ()
    ring_ms: int = 0
    greeting: str = ""
    reopens_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """The whole way of a call that rings on `line` at `at`; its first step says why."""

    line: str
    at: datetime
    steps: tuple[Step, ...]
    changes_at: datetime | None

    def to_json(self) -> dict[str, object]:
        """Return it as JSON values with stable keys; times are ISO 8601 with zone or null."""
        first = self.steps[0]
        return {
            "line": self.line,
            "at": self.at.isoformat(),
            "way": first.way.value,
            "code": first.code.value,
            "sentence_it": first.sentence.it,
            "sentence_en": first.sentence.en,
            "changes_at": _iso(self.changes_at),
            "steps": [_step_to_json(step) for step in self.steps],
        }


def explain(
    office: Office,
    line: Line,
    at: datetime,
    switchboard: GroupState = GroupState.FREE,
    citizens_desk: GroupState | None = None,
    service: ServiceState = NO_MARKS,
    clock_state: ClockState = ClockState.SYNCED,
    doubt: Doubt = Doubt.OPEN,
) -> Explanation:
    """Follow a call that rings at `at` (aware) through its steps if nobody answers.

    `citizens_desk` None means free within its own hours. The same functions decide live calls. For
    a line that passes its calls to a PBX the groups' states are not known beforehand.
    """
    now = Now(0.0, at, clock_state, doubt)
    places = office.waiting.places
    facts = Facts(service, switchboard, citizens_desk or GroupState.FREE, places)
    if line.passes:
        facts = pbx_facts(office, service)
    decisions = tuple(_decisions(office, line, facts, now))
    steps = tuple(_step(office, line, decision) for decision in decisions)
    return Explanation(line.name, at, steps, decisions[0].changes_at)


def _decisions(office: Office, line: Line, facts: Facts, now: Now) -> Iterator[Decision]:
    """Yield every decision of a call that nobody answers; the last one is voicemail."""
    decision = route(office, line, facts, now)
    yield decision
    first = decision.cause or Missed.NO_ANSWER
    if decision.way is Way.SWITCHBOARD:
        decision = overflow(office, facts, now, first)
        yield decision
    if decision.way is Way.CITIZENS_DESK:
        decision = after_desk(office, facts, now, first, Missed.NO_ANSWER)
        yield decision
    if decision.way is Way.WAITING:
        yield from _after_waiting(office, replace(facts, places=0), now)
    if decision.way is Way.NOBODY:
        yield parallel_unanswered(office, facts, now)


def _after_waiting(office: Office, facts: Facts, now: Now) -> Iterator[Decision]:
    decision = after_waiting(office, facts, now)
    yield decision
    if decision.way is Way.CITIZENS_DESK:
        yield after_desk(office, facts, now, Missed.BUSY, Missed.NO_ANSWER)


def _step(office: Office, line: Line, decision: Decision) -> Step:
    desk = office.citizens_desk if decision.way is Way.CITIZENS_DESK else None
    group = desk or office.switchboard
    rings = decision.way in {Way.SWITCHBOARD, Way.CITIZENS_DESK}
    return Step(
        decision.way,
        decision.code,
        decision.sentence,
        _rung(group, line) if rings else (),
        _lasts_ms(office, decision.way, group),
        decision.greeting,
        decision.reopens_at,
    )


def _lasts_ms(office: Office, way: Way, group: Group) -> int:
    """Return how long a step lasts when nobody answers; voicemail is the last one."""
    own = {Way.VOICEMAIL: 0, Way.WAITING: office.waiting.longest_ms}
    return own.get(way, group.ring_ms)


def _rung(group: Group, line: Line) -> tuple[str, ...]:
    """Return who is rung at once, or (behind a PBX) called one after the other."""
    return group.positions if line.passes else group.phones


def _step_to_json(step: Step) -> dict[str, object]:
    return {
        "way": step.way.value,
        "code": step.code.value,
        "sentence_it": step.sentence.it,
        "sentence_en": step.sentence.en,
        "phones": list(step.phones),
        "ring_ms": step.ring_ms,
        "greeting": step.greeting,
        "reopens_at": _iso(step.reopens_at),
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
