"""How every unit of the register stands at a moment: what can be put through, until or from when.

For whoever transfers a call or looks after the register (P5, E13, E23); no number stands in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from appliance.policy import transfer_words
from appliance.policy.clock import Now
from appliance.policy.hours import Schedule
from appliance.policy.register.register import Register, Unit
from appliance.policy.transfer import Allowed, Later, may_transfer
from appliance.policy.words import Words


@dataclass(frozen=True, slots=True)
class NeedStanding:
    """One need of a unit: whether a call may go on now, until when, else from when (None: never).

    `code` is a hindrance's, "" for none; `rules` is what a return leads to; `words` say all of it.
    """

    need: str
    name: str
    allowed: bool
    code: str
    rules: tuple[str, ...]
    words: Words
    until: datetime | None = None
    resumes: datetime | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """One unit; `declared_by` is the unit whose declaration holds for it, "" for none."""

    unit: Unit
    declared_by: str
    needs: tuple[NeedStanding, ...]

    @property
    def is_open(self) -> bool:
        """True while a call may go on for some need."""
        return any(need.allowed for need in self.needs)


def standing(register: Register, calendar: Schedule, now: Now) -> tuple[Standing, ...]:
    """Tell how every unit stands; one without a valid declaration has one need without a name."""
    return tuple(_unit(register, calendar, unit, now) for unit in register.units)


def _unit(register: Register, calendar: Schedule, unit: Unit, now: Now) -> Standing:
    local = now.wall.astimezone(calendar.zone)
    held = register.valid_declaration(unit, local.date())
    needs = tuple(_needs(register, calendar, unit, now))
    return Standing(unit, held.unit if held else "", needs)


def _needs(register: Register, calendar: Schedule, unit: Unit, now: Now) -> Iterator[NeedStanding]:
    local = now.wall.astimezone(calendar.zone)
    held = register.valid_declaration(unit, local.date())
    for code, name in [(n.code, n.name) for n in held.needs] if held else [("", "")]:
        answer = may_transfer(register, calendar, unit.code, code, now)
        yield need_standing(answer, code, name, local)


def need_standing(answer: Allowed | Later, code: str, name: str, local: datetime) -> NeedStanding:
    """Tell how one need stands, for `local`, the moment it was asked in the zone of the house."""
    rules = tuple(rule.value for rule in answer.rules)
    if isinstance(answer, Allowed):
        words = open_words(answer, local)
        return NeedStanding(code, name, True, "", rules, words, until=answer.band_ends)
    words = transfer_words.in_words(answer, local)
    why = answer.why.value
    return NeedStanding(code, name, False, why, rules, words, resumes=answer.resumes_at)


def open_words(allowed: Allowed, local: datetime) -> Words:
    """Say that a call may go on, and until when."""
    name, ends = allowed.unit.name, allowed.band_ends
    if ends is None:
        return Words(f"{name}: si può trasferire.", f"{name}: takes calls.")
    at = f"{ends.astimezone(local.tzinfo):%H:%M}"
    return Words(f"{name}: si può trasferire fino alle {at}.", f"{name}: takes calls until {at}.")
