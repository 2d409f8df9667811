"""Citizens' requests: storing and changing them, their appointments, e-mails and papers.

The deciding thread checks a command against its copies in memory; the database thread executes it.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from appliance.api.commands import (
    CloseByLink,
    DropMail,
    FetchPaper,
    ListDueRequests,
    ListFreeSlots,
    RequestTaken,
    RetryMail,
    SendAgain,
    ShowWeek,
    StepRequest,
    TakeAtCounter,
    TakeRequest,
    TestMail,
)
from appliance.api.protocol import (
    CommandHandlers,
    DeferredReply,
    Handlers,
    Outgoing,
    Reply,
    check_may,
    check_own,
    command,
    declined,
    deferred,
)
from appliance.api.replies import (
    Declined,
    DiaryDay,
    DiaryWeek,
    DueRequests,
    FreeSlots,
    MailSaid,
    NumberedSaid,
    OfficeSlots,
    RequestSaid,
    Said,
)
from appliance.errors import CentralinoError, OfficeError
from appliance.mail import is_address
from appliance.paper.document import to_json
from appliance.policy import mail
from appliance.policy import requests as refusals
from appliance.policy.clock import Now
from appliance.policy.directory import Declaration, Directory, ReturnRule, Unit
from appliance.policy.hours import ONE_DAY, local_moment
from appliance.policy.hours_changes import DayHours, office_day
from appliance.policy.mail import TEST_KEY, Mail, MailState, retried_words, sent_again_words
from appliance.policy.numbering import HOME_PLAN, NumberingPlan
from appliance.policy.requests import (
    DONE_LINK_BYTES,
    Appointment,
    AppointmentForm,
    AppointmentSlot,
    Citizen,
    NewRequest,
    RequestState,
    RequestStep,
    check_phone,
    due_day,
    free_slots_on,
    is_overdue,
    short_subject,
)
from appliance.policy.text import Refused, SaidError
from appliance.policy.users import Permission
from appliance.store import database, outbox, requests
from appliance.store.database import Noted, transaction
from appliance.store.outbox import StoredMail as KeptMail
from appliance.store.requests import RequestToStore, SlotDiary, StoredRequest, StoredStep
from appliance.store.writer import DatabaseWriter
from appliance.text import _

if TYPE_CHECKING:
    import sqlite3

    from appliance.api.call_control import MailroomAccess, StoreAccess
    from appliance.policy.hours import Schedule
    from appliance.policy.mail import LetterSender

DAYS: Final = 7
# More would not fit into one line of the control socket.
MOST_SLOTS: Final = 2000
"""Free slots in one reply."""


@dataclass(frozen=True, slots=True)
class WeekAsked:
    """Seven days from `first` on, of one unit or, for "", of all units with slots."""

    first: date
    unit: str
    now: datetime

    @property
    def days(self) -> tuple[date, ...]:
        """The seven days."""
        return tuple(self.first + ONE_DAY * n for n in range(DAYS))


def diary_week(
    records: DatabaseWriter, sender: Callable[[], LetterSender], now: datetime, wish: ShowWeek
) -> DeferredReply:
    """Return the switchboard's hours on each day of a week and the offices' free slots."""
    asked, at_home = WeekAsked(wish.first, wish.unit, now), sender()

    def job(connection: sqlite3.Connection) -> DiaryWeek:
        days = [_day(office_day(at_home.calendar, day)) for day in asked.days]
        return DiaryWeek(tuple(days), tuple(_offices(connection, at_home, asked)))

    return deferred(records, job, lambda result: result)


def _day(hours: DayHours) -> DiaryDay:
    return DiaryDay(hours.day, hours.is_special, tuple(map(str, hours.bands)), hours.name)


def _offices(
    connection: sqlite3.Connection, sender: LetterSender, asked: WeekAsked
) -> Iterator[OfficeSlots]:
    """Yield each unit that offers slots in the week, with its free ones."""
    # Shared by all units of the reply.
    left = MOST_SLOTS
    for unit in sender.directory.units:
        if asked.unit not in ("", unit.code):
            continue
        declared = [_declared(sender.directory, unit, day, asked.unit) for day in asked.days]
        if any(declared):
            found = list(_free(connection, sender, asked, declared))[:left]
            left -= len(found)
            yield OfficeSlots(unit.code, unit.name, tuple(found))


def _declared(directory: Directory, unit: Unit, day: date, wanted: str) -> Declaration | None:
    """Return the declaration with a unit's slots, None if it offers none."""
    found = directory.valid_declaration(unit, day)
    if found is None or found.slots is None:
        return None
    # In a list of all units only a unit's own declaration counts, not one that it inherits.
    return found if wanted or found.unit == unit.code else None


