"""Privacy: erasure by the supervisor (E20), handover between users (E19), retention."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from appliance.api import users
from appliance.api.commands import Erase, ExportKept, HandOver, ShowRetention
from appliance.api.protocol import (
    WRONG_PROOF,
    CommandHandlers,
    DeferredReply,
    Reply,
    check_may,
    command,
    deferred,
)
from appliance.api.replies import (
    DueDeletions,
    ErasureSaid,
    KeptData,
    KeptFor,
    MailedData,
    NumberedAt,
    PastDeletion,
    RetentionReply,
    Said,
    UnclosedData,
)
from appliance.config.build import keeping_of, numbers_of
from appliance.errors import CentralinoError, OfficeError
from appliance.files import fsync_directory
from appliance.mail import cancellation
from appliance.policy import privacy as words
from appliance.policy.hours import moment_words
from appliance.policy.mail import Mail
from appliance.policy.numbering import SameNumber, canonical_number, same_number
from appliance.policy.text import Refused, SaidError
from appliance.policy.users import HandoverItem, HandoverKind, Permission
from appliance.store import cases, privacy
from appliance.store.cases import Handover
from appliance.store.database import database_path
from appliance.store.privacy import Chosen, Invited, Ordered, PersonalData, find_of_person, invited
from appliance.store.retention import (
    KIND_LABELS,
    Deletion,
    RetentionDays,
    UnclosedCounts,
    UpcomingDeletions,
    count_unclosed,
    deletions,
    upcoming_deletions,
)
from appliance.store.users import SHELL
from appliance.text import Words, _, unchanged
from appliance.voicemail.storage import MailboxFolders, forget_sounds

if TYPE_CHECKING:
    import sqlite3

    from appliance.api.call_control import StoreAccess
    from appliance.config.schema import Settings
    from appliance.policy.clock import Now

log = logging.getLogger(__name__)


def cancellations(
    invited: tuple[Invited, ...], now: datetime, zone: ZoneInfo, language: str
) -> Iterator[Mail]:
    """Yield a cancellation mail to each office with a coming appointment of the person.

    It names the request's number, the day and the invitation's UID, never the person.
    """
    for each in invited:
        subject = words.CANCELLATION_SUBJECT.filled(request=each.request).text(language)
        try:
            off = cancellation(each.calendar, subject, now)
        except (ValueError, KeyError, IndexError) as error:
            log.error("the invitation of request %s cannot be taken back: %s", each.request, error)
            continue
        # A past appointment needs no cancellation.
        if off.start <= now:
            continue
        at = moment_words(off.start.astimezone(zone), language)
        body = words.CANCELLATION_LETTER.filled(number=each.request, at=at)
        key = f"erased-{each.request}"
        yield Mail(key, each.to, subject, body.text(language), calendar=off.text)


KINDS: Final = ("call", "message", "request")


@dataclass(frozen=True, slots=True)
class ErasureAsked:
    """An erasure as requested; a preview changes nothing; `proof` is a shell's, else None."""

    chosen: Chosen
    ordered: Ordered
    preview: bool
    proof: object = None


@dataclass(frozen=True, slots=True)
class ErasureDone:
    """Result: data found, number of stray files, whether the log was cut, mails to offices."""

    found: PersonalData
    files: int
    cut: bool = True
    letters: tuple[Mail, ...] = ()


