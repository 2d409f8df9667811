"""E-mail: composing notices (RFC 5322) and invitations (RFC 5545), sending them (RFC 5321).

The only module that imports smtplib and icalendar.
"""

from __future__ import annotations

import contextlib
import enum
import logging
import queue
import re
import smtplib
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime, formataddr, parseaddr
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from appliance.errors import Bug, CentralinoError, TechnicianError
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
from appliance.policy.text import SaidError, os_error_words
from appliance.text import _
from appliance.workers import JOIN_LIMIT, Worker, one_job

if TYPE_CHECKING:
    from collections.abc import Callable

    from icalendar import Event

    from appliance.policy.mail import QueuedMail


# ---- compose -----------------------------------------------------------------------------------
# A notice as an e-mail (RFC 5322, 2045–2047). Its text comes from callers, offices and operators:
# none of it may add a header, end the message or make a line too long.

# Mail servers commonly refuse more than 10 MB: longer sound stays on the box.
ATTACHMENT_LIMIT: Final = 8 << 20
# RFC 5322, 3.6.4 lets the list of references be cut: a header must end somewhere.
REFERENCES: Final = 20
"""Message-IDs in References at most, the thread's first one besides."""
_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]")
# A line of a header has 78 characters (RFC 5322, 2.1.1), and a plain word cannot be folded.
_LONG_WORD: Final = re.compile(r"\S{60}")
_METHOD: Final = re.compile(r"^METHOD:([A-Z]+)\r?$", re.MULTILINE)
NOT_ATTACHED: Final = _("The recording is not attached: it is kept at the switchboard.")


class _Policy(EmailPolicy):
    """E-mail policy that folds Subject by email.header."""

    # EmailPolicy encodes several words beyond ASCII apart, and a reader drops the spaces between
    # encoded words (RFC 2047, 6.2).

    def fold(self, name: str, value: str) -> str:
        """Return a header as text, with the line ends of the rest of the mail."""
        if name.lower() != "subject":
            return str(super().fold(name, value))
        return f"{name}: {_encoded(str(value), name).encode(linesep=self.linesep)}{self.linesep}"

    def fold_binary(self, name: str, value: str) -> bytes:
        """Return a header as bytes."""
        if name.lower() != "subject":
            return bytes(super().fold_binary(name, value))
        return self.fold(name, value).encode("ascii")


_POLICY: Final = _Policy(linesep=SMTP.linesep, max_line_length=SMTP.max_line_length)


def _encoded(text: str, name: str) -> Header:
    """Encode a text for a header; plain ASCII words stay as they are."""
    # "=?" looks like the beginning of an encoded word (RFC 2047, 2) and would be decoded.
    plain = text.isascii() and "=?" not in text and not _LONG_WORD.search(text)
    return Header(text, "us-ascii" if plain else "utf-8", header_name=name)


def is_address(text: str) -> bool:
    """Tell whether a text is one plain mail address (the dot-atom form of RFC 5321)."""
    # Nothing else that a server could read as more than one address.
    # A path has 256 octets at most, its angle brackets included (RFC 5321, 4.5.3.1.3).
    return len(text) <= 254 and _ADDRESS.fullmatch(text) is not None


def address_in(sender: str) -> str:
    """Return the address of "Name <address>"; raises OfficeError if there is none."""
    address = parseaddr(sender)[1]
    if not is_address(address):
        raise SaidError(
            _('{sender!r} is no mail address: write "a@b.it" or "Name <a@b.it>"', sender=sender)
        )
    return address


