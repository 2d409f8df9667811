"""Commands on the directory of offices."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from appliance.api.permissions import check_may
from appliance.api.protocol import (
    DeferredReply,
    Incoming,
    Outgoing,
    Reply,
    SendReply,
    moment,
    plain,
)
from appliance.errors import CentralinoError, OfficeError
from appliance.policy import directory_changes, directory_review
from appliance.policy.clock import ClockState, Now
from appliance.policy.directory import Purpose, Register, entries
from appliance.policy.directory_changes import Make, Stamp, changes
from appliance.policy.directory_forms import Merged, Unfit, in_force, problem
from appliance.policy.directory_review import (
    Ahead,
    NeedStanding,
    Standing,
    ahead,
    attention,
    declared_number,
    kept_name,
    may_tell,
    need_standing,
    sort_of,
    standing,
)
from appliance.policy.directory_text import what
from appliance.policy.office import NO_MARKS
from appliance.policy.routing import GroupState, explain
from appliance.policy.text import Refused, SaidError, Words
from appliance.policy.transfers import Allowed, may_transfer
from appliance.policy.users import Permission
from appliance.store import database, users
from appliance.store import directory as store
from appliance.store.database import Noted, transaction
from appliance.store.directory import Who

if TYPE_CHECKING:
    import sqlite3
    from zoneinfo import ZoneInfo

    from appliance.policy.office import Line, Office
    from appliance.service.loop import Desk, Stores


# ---- attachment questions ----------------------------------------------------------------------
# What is asked at the door about the e-mails that entries of the register rest on (P4).
#
# One comes in parts before the entry that names it, and is kept sealed with it. The head alone
# fetches one, audited before it is told: it may name numbers that are not disclosed (P7).

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
    def known(self) -> dict[str, Callable[[dict[str, Any]], Reply | DeferredReply]]:
        """Name what may be asked."""
        return {"register_file_part": self.part, "register_file": self.file}

    def part(self, question: dict[str, Any]) -> Reply:
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

    def file(self, question: dict[str, Any]) -> DeferredReply:
        """Give one part of the file of an entry, from its byte `at`."""
        by, entry, begin = (
            _by(question),
            _positive_number(question, "entry"),
            _positive_number(question, "at"),
        )
        at = self._now().wall

        def job(connection: sqlite3.Connection) -> Reply:
            check_may(connection, by, Permission.REVEAL_NUMBERS)

            def opened() -> bytes:
                return self._opened(connection, by, entry, at)

            return self._outgoing.part((by, entry), begin, opened)

        def later(tell: SendReply) -> None:
            self._stores.records.do(job, lambda result: tell(_attachment_refused(result)))

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


def _attachment_refused(result: Reply | CentralinoError) -> Reply | CentralinoError:
    """Let a refusal be said in both languages."""
    if isinstance(result, Refused):
        return {"done": False, "said": plain(result.words)}
    return result


def _by(question: dict[str, Any]) -> str:
    by = question.get("by")
    if not isinstance(by, str) or not by.strip():
        raise OfficeError("by is needed: the user who asks")
    return by[:64]


def _positive_number(question: dict[str, Any], key: str) -> int:
    value = question.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**9:
        raise OfficeError(f"{key} is a whole number")
    return value


# ---- draft questions ---------------------------------------------------------------------------
# What is asked at the door about half-typed forms: kept for whoever typed them, forgotten (E18).
#
# No change of anything, so not audited. Numbers that are not disclosed are never in one: the
# register alone keeps them, sealed (P7).

PLACES: Final[Mapping[str, Permission]] = {
    "desk": Permission.SEE_DESK,
    "declare": Permission.EDIT_REGISTER,
}
"""Where something may be half typed, by what a place's name begins with; who may type there."""
LONGEST: Final = 8_000
"""Characters of a draft: half of what a question may have, as it is JSON within JSON."""
LONGEST_PLACE: Final = 80


