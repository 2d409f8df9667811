"""Mail in call control: letters about requests, the sending thread, its troubles."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from appliance.config.build import contacts, done_link_page, labels
from appliance.config.schema import MailSettings, Settings
from appliance.config.values import MAIL_PASSWORD, secret_file
from appliance.errors import CentralinoError, OfficeError
from appliance.mail import (
    MailSender,
    Meeting,
    Method,
    Security,
    SmtpAccount,
    SmtpServer,
    address_in,
    compose,
    invitation,
    is_address,
)
from appliance.paper.document import Document, DocumentPart, Letterhead, LetterNames, RequestLetter
from appliance.policy import mail, requests
from appliance.policy.clock import Now
from appliance.policy.directory import Directory, ReturnRule, all_numbers_known
from appliance.policy.hours import Schedule, moment_words
from appliance.policy.mail import (
    MAIL_STATE_WORDS,
    TO_HEAD,
    DeliveryReply,
    DeliveryVerdict,
    LetterSender,
    Mail,
    MailState,
    OutboxHealth,
    OutgoingMail,
    QueuedMail,
    RequestEvent,
)
from appliance.policy.numbering import NumberingPlan
from appliance.policy.office import Office
from appliance.policy.privacy import Disclosure, mask_declared
from appliance.policy.requests import Request, RequestStep, without_done_links
from appliance.policy.text import (
    NO_HEAD,
    NO_SERVER,
    SaidError,
    error_text_words,
)
from appliance.policy.transfers import check_need, may_transfer
from appliance.store import outbox, sheets, users
from appliance.store import requests as stored_requests
from appliance.store.database import Trouble
from appliance.store.listings import DueOf
from appliance.store.outbox import NO_DOMAIN
from appliance.store.outbox import StoredMail as KeptMail
from appliance.store.requests import RequestMails, SlotDiary, StoredRequest, StoredStep
from appliance.store.writer import DatabaseWriter
from appliance.text import Words, _, counted, in_context

if TYPE_CHECKING:
    import sqlite3


def account_of(mail: MailSettings) -> SmtpAccount | None:
    """Return the account at the mail server, None if none is configured."""
    if not mail.server:
        return None
    return SmtpAccount(
        mail.server,
        mail.sender,
        Security(mail.security),
        mail.port,
        mail.user,
        secret_file(mail.password_file, MAIL_PASSWORD) if mail.user else "",
        mail.ca_file,
    )


def domain_of(mail: MailSettings) -> str:
    """Return the sender's domain, for Message-IDs; "" without a sender."""
    return address_in(mail.sender).rpartition("@")[2] if mail.sender else ""


# Papers of a request for the protocol office (E15): its e-mails as they left, and all of it as a
# document. None has a link that closes a request, no PDF an undisclosed number.

# Sender while none is configured: the domain can never exist (RFC 2606 section 2).
NOBODY = "centralino@centralino.invalid"
NO_KEY = _(
    "The register's numbers cannot be read: nobody can tell which may not "
    "stand in the PDF. The technician puts the key register.key back; the "
    "e-mail can be downloaded as it is."
)
_FROM, _TO = in_context("mailroom", "From"), in_context("mailroom", "To")
_SUBJECT, _DATE = _("Subject"), _("Date")
_STATE = _("State")
_ID = _("Message-ID")
_TEXT = _("Text")
_ATTACHED = _("Attachments")
_OF = _("E-mail of request {n}")
_INVITATION = _("calendar invitation")


