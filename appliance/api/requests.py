"""Commands on citizens' requests, appointments, mail and papers."""

from __future__ import annotations

import enum
import secrets
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

from appliance.api.permissions import check_may, check_own
from appliance.api.protocol import YEARS, DeferredReply, Outgoing, Reply, SendReply, moment, plain
from appliance.errors import CentralinoError, OfficeError
from appliance.mail.letter import is_address
from appliance.paper.document import to_json
from appliance.policy import requests as refusals
from appliance.policy.clock import Now
from appliance.policy.directory import Declaration, Register, ReturnRule, Unit
from appliance.policy.hours import ONE_DAY, local_moment
from appliance.policy.hours_changes import DayHours, of_offices
from appliance.policy.numbering import HOME, Plan
from appliance.policy.requests import (
    TEST,
    TOKEN_BYTES,
    Appointment,
    Citizen,
    Contact,
    Form,
    Mail,
    MailState,
    NewRequest,
    RequestStep,
    Slot,
    State,
    due,
    in_few_words,
    is_overdue,
    left_on,
    retried,
    sent_again,
)
from appliance.policy.text import Refused, SaidError, Words
from appliance.policy.users import Permission
from appliance.service.mailroom import Mailroom
from appliance.store import database, request_papers, requests
from appliance.store.database import Noted, transaction
from appliance.store.requests import Diary, Happened, StoredRequest, Taking
from appliance.store.requests import StoredNotice as KeptMail
from appliance.store.writer import Records

if TYPE_CHECKING:
    import sqlite3

    from appliance.policy.hours import Schedule
    from appliance.policy.letters import House
    from appliance.service.loop import Stores


# ---- diary questions ---------------------------------------------------------------------------
# What is asked at the door about a week of appointments: free hours of offices, days when closed.
#
# Who is booked stands in the records; which hours there are only the desk knows, by its calendar.

DAYS: Final = 7
MOST_SLOTS: Final = 2000
"""Free hours of which it is told: an answer that one line of the door holds."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Seven days from one on, of one unit or ("") of all that offer hours; `now` is the desk's."""

    first: date
    unit: str
    now: datetime

    @property
    def days(self) -> tuple[date, ...]:
        """Return the days."""
        return tuple(self.first + ONE_DAY * n for n in range(DAYS))


def diary_week(
    records: Records, house: Callable[[], House], now: datetime, question: dict[str, Any]
) -> DeferredReply:
    """Tell a week: why the house is closed on its days, and what offices have free on them."""
    asked, at_home = _asked(question, now), house()

    def told(connection: sqlite3.Connection) -> Reply:
        days = [_day(of_offices(at_home.calendar, day)) for day in asked.days]
        return {"days": days, "offices": list(_offices(connection, at_home, asked))}

    return lambda tell: records.do(told, tell)


def _asked(question: dict[str, Any], now: datetime) -> Asked:
    try:
        first = date.fromisoformat(str(question["first"]))
    except (KeyError, ValueError) as error:
        raise OfficeError(f"the first day is needed, e.g. 2026-11-23: {error}") from error
    if not YEARS[0] <= first.year < YEARS[1]:
        raise OfficeError(f"the year {first.year} is none with appointments")
    return Asked(first, str(question.get("unit") or ""), now)


def _day(hours: DayHours) -> Reply:
    return {
        "day": hours.day.isoformat(),
        "special": hours.is_special,
        "bands": [str(band) for band in hours.bands],
        "name": plain(hours.name),
    }


def _offices(connection: sqlite3.Connection, house: House, asked: Asked) -> Iterator[Reply]:
    """Yield each unit that offers hours in the week, with those that are free."""
    left = MOST_SLOTS
    for unit in house.register.units:
        if asked.unit not in ("", unit.code):
            continue
        declared = [_declared(house.register, unit, day, asked.unit) for day in asked.days]
        if any(declared):
            found = list(_free(connection, house, asked, declared))[:left]
            left -= len(found)
            yield {"unit": unit.code, "name": unit.name, "free": found}


def _declared(register: Register, unit: Unit, day: date, wanted: str) -> Declaration | None:
    """Return the declaration whose hours a unit offers; of all units each one's own alone."""
    found = register.valid_declaration(unit, day)
    if found is None or found.slots is None:
        return None
    return found if wanted or found.unit == unit.code else None


