"""E-mail: composing notices (RFC 5322) and invitations (RFC 5545), sending them (RFC 5321)."""

from __future__ import annotations

import contextlib
import enum
import logging
import queue
import re
import smtplib
import socket
import ssl
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime, formataddr, parseaddr
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from appliance.errors import Bug, CentralinoError, OfficeError, TechnicianError
from appliance.policy.mail import (
    DeliveryReply,
    DeliveryVerdict,
    MailState,
    OutboxHealth,
    OutgoingMail,
    RetryQueue,
)
from appliance.policy.privacy import without_addresses
from appliance.policy.requests import Appointment, AppointmentForm
from appliance.workers import JOIN_LIMIT, Worker, one_job

if TYPE_CHECKING:
    from collections.abc import Callable

    from icalendar import Event

    from appliance.policy.mail import QueuedMail


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


# ---- account -----------------------------------------------------------------------------------
# At which mail server, and as whom, the box sends.


class Security(enum.StrEnum):
    """How the connection is protected; there is no falling back from one to another."""

    STARTTLS = "starttls"  # RFC 3207
    TLS = "tls"  # RFC 8314, 3.3: TLS from the first byte
    NONE = "none"


PORTS = {Security.STARTTLS: 587, Security.TLS: 465, Security.NONE: 25}
"""Where a server listens, unless the configuration says otherwise (RFC 6409, RFC 8314)."""


@dataclass(frozen=True, slots=True)
class SmtpAccount:
    """The mail server and the box's account there. `sender` is an address, or "Name <address>".

    `password_file` is read at every connection: a new password needs no restart. `ca_file` holds
    the certificates of a house's own authority, "" for the system's.
    """

    server: str
    sender: str
    security: Security = Security.STARTTLS
    port: int = 0
    user: str = ""
    password_file: str = field(default="", repr=False)
    ca_file: str = ""
    timeout_s: float = 30.0

    @property
    def where(self) -> str:
        """Name the server as people read it."""
        return f"{self.server}:{self.port or PORTS[self.security]}"


# ---- sender ------------------------------------------------------------------------------------
# The mail thread: one notice after the other out of the outbox, whatever the network does.
#
# It alone waits for the mail server; who queues a notice never does (reliability.md 4).

log = logging.getLogger(__name__)

LOOK_S: Final = 60.0
"""The outbox is looked at so often at least, whoever has queued something without a word."""


class MailQueue(Protocol):
    """Where notices are kept. All raise StoreError."""

    def waiting(self) -> tuple[QueuedMail, ...]:
        """Return what is queued."""

    def dead(self) -> int:
        """Count the notices that were given up."""

    def load(self, number: int) -> OutgoingMail:
        """Return a notice as it leaves."""

    def settle(self, now: MailState, after: QueuedMail, said: str) -> None:
        """Keep what a try came to, durably."""