class ErasureCommands(CommandHandlers):
    """Erases recordings, then rows, then call control's memory, in the database thread."""

    def __init__(
        self, settings: Settings, stores: StoreAccess, now: Callable[[], datetime]
    ) -> None:
        self._state = Path(settings.folders.state)
        self._folders = MailboxFolders(self._state / "voicemail")
        self._plan = numbers_of(settings)
        self._zone = ZoneInfo(settings.site.zone)
        self._language = settings.site.languages[0]
        self._stores, self._now = stores, now

    @command(Erase)
    def asked(self, wish: Erase) -> DeferredReply:
        """Erase personal data, or preview it; raises SaidError unless one thing is named."""
        asked = self._read(wish)

        def reply(result: ErasureDone | CentralinoError) -> Reply | CentralinoError:
            return result if isinstance(result, CentralinoError) else self._told(result, asked)

        return deferred(self._stores.records, lambda c: self._job(c, asked), reply)

    def _read(self, wish: Erase) -> ErasureAsked:
        """Return what is to be erased, by whom; raises OfficeError for what is missing."""
        every = zip(KINDS, (wish.call, wish.message, wish.request), strict=True)
        named, number = [(kind, name) for kind, name in every if name], wish.number
        if len(named) + bool(number) != 1:
            raise SaidError(_("say one: a number, or a call, message or request"))
        by = " ".join(wish.by.split())
        # A preview changes nothing, so it needs no reason.
        if not wish.preview and not (by and wish.reason):
            raise Refused(
                _("what is erased is erased by somebody, for a reason: say both"),
            )
        # The audit shows that a shell did it.
        if by and wish.proof is not None:
            by = f"{SHELL}{by}"
        chosen = Chosen(same_number(number, self._plan)) if number else Chosen(None, *named[0])
        ordered = Ordered(by, wish.reason, self._now(), wish.close_requests)
        return ErasureAsked(chosen, ordered, wish.preview, wish.proof)

    def _check(self, connection: sqlite3.Connection, asked: ErasureAsked) -> None:
        """Check the user's permission, or the proof of a shell on the box."""
        if asked.proof is None:
            check_may(connection, asked.ordered.by, Permission.ERASE)
        elif not users.proof_is_right(self._state, asked.proof):
            raise SaidError(WRONG_PROOF)

    def _job(self, connection: sqlite3.Connection, asked: ErasureAsked) -> ErasureDone:
        self._check(connection, asked)
        found = find_of_person(connection, asked.chosen)
        stray = self._stray(asked.chosen.number, found)
        letters = self._letters(connection, found, asked.ordered.at)
        if asked.preview:
            return ErasureDone(found, len(stray), letters=letters)
        # An earlier erasure may have left its rows in the write-ahead log.
        if not found.any:
            cut = privacy.cut_log(connection, database_path(self._state), asked.chosen.number)
        if found.any or not stray:
            privacy.check(found, asked.chosen, asked.ordered)
        # Recordings first: after a power cut in between, recovery would register them again.
        forget_sounds(self._folders, found.sounds)
        _unlink(stray)
        if found.any:
            domain = self._stores.records.letters.domain
            privacy.erase(connection, found, asked.chosen, asked.ordered, letters, domain)
            # SQLite overwrites erased rows in the database, but the write-ahead log still has their
            # old pages.
            cut = privacy.cut_log(connection, database_path(self._state), asked.chosen.number)
        return ErasureDone(found, len(stray), cut, letters)

    def _letters(
        self, connection: sqlite3.Connection, found: PersonalData, now: datetime
    ) -> tuple[Mail, ...]:
        asked = invited(connection, found.open_requests)
        return tuple(cancellations(asked, now, self._zone, self._language))

    def _stray(self, number: SameNumber | None, found: PersonalData) -> tuple[Path, ...]:
        """Return files of that number without a row: set aside as corrupt, or not stored yet."""
        # A file without a row names its caller only in the text beside it.
        known = {Path(sound).stem for sound in found.sounds}
        sidecars = (*self._folders.corrupt.glob("*.meta*"), *self._folders.new.glob("*.meta"))
        mine = {
            each.name.split(".")[0]: each.parent
            for each in sidecars
            if number is not None and number.is_in(each.read_text("utf-8", "replace"))
        }
        return tuple(
            path
            for ident, folder in mine.items()
            if ident not in known
            for path in folder.glob(f"{ident}.*")
        )

    def _told(self, done: ErasureDone, asked: ErasureAsked) -> ErasureSaid:
        found = done.found
        if not asked.preview:
            self._forget(found, asked.chosen.number)
        said = [self._counted(found, asked, done.files)]
        if asked.preview and found.open_requests:
            listed = ", ".join(map(str, found.open_requests))
            said.append(words.OPEN_REQUESTS.filled(requests=listed))
        if done.letters:
            off = words.WOULD_CANCEL if asked.preview else words.CANCELLATION_SENT
            listed = ", ".join(mail.key.removeprefix("erased-") for mail in done.letters)
            said.append(off.filled(requests=listed))
        if found.mailed:
            said.append(words.MAILED_BEFORE)
            said += [
                words.mail_row(
                    datetime.fromisoformat(each.at).astimezone(self._zone), each.to, each.request
                )
                for each in found.mailed
            ]
        # Damaged databases that were set aside are not searched.
        aside = self._state / "corrupt"
        if aside.is_dir() and any(aside.iterdir()):
            said.append(words.DATABASES_SET_ASIDE.filled(folder=str(aside)))
        if not done.cut:
            said.append(words.LOG_NOT_CUT)
        said.append(words.STAYS_IN_BACKUPS)
        sizes: Any = _sizes(found)
        return ErasureSaid(
            words.below_one_another(*said),
            **sizes,
            open_requests=tuple(found.open_requests),
            mailed=tuple(MailedData(e.to, e.at, e.request or None) for e in found.mailed),
            log_cut=done.cut,
        )

    def _counted(self, found: PersonalData, asked: ErasureAsked, files: int) -> Words:
        counts = words.ERASURE_COUNTS.filled(**{**_sizes(found), "files": files})
        return (words.WOULD_ERASE if asked.preview else words.ERASED).filled(counts=counts)

    def _forget(self, found: PersonalData, number: SameNumber | None) -> None:
        """Remove the numbers from call control's memory and count the messages again."""
        # Call control knows numbers in either form.
        national = {canonical_number(each, self._plan) for each in found.numbers}
        own = {number.national} if number is not None else set()
        self._stores.forget_numbers(tuple(sorted(found.numbers | national | own)))
        self._stores.mailbox.recount()
        # Wake the mail thread for the cancellations.
        self._stores.records.letters.queued()
        log.info("erased by the head: %s", _sizes(found))


def _sizes(found: PersonalData) -> dict[str, int]:
    return {
        "calls": len(found.calls),
        "messages": len(found.messages),
        "requests": len(found.requests),
        "mails": len(found.mails),
        "texts": found.texts,
    }