def _free(
    connection: sqlite3.Connection, house: House, asked: Asked, declared: list[Declaration | None]
) -> Iterator[tuple[str, int]]:
    """Yield start and free places of what can still be had."""
    begins = local_moment(datetime.combine(asked.first, time()), house.calendar.zone)
    units = {each.unit for each in declared if each is not None}
    booked = {unit: requests.booked(connection, unit, begins) for unit in units}
    for day, each in zip(asked.days, declared, strict=True):
        if each is not None and each.slots is not None:
            taken = booked[each.unit]
            for slot, places in left_on(each.slots, house.calendar, taken, day, asked.now):
                yield slot.start.isoformat(), places


# ---- due questions -----------------------------------------------------------------------------
# What is asked at the door about days: by when each open request is due, and which are late.

MOST_DUE = 2000
"""Requests of which it is told: an answer that people can wait for."""


def list_due(connection: sqlite3.Connection, calendar: Schedule, now: datetime) -> Reply:
    """Say by when each open request is due, by the house's calendar, and which are late (E15)."""
    open_ones = requests.list_requests(
        connection, State.OPEN, State.SENT, State.TAKEN, limit=MOST_DUE
    )
    found = [kept.request for kept in open_ones]
    return {
        "due": {str(one.number): due(one, calendar).isoformat() for one in found},
        "late": [one.number for one in found if is_overdue(one, calendar, now)],
    }


# ---- link questions ----------------------------------------------------------------------------
# What is asked at the door by a link in a mail (E15): that its request is done.
#
# Nobody has logged in: the link's secret is all that counts, and closing that one request all it
# can.

LONGEST_NAME: Final = 120
CLOSED: Final = Words("Richiesta {}: chiusa.", "Request {}: closed.")


class LinkQuestions:
    """Answers; a refusal is said in both languages."""

    def __init__(self, records: Records, now: Callable[[], datetime]) -> None:
        self._records, self._now = records, now

    @property
    def known(self) -> dict[str, Callable[[dict[str, Any]], DeferredReply]]:
        """Name what may be asked."""
        return {"request_by_link": self.close}

    def close(self, question: dict[str, Any]) -> DeferredReply:
        """Close the request of a link, for somebody who says so."""
        token = str(question.get("token") or "")
        said_by = " ".join(str(question.get("said_by") or "").split())[:LONGEST_NAME]
        if not said_by:
            return lambda tell: tell({"done": False, "said": plain(refusals.WHO)})
        now = self._now()

        def later(tell: SendReply) -> None:
            self._records.do(
                lambda connection: request_papers.close(connection, token, said_by, now),
                lambda result: tell(_closed_answer(result)),
            )

        return later


def _closed_answer(result: int | CentralinoError) -> Reply | CentralinoError:
    """Say what came of it; a refusal in both languages."""
    if isinstance(result, Refused):
        return {"done": False, "said": plain(result.words)}
    if isinstance(result, CentralinoError):
        return result
    said = Words(CLOSED.it.format(result), CLOSED.en.format(result))
    return {"number": result, "said": plain(said)}


# ---- mail questions ----------------------------------------------------------------------------
# What is asked at the door about mail itself: one to try the mail server with, by a technician.
#
# It goes the way of every notice, through the outbox: what is tried is what the office relies on.

MOST_MAILS: Final = 5
WITHIN: Final = timedelta(hours=1)
"""So many in so long: whoever has got hold of a technician's session floods nobody."""
SUBJECT: Final = "Prova della posta del centralino / Test of the switchboard's mail"
BODY: Final = (
    "Questa e-mail di prova è stata chiesta da {by}: la posta del centralino funziona.\n\n"
    "This test was asked for by {by}: the switchboard's mail works.\n"
)
QUEUED: Final = Words(
    "E-mail di prova {}: parte appena il server di posta la prende.",
    "Test e-mail {}: it leaves as soon as the mail server takes it.",
)


