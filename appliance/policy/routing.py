"""Routing of a call: the destination, why, what follows if nobody answers, and `explain`."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from appliance.policy.clock import ClockState, Doubt, Now
from appliance.policy.directory import Directory, Reach
from appliance.policy.hours import Schedule
from appliance.policy.lines import HalfDuplexDaytime, Line
from appliance.policy.numbering import Purpose
from appliance.policy.office import BranchRules, Group, Office, OverflowCause
from appliance.policy.opening import (
    NO_MANUAL_STATES,
    Opening,
    ReasonCode,
    ServiceState,
    absence,
    opening,
    reason_sentence,
)
from appliance.policy.transfers import TransferAllowed, may_transfer
from appliance.text import NOTHING, Words

# `route` decides when the caller's identity is settled, `overflow` when the switchboard did not
# take the call, `after_counter` when the counter did not either. Doing nothing always leads to a
# person or to voicemail (P8, P9, E1 to E5).


class GroupState(enum.StrEnum):
    """State of a group of phones for a call at this moment."""

    FREE = "free"
    BUSY = "busy"
    UNATTENDED = "unattended"
    CLOSED = "closed"
    UNREACHABLE = "unreachable"


class Destination(enum.StrEnum):
    """Destination of a call: the next one of a decision, the last one of a record.

    NOBODY: it rings on at the ordinary phone beside the line.
    """

    SWITCHBOARD = "switchboard"
    CITIZENS_DESK = "citizens_desk"
    WAITING = "waiting"
    BRANCH = "branch"
    VOICEMAIL = "voicemail"
    NOBODY = "nobody"


class NotTaken(enum.StrEnum):
    """Why a group did not take a call."""

    UNATTENDED = "unattended"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    DECLINED = "declined"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class RoutingFacts:
    """State of the switchboard that routing needs beside configuration and time.

    `places` is how many more callers may wait for a free position.
    """

    service: ServiceState = NO_MANUAL_STATES
    switchboard: GroupState = GroupState.FREE
    citizens_desk: GroupState = GroupState.FREE
    places: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision on a call's route.

    `greeting` is a prompt key without its language, for voicemail only; `changes_at` is when time
    alone would change the decision, `reopens_at` when people answer again; None for not known.
    `cause` is why the switchboard did not take a call that overflows to the counter.
    """

    way: Destination
    code: ReasonCode
    sentence: Words
    greeting: str = ""
    changes_at: datetime | None = None
    reopens_at: datetime | None = None
    cause: NotTaken | None = None


NOT_TAKEN_IN_STATE = {
    GroupState.UNATTENDED: NotTaken.UNATTENDED,
    GroupState.BUSY: NotTaken.BUSY,
    GroupState.UNREACHABLE: NotTaken.UNREACHABLE,
}
OVERFLOW_CODES: Mapping[NotTaken, ReasonCode] = {
    NotTaken.UNATTENDED: ReasonCode.UNATTENDED,
    NotTaken.BUSY: ReasonCode.BUSY,
    NotTaken.NO_ANSWER: ReasonCode.NO_ANSWER,
    NotTaken.DECLINED: ReasonCode.DECLINED,
    NotTaken.UNREACHABLE: ReasonCode.UNREACHABLE,
}
COUNTER_CODES: Mapping[NotTaken, ReasonCode] = {
    NotTaken.UNATTENDED: ReasonCode.DESK_UNREACHABLE,
    NotTaken.BUSY: ReasonCode.DESK_BUSY,
    NotTaken.NO_ANSWER: ReasonCode.DESK_NO_ANSWER,
    NotTaken.DECLINED: ReasonCode.DESK_DECLINED,
    NotTaken.UNREACHABLE: ReasonCode.DESK_UNREACHABLE,
}
# a declined call sounds to its caller like one that nobody answered
NOT_TAKEN_GREETINGS: Mapping[NotTaken, str] = {
    NotTaken.UNATTENDED: "greeting_unattended",
    NotTaken.BUSY: "greeting_busy",
    NotTaken.NO_ANSWER: "greeting_no_answer",
    NotTaken.DECLINED: "greeting_no_answer",
    NotTaken.UNREACHABLE: "greeting_fault",
}
"""Prompt by which the caller hears why nobody took the call."""


