"""What may be asked at the door of special hours: those to come, one more, an end of one (E14).

A change is a form (policy/special_forms.py), previewed or saved; who asks needs the right to it.
Done in the records' thread, in force when it is answered.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from appliance.daemon import shell_proof
from appliance.daemon.door import Answer, Later, Tell
from appliance.daemon.rights import check_may
from appliance.daemon.spoken import OURS
from appliance.daemon.status_words import plain
from appliance.errors import CentralinoError, OfficeError
from appliance.policy.opening import GREETINGS
from appliance.policy.refused import Refused
from appliance.policy.register.fields import Unfit
from appliance.policy.roles import Permission
from appliance.policy.special import Special, in_force
from appliance.policy.special_forms import changes, entered, revoked
from appliance.policy.words import NOTHING, Words
from appliance.prompts import Catalogue, is_key, keys
from appliance.records import hours
from appliance.records.users import SHELL

if TYPE_CHECKING:
    import sqlite3

    from appliance.daemon.desk import Desk
    from appliance.daemon.stores import Stores

MOST: Final = 200
"""Entries that are told, the newest: years of them."""
SAVED: Final = Words(
    "Salvato: vale da subito per le nuove chiamate.", "Saved: in force at once for new calls."
)
UNTAKEN: Final = Words("Il modulo va corretto.", "The form needs mending.")
UNREAD: Final = Words(
    "Salvato, ma il centralino non riesce a rileggerlo: vale ciò che valeva prima; avvisare il "
    "tecnico.",
    "Saved, but the switchboard cannot read it again: what held before holds; tell the technician.",
)
Make = Callable[[tuple[Special, ...]], Special]


class HoursQuestions:
    """Answers; raises OfficeError for what is no question of its kind."""

    def __init__(self, stores: Stores, desk: Desk) -> None:
        self._stores, self._desk = stores, desk

    @property
    def known(self) -> dict[str, Callable[[dict[str, Any]], Answer | Later]]:
        """Name what may be asked."""
        return {
            "hours_ahead": lambda _: self.ahead,
            "hours_enter": self.enter,
            "hours_revoke": self.revoke,
        }

    def ahead(self, tell: Tell) -> None:
        """List what was entered, newest first, and the announcements that an entry may name."""
        today = self._desk.office.today(self._desk.now().wall)

        def job(connection: sqlite3.Connection) -> Answer:
            entries = hours.load(connection)
            held = {each.number for each in in_force(entries) if each.last >= today}
            told = [_entry(each, holds=each.number in held) for each in reversed(entries)]
            return {
                "today": today.isoformat(),
                "entries": told[:MOST],
                "greetings": list(self._own_greetings()),
            }

        self._stores.records.do(job, tell)

    def enter(self, question: dict[str, Any]) -> Later:
        """Enter special hours or correct some, or say which days that would change."""
        form, (by, at) = _form(question), self._who(question)

        def make(stored: tuple[Special, ...]) -> Special:
            known = (*self._own_greetings(), *GREETINGS.values())
            return entered(stored, form, known, by, at)

        return self._later(question, by, at, make)

    def revoke(self, question: dict[str, Any]) -> Later:
        """End an entry from this moment, or say which days that would change."""
        form, (by, at) = _form(question), self._who(question)
        number, reference = form.get("number"), str(form.get("reference") or "")
        if isinstance(number, bool) or not isinstance(number, int):
            raise OfficeError("number is a whole number")

        def make(stored: tuple[Special, ...]) -> Special:
            return revoked(stored, number, reference, by, at)

        return self._later(question, by, at, make)

    def _who(self, question: dict[str, Any]) -> tuple[str, datetime]:
        """Return by whom an entry is made, and when, in the office's time."""
        by = _by(question)
        by = f"{SHELL}{by}" if question.get("proof") is not None else by
        return by, self._desk.office.local(self._desk.now().wall)

    def _own_greetings(self) -> tuple[str, ...]:
        """Name the site's own announcements in the office's first language."""
        spoken, language = self._stores.spoken, self._desk.office.languages[0]
        ours = set(keys(language))
        found = Catalogue(spoken.site, spoken.folder).keys(language)
        return tuple(k for k in found if k not in ours and is_key(k) and not k.startswith(OURS))

    def _check(self, connection: sqlite3.Connection, question: dict[str, Any]) -> None:
        """Ask for the right of who asks; the box's own shell has it."""
        word = question.get("proof")
        if word is None:
            check_may(connection, _by(question), Permission.SCHEDULE)
        elif not shell_proof.is_right(self._state(), word):
            raise OfficeError("that is no proof of the box's shell: say the command again")

    def _state(self) -> Path:
        return self._stores.spoken.folder.parent

    def _later(self, question: dict[str, Any], by: str, at: datetime, make: Make) -> Later:
        preview, office = question.get("preview") is True, self._desk.office

        def job(connection: sqlite3.Connection) -> Answer:
            self._check(connection, question)
            before = hours.load(connection)
            if preview:
                new = make(before)
            else:
                new = hours.add(connection, by, at, make)
                before = tuple(each for each in before if each.number != new.number)
            said = [plain(each) for each in changes(office, before, new, at.date())]
            return {"changes": said, "number": new.number, "saved": not preview}

        def later(tell: Tell) -> None:
            def done(result: Answer | CentralinoError) -> None:
                if isinstance(result, CentralinoError):
                    tell(_refused(result))
                elif preview:
                    tell(result)
                else:
                    self._stores.hours.load(lambda read: tell(result | {"said": _said(read)}))

            self._stores.records.do(job, done)

        return later


def _said(read: object) -> Answer:
    """Say that it holds; or not, where what was saved could not be read again."""
    return plain(UNREAD if isinstance(read, CentralinoError) else SAVED)


def _refused(error: CentralinoError) -> Answer | CentralinoError:
    """Let a refusal be said in both languages, each problem at its field."""
    if isinstance(error, Unfit):
        found = [{"place": each.place, **plain(each.words)} for each in error.problems]
        return {"done": False, "said": plain(UNTAKEN), "problems": found}
    if isinstance(error, Refused):
        return {"done": False, "said": plain(error.words), "problems": []}
    return error


def _entry(each: Special, *, holds: bool) -> Answer:
    period = each.period
    week = period.week.days if period else ()
    return {
        "number": each.number,
        "whose": each.whose.value,
        "first": period.first.isoformat() if period else "",
        "last": period.last.isoformat() if period else "",
        "reason": plain(period.name if period else NOTHING),
        "week": [" ".join(map(str, bands)) for bands in week],
        "closed": bool(period) and not any(week),
        "greeting": period.greeting if period else "",
        "by": each.by,
        "at": each.at.isoformat(),
        "reference": each.reference,
        "ends": each.ends,
        "holds": holds,
    }


def _form(question: dict[str, Any]) -> dict[str, Any]:
    form = question.get("form")
    if not isinstance(form, dict):
        raise OfficeError("a form is needed: its fields by name")
    return form


def _by(question: dict[str, Any]) -> str:
    by = question.get("by")
    if not isinstance(by, str) or not by.strip():
        raise OfficeError("by is needed: the user who asks")
    return by[:64]
