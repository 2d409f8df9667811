"""An appointment as an iCalendar invitation (RFC 5545, 5546): the ONLY icalendar import.

The same UID for its life, a higher SEQUENCE for every change, CANCEL at its end; proposed where
the office must agree first. The library is loaded when the first appointment is made.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from appliance.policy.requests import Appointment, Form

if TYPE_CHECKING:
    from icalendar import Event


class Method(enum.StrEnum):
    """What the invitation asks of a calendar (RFC 5546, 1.4)."""

    REQUEST = "REQUEST"
    CANCEL = "CANCEL"
    PUBLISH = "PUBLISH"  # for whoever is asked nothing: nobody reads an answer


@dataclass(frozen=True, slots=True)
class Meeting:
    """What stands in the invitation; `uid` is the same for its life, `at` the moment of writing.

    `attendee` is "" where nobody is asked to come, but told when (Method.PUBLISH).
    """

    uid: str
    appointment: Appointment
    summary: str
    description: str
    organizer: str
    attendee: str
    at: datetime
    place: str = ""


def invitation(meeting: Meeting, method: Method = Method.REQUEST, *, is_over: bool = False) -> str:
    """Write the invitation; times in UTC, so that no calendar needs to know the zone.

    `is_over` takes one back that was published.
    """
    is_over = is_over or method is Method.CANCEL
    from icalendar import Event, vCalAddress

    appointment = meeting.appointment
    event = Event()
    event.add("uid", meeting.uid)
    event.add("sequence", appointment.sequence + is_over)
    event.add("dtstamp", meeting.at.astimezone(UTC))
    event.add("dtstart", appointment.slot.start.astimezone(UTC))
    event.add("dtend", appointment.slot.end.astimezone(UTC))
    event.add("summary", meeting.summary)
    event.add("description", meeting.description)
    event.add("status", _status(appointment, is_over=is_over))
    if appointment.form is Form.IN_PERSON and meeting.place:
        event.add("location", meeting.place)
    event.add("organizer", vCalAddress(f"mailto:{meeting.organizer}"))
    if meeting.attendee:
        attendee = vCalAddress(f"mailto:{meeting.attendee}")
        attendee.params["PARTSTAT"] = "NEEDS-ACTION"
        attendee.params["RSVP"] = "FALSE" if is_over else "TRUE"
        event.add("attendee", attendee, encode=False)
    return _calendar(event, method)


def _calendar(event: Event, method: Method) -> str:
    from icalendar import Calendar

    calendar = Calendar()
    calendar.add("prodid", "-//Centralino//Centralino//IT")
    calendar.add("version", "2.0")
    calendar.add("method", method.value)
    calendar.add_component(event)
    return bytes(calendar.to_ical()).decode()


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The end of an invitation that was sent: its text, and when the appointment would begin."""

    text: str
    start: datetime


def cancellation(sent: str, summary: str, at: datetime) -> Cancelled:
    """Take back an invitation of which only its text is left, by its UID and a higher SEQUENCE.

    Nothing of what it said comes again: `summary` stands in its place. Raises ValueError, KeyError
    for what is no invitation of ours.
    """
    from icalendar import Calendar, Event

    invited = Calendar.from_ical(sent).walk("VEVENT")[0]
    event = Event()
    for name in ("uid", "dtstart", "dtend", "organizer", "attendee"):
        event[name] = invited[name]
    event["attendee"].params["RSVP"] = "FALSE"
    event.add("sequence", int(str(invited["sequence"])) + 1)
    event.add("dtstamp", at.astimezone(UTC))
    event.add("summary", summary)
    event.add("status", "CANCELLED")
    return Cancelled(_calendar(event, Method.CANCEL), invited.decoded("dtstart"))


def _status(appointment: Appointment, *, is_over: bool) -> str:
    if is_over:
        return "CANCELLED"
    return "CONFIRMED" if appointment.confirmed else "TENTATIVE"
