"""What is asked at the door about dictating an announcement: a phone is rung, how far it is, drop.

Who may is looked at in the records' thread, whether the phone can be rung by the deciding one.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from appliance.calls import events, orders
from appliance.calls.status import GOING_ON, SAID
from appliance.daemon import shell_proof
from appliance.daemon.announcement_questions import AnnouncementQuestions
from appliance.daemon.dictations import Asked
from appliance.daemon.door import Answer, Later, Tell
from appliance.daemon.rights import check_may
from appliance.daemon.spoken import path_of
from appliance.daemon.status_words import plain
from appliance.errors import CentralinoError, OfficeError
from appliance.policy.text import Refused, SaidError, Words
from appliance.policy.users import Permission
from appliance.store import database
from appliance.store.database import Noted, transaction

if TYPE_CHECKING:
    import sqlite3

    from appliance.daemon.desk import Desk
    from appliance.daemon.stores import Stores

DROPPED = "announcement.draft_drop"
NO_DRAFT: Final = ("questa registrazione non c'è più", "this recording is no longer there")
DROPPED_SAID: Final = Words("Registrazione scartata.", "The recording is discarded.")
LONGEST: Final = 64


class DictationQuestions:
    """Answers; raises OfficeError for what is no question of its kind."""

    def __init__(self, stores: Stores, desk: Desk, announcements: AnnouncementQuestions) -> None:
        self._stores, self._desk, self._announcements = stores, desk, announcements
        self._asks = itertools.count(1)
        self._waiting: dict[str, tuple[Tell, Asked]] = {}

    @property
    def known(self) -> dict[str, Callable[[dict[str, Any]], Answer | Later]]:
        """Name what may be asked."""
        return {
            "announcement_dictate": self.dictate,
            "announcement_dictation": self.dictation,
            "announcement_draft_drop": self.drop,
        }

    def dictate(self, question: dict[str, Any]) -> Later:
        """Ring a phone, named by its name or its extension, to say an announcement at it."""
        by, language, key = _which(question)
        named = _word(question, "phone")
        phone = self._desk.office.phone_at(named) or named

        def later(tell: Tell) -> None:
            ask = f"dictation {next(self._asks)}"

            def checked(result: CentralinoError | None) -> None:
                if isinstance(result, CentralinoError):
                    tell(_refused(result))
                    return
                self._waiting[ask] = tell, Asked(language, key, by)
                self._desk.post(events.DictationAsked(ask, phone))

            self._stores.records.do(lambda c: self._check(c, question), checked)

        return later

    def answered(self, order: orders.AnswerAsked) -> None:
        """Tell the visitor what the desk has decided; from now on it is told how far it is."""
        tell, asked = self._waiting.pop(order.ask, (None, None))
        if tell is None or asked is None or not isinstance(order.said, Words):
            return
        if order.done:
            self._stores.dictations.asked(order.ask, asked)
        tell({"done": order.done, "said": plain(order.said)})

    def dictation(self, question: dict[str, Any]) -> Answer:
        """Say how far the dictation is that somebody asked for."""
        by, language, key = _which(question)
        found = self._stores.dictations.latest(by, language, key)
        if found is None:
            return {"went": "", "over": True}
        is_over = found.went not in GOING_ON
        return {"went": found.went.value, "over": is_over, "said": plain(SAID[found.went])}

    def drop(self, question: dict[str, Any]) -> Later:
        """Forget a draft."""
        by, language, key = _which(question)
        at = self._desk.now().wall

        def job(connection: sqlite3.Connection) -> None:
            self._check(connection, question)
            path = path_of(self._stores.dictations.folder, language, key)
            if not path.exists():
                raise Refused(*NO_DRAFT)
            path.unlink()
            with transaction(connection):
                database.note(connection, Noted(at, by, DROPPED, f"{language}/{key}"))

        def later(tell: Tell) -> None:
            def done(result: CentralinoError | None) -> None:
                tell({"said": plain(DROPPED_SAID)} if result is None else _refused(result))

            self._stores.records.do(job, done)

        return later

    def _check(self, connection: sqlite3.Connection, question: dict[str, Any]) -> None:
        """Refuse who may not, and what is no announcement that is changed here.

        From the shell it may be a new one, as those of `centralino prompts say`.
        """
        by, language, key = _which(question)
        word = question.get("proof")
        if word is None:
            check_may(connection, by, Permission.PROMPTS)
            self._announcements.check(language, key)
            return
        if not shell_proof.is_right(self._stores.dictations.folder.parent, word):
            raise SaidError(
                Words(
                    "questa non è la prova della riga di comando: ripetere il comando",
                    "that is no proof of the box's shell: say the command again",
                )
            )
        self._announcements.check_name(language, key)


def _refused(error: CentralinoError) -> Answer | CentralinoError:
    return {"done": False, "said": plain(error.words)} if isinstance(error, Refused) else error


def _which(question: dict[str, Any]) -> tuple[str, str, str]:
    return _word(question, "by"), _word(question, "language"), _word(question, "key")


def _word(question: dict[str, Any], key: str) -> str:
    value = question.get(key)
    if not isinstance(value, str) or not value.strip():
        raise OfficeError(f"{key} is needed")
    return value[:LONGEST]
