"""May a call go on to an office for a need, now (P3–P5, E7, E13)? The one answer for every asker.

The declaration binds the device: console, keys and REFER all come here. Outside its band the
answer says when the next one opens and which rule of return opens at once (P5, P6).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime

from appliance.policy.clock import Now
from appliance.policy.hours import OpenState, Schedule
from appliance.policy.office_hours import hours_of_office
from appliance.policy.pieces import Why
from appliance.policy.register.declarations import Need, ReturnRule
from appliance.policy.register.in_force import Declared, Hindrance, declared, resumes_at
from appliance.policy.register.keypad import needs_of
from appliance.policy.register.register import Register, Unit
from appliance.policy.register.targets import Reach, Target
from appliance.policy.secret import Purpose
from appliance.policy.week import Bands
from appliance.policy.words import NOTHING, SaidError, Words

WITHOUT_DECLARATION = (ReturnRule.EMAIL,)
"""The rule of a unit that has declared nothing (E13)."""


class Reason(enum.StrEnum):
    """Why an operator transfers a call (P3)."""

    TOPIC = "topic"
    DEPTH = "depth"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Allowed:
    """The call may go to `targets`, tried in this order, by the declaration of that number.

    `band_ends` is when the band that is open now ends, None for not known. `notice` is what a
    special period says of itself (E14).
    """

    unit: Unit
    need: Need
    targets: tuple[Target, ...]
    rules: tuple[ReturnRule, ...]
    declaration: int
    band_ends: datetime | None = None
    notice: Words = NOTHING


@dataclass(frozen=True, slots=True)
class Closing:
    """What closes an office whatever it has declared: a holiday, or a closure of the house."""

    is_holiday: bool
    name: Words = NOTHING


@dataclass(frozen=True, slots=True)
class Later:
    """The call may not go on now: `today` are today's bands, `resumes_at` when the next opens.

    `notice` is what a special period says of itself (E14), `closing` why nobody is there whatever
    the bands say.
    """

    unit: Unit
    need: str
    why: Hindrance
    rules: tuple[ReturnRule, ...]
    today: Bands = ()
    resumes_at: datetime | None = None
    notice: Words = NOTHING
    closing: Closing | None = None

    def begun(self, local: datetime) -> Bands:
        """Return today's bands that have begun by a local moment; none where bands say nothing."""
        if self.why is not Hindrance.BAND or self.closing:
            return ()
        return tuple(band for band in self.today if band.start <= local.time())


def may_transfer(
    register: Register, calendar: Schedule, unit_code: str, need_code: str, now: Now
) -> Allowed | Later:
    """Decide. `calendar` gives zone, holidays and closures of the whole house.

    Raises OfficeError for a unit that is not in the register: nobody else can be reached.
    """
    unit = register.unit(unit_code)
    if unit is None:
        known = ", ".join(each.code for each in register.units) or "none"
        raise SaidError(
            Words(
                f"L'ufficio «{unit_code}» non è nella Rubrica uffici.",
                f"there is no office {unit_code!r} in the register; known are {known}",
            )
        )
    day = now.wall.astimezone(calendar.zone).date()
    found = declared(register, calendar, unit, need_code, day)
    why, notice = _hindrance(found, now), NOTHING
    if isinstance(found, Declared):
        state = found.schedule.at(now.wall)
        notice = state.notice
        rules = found.need.rules or found.declaration.rules
        if why is None:
            number, targets = found.declaration.entry.number, _readable(found.need)
            ends = state.changes_at
            return Allowed(unit, found.need, targets, rules, number, ends, notice)
        today, closing = found.schedule.bands_on(day), closing_of(state)
    else:
        held = register.declaration(unit, day)
        rules, today = held.rules if held else WITHOUT_DECLARATION, ()
        closing = _closing_without(calendar, unit_code, need_code, now)
    foreseen = why is not Hindrance.NUMBERS and now.by_hours
    resumes = resumes_at(register, calendar, unit, need_code, now.wall) if foreseen else None
    why = why or Hindrance.BAND
    told = closing if why is not Hindrance.CLOCK else None
    return Later(unit, need_code, why, rules, today, resumes, notice, told)


def closing_of(state: OpenState) -> Closing | None:
    """Return what closes an office by its schedule's answer, or None for its own bands."""
    if state.open or state.why not in {Why.HOLIDAY, Why.CLOSURE}:
        return None
    return Closing(state.why is Why.HOLIDAY, state.name)


def _closing_without(calendar: Schedule, unit: str, need: str, now: Now) -> Closing | None:
    """Return what closes an office that has declared no bands: the house's days, if it is here."""
    if not now.by_hours or (unit, need) in calendar.elsewhere:
        return None
    return closing_of(hours_of_office(calendar, calendar.weekly).at(now.wall))


def may_join(
    register: Register, calendar: Schedule, phone: str, now: Now
) -> Allowed | Later | None:
    """Decide for the SIP phone that somebody has consulted: may a caller stay with it now (P5)?

    The first need that may go there now, else the first that may later; None: it is no office's.
    """
    day = now.wall.astimezone(calendar.zone).date()
    needs = [coded for coded in needs_of(register, day) if place_of(coded.need.targets, phone)]
    answers = [may_transfer(register, calendar, one.unit, one.need.code, now) for one in needs]
    allowed = (one for one in answers if isinstance(one, Allowed) and place_of(one.targets, phone))
    later = (one for one in answers if isinstance(one, Later))
    return next(allowed, None) or next(later, None)


def place_of(targets: tuple[Target, ...], phone: str) -> int:
    """Say at which place, from 1 on, a SIP phone stands among targets; 0 for nowhere."""
    rung = [t.reach is Reach.PHONE and t.number.reveal(Purpose.RING) == phone for t in targets]
    return rung.index(True) + 1 if True in rung else 0


def _hindrance(found: Declared | Hindrance, now: Now) -> Hindrance | None:
    if isinstance(found, Hindrance):
        return found
    if not now.by_hours:
        return Hindrance.CLOCK  # a band cannot be kept by a clock that nobody trusts
    if not found.schedule.at(now.wall).open:
        return Hindrance.BAND
    return None if _readable(found.need) else Hindrance.NUMBERS


def _readable(need: Need) -> tuple[Target, ...]:
    """Return the targets whose numbers could be unsealed: the others cannot be called."""
    return tuple(target for target in need.targets if target.number.is_known)
