"""The directory of offices: entries and their e-mails, drafts of forms, queries.

Undisclosed numbers are revealed to the supervisor only, one at a time, and audited first (P7).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

from appliance.api.commands import (
    Authorise,
    Declare,
    DirectoryForm,
    EditUnit,
    Explain,
    FetchAttachment,
    KeepDraft,
    ListTimesAhead,
    ListUnits,
    LoadDirectory,
    RevealNumber,
    Revoke,
    SendAttachment,
    TellNumber,
    Vary,
)
from appliance.api.protocol import (
    CommandHandlers,
    DeferredReply,
    Handlers,
    Incoming,
    Outgoing,
    Reply,
    SendReply,
    check_may,
    command,
    declined,
    deferred,
    form_declined,
)
from appliance.api.replies import (
    DirectoryAhead,
    DirectoryFormTaken,
    DirectoryReply,
    Done,
    ExplainedTransfer,
    ExplainReply,
    FormTaken,
    HoursOfUnit,
    LineName,
    NeedReport,
    Part,
    RevealedNumber,
    UnitReport,
    UnitsLoaded,
)
from appliance.api.speech import withheld_now
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
    undisclosed_texts,
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
from appliance.policy.forms import FormProblem, FormRefused
from appliance.policy.numbering import MASK, Purpose
from appliance.policy.opening import NO_MANUAL_STATES
from appliance.policy.privacy import Disclosure, must_not_say
from appliance.policy.routing import GroupState, explain
from appliance.policy.text import Refused, SaidError
from appliance.policy.transfers import TransferAllowed, may_transfer
from appliance.policy.users import Permission
from appliance.store import database, users
from appliance.store import directory as store
from appliance.store.database import Noted, transaction
from appliance.store.directory import Who
from appliance.text import Words, _, by_language

if TYPE_CHECKING:
    import sqlite3
    from zoneinfo import ZoneInfo

    from appliance.api.call_control import CallControlAccess, StoreAccess
    from appliance.policy.lines import Line
    from appliance.policy.office import Office

T = TypeVar("T")
HIGHEST: Final = 10**9
"""Upper limit of an entry's number and of a byte offset in a file."""
ATTACHMENT_NOTED: Final = "register.attachment"
"""The audit's code, also used by the command that extracts an attachment."""
NOT_TAKEN: Final = FormProblem(
    "email",
    _(
        "this file is neither an e-mail (.eml) nor a PDF: save it as EML from the "
        "mail programme, or print it to a PDF"
    ),
)
NO_ATTACHMENT: Final = _("no e-mail is attached to that entry")


class AttachmentCommands(CommandHandlers):
    """E-mails attached to entries (P4).

    An e-mail is uploaded in parts before the entry that names it, and stored sealed with it. Only
    the supervisor may fetch one, which is audited first.
    """

    # An e-mail may name undisclosed numbers (P7): hence the seal, the permission and the audit.

    def __init__(self, stores: StoreAccess, now: Callable[[], Now]) -> None:
        self._stores, self._now = stores, now
        self._incoming = Incoming(store.ATTACHMENT_LIMIT)
        # Used in the database thread only.
        self._outgoing = Outgoing()

    @command(SendAttachment)
    def part(self, wish: SendAttachment) -> Reply:
        """Take one part of a file; the form that names the file follows its last part."""
        return self._incoming.take(wish.by, wish.at, wish.data)

    def attached(self, given: str, by: str) -> dict[str, bytes] | FormRefused:
        """Return a change's file by its name in the store, {} if none, or the refusal."""
        if not given:
            return {}
        data = self._incoming.collect(by)
        # By its content: a name's extension proves nothing.
        sort = attachment_kind(data)
        if sort is None:
            return FormRefused(NOT_TAKEN)
        return {attachment_name(given[:200], hashlib.sha256(data).hexdigest(), sort): data}

    @command(FetchAttachment)
    def file(self, wish: FetchAttachment) -> DeferredReply:
        """Return one part of an entry's file from byte `at`."""
        by, entry, begin, at = wish.by, wish.entry, wish.at, self._now().wall

        def job(connection: sqlite3.Connection) -> Part:
            check_may(connection, by, Permission.REVEAL_NUMBERS)

            def opened() -> bytes:
                return self._opened(connection, by, entry, at)

            return self._outgoing.part((by, entry), begin, opened)

        return deferred(self._stores.records, job, declined)

    def _opened(self, connection: sqlite3.Connection, by: str, entry: int, at: datetime) -> bytes:
        """Unseal an entry's file and write its user to the audit."""
        name = name_of(store.load_masked(connection), entry)
        if not name:
            raise Refused(NO_ATTACHMENT)
        data = store.attachment(connection, self._stores.directory.key, name)
        with transaction(connection):
            database.note(connection, Noted(at, by, ATTACHMENT_NOTED, name))
        return data


