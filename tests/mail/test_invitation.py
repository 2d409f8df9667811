"""Invitations (P6): read back by the library that wrote them, and by a stranger's."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from icalendar import Calendar

from appliance.mail import Meeting, Method, cancellation, invitation
from appliance.policy.requests import Appointment, AppointmentForm, AppointmentSlot
from tests.policy.small_directory import rome

SLOT = AppointmentSlot(rome("2026-11-30 15:00"), rome("2026-11-30 15:20"))
MEETING = Meeting(
    "request-17-1@comune.example",
    Appointment(SLOT, AppointmentForm.IN_PERSON, confirmed=True),
    "Iscrizione AIRE; con, virgole (Anna Verdi)",
    "Riga uno\nRiga due: perché così " + "lunga " * 40,
    "centralino@comune.example",
    "anagrafe@comune.example",
    datetime(2026, 11, 25, 9, 0, tzinfo=UTC),
    "Anagrafe",
)
VOBJECT = """
import json, sys, vobject
calendar = vobject.readOne(sys.stdin.read())
event = calendar.vevent
print(json.dumps({
    "method": calendar.method.value, "uid": event.uid.value, "summary": event.summary.value,
    "description": event.description.value, "start": event.dtstart.value.isoformat(),
    "end": event.dtend.value.isoformat(), "status": event.status.value,
    "sequence": event.sequence.value, "attendee": event.attendee.value,
    "organizer": event.organizer.value,
}))
"""


def test_read_back() -> None:
    """Everything in it, in UTC, long lines folded."""
    text = invitation(MEETING)
    assert max(len(line.encode()) for line in text.split("\r\n")) <= 75
    calendar = Calendar.from_ical(text)
    (event,) = calendar.walk("VEVENT")
    assert calendar["method"] == "REQUEST"
    assert (event["uid"], event["sequence"], event["status"]) == (MEETING.uid, 0, "CONFIRMED")
    assert (event.decoded("dtstart"), event.decoded("dtend")) == (SLOT.start, SLOT.end)
    assert (event["summary"], event["description"]) == (MEETING.summary, MEETING.description)
    assert (event["location"], event["attendee"].params["RSVP"]) == ("Anagrafe", "TRUE")
    assert str(event["attendee"]) == "mailto:anagrafe@comune.example"


@pytest.mark.parametrize(
    ("confirmed", "form", "method", "status", "place"),
    [
        (False, AppointmentForm.IN_PERSON, Method.REQUEST, "TENTATIVE", True),
        (True, AppointmentForm.OFFICE_CALLS, Method.REQUEST, "CONFIRMED", False),
        (True, AppointmentForm.CITIZEN_CALLS, Method.REQUEST, "CONFIRMED", False),
        (False, AppointmentForm.IN_PERSON, Method.CANCEL, "CANCELLED", True),
    ],
)
def test_what_it_says_of_itself(
    confirmed: bool, form: AppointmentForm, method: Method, status: str, place: bool
) -> None:
    """To be confirmed where the office offers no slots; by telephone it has no place."""
    meeting = replace(MEETING, appointment=Appointment(SLOT, form, confirmed, sequence=3))
    (event,) = Calendar.from_ical(invitation(meeting, method)).walk("VEVENT")
    assert (event["status"], "location" in event) == (status, place)
    assert event["sequence"] == (4 if method is Method.CANCEL else 3)


@pytest.mark.system
def test_a_strangers_reader_understands_it() -> None:
    """vobject, which shares nothing with the library that wrote it, reads the same."""
    python = Path("/usr/bin/python3")
    known = subprocess.run([python, "-c", "import vobject"], capture_output=True, check=False)
    if known.returncode:
        pytest.skip("needs Debian package python3-vobject")
    read = subprocess.run(
        [python, "-c", VOBJECT],
        input=invitation(MEETING),
        capture_output=True,
        text=True,
        check=True,
    )
    met = json.loads(read.stdout)
    assert met == {
        "method": "REQUEST",
        "uid": MEETING.uid,
        "summary": MEETING.summary,
        "description": MEETING.description,
        "start": SLOT.start.astimezone(UTC).isoformat(),
        "end": SLOT.end.astimezone(UTC).isoformat(),
        "status": "CONFIRMED",
        "sequence": "0",
        "attendee": "mailto:anagrafe@comune.example",
        "organizer": "mailto:centralino@comune.example",
    }


def test_taken_back_without_what_it_said() -> None:
    """E20, RFC 5546 3.2.5: the same UID, a higher SEQUENCE, and nothing of the person."""
    moved = replace(MEETING, appointment=replace(MEETING.appointment, sequence=3))
    off = cancellation(invitation(moved), "Appuntamento annullato: [Richiesta 17]", MEETING.at)
    calendar = Calendar.from_ical(off.text)
    (event,) = calendar.walk("VEVENT")
    assert calendar["method"] == "CANCEL"
    assert (event["uid"], event["sequence"], event["status"]) == (MEETING.uid, 4, "CANCELLED")
    assert (event.decoded("dtstart"), event.decoded("dtend")) == (SLOT.start, SLOT.end)
    assert off.start == SLOT.start
    assert (str(event["attendee"]), event["attendee"].params["RSVP"]) == (
        "mailto:anagrafe@comune.example", "FALSE",
    )  # fmt: skip
    assert str(event["organizer"]) == "mailto:centralino@comune.example"
    assert event["summary"] == "Appuntamento annullato: [Richiesta 17]"
    assert "Verdi" not in off.text
    assert "description" not in event
    assert "location" not in event


def test_what_is_no_invitation_is_not_taken_back() -> None:
    """It raises what the caller catches."""
    with pytest.raises((ValueError, KeyError, IndexError)):
        cancellation("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", "off", MEETING.at)
