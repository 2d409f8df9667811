"""What is asked at the door about requests and the outbox: taken, changed, told when to come.

Decided in the desk's thread by what is in memory, done and answered in the records' thread.
"""

from __future__ import annotations

import enum
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

from appliance.daemon import diary_questions
from appliance.daemon.door import Answer, Later, Tell, moment
from appliance.daemon.due_questions import dues
from appliance.daemon.link_questions import LinkQuestions
from appliance.daemon.mailroom import Mailroom
from appliance.daemon.paper_questions import PaperQuestions
from appliance.daemon.rights import check_may, check_own
from appliance.daemon.status_words import plain
from appliance.errors import CentralinoError, OfficeError
from appliance.policy import requests as refusals
from appliance.policy.directory import ReturnRule
from appliance.policy.numbering import HOME, Plan
from appliance.policy.requests import (
    Appointment,
    Citizen,
    Contact,
    Form,
    NewRequest,
    RequestStep,
    Slot,
    in_few_words,
)
from appliance.policy.text import SaidError, Words
from appliance.policy.users import Permission
from appliance.store import requests
from appliance.store.requests import Diary, Happened, StoredRequest, Taking
from appliance.store.writer import Records

if TYPE_CHECKING:
    import sqlite3

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
HIGHEST: Final = 1_000_000_000
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
    def known(self) -> dict[str, Callable[[dict[str, Any]], Later]]:
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

    def take(self, question: dict[str, Any]) -> Later:
        """Store a request; a citizen's open ones are offered first, unless `anyway` (E9)."""
        return self._take(question)

    def take_at_counter(self, question: dict[str, Any]) -> Later:
        """Store a request of somebody at the counter, or who has rung off: of no call, audited."""
        return self._take({**question, "call": "", "sheet": ""}, audited=True)

    def _take(self, question: dict[str, Any], audited: bool = False) -> Later:
        now = self._now()
        new, diary = self._new(question, now)
        taking = Taking(uuid.uuid4().hex, new, now, diary=diary, audited=audited)
        letters = self._records.letters
        number = "" if question.get("anyway") else new.citizen.phone
        name = "" if question.get("anyway") else new.citizen.name

        def job(connection: sqlite3.Connection) -> Answer:
            if audited:
                check_may(connection, new.by, Permission.REQUESTS)
            known = requests.find_open(connection, number, name, self._plan)
            if known:
                raise SaidError(refusals.known_already([kept.request for kept in known]))
            request = requests.insert(connection, taking, letters)
            return {"number": request.number, "said": plain(refusals.taken_words(request))}

        return self._later(job)

    def step(self, question: dict[str, Any]) -> Later:
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
        happened = Happened(uuid.uuid4().hex, step, now, _by(question), said_by, text)
        starts = _starts(question) if step is RequestStep.MOVE else None
        letters = self._records.letters

        def job(connection: sqlite3.Connection) -> Answer:
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

    def free_slots(self, question: dict[str, Any]) -> Later:
        """Return the next free slots of an office; none where it offers no slots."""
        now, unit = self._now(), _word(question, "unit")
        self._mailroom.rules(unit, "", now)
        diary = self._mailroom.diary(unit, now)

        def job(connection: sqlite3.Connection) -> Answer:
            found = requests.free(connection, diary, now, most=20) if diary else ()
            return {
                "slots": [slot.start.isoformat() for slot in found],
                "offers": diary is not None,
            }

        return self._later(job)

    def week(self, question: dict[str, Any]) -> Later:
        """Tell a week of appointments: free hours, and days when the house is closed."""
        return diary_questions.week(self._records, self._mailroom.house, self._now(), question)

    def due(self, _: dict[str, Any]) -> Later:
        """Say by when each open request is due, and which are late (E15)."""
        calendar, now = self._mailroom.house().calendar, self._now()
        return self._later(lambda connection: dues(connection, calendar, now))

    def retry(self, question: dict[str, Any]) -> Later:
        """Try a notice again, now."""
        number, by, at = _number(question), _by(question), self._now()

        def job(connection: sqlite3.Connection) -> Answer:
            kept = requests.retry(connection, number, by, at)
            return {"said": plain(refusals.retried(kept.number))}

        return self._later(job, hurry=True)

    def drop(self, question: dict[str, Any]) -> Later:
        """Give a notice up."""
        number, by, reason = _number(question), _by(question), _text(question, "reason")
        at = self._now()

        def job(connection: sqlite3.Connection) -> Answer:
            kept = requests.drop(connection, number, by, reason, at)
            return {"said": plain(refusals.dropped(kept.number))}

        return self._later(job)

    def _later(self, job: Callable[[sqlite3.Connection], Answer], hurry: bool = False) -> Later:
        """Do it in the records' thread, wake the mail thread, then answer."""

        def later(tell: Tell) -> None:
            def done(result: Answer | CentralinoError) -> None:
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
            _by(question),
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


def _by(question: dict[str, Any]) -> str:
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