def name_of(directory: Directory, number: int) -> str:
    """Return the name of an entry's attachment, "" if none."""
    found = (each.attachment for _, each in stamps_with_place(directory) if each.number == number)
    return next(found, "")


PLACES: Final[Mapping[str, Permission]] = {
    "desk": Permission.SEE_DESK,
    "inbox": Permission.REQUESTS,
    "declare": Permission.EDIT_DIRECTORY,
}
"""Permissions of forms with drafts, by the first word of the place's name."""
WITHOUT_NUMBERS: Final = frozenset({"desk", "inbox"})
"""Forms in which no office's number is typed."""
# Half of a command's length (LINE_LIMIT): a draft is JSON within JSON, whose quotes are escaped.
LONGEST_DRAFT: Final = 8_000
"""Characters of a draft."""
LONGEST_PLACE: Final = 80


class DraftCommands(CommandHandlers):
    """Drafts of forms, one per user and place (E18)."""

    # A draft changes nothing, so it is not audited.

    def __init__(self, stores: StoreAccess, now: Callable[[], Now]) -> None:
        self._stores, self._now = stores, now

    @command(KeepDraft)
    def keep(self, wish: KeepDraft) -> DeferredReply:
        """Replace the draft of a place; an empty one deletes it."""
        by, place, body = wish.by, wish.place, wish.body
        permission = PLACES.get(place.partition(":")[0])
        if permission is None or len(place) > LONGEST_PLACE:
            raise OfficeError(f"nothing is half typed in {place[:80]!r} by {by[:64]!r}")
        if len(body) > LONGEST_DRAFT:
            raise OfficeError(f"a draft has {LONGEST_DRAFT} characters at most")
        kept, at = _storable(place, body), self._now().wall

        def job(connection: sqlite3.Connection) -> None:
            check_may(connection, by, permission)
            users.keep(connection, by, place, kept, at)

        def reply(result: CentralinoError | None) -> Reply | CentralinoError:
            return Done() if result is None else declined(result)

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
    if place not in WITHOUT_NUMBERS:
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


SAVED: Final = _("Saved: in force at once.")
UNREAD: Final = _(
    "Saved, but the switchboard cannot read the register again: the one before "
    "holds; tell the technician."
)
NO_NUMBER: Final = _("that number is not in the register")
NOT_TOLD: Final = _("the authorisation holds no longer: the number is not told")


@dataclass(frozen=True, slots=True)
class Change:
    """A kind of change: its code in the audit, its permission, the reader of its form."""

    what: str
    permission: Permission
    make: FormReader


CHANGES: Final[dict[type[DirectoryForm], Change]] = {
    Declare: Change("declare", Permission.EDIT_DIRECTORY, directory_changes.declare),
    Vary: Change("vary", Permission.VARY_DIRECTORY, directory_changes.vary),
    Authorise: Change("authorise", Permission.EDIT_DIRECTORY, directory_changes.authorise),
    Revoke: Change("revoke", Permission.EDIT_DIRECTORY, directory_changes.revoke),
    EditUnit: Change("unit", Permission.EDIT_DIRECTORY, directory_changes.edit_unit),
}


