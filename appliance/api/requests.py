"""Citizens' requests: storing and changing them, their appointments, e-mails and papers.

The deciding thread checks a command against its copies in memory; the database thread executes it.
"""

from __future__ import annotations

import enum
import secrets
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final, TypeVar

from appliance.api.permissions import FREE, CommandHandlers, check_may, check_own, command
from appliance.api.protocol import (
    YEARS,
    Arguments,
    DeferredReply,
    Handlers,
    Outgoing,
    Reply,
    declined,
    deferred,
    moment,
    one_line,
    plain,
    required_user,
    user_of,
    whole_number,
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
    Contact,
    NewRequest,
    RequestState,
    RequestStep,
    due_day,
    free_slots_on,
    is_overdue,
    short_subject,
)
from appliance.policy.text import Refused, SaidError, Words
from appliance.policy.users import Permission
from appliance.service.mailroom import Mailroom
from appliance.store import database, outbox, requests
from appliance.store.database import Noted, transaction
from appliance.store.outbox import StoredMail as KeptMail
from appliance.store.requests import RequestToStore, SlotDiary, StoredRequest, StoredStep
from appliance.store.writer import DatabaseWriter

if TYPE_CHECKING:
    import sqlite3

    from appliance.api.call_control import StoreAccess
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
    records: DatabaseWriter, house: Callable[[], LetterSender], now: datetime, arguments: Arguments
) -> DeferredReply:
    """Return the house's hours on each day of a week and the offices' free slots."""
    asked, at_home = _week_asked(arguments, now), house()

    def job(connection: sqlite3.Connection) -> Reply:
        days = [_day(office_day(at_home.calendar, day)) for day in asked.days]
        return {"days": days, "offices": list(_offices(connection, at_home, asked))}

    return deferred(records, job, lambda result: result)


def _week_asked(arguments: Arguments, now: datetime) -> WeekAsked:
    try:
        first = date.fromisoformat(str(arguments["first"]))
    except (KeyError, ValueError) as error:
        raise OfficeError(f"the first day is needed, e.g. 2026-11-23: {error}") from error
    if not YEARS[0] <= first.year < YEARS[1]:
        raise OfficeError(f"the year {first.year} is none with appointments")
    return WeekAsked(first, str(arguments.get("unit") or ""), now)


def _day(hours: DayHours) -> Reply:
    return {
        "day": hours.day.isoformat(),
        "special": hours.is_special,
        "bands": [str(band) for band in hours.bands],
        "name": plain(hours.name),
    }


def _offices(
    connection: sqlite3.Connection, house: LetterSender, asked: WeekAsked
) -> Iterator[Reply]:
    """Yield each unit that offers slots in the week, with its free ones."""
    # Shared by all units of the reply.
    left = MOST_SLOTS
    for unit in house.directory.units:
        if asked.unit not in ("", unit.code):
            continue
        declared = [_declared(house.directory, unit, day, asked.unit) for day in asked.days]
        if any(declared):
            found = list(_free(connection, house, asked, declared))[:left]
            left -= len(found)
            yield {"unit": unit.code, "name": unit.name, "free": found}


def _declared(register: Directory, unit: Unit, day: date, wanted: str) -> Declaration | None:
    """Return the declaration with a unit's slots, None if it offers none."""
    found = register.valid_declaration(unit, day)
    if found is None or found.slots is None:
        return None
    # In a list of all units only a unit's own declaration counts, not one that it inherits.
    return found if wanted or found.unit == unit.code else None


def _free(
    connection: sqlite3.Connection,
    house: LetterSender,
    asked: WeekAsked,
    declared: list[Declaration | None],
) -> Iterator[tuple[str, int]]:
    """Yield start and number of free places of each slot that has any."""
    begins = local_moment(datetime.combine(asked.first, time()), house.calendar.zone)
    units = {each.unit for each in declared if each is not None}
    booked = {unit: requests.booked_slots(connection, unit, begins) for unit in units}
    for day, each in zip(asked.days, declared, strict=True):
        if each is not None and each.slots is not None:
            taken = booked[each.unit]
            for slot, places in free_slots_on(each.slots, house.calendar, taken, day, asked.now):
                yield slot.start.isoformat(), places


