"""May a number be told outside (P7, E11)? Only by its unit's written leave, while that holds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from appliance.policy.register.register import NOTICE_DAYS, Authorisation, Register
from appliance.policy.secret import SecretNumber


def may_tell(
    register: Register, unit: str, number: SecretNumber, at: datetime, zone: ZoneInfo
) -> Authorisation | None:
    """Return the authorisation by which a number of a unit may be told at a moment, or None.

    None, too, for a number that cannot be read.
    """
    if not number.is_known:
        return None
    found = _latest(register, at).get((unit, number))
    return found if found is not None and holds(found, at, zone) else None


def holds(authorisation: Authorisation, at: datetime, zone: ZoneInfo) -> bool:
    """Tell whether an authorisation is neither revoked nor over at a moment after its entry.

    Its last day is a day of the office's own zone.
    """
    revoked, last = authorisation.revoked, authorisation.last
    if revoked is not None and revoked.at <= at:
        return False
    return last is None or at.astimezone(zone).date() <= last


def lapsed(register: Register, at: datetime, zone: ZoneInfo) -> tuple[Authorisation, ...]:
    """Return the authorisations that ran out without being renewed or revoked (E11)."""
    return tuple(_ending_before(register, at, at.astimezone(zone).date()))


def lapsing(
    register: Register, at: datetime, zone: ZoneInfo, days: int = NOTICE_DAYS
) -> tuple[Authorisation, ...]:
    """Return the authorisations that will run out within `days`, unless renewed."""
    today = at.astimezone(zone).date()
    soon = _ending_before(register, at, today + timedelta(days=days + 1))
    return tuple(each for each in soon if each.last is not None and each.last >= today)


def _ending_before(register: Register, at: datetime, day: date) -> Iterator[Authorisation]:
    for each in _latest(register, at).values():
        if each.revoked is None and each.last is not None and each.last < day:
            yield each


def _latest(register: Register, at: datetime) -> dict[tuple[str, SecretNumber], Authorisation]:
    """Return the last leave for each number of each unit: it takes the place of those before it."""
    entered = (each for each in register.authorisations if each.entry.at <= at)
    return {(each.unit, each.told.number): each for each in entered}