def compose(letter: OutgoingMail, sender: str, to: str, folder: Path) -> EmailMessage:
    """Compose a notice to an address; attachments are files below `folder`. Raises OfficeError."""
    if not is_address(to):
        raise SaidError(_("{to!r} is no mail address: put it right in the register", to=to))
    message = EmailMessage(policy=_POLICY)
    _set_headers(message, letter, sender, to)
    # Without an attachment that is gone, too long or not below the folder the mail is sent all the
    # same, and says so.
    files = [_readable(folder, name) for name in letter.mail.attachments]
    note = f"\n\n({' / '.join(NOT_ATTACHED.by_language().values())})" if None in files else ""
    # quoted-printable: no line of a typed text is too long for a server (RFC 2045, 6.7).
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
    # Encoded here, or EmailMessage would decode words that look encoded; folded by _Policy.
    message["Subject"] = _encoded(subject, "Subject").encode(maxlinelen=0)
    message["Date"] = format_datetime(letter.queued_at)
    message["Message-ID"] = letter.message_id
    if letter.references:
        message["In-Reply-To"] = letter.references[-1]
        # The first one is the thread's, and is never cut.
        kept = (letter.references[0], *letter.references[1:][-REFERENCES:])
        message["References"] = " ".join(kept)
    # RFC 3834, 5: no vacation notice comes back.
    message["Auto-Submitted"] = "auto-generated"


def _add_calendar(message: EmailMessage, calendar: str) -> None:
    """Add the invitation as an alternative part, which mail programs offer (RFC 6047, 2.4)."""
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
    """Return the path of an attachment; None if it is gone, too long, or not below `folder`."""
    path = (folder / name).resolve()
    try:
        fits = path.is_relative_to(folder.resolve()) and path.stat().st_size <= ATTACHMENT_LIMIT
    except OSError:
        return None
    return path if fits and path.is_file() else None


def _text(text: str) -> str:
    """Remove control characters and lone surrogates, which no mail may hold."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


# ---- invitation --------------------------------------------------------------------------------
# An appointment as an iCalendar invitation (RFC 5545, 5546): one UID for its life, a higher
# SEQUENCE for every change, CANCEL at its end; TENTATIVE while the office has not agreed. The
# library is imported in the functions, so that it is loaded with the first appointment only.


class Method(enum.StrEnum):
    """Method of an invitation (RFC 5546, 1.4)."""

    REQUEST = "REQUEST"
    CANCEL = "CANCEL"
    # For citizens: nobody reads an answer, so the calendar is asked for none.
    PUBLISH = "PUBLISH"


@dataclass(frozen=True, slots=True)
class Meeting:
    """Contents of an invitation; `uid` is the same for its life, `at` the time of writing.

    `attendee` is "" for Method.PUBLISH, which asks nobody for an answer.
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
    """Write an invitation as iCalendar text; `is_over` cancels one that was published."""
    is_over = is_over or method is Method.CANCEL
    # Times are in UTC, so that no calendar needs to know our zone.
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
    """Cancellation of an invitation that was sent: its text, and the appointment's start."""

    text: str
    start: datetime


def cancellation(sent: str, summary: str, at: datetime) -> Cancellation:
    """Cancel an invitation of which only the text is left, by its UID and a higher SEQUENCE.

    Raises ValueError, KeyError for a text that is no invitation of ours.
    """
    from icalendar import Calendar, Event

    # The person's records are being erased (E20): nothing of what it said is sent again, `summary`
    # takes its place.
    invited = Calendar.from_ical(sent).walk("VEVENT")[0]
    event = Event()
    for name in ("uid", "dtstart", "dtend", "organizer", "attendee"):
        event[name] = invited[name]
    event["attendee"].params["RSVP"] = "FALSE"
    # RFC 5546, 3.2.5: a CANCEL has the same UID and a higher SEQUENCE.
    event.add("sequence", int(str(invited["sequence"])) + 1)
    event.add("dtstamp", at.astimezone(UTC))
    event.add("summary", summary)
    event.add("status", "CANCELLED")
    return Cancellation(_calendar(event, Method.CANCEL), invited.decoded("dtstart"))


def _status(appointment: Appointment, *, is_over: bool) -> str:
    if is_over:
        return "CANCELLED"
    return "CONFIRMED" if appointment.confirmed else "TENTATIVE"


class Security(enum.StrEnum):
    """Protection of the connection; there is no fall-back from one to another."""

    # RFC 3207
    STARTTLS = "starttls"
    # TLS from the first byte (RFC 8314, 3.3)
    TLS = "tls"
    NONE = "none"


# Submission is port 587 (RFC 6409, 3.1), with TLS from the first byte 465 (RFC 8314, 3.3).
PORTS = {Security.STARTTLS: 587, Security.TLS: 465, Security.NONE: 25}
"""Default ports."""