class DirectoryCommands(CommandHandlers):
    """Changes of the directory, and its numbers.

    Each change is a form (policy.directory_changes), previewed or saved in the database thread.
    The reply is sent once it is in force (E12).
    """

    def __init__(self, stores: StoreAccess, zone: ZoneInfo, now: Callable[[], Now]) -> None:
        self._stores, self._zone, self._now = stores, zone, now
        self._key = stores.directory.key
        self._attachments = AttachmentCommands(stores, now)

    @property
    def known(self) -> Handlers:
        """Map each command to its method, including attachments."""
        return super().known | self._attachments.known

    @command(*CHANGES)
    def change(self, wish: DirectoryForm) -> DeferredReply:
        """Change the directory by a form, or preview the change."""
        change, by, form = CHANGES[type(wish)], wish.by, wish.form
        # A preview leaves the uploaded file for the change that follows.
        at, preview = self._at(), wish.preview
        attached = {} if preview else self._attachments.attached(wish.attached, by)
        if isinstance(attached, FormRefused):
            refused = form_declined(attached)
            return lambda send: send(refused)
        stamp = EnteredBy(by, at, next(iter(attached), ""))

        def make(stored: Directory) -> DirectoryChange:
            # The same command again: enter nothing twice.
            if _is_entered(stored, stamp):
                return DirectoryChange(stored)
            made = change.make(stored, form, stamp, at.date())
            self._check_entered(made)
            return made

        def job(connection: sqlite3.Connection) -> DirectoryChange:
            check_may(connection, by, change.permission)
            self._check_disclosed(form)
            if preview:
                return make(store.load(connection, self._key))
            who = Who(by, at, change.what)
            return store.change(connection, self._key, who, make, attached)

        def answer(merged: DirectoryChange) -> DirectoryFormTaken:
            changes = tuple(change_words(merged, at.date()))
            entry = merged.directory.last_number()
            return DirectoryFormTaken(changes, SAVED, saved=not preview, entry=entry)

        return self._deferred(job, answer, reads_again=not preview)

    def _check_disclosed(self, form: Mapping[str, Any]) -> None:
        """Raise Refused for a text with a number that callers may not be told (P7)."""
        known = self._stores.spoken.disclosure()
        # operators tell callers the sentence, and read names and notices
        texts = (str(form.get(field, "")) for field in ("name", "say", "notice"))
        if known is not None and (offices := known.kept_by(*texts)):
            raise Refused(must_not_say(str(form.get("unit") or form.get("name", "")), offices))

    def _check_entered(self, made: DirectoryChange) -> None:
        """Raise Refused for a text of an entry that names a number, also one of that entry (P7)."""
        known = self._stores.spoken.disclosure()
        if known is not None:
            entered = replace(known, directory=of_known_units(made.directory))
            for fault in undisclosed_texts(made, entered):
                raise Refused(fault.words)

    @command(RevealNumber)
    def number(self, wish: RevealNumber) -> DeferredReply:
        """Reveal one number to the supervisor; audited first."""
        by, at, entry, need, which = wish.by, self._at(), wish.entry, wish.need, wish.which

        def job(connection: sqlite3.Connection) -> str:
            check_may(connection, by, Permission.REVEAL_NUMBERS)
            directory = store.load(connection, self._key)
            target = declared_number(directory, entry, need, which)
            # An authorisation may hold a number that no declaration has.
            if target is None:
                leaves = (a.told for a in directory.authorisations if a.entry.number == entry)
                target = next(leaves, None)
            if target is None or not target.number.is_known:
                raise Refused(NO_NUMBER)
            about = f"entry {entry} {need} {which}" if need else f"entry {entry}"
            with transaction(connection):
                database.note(connection, Noted(at, by, "register.number", about))
            return target.number.reveal(Purpose.SHOW)

        return self._deferred(job, RevealedNumber)

    @command(TellNumber)
    def disclose(self, wish: TellNumber) -> DeferredReply:
        """Reveal a number that may be told to callers under its authorisation; audited first."""
        by, at, entry = wish.by, self._at(), wish.entry

        def job(connection: sqlite3.Connection) -> str:
            check_may(connection, by, Permission.TRANSFER)
            directory = of_known_units(store.load(connection, self._key))
            # Only a number with an authorisation may be told to a caller.
            leave = next((a for a in directory.authorisations if a.entry.number == entry), None)
            number = leave.told.number if leave else None
            if leave is None or number is None:
                raise Refused(NO_NUMBER)
            # It may have ended, or been revoked, since the page was shown.
            if may_tell(directory, leave.unit, number, at, self._zone) != leave:
                raise Refused(NOT_TOLD)
            with transaction(connection):
                about = f"entry {entry} of {leave.unit}"
                database.note(connection, Noted(at, by, "register.told", about))
            return number.reveal(Purpose.TELL)

        return self._deferred(job, RevealedNumber)

    @command(LoadDirectory)
    def read_again(self, _: LoadDirectory) -> DeferredReply:
        """Load the directory again after a command line has changed it (E12: within 1 s)."""

        def deferred_reply(send: SendReply) -> None:
            def read(found: Directory | CentralinoError) -> None:
                send(found if isinstance(found, CentralinoError) else UnitsLoaded(len(found.units)))

            self._stores.directory.load(read)

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
                    self._stores.directory.load(lambda read: send(_in_force(reply(result), read)))
                else:
                    send(reply(result))

            self._stores.records.do(job, done)

        return deferred_reply


def _in_force(reply: Reply, read: Directory | CentralinoError) -> Reply:
    """Return the reply; if the saved directory cannot be loaded, the previous one stays."""
    if isinstance(read, CentralinoError) and isinstance(reply, FormTaken):
        return replace(reply, said=UNREAD)
    return reply


def _is_entered(stored: Directory, stamp: EnteredBy) -> bool:
    return any(
        entry.by == stamp.by and entry.at == stamp.at for _, entry in stamps_with_place(stored)
    )


YEAR_DAYS: Final = 365
LIVE: Final = (GroupState.FREE, GroupState.BUSY, GroupState.UNREACHABLE)
"""States of a group that depend on its phones, not on its hours."""


SENTENCE: Final = _(
    "{unit}: the sentence to say names the number {number} ({office}), which callers may not be "
    "told: leave the number out."
)


