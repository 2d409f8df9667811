"""How hours are entered at the door: by whom, previewed or saved, in force when it is answered.

Done in the records' thread; who asks needs the right to it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from appliance.daemon import shell_proof
from appliance.daemon.door import Answer, Later, Tell
from appliance.daemon.rights import check_may
from appliance.daemon.status_words import plain
from appliance.errors import CentralinoError, OfficeError
from appliance.policy.directory_forms import Unfit
from appliance.policy.hours_changes import Special
from appliance.policy.text import Refused, SaidError, Words
from appliance.policy.users import Permission
from appliance.store import hours
from appliance.store.users import SHELL

if TYPE_CHECKING:
    import sqlite3

    from appliance.daemon.desk import Desk
    from appliance.daemon.stores import Stores

SAVED: Final = Words(
    "Salvato: vale da subito per le nuove chiamate.", "Saved: in force at once for new calls."
)
UNTAKEN: Final = Words("Il modulo va corretto.", "The form needs mending.")
UNREAD: Final = Words(
    "Salvato, ma il centralino non riesce a rileggerlo: vale ciò che valeva prima; avvisare il "
    "tecnico.",
    "Saved, but the switchboard cannot read it again: what held before holds; tell the technician.",
)
Entries = tuple[Special, ...]
Make = Callable[[Entries], Special]
Compare = Callable[[Entries, Special], Answer]
"""Says what an entry changes, of those that were there before it."""


class Entering:
    """Makes entries of hours; raises OfficeError for what is no question of its kind."""

    def __init__(self, stores: Stores, desk: Desk) -> None:
        self._stores, self._desk = stores, desk

    def who(self, question: dict[str, Any]) -> tuple[str, datetime]:
        """Return by whom an entry is made, and when, in the office's time."""
        by = _by(question)
        by = f"{SHELL}{by}" if question.get("proof") is not None else by
        return by, self._desk.office.local(self._desk.now().wall)

    def later(
        self, question: dict[str, Any], make: Make, compare: Compare, saved: Words = SAVED
    ) -> Later:
        """Enter what `make` makes, or only say what `compare` finds that it would change.

        `saved` is said when it holds.
        """
        preview, (by, at) = question.get("preview") is True, self.who(question)

        def job(connection: sqlite3.Connection) -> Answer:
            self._check(connection, question)
            before = hours.load(connection)
            new = make(before) if preview else hours.add(connection, by, at, make)
            before = tuple(each for each in before if each.number != new.number)
            return {**compare(before, new), "number": new.number, "saved": not preview}

        def later(tell: Tell) -> None:
            def done(result: Answer | CentralinoError) -> None:
                if isinstance(result, CentralinoError):
                    tell(_refused(result))
                elif preview:
                    tell(result)
                else:
                    self._stores.hours.load(
                        lambda read: tell(result | {"said": _said(read, saved)})
                    )

            self._stores.records.do(job, done)

        return later

    def _check(self, connection: sqlite3.Connection, question: dict[str, Any]) -> None:
        """Ask for the right of who asks; the box's own shell has it."""
        word = question.get("proof")
        if word is None:
            check_may(connection, _by(question), Permission.SCHEDULE)
        elif not shell_proof.is_right(self._stores.spoken.folder.parent, word):
            raise SaidError(
                Words(
                    "questa non è la prova della riga di comando: ripetere il comando",
                    "that is no proof of the box's shell: say the command again",
                )
            )


def form_of(question: dict[str, Any]) -> dict[str, Any]:
    """Return the form of a question; raises OfficeError for none."""
    form = question.get("form")
    if not isinstance(form, dict):
        raise OfficeError("a form is needed: its fields by name")
    return form


def ended_by(form: dict[str, Any]) -> tuple[int, str]:
    """Return which entry a revocation ends, and its reference; raises OfficeError for no number."""
    number, reference = form.get("number"), str(form.get("reference") or "")
    if isinstance(number, bool) or not isinstance(number, int):
        raise OfficeError("number is a whole number")
    return number, reference


def _said(read: object, saved: Words) -> Answer:
    """Say that it holds; or not, where what was saved could not be read again."""
    return plain(UNREAD if isinstance(read, CentralinoError) else saved)


def _refused(error: CentralinoError) -> Answer | CentralinoError:
    """Let a refusal be said in both languages, each problem at its field."""
    if isinstance(error, Unfit):
        found = [{"place": each.place, **plain(each.words)} for each in error.problems]
        return {"done": False, "said": plain(UNTAKEN), "problems": found}
    if isinstance(error, Refused):
        return {"done": False, "said": plain(error.words), "problems": []}
    return error


def _by(question: dict[str, Any]) -> str:
    by = question.get("by")
    if not isinstance(by, str) or not by.strip():
        raise OfficeError("by is needed: the user who asks")
    return by[:64]