def route(office: Office, line: Line, facts: RoutingFacts, now: Now) -> Decision:
    """Decide for a call once its caller is settled; later closing changes nothing (E1)."""
    answer = opening(office.switchboard.schedule, facts.service, now)
    if facts.switchboard is GroupState.CLOSED and answer.open:
        answer = Opening(False, ReasonCode.CLOSED_MANUAL, greeting="greeting_closed")
    if not answer.open:
        return _voicemail(answer.code, answer.greeting, answer)
    cause = _not_taken(facts, now)
    # a half-duplex line cannot be joined to a phone (B2)
    if line.is_half_duplex and not line.passes:
        return _half_duplex(line, cause, answer)
    if cause is None:
        return _people_or_waiting(
            Destination.SWITCHBOARD, ReasonCode.PBX if line.passes else answer.code, answer
        )
    return overflow(office, facts, now, cause)


def overflow(office: Office, facts: RoutingFacts, now: Now, cause: NotTaken) -> Decision:
    """Decide after the switchboard could not take the call; never rings a closed counter (E2)."""
    # set while the call was ringing: no further phone rings (E4)
    if absent := if_absent(office, facts.service, now):
        return absent
    answer = _still_open(office, facts, now)
    refusal = _counter_refusal(office, facts, now, cause)
    waits = _waits(facts, cause, counter_busy=refusal is ReasonCode.DESK_BUSY)
    # as delivered nobody waits before the counter is tried (E2)
    if waits and (refusal is not None or office.waiting.before_counter):
        return _people_or_waiting(Destination.WAITING, ReasonCode.WAITING, answer, cause)
    if refusal is None:
        return _people_or_waiting(Destination.CITIZENS_DESK, OVERFLOW_CODES[cause], answer, cause)
    # no phone of the switchboard can be reached, but the counter is busy: callers hear "busy"
    busy = cause is NotTaken.UNREACHABLE and refusal is ReasonCode.DESK_BUSY
    return _voicemail(refusal, NOT_TAKEN_GREETINGS[NotTaken.BUSY if busy else cause], answer)


def after_counter(
    office: Office, facts: RoutingFacts, now: Now, first: NotTaken, then: NotTaken
) -> Decision:
    """Decide after neither the switchboard (`first`) nor the counter (`then`) took the call."""
    # set while the call was ringing (E4)
    if absent := if_absent(office, facts.service, now):
        return absent
    # the counter was tried first: the caller now waits for whichever group is free
    if _waits(facts, first, counter_busy=then is NotTaken.BUSY):
        return _people_or_waiting(
            Destination.WAITING, ReasonCode.WAITING, _still_open(office, facts, now), first
        )
    code = COUNTER_CODES[then]
    if first is then is NotTaken.UNREACHABLE:
        code = ReasonCode.NOBODY_REACHABLE
    # the reason that concerns people: not the switchboard's unreachable phones, if there is another
    told = then if first is NotTaken.UNREACHABLE else first
    return _voicemail(code, NOT_TAKEN_GREETINGS[told], _still_open(office, facts, now))


def after_waiting(office: Office, facts: RoutingFacts, now: Now) -> Decision:
    """Decide after a caller has waited in vain: the counter where it comes last, else voicemail."""
    # set while the caller was waiting (E4)
    if absent := if_absent(office, facts.service, now):
        return absent
    answer = _still_open(office, facts, now)
    # callers wait because all are busy, even if a position has become free by now
    cause = _not_taken(facts, now) or NotTaken.BUSY
    refusal = _counter_refusal(office, facts, now, cause)
    if refusal is None and office.waiting.before_counter:
        return _people_or_waiting(Destination.CITIZENS_DESK, OVERFLOW_CODES[cause], answer, cause)
    return _voicemail(ReasonCode.WAITED, NOT_TAKEN_GREETINGS[cause], answer)


def parallel_unanswered(office: Office, facts: RoutingFacts, now: Now) -> Decision:
    """Decide after nobody took the call at the ordinary phone beside a half-duplex line."""
    if absent := if_absent(office, facts.service, now):
        return absent
    answer = _still_open(office, facts, now)
    return _voicemail(
        ReasonCode.PARALLEL_UNANSWERED, NOT_TAKEN_GREETINGS[NotTaken.NO_ANSWER], answer
    )