class DraftQuestions:
    """Answers; raises OfficeError for what is no question of its kind."""

    def __init__(self, stores: Stores, now: Callable[[], Now]) -> None:
        self._stores, self._now = stores, now

    @property
    def known(self) -> dict[str, Callable[[dict[str, Any]], DeferredReply]]:
        """Name what may be asked."""
        return {"draft_keep": self.keep}

    def keep(self, question: dict[str, Any]) -> DeferredReply:
        """Keep a draft in the place of the one before; an empty one forgets it."""
        by, place, body = (_text(question, key) for key in ("by", "place", "body"))
        permission = PLACES.get(place.partition(":")[0])
        if permission is None or len(place) > LONGEST_PLACE or not by:
            raise OfficeError(f"nothing is half typed in {place[:80]!r} by {by[:64]!r}")
        if len(body) > LONGEST:
            raise OfficeError(f"a draft has {LONGEST} characters at most")
        kept, at = _fit(place, body), self._now().wall

        def job(connection: sqlite3.Connection) -> None:
            check_may(connection, by, permission)
            users.keep(connection, by, place, kept, at)

        def later(tell: SendReply) -> None:
            self._stores.records.do(job, lambda result: tell(_answer(result)))

        return later


def _fit(place: str, body: str) -> str:
    """Return a draft as it is kept; raises OfficeError for what is no JSON object.

    Of a declaration its fields alone, without the offices' numbers.
    """
    if not body:
        return ""
    try:
        read = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise OfficeError(f"a draft is a JSON object ({error})") from error
    if not isinstance(read, dict):
        raise OfficeError("a draft is a JSON object")
    if place != "desk":
        fields = read.get("fields")
        fields = fields if isinstance(fields, list) else []
        read = {"fields": [each for each in fields if _is_kept(each)]}
    return json.dumps(read, ensure_ascii=False)


def _is_kept(field: object) -> bool:
    """Tell a field by its name and text, and leave out numbers: needs.1.numbers.2.number."""
    match field:
        case [str(name), str()]:
            return name.rpartition(".")[2] != "number"
        case _:
            return False


def _answer(result: CentralinoError | None) -> Reply | CentralinoError:
    if isinstance(result, Refused):
        return {"done": False, "said": plain(result.words)}
    return {} if result is None else result


def _text(question: dict[str, Any], key: str) -> str:
    value = question.get(key, "")
    if not isinstance(value, str):
        raise OfficeError(f"{key} is a text")
    return value


# ---- register questions ------------------------------------------------------------------------
# What may be asked at the door of the register: to change it, to read it again, how it stands.
#
# Each change is a form (policy/directory_changes.py), previewed or saved; who asks needs the right
# to it. Done in the records' thread, in force when it is answered (E12). A number that is not
# disclosed is shown to the head alone, one at a time, and audited before it is told (P7).

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
    def known(self) -> dict[str, Callable[[dict[str, Any]], Reply | DeferredReply]]:
        """Name what may be asked."""
        return {
            **dict.fromkeys(CHANGES, self.change),
            "register_number": self.number,
            "register_tell": self.tell,
            "register_changed": lambda _: register_changed(self._stores),
            **self._files.known,
        }

    def change(self, question: dict[str, Any]) -> DeferredReply:
        """Change the register by a form, or say what that would change."""
        change, by, form = CHANGES[question["ask"]], _by(question), question.get("form")
        if not isinstance(form, dict):
            raise OfficeError("a form is needed: its fields by name")
        at, preview = self._at(), question.get("preview") is True
        attached = {} if preview else self._files.attached(question, by)
        if isinstance(attached, Unfit):
            refused = _entry_refused(attached)
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

        def answer(merged: Merged) -> Reply:
            return {"saved": not preview, **_told(merged, at.date())}

        return self._later(job, answer, reads_again=not preview)

    def number(self, question: dict[str, Any]) -> DeferredReply:
        """Show one number to the head; audited first."""
        by, at = _by(question), self._at()
        entry, which = _number(question, "entry"), _number(question, "which")
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

    def tell(self, question: dict[str, Any]) -> DeferredReply:
        """Show a number that may be told, by its authorisation while that holds; noted first."""
        by, at, entry = _by(question), self._at(), _number(question, "entry")

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
        answer: Callable[[Any], Reply],
        *,
        reads_again: bool = False,
    ) -> DeferredReply:
        """Do a job in the records' thread; where it has changed the register, it is read again."""

        def later(tell: SendReply) -> None:
            def done(result: Any) -> None:
                if isinstance(result, CentralinoError):
                    tell(_entry_refused(result))
                elif reads_again:
                    self._stores.register.load(lambda read: tell(_in_force(answer(result), read)))
                else:
                    tell(answer(result))

            self._stores.records.do(job, done)

        return later


