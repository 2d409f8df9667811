"""What may be asked at the door of the register: to change it, to read it again, how it stands.

Each change is a form (policy/directory_changes.py), previewed or saved; who asks needs the right
to it. Done in the records' thread, in force when it is answered (E12). A number that is not
disclosed is shown to the head alone, one at a time, and audited before it is told (P7).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from appliance.daemon.attachment_questions import AttachmentQuestions, only_name
from appliance.daemon.door import Answer, Later, Tell
from appliance.daemon.rights import check_may
from appliance.daemon.status_words import plain
from appliance.errors import CentralinoError, OfficeError
from appliance.policy import directory_changes
from appliance.policy.clock import Now
from appliance.policy.directory import Purpose, Register, entries
from appliance.policy.directory_changes import Make, Stamp, changes
from appliance.policy.directory_forms import Merged, Unfit, in_force
from appliance.policy.directory_review import declared_number, may_tell
from appliance.policy.text import Refused, Words
from appliance.policy.users import Permission
from appliance.store import database
from appliance.store import directory as store
from appliance.store.database import Noted, transaction
from appliance.store.directory import Who

if TYPE_CHECKING:
    import sqlite3
    from zoneinfo import ZoneInfo

    from appliance.daemon.stores import Stores

SAVED: Final = Words("Salvato: in vigore da subito.", "Saved: in force at once.")
UNREAD: Final = Words(
    "Salvato, ma il centralino non riesce a rileggere la rubrica: vale quella di prima; avvisare "
    "il tecnico.",
    "Saved, but the switchboard cannot read the register again: the one before holds; tell the "
    "technician.",
)
UNTAKEN: Final = Words("Il modulo va corretto.", "The form needs mending.")
NO_NUMBER: Final = ("questo numero non è nella rubrica", "that number is not in the register")
NOT_TOLD: Final = (
    "l'autorizzazione non vale più: il numero non si comunica",
    "the authorisation holds no longer: the number is not told",
)


@dataclass(frozen=True, slots=True)
class Change:
    """One kind of change: the audit's word for it, who may, and how its form is read."""

    what: str
    permission: Permission
    make: Make


CHANGES: Final = {
    "register_declare": Change("declare", Permission.EDIT_REGISTER, directory_changes.declare),
    "register_vary": Change("vary", Permission.VARY_REGISTER, directory_changes.vary),
    "register_authorise": Change(
        "authorise", Permission.EDIT_REGISTER, directory_changes.authorise
    ),
    "register_revoke": Change("revoke", Permission.EDIT_REGISTER, directory_changes.revoke),
    "register_unit": Change("unit", Permission.EDIT_REGISTER, directory_changes.edit_unit),
}


