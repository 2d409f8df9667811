"""Numbers on duty that the closed greeting names: only those authorised in writing (E11, P7)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from appliance.policy.disclosure import may_tell
from appliance.policy.register.register import Register
from appliance.policy.secret import SecretNumber


@dataclass(frozen=True, slots=True)
class Duty:
    """A unit that the closed greeting is to name; `number` is None while it may not be told."""

    unit: str
    name: str
    number: SecretNumber | None = None


def duties(
    register: Register, units: Iterable[str], at: datetime, zone: ZoneInfo
) -> Iterator[Duty]:
    """Give for each unit the number that its last authorisation in force lets be told."""
    for code in units:
        unit = register.unit(code)
        yield Duty(code, unit.name if unit else code, _number(register, code, at, zone))


def silenced(
    register: Register, units: Iterable[str], at: datetime, zone: ZoneInfo
) -> tuple[Duty, ...]:
    """Return the units whose number the greeting leaves out: the head is warned."""
    return tuple(duty for duty in duties(register, units, at, zone) if duty.number is None)


def _number(register: Register, code: str, at: datetime, zone: ZoneInfo) -> SecretNumber | None:
    for authorisation in reversed(register.authorisations):
        told = authorisation.told.number
        if authorisation.unit == code and may_tell(register, code, told, at, zone):
            return told
    return None