def register_changed(stores: Stores) -> DeferredReply:
    """Read the register again: a command has changed it (E12: in force within 1 s)."""

    def later(tell: SendReply) -> None:
        def told(found: Register | CentralinoError) -> None:
            tell(found if isinstance(found, CentralinoError) else {"units": len(found.units)})

        stores.register.load(told)

    return later


def _entry_refused(error: CentralinoError) -> Reply | CentralinoError:
    """Let a refusal be said in both languages, each problem at its field."""
    if isinstance(error, Unfit):
        found = [{"place": each.place, **plain(each.words)} for each in error.problems]
        return {"done": False, "said": plain(UNTAKEN), "problems": found}
    if isinstance(error, Refused):
        return {"done": False, "said": plain(error.words), "problems": []}
    return error


def _told(merged: Merged, today: date) -> Reply:
    said = [plain(each) for each in changes(merged, today)]
    return {"changes": said, "entry": merged.register.last_number(), "said": plain(SAVED)}


def _in_force(answer: Reply, read: Register | CentralinoError) -> Reply:
    """Say so where what was saved could not be read again: the register read last holds."""
    return answer | {"said": plain(UNREAD)} if isinstance(read, CentralinoError) else answer


def _is_entered(stored: Register, stamp: Stamp) -> bool:
    return any(entry.by == stamp.by and entry.at == stamp.at for _, entry in entries(stored))


def _number(question: dict[str, Any], key: str) -> int:
    value = question.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, int):
        raise OfficeError(f"{key} is a whole number")
    return value


# ---- standing questions ------------------------------------------------------------------------
# What may be asked at the door without changing anything: how units stand, what a call would do.
#
# Units are many and each looks ahead for its next band: that is done in the records' thread.

YEAR_DAYS: Final = 365
LIVE: Final = (GroupState.FREE, GroupState.BUSY, GroupState.UNREACHABLE)
"""States of a group that its own hours do not say."""


