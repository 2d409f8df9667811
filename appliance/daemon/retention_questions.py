"""What may be asked at the door of what is kept: how long, what goes soon, what of one caller."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from appliance.config.build import numbers_of
from appliance.daemon.caretaker import keeping_of
from appliance.daemon.door import Answer, Later, Tell
from appliance.daemon.rights import check_may
from appliance.daemon.status_words import plain
from appliance.errors import OfficeError
from appliance.policy.privacy import same_number
from appliance.policy.text import Words
from appliance.policy.users import Permission
from appliance.store import privacy
from appliance.store.retention import (
    KEPT,
    Deletion,
    Keeping,
    Soon,
    Waiting,
    deletions,
    soon,
    waiting,
)

if TYPE_CHECKING:
    import sqlite3

    from appliance.config.schema import Settings
    from appliance.daemon.lookout import Lookout
    from appliance.daemon.stores import Stores

LONGEST: Final = 64
ELSE: Final = (
    (Words("Messaggi che nessuno ha chiuso", "Messages that nobody closed"), 0),
    (Words("Registro delle modifiche, che non contiene numeri", "Audit, which holds no number"), 0),
)
"""What is kept for ever, whatever is configured."""


class RetentionQuestions:
    """Answers; `now` is the desk's wall clock. Raises OfficeError for what is no such question."""

    def __init__(
        self, settings: Settings, stores: Stores, lookout: Lookout, now: Callable[[], datetime]
    ) -> None:
        self._settings, self._stores = settings, stores
        self._lookout, self._now = lookout, now

    @property
    def known(self) -> dict[str, Callable[[dict[str, Any]], Answer | Later]]:
        """Name what may be asked."""
        return {"retention": self.retention, "kept_of": self.kept_of}

    def retention(self, question: dict[str, Any]) -> Later:
        """Tell the rules, what goes within 30 days, what waits, what went, and the last run."""
        by, now, keeping = _by(question), self._now(), keeping_of(self._settings)
        ran = self._lookout.deleted_at

        def job(connection: sqlite3.Connection) -> Answer:
            check_may(connection, by, Permission.ERASE)
            return {
                "kept": _kept(keeping),
                "soon": _soon(soon(connection, keeping, now)),
                "waiting": _waiting(waiting(connection)),
                "ran": ran.isoformat() if ran else "",
                "deleted": [_deletion(each) for each in deletions(connection)],
            }

        return self._later(job)

    def kept_of(self, question: dict[str, Any]) -> Later:
        """Hand over all that is kept of a number; audited by how much, never whose."""
        by, now = _by(question), self._now()
        number = same_number(str(question.get("number") or ""), numbers_of(self._settings))

        def job(connection: sqlite3.Connection) -> Answer:
            check_may(connection, by, Permission.ERASE)
            return {"kept": privacy.exported(connection, number, by, now)}

        return self._later(job)

    def _later(self, job: Callable[[sqlite3.Connection], Answer]) -> Later:
        def later(tell: Tell) -> None:
            self._stores.records.do(job, tell)

        return later


def _by(question: dict[str, Any]) -> str:
    by = question.get("by")
    if not isinstance(by, str) or not by.strip():
        raise OfficeError("by is needed: the user who asks")
    return by[:LONGEST]


def _kept(keeping: Keeping) -> list[Answer]:
    days = {
        "messages": keeping.messages_closed,
        "numbers": keeping.numbers,
        "mails": keeping.numbers,
        "calls": keeping.calls,
        "requests": keeping.calls,
    }
    found = [*((KEPT[what], limit) for what, limit in days.items()), *ELSE]
    return [{"what": plain(words), "days": limit} for words, limit in found]


def _soon(found: Soon) -> Answer:
    return {
        "until": found.until.isoformat(),
        "messages": [{"number": n, "at": at.isoformat()} for n, at in found.messages],
        "numbers": found.numbers,
        "calls": found.calls,
        "mails": found.mails,
        "requests": found.requests,
        "open_calls": found.open_calls,
    }


def _waiting(found: Waiting) -> Answer:
    return {
        "messages": found.messages,
        "oldest_message": found.oldest_message.isoformat() if found.oldest_message else "",
        "requests": found.requests,
        "oldest_request": found.oldest_request.isoformat() if found.oldest_request else "",
        "mails": found.mails,
    }


def _deletion(each: Deletion) -> Answer:
    words = KEPT.get(each.what, Words(each.what, each.what))
    return {"at": each.at.isoformat(), "what": plain(words), "count": len(each.ids)}
