"""The directory of offices: entries and their e-mails, drafts of forms, queries.

Undisclosed numbers are revealed to the supervisor only, one at a time, and audited first (P7).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeVar

from appliance.api.permissions import FREE, SHELL, CommandHandlers, check_may, command
from appliance.api.protocol import (
    Arguments,
    DeferredReply,
    Handlers,
    Incoming,
    Outgoing,
    Reply,
    SendReply,
    declined,
    deferred,
    form_declined,
    form_of,
    moment_or_none,
    plain,
    required_user,
    whole_number,
)
from appliance.errors import CentralinoError, OfficeError
from appliance.policy import directory_changes, directory_review
from appliance.policy.clock import ClockState, Now
from appliance.policy.directory import Directory, may_tell, stamps_with_place
from appliance.policy.directory_changes import (
    DirectoryChange,
    EnteredBy,
    FormReader,
    attachment_kind,
    attachment_name,
    change_words,
    declared_number,
    of_known_units,
)
from appliance.policy.directory_review import (
    NeedStatus,
    TimeAhead,
    UnitStatus,
    attention_of,
    directory_status,
    need_status,
    times_ahead,
    what_holds,
)
from appliance.policy.forms import FormRefused, form_problem
from appliance.policy.numbering import Purpose
from appliance.policy.opening import NO_MANUAL_STATES
from appliance.policy.routing import GroupState, explain
from appliance.policy.text import Refused, SaidError, Words
from appliance.policy.transfers import TransferAllowed, may_transfer
from appliance.policy.users import Permission
from appliance.store import database, users
from appliance.store import directory as store
from appliance.store.database import Noted, transaction
from appliance.store.directory import Who

if TYPE_CHECKING:
    import sqlite3
    from zoneinfo import ZoneInfo

    from appliance.api.call_control import CallControlAccess, StoreAccess
    from appliance.policy.office import Line, Office

T = TypeVar("T")
HIGHEST: Final = 10**9
"""Upper limit of an entry's number and of a byte offset in a file."""
ATTACHMENT_NOTED: Final = "register.attachment"
"""The audit's code, also used by the command that extracts an attachment."""
NOT_TAKEN: Final = form_problem(
    "email",
    "questo file non è un'e-mail (.eml) né un PDF: salvarla dal programma di posta come EML, "
    "o stamparla in PDF",
    "this file is neither an e-mail (.eml) nor a PDF: save it as EML from the mail programme, or "
    "print it to a PDF",
)
NO_ATTACHMENT: Final = (
    "a questa voce non è allegata nessuna e-mail",
    "no e-mail is attached to that entry",
)


class AttachmentCommands(CommandHandlers):
    """E-mails attached to entries (P4); raises OfficeError for wrong arguments.

    An e-mail is uploaded in parts before the entry that names it, and stored sealed with it. Only
    the supervisor may fetch one, which is audited first.
    """

    # An e-mail may name undisclosed numbers (P7): hence the seal, the permission and the audit.

    def __init__(self, stores: StoreAccess, now: Callable[[], Now]) -> None:
        self._stores, self._now = stores, now
        self._incoming = Incoming(store.ATTACHMENT_LIMIT)
        # Used in the database thread only.
        self._outgoing = Outgoing()

    @command(
        "register_file_part",
        needs=frozenset({Permission.REVEAL_NUMBERS, Permission.EDIT_REGISTER}),
    )
    def part(self, arguments: Arguments) -> Reply:
        """Take one part of a file; the form that names the file follows its last part."""
        return self._incoming.take(required_user(arguments), arguments)

    def attached(self, arguments: Arguments, by: str) -> dict[str, bytes] | FormRefused:
        """Return a change's file by its name in the store, {} if none, or the refusal."""
        given = arguments.get("attached", "")
        if not given:
            return {}
        if not isinstance(given, str):
            raise OfficeError("attached is the name of a file")
        data = self._incoming.collect(by)
        # By its content: a name's extension proves nothing.
        sort = attachment_kind(data)
        if sort is None:
            return FormRefused(NOT_TAKEN)
        return {attachment_name(given[:200], hashlib.sha256(data).hexdigest(), sort): data}

    @command("register_file", needs=Permission.REVEAL_NUMBERS)
    def file(self, arguments: Arguments) -> DeferredReply:
        """Return one part of an entry's file from byte `at`."""
        by, at = required_user(arguments), self._now().wall
        entry, begin = (whole_number(arguments, key, limit=HIGHEST) for key in ("entry", "at"))

        def job(connection: sqlite3.Connection) -> Reply:
            check_may(connection, by, Permission.REVEAL_NUMBERS)

            def opened() -> bytes:
                return self._opened(connection, by, entry, at)

            return self._outgoing.part((by, entry), begin, opened)

        return deferred(self._stores.records, job, declined)

    def _opened(self, connection: sqlite3.Connection, by: str, entry: int, at: datetime) -> bytes:
        """Unseal an entry's file and write its user to the audit."""
        name = name_of(store.load_masked(connection), entry)
        if not name:
            raise Refused(*NO_ATTACHMENT)
        data = store.attachment(connection, self._stores.register.key, name)
        with transaction(connection):
            database.note(connection, Noted(at, by, ATTACHMENT_NOTED, name))
        return data


