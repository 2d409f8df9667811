"""An office's slots for appointments: which are free, and how one is taken without double booking.

A slot lies wholly within a band of the office's own week for appointments, on a day on which the
house is open (P6, E13).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from appliance.policy.hours import Schedule
from appliance.policy.local_time import day_phrase, local_moment, moment_phrase
from appliance.policy.office_hours import hours_of_office
from appliance.policy.register.declarations import Slots
from appliance.policy.week import ONE_DAY
from appliance.policy.words import SaidError, Words

AHEAD_DAYS = 365
"""How far ahead appointments are offered, shown and given."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One appointment's time, aware, the end excluded."""

    start: datetime
    end: datetime


Booked = Mapping[datetime, int]
"""How many appointments an office has at a slot's start."""


def slots_on(slots: Slots, calendar: Schedule, day: date) -> Iterator[Slot]:
    """Yield the slots of a day, in order; none while the house is closed."""
    hours = hours_of_office(calendar, slots.week)
    length = timedelta(minutes=slots.minutes)
    for band in hours.bands_on(day):
        start, end = band.on(day)
        while start + length <= end:
            slot = Slot(
                local_moment(start, calendar.zone), local_moment(start + length, calendar.zone)
            )
            if _open_throughout(hours, slot):
                yield slot
            start += length


def free_slots(
    slots: Slots, calendar: Schedule, booked: Booked, after: datetime, most: int = 6
) -> tuple[Slot, ...]:
    """Return the next free slots that begin after a moment, at most so many, within AHEAD_DAYS."""
    found: list[Slot] = []
    day = after.astimezone(calendar.zone).date()
    while day <= last_day(calendar, after):
        for slot, _ in left_on(slots, calendar, booked, day, after):
            found.append(slot)
            if len(found) == most:
                return tuple(found)
        day += ONE_DAY
    return tuple(found)


def last_day(calendar: Schedule, now: datetime) -> date:
    """Return the last day for which an appointment is given now."""
    return now.astimezone(calendar.zone).date() + ONE_DAY * AHEAD_DAYS


def left_on(
    slots: Slots, calendar: Schedule, booked: Booked, day: date, after: datetime
) -> Iterator[tuple[Slot, int]]:
    """Yield the slots of a day that begin after a moment, each with its free places.

    None on a day to which no appointment is given yet.
    """
    if day > last_day(calendar, after):
        return
    for slot in slots_on(slots, calendar, day):
        free = slots.places - booked.get(slot.start, 0)
        if slot.start > after and free > 0:
            yield slot, free


def take(slots: Slots, calendar: Schedule, booked: Booked, start: datetime, now: datetime) -> Slot:
    """Return the slot that starts at a moment; raises OfficeError when it cannot be had (any more).

    Whoever stores it does so in the same transaction in which `booked` was read.
    """
    day = start.astimezone(calendar.zone).date()
    last = last_day(calendar, now)
    if day > last:
        raise SaidError(
            Words(
                f"Gli appuntamenti si danno {day_phrase('fino al', last, 'it')}: scegliere un "
                "giorno prima.",
                f"appointments are given {day_phrase('until', last, 'en')}: choose an earlier day",
            )
        )
    slot = next((s for s in slots_on(slots, calendar, day) if s.start == start), None)
    local = start.astimezone(calendar.zone)
    if slot is None or start <= now:
        raise SaidError(
            Words(
                f"L'ufficio non dà appuntamenti {moment_phrase('il', local, 'it')}: cambiare "
                "orario.",
                f"the office gives no appointment {moment_phrase('on', local, 'en')}: choose "
                "another",
            )
        )
    if booked.get(start, 0) >= slots.places:
        raise SaidError(
            Words(
                f"L'appuntamento {moment_phrase('del', local, 'it')} è appena stato preso: "
                "cambiare orario.",
                f"{moment_phrase('', local, 'en')} has just been taken: choose another",
            )
        )
    return slot


def _open_throughout(hours: Schedule, slot: Slot) -> bool:
    state = hours.at(slot.start)
    return state.open and (state.flips_at is None or state.flips_at >= slot.end)