def _free(
    connection: sqlite3.Connection,
    sender: LetterSender,
    asked: WeekAsked,
    declared: list[Declaration | None],
) -> Iterator[tuple[datetime, int]]:
    """Yield start and number of free places of each slot that has any."""
    begins = local_moment(datetime.combine(asked.first, time()), sender.calendar.zone)
    units = {each.unit for each in declared if each is not None}
    booked = {unit: requests.booked_slots(connection, unit, begins) for unit in units}
    for day, each in zip(asked.days, declared, strict=True):
        if each is not None and each.slots is not None:
            taken = booked[each.unit]
            for slot, places in free_slots_on(each.slots, sender.calendar, taken, day, asked.now):
                yield slot.start, places


# More would take longer than people wait.
MOST_DUE = 2000
"""Requests in one reply."""


def list_due(connection: sqlite3.Connection, calendar: Schedule, now: datetime) -> DueRequests:
    """Return the day by which each open request is due, and which are late (E15)."""
    open_ones = requests.list_requests(
        connection, RequestState.OPEN, RequestState.SENT, RequestState.TAKEN, limit=MOST_DUE
    )
    found = [kept.request for kept in open_ones]
    return DueRequests(
        {one.number: due_day(one, calendar) for one in found},
        tuple(one.number for one in found if is_overdue(one, calendar, now)),
    )


CLOSED: Final = _("Request {number}: closed.")


class LinkCommands(CommandHandlers):
    """Closes a request by the link in its e-mail (E15), without a login."""

    # The link's secret replaces the login; it can do nothing but close that one request.

    def __init__(self, records: DatabaseWriter, now: Callable[[], datetime]) -> None:
        self._records, self._now = records, now

    @command(CloseByLink)
    def close(self, wish: CloseByLink) -> DeferredReply:
        """Close the request of a link; `said_by` is the name that its reader typed."""
        if not wish.said_by:
            return lambda send: send(Declined(refusals.WHO_SAYS_DONE))
        now = self._now()

        def reply(result: int | CentralinoError) -> Reply | CentralinoError:
            if isinstance(result, CentralinoError):
                return declined(result)
            return NumberedSaid(CLOSED.filled(number=result), number=result)

        return deferred(
            self._records,
            lambda c: requests.close_by_link(c, wish.token, wish.said_by, now),
            reply,
        )


# A technician's stolen session can then flood nobody with mail.
MOST_MAILS: Final = 5
WITHIN: Final = timedelta(hours=1)
"""At most MOST_MAILS test mails within this time."""
# Its reader's language is not known: a test mail has every one.
SUBJECT: Final = _("Test of the switchboard's mail")
BODY: Final = _("This test was asked for by {by}: the switchboard's mail works.")
QUEUED: Final = _("Test e-mail {number}: it leaves as soon as the mail server takes it.")


class MailTestCommands(CommandHandlers):
    """Tests the mail server with a mail through the outbox, as every notice is sent."""

    def __init__(self, stores: StoreAccess, now: Callable[[], Now]) -> None:
        self._stores, self._now = stores, now

    @command(TestMail)
    def test(self, wish: TestMail) -> DeferredReply:
        """Queue a test mail; the reply has its number in the outbox."""
        by, to = wish.by, wish.to
        if not is_address(to):
            raise Refused(_("{to!r} is no e-mail address", to=to[:80]))
        at, letters = self._now().wall, self._stores.records.letters
        subject = " / ".join(SUBJECT.by_language().values())
        body = "\n\n".join(BODY.filled(by=by).by_language().values())
        mail = Mail(f"{TEST_KEY}{uuid.uuid4().hex}", to, subject, f"{body}\n")

        def job(connection: sqlite3.Connection) -> int:
            check_may(connection, by, Permission.TECHNICAL)
            if outbox.count_since(connection, TEST_KEY, at - WITHIN) >= MOST_MAILS:
                raise Refused(
                    _(
                        "{most_mails} tests an hour are enough: try again later",
                        most_mails=MOST_MAILS,
                    ),
                )
            with transaction(connection):
                outbox.put_mail(connection, mail, at, letters.domain)
                database.note(connection, Noted(at, by, "mail.test"))
            return outbox.mail_number(connection, mail.key)

        def reply(result: int | CentralinoError) -> Reply | CentralinoError:
            if isinstance(result, CentralinoError):
                return declined(result)
            # The mail is committed now: wake the mail thread.
            letters.queued()
            return NumberedSaid(QUEUED.filled(number=result), number=result)

        return deferred(self._stores.records, job, reply)