class MailSender:
    """Sends what waits. `deliver` tries one notice, `give_up` ends a try that goes on.

    `on_health` hears, in the mail thread, how the outbox is, whenever that has changed;
    `on_failure` that a fault of ours keeps the thread from its work.
    """

    def __init__(
        self,
        outbox: MailQueue,
        deliver: Callable[[OutgoingMail], DeliveryReply],
        give_up: Callable[[], None],
        on_health: Callable[[OutboxHealth], None],
        on_failure: Callable[[BaseException], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._outbox = outbox
        self._deliver = deliver
        self._give_up = give_up
        self._on_health = on_health
        self._clock = clock
        self._round = RetryQueue()
        self._health = OutboxHealth()
        self._why = DeliveryReply(DeliveryVerdict.SENT, "")
        self._asked: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._worker = Worker("mail", self._turn, on_failure)

    def start(self) -> MailSender:
        """Start the thread; what earlier runs left in the outbox is tried at once."""
        self._worker.start()
        return self

    def stop(self, limit: float = JOIN_LIMIT) -> None:
        """End, in the middle of a try if need be: it is tried again at the next start."""
        self._worker.stopping.set()
        self._asked.put(False)
        self._give_up()
        self._worker.stop(limit)

    @property
    def beat_at(self) -> float:
        """When the loop last turned (monotonic s)."""
        return self._worker.beat_at

    def wake(self, hurry: bool = False) -> None:
        """Something was queued; with `hurry` somebody asks for another try of all now."""
        self._asked.put(hurry)

    def _turn(self) -> None:
        try:
            wait = self._step()
        except Bug:
            raise
        except CentralinoError as error:
            log.warning("mail: %s", error)
            wait = LOOK_S
        if not self._worker.stopping.is_set():
            self._pause(wait)

    def _pause(self, wait: float | None) -> None:
        """Wait for the next turn, or until woken; all that was asked meanwhile is heard."""
        if wait == 0.0:
            return
        with contextlib.suppress(queue.Empty):
            hurry = self._asked.get(timeout=LOOK_S if wait is None else min(wait, LOOK_S))
            while not self._asked.empty():
                hurry = self._asked.get() or hurry
            if hurry:
                self._round.hurry(self._clock())

    def _step(self) -> float | None:
        """Try one notice, if one is due; returns how long to wait. Raises StoreError."""
        self._round.learn(self._outbox.waiting(), self._clock())
        number = self._round.next(self._clock())
        if number is not None:
            self._try(number)
        self._tell()
        return self._round.wait_s(self._clock())

    def _try(self, number: int) -> None:
        reply = self._delivered(number)
        if self._worker.stopping.is_set() and reply.verdict is not DeliveryVerdict.SENT:
            return  # broken off by us: not the server's doing
        state, after = self._round.heard(number, reply.verdict, self._clock())
        level = logging.INFO if reply.verdict is DeliveryVerdict.SENT else logging.WARNING
        told = replace(reply, said=without_addresses(reply.said))
        log.log(level, "mail %d: %s (%s)", number, told.verdict, told.said)
        if reply.verdict is not DeliveryVerdict.REFUSED:
            self._why = told
        self._outbox.settle(state, after, reply.said)

    def _delivered(self, number: int) -> DeliveryReply:
        """Try one notice; one that our fault keeps back waits its turn, and the others go."""
        try:
            with one_job(OSError):
                return self._deliver(self._outbox.load(number))
        except Bug as error:
            return DeliveryReply(DeliveryVerdict.LATER, str(error))

    def _tell(self) -> None:
        blocked = self._why.verdict in {DeliveryVerdict.AWAY, DeliveryVerdict.MISSET}
        health = OutboxHealth(
            len(self._outbox.waiting()),
            self._outbox.dead(),
            self._why.said if blocked else "",
            misset=self._why.verdict is DeliveryVerdict.MISSET,
        )
        if health != self._health:
            self._health = health
            self._on_health(health)


# ---- smtp --------------------------------------------------------------------------------------
# One notice to the mail server (RFC 5321), and what its answer means: the ONLY smtplib import.
#
# Every wait has its limit. What was asked for is what is done: no TLS, no password or no trust in
# the server's certificate means no mail, never mail in the clear.

PERMANENT = 500
UNKNOWN_TO_IT = frozenset({530, 535, 538})
"""The server wants to know who sends, whatever the notice (RFC 4954, 6)."""

_STRANGER = re.compile(r"\brelay|\blog ?in\b|authenticat", re.IGNORECASE)
"""How servers say that they take mail for others from their own users alone (a bare 550, 554)."""


class _AbortableSmtp(smtplib.SMTP):
    """Not connected yet, so that it can be aborted while it connects; knows whom it will meet."""

    def __init__(self, account: SmtpAccount, name: str) -> None:
        super().__init__(timeout=account.timeout_s, local_hostname=name)
        self._host = account.server  # what STARTTLS holds the certificate against


class _Tls(smtplib.SMTP_SSL):
    """The same, with TLS from the first byte."""

    def __init__(self, account: SmtpAccount, name: str, trust: ssl.SSLContext) -> None:
        super().__init__(timeout=account.timeout_s, local_hostname=name, context=trust)
        self._host = account.server


class SmtpServer:
    """Sends one message a connection; `abort` ends a try from another thread."""

    def __init__(self, account: SmtpAccount) -> None:
        self._account = account
        self._connection: smtplib.SMTP | None = None

    def send(self, message: EmailMessage, to: str) -> DeliveryReply:
        """Try once; never raises for what the network, the server or the account may do."""
        try:
            data = message.as_bytes()
        except ValueError as error:
            return DeliveryReply(
                DeliveryVerdict.REFUSED, f"it cannot be written: {_one_line(error)}"
            )
        try:
            return self._try(data, to)
        except smtplib.SMTPAuthenticationError as error:
            return DeliveryReply(_of_server(error.smtp_code), f"password refused: {_said(error)}")
        except smtplib.SMTPResponseException as error:  # the banner, or EHLO
            return DeliveryReply(_of_server(error.smtp_code), _said(error))
        except (smtplib.SMTPNotSupportedError, ssl.SSLError, TechnicianError) as error:
            return DeliveryReply(DeliveryVerdict.MISSET, _one_line(error))
        except (smtplib.SMTPException, OSError) as error:
            return DeliveryReply(DeliveryVerdict.AWAY, _one_line(error) or type(error).__name__)
        finally:
            self._close()

    def abort(self) -> None:
        """Break a try off: whoever waits in it goes on at once."""
        connection = self._connection
        if connection is not None and connection.sock is not None:
            with contextlib.suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    def _try(self, data: bytes, to: str) -> DeliveryReply:
        connection = self._connected()
        if self._account.user:
            _log_in(connection, self._account.user, self._password())
        sender = address_in(self._account.sender)
        return _hand_over(connection, sender, to, data)

    def _connected(self) -> smtplib.SMTP:
        """Connect and say hello, protected as configured."""
        account, security = self._account, self._account.security
        name = "centralino.localdomain"  # RFC 5321, 4.1.4: a client may not know its own name
        if security is Security.TLS:
            connection: smtplib.SMTP = _Tls(account, name, self._trust())
        else:
            connection = _AbortableSmtp(account, name)
        self._connection = connection
        code, said = connection.connect(account.server, account.port or PORTS[security])
        if code != 220:
            raise smtplib.SMTPConnectError(code, said)
        connection.ehlo_or_helo_if_needed()
        if security is Security.STARTTLS:
            code, said = connection.starttls(context=self._trust())
            if code != 220:
                raise smtplib.SMTPNotSupportedError(f"STARTTLS refused: {code} {_reply_text(said)}")
            connection.ehlo()
        return connection

    def _trust(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self._account.ca_file or None)
        except (OSError, ssl.SSLError) as error:
            raise TechnicianError(
                f"the certificates in {self._account.ca_file} cannot be read ({error})"
            ) from error

    def _password(self) -> str:
        path = Path(self._account.password_file)
        try:
            return path.read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            why = (
                f"[Errno {error.errno}] {error.strerror}"
                if isinstance(error, OSError)
                else "it is not UTF-8 text"
            )
            raise TechnicianError(f"the password file {path} cannot be read: {why}") from error

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(OSError, smtplib.SMTPException, CentralinoError):
                connection.close()


def _log_in(connection: smtplib.SMTP, user: str, password: str) -> None:
    """Log in; that there is no way to do so is the technician's move."""
    try:
        connection.login(user, password)
    except (smtplib.SMTPResponseException, smtplib.SMTPServerDisconnected):
        raise
    except UnicodeError as error:
        raise TechnicianError("the password holds letters beyond ASCII: choose another") from error
    except smtplib.SMTPException as error:
        raise TechnicianError(f"the server takes no password: {_one_line(error)}") from error


def _hand_over(connection: smtplib.SMTP, sender: str, to: str, data: bytes) -> DeliveryReply:
    """Say MAIL, RCPT and DATA; what is said from here on concerns this notice alone."""
    try:
        code, said = connection.mail(sender)
        if code != 250:
            verdict = DeliveryVerdict.MISSET if code >= PERMANENT else DeliveryVerdict.LATER
            return DeliveryReply(verdict, f"sender {sender}: {code} {_reply_text(said)}")
        code, said = connection.rcpt(to)
        if code not in {250, 251}:
            verdict = _of_notice(code, _reply_text(said))
            return DeliveryReply(verdict, f"recipient {to}: {code} {_reply_text(said)}")
        code, said = connection.data(data)
    except smtplib.SMTPDataError as error:
        return DeliveryReply(_of_notice(error.smtp_code, _said(error)), _said(error))
    except (smtplib.SMTPServerDisconnected, OSError) as error:
        # The server may have taken it: the next try has the same Message-ID.
        return DeliveryReply(
            DeliveryVerdict.LATER, f"broken off: {_one_line(error) or type(error).__name__}"
        )
    if code != 250:
        return DeliveryReply(_of_notice(code, _reply_text(said)), f"{code} {_reply_text(said)}")
    with contextlib.suppress(OSError, smtplib.SMTPException):
        connection.docmd("QUIT")
    return DeliveryReply(DeliveryVerdict.SENT, f"{code} {_reply_text(said)}")


def _of_server(code: int) -> DeliveryVerdict:
    """Judge an answer before the notice is named: it concerns every notice."""
    return DeliveryVerdict.MISSET if code >= PERMANENT else DeliveryVerdict.AWAY


def _of_notice(code: int, said: str) -> DeliveryVerdict:
    """Judge an answer to a recipient or a text; to be no customer is not the recipient's fault."""
    if code in UNKNOWN_TO_IT or (code >= PERMANENT and _STRANGER.search(said)):
        return DeliveryVerdict.MISSET
    return DeliveryVerdict.REFUSED if code >= PERMANENT else DeliveryVerdict.LATER


def _said(error: smtplib.SMTPResponseException) -> str:
    return f"{error.smtp_code} {_reply_text(error.smtp_error)}"


def _reply_text(said: bytes | str) -> str:
    """Read what a server said, as one line of bounded length."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return " ".join(text.split())[:300]


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