def turned_half_duplex(office: Office, facts: RoutingFacts, now: Now) -> Decision:
    """Decide for a caller who was answered on a line that turns out to carry no conversation."""
    # only the modem tells, once it has answered, where the configuration does not (can.bridge)
    answer = _still_open(office, facts, now)
    return _voicemail(ReasonCode.HALF_DUPLEX, NOT_TAKEN_GREETINGS[NotTaken.NO_ANSWER], answer)


def pbx_fault(office: Office, facts: RoutingFacts, now: Now) -> Decision:
    """Decide after the PBX behind a half-duplex line did not understand, or the modem cannot."""
    # callers hear of a technical problem, the record says which
    return _voicemail(
        ReasonCode.PBX_FAULT,
        NOT_TAKEN_GREETINGS[NotTaken.UNREACHABLE],
        _still_open(office, facts, now),
    )


def pbx_facts(office: Office, service: ServiceState) -> RoutingFacts:
    """Return what routing must know for a line that passes calls to extensions of a PBX."""
    # whether an extension is free shows only when it is called: a group with numbers counts as free
    return RoutingFacts(service, _by_numbers(office.switchboard), _by_numbers(office.citizens_desk))


def _by_numbers(group: Group | None) -> GroupState:
    return GroupState.FREE if group and group.pbx_numbers else GroupState.UNREACHABLE


def if_absent(office: Office, service: ServiceState, now: Now) -> Decision | None:
    """Decide for a call not yet answered when all are absent: no phone rings (E4); else None."""
    answer = absence(office.switchboard.schedule, service, now)
    return _voicemail(answer.code, answer.greeting, answer) if answer else None


def group_open(group: Group, now: Now) -> bool:
    """Tell whether a group's own hours say open (E2)."""
    # an untrusted clock forbids nothing: doing nothing leads to a person (E5)
    return not now.by_hours or group.schedule.at(now.wall).open


def _not_taken(facts: RoutingFacts, now: Now) -> NotTaken | None:
    """Return why the switchboard cannot be rung, or None when it can."""
    if facts.service.expired(now.wall).unattended:
        return NotTaken.UNATTENDED
    return NOT_TAKEN_IN_STATE.get(facts.switchboard)


def _half_duplex(line: Line, cause: NotTaken | None, answer: Opening) -> Decision:
    """Decide for a line that cannot be joined to a phone (B2)."""
    # nobody is at the switchboard (P8), so the ordinary phone beside the line is not tried
    if cause is NotTaken.UNATTENDED:
        return _voicemail(ReasonCode.HALF_DUPLEX, NOT_TAKEN_GREETINGS[cause], answer)
    if line.daytime is HalfDuplexDaytime.PARALLEL_PHONE:
        return _people_or_waiting(Destination.NOBODY, ReasonCode.PARALLEL_PHONE, answer)
    return _voicemail(ReasonCode.HALF_DUPLEX, NOT_TAKEN_GREETINGS[NotTaken.NO_ANSWER], answer)


def _waits(facts: RoutingFacts, cause: NotTaken, *, counter_busy: bool) -> bool:
    """Tell whether a caller may wait: there is a place, and somebody busy who will be free."""
    # nobody waits for nobody: without a busy phone no position would become free
    nobody_there = cause in {NotTaken.UNATTENDED, NotTaken.UNREACHABLE}
    return facts.places > 0 and (cause is NotTaken.BUSY or (nobody_there and counter_busy))


def _counter_refusal(
    office: Office, facts: RoutingFacts, now: Now, cause: NotTaken
) -> ReasonCode | None:
    """Return why the counter cannot be rung, or None when it can."""
    if office.citizens_desk is None:
        return ReasonCode.DESK_NONE
    # overflow never rings a closed counter (E2)
    if facts.citizens_desk is GroupState.CLOSED or not group_open(office.citizens_desk, now):
        return ReasonCode.DESK_CLOSED
    missed = NOT_TAKEN_IN_STATE.get(facts.citizens_desk)
    if missed is NotTaken.UNREACHABLE and cause is NotTaken.UNREACHABLE:
        return ReasonCode.NOBODY_REACHABLE
    return COUNTER_CODES[missed] if missed else None


