"""What is asked at the door about mail itself: one to try the mail server with, by a technician.

It goes the way of every notice, through the outbox: what is tried is what the office relies on.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from appliance.daemon.door import Answer, Later, Tell
from appliance.daemon.rights import check_may
from appliance.daemon.status_words import plain
from appliance.errors import CentralinoError
from appliance.mail.letter import is_address
from appliance.policy.clock import Now
from appliance.policy.requests import TEST, Mail
from appliance.policy.text import Refused, Words
from appliance.policy.users import Permission
from appliance.store import database, requests
from appliance.store.database import Noted, transaction

if TYPE_CHECKING:
    import sqlite3

    from appliance.daemon.stores import Stores

MOST: Final = 5
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
    def known(self) -> dict[str, Callable[[dict[str, Any]], Later]]:
        """Name what may be asked."""
        return {"mail_test": self.test}

    def test(self, question: dict[str, Any]) -> Later:
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
            if requests.count_since(connection, TEST, at - WITHIN) >= MOST:
                raise Refused(
                    f"{MOST} prove in un'ora bastano: riprovare più tardi",
                    f"{MOST} tests an hour are enough: try again later",
                )
            with transaction(connection):
                requests.put_notice(connection, mail, at, letters.domain)
                database.note(connection, Noted(at, by, "mail.test"))
            return requests.number_of_notice(connection, mail.key)

        def later(tell: Tell) -> None:
            def done(result: int | CentralinoError) -> None:
                if not isinstance(result, CentralinoError):
                    letters.queued()
                tell(_answer(result))

            self._stores.records.do(job, done)

        return later


def _answer(result: int | CentralinoError) -> Answer | CentralinoError:
    """Say what came of it; a refusal in both languages."""
    if isinstance(result, Refused):
        return {"done": False, "said": plain(result.words)}
    if isinstance(result, CentralinoError):
        return result
    said = Words(QUEUED.it.format(result), QUEUED.en.format(result))
    return {"number": result, "said": plain(said)}
