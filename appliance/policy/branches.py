"""When a caller is handed over to another branch, and to which (B9).

A branch is a destination like any other: an office of the register that has declared when, and
under which name, it takes callers (P4, P5). The configuration says which offices, in which order,
and in which cases.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass

from appliance.policy.clock import Now
from appliance.policy.codes import Code
from appliance.policy.hours import Schedule
from appliance.policy.refused import Refused
from appliance.policy.register.register import Register
from appliance.policy.register.targets import Reach
from appliance.policy.secret import Purpose
from appliance.policy.transfer import Allowed, may_transfer

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
"""An account at the proxy, as the register names it (Reach.PHONE)."""


class Cause(enum.StrEnum):
    """Why nobody of this branch can take a caller."""

    BUSY = "busy"
    NO_ANSWER = "no_answer"
    UNATTENDED = "unattended"
    UNREACHABLE = "unreachable"
    CLOSED = "closed"


BY_CODE = {
    Code.CLOSED_HOURS: Cause.CLOSED,
    Code.CLOSED_PERIOD: Cause.CLOSED,
    Code.CLOSED_MANUAL: Cause.CLOSED,
    Code.CLOCK_ALONE: Cause.CLOSED,
    Code.HOLIDAY: Cause.CLOSED,
    Code.SPECIAL: Cause.CLOSED,
    Code.ABSENT: Cause.UNATTENDED,
}
BY_GREETING = {
    "greeting_busy": Cause.BUSY,
    "greeting_no_answer": Cause.NO_ANSWER,
    "greeting_unattended": Cause.UNATTENDED,
    "greeting_fault": Cause.UNREACHABLE,
}
"""What else leads to voicemail is told by its greeting (routing.GREETINGS)."""


@dataclass(frozen=True, slots=True)
class Branches:
    """`names` are the other branches' accounts at the proxy; `offices` ("unit.need" of the
    register) are asked in this order, each for `ring_ms`, in the cases of `when`. Raises Refused.
    """

    names: tuple[str, ...] = ()
    offices: tuple[tuple[str, str], ...] = ()
    when: frozenset[Cause] = frozenset()
    ring_ms: int = 20_000

    def __post_init__(self) -> None:
        for name in self.names:
            if not NAME.fullmatch(name):
                raise Refused(
                    f"{name!r} non è il nome di una sede: scrivere lettere e cifre, come al proxy",
                    f"{name!r} is no branch's name: write letters and digits, as at the proxy",
                )
        if self.ring_ms <= 0:
            raise Refused("ring deve essere maggiore di 0 secondi", "ring must be above 0 seconds")


@dataclass(frozen=True, slots=True)
class Destination:
    """A branch that may be asked now: its account `name`, by an office's need."""

    unit: str
    need: str
    name: str


def cause_of(code: Code, greeting: str) -> Cause | None:
    """Say why a call would go to voicemail; None where its line cannot carry a conversation."""
    if code in {Code.HALF_DUPLEX, Code.PARALLEL_UNANSWERED, Code.PBX_FAULT}:
        return None
    return BY_CODE.get(code) or BY_GREETING.get(greeting)


def destinations(
    branches: Branches, register: Register, calendar: Schedule, now: Now
) -> Iterator[Destination]:
    """Yield the branches that have declared that they take callers now, in the written order."""
    for unit, need in branches.offices:
        if register.unit(unit) is None:
            continue
        answer = may_transfer(register, calendar, unit, need, now)
        if not isinstance(answer, Allowed):
            continue
        phones = (target for target in answer.targets if target.reach is Reach.PHONE)
        names = (target.number.reveal(Purpose.RING) for target in phones)
        yield from (Destination(unit, need, name) for name in names if name in branches.names)