@dataclass(frozen=True, slots=True)
class SmtpAccount:
    """The mail server and the box's account there. `sender` is an address, or "Name <address>".

    `ca_file` holds the certificates of the office's own authority, "" for the system's. `port` 0 is
    the default of `security`. `timeout_s` limits each wait for the server (s).
    """

    server: str
    sender: str
    security: Security = Security.STARTTLS
    port: int = 0
    user: str = ""
    # Read at every connection: a new password needs no restart.
    password_file: str = field(default="", repr=False)
    ca_file: str = ""
    timeout_s: float = 30.0

    @property
    def where(self) -> str:
        """Return "server:port", as people read it."""
        return f"{self.server}:{self.port or PORTS[self.security]}"


# ---- sender ------------------------------------------------------------------------------------
# The mail thread: it alone waits for the mail server, never the thread that queues a notice
# (reliability.md 4, "E-mail outbox").

log = logging.getLogger(__name__)

# A notice may be queued without a call of `wake`.
LOOK_S: Final = 60.0
"""Longest time (s) between two looks at the outbox."""


class MailQueue(Protocol):
    """The outbox. All methods raise StoreError."""

    def waiting(self) -> tuple[QueuedMail, ...]:
        """Return the queued notices."""

    def dead(self) -> int:
        """Count the notices that were given up."""

    def load(self, number: int) -> OutgoingMail:
        """Return a notice as it is sent."""

    def settle(self, now: MailState, after: QueuedMail, said: str) -> None:
        """Store the result of a delivery attempt, durably."""


class MailSender:
    """Sender of the outbox, in a thread of its own.

    `deliver` attempts one notice, `give_up` aborts an attempt in progress. `on_health` is called in
    the mail thread when the outbox's health has changed, `on_failure` when a fault of ours keeps
    the thread from its work.
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
        """Start the thread; notices of earlier runs are attempted at once."""
        self._worker.start()
        return self

    def stop(self, limit: float = JOIN_LIMIT) -> None:
        """End, aborting an attempt in progress: the next start repeats it."""
        # Set first: an aborted attempt is not counted as the server's fault (_try).
        self._worker.stopping.set()
        self._asked.put(False)
        self._give_up()
        self._worker.stop(limit)

    @property
    def beat_at(self) -> float:
        """Time of the loop's last turn (monotonic s)."""
        return self._worker.beat_at

    def wake(self, hurry: bool = False) -> None:
        """Look at the outbox now; with `hurry` attempt every notice at once."""
        self._asked.put(hurry)

    def _turn(self) -> None:
        try:
            wait = self._step()
        except Bug:
            raise
        except CentralinoError as error:
            # The database gives no answer: the outbox is looked at again later, or once woken.
            log.warning("mail: %s", error)
            wait = LOOK_S
        if not self._worker.stopping.is_set():
            self._pause(wait)

    def _pause(self, wait: float | None) -> None:
        """Wait for the next turn, or until woken; takes all calls of `wake` made meanwhile."""
        if wait == 0.0:
            return
        with contextlib.suppress(queue.Empty):
            hurry = self._asked.get(timeout=LOOK_S if wait is None else min(wait, LOOK_S))
            while not self._asked.empty():
                hurry = self._asked.get() or hurry
            if hurry:
                self._round.hurry(self._clock())

    def _step(self) -> float | None:
        """Attempt one notice, if one is due; returns how long to wait (s). Raises StoreError."""
        self._round.learn(self._outbox.waiting(), self._clock())
        number = self._round.next(self._clock())
        if number is not None:
            self._try(number)
        self._tell()
        return self._round.wait_s(self._clock())

    def _try(self, number: int) -> None:
        reply = self._delivered(number)
        # An attempt that we aborted says nothing about the server.
        if self._worker.stopping.is_set() and reply.verdict is not DeliveryVerdict.SENT:
            return
        state, after = self._round.heard(number, reply.verdict, self._clock())
        level = logging.INFO if reply.verdict is DeliveryVerdict.SENT else logging.WARNING
        # Servers repeat addresses in their replies: none goes into the journal.
        told = replace(reply, said=without_addresses(reply.said))
        log.log(level, "mail %d: %s (%s)", number, told.verdict, told.said)
        # A refusal concerns the notice, and says nothing about the server.
        if reply.verdict is not DeliveryVerdict.REFUSED:
            self._why = told
        self._outbox.settle(state, after, reply.said)

    def _delivered(self, number: int) -> DeliveryReply:
        """Attempt one notice."""
        # A notice that a fault of ours keeps back waits for its next turn: the others are sent.
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
# One notice to the mail server (RFC 5321), and the meaning of its replies. Every wait has a limit.
# Without the configured TLS, password or trust in the certificate no mail is sent, and none ever in
# the clear instead.