def _unlink(paths: tuple[Path, ...]) -> None:
    """Delete files and fsync their folders; raises OSError."""
    for path in paths:
        path.unlink(missing_ok=True)
    for folder in {path.parent for path in paths}:
        fsync_directory(folder)


MOST_ITEMS = 500
HIGHEST = 1_000_000_000


class HandoverCommands(CommandHandlers):
    """Hands work over to a colleague (E19), whose alerts and lists then show it."""

    def __init__(
        self, stores: StoreAccess, now: Callable[[], Now], zone: tzinfo | None = None
    ) -> None:
        self._stores, self._now, self._zone = stores, now, zone

    @command(HandOver)
    def give(self, wish: HandOver) -> DeferredReply:
        """Hand items over to a colleague, or to all if `to` is empty."""
        asked, stores = read_handover(wish, self._now().wall), self._stores

        def reply(result: Words | CentralinoError) -> Reply | CentralinoError:
            if isinstance(result, CentralinoError):
                return result
            stores.mailbox.recount()
            stores.on_care()
            return Said(result)

        letters = stores.records.letters
        return deferred(
            stores.records, lambda c: cases.hand_over(c, asked, letters, self._zone), reply
        )


def read_handover(wish: HandOver, at: datetime) -> Handover:
    """Return what is handed over; raises OfficeError for items that are none, or too many."""
    if len(wish.items) > MOST_ITEMS:
        raise OfficeError(f"hand_over: at most {MOST_ITEMS} items at once")
    items = tuple(dict.fromkeys(map(_item, wish.items)))
    return Handover(wish.by, wish.position, wish.to, at, items)


def _item(text: str) -> HandoverItem:
    kind, _, number = text.partition(":")
    if kind not in tuple(HandoverKind) or not number.isdecimal() or len(number) > len(str(HIGHEST)):
        raise OfficeError(f'{text!r} is nothing to hand over: say "message:12", "call:7"')
    if not 0 < int(number) < HIGHEST:
        raise OfficeError(f"{text!r} has a number that nothing has")
    return HandoverItem(HandoverKind(kind), int(number))


# Data kept for ever, whatever the configuration (days: 0).
ELSE: Final = (
    (_("Messages that nobody closed"), 0),
    (_("Audit, which holds no number"), 0),
)


class RetentionCommands(CommandHandlers):
    """Retention times, and all data kept about one caller."""

    def __init__(
        self,
        settings: Settings,
        stores: StoreAccess,
        deleted_at: Callable[[], datetime | None],
        now: Callable[[], datetime],
    ) -> None:
        self._settings, self._stores = settings, stores
        self._deleted_at, self._now = deleted_at, now

    @command(ShowRetention)
    def retention(self, wish: ShowRetention) -> DeferredReply:
        """Return retention times, deletions due within 30 days, past deletions, the last run."""
        by, now, keeping = wish.by, self._now(), keeping_of(self._settings)
        ran = self._deleted_at()

        def job(connection: sqlite3.Connection) -> Reply:
            check_may(connection, by, Permission.ERASE)
            return RetentionReply(
                kept=_kept(keeping),
                soon=_soon(upcoming_deletions(connection, keeping, now)),
                waiting=_waiting(count_unclosed(connection)),
                ran=ran,
                deleted=tuple(map(_deletion, deletions(connection))),
            )

        return deferred(self._stores.records, job, lambda result: result)

    @command(ExportKept)
    def kept_of(self, wish: ExportKept) -> DeferredReply:
        """Return all data about a number; the audit holds the amount, never the number."""
        by, now = wish.by, self._now()
        number = same_number(wish.number, numbers_of(self._settings))

        def job(connection: sqlite3.Connection) -> Reply:
            check_may(connection, by, Permission.ERASE)
            return KeptData(privacy.exported(connection, number, by, now))

        return deferred(self._stores.records, job, lambda result: result)


def _kept(keeping: RetentionDays) -> tuple[KeptFor, ...]:
    days = {
        "messages": keeping.messages_closed,
        "numbers": keeping.numbers,
        "mails": keeping.numbers,
        "calls": keeping.calls,
        "requests": keeping.calls,
    }
    found = [*((KIND_LABELS[what], limit) for what, limit in days.items()), *ELSE]
    return tuple(KeptFor(words, limit) for words, limit in found)


def _soon(found: UpcomingDeletions) -> DueDeletions:
    return DueDeletions(
        until=found.until,
        messages=tuple(NumberedAt(number, at) for number, at in found.messages),
        numbers=found.numbers,
        calls=found.calls,
        mails=found.mails,
        requests=found.requests,
        open_calls=found.open_calls,
    )


def _waiting(found: UnclosedCounts) -> UnclosedData:
    return UnclosedData(
        messages=found.messages,
        oldest_message=found.oldest_message,
        requests=found.requests,
        oldest_request=found.oldest_request,
        mails=found.mails,
    )


def _deletion(each: Deletion) -> PastDeletion:
    words = KIND_LABELS.get(each.what, unchanged(each.what))
    return PastDeletion(each.at, words, len(each.ids))