class StandingQuestions:
    """Answers; raises OfficeError for what is no question of its kind."""

    def __init__(self, desk: Desk, stores: Stores) -> None:
        self._desk, self._stores = desk, stores

    @property
    def known(self) -> dict[str, Any]:
        """Name what may be asked."""
        return {
            "register_state": self.state,
            "register_ahead": self.ahead,
            "explain": self.explain,
        }

    def state(self, _question: dict[str, Any]) -> DeferredReply:
        """Tell how every unit stands now, and what the head must look after."""
        register, now = self._desk.register, self._desk.now()

        def later(tell: SendReply) -> None:
            def done(result: Reply | CentralinoError) -> None:
                tell(result)

            self._stores.records.do(lambda _: self._states(register, now), done)

        return later

    @property
    def _office(self) -> Office:
        """The office, with the hours in force."""
        return self._desk.office

    def _states(self, register: Register, now: Now) -> Reply:
        calendar = self._office.switchboard.schedule
        found = attention(register, now.wall, calendar.zone)
        return {
            "units": [_unit(each) for each in standing(register, calendar, now)],
            "attention": [plain(words) for words in directory_review.in_words(found)],
            "undeclared": [unit.code for unit in found.undeclared],
        }

    def ahead(self, _question: dict[str, Any]) -> Reply:
        """List what is special from today on for a year, of the house and of units (E14)."""
        register, calendar = self._desk.register, self._office.switchboard.schedule
        today = self._desk.now().wall.astimezone(calendar.zone).date()
        found = ahead(register, calendar, today, today + timedelta(days=YEAR_DAYS - 1))
        rows = [_ahead(register, each) for each in found]
        return {"today": today.isoformat(), "ahead": rows}

    def explain(self, question: dict[str, Any]) -> Reply:
        """Tell what happens to a call that rings now or `at`, and to its transfer if one is named.

        For now the phones are as they are; for another moment they are taken for free. What
        people have asked for by hand counts as long as it holds.
        """
        status, at = self._desk.status(), _at(question)
        line = _line(self._office, str(question.get("line") or ""))
        live = at is None
        when = (at or status.at).astimezone(self._office.zone)
        counter = status.citizens_desk
        found = explain(
            self._office,
            line,
            when,
            _live(status.switchboard.state) if live else GroupState.FREE,
            counter.state if live and counter else None,
            status.service if when >= status.at else NO_MARKS,
            status.clock_state if live else ClockState.SYNCED,
            status.doubt,
        )
        clock = status.clock_state if live else ClockState.SYNCED
        unit, need = (str(question.get(key) or "")[:64] for key in ("unit", "need"))
        transfer = self._transfer(unit, need, when, clock) if unit else None
        lines = [{"line": each.name, "shown": each.shown} for each in self._office.lines]
        return {"explanation": found.to_json(), "transfer": transfer, "lines": lines}

    def _transfer(self, unit: str, need: str, when: datetime, clock: ClockState) -> Reply:
        """Tell whether a call could go on to a unit; the labels of its numbers in their order."""
        calendar = self._office.switchboard.schedule
        answer = may_transfer(self._desk.register, calendar, unit, need, Now(0.0, when, clock))
        name = answer.need.name if isinstance(answer, Allowed) else ""
        labels = [t.label for t in answer.targets] if isinstance(answer, Allowed) else []
        return {**_need(need_standing(answer, need, name, when)), "targets": labels}


def _ahead(register: Register, each: Ahead) -> Reply:
    unit = register.unit(each.unit)
    return {
        "first": each.first.isoformat(),
        "last": each.last.isoformat() if each.last else None,
        "unit": each.unit,
        "name": unit.name if unit else "",
        "words": {language: what(each, language) for language in ("it", "en")},
    }


def _unit(each: Standing) -> Reply:
    return {
        "unit": each.unit.code,
        "name": each.unit.name,
        "service": each.unit.service,
        "say": each.unit.say,
        "declared_by": each.declared_by,
        "open": each.is_open,
        "needs": [_need(need) for need in each.needs],
    }


def _need(each: NeedStanding) -> Reply:
    return {
        "need": each.need,
        "name": each.name,
        "allowed": each.allowed,
        "code": each.code,
        "rules": list(each.rules),
        "until": each.until.isoformat() if each.until else None,
        "resumes": each.resumes.isoformat() if each.resumes else None,
        "words": plain(each.words),
    }


def _live(state: GroupState) -> GroupState:
    """Return what phones are doing; hours and marks are looked at by the rules themselves."""
    return state if state in LIVE else GroupState.FREE


def _line(office: Office, name: str) -> Line:
    found = next((line for line in office.lines if name in ("", line.name)), None)
    if found is None:
        known = ", ".join(line.name for line in office.lines) or "none"
        raise SaidError(
            Words(
                f"la linea {name!r} non c'è; le linee note sono {known}",
                f"there is no line {name!r}; known are {known}",
            )
        )
    return found


def _at(question: dict[str, Any]) -> datetime | None:
    text = question.get("at")
    try:
        return moment(text) if text else None
    except (TypeError, ValueError) as error:
        raise OfficeError(f"at is an ISO time with its offset, or left out: {error}") from error
