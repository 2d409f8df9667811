"""What is asked at the door about the e-mails that entries of the register rest on (P4).

One comes in parts before the entry that names it, and is kept sealed with it. The head alone
fetches one, audited before it is told: it may name numbers that are not disclosed (P7).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from appliance.daemon.door import Answer, Later, Tell
from appliance.daemon.parts import Incoming, Outgoing
from appliance.daemon.rights import check_may
from appliance.daemon.status_words import plain
from appliance.errors import CentralinoError, OfficeError
from appliance.policy.clock import Now
from appliance.policy.directory import Register, entries
from appliance.policy.directory_forms import Unfit, problem
from appliance.policy.directory_review import kept_name, sort_of
from appliance.policy.text import Refused
from appliance.policy.users import Permission
from appliance.store import database
from appliance.store import directory as store
from appliance.store.database import Noted, transaction

if TYPE_CHECKING:
    import sqlite3

    from appliance.daemon.stores import Stores

FIELD: Final = "email"
"""The field of a form in which the file is given: what is wrong with it is said there."""
NOTED: Final = "register.attachment"
"""The code in the audit, as of the command that takes one out."""
NOT_TAKEN: Final = problem(
    FIELD,
    "questo file non è un'e-mail (.eml) né un PDF: salvarla dal programma di posta come EML, "
    "o stamparla in PDF",
    "this file is neither an e-mail (.eml) nor a PDF: save it as EML from the mail programme, or "
    "print it to a PDF",
)
NONE: Final = ("a questa voce non è allegata nessuna e-mail", "no e-mail is attached to that entry")


class AttachmentQuestions:
    """Answers; raises OfficeError for what is no question of its kind."""

    def __init__(self, stores: Stores, now: Callable[[], Now]) -> None:
        self._stores, self._now = stores, now
        self._incoming = Incoming(store.ATTACHMENT_LIMIT)
        self._outgoing = Outgoing()  # in the records' thread alone

    @property
    def known(self) -> dict[str, Callable[[dict[str, Any]], Answer | Later]]:
        """Name what may be asked."""
        return {"register_file_part": self.part, "register_file": self.file}

    def part(self, question: dict[str, Any]) -> Answer:
        """Take one part of a file; the form that names it follows the last one."""
        return self._incoming.take(_by(question), question)

    def attached(self, question: dict[str, Any], by: str) -> dict[str, bytes] | Unfit:
        """Return the file that goes with a change, by the name to keep it under; none for none.

        Or why that file is not taken.
        """
        given = question.get("attached", "")
        if not given:
            return {}
        if not isinstance(given, str):
            raise OfficeError("attached is the name of a file")
        data = self._incoming.collect(by)
        sort = sort_of(data)
        if sort is None:
            return Unfit(NOT_TAKEN)
        return {kept_name(given[:200], hashlib.sha256(data).hexdigest(), sort): data}

    def file(self, question: dict[str, Any]) -> Later:
        """Give one part of the file of an entry, from its byte `at`."""
        by, entry, begin = _by(question), _whole(question, "entry"), _whole(question, "at")
        at = self._now().wall

        def job(connection: sqlite3.Connection) -> Answer:
            check_may(connection, by, Permission.REVEAL_NUMBERS)

            def opened() -> bytes:
                return self._opened(connection, by, entry, at)

            return self._outgoing.part((by, entry), begin, opened)

        def later(tell: Tell) -> None:
            self._stores.records.do(job, lambda result: tell(_refused(result)))

        return later

    def _opened(self, connection: sqlite3.Connection, by: str, entry: int, at: datetime) -> bytes:
        """Open the file of an entry, and note who has asked."""
        name = name_of(store.load_masked(connection), entry)
        if not name:
            raise Refused(*NONE)
        data = store.attachment(connection, self._stores.register.key, name)
        with transaction(connection):
            database.note(connection, Noted(at, by, NOTED, name))
        return data


def name_of(register: Register, number: int) -> str:
    """Return the name of what is attached to an entry, "" for nothing."""
    found = (each.attachment for _, each in entries(register) if each.number == number)
    return next(found, "")


def only_name(attached: Mapping[str, bytes]) -> str:
    """Return the name of what is attached, "" for nothing."""
    return next(iter(attached), "")


def _refused(result: Answer | CentralinoError) -> Answer | CentralinoError:
    """Let a refusal be said in both languages."""
    if isinstance(result, Refused):
        return {"done": False, "said": plain(result.words)}
    return result


def _by(question: dict[str, Any]) -> str:
    by = question.get("by")
    if not isinstance(by, str) or not by.strip():
        raise OfficeError("by is needed: the user who asks")
    return by[:64]


def _whole(question: dict[str, Any], key: str) -> int:
    value = question.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**9:
        raise OfficeError(f"{key} is a whole number")
    return value