def _still_open(office: Office, facts: RoutingFacts, now: Now) -> Opening:
    """Return the opening of a call that rang while open; `changes_at` is the next change."""
    # a call that rang before closing is served to its end (E1)
    answer = opening(office.switchboard.schedule, facts.service, now)
    # an overflow may change when the counter closes, before the switchboard does
    soonest = _earliest(answer.changes_at, _counter_changes_at(office, now))
    return Opening(True, answer.code, changes_at=soonest)


def _counter_changes_at(office: Office, now: Now) -> datetime | None:
    """Return when the counter's own hours next open or close."""
    desk = office.citizens_desk
    return desk.schedule.at(now.wall).flips_at if desk else None


def _earliest(*times: datetime | None) -> datetime | None:
    return min((t for t in times if t is not None), default=None)


def _people_or_waiting(
    way: Destination, code: ReasonCode, answer: Opening, cause: NotTaken | None = None
) -> Decision:
    words = reason_sentence(code, answer.name)
    return Decision(way, code, words, changes_at=answer.changes_at, cause=cause)


def _voicemail(code: ReasonCode, greeting: str, answer: Opening) -> Decision:
    words = reason_sentence(code, answer.name if code is answer.code else NOTHING)
    return Decision(
        Destination.VOICEMAIL, code, words, greeting, answer.changes_at, answer.reopens_at
    )


CAUSE_OF_CODE = {
    ReasonCode.CLOSED_HOURS: OverflowCause.CLOSED,
    ReasonCode.CLOSED_PERIOD: OverflowCause.CLOSED,
    ReasonCode.CLOSED_MANUAL: OverflowCause.CLOSED,
    ReasonCode.CLOCK_ALONE: OverflowCause.CLOSED,
    ReasonCode.HOLIDAY: OverflowCause.CLOSED,
    ReasonCode.SPECIAL: OverflowCause.CLOSED,
    ReasonCode.ABSENT: OverflowCause.UNATTENDED,
}
# other codes do not tell why nobody took the call; the greeting does (NOT_TAKEN_GREETINGS)
CAUSE_OF_GREETING = {
    "greeting_busy": OverflowCause.BUSY,
    "greeting_no_answer": OverflowCause.NO_ANSWER,
    "greeting_unattended": OverflowCause.UNATTENDED,
    "greeting_fault": OverflowCause.UNREACHABLE,
}


@dataclass(frozen=True, slots=True)
class BranchDestination:
    """A branch that may be asked now: its account `name`, by an office's need."""

    unit: str
    need: str
    name: str


def overflow_cause(code: ReasonCode, greeting: str) -> OverflowCause | None:
    """Return why a call would go to voicemail; None if its line carries no conversation."""
    # a branch's phone could not be joined to such a line either (B2)
    if code in {ReasonCode.HALF_DUPLEX, ReasonCode.PARALLEL_UNANSWERED, ReasonCode.PBX_FAULT}:
        return None
    # a branch is told what the caller would be told
    return CAUSE_OF_CODE.get(code) or CAUSE_OF_GREETING.get(greeting)


def branch_destinations(
    branches: BranchRules, directory: Directory, calendar: Schedule, now: Now
) -> Iterator[BranchDestination]:
    """Yield the branches that have declared that they take callers now, in the written order."""
    for unit, need in branches.offices:
        # configured, but no longer in the directory: may_transfer would raise
        if directory.unit(unit) is None:
            continue
        answer = may_transfer(directory, calendar, unit, need, now)
        if not isinstance(answer, TransferAllowed):
            continue
        # a need names a branch by its account at the proxy, as if it were a SIP phone (P4, P5)
        phones = (target for target in answer.targets if target.reach is Reach.PHONE)
        names = (target.number.reveal(Purpose.RING) for target in phones)
        yield from (BranchDestination(unit, need, name) for name in names if name in branches.names)


@dataclass(frozen=True, slots=True)
class RouteStep:
    """One step of a call's route, taken if nobody has answered before.

    `phones` ring for `ring_ms` (positions behind a PBX: each), or the caller waits for that time;
    voicemail plays `greeting` (a prompt key without language).
    """

    way: Destination
    code: ReasonCode
    sentence: Words
    phones: tuple[str, ...] = ()
    ring_ms: int = 0
    greeting: str = ""
    reopens_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """The whole route of a call that rings on `line` at `at`; its first step says why."""

    line: str
    at: datetime
    steps: tuple[RouteStep, ...]
    changes_at: datetime | None

    def to_json(self) -> dict[str, object]:
        """Return it as JSON values with stable keys; times are ISO 8601 with zone or null."""
        # other tools read these keys and values
        first = self.steps[0]
        return {
            "line": self.line,
            "at": self.at.isoformat(),
            "way": first.way.value,
            "code": first.code.value,
            **_sentences(first),
            "changes_at": _iso(self.changes_at),
            "steps": [_step_to_json(step) for step in self.steps],
        }