# More would take longer than people wait.
MOST_DUE = 2000
"""Requests in one reply."""


def list_due(connection: sqlite3.Connection, calendar: Schedule, now: datetime) -> Reply:
    """Return the day by which each open request is due, and which are late (E15)."""
    open_ones = requests.list_requests(
        connection, RequestState.OPEN, RequestState.SENT, RequestState.TAKEN, limit=MOST_DUE
    )
    found = [kept.request for kept in open_ones]
    return {
        "due": {str(one.number): due_day(one, calendar).isoformat() for one in found},
        "late": [one.number for one in found if is_overdue(one, calendar, now)],
    }


LONGEST_LINE: Final = 120
CLOSED: Final = Words("Richiesta {}: chiusa.", "Request {}: closed.")


class LinkCommands(CommandHandlers):
    """Closes a request by the link in its e-mail (E15), without a login."""

    # The link's secret replaces the login; it can do nothing but close that one request.

    def __init__(self, records: DatabaseWriter, now: Callable[[], datetime]) -> None:
        self._records, self._now = records, now

    @command("request_by_link", needs=FREE)
    def close(self, arguments: Arguments) -> DeferredReply:
        """Close the request of a link; `said_by` is the name that its reader typed."""
        token = str(arguments.get("token") or "")
        said_by = one_line(arguments, "said_by", LONGEST_LINE)
        if not said_by:
            return lambda send: send({"done": False, "said": plain(refusals.WHO_SAYS_DONE)})
        now = self._now()

        def reply(result: int | CentralinoError) -> Reply | CentralinoError:
            if isinstance(result, CentralinoError):
                return declined(result)
            said = Words(CLOSED.it.format(result), CLOSED.en.format(result))
            return {"number": result, "said": plain(said)}

        return deferred(
            self._records, lambda c: requests.close_by_link(c, token, said_by, now), reply
        )


# A technician's stolen session can then flood nobody with mail.
MOST_MAILS: Final = 5
WITHIN: Final = timedelta(hours=1)
"""At most MOST_MAILS test mails within this time."""
SUBJECT: Final = "Prova della posta del centralino / Test of the switchboard's mail"
BODY: Final = (
    "Questa e-mail di prova è stata chiesta da {by}: la posta del centralino funziona.\n\n"
    "This test was asked for by {by}: the switchboard's mail works.\n"
)
QUEUED: Final = Words(
    "E-mail di prova {}: parte appena il server di posta la prende.",
    "Test e-mail {}: it leaves as soon as the mail server takes it.",
)