PERMANENT = 500
UNKNOWN_TO_IT = frozenset({530, 535, 538})
"""Replies that ask for authentication, whatever the notice (RFC 4954, 6)."""

# Some servers refuse relaying for a client that has not logged in by a bare 550 or 554: only the
# words tell.
_STRANGER = re.compile(r"\brelay|\blog ?in\b|authenticat", re.IGNORECASE)


class _Abort:
    """Signal that ends a connection attempt from another thread, whatever it waits for.

    It keeps a duplicate of the socket: smtplib names its own only after connecting, and TLS takes
    the descriptor over before its handshake. Shutting the duplicate down ends all three.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_set = False
        self._socket: socket.socket | None = None

    def set(self) -> None:
        """End the attempt in progress and every later one."""
        with self._lock:
            self._is_set = True
            if self._socket is not None:
                with contextlib.suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)

    def watch(self, connecting: socket.socket) -> None:
        """Watch this socket instead of the one before. Raises OSError once the signal is set."""
        self.release()
        with self._lock:
            if self._is_set:
                raise ConnectionAbortedError("given up: the service stops")
            self._socket = connecting.dup()

    def release(self) -> None:
        """Close the duplicate."""
        with self._lock:
            if self._socket is not None:
                self._socket.close()
            self._socket = None


class _AbortableSmtp(smtplib.SMTP):
    """SMTP connection that is made without connecting; `abort` watches it from its first packet."""

    abort: _Abort
    _host: str

    def belong_to(self, account: SmtpAccount, abort: _Abort) -> None:
        """Set what smtplib's constructor does not take: it would connect to a host at once."""
        self.abort = abort
        # STARTTLS compares it with the name in the certificate.
        self._host = account.server

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        """Connect to one of the server's addresses; called by smtplib. Raises OSError."""
        failure: OSError = ConnectionError(f"{host} has no address")
        for family, kind, protocol, _name, address in socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        ):
            connecting = socket.socket(family, kind, protocol)
            try:
                self.abort.watch(connecting)
                connecting.settimeout(timeout)
                connecting.connect(address)
            except OSError as error:
                connecting.close()
                failure = error
            else:
                return connecting
        raise failure


class _Tls(smtplib.SMTP_SSL, _AbortableSmtp):
    """The same connection, with TLS from the first byte."""