class RegisterQuestions:
    """Answers; raises OfficeError for what is no question of its kind."""

    def __init__(self, stores: Stores, zone: ZoneInfo, now: Callable[[], Now]) -> None:
        self._stores, self._zone, self._now = stores, zone, now
        self._key = stores.register.key
        self._files = AttachmentQuestions(stores, now)

    @property
    def known(self) -> dict[str, Callable[[dict[str, Any]], Answer | Later]]:
        """Name what may be asked."""
        return {
            **dict.fromkeys(CHANGES, self.change),
            "register_number": self.number,
            "register_tell": self.tell,
            "register_changed": lambda _: register_changed(self._stores),
            **self._files.known,
        }

    def change(self, question: dict[str, Any]) -> Later:
        """Change the register by a form, or say what that would change."""
        change, by, form = CHANGES[question["ask"]], _by(question), question.get("form")
        if not isinstance(form, dict):
            raise OfficeError("a form is needed: its fields by name")
        at, preview = self._at(), question.get("preview") is True
        attached = {} if preview else self._files.attached(question, by)
        if isinstance(attached, Unfit):
            refused = _refused(attached)
            return lambda tell: tell(refused)
        stamp = Stamp(by, at, only_name(attached))

        def make(stored: Register) -> Merged:
            if _is_entered(stored, stamp):  # the same question once more
                return Merged(stored)
            return change.make(stored, form, stamp, at.date())

        def job(connection: sqlite3.Connection) -> Merged:
            check_may(connection, by, change.permission)
            if preview:
                return make(store.load(connection, self._key))
            who = Who(by, at, change.what)
            return store.change(connection, self._key, who, make, attached)

        def answer(merged: Merged) -> Answer:
            return {"saved": not preview, **_told(merged, at.date())}

        return self._later(job, answer, reads_again=not preview)

    def number(self, question: dict[str, Any]) -> Later:
        """Show one number to the head; audited first."""
        by, at = _by(question), self._at()
        entry, which = _whole(question, "entry"), _whole(question, "which")
        need = str(question.get("need", ""))[:64]

        def job(connection: sqlite3.Connection) -> str:
            check_may(connection, by, Permission.REVEAL_NUMBERS)
            register = store.load(connection, self._key)
            target = declared_number(register, entry, need, which)
            if target is None:
                leaves = (a.told for a in register.authorisations if a.entry.number == entry)
                target = next(leaves, None)
            if target is None or not target.number.is_known:
                raise Refused(*NO_NUMBER)
            about = f"entry {entry} {need} {which}" if need else f"entry {entry}"
            with transaction(connection):
                database.note(connection, Noted(at, by, "register.number", about))
            return target.number.reveal(Purpose.SHOW)

        return self._later(job, lambda number: {"number": number})

    def tell(self, question: dict[str, Any]) -> Later:
        """Show a number that may be told, by its authorisation while that holds; noted first."""
        by, at, entry = _by(question), self._at(), _whole(question, "entry")

        def job(connection: sqlite3.Connection) -> str:
            check_may(connection, by, Permission.TRANSFER)
            register = in_force(store.load(connection, self._key))
            leave = next((a for a in register.authorisations if a.entry.number == entry), None)
            number = leave.told.number if leave else None
            if leave is None or number is None:
                raise Refused(*NO_NUMBER)
            if may_tell(register, leave.unit, number, at, self._zone) != leave:
                raise Refused(*NOT_TOLD)
            with transaction(connection):
                about = f"entry {entry} of {leave.unit}"
                database.note(connection, Noted(at, by, "register.told", about))
            return number.reveal(Purpose.TELL)

        return self._later(job, lambda number: {"number": number})

    def _at(self) -> datetime:
        return self._now().wall.astimezone(self._zone)

    def _later(
        self,
        job: Callable[[sqlite3.Connection], Any],
        answer: Callable[[Any], Answer],
        *,
        reads_again: bool = False,
    ) -> Later:
        """Do a job in the records' thread; where it has changed the register, it is read again."""

        def later(tell: Tell) -> None:
            def done(result: Any) -> None:
                if isinstance(result, CentralinoError):
                    tell(_refused(result))
                elif reads_again:
                    self._stores.register.load(lambda read: tell(_in_force(answer(result), read)))
                else:
                    tell(answer(result))

            self._stores.records.do(job, done)

        return later


def register_changed(stores: Stores) -> Later:
    """Read the register again: a command has changed it (E12: in force within 1 s)."""

    def later(tell: Tell) -> None:
        def told(found: Register | CentralinoError) -> None:
            tell(found if isinstance(found, CentralinoError) else {"units": len(found.units)})

        stores.register.load(told)

    return later


def _refused(error: CentralinoError) -> Answer | CentralinoError:
    """Let a refusal be said in both languages, each problem at its field."""
    if isinstance(error, Unfit):
        found = [{"place": each.place, **plain(each.words)} for each in error.problems]
        return {"done": False, "said": plain(UNTAKEN), "problems": found}
    if isinstance(error, Refused):
        return {"done": False, "said": plain(error.words), "problems": []}
    return error


def _told(merged: Merged, today: date) -> Answer:
    said = [plain(each) for each in changes(merged, today)]
    return {"changes": said, "entry": merged.register.last_number(), "said": plain(SAVED)}


def _in_force(answer: Answer, read: Register | CentralinoError) -> Answer:
    """Say so where what was saved could not be read again: the register read last holds."""
    return answer | {"said": plain(UNREAD)} if isinstance(read, CentralinoError) else answer


def _is_entered(stored: Register, stamp: Stamp) -> bool:
    return any(entry.by == stamp.by and entry.at == stamp.at for _, entry in entries(stored))


def _by(question: dict[str, Any]) -> str:
    by = question.get("by")
    if not isinstance(by, str) or not by.strip():
        raise OfficeError("by is needed: the user who asks")
    return by[:64]


def _whole(question: dict[str, Any], key: str) -> int:
    value = question.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, int):
        raise OfficeError(f"{key} is a whole number")
    return value