class MailTestCommands(CommandHandlers):
    """Tests the mail server with a mail through the outbox, as every notice is sent."""

    def __init__(self, stores: StoreAccess, now: Callable[[], Now]) -> None:
        self._stores, self._now = stores, now

    @command("mail_test", needs=Permission.TECHNICAL)
    def test(self, arguments: Arguments) -> DeferredReply:
        """Queue a test mail; the reply has its number in the outbox."""
        by, to = user_of(arguments), str(arguments.get("to", ""))
        if not is_address(to):
            raise Refused(
                f"«{to[:80]}» non è un indirizzo e-mail", f"{to[:80]!r} is no e-mail address"
            )
        at, letters = self._now().wall, self._stores.records.letters
        mail = Mail(f"{TEST_KEY}{uuid.uuid4().hex}", to, SUBJECT, BODY.format(by=by))

        def job(connection: sqlite3.Connection) -> int:
            check_may(connection, by, Permission.TECHNICAL)
            if outbox.count_since(connection, TEST_KEY, at - WITHIN) >= MOST_MAILS:
                raise Refused(
                    f"{MOST_MAILS} prove in un'ora bastano: riprovare più tardi",
                    f"{MOST_MAILS} tests an hour are enough: try again later",
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
            said = Words(QUEUED.it.format(result), QUEUED.en.format(result))
            return {"number": result, "said": plain(said)}

        return deferred(self._stores.records, job, reply)


KINDS: Final = ("eml", "pdf")
HIGHEST: Final = 1_000_000_000
PAPER, AGAIN = "request.paper", "request.mail_again"
NO_MAIL: Final = ("questa e-mail non è di questa richiesta", "that e-mail is not of this request")
ERASED: Final = (
    "il testo di questa e-mail è stato cancellato: resta solo che è esistita",
    "the text of this e-mail was erased: all that is left is that there was one",
)


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
        self, records: DatabaseWriter, mailroom: Mailroom, now: Callable[[], datetime]
    ) -> None:
        self._records, self._mailroom, self._now = records, mailroom, now
        # Used in the database thread only.
        self._outgoing = Outgoing()

    @command("request_paper", needs=frozenset({Permission.REQUESTS, Permission.OWN_REQUESTS}))
    def paper(self, arguments: Arguments) -> DeferredReply:
        """Return one part of a paper from byte `at`; the part at 0 makes the paper."""
        wanted, at = _paper_wanted(arguments), self._now()
        begin = whole_number(arguments, "at", limit=HIGHEST)

        def job(connection: sqlite3.Connection) -> Reply:
            check_may(connection, wanted.by, Permission.REQUESTS)

            def written() -> bytes:
                return self._written(connection, wanted, at)

            return self._outgoing.part(wanted, begin, written)

        return deferred(self._records, job, declined)

    @command("mail_again", needs=Permission.REQUESTS)
    def again(self, arguments: Arguments) -> DeferredReply:
        """Send an e-mail again, to the office's present address; a queued one is tried now."""
        by = required_user(arguments)
        number, request = (
            whole_number(arguments, key, limit=HIGHEST) for key in ("mail", "number")
        )
        at, letters = self._now(), self._records.letters
        copy, token = uuid.uuid4().hex[:12], secrets.token_urlsafe(DONE_LINK_BYTES)

        def job(connection: sqlite3.Connection) -> Reply:
            check_may(connection, by, Permission.REQUESTS)
            kept = _mail_of(connection, request, number)
            with transaction(connection):
                database.note(connection, Noted(at, by, AGAIN, f"request {request}, mail {number}"))
                # A queued mail is only tried again: no second copy.
                if kept.state is MailState.QUEUED:
                    return {"mail": number, "said": plain(retried_words(number))}
                to = self._address(connection, kept, request)
                domain = letters.domain
                new = outbox.resend(connection, kept, to, copy, token, by, at, domain)
            return {"mail": new, "said": plain(sent_again_words(number, to))}

        def reply(result: Reply | CentralinoError) -> Reply | CentralinoError:
            if not isinstance(result, CentralinoError):
                # A mail that waits is tried now, not at its next time.
                self._mailroom.wake(hurry=True)
            return declined(result)

        return deferred(self._records, job, reply)

    def _written(self, connection: sqlite3.Connection, wanted: PaperWanted, at: datetime) -> bytes:
        """Make a paper and write its user to the audit."""
        kept = requests.required_request(connection, wanted.request)
        papers, register = self._mailroom.papers, self._mailroom.house().directory
        about = f"request {wanted.request}, {wanted.kind}"
        if wanted.mail:
            mail = _mail_of(connection, wanted.request, wanted.mail)
            about = f"request {wanted.request}, mail {wanted.mail}, {wanted.kind}"
            if wanted.kind == "eml":
                data = papers.eml(mail, outbox.thread_ids(connection, mail.mail))
            else:
                data = to_json(papers.mail_document(mail, wanted.request, register))
        else:
            calendar = self._mailroom.house().calendar
            names = papers.names(connection)
            data = to_json(
                papers.request_document(kept, lambda one: due_day(one, calendar), register, names)
            )
        with transaction(connection):
            database.note(connection, Noted(at, wanted.by, PAPER, about))
        return data

    def _address(self, connection: sqlite3.Connection, kept: KeptMail, request: int) -> str:
        """Return the office's present address for its own mails, else the original one."""
        asked = requests.required_request(connection, request).request
        unit = self._mailroom.house().directory.unit(asked.unit)
        return unit.email if kept.mail.request and unit and unit.email else kept.mail.to