def name_of(register: Directory, number: int) -> str:
    """Return the name of an entry's attachment, "" if none."""
    found = (each.attachment for _, each in stamps_with_place(register) if each.number == number)
    return next(found, "")


PLACES: Final[Mapping[str, Permission]] = {
    "desk": Permission.SEE_DESK,
    "declare": Permission.EDIT_REGISTER,
}
"""Permissions of forms with drafts, by the first word of the place's name."""
# Half of a command's length (LINE_LIMIT): a draft is JSON within JSON, whose quotes are escaped.
LONGEST_DRAFT: Final = 8_000
"""Characters of a draft."""
LONGEST_PLACE: Final = 80


class DraftCommands(CommandHandlers):
    """Drafts of forms, one per user and place (E18); raises OfficeError for wrong arguments."""

    # A draft changes nothing, so it is not audited.

    def __init__(self, stores: StoreAccess, now: Callable[[], Now]) -> None:
        self._stores, self._now = stores, now

    @command("draft_keep", needs=frozenset({Permission.SEE_DESK, Permission.EDIT_REGISTER}))
    def keep(self, arguments: Arguments) -> DeferredReply:
        """Replace the draft of a place; an empty one deletes it."""
        by, place, body = (_text(arguments, key) for key in ("by", "place", "body"))
        permission = PLACES.get(place.partition(":")[0])
        if permission is None or len(place) > LONGEST_PLACE or not by:
            raise OfficeError(f"nothing is half typed in {place[:80]!r} by {by[:64]!r}")
        if len(body) > LONGEST_DRAFT:
            raise OfficeError(f"a draft has {LONGEST_DRAFT} characters at most")
        kept, at = _storable(place, body), self._now().wall

        def job(connection: sqlite3.Connection) -> None:
            check_may(connection, by, permission)
            users.keep(connection, by, place, kept, at)

        def reply(result: CentralinoError | None) -> Reply | CentralinoError:
            return {} if result is None else declined(result)

        return deferred(self._stores.records, job, reply)


def _storable(place: str, body: str) -> str:
    """Return a draft as stored; raises OfficeError unless it is a JSON object."""
    if not body:
        return ""
    try:
        read = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise OfficeError(f"a draft is a JSON object ({error})") from error
    if not isinstance(read, dict):
        raise OfficeError("a draft is a JSON object")
    if place != "desk":
        # Undisclosed numbers are stored sealed, in the directory only: never in a draft (P7).
        fields = read.get("fields")
        fields = fields if isinstance(fields, list) else []
        read = {"fields": [each for each in fields if _is_kept(each)]}
    return json.dumps(read, ensure_ascii=False)


def _is_kept(field: object) -> bool:
    """True for a field (name, text) that is not a number (needs.1.numbers.2.number)."""
    match field:
        case [str(name), str()]:
            return name.rpartition(".")[2] != "number"
        case _:
            return False