def _kept_in_sentences(disclosure: Disclosure) -> Iterator[Words]:
    """Yield the units whose sentence for callers names a number that they may not be told."""
    for unit in disclosure.directory.units:
        if offices := disclosure.kept_by(unit.say):
            yield SENTENCE.filled(unit=unit.code, number=MASK, office=", ".join(offices))


class DirectoryQueries(CommandHandlers):
    """The directory in force and what a call would do."""

    def __init__(self, call_control: CallControlAccess, stores: StoreAccess) -> None:
        self._call_control, self._stores = call_control, stores

    @command(ListUnits)
    def state(self, _: ListUnits) -> DeferredReply:
        """Return whether each unit is open now, and items for the supervisor's attention."""
        directory, now = self._call_control.directory, self._call_control.now()
        # Finding the next time window of many units takes too long for the deciding thread.
        return deferred(
            self._stores.records,
            lambda connection: self._states(connection, directory, now),
            lambda result: result,
        )

    @property
    def _office(self) -> Office:
        """The office, with the hours in force."""
        return self._call_control.office

    def _states(
        self, connection: sqlite3.Connection, directory: Directory, now: Now
    ) -> DirectoryReply:
        calendar = self._office.switchboard.schedule
        found = attention_of(directory, now.wall, calendar.zone)
        plan = self._office.outgoing.plan
        disclosure = Disclosure(directory, plan, now.wall, calendar.zone)
        withheld = withheld_now(self._stores.spoken.folder, connection, disclosure)
        return DirectoryReply(
            tuple(map(_unit, directory_status(directory, calendar, now))),
            (
                *withheld.words(),
                *_kept_in_sentences(disclosure),
                *directory_review.attention_words(found),
            ),
            tuple(unit.code for unit in found.undeclared),
        )

    @command(ListTimesAhead)
    def times_ahead(self, _: ListTimesAhead) -> DirectoryAhead:
        """Return special hours of the switchboard and of units for a year from today (E14)."""
        directory, calendar = self._call_control.directory, self._office.switchboard.schedule
        today = self._call_control.now().wall.astimezone(calendar.zone).date()
        found = times_ahead(directory, calendar, today, today + timedelta(days=YEAR_DAYS - 1))
        return DirectoryAhead(today, tuple(_ahead(directory, each) for each in found))

    @command(Explain)
    def explain(self, wish: Explain) -> ExplainReply:
        """Explain what happens to a call that rings now or `at`, and to its transfer to `unit`.

        Phones count in their present state for now, as free for another moment. Manual states count
        until they end.
        """
        status, at = self._call_control.status(), wish.at
        line = _line(self._office, wish.line)
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
        transfer = self._transfer(wish.unit, wish.need, when, clock) if wish.unit else None
        lines = (LineName(each.name, each.shown) for each in self._office.lines)
        return ExplainReply(found.to_json(), transfer, tuple(lines))

    def _transfer(
        self, unit: str, need: str, when: datetime, clock: ClockState
    ) -> ExplainedTransfer:
        """Return whether a unit can be reached, and its numbers' labels in their order."""
        calendar = self._office.switchboard.schedule
        answer = may_transfer(
            self._call_control.directory, calendar, unit, need, Now(0.0, when, clock)
        )
        name = answer.need.name if isinstance(answer, TransferAllowed) else ""
        targets = answer.targets if isinstance(answer, TransferAllowed) else ()
        labels = tuple(target.label for target in targets)
        return ExplainedTransfer(**_need(need_status(answer, need, name, when)), targets=labels)


def _ahead(directory: Directory, each: TimeAhead) -> HoursOfUnit:
    unit = directory.unit(each.unit)
    return HoursOfUnit(
        first=each.first,
        last=each.last,
        unit=each.unit,
        name=unit.name if unit else "",
        words=by_language(lambda language: what_holds(each, language)),
    )


def _unit(each: UnitStatus) -> UnitReport:
    return UnitReport(
        unit=each.unit.code,
        name=each.unit.name,
        service=each.unit.service,
        say=each.unit.say,
        declared_by=each.declared_by,
        open=each.is_open,
        needs=tuple(NeedReport(**_need(need)) for need in each.needs),
    )


def _need(each: NeedStatus) -> dict[str, Any]:
    return {
        "need": each.need,
        "name": each.name,
        "allowed": each.allowed,
        "code": each.code,
        "rules": each.rules,
        "until": each.until,
        "resumes": each.resumes,
        "words": each.words,
    }


def _live(state: GroupState) -> GroupState:
    """Return the state of the phones alone; `explain` derives hours and manual states itself."""
    return state if state in LIVE else GroupState.FREE


def _line(office: Office, name: str) -> Line:
    found = next((line for line in office.lines if name in ("", line.name)), None)
    if found is None:
        known = ", ".join(line.name for line in office.lines) or "none"
        raise SaidError(_("there is no line {name!r}; known are {known}", name=name, known=known))
    return found