class MailQuestions:
    """Answers; raises OfficeError for what is no question of its kind."""

    def __init__(self, stores: Stores, now: Callable[[], Now]) -> None:
        self._stores, self._now = stores, now

    @property
    def known(self) -> dict[str, Callable[[dict[str, Any]], DeferredReply]]:
        """Name what may be asked."""
        return {"mail_test": self.test}

    def test(self, question: dict[str, Any]) -> DeferredReply:
        """Queue a mail to an address; its number tells what becomes of it."""
        by, to = str(question.get("by", ""))[:64], str(question.get("to", ""))
        if not is_address(to):
            raise Refused(
                f"«{to[:80]}» non è un indirizzo e-mail", f"{to[:80]!r} is no e-mail address"
            )
        at, letters = self._now().wall, self._stores.records.letters
        mail = Mail(f"{TEST}{uuid.uuid4().hex}", to, SUBJECT, BODY.format(by=by))

        def job(connection: sqlite3.Connection) -> int:
            check_may(connection, by, Permission.TECHNICAL)
            if requests.count_since(connection, TEST, at - WITHIN) >= MOST_MAILS:
                raise Refused(
                    f"{MOST_MAILS} prove in un'ora bastano: riprovare più tardi",
                    f"{MOST_MAILS} tests an hour are enough: try again later",
                )
            with transaction(connection):
                requests.put_notice(connection, mail, at, letters.domain)
                database.note(connection, Noted(at, by, "mail.test"))
            return requests.number_of_notice(connection, mail.key)

        def later(tell: SendReply) -> None:
            def done(result: int | CentralinoError) -> None:
                if not isinstance(result, CentralinoError):
                    letters.queued()
                tell(_mailed_answer(result))

            self._stores.records.do(job, done)

        return later


def _mailed_answer(result: int | CentralinoError) -> Reply | CentralinoError:
    """Say what came of it; a refusal in both languages."""
    if isinstance(result, Refused):
        return {"done": False, "said": plain(result.words)}
    if isinstance(result, CentralinoError):
        return result
    said = Words(QUEUED.it.format(result), QUEUED.en.format(result))
    return {"number": result, "said": plain(said)}


# ---- paper questions ---------------------------------------------------------------------------
# What is asked at the door about a request's papers: written, in parts; an e-mail sent again.
#
# A paper is longer than an answer should be: it is made once and fetched in parts that follow one
# another. Done in the records' thread; audited before the first part is told (E15). For a PDF what
# stands on it is told (paper/document.py): whoever asks lays it out, in no thread of the desk's.