KINDS: Final = ("eml", "pdf")
HIGHEST: Final = 1_000_000_000
PAPER, AGAIN = "request.paper", "request.mail_again"
NO_MAIL: Final = _("that e-mail is not of this request")
ERASED: Final = _("the text of this e-mail was erased: all that is left is that there was one")


@dataclass(frozen=True, slots=True)
class PaperWanted:
    """The requested paper: an e-mail of a request, or for `mail` 0 the request itself."""

    by: str
    request: int
    mail: int
    kind: str


class PaperCommands(CommandHandlers):
    """Papers of a request, transferred in parts, and resending an e-mail; raises OfficeError.

    A paper is made at its first part and audited before that is sent (E15). For a PDF the content
    is sent (paper.document), and the console lays it out.
    """

    def __init__(
        self, records: DatabaseWriter, mailroom: MailroomAccess, now: Callable[[], datetime]
    ) -> None:
        self._records, self._mailroom, self._now = records, mailroom, now
        # Used in the database thread only.
        self._outgoing = Outgoing()

    @command(FetchPaper)
    def paper(self, wish: FetchPaper) -> DeferredReply:
        """Return one part of a paper from byte `at`; the part at 0 makes the paper."""
        wanted, at = _paper_wanted(wish), self._now()

        def job(connection: sqlite3.Connection) -> Reply:
            check_may(connection, wanted.by, Permission.REQUESTS)

            def written() -> bytes:
                return self._written(connection, wanted, at)

            return self._outgoing.part(wanted, wish.at, written)

        return deferred(self._records, job, declined)

    @command(SendAgain)
    def again(self, wish: SendAgain) -> DeferredReply:
        """Send an e-mail again, to the office's present address; a queued one is tried now."""
        by, number, request = wish.by, wish.mail, wish.number
        at, letters = self._now(), self._records.letters
        copy, token = uuid.uuid4().hex[:12], secrets.token_urlsafe(DONE_LINK_BYTES)

        def job(connection: sqlite3.Connection) -> Reply:
            check_may(connection, by, Permission.REQUESTS)
            kept = _mail_of(connection, request, number)
            with transaction(connection):
                database.note(connection, Noted(at, by, AGAIN, f"request {request}, mail {number}"))
                # A queued mail is only tried again: no second copy.
                if kept.state is MailState.QUEUED:
                    return MailSaid(retried_words(number), mail=number)
                to = self._address(connection, kept, request)
                domain = letters.domain
                new = outbox.resend(connection, kept, to, copy, token, by, at, domain)
            return MailSaid(sent_again_words(number, to), mail=new)

        def reply(result: Reply | CentralinoError) -> Reply | CentralinoError:
            if not isinstance(result, CentralinoError):
                # A mail that waits is tried now, not at its next time.
                self._mailroom.wake(hurry=True)
            return declined(result)

        return deferred(self._records, job, reply)

    def _written(self, connection: sqlite3.Connection, wanted: PaperWanted, at: datetime) -> bytes:
        """Make a paper and write its user to the audit."""
        kept = requests.required_request(connection, wanted.request)
        papers, directory = self._mailroom.papers, self._mailroom.sender().directory
        about = f"request {wanted.request}, {wanted.kind}"
        if wanted.mail:
            mail = _mail_of(connection, wanted.request, wanted.mail)
            about = f"request {wanted.request}, mail {wanted.mail}, {wanted.kind}"
            if wanted.kind == "eml":
                data = papers.eml(mail, outbox.thread_ids(connection, mail.mail))
            else:
                data = to_json(papers.mail_document(mail, wanted.request, directory))
        else:
            calendar = self._mailroom.sender().calendar
            names = papers.names(connection)
            data = to_json(
                papers.request_document(kept, lambda one: due_day(one, calendar), directory, names)
            )
        with transaction(connection):
            database.note(connection, Noted(at, wanted.by, PAPER, about))
        return data

    def _address(self, connection: sqlite3.Connection, kept: KeptMail, request: int) -> str:
        """Return the office's present address for its own mails, else the original one."""
        asked = requests.required_request(connection, request).request
        unit = self._mailroom.sender().directory.unit(asked.unit)
        return unit.email if kept.mail.request and unit and unit.email else kept.mail.to