def _mail_of(connection: sqlite3.Connection, request: int, number: int) -> KeptMail:
    """Return an e-mail of a request; raises Refused if unknown or erased."""
    found = next(
        (one for one in outbox.mails_of_request(connection, request) if one.number == number), None
    )
    if found is None:
        raise Refused(*NO_MAIL)
    if not found.mail.body:
        raise Refused(*ERASED)
    return found


def _paper_wanted(arguments: Arguments) -> PaperWanted:
    kind, mail = arguments.get("as"), whole_number(arguments, "mail", limit=HIGHEST)
    if kind not in KINDS or (kind == "eml" and not mail):
        raise OfficeError(f"as is one of {', '.join(KINDS)}; a request itself has no eml")
    number = whole_number(arguments, "number", limit=HIGHEST)
    return PaperWanted(required_user(arguments), number, mail, str(kind))


T = TypeVar("T", bound=enum.StrEnum)

STEPS = (
    RequestStep.TAKE,
    RequestStep.REMIND,
    RequestStep.CLOSE,
    RequestStep.CANCEL,
    RequestStep.MOVE,
)
"""Steps that a user may take; call control itself notes that the mail was sent."""
LONGEST_TEXT = 4000
PROPOSED_MINUTES = 30
"""Minutes of a proposed appointment, for an office without slots, which must agree first."""


