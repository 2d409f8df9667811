"""Routing of a call, and its explanation."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from appliance.policy.clock import ClockState, Doubt, Now
from appliance.policy.office import (
    NO_MARKS,
    Code,
    Daytime,
    Group,
    Line,
    Office,
    ServiceState,
    sentence,
)
from appliance.policy.opening import Opening, absence, opening
from appliance.policy.text import NOTHING, Words

# ---- routing -----------------------------------------------------------------------------------
# Where a call goes and why: the switchboard, the citizens' counter, voicemail (P8, P9, E1 to E5).
#
# Three questions, each a pure function: `route` when the caller's identity is settled, `overflow`
# when the switchboard could not take the call, `after_desk` when the counter could not either.
# Doing nothing always leads to a person or to voicemail.


class GroupState(enum.StrEnum):
    """What a group of phones can do for a call at this moment."""

    FREE = "free"
    BUSY = "busy"
    UNATTENDED = "unattended"
    CLOSED = "closed"
    UNREACHABLE = "unreachable"


class Way(enum.StrEnum):
    """Who serves the call next; NOBODY leaves it ringing for the ordinary phone beside the line."""

    SWITCHBOARD = "switchboard"
    CITIZENS_DESK = "citizens_desk"
    WAITING = "waiting"
    BRANCH = "branch"
    VOICEMAIL = "voicemail"
    NOBODY = "nobody"


class Missed(enum.StrEnum):
    """Why a group did not take a call."""

    UNATTENDED = "unattended"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    DECLINED = "declined"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Facts:
    """What routing must know beside the configuration and the time.

    `places` is how many more callers may wait for a free position.
    """

    service: ServiceState = NO_MARKS
    switchboard: GroupState = GroupState.FREE
    citizens_desk: GroupState = GroupState.FREE
    places: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """One step of a call's way.

    `greeting` is a prompt key without its language, for voicemail only; `changes_at` is when time
    alone would change the decision, `reopens_at` when people answer again; None for not known.
    `cause` is why the switchboard did not take a call that overflows to the counter.
    """

    way: Way
    code: Code
    sentence: Words
    greeting: str = ""
    changes_at: datetime | None = None
    reopens_at: datetime | None = None
    cause: Missed | None = None


CAUSES = {
    GroupState.UNATTENDED: Missed.UNATTENDED,
    GroupState.BUSY: Missed.BUSY,
    GroupState.UNREACHABLE: Missed.UNREACHABLE,
}
OVERFLOW: Mapping[Missed, Code] = {
    Missed.UNATTENDED: Code.UNATTENDED,
    Missed.BUSY: Code.BUSY,
    Missed.NO_ANSWER: Code.NO_ANSWER,
    Missed.DECLINED: Code.DECLINED,
    Missed.UNREACHABLE: Code.UNREACHABLE,
}
DESK_MISSED: Mapping[Missed, Code] = {
    Missed.UNATTENDED: Code.DESK_UNREACHABLE,
    Missed.BUSY: Code.DESK_BUSY,
    Missed.NO_ANSWER: Code.DESK_NO_ANSWER,
    Missed.DECLINED: Code.DESK_DECLINED,
    Missed.UNREACHABLE: Code.DESK_UNREACHABLE,
}
GREETINGS: Mapping[Missed, str] = {
    Missed.UNATTENDED: "greeting_unattended",
    Missed.BUSY: "greeting_busy",
    Missed.NO_ANSWER: "greeting_no_answer",
    Missed.DECLINED: "greeting_no_answer",
    Missed.UNREACHABLE: "greeting_fault",
}
"""What the caller is told of why nobody took the call."""


def route(office: Office, line: Line, facts: Facts, now: Now) -> Decision:
    """Decide for a call whose caller is settled; what was decided holds past closing time (E1)."""
    answer = opening(office.switchboard.schedule, facts.service, now)
    if facts.switchboard is GroupState.CLOSED and answer.open:
        answer = Opening(False, Code.CLOSED_MANUAL, greeting="greeting_closed")
    if not answer.open:
        return _voicemail(answer.code, answer.greeting, answer)
    cause = _cause(facts, now)
    if line.duplex is False and not line.passes:
        return _half_duplex(line, cause, answer)
    if cause is None:
        return _decide(Way.SWITCHBOARD, Code.PBX if line.passes else answer.code, answer)
    return overflow(office, facts, now, cause)


def overflow(office: Office, facts: Facts, now: Now, cause: Missed) -> Decision:
    """Decide after the switchboard could not take the call; never rings a closed counter (E2)."""
    if absent := if_absent(office, facts.service, now):
        return absent
    answer = _still_open(office, facts, now)
    refusal = _refusal(office, facts, now, cause)
    waits = _waits(facts, cause, counter_busy=refusal is Code.DESK_BUSY)
    if waits and (refusal is not None or office.waiting.before_counter):
        return _decide(Way.WAITING, Code.WAITING, answer, cause)
    if refusal is None:
        return _decide(Way.CITIZENS_DESK, OVERFLOW[cause], answer, cause)
    busy = cause is Missed.UNREACHABLE and refusal is Code.DESK_BUSY
    return _voicemail(refusal, GREETINGS[Missed.BUSY if busy else cause], answer)


def after_desk(office: Office, facts: Facts, now: Now, first: Missed, then: Missed) -> Decision:
    """Decide after neither the switchboard (`first`) nor the counter (`then`) took the call."""
    if absent := if_absent(office, facts.service, now):
        return absent
    if _waits(facts, first, counter_busy=then is Missed.BUSY):
        return _decide(Way.WAITING, Code.WAITING, _still_open(office, facts, now), first)
    code = DESK_MISSED[then]
    if first is then is Missed.UNREACHABLE:
        code = Code.NOBODY_REACHABLE
    told = then if first is Missed.UNREACHABLE else first
    return _voicemail(code, GREETINGS[told], _still_open(office, facts, now))


def after_waiting(office: Office, facts: Facts, now: Now) -> Decision:
    """Decide after a caller has waited in vain: the counter where it comes last, else voicemail."""
    if absent := if_absent(office, facts.service, now):
        return absent
    answer = _still_open(office, facts, now)
    cause = _cause(facts, now) or Missed.BUSY
    refusal = _refusal(office, facts, now, cause)
    if refusal is None and office.waiting.before_counter:
        return _decide(Way.CITIZENS_DESK, OVERFLOW[cause], answer, cause)
    return _voicemail(Code.WAITED, GREETINGS[cause], answer)


def parallel_unanswered(office: Office, facts: Facts, now: Now) -> Decision:
    """Decide after nobody took the call at the ordinary phone beside a half-duplex line."""
    if absent := if_absent(office, facts.service, now):
        return absent
    answer = _still_open(office, facts, now)
    return _voicemail(Code.PARALLEL_UNANSWERED, GREETINGS[Missed.NO_ANSWER], answer)


def turned_half_duplex(office: Office, facts: Facts, now: Now) -> Decision:
    """Decide for a caller who was answered on a line that turns out to carry no conversation."""
    answer = _still_open(office, facts, now)
    return _voicemail(Code.HALF_DUPLEX, GREETINGS[Missed.NO_ANSWER], answer)


def pbx_fault(office: Office, facts: Facts, now: Now) -> Decision:
    """Decide after the PBX behind a half-duplex line did not understand, or the modem cannot."""
    return _voicemail(
        Code.PBX_FAULT, GREETINGS[Missed.UNREACHABLE], _still_open(office, facts, now)
    )


def pbx_facts(office: Office, service: ServiceState) -> Facts:
    """Return what routing must know for a line that passes calls to extensions of a PBX.

    Nobody knows whether an extension is free before it was called: a group with numbers counts as
    free, one without as not reachable.
    """
    return Facts(service, _by_numbers(office.switchboard), _by_numbers(office.citizens_desk))


def _by_numbers(group: Group | None) -> GroupState:
    return GroupState.FREE if group and group.pbx_numbers else GroupState.UNREACHABLE


def if_absent(office: Office, service: ServiceState, now: Now) -> Decision | None:
    """Decide for a call not yet answered when all are absent: no phone rings (E4); else None."""
    answer = absence(office.switchboard.schedule, service, now)
    return _voicemail(answer.code, answer.greeting, answer) if answer else None


def group_open(group: Group, now: Now) -> bool:
    """Tell whether a group's own hours say open (E2); an untrusted clock forbids nothing."""
    return not now.by_hours or group.schedule.at(now.wall).open


