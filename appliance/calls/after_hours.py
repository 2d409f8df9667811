"""What the closed greeting adds to its reason: emergencies (E11) and the menu of sheets (P1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from appliance.calls.desk import Desk
from appliance.policy import opening, routing
from appliance.policy.clock import Now
from appliance.policy.codes import Code
from appliance.policy.emergencies import Duty, duties
from appliance.policy.routing import Decision
from appliance.policy.secret import Purpose, SecretNumber
from appliance.policy.spoken import Menu

BY_DAY = frozenset((*routing.GREETINGS.values(), opening.GREETINGS[Code.ABSENT]))
"""Greetings of an office that is open, or will be in a moment: people may yet answer."""


@dataclass(frozen=True, slots=True)
class Added:
    """What a greeting says beside its reason: the menu, and prompts without their language.

    `told` are the units whose number is told; its digits are printed nowhere (P7).
    """

    menu: Menu = ()
    told: tuple[str, ...] = ()
    emergencies: tuple[str, ...] = field(default=(), repr=False)


NOTHING_ADDED = Added()


def added(desk: Desk, decision: Decision, now: Now) -> Added:
    """Return what the greeting of a decision adds: something after hours, nothing by day."""
    if decision.greeting in BY_DAY:
        return NOTHING_ADDED
    night = desk.office.after_hours
    named = duties(desk.register, night.duty, now.wall, desk.office.zone)
    on_duty = [duty for duty in named if duty.number]
    emergency = ("emergency_112",) if night.emergency else ()
    numbers = (key for duty in on_duty for key in _number_of(duty))
    return Added(desk.menu, tuple(duty.unit for duty in on_duty), (*emergency, *numbers))


def _number_of(duty: Duty) -> Iterator[str]:
    assert duty.number is not None, "only numbers that may be told are asked for"
    yield "duty_number"
    yield from (f"digit_{digit}" for digit in dialled(duty.number))


def dialled(number: SecretNumber) -> str:
    """Return a number as somebody in Italy dials it: no +39, another country's + as 00."""
    return number.reveal(Purpose.TELL).removeprefix("+39").replace("+", "00")