def _text(arguments: Arguments, key: str) -> str:
    value = arguments.get(key, "")
    if not isinstance(value, str):
        raise OfficeError(f"{key} is a text")
    return value


SAVED: Final = Words("Salvato: in vigore da subito.", "Saved: in force at once.")
UNREAD: Final = Words(
    "Salvato, ma il centralino non riesce a rileggere la rubrica: vale quella di prima; avvisare "
    "il tecnico.",
    "Saved, but the switchboard cannot read the register again: the one before holds; tell the "
    "technician.",
)
NO_NUMBER: Final = ("questo numero non è nella rubrica", "that number is not in the register")
NOT_TOLD: Final = (
    "l'autorizzazione non vale più: il numero non si comunica",
    "the authorisation holds no longer: the number is not told",
)


@dataclass(frozen=True, slots=True)
class Change:
    """A kind of change: its code in the audit, its permission, the reader of its form."""

    what: str
    permission: Permission
    make: FormReader


CHANGES: Final = {
    "register_declare": Change("declare", Permission.EDIT_REGISTER, directory_changes.declare),
    "register_vary": Change("vary", Permission.VARY_REGISTER, directory_changes.vary),
    "register_authorise": Change(
        "authorise", Permission.EDIT_REGISTER, directory_changes.authorise
    ),
    "register_revoke": Change("revoke", Permission.EDIT_REGISTER, directory_changes.revoke),
    "register_unit": Change("unit", Permission.EDIT_REGISTER, directory_changes.edit_unit),
}