class RequestCommands(CommandHandlers):
    """Stores and changes requests; `plan` compares telephone numbers.

    Raises OfficeError for wrong arguments.
    """

    def __init__(
        self,
        records: DatabaseWriter,
        mailroom: Mailroom,
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

    @command("new_request", needs=Permission.REQUESTS)
    def take(self, arguments: Arguments) -> DeferredReply:
        """Store a request; offer a citizen's open ones first, unless `anyway` (E9)."""
        return self._take(arguments)

    @command("counter_request", needs=Permission.REQUESTS)
    def take_at_counter(self, arguments: Arguments) -> DeferredReply:
        """Store a request without a call, at the counter or afterwards; audited."""
        return self._take({**arguments, "call": "", "sheet": ""}, audited=True)

    def _take(self, arguments: Arguments, audited: bool = False) -> DeferredReply:
        now = self._now()
        new, diary = self._new(arguments, now)
        taking = RequestToStore(uuid.uuid4().hex, new, now, diary=diary, audited=audited)
        letters = self._records.letters
        # Without number and name the search for open requests finds none.
        number = "" if arguments.get("anyway") else new.citizen.phone
        name = "" if arguments.get("anyway") else new.citizen.name

        def job(connection: sqlite3.Connection) -> Reply:
            if audited:
                check_may(connection, new.by, Permission.REQUESTS)
            # In the same job as the insertion: no second request can come in between.
            known = requests.find_open(connection, number, name, self._plan)
            if known:
                raise SaidError(refusals.open_already_words([kept.request for kept in known]))
            request = requests.insert_request(connection, taking, letters)
            return {"number": request.number, "said": plain(refusals.stored_words(request))}

        return self._deferred(job)

    @command("request_step", needs=frozenset({Permission.REQUESTS, Permission.OWN_REQUESTS}))
    def step(self, arguments: Arguments) -> DeferredReply:
        """Take a step on a request: take, remind, close, cancel, move."""
        now = self._now()
        try:
            step, number = RequestStep(str(arguments.get("step"))), _number(arguments)
        except ValueError as error:
            raise OfficeError(f"a step ({', '.join(STEPS)}) is needed: {error}") from error
        if step not in STEPS:
            raise OfficeError(f"{step!r} cannot be asked; known are {', '.join(STEPS)}")
        said_by = one_line(arguments, "said_by", LONGEST_LINE)
        text = _text(arguments, "words")
        if step is RequestStep.REMIND and not text:
            raise SaidError(refusals.NO_REMINDER_WORDS)
        happened = StoredStep(uuid.uuid4().hex, step, now, _requester(arguments), said_by, text)
        starts = _starts(arguments) if step is RequestStep.MOVE else None
        letters = self._records.letters

        def job(connection: sqlite3.Connection) -> Reply:
            kept = requests.required_request(connection, number)
            # A user of an office may change that office's requests only.
            check_own(connection, happened.by, kept.request.unit)
            wanted, diary = self._moved(kept, starts, arguments, now) if starts else (None, None)
            kept = requests.apply_step(connection, number, happened, letters, wanted, diary)
            return {
                "number": number,
                "state": kept.request.state,
                "said": plain(refusals.step_done_words(kept.request, step)),
            }

        return self._deferred(job)

    @command("free_slots", needs=FREE)
    def free_slots(self, arguments: Arguments) -> DeferredReply:
        """Return the next free slots of an office; none where it offers no slots."""
        now, unit = self._now(), one_line(arguments, "unit", LONGEST_LINE)
        # Raises for an unknown unit; the rules themselves are not needed.
        self._mailroom.rules(unit, "", now)
        diary = self._mailroom.diary(unit, now)

        def job(connection: sqlite3.Connection) -> Reply:
            found = requests.free_slots_of(connection, diary, now, most=20) if diary else ()
            return {
                "slots": [slot.start.isoformat() for slot in found],
                "offers": diary is not None,
            }

        return self._deferred(job)

    @command("appointments", needs=Permission.REQUESTS)
    def week(self, arguments: Arguments) -> DeferredReply:
        """Return a week's free slots and the house's hours."""
        return diary_week(self._records, self._mailroom.house, self._now(), arguments)

    @command("requests_due", needs=FREE)
    def due_day(self, _: Arguments) -> DeferredReply:
        """Return the day by which each open request is due, and which are late (E15)."""
        calendar, now = self._mailroom.house().calendar, self._now()
        return self._deferred(lambda connection: list_due(connection, calendar, now))

    @command("outbox_retry", needs=Permission.TECHNICAL)
    def retry(self, arguments: Arguments) -> DeferredReply:
        """Send a queued mail again, now."""
        number, by, at = _number(arguments), _requester(arguments), self._now()

        def job(connection: sqlite3.Connection) -> Reply:
            kept = outbox.retry_mail(connection, number, by, at)
            return {"said": plain(mail.retried_words(kept.number))}

        return self._deferred(job, hurry=True)

    @command("outbox_drop", needs=Permission.TECHNICAL)
    def drop(self, arguments: Arguments) -> DeferredReply:
        """Give up a queued mail."""
        number, by, reason = _number(arguments), _requester(arguments), _text(arguments, "reason")
        at = self._now()

        def job(connection: sqlite3.Connection) -> Reply:
            kept = outbox.drop_mail(connection, number, by, reason, at)
            return {"said": plain(mail.given_up_words(kept.number))}

        return self._deferred(job)

    def _deferred(
        self, job: Callable[[sqlite3.Connection], Reply], hurry: bool = False
    ) -> DeferredReply:
        """Run a job in the database thread, wake the mail thread, then reply."""

        def reply(result: Reply | CentralinoError) -> Reply | CentralinoError:
            self._mailroom.wake(hurry)
            return result

        return deferred(self._records, job, reply)

    def _new(self, arguments: Arguments, now: datetime) -> tuple[NewRequest, SlotDiary | None]:
        def line(key: str) -> str:
            return one_line(arguments, key, LONGEST_LINE)

        unit, need = line("unit"), line("need")
        rule = _one_of(ReturnRule, arguments, "rule")
        # A unit declares which rules are allowed for a need.
        allowed = self._mailroom.rules(unit, need, now)
        if rule not in allowed:
            raise SaidError(refusals.other_rule_words(unit, allowed))
        appointment, diary = None, None
        if rule is ReturnRule.APPOINTMENT:
            diary = self._mailroom.diary(unit, now)
            appointment = _appointment(arguments, diary)
        citizen = Citizen(
            line("name"),
            line("phone"),
            line("email"),
            _one_of(Contact, arguments, "prefers"),
            line("language") or "it",
        )
        whole = " ".join(_text(arguments, "subject").split())
        subject, asked = short_subject(whole, _text(arguments, "asked"))
        new = NewRequest(
            rule,
            unit,
            need,
            citizen,
            subject,
            asked,
            now,
            _requester(arguments),
            line("call"),
            line("sheet"),
            appointment,
        )
        return new, diary

    def _moved(
        self, kept: StoredRequest, starts: datetime, arguments: Arguments, now: datetime
    ) -> tuple[Appointment, SlotDiary | None]:
        before = kept.request.appointment
        diary = self._mailroom.diary(kept.request.unit, now)
        # A move keeps the form of the appointment unless another one is given.
        form = before.form.value if before else AppointmentForm.OFFICE_CALLS.value
        asked = {**arguments, "form": arguments.get("form") or form, "starts": starts.isoformat()}
        wanted = _appointment(asked, diary)
        # An office without slots has agreed to the proposed time.
        agreed = bool(arguments.get("agreed"))
        return (
            Appointment(wanted.slot, wanted.form, wanted.confirmed or agreed),
            diary,
        )


def _appointment(arguments: Arguments, diary: SlotDiary | None) -> Appointment:
    """Read an appointment: confirmed in one of the office's slots, else a proposal."""
    starts, form = _starts(arguments), _one_of(AppointmentForm, arguments, "form")
    minutes = diary.slots.minutes if diary else PROPOSED_MINUTES
    slot = AppointmentSlot(starts, starts + timedelta(minutes=minutes))
    return Appointment(slot, form, confirmed=diary is not None)


def _starts(arguments: Arguments) -> datetime:
    try:
        return moment(str(arguments["starts"]))
    except (KeyError, ValueError, TypeError) as error:
        raise SaidError(refusals.no_start(error)) from error


def _one_of(kind: type[T], arguments: Arguments, key: str) -> T:
    try:
        return kind(str(arguments.get(key)))
    except ValueError as error:
        known = ", ".join(kind)
        raise SaidError(
            Words(
                f"{key}: {arguments.get(key)!r} non è fra i valori possibili: {known}",
                f"{key}: {arguments.get(key)!r} is unknown: say {known}",
            )
        ) from error


def _text(arguments: Arguments, key: str) -> str:
    return str(arguments.get(key) or "").strip()[:LONGEST_TEXT]


def _requester(arguments: Arguments) -> str:
    by = one_line(arguments, "by", LONGEST_LINE)
    if not by:
        raise SaidError(
            Words("manca chi lo chiede: indicare un nome", "who asks? Give a name with `by`")
        )
    return by


def _number(arguments: Arguments) -> int:
    number = arguments.get("number")
    if not isinstance(number, int) or not 0 < number < HIGHEST:
        raise SaidError(
            Words(
                f"{number!r} non è il numero di una presa in carico o di un'e-mail: guardare "
                "nell'elenco",
                f"{number!r} is no number of a request or mail: look with list",
            )
        )
    return number