@dataclass(frozen=True, slots=True)
class Papers:
    """Writer of an office's papers; `folder` has the attachments, `labels` name positions.

    `to_head` is the supervisor's address.
    """

    head: Letterhead
    sender: str
    to_head: str
    folder: Path
    plan: NumberingPlan
    labels: Mapping[str, str]

    def eml(self, kept: KeptMail, references: tuple[str, ...]) -> bytes:
        """Return an e-mail as it leaves, without its closing links; raises OfficeError."""
        mail = replace(kept.mail, body=without_done_links(kept.mail.body))
        letter = OutgoingMail(mail, kept.message_id, references, kept.queued_at)
        return compose(letter, self.sender, self._to(kept), self.folder).as_bytes()

    def mail_document(self, kept: KeptMail, request: int, directory: Directory) -> Document:
        """Return an e-mail and its delivery as a document; raises OfficeError."""
        hide, say = self._hiding(directory), self._say
        house = hide(self.head.house)
        title = f"{house} – {say(_OF).format(n=request)}"
        facts = tuple((say(label), hide(value)) for label, value in self._mail_facts(kept) if value)
        body = DocumentPart(say(_TEXT), text=hide(without_done_links(kept.mail.body)))
        return Document(
            language=self.head.language,
            house=house,
            title=title,
            subject=say(_OF).format(n=request),
            contacts=self.head.contacts,
            parts=(DocumentPart("", facts), body),
        )

    def request_document(
        self, kept: StoredRequest, due: DueOf, directory: Directory, names: LetterNames
    ) -> Document:
        """Return a request with its history as a document; raises OfficeError."""
        hide = self._hiding(directory)
        return RequestLetter(self.head, directory, names, hide).document(kept, due)

    def names(self, connection: sqlite3.Connection) -> LetterNames:
        """Read the names of users and sheets."""
        people = {user.name: user.shown for user in users.everybody(connection) if user.shown}
        titles = {sheet.code: sheet.title for sheet in sheets.all_sheets(connection)}
        return LetterNames({**people, **self.labels}, titles)

    def _hiding(self, directory: Directory) -> Callable[[str], str]:
        # Without all numbers nobody can tell which ones must not be in the PDF.
        if not all_numbers_known(directory):
            raise SaidError(NO_KEY)
        return lambda text: mask_declared(text, directory, self.plan)

    def _mail_facts(self, kept: KeptMail) -> Iterator[tuple[Words, str]]:
        settled = self._moment(kept.settled_at) if kept.settled_at else ""
        state = ", ".join(filter(None, (self._say(MAIL_STATE_WORDS[kept.state]), settled)))
        attached = [Path(name).name for name in kept.mail.attachments]
        if kept.mail.calendar:
            attached.append(self._say(_INVITATION))
        yield _FROM, self.sender
        yield _TO, self._to(kept)
        yield _SUBJECT, kept.mail.subject
        yield _DATE, self._moment(kept.queued_at)
        yield _ID, kept.message_id
        yield _STATE, state
        yield _ATTACHED, ", ".join(attached)

    def _say(self, words: Words) -> str:
        return words.text(self.head.language)

    def _to(self, kept: KeptMail) -> str:
        return kept.mail.to if is_address(kept.mail.to) else self.to_head or NOBODY

    def _moment(self, at: datetime) -> str:
        return moment_words(at.astimezone(self.head.zone), self.head.language)


def papers_of(settings: Settings, office: Office) -> Papers:
    """Make the writer of papers from the configuration."""
    site, mail = settings.site, settings.mail
    return Papers(
        Letterhead(
            site.name,
            contacts(site, office.public_numbers),
            site.languages[0],
            ZoneInfo(site.zone),
        ),
        mail.sender or NOBODY,
        mail.head,
        Path(settings.folders.state),
        office.outgoing.plan,
        labels(settings.phones),
    )


STOP_LIMIT_S = 2.0
MAIL_ENDED = Trouble(
    "mail.ended",
    _(
        "Mail stopped because of a fault in the programme: e-mails wait on the "
        "disk; the service must restart when the lines are idle."
    ),
    restart=True,
)

Texts = tuple[str, str]


@dataclass(frozen=True, slots=True)
class DatabaseOutbox:
    """The outbox in the database, for the mail thread, which may wait for the disk."""

    records: DatabaseWriter

    def waiting(self) -> tuple[QueuedMail, ...]:
        """See mail.sender.Outbox."""
        return self.records.ask(outbox.waiting_mails)

    def dead(self) -> int:
        """See mail.sender.Outbox."""
        return self.records.ask(outbox.count_dead)

    def load(self, number: int) -> OutgoingMail:
        """See mail.sender.Outbox."""
        return self.records.ask(lambda c: outbox.load_letter(c, number))

    def settle(self, now: MailState, after: QueuedMail, said: str) -> None:
        """See mail.sender.Outbox."""
        at = datetime.now(UTC)
        self.records.ask(lambda c: stored_requests.settle_mail(c, now, after, said, at))