class DirectoryCommands(CommandHandlers):
    """Changes of the directory, and its numbers; raises OfficeError for wrong arguments.

    Each change is a form (policy.directory_changes), previewed or saved in the database thread.
    The reply is sent once it is in force (E12).
    """

    def __init__(self, stores: StoreAccess, zone: ZoneInfo, now: Callable[[], Now]) -> None:
        self._stores, self._zone, self._now = stores, zone, now
        self._key = stores.register.key
        self._attachments = AttachmentCommands(stores, now)

    @property
    def known(self) -> Handlers:
        """Map each command to its method, including attachments."""
        return super().known | self._attachments.known

    @command("register_vary", needs=Permission.VARY_REGISTER)
    @command(
        "register_declare",
        "register_authorise",
        "register_revoke",
        "register_unit",
        needs=Permission.EDIT_REGISTER,
    )
    def change(self, arguments: Arguments) -> DeferredReply:
        """Change the directory by a form, or preview the change."""
        change, by = CHANGES[arguments["ask"]], required_user(arguments)
        form = form_of(arguments)
        # A preview leaves the uploaded file for the change that follows.
        at, preview = self._at(), arguments.get("preview") is True
        attached = {} if preview else self._attachments.attached(arguments, by)
        if isinstance(attached, FormRefused):
            refused = form_declined(attached)
            return lambda send: send(refused)
        stamp = EnteredBy(by, at, next(iter(attached), ""))

        def make(stored: Directory) -> DirectoryChange:
            # The same command again: enter nothing twice.
            if _is_entered(stored, stamp):
                return DirectoryChange(stored)
            return change.make(stored, form, stamp, at.date())

        def job(connection: sqlite3.Connection) -> DirectoryChange:
            check_may(connection, by, change.permission)
            if preview:
                return make(store.load(connection, self._key))
            who = Who(by, at, change.what)
            return store.change(connection, self._key, who, make, attached)

        def answer(merged: DirectoryChange) -> Reply:
            return {"saved": not preview, **_told(merged, at.date())}

        return self._deferred(job, answer, reads_again=not preview)

    @command("register_number", needs=Permission.REVEAL_NUMBERS)
    def number(self, arguments: Arguments) -> DeferredReply:
        """Reveal one number to the supervisor; audited first."""
        by, at = required_user(arguments), self._at()
        entry, which = whole_number(arguments, "entry"), whole_number(arguments, "which")
        need = str(arguments.get("need", ""))[:64]

        def job(connection: sqlite3.Connection) -> str:
            check_may(connection, by, Permission.REVEAL_NUMBERS)
            register = store.load(connection, self._key)
            target = declared_number(register, entry, need, which)
            # An authorisation may hold a number that no declaration has.
            if target is None:
                leaves = (a.told for a in register.authorisations if a.entry.number == entry)
                target = next(leaves, None)
            if target is None or not target.number.is_known:
                raise Refused(*NO_NUMBER)
            about = f"entry {entry} {need} {which}" if need else f"entry {entry}"
            with transaction(connection):
                database.note(connection, Noted(at, by, "register.number", about))
            return target.number.reveal(Purpose.SHOW)

        return self._deferred(job, lambda number: {"number": number})

    @command("register_tell", needs=Permission.TRANSFER)
    def disclose(self, arguments: Arguments) -> DeferredReply:
        """Reveal a number that may be told to callers under its authorisation; audited first."""
        by, at, entry = required_user(arguments), self._at(), whole_number(arguments, "entry")

        def job(connection: sqlite3.Connection) -> str:
            check_may(connection, by, Permission.TRANSFER)
            register = of_known_units(store.load(connection, self._key))
            # Only a number with an authorisation may be told to a caller.
            leave = next((a for a in register.authorisations if a.entry.number == entry), None)
            number = leave.told.number if leave else None
            if leave is None or number is None:
                raise Refused(*NO_NUMBER)
            # It may have ended, or been revoked, since the page was shown.
            if may_tell(register, leave.unit, number, at, self._zone) != leave:
                raise Refused(*NOT_TOLD)
            with transaction(connection):
                about = f"entry {entry} of {leave.unit}"
                database.note(connection, Noted(at, by, "register.told", about))
            return number.reveal(Purpose.TELL)

        return self._deferred(job, lambda number: {"number": number})

    @command("register_changed", needs=SHELL)
    def read_again(self, _: Arguments) -> DeferredReply:
        """Load the directory again after a command line has changed it (E12: within 1 s)."""

        def deferred_reply(send: SendReply) -> None:
            def read(found: Directory | CentralinoError) -> None:
                send(found if isinstance(found, CentralinoError) else {"units": len(found.units)})

            self._stores.register.load(read)

        return deferred_reply

    def _at(self) -> datetime:
        return self._now().wall.astimezone(self._zone)

    def _deferred(
        self,
        job: Callable[[sqlite3.Connection], T],
        reply: Callable[[T], Reply],
        *,
        reads_again: bool = False,
    ) -> DeferredReply:
        """Run a job in the database thread; load a changed directory before the reply."""

        def deferred_reply(send: SendReply) -> None:
            def done(result: T | CentralinoError) -> None:
                if isinstance(result, CentralinoError):
                    send(form_declined(result))
                elif reads_again:
                    self._stores.register.load(lambda read: send(_in_force(reply(result), read)))
                else:
                    send(reply(result))

            self._stores.records.do(job, done)

        return deferred_reply


def _told(merged: DirectoryChange, today: date) -> Reply:
    said = [plain(each) for each in change_words(merged, today)]
    return {"changes": said, "entry": merged.directory.last_number(), "said": plain(SAVED)}


def _in_force(answer: Reply, read: Directory | CentralinoError) -> Reply:
    """Return the reply; if the saved directory cannot be loaded, the previous one stays."""
    return answer | {"said": plain(UNREAD)} if isinstance(read, CentralinoError) else answer


def _is_entered(stored: Directory, stamp: EnteredBy) -> bool:
    return any(
        entry.by == stamp.by and entry.at == stamp.at for _, entry in stamps_with_place(stored)
    )


YEAR_DAYS: Final = 365
LIVE: Final = (GroupState.FREE, GroupState.BUSY, GroupState.UNREACHABLE)
"""States of a group that depend on its phones, not on its hours."""