class SmtpServer:
    """Client that sends one message a connection; `abort` ends an attempt from another thread."""

    def __init__(self, account: SmtpAccount) -> None:
        self._account = account
        self._connection: smtplib.SMTP | None = None
        self._abort = _Abort()

    def send(self, message: EmailMessage, to: str) -> DeliveryReply:
        """Attempt once; never raises for a fault of the network, the server or the account."""
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
        except smtplib.SMTPResponseException as error:
            # The reply is the server's greeting, or to EHLO.
            return DeliveryReply(_of_server(error.smtp_code), _said(error))
        except (smtplib.SMTPNotSupportedError, ssl.SSLError, TechnicianError) as error:
            return DeliveryReply(DeliveryVerdict.MISSET, _one_line(error))
        except (smtplib.SMTPException, OSError) as error:
            return DeliveryReply(DeliveryVerdict.AWAY, _one_line(error) or type(error).__name__)
        finally:
            self._close()

    def abort(self) -> None:
        """Abort an attempt in progress and every later one: the thread stops waiting at once."""
        self._abort.set()

    def _try(self, data: bytes, to: str) -> DeliveryReply:
        connection = self._connected()
        if self._account.user:
            _log_in(connection, self._account.user, self._password())
        sender = address_in(self._account.sender)
        return _hand_over(connection, sender, to, data)

    def _connected(self) -> smtplib.SMTP:
        """Connect and say hello, protected as configured."""
        account, security = self._account, self._account.security
        # RFC 5321, 4.1.4: a client may not know its own name.
        name, limit = "centralino.localdomain", account.timeout_s
        if security is Security.TLS:
            connection: _AbortableSmtp = _Tls(
                timeout=limit, local_hostname=name, context=self._trust()
            )
        else:
            connection = _AbortableSmtp(timeout=limit, local_hostname=name)
        connection.belong_to(account, self._abort)
        self._connection = connection
        code, said = connection.connect(account.server, account.port or PORTS[security])
        if code != 220:
            raise smtplib.SMTPConnectError(code, said)
        connection.ehlo_or_helo_if_needed()
        if security is Security.STARTTLS:
            code, said = connection.starttls(context=self._trust())
            if code != 220:
                raise smtplib.SMTPNotSupportedError(f"STARTTLS refused: {code} {_reply_text(said)}")
            # RFC 3207, 4.2: what the server said to EHLO before TLS is discarded.
            connection.ehlo()
        return connection

    def _trust(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self._account.ca_file or None)
        except (OSError, ssl.SSLError) as error:
            raise TechnicianError(
                _(
                    "the certificates in {file} cannot be read ({error})",
                    file=self._account.ca_file,
                    error=error,
                )
            ) from error

    def _password(self) -> str:
        path = Path(self._account.password_file)
        try:
            return path.read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            why = os_error_words(error) if isinstance(error, OSError) else _("it is not UTF-8 text")
            raise TechnicianError(
                _("the password file {path} cannot be read: {why}", path=path, why=why)
            ) from error

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(OSError, smtplib.SMTPException, CentralinoError):
                connection.close()
        self._abort.release()


def _log_in(connection: smtplib.SMTP, user: str, password: str) -> None:
    """Log in; raises TechnicianError if the server offers no way to do so."""
    try:
        connection.login(user, password)
    except (smtplib.SMTPResponseException, smtplib.SMTPServerDisconnected):
        # `send` judges these by their replies.
        raise
    except UnicodeError as error:
        raise TechnicianError(
            _("the password holds letters beyond ASCII: choose another")
        ) from error
    except smtplib.SMTPException as error:
        raise TechnicianError(
            _("the server takes no password: {why}", why=_one_line(error))
        ) from error


def _hand_over(connection: smtplib.SMTP, sender: str, to: str, data: bytes) -> DeliveryReply:
    """Send MAIL, RCPT and DATA; from here on replies concern this notice alone."""
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
        # The server may have taken the message: the next attempt has the same Message-ID, so that
        # the office can tell a duplicate (reliability.md 4, "E-mail outbox").
        return DeliveryReply(
            DeliveryVerdict.LATER, f"broken off: {_one_line(error) or type(error).__name__}"
        )
    if code != 250:
        return DeliveryReply(_of_notice(code, _reply_text(said)), f"{code} {_reply_text(said)}")
    # The server has accepted the message: a connection cut in QUIT changes nothing.
    with contextlib.suppress(OSError, smtplib.SMTPException):
        connection.docmd("QUIT")
    return DeliveryReply(DeliveryVerdict.SENT, f"{code} {_reply_text(said)}")


def _of_server(code: int) -> DeliveryVerdict:
    """Judge a reply before MAIL: it concerns every notice."""
    return DeliveryVerdict.MISSET if code >= PERMANENT else DeliveryVerdict.AWAY


def _of_notice(code: int, said: str) -> DeliveryVerdict:
    """Judge a reply to a recipient or a text."""
    # A client that the server does not know is misconfigured: the recipient is not refused.
    if code in UNKNOWN_TO_IT or (code >= PERMANENT and _STRANGER.search(said)):
        return DeliveryVerdict.MISSET
    return DeliveryVerdict.REFUSED if code >= PERMANENT else DeliveryVerdict.LATER


def _said(error: smtplib.SMTPResponseException) -> str:
    return f"{error.smtp_code} {_reply_text(error.smtp_error)}"


def _reply_text(said: bytes | str) -> str:
    """Return a server's reply as one line of at most 300 characters."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return " ".join(text.split())[:300]


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
