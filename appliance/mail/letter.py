"""What is mailed: the message, an appointment's invitation, a request as a PDF page."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime, formataddr, parseaddr
from pathlib import Path
from typing import TYPE_CHECKING, Final

from appliance.errors import OfficeError
from appliance.policy.mail import OutgoingMail
from appliance.policy.requests import Appointment, AppointmentForm

if TYPE_CHECKING:
    from icalendar import Event


# ---- compose -----------------------------------------------------------------------------------
# A notice as an e-mail (RFC 5322, 2045–2047): whatever is in it, its headers are exactly these.
#
# Text from callers, offices and door comes in here: nothing of it can add a header, end the message
# or make a line too long.

ATTACHMENT_LIMIT: Final = 8 << 20
"""Longer sound stays on the box: mail servers commonly refuse more than 10 MB."""
REFERENCES: Final = 20
"""Message-IDs named at most: a header must end somewhere (RFC 5322, 3.6.4 lets it be cut)."""
_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]")
_LONG_WORD: Final = re.compile(r"\S{60}")
"""Cannot be folded as it is: a line of a header has 78 characters (RFC 5322, 2.1.1)."""
_METHOD: Final = re.compile(r"^METHOD:([A-Z]+)\r?$", re.MULTILINE)
NOT_ATTACHED: Final = (
    "(La registrazione non è allegata: è conservata presso il centralino. / "
    "The recording is not attached: it is kept at the switchboard.)"
)


class _Policy(EmailPolicy):
    """Folds the headers that people read as email.header does.

    What EmailPolicy makes of several words beyond ASCII loses the spaces between them once it is
    read (RFC 2047, 6.2: space between encoded words is none).
    """

    def fold(self, name: str, value: str) -> str:
        """Write a header, its lines ended as in the rest of the mail."""
        if name.lower() != "subject":
            return str(super().fold(name, value))
        return f"{name}: {_encoded(str(value), name).encode(linesep=self.linesep)}{self.linesep}"

    def fold_binary(self, name: str, value: str) -> bytes:
        """Write a header as bytes."""
        if name.lower() != "subject":
            return bytes(super().fold_binary(name, value))
        return self.fold(name, value).encode("ascii")


_POLICY: Final = _Policy(linesep=SMTP.linesep, max_line_length=SMTP.max_line_length)


def _encoded(text: str, name: str) -> Header:
    """Encode a text for a header; plain words stay plain, unless they look encoded already."""
    plain = text.isascii() and "=?" not in text and not _LONG_WORD.search(text)
    return Header(text, "us-ascii" if plain else "utf-8", header_name=name)


def is_address(text: str) -> bool:
    """Tell whether a text is one plain mail address (the dot-atom form of RFC 5321)."""
    return len(text) <= 254 and _ADDRESS.fullmatch(text) is not None


def address_in(sender: str) -> str:
    """Return the address of "Name <address>"; raises OfficeError where there is none."""
    address = parseaddr(sender)[1]
    if not is_address(address):
        raise OfficeError(f'{sender!r} is no mail address: write "a@b.it" or "Name <a@b.it>"')
    return address


def compose(letter: OutgoingMail, sender: str, to: str, folder: Path) -> EmailMessage:
    """Write a notice to an address; attachments are files below `folder`. Raises OfficeError."""
    if not is_address(to):
        raise OfficeError(f"{to!r} is no mail address: put it right in the register")
    message = EmailMessage(policy=_POLICY)
    _set_headers(message, letter, sender, to)
    files = [_readable(folder, name) for name in letter.mail.attachments]
    note = f"\n\n{NOT_ATTACHED}" if None in files else ""
    message.set_content(_text(letter.mail.body) + note, cte="quoted-printable")
    _add_calendar(message, letter.mail.calendar)
    for path in files:
        if path is not None:
            _attach(message, path)
    return message


def _set_headers(message: EmailMessage, letter: OutgoingMail, sender: str, to: str) -> None:
    name = " ".join(_text(parseaddr(sender)[0]).split())
    message["From"] = formataddr((name, address_in(sender)))
    message["To"] = to
    subject = " ".join(_text(letter.mail.subject).split())
    # encoded, or words that look encoded would be decoded here; folded by _Policy as it leaves
    message["Subject"] = _encoded(subject, "Subject").encode(maxlinelen=0)
    message["Date"] = format_datetime(letter.queued_at)
    message["Message-ID"] = letter.message_id
    if letter.references:
        message["In-Reply-To"] = letter.references[-1]
        # the first, which is the thread's, is never cut
        kept = (letter.references[0], *letter.references[1:][-REFERENCES:])
        message["References"] = " ".join(kept)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834, 5: no vacation notice comes back


def _add_calendar(message: EmailMessage, calendar: str) -> None:
    """Let mail programmes offer the invitation (RFC 6047, 2.4)."""
    if calendar:
        method = _METHOD.search(calendar)
        message.add_alternative(
            calendar.encode(),
            maintype="text",
            subtype="calendar",
            params={"method": method[1] if method else "PUBLISH", "charset": "UTF-8"},
            cte="base64",
        )


def _attach(message: EmailMessage, path: Path) -> None:
    subtype = "wav" if path.suffix == ".wav" else "octet-stream"
    maintype = "audio" if subtype == "wav" else "application"
    name = f"registrazione-{path.stem[:12]}{path.suffix}"
    message.add_attachment(path.read_bytes(), maintype=maintype, subtype=subtype, filename=name)


def _readable(folder: Path, name: str) -> Path | None:
    """Return the file of an attachment; None for one that is gone, too long, or not below."""
    path = (folder / name).resolve()
    try:
        fits = path.is_relative_to(folder.resolve()) and path.stat().st_size <= ATTACHMENT_LIMIT
    except OSError:
        return None
    return path if fits and path.is_file() else None


def _text(text: str) -> str:
    """Leave out what no mail may hold: control characters and halves of characters."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


# ---- invitation --------------------------------------------------------------------------------
# An appointment as an iCalendar invitation (RFC 5545, 5546): the ONLY icalendar import.
#
# The same UID for its life, a higher SEQUENCE for every change, CANCEL at its end; proposed where
# the office must agree first. The library is loaded when the first appointment is made.


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
    if appointment.form is AppointmentForm.IN_PERSON and meeting.place:
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
class Cancellation:
    """The end of an invitation that was sent: its text, and when the appointment would begin."""

    text: str
    start: datetime


def cancellation(sent: str, summary: str, at: datetime) -> Cancellation:
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
    return Cancellation(_calendar(event, Method.CANCEL), invited.decoded("dtstart"))


def _status(appointment: Appointment, *, is_over: bool) -> str:
    if is_over:
        return "CANCELLED"
    return "CONFIRMED" if appointment.confirmed else "TENTATIVE"