class DirectoryQueries(CommandHandlers):
    """The directory in force and what a call would do; raises OfficeError for wrong arguments."""

    def __init__(self, desk: CallControlAccess, stores: StoreAccess) -> None:
        self._desk, self._stores = desk, stores

    @command("register_state", needs=FREE)
    def state(self, _: Arguments) -> DeferredReply:
        """Return whether each unit is open now, and items for the supervisor's attention."""
        register, now = self._desk.register, self._desk.now()
        # Finding the next time window of many units takes too long for the deciding thread.
        return deferred(
            self._stores.records, lambda _: self._states(register, now), lambda result: result
        )

    @property
    def _office(self) -> Office:
        """The office, with the hours in force."""
        return self._desk.office

    def _states(self, register: Directory, now: Now) -> Reply:
        calendar = self._office.switchboard.schedule
        found = attention_of(register, now.wall, calendar.zone)
        return {
            "units": [_unit(each) for each in directory_status(register, calendar, now)],
            "attention": [plain(words) for words in directory_review.attention_words(found)],
            "undeclared": [unit.code for unit in found.undeclared],
        }

    @command("register_ahead", needs=FREE)
    def times_ahead(self, _: Arguments) -> Reply:
        """Return special hours of the house and of units for a year from today (E14)."""
        register, calendar = self._desk.register, self._office.switchboard.schedule
        today = self._desk.now().wall.astimezone(calendar.zone).date()
        found = times_ahead(register, calendar, today, today + timedelta(days=YEAR_DAYS - 1))
        rows = [_ahead(register, each) for each in found]
        return {"today": today.isoformat(), "ahead": rows}

    @command("explain", needs=FREE)
    def explain(self, arguments: Arguments) -> Reply:
        """Explain what happens to a call that rings now or `at`, and to its transfer to `unit`.

        Phones count in their present state for now, as free for another moment. Manual states count
        until they end.
        """
        status, at = self._desk.status(), moment_or_none(arguments, "at")
        line = _line(self._office, str(arguments.get("line") or ""))
        live = at is None
        when = (at or status.at).astimezone(self._office.zone)
        # A branch may have no citizens' counter.
        counter = status.citizens_desk
        found = explain(
            self._office,
            line,
            when,
            _live(status.switchboard.state) if live else GroupState.FREE,
            counter.state if live and counter else None,
            status.service if when >= status.at else NO_MANUAL_STATES,
            status.clock_state if live else ClockState.SYNCED,
            status.doubt,
        )
        clock = status.clock_state if live else ClockState.SYNCED
        unit, need = (str(arguments.get(key) or "")[:64] for key in ("unit", "need"))
        transfer = self._transfer(unit, need, when, clock) if unit else None
        lines = [{"line": each.name, "shown": each.shown} for each in self._office.lines]
        return {"explanation": found.to_json(), "transfer": transfer, "lines": lines}

    def _transfer(self, unit: str, need: str, when: datetime, clock: ClockState) -> Reply:
        """Return whether a unit can be reached, and its numbers' labels in their order."""
        calendar = self._office.switchboard.schedule
        answer = may_transfer(self._desk.register, calendar, unit, need, Now(0.0, when, clock))
        name = answer.need.name if isinstance(answer, TransferAllowed) else ""
        labels = [t.label for t in answer.targets] if isinstance(answer, TransferAllowed) else []
        return {**_need(need_status(answer, need, name, when)), "targets": labels}


def _ahead(register: Directory, each: TimeAhead) -> Reply:
    unit = register.unit(each.unit)
    return {
        "first": each.first.isoformat(),
        "last": each.last.isoformat() if each.last else None,
        "unit": each.unit,
        "name": unit.name if unit else "",
        "words": {language: what_holds(each, language) for language in ("it", "en")},
    }


def _unit(each: UnitStatus) -> Reply:
    return {
        "unit": each.unit.code,
        "name": each.unit.name,
        "service": each.unit.service,
        "say": each.unit.say,
        "declared_by": each.declared_by,
        "open": each.is_open,
        "needs": [_need(need) for need in each.needs],
    }


def _need(each: NeedStatus) -> Reply:
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
    """Return the state of the phones alone; `explain` derives hours and manual states itself."""
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