class Mailroom:
    """Letters about requests and their sending; `register` returns the directory in force."""

    def __init__(
        self,
        settings: Settings,
        office: Office,
        records: DatabaseWriter,
        directory: Callable[[], Directory],
        on_trouble: Callable[[Trouble | None], None],
    ) -> None:
        self._directory = directory
        self.over: Callable[[Schedule], Schedule] = lambda hours: hours
        """Lays the special hours over the written ones (E14)."""
        self._settings, self._office = settings, office
        self._folder = Path(settings.folders.state)
        self._on_trouble = on_trouble
        self._account = account_of(settings.mail)
        self._server = SmtpServer(self._account) if self._account else None
        abort = self._server.abort if self._server else _nothing
        self._sender = MailSender(
            DatabaseOutbox(records),
            self._deliver,
            abort,
            self._tell,
            lambda _: on_trouble(MAIL_ENDED),
        )
        domain = domain_of(settings.mail) or NO_DOMAIN
        records.letters = RequestMails(self.write, domain, self.wake, bool(settings.mail.head))

    def start(self) -> None:
        """Start the mail thread."""
        self._sender.start()

    def stop(self) -> None:
        """End the mail thread; waiting mail is tried at the next start."""
        # A name lookup, or a host that answers nothing, cannot be interrupted: after the limit the
        # thread ends with the process.
        with contextlib.suppress(CentralinoError):
            self._sender.stop(STOP_LIMIT_S)

    @property
    def beat_at(self) -> float:
        """When the mail thread's loop last turned (monotonic s)."""
        return self._sender.beat_at

    def wake(self, hurry: bool = False) -> None:
        """Wake the mail thread; with `hurry` it tries again now, because a person asks."""
        self._sender.wake(hurry)

    @property
    def calendar(self) -> Schedule:
        """The office's hours in force."""
        return self.over(self._office.switchboard.schedule)

    def sender(self) -> LetterSender:
        """Return the sender's data for letters."""
        office = self._office
        known = Disclosure(
            self._directory(), office.outgoing.plan, datetime.now(office.zone), office.zone
        )
        return LetterSender(
            # It heads what a citizen is sent, too (P7).
            known.masked(office.name),
            office.languages[0],
            self.calendar,
            known.directory,
            office.public_numbers,
            done_link_page(self._settings.console),
            labels(self._settings.phones),
        )

    @property
    def papers(self) -> Papers:
        """Writer of a request's papers (E15)."""
        return papers_of(self._settings, self._office)

    def diary(self, unit_code: str, at: datetime) -> SlotDiary | None:
        """Return the slots that a unit, or else its service, offers now; None for none."""
        directory, day = self._directory(), at.astimezone(self._office.zone).date()
        unit = directory.unit(unit_code)
        declared = directory.valid_declaration(unit, day) if unit else None
        if declared is None or declared.slots is None:
            return None
        return SlotDiary(declared.unit, declared.slots, self.calendar)

    def rules(self, unit: str, need: str, at: datetime) -> tuple[ReturnRule, ...]:
        """Return a unit's return rules for a need; raises OfficeError for an unknown one."""
        calendar, directory = self.calendar, self._directory()
        rules = may_transfer(directory, calendar, unit, need, Now(0.0, at)).rules
        # Without a need only the office itself is looked up.
        if need:
            check_need(directory, unit, need)
        return rules

    def write(self, kept: StoredRequest, happened: StoredStep | None) -> tuple[Mail, ...]:
        """Return the letters about a request or a step of it (store/requests.py).

        In the database thread, within the transaction; the caller wakes the mail thread.
        """
        token = secrets.token_urlsafe(requests.DONE_LINK_BYTES)
        event = (
            RequestEvent(happened.id, happened.step, happened.words, happened.by, token)
            if happened
            else RequestEvent(token=token)
        )
        calendar = self._invitation(kept.request, event.step)
        own = self._told_citizen(kept.request, event.step)
        written = mail.letters_of(
            self.sender(), kept.request, event, kept.sound.path, calendar, own
        )
        # A request whose office is unknown waits for the head's address; a mere copy does not.
        return tuple(m for m in written if self._settings.mail.head or not m.key.endswith("-head"))

    def _invitation(self, request: Request, step: RequestStep | None) -> str:
        """Return the office's invitation, "" without an appointment, an office or a sender."""
        unit, appointment = self._directory().unit(request.unit), request.appointment
        concerns = step in {None, RequestStep.MOVE, RequestStep.CANCEL}
        if not (concerns and unit and appointment and self._settings.mail.sender):
            return ""
        domain = domain_of(self._settings.mail)
        # The same UID for every step, so that a change or cancellation concerns the same calendar
        # entry (RFC 5545 section 3.8.4.7).
        meeting = Meeting(
            f"request-{request.number}-{round(request.at.timestamp())}@{domain}",
            appointment,
            f"{request.subject} ({request.citizen.name or request.citizen.phone})",
            mail.invitation_text(self.sender(), request),
            address_in(self._settings.mail.sender),
            unit.email,
            datetime.now(UTC),
            unit.name,
        )
        return invitation(meeting, Method.CANCEL if step is RequestStep.CANCEL else Method.REQUEST)

    def _told_citizen(self, request: Request, step: RequestStep | None) -> str:
        """Return the citizen's calendar entry, "" without an appointment or a sender."""
        # PUBLISH, not REQUEST, below: nobody reads an answer to it.
        appointment, sender = request.appointment, self._settings.mail.sender
        concerns = step in {None, RequestStep.MOVE, RequestStep.CANCEL}
        if not (concerns and appointment and sender):
            return ""
        summary, text = mail.citizens_calendar_text(self.sender(), request)
        ident = f"request-{request.number}-{round(request.at.timestamp())}-citizen"
        meeting = Meeting(
            f"{ident}@{domain_of(self._settings.mail)}",
            appointment,
            summary,
            text,
            address_in(sender),
            "",
            datetime.now(UTC),
            self.sender().name,
        )
        return invitation(meeting, Method.PUBLISH, is_over=step is RequestStep.CANCEL)

    def _deliver(self, letter: OutgoingMail) -> DeliveryReply:
        if self._server is None or self._account is None:
            return DeliveryReply(DeliveryVerdict.MISSET, NO_SERVER)
        to = letter.mail.to
        if to == TO_HEAD:
            to = self._settings.mail.head
            if not is_address(to):
                return DeliveryReply(DeliveryVerdict.LATER, NO_HEAD)
        try:
            message = compose(letter, self._account.sender, to, self._folder)
        except (OfficeError, OSError) as error:
            return DeliveryReply(DeliveryVerdict.REFUSED, str(error))
        reply = self._server.send(message, to)
        if reply.verdict is not DeliveryVerdict.SENT:
            return reply
        # The server's name is kept with its reply: it shows which one took the mail.
        return DeliveryReply(DeliveryVerdict.SENT, f"{self._account.server}: {reply.said}")

    def _tell(self, health: OutboxHealth) -> None:
        self._on_trouble(trouble_of(health))


def _nothing() -> None:
    """Do nothing, in the place of a server's abort."""


def trouble_of(health: OutboxHealth) -> Trouble | None:
    """Return the trouble of dead or waiting mail, None for none."""
    if health.dead:
        words = counted(
            "{number} e-mail could not be sent: look with centralino box outbox list, and tell "
            "the office in another way.",
            "{number} e-mails could not be sent: look with centralino box outbox list, and tell "
            "the office in another way.",
            health.dead,
        )
        return Trouble("mail.dead", words)
    if health.why and health.waiting:
        words = counted(
            "{number} e-mail waits for the mail server ({why}).",
            "{number} e-mails wait for the mail server ({why}).",
            health.waiting,
            why=error_text_words(health.why),
        )
        return Trouble("mail.misset" if health.misset else "mail.away", words)
    return None
