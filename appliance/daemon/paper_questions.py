"""What is asked at the door about a request's papers: written, in parts; an e-mail sent again.

A paper is longer than an answer should be: it is made once and fetched in parts that follow one
another. Done in the records' thread; audited before the first part is told (E15). For a PDF what
stands on it is told (paper/document.py): whoever asks lays it out, in no thread of the desk's.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from appliance.daemon.door import Answer, Later, Tell
from appliance.daemon.mailroom import Mailroom
from appliance.daemon.parts import Outgoing
from appliance.daemon.rights import check_may
from appliance.daemon.status_words import plain
from appliance.errors import CentralinoError, OfficeError
from appliance.paper.document import to_json
from appliance.policy.requests import TOKEN_BYTES, MailState, due, retried, sent_again
from appliance.policy.text import Refused
from appliance.policy.users import Permission
from appliance.store import database, requests
from appliance.store.database import Noted, transaction
from appliance.store.requests import StoredNotice as KeptMail
from appliance.store.writer import Records

if TYPE_CHECKING:
    import sqlite3

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
    def known(self) -> dict[str, Callable[[dict[str, Any]], Later]]:
        """Name what may be asked."""
        return {"request_paper": self.paper, "mail_again": self.again}

    def paper(self, question: dict[str, Any]) -> Later:
        """Give one part of a paper, from its byte `at`; the first part makes it."""
        wanted, begin, at = _wanted(question), _whole(question, "at"), self._now()

        def job(connection: sqlite3.Connection) -> Answer:
            check_may(connection, wanted.by, Permission.REQUESTS)

            def written() -> bytes:
                return self._written(connection, wanted, at)

            return self._outgoing.part(wanted, begin, written)

        return self._later(job)

    def again(self, question: dict[str, Any]) -> Later:
        """Send an e-mail once more, to the office's address of today; one that waits, now."""
        by, number, request = _by(question), _whole(question, "mail"), _whole(question, "number")
        at, letters = self._now(), self._records.letters
        copy, token = uuid.uuid4().hex[:12], secrets.token_urlsafe(TOKEN_BYTES)

        def job(connection: sqlite3.Connection) -> Answer:
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

    def _later(self, job: Callable[[sqlite3.Connection], Answer], wakes: bool = False) -> Later:
        """Do a job in the records' thread; a refusal is said in both languages."""

        def later(tell: Tell) -> None:
            def done(result: Answer | CentralinoError) -> None:
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