KINDS: Final = ("eml", "pdf")
HIGHEST: Final = 1_000_000_000
PAPER, AGAIN = "request.paper", "request.mail_again"
NO_MAIL: Final = ("questa e-mail non è di questa richiesta", "that e-mail is not of this request")
ERASED: Final = (
    "il testo di questa e-mail è stato cancellato: resta solo che è esistita",
    "the text of this e-mail was erased: all that is left is that there was one",
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which paper somebody wants: a request's e-mail, or the request itself where `mail` is 0."""

    by: str
    request: int
    mail: int
    kind: str


class PaperQuestions:
    """Answers; raises OfficeError for what is no question of its kind."""

    def __init__(self, records: Records, mailroom: Mailroom, now: Callable[[], datetime]) -> None:
        self._records, self._mailroom, self._now = records, mailroom, now
        self._outgoing = Outgoing()  # in the records' thread alone

    @property
    def known(self) -> dict[str, Callable[[dict[str, Any]], DeferredReply]]:
        """Name what may be asked."""
        return {"request_paper": self.paper, "mail_again": self.again}

    def paper(self, question: dict[str, Any]) -> DeferredReply:
        """Give one part of a paper, from its byte `at`; the first part makes it."""
        wanted, begin, at = _wanted(question), _whole(question, "at"), self._now()

        def job(connection: sqlite3.Connection) -> Reply:
            check_may(connection, wanted.by, Permission.REQUESTS)

            def written() -> bytes:
                return self._written(connection, wanted, at)

            return self._outgoing.part(wanted, begin, written)

        return self._later(job)

    def again(self, question: dict[str, Any]) -> DeferredReply:
        """Send an e-mail once more, to the office's address of today; one that waits, now."""
        by, number, request = _by(question), _whole(question, "mail"), _whole(question, "number")
        at, letters = self._now(), self._records.letters
        copy, token = uuid.uuid4().hex[:12], secrets.token_urlsafe(TOKEN_BYTES)

        def job(connection: sqlite3.Connection) -> Reply:
            check_may(connection, by, Permission.REQUESTS)
            kept = _mail_of(connection, request, number)
            with transaction(connection):
                database.note(connection, Noted(at, by, AGAIN, f"request {request}, mail {number}"))
                if kept.state is MailState.QUEUED:
                    return {"mail": number, "said": plain(retried(number))}
                to = self._address(connection, kept, request)
                domain = letters.domain
                new = requests.send(connection, kept, to, copy, token, by, at, domain)
            return {"mail": new, "said": plain(sent_again(number, to))}

        return self._later(job, wakes=True)

    def _written(self, connection: sqlite3.Connection, wanted: Wanted, at: datetime) -> bytes:
        """Write a paper and note who has asked for it."""
        kept = requests.required_request(connection, wanted.request)
        papers, register = self._mailroom.papers, self._mailroom.house().register
        about = f"request {wanted.request}, {wanted.kind}"
        if wanted.mail:
            mail = _mail_of(connection, wanted.request, wanted.mail)
            about = f"request {wanted.request}, mail {wanted.mail}, {wanted.kind}"
            if wanted.kind == "eml":
                data = papers.eml(mail, requests.thread_ids(connection, mail.mail))
            else:
                data = to_json(papers.mail_document(mail, wanted.request, register))
        else:
            calendar = self._mailroom.house().calendar
            names = papers.names(connection)
            data = to_json(
                papers.request_document(kept, lambda one: due(one, calendar), register, names)
            )
        with transaction(connection):
            database.note(connection, Noted(at, wanted.by, PAPER, about))
        return data

    def _address(self, connection: sqlite3.Connection, kept: KeptMail, request: int) -> str:
        """Return the office's address of today for what goes to it, else the one there was."""
        asked = requests.required_request(connection, request).request
        unit = self._mailroom.house().register.unit(asked.unit)
        return unit.email if kept.mail.request and unit and unit.email else kept.mail.to

    def _later(
        self, job: Callable[[sqlite3.Connection], Reply], wakes: bool = False
    ) -> DeferredReply:
        """Do a job in the records' thread; a refusal is said in both languages."""

        def later(tell: SendReply) -> None:
            def done(result: Reply | CentralinoError) -> None:
                if wakes and not isinstance(result, CentralinoError):
                    self._mailroom.wake(hurry=True)
                if isinstance(result, Refused):
                    tell({"done": False, "said": plain(result.words)})
                else:
                    tell(result)

            self._records.do(job, done)

        return later


def _mail_of(connection: sqlite3.Connection, request: int, number: int) -> KeptMail:
    """Look up an e-mail about a request; raises Refused."""
    found = next((one for one in requests.about(connection, request) if one.number == number), None)
    if found is None:
        raise Refused(*NO_MAIL)
    if not found.mail.body:
        raise Refused(*ERASED)
    return found


def _wanted(question: dict[str, Any]) -> Wanted:
    kind, mail = question.get("as"), _whole(question, "mail")
    if kind not in KINDS or (kind == "eml" and not mail):
        raise OfficeError(f"as is one of {', '.join(KINDS)}; a request itself has no eml")
    return Wanted(_by(question), _whole(question, "number"), mail, str(kind))


def _whole(question: dict[str, Any], key: str) -> int:
    value = question.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < HIGHEST:
        raise OfficeError(f"{key} is a whole number")
    return value


def _by(question: dict[str, Any]) -> str:
    by = question.get("by")
    if not isinstance(by, str) or not by.strip():
        raise OfficeError("by is needed: the user who asks")
    return by[:64]


# ---- request questions -------------------------------------------------------------------------
# What is asked at the door about requests and the outbox: taken, changed, told when to come.
#
# Decided in the desk's thread by what is in memory, done and answered in the records' thread.

T = TypeVar("T", bound=enum.StrEnum)

STEPS = (
    RequestStep.TAKE,
    RequestStep.REMIND,
    RequestStep.CLOSE,
    RequestStep.CANCEL,
    RequestStep.MOVE,
)
"""What a person may ask for; that the mail left is noted by the box itself."""
LONGEST_WORD, LONGEST_TEXT = 120, 4000
PROPOSED_MINUTES = 30
"""How long an appointment is where the office offers no slots and must agree first."""


class RequestQuestions:
    """Answers; `now` is the desk's wall clock, `plan` tells whose number is whose.

    Raises OfficeError for what cannot be asked.
    """

    def __init__(
        self,
        records: Records,
        mailroom: Mailroom,
        now: Callable[[], datetime],
        plan: Plan = HOME,
    ) -> None:
        self._records, self._mailroom, self._now = records, mailroom, now
        self._plan = plan

    @property
    def known(self) -> dict[str, Callable[[dict[str, Any]], DeferredReply]]:
        """Name what may be asked."""
        return {
            "new_request": self.take,
            "counter_request": self.take_at_counter,
            "request_step": self.step,
            "free_slots": self.free_slots,
            "appointments": self.week,
            "requests_due": self.due,
            "outbox_retry": self.retry,
            "outbox_drop": self.drop,
            **LinkQuestions(self._records, self._now).known,
            **PaperQuestions(self._records, self._mailroom, self._now).known,
        }

    def take(self, question: dict[str, Any]) -> DeferredReply:
        """Store a request; a citizen's open ones are offered first, unless `anyway` (E9)."""
        return self._take(question)

    def take_at_counter(self, question: dict[str, Any]) -> DeferredReply:
        """Store a request of somebody at the counter, or who has rung off: of no call, audited."""
        return self._take({**question, "call": "", "sheet": ""}, audited=True)

    def _take(self, question: dict[str, Any], audited: bool = False) -> DeferredReply:
        now = self._now()
        new, diary = self._new(question, now)
        taking = Taking(uuid.uuid4().hex, new, now, diary=diary, audited=audited)
        letters = self._records.letters
        number = "" if question.get("anyway") else new.citizen.phone
        name = "" if question.get("anyway") else new.citizen.name

        def job(connection: sqlite3.Connection) -> Reply:
            if audited:
                check_may(connection, new.by, Permission.REQUESTS)
            known = requests.find_open(connection, number, name, self._plan)
            if known:
                raise SaidError(refusals.known_already([kept.request for kept in known]))
            request = requests.insert(connection, taking, letters)
            return {"number": request.number, "said": plain(refusals.taken_words(request))}

        return self._later(job)

    def step(self, question: dict[str, Any]) -> DeferredReply:
        """Let a step happen to a request."""
        now = self._now()
        try:
            step, number = RequestStep(str(question.get("step"))), _number(question)
        except ValueError as error:
            raise OfficeError(f"a step ({', '.join(STEPS)}) is needed: {error}") from error
        if step not in STEPS:
            raise OfficeError(f"{step!r} cannot be asked; known are {', '.join(STEPS)}")
        said_by, text = _word(question, "said_by"), _text(question, "words")
        if step is RequestStep.REMIND and not text:
            raise SaidError(refusals.NO_WORDS)
        happened = Happened(uuid.uuid4().hex, step, now, _requester(question), said_by, text)
        starts = _starts(question) if step is RequestStep.MOVE else None
        letters = self._records.letters

        def job(connection: sqlite3.Connection) -> Reply:
            kept = requests.required_request(connection, number)
            check_own(connection, happened.by, kept.request.unit)
            wanted, diary = self._moved(kept, starts, question, now) if starts else (None, None)
            kept = requests.change(connection, number, happened, letters, wanted, diary)
            return {
                "number": number,
                "state": kept.request.state,
                "said": plain(refusals.stepped(kept.request, step)),
            }

        return self._later(job)

    def free_slots(self, question: dict[str, Any]) -> DeferredReply:
        """Return the next free slots of an office; none where it offers no slots."""
        now, unit = self._now(), _word(question, "unit")
        self._mailroom.rules(unit, "", now)
        diary = self._mailroom.diary(unit, now)

        def job(connection: sqlite3.Connection) -> Reply:
            found = requests.free(connection, diary, now, most=20) if diary else ()
            return {
                "slots": [slot.start.isoformat() for slot in found],
                "offers": diary is not None,
            }

        return self._later(job)

    def week(self, question: dict[str, Any]) -> DeferredReply:
        """Tell a week of appointments: free hours, and days when the house is closed."""
        return diary_week(self._records, self._mailroom.house, self._now(), question)

    def due(self, _: dict[str, Any]) -> DeferredReply:
        """Say by when each open request is due, and which are late (E15)."""
        calendar, now = self._mailroom.house().calendar, self._now()
        return self._later(lambda connection: list_due(connection, calendar, now))

    def retry(self, question: dict[str, Any]) -> DeferredReply:
        """Try a notice again, now."""
        number, by, at = _number(question), _requester(question), self._now()

        def job(connection: sqlite3.Connection) -> Reply:
            kept = requests.retry(connection, number, by, at)
            return {"said": plain(refusals.retried(kept.number))}

        return self._later(job, hurry=True)

    def drop(self, question: dict[str, Any]) -> DeferredReply:
        """Give a notice up."""
        number, by, reason = _number(question), _requester(question), _text(question, "reason")
        at = self._now()

        def job(connection: sqlite3.Connection) -> Reply:
            kept = requests.drop(connection, number, by, reason, at)
            return {"said": plain(refusals.dropped(kept.number))}

        return self._later(job)

    def _later(
        self, job: Callable[[sqlite3.Connection], Reply], hurry: bool = False
    ) -> DeferredReply:
        """Do it in the records' thread, wake the mail thread, then answer."""

        def later(tell: SendReply) -> None:
            def done(result: Reply | CentralinoError) -> None:
                self._mailroom.wake(hurry)
                tell(result)

            self._records.do(job, done)

        return later

    def _new(self, question: dict[str, Any], now: datetime) -> tuple[NewRequest, Diary | None]:
        unit, need = _word(question, "unit"), _word(question, "need")
        rule = _one_of(ReturnRule, question, "rule")
        allowed = self._mailroom.rules(unit, need, now)
        if rule not in allowed:
            raise SaidError(refusals.not_its_rule(unit, allowed))
        appointment, diary = None, None
        if rule is ReturnRule.APPOINTMENT:
            diary = self._mailroom.diary(unit, now)
            appointment = _appointment(question, diary)
        citizen = Citizen(
            _word(question, "name"),
            _word(question, "phone"),
            _word(question, "email"),
            _one_of(Contact, question, "prefers"),
            _word(question, "language") or "it",
        )
        whole = " ".join(_text(question, "subject").split())
        subject, asked = in_few_words(whole, _text(question, "asked"))
        new = NewRequest(
            rule,
            unit,
            need,
            citizen,
            subject,
            asked,
            now,
            _requester(question),
            _word(question, "call"),
            _word(question, "sheet"),
            appointment,
        )
        return new, diary

    def _moved(
        self, kept: StoredRequest, starts: datetime, question: dict[str, Any], now: datetime
    ) -> tuple[Appointment, Diary | None]:
        before = kept.request.appointment
        diary = self._mailroom.diary(kept.request.unit, now)
        form = before.form.value if before else Form.OFFICE_CALLS.value
        asked = {**question, "form": question.get("form") or form, "starts": starts.isoformat()}
        wanted = _appointment(asked, diary)
        agreed = bool(question.get("agreed"))  # an office without slots has said yes
        return (
            Appointment(wanted.slot, wanted.form, wanted.confirmed or agreed),
            diary,
        )


def _appointment(question: dict[str, Any], diary: Diary | None) -> Appointment:
    """Read an appointment: in the office's slots, else proposed and to be confirmed."""
    starts, form = _starts(question), _one_of(Form, question, "form")
    minutes = diary.slots.minutes if diary else PROPOSED_MINUTES
    slot = Slot(starts, starts + timedelta(minutes=minutes))
    return Appointment(slot, form, confirmed=diary is not None)


def _starts(question: dict[str, Any]) -> datetime:
    try:
        return moment(str(question["starts"]))
    except (KeyError, ValueError, TypeError) as error:
        raise SaidError(refusals.no_start(error)) from error


def _one_of(kind: type[T], question: dict[str, Any], key: str) -> T:
    try:
        return kind(str(question.get(key)))
    except ValueError as error:
        known = ", ".join(kind)
        raise SaidError(
            Words(
                f"{key}: {question.get(key)!r} non è fra i valori possibili: {known}",
                f"{key}: {question.get(key)!r} is unknown: say {known}",
            )
        ) from error


def _word(question: dict[str, Any], key: str) -> str:
    """Take a short text on one line."""
    return " ".join(str(question.get(key) or "").split())[:LONGEST_WORD]


def _text(question: dict[str, Any], key: str) -> str:
    return str(question.get(key) or "").strip()[:LONGEST_TEXT]


def _requester(question: dict[str, Any]) -> str:
    by = _word(question, "by")
    if not by:
        raise SaidError(
            Words("manca chi lo chiede: indicare un nome", "who asks? Give a name with `by`")
        )
    return by


def _number(question: dict[str, Any]) -> int:
    number = question.get("number")
    if not isinstance(number, int) or not 0 < number < HIGHEST:
        raise SaidError(
            Words(
                f"{number!r} non è il numero di una presa in carico o di un'e-mail: guardare "
                "nell'elenco",
                f"{number!r} is no number of a request or mail: look with list",
            )
        )
    return number