def _cause(facts: Facts, now: Now) -> Missed | None:
    """Return why the switchboard cannot be rung, or None when it can."""
    if facts.service.expired(now.wall).unattended:
        return Missed.UNATTENDED
    return CAUSES.get(facts.switchboard)


def _half_duplex(line: Line, cause: Missed | None, answer: Opening) -> Decision:
    """Decide for a line that cannot be joined to a phone (B2)."""
    if cause is Missed.UNATTENDED:
        return _voicemail(Code.HALF_DUPLEX, GREETINGS[cause], answer)
    if line.daytime is Daytime.PARALLEL_PHONE:
        return _decide(Way.NOBODY, Code.PARALLEL_PHONE, answer)
    return _voicemail(Code.HALF_DUPLEX, GREETINGS[Missed.NO_ANSWER], answer)


def _waits(facts: Facts, cause: Missed, *, counter_busy: bool) -> bool:
    """Tell whether a caller may wait: there is a place, and somebody busy who will be free."""
    nobody_there = cause in {Missed.UNATTENDED, Missed.UNREACHABLE}
    return facts.places > 0 and (cause is Missed.BUSY or (nobody_there and counter_busy))


def _refusal(office: Office, facts: Facts, now: Now, cause: Missed) -> Code | None:
    """Return why the counter cannot be rung, or None when it can."""
    if office.citizens_desk is None:
        return Code.DESK_NONE
    if facts.citizens_desk is GroupState.CLOSED or not group_open(office.citizens_desk, now):
        return Code.DESK_CLOSED
    missed = CAUSES.get(facts.citizens_desk)
    if missed is Missed.UNREACHABLE and cause is Missed.UNREACHABLE:
        return Code.NOBODY_REACHABLE
    return DESK_MISSED[missed] if missed else None


def _still_open(office: Office, facts: Facts, now: Now) -> Opening:
    """A call that rang while open is served as open (E1); only the next change is looked up."""
    answer = opening(office.switchboard.schedule, facts.service, now)
    soonest = _earliest(answer.changes_at, _desk(office, now))
    return Opening(True, answer.code, changes_at=soonest)


def _desk(office: Office, now: Now) -> datetime | None:
    """Return when the counter's own hours next open or close."""
    desk = office.citizens_desk
    return desk.schedule.at(now.wall).flips_at if desk else None


def _earliest(*times: datetime | None) -> datetime | None:
    return min((t for t in times if t is not None), default=None)


def _decide(way: Way, code: Code, answer: Opening, cause: Missed | None = None) -> Decision:
    words = sentence(code, answer.name)
    return Decision(way, code, words, changes_at=answer.changes_at, cause=cause)


def _voicemail(code: Code, greeting: str, answer: Opening) -> Decision:
    words = sentence(code, answer.name if code is answer.code else NOTHING)
    return Decision(Way.VOICEMAIL, code, words, greeting, answer.changes_at, answer.reopens_at)


# ---- explain -----------------------------------------------------------------------------------
# What would happen to a call, step by step, and why; for `centralino explain` and the console.


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
