"""An appointment as an iCalendar invitation (RFC 5545, 5546): the ONLY icalendar import.

The same UID for its life, a higher SEQUENCE for every change, CANCEL at its end; proposed where
the office must agree first. The library is loaded when the first appointment is made.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import UTC, datetime

from appliance.policy.requests import Appointment, Form


class Method(enum.StrEnum):
    """What the invitation asks of a calendar (RFC 5546, 1.4)."""

    REQUEST = "REQUEST"
    CANCEL = "CANCEL"


@dataclass(frozen=True, slots=True)
class Meeting:
    """What stands in the invitation; `uid` is the same for its life, `at` the moment of writing."""

    uid: str
    appointment: Appointment
    summary: str
    description: str
    organizer: str
    attendee: str
    at: datetime
    place: str = ""


def invitation(meeting: Meeting, method: Method = Method.REQUEST) -> str:
    """Write the invitation; times in UTC, so that no calendar needs to know the zone."""
    from icalendar import Calendar, Event, vCalAddress

    appointment = meeting.appointment
    event = Event()
    event.add("uid", meeting.uid)
    event.add("sequence", appointment.sequence + (method is Method.CANCEL))
    event.add("dtstamp", meeting.at.astimezone(UTC))
    event.add("dtstart", appointment.slot.start.astimezone(UTC))
    event.add("dtend", appointment.slot.end.astimezone(UTC))
    event.add("summary", meeting.summary)
    event.add("description", meeting.description)
    event.add("status", _status(appointment, method))
    if appointment.form is Form.IN_PERSON and meeting.place:
        event.add("location", meeting.place)
    event.add("organizer", vCalAddress(f"mailto:{meeting.organizer}"))
    attendee = vCalAddress(f"mailto:{meeting.attendee}")
    attendee.params["PARTSTAT"] = "NEEDS-ACTION"
    attendee.params["RSVP"] = "FALSE" if method is Method.CANCEL else "TRUE"
    event.add("attendee", attendee, encode=False)
    calendar = Calendar()
    calendar.add("prodid", "-//Centralino//Centralino//IT")
    calendar.add("version", "2.0")
    calendar.add("method", method.value)
    calendar.add_component(event)
    return bytes(calendar.to_ical()).decode()


def _status(appointment: Appointment, method: Method) -> str:
    if method is Method.CANCEL:
        return "CANCELLED"
    return "CONFIRMED" if appointment.confirmed else "TENTATIVE"