def _mail_of(connection: sqlite3.Connection, request: int, number: int) -> KeptMail:
    """Return an e-mail of a request; raises Refused if unknown or erased."""
    found = next(
        (one for one in outbox.mails_of_request(connection, request) if one.number == number), None
    )
    if found is None:
        raise Refused(NO_MAIL)
    if not found.mail.body:
        raise Refused(ERASED)
    return found


def _paper_wanted(wish: FetchPaper) -> PaperWanted:
    if wish.as_ not in KINDS or (wish.as_ == "eml" and not wish.mail):
        raise OfficeError(f"as is one of {', '.join(KINDS)}; a request itself has no eml")
    return PaperWanted(wish.by, wish.number, wish.mail, wish.as_)


# Steps that a user may take; call control itself notes that the mail was sent.
STEPS = (
    RequestStep.TAKE,
    RequestStep.REMIND,
    RequestStep.CLOSE,
    RequestStep.CANCEL,
    RequestStep.MOVE,
)
# Minutes of a proposed appointment, for an office without slots, which must agree first.
PROPOSED_MINUTES = 30


class RequestCommands(CommandHandlers):
    """Stores and changes requests; `plan` compares telephone numbers."""

    def __init__(
        self,
        records: DatabaseWriter,
        mailroom: MailroomAccess,
        now: Callable[[], datetime],
        plan: NumberingPlan = HOME_PLAN,
    ) -> None:
        self._records, self._mailroom, self._now = records, mailroom, now
        self._plan = plan

    @property
    def known(self) -> Handlers:
        """Map each command to its method, including links and papers."""
        links = LinkCommands(self._records, self._now).known
        papers = PaperCommands(self._records, self._mailroom, self._now).known
        return super().known | links | papers

    @command(TakeRequest, TakeAtCounter)
    def take(self, wish: RequestTaken) -> DeferredReply:
        """Store a request; offer a citizen's open ones first, unless `anyway` (E9)."""
        now, audited = self._now(), isinstance(wish, TakeAtCounter)
        new, diary = self._new(wish, now)
        taking = RequestToStore(uuid.uuid4().hex, new, now, diary=diary, audited=audited)
        letters = self._records.letters
        # Without number and name the search for open requests finds none.
        number = "" if wish.anyway else new.citizen.phone
        name = "" if wish.anyway else new.citizen.name

        def job(connection: sqlite3.Connection) -> Reply:
            if audited:
                check_may(connection, new.by, Permission.REQUESTS)
            # In the same job as the insertion: no second request can come in between.
            known = requests.find_open(connection, number, name, self._plan)
            if known:
                raise SaidError(refusals.open_already_words([kept.request for kept in known]))
            request = requests.insert_request(connection, taking, letters)
            return NumberedSaid(refusals.stored_words(request), number=request.number)

        return self._deferred(job)

    @command(StepRequest)
    def step(self, wish: StepRequest) -> DeferredReply:
        """Take a step on a request: take, remind, close, cancel, move."""
        now, step, number = self._now(), wish.step, _checked(wish.number)
        if step not in STEPS:
            raise OfficeError(f"{step!r} cannot be asked; known are {', '.join(STEPS)}")
        text = wish.words.strip()
        if step is RequestStep.REMIND and not text:
            raise SaidError(refusals.NO_REMINDER_WORDS)
        happened = StoredStep(uuid.uuid4().hex, step, now, wish.by, wish.said_by, text)
        starts = _required(wish.starts) if step is RequestStep.MOVE else None
        letters = self._records.letters

        def job(connection: sqlite3.Connection) -> Reply:
            kept = requests.required_request(connection, number)
            # A user of an office may change that office's requests only.
            check_own(connection, happened.by, kept.request.unit)
            wanted, diary = self._moved(kept, starts, wish, now) if starts else (None, None)
            kept = requests.apply_step(connection, number, happened, letters, wanted, diary)
            words = refusals.step_done_words(kept.request, step)
            return RequestSaid(words, number=number, state=kept.request.state)

        return self._deferred(job)

    @command(ListFreeSlots)
    def free_slots(self, wish: ListFreeSlots) -> DeferredReply:
        """Return the next free slots of an office; none where it offers no slots."""
        now = self._now()
        # Raises for an unknown unit; the rules themselves are not needed.
        self._mailroom.rules(wish.unit, "", now)
        diary = self._mailroom.diary(wish.unit, now)

        def job(connection: sqlite3.Connection) -> Reply:
            found = requests.free_slots_of(connection, diary, now, most=20) if diary else ()
            return FreeSlots(tuple(slot.start for slot in found), offers=diary is not None)

        return self._deferred(job)

    @command(ShowWeek)
    def week(self, wish: ShowWeek) -> DeferredReply:
        """Return a week's free slots and the switchboard's hours."""
        return diary_week(self._records, self._mailroom.sender, self._now(), wish)

    @command(ListDueRequests)
    def due_day(self, _: ListDueRequests) -> DeferredReply:
        """Return the day by which each open request is due, and which are late (E15)."""
        calendar, now = self._mailroom.sender().calendar, self._now()
        return self._deferred(lambda connection: list_due(connection, calendar, now))

    @command(RetryMail)
    def retry(self, wish: RetryMail) -> DeferredReply:
        """Send a queued mail again, now."""
        number, at = _checked(wish.number), self._now()

        def job(connection: sqlite3.Connection) -> Reply:
            kept = outbox.retry_mail(connection, number, wish.by, at)
            return Said(mail.retried_words(kept.number))

        return self._deferred(job, hurry=True)

    @command(DropMail)
    def drop(self, wish: DropMail) -> DeferredReply:
        """Give up a queued mail."""
        number, at = _checked(wish.number), self._now()

        def job(connection: sqlite3.Connection) -> Reply:
            kept = outbox.drop_mail(connection, number, wish.by, wish.reason.strip(), at)
            return Said(mail.given_up_words(kept.number))

        return self._deferred(job)

    def _deferred(
        self, job: Callable[[sqlite3.Connection], Reply], hurry: bool = False
    ) -> DeferredReply:
        """Run a job in the database thread, wake the mail thread, then reply."""

        def reply(result: Reply | CentralinoError) -> Reply | CentralinoError:
            self._mailroom.wake(hurry)
            return result

        return deferred(self._records, job, reply)

    def _new(self, wish: RequestTaken, now: datetime) -> tuple[NewRequest, SlotDiary | None]:
        # A unit declares which rules are allowed for a need.
        allowed = self._mailroom.rules(wish.unit, wish.need, now)
        if wish.rule not in allowed:
            raise SaidError(refusals.other_rule_words(wish.unit, allowed))
        appointment, diary = None, None
        if wish.rule is ReturnRule.APPOINTMENT:
            diary = self._mailroom.diary(wish.unit, now)
            if wish.form is None:
                raise SaidError(_("{field} is needed", field="form"))
            appointment = _appointment(_required(wish.starts), wish.form, diary)
        citizen = Citizen(wish.name, wish.phone, wish.email, wish.prefers, wish.language or "it")
        # Checked here and not in Citizen: requests that are stored already are read as they are.
        check_phone(citizen)
        subject, asked = short_subject(" ".join(wish.subject.split()), wish.asked.strip())
        call, sheet = (wish.call, wish.sheet) if isinstance(wish, TakeRequest) else ("", "")
        new = NewRequest(
            wish.rule,
            wish.unit,
            wish.need,
            citizen,
            subject,
            asked,
            now,
            wish.by,
            call,
            sheet,
            appointment,
        )
        return new, diary

    def _moved(
        self, kept: StoredRequest, starts: datetime, wish: StepRequest, now: datetime
    ) -> tuple[Appointment, SlotDiary | None]:
        before = kept.request.appointment
        diary = self._mailroom.diary(kept.request.unit, now)
        # A move keeps the form of the appointment unless another one is given.
        form = wish.form or (before.form if before else AppointmentForm.OFFICE_CALLS)
        wanted = _appointment(starts, form, diary)
        # An office without slots has agreed to the proposed time.
        return replace(wanted, confirmed=wanted.confirmed or wish.agreed), diary


def _appointment(starts: datetime, form: AppointmentForm, diary: SlotDiary | None) -> Appointment:
    """Make an appointment: confirmed in one of the office's slots, else a proposal."""
    minutes = diary.slots.minutes if diary else PROPOSED_MINUTES
    slot = AppointmentSlot(starts, starts + timedelta(minutes=minutes))
    return Appointment(slot, form, confirmed=diary is not None)


def _required(starts: datetime | None) -> datetime:
    if starts is None:
        raise SaidError(refusals.no_start("starts"))
    return starts


def _checked(number: int) -> int:
    if not 0 < number < HIGHEST:
        raise SaidError(
            _("{number!r} is no number of a request or mail: look with list", number=number)
        )
    return number