def explain(
    office: Office,
    line: Line,
    at: datetime,
    switchboard: GroupState = GroupState.FREE,
    citizens_desk: GroupState | None = None,
    service: ServiceState = NO_MANUAL_STATES,
    clock_state: ClockState = ClockState.SYNCED,
    doubt: Doubt = Doubt.OPEN,
) -> Explanation:
    """Follow a call that rings at `at` (aware) through its steps if nobody answers.

    `citizens_desk` None means free within its own hours. For a line that passes its calls to a PBX
    the groups' states are not known beforehand.
    """
    # decided by the functions that decide live calls, so that the two cannot differ
    now = Now(0.0, at, clock_state, doubt)
    places = office.waiting.places
    facts = RoutingFacts(service, switchboard, citizens_desk or GroupState.FREE, places)
    if line.passes:
        # an extension's state shows only when it is called: the groups' given states do not count
        facts = pbx_facts(office, service)
    decisions = tuple(_decisions(office, line, facts, now))
    steps = tuple(_step(office, line, decision) for decision in decisions)
    return Explanation(line.name, at, steps, decisions[0].changes_at)


def _decisions(office: Office, line: Line, facts: RoutingFacts, now: Now) -> Iterator[Decision]:
    """Yield every decision of a call that nobody answers; the last one is voicemail."""
    decision = route(office, line, facts, now)
    yield decision
    first = decision.cause or NotTaken.NO_ANSWER
    if decision.way is Destination.SWITCHBOARD:
        decision = overflow(office, facts, now, first)
        yield decision
    if decision.way is Destination.CITIZENS_DESK:
        decision = after_counter(office, facts, now, first, NotTaken.NO_ANSWER)
        yield decision
    if decision.way is Destination.WAITING:
        # a caller waits once: no places, so that no further step leads back to waiting
        yield from _after_waiting(office, replace(facts, places=0), now)
    if decision.way is Destination.NOBODY:
        yield parallel_unanswered(office, facts, now)


def _after_waiting(office: Office, facts: RoutingFacts, now: Now) -> Iterator[Decision]:
    decision = after_waiting(office, facts, now)
    yield decision
    if decision.way is Destination.CITIZENS_DESK:
        yield after_counter(office, facts, now, NotTaken.BUSY, NotTaken.NO_ANSWER)


def _step(office: Office, line: Line, decision: Decision) -> RouteStep:
    desk = office.citizens_desk if decision.way is Destination.CITIZENS_DESK else None
    group = desk or office.switchboard
    rings = decision.way in {Destination.SWITCHBOARD, Destination.CITIZENS_DESK}
    return RouteStep(
        decision.way,
        decision.code,
        decision.sentence,
        _rung(group, line) if rings else (),
        _lasts_ms(office, decision.way, group),
        decision.greeting,
        decision.reopens_at,
    )


def _lasts_ms(office: Office, way: Destination, group: Group) -> int:
    """Return how long a step lasts when nobody answers; voicemail is the last one."""
    own = {Destination.VOICEMAIL: 0, Destination.WAITING: office.waiting.longest_ms}
    return own.get(way, group.ring_ms)


def _rung(group: Group, line: Line) -> tuple[str, ...]:
    """Return who is rung at once, or (behind a PBX) called one after the other."""
    return group.positions if line.passes else group.phones


def _sentences(step: RouteStep) -> dict[str, str]:
    """Return a step's sentence under a key for each language."""
    texts = step.sentence.by_language()
    return {f"sentence_{language}": text for language, text in texts.items()}


def _step_to_json(step: RouteStep) -> dict[str, object]:
    return {
        "way": step.way.value,
        "code": step.code.value,
        **_sentences(step),
        "phones": list(step.phones),
        "ring_ms": step.ring_ms,
        "greeting": step.greeting,
        "reopens_at": _iso(step.reopens_at),
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
